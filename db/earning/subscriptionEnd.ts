import type { Mode } from '../../domain/act.js';
import type { SaleId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { lockPaymentKeys } from './paymentEvent.js';
import type { ReadTx, Tx } from '../transaction.js';

/** Two systems of one shop may count their subscriptions alike: an id is its source's own, as a sale's is. */
interface Subscription {
  readonly mode: Mode;
  readonly source: string;
  readonly subscriptionExternalId: string;
}

/** Whoever reports a payment of a subscription and whoever ends it wait for each other: else neither sees the other's row (COM-16). */
export function lockSubscription(tx: Tx, of: Subscription): Promise<void> {
  return lockPaymentKeys(tx, of.mode, [`subscription ${of.source} ${of.subscriptionExternalId}`]);
}

/** Keeps when a subscription was cancelled, the earliest that was told. False: that was known. The caller holds its lock. */
export async function recordSubscriptionEnd(
  tx: Tx,
  of: Subscription & { readonly cancelledAt: Instant; readonly now: Instant },
): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `insert into subscription_ends (mode, source, subscription_external_id, cancelled_at, created_at)
     values (:mode, :source, :subscriptionExternalId, :cancelledAt, :now)
     on conflict (workspace_id, mode, source, subscription_external_id) do update set cancelled_at = excluded.cancelled_at
     where excluded.cancelled_at < subscription_ends.cancelled_at
     returning 1`,
    { ...of },
  );
  return rows.length > 0;
}

/** Null: it was not cancelled, as far as anybody said. */
export async function findSubscriptionEnd(tx: ReadTx | Tx, of: Subscription): Promise<Instant | null> {
  const row = await tx('subscription_ends')
    .where({ mode: of.mode, source: of.source, subscription_external_id: of.subscriptionExternalId })
    .first<{ cancelled_at: Instant } | undefined>('cancelled_at');
  return row?.cancelled_at ?? null;
}

// Which payments of this subscription were made after it had been cancelled, and earned before anybody said so? Oldest first.
export async function listPaidAfterEnd(
  tx: Tx,
  of: Subscription & { readonly cancelledAt: Instant },
): Promise<readonly SaleId[]> {
  const { rows } = await tx.raw<{ rows: { id: SaleId }[] }>(
    `select sale.id from sales as sale
     where sale.mode = :mode and sale.source = :source and sale.subscription_external_id = :subscriptionExternalId
       and sale.occurred_at > :cancelledAt and sale.status <> 'declined'
       and exists (select from commissions as line where line.workspace_id = sale.workspace_id and line.sale_id = sale.id)
     order by sale.occurred_at, sale.id`,
    { ...of },
  );
  return rows.map((row) => row.id);
}
