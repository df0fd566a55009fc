import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import knexFactory from 'knex';
import { seededRandom } from '../../test/faults/workload.js';
import { World } from '../../test/faults/world.js';
import { textAt } from '../../test/support/apiClient.js';
import { eventually } from '../../test/support/eventually.js';
import { paypalFields, startFakePaypal } from '../../test/support/gateways/fakePaypal.js';
import type { FakeProvider, Payment } from '../../test/support/gateways/fakeProvider.js';
import { startFakeStripe, stripeFields } from '../../test/support/gateways/fakeStripe.js';
import { startFakeWise, wiseFields } from '../../test/support/gateways/fakeWise.js';

// BEY-05 over the providers' HTTP contracts (reliability.md G3, K17 to K23): payouts through PayPal, Wise and Stripe while workers and APIs
// are killed, and a share of the requests that move money loses its outcome one way or another. The fakes' journals on disk are the truth:
// each payout once. `npm run campaign:gateways -- --kills 100 --seed 7`.
//
// A kill costs one start of one process: two workers, each with a loop of its own that starts it, lets it die (at a named point of a payout
// that it was armed with, else at any moment) and starts it again, while the other one goes on; one loop for the API. Postgres and Temporal
// stay up. The processes run compiled. A payout caught in a call waits for its activity's time-out, 40 to 120 s, so there are many of them.
//
// Prints seed and counts, adds a run that holds to bench/results/gatewayFaults.json, and ends with 1 when anything does not hold: a campaign of
// a thousand kills may be made of several runs with a seed each.

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    affiliates: { type: 'string', default: '16' },
    minutes: { type: 'string', default: '600' },
    lost: { type: 'string', default: '0.2' },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const perGateway = Number(values.affiliates);
const lost = Number(values.lost);
const killingMs = Number(values.minutes) * 60_000;
if (
  ![kills, seed, perGateway].every((value) => Number.isInteger(value) && value >= 0) ||
  !(lost >= 0 && lost <= 1 && killingMs > 0)
)
  throw new Error('npm run campaign:gateways -- --kills N --seed S [--affiliates A] [--lost 0.2] [--minutes M]');

/** A payout that is caught in its call again and again waits for the time-out of each: two minutes with Wise. */
const healing = { within: 1_800_000, every: 500 };
const amount = { amount: '100.00', currency: 'EUR' };
const points = [
  'after:claimAttempt',
  'before:submitAttempt',
  'after:submitAttempt',
  'before:recordAttempt',
  'after:recordAttempt',
  'before:lookUpAttempt',
  'after:lookUpAttempt',
  'after:decidePayout',
];
const methods = {
  paypal: (n: number) => ({ type: 'paypal', details: { email: `ok.${n}@blog.example` } }),
  wise: (n: number) => ({ type: 'bank', details: { holder: `Ok ${n}`, iban: 'DE89370400440532013000' } }),
  stripe: (n: number) => ({ type: 'wallet', details: { provider: 'stripe', account: `acct_ok${n}000000000` } }),
} as const;
const credentials = { paypal: paypalFields, wise: wiseFields, stripe: stripeFields } as const;
const gateways = ['paypal', 'wise', 'stripe'] as const;
type Gateway = (typeof gateways)[number];

const random = seededRandom(seed);
console.log(
  `seed ${seed}, ${kills} kills, ${gateways.length * perGateway} affiliates, ${lost * 100} % of outcomes lost`,
);
const folder = await mkdtemp(path.join(tmpdir(), 'tributary-gateway-campaign-'));
const fakes: Readonly<Record<Gateway, FakeProvider>> = {
  paypal: await startFakePaypal(path.join(folder, 'paypal.journal')),
  wise: await startFakeWise(path.join(folder, 'wise.journal')),
  stripe: await startFakeStripe(path.join(folder, 'stripe.journal')),
};
const world = await World.start({
  workers: 2,
  patienceMs: healing.within,
  env: { GATEWAY_ORIGINS: gateways.map((gateway) => `${gateway}=${fakes[gateway].origin}`).join(',') },
});
const { ana, ben } = world.people;
/** Of its own: what the clients wait for must not keep the killers waiting. */
const looking = knexFactory({ client: 'pg', connection: world.stack.ownerUrl, pool: { min: 0, max: 1 } });
/** Something failed: nobody waits for a payout any more. */
let isBroken = false;

