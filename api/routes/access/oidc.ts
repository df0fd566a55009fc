import type { Context } from 'koa';
import { z } from 'zod';
import { listMemberships, type Membership, markSteppedUp } from '../../../db/access/login.js';
import { lockRolesInUse } from '../../../db/access/role.js';
import { getSettings } from '../../../db/access/settings.js';
import {
  bindSubject,
  findSignInProvider,
  findSubject,
  findUserIdOfSubject,
  lockSignInProvider,
  type SignInProvider,
} from '../../../db/access/signInProvider.js';
import {
  countActiveWithRoles,
  findUserByLogin,
  insertUser,
  lockOwners,
  lockUser,
  updateUser,
  type User,
} from '../../../db/access/user.js';
import { ensureLogin } from '../../../db/access/workspace.js';
import { listSignInProviders } from '../../../db/directory.js';
import { inWorkspace, readWorkspace, type Tx } from '../../../db/transaction.js';
import { findRole } from '../../../domain/access/permission.js';
import { needsSecondFactor } from '../../../domain/access/session.js';
import {
  decideEntry,
  isFreshlyAuthenticated,
  providerFlowMs,
  type ProviderIdentity,
  type ProviderProblem,
  rolesOfGroups,
  signInProviderPurpose,
} from '../../../domain/access/signInProvider.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { LoginId, SessionId, UserId, WorkspaceId } from '../../../domain/ids.js';
import { addMs, epochMs, type Instant, isBefore } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import {
  beginAtProvider,
  finishAtProvider,
  type ProviderChecks,
  type ProviderClient,
  ProviderFailure,
} from '../../../platform/oidc.js';
import { isSameText } from '../../../platform/secrets.js';
import { findOwnSession, readCookie } from '../../auth.js';
import { challengeFor } from '../../credentials.js';
import type { ApiDeps } from '../../deps.js';
import type { RequestState } from '../../requestContext.js';
import { readQuery } from '../../requestParts.js';
import type { Route } from '../../route.js';
import { emailWire, idWire, nameText } from '../../schemas/wire.js';
import { sessionAnswer, setCookie, startSession } from '../../signIn.js';
import { parseWith } from '../../validation.js';
import { callbackPath } from './signInProvider.js';

// Staff sign in through their company's provider, and prove there anew who they are (BEY-35, api.md 5, docs/decisions/1160). People come here
// by links and redirects, so a refusal leads to a page that says why, never to a problem document.

class Refused extends Error {
  readonly why: ProviderProblem;
  constructor(why: ProviderProblem) {
    super(why);
    this.why = why;
  }
}

/** Kept in the browser, sealed: nothing of a sign-in that is under way lies on the server. */
interface Flow extends ProviderChecks {
  readonly workspaceId: WorkspaceId;
  /** The provider as it was when the browser left. */
  readonly version: number;
  readonly purpose: 'sign_in' | 'step_up';
  readonly next: string | null;
  /** Of a step-up: whose. */
  readonly sessionId: SessionId | null;
  readonly startedAt: Instant;
}

const flowPurpose = 'oidc_flow';
const signInPage = '/sign-in';
const confirmedPage = '/confirmed';

function flowCookieName(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-oidc' : 'oidc';
}

const startQuery = z.strictObject({
  provider: idWire('workspace').exactOptional(),
  next: z.string().max(1_000).exactOptional(),
  purpose: z.enum(['sign_in', 'step_up']).exactOptional(),
});

const publicRoute = {
  method: 'GET',
  permission: 'public',
  params: undefined,
  body: undefined,
  reply: z.unknown(),
  status: 302,
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
} as const;

const start: Route = {
  ...publicRoute,
  path: '/v1/auth/oidc/start',
  summary: 'Go to the company’s provider to sign in, or to confirm that it is you',
  query: startQuery,
  refuses: ['access.not_enabled', 'access.invalid_credentials'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, start);
    const query = parseWith(startQuery, readQuery(koa), 'query') as z.output<typeof startQuery>;
    const isStepUp = query.purpose === 'step_up';
    await orTell(koa, deps, isStepUp ? confirmedPage : signInPage, async () => {
      const session = isStepUp ? await sessionToConfirm(koa, deps) : null;
      const workspaceId = session?.workspaceId ?? (await workspaceFor(deps, query.provider));
      const provider = await getProvider(deps, workspaceId);
      const { address, ...checks } = await beginAtProvider(clientOf(deps, provider), deps.config.outboundAllow, {
        redirectUri: `${deps.config.http.publicUrl}${callbackPath}`,
        isAnew: isStepUp,
      });
      const flow: Flow = {
        ...checks,
        workspaceId,
        version: provider.version,
        purpose: isStepUp ? 'step_up' : 'sign_in',
        next: ownPath(query.next, deps.config.http.publicUrl),
        sessionId: session?.sessionId ?? null,
        startedAt: clockNow(),
      };
      keepFlow(deps, koa, deps.secrets.seal(flowPurpose, JSON.stringify(flow)), providerFlowMs / 1_000);
      return address;
    });
  },
};

