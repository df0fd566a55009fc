import { afterAll, beforeAll, expect, test } from 'vitest';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { dataOf, makeAffiliate, saveSettings } from '../program/support.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';

let api: TestApi;
let ws: TestWorkspace;
let ben: string;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
  ben = (await api.makePerson(ws, ['finance_approver'])).key;
});
afterAll(() => api.close());

const iban = 'DE89370400440532013000';
const bank = { type: 'bank', currency: 'EUR', details: { holder: 'Ada Kowal', iban } };
const add = (affiliateId: string, body: Readonly<Record<string, unknown>> = bank, key = ws.key) =>
  api.as(key, `/v1/affiliates/${affiliateId}/payout-methods`, { body });
const verify = (id: string, key: string) =>
  api.as(key, `/v1/payout-methods/${id}/verify`, { body: { reason: 'Called' } });
const stored = (id: string) =>
  readWorkspace(api.db, ws.id, async (tx) =>
    tx('payout_methods')
      .where({ id })
      .first<{ details: unknown; fingerprint: string; status: string; version: number }>(),
  );

test('details are sealed, shown by their ends, and read in clear only with a trace', async () => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const made = await add(affiliateId);
  expect(made.status, made.text).toBe(201);
  expect(made.body).toMatchObject({
    masked: 'DE89 …3000',
    status: 'unverified',
    version: 1,
    allowedActions: ['verify'],
  });
  const id: string = made.body['id'];
  expect(made.text).not.toContain(iban);
  expect(JSON.stringify(await stored(id))).not.toContain('0532013000');

  const { key: finance } = await api.makePerson(ws, ['finance_preparer']);
  const refused = await api.as(finance, `/v1/payout-methods/${id}/details`);
  expect(refused.body).toMatchObject({ code: 'permission_missing', missingPermission: 'pii.unmask' });
  for (const _ of [1, 2]) {
    const clear = await api.as(ws.key, `/v1/payout-methods/${id}/details`);
    expect(clear.status, clear.text).toBe(200);
    expect(clear.body['details']).toEqual({ holder: 'Ada Kowal', iban });
  }
  const traces = await readWorkspace(api.db, ws.id, async (tx) =>
    tx('audit_entries')
      .where({ object_id: `${id}/details` })
      .select('event', 'actor_user_id'),
  );
  expect(traces).toEqual([
    { event: 'read', actor_user_id: ws.owner.id },
    { event: 'read', actor_user_id: ws.owner.id },
  ]);
  // Looking does not change the method: an approved payout compares its version.
  expect((await stored(id)).version).toBe(1);
  const entries = await readWorkspace(api.db, ws.id, (tx) => tx('audit_entries').where({ object_id: id }).select('*'));
  expect(JSON.stringify(entries)).not.toContain(iban);
});

test('the affiliate is told at the address known before, without a word of the destination', async () => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const affiliate = await api.as(ws.key, `/v1/affiliates/${affiliateId}`);
  await add(affiliateId);
  const mails = await readWorkspace(api.db, ws.id, async (tx) =>
    tx('emails').where({ recipient: affiliate.body['email'], kind: 'payout_method_added' }).select('body'),
  );
  expect(mails).toHaveLength(1);
  expect(JSON.stringify(mails)).not.toMatch(/3000|Kowal/);
});

test('two affiliates with one destination have one fingerprint (T4)', async () => {
  const [a, b] = [await makeAffiliate(api, ws, []), await makeAffiliate(api, ws, [])];
  const first = await add(a);
  const second = await add(b, { ...bank, details: { holder: 'Somebody Else', iban: 'de89 3704 0044 0532 0130 00' } });
  const third = await add(b, { ...bank, currency: 'USD', details: { holder: 'B', iban: 'GB82WEST12345698765432' } });
  const [one, two, three] = await Promise.all([first, second, third].map(({ body }) => stored(body['id'])));
  expect(two?.fingerprint).toBe(one?.fingerprint);
  expect(three?.fingerprint).not.toBe(one?.fingerprint);
});

test('four eyes: whoever entered it cannot verify it while somebody else could', async () => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const made = await add(affiliateId);
  const id: string = made.body['id'];
  expect((await verify(id, ws.key)).body).toMatchObject({ code: 'own_work', createdBy: ws.owner.id });
  const verified = await verify(id, ben);
  expect(verified.body).toMatchObject({ status: 'active', version: 2, allowedActions: [] });
  expect(verified.body['activeAt']).toBe(verified.body['verifiedAt']);
  const again = await verify(id, ben);
  expect([again.status, again.body['code'], again.body['decidedBy']['name']]).toEqual([409, 'already_decided', 'Ben']);
});

test('alone, a key is not enough: that takes a session after step-up; test mode is exempt', async () => {
  const alone = await api.makeWorkspace();
  const affiliateId = await makeAffiliate(api, alone, []);
  const made = await add(affiliateId, bank, alone.key);
  const refused = await verify(made.body['id'], alone.key);
  expect([refused.status, refused.body['code']]).toEqual([403, 'step_up_required']);
  await saveSettings(api, alone, { payouts: { secondPerson: 'required' } });
  expect((await verify(made.body['id'], alone.key)).body['code']).toBe('own_work');
  expect((await verify(made.body['id'], alone.testKey)).body['status']).toBe('active');
});

