import {
  type Affiliate,
  type AffiliateEvent,
  type AffiliateKind,
  type AffiliateStatus,
  affiliateTransitions,
  type ApprovedMoney,
} from '../../domain/affiliate/affiliate.js';
import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, ContactId, LoginId, SessionId } from '../../domain/ids.js';
import type { MoneyWire } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { recordUnversioned } from '../audit/sensitiveRead.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface AffiliateRow {
  readonly id: string;
  readonly contact_id: string;
  readonly name: string;
  readonly company: string | null;
  readonly email: string;
  readonly email_verified_at: Instant | null;
  readonly phone: string | null;
  readonly website: string | null;
  readonly country: string | null;
  readonly language: string | null;
  readonly time_zone: string | null;
  readonly kind: AffiliateKind;
  readonly status: AffiliateStatus;
  readonly status_reason: string | null;
  readonly group_id: string | null;
  readonly rank: number | null;
  readonly recruiter_id: string | null;
  readonly manager_id: string | null;
  readonly lead_agent_id: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly minimum_payout: readonly MoneyWire[];
  readonly acquisition_model: Affiliate['acquisitionModel'];
  readonly sub_id_access: boolean;
  readonly approved_money: ApprovedMoney | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toAffiliate(row: AffiliateRow): Affiliate {
  return {
    id: row.id as AffiliateId,
    contactId: row.contact_id as ContactId,
    name: row.name,
    company: row.company,
    email: row.email,
    emailVerifiedAt: row.email_verified_at,
    phone: row.phone,
    website: row.website,
    country: row.country,
    language: row.language,
    timeZone: row.time_zone,
    kind: row.kind,
    status: row.status,
    statusReason: row.status_reason,
    groupId: row.group_id,
    rank: row.rank,
    recruiterId: row.recruiter_id as AffiliateId | null,
    managerId: row.manager_id,
    leadAgentId: row.lead_agent_id,
    tags: row.tags,
    notes: row.notes,
    minimumPayout: row.minimum_payout,
    acquisitionModel: row.acquisition_model,
    subIdAccess: row.sub_id_access,
    approvedMoney: row.approved_money,
    metadata: row.metadata,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewAffiliate = Omit<
  Affiliate,
  'statusReason' | 'approvedMoney' | 'acquisitionModel' | 'version' | 'createdAt' | 'updatedAt' | 'status'
> & { readonly status: 'pending' | 'approved' };
export type AffiliateChange = Partial<
  Omit<NewAffiliate, 'id' | 'contactId' | 'status' | 'emailVerifiedAt'> &
    Pick<Affiliate, 'emailVerifiedAt' | 'acquisitionModel'>
>;

/** Fields whose content never stands in the history: it names them and keeps quiet about what they held (architecture.md 8). */
const personal: ReadonlySet<string> = new Set(['name', 'company', 'email', 'phone', 'website', 'notes', 'metadata']);

export async function findAffiliate(tx: ReadTx | Tx, id: string): Promise<Affiliate | undefined> {
  const row = await tx('affiliates').where({ id }).first<AffiliateRow | undefined>();
  return row === undefined ? undefined : toAffiliate(row);
}

export async function lockAffiliate(tx: Tx, id: string): Promise<Affiliate | undefined> {
  const row = await tx('affiliates').where({ id }).forNoKeyUpdate().first<AffiliateRow | undefined>();
  return row === undefined ? undefined : toAffiliate(row);
}

/** The first time in the portal, stamped once (PRT-12). */
export async function stampFirstLogin(tx: Tx, act: Act, affiliateId: string): Promise<void> {
  const [row] = await tx('affiliates')
    .where({ id: affiliateId })
    .whereNull('first_login_at')
    .update({ first_login_at: act.now, version: tx.raw('version + 1'), updated_at: act.now })
    .returning<{ version: number; status: string }[]>(['version', 'status']);
  if (row === undefined) return;
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: affiliateId,
    seq: row.version,
    event: 'firstLogin',
    from: row.status,
    to: row.status,
  });
}

/**
 * Somebody signed in to the affiliate's portal (AUD-11). An entry of the login and not of the affiliate: a version that rose with every visit
 * would refuse staff the edit that they are in.
 */
export function recordPortalSignIn(
  tx: Tx,
  act: Act,
  of: { readonly loginId: LoginId; readonly affiliateId: AffiliateId; readonly sessionId: SessionId },
): Promise<void> {
  const { loginId: objectId, affiliateId, sessionId } = of;
  return recordUnversioned(tx, act, {
    objectType: 'login',
    objectId,
    event: 'signedIn',
    changes: { affiliateId, sessionId },
  });
}

/** Somebody of the staff looks at the affiliate's portal: an entry of its history (AUD-12). The caller holds the row's lock. */
export async function recordPortalView(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  view: { readonly sessionId: SessionId; readonly until: Instant; readonly reason: string },
): Promise<void> {
  await tx('affiliates')
    .where({ id: affiliate.id })
    .update({ version: affiliate.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: affiliate.id,
    seq: affiliate.version + 1,
    event: 'portalViewed',
    from: affiliate.status,
    to: affiliate.status,
    changes: { ...view, viewedAffiliateId: affiliate.id },
  });
}

