import { afterAll, beforeAll, expect, test } from 'vitest';
import { replanAfterRefund } from '../../../activities/payout/payout.js';
import { listFreezes } from '../../../db/reads/payout/payoutControls.js';
import type { AffiliateId, CommissionId, PayoutRunId } from '../../../domain/ids.js';
import { addDays, type Instant } from '../../../domain/time.js';
import type { PayoutRunStep } from '../../../workflows/contract.js';
import { createPayoutWorld, type PayoutWorld } from './payoutWorld.js';

// A plan on real Postgres, two affiliates a page: who is paid, who is not and why, and what many at once may not do.

let world: PayoutWorld;
let ben: string;

beforeAll(async () => {
  world = await createPayoutWorld({ planPageSize: 2, poolSize: 20 });
  ben = await world.makePerson('Ben', ['finance_approver']);
});
afterAll(() => world.close());

const refOf = (run: PayoutRunId) => ({ workspaceId: world.workspaceId, payoutRunId: run });

async function plan(
  options: Parameters<PayoutWorld['startRun']>[0] = {},
): Promise<{ run: PayoutRunId; step: PayoutRunStep; pages: number }> {
  const run = await world.startRun(options);
  const step = await planOn(run);
  return { run, ...step };
}

async function planOn(run: PayoutRunId) {
  let step = await world.run(world.activities.resumePayoutRun, refOf(run));
  let pages = 0;
  for (; step.next === 'plan'; pages += 1) step = await world.run(world.activities.planPage, refOf(run));
  return { step, pages };
}

const future = addDays('2026-11-25T00:00:00.000Z' as Instant, 365);

test('BEY-03: everyone with a balance stands exactly once, with all reasons', async () => {
  type Case = {
    readonly label: string;
    readonly reasons: readonly string[] | null;
    readonly make: () => Promise<AffiliateId>;
  };
  const earner = async (
    minor: bigint,
    method: Parameters<PayoutWorld['makeMethod']>[1] | null = {},
    status = 'approved',
    more: Parameters<PayoutWorld['earn']>[2] = {},
  ) => {
    const id = await world.makeAffiliate('x', { status });
    if (method !== null) await world.makeMethod(id, method);
    await world.earn(id, minor, more);
    return id;
  };
  const cases: readonly Case[] = [
    { label: 'paid', reasons: null, make: () => earner(1_000n) },
    { label: 'below the minimum', reasons: ['below_minimum'], make: () => earner(999n) },
    {
      label: 'a lower minimum of its own',
      reasons: null,
      make: async () => {
        const id = await world.makeAffiliate('x', { minimum: '9.00' });
        await world.makeMethod(id);
        await world.earn(id, 900n);
        return id;
      },
    },
    { label: 'no method', reasons: ['no_method'], make: () => earner(1_000n, null) },
    { label: 'another currency only', reasons: ['no_method'], make: () => earner(1_000n, { currency: 'EUR' }) },
    {
      label: 'unverified and too little',
      reasons: ['method_unverified', 'below_minimum'],
      make: () => earner(100n, { status: 'unverified' }),
    },
    {
      label: 'cooling',
      reasons: ['method_changed_recently'],
      make: () => earner(1_000n, { status: 'cooling', activeAt: future }),
    },
    { label: 'suspended', reasons: ['suspended'], make: () => earner(1_000n, {}, 'suspended') },
    { label: 'on hold', reasons: ['on_hold'], make: () => earner(1_000n, {}, 'approved', { onHold: true }) },
    {
      label: 'in the hold period',
      reasons: ['in_hold_period'],
      make: () => earner(1_000n, {}, 'approved', { status: 'pending' }),
    },
    { label: 'a debt', reasons: ['negative_balance'], make: () => earner(-500n) },
    {
      label: 'nets to zero',
      reasons: ['zero_balance'],
      make: async () => {
        const id = await earner(500n);
        await world.earn(id, -500n);
        return id;
      },
    },
    {
      label: 'a clawback is netted',
      reasons: null,
      make: async () => {
        const id = await earner(2_000n);
        await world.earn(id, -700n);
        return id;
      },
    },
    { label: 'excluded', reasons: ['excluded_by_user'], make: () => earner(1_000n) },
  ];
  const made = [];
  for (const one of cases) made.push({ ...one, id: await one.make() });
  const excluded = made.filter((one) => one.label === 'excluded').map((one) => one.id);
  const { run, step, pages } = await plan({ excluded });
  expect(pages).toBeGreaterThan(5);
  expect(step).toMatchObject({ status: 'planned', next: 'wait' });
  for (const one of made) {
    const rows = await world.rows('payout_run_rows', { run_id: run, affiliate_id: one.id });
    expect(rows, one.label).toHaveLength(1);
    const codes = ((rows[0]?.['reasons'] ?? []) as { code: string }[]).map((reason) => reason.code);
    expect({ outcome: rows[0]?.['outcome'], codes }, one.label).toEqual(
      one.reasons === null ? { outcome: 'paid', codes: [] } : { outcome: 'not_paid', codes: one.reasons },
    );
  }
  const row = await world.row('payout_runs', run);
  expect(row['proof']).toMatchObject([{ currency: 'USD', linesEqualTotals: true }]);
  const drafts = await world.rows('payouts', { run_id: run });
  expect(new Set(drafts.map((draft) => draft['amount_minor']))).toEqual(new Set([1_000n, 1_300n, 900n]));
  expect(drafts).toHaveLength(3);
  expect((await world.balances())['payout_open']).toBe(3_200n);

  // The same page once more, and a whole second run: nothing is reserved twice.
  expect((await planOn(run)).pages).toBe(0);
  const second = await plan();
  expect(await world.rows('payouts', { run_id: second.run })).toHaveLength(1); // the one that was excluded before
  const taken = await world.rows('payout_run_rows', { run_id: second.run, affiliate_id: made[0]?.id });
  expect(taken[0]?.['reasons']).toMatchObject([{ code: 'in_other_run' }]);
  for (const id of [run, second.run]) {
    const fact = await world.wish({ type: 'payout_run', id, verb: 'cancel', by: world.owner });
    await world.run(world.activities.decidePayoutRun, { ...refOf(id), fact });
    expect((await world.outcome(fact.id)).state).toBe('done');
  }
  expect((await world.balances())['payout_open']).toBe(0n);
});

