import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import type { Json } from '../support.js';

let world: EarningWorld;
beforeAll(async () => {
  world = await createEarningWorld();
}, 60_000);
afterAll(() => world?.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
const globalRules = async (): Promise<readonly Json[]> =>
  (await world.as('/v1/commission-rules?scope=global&event=payment,first_payment&sort=createdAt')).body['data'];
const save = async (defaultRule: unknown): Promise<void> => {
  const { body } = await world.as('/v1/settings');
  const saved = await world.api.as(world.ws.key, '/v1/settings', {
    method: 'PATCH',
    headers: { 'if-match': `"${body['version']}"` },
    body: { commissions: { defaultRule } },
  });
  expect(saved.status, saved.text).toBe(200);
};

test('RUL-08: the global default pays where nothing else is set, is named on the commission, and has versions', async () => {
  const percent = (ratePpm: number) => [{ level: 1, kind: 'percent', ratePpm }];
  await save({ name: 'Global default', event: 'payment', levels: percent(100_000) });
  const programId = await world.program();
  const affiliateId = await world.affiliate(programId);
  const customer = { externalId: 'd-1', email: 'd1@buyer.example' };
  const clickId = await world.click({ programId, affiliateId });
  await world.sale({ externalId: 'd-1', customer, clickId, amount: usd('100.00') });
  await save({ name: 'Global default', event: 'payment', levels: percent(120_000) });
  await world.sale({ externalId: 'd-2', customer, amount: usd('100.00') });
  const lines = await world.commissions(`affiliateId=${affiliateId}`);
  expect(lines.map((one) => [one['amount']['amount'], one['ruleVersion'], one['parts'][0]['scope']])).toEqual([
    ['10.00', 1, 'global'],
    ['12.00', 2, 'global'],
  ]);
  const told = (await world.as(`/v1/commissions/${lines[0]?.['id']}/explanation`)).body;
  expect(told['rule']).toMatchObject({ name: 'Global default', version: 1 });
  const ofEvent = (event: string) => globalRules().then((all) => all.filter((one) => one['event'] === event));
  expect((await ofEvent('payment')).map((one) => [one['version'], one['status']])).toEqual([[2, 'active']]);
  await save(null);
  expect((await ofEvent('payment')).map((one) => one['status'])).toEqual(['ended']);
});
