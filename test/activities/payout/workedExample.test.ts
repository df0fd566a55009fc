import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GatewayAnswer, PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import { listCommissions } from '../../../db/earning/commission.js';
import { readCommissionStory } from '../../../db/reads/earning/commissionExplanation.js';
import { getAffiliateBalances } from '../../../db/reads/affiliate/affiliateBalances.js';
import { getAffiliateBalancesAsOf } from '../../../db/reads/payout/owedAsOf.js';
import { readWorkspace } from '../../../db/transaction.js';
import { listBrokenMoves } from '../../../db/reads/audit/brokenMoves.js';
import type { AffiliateId, PayoutId, PayoutRunId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { PayoutRunStep, PayoutStep } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld } from './payoutWorld.js';

// money.md 6, rows 7 to 21 and the hard case, cell by cell, through the real activities on real Postgres.

let world: PayoutWorld;
let ben: string;
const answers: GatewayAnswer[] = [];
const keys: string[] = [];

/** Says what the test has put into `answers`, and keeps the keys it was called with. */
const scripted: PayoutGateway = {
  adapter: 'sandbox',
  execution: 'gateway',
  keyWindowMs: 86_400_000,
  canLookUp: true,
  callTimeoutMs: 5_000,
  bouncesWithinMs: null,
  retryableRefusals: [],
  supports: () => true,
  submit: (instruction) => {
    keys.push(instruction.requestKey);
    return Promise.resolve(answers.shift() ?? { class: 'unknown', code: 'no_script' });
  },
  lookUp: () => Promise.resolve(answers.shift() ?? { class: 'unknown', code: 'no_script' }),
};

beforeAll(async () => {
  world = await createPayoutWorld({ gateways: [scripted, createManualGateway()] });
  ben = await world.makePerson('Ben', ['finance_approver']);
});
afterAll(() => world.close());

const refOf = (payoutId: PayoutId) => ({ workspaceId: world.workspaceId, payoutId });

async function planned(): Promise<{ run: PayoutRunId; step: PayoutRunStep }> {
  const run = await world.startRun();
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  let step = await world.run(world.activities.resumePayoutRun, ref);
  while (step.next === 'plan') step = await world.run(world.activities.planPage, ref);
  return { run, step };
}

async function approvedAndSent(run: PayoutRunId): Promise<readonly PayoutId[]> {
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  for (const [verb, params] of [
    ['approve', { planHash }],
    ['execute', {}],
  ] as const) {
    const fact = await world.wish({ type: 'payout_run', id: run, verb, by: ben, params });
    await world.run(world.activities.decidePayoutRun, { ...ref, fact });
    expect((await world.outcome(fact.id)).state).toBe('done');
  }
  const page = await world.run(world.activities.releasePayoutPage, { ...ref, after: '', limit: 100 });
  return page.payoutIds;
}

async function call(payoutId: PayoutId, source: 'call' | 'lookUp', answer: GatewayAnswer): Promise<PayoutStep> {
  answers.push(answer);
  const ref = refOf(payoutId);
  let step = await world.run(world.activities.resumePayout, ref);
  if (step.next === 'claim') step = await world.run(world.activities.claimAttempt, ref);
  if (step.call === null) {
    const [attempt] = await world.rows('payout_attempts', { payout_id: payoutId, state: 'unknown' });
    const [paid] = await world.rows('payout_attempts', { payout_id: payoutId, state: 'paid' });
    const it = attempt ?? paid;
    step = {
      ...step,
      call: {
        attemptId: it?.['id'] as string,
        fence: it?.['fence'] as number,
        adapter: 'sandbox',
        timeoutMs: 1,
        repeatable: true,
      },
    };
  }
  const input = { ...ref, attemptId: step.call?.attemptId ?? '', fence: step.call?.fence ?? 0, adapter: 'sandbox' };
  const reply = await world.run(
    source === 'call' ? world.activities.submitAttempt : world.activities.lookUpAttempt,
    input,
  );
  const record = { ...input, source, reply };
  const after = await world.run(world.activities.recordAttempt, record);
  const again = await world.run(world.activities.recordAttempt, record); // twice: the second changes nothing
  expect({ status: again.status, next: again.next }).toEqual({ status: after.status, next: after.next });
  return after;
}

