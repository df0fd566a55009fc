import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';

let world: EarningWorld;
let programId: string;
let affiliateId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ commissionApproval: 'manual' });
  const made = await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  expect(made.status, made.text).toBe(201);
  affiliateId = await world.affiliate(programId);
});
afterAll(() => world.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
let numbers = 0;
const next = (word: string): string => `${word}-${(numbers += 1)}`;
const lead = async () => {
  const clickId = await world.click({ programId, affiliateId });
  const email = `${next('jo')}@buyer.example`;
  const sent = await world.as('/v1/leads', { clickId, email, event: 'registration' });
  await world.settle();
  return { id: String(sent.body['id']), email };
};

test('FRD-05: accepted of all leads, share of refunds, conversion rate, flags and the standard of one affiliate', async () => {
  const path = `/v1/affiliates/${affiliateId}/metrics`;
  expect((await world.as(path)).body).toMatchObject({
    clicks: 0,
    leads: 0,
    acceptRate: null,
    sales: 0,
    refundShare: null,
    conversionRate: null,
    flags: 0,
    standard: null,
  });

  const [one, two, three] = [await lead(), await lead(), await lead()];
  expect((await world.as(`/v1/leads/${three.id}/invalidate`, { reason: 'Wrong number' })).status).toBe(200);
  await world.sale({ externalId: next('order'), customer: { email: one.email }, amount: usd('50.00') });
  const order = await world.sale({ externalId: next('order'), customer: { email: two.email }, amount: usd('50.00') });
  await world.as(`/v1/sales/${String(order['id'])}/refunds`, { externalId: next('refund'), amount: usd('5.00') });
  await world.settle();
  await world.click({ programId, affiliateId });
  await world.owner('clicks').insert({
    id: 'clk_01kaz0c3v7m2q8x4t6w9y1b5de',
    workspace_id: world.ws.id,
    mode: 'live',
    link_id: 'l',
    affiliate_id: affiliateId,
    program_id: programId,
    credit: 'filtered',
  });
  expect((await world.as(path)).body).toMatchObject({
    clicks: 4,
    leads: 3,
    accepted: 2,
    acceptRate: 666_666,
    sales: 2,
    refunds: 1,
    refundShare: 500_000,
    conversionRate: 500_000,
    standard: null,
  });

  // A verdict of the program's thresholds, as the sweep leaves it (PRG-18): the newest one counts.
  const put = await world.as(
    `/v1/programs/${programId}/thresholds`,
    [{ metric: 'acceptRate', period: 'month', minimum: 800_000 }],
    'PUT',
  );
  expect(put.status, put.text).toBe(200);
  for (const [from, outcome] of [
    ['2026-09-01', 'met'],
    ['2026-10-01', 'below'],
  ] as const)
    await world.owner('standard_results').insert({
      workspace_id: world.ws.id,
      program_id: programId,
      affiliate_id: affiliateId,
      metric: 'acceptRate',
      period: 'month',
      period_from: `${from}T00:00:00.000Z`,
      period_until: `${from.slice(0, 8)}28T00:00:00.000Z`,
      value: 1,
      minimum: 800_000,
      outcome,
    });
  expect((await world.as(path)).body['standard']).toBe('below');
  expect((await world.as(`${path}?from=2026-01-01&to=2026-01-31`)).body).toMatchObject({
    leads: 0,
    from: '2026-01-01',
  });
});

test('bad ranges are refused; who may not read reports, or this affiliate, reads nothing', async () => {
  const path = `/v1/affiliates/${affiliateId}/metrics`;
  expect(await world.as(`${path}?from=2026-02-02&to=2026-02-01`)).toMatchObject({
    status: 422,
    body: { errors: [{ parameter: 'from', code: 'out_of_range' }] },
  });
  expect(await world.as(`${path}?from=2026-02-30`)).toMatchObject({ status: 422 });
  const agent = await world.api.makePerson(world.ws, ['agent']);
  expect(await world.api.as(agent.key, path)).toMatchObject({
    status: 403,
    body: { missingPermission: 'report.read' },
  });
  const manager = await world.api.makePerson(world.ws, ['affiliate_manager']);
  expect(await world.api.as(manager.key, path)).toMatchObject({ status: 403, body: { code: 'not_in_scope' } });
  const other = await world.api.makeWorkspace({ name: 'Other' });
  expect((await world.api.as(other.key, path)).status).toBe(404);
});
