import { createHash } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { makeAffiliate, makeProgram } from '../program/support.js';
import { checkPain } from '../../support/painSchema.js';
import { insertRow } from '../../support/rows.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// PAY-07, PAY-08 and api.md 10.2: what a person uploads at PayPal, what goes to the accounts.

let api: TestApi;
let shop: TestWorkspace;
let other: TestWorkspace;
let owner: Knex;
let runId: string;
let payouts: { readonly ada: string; readonly bo: string; readonly cy: string };

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: true });
  other = await api.makeWorkspace({ saved: true });
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  const programId = await makeProgram(api, shop, {});
  runId = newId('payoutRun');
  await insertRow(owner, 'payout_runs', {
    id: runId,
    workspace_id: shop.id,
    mode: 'live',
    status: 'executing',
    workflow_id: `payoutRun/${runId}`,
    created_by_type: 'system',
  });
  const payee = async (name: string, type: 'paypal' | 'bank', amountMinor: number, status: string) => {
    const affiliateId = await makeAffiliate(api, shop, [programId], { name });
    const details =
      type === 'paypal'
        ? { email: `${name.toLowerCase()}@pay.example` }
        : { holder: name, iban: 'DE89370400440532013000' };
    const method = await api.as(shop.key, `/v1/affiliates/${affiliateId}/payout-methods`, {
      body: { type, currency: 'USD', details },
    });
    expect(method.status, method.text).toBe(201);
    await owner('payout_methods').where({ id: method.body['id'] }).update({ status: 'active' });
    const row = await owner('payout_methods').where({ id: method.body['id'] }).first<{ fingerprint: string }>();
    const id = newId('payout');
    await insertRow(owner, 'payouts', {
      id,
      workspace_id: shop.id,
      mode: 'live',
      run_id: runId,
      affiliate_id: affiliateId,
      currency: 'USD',
      amount_minor: amountMinor,
      status,
      method_id: method.body['id'],
      method_type: type,
      method_fingerprint: row?.fingerprint,
      method_version: 1,
      method_masked: method.body['masked'],
      execution: 'manual',
      gateway: 'manual',
      created_by_type: 'system',
    });
    return id;
  };
  payouts = {
    ada: await payee('Ada', 'paypal', 1_000, 'pending'),
    bo: await payee('Bo', 'bank', 2_050, 'pending'),
    cy: await payee('Cy', 'paypal', 333, 'draft'),
  };
}, 60_000);
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
});

const make = (format: string, key = shop.key) => api.as(key, `/v1/payout-runs/${runId}/files`, { body: { format } });
const read = (fileId: unknown, key = shop.key) => api.as(key, `/v1/payout-files/${String(fileId)}/content`);

test('PayPal: approved PayPal payouts once, the rest listed as skipped, the same bytes each time', async () => {
  const made = await make('paypal_mass_pay');
  expect(made.status, made.text).toBe(201);
  const [file] = itemsOf(made.body['data']);
  expect(file).toMatchObject({
    object: 'payout_file',
    currency: 'USD',
    part: 1,
    parts: 1,
    rows: 1,
    amount: { amount: '10.00', currency: 'USD' },
    skipped: [
      { payoutId: payouts.bo, code: 'no_paypal_method' },
      { payoutId: payouts.cy, code: 'draft' },
    ],
  });
  const content = await read(file?.['id']);
  expect(content.text).toBe(
    `email,amount,currency,payoutId,note\r\nada@pay.example,10.00,USD,${payouts.ada},Payout ${payouts.ada}\r\n`,
  );
  expect(content.headers.get('content-disposition')).toContain('.csv');
  expect(createHash('sha256').update(content.text).digest('hex')).toBe(file?.['sha256']);
  expect((await read(file?.['id'])).text).toBe(content.text);
  const stored = await owner('payout_files').where({ id: file?.['id'] }).first<{ content: string }>();
  expect(stored?.content).not.toContain('ada@');

  const again = await make('paypal_mass_pay');
  expect([again.status, itemsOf(again.body['data']).map((one) => one['id'])]).toEqual([200, [file?.['id']]]);
});

test('PAY-07: where nobody is in a file the answer names who is left out', async () => {
  const { affiliate_id: affiliateId } = await owner('payouts')
    .where({ id: payouts.cy })
    .first<{ affiliate_id: string }>();
  const suspend = (status: string) => owner('affiliates').where({ id: affiliateId }).update({ status });
  await owner('payouts').where({ id: payouts.cy }).update({ status: 'pending' });
  await suspend('suspended');
  const none = await make('paypal_mass_pay');
  expect(none.status, none.text).toBe(200);
  expect(itemsOf(none.body['skipped']).map((one) => [one['payoutId'], one['code']])).toEqual([
    [payouts.ada, 'in_earlier_file'],
    [payouts.bo, 'no_paypal_method'],
    [payouts.cy, 'suspended'], // PAY-17: approved before, and not paid by a file either
  ]);
  await suspend('approved');
  await owner('payout_methods').where({ affiliate_id: affiliateId }).update({ version: 2 });
  expect(itemsOf((await make('paypal_mass_pay')).body['skipped']).at(-1)?.['code']).toBe('method_changed_recently');
  await owner('payout_methods').where({ affiliate_id: affiliateId }).update({ version: 1 });
});

