import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addEntry, adjustCommission, decideEntry } from '../../../activities/earning/adjustment.js';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import type { GatewayAnswer, PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import { receiveGatewayEvent } from '../../../activities/payout/gatewayEvent.js';
import { setFreeze } from '../../../activities/payout/gateway.js';
import { replanForMethods } from '../../../activities/payout/methodChange.js';
import { lockAffiliate } from '../../../activities/payout/payoutAttempt.js';
import { lockMethodsOf, movePayoutMethod } from '../../../db/payout/payoutMethod.js';
import { notify } from '../../../db/transaction.js';
import type { AffiliateId, PayoutId, ProgramId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { newId } from '../../../platform/newId.js';
import { workflowIds } from '../../../workflows/contract.js';
import { eventually } from '../../support/eventually.js';
import { createWorkflowWorld, type WorkflowWorld } from './workflowWorld.js';

// One payout after another on a real server, against a gateway that says what the test tells it to: every way through temporal.md 5.2.

let w: WorkflowWorld;

/** "Payout, accepted and confirmed by its event" (temporal.md 3.13), with the look-up that follows it: docs/decisions/0021. */
const bound = { transitions: 18, events: 32 };

type Script = { readonly submit: GatewayAnswer[]; readonly lookUp: GatewayAnswer[] };
const scripts = new Map<string, Script>();
const calls: { readonly what: 'submit' | 'lookUp'; readonly requestKey: string | null; readonly account?: string }[] =
  [];

const say = (answers: GatewayAnswer[] | undefined): GatewayAnswer => {
  const [next] = answers ?? [];
  if (next === undefined) return { class: 'unknown', code: 'no_script' };
  if ((answers?.length ?? 0) > 1) answers?.shift(); // the last one stays
  return next;
};
const accountOf = new Map<string, string>();
const scripted: PayoutGateway = {
  adapter: 'sandbox',
  execution: 'gateway',
  keyWindowMs: 86_400_000,
  canLookUp: true,
  callTimeoutMs: 10_000,
  bouncesWithinMs: null,
  retryableRefusals: [],
  supports: () => true,
  submit: ({ requestKey, destination }) => {
    const to = destination['account'] ?? '';
    calls.push({ what: 'submit', requestKey, account: to });
    accountOf.set(requestKey, to);
    return Promise.resolve(say(scripts.get(destination['account'] ?? '')?.submit));
  },
  lookUp: ({ requestKey }) => {
    calls.push({ what: 'lookUp', requestKey });
    return Promise.resolve(say(scripts.get(accountOf.get(requestKey ?? '') ?? '')?.lookUp));
  },
};

beforeAll(async () => {
  w = await createWorkflowWorld({ gateways: [scripted, createManualGateway()] });
});
afterAll(() => w?.close());

const taken = (providerId: string): GatewayAnswer => ({ class: 'submitted', providerId, gatewayStatus: 'processing' });
const paid = (providerId: string): GatewayAnswer => ({ class: 'paid', providerId, gatewayStatus: 'paid' });
const refused: GatewayAnswer = { class: 'refused', code: 'destination_closed', providerId: null };
const lost: GatewayAnswer = { class: 'unknown', code: 'connection_lost' };

let drawn = 0;
/** An account whose payments go as the script says; the last answer of each kind repeats. */
function account(script: (providerId: string) => Partial<Script>): string {
  drawn += 1;
  const name = `account-${drawn}`;
  scripts.set(name, { submit: [], lookUp: [], ...script(`p-${newId('payoutAttempt')}`) });
  return name;
}

async function send(script: (providerId: string) => Partial<Script>): Promise<PayoutId> {
  const affiliate = await w.payable(account(script));
  return (await w.sent(affiliate)).payoutId;
}

const workflowOf = (payoutId: PayoutId): string => workflowIds.payout({ workspaceId: w.world.workspaceId, payoutId });

async function report(attempt: Record<string, unknown>, state: string): Promise<void> {
  await w.world.write((tx, act) =>
    receiveGatewayEvent(tx, act, {
      id: act.newId('gatewayEvent'),
      gateway: 'sandbox',
      externalId: newId('gatewayEvent'),
      reference: attempt['id'] as string,
      providerId: null,
      state,
      isKnownState: true,
      occurredAt: act.now,
      bodyHash: createHash('sha256').update(state).digest(),
    }),
  );
  await notify(w.world.db, 'outbox', '');
}

const decide = (payoutId: PayoutId, verb: string, params: Record<string, unknown> = {}, by = w.ben) =>
  w.decide({ type: 'payout', id: payoutId, verb, params, by });

test('accepted, then confirmed by its event: within the bound of what a payout may cost', async () => {
  // Where the ladder's first rung was quicker than the event it is another path: then once more.
  const measured = await eventually(
    async () => {
      const payoutId = await send((id) => ({ submit: [taken(id)], lookUp: [paid(id)] }));
      const attempt = await w.attemptOf(payoutId, 'submitted');
      await report(attempt, 'paid');
      await w.statusOf('payouts', payoutId, 'paid');
      await w.closed(payoutId);
      const [history] = await w.histories(workflowOf(payoutId));
      return (history ?? '').includes('EVENT_TYPE_TIMER_FIRED') ? undefined : { payoutId, attempt };
    },
    { within: 60_000 },
  );
  const { payoutId, attempt } = measured;
  const [event] = await w.world.rows('gateway_events', { payout_id: payoutId });
  expect(event).toMatchObject({ attempt_id: attempt['id'], outcome: 'look_up' });
  const cost = await w.cost(workflowOf(payoutId));
  expect(cost.runs).toBe(1);
  expect(cost.transitions, 'transitions').toBeLessThanOrEqual(bound.transitions);
  expect(cost.events, 'events').toBeLessThanOrEqual(bound.events);
  await w.record('payout', 'paid', workflowOf(payoutId));
}, 120_000);

test('refused, then retried by a person: a new attempt under a key of its own', async () => {
  const payoutId = await send((id) => ({ submit: [refused, paid(id)] }));
  await w.attemptOf(payoutId, 'refused');
  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'pending' });

  expect(await decide(payoutId, 'retry')).toMatchObject({ state: 'done' });

  await w.statusOf('payouts', payoutId, 'paid');
  const attempts = await w.world.rows('payout_attempts', { payout_id: payoutId });
  expect(new Set(attempts.map((one) => one['state']))).toEqual(new Set(['paid', 'refused']));
  expect(new Set(attempts.map((one) => one['request_key'])).size).toBe(2);
  await w.closed(payoutId);
  await w.record('payout', 'refusedRetried', workflowOf(payoutId));
});

