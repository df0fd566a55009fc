import type { Mode } from '../../../domain/act.js';
import {
  entriesOf,
  entryIdOf,
  type EventObject,
  eventOf,
  eventTypeOf,
  eventTypes,
  idsOfObject,
  sharedObjects,
  type WebhookEvent,
} from '../../../domain/messaging/event.js';
import type { Instant } from '../../../domain/time.js';
import { run } from '../../pipeline.js';
import type { ReadTx, Tx } from '../../transaction.js';
import type { EntryRow } from '../audit/auditEntryList.js';
import { keyset, type Page } from '../keyset.js';

export interface EventFilter {
  readonly mode: Mode;
  readonly type?: readonly string[] | undefined;
  /** Of a payout also what happened to its attempts. */
  readonly objectId?: readonly string[] | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

const tableOf: Readonly<Record<EventObject, string>> = {
  affiliate: 'affiliates',
  link: 'links',
  lead: 'leads',
  sale: 'sales',
  referral: 'referrals',
  commission: 'commissions',
  payout: 'payouts',
  attempt: 'payout_attempts',
  payout_run: 'payout_runs',
  operation: 'operations',
  export: 'exports',
};

const columnOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Keeps the entries of the history that are such events, in the mode and of what both modes share. */
export function narrowToEvents<Q extends ReturnType<ReadTx>>(query: Q, filter: EventFilter): Q {
  query.where((where) => {
    where.where('mode', filter.mode).orWhereIn('object_type', [...sharedObjects]);
  });
  query.where((where) => {
    for (const { objectType, events, isBirth, to } of entriesOf(filter.type ?? eventTypes))
      where.orWhere((kind) => {
        kind.where('object_type', objectType).whereIn('event', [...events]);
        if (isBirth !== null) kind.where('seq', isBirth ? '=' : '>', 1);
        if (to !== null) kind.where('to_status', to);
      });
  });
  const { objectId } = filter;
  if (objectId !== undefined)
    query.where((where) => {
      where
        .whereIn('object_id', [...objectId])
        .orWhereRaw(
          `object_type = 'attempt' and object_id in (select attempt.id from payout_attempts as attempt where attempt.payout_id = any(?))`,
          [[...objectId]],
        );
    });
  const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('at', operators[bound as keyof typeof operators], at);
  return query;
}

// What happened, as whoever is told outside hears of it? (api.md 15)
export async function listEvents(tx: ReadTx, filter: EventFilter, page: Page): Promise<readonly WebhookEvent[]> {
  const query = narrowToEvents(tx('audit_entries').select<EntryRow[]>('*') as never, filter) as never;
  return eventsOf(tx, (await keyset(query as ReturnType<ReadTx>, page, { createdAt: 'at' })) as readonly EntryRow[]);
}

/** Undefined for an entry that is no event, and for one of the other mode. */
export async function findEvent(tx: ReadTx | Tx, mode: Mode, id: string): Promise<WebhookEvent | undefined> {
  const row = await tx('audit_entries')
    .where({ id: entryIdOf(id) })
    .first<EntryRow | undefined>('*');
  if (row === undefined) return undefined;
  if (row.mode !== mode && !(sharedObjects as readonly string[]).includes(row.object_type)) return undefined;
  return (await eventsOf(tx, [row]))[0];
}

/** The entries as events, with the ids that go with their objects: one question more for all of them. */
async function eventsOf(tx: ReadTx | Tx, rows: readonly EntryRow[]): Promise<readonly WebhookEvent[]> {
  const entries = rows.map((row) => ({
    id: row.id,
    objectType: row.object_type,
    objectId: row.object_id,
    event: row.event,
    from: row.from_status,
    to: row.to_status,
    sequence: row.seq,
    at: row.at,
    mode: row.mode,
  }));
  const present = (Object.keys(tableOf) as EventObject[]).filter((type) =>
    entries.some(({ objectType }) => objectType === type),
  );
  const selects = present.map((type) => {
    const pairs = idsOfObject[type].map((name) => `'${name}', ${columnOf(name)}`);
    return `select id, jsonb_strip_nulls(jsonb_build_object(${pairs.join(', ')})) as ids from ${tableOf[type]} where id = any($1)`;
  });
  const found =
    selects.length === 0
      ? []
      : await run<{ id: string; ids: Readonly<Record<string, string>> }>(tx, selects.join(' union all '), [
          [...new Set(entries.map(({ objectId }) => objectId))],
        ]);
  const idsOf = new Map(found.map(({ id, ids }) => [id, ids]));
  return entries.flatMap((entry) => {
    const type = eventTypeOf(entry);
    return type === null ? [] : [eventOf({ entry, type, ids: idsOf.get(entry.objectId) ?? {} })];
  });
}
