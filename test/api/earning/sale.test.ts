import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInvariants } from '../../../db/reads/earning/bookChecks.js';
import { compiledProgram } from '../../support/compiled.js';
import type { Json } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

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
const next = (word: string): string => {
  numbers += 1;
  return `${word}-${numbers}`;
};
const read = async (sale: Json): Promise<Json> => (await world.as(`/v1/sales/${sale['id']}`)).body;

test('COM-02: 200 copies at once are one sale and one commission', async () => {
  const clickId = await world.click({ programId, affiliateId });
  const body = {
    externalId: next('order'),
    customer: { email: `${next('jo')}@buyer.example` },
    clickId,
    amount: usd('49.99'),
  };
  const answers = await Promise.all(Array.from({ length: 200 }, () => world.as('/v1/sales', body)));
  await world.settle();
  const ok = answers.filter((answer) => answer.status === 202 || answer.status === 200);
  expect(ok.filter((answer) => answer.status === 202)).toHaveLength(1);
  // Under so many the database may ask some to come again; none of them may be told anything else.
  expect(answers.filter((answer) => !ok.includes(answer) && answer.status !== 503)).toEqual([]);
  expect(new Set(ok.map((answer) => answer.body['id'])).size).toBe(1);
  const [first] = ok;
  expect(await world.commissions(`saleId=${first?.body['id']}`)).toHaveLength(1);
  expect(await world.broken()).toEqual([]);
}, 60_000);

test('a sale of an unknown customer waits for its lead and ends in the same state', async () => {
  const customer = { externalId: next('u') };
  const parked = await world.as('/v1/sales', { externalId: next('order'), customer, amount: usd('49.99') });
  expect([parked.status, parked.body['parkedCode'], parked.body['processedAt']]).toEqual([
    202,
    'unknown_customer',
    null,
  ]);
  const clickId = await world.click({ programId, affiliateId });
  const lead = await world.as('/v1/leads', {
    externalId: next('lead'),
    customerExternalId: customer.externalId,
    clickId,
    event: 'registration',
    email: `${next('jo')}@buyer.example`,
  });
  expect(lead.status, lead.text).toBe(202);
  await world.settle();
  const sale = await read(parked.body);
  expect(sale).toMatchObject({
    parkedCode: null,
    noCommissionCode: null,
    attribution: { status: 'attributed', affiliateId },
  });
  expect(sale['commissionIds']).toHaveLength(1);
  expect((await world.as(`/v1/leads/${lead.body['id']}`)).body['verdict']).toBe('converted');
  expect((await world.as(`/v1/referrals/${sale['referralId']}`)).body['stage']).toBe('sale');
});

test('a refund before its sale waits for it, and is worth the same', async () => {
  const externalId = next('order');
  const early = await world.as('/v1/refunds', {
    externalId: next('rf'),
    saleExternalId: externalId,
    amount: usd('20.00'),
  });
  expect([early.status, early.body['parkedCode']]).toEqual([202, 'unknown_sale']);
  const sale = await world.sale({
    externalId,
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('50.00'),
  });
  expect(sale).toMatchObject({ status: 'part_refunded', refunded: usd('20.00') });
  const [line] = await world.commissions(`saleId=${sale['id']}`);
  expect(line).toMatchObject({ amount: usd('10.00'), reversed: usd('4.00'), status: 'pending' });
  const again = await world.as('/v1/refunds', {
    externalId: early.body['externalId'],
    saleExternalId: externalId,
    amount: usd('20.00'),
  });
  expect([again.status, again.body['id']]).toEqual([200, early.body['id']]);
  const other = await world.as('/v1/refunds', {
    externalId: early.body['externalId'],
    saleExternalId: externalId,
    amount: usd('21.00'),
  });
  expect([other.status, other.body['code']]).toEqual([409, 'already_exists']);
  const foreign = await world.as(`/v1/sales/${sale['id']}/refunds`, {
    externalId: next('rf'),
    amount: { amount: '1.00', currency: 'EUR' },
  });
  expect([foreign.status, foreign.body['code'], foreign.body['expectedCurrency']]).toEqual([
    422,
    'currency_mismatch',
    'USD',
  ]);
  expect(await world.broken()).toEqual([]);
});