/** A program in euros, which all three providers pay out, and an affiliate of it with a confirmed method of this gateway. */
async function program(): Promise<string> {
  const id = textAt(
    await world.done(ana, '/v1/programs', {
      name: 'Europe',
      currency: 'EUR',
      requirements: [],
      commissionApproval: 'automatic',
      commissionHold: 'PT0S',
      fallbackUrl: 'https://shop.example/',
      destinationHosts: ['shop.example'],
    }),
    'id',
  );
  const product = await world.done(ana, '/v1/products', {
    name: 'Euro starter',
    sku: 'euro-starter',
    price: { amount: '49.99', currency: 'EUR' },
  });
  await world.done(ana, `/v1/programs/${id}/products`, { productId: textAt(product, 'id') });
  await world.done(ana, '/v1/commission-rules', {
    name: '20 %',
    scope: 'program',
    programId: id,
    event: 'payment',
    base: 'net',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  await world.done(ana, `/v1/programs/${id}/agreements`, { kind: 'terms', title: 'T', text: 'T', mustAccept: false });
  await world.done(ana, `/v1/programs/${id}/publish`);
  return id;
}

async function affiliate(programId: string, gateway: Gateway): Promise<string> {
  const n = world.next();
  const email = `euro${n}@blog.example`;
  const id = textAt(
    await world.done(ana, '/v1/affiliates', { name: `Euro ${n}`, email, programIds: [programId] }),
    'id',
  );
  await world.done(ana, `/v1/affiliates/${id}/approve`, { reason: 'Known blogger' });
  const method = await world.done(ana, `/v1/affiliates/${id}/payout-methods`, {
    ...methods[gateway](n),
    currency: 'EUR',
  });
  await world.done(ben, `/v1/payout-methods/${textAt(method, 'id')}/verify`, { reason: 'Called her' });
  return id;
}

/** Payouts that are paid, looked up for all clients at once. */
const paidIds = new Set<string>();

async function watchPayouts(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const rows = await looking<{ id: string; status: string; currency: string }>('payouts')
      .where({ status: 'paid', currency: 'EUR' })
      .select('id');
    for (const { id } of rows) paidIds.add(id);
    await pause(500);
  }
}

/** One payout after the other, through every kill; each is waited for until it is paid. */
async function pay(programId: string, affiliateId: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const bonus = { affiliateId, programId, kind: 'bonus', amount, reason: 'Campaign', skipHold: true };
    const line = textAt(await world.done(ana, '/v1/commissions', bonus), 'id');
    const approved = await world.insist(ana, `/v1/commissions/${line}/approve`, { reason: 'ok' });
    // 202: kept, and it happens once. So many clients asking Postgres each for its own row would be most of its work: only these do.
    if (approved.status !== 200) await world.row('commissions', { id: line }, (row) => row['status'] === 'approved');
    const draft = await world.done(ana, '/v1/payouts', { affiliateId, currency: 'EUR' });
    const payoutId = textAt(draft, 'id');
    await world.done(ben, `/v1/payouts/${payoutId}/approve`, { reason: 'ok' });
    await eventually(() => {
      if (!paidIds.has(payoutId) && !isBroken) throw new Error(`${payoutId} is not paid`);
      return true;
    }, healing);
  }
}

interface AttemptRow {
  readonly id: string;
  readonly payout_id: string;
  readonly gateway: string;
  readonly request_key: string;
  readonly state: string;
}

