import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveDifference } from '../../../activities/payout/reconciliation.js';
import { fundGateway } from '../../../activities/payout/gateway.js';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import { readWorkspace } from '../../../db/transaction.js';
import { merchantOf } from '../../../domain/payout/gateway.js';
import type { PayoutId, PayoutRunId } from '../../../domain/ids.js';
import { clockNow } from '../../../platform/clock.js';
import { eventually } from '../../support/eventually.js';
import { createPayoutWorld, type PayoutWorld, usd } from './payoutWorld.js';

// The simulated gateway's own statement against the books (money.md 10, I16), through the real activities on real Postgres.

let world: PayoutWorld;
let ben: string;

beforeAll(async () => {
  world = await createPayoutWorld();
  ben = await world.makePerson('Ben', ['finance_approver']);
  await deposit('wire-1', 100_000n);
});
afterAll(() => world.close());

const merchant = () => merchantOf({ workspaceId: world.workspaceId, mode: 'live' });

/** Money really put in, and entered. */
async function deposit(reference: string, minor: bigint): Promise<void> {
  const entry = {
    at: clockNow(),
    deposit: reference,
    merchant: merchant(),
    amountMinor: minor.toString(),
    currency: 'USD',
  };
  await world.journal.append(entry);
  await world.write((tx, act) => fundGateway(tx, act, { gateway: 'sandbox', currency: usd, minor, reference }));
}

async function readStatement(): Promise<void> {
  const ref = { workspaceId: world.workspaceId, gatewayId: 'sandbox' };
  const plan = await world.run(world.activities.planStatement, ref);
  for (const { mode, since } of plan.modes) {
    const input = { ...ref, adapter: plan.adapter ?? '', mode, until: plan.until };
    const fetched = await world.run(world.activities.fetchStatement, { ...input, since });
    await world.run(world.activities.recordStatement, { ...input, ...fetched });
    await world.run(world.activities.recordStatement, { ...input, ...fetched }); // twice: the second changes nothing
  }
}

async function newest(): Promise<{
  readonly id: string;
  readonly gap: bigint;
  readonly items: Record<string, unknown>[];
}> {
  const statements = await world.rows('gateway_statements', { gateway: 'sandbox', mode: 'live', currency: 'USD' });
  const last = statements.toSorted((a, b) => String(a['closed_at']).localeCompare(String(b['closed_at']))).at(-1);
  if (last === undefined) throw new Error('no statement');
  const items = await world.rows('reconciliation_items', { statement_id: last['id'] });
  return {
    id: last['id'] as string,
    gap: (last['books_minor'] as bigint) - (last['closing_minor'] as bigint),
    items: items.filter((item) => item['class'] !== 'matched'),
  };
}

const classes = (of: { readonly items: Record<string, unknown>[] }) =>
  of.items
    .map((item) => `${String(item['class'])} ${String(item['amount_minor'])}`)
    .toSorted((a, b) => a.localeCompare(b));

/** What I16 has to say. */
async function brokenStatements(): Promise<number | undefined> {
  const checks = await readWorkspace(world.db, world.workspaceId, (tx) => checkBooks(tx));
  return checks.find((check) => check.id === 'I16')?.violations;
}

async function sent(account: string, minor: bigint): Promise<{ run: PayoutRunId; payoutId: PayoutId }> {
  const affiliate = await world.makeAffiliate(account);
  await world.makeMethod(affiliate, { account });
  await world.earn(affiliate, minor);
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
  const page = await world.run(world.activities.releasePayoutPage, { ...ref, after: '', limit: 10 });
  const payoutId = page.payoutIds[0];
  if (payoutId === undefined) throw new Error('nothing was sent');
  await ask(payoutId, 'call');
  return { run, payoutId };
}

async function ask(payoutId: PayoutId, source: 'call' | 'lookUp'): Promise<string> {
  const ref = { workspaceId: world.workspaceId, payoutId };
  if (source === 'call') await world.run(world.activities.claimAttempt, ref);
  const [attempt] = await world.rows('payout_attempts', { payout_id: payoutId });
  const input = {
    ...ref,
    attemptId: attempt?.['id'] as string,
    fence: attempt?.['fence'] as number,
    adapter: 'sandbox',
  };
  const reply = await world.run(
    source === 'call' ? world.activities.submitAttempt : world.activities.lookUpAttempt,
    input,
  );
  await world.run(world.activities.recordAttempt, { ...input, source, reply });
  return (await world.row('payout_attempts', input.attemptId))['state'] as string;
}

const settled = (payoutId: PayoutId, state: string) =>
  eventually(async () => (await ask(payoutId, 'lookUp')) === state);

