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
