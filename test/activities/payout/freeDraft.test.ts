import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import { listLineViews } from '../../../db/reads/payout/payoutView.js';
import { readWorkspace } from '../../../db/transaction.js';
import type { AffiliateId, PayoutId, PayoutRunId } from '../../../domain/ids.js';
import { decisionIdOf } from '../../../activities/payout/decisions.js';
import { replanForMethods } from '../../../activities/payout/methodChange.js';
import { createPayoutWorld, type PayoutWorld } from './payoutWorld.js';

// features.md 2.4: a payout sent back to draft while its run executes leaves the run: it is approved alone or taken into the next run. And what a
// draft that is cancelled, or whose method changes, does to the plan it stands in.

let world: PayoutWorld;
let ben: string;

beforeAll(async () => {
  world = await createPayoutWorld();
  ben = await world.makePerson('Ben', ['finance_approver']);
});
afterAll(() => world.close());

async function planned(affiliateIds: readonly AffiliateId[]): Promise<PayoutRunId> {
  const run = await world.startRun({ filter: { affiliateIds: [...affiliateIds] } });
  await plan(run);
  return run;
}

async function plan(run: PayoutRunId): Promise<void> {
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  let step = await world.run(world.activities.resumePayoutRun, ref);
  while (step.next === 'plan') step = await world.run(world.activities.planPage, ref);
}

async function decideRun(run: PayoutRunId, verb: string, params: Readonly<Record<string, unknown>> = {}, by = ben) {
  const fact = await world.wish({ type: 'payout_run', id: run, verb, by, params });
  await world.run(world.activities.decidePayoutRun, { workspaceId: world.workspaceId, payoutRunId: run, fact });
  return world.outcome(fact.id);
}

async function approved(run: PayoutRunId, by = ben) {
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  return decideRun(run, 'approve', { planHash }, by);
}

async function executed(run: PayoutRunId): Promise<readonly PayoutId[]> {
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  expect(await approved(run)).toMatchObject({ state: 'done' });
  expect(await decideRun(run, 'execute')).toMatchObject({ state: 'done' });
  return (await world.run(world.activities.releasePayoutPage, { ...ref, after: '', limit: 10 })).payoutIds;
}

async function decide(payoutId: PayoutId, verb: string): Promise<void> {
  const fact = await world.wish({ type: 'payout', id: payoutId, verb, by: ben });
  await world.run(world.activities.decidePayout, { workspaceId: world.workspaceId, payoutId, fact });
  expect(await world.outcome(fact.id)).toMatchObject({ state: 'done' });
}

/** A payout that left its run by a person's word. */
async function left(
  name: string,
  minor: bigint,
): Promise<{ readonly affiliate: AffiliateId; readonly draft: PayoutId }> {
  const affiliate = await world.makeAffiliate(name);
  await world.makeMethod(affiliate);
  await world.earn(affiliate, minor);
  const [draft] = await executed(await planned([affiliate]));
  if (draft === undefined) throw new Error('nothing was released');
  await decide(draft, 'returnToDraft');
  expect(await world.row('payouts', draft)).toMatchObject({ status: 'draft', run_id: null });
  return { affiliate, draft };
}

// I12 knows no history of lines that this world inserts by hand; the chain (I14) is the relay's.
const books = async () =>
  (await readWorkspace(world.db, world.workspaceId, (tx) => checkBooks(tx)))
    .filter((check) => check.violations > 0 && check.id !== 'I12' && check.id !== 'I14')
    .map((check) => [check.id, check.sample]);

test('the next run takes it in under its own id, with what was earned since', async () => {
  const { affiliate, draft } = await left('Ana', 2_000n);
  await world.earn(affiliate, 500n);

  const run = await planned([affiliate]);

  expect(await world.row('payouts', draft)).toMatchObject({ status: 'draft', run_id: run, amount_minor: 2_500n });
  expect(await world.rows('payouts', { affiliate_id: affiliate })).toHaveLength(1);
  expect(await world.rows('payout_run_rows', { run_id: run })).toMatchObject([
    { outcome: 'paid', payout_id: draft, net_minor: 2_500n, commission_count: 2 },
  ]);
  expect((await world.row('payout_runs', run))['proof']).toMatchObject([{ linesEqualTotals: true }]);
  expect(await books()).toEqual([]);
  expect(await executed(run)).toEqual([draft]);
  expect(await world.row('payouts', draft)).toMatchObject({ status: 'pending', approved_by: ben });
});

test('what shrank meanwhile goes in with what is left, and a cancelled run frees it', async () => {
  const { affiliate, draft } = await left('Bea', 3_000n);
  await world.earn(affiliate, -500n);
  const run = await planned([affiliate]);
  expect(await world.row('payouts', draft)).toMatchObject({ run_id: run, amount_minor: 2_500n });
  expect(await books()).toEqual([]);

  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  const fact = await world.wish({ type: 'payout_run', id: run, verb: 'cancel', by: world.owner });
  await world.run(world.activities.decidePayoutRun, { ...ref, fact });
  expect(await world.row('payouts', draft)).toMatchObject({ status: 'cancelled', amount_minor: 2_500n });
  // Its lines left and came back with the next run: what it held at its end is told once.
  const lines = await readWorkspace(world.db, world.workspaceId, (tx) => listLineViews(tx, draft));
  expect(lines.map((line) => line.amountMinor).toSorted((a, b) => Number(a - b))).toEqual([-500n, 3_000n]);
  expect(await books()).toEqual([]);
});