test('a run ends only when a statement covers what it paid, and every line of it is classed', async () => {
  const { run, payoutId } = await sent('ok', 2_000n);
  await readStatement();
  expect(classes(await newest()), 'the gateway has debited, we have not booked').toEqual(['timing 2000']);
  expect(await toldOwner(), 'time alone explains it').toEqual([]);
  expect(await brokenStatements()).toBe(0);

  await settled(payoutId, 'paid');
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  expect(await world.run(world.activities.completePayoutRun, ref)).toMatchObject({
    status: 'executing',
    next: 'reconcile',
  });
  expect(await world.rows('outbox', { topic: 'start', ordering_key: null })).toContainEqual(
    expect.objectContaining({ payload: expect.objectContaining({ workflowType: 'reconciliation' }) as unknown }),
  );

  await readStatement();
  expect(await newest()).toMatchObject({ gap: 0n, items: [] });
  expect(
    await world.rows('outbox', { ordering_key: (await world.row('payout_runs', run))['workflow_id'] }),
  ).toContainEqual(expect.objectContaining({ payload: expect.objectContaining({ signal: 'nudged' }) as unknown }));
  expect(await world.run(world.activities.completePayoutRun, ref)).toMatchObject({ status: 'completed', next: 'done' });
  expect(await brokenStatements()).toBe(0);
});

test('a return is a difference until it is booked', async () => {
  const { payoutId } = await sent('returned', 3_000n);
  await settled(payoutId, 'paid');
  await eventually(async () => {
    await readStatement();
    return (await newest()).items.some((item) => item['class'] === 'return');
  });
  expect(classes(await newest())).toEqual(['return -3000']);
  await settled(payoutId, 'returned');
  await readStatement();
  expect(await newest()).toMatchObject({ gap: 0n, items: [] });
  expect(await brokenStatements()).toBe(0);
});

const toldOwner = async () =>
  (await world.rows('notices', { user_id: world.owner, kind: 'reconciliation_difference' }))
    .map((notice) => `${String(notice['subject'])} ${String(notice['link'])}`)
    .toSorted((a, b) => a.localeCompare(b));

test('BEY-06: what the gateway did without us, and what it never did, are told; a person sends them to suspense or accepts them', async () => {
  const journal = { at: clockNow(), account: 'ok', merchant: merchant(), currency: 'USD' };
  await world.journal.append({ ...journal, requestKey: 'stranger', reference: 'att_of_nobody', amountMinor: '700' });
  await world.write((tx, act) =>
    fundGateway(tx, act, { gateway: 'sandbox', currency: usd, minor: 400n, reference: 'never-arrived' }),
  );
  const earlier = await toldOwner();
  await readStatement();
  const found = await newest();
  expect(classes(found)).toEqual(['missing_there 400', 'unknown_reference 700']);
  // The case opens by itself: whoever may settle it is told, once.
  const told = [`2 differences with sandbox in USD /reconciliations/${found.id}`, ...earlier];
  expect(await toldOwner()).toEqual(told);
  expect(await brokenStatements()).toBe(0);

  const itemOf = (name: string): string => found.items.find((item) => item['class'] === name)?.['id'] as string;
  const word = { note: 'asked the provider', documentId: null, affiliateId: null };
  const before = await world.balances();
  await world.write((tx, act) =>
    resolveDifference(tx, act, itemOf('unknown_reference'), { ...word, resolution: 'suspense' }),
  );
  await world.write((tx, act) =>
    resolveDifference(tx, act, itemOf('missing_there'), { ...word, resolution: 'accepted' }),
  );
  await expect(
    world.write((tx, act) => resolveDifference(tx, act, itemOf('missing_there'), { ...word, resolution: 'suspense' })),
  ).rejects.toMatchObject({ code: 'reconciliation.already_decided' });
  const after = await world.balances();
  expect((after['cash:sandbox'] ?? 0n) - (before['cash:sandbox'] ?? 0n)).toBe(-700n);

  await readStatement();
  const again = await newest();
  expect(classes(again), 'what is in suspense is no difference any more').toEqual(['missing_there 400']);
  expect(await toldOwner(), 'known differences are not told again').toEqual(told);
  expect(again.items[0], 'accepted stays accepted').toMatchObject({ resolution: 'accepted', resolved_by: world.owner });
  expect(await brokenStatements()).toBe(0);
});

test('a quiet gateway makes no further statement', async () => {
  await readStatement();
  const before = (await world.rows('gateway_statements', {})).length;
  await readStatement();
  expect(await world.rows('gateway_statements', {})).toHaveLength(before);
  expect(await brokenStatements()).toBe(0);
});

test('what a statement hides speaks in I16', async () => {
  const { id } = await newest();
  await world.write((tx) => tx('gateway_statements').where({ id }).update({ closing_minor: 1n }));
  expect(await brokenStatements()).toBe(1);
});