test('a payout that is approved later comes into a file of its own; no payout stands in two', async () => {
  const made = await make('paypal_mass_pay');
  expect(made.status).toBe(201);
  const [file] = itemsOf(made.body['data']);
  expect(file).toMatchObject({ rows: 1, amount: { amount: '3.33' } });
  expect(itemsOf(file?.['skipped'])).toContainEqual(
    expect.objectContaining({ payoutId: payouts.ada, code: 'in_earlier_file' }),
  );
  const all = itemsOf((await api.as(shop.key, `/v1/payout-runs/${runId}/files`)).body['data']);
  expect(all).toHaveLength(2);
});

test('twenty who press at once make one file', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => make('generic_csv')));
  expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 201)).toEqual([]);
  const ids = new Set(answers.flatMap((one) => itemsOf(one.body['data']).map((file) => file['id'])));
  expect(ids.size).toBe(1);
  const { text } = await read([...ids][0]);
  const lines = text.trimEnd().split('\r\n');
  expect(lines[0]).toBe(
    'payoutId,affiliateId,affiliate,amount,currency,status,methodType,method,dueOn,paidOn,reference',
  );
  expect(lines).toHaveLength(4);
  expect(lines.slice(1).reduce((sum, line) => sum + Number(line.split(',')[3]) * 100, 0)).toBeCloseTo(3_383);
  expect(text).not.toContain('DE89370400440532013000');
});

test('SEPA: euros to IBANs once, valid for the schema; the account that is debited comes from the settings', async () => {
  const without = await make('sepa_pain_001');
  expect([without.status, without.body['code']]).toEqual([409, 'settings_missing']);
  const settings = await api.as(shop.key, '/v1/settings');
  const save = (payouts: Readonly<Record<string, unknown>>) =>
    api.as(shop.key, '/v1/settings', {
      method: 'PATCH',
      body: { payouts },
      headers: { 'If-Match': `"${settings.body['version']}"` },
    });
  for (const wrong of [{ debtorIban: 'DE88370400440532013000' }, { debtorBic: 'COBADEFFX' }, { debtorName: '' }])
    expect((await save(wrong)).status).toBe(422);
  const saved = await save({ debtorName: 'Shop & Söhne', debtorIban: 'de89 3704 0044 0532 0130 00', debtorBic: null });
  expect(saved.status, saved.text).toBe(200);
  expect(saved.body['payouts']).toMatchObject({ debtorIban: 'DE89370400440532013000' });

  await owner('payouts').where({ id: payouts.bo }).update({ currency: 'EUR' });
  const answers = await Promise.all(Array.from({ length: 10 }, () => make('sepa_pain_001')));
  const files = new Map(answers.flatMap((one) => itemsOf(one.body['data']).map((file) => [String(file['id']), file])));
  expect(answers.filter((one) => one.status === 201)).toHaveLength(1);
  expect([...files.values()]).toMatchObject([
    {
      format: 'sepa_pain_001',
      currency: 'EUR',
      rows: 1,
      amount: { amount: '20.50', currency: 'EUR' },
    },
  ]);
  const content = await read([...files.keys()][0]);
  expect(content.headers.get('content-type')).toBe('application/xml');
  expect(content.headers.get('content-disposition')).toContain('.xml');
  expect(checkPain(content.text)).toEqual([]);
  expect(content.text).toContain('<Nm>Shop + Sohne</Nm>');
  expect(content.text).toContain('<Nm>Bo</Nm>');
  const stored = await owner('payout_files').where({ format: 'sepa_pain_001' }).first<{ content: string }>();
  expect(stored?.content).not.toContain('DE89');
  expect((await make('sepa_pain_001')).status).toBe(200);
});

test('a download leaves a line; rights, other workspaces, unknown ids and formats are refused', async () => {
  const [file] = itemsOf((await api.as(shop.key, `/v1/payout-runs/${runId}/files`)).body['data']);
  const trail = itemsOf((await api.as(shop.key, `/v1/audit-entries?objectId=${file?.['id']}`)).body['data']);
  expect(trail.map((entry) => entry['event'])).toEqual(expect.arrayContaining(['created', 'downloaded']));
  const reviewer = (await api.makePerson(shop, ['auditor'])).key;
  expect((await make('generic_csv', reviewer)).status).toBe(403);
  expect((await read(file?.['id'], other.key)).status).toBe(404);
  expect((await read(newId('payoutFile'))).status).toBe(404);
  expect((await make('sepa')).status).toBe(422);
});

test('while payouts are frozen no paying file is made', async () => {
  await api.as(shop.key, '/v1/payout-freeze', { method: 'PUT', body: { frozen: true, reason: 'Looking into it.' } });
  const refused = await make('paypal_mass_pay');
  expect([refused.status, refused.body['code']]).toEqual([409, 'payouts_frozen']);
});
