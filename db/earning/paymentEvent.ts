import type { Mode } from '../../domain/act.js';
import type { PaymentFact } from '../../domain/earning/paymentEvent.js';
import type { PaymentSourceId } from '../../domain/ids.js';
import type { CurrencyCode, Money } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';

export type PaymentOutcome = 'applied' | 'no_effect' | 'ignored' | 'parked' | 'refused';
/** The facts that may have to wait for their sale. They hold ids and amounts, nobody's name. */
export type ParkableFact = Extract<PaymentFact, { readonly kind: 'refundedTo' | 'dispute' }>;

export interface StoredPaymentEvent {
  readonly factsDone: number;
  readonly outcome: PaymentOutcome | null;
  readonly bodyHash: string;
}

interface EventKey {
  readonly sourceId: PaymentSourceId;
  readonly externalId: string;
}

/** Stores the event once, or finds it as an earlier delivery left it. */
export async function storePaymentEvent(
  tx: Tx,
  of: EventKey & {
    readonly mode: Mode;
    readonly type: string;
    readonly bodyHash: string;
    readonly occurredAt: Instant;
    readonly facts: number;
    /** Settled at once: nothing in it is for us. */
    readonly outcome: 'ignored' | 'refused' | null;
    readonly code: string | null;
    readonly now: Instant;
  },
): Promise<StoredPaymentEvent> {
  await tx('payment_events')
    .insert({
      source_id: of.sourceId,
      external_id: of.externalId,
      mode: of.mode,
      type: of.type,
      body_hash: Buffer.from(of.bodyHash, 'hex'),
      occurred_at: of.occurredAt,
      facts: of.facts,
      outcome: of.outcome,
      code: of.code,
      received_at: of.now,
      processed_at: of.outcome === null ? null : of.now,
    })
    .onConflict(['workspace_id', 'source_id', 'external_id'])
    .ignore();
  return lockPaymentEvent(tx, of);
}

/** Two deliveries of one event wait for each other here. */
export async function lockPaymentEvent(tx: Tx, of: EventKey): Promise<StoredPaymentEvent> {
  const row = await tx('payment_events')
    .where({ source_id: of.sourceId, external_id: of.externalId })
    .forUpdate()
    .first<{ facts_done: number; outcome: PaymentOutcome | null; body_hash: Buffer } | undefined>();
  if (row === undefined) throw new Error('a payment event that was stored is there');
  return { factsDone: row.facts_done, outcome: row.outcome, bodyHash: row.body_hash.toString('hex') };
}

/** One fact further; the last one settles the event. */
export async function advancePaymentEvent(
  tx: Tx,
  of: EventKey & {
    readonly factsDone: number;
    readonly outcome: PaymentOutcome | null;
    readonly code: string | null;
    readonly parked: { readonly fact: ParkableFact; readonly waitsFor: readonly string[] } | null;
    readonly now: Instant;
  },
): Promise<void> {
  await tx('payment_events')
    .where({ source_id: of.sourceId, external_id: of.externalId })
    .update({
      facts_done: of.factsDone,
      outcome: of.outcome,
      code: of.code,
      parked_fact: of.parked === null ? null : JSON.stringify(toJson(of.parked.fact)),
      waits_for: of.parked === null ? null : [...of.parked.waitsFor],
      processed_at: of.outcome === null || of.outcome === 'parked' ? null : of.now,
    });
}

/** Parked events that one of these keys, or this sale, sets free. Oldest first. */
export async function listReleased(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly keys: readonly string[] },
): Promise<
  readonly (EventKey & { readonly fact: ParkableFact; readonly factsDone: number; readonly occurredAt: Instant })[]
> {
  if (of.keys.length === 0) return [];
  const rows = await tx('payment_events')
    .where({ mode: of.mode })
    .whereRaw(`outcome = 'parked' and waits_for && ?::text[]`, [[...of.keys]]) // 'parked' in the text: its index is partial
    .orderBy(['occurred_at', 'external_id'])
    .select<
      {
        source_id: PaymentSourceId;
        external_id: string;
        parked_fact: FactJson;
        facts_done: number;
        occurred_at: Instant;
      }[]
    >();
  return rows.map((row) => ({
    sourceId: row.source_id,
    externalId: row.external_id,
    fact: fromJson(row.parked_fact),
    factsDone: row.facts_done,
    occurredAt: row.occurred_at,
  }));
}

