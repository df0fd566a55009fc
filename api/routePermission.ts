import { can, isPortalPermission, type Permission } from '../domain/access/permission.js';
import { DomainError } from '../domain/errors.js';
import type { Caller } from './auth.js';

/** One right of the matrix, or: `any` valid credential, `session`, `staff` of any kind, `public` (definePublicRoute). */
export type RoutePermission = Permission | 'any' | 'session' | 'staff' | 'public';

/** Codes: `access.wrong_audience`, `access.permission_missing`, `access.unauthenticated`. */
export function checkPermission(caller: Caller, permission: RoutePermission): void {
  if (permission === 'any' || permission === 'public') return;
  if (permission === 'session') {
    if (caller.session === null) throw new DomainError('access.unauthenticated', { detail: 'This needs a session.' });
    return;
  }
  const isForPortal = permission !== 'staff' && isPortalPermission(permission);
  // An affiliate's key may hold staff rights (its leads), within its own rows; a portal session may not, nor staff the portal.
  const isWrongAudience = isForPortal
    ? caller.audience !== 'affiliate'
    : caller.audience !== 'staff' && (caller.via === 'session' || permission === 'staff');
  if (isWrongAudience) throw new DomainError('access.wrong_audience');
  if (permission === 'staff' || can(caller.grant, permission)) return;
  throw new DomainError('access.permission_missing', {
    missingPermission: permission,
    ...(caller.lacksSecondFactor
      ? { needs: 'second_factor', detail: 'Your role demands a second factor: set it up in your profile.' }
      : {}),
  });
}

/** What else than the affiliate's own pages a look at a portal needs: who am I, whose brand, my own choices of columns. */
const readInView: ReadonlySet<string> = new Set(['/v1/me', '/v1/workspace', '/v1/preferences/:key']);

/**
 * Staff who look at an affiliate's portal read what it reads and end the look: nothing else, not even their own lists or another session of
 * theirs (T42). Codes: `access.read_only_session`, `access.wrong_audience`.
 */
export function checkView(
  caller: Caller,
  route: { readonly method: string; readonly path: string; readonly permission: RoutePermission },
): void {
  if (caller.viewing === null || route.path === '/v1/auth/logout') return;
  if (route.method !== 'GET') throw new DomainError('access.read_only_session');
  if (route.permission === 'me.read' || readInView.has(route.path)) return;
  throw new DomainError('access.wrong_audience');
}

/** What is the login's and not the workspace's: the login may be at home in other workspaces, which this one's provider says nothing about. */
const ofLogin: ReadonlySet<string> = new Set([
  'POST /v1/auth/switch',
  'POST /v1/auth/password',
  'POST /v1/auth/email',
  'POST /v1/auth/totp/enrol',
  'POST /v1/auth/totp/confirm',
  'POST /v1/auth/totp/disable',
]);
const secondFactorPath = /^POST \/v1\/auth\/totp\//;

/**
 * A session by the workspace's provider stays in the workspace (docs/decisions/1160): no other membership, no new password or address, and a
 * second factor only where the login guards nothing else. Code: `access.not_enabled`.
 */
export async function checkProviderSession(
  caller: Caller,
  route: { readonly method: string; readonly path: string },
  guardsOtherMemberships: (session: NonNullable<Caller['session']>) => Promise<boolean>,
): Promise<void> {
  const { session } = caller;
  const name = `${route.method} ${route.path}`;
  if (session?.byProvider !== true || !ofLogin.has(name)) return;
  if (secondFactorPath.test(name) && !(await guardsOtherMemberships(session))) return;
  throw new DomainError('access.not_enabled', {
    capability: 'own_sign_in',
    detail: 'You signed in through your company’s provider. For this, sign in with your password or a link of ours.',
  });
}

/** A file leaves the house, so it has a right of its own (api.md 1.6); the portal's is of the caller's own rows (api.md 17). */
export function checkExportRight(caller: Caller, permission: RoutePermission): void {
  if (caller.viewing?.mayExport === false)
    throw new DomainError('access.permission_missing', { missingPermission: 'export.create' });
  if (!(isRight(permission) && isPortalPermission(permission))) checkPermission(caller, 'export.create');
}

/** One right of the matrix, and no word for who else may call. */
export function isRight(permission: RoutePermission): permission is Permission {
  return permission !== 'any' && permission !== 'session' && permission !== 'staff' && permission !== 'public';
}
