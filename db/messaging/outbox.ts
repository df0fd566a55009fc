import type { Instant } from '../../domain/time.js';
import { insertSet, type SetColumnType } from '../setInsert.js';
import type { Tx } from '../transaction.js';

/** 1 payouts, 2 single decisions (http: mail somebody waits for), 3 facts, 4 bulk decisions, 5 clicks and exports (temporal.md 4.3). */
export type OutboxPriority = 1 | 2 | 3 | 4 | 5;

export interface OutboxMessage {
  readonly lane: 'workflow' | 'http';
  readonly topic: 'start' | 'signal' | 'schedule' | 'history.export' | 'mail' | 'webhook' | 'postback';
  /** Signals: the workflow id, so that they arrive in the order written. Null blocks nothing. */
  readonly orderingKey: string | null;
  readonly endpoint?: string;
  readonly priority: OutboxPriority;
  /** Ids, codes and instants only. */
  readonly payload: Readonly<Record<string, unknown>>;
  readonly dueAt?: Instant;
}

/** Writes messages with the fact or decision they tell of. The relay sends them after the commit, at least once. */
export async function enqueue(tx: Tx, ...messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  await tx('outbox').insert(
    messages.map((message) => ({
      ...rowOf(message),
      ...(message.dueAt === undefined ? {} : { due_at: message.dueAt }),
    })),
  );
}

/** The same for many messages that are due at once: one statement, one array per column. In their order. */
export async function enqueueSet(tx: Tx, messages: readonly Omit<OutboxMessage, 'dueAt'>[]): Promise<void> {
  await insertSet(tx, 'outbox', columnTypes, messages.map(rowOf));
}

const columnTypes = {
  lane: 'text',
  topic: 'text',
  ordering_key: 'text',
  endpoint: 'text',
  priority: 'smallint',
  payload: 'jsonb',
} as const satisfies Readonly<Record<keyof ReturnType<typeof rowOf>, SetColumnType>>;

function rowOf(message: Omit<OutboxMessage, 'dueAt'>) {
  return {
    lane: message.lane,
    topic: message.topic,
    ordering_key: message.orderingKey,
    endpoint: message.endpoint ?? '',
    priority: message.priority,
    payload: JSON.stringify(message.payload),
  };
}