export type ParkedPaymentEvent = EventKey & {
  readonly mode: Mode;
  readonly fact: ParkableFact;
  readonly factsDone: number;
  readonly occurredAt: Instant;
};

/** One event that waits for its sale, locked; undefined: there is none, or it waits no more. */
export async function lockParkedEvent(tx: Tx, of: EventKey): Promise<ParkedPaymentEvent | undefined> {
  const row = await tx('payment_events')
    .where({ source_id: of.sourceId, external_id: of.externalId, outcome: 'parked' })
    .forUpdate()
    .first<{ mode: Mode; parked_fact: FactJson; facts_done: number; occurred_at: Instant } | undefined>(
      'mode',
      'parked_fact',
      'facts_done',
      'occurred_at',
    );
  return row === undefined
    ? undefined
    : {
        sourceId: of.sourceId,
        externalId: of.externalId,
        mode: row.mode,
        fact: fromJson(row.parked_fact),
        factsDone: row.facts_done,
        occurredAt: row.occurred_at,
      };
}

// Amounts are bigints, which JSON has no form for: as text in minor units.
type FactJson =
  | (Omit<Extract<ParkableFact, { kind: 'refundedTo' }>, 'total'> & { readonly total: MinorJson })
  | (Omit<Extract<ParkableFact, { kind: 'dispute' }>, 'amount'> & { readonly amount: MinorJson | null });
interface MinorJson {
  readonly minor: string;
  readonly currency: CurrencyCode;
}

const minorOf = (json: MinorJson): Money => ({ minor: BigInt(json.minor), currency: json.currency });
const jsonOf = ({ minor, currency }: Money): MinorJson => ({ minor: minor.toString(), currency });

function toJson(fact: ParkableFact): FactJson {
  return fact.kind === 'refundedTo'
    ? { ...fact, total: jsonOf(fact.total) }
    : { ...fact, amount: fact.amount === null ? null : jsonOf(fact.amount) };
}

function fromJson(json: FactJson): ParkableFact {
  return json.kind === 'refundedTo'
    ? { ...json, total: minorOf(json.total) }
    : { ...json, amount: json.amount === null ? null : minorOf(json.amount) };
}

/** Whoever ties a payment to its sale and whoever looks for it wait for each other: else a refund parks while its tie commits, for ever. */
export async function lockPaymentKeys(tx: Tx, mode: Mode, keys: readonly string[]): Promise<void> {
  for (const key of [...keys].sort())
    await tx.raw(
      `select pg_advisory_xact_lock(hashtextextended('payment key ' || current_setting('tributary.workspace_id') || ' ' || ?, 0))`,
      [`${mode} ${key}`],
    );
}

/** The first sale that a payment is told to have paid stays: a second tie of the same key changes nothing. */
export async function tiePayment(
  tx: Tx,
  of: { readonly mode: Mode; readonly keys: readonly string[]; readonly saleExternalId: string },
): Promise<void> {
  if (of.keys.length === 0) return;
  await tx('payment_keys')
    .insert(of.keys.map((key) => ({ mode: of.mode, key, sale_external_id: of.saleExternalId })))
    .onConflict(['workspace_id', 'mode', 'key'])
    .ignore();
}

export async function findTiedSale(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly keys: readonly string[] },
): Promise<string | undefined> {
  const row = await tx('payment_keys')
    .where({ mode: of.mode })
    .whereIn('key', [...of.keys])
    .orderBy('created_at')
    .first<{ sale_external_id: string } | undefined>('sale_external_id');
  return row?.sale_external_id;
}

/** What refunds of a sale add up to that named an amount, applied or not. Minor units. */
export async function sumRefundsOf(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly source: string; readonly saleExternalId: string },
): Promise<bigint> {
  const row = await tx('refunds')
    .where({ mode: of.mode, source: of.source, sale_external_id: of.saleExternalId })
    .first<{ sum: string | null } | undefined>(tx.raw('sum(coalesce(amount_minor, applied_minor))::text as sum'));
  return BigInt(row?.sum ?? 0);
}
