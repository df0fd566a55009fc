import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type BulkStep, bulkOperationActivities } from '../../../activities/reporting/bulkOperation.js';
import type { OperationId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import type { JobRef } from '../../../workflows/contract.js';
import { itemsOf, type Json, type TestAnswer } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';
import { noExports } from '../../support/noExports.js';

// Commissions and refunds, row by row of features.md 9 and 10, as far as no other file of this folder holds the row.

vi.setConfig({ testTimeout: 120_000 }); // one or two seconds each, many times that beside a busy machine's other work

const usd = (amount: string) => ({ amount, currency: 'USD' });
const dayMs = 86_400_000;

let world: EarningWorld;
type Jobs = ReturnType<typeof bulkOperationActivities>;
/** None of them uses `this`. */
let jobs: { readonly [K in keyof Jobs]: (this: void, ref: JobRef) => ReturnType<Jobs[K]> };
const environment = new MockActivityEnvironment();
/** Runs a job's step where `Context.current()` works. */
const run = (step: (this: void, ref: JobRef) => Promise<BulkStep>, ref: JobRef): Promise<BulkStep> =>
  environment.run(step, ref) as Promise<BulkStep>;

beforeAll(async () => {
  world = await createEarningWorld();
  jobs = bulkOperationActivities({
    db: world.api.db,
    longDb: world.api.db,
    newId,
    reached: () => undefined,
    gatewayPolicy: { sandboxPaysLive: true },
    ...noExports,
  });
}, 60_000);
afterAll(() => world?.close());

interface Scene {
  readonly programId: string;
  readonly affiliateId: string;
}

/** A program at 20 % whose staff approve commissions, and an affiliate of it. */
async function scene(program: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const programId = await world.program({ commissionApproval: 'manual', ...program });
  const made = await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  expect(made.status, made.text).toBe(201);
  const affiliateId = await world.affiliate(programId);
  await world.owner('agreements').where({ program_id: programId }).update({ must_accept: false });
  return { programId, affiliateId };
}

/** A sale to a new customer who came by the affiliate's link. */
async function sell(of: Scene, amount: string, body: Readonly<Record<string, unknown>> = {}): Promise<Json> {
  const key = newId('sale');
  return world.sale({
    externalId: key,
    customer: { externalId: key, email: `${key}@buyer.example` },
    clickId: await world.click(of),
    amount: usd(amount),
    ...body,
  });
}

async function lineOf(sale: unknown): Promise<Json> {
  const [line] = await world.commissions(`saleId=${(sale as Json)['id']}`);
  if (line === undefined) throw new Error('the sale earned nothing');
  return line;
}
const decide = async (path: string, body: Readonly<Record<string, unknown>> = { reason: 'Looked at' }) => {
  const answer = await world.settled(world.as(path, body));
  expect(answer.status, answer.text).toBe(200);
  return answer;
};
const approveReferral = (sale: Json) => decide(`/v1/referrals/${sale['referralId']}/approve`);
const refund = async (sale: Json): Promise<void> => {
  expect((await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: newId('refund') })).status).toBe(202);
  await world.settle();
};
const balanceOf = async (of: Scene): Promise<Json> =>
  (await world.as(`/v1/affiliates/${of.affiliateId}/balances`)).body[0] as Json;
const portalOf = async (of: Scene): Promise<string> =>
  (await world.api.makePerson(world.ws, [], { affiliateId: of.affiliateId, permissions: ['me.read'] })).key;

/** Runs a bulk operation as its workflow does. Answers the operation and the result of each item. */
async function bulk(body: Readonly<Record<string, unknown>>): Promise<{ operation: Json; items: readonly Json[] }> {
  return runJob(await world.as('/v1/operations', body));
}

async function runJob(made: TestAnswer): Promise<{ operation: Json; items: readonly Json[] }> {
  expect(made.status, made.text).toBe(202);
  const ref = { workspaceId: world.ws.id, jobId: made.body['id'] as unknown as OperationId };
  while ((await run(jobs.decideBulkPage, ref)).hasMore) await world.settle();
  await world.settle();
  await run(jobs.collectBulkOutcomes, ref);
  return {
    operation: (await world.as(`/v1/operations/${made.body['id']}`)).body,
    items: itemsOf((await world.as(`/v1/operations/${made.body['id']}/items`)).body['data']),
  };
}