test('a second method replaces the first, which leaves at once, and cools before it is used (AFF-27)', async () => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const first = await add(affiliateId);
  await verify(first.body['id'], ben);
  const second = await add(affiliateId, { ...bank, details: { holder: 'Ada', iban: 'GB82WEST12345698765432' } });
  const third = await add(affiliateId, { ...bank, details: { holder: 'Ada', iban: 'PL61109010140000071219812874' } });
  expect((await stored(second.body['id'])).status).toBe('replaced'); // never verified, and no longer wanted
  const cooling = await verify(third.body['id'], ben);
  expect(cooling.body['status']).toBe('cooling');
  expect(Date.parse(cooling.body['activeAt']) - Date.parse(cooling.body['verifiedAt'])).toBe(3 * 86_400_000);
  expect((await stored(first.body['id'])).status).toBe('replaced');

  await inWorkspace(api.db, ws.id, async (tx) => {
    await tx('payout_methods').where({ id: third.body['id'] }).update({ active_at: '2026-01-01T00:00:00.000Z' });
  });
  expect((await api.as(ws.key, `/v1/payout-methods/${third.body['id']}`)).body['status']).toBe('active');
  // Another currency is another method.
  expect((await add(affiliateId, { ...bank, currency: 'USD' })).body['status']).toBe('unverified');
});

test.each(['confirmed', 'removed'])(
  'BEY-03: another method that is %s makes the run that pays by the one before anew, its approval void',
  async (how) => {
    const affiliateId = await makeAffiliate(api, ws, []);
    const first = await add(affiliateId);
    await verify(first.body['id'], ben);
    await inWorkspace(api.db, ws.id, async (tx, now) => {
      const programId = newId('program');
      await tx('programs').insert({
        id: programId,
        name: programId,
        slug: programId,
        status: 'active',
        currency: 'EUR',
      });
      const money = { affiliateId: affiliateId as AffiliateId, programId, minor: 6_000n, currency: 'EUR' };
      await insertApprovedMoney(tx, api.act(ws.id, now), money);
    });
    const draft = await api.as(ws.key, '/v1/payouts', { body: { affiliateId, currency: 'EUR' } });
    const run = await api.as(ws.key, '/v1/payout-runs', { body: { currencies: ['EUR'] } });
    const [draftId, runId] = [draft.body['id'] as string, run.body['id'] as string];
    // As the worker leaves them: it planned this draft, and somebody approved.
    const approved = { status: 'approved', approved_by: 'usr_ben', plan_version: 1 };
    await inWorkspace(api.db, ws.id, async (tx) => {
      await tx('payout_runs').where({ id: runId }).update(approved);
      await tx('payouts').where({ id: draftId }).update({ run_id: runId });
    });
    const runRow = () =>
      readWorkspace(api.db, ws.id, async (tx) =>
        tx('payout_runs').where({ id: runId }).first<Record<string, unknown>>(),
      );

    const second = await add(affiliateId, { ...bank, details: { holder: 'Ada', iban: 'GB82WEST12345698765432' } });
    expect(await runRow()).toMatchObject(approved); // what nobody confirmed is not paid to
    if (how === 'confirmed') await verify(second.body['id'], ben);
    else await api.as(ws.key, `/v1/payout-methods/${first.body['id']}`, { method: 'DELETE' });
    expect(await runRow()).toMatchObject({ status: 'planning', approved_by: null, plan_version: 2 });
  },
);

test('removed: gone for readers, kept for past payouts; not while a payout would go there', async () => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const made = await add(affiliateId);
  const path = `/v1/payout-methods/${made.body['id']}`;
  expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(204);
  expect((await api.as(ws.key, path)).status).toBe(404);
  expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(404);
  expect((await stored(made.body['id'])).status).toBe('removed');
  expect(dataOf(await api.as(ws.key, `/v1/affiliates/${affiliateId}/payout-methods`))).toEqual([]);
});

test.each([
  [
    'a wrong check digit',
    { ...bank, details: { holder: 'A', iban: 'DE88370400440532013000' } },
    '#/details/iban',
    'bad_format',
  ],
  [
    'a stranger among the details',
    { ...bank, details: { holder: 'A', iban, pin: '1' } },
    '#/details/pin',
    'unknown_field',
  ],
  ['an unknown type', { ...bank, type: 'gold' }, '#/type', 'not_in_list'],
  ['a currency that is none', { ...bank, currency: 'usd' }, '#/currency', 'unknown_currency'],
  ['a number for text', { ...bank, details: { holder: 1, iban } }, '#/details/holder', 'wrong_type'],
])('PAY-05: %s is a field error', async (_rule, body, pointer, code) => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const answer = await add(affiliateId, body);
  expect(answer.status, answer.text).toBe(422);
  expect(answer.body['errors']).toMatchObject([{ pointer, code }]);
  expect(answer.text).not.toContain('DE88');
});

test('a type that is switched off, or has no adapter, is not enabled', async () => {
  const other = await api.makeWorkspace();
  const affiliateId = await makeAffiliate(api, other, []);
  await saveSettings(api, other, { payouts: { methodTypes: ['paypal'] } });
  const refused = await add(affiliateId, bank, other.key);
  expect([refused.status, refused.body['code'], refused.body['capability']]).toEqual([
    403,
    'not_enabled',
    'payout_method.bank',
  ]);
  const types = dataOf(await api.as(other.key, '/v1/payout-method-types'));
  expect(types.filter((one) => one['usable'] === true).map((one) => one['type'])).toEqual(['paypal']);
});

test('another workspace has no such method', async () => {
  const affiliateId = await makeAffiliate(api, ws, []);
  const made = await add(affiliateId);
  const other = await api.makeWorkspace();
  expect((await api.as(other.key, `/v1/payout-methods/${made.body['id']}`)).status).toBe(404);
  expect((await add(affiliateId, bank, other.key)).status).toBe(404);
});
