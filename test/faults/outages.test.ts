import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { chooseVictim, killAndRecover, seededRandom, startWorkload } from './workload.js';
import { type Lead, World } from './world.js';

// Servers die under load (reliability.md 6.2, K30, K34, K40; temporal.md 11.4), come back, and the verdict is asked once at the end over all
// of it. Recovery times are printed, never asserted.

let world: World;
const stories: Promise<void>[] = [];
const patience = 420_000;

beforeAll(async () => {
  world = await World.start();
}, 300_000); // the whole stack starts, on a machine that may be busy with other tests
afterAll(() => world?.stop());

/** Goes on beside the tests; the last one asks how it ended. */
function goOn(story: Promise<void>): void {
  story.catch(() => undefined); // told at the end
  stories.push(story);
}

function tell(what: string, ms: number): void {
  console.log(`${what}: ${Math.round(ms)} ms from the kill to a lead that went the whole way`);
}

test(
  'K34, TRK-02: Postgres dies in a storm of clicks: every click that was redirected is there',
  async () => {
    const probe = await world.lead(await world.affiliate());
    let isOver = false;
    let refused = 0;
    const storm = Array.from({ length: 16 }, async () => {
      while (!isOver) if ((await world.click(probe.slug)) === undefined) refused += 1;
    });
    const before = world.acknowledged.clicks.length;
    await eventually(() => world.acknowledged.clicks.length > before + 500, { within: 60_000 });

    await world.stack.kill('postgres');

    await eventually(() => refused > 0, { within: 60_000 }); // nothing is promised while nothing can be kept
    const atReturn = world.acknowledged.clicks.length;
    const begun = performance.now();
    await world.stack.startAgain('postgres');
    await eventually(() => world.acknowledged.clicks.length > atReturn + 200, { within: 60_000 });
    isOver = true;
    await Promise.all(storm);
    await world.lead({ ...probe, number: world.next() });
    tell('Postgres', performance.now() - begun);
    const { clicks } = world.acknowledged;
    expect(new Set(clicks).size).toBe(clicks.length);
    const found = await world.owner('clicks').whereIn('id', clicks).count<{ count: string }[]>('id');
    expect(Number(found[0]?.count)).toBe(clicks.length);
  },
  patience,
);

test(
  'K30: Temporal dies while the gateway is being called',
  async () => {
    const lead = await world.payable();
    const { runId, payoutId } = await world.plan(lead);
    const point = `gateway.accepted@payout/${world.people.workspaceId}/${payoutId}`;
    await world.stack.kill('worker-0');
    await world.stack.startArmed('worker-0', `${point}!stop`);
    goOn(world.execute(runId));
    await eventually(() => world.stack.hasReached('worker-0', point), { within: 60_000 });

    await world.stack.kill('temporal'); // the worker stands still in the middle of its call
    await world.stack.startAgain('temporal');
    world.stack.signal('worker-0', 'SIGCONT');

    const payout = await world.row('payouts', { run_id: runId }, (row) => row['status'] === 'paid');
    const attempts = await world.owner('payout_attempts').where({ payout_id: payout['id'] });
    expect(attempts).toMatchObject([{ number: 1, state: 'paid' }]);
  },
  patience,
);

test(
  'K30: Temporal is away when a timer is due: it fires late, never twice',
  async () => {
    const lead = await world.payable('slow'); // the simulated gateway takes half a minute, so look-ups are due again and again
    const { runId } = await world.plan(lead);
    goOn(world.execute(runId));
    const payout = await world.row('payouts', { run_id: runId }, (row) => row['status'] === 'pending');
    const waiting = await world.row(
      'payout_attempts',
      { payout_id: payout['id'] },
      (row) => row['state'] === 'submitted' && row['look_up_at'] !== null,
    );

    await world.stack.kill('temporal');
    await eventually(
      async () => {
        const { rows } = await world.owner.raw<{ rows: { due: boolean }[] }>(
          'select now() > look_up_at as due from payout_attempts where id = ?',
          [String(waiting['id'])],
        );
        return rows[0]?.due === true;
      },
      { within: 90_000, every: 200 },
    );
    await world.stack.startAgain('temporal');

    await world.row('payouts', { id: payout['id'] }, (row) => row['status'] === 'paid');
    const attempts = await world.owner('payout_attempts').where({ payout_id: payout['id'] });
    expect(attempts).toMatchObject([{ number: 1, state: 'paid' }]);
  },
  patience,
);

test(
  'K30: Temporal dies during starts and signals: facts taken meanwhile all arrive',
  async () => {
    const base = await world.lead(await world.affiliate());
    const journeys = Array.from({ length: 20 }, () => ({ ...base, number: world.next() }));
    const clicks = await Promise.all(journeys.map((journey) => world.clicked(journey)));

    const reports = journeys.map((journey, index) => world.reportLead(journey, clicks[index]));
    await world.stack.kill('temporal');
    await Promise.all(reports); // the API needs no Temporal
    const begun = performance.now();
    await world.stack.startAgain('temporal');

    await Promise.all(journeys.map((journey) => world.accepted(journey)));
    tell('Temporal', performance.now() - begun);
  },
  patience,
);

