import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { calendarActivities } from '../../../activities/calendar.js';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf } from '../support.js';

// PRG-18 and PAY-20: thresholds judged when a period is over, staff told; late money reminded of. The sweep's activity is run by hand.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let programId: string;
let ada: string;
let bo: string;
let late: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ name: 'Spring' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
  ada = await world.affiliate(programId, { name: 'Ada', minimumPayout: [usd('1.00')] });
  bo = await world.affiliate(programId, { name: 'Bo' });
  late = await world.affiliate(programId, { name: 'Newcomer' });
  await world.owner('enrolments').whereIn('affiliate_id', [ada, bo]).update({ joined_at: '2026-01-01T00:00:00.000Z' });
  for (let index = 0; index < 2; index += 1) await sell(ada);
  await sell(bo);
}, 60_000);
afterAll(() => world?.close());

/** A sale of last month, whichever month it is. */
async function sell(affiliateId: string): Promise<void> {
  const clickId = await world.click({ programId, affiliateId });
  const id = newId('contact');
  const sale = await world.sale({
    externalId: id,
    customer: { externalId: id, email: `${id}@buyer.example` },
    clickId,
    amount: usd('100.00'),
  });
  const { rows } = await world.owner.raw<{ rows: { at: string }[] }>(
    `select (date_trunc('month', now() at time zone 'UTC') - interval '1 day') at time zone 'UTC' as at`,
  );
  await world.owner('sales').where({ id: sale['id'] }).update({ occurred_at: rows[0]?.at });
}

const put = (thresholds: unknown, key = world.ws.key) =>
  world.api.as(key, `/v1/programs/${programId}/thresholds`, { method: 'PUT', body: thresholds });
const below = async () =>
  itemsOf((await world.as('/v1/affiliates?belowStandard=true')).body['data']).map((one) => one['name']);

async function pass(): Promise<number> {
  const activities = calendarActivities({
    db: world.api.db,
    longDb: world.api.db,
    newId,
    logger: world.api.deps.logger,
    gatewayPolicy: { sandboxPaysLive: true },
  });
  const run = (): Promise<{ readonly found: number }> => activities.passCalendar();
  const { found }: { readonly found: number } = await new MockActivityEnvironment().run(run);
  return found;
}

test('PRG-18: thresholds are read, replaced whole, in the versions of the program, and bad ones change nothing', async () => {
  expect((await world.as(`/v1/programs/${programId}/thresholds`)).body).toEqual([]);
  const two = [{ metric: 'sales', period: 'month', minimum: 2, maximum: null }];
  expect(await put(two)).toMatchObject({ status: 200, body: two });
  for (const bad of [
    [{ metric: 'sales', period: 'month' }],
    [{ metric: 'sales', period: 'month', minimum: 1, maximum: 2 }],
    [{ metric: 'sales', period: 'week', minimum: 1 }],
    [{ metric: 'charm', period: 'month', minimum: 1 }],
    [{ metric: 'sales', period: 'month', minimum: -1 }],
    [
      { metric: 'sales', period: 'month', minimum: 1 },
      { metric: 'sales', period: 'month', maximum: 3 },
    ],
  ])
    expect((await put(bad)).status, JSON.stringify(bad)).toBe(422);
  expect((await world.as(`/v1/programs/${programId}/thresholds`)).body).toEqual(two);
  const [newest] = itemsOf((await world.as(`/v1/programs/${programId}/versions`)).body['data']);
  expect(JSON.stringify(newest)).toContain('"thresholds":[{"metric":"sales"');
  const reader = (await world.api.makePerson(world.ws, ['auditor'])).key;
  expect((await put(two, reader)).status).toBe(403);
  const other = await world.api.makeWorkspace();
  expect((await put(two, other.key)).status).toBe(404);
});

test('PRG-18: a draft that is deleted takes its thresholds with it', async () => {
  const draft = await world.as('/v1/programs', { name: 'Draft', currency: 'USD' });
  const path = `/v1/programs/${draft.body['id']}`;
  const put = await world.as(`${path}/thresholds`, [{ metric: 'sales', period: 'month', minimum: 1 }], 'PUT');
  expect(put.status, put.text).toBe(200);
  expect((await world.as(path, undefined, 'DELETE')).status).toBe(204);
  expect((await world.as(`${path}/thresholds`)).status).toBe(404);
});

test('PRG-18: at the end of the period who did not reach it is below the standard, and staff are told once', async () => {
  expect(await pass()).toBe(0); // the period that has ended is older than the threshold
  expect(await below()).toEqual([]);
  await world.owner('program_standards').update({ set_at: '2026-01-01T00:00:00.000Z' });
  expect(await pass()).toBe(1);
  expect(await pass()).toBe(0);
  expect(await below()).toEqual(['Bo']);
  expect((await world.as(`/v1/affiliates/${bo}`)).body).toMatchObject({ belowStandard: true });
  expect((await world.as(`/v1/affiliates/${ada}`)).body).toMatchObject({ belowStandard: false });
  const rest = itemsOf((await world.as('/v1/affiliates?belowStandard=false')).body['data']).map((one) => one['name']);
  expect(new Set(rest)).toEqual(new Set(['Ada', 'Newcomer'])); // who joined within the period is not judged by it
  expect(await world.owner('standard_results').where({ affiliate_id: late })).toEqual([]);
  const notices: readonly { readonly body: string }[] = await world
    .owner('notices')
    .where({ kind: 'below_standard' })
    .select('user_id', 'subject', 'body', 'link');
  expect(notices).toMatchObject([
    { user_id: world.ws.owner.id, subject: '1 below the standard of Spring', link: '/affiliates?belowStandard=true' },
  ]);
  expect(notices[0]?.body).toMatch(/^sales: at least 2 a month, from .*\n\nBo$/);
  expect((await put([])).status).toBe(200);
  expect(await below()).toEqual([]);
});

