import { afterAll, beforeAll, expect, test } from 'vitest';
import { remindOfDifferences } from '../../../activities/calendar.js';
import { fundGateway } from '../../../activities/payout/gateway.js';
import { createDraft } from '../../../activities/payout/payout.js';
import { addMs, type Instant } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import { newId } from '../../../platform/newId.js';
import type { PayoutRef } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld, usd } from '../../activities/payout/payoutWorld.js';
import { textOfMinor } from '../../support/gateways/fakeProvider.js';
import { itemsOf, startTestApi, type TestApi } from '../support.js';

// A statement that a person uploads (api.md 10.3, BEY-06): each line ends in exactly one class, nothing is repaired, and a file that does not
// join what was read before is refused whole.

let api: TestApi;
let world: PayoutWorld;
let owner: string;
let ben: string;

beforeAll(async () => {
  api = await startTestApi();
  world = await createPayoutWorld({
    database: api.database,
    sandbox: { times: { ok: 0, slow: 3_600_000, bounce: 3_600_000 } },
  });
  owner = (await api.makePerson({ id: world.workspaceId }, ['owner'])).key;
  ben = await world.makePerson('Ben', ['finance_approver']);
});
afterAll(async () => {
  await world?.close();
  await api?.close();
});

/** One attempt that the simulated gateway has taken: its id. */
async function attempted(account: 'ok' | 'slow', minor = 2_000n): Promise<string> {
  const affiliateId = await world.makeAffiliate(newId('affiliate'));
  await world.makeMethod(affiliateId, { account });
  await world.earn(affiliateId, minor);
  const payoutId = await world.write((tx, act) =>
    createDraft(tx, act, { affiliateId, currency: usd, gateways: { sandboxPaysLive: true } }),
  );
  const ref = { workspaceId: world.workspaceId, payoutId } as PayoutRef;
  const fact = await world.wish({ type: 'payout', id: payoutId, verb: 'approve', by: ben });
  await world.run(world.activities.decidePayout, { ...ref, fact });
  const step = await world.run(world.activities.claimAttempt, ref);
  const call = { ...ref, attemptId: step.call?.attemptId ?? '', fence: step.call?.fence ?? 0 };
  const reply = await world.run(world.activities.submitAttempt, { ...call, adapter: 'sandbox' });
  await world.run(world.activities.recordAttempt, { ...call, source: 'call' as const, reply });
  const [attempt] = await world.rows('payout_attempts', { payout_id: payoutId });
  expect(attempt?.['state']).toBe(account === 'ok' ? 'paid' : 'submitted');
  return call.attemptId;
}

interface Line {
  readonly kind: string;
  readonly minor: bigint;
  readonly reference?: string;
  readonly id?: string;
  readonly currency?: string;
}

let clock = addMs(clockNow(), -3_600_000);
const balances = new Map<string, bigint>();

/** A file in our own form, its balances added up from where the last one ended. */
function csvOf(lines: readonly Line[], start: ReadonlyMap<string, bigint> = balances): string {
  const left = new Map(start);
  const rows = lines.map((line) => {
    clock = addMs(clock, 1_000);
    const currency = line.currency ?? 'USD';
    left.set(currency, (left.get(currency) ?? 0n) + line.minor);
    const cells = [line.id ?? newId('gatewayEvent'), line.kind, textOfMinor(line.minor), currency];
    return [clock, ...cells, textOfMinor(left.get(currency) ?? 0n), line.reference ?? '', ''].join(',');
  });
  return ['date,id,kind,amount,currency,balance,reference,providerId', ...rows].join('\r\n');
}

async function upload(csv: string | Uint8Array<ArrayBuffer>, fields: Readonly<Record<string, string>> = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ gatewayId: 'sandbox', ...fields })) form.set(name, value);
  form.set('file', new Blob([csv]), 'november.csv');
  const request = new Request('http://x', { method: 'POST', body: form });
  return api.as(owner, '/v1/reconciliations', {
    raw: new Uint8Array(await request.arrayBuffer()),
    headers: { 'Content-Type': request.headers.get('content-type') ?? '' },
  });
}

const itemsFor = async (id: string) =>
  itemsOf((await api.as(owner, `/v1/reconciliations/${id}/items?limit=100`)).body['data']);

