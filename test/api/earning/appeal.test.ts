import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// An affiliate against a rejection, and what becomes of it (BEY-15, features.md 2.11).

let world: EarningWorld;
let programId: string;
let affiliateId: string;
let mine: (path: string, body?: unknown) => Promise<TestAnswer>;
let colleague: string;
let serial = 0;
const usd = (amount: string) => ({ amount, currency: 'USD' });

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  const levels = [{ level: 1, kind: 'percent', ratePpm: 100_000 }];
  expect((await world.rule({ scope: 'program', programId, event: 'payment', levels })).status).toBe(201);
  affiliateId = await world.affiliate(programId);
  const { key } = await world.api.makePerson(world.ws, ['owner'], {
    name: 'Portal',
    permissions: ['me.read', 'me.write'],
    affiliateId,
  });
  mine = (path, body) => world.api.as(key, path, body === undefined ? {} : { body });
  for (const one of itemsOf((await mine('/v1/me/agreements')).body['data']))
    expect((await mine(`/v1/me/agreements/${one['id']}/accept`, {})).status).toBe(200);
  colleague = (await world.api.makePerson(world.ws, ['owner'], { name: 'Colleague' })).key;
}, 60_000);
afterAll(() => world?.close());

async function rejected(): Promise<Json> {
  serial += 1;
  const clickId = await world.click({ programId, affiliateId });
  const customer = { externalId: `a-${serial}`, email: `a${serial}@buyer.example` };
  const sale = await world.sale({ externalId: `a-${serial}`, customer, clickId, amount: usd('100.00') });
  const id: string = sale['commissionIds'][0];
  const answer = await world.settled(world.as(`/v1/commissions/${id}/reject`, { reason: 'Looks odd.' }));
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

test('upheld by somebody else, the commission is pending again, the same record', async () => {
  const commission = await rejected();
  const made = await mine('/v1/me/appeals', { objectId: commission['id'], text: 'It was a real customer.' });
  expect([made.status, made.body['status'], made.body['allowedActions']], made.text).toEqual([
    201,
    'open',
    ['withdraw'],
  ]);
  const twice = await mine('/v1/me/appeals', { objectId: commission['id'], text: 'Once more.' });
  expect([twice.status, twice.body['code']]).toEqual([409, 'already_exists']);
  const listed: readonly Json[] = (await world.as('/v1/appeals?status=open')).body['data'];
  expect(listed.map((one) => [one['objectId'], one['escalated'], one['allowedActions']])).toEqual([
    [commission['id'], false, ['uphold', 'dismiss']],
  ]);
  // ADM-07: by its words, whose it is, and what it is about.
  const { name } = (await world.as(`/v1/affiliates/${affiliateId}`)).body;
  for (const q of ['REAL customer', String(name), String(commission['id'])]) {
    const asked = await world.as(`/v1/appeals?q=${encodeURIComponent(q)}`);
    expect(asked.status, asked.text).toBe(200);
    expect(itemsOf(asked.body['data']), q).toHaveLength(1);
  }
  expect(itemsOf((await world.as(`/v1/appeals?affiliateId=${affiliateId}`)).body['data'])).toHaveLength(1);
  expect(itemsOf((await world.as(`/v1/appeals?affiliateId=${newId('affiliate')}`)).body['data'])).toEqual([]);
  const path = `/v1/appeals/${made.body['id']}/uphold`;
  const why = { reason: 'Checked with the shop.' };
  const own = await world.as(path, why);
  expect([own.status, own.body['code']]).toEqual([403, 'own_work']);
  const upheld = await world.api.as(colleague, path, { body: { ...why, publicReason: 'You are right.' } });
  expect([upheld.status, upheld.body['status']], upheld.text).toEqual([200, 'upheld']);
  await world.settle();
  expect((await world.as(`/v1/commissions/${commission['id']}`)).body['status']).toBe('pending');
  const [seen]: readonly Json[] = (await mine('/v1/me/appeals')).body['data'];
  expect([seen?.['status'], seen?.['answer']]).toEqual(['upheld', 'You are right.']);
  const told: readonly Json[] = (await mine('/v1/me/notices?unread=true')).body['data'];
  expect(told).toMatchObject([
    { kind: 'appeal_answered', subject: 'Your appeal was upheld', body: 'You are right.', link: '/earnings' },
  ]);
  const again = await world.api.as(colleague, path, { body: why });
  expect([again.status, again.body['code']]).toEqual([409, 'already_decided']);
  expect(await world.broken()).toEqual([]);
});

test('dismissed, it stays rejected; withdrawn, nobody answers; what is not rejected cannot be appealed', async () => {
  const first = await rejected();
  const appealed = await mine('/v1/me/appeals', { objectId: first['id'], text: 'Please look again.' });
  const dismissed = await world.api.as(colleague, `/v1/appeals/${appealed.body['id']}/dismiss`, {
    body: { reason: 'The card was stolen.', publicReason: 'The payment was not genuine.' },
  });
  expect([dismissed.status, dismissed.body['status']], dismissed.text).toEqual([200, 'dismissed']);
  expect((await world.as(`/v1/commissions/${first['id']}`)).body['status']).toBe('rejected');
  const second = await rejected();
  const other = await mine('/v1/me/appeals', { objectId: second['id'], text: 'A mistake.' });
  expect((await mine(`/v1/me/appeals/${other.body['id']}/withdraw`, {})).body['status']).toBe('withdrawn');
  expect(
    (await world.api.as(colleague, `/v1/appeals/${other.body['id']}/uphold`, { body: { reason: 'Late.' } })).status,
  ).toBe(409);
  const [pending]: readonly Json[] = (await world.as(`/v1/commissions?status=pending`)).body['data'];
  const early = await mine('/v1/me/appeals', { objectId: pending?.['id'], text: 'Why?' });
  expect([early.status, early.body['code']]).toEqual([409, 'transition_not_allowed']);
  const foreign = await mine('/v1/me/appeals', { objectId: `com_${'0'.repeat(26)}`, text: 'Mine?' });
  expect(foreign.status).toBe(404);
});

test('BEY-15: a lead that does not count can be appealed; upheld it is accepted, and its referral judges it anew', async () => {
  const clickId = await world.click({ programId, affiliateId });
  const lead = await world.as('/v1/leads', { externalId: 'appealed', clickId, email: 'appealed@buyer.example' });
  await world.settle();
  const path = `/v1/leads/${lead.body['id']}`;
  const early = await mine('/v1/me/appeals', { objectId: lead.body['id'], text: 'It counts.' });
  expect([early.status, early.body['code']]).toEqual([409, 'transition_not_allowed']);
  expect((await world.as(`${path}/invalidate`, { reason: 'Looks made up.' })).status).toBe(200);
  await world.settle();
  const made = await mine('/v1/me/appeals', { objectId: lead.body['id'], text: 'I met her at the fair.' });
  expect([made.status, made.body['objectType']], made.text).toEqual([201, 'lead']);
  const why = { reason: 'Called her: she is real.' };
  const own = await world.as(`/v1/appeals/${made.body['id']}/uphold`, why);
  expect([own.status, own.body['code']]).toEqual([403, 'own_work']);
  const upheld = await world.api.as(colleague, `/v1/appeals/${made.body['id']}/uphold`, { body: why });
  expect([upheld.status, upheld.body['status']], upheld.text).toEqual([200, 'upheld']);
  await world.settle();
  expect((await world.as(path)).body).toMatchObject({ verdict: 'accepted' });
  const twice = await mine('/v1/me/appeals', { objectId: lead.body['id'], text: 'Again.' });
  expect(twice.status).toBe(409);
  expect(await world.broken()).toEqual([]);
});

test('BEY-15: upheld where nothing can come back, or of a bonus, or by who may only answer appeals: it moves its object or says why not', async () => {
  const uphold = (made: TestAnswer, key: string) =>
    world.api.as(key, `/v1/appeals/${made.body['id']}/uphold`, { body: { reason: 'Looked again.' } });
  const appeal = (objectId: unknown) => mine('/v1/me/appeals', { objectId, text: 'Please look again.' });
  const statusOf = async (id: unknown) => (await world.as(`/v1/commissions/${String(id)}`)).body['status'];

  const refunded = await rejected();
  const first = await appeal(refunded['id']);
  await world.as(`/v1/sales/${refunded['saleId']}/refunds`, { externalId: `rf-${serial}` });
  await world.settle();
  const late = await uphold(first, colleague);
  expect([late.status, late.body['code'], late.body['currentStatus'], late.body['allowedActions']]).toEqual([
    409,
    'transition_not_allowed',
    'rejected',
    ['dismiss'],
  ]);
  // Nobody answered in time: it is escalated, and still open.
  await world
    .owner('appeals')
    .where({ id: first.body['id'] })
    .update({ created_at: new Date(Date.now() - 15 * 86_400_000) });
  const open = itemsOf((await world.as('/v1/appeals?status=open')).body['data']);
  expect(open.find((one) => one['id'] === first.body['id'])).toMatchObject({ escalated: true });

  const bonus = await world.as('/v1/commissions', {
    affiliateId,
    programId,
    kind: 'bonus',
    amount: usd('5.00'),
    reason: 'Launch',
  });
  const back = await world.as(`/v1/commissions/${bonus.body['id']}/reject`, { reason: 'Given twice' });
  expect(back.status, back.text).toBe(200);
  expect((await uphold(await appeal(bonus.body['id']), colleague)).status).toBe(200);
  expect(await statusOf(bonus.body['id'])).toBe('pending');

  const role = await world.as('/v1/roles', { name: 'Ombud', permissions: ['referral.read', 'referral.reopen'] });
  const ombud = await world.api.makePerson(world.ws, ['owner'], { name: 'Ombud' });
  const given = { method: 'PATCH', body: { roleIds: [String(role.body['id'])] } } as const;
  expect((await world.api.as(world.ws.key, `/v1/users/${ombud.user.id}`, given)).status).toBe(200);
  const third = await rejected();
  expect((await uphold(await appeal(third['id']), ombud.key)).status).toBe(200);
  await world.settle();
  expect(await statusOf(third['id'])).toBe('pending');
  const fourth = await rejected();
  const moot = await appeal(fourth['id']);
  await world.settled(world.as(`/v1/commissions/${fourth['id']}/reinstate`, {}));
  expect((await uphold(moot, colleague)).body).toMatchObject({ code: 'already_decided', currentStatus: 'pending' });
  for (const made of [first, moot])
    expect(
      await world.api.as(colleague, `/v1/appeals/${made.body['id']}/dismiss`, { body: { reason: 'Nothing to give.' } }),
    ).toMatchObject({ status: 200, body: { status: 'dismissed', allowedActions: [] } });
  expect(await statusOf(refunded['id'])).toBe('rejected');
  expect(await world.broken()).toEqual([]);
});

test('BEY-15: an open appeal waits in the queue of whoever may answer it, with its day, and leaves with the answer', async () => {
  const commission = await rejected();
  const made = await mine('/v1/me/appeals', { objectId: commission['id'], text: 'She called me.' });
  const reader = (await world.api.makePerson(world.ws, ['owner'], { name: 'Reader', permissions: ['referral.read'] }))
    .key;
  const queueOf = async (key: string) => (await world.api.as(key, '/v1/console/queue?kind=appeal')).body;

  const waiting = await queueOf(colleague);
  expect(itemsOf(waiting['data'])).toMatchObject([
    {
      kind: 'appeal',
      id: made.body['id'],
      title: 'commission',
      status: 'open',
      affiliate: { id: affiliateId },
      dueAt: made.body['answerBy'],
      path: `/v1/appeals/${made.body['id']}`,
    },
  ]);
  expect(waiting['counts']).toMatchObject({ byKind: { appeal: 1 } });
  expect(itemsOf((await queueOf(reader))['data'])).toEqual([]);

  await world.api.as(colleague, `/v1/appeals/${made.body['id']}/dismiss`, { body: { reason: 'Not so.' } });
  expect((await queueOf(colleague))['counts']).toMatchObject({ byKind: { appeal: 0 } });
});

test('ROL-03: a manager reads the appeals of assigned affiliates only, and a role of that reach answers no others', async () => {
  const commission = await rejected();
  const made = await mine('/v1/me/appeals', { objectId: commission['id'], text: 'A customer of mine.' });
  const { user, key } = await world.api.makePerson(world.ws, ['affiliate_manager'], { name: 'Mia' });
  const role = await world.as('/v1/roles', {
    name: 'Answers',
    permissions: ['referral.read', 'referral.reopen'],
    reach: 'assigned',
  });
  const answerer = await world.api.makePerson(world.ws, ['owner'], { name: 'Answerer' });
  const given = { method: 'PATCH', body: { roleIds: [String(role.body['id'])] } } as const;
  expect((await world.api.as(world.ws.key, `/v1/users/${answerer.user.id}`, given)).status).toBe(200);

  expect((await world.api.as(key, '/v1/appeals')).body['data']).toEqual([]);
  const path = `/v1/appeals/${String(made.body['id'])}/dismiss`;
  expect(await world.api.as(answerer.key, path, { body: { reason: 'No' } })).toMatchObject({
    status: 403,
    body: { code: 'not_in_scope' },
  });
  await world.owner('affiliates').where({ id: affiliateId }).update({ manager_id: user.id });
  expect(itemsOf((await world.api.as(key, '/v1/appeals?status=open')).body['data'])).toMatchObject([
    { id: made.body['id'] },
  ]);
});
