import { createHash } from 'node:crypto';
import type { CustomRole } from '../domain/access/permission.js';
import type { Mode } from '../domain/act.js';
import type { Audience } from '../domain/access/session.js';
import type { AffiliateStatus } from '../domain/affiliate/affiliate.js';
import type { EnrolmentStatus } from '../domain/affiliate/enrolment.js';
import type {
  AffiliateId,
  ApiKeyId,
  CustomerAccountId,
  LinkId,
  LoginId,
  ProgramId,
  SessionId,
  UserId,
  WorkspaceId,
} from '../domain/ids.js';
import type { PaymentAdapter } from '../domain/earning/paymentEvent.js';
import type { ProgramStatus } from '../domain/program/program.js';
import { emailKey } from '../domain/tracking/contactKey.js';
import type { LinkStatus } from '../domain/tracking/link.js';
import type { Duration, Instant, LocalDate } from '../domain/time.js';
import type { Db } from './connection.js';
import { runAlone } from './pipeline.js';

// Look-ups before a workspace is known, through the definer functions of 20261125_1070 and 20261125_1080. Each takes the key it looks up.

/** Calls a set-returning definer function and answers its rows. Every request by a session or key begins with one. */
function rowsOf<Row>(db: Db, call: string, bindings: readonly unknown[]): Promise<readonly Row[]> {
  return runAlone<Row>(db, `select * from ${call}`, bindings);
}

export interface WorkspaceEntry {
  readonly id: WorkspaceId;
  readonly name: string;
}

/** All workspaces of the installation: for loops over them, never for an answer. */
export async function listWorkspaces(db: Db): Promise<readonly WorkspaceEntry[]> {
  return rowsOf<WorkspaceEntry>(db, 'directory_workspaces()', []);
}

export interface SessionEntry {
  readonly sessionId: SessionId;
  readonly csrfToken: string;
  readonly loginId: LoginId;
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  readonly audience: Audience;
  readonly steppedUpAt: Instant;
  readonly lastSeenAt: Instant;
  readonly expiresAt: Instant;
  readonly userStatus: 'invited' | 'active' | 'disabled';
  readonly userName: string;
  readonly userEmail: string;
  readonly roleIds: readonly string[];
  readonly rights: readonly string[];
  readonly affiliateId: AffiliateId | null;
  readonly isInstanceAdmin: boolean;
  /** The workspace's limit for staff; portal sessions have none of their own. */
  readonly idleTimeout: Duration | null;
  /** Has this login a confirmed second factor? */
  readonly hasTotp: boolean;
  /** Roles that demand one (setting `security.totpRequiredFor`). */
  readonly totpRequiredFor: readonly string[];
  /** The workspace's own roles among `roleIds`. */
  readonly customRoles: readonly CustomRole[];
  /** Staff who look at an affiliate's portal: the person is theirs, the rows are the affiliate's. Null: an ordinary session. */
  readonly view: PortalView | null;
  /** Came through the workspace's provider, which answers for this workspace only (docs/decisions/1160). */
  readonly byProvider: boolean;
  /** Of a session by a provider: a second factor was shown, there or here. */
  readonly factorShown: boolean;
}

export interface PortalView {
  readonly affiliateId: AffiliateId;
  readonly affiliateName: string;
  /** Is the affiliate assigned to the person who looks? */
  readonly isAssigned: boolean;
  /** The key that opened it and sets its bounds; null: a session did. */
  readonly key: { readonly mode: Mode; readonly permissions: readonly string[]; readonly roleId: string | null } | null;
}

/** The living session of a cookie, by the SHA-256 of its value. */
export async function findSession(db: Db, tokenHash: Buffer): Promise<SessionEntry | undefined> {
  const [row] = await rowsOf<{
    session_id: SessionId;
    csrf_token: string;
    login_id: LoginId;
    workspace_id: WorkspaceId;
    user_id: UserId;
    audience: Audience;
    stepped_up_at: Instant;
    last_seen_at: Instant;
    expires_at: Instant;
    user_status: SessionEntry['userStatus'];
    user_name: string;
    user_email: string;
    role_ids: string[];
    rights: string[];
    affiliate_id: AffiliateId | null;
    is_instance_admin: boolean;
    idle_timeout: Duration | null;
    has_totp: boolean;
    totp_required_for: string[];
    custom_roles: CustomRole[];
    viewed_affiliate_id: AffiliateId | null;
    by_provider: boolean;
    factor_shown: boolean;
  }>(db, 'directory_session($1)', [tokenHash]);
  if (row === undefined) return undefined;
  const view = row.viewed_affiliate_id === null ? null : await findView(db, row.session_id);
  // What opened the view is over, and the view with it.
  return view === undefined
    ? undefined
    : {
        sessionId: row.session_id,
        csrfToken: row.csrf_token,
        loginId: row.login_id,
        workspaceId: row.workspace_id,
        userId: row.user_id,
        audience: row.audience,
        steppedUpAt: row.stepped_up_at,
        lastSeenAt: row.last_seen_at,
        expiresAt: row.expires_at,
        userStatus: row.user_status,
        userName: row.user_name,
        userEmail: row.user_email,
        roleIds: row.role_ids,
        rights: row.rights,
        affiliateId: row.affiliate_id,
        isInstanceAdmin: row.is_instance_admin,
        idleTimeout: row.idle_timeout,
        hasTotp: row.has_totp,
        totpRequiredFor: row.totp_required_for,
        customRoles: row.custom_roles,
        view,
        byProvider: row.by_provider,
        factorShown: row.factor_shown,
      };
}

