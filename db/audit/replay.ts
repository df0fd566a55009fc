import type { Act } from '../../domain/act.js';
import type { Difference, Verdict } from '../../domain/audit/verdict.js';
import type { Instant } from '../../domain/time.js';
import { listUserNames } from '../access/userName.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

/** One replay that somebody asked for: kept with who, when and the verdict (api.md 16.3). */
export interface Replay {
  readonly id: string;
  /** Null: its run was open, and was judged up to `throughEvent`. */
  readonly historyId: string | null;
  readonly throughEvent: number | null;
  readonly verdict: Verdict['verdict'];
  readonly checks: Verdict['checks'];
  readonly recordedBuild: string | null;
  readonly checkedBuild: string;
  readonly firstDifference: Difference | null;
  readonly requestedBy: { readonly type: string; readonly id: string | null; readonly name: string | null };
  readonly at: Instant;
}

interface ReplayRow {
  readonly id: string;
  readonly history_id: string | null;
  readonly through_event: number | null;
  readonly verdict: Verdict['verdict'];
  readonly checks: Verdict['checks'];
  readonly recorded_build: string | null;
  readonly checked_build: string;
  readonly first_difference: Difference | null;
  readonly requested_by: string | null;
  readonly created_at: Instant;
}

export async function insertReplay(
  tx: Tx,
  act: Act,
  of:
    | { readonly historyId: string }
    | { readonly objectId: string; readonly runId: string; readonly throughEvent: number },
  judged: Verdict & { readonly recordedBuild: string | null; readonly checkedBuild: string },
): Promise<string> {
  const id = act.newId('replay');
  await tx('history_replays').insert({
    id,
    ...('historyId' in of
      ? { history_id: of.historyId }
      : { object_id: of.objectId, run_id: of.runId, through_event: of.throughEvent }),
    verdict: judged.verdict,
    checks: JSON.stringify(judged.checks),
    recorded_build: judged.recordedBuild,
    checked_build: judged.checkedBuild,
    first_difference: judged.firstDifference === null ? null : JSON.stringify(judged.firstDifference),
    requested_by: act.actor.id,
    created_at: act.now,
  });
  return id;
}

/** The replays of some histories, and with `objectId` those of its open runs, by the page. */
export async function listReplays(
  tx: ReadTx | Tx,
  of: { readonly historyIds: readonly string[]; readonly objectId?: string },
  page: Page,
): Promise<readonly Replay[]> {
  const query = tx('history_replays')
    .where((either) => {
      either.whereIn('history_id', [...of.historyIds]);
      if (of.objectId !== undefined) either.orWhere({ object_id: of.objectId });
    })
    .select<ReplayRow[]>('*');
  return withNames(tx, await keyset(query, page, { createdAt: 'created_at' }));
}

export async function findReplay(tx: ReadTx | Tx, id: string): Promise<Replay | undefined> {
  const row = await tx('history_replays').where({ id }).first<ReplayRow | undefined>('*');
  return row === undefined ? undefined : (await withNames(tx, [row]))[0];
}

async function withNames(tx: ReadTx | Tx, rows: readonly ReplayRow[]): Promise<readonly Replay[]> {
  const names = await listUserNames(
    tx,
    rows.flatMap((row) => (row.requested_by === null ? [] : [row.requested_by])),
  );
  return rows.map((row) => ({
    id: row.id,
    historyId: row.history_id,
    throughEvent: row.through_event,
    verdict: row.verdict,
    checks: row.checks,
    recordedBuild: row.recorded_build,
    checkedBuild: row.checked_build,
    firstDifference: row.first_difference,
    requestedBy: {
      type: row.requested_by === null ? 'system' : row.requested_by.startsWith('key_') ? 'api_key' : 'user',
      id: row.requested_by,
      name: names.get(row.requested_by ?? '') ?? null,
    },
    at: row.created_at,
  }));
}