const callback: Route = {
  ...publicRoute,
  path: callbackPath,
  summary: 'Back from the company’s provider',
  query: undefined,
  refuses: ['access.not_enabled', 'access.invalid_credentials'],
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, callback);
    const flow = readFlow(deps, koa);
    keepFlow(deps, koa, '', 0);
    await orTell(koa, deps, flow?.purpose === 'step_up' ? confirmedPage : signInPage, async () => {
      const address = new URL(`${deps.config.http.publicUrl}${callbackPath}${koa.search}`);
      // Whose browser did not leave from here with this very state was sent by somebody else.
      const states = address.searchParams.getAll('state');
      if (flow === undefined || states.length !== 1 || !isSameText(states[0] ?? '', flow.state))
        throw new Refused('expired');
      const provider = await getProvider(deps, flow.workspaceId);
      if (provider.version !== flow.version) throw new Refused('expired');
      const identity = await finishAtProvider(clientOf(deps, provider), deps.config.outboundAllow, {
        address,
        checks: flow,
      });
      return flow.purpose === 'step_up'
        ? confirm(koa, deps, flow, identity)
        : signIn(koa, deps, flow, provider, identity);
    });
  },
};

/** Sends the browser where `work` says, or to the page with the reason. The log has the reason, never what the provider answered. */
async function orTell(koa: Context, deps: ApiDeps, page: string, work: () => Promise<string>): Promise<void> {
  let goal: string;
  try {
    goal = await work();
  } catch (error) {
    const why =
      error instanceof Refused
        ? error.why
        : error instanceof ProviderFailure
          ? error.kind === 'cancelled'
            ? 'cancelled'
            : 'provider_failed'
          : undefined;
    if (why === undefined) throw error;
    const fault = error instanceof ProviderFailure ? error.fault : null;
    (koa.state as RequestState).log.warn({ why, fault }, 'sign-in by a provider was refused');
    // A program has no use for a page.
    if (koa.accepts('json', 'html') === 'json')
      throw why === 'not_enabled'
        ? new DomainError('access.not_enabled', { capability: 'sign_in_provider' })
        : new DomainError('access.invalid_credentials');
    goal = `${deps.config.http.publicUrl}${page}?problem=${why}`;
  }
  koa.set('Cache-Control', 'no-store');
  koa.set('Referrer-Policy', 'no-referrer');
  koa.set('Location', goal);
  koa.body = null;
  koa.status = 302;
}

/** The workspace of this request; without a name the only one that has a provider. */
async function workspaceFor(deps: ApiDeps, wanted: WorkspaceId | undefined): Promise<WorkspaceId> {
  const enabled = await listSignInProviders(deps.db);
  const found =
    wanted === undefined
      ? enabled.length === 1
        ? enabled[0]
        : undefined
      : enabled.find(({ workspaceId }) => workspaceId === wanted);
  if (found === undefined) throw new Refused('not_enabled');
  return found.workspaceId;
}

async function getProvider(deps: ApiDeps, workspaceId: WorkspaceId): Promise<SignInProvider> {
  const provider = await readWorkspace(deps.db, workspaceId, (tx) => findSignInProvider(tx));
  if (provider?.enabled !== true) throw new Refused('not_enabled');
  return provider;
}

function clientOf(deps: ApiDeps, provider: SignInProvider): ProviderClient {
  return {
    issuer: provider.issuer,
    clientId: provider.clientId,
    clientSecret: deps.secrets.unseal(signInProviderPurpose, provider.clientSecret),
    groupsClaim: provider.groupsClaim,
  };
}

