import type { Act, Mode } from '../../domain/act.js';
import type { AffiliateId, ReferralId, RiskCaseId, RiskFlagId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { blockingRiskCodes, type RiskCode } from '../../domain/tracking/riskFlag.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface StoredFlag {
  readonly id: RiskFlagId;
  readonly referralId: ReferralId | null;
  readonly affiliateId: AffiliateId | null;
  readonly code: RiskCode;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly caseId: RiskCaseId | null;
  readonly note: string | null;
  readonly dismissedAt: Instant | null;
  readonly dismissedBy: string | null;
  readonly version: number;
  readonly createdAt: Instant;
}

export interface RiskFlagRow {
  readonly id: RiskFlagId;
  readonly referral_id: ReferralId | null;
  readonly affiliate_id: AffiliateId | null;
  readonly code: RiskCode;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly case_id: RiskCaseId | null;
  readonly note: string | null;
  readonly dismissed_at: Instant | null;
  readonly dismissed_by: string | null;
  readonly version: number;
  readonly created_at: Instant;
}

export function toFlag(row: RiskFlagRow): StoredFlag {
  return {
    id: row.id,
    referralId: row.referral_id,
    affiliateId: row.affiliate_id,
    code: row.code,
    evidence: row.evidence,
    caseId: row.case_id,
    note: row.note,
    dismissedAt: row.dismissed_at,
    dismissedBy: row.dismissed_by,
    version: row.version,
    createdAt: row.created_at,
  };
}

/**
 * Raises a flag once per object and code, or per `onceKey`: what staff dismissed is not raised again by the same finding. Answers whether it is
 * new.
 */
export async function raiseFlag(
  tx: Tx,
  act: Act,
  flag: {
    readonly referralId: string | null;
    readonly affiliateId: string | null;
    readonly code: RiskCode;
    readonly evidence: Readonly<Record<string, unknown>>;
    readonly onceKey?: string;
  },
): Promise<boolean> {
  const id = act.newId('riskFlag');
  const onceKey = flag.onceKey ?? `${flag.code}/${flag.referralId ?? flag.affiliateId ?? ''}`;
  const inserted = await tx('risk_flags')
    .insert({
      id,
      referral_id: flag.referralId,
      affiliate_id: flag.affiliateId,
      code: flag.code,
      evidence: JSON.stringify(flag.evidence),
      once_key: onceKey,
      created_at: act.now,
    })
    .onConflict(tx.raw('(workspace_id, once_key) where once_key is not null'))
    .ignore()
    .returning('id');
  if (inserted.length === 0) return false;
  await recordAudit(tx, act, {
    objectType: 'riskFlag',
    objectId: id,
    seq: 1,
    event: 'raised',
    to: 'open',
    changes: { referralId: flag.referralId, affiliateId: flag.affiliateId, code: flag.code },
  });
  return true;
}

/** A flag of a referral is of the referral's mode; one of an affiliate alone shows in both (api.md 1.3). */
export async function lockFlag(tx: Tx, id: string, mode: Mode): Promise<StoredFlag | undefined> {
  const row = await tx('risk_flags')
    .where({ id })
    .where((of) => {
      of.whereNull('referral_id').orWhereIn('referral_id', tx('referrals').where({ mode }).select('id'));
    })
    .forNoKeyUpdate()
    .first<RiskFlagRow | undefined>();
  return row === undefined ? undefined : toFlag(row);
}

/** Nothing is done about it, and why not. The caller holds the flag's lock and has seen that it is open. */
export async function dismissFlag(
  tx: Tx,
  act: Act,
  flag: StoredFlag,
  note: string | null,
  caseId: RiskCaseId | null = null,
): Promise<void> {
  await tx('risk_flags')
    .where({ id: flag.id })
    .update({
      dismissed_at: act.now,
      dismissed_by: act.actor.userId ?? act.actor.id,
      note,
      ...(caseId === null ? {} : { case_id: caseId }),
      version: flag.version + 1,
    });
  await recordAudit(tx, act, {
    objectType: 'riskFlag',
    objectId: flag.id,
    seq: flag.version + 1,
    event: 'dismissed',
    from: 'open',
    to: 'dismissed',
    changes: { referralId: flag.referralId, affiliateId: flag.affiliateId, code: flag.code },
  });
}

/** Open flags of these referrals, locked in the order of their ids. */
export async function lockOpenFlags(tx: Tx, referralIds: readonly string[]): Promise<readonly StoredFlag[]> {
  const rows = await tx('risk_flags')
    .whereIn('referral_id', [...referralIds])
    .whereNull('dismissed_at')
    .orderBy('id')
    .forNoKeyUpdate()
    .select<RiskFlagRow[]>('*');
  return rows.map(toFlag);
}

/** Does anything open speak against the referral, or against the affiliate that it credits, with which it must not approve itself? */
export async function hasBlockingFlag(
  tx: ReadTx | Tx,
  of: { readonly referralId: string; readonly affiliateId: string | null },
): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `select from risk_flags
     where dismissed_at is null and code = any(:codes)
       and (referral_id = :referralId or (referral_id is null and affiliate_id = :affiliateId))
     limit 1`,
    { referralId: of.referralId, affiliateId: of.affiliateId, codes: [...blockingRiskCodes] },
  );
  return rows.length > 0;
}
