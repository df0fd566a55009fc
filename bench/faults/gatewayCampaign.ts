import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRandom } from '../../test/faults/workload.js';
import { World } from '../../test/faults/world.js';
import { textAt } from '../../test/support/apiClient.js';
import { eventually } from '../../test/support/eventually.js';
import { paypalFields, startFakePaypal } from '../../test/support/gateways/fakePaypal.js';
import type { FakeProvider, Payment } from '../../test/support/gateways/fakeProvider.js';
import { startFakeStripe, stripeFields } from '../../test/support/gateways/fakeStripe.js';
import { startFakeWise, wiseFields } from '../../test/support/gateways/fakeWise.js';

// BEY-05 over the providers' HTTP contracts (reliability.md G3, K17 to K23): payouts through PayPal, Wise and Stripe while workers and APIs
// are killed, every second kill at a named point of a payout, and a share of the requests that move money loses its outcome one way or
// another. The fakes' journals on disk are the truth: each payout once. `npm run campaign:gateways -- --kills 20 --seed 7`. Prints seed and
// counts, writes bench/results/gatewayFaults.json, and ends with 1 when anything does not hold.

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    affiliates: { type: 'string', default: '2' },
    lost: { type: 'string', default: '0.2' },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed);
const perGateway = Number(values.affiliates);
const lost = Number(values.lost);
if (![kills, seed, perGateway].every((value) => Number.isInteger(value) && value >= 0) || !(lost >= 0 && lost <= 1))
  throw new Error('npm run campaign:gateways -- --kills N --seed S [--affiliates A] [--lost 0.2]');

const healing = { within: 240_000, every: 250 };
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
  env: { GATEWAY_ORIGINS: gateways.map((gateway) => `${gateway}=${fakes[gateway].origin}`).join(',') },
});
const { ana, ben } = world.people;

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

/** One payout after the other, through every kill; each is waited for until it is paid. */
async function pay(programId: string, affiliateId: string, isOver: () => boolean): Promise<number> {
  let paid = 0;
  while (!isOver()) {
    const bonus = { affiliateId, programId, kind: 'bonus', amount, reason: 'Campaign', skipHold: true };
    const line = textAt(await world.done(ana, '/v1/commissions', bonus), 'id');
    await world.done(ana, `/v1/commissions/${line}/approve`, { reason: 'ok' });
    await world.row('commissions', { id: line }, (row) => row['status'] === 'approved');
    const draft = await world.done(ana, '/v1/payouts', { affiliateId, currency: 'EUR' });
    const payoutId = textAt(draft, 'id');
    await world.done(ben, `/v1/payouts/${payoutId}/approve`, { reason: 'ok' });
    await eventually(async () => {
      const [row] = (await world.owner('payouts').where({ id: payoutId })) as readonly { status: string }[];
      if (row?.status !== 'paid') throw new Error(`${payoutId} is ${row?.status}`);
      return true;
    }, healing);
    paid += 1;
  }
  return paid;
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
  const books = await world.stack.command('bin/checkBooks.ts');
  if (books.code !== 0) wrong.push(books.output);
  return wrong;
}

const started = performance.now();
let killed = 0;
const atPoints = new Map<string, number>();
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
  let isOver = false;
  const clients = Promise.all(affiliates.map((id) => pay(programId, id, () => isOver)));
  // Whoever fails ends the campaign; the others are waited for below.
  const failed = clients.then(() => undefined).catch((error: unknown) => error);
  while (killed < kills) {
    await pause(random() * 3_000);
    const victim = random() < 0.85 ? 'worker-0' : 'api-0';
    const point = points[Math.floor(random() * points.length)] ?? '';
    await world.stack.kill(victim);
    killed += 1;
    if (victim === 'worker-0' && random() < 0.5) {
      await world.stack.startArmed(victim, point);
      const isDead = await eventually(() => !world.stack.isRunning(victim), { within: 20_000, every: 50 }).catch(
        () => false,
      );
      if (isDead === true) {
        atPoints.set(point, (atPoints.get(point) ?? 0) + 1);
        killed += 1;
      } else await world.stack.kill(victim);
    }
    await world.stack.startAgain(victim);
    const { rows } = await world.owner.raw<{ rows: readonly { state: string; count: string }[] }>(
      'select state, count(*) from payout_attempts group by state order by state',
    );
    const states = rows.map(({ state, count }) => `${count} ${state}`).join(', ');
    console.log(`${String(killed).padStart(5)}  ${victim}, attempts: ${states}`);
  }
  isOver = true;
  const error = await failed;
  if (error !== undefined) throw error;
  paid = (await clients).reduce((sum, count) => sum + count, 0);
  wrong = await verdict();
} catch (error) {
  failure = error;
  console.error(await world.stack.log(40));
} finally {
  await world.stop();
  for (const fake of Object.values(fakes)) await fake.close();
  await rm(folder, { recursive: true, force: true });
}

const seconds = Math.round((performance.now() - started) / 1_000);
const result = {
  seed,
  kills: killed,
  atPoints: Object.fromEntries([...atPoints].sort(([a], [b]) => a.localeCompare(b))),
  lostShare: lost,
  payoutsPaid: paid,
  paidTwice: wrong.filter((one) => one.includes('twice') || /paid [2-9]/.test(one)).length,
  findings: wrong,
  seconds,
  cpus: cpus().length,
  node: process.version,
};
console.log(JSON.stringify(result, null, 2));
if (failure === undefined && wrong.length === 0)
  writeFileSync(new URL('../results/gatewayFaults.json', import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
if (failure !== undefined) console.error(failure);
process.exitCode = failure === undefined && wrong.length === 0 ? 0 : 1;