test('BEY-06: each line of an uploaded statement is matched or classed, in every class there is; nothing is repaired', async () => {
  await world.write((tx, act) =>
    fundGateway(tx, act, { gateway: 'sandbox', currency: usd, minor: 100_000n, reference: 'F-1' }),
  );
  const attempts: string[] = [];
  for (let index = 0; index < 5; index += 1) attempts.push(await attempted('ok'));
  const [right, absent, cent, twice, foreign] = attempts as [string, string, string, string, string];
  const waiting = await attempted('slow');
  const before = await world.balances();
  const csv = csvOf([
    { kind: 'deposit', minor: 100_000n, reference: 'F-1' },
    { kind: 'payment', minor: -2_000n, reference: right, id: 'right' },
    { kind: 'payment', minor: -2_001n, reference: cent },
    { kind: 'payment', minor: -2_000n, reference: twice },
    { kind: 'payment', minor: -2_000n, reference: twice },
    { kind: 'payment', minor: -2_000n, reference: foreign, currency: 'EUR' },
    { kind: 'payment', minor: -2_000n, reference: waiting },
    { kind: 'fee', minor: -25n, reference: right },
    { kind: 'return', minor: 2_000n, reference: right },
    { kind: 'deposit', minor: 5_000n, reference: 'never-booked' },
    { kind: 'payment', minor: -700n, reference: 'att_of_nobody' },
  ]);

  const answer = await upload(csv, { closedAt: addMs(clockNow(), -2) });

  expect(answer).toMatchObject({ status: 202, body: { object: 'reconciliation_request', gatewayId: 'sandbox' } });
  const ids = itemsOf(answer.body['reconciliationIds']).map(String);
  const found = (await Promise.all(ids.map(itemsFor))).flat();
  const shown = found.map((item) => `${item['class']} ${item['difference']?.['amount']}`).sort();
  expect(shown).toEqual(
    [
      'matched 0.00', // the deposit
      'matched 0.00', // right
      'missing_there -20.00', // paid by our books, not in the file
      'amount 0.01',
      'duplicate 20.00',
      'currency -20.00', // in our books of dollars
      'currency 20.00', // on their statement of euros
      'timing 20.00',
      'fee 0.25',
      'return -20.00',
      'missing_here -50.00',
      'unknown_reference 7.00',
    ].sort(),
  );
  expect(found.find((item) => item['class'] === 'missing_there')).toMatchObject({ attemptId: absent });
  expect(await world.balances(), 'nothing is posted by comparing').toEqual(before);
  const list = itemsOf((await api.as(owner, '/v1/reconciliations')).body['data']);
  expect(list.map((one) => one['source'])).toEqual(['upload', 'upload']);
  // ADM-07: the statement by a number that stands in it, and there the line itself.
  const stranger = found.find((item) => item['class'] === 'missing_there');
  const holding = itemsOf(
    (await api.as(owner, `/v1/reconciliations?q=${String(stranger?.['attemptId'])}`)).body['data'],
  );
  expect(holding.map((one) => one['id'])).toEqual([stranger?.['reconciliationId']]);
  const lines = await api.as(owner, `/v1/reconciliations/${String(holding[0]?.['id'])}/items?q=${absent}`);
  expect(itemsOf(lines.body['data'])).toMatchObject([{ attemptId: absent }]);
  expect(await world.rows('gateway_statements', { file_name: 'november.csv' })).toHaveLength(2);
  for (const [currency, minor] of [
    ['USD', 100_000n - 2_000n - 2_001n - 4_000n - 2_000n - 25n + 2_000n + 5_000n - 700n],
    ['EUR', -2_000n],
  ] as const)
    balances.set(currency, minor);

  const again = await upload(csv, { closedAt: addMs(clockNow(), -2) });
  expect(again).toMatchObject({ status: 409, body: { code: 'already_exists', existingId: ids[0] } });
});

