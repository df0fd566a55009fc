import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fundGateway } from '../../../activities/payout/gateway.js';
import type { PayoutDeps } from '../../../activities/payout/deps.js';
import { createDraft } from '../../../activities/payout/payout.js';
import { migrateTo } from '../../../db/migrate.js';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { AffiliateId, PayoutId, PayoutRunId } from '../../../domain/ids.js';
import { merchantOf } from '../../../domain/payout/gateway.js';
import { restoreBackup } from '../../../platform/backup/restoreBackup.js';
import { takeBackup } from '../../../platform/backup/takeBackup.js';
import { newId } from '../../../platform/newId.js';
import { clockNow } from '../../../platform/clock.js';
import { itemsOf, startTestApi, type TestApi } from '../../api/support.js';
import { createPayoutWorld, type PayoutActivities, payoutActivities, type PayoutWorld, usd } from './payoutWorld.js';

// BEY-07, money.md 10: payouts paid, the database set back to before the last of them, and nobody is paid twice. TEST_SCALE=10 pays 500 and
// loses 200; the everyday run a tenth.

const scale = Number(process.env['TEST_SCALE'] ?? 1);
const all = 50 * scale;
const kept = 30 * scale;

let world: PayoutWorld;
let api: TestApi;
let owner: Knex;
let folder: string;
let ben: string;
let key: string;
let run: PayoutRunId;
let restored: PayoutDeps;
const environment = new MockActivityEnvironment();
const affiliates: AffiliateId[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restore-'));
  world = await createPayoutWorld({ sandbox: { times: { ok: 0, slow: 0, bounce: 1_000 } }, poolSize: 8 });
  api = await startTestApi();
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  restored = { ...world.deps, db: api.db, longDb: api.db };
  ben = await world.makePerson('Ben', ['finance_approver']);
  const money = 2_000n * BigInt(all + 10);
  await world.journal.append({
    at: clockNow(),
    deposit: 'wire-1',
    merchant: merchantOf({ workspaceId: world.workspaceId, mode: 'live' }),
    amountMinor: money.toString(),
    currency: 'USD',
  });
  await world.write((tx, act) =>
    fundGateway(tx, act, { gateway: 'sandbox', currency: usd, minor: money, reference: 'wire-1' }),
  );
});
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
  await world?.close();
  await rm(folder, { recursive: true });
});

const perform = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> =>
  environment.run((one: I) => activity(one), input) as Promise<R>;

/** What the workflow of one payout would do until it is settled or waits. */
async function drive(activities: PayoutActivities, payoutId: PayoutId): Promise<string> {
  const ref = { workspaceId: world.workspaceId, payoutId };
  let step = await perform(activities.resumePayout, ref);
  for (let turns = 0; turns < 20; turns += 1) {
    if (step.next === 'claim') step = await perform(activities.claimAttempt, ref);
    else if ((step.next === 'submit' || step.next === 'lookUp') && step.call !== null) {
      const input = { ...ref, ...step.call };
      const isCall = step.next === 'submit';
      const reply = await perform(isCall ? activities.submitAttempt : activities.lookUpAttempt, input);
      step = await perform(activities.recordAttempt, { ...input, source: isCall ? 'call' : 'lookUp', reply });
    } else break;
  }
  return step.status;
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

async function plan(activities: PayoutActivities, runId: PayoutRunId): Promise<void> {
  const ref = { workspaceId: world.workspaceId, payoutRunId: runId };
  let step = await perform(activities.resumePayoutRun, ref);
  while (step.next === 'plan') step = await perform(activities.planPage, ref);
}

async function release(activities: PayoutActivities, after: string, limit: number): Promise<readonly PayoutId[]> {
  const input = { workspaceId: world.workspaceId, payoutRunId: run, after, limit };
  return (await perform(activities.releasePayoutPage, input)).payoutIds;
}

/** Reads the gateway's list as its workflow would. */
async function readStatement(): Promise<void> {
  const activities = payoutActivities(restored);
  const ref = { workspaceId: world.workspaceId, gatewayId: 'sandbox' };
  const { adapter, until, modes } = await perform(activities.planStatement, ref);
  for (const { mode, since } of modes) {
    const input = { ...ref, adapter: adapter ?? '', mode, until };
    const { statementHash } = await perform(activities.fetchStatement, { ...input, since });
    await perform(activities.recordStatement, { ...input, statementHash });
  }
}

/** How often the gateway paid to each account, by its own journal. */
async function payments(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const { entry } of await world.journal.readAll())
    if (typeof entry['account'] === 'string') counts.set(entry['account'], (counts.get(entry['account']) ?? 0) + 1);
  return counts;
}

