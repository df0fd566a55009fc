import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { deliverPostback } from '../../../activities/gateways/postbackSender.js';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';

// What a postback tells its affiliate is no more than the portal shows it (BEY-21, TRK-16): the API, the real relay function, a tracker outside.

let world: EarningWorld;
let programId: string;
let recruiter: string;
let recruit: string;
let called: URL[] = [];

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ levels: 2 });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [
      { level: 1, kind: 'percent', ratePpm: 200_000 },
      { level: 2, kind: 'percent', ratePpm: 50_000 },
    ],
  });
  recruiter = await world.affiliate(programId);
  recruit = await world.affiliate(programId, { recruiterId: recruiter });
  for (const affiliateId of [recruiter, recruit]) {
    const url = `https://tracker.example/${affiliateId}?o={order_id}&own={commission}&cur={currency}&s1={sub1}&s2={sub2}&c={click_id}`;
    const made = await world.as('/v1/postbacks', { affiliateId, events: ['commission.created'], url });
    expect(made, made.text).toMatchObject({ status: 201 });
  }
});
beforeEach(() => {
  called = [];
});
afterAll(() => world.close());

let orders = 0;
/** A sale by a click with both sub-IDs, and every call that follows of it. */
async function sell(affiliateId: string): Promise<{ readonly order: string; readonly clickId: string }> {
  const clickId = await world.click({ programId, affiliateId, sub1: 'own-campaign' });
  await world.owner('clicks').where({ id: clickId }).update({ sub2: 'own-place' });
  const order = `privacy-${(orders += 1)}`;
  await world.sale({ externalId: order, clickId, amount: { amount: '100.00', currency: 'USD' } });
  const waiting = await world.owner('outbox').where({ topic: 'postback' }).whereNull('sent_at').orderBy('id').select();
  for (const row of waiting as readonly { id: string; workspace_id: string; payload: unknown }[]) {
    const told = await deliverPostback(
      {
        db: world.api.db,
        newId,
        delayAfterMs: () => undefined,
        call: async (url) => {
          called.push(new URL(url));
          return { kind: 'answered', status: 200, headers: {}, body: '', isCut: false };
        },
      },
      { workspaceId: row.workspace_id, payload: row.payload, attempts: 1 },
    );
    expect(told).toEqual({ kind: 'delivered' });
    await world.owner('outbox').where({ id: row.id }).update({ sent_at: new Date() });
  }
  return { order, clickId };
}
const toldTo = (affiliateId: string): readonly Readonly<Record<string, string>>[] =>
  called.filter((url) => url.pathname === `/${affiliateId}`).map((url) => Object.fromEntries(url.searchParams));

test('BEY-21: a recruiter is told what it earns by its recruit’s sale, and neither which sale nor the recruit’s sub-IDs', async () => {
  const { order, clickId } = await sell(recruit);
  const own = { o: order, own: '20.00', cur: 'USD', s1: 'own-campaign', s2: 'own-place', c: clickId };
  expect(toldTo(recruit)).toEqual([own]);
  expect(toldTo(recruiter)).toEqual([{ o: '', own: '5.00', cur: 'USD', s1: '', s2: '', c: '' }]);
  // Its own sale it reads as ever.
  called = [];
  const mine = await sell(recruiter);
  expect(toldTo(recruiter)).toEqual([{ ...own, o: mine.order, c: mine.clickId }]);
});

test('TRK-16: with the grant taken away no sub-ID is told, and with it given back the stored one is', async () => {
  const path = `/v1/affiliates/${recruit}`;
  expect((await world.as(path, { subIdAccess: false }, 'PATCH')).status).toBe(200);
  await sell(recruit);
  expect(toldTo(recruit)).toMatchObject([{ own: '20.00', s1: '', s2: '' }]);
  called = [];
  expect((await world.as(path, { subIdAccess: true }, 'PATCH')).status).toBe(200);
  await sell(recruit);
  expect(toldTo(recruit)).toMatchObject([{ s1: 'own-campaign', s2: 'own-place' }]);
});