test('an unknown outcome is looked up, and meanwhile nothing else may be done', async () => {
  const payoutId = await send((id) => ({ submit: [lost], lookUp: [lost, paid(id)] }));
  await w.attemptOf(payoutId, 'unknown');
  expect(await decide(payoutId, 'cancel')).toMatchObject({ state: 'refused', code: 'payout.attempt_open' });
  expect(await decide(payoutId, 'retry')).toMatchObject({ state: 'refused', code: 'payout.attempt_open' });

  expect(await decide(payoutId, 'lookup')).toMatchObject({ state: 'done' });

  await w.statusOf('payouts', payoutId, 'paid');
  expect(await w.world.rows('payout_attempts', { payout_id: payoutId })).toHaveLength(1);
  await w.closed(payoutId);
  await w.record('payout', 'unknownThenPaid', workflowOf(payoutId));
});

test('a request that surely never arrived goes out again under its own key', async () => {
  const payoutId = await send((id) => ({ submit: [lost, paid(id)], lookUp: [{ class: 'not_found' }] }));

  await w.statusOf('payouts', payoutId, 'paid');

  const [attempt, ...more] = await w.world.rows('payout_attempts', { payout_id: payoutId });
  expect(more).toEqual([]);
  expect(attempt).toMatchObject({ state: 'paid', fence: 2 });
  const mine = calls.filter((call) => call.requestKey === attempt?.['request_key']);
  expect(mine.map((call) => call.what)).toEqual(['submit', 'lookUp', 'submit']);
  await w.closed(payoutId);
  await w.record('payout', 'lostRequestResubmitted', workflowOf(payoutId));
});