test(
  'K40: everything dies at once in the middle of the story, and is started again',
  async () => {
    const [first, second] = (await Promise.all([world.payable(), world.payable()])) as [Lead, Lead];
    const { runId } = await world.plan(first);
    goOn(world.execute(runId));
    goOn(world.plan(second).then((planned) => world.execute(planned.runId)));
    goOn(
      world
        .affiliate()
        .then((journey) => world.lead(journey))
        .then((lead) => world.approve(lead)),
    );
    await world.row('payouts', { run_id: runId }, (row) => row['status'] !== 'draft');

    const begun = performance.now();
    await world.stack.killAll();
    await world.stack.startEverything();

    await world.lead({ ...first, number: world.next() });
    tell('everything', performance.now() - begun);
    await world.row('payouts', { run_id: runId }, (row) => row['status'] === 'paid');
  },
  patience,
);

test(
  "BEY-08: Temporal's store is gone with payouts in flight: every unfinished workflow comes back, nothing is paid, told or dated anew",
  async () => {
    const [waiting, planned, slow, unclear] = (await Promise.all([
      world.affiliate().then((one) => world.lead(one)),
      world.payable(),
      world.payable('slow'), // the simulated gateway takes half a minute to pay it
      world.payable('lost_reply'), // it pays, and no answer comes back
    ])) as [Lead, Lead, Lead, Lead];
    await world.reportSale(waiting);
    const [{ runId }, ...inFlight] = await Promise.all([world.plan(planned), world.plan(slow), world.plan(unclear)]);

    // What closed before has been archived: a history that only the lost store held is lost with it, and nobody can bring it back.
    await world.archived();
    for (const one of inFlight) goOn(world.execute(one.runId));
    const sent = await Promise.all(
      inFlight.map(({ payoutId }) =>
        world.row('payout_attempts', { payout_id: payoutId }, (row) => row['state'] !== 'submitting'),
      ),
    );
    const before = await deadlines(waiting.referralId);
    await world.stack.wipeTemporal();

    goOn(world.execute(runId));
    expect(await deadlines(waiting.referralId)).toEqual(before);
    await world.approve(waiting);
    await world.row('commissions', { referral_id: waiting.referralId }, (row) => row['status'] === 'approved');
    await world.row('payout_runs', { id: runId }, (row) => row['status'] === 'completed');
    for (const [index, { payoutId }] of inFlight.entries()) {
      await world.row('payouts', { id: payoutId }, (row) => row['status'] === 'paid');
      const attempts = await world.owner('payout_attempts').where({ payout_id: payoutId });
      expect(attempts).toMatchObject([
        { id: sent[index]?.['id'], request_key: sent[index]?.['request_key'], state: 'paid' },
      ]);
      // One entry of its history is one webhook event; what is told to people is told once.
      expect(await world.owner('audit_entries').where({ object_id: payoutId, event: 'paid' })).toHaveLength(1);
      const paid = (await world.journal()).filter(
        (one) => one.requestKey === sent[index]?.['request_key'] && !one.replay,
      );
      expect(paid).toHaveLength(1);
    }
    const { rows: twice } = await world.owner.raw<{ rows: unknown[] }>(
      `select recipient, kind, subject, count(*) from emails
       where recipient in (select email from affiliates where id = any(:ids::text[])) group by 1, 2, 3 having count(*) > 1`,
      { ids: [slow.affiliateId, unclear.affiliateId] },
    );
    expect(twice).toEqual([]);
  },
  patience,
);

/** Dates that a referral waits for, as they are stored. */
async function deadlines(referralId: string): Promise<unknown> {
  return world.owner('referrals').where({ id: referralId }).first('window_ends_at', 'decide_by', 'pending_since');
}

test(
  'five kills at random moments under load',
  async () => {
    const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
    console.log(`FAULT_SEED=${seed}`);
    const random = seededRandom(seed);
    const probe = await world.lead(await world.affiliate());
    const load = await startWorkload(world, 3);

    for (let kill = 0; kill < 5; kill += 1) {
      await pause(random() * 1_500); // a moment that nobody chose, not a wait for something
      const victim = chooseVictim(random);
      tell(victim, await killAndRecover(world, victim, probe));
    }

    await load.stop();
    expect(load.rounds()).toBeGreaterThan(0);
  },
  patience,
);

test(
  'verdict: everything acknowledged is there once, everybody is paid once, books, chain and histories hold',
  async () => {
    const ends = await Promise.allSettled(stories);

    expect(ends.filter((end) => end.status === 'rejected').map((end) => String(end.reason))).toEqual([]);
    const findings = await world.verdict();
    expect(findings.map(({ rule, what }) => `${rule}: ${what}`).join('\n')).toBe('');
  },
  patience,
);
