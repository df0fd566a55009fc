import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import { payoutRunActivities } from '../../../activities/payout/payoutRun.js';
import type { PayoutRunId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import type { PayoutRunStep } from '../../../workflows/contract.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// PAY-02, PAY-13, PAY-16, PAY-20: who is due since when, by how often their group is paid, and what those who are left out are asked for.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let programId: string;
let ada: string;
let bo: string;
let cy: string;
let vera: string;
const environment = new MockActivityEnvironment();

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  const weekly = await world.as('/v1/groups', { name: 'Weekly', payoutFrequency: 'weekly' });
  expect(weekly.status, weekly.text).toBe(201);
  const minimumPayout = [usd('5.00')];
  ada = await world.affiliate(programId, { name: 'Ada', minimumPayout });
  bo = await world.affiliate(programId, { name: 'Bo', minimumPayout });
  cy = await world.affiliate(programId, { name: 'Cy' });
  vera = await world.affiliate(programId, { name: 'Vera', minimumPayout, groupId: weekly.body['id'] });
  for (const affiliateId of [ada, vera, cy]) await method(affiliateId, 'active');
  await bonus(ada, '20.00', '2026-08-20T10:00:00Z');
  await bonus(bo, '30.00', '2026-08-20T10:00:00Z');
  await bonus(cy, '1.00', '2026-08-20T10:00:00Z');
  await bonus(vera, '20.00', '2026-08-20T10:00:00Z');
}, 60_000);
afterAll(() => world?.close());

async function method(affiliateId: string, status: string): Promise<void> {
  const made = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  await world.owner('payout_methods').where({ id: made.body['id'] }).update({ status });
}

async function bonus(affiliateId: string, amount: string, approvedAt: string): Promise<void> {
  const made = await world.as('/v1/commissions', {
    affiliateId,
    programId,
    kind: 'bonus',
    amount: usd(amount),
    reason: 'For the test',
    skipHold: true,
  });
  expect((await world.as(`/v1/commissions/${made.body['id']}/approve`, {})).status).toBe(200);
  await world.owner('commissions').where({ id: made.body['id'] }).update({ approved_at: approvedAt });
}

const due = async (query = ''): Promise<readonly Json[]> =>
  itemsOf((await world.as(`/v1/payouts/due${query}`)).body['data']);

async function planned(): Promise<string> {
  const { api, ws } = world;
  const run = await world.as('/v1/payout-runs', { currencies: ['USD'] });
  expect(run.status, run.text).toBe(202);
  const activities = payoutRunActivities({
    db: api.db,
    longDb: api.db,
    newId,
    logger: api.deps.logger,
    gatewayPolicy: { sandboxPaysLive: true },
    payoutGateways: new Map([['manual', createManualGateway()]]),
    openMethodDetails: () => ({}),
    openGatewayAccess: () => ({}),
    answers: { save: () => Promise.resolve(''), load: () => Promise.resolve(undefined) },
  });
  const ref = { workspaceId: ws.id, payoutRunId: run.body['id'] as PayoutRunId };
  const resume = (one: typeof ref): Promise<PayoutRunStep> => activities.resumePayoutRun(one);
  const plan = (one: typeof ref): Promise<PayoutRunStep> => activities.planPage(one);
  let step: PayoutRunStep = await environment.run(resume, ref);
  while (step.next === 'plan') step = await environment.run(plan, ref);
  return run.body['id'];
}

test('PAY-02, PAY-20: the list of those due says the sum, the number, the day and since when it is late', async () => {
  const rows = await due();
  const of = (id: string) => rows.find((row) => row['affiliateId'] === id);
  expect(of(ada)).toMatchObject({
    amount: usd('20.00'),
    commissions: 1,
    payable: true,
    dueOn: '2026-09-15',
    overdueSince: '2026-09-15',
  });
  expect(of(cy)).toMatchObject({ payable: false, reasons: ['below_minimum'], dueOn: null, overdueSince: null });
  await bonus(ada, '5.00', '2026-11-20T10:00:00Z');
  // The oldest line decides: paying the newer one alone would leave the older one late.
  expect((await due()).find((row) => row['affiliateId'] === ada)).toMatchObject({
    commissions: 2,
    dueOn: '2026-09-15',
  });
});

test('the list of those due is searched literally by id, name and e-mail, now and as of a moment', async () => {
  const named = async (q: string): Promise<readonly unknown[]> =>
    (await due(`?q=${encodeURIComponent(q)}`)).map((row) => row['affiliateId']);
  const row = await world
    .owner('affiliates')
    .where({ id: ada })
    .first<{ name: string; email: string }>('name', 'email');
  const unique = `Zoë 100%_ ${ada.slice(-6)}`;
  await world.owner('affiliates').where({ id: ada }).update({ name: unique });
  try {
    expect(await named('zoë 100%_')).toEqual([ada]);
    expect(await named(ada)).toEqual([ada]);
    expect(await named(row?.email.toUpperCase() ?? '')).toEqual([ada]);
    expect(await named('1000_')).toEqual([]);
    expect((await world.as(`/v1/payouts/due?q=${'x'.repeat(101)}`)).status).toBe(422);
  } finally {
    await world.owner('affiliates').where({ id: ada }).update({ name: row?.name });
  }
});

