import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeAffiliate, makeProgram, saveSettings } from '../program/support.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import knexFactory, { type Knex } from 'knex';

// Breaches of a program's policies (features.md PRG-19), over HTTP.

let api: TestApi;
let ws: TestWorkspace;
let owner: Knex;
let programId: string;
beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  programId = await makeProgram(api, ws);
}, 60_000);
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
});

const breach = (affiliateId: string, body: Readonly<Record<string, unknown>>, key = ws.key) =>
  api.as(key, `/v1/affiliates/${affiliateId}/breaches`, {
    body: { policy: 'No bidding on our name', evidence: 'Screenshot of the ad', action: 'warning', ...body },
  });
const statusOf = async (id: string) => (await api.as(ws.key, `/v1/affiliates/${id}`)).body;
const told = (affiliateId: string) =>
  owner('notices').where({ affiliate_id: affiliateId, kind: 'policy_breach' }).select<{ body: string }[]>('body');

test('PRG-19: a breach leads to a warning, a suspension or a termination, and each cites the policy', async () => {
  const id = await makeAffiliate(api, ws, [programId]);
  const warned = await breach(id, {});
  expect(warned.status, warned.text).toBe(201);
  expect(warned.body).toMatchObject({ action: 'warning', policy: 'No bidding on our name', by: { name: 'Ana' } });
  expect((await statusOf(id))['status']).toBe('approved');

  const suspended = await breach(id, { action: 'suspension', policy: 'No coupon sites' });
  expect(suspended.status, suspended.text).toBe(201);
  expect(await statusOf(id)).toMatchObject({ status: 'suspended', statusReason: 'Breach of: No coupon sites' });
  const again = await breach(id, { action: 'suspension' });
  expect([again.status, again.body['code']]).toEqual([409, 'already_decided']);

  const ended = await breach(id, { action: 'termination', policy: 'No forged leads' });
  expect(ended.status, ended.text).toBe(201);
  const { status, enrolments, decision } = await statusOf(id);
  expect([status, itemsOf(enrolments).map((one) => one['status'])]).toEqual(['terminated', ['ended']]);
  expect(decision).toMatchObject({ verb: 'terminate' });

  // What was refused left nothing behind; the evidence never reaches the affiliate.
  const listed = itemsOf((await api.as(ws.key, `/v1/affiliates/${id}/breaches?sort=createdAt`)).body['data']);
  expect(listed.map((one) => [one['action'], one['policy']])).toEqual([
    ['warning', 'No bidding on our name'],
    ['suspension', 'No coupon sites'],
    ['termination', 'No forged leads'],
  ]);
  const notices = (await told(id)).map((one) => one.body);
  expect(notices).toHaveLength(3);
  for (const policy of ['No bidding on our name', 'No coupon sites', 'No forged leads'])
    expect(notices.join()).toContain(policy);
  expect(notices.join()).not.toContain('Screenshot');
});

test('PRG-19: bad input, a missing right and another workspace change nothing; a switch keeps the entry and drops the mail', async () => {
  const id = await makeAffiliate(api, ws, [programId]);
  for (const [body, pointer] of [
    [{ action: 'fine' }, '#/action'],
    [{ policy: ' ' }, '#/policy'],
    [{ evidence: '' }, '#/evidence'],
  ] as const) {
    const refused = await breach(id, body);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, pointer]);
  }
  const writer = await api.makePerson(ws, ['owner'], { permissions: ['affiliate.read', 'affiliate.write'] });
  const suspending = await breach(id, { action: 'suspension' }, writer.key);
  expect([suspending.status, suspending.body['missingPermission']]).toEqual([403, 'status.change']);
  const other = await api.makeWorkspace({ name: 'Other' });
  expect((await breach(id, {}, other.key)).status).toBe(404);
  expect(itemsOf((await api.as(ws.key, `/v1/affiliates/${id}/breaches`)).body['data'])).toEqual([]);
  expect((await statusOf(id))['status']).toBe('approved');

  await saveSettings(api, ws, { notifications: { 'affiliate.suspended': false } });
  expect((await breach(id, { action: 'suspension' })).status).toBe(201);
  expect(await told(id)).toHaveLength(1);
  const { email } = await statusOf(id);
  expect(await owner('emails').where({ recipient: email, kind: 'policy_breach' })).toEqual([]);
});