test('PRG-17: thresholds change with an effective date; what ended before it is judged by what held, and a closed program has none to change', async () => {
  const path = `/v1/programs/${programId}`;
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const at = (effectiveFrom: string, thresholds: unknown) =>
    world.as(`${path}/thresholds?effectiveFrom=${effectiveFrom}`, thresholds, 'PUT');
  const sales = (minimum: number) => [{ metric: 'sales', period: 'month', minimum, maximum: null }];
  const planned = async (): Promise<unknown> => (await world.as(path)).body['scheduled'];
  const past = await at('2026-01-01T00:00:00.000Z', sales(1));
  expect([past.status, past.body['errors']?.[0]?.['parameter']], past.text).toEqual([422, 'effectiveFrom']);

  expect((await put(sales(1))).status).toBe(200);
  const from = soon(86_400_000);
  expect((await at(from, sales(9))).status).toBe(200);
  expect((await world.as(`${path}/thresholds`)).body).toEqual(sales(1));
  expect(await planned()).toEqual([{ effectiveFrom: from, after: { thresholds: sales(9) } }]);
  // Taken back by its instant, as whatever else is planned; and replaced by what holds at once.
  await takeBack(from);
  expect(await planned()).toEqual([]);
  await at(from, sales(9));
  await put(sales(2));
  expect([await planned(), (await world.as(`${path}/thresholds`)).body]).toEqual([[], sales(2)]);

  // The month before this one ended while two were asked: Ada made two of them and Bo one; nine are asked from this month on.
  await at(from, sales(9));
  const monthBegan = world.owner.raw(`date_trunc('month', now() at time zone 'UTC') at time zone 'UTC'`);
  await world.owner('standard_results').delete();
  await world.owner('program_standards').update({ set_at: '2026-01-01T00:00:00.000Z', next_from: monthBegan });
  expect((await world.as(`${path}/thresholds`)).body).toEqual(sales(9));
  expect(await pass()).toBe(1);
  const judged = world.owner('standard_results').whereIn('affiliate_id', [ada, bo]).orderBy('outcome');
  expect(await judged.clone().select('affiliate_id', 'outcome', 'minimum')).toEqual([
    { affiliate_id: bo, outcome: 'below', minimum: '2' },
    { affiliate_id: ada, outcome: 'met', minimum: '2' },
  ]);
  expect([await planned(), (await world.as(`${path}/thresholds`)).body]).toEqual([[], sales(9)]);
  expect(await pass()).toBe(0);
  // Had they been planned for the middle of that month, it would have ended under them.
  await put(sales(2));
  await at(from, sales(9));
  await world.owner('standard_results').delete();
  await world.owner('program_standards').update({
    set_at: '2026-01-01T00:00:00.000Z',
    next_from: world.owner.raw(
      `(date_trunc('month', now() at time zone 'UTC') - interval '9 days') at time zone 'UTC'`,
    ),
  });
  await pass();
  expect(await judged.clone().select('outcome', 'minimum')).toEqual([
    { outcome: 'below', minimum: '9' },
    { outcome: 'below', minimum: '9' },
  ]);
  const closed = await world.program();
  expect((await world.as(`/v1/programs/${closed}/close`, { reason: 'Over' })).status).toBe(200);
  const late = await world.as(`/v1/programs/${closed}/thresholds`, sales(1), 'PUT');
  expect([late.status, late.body['code']]).toEqual([409, 'transition_not_allowed']);
  expect((await put([])).status).toBe(200);
});

async function takeBack(effectiveFrom: string): Promise<void> {
  const path = `/v1/programs/${programId}`;
  const { version } = (await world.as(path)).body;
  const answer = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    body: { effectiveFrom },
    headers: { 'If-Match': `"${version}"` },
  });
  expect(answer.status, answer.text).toBe(200);
}

test('PAY-20: staff are reminded of late money, once a day', async () => {
  const method = await world.as(`/v1/affiliates/${ada}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  await world.owner('payout_methods').where({ id: method.body['id'] }).update({ status: 'active' });
  const bonus = await world.as('/v1/commissions', {
    affiliateId: ada,
    programId,
    kind: 'bonus',
    amount: usd('9.00'),
    reason: 'x',
    skipHold: true,
  });
  expect((await world.as(`/v1/commissions/${bonus.body['id']}/approve`, {})).status).toBe(200);
  expect(await pass()).toBe(0);
  await world.owner('commissions').where({ id: bonus.body['id'] }).update({ approved_at: '2026-06-20T10:00:00.000Z' });
  expect(await pass()).toBe(1);
  expect(await pass()).toBe(0);
  const notices = await world.owner('notices').where({ kind: 'payout_overdue' }).select('user_id', 'subject', 'body');
  expect(notices).toEqual([
    {
      user_id: world.ws.owner.id,
      subject: 'Payouts are overdue',
      body: '1 affiliate is due and in no payout yet; 0 payouts are made and not paid.',
    },
  ]);
});
