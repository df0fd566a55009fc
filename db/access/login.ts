import type { Knex } from 'knex';
import type { Audience } from '../../domain/access/session.js';
import type { AffiliateId, ApiKeyId, LoginId, SessionId, UserId, WorkspaceId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { Db } from '../connection.js';
import type { Tx } from '../transaction.js';

// Logins, sessions and one-time tokens lie above workspaces: reached through definer functions only (20261125_1080), by their key.

type Asked = Db | Tx;

async function rowsOf<Row>(
  on: Asked,
  call: string,
  bindings: readonly (Knex.RawBinding | null)[],
): Promise<readonly Row[]> {
  const { rows } = await (on as Knex).raw<{ rows: Row[] }>(`select * from ${call}`, bindings as Knex.RawBinding[]);
  return rows;
}

export interface Login {
  readonly id: LoginId;
  readonly passwordHash: string | null;
  readonly failedAttempts: number;
  readonly lockedUntil: Instant | null;
}

interface LoginRow {
  readonly login_id: LoginId;
  readonly password_hash: string | null;
  readonly failed_attempts: number;
  readonly locked_until: Instant | null;
}

function toLogin(row: LoginRow | undefined): Login | undefined {
  return row === undefined
    ? undefined
    : {
        id: row.login_id,
        passwordHash: row.password_hash,
        failedAttempts: row.failed_attempts,
        lockedUntil: row.locked_until,
      };
}

export async function findLogin(db: Asked, email: string): Promise<Login | undefined> {
  const [row] = await rowsOf<LoginRow>(db, 'directory_login(?)', [email]);
  return toLogin(row);
}

export async function findLoginById(db: Asked, id: LoginId): Promise<(Login & { readonly email: string }) | undefined> {
  const [row] = await rowsOf<LoginRow & { readonly email: string }>(db, 'directory_login_by_id(?)', [id]);
  const login = toLogin(row);
  return login === undefined || row === undefined ? undefined : { ...login, email: row.email };
}

/** One membership of a person: a workspace, an affiliate record, a reseller. */
export interface Membership {
  readonly id: string;
  readonly userId: UserId;
  readonly workspaceId: WorkspaceId;
  readonly workspaceName: string;
  readonly audience: Audience;
  readonly status: 'invited' | 'active' | 'disabled';
  readonly name: string;
  readonly email: string;
  readonly roleIds: readonly string[];
  readonly rights: readonly string[];
  readonly affiliateId: AffiliateId | null;
  readonly isInstanceAdmin: boolean;
}

/** Where may this person sign in? Oldest first. */
export async function listMemberships(db: Asked, loginId: LoginId): Promise<readonly Membership[]> {
  const rows = await rowsOf<{
    user_id: UserId;
    workspace_id: WorkspaceId;
    workspace_name: string;
    audience: Audience;
    status: Membership['status'];
    name: string;
    email: string;
    role_ids: string[];
    rights: string[];
    affiliate_id: AffiliateId | null;
    is_instance_admin: boolean;
  }>(db, 'directory_memberships(?)', [loginId]);
  return rows.map((row) => ({
    id: row.user_id,
    userId: row.user_id,
    workspaceId: row.workspace_id,
    workspaceName: row.workspace_name,
    audience: row.audience,
    status: row.status,
    name: row.name,
    email: row.email,
    roleIds: row.role_ids,
    rights: row.rights,
    affiliateId: row.affiliate_id,
    isInstanceAdmin: row.is_instance_admin,
  }));
}

/** Does this person's login open anything beside this membership: another workspace, a portal? Who is removed there opens nothing. */
export async function guardsOtherMemberships(
  db: Asked,
  of: { readonly loginId: LoginId; readonly userId: UserId },
): Promise<boolean> {
  const memberships = await listMemberships(db, of.loginId);
  return memberships.some((one) => one.userId !== of.userId && one.status !== 'disabled');
}

export async function setPassword(db: Asked, loginId: LoginId, hash: string): Promise<void> {
  await rowsOf(db, 'directory_set_password(?, ?)', [loginId, hash]);
}

export async function markEmailVerified(db: Asked, loginId: LoginId): Promise<void> {
  await rowsOf(db, 'directory_verify_email(?)', [loginId]);
}

/** Answers the address before; undefined when another login has the new one. */
export async function changeLoginEmail(tx: Tx, loginId: LoginId, email: string): Promise<string | undefined> {
  const [row] = await rowsOf<{ old_email: string }>(tx, 'directory_change_email(?, ?)', [loginId, email]);
  return row?.old_email;
}

/** Counts a wrong password and locks the login when there were `lockAfter` of them. */
export async function countFailure(
  db: Asked,
  loginId: LoginId,
  limits: { readonly lockAfter: number; readonly lockSeconds: number },
): Promise<void> {
  await rowsOf(db, 'directory_count_failure(?, ?, ?)', [loginId, limits.lockAfter, limits.lockSeconds]);
}

export async function clearFailures(db: Asked, loginId: LoginId): Promise<void> {
  await rowsOf(db, 'directory_clear_failures(?)', [loginId]);
}

export interface NewSession {
  readonly id: SessionId;
  readonly tokenHash: Buffer;
  readonly csrfToken: string;
  readonly loginId: LoginId;
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  readonly audience: Audience;
  readonly userAgent: string | null;
  readonly expiresAt: Instant;
}

/** A session of staff that came through the workspace's provider; as `insertSession` otherwise. */
export async function insertProviderSession(db: Asked, session: NewSession, factorShown: boolean): Promise<void> {
  await rowsOf(db, 'directory_create_provider_session(?, ?, ?, ?, ?, ?, ?, ?, ?)', [
    session.id,
    session.tokenHash,
    session.csrfToken,
    session.loginId,
    session.workspaceId,
    session.userId,
    session.userAgent,
    session.expiresAt,
    factorShown,
  ]);
}

/** A second factor was shown in this session. */
export async function markFactorShown(db: Asked, sessionId: SessionId): Promise<void> {
  await rowsOf(db, 'directory_factor_shown(?)', [sessionId]);
}

/** Nothing is written when the person is not active at this moment: whoever made it finds no session. */
export async function insertSession(db: Asked, session: NewSession): Promise<void> {
  await rowsOf(db, 'directory_create_session(?, ?, ?, ?, ?, ?, ?, ?, ?)', [
    session.id,
    session.tokenHash,
    session.csrfToken,
    session.loginId,
    session.workspaceId,
    session.userId,
    session.audience,
    session.userAgent,
    session.expiresAt,
  ]);
}

export interface NewPortalView extends Omit<NewSession, 'loginId' | 'audience'> {
  readonly affiliateId: AffiliateId;
  /** The session or key that opens it: it ends with that one. */
  readonly openedBy: SessionId | ApiKeyId;
}

/** Opens a view of an affiliate's portal; the opener's earlier one ends. Answers when it ends; undefined: the person or affiliate is gone. */
export async function insertPortalView(tx: Tx, view: NewPortalView): Promise<Instant | undefined> {
  const [row] = await rowsOf<{ view_ends_at: Instant }>(tx, 'directory_create_view(?, ?, ?, ?, ?, ?, ?, ?, ?)', [
    view.id,
    view.tokenHash,
    view.csrfToken,
    view.workspaceId,
    view.userId,
    view.openedBy,
    view.affiliateId,
    view.userAgent,
    view.expiresAt,
  ]);
  return row?.view_ends_at;
}

export async function markSteppedUp(db: Asked, sessionId: SessionId): Promise<void> {
  await rowsOf(db, 'directory_step_up(?)', [sessionId]);
}

/** True when it was a living session of this login. */
export async function endSession(db: Asked, loginId: LoginId, sessionId: SessionId): Promise<boolean> {
  const [row] = await rowsOf<{ directory_end_session: boolean }>(db, 'directory_end_session(?, ?)', [
    loginId,
    sessionId,
  ]);
  return row?.directory_end_session === true;
}

/** All sessions of a login, or those of one membership; one may be spared. */
export async function endSessions(
  db: Asked,
  loginId: LoginId,
  only: { readonly userId?: UserId; readonly except?: SessionId } = {},
): Promise<void> {
  await rowsOf(db, 'directory_end_sessions(?, ?, ?)', [loginId, only.userId ?? null, only.except ?? null]);
}

export interface SessionSummary {
  readonly id: SessionId;
  readonly workspaceId: WorkspaceId;
  readonly audience: Audience;
  readonly userAgent: string | null;
  readonly lastSeenAt: Instant;
  readonly expiresAt: Instant;
  readonly createdAt: Instant;
  /** The affiliate whose portal is looked at; null: an ordinary session. */
  readonly viewedAffiliateId: AffiliateId | null;
}

/** Where is this person signed in? Newest first. */
export async function listSessions(db: Asked, loginId: LoginId): Promise<readonly SessionSummary[]> {
  const rows = await rowsOf<{
    session_id: SessionId;
    workspace_id: WorkspaceId;
    audience: Audience;
    user_agent: string | null;
    last_seen_at: Instant;
    expires_at: Instant;
    created_at: Instant;
    viewed_affiliate_id: AffiliateId | null;
  }>(db, 'directory_sessions(?)', [loginId]);
  return rows.map((row) => ({
    id: row.session_id,
    workspaceId: row.workspace_id,
    audience: row.audience,
    userAgent: row.user_agent,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    viewedAffiliateId: row.viewed_affiliate_id,
  }));
}