/** The session that asks to be stepped up: one by the provider, without a second factor of ours, and only from a page of ours. */
async function sessionToConfirm(koa: Context, deps: ApiDeps) {
  const site = koa.req.headers['sec-fetch-site'];
  const session = await ownSession(koa, deps);
  if (session?.byProvider !== true || session.hasTotp || (site !== undefined && site !== 'same-origin'))
    throw new Refused('expired');
  return session;
}

function ownSession(koa: Context, deps: ApiDeps) {
  return findOwnSession(koa.req, { db: deps.db, publicUrl: deps.config.http.publicUrl });
}

/** A path of our own pages, or nothing: this must not become an open redirect. */
function ownPath(next: string | undefined, publicUrl: string): string | null {
  if (next === undefined || !/^\/[A-Za-z0-9]/.test(next) || next.startsWith('/v1/') || /[\\\p{Cc}]/u.test(next))
    return null;
  const url = URL.canParse(next, publicUrl) ? new URL(next, publicUrl) : undefined;
  return url?.origin === new URL(publicUrl).origin ? `${url.pathname}${url.search}${url.hash}` : null;
}

function keepFlow(deps: ApiDeps, koa: Context, value: string, lifeSeconds: number): void {
  setCookie(deps, koa, flowCookieName(deps.config.http.publicUrl), value, lifeSeconds);
}

function readFlow(deps: ApiDeps, koa: Context): Flow | undefined {
  const sealed = readCookie(koa.req.headers.cookie, flowCookieName(deps.config.http.publicUrl));
  if (sealed === undefined || sealed === '') return undefined;
  let flow: Flow;
  try {
    flow = JSON.parse(deps.secrets.unseal(flowPurpose, sealed)) as Flow;
  } catch {
    return undefined; // altered, or sealed with a key that is gone
  }
  return isBefore(clockNow(), addMs(flow.startedAt, providerFlowMs)) ? flow : undefined;
}

/** The same person, asked anew just now, in the very session that asked: it is stepped up. */
async function confirm(koa: Context, deps: ApiDeps, flow: Flow, identity: ProviderIdentity): Promise<string> {
  const session = await ownSession(koa, deps);
  if (session === undefined || session.sessionId !== flow.sessionId || !session.byProvider)
    throw new Refused('expired');
  const bound = await readWorkspace(deps.db, flow.workspaceId, (tx) => findSubject(tx, session.userId));
  if (bound?.issuer !== identity.issuer || bound.subject !== identity.subject) throw new Refused('other_person');
  if (!isFreshlyAuthenticated(identity.authenticatedAt, epochMs(flow.startedAt))) throw new Refused('not_fresh');
  await markSteppedUp(deps.db, session.sessionId);
  return `${deps.config.http.publicUrl}${confirmedPage}`;
}

async function signIn(
  koa: Context,
  deps: ApiDeps,
  flow: Flow,
  provider: SignInProvider,
  identity: ProviderIdentity,
): Promise<string> {
  const email = emailWire.safeParse(identity.email ?? '');
  if (!email.success || identity.isEmailUnverified) throw new Refused('no_email');
  const user = await inWorkspace(deps.db, flow.workspaceId, (tx, now) =>
    enter(deps, tx, actOf(deps, koa, flow.workspaceId, now), provider, identity, email.data),
  );
  const { publicUrl } = deps.config.http;
  const { settings } = await readWorkspace(deps.db, flow.workspaceId, (tx) => getSettings(tx));
  const owesFactor =
    !identity.usedSecondFactor && needsSecondFactor('staff', user.roleIds, settings.security.totpRequiredFor);
  const challenge = owesFactor ? await challengeFor(deps, user.loginId, user.id, true) : undefined;
  // Behind the hash: it goes into no log and to no server.
  if (challenge !== undefined)
    return `${publicUrl}${signInPage}${flow.next === null ? '' : `?next=${encodeURIComponent(flow.next)}`}#totp=${challenge}`;
  const membership = await getMembership(deps, user.loginId, user.id);
  const session = await startSession(deps, koa, user.loginId, membership, { factorShown: identity.usedSecondFactor });
  const { homePath } = await sessionAnswer(deps, membership, session);
  return `${publicUrl}${flow.next ?? homePath}`;
}

async function getMembership(deps: ApiDeps, loginId: LoginId, userId: UserId): Promise<Membership> {
  const membership = (await listMemberships(deps.db, loginId)).find((one) => one.userId === userId);
  if (membership === undefined) throw new Refused('removed');
  return membership;
}

