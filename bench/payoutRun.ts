// Row 6 of performance.md: a payout run planned over 1,000,000 approved commissions of 20,000 affiliates, in the pages of 1,000 affiliates that
// production takes, two side by side (docs/decisions/0540), each a transaction that a kill leaves whole: drafts, lines, reservations in the ledger, history, the list of everyone. Beside
// it a raw insert … select of the same lines into a table with the same primary key. Postgres runs with its real settings; afterwards the
// books are checked.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import knexFactory, { type Knex } from 'knex';
import { createManualGateway } from '../activities/gateways/manual.js';
import { createSandboxGateway } from '../activities/gateways/sandbox.js';
import type { PayoutDeps } from '../activities/payout/deps.js';
import { startRun } from '../activities/payout/payout.js';
import { payoutRunActivities } from '../activities/payout/payoutRun.js';
import { createWorkspace } from '../db/access/workspace.js';
import { connect, type Db } from '../db/connection.js';
import { readInvariants } from '../db/reads/earning/bookChecks.js';
import { inWorkspace } from '../db/transaction.js';
import type { PayoutRunId, ProgramId, WorkspaceId } from '../domain/ids.js';
import { everybody } from '../domain/payout/payoutRun.js';
import { clockNow } from '../platform/clock.js';
import { createContentStore } from '../platform/contentStore.js';
import { createJournal } from '../platform/journal.js';
import { createLogger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import type { PayoutRunStep } from '../workflows/contract.js';
import { inBenchDatabase } from './database.js';
import type { Bench, Measured } from './measure.js';

export const payoutRunBench: Bench = {
  names: ['payoutRun', 'payoutRunOrdered', 'payoutRunCpu'],
  what: 'planning a payout run over 1,000,000 approved commissions of 20,000 affiliates, against a raw insert … select of its lines',
  takes: '5 minutes',
  run: (say) => measurePlan(say, { affiliates: 20_000, perAffiliate: 50, rounds: 3 }),
};

interface Pair {
  readonly ours: number;
  readonly theirs: number;
}

interface Size {
  readonly affiliates: number;
  readonly perAffiliate: number;
  readonly rounds: number;
}

export async function measurePlan(say: (line: string) => void, size: Size): Promise<readonly Measured[]> {
  return inBenchDatabase(async (database) => {
    const superuser = knexFactory({ client: 'pg', connection: database.adminUrl, pool: { min: 0, max: 1 } });
    const db = connect({ url: database.appUrl, poolSize: 2, applicationName: 'bench', statementTimeoutMs: 600_000 });
    database.closing.push(
      () => db.destroy(),
      () => superuser.destroy(),
    );
    const workspaceId = await seed(db, superuser, size);
    const deps = depsOf(db, database.folder);
    const pairs: Pair[] = [];
    const cpuPairs: Pair[] = [];
    const orderedPairs: Pair[] = [];
    for (let round = 1; round <= size.rounds; round += 1) {
      const runId = await start(db, workspaceId);
      const ours = await taking(database.pid, () => plan(deps, workspaceId, runId));
      if (round === 1) await requireRightBooks(superuser, size, runId);
      const theirs = await rawInsert(superuser, database.pid, 'byPage');
      const inOrder = await rawInsert(superuser, database.pid, 'byPayout');
      say(
        `round ${round}: raw ${theirs.seconds.toFixed(2)} s, in key order ${inOrder.seconds.toFixed(2)} s, ours ${ours.seconds.toFixed(2)} s; CPU ${theirs.cpuSeconds.toFixed(2)}, ${inOrder.cpuSeconds.toFixed(2)} and ${ours.cpuSeconds.toFixed(2)} s`,
      );
      orderedPairs.push({ ours: ours.seconds, theirs: inOrder.seconds });
      pairs.push({ ours: ours.seconds, theirs: theirs.seconds });
      cpuPairs.push({ ours: ours.cpuSeconds, theirs: theirs.cpuSeconds });
      if (round < size.rounds) await forget(superuser);
    }
    const notes = [
      `${size.affiliates * size.perAffiliate} approved commissions of ${size.affiliates} affiliates; pages of 1,000 affiliates, a transaction each, two side by side`,
      'ours writes per affiliate a draft, a reservation with its accounts and balances, two audit entries, the row of the preview; per commission a lock, a line with the index of its payout and the one that lets it into one live payout; and seals the plan',
      'after the first round every invariant of the books but the audit chain, which the relay writes, answers nothing',
    ];
    const against = 'insert … select of the same lines with a primary key';
    const ordered: Measured = {
      name: 'payoutRunOrdered',
      against: `${against}, in the order of the key`,
      unit: 's',
      goal: '<= 3.0',
      rounds: orderedPairs,
      notes: [...notes, 'the cheapest raw insert: each row goes to the end of the key'],
    };
    const cpu: Measured = {
      name: 'payoutRunCpu',
      against,
      unit: 'CPU s',
      goal: '<= 3.0',
      rounds: cpuPairs,
      notes: [
        ...notes,
        'CPU of all processes of Postgres, and of Node where it plans: what others do on the machine counts less',
      ],
    };
    const wall: Measured = {
      name: 'payoutRun',
      against,
      unit: 's',
      goal: '<= 3.0',
      rounds: pairs,
      notes: [...notes, 'the raw rows lie page by page, by commission'],
    };
    return process.platform === 'linux' ? [wall, ordered, cpu] : [wall, ordered];
  });
}

function depsOf(db: Db, folder: string): PayoutDeps {
  const gateways = [
    createSandboxGateway({ journal: createJournal(path.join(folder, 'sandbox.journal')), now: clockNow }),
    createManualGateway(),
  ];
  return {
    db,
    longDb: db,
    newId,
    logger: createLogger({ logLevel: 'error' }),
    payoutGateways: new Map(gateways.map((gateway) => [gateway.adapter, gateway])),
    gatewayPolicy: { sandboxPaysLive: true },
    openMethodDetails: () => ({}),
    openGatewayAccess: () => ({}),
    answers: createContentStore(path.join(folder, 'answers')),
  };
}

async function start(db: Db, workspaceId: WorkspaceId): Promise<PayoutRunId> {
  return inWorkspace(db, workspaceId, async (tx, now) => {
    const act = {
      workspaceId,
      mode: 'live',
      now,
      actor: { type: 'system', id: null, userId: null },
      cause: null,
      reasonCode: null,
      origin: null,
      requestId: null,
      newId,
    } as const;
    const { run } = await startRun(tx, act, {
      period: null,
      currencies: [],
      filter: everybody,
      excludedAffiliateIds: [],
      cutOffAt: now,
      payAt: null,
      note: null,
    });
    return run.id;
  });
}

/** The pages as the run's workflow asks for them, one activity each. */
async function plan(deps: PayoutDeps, workspaceId: WorkspaceId, payoutRunId: PayoutRunId): Promise<void> {
  const activities = payoutRunActivities(deps);
  const ref = { workspaceId, payoutRunId };
  for (;;) {
    const step = (await new MockActivityEnvironment().run(() => activities.planPage(ref))) as PayoutRunStep;
    if (step.next === 'wait' && step.status === 'planned') return;
    if (step.next !== 'plan') throw new Error(`the plan ended as ${step.status}`);
  }
}

async function requireRightBooks(superuser: Knex, size: Size, runId: PayoutRunId): Promise<void> {
  const { rows } = await superuser.raw<{ rows: { lines: string; payouts: string; sealed: boolean }[] }>(
    `select (select count(*) from payout_lines) as lines, (select count(*) from payouts) as payouts,
            (select plan_hash is not null from payout_runs where id = ?) as sealed`,
    [runId],
  );
  const [seen] = rows;
  if (
    seen?.lines !== String(size.affiliates * size.perAffiliate) ||
    seen.payouts !== String(size.affiliates) ||
    !seen.sealed
  )
    throw new Error(`the plan is not whole: ${JSON.stringify(seen)}`);
  for (const { id, sql } of readInvariants()) {
    if (id === 'I14') continue;
    const broken = await superuser.raw<{ rows: unknown[] }>(sql);
    if (broken.rows.length > 0) throw new Error(`${id} is broken ${broken.rows.length} times`);
  }
}

interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** What some work takes on the clock and of the processors: this process and every process of the server. */
async function taking(serverPid: number, work: () => Promise<unknown>): Promise<Took> {
  const before = serverCpu(serverPid);
  const node = process.cpuUsage();
  const from = performance.now();
  await work();
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(node);
  let server = 0;
  for (const [pid, cpuSeconds] of serverCpu(serverPid)) server += cpuSeconds - (before.get(pid) ?? 0);
  return { seconds, cpuSeconds: server + (user + system) / 1e6 };
}

/** A tick of /proc is 10 ms on every Linux. */
const ticksPerSecond = 100;

/** CPU seconds so far of the server's processes, by their numbers; only Linux tells. */
function serverCpu(serverPid: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  if (process.platform !== 'linux') return found;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const stat = statOf(pid);
    // After the command in brackets, which may hold anything: state, parent … user and system time are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[1] === String(serverPid) || pid === String(serverPid))
      found.set(pid, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond);
  }
  return found;
}