test('no order of sale, refunds and approval changes what is left', async () => {
  const orders: readonly (readonly ('sale' | 'first' | 'second' | 'approve')[])[] = [
    ['sale', 'first', 'second', 'approve'],
    ['sale', 'approve', 'first', 'second'],
    ['sale', 'second', 'approve', 'first'],
    ['first', 'second', 'sale', 'approve'],
    ['second', 'sale', 'approve', 'first'],
  ];
  const before = await world.trial();
  const minor = (text: string | undefined): bigint => BigInt((text ?? '0.00').replace('.', ''));
  let expected = minor(before['affiliate_payable']);
  for (const order of orders) {
    const saleExternalId = next('order');
    const clickId = await world.click({ programId, affiliateId });
    for (const step of order) {
      if (step === 'sale') await world.sale({ externalId: saleExternalId, clickId, amount: usd('33.35') });
      else if (step === 'approve') {
        const sale = (await world.as(`/v1/sales?externalId=${saleExternalId}`)).body['data'][0];
        await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, { reason: 'Real' }));
        await world.settled(world.as(`/v1/commissions/${sale['commissionIds'][0]}/approve`, { reason: 'ok' }));
      } else {
        const amount = step === 'first' ? usd('10.01') : usd('5.55');
        await world.as('/v1/refunds', { externalId: next('rf'), saleExternalId, amount });
        await world.settle();
      }
    }
    const sale = (await world.as(`/v1/sales?externalId=${saleExternalId}`)).body['data'][0];
    const [line] = await world.commissions(`saleId=${sale['id']}`);
    // 6.67 − round(6.67 × 15.56 ÷ 33.35 = 3.112)
    expect(line, order.join(' ')).toMatchObject({ status: 'approved', net: usd('3.56'), reversed: usd('3.11') });
    expected -= 356n; // a credit account: its net debit falls
    expect(minor((await world.trial())['affiliate_payable']), order.join(' ')).toBe(expected);
  }
  expect(await world.broken()).toEqual([]);
}, 120_000);

test('a declined charge earns nothing, its retry earns once', async () => {
  const clickId = await world.click({ programId, affiliateId });
  const body = { externalId: next('order'), clickId, amount: usd('50.00') };
  const declined = await world.sale({ ...body, status: 'declined' });
  expect(declined).toMatchObject({ status: 'declined', noCommissionCode: 'declined', commissionIds: [] });
  const retried = await world.sale({ ...body, status: 'succeeded' });
  expect(retried).toMatchObject({ id: declined['id'], status: 'succeeded', noCommissionCode: null });
  expect(retried['commissionIds']).toHaveLength(1);
  expect(await world.broken()).toEqual([]);
});

test('what pays nobody says why', async () => {
  const nobody = await world.sale({
    externalId: next('order'),
    customer: { email: `${next('x')}@buyer.example` },
    amount: usd('5.00'),
  });
  expect(nobody).toMatchObject({ attribution: { status: 'unattributed', code: 'no_touch' }, commissionIds: [] });
  const clickId = await world.click({ programId, affiliateId });
  const foreign = await world.as('/v1/sales', {
    externalId: next('order'),
    clickId,
    amount: { amount: '5.00', currency: 'EUR' },
  });
  expect([foreign.status, foreign.body['parkedCode']]).toEqual([202, 'fx_missing']);
  const tiny = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('0.02'),
  });
  expect(tiny).toMatchObject({ noCommissionCode: 'rounded_to_zero', lines: [{ code: 'rounded_to_zero' }] });
  const unknown = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    product: 'nothing-we-sell',
    amount: usd('9.00'),
  });
  expect(unknown).toMatchObject({ noCommissionCode: 'not_commissionable' });
});

