import type { Act, Mode } from '../../domain/act.js';
import type { Dispute } from '../../domain/earning/dispute.js';
import type { DisputeStep } from '../../domain/earning/sale.js';
import type { ReferralId, SaleId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

interface DisputeRow {
  readonly id: string;
  readonly mode: Mode;
  readonly source: string;
  readonly external_id: string;
  readonly step: DisputeStep;
  readonly sale_id: string | null;
  readonly referral_id: string | null;
  readonly currency: string | null;
  readonly amount_minor: bigint | null;
  readonly occurred_at: Instant;
  readonly processed_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
}

function toDispute(row: DisputeRow): Dispute {
  return {
    id: row.id as Dispute['id'],
    mode: row.mode,
    source: row.source,
    externalId: row.external_id,
    step: row.step,
    saleId: row.sale_id as SaleId | null,
    referralId: row.referral_id as ReferralId | null,
    currency: row.currency as Dispute['currency'],
    amount: row.amount_minor,
    occurredAt: row.occurred_at,
    processedAt: row.processed_at,
    version: row.version,
    createdAt: row.created_at,
  };
}

export type NewDispute = Omit<Dispute, 'mode' | 'processedAt' | 'version' | 'createdAt'>;

export async function insertDispute(tx: Tx, act: Act, dispute: NewDispute): Promise<Dispute> {
  await tx('disputes').insert({
    id: dispute.id,
    mode: act.mode,
    source: dispute.source,
    external_id: dispute.externalId,
    step: dispute.step,
    sale_id: dispute.saleId,
    referral_id: dispute.referralId,
    currency: dispute.currency,
    amount_minor: dispute.amount,
    occurred_at: dispute.occurredAt,
    created_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'dispute',
    objectId: dispute.id,
    seq: 1,
    event: 'reported',
    changes: { saleId: dispute.saleId, step: dispute.step },
  });
  return { ...dispute, mode: act.mode, processedAt: null, version: 1, createdAt: act.now };
}

/** The steps of a sale's chargebacks, oldest first. */
export async function listDisputes(tx: ReadTx | Tx, saleId: string): Promise<readonly Dispute[]> {
  const rows = await tx('disputes')
    .where({ sale_id: saleId })
    .orderBy('occurred_at')
    .orderBy('id')
    .select<DisputeRow[]>('*');
  return rows.map(toDispute);
}

export async function lockDispute(tx: Tx, id: string): Promise<Dispute | undefined> {
  const row = await tx('disputes').where({ id }).forNoKeyUpdate().first<DisputeRow | undefined>();
  return row === undefined ? undefined : toDispute(row);
}

/**
 * What a sale's last lost chargeback was about, in minor units of the sale: null where neither its loss nor a step before says an amount, and
 * then it was about everything.
 */
export async function findLostAmount(tx: ReadTx | Tx, saleId: string): Promise<bigint | null> {
  const steps = await listDisputes(tx, saleId);
  const lost = steps.findLastIndex((step) => step.step === 'lost');
  const before = steps.slice(0, lost + 1).filter((step) => step.externalId === steps[lost]?.externalId);
  return before.findLast((step) => step.amount !== null)?.amount ?? null;
}

export async function markDisputeProcessed(tx: Tx, act: Act, dispute: Dispute, outcome: string): Promise<void> {
  await tx('disputes')
    .where({ id: dispute.id })
    .update({ processed_at: act.now, outcome, version: dispute.version + 1 });
  await recordAudit(tx, act, {
    objectType: 'dispute',
    objectId: dispute.id,
    seq: dispute.version + 1,
    event: 'applied',
    changes: { outcome },
  });
}
