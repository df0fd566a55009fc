import { BlockList, isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { touchApiKey, touchSession } from '../db/access/lastSeen.js';
import type { Db } from '../db/connection.js';
import { type ApiKeyEntry, findApiKey, findSession, type PortalView, type SessionEntry } from '../db/directory.js';
import {
  can,
  type CustomRole,
  findRole,
  type Grant,
  grantOf,
  mayAffiliateKeyHold,
  narrow,
  noGrant,
  type Permission,
  permissions,
  type Scope,
  wholeWorkspace,
} from '../domain/access/permission.js';
import { type Audience, isIdle, isSteppedUp, needsSecondFactor } from '../domain/access/session.js';
import type { Actor, Mode } from '../domain/act.js';
import { dateIn } from '../domain/calendar.js';
import { DomainError } from '../domain/errors.js';
import type { AffiliateId, UserId, WorkspaceId } from '../domain/ids.js';
import { durationMs, type Instant } from '../domain/time.js';
import { countryIn } from '../domain/tracking/trafficTerms.js';
import { clockNow } from '../platform/clock.js';
import { hashToken, isSameText, readApiKey } from '../platform/secrets.js';

/** Who calls, as the server knows it: workspace, rights and rows come from the credential alone (ROL-07). */
export interface Caller {
  readonly via: 'session' | 'key';
  readonly workspaceId: WorkspaceId;
  readonly actor: Actor;
  readonly name: string;
  readonly audience: Audience;
  readonly grant: Grant;
  readonly mode: Mode;
  /** The credential's own reach: the rows of an affiliate's key or portal person, else the workspace. */
  readonly reach: Scope;
  /** Keys are exempt from step-up: the right was granted to them on purpose. */
  readonly isSteppedUp: boolean;
  /** A role of this person demands a second factor and there is none: until it is set up the session holds no right (ROL-11). */
  readonly lacksSecondFactor: boolean;
  readonly session: SessionEntry | null;
  readonly key: ApiKeyEntry | null;
  /** Staff who look at an affiliate's portal; null: everybody else. */
  readonly viewing: Viewing | null;
}

/** A look at an affiliate's portal shows no more than its reader may see elsewhere: what the person's own rights say (screens.md 2). */
export interface Viewing {
  readonly affiliateId: AffiliateId;
  readonly seesPeople: boolean;
  readonly mayExport: boolean;
}

/** Who the rows of one right are limited to: `assigned` where the role says so (api.md 2). */
export function scopeFor(caller: Caller, permission: Permission | undefined): Scope {
  if (caller.reach.kind !== 'workspace') return caller.reach;
  if (permission === undefined || !caller.grant.assignedOnly.has(permission)) return caller.reach;
  return caller.actor.userId === null ? caller.reach : { kind: 'assigned', userId: caller.actor.userId as UserId };
}

export interface AuthOptions {
  readonly db: Db;
  readonly publicUrl: string;
  readonly clientAddress: (request: IncomingMessage) => string;
  readonly knownSessions: KnownSessions;
  /** Told of the key as soon as it is known, before it is judged. */
  readonly onKey?: (key: ApiKeyEntry) => void;
}

/** Above it the session that was used longest ago is forgotten, and its next request waits for the look-up again. */
const mostKnownSessions = 2_000;

/**
 * Sessions as this process last read them, by the hash of their cookie. Never the basis of an answer: `guessCaller` only lets a list be read
 * beside the look-up of its session instead of after it, and what was read is thrown away unless the look-up says the same.
 */
export class KnownSessions {
  private readonly entries = new Map<string, SessionEntry>();

  find(hash: Buffer): SessionEntry | undefined {
    return this.entries.get(hash.toString('base64'));
  }

  /** What the look-up answered; undefined: there is no such session (any more). */
  learn(hash: Buffer, entry: SessionEntry | undefined): void {
    const key = hash.toString('base64');
    this.entries.delete(key);
    if (entry === undefined) return;
    this.entries.set(key, entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > mostKnownSessions && oldest !== undefined) this.entries.delete(oldest);
  }
}

/** `__Host-` demands https; a first run on plain http has the short name (api.md 1.2). */
export function sessionCookieName(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-session' : 'session';
}

/** Beside the cookie of one's own session, which stays as it is: the look at an affiliate's portal (docs/decisions/0720). */
export function viewCookieName(publicUrl: string): string {
  return publicUrl.startsWith('https:') ? '__Host-view-session' : 'view-session';
}

const unauthenticated = (): DomainError => new DomainError('access.unauthenticated');

/** The caller, or a refusal. With an Authorization header the cookie is ignored. */
export async function authenticate(request: IncomingMessage, options: AuthOptions): Promise<Caller> {
  const authorization = request.headersDistinct['authorization'];
  const wantedMode = readMode(request);
  if (authorization !== undefined) return byKey(authorization, wantedMode, request, options);
  return bySession(readTokens(request, options), readAudience(request), wantedMode, options);
}

/** The sessions of a browser: a look at a portal comes before one's own, unless the request asks for another audience. */
function readTokens(request: IncomingMessage, { publicUrl }: AuthOptions): readonly string[] {
  return [viewCookieName(publicUrl), sessionCookieName(publicUrl)].flatMap(
    (name) => readCookie(request.headers.cookie, name) ?? [],
  );
}

/** For which surface a page asks: console and portal stand in two tabs of one browser. It chooses among the sent sessions and grants nothing. */
function readAudience(request: IncomingMessage): Audience | undefined {
  const sent = request.headersDistinct['tributary-audience'];
  if (sent === undefined) return undefined;
  const [audience, ...more] = sent;
  if (more.length > 0 || (audience !== 'staff' && audience !== 'affiliate' && audience !== 'reseller'))
    throw new DomainError('request.invalid_header', { detail: 'Tributary-Audience is staff, affiliate or reseller.' });
  return audience;
}

function chosen(sessions: readonly SessionEntry[], wanted: Audience | undefined): SessionEntry | undefined {
  return sessions.find(({ audience }) => audience === wanted) ?? sessions[0];
}

/**
 * Who calls, if the session is still what it was at its last request; undefined: not known, or not by session. To be trusted once
 * `isSameCaller` says so of what `authenticate` answers.
 */
export function guessCaller(request: IncomingMessage, options: AuthOptions): Caller | undefined {
  if (request.headersDistinct['authorization'] !== undefined) return undefined;
  const known = readTokens(request, options).map((token) => options.knownSessions.find(hashToken(token)));
  const session = chosen(
    known.flatMap((one) => one ?? []),
    readAudience(request),
  );
  if (session === undefined || known.includes(undefined)) return undefined;
  return callerOf(session, modeOf(session, readMode(request)), clockNow());
}

/** Do both callers see and may do the same? All of it comes from the session, the mode and the time of the last step-up. */
export function isSameCaller(a: Caller, b: Caller): boolean {
  return a.mode === b.mode && a.isSteppedUp === b.isSteppedUp && entryText(a.session) === entryText(b.session);
}

/** When the session was seen moves with each minute and gives no right. */
function entryText(session: SessionEntry | null): string {
  return JSON.stringify({ ...session, lastSeenAt: null });
}

function readMode(request: IncomingMessage): Mode | undefined {
  const sent = request.headersDistinct['tributary-mode'];
  if (sent === undefined) return undefined;
  const [mode, ...more] = sent;
  if (more.length > 0 || (mode !== 'live' && mode !== 'test'))
    throw new DomainError('request.invalid_header', { detail: 'Tributary-Mode is live or test.' });
  return mode;
}

async function byKey(
  headers: readonly string[],
  wantedMode: Mode | undefined,
  request: IncomingMessage,
  options: AuthOptions,
): Promise<Caller> {
  const [header = '', ...more] = headers;
  const token = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(header)?.[1];
  if (more.length > 0 || token === undefined || readApiKey(token)?.kind !== 'sk') throw unauthenticated();
  const key = await findApiKey(options.db, hashToken(token));
  if (key === undefined || key.kind !== 'secret') throw unauthenticated();
  options.onKey?.(key);
  if (key.revokedAt !== null) throw new DomainError('access.api_user_revoked');
  if (key.creatorStatus !== 'active') throw new DomainError('access.api_user_revoked');
  const now = clockNow();
  if (key.expiresOn !== null && dateIn(key.timeZone, now) >= key.expiresOn)
    throw new DomainError('access.api_user_expired', { expiredOn: key.expiresOn });
  if (key.ipRestricted && !isListed(options.clientAddress(request), key.ipAllowList))
    throw new DomainError('access.ip_not_allowed');
  if (wantedMode !== undefined && wantedMode !== key.mode) throw new DomainError('request.mode_mismatch');
  await touchApiKey(options.db, key, now);
  return {
    via: 'key',
    workspaceId: key.workspaceId,
    actor: { type: 'api_key', id: key.keyId, userId: key.createdBy },
    name: key.creatorName,
    audience: key.affiliateId === null ? 'staff' : 'affiliate',
    grant: grantOfKey(key),
    mode: key.mode,
    reach: key.affiliateId === null ? wholeWorkspace : { kind: 'affiliate', affiliateId: key.affiliateId },
    isSteppedUp: true,
    lacksSecondFactor: false,
    session: null,
    key,
    viewing: null,
  };
}

/** What a key of an affiliate holds where it is ticked, whatever its maker's roles: the portal's rights. */
const portalRights = ['me.read', 'me.write'] as const;
/** And its own leads, where a person of the portal made it: theirs to give, for the affiliate's own rows (docs/decisions/0731). */
const ownKeyRights = [...portalRights, 'lead.read', 'lead.write'] as const;

function ticksOf(
  { permissions: own, roleId }: Pick<ApiKeyEntry, 'permissions' | 'roleId'>,
  custom: readonly CustomRole[],
): readonly string[] {
  return [...own, ...(roleId === null ? [] : (findRole(roleId, custom)?.permissions ?? []))];
}

/** The ticked part of what its creator may do now; an affiliate's key also holds the portal's rights that are ticked. */
function grantOfKey(key: ApiKeyEntry): Grant {
  const custom = key.customRoles;
  const creator = grantOf(key.creatorRoleIds, { instanceAdmin: key.creatorIsInstanceAdmin, custom });
  const ticked = ticksOf(key, custom);
  if (key.affiliateId === null) return narrow(creator, ticked);
  const granted = narrow(
    creator,
    permissions.filter((one) => ticked.includes(one) && mayAffiliateKeyHold(one)),
  );
  const given = key.creatorAudience === 'affiliate' ? ownKeyRights : portalRights;
  const held = given.filter((permission) => ticked.includes(permission));
  return { ...granted, permissions: new Set([...granted.permissions, ...held]) };
}

async function bySession(
  tokens: readonly string[],
  wanted: Audience | undefined,
  wantedMode: Mode | undefined,
  options: AuthOptions,
): Promise<Caller> {
  const now = clockNow();
  const living: SessionEntry[] = [];
  for (const token of tokens) {
    const hash = hashToken(token);
    const found = await findSession(options.db, hash);
    options.knownSessions.learn(hash, found);
    if (found !== undefined && isAlive(found, now)) living.push(found);
  }
  const session = chosen(living, wanted);
  if (session === undefined) throw unauthenticated();
  const mode = modeOf(session, wantedMode);
  if (wantedMode !== undefined && wantedMode !== mode) throw new DomainError('request.mode_mismatch');
  await touchSession(options.db, session, now);
  return callerOf(session, mode, now);
}

function isAlive(session: SessionEntry, now: Instant): boolean {
  return session.userStatus === 'active' && !isTooIdle(session, now) && mayGoOn(session) && !owesCode(session);
}

/** The browser's own session, whatever portal it looks at besides: for pages that a provider sends the person back to. */
export async function findOwnSession(
  request: IncomingMessage,
  { db, publicUrl }: Pick<AuthOptions, 'db' | 'publicUrl'>,
): Promise<SessionEntry | undefined> {
  const token = readCookie(request.headers.cookie, sessionCookieName(publicUrl));
  const found = token === undefined ? undefined : await findSession(db, hashToken(token));
  return found !== undefined && isAlive(found, clockNow()) ? found : undefined;
}

/**
 * A provider was asked for one factor, and by now a role demands two: who has a second one here signs in again and is asked for its code
 * (docs/decisions/1160).
 */
function owesCode(session: SessionEntry): boolean {
  const { audience, byProvider, factorShown, hasTotp, roleIds, totpRequiredFor } = session;
  return byProvider && hasTotp && !factorShown && needsSecondFactor(audience, roleIds, totpRequiredFor);
}

/** A look at a portal that a key opened stays in the mode of that key; every other session is in the mode that it asks for. */
function modeOf(session: SessionEntry, wanted: Mode | undefined): Mode {
  return session.view?.key?.mode ?? wanted ?? 'live';
}

/** A look at a portal ends with the right to it, or with the affiliate's assignment. */
function mayGoOn(session: SessionEntry): boolean {
  if (session.view === null) return true;
  const grant = staffGrantOf(session);
  return (
    can(grant, 'affiliate.impersonate') && (session.view.isAssigned || !grant.assignedOnly.has('affiliate.impersonate'))
  );
}

function lacksFactor({ hasTotp, factorShown, roleIds, totpRequiredFor }: SessionEntry, audience: Audience): boolean {
  return !hasTotp && !factorShown && needsSecondFactor(audience, roleIds, totpRequiredFor);
}

/** What the person of a staff session may do now; in a look that a key opened, the ticked part of it. */
function staffGrantOf(session: SessionEntry): Grant {
  if (lacksFactor(session, 'staff')) return noGrant;
  const { customRoles: custom } = session;
  // The installation is above the workspace whose provider let the person in.
  const instanceAdmin = session.isInstanceAdmin && !session.byProvider;
  const own = grantOf(session.roleIds, { instanceAdmin, custom });
  const key = session.view?.key ?? null;
  return key === null ? own : narrow(own, ticksOf(key, custom));
}

/** Reads what the affiliate reads, as oneself: never stepped up, and with no right but this one. */
function viewerOf(session: SessionEntry, { affiliateId }: PortalView, mode: Mode): Caller {
  const own = staffGrantOf(session);
  return {
    via: 'session',
    workspaceId: session.workspaceId,
    actor: { type: 'user', id: session.userId, userId: session.userId, viewedAffiliateId: affiliateId },
    name: session.userName,
    audience: 'affiliate',
    grant: { ...noGrant, permissions: new Set<Permission>(['me.read']) },
    mode,
    reach: { kind: 'affiliate', affiliateId },
    isSteppedUp: false,
    lacksSecondFactor: false,
    session,
    key: null,
    viewing: { affiliateId, seesPeople: can(own, 'pii.read'), mayExport: can(own, 'export.create') },
  };
}

function callerOf(session: SessionEntry, mode: Mode, now: Instant): Caller {
  if (session.view !== null) return viewerOf(session, session.view, mode);
  const lacksSecondFactor = lacksFactor(session, session.audience);
  return {
    via: 'session',
    workspaceId: session.workspaceId,
    actor: { type: 'user', id: session.userId, userId: session.userId },
    name: session.userName,
    audience: session.audience,
    grant: lacksSecondFactor ? noGrant : grantOfSession(session),
    mode,
    reach:
      session.audience === 'affiliate' && session.affiliateId !== null
        ? { kind: 'affiliate', affiliateId: session.affiliateId }
        : wholeWorkspace,
    isSteppedUp: isSteppedUp(session.steppedUpAt, now),
    lacksSecondFactor,
    session,
    key: null,
    viewing: null,
  };
}

function isTooIdle(session: SessionEntry, now: Instant): boolean {
  const { lastSeenAt, idleTimeout } = session;
  const audience = session.view === null ? session.audience : 'staff';
  const idleMs = audience === 'staff' && idleTimeout !== null ? durationMs(idleTimeout) : undefined;
  return isIdle(audience, lastSeenAt, now, idleMs);
}

function grantOfSession(session: SessionEntry): Grant {
  if (session.audience === 'staff') return staffGrantOf(session);
  if (session.audience === 'affiliate' && session.affiliateId !== null) {
    const held: Permission[] = session.rights.includes('manage') ? ['me.read', 'me.write'] : ['me.read'];
    return { ...noGrant, permissions: new Set(held) };
  }
  return noGrant; // a portal person without a record reaches nothing
}

/** api.md 1.2: a foreign page can send neither our token nor, from a browser, a same-origin fetch. */
export function checkCsrf(request: IncomingMessage, session: SessionEntry, publicUrl: string): void {
  checkOrigin(request, publicUrl);
  const sent = request.headersDistinct['x-csrf-token'];
  if (sent?.length !== 1 || !isSameText(sent[0] ?? '', session.csrfToken)) throw new DomainError('access.csrf_failed');
}

/** The part of it that also guards the public sign-in calls: no token exists yet. */
export function checkOrigin(request: IncomingMessage, publicUrl: string): void {
  const site = request.headers['sec-fetch-site'];
  const origin = request.headers.origin;
  const isForeignSite = site !== undefined && site !== 'same-origin';
  const isForeignOrigin = origin !== undefined && origin !== publicUrl;
  if (isForeignSite || isForeignOrigin) throw new DomainError('access.csrf_failed');
}

export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').split(';')) {
    const cut = part.indexOf('=');
    if (cut > 0 && part.slice(0, cut).trim() === name) return part.slice(cut + 1).trim();
  }
  return undefined;
}