describe('bad input changes nothing and says what is wrong', () => {
  const customer = { email: 'jo@buyer.example' };
  test.each<[string, Readonly<Record<string, unknown>>, number, string, string | null]>([
    ['nobody named', { amount: usd('1.00') }, 422, 'validation_failed', '#/customer'],
    [
      'a number for an amount',
      { customer, amount: { amount: 1, currency: 'USD' } },
      422,
      'validation_failed',
      '#/amount/amount',
    ],
    ['too many digits', { customer, amount: usd('1.005') }, 422, 'validation_failed', '#/amount/amount'],
    ['below zero', { customer, amount: usd('-1.00') }, 422, 'validation_failed', '#/amount/amount'],
    ['an unknown field', { customer, amount: usd('1.00'), status2: 'x' }, 422, 'validation_failed', '#/status2'],
    [
      'too far ahead',
      { customer, amount: usd('1.00'), occurredAt: '2099-01-01T00:00:00.000Z' },
      422,
      'validation_failed',
      '#/occurredAt',
    ],
    ['no quantity at all', { customer, amount: usd('1.00'), quantity: 0 }, 422, 'validation_failed', '#/quantity'],
    [
      'lines that do not sum',
      { customer, amount: usd('3.00'), lines: [{ amount: usd('1.00') }, { amount: usd('1.00') }] },
      422,
      'lines_do_not_sum',
      null,
    ],
    [
      'a tax of another currency',
      { customer, amount: usd('3.00'), tax: { amount: '1.00', currency: 'EUR' } },
      422,
      'currency_mismatch',
      null,
    ],
    [
      'a transaction of no type',
      { customer, amount: usd('3.00'), type: 'transaction' },
      422,
      'validation_failed',
      '#/transactionType',
    ],
  ])('%s', async (_name, body, status, code, pointer) => {
    const externalId = next('bad');
    const answer = await world.as('/v1/sales', { externalId, ...body });
    expect([answer.status, answer.body['code']], answer.text).toEqual([status, code]);
    if (pointer !== null)
      expect((answer.body['errors'] as readonly Json[]).map((error) => error['pointer'])).toContain(pointer);
    expect((await world.as(`/v1/sales?externalId=${externalId}`)).body['data']).toEqual([]);
  });
});

test('rules are versioned, conflict with their like, and end', async () => {
  const body = {
    scope: 'affiliate',
    affiliateId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 350_000 }],
  };
  const made = await world.rule(body);
  expect([made.status, made.body['version'], made.body['base']], made.text).toEqual([201, 1, 'net']);
  const twin = await world.rule(body);
  expect([twin.status, twin.body['code'], twin.body['conflicts'][0]['ruleId']]).toEqual([
    422,
    'rule_conflict',
    made.body['id'],
  ]);
  const path = `/v1/commission-rules/${made.body['id']}`;
  const bare = await world.as(path, { levels: [{ level: 1, kind: 'percent', ratePpm: 300_000 }] }, 'PATCH');
  expect(bare.status).toBe(428);
  const quote = async () => {
    const sale = { amount: usd('49.99') };
    const { body: answer } = await world.as('/v1/commission-rules/quote', {
      programId,
      affiliateId,
      event: 'payment',
      sale,
    });
    return answer['commissions'][0]['amount']['amount'];
  };
  expect(await quote()).toBe('17.50');
  const patched = await world.api.as(world.ws.key, path, {
    method: 'PATCH',
    headers: { 'If-Match': '"1"' },
    body: { levels: [{ level: 1, kind: 'percent', ratePpm: 300_000 }] },
  });
  expect([patched.status, patched.body['version']], patched.text).toEqual([200, 2]);
  expect(await quote()).toBe('15.00');
  const versions: readonly Json[] = (await world.as(`${path}/versions`)).body['data'];
  expect(versions.map((one) => [one['version'], one['levels'][0]['ratePpm'], one['effectiveTo'] === null])).toEqual([
    [2, 300_000, true],
    [1, 350_000, false],
  ]);
  const bands = await world.rule({ ...body, event: 'first_payment', bands: { by: 'sales_count' } });
  expect([bands.status, bands.body['errors'][0]['code']]).toEqual([422, 'required']);
  expect((await world.as(path, undefined, 'DELETE')).status).toBe(204);
  expect(await quote()).toBe('10.00');
});