test('PAY-13: a group that is paid weekly is due on the Friday of the next week', async () => {
  expect((await due()).find((row) => row['affiliateId'] === vera)).toMatchObject({
    dueOn: '2026-08-28',
    overdueSince: '2026-08-28',
  });
});

test('PAY-16: the plan asks whoever is left out for want of details for them, once a run, and the others not', async () => {
  const runId = await planned();
  const mails = await world
    .owner('emails')
    .where({ kind: 'payout_unpaid' })
    .select<{ recipient: string; subject: string; body: string }[]>('recipient', 'subject', 'body');
  const boRow = await world.owner('affiliates').where({ id: bo }).first<{ email: string }>('email');
  expect(mails).toMatchObject([{ recipient: boRow?.email, subject: 'Your payout waits for your payout details' }]);
  expect(mails[0]?.body).toContain('30.00 USD wait for you. Add payout details in the portal.');
  expect(await world.owner('notices').where({ kind: 'payout_unpaid' }).select('affiliate_id')).toEqual([
    { affiliate_id: bo },
  ]);
  const queued = await world
    .owner('outbox')
    .where({ topic: 'mail' })
    .whereRaw(`payload ->> 'emailId' in (select id from emails where kind = 'payout_unpaid')`);
  expect(queued).toHaveLength(1);

  // By hand nobody is told again.
  const ask = () => world.as(`/v1/payout-runs/${runId}/notify-unpaid`, {});
  const again = await ask();
  expect([again.status, again.body]).toEqual([
    202,
    { object: 'payout_run_notification', runId, notPaid: 2, asked: 1, told: 0 },
  ]);

  const reviewer = (await world.api.makePerson(world.ws, ['finance_approver'])).key;
  expect((await world.api.as(reviewer, `/v1/payout-runs/${runId}/notify-unpaid`, { body: {} })).status).toBe(403);
  expect((await world.as(`/v1/payout-runs/${newId('payoutRun')}/notify-unpaid`, {})).status).toBe(404);
  expect((await world.as(`/v1/payout-runs/${runId}/notify-unpaid`, { all: true })).status).toBe(422);
  await world.owner('payout_runs').where({ id: runId }).update({ status: 'planning' });
  expect((await ask()).body).toMatchObject({ status: 409, code: 'transition_not_allowed' });
});

test('PAY-20: a draft says when its oldest line was due, is overdue from then on, and is found by it; one made early is due today', async () => {
  const late = itemsOf((await world.as('/v1/payouts?overdue=true')).body['data']);
  expect(new Map(late.map((one) => [one['affiliateId'], one['dueOn']]))).toEqual(
    new Map([
      [ada, '2026-09-15'],
      [vera, '2026-08-28'],
    ]),
  );
  expect(late.every((one) => one['overdue'])).toBe(true);
  // The cards above the list, and what waits on Home (screens.md 3.17).
  const cards = (await world.as('/v1/payouts?overdue=true&include=counts,sums&limit=1')).body;
  expect(cards).toMatchObject({ counts: { total: 2, byStatus: { draft: 2 } }, sums: [usd('45.00')] });
  const others = (await world.as('/v1/payouts?status=draft,pending&overdue=false&include=counts,sums')).body;
  expect(others).toMatchObject({ data: [], counts: { total: 0, byStatus: {} }, sums: [] });
  const waiting = itemsOf((await world.as('/v1/console/home')).body['needsYou']);
  expect(waiting.find((one) => one['kind'] === 'payout_overdue')).toEqual({
    kind: 'payout_overdue',
    count: 2,
    list: '/v1/payouts?overdue=true',
  });

  const dan = await world.affiliate(programId, { name: 'Dan', minimumPayout: [usd('5.00')] });
  await method(dan, 'active');
  const now = new Date().toISOString();
  await bonus(dan, '20.00', now);
  const draft = await world.as('/v1/payouts', { affiliateId: dan, currency: 'USD' });
  expect(draft.status, draft.text).toBe(201);
  expect([now.slice(0, 10), new Date().toISOString().slice(0, 10)]).toContain(draft.body['dueOn']);
  expect(draft.body['overdue']).toBe(false);

  // A day is over where the workspace is, on whichever side of the date line.
  for (const timeZone of ['Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
    await world.owner('settings').update({
      sections: world.owner.raw(`jsonb_set(sections, '{general}', coalesce(sections -> 'general', '{}') || ?::jsonb)`, [
        JSON.stringify({ timeZone }),
      ]),
    });
    for (const [day, overdue] of [
      [0, false],
      [1, true],
    ] as const) {
      await world
        .owner('payouts')
        .where({ id: draft.body['id'] })
        .update({ due_on: world.owner.raw(`(now() at time zone ?)::date - ?::int`, [timeZone, day]) });
      expect((await world.as(`/v1/payouts/${draft.body['id']}`)).body['overdue'], timeZone).toBe(overdue);
      const found = itemsOf((await world.as(`/v1/payouts?overdue=true&affiliateId=${dan}`)).body['data']);
      expect(found, timeZone).toHaveLength(overdue ? 1 : 0);
    }
  }
});
