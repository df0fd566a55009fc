import { afterAll, beforeAll, expect, test } from 'vitest';
import { addMs } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import type { PayoutWorld } from '../../activities/payout/payoutWorld.js';
import { eventually } from '../../support/eventually.js';
import { createWorkflowWorld, type WorkflowWorld } from './workflowWorld.js';

// A payment that bounces after it was paid, on a real Temporal server. A world of its own, because its provider's clock is the test's: a payout stays
// open for as long as this provider may still bounce it, and other tests wait for its end.

let w: WorkflowWorld;
let world: PayoutWorld;

/** How far the provider's clock is ahead of ours: the bounce comes when the test says so, however busy the machine is. */
let aheadMs = 0;
const bounceMs = 600_000;

beforeAll(async () => {
  w = await createWorkflowWorld({
    sandbox: { now: () => addMs(clockNow(), aheadMs), times: { ok: 200, slow: 2_500, bounce: bounceMs } },
  });
  ({ world } = w);
});
afterAll(() => w?.close());

test('money that comes back after it was paid is owed again', async () => {
  const back = await w.payable('returned');
  const { run } = await w.startRun({ filter: { affiliateIds: [back] } });
  await w.execute(run);
  const payout = await w.payoutOf(run, back);
  // Asked late for the first time, the provider would say that it came back and never that it was paid: then it is as refused (PAY-27).
  await w.statusOf('payouts', payout['id'] as string, 'paid');
  aheadMs = bounceMs;
  expect(await w.decide({ type: 'payout', id: payout['id'] as string, verb: 'lookup' })).toMatchObject({
    state: 'done',
  });
  const returns = await eventually(async () => {
    const rows = await world.rows('commissions', { affiliate_id: back, kind: 'payout_return' });
    return rows.length > 0 ? rows : undefined;
  });
  expect(returns).toMatchObject([{ amount_minor: 2_000n, status: 'approved' }]);
  expect((await world.balances())[`affiliate_payable:${back}`]).toBe(2_000n);
  expect(await world.row('payouts', payout['id'] as string)).toMatchObject({
    status: 'paid',
    returned: { amountMinor: '2000' },
  });
});
