import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { clickEdge } from '../../../api/routes/tracking/click.js';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';
import { saveSettings } from './support.js';

// PRG-22: the master switch of a workspace. Forms and payouts: payout/methodChoice.test.ts; menus: browser/console/access.spec.ts.

vi.setConfig({ testTimeout: 120_000 });

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
beforeAll(async () => {
  world = await createEarningWorld({
    edge: (deps) => clickEdge({ ...deps, publicUrl: deps.config.http.publicUrl }),
  });
}, 60_000);
afterAll(() => world?.close());

test('PRG-22: switched off, links deliver and credit nobody, nor do codes and own leads; who came before earns; on again, all is as it was', async () => {
  const programId = await world.program();
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
  const affiliateId = await world.affiliate(programId);
  const code = `SPRING${newId('coupon').slice(-6)}`;
  const coupon = await world.as('/v1/coupons', { code, programId, affiliateId });
  expect(coupon.status, coupon.text).toBe(201);
  const key = (await world.as('/v1/api-keys', { name: 'Leads', affiliateId })).body['secret'] as string;
  const [link] = itemsOf((await world.as(`/v1/links?affiliateId=${affiliateId}`)).body['data']);
  const follow = async (): Promise<readonly unknown[]> => {
    const answer = await fetch(`${world.api.url}/r/${link?.['slug']}`, {
      redirect: 'manual',
      headers: { 'User-Agent': 'Mozilla/5.0' },
    });
    const [click] = itemsOf((await world.as(`/v1/clicks?linkId=${link?.['id']}&limit=1`)).body['data']);
    const to = new URL(answer.headers.get('Location') ?? 'none:').host;
    return [answer.status, to, click?.['credit'], click?.['creditCode']];
  };
  const buy = (customer: Json, body: Readonly<Record<string, unknown>> = {}): Promise<Json> =>
    world.sale({ externalId: newId('sale'), customer, amount: usd('100.00'), ...body });
  const stranger = (): Json => {
    const externalId = newId('contact');
    return { externalId, email: `${externalId}@buyer.example` } as unknown as Json;
  };
  const byCode = async (): Promise<readonly unknown[]> => {
    const sale = await buy(stranger(), { coupon: code });
    const { status, code: why } = sale['attribution'] as { status: string; code: string | null };
    return [status, why, itemsOf(sale['commissionIds']).length];
  };
  const ownLead = async (): Promise<unknown> => {
    const body = { externalId: newId('lead'), email: `${newId('contact')}@buyer.example`, programId };
    const sent = await world.api.as(key, '/v1/leads', { body });
    expect(sent.status, sent.text).toBe(202);
    await world.settle();
    return (await world.as(`/v1/leads/${sent.body['id']}`)).body['attribution']['status'];
  };
  const credits = async (): Promise<unknown> => (await world.as(`/v1/coupons/${coupon.body['id']}`)).body['credits'];
  const on = [[302, 'shop.example', 'credited', null], ['attributed', null, 1], 'attributed'];
  const rows = async (): Promise<unknown> =>
    Promise.all(
      ['clicks', 'referrals', 'commissions', 'links', 'coupons', 'affiliates'].map((table) =>
        world.owner(table).count('*'),
      ),
    );

  expect([await follow(), await byCode(), await ownLead()]).toEqual(on);
  const regular = stranger();
  const clickId = await world.click({ programId, affiliateId });
  expect((await buy(regular, { clickId }))['commissionIds']).toHaveLength(1);
  const before = await rows();
  await saveSettings(world.api, world.ws, { general: { moduleEnabled: false } });
  expect(await rows()).toEqual(before);

  // The edge knows a link for two seconds.
  await eventually(async () => (await follow())[2] === 'not_credited');
  expect(await follow()).toEqual([302, 'shop.example', 'not_credited', 'tracking_off']);
  expect(await credits()).toBe(false);
  expect([await byCode(), await ownLead()]).toEqual([['unattributed', 'coupon_expired', 0], 'unattributed']);
  expect((await buy(regular))['commissionIds']).toHaveLength(1);

  await saveSettings(world.api, world.ws, { general: { moduleEnabled: true } });
  await eventually(async () => (await follow())[2] === 'credited');
  expect([await follow(), await byCode(), await ownLead()]).toEqual(on);
  expect(await credits()).toBe(true);
});