test('the books are read, traced and checked', async () => {
  const sale = await world.sale({
    externalId: next('order'),
    clickId: await world.click({ programId, affiliateId }),
    amount: usd('50.00'),
  });
  const id: string = sale['commissionIds'][0] ?? '';
  const trace: readonly Json[] = (await world.as(`/v1/ledger-traces/${id}`)).body['steps'];
  expect(trace.map((step) => step['type'])).toEqual(['click', 'referral', 'sale', 'commission', 'transfer']);
  const [transfer] = trace.filter((step) => step['type'] === 'transfer');
  const postings: readonly Json[] = (await world.as(`/v1/ledger-postings?transferId=${transfer?.['id']}`)).body['data'];
  expect(postings.map((posting) => [posting['kind'], posting['amount'], posting['causeId']])).toEqual([
    ['commission.accrued', usd('10.00'), sale['id']],
  ]);
  const account = (await world.as(`/v1/ledger-accounts?kind=commission_pending&ownerId=${affiliateId}`)).body[
    'data'
  ][0];
  expect(account['normalSide']).toBe('credit');
  const own: readonly Json[] = (await world.as(`/v1/ledger-accounts/${account['id']}/postings?limit=200`)).body['data'];
  expect(own.map((posting) => posting['creditAccountId'])).toContain(account['id']);
  // Newest first: what is on the account now, and before each posting what the one before it left; a page and a filter change none of it.
  const minor = (wire: Json) => BigInt(String(wire['amount']).replace('.', ''));
  expect(own[0]?.['runningBalance']).toEqual(account['balance']);
  for (const [index, posting] of own.entries()) {
    const moved = posting['creditAccountId'] === account['id'] ? minor(posting['amount']) : -minor(posting['amount']);
    const earlier = own[index + 1];
    const before = earlier === undefined ? 0n : minor(earlier['runningBalance']);
    expect(minor(posting['runningBalance']) - before).toBe(moved);
  }
  const onePage = `/v1/ledger-accounts/${account['id']}/postings?limit=1&transferId=${own.at(-1)?.['transferId']}`;
  expect((await world.as(onePage)).body['data'][0]['runningBalance']).toEqual(own.at(-1)?.['runningBalance']);
  expect((await world.as(`/v1/ledger-postings/${postings[0]?.['id']}`)).body['transferId']).toBe(transfer?.['id']);
  const early = await world.as('/v1/ledger-trial-balance?currency=USD&asOf=2099-01-01T00:00:00.000Z');
  expect([early.status, early.body['errors'][0]['parameter']]).toEqual([422, 'asOf']);
  const checks = await world.as('/v1/ledger-checks', {});
  const results: readonly Json[] = checks.body;
  expect(results.filter((check) => check['violations'] > 0 && check['id'] !== 'I14')).toEqual([]);
  expect(results).toHaveLength(readInvariants().length + 1); // I12 walks the histories in TypeScript
});

test('check:books ends with 1 and names what is broken', async () => {
  const program = await compiledProgram();
  const run = async (): Promise<{ readonly code: number; readonly output: string }> => {
    const env = { ...process.env, MIGRATION_DATABASE_URL: world.api.database.ownerUrl };
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [program('bin/checkBooks.ts')], { env });
      return { code: 0, output: stdout };
    } catch (error) {
      const failed = error as { readonly code: number; readonly stdout: string };
      return { code: failed.code, output: failed.stdout };
    }
  };
  const [line] = await world.commissions('status=pending');
  await world.owner('commissions').where({ id: line?.['id'] }).update({ status: 'paid' });
  const broken = await run();
  await world.owner('commissions').where({ id: line?.['id'] }).update({ status: 'pending' });
  expect(broken.code).toBe(1);
  expect(broken.output).toContain('"id":"I10"');
});
