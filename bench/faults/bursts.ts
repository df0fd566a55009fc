import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import knexFactory, { type Knex } from 'knex';
import { appendAuditLeaves } from '../../activities/audit/chain.js';
import { createDraft } from '../../activities/payout/payout.js';
import { recordAudit } from '../../db/audit/audit.js';
import { checkBooks } from '../../db/reads/earning/bookChecks.js';
import { migrateUp } from '../../db/migrate.js';
import { postTransfers } from '../../db/earning/ledger.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { account, type AccountRef, affiliateAccounts } from '../../domain/earning/ledger.js';
import { DomainError } from '../../domain/errors.js';
import type { AffiliateId, CommissionId, PayoutId } from '../../domain/ids.js';
import { prepareDatabase } from '../../platform/embedded/postgres.js';
import { createPayoutWorld, type PayoutWorld, usd } from '../../test/activities/payout/payoutWorld.js';
import { seededRandom } from '../../test/faults/workload.js';
import { startBenchServer } from '../database.js';

// Bursts of 64 clients at once (money.md 3 and 9, reliability.md G4, T2): `npm run campaign:bursts -- --bursts 1000 --seed 7`. Each burst lets 64
// connections go for the same thing at the same moment, five times:
//   balance   64 reservations of a balance that covers exactly k: exactly k succeed, and it is never below zero
//   draft     64 drafts of one affiliate's payout: exactly one is made
//   approval  64 decisions to approve that payout: exactly one is done, 63 are refused as already decided, one audit entry
//   attempt   64 claims of an attempt, as from workers that each think themselves alone: exactly one attempt with one key
//   payment   64 records of the gateway's answer: the payout is paid once, by one transfer
// Of ten bursts eight run at the isolation level of the product and one at each of the two stricter ones, where a race costs twenty times as
// much (no rule may depend on the level: money.md 9), in a database each. A run that holds is added to bench/results/bursts.json, so that a thousand may be made of
// several with a seed each. Ends with 1 when a burst comes out otherwise or any invariant of the books is broken.

const { values } = parseArgs({
  options: {
    bursts: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '7' },
    minutes: { type: 'string', default: '600' },
  },
});
const bursts = Number(values.bursts);
const seed = Number(values.seed);
const racingMs = Number(values.minutes) * 60_000;
if (![bursts, seed].every((value) => Number.isInteger(value) && value > 0) || !(racingMs > 0))
  throw new Error('npm run campaign:bursts -- --bursts N --seed S [--minutes M]');

const clients = 64;
const stake = 100n;
/** An attempt's id follows from its payout and its number, so each of them says that the attempt is there already. */
const attemptKeys = new Set(['payout_attempts_pkey', 'payout_attempts_number', 'one_live_attempt']);
const levels = ['read committed', 'repeatable read', 'serializable'] as const;
const levelOf = (burst: number): number => (burst % 10 === 1 ? 1 : burst % 10 === 2 ? 2 : 0);
const random = seededRandom(seed);

/** Gives the activities their context. A collision is what is looked for: not worth a line of its log. */
const environment = new MockActivityEnvironment(undefined, { logger: new DefaultLogger('ERROR') });
// Nothing is killed here: what is raced for are locks and constraints, not the disk.
const server = await startBenchServer({
  max_connections: String(levels.length * (clients + 8) + 10),
  fsync: 'off',
});
function inActivity<I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> {
  return environment.run<[], R, () => Promise<R>>(() => activity(input));
}

/**
 * Every client at once; a collision is repeated after a moment, as the activity's retry or the caller with the same key would. Without the
 * moment 64 clients at repeatable read make some two thousand transactions of one race. A refusal is `undefined`.
 */