/** Everything that does not hold once all is settled; empty: each payout was paid once, and the books say the same. */
async function verdict(): Promise<readonly string[]> {
  const wrong: string[] = [];
  const attempts = (await world.owner('payout_attempts').whereIn('gateway', [...gateways])) as readonly AttemptRow[];
  const payouts = (await world.owner('payouts').where({ currency: 'EUR' })) as readonly {
    id: string;
    status: string;
  }[];
  const byKey = new Map(attempts.map((attempt) => [attempt.request_key, attempt]));
  const times = new Map<string, number>();
  for (const gateway of gateways) {
    const seen = new Map<string, Payment>();
    for (const payment of await fakes[gateway].payments()) {
      const attempt = byKey.get(payment.key);
      if (seen.has(payment.key)) wrong.push(`${gateway} paid twice under ${payment.key}`);
      seen.set(payment.key, payment);
      if (attempt === undefined) wrong.push(`${gateway} paid under ${payment.key}, which no attempt has`);
      else times.set(attempt.payout_id, (times.get(attempt.payout_id) ?? 0) + 1);
      if (payment.minor !== '10000') wrong.push(`${gateway} paid ${payment.minor} under ${payment.key}`);
    }
  }
  for (const { id, status } of payouts) {
    const count = times.get(id) ?? 0;
    if (count !== (status === 'paid' ? 1 : 0)) wrong.push(`${id} is ${status} and was paid ${count} times`);
    if (status === 'pending') wrong.push(`${id} is still pending`);
  }
  const { rows } = await world.owner.raw<{ rows: readonly unknown[] }>(`
    select 'attempt' as what, id, state as about from payout_attempts where state in ('submitting', 'submitted', 'unknown')
    union all select 'decision', id, verb from decisions where state = 'open'
    union all select 'commission in two payouts', commission_id, count(*)::text from payout_lines
      where released_at is null group by workspace_id, commission_id having count(*) > 1`);
  wrong.push(...rows.map((row) => `left: ${JSON.stringify(row)}`));
  const books = await world.stack.command('bin/checkBooks.ts');
  if (books.code !== 0) wrong.push(books.output);
  return wrong;
}

const started = performance.now();
let killed = 0;
const byVictim: Record<string, number> = {};
const atPoints: Record<string, number> = {};
/** Kills while at least one attempt was on its way, and how many there were. */
let whileOnItsWay = 0;
let onItsWay = 0;

async function note(victim: string, point: string | undefined): Promise<void> {
  killed += 1;
  byVictim[victim] = (byVictim[victim] ?? 0) + 1;
  if (point !== undefined) atPoints[point] = (atPoints[point] ?? 0) + 1;
  const { rows } = await looking.raw<{ rows: readonly { state: string; count: string }[] }>(
    'select state, count(*) from payout_attempts group by state order by state',
  );
  const open = rows
    .filter(({ state }) => ['submitting', 'submitted', 'unknown'].includes(state))
    .reduce((sum, { count }) => sum + Number(count), 0);
  if (open > 0) whileOnItsWay += 1;
  onItsWay += open;
  const states = rows.map(({ state, count }) => `${count} ${state}`).join(', ');
  console.log(
    `${String(killed).padStart(5)} ${Math.round((performance.now() - started) / 1_000)} s  ${victim} ${point ?? ''}, attempts: ${states}`,
  );
}

/** As a supervisor does: a process that found no connection in time, on a machine busy with the others' starts, is started once more. */
async function startAgain(name: string): Promise<void> {
  for (let tries = 1; ; tries += 1)
    try {
      await world.stack.startAgain(name);
      return;
    } catch (error) {
      if (tries === 5) throw error;
      await world.stack.kill(name);
    }
}

/** Starts a worker, lets it die, starts it again, without a rest. */
async function keepKilling(victim: string, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await world.stack.kill(victim);
    const isArmed = random() < 0.6;
    const point = points[Math.floor(random() * points.length)] ?? '';
    if (isArmed) await world.stack.startArmed(victim, `${point}#${1 + Math.floor(random() * 4)}`);
    else await startAgain(victim);
    const patience = { within: isArmed ? 15_000 : random() * 4_000, every: 50 };
    const isDead = await eventually(() => isOver() || !world.stack.isRunning(victim), patience).catch(() => false);
    if (isDead && isOver()) break;
    const atPoint = isArmed && (await world.stack.hasReached(victim, point)) ? point : undefined;
    await world.stack.kill(victim);
    await note(victim, atPoint);
  }
  await world.stack.kill(victim);
  await startAgain(victim);
}