/** What a sign-in by the provider changes is the provider's doing: the history names the person and the event, and nobody else. */
function actOf(deps: ApiDeps, koa: Context, workspaceId: WorkspaceId, now: Instant): Act {
  return {
    workspaceId,
    mode: 'live',
    now,
    actor: { type: 'system', id: null, userId: null },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: (koa.state as RequestState).requestId,
    newId: deps.newId,
  };
}

/**
 * Lets a person into the workspace, or refuses (`Refused`, and nothing is kept). One after the other, under the provider's lock: two owners whose
 * groups changed at once must not each take the other for the one who stays, and a provider that is being switched off lets nobody in.
 */
async function enter(
  deps: ApiDeps,
  tx: Tx,
  act: Act,
  provider: SignInProvider,
  identity: ProviderIdentity,
  email: string,
): Promise<User> {
  if ((await lockSignInProvider(tx))?.version !== provider.version) throw new Refused('expired');
  await lockOwners(tx); // staff may take an owner away at this moment too
  const loginId = await ensureLogin(tx, deps.newId, email);
  const boundId = await findUserIdOfSubject(tx, identity);
  const meantId = boundId ?? (await findUserByLogin(tx, loginId, 'staff'))?.id;
  const user = meantId === undefined ? undefined : await lockUser(tx, meantId);
  const bound = user === undefined || boundId !== undefined ? undefined : await findSubject(tx, user.id);
  const isOfAnother = bound?.issuer === identity.issuer && bound.subject !== identity.subject;
  const custom = await lockRolesInUse(
    tx,
    provider.roleGroups.map(({ roleId }) => roleId),
  );
  // A role that was deleted since is nobody's.
  const known = provider.roleGroups.filter(({ roleId }) => findRole(roleId, custom) !== undefined);
  const entry = decideEntry(
    user === undefined
      ? undefined
      : {
          status: user.status,
          roleIds: user.roleIds,
          boundTo: boundId !== undefined ? 'this' : isOfAnother ? 'another' : 'nobody',
          isLastOwner: await isLastOwner(tx, user),
        },
    { mapped: rolesOfGroups(identity.groups, known), mappable: known.map(({ roleId }) => roleId) },
  );
  if (entry.kind === 'refuse') throw new Refused(entry.why);
  const inside =
    user ?? (await insertNew(deps, tx, act, { loginId, email, name: identity.name, roleIds: entry.roleIds }));
  if (boundId === undefined) await bindSubject(tx, act.now, inside.id, identity);
  return settle(tx, act, inside, { roleIds: entry.roleIds, isNewlyBound: user !== undefined && boundId === undefined });
}

async function isLastOwner(tx: Tx, user: User): Promise<boolean> {
  if (!user.roleIds.includes('owner') || user.status !== 'active') return false;
  return (await countActiveWithRoles(tx, ['owner'], user.id)) === 0;
}

function insertNew(
  deps: ApiDeps,
  tx: Tx,
  act: Act,
  person: {
    readonly loginId: LoginId;
    readonly email: string;
    readonly name: string | null;
    readonly roleIds: readonly string[];
  },
): Promise<User> {
  const name = nameText.safeParse(person.name ?? '');
  return insertUser(tx, act, {
    id: deps.newId('user'),
    loginId: person.loginId,
    audience: 'staff',
    name: name.success ? name.data : (person.email.split('@')[0] ?? person.email),
    email: person.email,
    roleIds: person.roleIds,
    status: 'active',
  });
}

/** Bound, in, and with the roles of the groups. No entry where nothing changes. */
async function settle(
  tx: Tx,
  act: Act,
  user: User,
  { roleIds, isNewlyBound }: { readonly roleIds: readonly string[]; readonly isNewlyBound: boolean },
): Promise<User> {
  let inside = user;
  if (isNewlyBound || user.status === 'invited')
    inside = await updateUser(tx, act, user, 'boundToProvider', user.status === 'invited' ? { status: 'active' } : {});
  const isSame = roleIds.length === inside.roleIds.length && roleIds.every((id) => inside.roleIds.includes(id));
  return isSame ? inside : updateUser(tx, act, inside, 'rolesByProvider', { roleIds });
}

export const oidcRoutes: readonly Route[] = [start, callback];