/** The workspaces whose staff sign in through a provider, with the words of its button. */
export async function listSignInProviders(
  db: Db,
): Promise<readonly { readonly workspaceId: WorkspaceId; readonly label: string }[]> {
  const rows = await rowsOf<{ workspace_id: WorkspaceId; label: string }>(db, 'directory_sign_in_providers()', []);
  return rows.map((row) => ({ workspaceId: row.workspace_id, label: row.label }));
}

async function findView(db: Db, sessionId: SessionId): Promise<PortalView | undefined> {
  const [row] = await rowsOf<{
    affiliate_id: AffiliateId;
    affiliate_name: string;
    is_assigned: boolean;
    key_mode: Mode | null;
    key_permissions: string[] | null;
    key_role_id: string | null;
  }>(db, 'directory_view($1)', [sessionId]);
  if (row === undefined) return undefined;
  const { key_mode: mode, key_permissions: ticked } = row;
  return {
    affiliateId: row.affiliate_id,
    affiliateName: row.affiliate_name,
    isAssigned: row.is_assigned,
    key: mode === null ? null : { mode, permissions: ticked ?? [], roleId: row.key_role_id },
  };
}

export interface ApiKeyEntry {
  readonly keyId: ApiKeyId;
  readonly workspaceId: WorkspaceId;
  readonly kind: 'secret' | 'public';
  readonly mode: Mode;
  readonly permissions: readonly string[];
  readonly roleId: string | null;
  readonly affiliateId: AffiliateId | null;
  readonly affiliateStatus: string | null;
  readonly createdBy: UserId;
  readonly creatorStatus: string;
  readonly creatorName: string;
  /** A person of the portal makes own keys of the affiliate. */
  readonly creatorAudience: Audience;
  readonly creatorRoleIds: readonly string[];
  readonly creatorIsInstanceAdmin: boolean;
  readonly expiresOn: LocalDate | null;
  readonly ipRestricted: boolean;
  readonly ipAllowList: readonly string[];
  readonly revokedAt: Instant | null;
  readonly lastUsedAt: Instant | null;
  readonly timeZone: string;
  /** The workspace's own roles among the creator's and the key's. */
  readonly customRoles: readonly CustomRole[];
}

/** A secret key by the SHA-256 of its text, with what its creator may do now. */
export async function findApiKey(db: Db, tokenHash: Buffer): Promise<ApiKeyEntry | undefined> {
  const [row] = await rowsOf<{
    key_id: ApiKeyId;
    workspace_id: WorkspaceId;
    kind: ApiKeyEntry['kind'];
    mode: Mode;
    permissions: string[];
    role_id: string | null;
    affiliate_id: AffiliateId | null;
    created_by: UserId;
    expires_on: LocalDate | null;
    ip_restricted: boolean;
    ip_allow_list: string[];
    revoked_at: Instant | null;
    last_used_at: Instant | null;
    creator_status: string;
    creator_name: string;
    creator_audience: Audience;
    creator_role_ids: string[];
    creator_is_instance_admin: boolean;
    affiliate_status: string | null;
    time_zone: string;
    custom_roles: CustomRole[];
  }>(db, 'directory_api_key($1)', [tokenHash]);
  return row === undefined
    ? undefined
    : {
        keyId: row.key_id,
        workspaceId: row.workspace_id,
        kind: row.kind,
        mode: row.mode,
        permissions: row.permissions,
        roleId: row.role_id,
        affiliateId: row.affiliate_id,
        affiliateStatus: row.affiliate_status,
        createdBy: row.created_by,
        creatorStatus: row.creator_status,
        creatorName: row.creator_name,
        creatorAudience: row.creator_audience,
        creatorRoleIds: row.creator_role_ids,
        creatorIsInstanceAdmin: row.creator_is_instance_admin,
        expiresOn: row.expires_on,
        ipRestricted: row.ip_restricted,
        ipAllowList: row.ip_allow_list,
        revokedAt: row.revoked_at,
        lastUsedAt: row.last_used_at,
        timeZone: row.time_zone,
        customRoles: row.custom_roles,
      };
}

