import type { Knex } from 'knex';
import type { Instant } from '../../domain/time.js';
import type { RelayDb } from '../connection.js';
import { type Listener, listen } from '../listener.js';
import type { ReadTx } from '../transaction.js';

// The relay's side of the outbox, over all workspaces (temporal.md 4.2). Claim, commit, call, mark: no transaction is open during a call.

export type Lane = 'workflow' | 'http';

/** A row whose lease is ours until 30 s after `claimedAt`. */
export interface ClaimedMessage {
  readonly id: string;
  readonly workspaceId: string;
  readonly lane: Lane;
  readonly topic: string;
  readonly orderingKey: string | null;
  readonly endpoint: string;
  readonly priority: number;
  /** As it stands in the row: whoever sends it checks its shape. */
  readonly payload: unknown;
  /** 1 at the first try. */
  readonly attempts: number;
  readonly createdAt: Instant;
  /** Postgres's clock: what remains of a delay is measured by it. */
  readonly claimedAt: Instant;
}

interface ClaimedRow {
  readonly id: bigint;
  readonly workspace_id: string;
  readonly lane: Lane;
  readonly topic: string;
  readonly ordering_key: string | null;
  readonly endpoint: string;
  readonly priority: number;
  readonly payload: unknown;
  readonly attempts: number;
  readonly created_at: Instant;
  readonly claimed_at: Instant;
}

// One index probe per line of (workspace, priority, endpoint), however many rows wait. A workspace's turn comes before its priorities:
// that is the fairness between workspaces. Arrays instead of `in (select …)`: by primary key, whatever a prepared plan expects of :slots.
// greatest(0, …): two relays that claim at the same instant may together pass :each, and a negative limit is an error.
const claimSql = `
  with recursive line as (
    (select workspace_id, priority, endpoint from outbox
     where lane = :lane and sent_at is null and dead_at is null order by 1, 2, 3 limit 1)
    union all
    select further.* from line cross join lateral (
      select workspace_id, priority, endpoint from outbox
      where lane = :lane and sent_at is null and dead_at is null
        and (workspace_id, priority, endpoint) > (line.workspace_id, line.priority, line.endpoint) order by 1, 2, 3 limit 1) further
  ), busy as (
    select workspace_id, endpoint, count(*) as calls from outbox
    where lane = :lane and lease_token is not null and due_at > now() group by 1, 2
  ), place as (
    select head.id, head.priority,
      (select coalesce(sum(calls), 0) from busy where busy.workspace_id = line.workspace_id)
      + row_number() over (partition by line.workspace_id order by head.priority, head.due_at, head.id) as turn
    from line cross join lateral (
      select candidate.* from outbox candidate
      where candidate.lane = :lane and candidate.sent_at is null and candidate.dead_at is null and candidate.due_at <= now()
        and (candidate.workspace_id, candidate.priority, candidate.endpoint) = (line.workspace_id, line.priority, line.endpoint)
        and not exists (select from outbox earlier where earlier.ordering_key = candidate.ordering_key
                        and earlier.id < candidate.id and earlier.sent_at is null and earlier.dead_at is null)
      order by candidate.due_at, candidate.id
      limit greatest(0, least(:slots / (select count(*) from line) + 1, :each - coalesce((select calls from busy
        where (busy.workspace_id, busy.endpoint) = (line.workspace_id, line.endpoint)), 0)))) head
  )
  update outbox set lease_token = :token, due_at = now() + :leaseMs * interval '1 millisecond', attempts = attempts + 1
  where id = any (array(
    select id from outbox
    where id = any (array(select id from place order by turn, priority, id limit :slots))
      and sent_at is null and dead_at is null and due_at <= now()
    for update skip locked))
  returning *, date_trunc('milliseconds', now()) as claimed_at`;

/** Takes up to `slots` rows that are due, at most `each` under way per endpoint of a workspace, for `leaseMs`. In order of their ids. */
export async function claimMessages(
  db: RelayDb,
  claim: {
    readonly lane: Lane;
    readonly slots: number;
    readonly each: number;
    readonly token: string;
    readonly leaseMs: number;
  },
): Promise<readonly ClaimedMessage[]> {
  const { rows } = await (db as Knex).raw<{ rows: ClaimedRow[] }>(claimSql, { ...claim });
  return rows
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((row) => ({
      id: row.id.toString(),
      workspaceId: row.workspace_id,
      lane: row.lane,
      topic: row.topic,
      orderingKey: row.ordering_key,
      endpoint: row.endpoint,
      priority: row.priority,
      payload: row.payload,
      attempts: row.attempts,
      createdAt: row.created_at,
      claimedAt: row.claimed_at,
    }));
}

