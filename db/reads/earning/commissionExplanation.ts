import { type Commission, standingAmount } from '../../../domain/earning/commission.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** What happened around a commission since it was made: its cause, who was credited, what corrected it, which transfers it moved. */
export interface CommissionStory {
  readonly cause: {
    readonly type: string;
    readonly id: string;
    readonly externalId: string | null;
    readonly occurredAt: Instant | null;
    /** The payout, where an attempt to pay it is the cause. */
    readonly payoutId: string | null;
  };
  readonly attribution: {
    readonly affiliateId: string | null;
    readonly referrerChoice: string;
    readonly decidedAt: Instant;
    readonly candidates: readonly Readonly<Record<string, unknown>>[];
  } | null;
  readonly linked: readonly {
    readonly id: string;
    readonly kind: string;
    readonly amount: bigint;
    readonly status: string;
    readonly causeType: string;
    readonly causeId: string;
    readonly reason: string | null;
    readonly createdAt: Instant;
  }[];
  readonly changes: readonly CommissionChangeRow[];
  readonly transferIds: readonly string[];
  /** What stands of the line and of what staff raised it by, in minor units: the figure that an adjustment sets (COM-08). */
  readonly standing: bigint;
}

export interface CommissionChangeRow {
  readonly seq: number;
  readonly event: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly reasonCode: string | null;
  readonly actor: { readonly type: string; readonly id: string | null };
  readonly cause: { readonly type: string; readonly id: string } | null;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly at: Instant;
}

interface ChangeRow {
  readonly seq: number;
  readonly event: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly reason_code: string | null;
  readonly actor_type: string;
  readonly actor_id: string | null;
  readonly cause_type: string | null;
  readonly cause_id: string | null;
  readonly changes: Record<string, unknown>;
  readonly at: Instant;
}

/** Every change of one commission, in the order of its history. The caller has shown that the reader may see it. */
export async function listCommissionChanges(tx: ReadTx, id: string): Promise<readonly CommissionChangeRow[]> {
  const rows = await tx('audit_entries')
    .where({ object_type: 'commission', object_id: id })
    .orderBy('seq')
    .select<ChangeRow[]>(
      'seq',
      'event',
      'from_status',
      'to_status',
      'reason_code',
      'actor_type',
      'actor_id',
      'cause_type',
      'cause_id',
      'changes',
      'at',
    );
  return rows.map((row) => ({
    seq: row.seq,
    event: row.event,
    from: row.from_status,
    to: row.to_status,
    reasonCode: row.reason_code,
    actor: { type: row.actor_type, id: row.actor_id },
    cause: row.cause_type === null || row.cause_id === null ? null : { type: row.cause_type, id: row.cause_id },
    changes: row.changes,
    at: row.at,
  }));
}

/** Everything an explanation adds to what the line itself keeps. The caller has shown that the reader may see it. */
export async function readCommissionStory(tx: ReadTx, line: Commission): Promise<CommissionStory> {
  // A sale that was confirmed with another amount earns by that decision (TRK-19): it is still its sale.
  const saleId = line.causeType === 'sale' ? line.causeId : line.kind === 'earned' ? line.saleId : null;
  const sale =
    saleId !== null
      ? await tx('sales')
          .where({ id: saleId })
          .first<{ external_id: string; occurred_at: Instant } | undefined>('external_id', 'occurred_at')
      : undefined;
  const attempt =
    line.causeType === 'attempt'
      ? await tx('payout_attempts').where({ id: line.causeId }).first<{ payout_id: string } | undefined>('payout_id')
      : undefined;
  const attribution =
    line.referralId === null
      ? undefined
      : await tx('attributions')
          .where({ referral_id: line.referralId })
          .orderByRaw('(cause_id = ?) desc, created_at desc, id desc', [line.causeId])
          .first<
            | {
                affiliate_id: string | null;
                referrer_choice: string;
                created_at: Instant;
                candidates: readonly Record<string, unknown>[];
              }
            | undefined
          >('affiliate_id', 'referrer_choice', 'created_at', 'candidates');
  const linked = await tx('commissions')
    .where({ origin_commission_id: line.id })
    .orderBy('created_at')
    .orderBy('id')
    .select<
      {
        id: string;
        kind: string;
        amount_minor: bigint;
        status: string;
        cause_type: string;
        cause_id: string;
        reason: string | null;
        created_at: Instant;
      }[]
    >('id', 'kind', 'amount_minor', 'status', 'cause_type', 'cause_id', 'reason', 'created_at');
  const { rows: transfers } = await tx.raw<{ rows: { id: string }[] }>(
    `select id from ledger_transfers
     where idempotency_key = :accrual or starts_with(idempotency_key, :own)
        or (cause_type = 'refund' and idempotency_key = 'refund/' || cause_id || '/' || :id)
        or (cause_type = 'attempt' and cause_id = :causeId and kind = :correction)
     order by recorded_at, id`,
    {
      accrual: `commission/${line.causeId}/${line.level}/${line.affiliateId}/accrue`,
      own: `commission/${line.id}/`,
      id: line.id,
      causeId: line.causeId,
      // A correction line of a payout is booked with what happened to the attempt, not under its own key (money.md 5).
      correction:
        line.kind === 'payout_return' ? 'payout.returned' : line.kind === 'late_payment' ? 'payout.paid_late' : '',
    },
  );
  return {
    cause: {
      type: line.causeType,
      id: line.causeId,
      externalId: sale?.external_id ?? null,
      occurredAt: sale?.occurred_at ?? null,
      payoutId: attempt?.payout_id ?? null,
    },
    attribution:
      attribution === undefined
        ? null
        : {
            affiliateId: attribution.affiliate_id,
            referrerChoice: attribution.referrer_choice,
            decidedAt: attribution.created_at,
            candidates: attribution.candidates,
          },
    linked: linked.map((row) => ({
      id: row.id,
      kind: row.kind,
      amount: row.amount_minor,
      status: row.status,
      causeType: row.cause_type,
      causeId: row.cause_id,
      reason: row.reason,
      createdAt: row.created_at,
    })),
    changes: await listCommissionChanges(tx, line.id),
    transferIds: transfers.map((row) => row.id),
    standing: standingAmount(line) + (await readRaised(tx, line.id)),
  };
}

// By how much did staff raise a line, as far as that stands? The lines that an adjustment would lock (COM-08).
async function readRaised(tx: ReadTx, lineId: string): Promise<bigint> {
  const { rows } = await tx.raw<{ rows: { raised: bigint }[] }>(
    `select coalesce(sum(amount_minor - reversed_minor - clawed_back_minor), 0)::bigint as raised
     from commissions
     where origin_commission_id = :lineId and kind = 'adjustment' and cause_type = 'commission' and cause_id = id
       and status in ('pending', 'approved', 'paid')`,
    { lineId },
  );
  return rows[0]?.raised ?? 0n;
}