async function atOnce<T>(one: (client: number) => Promise<T>): Promise<(T | undefined)[]> {
  const client = async (_: unknown, index: number): Promise<T | undefined> => {
    for (let tries = 1; ; tries += 1) {
      if (tries > 1) await pause(random() * Math.min(10 * tries, 200));
      try {
        return await one(index);
      } catch (error) {
        if (error instanceof DomainError) return undefined;
        const { code, constraint } = error as { readonly code?: string; readonly constraint?: string };
        // At repeatable read a plan does not see the draft that was made while it waited: the last wall refuses it (money.md 3.1).
        if (constraint === 'commission_in_one_live_payout') return undefined;
        // Nor does a claim see the attempt that was made while it waited. The activity's next try does.
        if (constraint !== undefined && attemptKeys.has(constraint)) continue;
        // 55P03: waited 2 s for a lock; over HTTP that is a 503, and the caller repeats with the same key.
        if (code !== '40001' && code !== '40P01' && code !== '55P03') throw error;
      }
    }
  };
  return Promise.all(Array.from({ length: clients }, client));
}

/** The same with one transaction per client, and nobody begins before all of them are open. */
function inTransactions<T>(world: PayoutWorld, work: (tx: Tx, act: Act) => Promise<T>): Promise<(T | undefined)[]> {
  let ready = 0;
  let go: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    go = resolve;
  });
  const isFirst = Array.from({ length: clients }, () => true);
  return atOnce((client) =>
    world.write(async (tx, act) => {
      if (isFirst[client] === true) {
        isFirst[client] = false;
        ready += 1;
        if (ready === clients) go();
        await started;
      }
      return work(tx, act);
    }),
  );
}

function move(tx: Tx, act: Act, kind: string, of: CommissionId, from: AccountRef, to: AccountRef): Promise<unknown> {
  return postTransfers(tx, act, [
    {
      kind,
      key: `burst/${randomUUID()}`,
      cause: { type: 'commission', id: of },
      correctsKey: null,
      effectiveAt: null,
      postings: [{ debit: from, credit: to, amount: { minor: stake, currency: usd } }],
    },
  ]);
}

/** An affiliate with a method and one approved line, and the history that every one of them has (money.md 11, I12). */
async function makePayee(
  world: PayoutWorld,
  minor: bigint,
): Promise<{ readonly affiliateId: AffiliateId; readonly commissionId: CommissionId }> {
  const affiliateId = await world.makeAffiliate('Payee', { minimum: '0.01' });
  await enter(world, 'affiliate', affiliateId, 'approved');
  await world.makeMethod(affiliateId);
  const commissionId = await world.earn(affiliateId, minor);
  await enter(world, 'commission', commissionId, 'approved');
  return { affiliateId, commissionId };
}

function enter(
  world: PayoutWorld,
  objectType: 'affiliate' | 'commission' | 'program',
  objectId: string,
  to: string,
): Promise<void> {
  return world.write(async (tx, act) => {
    await recordAudit(tx, act, { objectType, objectId, seq: 1, event: 'created', to });
  });
}

/** A database of one isolation level, with a workspace in it. */
interface Place {
  readonly level: string;
  readonly owner: Knex;
  readonly world: PayoutWorld;
  readonly approverId: string;
}

async function makePlace(level: string): Promise<Place> {
  const name = `bursts_${level.replace(' ', '_')}`;
  const { ownerUrl, appUrl } = await prepareDatabase(server.adminUrl, name);
  await migrateUp(ownerUrl);
  const owner = knexFactory({ client: 'pg', connection: ownerUrl, pool: { min: 0, max: 2 } });
  await owner.raw(`alter database ${name} set default_transaction_isolation = '${level}'`);
  const world = await createPayoutWorld({
    database: { name, ownerUrl, appUrl, drop: () => Promise.resolve() },
    poolSize: clients,
    sandbox: { times: { ok: 0, slow: 0, bounce: 0 } },
  });
  for (const { id } of await world.rows('programs', {})) await enter(world, 'program', String(id), 'active');
  await world.fund(stake * BigInt(bursts));
  return { level, owner, world, approverId: await world.makePerson('Ben', ['finance_approver']) };
}