test('money that comes back weeks later opens a further run, which books it', async () => {
  const payoutId = await send((id) => ({
    submit: [paid(id)],
    lookUp: [{ class: 'returned', providerId: id, code: 'recalled', returnedMinor: 1_850n, occurredAt: null }],
  }));
  await w.statusOf('payouts', payoutId, 'paid');
  await w.closed(payoutId);

  await report(await w.attemptOf(payoutId, 'paid'), 'returned');

  await w.attemptOf(payoutId, 'returned');
  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'paid', returned: { amountMinor: '1850' } });
  await w.closed(payoutId);
  expect(
    await eventually(async () => {
      const found = await w.histories(workflowOf(payoutId));
      return found.length === 2 && found;
    }),
  ).toHaveLength(2);
  await w.record('payout', 'returned', workflowOf(payoutId));
});

test('refused and cancelled: its lines are free again', async () => {
  const payoutId = await send(() => ({ submit: [refused] }));
  await w.attemptOf(payoutId, 'refused');

  expect(await decide(payoutId, 'cancel')).toMatchObject({ state: 'done' });

  await w.closed(payoutId);
  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'cancelled' });
  expect(await w.world.rows('payout_lines', { payout_id: payoutId, released_at: null })).toEqual([]);
  await w.record('payout', 'cancelled', workflowOf(payoutId));
});

test('what no look-up can tell is settled by two people, not by one twice', async () => {
  const payoutId = await send(() => ({ submit: [lost], lookUp: [lost] }));
  await w.attemptOf(payoutId, 'unknown');
  const params = { outcome: 'paid' };

  expect(await decide(payoutId, 'resolve', params)).toMatchObject({ state: 'done', outcome: { proposed: 'paid' } });
  expect(await decide(payoutId, 'resolve', params)).toMatchObject({ state: 'refused', code: 'access.own_work' });
  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'pending' });
  expect(await decide(payoutId, 'resolve', params, w.world.owner)).toMatchObject({
    state: 'done',
    outcome: { resolved: 'paid', secondPerson: 'other_person' },
  });

  await w.closed(payoutId);
  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'paid' });
  await w.record('payout', 'resolvedByTwo', workflowOf(payoutId));
});

test('sent back to draft it leaves its run, is approved alone and paid', async () => {
  const affiliate = await w.payable(account((id) => ({ submit: [refused, paid(id)] })));
  const { run, payoutId } = await w.sent(affiliate);
  await w.attemptOf(payoutId, 'refused');

  expect(await decide(payoutId, 'returnToDraft')).toMatchObject({ state: 'done' });

  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'draft', run_id: null, approved_by: null });
  await w.statusOf('payout_runs', run, 'completed'); // it has left
  expect(await decide(payoutId, 'approve', {}, w.world.owner)).toMatchObject({
    state: 'refused',
    code: 'access.own_work',
  });
  expect(await decide(payoutId, 'approve')).toMatchObject({ state: 'done' });
  await w.statusOf('payouts', payoutId, 'paid');
  await w.closed(payoutId);
  await w.record('payout', 'approvedAlone', workflowOf(payoutId));
});

test('paid by hand: held, released, marked once with its reference, never twice', async () => {
  const affiliate = await w.payable('by hand', 2_000n, { type: 'bank' });
  const { payoutId } = await w.sent(affiliate);
  await w.statusOf('payouts', payoutId, 'pending');
  const today = new Date().toISOString().slice(0, 10);
  const params = { reference: 'wire-77', paidOn: today };

  expect(await decide(payoutId, 'hold')).toMatchObject({ state: 'done' });
  expect(await decide(payoutId, 'markPaid', params)).toMatchObject({
    state: 'refused',
    code: 'payout.transition_not_allowed',
  });
  expect(await decide(payoutId, 'release')).toMatchObject({ state: 'done' });
  expect(await decide(payoutId, 'markPaid', { ...params, paidOn: '2999-01-01' })).toMatchObject({
    state: 'refused',
    code: 'request.validation_failed',
  });
  expect(await decide(payoutId, 'markPaid', params)).toMatchObject({ state: 'done' });
  await w.closed(payoutId);
  expect(await decide(payoutId, 'markPaid', params)).toMatchObject({
    state: 'refused',
    code: 'payout.already_decided',
  });

  expect(await w.world.row('payouts', payoutId)).toMatchObject({ status: 'paid', reference: 'wire-77' });
  await w.closed(payoutId);
  await w.record('payout', 'markedPaidByHand', workflowOf(payoutId));
});

