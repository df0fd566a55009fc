import { afterAll, beforeAll, expect, test } from 'vitest';
import { hookAddress, signHook } from '../../../api/routes/payout/gatewayHook.js';
import { createDraft } from '../../../activities/payout/payout.js';
import { newId } from '../../../platform/newId.js';
import type { SignalMessage } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld, usd } from '../../activities/payout/payoutWorld.js';
import { startTestApi, type TestApi } from '../support.js';

// What a gateway reports is stored once and wakes its payout, which looks it up (that half is in test/workflows/payout): an event alone
// moves nothing.

let api: TestApi;
let world: PayoutWorld;
let attemptId: string;
let payoutId: string;

beforeAll(async () => {
  api = await startTestApi();
  world = await createPayoutWorld({ database: api.database });
  const ben = await world.makePerson('Ben', ['finance_approver']);
  const affiliateId = await world.makeAffiliate('Ada');
  await world.makeMethod(affiliateId);
  await world.earn(affiliateId, 2_000n);
  const id = await world.write((tx, act) =>
    createDraft(tx, act, { affiliateId, currency: usd, gateways: { sandboxPaysLive: true } }),
  );
  const ref = { workspaceId: world.workspaceId, payoutId: id };
  const fact = await world.wish({ type: 'payout', id, verb: 'approve', by: ben });
  await world.run(world.activities.decidePayout, { ...ref, fact });
  const step = await world.run(world.activities.claimAttempt, ref);
  payoutId = id;
  attemptId = step.call?.attemptId ?? '';
});
afterAll(async () => {
  await world?.close();
  await api?.close();
});

async function report(
  of: {
    readonly id?: string;
    readonly reference?: string | null;
    readonly state?: string;
    readonly occurredAt?: string;
    readonly age?: number;
    readonly signedFor?: string;
    readonly address?: string;
    readonly raw?: string;
  } = {},
) {
  const body =
    of.raw ??
    JSON.stringify({
      reference: of.reference === undefined ? attemptId : of.reference,
      providerId: null,
      state: of.state ?? 'paid',
      occurredAt: of.occurredAt ?? '2026-11-25T10:00:00.000Z',
    });
  const address = of.address ?? hookAddress(world.workspaceId, 'sandbox');
  const id = of.id ?? newId('gatewayEvent');
  const timestamp = String(Math.floor(Date.now() / 1_000) - (of.age ?? 0));
  const signature = signHook(api.deps.secrets, { address: of.signedFor ?? address, id, timestamp, body });
  return api.as(null, address, {
    raw: body,
    headers: {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,bad v1,${signature}`,
    },
  });
}

const events = () => world.rows('gateway_events', {});
async function signals(): Promise<readonly SignalMessage[]> {
  const rows = await world.rows('outbox', { topic: 'signal' });
  return rows.map((row) => row['payload'] as SignalMessage).filter((message) => message.signal === 'payoutReported');
}

test('a signature of another address, a stale time and no signature are refused, and nothing is kept', async () => {
  const other = hookAddress(newId('workspace'), 'sandbox');
  expect(await report({ signedFor: other })).toMatchObject({ status: 401, body: { code: 'bad_signature' } });
  expect((await report({ age: 400 })).status).toBe(401);
  expect((await report({ age: -400 })).status).toBe(401);
  const address = hookAddress(world.workspaceId, 'sandbox');
  expect((await api.as(null, address, { body: {} })).status).toBe(401);
  expect((await report({ address: '/hooks/gateways/sandbox' })).status).toBe(404);
  expect((await report({ raw: '{"reference":7}' })).status).toBe(422);
  expect((await report({ raw: '{' })).status).toBe(400);
  expect(await events()).toEqual([]);
});

test('stored once, told twice or twenty times at once, and its payout is woken once', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => report({ id: 'evt-1' })));

  expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 200));
  expect(await events()).toMatchObject([
    { external_id: 'evt-1', attempt_id: attemptId, payout_id: payoutId, state: 'paid', processed_at: null },
  ]);
  expect(await signals()).toHaveLength(1);
  // The same news under another id is a repeat; another state of it is news.
  expect((await report({ id: 'evt-2' })).status).toBe(200);
  expect(await signals()).toHaveLength(1);
  expect((await report({ id: 'evt-1', state: 'refused' })).status).toBe(200); // other bytes under a known id: an alert, nothing else
  expect(await signals()).toHaveLength(1);
  expect((await report({ id: 'evt-3', state: 'returned' })).status).toBe(200);
  expect(await signals()).toHaveLength(2);
  expect(await world.row('payouts', payoutId)).toMatchObject({ status: 'pending' });
});

test('a payment nobody here knows, or a state nobody knows, waits in quarantine', async () => {
  const before = (await signals()).length;
  expect((await report({ id: 'evt-4', reference: newId('payoutAttempt') })).status).toBe(200);
  expect((await report({ id: 'evt-5', state: 'levitating' })).status).toBe(200);

  const kept = await world.rows('gateway_events', { outcome: 'quarantined' });
  const found = new Map(kept.map((event) => [event['external_id'], [event['quarantine_code'], event['payout_id']]]));
  expect(found).toEqual(
    new Map([
      ['evt-4', ['unknown_object', null]],
      ['evt-5', ['unknown_state', payoutId]],
    ]),
  );
  expect(await signals()).toHaveLength(before);
});