test('PAY-03: a draft holds each of its lines at its own worth, whatever their kinds', async () => {
  const uma = await world.makeAffiliate('Uma');
  await world.makeMethod(uma);
  const payable = new Map<string, bigint>();
  for (const [minor, kind] of [
    [2_000n, 'earned'],
    [10_000n, 'bonus'],
    [-700n, 'clawback'],
    [300n, 'adjustment'],
    [1_200n, 'earned'],
  ] as const)
    payable.set(await world.earn(uma, minor, { kind }), minor);
  await world.earn(uma, 400n, { onHold: true });
  const { run } = await plan({ filter: { affiliateIds: [uma] } });
  const [draft] = await world.rows('payouts', { run_id: run });
  expect(draft).toMatchObject({ affiliate_id: uma, amount_minor: 12_800n });
  const lines = await world.rows('payout_lines', { payout_id: draft?.['id'] });
  expect(new Map(lines.map((line) => [line['commission_id'], line['amount_minor']]))).toEqual(payable);
  expect(await world.rows('payout_run_rows', { run_id: run })).toMatchObject([
    { gross_minor: 13_200n, corrections_minor: -400n, carried_minor: 0n, net_minor: 12_800n, commission_count: 5 },
  ]);
});

test('BEY-03, RFD-02: a refund in a draft shrinks it, voids the approval and plans anew', async () => {
  const ana = await world.makeAffiliate('Ana');
  await world.makeMethod(ana);
  const first = await world.earn(ana, 3_000n);
  await world.earn(ana, 2_000n);
  const { run } = await plan({ filter: { affiliateIds: [ana] } });
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  const fact = await world.wish({ type: 'payout_run', id: run, verb: 'approve', by: ben, params: { planHash } });
  await world.run(world.activities.decidePayoutRun, { ...refOf(run), fact });
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'approved' });
  const [draft] = await world.rows('payouts', { run_id: run });
  const changed = await world.write((tx, act) =>
    replanAfterRefund(tx, act, draft?.['id'] as string, new Map([[first as CommissionId, 1_000n]])),
  );
  expect(changed).toBe(true);
  expect(await world.row('payouts', draft?.['id'] as string)).toMatchObject({
    status: 'draft',
    amount_minor: 3_000n,
    version: 2,
  });
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'planning', approved_by: null, plan_version: 2 });
  expect((await world.balances())[`affiliate_payable:${ana}`]).toBe(2_000n);
  // The commission's own part of the refund, which the caller posts next; then the plan is whole again.
  await world.write((tx) => tx('commissions').where({ id: first }).update({ reversed_minor: 2_000n }));
  await world
    .earn(ana, -2_000n)
    .then((id) => world.write((tx) => tx('commissions').where({ id }).update({ status: 'reversed' })));
  const { step } = await planOn(run);
  expect(step.status).toBe('planned');
  const drafts = await world.rows('payouts', { run_id: run, status: 'draft' });
  expect(drafts).toMatchObject([{ amount_minor: 3_000n, plan_version: 2 }]);
});