async function decide(payoutId: PayoutId, verb: string, params: Record<string, unknown> = {}, by = ben) {
  const fact = await world.wish({ type: 'payout', id: payoutId, verb, by, params });
  await world.run(world.activities.decidePayout, { ...refOf(payoutId), fact });
  return world.outcome(fact.id);
}

/** BEY-12: the figures from the postings are those from the lines, whatever has happened. */
async function expectSameAsOf(affiliateId: AffiliateId): Promise<void> {
  const asOf = '2100-01-01T00:00:00.000Z' as Instant;
  const [lines, postings] = await readWorkspace(world.db, world.workspaceId, async (tx) => [
    await getAffiliateBalances(tx, 'live', affiliateId),
    await getAffiliateBalancesAsOf(tx, { mode: 'live', affiliateId, asOf }),
  ]);
  expect(postings).toEqual(lines);
}

const cells = async (ana: AffiliateId, beni: AffiliateId) => {
  await expectSameAsOf(ana);
  await expectSameAsOf(beni);
  const b = await world.balances();
  const get = (name: string): string => (b[name] ?? 0n).toString();
  return {
    payableAna: get(`affiliate_payable:${ana}`),
    receivableAna: get(`affiliate_receivable:${ana}`),
    payableBen: get(`affiliate_payable:${beni}`),
    open: get('payout_open'),
    cash: get('cash:sandbox'),
    fees: get('payout_fee_expense'),
  };
};
const row = (
  payableAna: number,
  receivableAna: number,
  payableBen: number,
  open: number,
  cash: number,
  fees: number,
) => ({
  payableAna: `${payableAna}`,
  receivableAna: `${receivableAna}`,
  payableBen: `${payableBen}`,
  open: `${open}`,
  cash: `${cash}`,
  fees: `${fees}`,
});

