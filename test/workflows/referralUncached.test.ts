import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { createReferralWorld, type ReferralWorld } from './referralWorld.js';

// Every task replays the whole history: what is not deterministic fails here, with the real activities' answers (temporal.md 11.2).

let w: ReferralWorld;

beforeAll(async () => {
  w = await createReferralWorld({ maxCachedWorkflows: 0 });
  await w.startWorker();
});
afterAll(() => w?.close());

test('click, lead, unreadable signals, sale, approval, hold, payout, refund, without a cached workflow', async () => {
  const commissionsAre = (...statuses: readonly string[]) =>
    eventually(async () => (await w.commissions(id)).map((line) => line.status).join() === statuses.join());
  const id = await w.click();
  const contactId = await w.makeContact();
  await w.lead(id, contactId);
  await w.becomes(id, 'pending');
  await w.signal(id, 'approve', null);
  await w.signal(id, 'saleReported', 7);
  const saleId = await w.sale(id, contactId);
  await commissionsAre('pending');
  await w.decide(id, 'approve');
  await w.becomes(id, 'approved');
  await commissionsAre('approved');
  await w.payOut(id);
  await w.closed(id);
  await w.refund(id, saleId, 2_000n);
  await commissionsAre('paid', 'approved');

  const amounts = (await w.commissions(id)).map((line) => String(line.amount_minor));
  expect(amounts).toEqual(['1000', '-400']);
  for (const history of await w.histories(id)) expect(history).not.toContain('WORKFLOW_TASK_FAILED');
});
