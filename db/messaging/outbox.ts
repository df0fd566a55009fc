import type { Instant } from '../../domain/time.js';
import { hold } from '../pipeline.js';
import type { HeldRows } from '../roundTrip.js';
import type { Tx } from '../transaction.js';

/** 1 payouts, 2 single decisions (http: mail somebody waits for), 3 facts, 4 bulk decisions, 5 clicks and exports (temporal.md 4.3). */
export type OutboxPriority = 1 | 2 | 3 | 4 | 5;

export interface OutboxMessage {
  readonly lane: 'workflow' | 'http';
  readonly topic: 'start' | 'signal' | 'end' | 'schedule' | 'history.export' | 'mail' | 'webhook' | 'postback';
  /** Signals: the workflow id, so that they arrive in the order written. Null blocks nothing. */
  readonly orderingKey: string | null;
  readonly endpoint?: string;
  readonly priority: OutboxPriority;
  /** Ids, codes and instants only. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly dueAt?: Instant;
}

const heldMessages: HeldRows = {
  table: 'outbox',
  // Ordered, because the ids say what came first.
  insert: `insert into outbox (lane, topic, ordering_key, endpoint, priority, payload, due_at)
    select lane, topic, ordering_key, endpoint, priority, payload, coalesce(due_at, now())
    from rows from (jsonb_to_recordset($1::jsonb) as (lane text, topic text, ordering_key text, endpoint text, priority smallint,
      payload jsonb, due_at timestamptz)) with ordinality as message
    order by message.ordinality`,
};

/** Writes messages with the fact or decision they tell of. The relay sends them after the commit, at least once. */
export function enqueue(tx: Tx, ...messages: readonly OutboxMessage[]): Promise<void> {
  hold(
    tx,
    heldMessages,
    messages.map((message) => ({
      lane: message.lane,
      topic: message.topic,
      ordering_key: message.orderingKey,
      endpoint: message.endpoint ?? '',
      priority: message.priority,
      payload: message.payload,
      due_at: message.dueAt ?? null,
    })),
  );
  return Promise.resolve();
}

/** The same for many messages, as the click step has them. */
export function enqueueSet(tx: Tx, messages: readonly OutboxMessage[]): Promise<void> {
  return enqueue(tx, ...messages);
}
