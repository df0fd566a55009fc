import { eventually } from '../support/eventually.js';
import type { Lead, World } from './world.js';

/** A number in [0, 1) per call; the same seed gives the same row of them (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type Victim = 'api-0' | 'worker-0' | 'postgres' | 'temporal' | 'all';

/** As reliability.md 6.4 weighs them: 3 api, 3 worker, 1.5 Postgres, 1.5 Temporal, 1 everything at once. */
export function chooseVictim(random: () => number): Victim {
  const draw = random() * 10;
  if (draw < 3) return 'api-0';
  if (draw < 6) return 'worker-0';
  if (draw < 7.5) return 'postgres';
  return draw < 9 ? 'temporal' : 'all';
}

/** Kills without a word, starts again as a supervisor would, and answers how long it took until a new lead went the whole way, in ms. */
export async function killAndRecover(world: World, victim: Victim, probe: Lead): Promise<number> {
  const { stack } = world;
  const begun = performance.now();
  if (victim === 'all') {
    await stack.killAll();
    await stack.startEverything();
  } else {
    await stack.kill(victim);
    await stack.startAgain(victim);
  }
  await world.lead({ ...probe, number: world.next() });
  return performance.now() - begun;
}

/** Points that the workload meets again and again, by the process that dies there. */
const points: Readonly<Record<'api-0' | 'worker-0', readonly string[]>> = {
  'api-0': ['api.parsed', 'api.keyed', 'api.written', 'api.committed', 'api.halfAnswered', 'api.answered'],
  'worker-0': [
    'relay.clicksTaken',
    'relay.claimed:start',
    'relay.claimed:signal',
    'relay.sent:start',
    'relay.sent:signal',
    'relay.sent:history.export',
    'after:applyLead',
    'before:accrueCommissions',
    'after:accrueCommissions',
    'after:decideReferral',
    'after:planPage',
    'plan.reserved',
    'before:planPage',
    'after:decidePayoutRun',
    'after:releasePayoutPage',
    'after:claimAttempt',
    'before:submitAttempt',
    'gateway.sending',
    'gateway.accepted',
    'after:submitAttempt',
    'before:recordAttempt',
    'after:recordAttempt',
    'after:lookUpAttempt',
    'after:completePayoutRun',
    'after:applyPayout',
  ],
};

/**
 * Starts a process anew with one of its points armed, and lets it die there. Answers the point, or undefined when the workload did not come
 * by in time: then it was killed where it was.
 */
export async function killAtPoint(
  world: World,
  victim: 'api-0' | 'worker-0',
  random: () => number,
): Promise<string | undefined> {
  const { stack } = world;
  const known = points[victim];
  const point = known[Math.floor(random() * known.length)] ?? '';
  await stack.kill(victim);
  await stack.startArmed(victim, point);
  const isDead = await eventually(() => !stack.isRunning(victim), { within: 30_000, every: 50 }).catch(() => false);
  return isDead === true && (await stack.hasReached(victim, point)) ? point : undefined;
}

export interface Workload {
  /** Ends what was begun; rejects with the first operation that failed. */
  stop(): Promise<void>;
  /** Times a client got through its whole round. */
  rounds(): number;
}

/**
 * Clients that go on through every kill: click, lead, sale, approval, and each third time a payout. They repeat what got no answer and wait
 * for what was promised.
 */
export async function startWorkload(world: World, clients: number): Promise<Workload> {
  const affiliates = await Promise.all(Array.from({ length: clients }, () => world.payable()));
  let isStopping = false;
  let rounds = 0;
  const running = affiliates.map(async (affiliate) => {
    for (let round = 1; !isStopping; round += 1) {
      const lead = await world.lead({ ...affiliate, number: world.next() });
      await Promise.all([world.reportSale(lead), world.approve(lead), world.click(lead.slug)]);
      await world.row('commissions', { referral_id: lead.referralId }, (row) => row['status'] === 'approved');
      if (round % 3 === 0) {
        const { runId } = await world.plan(affiliate);
        await world.execute(runId);
      }
      rounds += 1;
    }
  });
  const all = Promise.all(running);
  all.catch(() => undefined); // told by `stop`
  return {
    stop: async () => {
      isStopping = true;
      await all;
    },
    rounds: () => rounds,
  };
}
