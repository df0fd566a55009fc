import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { saveSettings } from '../program/support.js';
import { itemsOf, type Json } from '../support.js';

// What an affiliate's API user learns and changes beside its own (LED-08, LED-17, LED-28), over HTTP.

let world: EarningWorld;
let programId: string;
let mine: string;
let rival: string;
let key: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  [mine, rival] = [await world.affiliate(programId), await world.affiliate(programId, { name: 'Rita Rival' })];
  key = String((await world.as('/v1/api-keys', { name: 'Mine', affiliateId: mine })).body['secret']);
});
afterAll(() => world.close());

const found = async (path: string): Promise<readonly unknown[]> => {
  const answer = await world.api.as(key, path);
  expect(answer, answer.text).toMatchObject({ status: 200 });
  return itemsOf(answer.body['data']).map((one) => one['externalId']);
};

test('LED-17: by no filter and no word is it told whom else its lead credits, who looks after it, or why it was refused', async () => {
  const person = 'shared@buyer.example';
  const source = await world.as('/v1/lead-sources', { name: 'Partners', department: 'Sales' });
  const sourceId = String(source.body['id']);
  const keyId = String((await world.as('/v1/api-keys?q=Mine')).body['data']?.[0]?.['id']);
  await world.as(`/v1/api-keys/${keyId}`, { leadSourceId: sourceId }, 'PATCH');
  await world.as('/v1/leads', {
    email: person,
    programId,
    clickId: await world.click({ programId, affiliateId: rival }),
  });
  await world.settle();
  const sent = await world.api.as(key, '/v1/leads', {
    body: { externalId: 'shared-1', email: person, event: 'registration', programId },
  });
  const own = await world.api.as(key, '/v1/leads', {
    body: { externalId: 'own-1', email: 'own@buyer.example', programId },
  });
  expect([sent.status, own.status]).toEqual([202, 202]);
  await world.settle();
  await world.as(`/v1/leads/${String(own.body['id'])}/invalidate`, { reasonCode: 'fraud' });
  await world.settle();
  const seenByStaff = await world.as(`/v1/leads/${String(sent.body['id'])}`);
  expect(seenByStaff.body).toMatchObject({ attribution: { affiliateId: rival }, sourceId, department: 'Sales' });

  for (const list of ['/v1/leads', '/v1/lead-log']) {
    expect(await found(list)).toEqual(expect.arrayContaining(['shared-1', 'own-1']));
    expect(await found(`${list}?affiliateId=${rival}`)).toEqual([]);
    expect(await found(`${list}?affiliateId=${mine}`)).toEqual(['own-1']);
    expect(await found(`${list}?sourceId=${sourceId}`)).toEqual([]);
  }
  for (const query of ['department=Sales', 'assigned=false', 'assigned=true', `assigneeId=${world.ws.owner.id}`])
    expect(await found(`/v1/leads?${query}`)).toEqual([]);
  for (const query of ['q=Rita', 'code=fraud']) expect(await found(`/v1/lead-log?${query}`)).toEqual([]);
  const logged = await world.api.as(key, '/v1/lead-log');
  expect(itemsOf(logged.body['data']).find((one) => one['externalId'] === 'own-1')).toMatchObject({
    outcome: 'invalid',
    code: 'not_accepted',
  });
  expect(logged.text).not.toMatch(/fraud|Rita|Sales/);
  expect(logged.text).not.toContain(rival);
  // Staff find it by each of them.
  for (const query of ['q=Rita', 'code=fraud', `affiliateId=${rival}`])
    expect(itemsOf((await world.as(`/v1/lead-log?${query}`)).body['data'])).not.toHaveLength(0);
});