/** Empty when the process ended since it was listed. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}

/**
 * The same rows into a table that has nothing but its key: `byPayout` as they lie, where the key grows at one end, or `byPage` as they lay until
 * decision 0230 was amended, a thousand affiliates after the other and by commission.
 */
async function rawInsert(superuser: Knex, serverPid: number, order: 'byPayout' | 'byPage'): Promise<Took> {
  await superuser.raw('drop table if exists raw_lines, seen_lines');
  await superuser.raw(
    order === 'byPayout'
      ? 'create table seen_lines as select * from payout_lines'
      : `create table seen_lines as
         select line.*
         from payout_lines as line
         join (select id, (row_number() over (order by affiliate_id) - 1) / 1000 as page from payouts) as paged on paged.id = line.payout_id
         order by paged.page, line.commission_id`,
  );
  await superuser.raw('create table raw_lines (like payout_lines)');
  await superuser.raw('alter table raw_lines add primary key (workspace_id, payout_id, commission_id, created_at)');
  const took = await taking(serverPid, () => superuser.raw('insert into raw_lines select * from seen_lines'));
  await superuser.raw('drop table raw_lines, seen_lines');
  return took;
}

/** Back to before the plan, for the next round: what nobody may do in the product, a superuser with its triggers off may. */
async function forget(superuser: Knex): Promise<void> {
  await superuser.transaction(async (trx) => {
    await trx.raw('set local session_replication_role = replica');
    for (const table of ['payout_lines', 'payout_run_rows', 'payout_run_pages', 'payouts', 'payout_runs', 'outbox'])
      await trx.raw(`delete from ${table}`);
    await trx.raw(`delete from audit_entries where object_type in ('payout', 'payout_run')`);
    await trx.raw(
      `delete from ledger_postings where transfer_id in (select id from ledger_transfers where kind = 'payout.reserved')`,
    );
    await trx.raw(`delete from ledger_transfers where kind = 'payout.reserved'`);
    await trx.raw(
      `delete from account_balances where account_id in (select id from ledger_accounts where kind = 'payout_open')`,
    );
    await trx.raw(`delete from ledger_accounts where kind = 'payout_open'`);
    await trx.raw(`update account_balances set debit_minor = 0, posting_count = 1`);
  });
  await superuser.raw('vacuum (analyze, parallel 0)');
}