test('rows 7 to 21 of the worked example', async () => {
  const ana = await world.makeAffiliate('Ana');
  const beni = await world.makeAffiliate('Ben');
  await world.makeMethod(ana);
  await world.makeMethod(beni);
  await world.fund(50_000n);
  await world.earn(ana, 1_000n);
  await world.earn(ana, 133n);
  await world.earn(beni, 200n);
  await world.earn(beni, 27n);
  expect(await cells(ana, beni), 'row 6').toEqual(row(1133, 0, 227, 0, 50000, 0));

  const first = await planned();
  expect(first.step).toMatchObject({ status: 'planned', next: 'wait' });
  expect(await cells(ana, beni), 'row 7').toEqual(row(0, 0, 227, 1133, 50000, 0));
  const left = await world.rows('payout_run_rows', { run_id: first.run, affiliate_id: beni });
  expect(left[0]?.['reasons']).toMatchObject([{ code: 'below_minimum', detail: '2.27 of 10.00 USD (workspace).' }]);
  const [x1] = await approvedAndSent(first.run);
  if (x1 === undefined) throw new Error('nothing was sent');
  await call(x1, 'call', { class: 'unknown', code: 'connection_lost' });
  expect(await cells(ana, beni), 'rows 8 and 9').toEqual(row(0, 0, 227, 1133, 50000, 0));
  expect(await decide(x1, 'cancel')).toMatchObject({ state: 'refused', code: 'payout.attempt_open' });
  expect(await decide(x1, 'retry')).toMatchObject({ state: 'refused', code: 'payout.attempt_open' });
  await call(x1, 'lookUp', {
    class: 'paid',
    providerId: 'p1',
    gatewayStatus: 'paid',
    fees: [{ line: 'f1', minor: 25n }],
  });
  expect(await cells(ana, beni), 'rows 10 and 11').toEqual(row(0, 0, 227, 0, 48842, 25));
  expect((await world.row('payouts', x1))['status']).toBe('paid');

  const clawback = await world.earn(ana, -1_000n);
  await world.earn(beni, -200n);
  expect(await cells(ana, beni), 'row 12').toEqual(row(0, 1000, 27, 0, 48842, 25));
  await world.earn(ana, 2_500n);
  await world.earn(beni, 500n);
  await world.earn(ana, 400n, { kind: 'bonus' });
  expect(await cells(ana, beni), 'row 15').toEqual(row(1900, 0, 527, 0, 48842, 25));

  const second = await planned();
  expect(await cells(ana, beni), 'row 16').toEqual(row(0, 0, 527, 1900, 48842, 25));
  const [x2] = await approvedAndSent(second.run);
  if (x2 === undefined) throw new Error('nothing was sent');
  await call(x2, 'call', { class: 'refused', code: 'destination_closed', providerId: null });
  expect(await cells(ana, beni), 'rows 17 and 18').toEqual(row(0, 0, 527, 1900, 48842, 25));
  expect(await decide(x2, 'cancel')).toMatchObject({ state: 'done' });
  expect(await cells(ana, beni), 'row 19').toEqual(row(1900, 0, 527, 0, 48842, 25));
  expect((await world.row('commissions', clawback))['status']).toBe('approved');

  const third = await planned();
  const [x3] = await approvedAndSent(third.run);
  if (x3 === undefined) throw new Error('nothing was sent');
  await call(x3, 'call', {
    class: 'paid',
    providerId: 'p3',
    gatewayStatus: 'paid',
    fees: [{ line: 'f3', minor: 25n }],
  });
  expect(await cells(ana, beni), 'row 20').toEqual(row(0, 0, 527, 0, 46917, 50));
  expect((await world.row('commissions', clawback))['status'], 'a clawback is paid when a payout nets it').toBe('paid');
  await call(x3, 'lookUp', {
    class: 'returned',
    providerId: 'p3',
    code: 'recalled',
    returnedMinor: 1_750n,
    occurredAt: null,
  });
  expect(await cells(ana, beni), 'row 21').toEqual(row(1900, 0, 527, 0, 48667, 200));
  expect((await world.row('payouts', x3))['status']).toBe('paid');
  const [back, ...others] = await world.rows('commissions', { affiliate_id: ana, kind: 'payout_return' });
  expect(others).toEqual([]);
  expect(back?.['explanation'], 'BEY-01: a line that no rule made says why it is there').toEqual({
    sentence: `19.00 USD of payout ${x3} came back after it was paid and is owed again.`,
  });
  const attemptId = String(back?.['cause_id']);
  const story = await world.write(async (tx) => {
    const [line] = await listCommissions(tx, [String(back?.['id'])]);
    if (line === undefined) throw new Error('no such line');
    return readCommissionStory(tx, line);
  });
  expect(story.cause).toMatchObject({ type: 'attempt', id: attemptId, payoutId: x3 });
  const transfers = await world.rows('ledger_transfers', { cause_id: attemptId, kind: 'payout.returned' });
  expect(story.transferIds).toEqual(transfers.map((transfer) => transfer['id']));
  expect(transfers).toHaveLength(1);
  expect(await world.rows('payout_methods', { affiliate_id: ana })).toMatchObject([
    { status: 'unverified', version: 2 },
  ]);
  const broken = await world.write((tx) => listBrokenMoves(tx));
  expect(broken.filter((move) => move.objectType.startsWith('payout') || move.objectType === 'attempt')).toEqual([]);
  const done = await world.run(world.activities.completePayoutRun, {
    workspaceId: world.workspaceId,
    payoutRunId: third.run,
  });
  expect(done).toMatchObject({ status: 'completed', next: 'done' });
  expect(new Set(keys).size, 'every attempt has a key of its own').toBe(keys.length);
});