test('COM-01, COM-03, COM-04: a sale stands in the pending list with its cause, its amount taken apart, its customer and what it waits for', async () => {
  const at = await scene({ customerVisibility: 'anonymous' });
  const sale = await sell(at, '49.99');
  const [line] = await world.commissions(`list=pending&programId=${at.programId}`);
  expect(line).toMatchObject({
    status: 'pending',
    kind: 'earned',
    level: 1,
    saleId: sale['id'],
    referralId: sale['referralId'],
    amount: usd('10.00'),
    base: usd('49.99'),
    baseType: 'net',
    ratePpm: 200_000,
    ruleVersion: 1,
    parts: [{ exact: { numerator: '4999', denominator: '5', unit: 'minor' }, scope: 'program' }],
    customer: { email: expect.stringContaining('@buyer.example') as string, masked: false },
    blockers: [{ code: 'referral_not_approved' }],
  });
  expect(Date.parse(line?.['createdAt'] ?? '')).toBeGreaterThan(Date.now() - 600_000);
  // Whoever may not see people reads the same row without the address.
  const reader = await world.api.makePerson(world.ws, ['owner'], { permissions: ['commission.read'] });
  const masked = itemsOf((await world.api.as(reader.key, `/v1/commissions?programId=${at.programId}`)).body['data']);
  expect(masked[0]?.['customer']).toMatchObject({ email: null, masked: true });
  const own = itemsOf((await world.api.as(await portalOf(at), '/v1/me/commissions')).body['data']);
  expect(own[0]?.['customer']).toMatchObject({ name: null, email: null, masked: true });
});

test('COM-05: in bulk, what is blocked is skipped with its reason; "all" is everything the filter shows, and says how many', async () => {
  const at = await scene();
  const held = await scene({ commissionHold: 'P14D' });
  const ready = await sell(at, '10.00');
  const undecided = await sell(at, '20.00');
  const stopped = await sell(at, '30.00');
  const young = await sell(held, '40.00');
  for (const sale of [ready, stopped, young]) await approveReferral(sale);
  await decide(`/v1/commissions/${(await lineOf(stopped))['id']}/hold`);
  const codeOf = async (sale: Json, items: readonly Json[]) => {
    const { id } = await lineOf(sale);
    const item = items.find((one) => one['id'] === id);
    return [item?.['outcome'], item?.['code']];
  };

  const filter = { programId: `${at.programId},${held.programId}`, status: 'pending' };
  const dry = await world.as('/v1/operations', { kind: 'commissions.approve', filter, dryRun: true });
  expect(dry.body, dry.text).toMatchObject({ matched: 4, eligible: 1 });
  const changed = await world.as('/v1/operations', { kind: 'commissions.approve', filter, expectedCount: 3 });
  expect([changed.status, changed.body['code'], changed.body['currentCount']]).toEqual([409, 'selection_changed', 4]);
  const { operation, items } = await bulk({ kind: 'commissions.approve', filter, expectedCount: 4 });
  expect(operation['progress'], JSON.stringify(items)).toMatchObject({ total: 4, succeeded: 1, skipped: 3, failed: 0 });
  expect(await codeOf(ready, items)).toEqual(['succeeded', null]);
  expect(await codeOf(undecided, items)).toEqual(['skipped', 'referral_not_approved']);
  expect(await codeOf(stopped, items)).toEqual(['skipped', 'on_hold']);
  expect(await codeOf(young, items)).toEqual(['skipped', 'in_hold_period']);
  expect((await lineOf(ready))['status']).toBe('approved');

  // BEY-17: cancelled while decisions are on their way, each of them still has its result; what was not decided stays as it is.
  const late = await sell(at, '15.00');
  await approveReferral(late);
  const made = await world.as('/v1/operations', { kind: 'commissions.approve', ids: [(await lineOf(late))['id']] });
  const ref = { workspaceId: world.ws.id, jobId: made.body['id'] as unknown as OperationId };
  await run(jobs.decideBulkPage, ref);
  const path = `/v1/operations/${made.body['id']}`;
  expect((await world.as(`${path}/cancel`, {})).body).toMatchObject({ status: 'cancelled' });
  expect(await run(jobs.collectBulkOutcomes, ref)).toMatchObject({ status: 'running', open: 1 });
  await world.settle();
  expect(await run(jobs.collectBulkOutcomes, ref)).toMatchObject({ status: 'cancelled', open: 0 });
  expect(itemsOf((await world.as(`${path}/items`)).body['data'])).toMatchObject([{ outcome: 'succeeded' }]);
  const unstarted = await world.as('/v1/operations', {
    kind: 'commissions.reject',
    ids: [(await lineOf(undecided))['id']],
    reason: 'No',
  });
  expect((await world.as(`/v1/operations/${unstarted.body['id']}/cancel`, {})).body).toMatchObject({
    status: 'cancelled',
  });
  const none = { workspaceId: world.ws.id, jobId: unstarted.body['id'] as unknown as OperationId };
  expect(await run(jobs.decideBulkPage, none)).toMatchObject({ status: 'cancelled', hasMore: false });
  expect(await lineOf(undecided)).toMatchObject({ status: 'pending' });
  expect(await world.broken()).toEqual([]);
});

