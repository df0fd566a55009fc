import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, CommissionId, ReferralId, RiskCaseId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** Money that is held while somebody looks at it (FRD-09). Nothing moves it but the end of the case. */
export interface RiskCase {
  readonly id: RiskCaseId;
  readonly mode: Mode;
  readonly kind: string;
  readonly affiliateId: AffiliateId;
  readonly referralIds: readonly ReferralId[];
  readonly commissionIds: readonly CommissionId[];
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly notes: string | null;
  readonly status: 'open' | 'released' | 'rejected';
  readonly openedBy: string | null;
  readonly closedBy: string | null;
  readonly closedAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface RiskCaseRow {
  readonly id: RiskCaseId;
  readonly mode: Mode;
  readonly kind: string;
  readonly affiliate_id: AffiliateId;
  readonly referral_ids: readonly ReferralId[];
  readonly commission_ids: readonly CommissionId[];
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly notes: string | null;
  readonly status: RiskCase['status'];
  readonly opened_by: string | null;
  readonly closed_by: string | null;
  readonly closed_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toRiskCase(row: RiskCaseRow): RiskCase {
  return {
    id: row.id,
    mode: row.mode,
    kind: row.kind,
    affiliateId: row.affiliate_id,
    referralIds: row.referral_ids,
    commissionIds: row.commission_ids,
    evidence: row.evidence,
    notes: row.notes,
    status: row.status,
    openedBy: row.opened_by,
    closedBy: row.closed_by,
    closedAt: row.closed_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function insertRiskCase(
  tx: Tx,
  act: Act,
  of: Pick<RiskCase, 'id' | 'kind' | 'affiliateId' | 'referralIds' | 'commissionIds' | 'evidence' | 'notes'>,
): Promise<RiskCase> {
  const [row] = await tx('risk_cases')
    .insert({
      id: of.id,
      mode: act.mode,
      kind: of.kind,
      affiliate_id: of.affiliateId,
      referral_ids: [...of.referralIds],
      commission_ids: [...of.commissionIds],
      evidence: JSON.stringify(of.evidence),
      notes: of.notes,
      opened_by: act.actor.userId ?? act.actor.id,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<RiskCaseRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'risk_case',
    objectId: of.id,
    seq: 1,
    event: 'opened',
    to: 'open',
    changes: {
      kind: of.kind,
      affiliateId: of.affiliateId,
      referralIds: of.referralIds,
      commissionIds: of.commissionIds,
    },
  });
  return toRiskCase(row);
}

export async function lockRiskCase(tx: Tx, mode: Mode, id: string): Promise<RiskCase | undefined> {
  const row = await tx('risk_cases').where({ id, mode }).forNoKeyUpdate().first<RiskCaseRow | undefined>();
  return row === undefined ? undefined : toRiskCase(row);
}

export async function updateRiskCase(
  tx: Tx,
  act: Act,
  held: RiskCase,
  change: {
    readonly notes?: string | null;
    readonly evidence?: RiskCase['evidence'];
    readonly status?: 'released' | 'rejected';
  },
): Promise<RiskCase> {
  const isClosing = change.status !== undefined;
  const [row] = await tx('risk_cases')
    .where({ id: held.id })
    .update({
      ...(change.notes === undefined ? {} : { notes: change.notes }),
      ...(change.evidence === undefined ? {} : { evidence: JSON.stringify(change.evidence) }),
      ...(isClosing ? { status: change.status, closed_by: act.actor.userId ?? act.actor.id, closed_at: act.now } : {}),
      version: held.version + 1,
      updated_at: act.now,
    })
    .returning<RiskCaseRow[]>('*');
  assertInvariant(row !== undefined, 'a locked case is there', { caseId: held.id });
  await recordAudit(tx, act, {
    objectType: 'risk_case',
    objectId: held.id,
    seq: held.version + 1,
    event: change.status ?? 'edited',
    from: held.status,
    to: row.status,
    changes: { fields: Object.keys(change) },
  });
  return toRiskCase(row);
}

/**
 * The open case that holds one of these commissions, if one does: it names the line, or the referral of which the line came later (a renewal
 * while somebody looks).
 */
export async function findCaseHolding(
  tx: ReadTx | Tx,
  commissionIds: readonly string[],
): Promise<RiskCaseId | undefined> {
  if (commissionIds.length === 0) return undefined;
  const { rows } = await tx.raw<{ rows: { id: RiskCaseId }[] }>(
    `select held.id
     from risk_cases as held
     where held.status = 'open'
       and (held.commission_ids && :ids::text[]
            or exists (select from commissions as line
                       where line.id = any(:ids::text[]) and line.mode = held.mode and line.affiliate_id = held.affiliate_id
                         and line.referral_id = any(held.referral_ids)))
     order by held.id limit 1`,
    { ids: [...commissionIds] },
  );
  return rows[0]?.id;
}

/** The open case that holds what this lead has earned, if one does. */
export async function findCaseOfLead(tx: ReadTx | Tx, leadId: string): Promise<RiskCaseId | undefined> {
  const lines = await tx('commissions').where({ lead_id: leadId }).select<{ id: string }[]>('id');
  return findCaseHolding(
    tx,
    lines.map((line) => line.id),
  );
}

/** Lines that came after the case was opened are held by it too, and go where its others go. Waits for whoever closes the case just now. */
export async function addToCase(
  tx: Tx,
  act: Act,
  caseId: RiskCaseId,
  commissionIds: readonly string[],
): Promise<boolean> {
  const row = await tx('risk_cases')
    .where({ id: caseId, status: 'open' })
    .forNoKeyUpdate()
    .first<RiskCaseRow | undefined>();
  if (row === undefined) return false;
  const added = commissionIds.filter((id) => !(row.commission_ids as readonly string[]).includes(id));
  if (added.length === 0) return true;
  await tx('risk_cases')
    .where({ id: caseId })
    .update({ commission_ids: [...row.commission_ids, ...added], version: row.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'risk_case',
    objectId: caseId,
    seq: row.version + 1,
    event: 'extended',
    from: row.status,
    to: row.status,
    changes: { commissionIds: added },
  });
  return true;
}

/** Lines of the affiliate that a case can hold: those named, and every one of the referrals named, that is neither paid nor ended. */
export async function listHoldable(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly affiliateId: string;
    readonly referralIds: readonly string[];
    readonly commissionIds: readonly string[];
  },
): Promise<
  readonly {
    readonly id: CommissionId;
    readonly referralId: ReferralId | null;
    readonly onHold: boolean;
    readonly status: string;
  }[]
> {
  const rows = await tx('commissions')
    .where({ mode: of.mode, affiliate_id: of.affiliateId })
    .whereIn('status', ['pending', 'approved'])
    .where((where) => {
      where.whereIn('id', [...of.commissionIds]).orWhereIn('referral_id', [...of.referralIds]);
    })
    .orderBy('id')
    .select<{ id: CommissionId; referral_id: ReferralId | null; on_hold: boolean; status: string }[]>(
      'id',
      'referral_id',
      'on_hold',
      'status',
    );
  return rows.map((row) => ({ id: row.id, referralId: row.referral_id, onHold: row.on_hold, status: row.status }));
}

/** Which of these referrals are the affiliate's, in this mode? */
export async function findOwnReferrals(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly affiliateId: string; readonly referralIds: readonly string[] },
): Promise<readonly { readonly id: ReferralId; readonly status: string }[]> {
  return tx('referrals')
    .where({ mode: of.mode })
    .whereIn('id', [...of.referralIds])
    .where((where) => {
      where
        .where({ affiliate_id: of.affiliateId })
        .orWhere({ first_affiliate_id: of.affiliateId })
        .orWhere({ last_affiliate_id: of.affiliateId });
    })
    .orderBy('id')
    .select<{ id: ReferralId; status: string }[]>('id', 'status');
}