interface Outcome {
  readonly burst: number;
  readonly level: string;
  readonly covered: number;
  readonly reserved: number;
  readonly lowestMinor: string;
  readonly drafts: number;
  readonly approvals: number;
  /** Codes of the decisions that were refused. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly attempts: number;
  readonly payments: number;
  readonly status: string;
}

async function raceForBalance({ world, owner }: Place): Promise<Pick<Outcome, 'covered' | 'reserved' | 'lowestMinor'>> {
  const covered = 1 + Math.floor(random() * (clients - 1));
  const spender = await makePayee(world, stake * BigInt(covered));
  const { payable } = affiliateAccounts(spender.affiliateId);
  let lowest = stake * BigInt(clients);
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const { rows } = await owner.raw<{ rows: { low: string | null }[] }>(
        'select min(balance_minor)::text as low from account_balances',
      );
      const low = BigInt(rows[0]?.low ?? '0');
      if (low < lowest) lowest = low;
      await pause(2);
    }
  })();
  const reservations = await inTransactions(world, async (tx, act) => {
    const open = account('payout_open', randomUUID());
    await move(tx, act, 'payout.reserved', spender.commissionId, payable, open);
    return open;
  });
  isOver = true;
  await watching;
  const reserved = reservations.filter((one) => one !== undefined);
  // No payout stands behind them: given back, so that the books are asked about everything at the end.
  await world.write(async (tx, act) => {
    for (const open of reserved) await move(tx, act, 'payout.released', spender.commissionId, open, payable);
  });
  return { covered, reserved: reserved.length, lowestMinor: lowest.toString() };
}

async function raceForPayout({
  world,
  owner,
  approverId,
}: Place): Promise<Omit<Outcome, 'burst' | 'level' | 'covered' | 'reserved' | 'lowestMinor'>> {
  const { activities, workspaceId } = world;
  const { affiliateId } = await makePayee(world, stake);
  const drafts = (
    await inTransactions(world, (tx, act) =>
      createDraft(tx, act, { affiliateId, currency: usd, gateways: { sandboxPaysLive: true } }),
    )
  ).filter((one) => one !== undefined);
  const payoutId = drafts[0] ?? ('' as PayoutId);
  const ref = { workspaceId, payoutId };

  const facts = await Promise.all(
    Array.from({ length: clients }, () =>
      world.wish({ type: 'payout', id: payoutId, verb: 'approve', by: approverId }),
    ),
  );
  await atOnce((client) =>
    inActivity(activities.decidePayout, { ...ref, fact: facts[client] ?? { kind: 'decision', id: '' } }),
  );
  const decisions = await owner<{ state: string; code: string | null }>('decisions')
    .where('object_id', payoutId)
    .select('state', 'code');
  const refusals: Record<string, number> = {};
  for (const { code } of decisions) if (code !== null) refusals[code] = (refusals[code] ?? 0) + 1;
  const approvals = await world.rows('audit_entries', { object_id: payoutId, event: 'approved' });
  const done = decisions.filter(({ state }) => state === 'done');
  if (approvals.length !== done.length)
    throw new Error(`${payoutId}: ${approvals.length} entries of ${done.length} approvals`);

  const steps = await atOnce(() => inActivity(activities.claimAttempt, ref));
  const attempts = await world.rows('payout_attempts', { payout_id: payoutId });
  const call = steps.map((step) => step?.call).find((one) => one !== undefined && one !== null);
  if (call === undefined || call === null) throw new Error(`${payoutId}: nobody was told to call`);
  const input = { ...ref, attemptId: call.attemptId, fence: call.fence, adapter: call.adapter };
  const reply = await inActivity(activities.submitAttempt, input);
  await atOnce(() =>
    inActivity(activities.recordAttempt, {
      ...ref,
      attemptId: call.attemptId,
      fence: call.fence,
      source: 'call',
      reply,
    }),
  );
  const payments = await world.rows('audit_entries', { object_id: payoutId, event: 'paid' });
  const payout = await world.row('payouts', payoutId);
  return {
    drafts: drafts.length,
    approvals: done.length,
    refusals,
    attempts: attempts.length,
    payments: payments.length,
    status: String(payout['status']),
  };
}

const isRight = (one: Outcome): boolean =>
  one.reserved === one.covered &&
  BigInt(one.lowestMinor) >= 0n &&
  one.drafts === 1 &&
  one.approvals === 1 &&
  one.refusals['payout.already_decided'] === clients - 1 &&
  one.attempts === 1 &&
  one.payments === 1 &&
  one.status === 'paid';

function summaryOf(outcomes: readonly Outcome[]) {
  const sum = (of: (one: Outcome) => number): number => outcomes.reduce((total, one) => total + of(one), 0);
  return {
    bursts: outcomes.length,
    covered: sum((one) => one.covered),
    reserved: sum((one) => one.reserved),
    drafts: sum((one) => one.drafts),
    approvals: sum((one) => one.approvals),
    alreadyDecided: sum((one) => one.refusals['payout.already_decided'] ?? 0),
    attempts: sum((one) => one.attempts),
    payments: sum((one) => one.payments),
  };
}

interface Run {
  readonly seed: number;
  readonly bursts: number;
  readonly seconds: number;
}

const outcomes: Outcome[] = [];
const wrong: Outcome[] = [];
const broken: unknown[] = [];
const places: Place[] = [];
const from = performance.now();
console.log(`seed ${seed}, ${bursts} bursts of ${clients} clients`);
try {
  for (const level of levels) places.push(await makePlace(level));
  while (outcomes.length < bursts && performance.now() - from < racingMs) {
    const place = places[levelOf(outcomes.length)] as Place;
    const begun = performance.now();
    const outcome: Outcome = {
      burst: outcomes.length + 1,
      level: place.level,
      ...(await raceForBalance(place)),
      ...(await raceForPayout(place)),
    };
    outcomes.push(outcome);
    if (!isRight(outcome)) wrong.push(outcome);
    const ms = Math.round(performance.now() - begun);
    console.log(`${isRight(outcome) ? 'ok   ' : 'WRONG'} ${ms} ms ${JSON.stringify(outcome)}`);
  }
  for (const { level, owner, world } of places) {
    let appended = 1; // the relay's work, of which there is none here
    while (appended > 0) appended = await appendAuditLeaves(world.db, world.workspaceId);
    for (const { id, violations, sample } of await checkBooks(owner))
      if (violations > 0) broken.push({ level, id, violations, sample });
  }
  const result = {
    seed,
    bursts: outcomes.length,
    clients,
    byLevel: Object.fromEntries(
      levels.map((level) => [level, summaryOf(outcomes.filter((one) => one.level === level))]),
    ),
    seconds: Math.round((performance.now() - from) / 1_000),
    cpus: cpus().length,
    node: process.version,
    wrong,
    broken,
  };
  console.log(JSON.stringify(result, null, 2));
  if (wrong.length + broken.length === 0) {
    const file = new URL('../results/bursts.json', import.meta.url);
    const before = (JSON.parse(readFileSync(file, 'utf8')) as { readonly runs: readonly Run[] }).runs;
    const runs: readonly Run[] = [...before, result];
    const sum = (of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);
    const total = { runs: runs.length, bursts: sum((run) => run.bursts), seconds: sum((run) => run.seconds), wrong: 0 };
    writeFileSync(file, `${JSON.stringify({ total, runs }, null, 2)}\n`);
  } else process.exitCode = 1;
} finally {
  for (const { world, owner } of places) {
    await world.close();
    await owner.destroy();
  }
  await server.remove();
}