/** One row's end of a try: sent, dead, or due again. Written only where the lease is still ours. */
export type Mark =
  | { readonly kind: 'sent'; readonly id: string; readonly token: string }
  | { readonly kind: 'dead'; readonly id: string; readonly token: string; readonly code: string }
  /** `delayMs` 0: it stays due, as after an outage. */
  | {
      readonly kind: 'later';
      readonly id: string;
      readonly token: string;
      readonly delayMs: number;
      readonly code: string | null;
    };

/** Writes many marks in one statement. A row whose lease went to another relay meanwhile is left alone. */
export async function markMessages(db: RelayDb, marks: readonly Mark[]): Promise<void> {
  if (marks.length === 0) return;
  await (db as Knex).raw(
    `update outbox set
       lease_token = null,
       sent_at = case when mark.kind = 'sent' then now() end,
       dead_at = case when mark.kind = 'dead' then now() end,
       due_at = case when mark.kind = 'later' then now() + mark.delay_ms * interval '1 millisecond' else outbox.due_at end,
       error_code = mark.code
     from unnest(cast(:ids as bigint[]), cast(:tokens as uuid[]), cast(:kinds as text[]), cast(:delays as float8[]), cast(:codes as text[]))
       as mark (id, token, kind, delay_ms, code)
     where outbox.id = mark.id and outbox.lease_token = mark.token and outbox.sent_at is null`,
    {
      ids: marks.map((mark) => mark.id),
      tokens: marks.map((mark) => mark.token),
      kinds: marks.map((mark) => mark.kind),
      delays: marks.map((mark) => (mark.kind === 'later' ? mark.delayMs : 0)),
      codes: marks.map((mark) => (mark.kind === 'sent' ? null : mark.code)),
    },
  );
}

/** Which of these keys have an unsent row written after the one named? A start is needless then: a later signal starts the run. */
export async function findKeysWithLaterRow(
  db: RelayDb,
  rows: readonly { readonly key: string; readonly id: string }[],
): Promise<ReadonlySet<string>> {
  if (rows.length === 0) return new Set();
  const found = await (db as Knex).raw<{ rows: { key: string }[] }>(
    `select asked.key from unnest(cast(:keys as text[]), cast(:ids as bigint[])) as asked (key, id)
     where exists (select from outbox as later where later.ordering_key = asked.key and later.id > asked.id
                   and later.sent_at is null and later.dead_at is null)`,
    { keys: rows.map((row) => row.key), ids: rows.map((row) => row.id) },
  );
  return new Set(found.rows.map((row) => row.key));
}

export interface OutboxLag {
  readonly lane: Lane;
  readonly priority: number;
  readonly seconds: number;
  readonly waiting: number;
}

/** How late is the oldest unsent row of each lane and priority, and how many wait? (temporal.md 4.3) */
export async function readOutboxLag(db: RelayDb): Promise<readonly OutboxLag[]> {
  const { rows } = await (db as Knex).raw<{
    rows: { lane: Lane; priority: number; seconds: number; waiting: bigint }[];
  }>(
    `select lane, priority, greatest(0, extract(epoch from now() - min(due_at)))::float8 as seconds, count(*) as waiting
     from outbox where sent_at is null and dead_at is null group by lane, priority`,
  );
  return rows.map((row) => ({ ...row, waiting: Number(row.waiting) }));
}

/** Seconds since the oldest credited click that no referral has yet; 0 when none waits. Counted from the click. */
export async function readClickLag(db: RelayDb): Promise<number> {
  const { rows } = await (db as Knex).raw<{ rows: { seconds: number }[] }>(
    `select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as seconds
     from clicks where credit = 'credited' and taken_up_at is null`,
  );
  return rows[0]?.seconds ?? 0;
}

/** What the relay has to know of a referral before it sends: is its start still wanted, where did it merge to, how is it found in visibility. */
export interface ReferralState {
  readonly status: string;
  readonly programId: string;
  readonly affiliateId: string | null;
  /** The root, never a link of a chain. */
  readonly mergedIntoId: string | null;
}

interface ReferralStateRow {
  readonly id: string;
  readonly status: string;
  readonly program_id: string;
  readonly affiliate_id: string | null;
  readonly merged_into_id: string | null;
}

/** The states of these referrals of one workspace, by id. */
export async function findReferralStates(
  tx: ReadTx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ReferralState>> {
  const rows = await tx<ReferralStateRow>('referrals')
    .select('id', 'status', 'program_id', 'affiliate_id', 'merged_into_id')
    .whereIn('id', [...ids]);
  return new Map(
    rows.map((row) => [
      row.id,
      {
        status: row.status,
        programId: row.program_id,
        affiliateId: row.affiliate_id,
        mergedIntoId: row.merged_into_id,
      },
    ]),
  );
}

/** Calls `onWake` for each NOTIFY after a commit. A courtesy: the relay polls too, so a lost notification costs a fifth of a second. */
export function listenForMessages(url: string, onWake: () => void, onLost: (error: unknown) => void): Listener {
  return listen({ url, applicationName: 'tributary relay', channel: 'outbox' }, onWake, onLost);
}