/** Affiliates with a confirmed method and their approved lines, each with its posting, as accrual and approval leave them. */
async function seed(db: Db, superuser: Knex, size: Size): Promise<WorkspaceId> {
  const { workspaceId } = await createWorkspace(db, newId, {
    name: 'Bench',
    owner: { name: 'Ana', email: 'ana@bench.example' },
    isFirst: false,
    ownerStatus: 'active',
  });
  const programId: ProgramId = newId('program');
  await superuser.transaction(async (trx) => {
    await trx.raw('set local session_replication_role = replica');
    const statement = (sql: string): Promise<unknown> =>
      trx.raw(sql, { workspaceId, programId, affiliates: size.affiliates, perAffiliate: size.perAffiliate } as never);
    await statement(
      `insert into programs (workspace_id, id, name, slug, status, currency) values (:workspaceId, :programId, 'Bench', 'bench', 'active', 'USD')`,
    );
    await statement(
      `insert into contacts (workspace_id, id, name) select :workspaceId, 'con_' || lpad(n::text, 26, '0'), 'A' || n from generate_series(1, :affiliates::int) as n`,
    );
    await statement(
      `insert into affiliates (workspace_id, id, contact_id, name, email, status)
       select :workspaceId, 'aff_' || lpad(n::text, 26, '0'), 'con_' || lpad(n::text, 26, '0'), 'A' || n, 'a' || n || '@bench.example', 'approved'
       from generate_series(1, :affiliates::int) as n`,
    );
    await statement(
      `insert into payout_methods (workspace_id, id, affiliate_id, type, currency, details, masked, fingerprint, status, verified_at)
       select :workspaceId, 'pmd_' || lpad(n::text, 26, '0'), 'aff_' || lpad(n::text, 26, '0'), 'sandbox', 'USD', '{}', 'ok', 'f' || n, 'active', now()
       from generate_series(1, :affiliates::int) as n`,
    );
    // In the order in which they would be earned: everybody's first, then everybody's second.
    await statement(
      `insert into commissions (workspace_id, id, mode, kind, level, affiliate_id, program_id, cause_type, cause_id, currency, exact_numerator,
                                exact_denominator, amount_minor, status, eligible_at, approved_at, version)
       select :workspaceId, 'com_' || lpad(((line - 1) * :affiliates::int + n)::text, 26, '0'), 'live', 'earned', 1, 'aff_' || lpad(n::text, 26, '0'),
              :programId, 'sale', 'sal_' || lpad(((line - 1) * :affiliates::int + n)::text, 26, '0'), 'USD', 100 + line + n % 900, 1,
              100 + line + n % 900, 'approved', now(), now(), 1
       from generate_series(1, :perAffiliate::int) as line, generate_series(1, :affiliates::int) as n`,
    );
    await statement(
      `insert into ledger_accounts (workspace_id, id, mode, currency, kind, owner_id, normal_side, floored)
       select :workspaceId, 'acc_e', 'live', 'USD', 'commission_expense', :programId, 'debit', false
       union all
       select :workspaceId, 'acc_' || lpad(n::text, 26, '0'), 'live', 'USD', 'affiliate_payable', 'aff_' || lpad(n::text, 26, '0'), 'credit', true
       from generate_series(1, :affiliates::int) as n`,
    );
    await statement(
      `insert into ledger_transfers (workspace_id, id, mode, kind, cause_type, cause_id, idempotency_key, commit_id, posting_count, effective_at)
       select :workspaceId, 'trf_' || lpad(n::text, 26, '0'), 'live', 'commission.approved', 'commission', 'com_' || lpad(n::text, 26, '0'), 'bench/' || n,
              gen_random_uuid(), 1, now()
       from generate_series(1, :affiliates::int) as n`,
    );
    await statement(
      `insert into ledger_postings (workspace_id, transfer_id, line, mode, currency, debit_account_id, credit_account_id, amount_minor)
       select :workspaceId, 'trf_' || right(affiliate_id, 26), 1, 'live', 'USD', 'acc_e', 'acc_' || right(affiliate_id, 26), sum(amount_minor)
       from commissions group by affiliate_id`,
    );
    await statement(
      `insert into account_balances (workspace_id, account_id, normal_side, credit_minor, posting_count)
       select :workspaceId, credit_account_id, 'credit', amount_minor, 1 from ledger_postings`,
    );
  });
  await superuser.raw('vacuum (analyze, parallel 0)');
  return workspaceId;
}
