import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { namesOwnCustomer, type OwnSearch, ownSearchBindings } from './ownCustomer.js';

/** What one refund or chargeback took from one line of an affiliate. */
export interface OwnRefund {
  /** The entry of the history that says so. */
  readonly id: string;
  readonly cause: 'refund' | 'dispute';
  readonly causeId: string;
  readonly commissionId: string;
  readonly programId: string;
  readonly referralId: string | null;
  readonly level: number;
  readonly mode: Mode;
  /** `voided`: before it was paid, the line itself fell. `clawed_back`: after, a negative line beside it (RFD-03). */
  readonly effect: 'voided' | 'clawed_back';
  readonly taken: Money;
  /** What the customer got back in all by it; null for a chargeback. */
  readonly refunded: Money | null;
  readonly occurredAt: Instant;
  readonly at: Instant;
}

export interface OwnRefundFilter {
  readonly affiliateId: string;
  readonly mode: Mode;
  readonly programId?: readonly string[] | undefined;
  readonly effect?: readonly ('voided' | 'clawed_back')[] | undefined;
  readonly own?: OwnSearch | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

interface RefundEntryRow {
  readonly id: string;
  readonly cause_type: 'refund' | 'dispute';
  readonly cause_id: string;
  readonly commission_id: string;
  readonly program_id: string;
  readonly referral_id: string | null;
  readonly level: number;
  readonly mode: Mode;
  readonly effect: 'voided' | 'clawed_back';
  readonly currency: CurrencyCode;
  readonly taken_minor: bigint;
  readonly applied_minor: bigint | null;
  readonly occurred_at: Instant;
  readonly at: Instant;
}

const taken = (field: 'reversedMinor' | 'clawedBackMinor'): string =>
  `(entry.changes -> '${field}' ->> 1)::bigint - (entry.changes -> '${field}' ->> 0)::bigint`;
const isClawback = `entry.changes -> 'clawedBackMinor' is not null`;

const ownCustomer = namesOwnCustomer({
  contactId: 'contact.id',
  name: 'contact.name',
  email: 'contact.email',
  programId: 'found.program_id',
});

function entries(tx: ReadTx, filter: OwnRefundFilter) {
  const inner = tx('commissions as line')
    .join('audit_entries as entry', (on) =>
      on.on('entry.workspace_id', 'line.workspace_id').andOn('entry.object_id', 'line.id'),
    )
    .leftJoin('refunds as refund', (on) =>
      on.on('refund.workspace_id', 'entry.workspace_id').andOn('refund.id', 'entry.cause_id'),
    )
    .leftJoin('disputes as dispute', (on) =>
      on.on('dispute.workspace_id', 'entry.workspace_id').andOn('dispute.id', 'entry.cause_id'),
    )
    .where({ 'line.affiliate_id': filter.affiliateId, 'line.mode': filter.mode })
    .whereIn('entry.cause_type', ['refund', 'dispute'])
    .whereIn('entry.event', ['reduced', 'rejected', 'reversed', 'clawedBack'])
    .whereRaw(`(entry.changes -> 'reversedMinor' is not null or ${isClawback})`)
    .select(
      'entry.id',
      'entry.cause_type',
      'entry.cause_id',
      'entry.at',
      'line.id as commission_id',
      'line.program_id',
      'line.referral_id',
      'line.level',
      'line.mode',
      'line.currency',
      'refund.applied_minor',
      tx.raw(`coalesce(refund.occurred_at, dispute.occurred_at, entry.at) as occurred_at`),
      tx.raw(`case when ${isClawback} then 'clawed_back' else 'voided' end as effect`),
      tx.raw(
        `(case when ${isClawback} then ${taken('clawedBackMinor')} else ${taken('reversedMinor')} end)::bigint as taken_minor`,
      ),
    );
  const query = tx.from(inner.as('found')).where('found.taken_minor', '>', 0);
  if (filter.programId !== undefined) query.whereIn('found.program_id', [...filter.programId]);
  if (filter.effect !== undefined) query.whereIn('found.effect', [...filter.effect]);
  if (filter.own !== undefined)
    query.whereRaw(
      `(found.commission_id = :q or found.level = 1 and exists (
         select from referrals as referral join contacts as contact on contact.id = referral.contact_id
         where referral.id = found.referral_id and ${ownCustomer}))`,
      ownSearchBindings(filter.own),
    );
  const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
  for (const [bound, operator] of Object.entries(operators)) {
    const at = filter.createdAt?.[bound as keyof typeof operators];
    if (at !== undefined) query.where('found.at', operator, at);
  }
  return query;
}

// What did refunds and chargebacks take from this affiliate, newest first? Read from the history of its lines, which is where each loss
// stands with its cause: a line itself keeps only their sum.
export async function listOwnRefunds(tx: ReadTx, filter: OwnRefundFilter, page: Page): Promise<readonly OwnRefund[]> {
  const rows = (await keyset(entries(tx, filter), page, { createdAt: 'found.at' }, 'found.id').select(
    'found.*',
  )) as RefundEntryRow[];
  return rows.map((row) => ({
    id: row.id,
    cause: row.cause_type,
    causeId: row.cause_id,
    commissionId: row.commission_id,
    programId: row.program_id,
    referralId: row.referral_id,
    level: row.level,
    mode: row.mode,
    effect: row.effect,
    taken: { minor: row.taken_minor, currency: row.currency },
    refunded: row.applied_minor === null ? null : { minor: row.applied_minor, currency: row.currency },
    occurredAt: row.occurred_at,
    at: row.at,
  }));
}

/** How many of each effect, and what was taken per currency, over the whole filter. */
export async function sumOwnRefunds(tx: ReadTx, filter: OwnRefundFilter) {
  const rows: readonly { effect: string; currency: CurrencyCode; count: number; minor: bigint }[] = await entries(
    tx,
    filter,
  )
    .groupBy('effect', 'currency')
    .select('effect', 'currency', tx.raw('count(*)::int as count'), tx.raw('sum(taken_minor)::bigint as minor'));
  const byStatus: Record<string, number> = {};
  const sums = new Map<CurrencyCode, bigint>();
  for (const { effect, currency, count, minor } of rows) {
    byStatus[effect] = (byStatus[effect] ?? 0) + count;
    sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  }
  return {
    counts: { total: rows.reduce((total, row) => total + row.count, 0), byStatus },
    sums: [...sums].map(([currency, minor]) => ({ minor, currency })),
  };
}