test('paid after it was booked as refused: settled, and its gateway is frozen until a person has looked', async () => {
  const payoutId = await send((id) => ({ submit: [refused], lookUp: [paid(id)] }));
  await report(await w.attemptOf(payoutId, 'refused'), 'paid');

  await w.statusOf('payouts', payoutId, 'paid');

  expect(await w.attemptOf(payoutId, 'paid')).toMatchObject({ paid_late: true });
  const [gateway] = await w.world.rows('gateways', { id: 'sandbox' });
  expect(gateway).toMatchObject({ frozen_reason: 'paid_late' });
  await w.closed(payoutId);
  await w.record('payout', 'paidLate', workflowOf(payoutId));

  // Frozen: the next one waits, and goes once a person lifts it.
  const waiting = await send((id) => ({ submit: [paid(id)] }));
  await w.statusOf('payouts', waiting, 'pending');
  expect(await w.world.rows('payout_attempts', { payout_id: waiting })).toEqual([]);
  await w.world.write((tx, act) => setFreeze(tx, act, { frozen: false, gatewayId: 'sandbox', reason: 'looked' }));
  await notify(w.world.db, 'outbox', '');
  await w.statusOf('payouts', waiting, 'paid');
  await w.closed(waiting);
  await w.record('payout', 'frozen', workflowOf(waiting));
});

/** As the confirmation of another method does it (api/routes/payout/payoutMethod.ts): the earlier one leaves, the plans that pay by it are made anew. */
async function payElsewhere(affiliate: AffiliateId, to: string): Promise<void> {
  const earlier = await w.world.write(async (tx, act) => {
    await lockAffiliate(tx, affiliate);
    const methods = await lockMethodsOf(tx, affiliate, 'USD');
    for (const method of methods) await movePayoutMethod(tx, act, method, 'replaced');
    return methods.map((method) => method.id);
  });
  await w.world.makeMethod(affiliate, { account: to });
  await w.world.write((tx, act) => replanForMethods(tx, act, earlier));
  await notify(w.world.db, 'outbox', '');
}
const sentTo = (to: string) => calls.filter((call) => call.what === 'submit' && call.account === to);

test('its method is changed after the plan was approved: the approval is void, and only the new destination is ever paid', async () => {
  const [before, after] = [account((id) => ({ submit: [paid(id)] })), account((id) => ({ submit: [paid(id)] }))];
  const affiliate = await w.payable(before);
  const { run } = await w.startRun({ filter: { affiliateIds: [affiliate] } });
  const { plan_hash: planHash } = await w.statusOf('payout_runs', run, 'planned');
  const approve = (hash: unknown) =>
    w.decide({ type: 'payout_run', id: run, verb: 'approve', params: { planHash: hash } });
  expect(await approve(planHash)).toMatchObject({ state: 'done' });

  await payElsewhere(affiliate, after);

  expect(await w.decide({ type: 'payout_run', id: run, verb: 'execute' })).toMatchObject({ state: 'refused' });
  const replanned = await w.statusOf('payout_runs', run, 'planned');
  expect(replanned).toMatchObject({ plan_version: 2, approved_by: null });
  expect(await approve(planHash)).toMatchObject({ state: 'refused', code: 'payout_run.plan_changed' });
  await w.execute(run);
  const made = await w.world.rows('payouts', { run_id: run, affiliate_id: affiliate });
  const [payoutId] = made.flatMap((one) => (one['status'] === 'cancelled' ? [] : [one['id'] as PayoutId]));
  expect([made.length, payoutId === undefined]).toEqual([2, false]); // the first plan's draft was cancelled
  await w.statusOf('payouts', payoutId ?? '', 'paid');
  expect([sentTo(before).length, sentTo(after).length]).toEqual([0, 1]);
  expect(await w.world.row('payout_runs', run)).toMatchObject({ plan_version: 2 });
});