test('one that a person holds, or whose affiliate cannot be paid, stays where it is', async () => {
  const held = await left('Cid', 2_000n);
  await decide(held.draft, 'hold');
  const unconfirmed = await left('Dan', 2_000n);
  await world.write((tx) =>
    tx('payout_methods').where({ affiliate_id: unconfirmed.affiliate }).update({ status: 'unverified' }),
  );

  const run = await planned([held.affiliate, unconfirmed.affiliate]);

  for (const { draft } of [held, unconfirmed])
    expect(await world.row('payouts', draft)).toMatchObject({ status: 'draft', run_id: null, amount_minor: 2_000n });
  const rows = await world.rows('payout_run_rows', { run_id: run });
  const codes = rows.map((row) => (row['reasons'] as { readonly code: string }[]).map((reason) => reason.code));
  expect(codes.flat().toSorted((a, b) => a.localeCompare(b))).toEqual(['in_other_run', 'method_unverified']);
  expect(await books()).toEqual([]);
});

test('two runs at once take it once', async () => {
  const { affiliate, draft } = await left('Eve', 2_000n);
  const runs = await Promise.all([planned([affiliate]), planned([affiliate])]);
  const rows = await world.rows('payouts', { affiliate_id: affiliate });
  expect(rows).toHaveLength(1);
  expect(runs).toContain(rows[0]?.['run_id']);
  expect(rows[0]).toMatchObject({ id: draft, amount_minor: 2_000n });
  expect(await books()).toEqual([]);
});

test('BEY-03: a draft that is cancelled in a plan leaves it: made anew without its affiliate, the approval void, the totals those that are paid', async () => {
  const [fay, gus] = [await world.makeAffiliate('Fay'), await world.makeAffiliate('Gus')];
  for (const affiliate of [fay, gus]) {
    await world.makeMethod(affiliate);
    await world.earn(affiliate, 2_000n);
  }
  const run = await planned([fay, gus]);
  expect(await approved(run)).toMatchObject({ state: 'done' });
  const before = await world.row('payout_runs', run);
  const [draft] = await world.rows('payouts', { run_id: run, affiliate_id: fay });

  await decide(draft?.['id'] as PayoutId, 'cancel');

  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'planning', approved_by: null, plan_hash: null });
  await plan(run);
  const after = await world.row('payout_runs', run);
  expect(after).toMatchObject({ status: 'planned', excluded_affiliate_ids: [fay] });
  expect(after['plan_hash']).not.toBe(before['plan_hash']);
  const rows = await world.rows('payout_run_rows', { run_id: run, plan_version: after['plan_version'] });
  expect(new Map(rows.map((row) => [row['affiliate_id'], row['outcome']]))).toEqual(
    new Map([
      [fay, 'not_paid'],
      [gus, 'paid'],
    ]),
  );
  // Who cancels changes the lines, and does not approve them.
  expect(await approved(run)).toMatchObject({ state: 'refused', code: 'access.own_work' });
  const zoe = await world.makePerson('Zoe', ['finance_approver']);
  expect(await approved(run, zoe)).toMatchObject({ state: 'done' });
  expect(await books()).toEqual([]);
});

test('BEY-03: another method makes the plans that pay by the one before anew', async () => {
  const hal = await world.makeAffiliate('Hal');
  const first = await world.makeMethod(hal);
  await world.earn(hal, 2_000n);
  const run = await planned([hal]);
  expect(await approved(run)).toMatchObject({ state: 'done' });
  await world.write(async (tx, act) => {
    await tx('payout_methods').where({ id: first }).update({ status: 'replaced' });
    await replanForMethods(tx, act, [first]);
  });
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'planning', approved_by: null });
  await plan(run);
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'completed' }); // nobody is due
  expect(await books()).toEqual([]);
});

test('BEY-04: by a signal sent by hand too, the creator reads own_work, and nobody approves that way', async () => {
  const ida = await world.makeAffiliate('Ida');
  await world.makeMethod(ida);
  await world.earn(ida, 2_000n);
  const run = await planned([ida]);
  const { plan_hash: planHash } = await world.row('payout_runs', run);
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  const signal = async (by: string) => {
    const decisionId = randomUUID();
    const claim = { by, reason: 'staff_decision', planHash: String(planHash) };
    await world.run(world.activities.decidePayoutRunByHand, { ...ref, verb: 'approve', claim, decisionId });
    return world.outcome(decisionIdOf(decisionId));
  };
  expect(await signal(world.owner)).toMatchObject({ state: 'refused', code: 'access.own_work' });
  expect(await signal(ben)).toMatchObject({ state: 'refused', code: 'access.step_up_required' });
  expect(await world.row('payout_runs', run)).toMatchObject({ status: 'planned', approved_by: null });
});
