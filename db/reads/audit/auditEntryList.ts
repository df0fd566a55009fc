import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import { listUserNames } from '../../access/userName.js';
import { run } from '../../pipeline.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { listNamedIds } from '../namedIds.js';

// Who did what to which object, when, why, from which cause, and which leaf of the chain seals it? (AUD-01)

export interface AuditEntryView {
  readonly id: string;
  readonly mode: Mode;
  readonly sequence: number;
  readonly objectType: string;
  readonly objectId: string;
  readonly event: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly actor: { readonly type: string; readonly id: string | null; readonly name: string | null };
  /** The affiliate whose portal the person looked at meanwhile. */
  readonly viewed: { readonly id: string; readonly name: string } | null;
  readonly reasonCode: string | null;
  /** The text that the person gave with the decision. */
  readonly reason: string | null;
  readonly cause: { readonly type: string; readonly id: string } | null;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly requestId: string | null;
  /** From where: the caller's address, as long as the log of calls keeps it (settings.privacy.apiLog). */
  readonly address: string | null;
  readonly commitId: string;
  /** Null: the chain takes it within a minute. */
  readonly leaf: { readonly sequence: bigint; readonly hash: string } | null;
  readonly workflow: {
    readonly workflowId: string;
    readonly runId: string | null;
    readonly activityId: string | null;
  } | null;
  readonly at: Instant;
}