test('its method is changed between plan and send: it goes back to draft, and approved anew it is paid where the affiliate is paid now', async () => {
  const [before, after] = [account((id) => ({ submit: [paid(id)] })), account((id) => ({ submit: [paid(id)] }))];
  const affiliate = await w.payable(before);
  const freeze = async (frozen: boolean): Promise<void> => {
    await w.world.write((tx, act) => setFreeze(tx, act, { frozen, gatewayId: 'sandbox', reason: 'looked' }));
    await notify(w.world.db, 'outbox', '');
  };
  await freeze(true);
  const { payoutId } = await w.sent(affiliate);
  await w.statusOf('payouts', payoutId, 'pending');
  await payElsewhere(affiliate, after);
  expect(sentTo(before)).toEqual([]);

  await freeze(false);

  const draft = await w.statusOf('payouts', payoutId, 'draft');
  expect(draft).toMatchObject({ run_id: null, approved_by: null, amount_minor: 2_000n });
  expect(draft['back_to_draft_reasons']).toMatchObject([{ code: 'no_method' }]);
  expect(await w.world.rows('payout_attempts', { payout_id: payoutId })).toEqual([]);
  expect(await decide(payoutId, 'approve')).toMatchObject({ state: 'done' });
  await w.statusOf('payouts', payoutId, 'paid');
  expect([sentTo(before).length, sentTo(after).length]).toEqual([0, 1]);
  await w.closed(payoutId);
  expect(await w.world.rows('payout_attempts', { payout_id: payoutId })).toHaveLength(1);
});

test('a line inside a planned run is not adjusted; taken out of it, it is, and what was approved before pays nobody', async () => {
  const affiliate = await w.world.makeAffiliate('Ada');
  await w.world.makeMethod(affiliate, { account: account((id) => ({ submit: [paid(id)] })) });
  const [program] = await w.world.rows('programs', {});
  const lineId = await w.world.write(async (tx, act) => {
    const line = await addEntry(tx, act, {
      kind: 'bonus',
      affiliateId: affiliate,
      programId: program?.['id'] as ProgramId,
      amount: { minor: 2_000n, currency: 'USD' as CurrencyCode },
      reason: 'Spring',
      skipHold: true,
    });
    expect(await decideEntry(tx, act, line.id, { verb: 'approve' })).toBeUndefined();
    return line.id;
  });
  const adjust = (net: bigint) =>
    w.world.write((tx, act) => adjustCommission(tx, act, lineId, { net, reason: 'Counted twice', skipHold: true }));
  const { run } = await w.startRun({ filter: { affiliateIds: [affiliate] } });
  const { plan_hash: planHash } = await w.statusOf('payout_runs', run, 'planned');
  for (const net of [1_500n, 2_500n]) await expect(adjust(net)).rejects.toThrow('commission.in_open_payout');
  expect(
    await w.decide({ type: 'payout_run', id: run, verb: 'replan', params: { exclude: [affiliate] } }),
  ).toMatchObject({
    state: 'done',
  });
  await w.statusOf('payout_runs', run, 'completed');
  await adjust(1_500n);
  expect(await w.decide({ type: 'payout_run', id: run, verb: 'approve', params: { planHash } })).toMatchObject({
    state: 'refused',
  });

  const { payoutId } = await w.sent(affiliate);
  expect(await w.statusOf('payouts', payoutId, 'paid')).toMatchObject({ amount_minor: 1_500n });
  await expect(adjust(1_000n)).rejects.toThrow('commission.commission_paid');
  const balances = await w.world.balances();
  expect([balances[`affiliate_payable:${affiliate}`] ?? 0n, balances[`payout_open:${payoutId}`] ?? 0n]).toEqual([
    0n,
    0n,
  ]);
  await w.closed(payoutId);
});