export interface PublicKeyEntry {
  readonly keyId: ApiKeyId;
  readonly workspaceId: WorkspaceId;
  readonly mode: Mode;
  readonly signingSecret: string | null;
  readonly affiliateId: AffiliateId | null;
  /** A postback's parameter of ours → the name that this source gives it. */
  readonly fieldMap: Readonly<Record<string, string>>;
}

/** The public key of an edge call (script, postback, pixel). */
export async function findPublicKey(db: Db, publicKey: string): Promise<PublicKeyEntry | undefined> {
  const [row] = await rowsOf<{
    key_id: ApiKeyId;
    workspace_id: WorkspaceId;
    mode: Mode;
    signing_secret: string | null;
    affiliate_id: AffiliateId | null;
    field_map: Record<string, string>;
  }>(db, 'directory_public_key($1)', [publicKey]);
  return row === undefined
    ? undefined
    : {
        keyId: row.key_id,
        workspaceId: row.workspace_id,
        mode: row.mode,
        signingSecret: row.signing_secret,
        affiliateId: row.affiliate_id,
        fieldMap: row.field_map,
      };
}

export interface PaymentSourceEntry {
  readonly workspaceId: WorkspaceId;
  readonly adapter: PaymentAdapter;
  readonly mode: Mode;
  /** Sealed; null: none yet. */
  readonly secret: string | null;
  readonly isActive: boolean;
  readonly fieldMap: Readonly<Record<string, string>>;
}

/** The payment source of a hook's address. */
export async function findPaymentSourceEntry(db: Db, sourceId: string): Promise<PaymentSourceEntry | undefined> {
  const [row] = await rowsOf<{
    workspace_id: WorkspaceId;
    adapter: PaymentAdapter;
    mode: Mode;
    secret: string | null;
    active: boolean;
    field_map: Record<string, string>;
  }>(db, 'directory_payment_source($1)', [sourceId]);
  return row === undefined
    ? undefined
    : {
        workspaceId: row.workspace_id,
        adapter: row.adapter,
        mode: row.mode,
        secret: row.secret,
        isActive: row.active,
        fieldMap: row.field_map,
      };
}

