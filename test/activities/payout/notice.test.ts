import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import type { GatewayAnswer, PayoutGateway } from '../../../activities/gateways/payoutGateway.js';
import type { AffiliateId, PayoutId } from '../../../domain/ids.js';
import { createPayoutWorld, type PayoutWorld } from './payoutWorld.js';

// PAY-12, PAY-26, PAY-27, NTF-01, NTF-03: what an affiliate is told of a payout, once each.

let world: PayoutWorld;
let ben: string;
const answers: GatewayAnswer[] = [];

const scripted: PayoutGateway = {
  adapter: 'sandbox',
  execution: 'gateway',
  keyWindowMs: 86_400_000,
  canLookUp: true,
  callTimeoutMs: 5_000,
  bouncesWithinMs: null,
  retryableRefusals: [],
  supports: () => true,
  submit: () => Promise.resolve(answers.shift() ?? { class: 'unknown', code: 'no_script' }),
  lookUp: () => Promise.resolve(answers.shift() ?? { class: 'unknown', code: 'no_script' }),
};

beforeAll(async () => {
  world = await createPayoutWorld({ gateways: [scripted, createManualGateway()] });
  ben = await world.makePerson('Ben', ['finance_approver']);
});
afterAll(() => world.close());

async function released(name: string, language: string | null = null, type = 'sandbox') {
  const affiliate = await world.makeAffiliate(name);
  await world.write((tx) => tx('affiliates').where({ id: affiliate }).update({ language }));
  await world.makeMethod(affiliate, { type });
  await world.earn(affiliate, 2_000n);
  const run = await world.startRun({ filter: { affiliateIds: [affiliate] } });
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  let step = await world.run(world.activities.resumePayoutRun, ref);
  while (step.next === 'plan') step = await world.run(world.activities.planPage, ref);
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  for (const [verb, params] of [
    ['approve', { planHash }],
    ['execute', {}],
  ] as const) {
    const fact = await world.wish({ type: 'payout_run', id: run, verb, by: ben, params });
    await world.run(world.activities.decidePayoutRun, { ...ref, fact });
  }
  const release = () => world.run(world.activities.releasePayoutPage, { ...ref, after: '', limit: 10 });
  const [payoutId] = (await release()).payoutIds;
  await release(); // as after a kill: nothing is told twice
  if (payoutId === undefined) throw new Error('nothing was released');
  return { affiliate, payoutId };
}

async function answer(payoutId: PayoutId, source: 'call' | 'lookUp', reply: GatewayAnswer): Promise<void> {
  answers.push(reply);
  const ref = { workspaceId: world.workspaceId, payoutId };
  if (source === 'call') await world.run(world.activities.claimAttempt, ref);
  const [attempt] = await world.rows('payout_attempts', { payout_id: payoutId });
  const input = {
    ...ref,
    attemptId: attempt?.['id'] as string,
    fence: attempt?.['fence'] as number,
    adapter: 'sandbox',
  };
  const name = source === 'call' ? world.activities.submitAttempt : world.activities.lookUpAttempt;
  const record = { ...input, source, reply: await world.run(name, input) };
  await world.run(world.activities.recordAttempt, record);
  await world.run(world.activities.recordAttempt, record); // as after a kill
}

const mailsOf = async (affiliate: AffiliateId) => {
  const rows = await world.rows('emails', { recipient: `${affiliate}@blog.example` });
  return rows.toSorted((a, b) => String(a['id']).localeCompare(String(b['id'])));
};

test('approved, paid, returned: one mail each with amount, method and reference, and one outbox row per mail', async () => {
  const { affiliate, payoutId } = await released('Ana');
  expect(await mailsOf(affiliate)).toMatchObject([
    { kind: 'payout_drafted', subject: 'Your payout of 20.00 USD is on its way' },
  ]);
  await answer(payoutId, 'call', { class: 'paid', providerId: 'p-77', gatewayStatus: 'paid' });
  await answer(payoutId, 'lookUp', {
    class: 'returned',
    providerId: 'p-77',
    code: 'recalled',
    returnedMinor: 1_850n,
    occurredAt: null,
  });
  const mails = await mailsOf(affiliate);
  expect(mails.map((mail) => mail['kind'])).toEqual(['payout_drafted', 'payout_paid', 'payout_returned']);
  expect(mails[1]?.['body']).toMatch(
    /^Hello Ana,\n\nWe paid you 20\.00 USD by simulated payment on \d{4}-\d\d-\d\d\.\n\nReference: p-77/,
  );
  expect(mails[2]?.['body']).toContain('18.50 USD of your payout of 20.00 USD came back');
  const sent = await world.rows('outbox', { topic: 'mail' });
  const ids = sent.map((row) => (row['payload'] as { readonly emailId: string }).emailId);
  expect(mails.every((mail) => ids.filter((id) => id === mail['id']).length === 1)).toBe(true);
});

test('a refusal that the affiliate can repair is told, one that is ours is not', async () => {
  const theirs = await released('Bea', 'de');
  await answer(theirs.payoutId, 'call', { class: 'refused', code: 'destination_closed', providerId: null });
  expect((await mailsOf(theirs.affiliate)).map((mail) => mail['subject'])).toEqual([
    'Ihre Auszahlung über 20.00 USD ist unterwegs',
    'Ihre Auszahlung über 20.00 USD ist gescheitert',
  ]);
  const ours = await released('Cid');
  await answer(ours.payoutId, 'call', { class: 'refused', code: 'limit_exceeded', providerId: null });
  expect(await mailsOf(ours.affiliate)).toHaveLength(1);
  // PAY-27: money that is back before it was paid is as a refusal: the payout stays pending, and who can repair it is told.
  const early = await released('Eva');
  await answer(early.payoutId, 'call', { class: 'submitted', providerId: 'p-9', gatewayStatus: 'unclaimed' });
  await answer(early.payoutId, 'lookUp', {
    class: 'returned',
    providerId: 'p-9',
    code: 'unclaimed',
    returnedMinor: null,
    occurredAt: null,
  });
  expect((await mailsOf(early.affiliate)).map((mail) => mail['kind'])).toEqual(['payout_drafted', 'payout_failed']);
  expect(await world.row('payouts', early.payoutId)).toMatchObject({ status: 'pending', returned: null });
});

test('what is switched off sends no mail, and the money moves all the same', async () => {
  const { affiliate, payoutId } = await released('Dan');
  await world.write(async (tx) => {
    const row = await tx('settings').first<{ sections: Record<string, object> }>('sections');
    await tx('settings').update({
      sections: JSON.stringify({ ...row.sections, notifications: { 'payout.paid': false } }),
    });
  });
  await answer(payoutId, 'call', { class: 'paid', providerId: 'p-78', gatewayStatus: 'paid' });
  expect((await mailsOf(affiliate)).map((mail) => mail['kind'])).toEqual(['payout_drafted']);
  expect(await world.row('payouts', payoutId)).toMatchObject({ status: 'paid' });
});