const unfreeze = () =>
  api.as(key, '/v1/payout-freeze', { method: 'PUT', body: { frozen: false, reason: 'Every list was read' } });
const stranger = 'account-of-the-stranger';

test(`BEY-07: ${all} payouts paid, the database set back to before the last ${all - kept}: none of those is paid again`, async () => {
  const before = payoutActivities(world.deps);
  for (let index = 0; index < all; index += 1) {
    const affiliateId = await world.makeAffiliate(`A ${index}`);
    await world.makeMethod(affiliateId, { account: `account-${index}` });
    await world.earn(affiliateId, 2_000n);
    affiliates.push(affiliateId);
  }
  run = await world.startRun({ filter: { affiliateIds: affiliates } });
  await plan(before, run);
  const ref = { workspaceId: world.workspaceId, payoutRunId: run };
  for (const verb of ['approve', 'execute'] as const) {
    const { plan_hash: planHash } = await world.row('payout_runs', run);
    const fact = await world.wish({ type: 'payout_run', id: run, verb, by: ben, params: { planHash } });
    await perform(before.decidePayoutRun, { ...ref, fact });
  }
  const first = await release(before, '', kept);
  await inTurns(first, (id) => drive(before, id));
  // At the moment of the backup some are released, one of them is being sent, and the rest are drafts; somebody has no payout at all.
  const second = await release(before, first.at(-1) ?? '', Math.floor((all - kept) / 2));
  const [underWay] = second;
  if (underWay === undefined) throw new Error('nothing was released');
  await perform(before.claimAttempt, { workspaceId: world.workspaceId, payoutId: underWay });
  const late = await world.makeAffiliate('Late');
  await world.makeMethod(late, { account: stranger });
  await world.earn(late, 3_100n);

  await takeBackup({ ownerUrl: world.database.ownerUrl, folder: join(folder, 'b1'), dataDir: join(folder, 'data') });
  await inTurns(second, (id) => drive(before, id));
  await inTurns(await release(before, second.at(-1) ?? '', all), (id) => drive(before, id));
  const lost = await world.write((tx, act) =>
    createDraft(tx, act, { affiliateId: late, currency: usd, gateways: { sandboxPaysLive: true } }),
  );
  const approved = await world.wish({ type: 'payout', id: lost, verb: 'approve', by: ben });
  await perform(before.decidePayout, { workspaceId: world.workspaceId, payoutId: lost, fact: approved });
  expect(await drive(before, lost)).toBe('paid');
  expect(await world.rows('payouts', { status: 'paid' })).toHaveLength(all + 1);
  expect((await payments()).size).toBe(all + 1);

  await restoreBackup({
    ownerUrl: api.database.ownerUrl,
    folder: join(folder, 'b1'),
    dataDir: join(folder, 'data'),
    migrateTo,
  });
  ({ key } = await api.makePerson({ id: world.workspaceId }, ['finance_approver'], { name: 'Cara' }));
  expect(await owner('payouts').where({ status: 'paid' })).toHaveLength(kept);

  // Frozen, and nobody can lift it before the list was read.
  expect((await api.as(key, '/v1/payout-freeze')).body).toMatchObject({
    frozen: true,
    reasons: [{ scope: 'workspace' }, { scope: 'gateway', gatewayId: 'sandbox' }],
  });
  const tooEarly = await unfreeze();
  expect([tooEarly.status, tooEarly.body['code']]).toEqual([409, 'payouts_frozen']);
  expect(tooEarly.body['reasons']).toMatchObject([{ gateway: 'sandbox', mode: 'live', readUntil: null }]);
  const after = payoutActivities(restored);
  const open = async (): Promise<readonly PayoutId[]> =>
    (await owner('payouts').whereIn('status', ['draft', 'pending']).orderBy('id').select<{ id: PayoutId }[]>('id')).map(
      ({ id }) => id,
    );
  for (const id of second)
    expect(await drive(after, id), 'frozen: only what was sent is followed up').toBe(
      id === underWay ? 'paid' : 'pending',
    );

  await readStatement();
  await readStatement(); // twice: the second changes nothing
  const recovered = await owner('payout_attempts')
    .whereNotNull('recovered_at')
    .count<{ count: string }[]>('* as count');
  expect(Number(recovered[0]?.count)).toBe(all - kept - 1);
  const stillOpen = await open();
  expect(stillOpen).toHaveLength(all - kept - 1);
  await inTurns(stillOpen, async (id) => expect(await drive(after, id)).toBe('paid'));

  // The payout that the database never heard of is a difference: a person has to say what it is.
  await readStatement();
  const refused = await unfreeze();
  expect([refused.status, refused.body['code']]).toEqual([409, 'payouts_frozen']);
  expect(refused.body['reasons']).toMatchObject([{ gateway: 'sandbox', openDifferences: 1 }]);
  const [reconciliation] = itemsOf((await api.as(key, '/v1/reconciliations')).body['data']);
  const items = await api.as(
    key,
    `/v1/reconciliations/${String(reconciliation?.['id'])}/items?class=unknown_reference`,
  );
  expect(itemsOf(items.body['data'])).toHaveLength(1);
  const [item] = itemsOf(items.body['data']);
  const dora = (await api.makePerson({ id: world.workspaceId }, ['owner'], { name: 'Dora' })).key;
  const resolve = (body: Readonly<Record<string, unknown>>) =>
    api.as(dora, `/v1/reconciliation-items/${String(item?.['id'])}/resolve`, {
      body: { reason: 'Paid to Late, by the provider’s own list', ...body },
    });
  const nobody = newId('affiliate');
  for (const [body, code] of [
    [{ resolution: 'affiliate' }, 'required'],
    [{ resolution: 'suspense', affiliateId: late }, 'not_allowed_here'],
    [{ resolution: 'affiliate', affiliateId: nobody }, 'not_found'],
  ] as const)
    expect((await resolve(body)).body).toMatchObject({ status: 422, errors: [{ pointer: '#/affiliateId', code }] });
  const named = { resolution: 'affiliate', affiliateId: late };
  const settled = await resolve(named);
  expect(settled.status, settled.text).toBe(200);
  expect(settled.body).toMatchObject(named);
  expect((await resolve(named)).body).toMatchObject({ status: 409, code: 'already_decided' });
  // Late was owed 31.00 by the database that was set back, and has it.
  const [balance] = (await api.as(dora, `/v1/affiliates/${late}/balances`)).body as unknown as { payable: unknown }[];
  expect(balance).toMatchObject({ payable: { amount: '0.00', currency: 'USD' } });
  const [taken] = itemsOf((await api.as(dora, `/v1/commissions?affiliateId=${late}&kind=late_payment`)).body['data']);
  expect(taken).toMatchObject({ status: 'approved', amount: { amount: '-31.00', currency: 'USD' } });
  const why = await api.as(dora, `/v1/commissions/${String(taken?.['id'])}/explanation`);
  expect(why.body, why.text).toMatchObject({ cause: { type: 'reconciliation_item', id: item?.['id'] } });
  expect(why.text).toContain('31.00 USD that the gateway');
  await readStatement();
  const newest = itemsOf((await api.as(key, '/v1/reconciliations')).body['data'])[0];
  expect(newest, 'what was booked is no difference any more').toMatchObject({ openDifferences: 0 });
  const free = await unfreeze();
  expect(free.status, free.text).toBe(200);
  expect(free.body).toMatchObject({ frozen: false, reasons: [] });

  // A run over everybody pays nobody again.
  const again = await api.as(dora, '/v1/payout-runs', { body: { currencies: ['USD'] } });
  expect(again.status, again.text).toBe(202);
  await plan(after, String(again.body['id']) as PayoutRunId);
  expect(await owner('payout_runs').where({ id: again.body['id'] }).first()).toMatchObject({ status: 'completed' });
  for (const id of await open()) await drive(after, id);
  const counts = await payments();
  expect(counts.size).toBe(all + 1);
  expect([...counts].filter(([, times]) => times !== 1)).toEqual([]);
  const broken = await inWorkspace(api.db, world.workspaceId, (tx) => checkBooks(tx));
  expect(broken.filter((one) => one.violations > 0 && !['I12', 'I14'].includes(one.id))).toEqual([]);
}, 900_000);