test('screens 3.5: all unpaid money of an affiliate is held at once, each row with the reason, and the undo releases what the batch held', async () => {
  const at = await scene();
  const [first, second] = [await sell(at, '10.00'), await sell(at, '20.00')];
  const other = await sell({ ...at, affiliateId: await world.affiliate(at.programId) }, '30.00');
  const already = await sell(at, '40.00');
  await decide(`/v1/commissions/${(await lineOf(already))['id']}/hold`);
  const isHeld = async (): Promise<readonly unknown[]> =>
    Promise.all([first, second, other, already].map(async (sale) => (await lineOf(sale))['onHold']));
  const filter = { affiliateId: at.affiliateId, status: 'pending,approved', onHold: 'false' };
  const silent = await world.as('/v1/operations', { kind: 'commissions.hold', filter, expectedCount: 2 });
  expect([silent.status, silent.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/reason']);
  const { operation } = await bulk({
    kind: 'commissions.hold',
    filter,
    expectedCount: 2,
    reason: 'Traffic looks bought',
  });
  expect(operation).toMatchObject({ reversible: true, progress: { total: 2, succeeded: 2 } });
  expect(await isHeld()).toEqual([true, true, false, true]);
  // What is over, held already or not there is left alone, each with why.
  const over = await sell(at, '50.00');
  await decide(`/v1/commissions/${(await lineOf(over))['id']}/reject`, { reason: 'Not ours' });
  const named = await Promise.all([over, already, other].map(async (sale) => (await lineOf(sale))['id']));
  const unknown = await world.as('/v1/operations', {
    kind: 'commissions.hold',
    ids: [...named, newId('commission')],
    reason: 'Once more',
  });
  expect([unknown.status, unknown.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/ids/3']);
  const look = await world.as('/v1/operations', { kind: 'commissions.hold', ids: named, dryRun: true });
  const mixed = await bulk({ kind: 'commissions.hold', ids: named, reason: 'Once more' });
  expect(look.body).toMatchObject({ matched: 3, eligible: 1 });
  expect(mixed.operation['progress']).toMatchObject({ total: 3, succeeded: 1, skipped: 2, failed: 0 });
  const codeOf = (id: unknown) => mixed.items.find((one) => one['id'] === id)?.['code'];
  expect(named.map(codeOf)).toEqual(['transition_not_allowed', 'already_decided', null]);
  await decide(`/v1/commissions/${(await lineOf(other))['id']}/release`);
  expect((await lineOf(first))['decision']).toMatchObject({ verb: 'hold', reason: 'Traffic looks bought' });
  // Held by somebody before, it is not the batch's to release.
  const undone = await world.as(`/v1/operations/${operation['id']}/undo`, {});
  expect(undone.status, undone.text).toBe(202);
  const ref = { workspaceId: world.ws.id, jobId: undone.body['id'] as unknown as OperationId };
  while ((await run(jobs.decideBulkPage, ref)).hasMore) await world.settle();
  await world.settle();
  expect(await isHeld()).toEqual([false, false, false, true]);
  const back = await bulk({ kind: 'commissions.release', ids: [(await lineOf(already))['id']] });
  expect(back.operation).toMatchObject({ reversible: false, progress: { succeeded: 1 } });
  expect(await isHeld()).toEqual([false, false, false, false]);
});

test('COM-06: a rejected commission leaves the pending list, is not owed, and its affiliate reads the public reason', async () => {
  const at = await scene();
  const sale = await sell(at, '100.00');
  const line = await lineOf(sale);
  await decide(`/v1/commissions/${line['id']}/reject`, {
    reason: 'Bought with a stolen card',
    publicReason: 'The order was cancelled.',
  });
  expect(await world.commissions(`list=pending&programId=${at.programId}`)).toEqual([]);
  const [rejected] = await world.commissions(`status=rejected&programId=${at.programId}`);
  expect(rejected).toMatchObject({ id: line['id'], net: usd('0.00') });
  expect(await balanceOf(at)).toMatchObject({ pending: usd('0.00'), owed: usd('0.00') });
  const own = await world.api.as(await portalOf(at), '/v1/me/commissions');
  expect(itemsOf(own.body['data'])).toMatchObject([
    { status: 'rejected', reason: { text: 'The order was cancelled.' } },
  ]);
  expect(own.text).not.toContain('stolen');
});

test('COM-08: an adjusted entry keeps old and new amount, reason and person; a paid one is offset by an entry, never edited', async () => {
  const at = await scene();
  const sale = await sell(at, '100.00');
  await approveReferral(sale);
  const line = await lineOf(sale);
  await decide(`/v1/commissions/${line['id']}/approve`);
  const before = await world.trial();
  const adjusted = await world.as(`/v1/commissions/${line['id']}/adjust`, {
    amount: usd('15.00'),
    reason: 'Agreed on the phone',
    skipHold: true,
  });
  expect([adjusted.status, adjusted.body['net']], adjusted.text).toEqual([200, usd('15.00')]);
  const changes = itemsOf((await world.as(`/v1/commissions/${line['id']}/changes`)).body['data']);
  const change = changes.at(-1);
  expect(change).toMatchObject({ event: 'reduced', actor: { type: 'api_key' } });
  expect(change?.['changes']).toEqual({ reversedMinor: ['0', '500'] });
  expect(adjusted.body['decision']).toMatchObject({
    verb: 'adjust',
    by: { name: 'Ana' },
    reason: 'Agreed on the phone',
  });
  const told = (await world.as(`/v1/commissions/${line['id']}/explanation`)).body;
  expect(itemsOf(told['transferIds'])).toHaveLength(3); // accrued, approved, reduced
  const after = await world.trial();
  const minor = (text: string | undefined): bigint => BigInt((text ?? '0.00').replace('.', ''));
  expect(minor(after['affiliate_payable']) - minor(before['affiliate_payable'])).toBe(500n);

  await world.owner('commissions').where({ id: line['id'] }).update({ status: 'paid', paid_at: new Date() });
  const paid = await world.as(`/v1/commissions/${line['id']}/adjust`, { amount: usd('9.00'), reason: 'Late' });
  expect([paid.status, paid.body['code']]).toEqual([409, 'commission_paid']);
  const offset = await world.as('/v1/commissions', {
    ...at,
    kind: 'adjustment',
    amount: usd('-6.00'),
    reason: 'Offsets the paid entry',
    skipHold: true,
  });
  expect([offset.status, offset.body['amount']], offset.text).toEqual([201, usd('-6.00')]);
  await world.owner('commissions').where({ id: line['id'] }).update({ status: 'approved', paid_at: null });
  expect(await world.broken()).toEqual([]);
});

test('COM-08: the net that is set counts earlier raises; a cut goes off the newest raise first, and what is in a payout stays', async () => {
  const at = await scene();
  const sale = await sell(at, '100.00');
  await approveReferral(sale);
  const line = await lineOf(sale);
  await decide(`/v1/commissions/${line['id']}/approve`);
  const lines = async () =>
    (await world.commissions(`affiliateId=${at.affiliateId}`))
      .toSorted((a, b) => String(a['id']).localeCompare(String(b['id'])))
      .map((one) => one['net']['amount'] as string);
  const [first] = await lines();
  const own = Number(first?.split('.')[0]);
  const whole = (units: number) => `${units}.00`;
  const steps: readonly (readonly [string, number, readonly number[]])[] = [
    ['raised', own + 4, [own, 4]],
    ['raised again: by what is missing, not by what the first line lacks', own + 6, [own, 4, 2]],
    ['the same net changes nothing', own + 6, [own, 4, 2]],
    ['cut: off the newest raise, then off the one before', own + 3, [own, 3, 0]],
    ['cut below what it earned', own - 1, [own - 1, 0, 0]],
    ['raised from there', own + 1, [own - 1, 0, 0, 2]],
  ];
  for (const [label, net, expected] of steps) {
    const body = { amount: usd(whole(net)), reason: 'Agreed', skipHold: true };
    const done = await world.as(`/v1/commissions/${line['id']}/adjust`, body);
    expect(done.status, `${label} ${done.text}`).toBe(200);
    expect(await lines(), label).toEqual(expected.map(whole));
    // What the next adjustment would set stands in the explanation: a form begins with it.
    const told = (await world.as(`/v1/commissions/${line['id']}/explanation`)).body['netWithRaises'];
    expect(told, label).toEqual(usd(whole(net)));
    expect(await world.broken(), label).toEqual([]);
  }
  const raise = (await world.commissions(`affiliateId=${at.affiliateId}&kind=adjustment&status=pending`))[0];
  await world.owner('commissions').where({ id: raise?.['id'] }).update({ status: 'paid', paid_at: new Date() });
  const cut = (net: number) =>
    world.as(`/v1/commissions/${line['id']}/adjust`, { amount: usd(whole(net)), reason: 'Late', skipHold: true });
  const tooMuch = await cut(1);
  expect([tooMuch.status, tooMuch.body['code']]).toEqual([409, 'commission_paid']); // 2.00 are out
  expect(await lines()).toEqual([own - 1, 0, 0, 2].map(whole));
  await world.owner('commissions').where({ id: raise?.['id'] }).update({ status: 'pending', paid_at: null });
});

test('COM-09: a bonus and a correction without a sale wait for their hold and go through the same approval', async () => {
  const at = await scene({ commissionHold: 'P14D' });
  const entry = (kind: string, amount: string, body: Readonly<Record<string, unknown>> = {}) =>
    world.as('/v1/commissions', { ...at, kind, amount: usd(amount), reason: 'Spring contest', ...body });
  const bonus = await entry('bonus', '25.00');
  expect([bonus.status, bonus.body['status'], bonus.body['saleId']], bonus.text).toEqual([201, 'pending', null]);
  const early = await world.as(`/v1/commissions/${bonus.body['id']}/approve`, {});
  expect([early.status, early.body['code'], early.body['blockers']?.[0]?.['code']]).toEqual([
    409,
    'commission_blocked',
    'in_hold_period',
  ]);
  const correction = await entry('adjustment', '-5.00', { skipHold: true });
  const approved = await world.as(`/v1/commissions/${correction.body['id']}/approve`, {});
  expect([approved.status, approved.body['status']], approved.text).toEqual([200, 'approved']);
  expect(await balanceOf(at)).toMatchObject({ pending: usd('25.00'), owed: usd('-5.00') });

  // In bulk as one by one: what its hold blocks is skipped, the rest is decided, and the batch can be taken back.
  const ready = await entry('bonus', '7.00', { skipHold: true });
  const ids = [bonus.body['id'], ready.body['id']];
  const dry = await world.as('/v1/operations', { kind: 'commissions.approve', ids, dryRun: true });
  expect(dry.body).toMatchObject({ eligible: 1, skipped: [{ id: bonus.body['id'], code: 'in_hold_period' }] });
  const { operation, items } = await bulk({ kind: 'commissions.approve', ids });
  expect(items).toMatchObject([
    { outcome: 'skipped', code: 'in_hold_period' },
    { outcome: 'succeeded', code: null },
  ]);
  expect(await balanceOf(at)).toMatchObject({ pending: usd('25.00'), owed: usd('2.00') });
  const undone = await runJob(await world.as(`/v1/operations/${operation['id']}/undo`, {}));
  expect(undone.items).toMatchObject([{ id: ready.body['id'], outcome: 'succeeded' }]);
  expect(await balanceOf(at)).toMatchObject({ pending: usd('32.00'), owed: usd('-5.00') });

  // ROL-02: a reviewer decides up to the limit, whichever way the money came in.
  const large = await entry('bonus', '1000.01', { skipHold: true });
  const reviewer = (await world.api.makePerson(world.ws, ['reviewer'], { name: 'Rhea' })).key;
  for (const verb of ['approve', 'reject']) {
    const refused = await world.api.as(reviewer, `/v1/commissions/${large.body['id']}/${verb}`, {
      body: { reason: 'Fine' },
    });
    expect([refused.status, refused.body['code']], verb).toEqual([403, 'over_limit']);
  }
  expect((await world.as(`/v1/commissions/${large.body['id']}`)).body['status']).toBe('pending');
  expect(await world.broken()).toEqual([]);
});

test('COM-10: affiliate, days, group and status together; the totals are those of what is left', async () => {
  const at = await scene();
  const group = await world.as('/v1/groups', { name: `Friends ${at.programId.slice(-6)}` });
  expect(group.status, group.text).toBe(201);
  const friend = { ...at, affiliateId: await world.affiliate(at.programId, { groupId: group.body['id'] }) };
  const first = await sell(friend, '100.00');
  await sell(friend, '50.00');
  await sell(at, '70.00');
  await decide(`/v1/commissions/${(await lineOf(first))['id']}/reject`);
  const read = async (query: string) => {
    const { status, text, body } = await world.as(
      `/v1/commissions?include=sums,counts&programId=${at.programId}${query}`,
    );
    expect(status, text).toBe(200);
    return [itemsOf(body['data']).length, body['sums'], body['counts']?.['total']];
  };
  const soon = new Date(Date.now() + dayMs).toISOString();
  const before = new Date(Date.now() - dayMs).toISOString();
  expect(
    await read(`&groupId=${group.body['id']}&status=pending&createdAt[gte]=${before}&createdAt[lt]=${soon}`),
  ).toEqual([1, [usd('10.00')], 1]);
  expect(await read(`&affiliateId=${at.affiliateId}&status=pending`)).toEqual([1, [usd('14.00')], 1]);
  expect(await read('&status=pending')).toEqual([2, [usd('24.00')], 2]);
  expect(await read(`&groupId=${group.body['id']}&createdAt[lt]=${before}`)).toEqual([0, [], 0]);
  // screens.md 3.10: per currency and status; what was rejected is worth nothing.
  expect((await world.as(`/v1/commissions?include=sums&programId=${at.programId}`)).body).toMatchObject({
    sums: [usd('24.00')],
    sumsByStatus: { pending: [usd('24.00')], rejected: [usd('0.00')] },
  });
});

test('COM-17: a declined charge earns nothing; its retry, sent twice, earns once', async () => {
  const at = await scene();
  const key = newId('sale');
  const body = {
    externalId: key,
    customer: { externalId: key, email: `${key}@buyer.example` },
    clickId: await world.click(at),
    amount: usd('50.00'),
  };
  const declined = await world.sale({ ...body, status: 'declined' });
  expect(declined).toMatchObject({ status: 'declined', noCommissionCode: 'declined', commissionIds: [] });
  const retried = await world.sale({ ...body, status: 'succeeded' });
  expect(retried).toMatchObject({ id: declined['id'], status: 'succeeded', noCommissionCode: null });
  const again = await world.as('/v1/sales', { ...body, status: 'succeeded' });
  await world.settle();
  expect([again.status, again.body['id']]).toEqual([200, declined['id']]);
  expect(await world.commissions(`saleId=${declined['id']}`)).toMatchObject([{ amount: usd('10.00') }]);
});

test('COM-19: the hold is frozen on the line and skipped in bulk with its date; at its end the line approves itself; 0 is none', async () => {
  const at = await scene({ commissionApproval: 'automatic', commissionHold: 'P14D' });
  const sale = await sell(at, '100.00');
  await approveReferral(sale);
  const line = await lineOf(sale);
  const releasesAt = Date.parse(sale['occurredAt']) + 14 * dayMs;
  expect(Date.parse(line['eligibleAt'])).toBe(releasesAt);
  const { items } = await bulk({ kind: 'commissions.approve', ids: [line['id']] });
  expect(items).toMatchObject([{ outcome: 'skipped', code: 'in_hold_period' }]);
  expect(items[0]?.['detail']).toContain(new Date(releasesAt).toISOString().slice(0, 10));

  const { version } = (await world.as(`/v1/programs/${at.programId}`)).body;
  const changed = await world.api.as(world.ws.key, `/v1/programs/${at.programId}`, {
    method: 'PATCH',
    body: { commissionHold: 'PT0S' },
    headers: { 'If-Match': `"${version}"` },
  });
  expect(changed.status, changed.text).toBe(200);
  await world.settle();
  expect(await lineOf(sale)).toMatchObject({ status: 'pending', eligibleAt: line['eligibleAt'] });
  // Without a hold the next one is approved as soon as its referral is.
  const next = await sell(at, '10.00');
  await approveReferral(next);
  expect(await lineOf(next)).toMatchObject({ status: 'approved' });
  // The 14 days are over.
  await world
    .owner('commissions')
    .where({ id: line['id'] })
    .update({ eligible_at: new Date(Date.now() - 1_000) });
  await world.settle();
  expect(await lineOf(sale)).toMatchObject({ status: 'approved' });
  const changes = itemsOf((await world.as(`/v1/commissions/${line['id']}/changes`)).body['data']);
  expect(changes.at(-1)).toMatchObject({ event: 'approved', actor: { type: 'system' } });

  // Where staff approve, the end of the hold only opens the queue.
  const queued = await scene({ commissionHold: 'PT0S' });
  const waiting = await sell(queued, '10.00');
  await approveReferral(waiting);
  expect(await lineOf(waiting)).toMatchObject({ status: 'pending', blockers: [] });
  expect(await world.broken()).toEqual([]);
});

test('RFD-03, RFD-04: only what was paid raises the number and the sum of refunds; what was not is voided', async () => {
  const at = await scene({ commissionApproval: 'automatic' });
  const paidSale = await sell(at, '100.00');
  const openSale = await sell(at, '50.00');
  for (const sale of [paidSale, openSale]) await approveReferral(sale);
  const portal = await portalOf(at);
  const figures = async () => {
    const own = (await world.api.as(portal, '/v1/me/refunds?include=counts')).body;
    const taken = (await world.as(`/v1/commissions?affiliateId=${at.affiliateId}&kind=clawback&include=sums,counts`))
      .body;
    const report = (await world.as(`/v1/reports/affiliate-performance?affiliateId=${at.affiliateId}`)).body;
    const [row] = itemsOf(report['rows']);
    return {
      columns: [row?.['refunds'], row?.['totalRefunds']],
      clawedBack: (await balanceOf(at))['clawedBack'],
      number: taken['counts']?.['total'],
      sums: taken['sums'],
      own: own['counts']?.['byStatus'],
    };
  };

  await refund(openSale);
  expect(await figures()).toEqual({
    columns: [0, []],
    clawedBack: usd('0.00'),
    number: 0,
    sums: [],
    own: { voided: 1 },
  });
  const line = await lineOf(paidSale);
  await world.owner('commissions').where({ id: line['id'] }).update({ status: 'paid', paid_at: new Date() });
  await refund(paidSale);
  expect(await figures()).toEqual({
    columns: [1, [usd('100.00')]],
    clawedBack: usd('20.00'),
    number: 1,
    sums: [usd('-20.00')],
    own: { voided: 1, clawed_back: 1 },
  });
  expect((await world.as(`/v1/commissions/${line['id']}`)).body).toMatchObject({
    status: 'paid',
    amount: usd('20.00'),
  });
});