/** A link as the redirect needs it: its destination, whether it credits, and the terms of that moment. */
export interface LinkEntry {
  readonly workspaceId: WorkspaceId;
  readonly linkId: LinkId;
  readonly affiliateId: AffiliateId;
  readonly programId: ProgramId;
  readonly kind: 'standard' | 'direct' | 'recruit';
  readonly destinationUrl: string;
  readonly status: LinkStatus;
  /** Milliseconds until it expires, by Postgres's clock; null: never. */
  readonly expiresInMs: number | null;
  readonly affiliateStatus: AffiliateStatus;
  readonly enrolmentStatus: EnrolmentStatus | undefined;
  readonly programStatus: ProgramStatus;
  readonly programSlug: string;
  readonly fallbackUrl: string | null;
  readonly destinationHosts: readonly string[];
  /** The program's own terms and the workspace's settings, as stored. */
  readonly ownTerms: Readonly<Record<string, unknown>>;
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The link of a slug, present or former, of whatever workspace. */
export async function findLink(db: Db, slug: string): Promise<LinkEntry | undefined> {
  const [row] = await rowsOf<{
    workspace_id: WorkspaceId;
    link_id: LinkId;
    affiliate_id: AffiliateId;
    program_id: ProgramId;
    kind: LinkEntry['kind'];
    destination_url: string;
    status: LinkStatus;
    expires_in_ms: number | null;
    affiliate_status: AffiliateStatus;
    enrolment_status: EnrolmentStatus | null;
    program_status: ProgramStatus;
    program_slug: string;
    fallback_url: string | null;
    destination_hosts: string[];
    own_terms: Record<string, unknown>;
    settings: Record<string, Record<string, unknown>> | null;
  }>(
    db,
    `(select link.*, cast(extract(epoch from link.expires_at - now()) * 1000 as double precision) as expires_in_ms
      from directory_link($1) as link) as link`,
    [slug],
  );
  return row === undefined
    ? undefined
    : {
        workspaceId: row.workspace_id,
        linkId: row.link_id,
        affiliateId: row.affiliate_id,
        programId: row.program_id,
        kind: row.kind,
        destinationUrl: row.destination_url,
        status: row.status,
        expiresInMs: row.expires_in_ms,
        affiliateStatus: row.affiliate_status,
        enrolmentStatus: row.enrolment_status ?? undefined,
        programStatus: row.program_status,
        programSlug: row.program_slug,
        fallbackUrl: row.fallback_url,
        destinationHosts: row.destination_hosts,
        ownTerms: row.own_terms,
        settings: row.settings ?? {},
      };
}

/** Uses up a tracking test's one-time token (by its SHA-256) for a click on its link; false: no such test, of another link, used or over. */
export async function takeTrackingTest(db: Db, token: string, linkId: LinkId, clickId: string): Promise<boolean> {
  const [row] = await rowsOf<{ taken: boolean }>(db, 'directory_take_tracking_test($1, $2, $3) as taken', [
    createHash('sha256').update(token, 'utf8').digest(),
    linkId,
    clickId,
  ]);
  return row?.taken === true;
}

/** The application of a status page, by the SHA-256 of its token; `isUsable` false: its time is over. */
export async function findApplicationEntry(
  db: Db,
  tokenHash: Buffer,
): Promise<
  { readonly workspaceId: WorkspaceId; readonly applicationId: string; readonly isUsable: boolean } | undefined
> {
  const [row] = await rowsOf<{ workspace_id: WorkspaceId; application_id: string; is_usable: boolean }>(
    db,
    'directory_application($1)',
    [tokenHash],
  );
  return row === undefined
    ? undefined
    : { workspaceId: row.workspace_id, applicationId: row.application_id, isUsable: row.is_usable };
}

export interface TrackingDomainEntry {
  readonly workspaceId: WorkspaceId;
  readonly token: string;
  readonly isVerified: boolean;
}

/** Whose name is the host of a request? Who proved it comes first; empty: nobody has it. */
export async function findTrackingDomainEntries(db: Db, domain: string): Promise<readonly TrackingDomainEntry[]> {
  const rows = await rowsOf<{ workspace_id: WorkspaceId; token: string; is_verified: boolean }>(
    db,
    'directory_tracking_domain($1)',
    [domain],
  );
  return rows.map((row) => ({ workspaceId: row.workspace_id, token: row.token, isVerified: row.is_verified }));
}

/** A picture of whatever workspace by the SHA-256 of its bytes, for the pages that show it. */
export async function findMediaFile(
  db: Db,
  sha256: Buffer,
): Promise<{ readonly contentType: string; readonly bytes: Buffer } | undefined> {
  const [row] = await rowsOf<{ content_type: string; bytes: Buffer }>(db, 'directory_media($1)', [sha256]);
  return row === undefined ? undefined : { contentType: row.content_type, bytes: row.bytes };
}

/** The name of a program by its public slug, for its fallback page. */
export async function findProgramBySlug(
  db: Db,
  slug: string,
): Promise<
  | {
      readonly workspaceId: WorkspaceId;
      readonly programId: ProgramId;
      readonly name: string;
      readonly status: ProgramStatus;
    }
  | undefined
> {
  const [row] = await rowsOf<{ workspace_id: WorkspaceId; program_id: ProgramId; name: string; status: ProgramStatus }>(
    db,
    'directory_program($1)',
    [slug],
  );
  return row === undefined
    ? undefined
    : { workspaceId: row.workspace_id, programId: row.program_id, name: row.name, status: row.status };
}

/** The workspace of a lead form, and whether it is switched on; undefined: no such form. */
export async function findLeadFormEntry(
  db: Db,
  formId: string,
): Promise<{ readonly workspaceId: WorkspaceId; readonly active: boolean } | undefined> {
  const [row] = await rowsOf<{ workspace_id: WorkspaceId; active: boolean }>(db, 'directory_lead_form($1)', [formId]);
  return row === undefined ? undefined : { workspaceId: row.workspace_id, active: row.active };
}

/** The workspace of a customer's set-password link, by the SHA-256 of its text. */
export async function findCustomerToken(
  db: Db,
  tokenHash: Buffer,
): Promise<{ readonly workspaceId: WorkspaceId; readonly isUsable: boolean } | undefined> {
  const [row] = await rowsOf<{ workspace_id: WorkspaceId; is_usable: boolean }>(db, 'directory_customer_token($1)', [
    tokenHash,
  ]);
  return row === undefined ? undefined : { workspaceId: row.workspace_id, isUsable: row.is_usable };
}

/** The customers' accounts of one address, of all workspaces: who asks for a new password is not signed in anywhere. */
export async function listCustomerAccountsOfEmail(
  db: Db,
  email: string,
): Promise<
  readonly {
    readonly workspaceId: WorkspaceId;
    readonly customerAccountId: CustomerAccountId;
    readonly mode: Mode;
  }[]
> {
  const rows = await rowsOf<{ workspace_id: WorkspaceId; customer_account_id: CustomerAccountId; mode: Mode }>(
    db,
    'directory_customer_accounts($1)',
    [emailKey(email)],
  );
  return rows.map((row) => ({
    workspaceId: row.workspace_id,
    customerAccountId: row.customer_account_id,
    mode: row.mode,
  }));
}
