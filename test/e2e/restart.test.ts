import { afterAll, beforeAll, expect, test } from 'vitest';
import { at } from '../support/apiClient.js';
import { LiveStack } from '../support/liveStack.js';
import {
  followLink,
  prepareMoney,
  reportLead,
  reportSale,
  runPayout,
  setUp,
  signIn,
  trialBalance,
} from '../support/story.js';

// The same story with everything ended and started again between its steps: what was acknowledged goes on, to the same cent.

let stack: LiveStack;

beforeAll(async () => {
  stack = await LiveStack.start();
}, 120_000);
afterAll(() => stack?.stop());

/** Every process, SIGKILL, then all of them again. */
async function restartEverything(): Promise<void> {
  for (const name of ['api-0', 'worker-0', 'temporal', 'postgres']) await stack.kill(name);
  await stack.startAgain('postgres');
  await stack.startAgain('temporal');
  await stack.bootstrap();
  await stack.startAll();
}

test('a restart of everything between the steps changes no figure; an approval by Temporal’s own command counts once', async () => {
  const people = await signIn(stack);
  const { ana, ben } = people;
  const set = await setUp(people);
  await restartEverything();

  const clickId = await followLink(stack);
  await restartEverything();

  const referralId = await reportLead(people, set, clickId);
  await restartEverything();

  const { commissionId } = await reportSale(people);
  await restartEverything();

  const signal = await stack.temporalCommand(
    'workflow',
    'signal',
    '--identity',
    'ops',
    '--workflow-id',
    `referral/${people.workspaceId}/${referralId}`,
    '--name',
    'approve',
    '--input',
    JSON.stringify({ by: people.anaId, reason: 'staff_decision' }),
  );
  expect(signal).toMatchObject({ code: 0 });
  await ana.until(`/v1/referrals/${referralId}`, (body) => at(body, 'status') === 'approved');
  expect(await ana.post(`/v1/referrals/${referralId}/approve`, { reason: 'Real customer' })).toMatchObject({
    status: 409,
    body: { code: 'already_decided', currentStatus: 'approved' },
  });
  expect(await ana.post(`/v1/commissions/${commissionId}/approve`, { reason: 'ok' })).toMatchObject({
    status: 200,
    body: { status: 'approved' },
  });
  await prepareMoney(people, set);
  await restartEverything();

  const { runId, payoutId } = await runPayout(people);
  await restartEverything();

  await ana.until(`/v1/payouts/${payoutId}`, (body) => at(body, 'status') === 'paid');
  await ana.until(`/v1/payout-runs/${runId}`, (body) => at(body, 'status') === 'completed');
  const journal = await ben.get('/v1/gateways/sandbox/journal');
  expect((at(journal.body, 'data') as readonly { replay: boolean }[]).filter((entry) => !entry.replay)).toHaveLength(1);
  expect(await trialBalance(people)).toEqual({
    commission_expense: '10.00',
    cash: '90.00',
    merchant_funding: '-100.00',
    total: '100.00',
  });
  expect(await stack.command('bin/checkBooks.ts')).toMatchObject({ code: 0 });
}, 300_000);
