import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import type { GatewayAnswer, PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import { setFreeze } from '../../../activities/payout/gateway.js';
import { createDraft } from '../../../activities/payout/payout.js';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import { readWorkspace } from '../../../db/transaction.js';
import type { AffiliateId, PayoutId } from '../../../domain/ids.js';
import { createPayoutWorld, type PayoutWorld, usd } from './payoutWorld.js';

// The hard case of money.md 6, row by row, through the real activities on real Postgres; the books are checked after every row.

let world: PayoutWorld;
let ben: string;
let next: GatewayAnswer = { class: 'unknown', code: 'no_script' };
let payments = 0;

const scripted: PayoutGateway = {
  adapter: 'sandbox',
  execution: 'gateway',
  keyWindowMs: 86_400_000,
  canLookUp: true,
  callTimeoutMs: 5_000,
  bouncesWithinMs: null,
  retryableRefusals: [],
  supports: () => true,
  submit: () => Promise.resolve(next),
  lookUp: () => Promise.resolve(next),
};

beforeAll(async () => {
  world = await createPayoutWorld({ gateways: [scripted, createManualGateway()] });
  ben = await world.makePerson('Ben', ['finance_approver']);
  await world.fund(100_000n);
});
afterAll(() => world.close());

const refOf = (payoutId: PayoutId) => ({ workspaceId: world.workspaceId, payoutId });
const paid = (): GatewayAnswer => {
  payments += 1;
  return { class: 'paid', providerId: `p${payments}`, gatewayStatus: 'paid' };
};
const refused: GatewayAnswer = { class: 'refused', code: 'destination_closed', providerId: null };

async function attemptsOf(payoutId: PayoutId): Promise<readonly Record<string, unknown>[]> {
  const rows = await world.rows('payout_attempts', { payout_id: payoutId });
  return rows.toSorted((a, b) => Number(a['number']) - Number(b['number']));
}

/** The gateway is asked about one attempt, or called for it, and says this. */
async function answer(payoutId: PayoutId, number: number, says: GatewayAnswer, source: 'call' | 'lookUp' = 'lookUp') {
  next = says;
  const attempt = (await attemptsOf(payoutId))[number - 1];
  const input = {
    ...refOf(payoutId),
    attemptId: attempt?.['id'] as string,
    fence: attempt?.['fence'] as number,
    adapter: 'sandbox',
  };
  const { submitAttempt, lookUpAttempt, recordAttempt } = world.activities;
  const reply = await world.run(source === 'call' ? submitAttempt : lookUpAttempt, input);
  await world.run(recordAttempt, { ...input, source, reply });
  await world.run(recordAttempt, { ...input, source, reply }); // twice: the second changes nothing
}

async function decide(payoutId: PayoutId, verb: string): Promise<void> {
  const fact = await world.wish({ type: 'payout', id: payoutId, verb, by: ben });
  await world.run(world.activities.decidePayout, { ...refOf(payoutId), fact });
  expect((await world.outcome(fact.id)).code, verb).toBeNull();
}

/** Ana has 5.00 in X5, whose attempt is live; then 20.00 of the sale are refunded. */
async function startCase(): Promise<{ ana: AffiliateId; x5: PayoutId }> {
  const ana = await world.makeAffiliate('Ana', { minimum: '1.00' });
  await world.makeMethod(ana);
  await world.earn(ana, 500n);
  const x5 = await world.write((tx, act) =>
    createDraft(tx, act, { affiliateId: ana, currency: usd, gateways: { sandboxPaysLive: true } }),
  );
  await decide(x5, 'approve');
  expect(await world.run(world.activities.claimAttempt, refOf(x5))).toMatchObject({ next: 'submit' });
  await answer(x5, 1, { class: 'submitted', providerId: `live-${x5}`, gatewayStatus: 'processing' }, 'call');
  await world.earn(ana, -200n);
  return { ana, x5 };
}

async function expectCells(ana: AffiliateId, x5: PayoutId, open: bigint, payable: bigint, receivable: bigint) {
  const balances = await world.balances();
  const get = (name: string): bigint => balances[name] ?? 0n;
  expect([get(`payout_open:${x5}`), get(`affiliate_payable:${ana}`), get(`affiliate_receivable:${ana}`)]).toEqual([
    open,
    payable,
    receivable,
  ]);
  const checks = await readWorkspace(world.db, world.workspaceId, (tx) => checkBooks(tx));
  // Nobody seals the trail here, and what the world earned has no sale behind it.
  const setUp = ['I12', 'I14'];
  expect(checks.filter((check) => check.violations > 0 && !setUp.includes(check.id))).toEqual([]);
}

const unfreeze = (): Promise<void> =>
  world.write((tx, act) => setFreeze(tx, act, { frozen: false, gatewayId: 'sandbox', reason: 'looked' }));

test('nothing yet, then paid', async () => {
  const { ana, x5 } = await startCase();
  await expectCells(ana, x5, 500n, 0n, 200n);
  await answer(x5, 1, paid());
  await expectCells(ana, x5, 0n, 0n, 200n);
});

test('refused, and then paid after all while X5 is still pending', async () => {
  const { ana, x5 } = await startCase();
  await answer(x5, 1, refused);
  await expectCells(ana, x5, 500n, 0n, 200n);
  await answer(x5, 1, paid());
  await expectCells(ana, x5, 0n, 0n, 200n);
  expect(await attemptsOf(x5)).toMatchObject([{ state: 'paid', paid_late: true }]);
  expect(await world.rows('gateways', { id: 'sandbox' })).toMatchObject([{ frozen_reason: 'paid_late' }]);
  await unfreeze();
});

test('refused and cancelled, then paid after all: what is left is a debt', async () => {
  const { ana, x5 } = await startCase();
  await answer(x5, 1, refused);
  await decide(x5, 'cancel');
  await expectCells(ana, x5, 0n, 300n, 0n);
  await answer(x5, 1, paid());
  await expectCells(ana, x5, 0n, 0n, 200n);
  expect(await attemptsOf(x5)).toMatchObject([{ state: 'refused', paid_late: true }]);
  expect(await world.rows('commissions', { affiliate_id: ana, kind: 'late_payment' })).toMatchObject([
    { amount_minor: -500n, status: 'approved' },
  ]);
  await unfreeze();
});

test('refused, back to draft with the clawback netted, a second attempt out, then the first is paid after all', async () => {
  const { ana, x5 } = await startCase();
  await answer(x5, 1, refused);
  await decide(x5, 'returnToDraft');
  await expectCells(ana, x5, 300n, 0n, 0n);
  expect(await world.row('payouts', x5)).toMatchObject({ status: 'draft', amount_minor: 300n, approved_by: null });
  await decide(x5, 'approve');
  expect(await world.run(world.activities.claimAttempt, refOf(x5))).toMatchObject({ next: 'submit' });
  await answer(x5, 2, { class: 'submitted', providerId: `second-${x5}`, gatewayStatus: 'processing' }, 'call');

  await answer(x5, 1, paid());

  await expectCells(ana, x5, 300n, 0n, 500n);
  await answer(x5, 2, { class: 'paid', providerId: `second-${x5}`, gatewayStatus: 'paid' });
  await expectCells(ana, x5, 0n, 0n, 500n);
  expect(await attemptsOf(x5)).toMatchObject([
    { state: 'refused', paid_late: true },
    { state: 'paid', paid_late: false },
  ]);
  await unfreeze();
});