test('BEY-06: what waits for an explanation stands on Home for whoever gives it; after three days they are reminded, once a day', async () => {
  const needs = async (key: string) =>
    itemsOf((await api.as(key, '/v1/console/home')).body['needsYou']).find((need) => need['kind'] === 'difference');
  const need = await needs(owner);
  expect(need).toMatchObject({ count: 10, list: '/v1/reconciliations?unexplained=true' });
  const behind = itemsOf((await api.as(owner, String(need?.['list']))).body['data']);
  expect(behind.reduce((sum, one) => sum + Number(one['openDifferences']), 0)).toBe(10);
  expect((await api.as(owner, '/v1/reconciliations?unexplained=false')).body['data']).toEqual([]);
  const approver = (await api.makePerson({ id: world.workspaceId }, ['finance_approver'])).key;
  expect(await needs(approver), 'who may not settle it').toBeUndefined();

  const remind = () => world.write((tx, act) => remindOfDifferences(tx, act, 'UTC'));
  const told = () => world.rows('notices', { kind: 'reconciliation_overdue' });
  expect(await remind()).toBe(0);
  await world.write((tx) =>
    tx('reconciliation_items')
      .whereNot({ class: 'matched' })
      .update({ first_seen_at: tx.raw(`first_seen_at - interval '73 hours'`) }),
  );
  expect(await remind()).toBe(10);
  expect(await remind()).toBe(0);
  const notices = await told();
  expect(notices.map((one) => one['link'])).toContain('/reconciliations?unexplained=true');
  expect(new Set(notices.map((one) => one['user_id'])).size, 'each person once').toBe(notices.length);
});

test('BEY-06: a person accepts a difference, or sends its money to suspense; twice is refused', async () => {
  const list = itemsOf((await api.as(owner, '/v1/reconciliations')).body['data']);
  const dollars = list.find((one) => one['currency'] === 'USD')?.['id'];
  const stranger = (await itemsFor(String(dollars))).find((item) => item['class'] === 'unknown_reference');
  const path = `/v1/reconciliation-items/${String(stranger?.['id'])}/resolve`;
  const word = { body: { resolution: 'suspense', reason: 'asked the provider' } };
  expect(await api.as(owner, path, word)).toMatchObject({ status: 200, body: { resolution: 'suspense' } });
  expect(await api.as(owner, path, word)).toMatchObject({ status: 409, body: { code: 'already_decided' } });
});

test('the next file joins the last one; one with a line missing is refused whole, and named', async () => {
  const next = csvOf([{ kind: 'deposit', minor: 100n, reference: 'F-2' }]);
  const torn = csvOf([{ kind: 'deposit', minor: 100n, reference: 'F-3' }], new Map([['USD', 1n]]));
  const before = await world.rows('statement_lines', {});
  const soon = addMs(clockNow(), -1);
  const refused = await upload(torn, { closedAt: soon });
  expect(refused).toMatchObject({ status: 422, body: { code: 'file_rejected', fault: 'gap', currency: 'USD' } });
  expect(await world.rows('statement_lines', {})).toHaveLength(before.length);
  expect((await upload(next, { closedAt: addMs(clockNow(), -1) })).status).toBe(202);
});

type Csv = string | Uint8Array<ArrayBuffer>;
const oneLine = (): Csv => csvOf([{ kind: 'other', minor: 1n }]);
const future = (): Instant => addMs(clockNow(), 3_600_000);
test.each([
  ['what is no CSV', () => 'date,"id', {}, 'not_csv'],
  ['what is not UTF-8', () => new Uint8Array([0x64, 0xff, 0xfe]), {}, 'not_csv'],
  ['an empty file', () => '', {}, 'empty'],
  ['other columns', () => 'a,b\r\n1,2', {}, 'unknown_columns'],
  ['a file that ends before what was read', oneLine, {}, 'older'],
  ['an end in the future', oneLine, { closedAt: future() }, 'in_future'],
  ['a line behind the end that was given', oneLine, { closedAt: '2026-01-01T00:00:00.000Z' }, 'after_close'],
] satisfies readonly (readonly [string, () => Csv, Readonly<Record<string, string>>, string])[])(
  'file_rejected: %s',
  async (_what, csv, fields, fault) => {
    const before = await world.rows('gateway_statements', {});
    expect(await upload(csv(), fields)).toMatchObject({ status: 422, body: { code: 'file_rejected', fault } });
    expect(await world.rows('gateway_statements', {})).toEqual(before);
  },
);

test('without a file the gateway is asked, as before; a file for a gateway that is not there is 404', async () => {
  expect(await api.as(owner, '/v1/reconciliations', { body: { gatewayId: 'sandbox' } })).toMatchObject({
    status: 202,
    body: { reconciliationIds: [] },
  });
  expect(
    (await api.as(owner, '/v1/reconciliations', { body: { gatewayId: 'sandbox', closedAt: future() } })).status,
  ).toBe(422);
  expect((await upload(csvOf([{ kind: 'other', minor: 1n }]), { gatewayId: 'elsewhere' })).status).toBe(404);
});