/** Is this address one of these addresses and CIDRs? */
export function isListed(address: string, list: readonly string[]): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return list.some((entry) => {
    const [network = '', bits] = entry.split('/');
    const networkFamily = isIP(network);
    if (networkFamily !== family) return false;
    const block = new BlockList();
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) block.addAddress(network, type);
    else block.addSubnet(network, Number(bits), type);
    return block.check(address, type);
  });
}

/** The caller's address: the socket's, or what a proxy of ours wrote last. A forged X-Forwarded-For of others is ignored. */
export function clientAddressOf(trustProxy: readonly string[]): (request: IncomingMessage) => string {
  return (request) => {
    let address = plainAddress(request.socket.remoteAddress ?? '');
    const forwarded = (request.headersDistinct['x-forwarded-for'] ?? []).flatMap((line) => line.split(','));
    while (isListed(address, trustProxy)) {
      const before = forwarded.pop()?.trim();
      if (before === undefined || isIP(before) === 0) break;
      address = plainAddress(before);
    }
    return address;
  };
}

/**
 * The country from which a request came, as a proxy of ours wrote it into the header of that name. Without a name, and of anybody else's
 * request, nothing is known: everybody can send a header.
 */
export function countryOfRequest(
  trustProxy: readonly string[],
  header: string | undefined,
): (request: IncomingMessage) => string | null {
  if (header === undefined) return () => null;
  const name = header.toLowerCase();
  return (request) => {
    const values = request.headersDistinct[name];
    // Two of them: one is the caller's own, and which, nobody can tell.
    if (values?.length !== 1 || !isListed(plainAddress(request.socket.remoteAddress ?? ''), trustProxy)) return null;
    return countryIn(values[0]);
  };
}

/** An IPv4 address that arrived on an IPv6 socket is that IPv4 address. */
function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