/** The API, one kill to every eight of workers. */
async function killApi(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const next = killed + 4 + Math.floor(random() * 8);
    await eventually(() => isOver() || killed >= next, healing);
    if (isOver()) return;
    await world.stack.kill('api-0');
    await note('api-0', undefined);
    await startAgain('api-0');
  }
}

let paid = 0;
let wrong: readonly string[] = [];
let failure: unknown;
try {
  for (const gateway of gateways)
    await world.insist(
      ana,
      `/v1/gateways/${gateway}/credentials`,
      { environment: 'sandbox', credentials: credentials[gateway] },
      undefined,
      'PUT',
    );
  const programId = await program();
  const affiliates: string[] = [];
  for (const gateway of gateways)
    for (let one = 0; one < perGateway; one += 1) affiliates.push(await affiliate(programId, gateway));
  for (const fake of Object.values(fakes)) fake.breakAtRandom(random, lost);
  console.log(`${Math.round((performance.now() - started) / 1_000)} s  ${affiliates.length} affiliates are ready`);
  const until = performance.now() + killingMs;
  let isDrained = false;
  const isOver = (): boolean => isBroken || killed >= kills || performance.now() > until;
  // Whoever fails ends the killing; the others are waited for.
  const goOn = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      isBroken = true;
      console.error(error);
      throw error;
    }
  };
  const watching = goOn(watchPayouts(() => isDrained));
  watching.catch(() => undefined); // told below
  const clients = affiliates.map((id) => goOn(pay(programId, id, isOver)));
  const killers = ['worker-0', 'worker-1'].map((victim) => goOn(keepKilling(victim, isOver)));
  const ends = await Promise.allSettled([...clients, ...killers, goOn(killApi(isOver))]);
  isDrained = true;
  await watching;
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  paid = paidIds.size;
  wrong = await verdict();
} catch (error) {
  failure = error;
  console.error(await world.stack.log(40));
} finally {
  await looking.destroy();
  await world.stop();
  for (const fake of Object.values(fakes)) await fake.close();
  await rm(folder, { recursive: true, force: true });
}

interface Run {
  readonly seed: number;
  readonly kills: number;
  readonly payoutsPaid: number;
  readonly seconds: number;
}

const result = {
  seed,
  kills: killed,
  killsByVictim: byVictim,
  deathsByPoint: Object.fromEntries(Object.entries(atPoints).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  killsWhileOnItsWay: whileOnItsWay,
  attemptsOnItsWayPerKill: killed === 0 ? 0 : Math.round((onItsWay / killed) * 10) / 10,
  affiliates: gateways.length * perGateway,
  lostShare: lost,
  payoutsPaid: paid,
  paidTwice: wrong.filter((one) => one.includes('twice') || /paid [2-9]/.test(one)).length,
  findings: wrong,
  seconds: Math.round((performance.now() - started) / 1_000),
  cpus: cpus().length,
  node: process.version,
  at: new Date().toISOString(),
};
console.log(JSON.stringify(result, null, 2));
if (failure !== undefined) console.error(failure);
if (failure === undefined && wrong.length === 0 && killed > 0) {
  const file = new URL('../results/gatewayFaults.json', import.meta.url);
  const before = (JSON.parse(readFileSync(file, 'utf8')) as { readonly runs: readonly Run[] }).runs;
  const runs: readonly Run[] = [...before, result];
  const sum = (of: (run: Run) => number): number => runs.reduce((total, run) => total + of(run), 0);
  const total = {
    runs: runs.length,
    kills: sum((run) => run.kills),
    payoutsPaid: sum((run) => run.payoutsPaid),
    paidTwice: 0,
    seconds: sum((run) => run.seconds),
  };
  writeFileSync(file, `${JSON.stringify({ total, runs }, null, 2)}\n`);
} else process.exitCode = 1;