test('one of 64 approvals at once takes effect, one of 64 claims writes an attempt, and no cancel slips between', async () => {
  const eve = await world.makeAffiliate('Eve');
  await world.makeMethod(eve);
  await world.earn(eve, 5_000n);
  const { run } = await plan({ filter: { affiliateIds: [eve] } });
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  const wishes = [];
  for (let i = 0; i < 64; i += 1)
    wishes.push(await world.wish({ type: 'payout_run', id: run, verb: 'approve', by: ben, params: { planHash } }));
  const settle = <T>(work: Promise<T>) =>
    work.then(
      () => true,
      () => false,
    );
  await Promise.all(wishes.map((fact) => settle(world.run(world.activities.decidePayoutRun, { ...refOf(run), fact }))));
  // What met a lock's time limit is retried by Temporal; here by hand.
  for (const fact of wishes) await world.run(world.activities.decidePayoutRun, { ...refOf(run), fact });
  const outcomes = await Promise.all(wishes.map((fact) => world.outcome(fact.id)));
  expect(outcomes.filter((outcome) => outcome.state === 'done')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome.code === 'payout_run.already_decided')).toHaveLength(63);
  expect(await world.rows('audit_entries', { object_id: run, event: 'approved' })).toHaveLength(1);

  const execute = await world.wish({ type: 'payout_run', id: run, verb: 'execute', by: ben });
  await world.run(world.activities.decidePayoutRun, { ...refOf(run), fact: execute });
  const page = await world.run(world.activities.releasePayoutPage, { ...refOf(run), after: '', limit: 100 });
  const [payoutId] = page.payoutIds;
  if (payoutId === undefined) throw new Error('nothing to send');
  const ref = { workspaceId: world.workspaceId, payoutId };
  const cancels = [];
  for (let i = 0; i < 16; i += 1)
    cancels.push(await world.wish({ type: 'payout', id: payoutId, verb: 'cancel', by: ben }));
  await Promise.all([
    ...Array.from({ length: 48 }, () => settle(world.run(world.activities.claimAttempt, ref))),
    ...cancels.map((fact) => settle(world.run(world.activities.decidePayout, { ...ref, fact }))),
  ]);
  const attempts = await world.rows('payout_attempts', { payout_id: payoutId });
  const { status } = await world.row('payouts', payoutId);
  expect(attempts.length <= 1).toBe(true);
  expect(attempts.length === 1 ? status : 'cancelled').toBe(attempts.length === 1 ? 'pending' : status);
  expect(await world.write((tx) => listFreezes(tx, 'sandbox'))).toEqual([]);
});

test('what changed after the approval sends a payout back to draft with all reasons; a freeze makes it wait', async () => {
  const max = await world.makeAffiliate('Max');
  const method = await world.makeMethod(max);
  await world.earn(max, 5_000n);
  const { run } = await plan({ filter: { affiliateIds: [max] } });
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  for (const [verb, params] of [
    ['approve', { planHash }],
    ['execute', {}],
  ] as const) {
    const fact = await world.wish({ type: 'payout_run', id: run, verb, by: ben, params });
    await world.run(world.activities.decidePayoutRun, { ...refOf(run), fact });
  }
  const page = await world.run(world.activities.releasePayoutPage, { ...refOf(run), after: '', limit: 100 });
  const ref = { workspaceId: world.workspaceId, payoutId: page.payoutIds[0] as never };
  await world.write((tx, act) =>
    tx('workspaces').update({ payouts_frozen_at: act.now, payouts_frozen_reason: 'test' }),
  );
  expect(await world.run(world.activities.claimAttempt, ref)).toMatchObject({ status: 'pending', next: 'wait' });
  await world.write((tx) => tx('workspaces').update({ payouts_frozen_at: null, payouts_frozen_reason: null }));
  await world.write(async (tx) => {
    await tx('payout_methods').where({ id: method }).update({ fingerprint: 'swapped' });
    await tx('affiliates').where({ id: max }).update({ status: 'suspended' });
  });
  expect(await world.run(world.activities.claimAttempt, ref)).toMatchObject({ status: 'draft', next: 'done' });
  const payout = await world.row('payouts', ref.payoutId);
  expect(payout).toMatchObject({ run_id: null, approved_by: null, amount_minor: 5_000n });
  expect(payout['back_to_draft_reasons']).toMatchObject([{ code: 'suspended' }, { code: 'method_changed_recently' }]);
  expect(await world.rows('payout_attempts', { payout_id: ref.payoutId })).toHaveLength(0);
  expect(await world.run(world.activities.completePayoutRun, refOf(run))).toMatchObject({ status: 'completed' });
});
