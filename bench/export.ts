// Row 9 of performance.md: a list of 300,000 rows as CSV, from its order to the file, beside COPY of the same rows by Postgres itself; and what
// memory the worker takes for it (screens.md 11).
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import knexFactory, { type Knex } from 'knex';
import { makeDemo } from '../bin/demo.js';
import type { UserId, WorkspaceId } from '../domain/ids.js';
import { loadConfig } from '../platform/config.js';
import { apiClient, at, textAt } from '../test/support/apiClient.js';
import { eventually } from '../test/support/eventually.js';
import { LiveStack } from '../test/support/liveStack.js';
import { copied, copyRows } from './copies.js';
import type { Bench, Measured } from './measure.js';
import { makeOwnerKey } from './ownerKey.js';

const rowsWanted = 300_000;
const rounds = 3;
const budgetBytes = 150_000_000;
const columns = ['id', 'status', 'kind', 'level', 'affiliateId', 'programId', 'amount', 'net', 'createdAt'];
/** The same facts as they lie in the table. */
const sameColumns =
  'id, status, kind, level, affiliate_id, program_id, amount_minor, reversed_minor, currency, created_at';

export const exportBench: Bench = {
  names: ['export', 'exportMemory'],
  what: 'a list of 300,000 rows as CSV, order to file, against COPY of the same rows; memory the worker takes for it',
  takes: '5 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start({ env: { NODE_ENV: 'development', LOG_LEVEL: 'warn' } });
  const owner = knexFactory({ client: 'pg', connection: stack.ownerUrl, pool: { min: 0, max: 1 } });
  // Only the superuser may write a file.
  const database = Object.assign(new URL(stack.adminUrl), { pathname: new URL(stack.ownerUrl).pathname });
  const admin = knexFactory({ client: 'pg', connection: database.toString(), pool: { min: 0, max: 1 } });
  try {
    await makeDemo(loadConfig(stack.environment));
    const had = await copyRows(owner, 'commissions', copied['commissions'] ?? [], rowsWanted);
    await owner.raw('vacuum (analyze) commissions');
    const [person] = await owner('users')
      .where({ audience: 'staff', status: 'active' })
      .whereRaw("'owner' = any (role_ids)")
      .select<{ workspaceId: WorkspaceId; userId: UserId }[]>('workspace_id as workspaceId', 'id as userId');
    if (person === undefined) throw new Error('a demo without an owner');
    const key = await makeOwnerKey(stack, person);
    const api = apiClient(
      () => stack.baseUrl,
      () => key,
    );
    const worker = stack.pidOf('worker-0');
    const times: { ours: number; theirs: number }[] = [];
    const memory: { ours: number; theirs: number }[] = [];
    const notes: string[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const theirs = await copyOut(stack, admin);
      const before = peakOf(worker, true);
      const own = await exportOnce(api);
      const grown = Math.max(0, peakOf(worker, false) - before);
      if (own.rows !== had) throw new Error(`${own.rows} of ${had} rows are in the file`);
      times.push({ ours: own.ms, theirs });
      memory.push({ ours: grown, theirs: budgetBytes });
      notes.push(
        `round ${round}: ${had} rows, ${(own.bytes / 1e6).toFixed(1)} MB in ${(own.ms / 1_000).toFixed(1)} s, COPY ${(theirs / 1_000).toFixed(2)} s; the worker grew by ${(grown / 1e6).toFixed(0)} MB`,
      );
      say(notes.at(-1) ?? '');
    }
    return [
      {
        name: 'export',
        against: 'COPY of the same rows to a file',
        unit: 'ms',
        goal: '<= 1.3',
        rounds: times,
        notes: [
          'ours: POST /v1/exports to `done`, through workflow, handlers, rights and masks of the list, stored in pieces',
          ...notes,
        ],
      },
      { name: 'exportMemory', against: '150 MB', unit: 'bytes', goal: '<= 1.00', rounds: memory, notes },
    ];
  } finally {
    await admin.destroy();
    await owner.destroy();
    await stack.stop();
  }
}

async function copyOut(stack: LiveStack, admin: Knex): Promise<number> {
  const file = path.join(stack.dataDir, 'postgres', 'copied.csv'); // where the server's own user may write
  const from = performance.now();
  await admin.raw(
    `copy (select ${sameColumns} from commissions order by created_at, id) to '${file}' with (format csv, header)`,
  );
  return performance.now() - from;
}

async function exportOnce(api: ReturnType<typeof apiClient>) {
  const from = performance.now();
  const order = await api.post('/v1/exports', {
    resource: 'commissions',
    format: 'csv',
    columns,
    filter: { sort: 'createdAt' },
  });
  if (order.status !== 202) throw new Error(`the export was answered ${order.status} ${JSON.stringify(order.body)}`);
  const { body } = await eventually(
    async () => {
      const state = await api.get(`/v1/exports/${textAt(order.body, 'id')}`);
      if (at(state.body, 'status') === 'failed') throw new Error(`the export failed: ${JSON.stringify(state.body)}`);
      return at(state.body, 'status') === 'done' && state;
    },
    { within: 600_000, every: 250 },
  );
  return { ms: performance.now() - from, rows: Number(at(body, 'rows')), bytes: Number(at(body, 'size')) };
}

/** The most memory a process has held since the last call that began anew, in bytes (Linux). */
function peakOf(pid: number, anew: boolean): number {
  if (anew) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(peak ?? 0) * 1_024;
}