/** The affiliate that has this address now; a terminated one has given it up. */
export async function findAffiliateByEmail(tx: ReadTx | Tx, email: string): Promise<Affiliate | undefined> {
  const row = await tx('affiliates')
    .whereRaw(`email_key = lower(?) and status <> 'terminated'`, [email])
    .first<AffiliateRow | undefined>();
  return row === undefined ? undefined : toAffiliate(row);
}

/**
 * Is `candidate` this affiliate, or below it in the chain of recruiters? Then it cannot recruit it. The caller has locked the workspace's
 * chain (`lockRecruiterChain`), or two edits could close a circle together.
 */
export async function isRecruitedBy(tx: Tx, candidateId: string, affiliateId: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `
    with recursive chain (id, recruiter_id) as (
      select id, recruiter_id from affiliates where id = :candidateId
      union
      select above.id, above.recruiter_id from affiliates as above join chain on above.id = chain.recruiter_id
    )
    select from chain where id = :affiliateId`,
    { candidateId, affiliateId },
  );
  return rows.length > 0;
}

/** One change of recruiters at a time in a workspace: the chain is judged as a whole. Held until the end of the transaction. */
export async function lockRecruiterChain(tx: Tx): Promise<void> {
  await tx.raw(
    `select pg_advisory_xact_lock(hashtextextended('recruiters/' || current_setting('tributary.workspace_id'), 0))`,
  );
}

/** Writes the record and its first audit entry, which says whether staff made it or somebody applied (AFF-23). Refuses with `resource.already_exists` for an address another affiliate has. */
export async function insertAffiliate(
  tx: Tx,
  act: Act,
  affiliate: NewAffiliate,
  event: 'created' | 'applied' = 'created',
): Promise<Affiliate> {
  const [row] = await tx('affiliates')
    .insert({
      ...columnsOf(affiliate),
      id: affiliate.id,
      contact_id: affiliate.contactId,
      status: affiliate.status,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<AffiliateRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: affiliate.id,
    seq: 1,
    event,
    to: affiliate.status,
    changes: {
      contactId: affiliate.contactId,
      kind: affiliate.kind,
      recruiterId: affiliate.recruiterId,
      groupId: affiliate.groupId,
    },
  });
  return toAffiliate(row);
}

/** Writes what is different, and which fields that were. Refuses with `resource.already_exists` for an address in use. */
export async function updateAffiliate(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  change: AffiliateChange,
): Promise<Affiliate> {
  const before = columnsOf(affiliate);
  const columns = Object.fromEntries(
    Object.entries(columnsOf(change)).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])),
  );
  const names = Object.keys(columns);
  if (names.length === 0) return affiliate;
  const [row] = await tx('affiliates')
    .where({ id: affiliate.id })
    .update({ ...columns, version: affiliate.version + 1, updated_at: act.now })
    .returning<AffiliateRow[]>('*');
  assertInvariant(row !== undefined, 'a locked affiliate is there', { affiliateId: affiliate.id });
  const shown = names.filter((name) => !personal.has(name));
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(shown.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: affiliate.id,
    seq: affiliate.version + 1,
    event: 'edited',
    from: affiliate.status,
    to: affiliate.status,
    changes: { fields: names, before: pick(before), after: pick(columns) },
  });
  return toAffiliate(row);
}

/** Moves the affiliate to the status that the event leads to. The caller has judged it, under the row's lock. */
export async function moveAffiliate(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  event: AffiliateEvent,
  options: { readonly statusReason: string | null; readonly approvedMoney?: ApprovedMoney },
): Promise<Affiliate> {
  const to = nextStatus(affiliateTransitions, affiliate.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: affiliate.status, event });
  const [row] = await tx('affiliates')
    .where({ id: affiliate.id })
    .update({
      status: to,
      status_reason: options.statusReason,
      ...(options.approvedMoney === undefined ? {} : { approved_money: options.approvedMoney }),
      version: affiliate.version + 1,
      updated_at: act.now,
    })
    .returning<AffiliateRow[]>('*');
  assertInvariant(row !== undefined, 'a locked affiliate is there', { affiliateId: affiliate.id });
  await recordAudit(tx, act, {
    objectType: 'affiliate',
    objectId: affiliate.id,
    seq: affiliate.version + 1,
    event,
    from: affiliate.status,
    to,
    changes: options.approvedMoney === undefined ? {} : { approvedMoney: options.approvedMoney },
  });
  return toAffiliate(row);
}

type Columns = Readonly<Record<string, unknown>>;

function columnsOf(affiliate: AffiliateChange): Columns {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', affiliate.name],
    ['company', affiliate.company],
    ['email', affiliate.email],
    ['email_verified_at', affiliate.emailVerifiedAt],
    ['phone', affiliate.phone],
    ['website', affiliate.website],
    ['country', affiliate.country],
    ['language', affiliate.language],
    ['time_zone', affiliate.timeZone],
    ['kind', affiliate.kind],
    ['group_id', affiliate.groupId],
    ['rank', affiliate.rank],
    ['recruiter_id', affiliate.recruiterId],
    ['manager_id', affiliate.managerId],
    ['lead_agent_id', affiliate.leadAgentId],
    ['tags', affiliate.tags],
    ['notes', affiliate.notes],
    ['minimum_payout', affiliate.minimumPayout === undefined ? undefined : JSON.stringify(affiliate.minimumPayout)],
    ['acquisition_model', affiliate.acquisitionModel],
    ['sub_id_access', affiliate.subIdAccess],
    ['metadata', affiliate.metadata === undefined ? undefined : JSON.stringify(affiliate.metadata)],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
