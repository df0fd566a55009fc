import type { Act, Mode } from '../../domain/act.js';
import type { Refund } from '../../domain/earning/refund.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ReferralId, RefundId, SaleId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface RefundRow {
  readonly id: string;
  readonly mode: Mode;
  readonly source: string;
  readonly external_id: string;
  readonly content_hash: Buffer;
  readonly sale_id: string | null;
  readonly sale_external_id: string | null;
  readonly referral_id: string | null;
  readonly currency: string;
  readonly amount_minor: bigint | null;
  readonly applied_minor: bigint | null;
  readonly flag: string | null;
  readonly reason: string | null;
  readonly parked_code: Refund['parkedCode'];
  readonly occurred_at: Instant;
  readonly processed_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toRefund(row: RefundRow): Refund {
  return {
    id: row.id as RefundId,
    mode: row.mode,
    source: row.source,
    externalId: row.external_id,
    contentHash: row.content_hash.toString('hex'),
    saleId: row.sale_id as SaleId | null,
    saleExternalId: row.sale_external_id,
    referralId: row.referral_id as ReferralId | null,
    currency: row.currency as CurrencyCode,
    amount: row.amount_minor,
    applied: row.applied_minor,
    flag: row.flag,
    reason: row.reason,
    parkedCode: row.parked_code,
    occurredAt: row.occurred_at,
    processedAt: row.processed_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewRefund = Omit<
  Refund,
  'mode' | 'applied' | 'flag' | 'processedAt' | 'version' | 'createdAt' | 'updatedAt'
>;

/** Stores the fact and its first audit entry; undefined when its natural key is taken. */
export async function insertRefund(tx: Tx, act: Act, refund: NewRefund): Promise<Refund | undefined> {
  const [row] = await tx('refunds')
    .insert({
      id: refund.id,
      mode: act.mode,
      source: refund.source,
      external_id: refund.externalId,
      content_hash: Buffer.from(refund.contentHash, 'hex'),
      sale_id: refund.saleId,
      sale_external_id: refund.saleExternalId,
      referral_id: refund.referralId,
      currency: refund.currency,
      amount_minor: refund.amount,
      reason: refund.reason,
      parked_code: refund.parkedCode,
      occurred_at: refund.occurredAt,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(['workspace_id', 'mode', 'source', 'external_id'])
    .ignore()
    .returning<RefundRow[]>('*');
  if (row === undefined) return undefined;
  await recordAudit(tx, act, {
    objectType: 'refund',
    objectId: refund.id,
    seq: 1,
    event: 'reported',
    changes: { saleId: refund.saleId, amountMinor: refund.amount?.toString() ?? null, currency: refund.currency },
  });
  return toRefund(row);
}

export async function lockRefund(tx: Tx, id: string): Promise<Refund | undefined> {
  const row = await tx('refunds').where({ id }).forNoKeyUpdate().first<RefundRow | undefined>();
  return row === undefined ? undefined : toRefund(row);
}

export async function findRefundByExternalId(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly source: string; readonly externalId: string },
): Promise<Refund | undefined> {
  const row = await tx('refunds')
    .where({ mode: of.mode, source: of.source, external_id: of.externalId })
    .first<RefundRow | undefined>();
  return row === undefined ? undefined : toRefund(row);
}

/**
 * Ties a parked refund to its sale, keeps one of another currency waiting, or marks it applied: what it took, and whether it asked for more than was left. `corrected`: the same, once
 * the sale turned out to be of another amount.
 */
export async function updateRefund(
  tx: Tx,
  act: Act,
  refund: Refund,
  event: 'tied' | 'currencyDiffers' | 'applied' | 'corrected' | 'discarded',
  change: {
    readonly saleId?: string;
    readonly referralId?: string | null;
    readonly applied?: bigint;
    readonly flag?: string | null;
  },
): Promise<Refund> {
  const [row] = await tx('refunds')
    .where({ id: refund.id })
    .update({
      ...(change.saleId === undefined ? {} : { sale_id: change.saleId, parked_code: null }),
      ...(change.referralId === undefined ? {} : { referral_id: change.referralId }),
      ...(event === 'applied'
        ? {
            applied_minor: change.applied ?? 0n,
            flag: change.flag ?? null,
            processed_at: act.now,
            outcome: change.flag ?? 'applied',
          }
        : {}),
      ...(event === 'currencyDiffers' ? { parked_code: 'fx_missing' } : {}),
      ...(event === 'corrected'
        ? {
            applied_minor: change.applied ?? 0n,
            flag: change.flag ?? null,
            outcome: change.flag ?? 'applied',
          }
        : {}),
      ...(event === 'discarded' ? { parked_code: null, processed_at: act.now, outcome: 'discarded' } : {}),
      version: refund.version + 1,
      updated_at: act.now,
    })
    .returning<RefundRow[]>('*');
  assertInvariant(row !== undefined, 'a locked refund is there', { refundId: refund.id });
  await recordAudit(tx, act, {
    objectType: 'refund',
    objectId: refund.id,
    seq: refund.version + 1,
    event,
    changes: { appliedMinor: row.applied_minor?.toString() ?? null, flag: row.flag, saleId: row.sale_id },
  });
  return toRefund(row);
}

/** Refunds that came before their sale. */
export async function listParkedRefunds(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly source: string; readonly saleExternalId: string },
): Promise<readonly Refund[]> {
  const rows = await tx('refunds')
    .where({ mode: of.mode, source: of.source, sale_external_id: of.saleExternalId, parked_code: 'unknown_sale' })
    .orderBy('id')
    .select<RefundRow[]>('*');
  return rows.map(toRefund);
}

/** Locks the refunds that were applied to a sale, in the order in which they were. */
export async function lockAppliedRefunds(tx: Tx, saleId: string): Promise<readonly Refund[]> {
  const rows = await tx('refunds')
    .where({ sale_id: saleId })
    .whereNotNull('applied_minor')
    .orderBy('processed_at')
    .orderBy('id')
    .forNoKeyUpdate()
    .select<RefundRow[]>('*');
  return rows.map(toRefund);
}

/** The newest refund of a sale that took something. */
export async function findLastRefundOf(tx: ReadTx | Tx, saleId: string): Promise<Refund | undefined> {
  const row = await tx('refunds')
    .where({ sale_id: saleId })
    .where('applied_minor', '>', '0')
    .orderBy([
      { column: 'occurred_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .first<RefundRow | undefined>();
  return row === undefined ? undefined : toRefund(row);
}