test('LED-08: it corrects what it sent itself; assignee, tags and notes are the staff’s, and what others sent it cannot touch', async () => {
  const own = await world.api.as(key, '/v1/leads', { body: { email: 'mine@buyer.example', programId } });
  const byForm = await world.as('/v1/leads', {
    email: 'form@buyer.example',
    programId,
    clickId: await world.click({ programId, affiliateId: mine }),
  });
  await world.settle();
  const edit = (lead: Json, body: Readonly<Record<string, unknown>>) =>
    world.api.as(key, `/v1/leads/${String(lead['id'])}`, { method: 'PATCH', body });
  expect(await edit(own.body, { metadata: { campaign: 'spring' } })).toMatchObject({
    status: 200,
    body: { metadata: { campaign: 'spring' } },
  });
  const refused = await edit(own.body, { assigneeId: null, tags: ['vip'], notes: 'Call first' });
  expect(refused.status).toBe(422);
  expect((refused.body['errors'] as unknown as readonly Json[]).map((one) => [one['pointer'], one['code']])).toEqual([
    ['#/assigneeId', 'not_allowed_here'],
    ['#/tags', 'not_allowed_here'],
    ['#/notes', 'not_allowed_here'],
  ]);
  // Credited with it and reading it, yet not its sender.
  expect((await world.api.as(key, `/v1/leads/${String(byForm.body['id'])}`)).status).toBe(200);
  expect(await edit(byForm.body, { metadata: { campaign: 'mine' } })).toMatchObject({
    status: 403,
    body: { code: 'not_in_scope' },
  });
  expect((await world.as(`/v1/leads/${String(byForm.body['id'])}`)).body).toMatchObject({ metadata: {}, tags: [] });
});

test('LED-17, TRK-09: leads that its server sends without a click take nobody’s customer, whatever event they name and whether repeats are kept', async () => {
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
  const person = 'loyal@buyer.example';
  const first = await world.as('/v1/leads', {
    email: person,
    programId,
    clickId: await world.click({ programId, affiliateId: rival }),
  });
  await world.settle();
  const steal = async (body: Readonly<Record<string, unknown>>): Promise<Json> => {
    const sent = await world.api.as(key, '/v1/leads', { body: { email: person, programId, ...body } });
    expect(sent, sent.text).toMatchObject({ status: 202 });
    await world.settle();
    return (await world.as(`/v1/leads/${String(sent.body['id'])}`)).body;
  };
  const kept = await steal({ event: 'registration' });
  expect(kept).toMatchObject({ verdict: 'accepted', attribution: { affiliateId: rival } });
  await saveSettings(world.api, world.ws, { leads: { duplicates: 'flag' } });
  expect(await steal({})).toMatchObject({ verdict: 'accepted', unique: false, attribution: { affiliateId: rival } });
  await saveSettings(world.api, world.ws, { leads: { duplicates: 'refuse' } });

  const referral = (await world.as(`/v1/referrals/${String(kept['referralId'])}`)).body;
  expect(referral).toMatchObject({ firstAffiliateId: rival, lastAffiliateId: rival });
  const sale = await world.sale({
    externalId: 'loyal-1',
    customer: { email: person },
    amount: { amount: '100.00', currency: 'USD' },
  });
  const lines = await world.commissions(`saleId=${String(sale['id'])}`);
  expect(lines.map((line) => [line['affiliateId'], line['amount']])).toEqual([
    [rival, { amount: '10.00', currency: 'USD' }],
  ]);
  // A person whom nobody brought before is its own, and stays so when it sends them again.
  const fresh = await world.api.as(key, '/v1/leads', { body: { email: 'fresh@buyer.example', programId } });
  await world.settle();
  await world.api.as(key, '/v1/leads', { body: { email: 'fresh@buyer.example', programId, event: 'registration' } });
  await world.settle();
  const own = (await world.as(`/v1/leads/${String(fresh.body['id'])}`)).body;
  expect((await world.as(`/v1/referrals/${String(own['referralId'])}`)).body).toMatchObject({ lastAffiliateId: mine });
  expect(first.status).toBe(202);
});