export interface AuditEntryFilter {
  readonly mode: Mode;
  readonly actorId?: readonly string[] | undefined;
  readonly event?: readonly string[] | undefined;
  readonly objectType?: readonly string[] | undefined;
  readonly objectId?: readonly string[] | undefined;
  readonly causeId?: readonly string[] | undefined;
  readonly requestId?: readonly string[] | undefined;
  readonly q?: string | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

/** Objects whose rows have a mode; what configures the workspace is shared and shows in both (api.md 1.3). */
const objectsWithMode = [
  'click',
  'visit',
  'lead',
  'sale',
  'refund',
  'dispute',
  'referral',
  'check',
  'commission',
  'payout_run',
  'payout',
  'attempt',
  'gateway_event',
  'reconciliation',
];

export interface EntryRow {
  readonly id: string;
  readonly mode: Mode;
  readonly object_type: string;
  readonly object_id: string;
  readonly seq: number;
  readonly from_status: string | null;
  readonly to_status: string | null;
  readonly event: string;
  readonly actor_type: string;
  readonly actor_id: string | null;
  readonly actor_user_id: string | null;
  readonly reason_code: string | null;
  readonly cause_type: string | null;
  readonly cause_id: string | null;
  readonly changes: Record<string, unknown>;
  readonly request_id: string | null;
  readonly workflow_id: string | null;
  readonly run_id: string | null;
  readonly activity_id: string | null;
  readonly commit_id: string;
  readonly at: Instant;
}

export async function listAuditEntries(
  tx: ReadTx,
  filter: AuditEntryFilter,
  page: Page,
): Promise<readonly AuditEntryView[]> {
  const query = tx('audit_entries').where((where) => {
    where.where({ mode: filter.mode }).orWhereNotIn('object_type', objectsWithMode);
  });
  const { actorId } = filter;
  if (actorId !== undefined)
    query.where((where) => {
      where.whereIn('actor_id', [...actorId]).orWhereIn('actor_user_id', [...actorId]);
    });
  if (filter.q !== undefined) {
    const { q } = filter;
    const ids = await listNamedIds(tx, filter.mode, q);
    // Who did it has no index: asked for only where the word names a person, whose entries are then read from the newest on.
    const people = ids.filter((id) => id.startsWith('usr_'));
    query.where((where) => {
      where.whereIn('object_id', [...ids]).orWhere({ id: q });
      if (people.length > 0) where.orWhereIn('actor_id', people).orWhereIn('actor_user_id', people);
    });
  }
  const columns = {
    event: filter.event,
    object_type: filter.objectType,
    object_id: filter.objectId,
    cause_id: filter.causeId,
    request_id: filter.requestId,
  };
  for (const [column, values] of Object.entries(columns)) if (values !== undefined) query.whereIn(column, [...values]);
  const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('at', operators[bound as keyof typeof operators], at);
  const rows = await keyset(query.select<EntryRow[]>('*'), page, { createdAt: 'at', sequence: 'seq' });
  return viewsOf(tx, rows);
}

export async function findAuditEntry(tx: ReadTx, mode: Mode, id: string): Promise<AuditEntryView | undefined> {
  const row = await tx('audit_entries').where({ id }).first<EntryRow | undefined>('*');
  if (row === undefined || (row.mode !== mode && objectsWithMode.includes(row.object_type))) return undefined;
  return (await viewsOf(tx, [row]))[0];
}

/** What the rows name, asked for together: one round trip. */
export async function viewsOf(tx: ReadTx, rows: readonly EntryRow[]): Promise<readonly AuditEntryView[]> {
  if (rows.length === 0) return [];
  const idsOf = (of: (row: EntryRow) => string | null): readonly string[] => [
    ...new Set(rows.flatMap((row) => of(row) ?? [])),
  ];
  const viewedOf = ({ changes }: EntryRow): readonly string[] => {
    const id = changes['viewedAffiliateId'];
    return typeof id === 'string' ? [id] : [];
  };
  const viewed = rows.flatMap(viewedOf);
  const [names, affiliates, leaves, decisions, calls] = await Promise.all([
    listUserNames(
      tx,
      rows.flatMap((row) => [row.actor_id, row.actor_user_id].filter((id) => id !== null)),
    ),
    viewed.length === 0
      ? []
      : run<{ id: string; name: string }>(tx, 'select id, name from affiliates where id = any($1)', [viewed]),
    run<{ commit_id: string; sequence: bigint; leaf_hash: Buffer }>(
      tx,
      'select commit_id, sequence, leaf_hash from audit_leaves where commit_id = any($1)',
      [idsOf((row) => row.commit_id)],
    ),
    // A decision is carried out by a workflow's activity: from where it was made its own call says.
    run<{ id: string; note: string | null; address: string | null }>(
      tx,
      `select decision.id, decision.note, call.address
       from decisions as decision
       left join lateral (
         select address from api_log
         where (workspace_id, request_id) = (decision.workspace_id, decision.request_id) limit 1) as call on true
       where decision.id = any($1)`,
      [idsOf((row) => row.cause_id)],
    ),
    // The address stands in the log and not in the trail: the trail is never changed, an address has to go one day (AUD-08).
    run<{ request_id: string; address: string | null }>(
      tx,
      'select request_id, address from api_log where request_id = any($1)',
      [idsOf((row) => row.request_id)],
    ),
  ]);
  const leafOf = new Map(
    leaves.map((leaf) => [leaf.commit_id, { sequence: leaf.sequence, hash: leaf.leaf_hash.toString('hex') }]),
  );
  const decisionOf = new Map(decisions.map((decision) => [decision.id, decision]));
  const addressOf = new Map(calls.map((call) => [call.request_id, call.address]));
  return rows.map((row) => ({
    id: row.id,
    mode: row.mode,
    sequence: row.seq,
    objectType: row.object_type,
    objectId: row.object_id,
    event: row.event,
    from: row.from_status,
    to: row.to_status,
    actor: {
      type: row.actor_type,
      id: row.actor_id,
      name: names.get(row.actor_id ?? '') ?? names.get(row.actor_user_id ?? '') ?? null,
    },
    viewed: affiliates.find(({ id }) => viewedOf(row).includes(id)) ?? null,
    reasonCode: row.reason_code,
    reason: decisionOf.get(row.cause_id ?? '')?.note ?? null,
    cause: row.cause_id === null ? null : { type: row.cause_type ?? 'unknown', id: row.cause_id },
    changes: row.changes,
    requestId: row.request_id,
    address:
      (row.request_id === null ? decisionOf.get(row.cause_id ?? '')?.address : addressOf.get(row.request_id)) ?? null,
    commitId: row.commit_id,
    leaf: leafOf.get(row.commit_id) ?? null,
    workflow:
      row.workflow_id === null ? null : { workflowId: row.workflow_id, runId: row.run_id, activityId: row.activity_id },
    at: row.at,
  }));
}
