import { afterAll, beforeAll, expect, test } from 'vitest';
import { newestAsOf } from '../../../db/reads/earning/trialBalance.js';
import { readWorkspace } from '../../../db/transaction.js';
import { dateIn, startOfDay } from '../../../domain/calendar.js';
import { addMs, type Instant } from '../../../domain/time.js';
import { newId } from '../../../platform/newId.js';
import { saveSettings } from '../program/support.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';
import { eventually } from '../../support/eventually.js';

// BEY-12: what is asked for as of an instant equals what was exported at that instant, whatever happened since.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let ada: string;
let bo: string;
let programId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program();
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  ada = await world.affiliate(programId, { name: 'Ada', minimumPayout: [usd('5.00')] });
  bo = await world.affiliate(programId, { name: 'Bo' });
}, 60_000);
afterAll(() => world?.close());

async function bonus(affiliateId: string, amount: string): Promise<string> {
  const made = await world.as('/v1/commissions', {
    affiliateId,
    programId,
    kind: 'bonus',
    amount: usd(amount),
    reason: 'For the test',
    skipHold: true,
  });
  expect(made.status, made.text).toBe(201);
  expect((await world.as(`/v1/commissions/${made.body['id']}/approve`, {})).status).toBe(200);
  return made.body['id'];
}

const owedRows = async (query = ''): Promise<readonly unknown[]> =>
  itemsOf((await world.as(`/v1/payouts/due${query}`)).body['data'])
    .filter((row) => row['amount']['amount'] !== '0.00')
    .map((row) => [row['affiliateId'], row['name'], row['amount'], row['commissions']]);
const balances = async (id: string, query = ''): Promise<Json> =>
  (await world.as(`/v1/affiliates/${id}/balances${query}`)).body;
const sheet = async (query = '') => (await world.as(`/v1/ledger-trial-balance?currency=USD${query}`)).body;

interface Picture {
  readonly at: Instant;
  readonly owed: readonly unknown[];
  readonly ada: Json;
  readonly bo: Json;
  readonly rows: Json;
  readonly statement: Paper | undefined;
}

interface Paper {
  readonly amount: { readonly amount: string };
}

let payoutId: string | undefined;
const statement = async (query = ''): Promise<Paper | undefined> => {
  if (payoutId === undefined) return undefined;
  const read = await world.as(`/v1/payouts/${payoutId}/statement${query}`);
  return read.status === 404 ? undefined : (read.body as unknown as Paper);
};

/** Everything as it is now, and the instant at which it is that. */
async function take(): Promise<Picture> {
  const [owed, adas, bos, trial] = [await owedRows(), await balances(ada), await balances(bo), await sheet()];
  const paper = await statement();
  const at = await readWorkspace(world.api.db, world.ws.id, (_tx, now) => Promise.resolve(now));
  await new Promise((resolve) => setTimeout(resolve, 20)); // the next commit is of a later millisecond
  return { at, owed, ada: adas, bo: bos, rows: trial['rows'], statement: paper };
}

const pictures: Picture[] = [];

test('BEY-12: owed list, balances, statement and trial balance as of an instant equal what was read then', async () => {
  const customer = newId('contact');
  const clickId = await world.click({ programId, affiliateId: ada });
  await world.as('/v1/leads', {
    externalId: customer,
    clickId,
    email: 'jo@buyer.example',
    customerExternalId: customer,
  });
  await world.settle();
  const sale = await world.sale({
    externalId: 'order-1',
    programId,
    customer: { externalId: customer },
    amount: usd('100.00'),
  });
  pictures.push(await take()); // pending only
  await world.settled(world.as(`/v1/referrals/${sale['referralId']}/approve`, {}));
  await bonus(bo, '7.50');
  pictures.push(await take()); // payable
  const method = await world.as(`/v1/affiliates/${ada}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  const fin = (await world.api.makePerson(world.ws, ['owner'], { name: 'Fin' })).key;
  const verified = await world.api.as(fin, `/v1/payout-methods/${method.body['id']}/verify`, {
    body: { reason: 'Called' },
  });
  expect(verified.status, verified.text).toBe(200);
  const draft = await world.as('/v1/payouts', { affiliateId: ada, currency: 'USD' });
  expect(draft.status, draft.text).toBe(201);
  payoutId = draft.body['id'] as string;
  pictures.push(await take()); // reserved
  await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: 'rf-1', amount: usd('40.00') });
  await world.settle();
  pictures.push(await take()); // replanned by a refund
  await bonus(ada, '3.00');
  await bonus(bo, '1.00');
  pictures.push(await take());

  const last = pictures.at(-1)?.at ?? '';
  await eventually(
    async () => {
      const newest = await readWorkspace(world.api.db, world.ws.id, (tx) => newestAsOf(tx));
      if (newest < last) throw new Error(`${newest} is before ${last}`);
      return newest;
    },
    { within: 120_000, every: 500 },
  );
  for (const [index, picture] of pictures.entries()) {
    const query = `asOf=${encodeURIComponent(picture.at)}`;
    expect(await owedRows(`?${query}`), `owed, picture ${index}`).toEqual(picture.owed);
    expect(await balances(ada, `?${query}`), `Ada, picture ${index}`).toEqual(picture.ada);
    expect(await balances(bo, `?${query}`), `Bo, picture ${index}`).toEqual(picture.bo);
    expect((await sheet(`&${query}`))['rows'], `ledger, picture ${index}`).toEqual(picture.rows);
  }
  for (const [index, picture] of pictures.entries())
    expect(await statement(`?asOf=${encodeURIComponent(picture.at)}`), `statement, picture ${index}`).toEqual(
      picture.statement,
    );
  expect(pictures.map((picture) => picture.statement?.amount.amount ?? null)).toEqual([
    null,
    null,
    '20.00',
    '12.00',
    '12.00',
  ]);
  expect(new Set(pictures.map((picture) => JSON.stringify(picture.ada))).size).toBe(5);
  expect(await world.broken()).toEqual([]);
}, 180_000);

test('BEY-12: the list as of an instant pages without a gap; one that may still change is refused with the newest allowed', async () => {
  const newest = await readWorkspace(world.api.db, world.ws.id, (tx) => newestAsOf(tx));
  const query = `asOf=${encodeURIComponent(newest)}`;
  const all = itemsOf((await world.as(`/v1/payouts/due?${query}`)).body['data']);
  const pages: Json[] = [];
  let cursor = '';
  do {
    const page = await world.as(`/v1/payouts/due?limit=1&${query}${cursor}`);
    pages.push(...itemsOf(page.body['data']));
    cursor = page.body['nextCursor'] === null ? '' : `&cursor=${page.body['nextCursor']}`;
  } while (cursor !== '');
  expect(pages).toEqual(all);
  expect(all).toHaveLength(2);
  const found = itemsOf((await world.as(`/v1/payouts/due?q=${ada}&${query}`)).body['data']);
  expect(found).toEqual(all.filter((row) => row['affiliateId'] === ada));
  for (const path of ['/v1/payouts/due?', `/v1/affiliates/${ada}/balances?`]) {
    const early = await world.as(`${path}asOf=2100-01-01T00:00:00Z`);
    expect([early.status, early.body['errors'][0]?.['code']]).toEqual([422, 'out_of_range']);
    expect((await world.as(`${path}asOf=yesterday`)).status).toBe(422);
  }
});

test('BEY-12: as of a day is as of its 24:00 in the workspace’s zone, to the millisecond', async () => {
  const zone = 'Pacific/Kiritimati';
  await saveSettings(world.api, world.ws, { general: { timeZone: zone } });
  const now = await readWorkspace(world.api.db, world.ws.id, (_tx, at) => Promise.resolve(at));
  const today = dateIn(zone, now);
  const midnight = startOfDay(zone, today);
  const yesterday = dateIn(zone, addMs(midnight, -1));
  // What was there in the fourth picture happened until the last millisecond of yesterday, the rest from the first of today on.
  const picture = pictures[3];
  if (picture === undefined) throw new Error('no picture');
  await world.owner.transaction(async (tx) => {
    for (const [table, column] of [
      ['ledger_transfers', 'recorded_at'],
      ['audit_entries', 'at'],
      ['payout_lines', 'created_at'],
      ['payout_lines', 'released_at'],
    ] as const) {
      await tx.raw(`alter table ${table} disable trigger user`);
      await tx.raw(
        `with edge as (select max(${column}) filter (where ${column} <= :at) as before, min(${column}) filter (where ${column} > :at) as after
                       from ${table} where workspace_id = :workspaceId)
         update ${table} set ${column} = case
           when ${column} <= :at then :midnight::timestamptz - interval '1 millisecond' - ((select before from edge) - ${column})
           else :midnight::timestamptz + (${column} - (select after from edge)) end
         where workspace_id = :workspaceId and ${column} is not null`,
        { at: picture.at, midnight, workspaceId: world.ws.id },
      );
      await tx.raw(`alter table ${table} enable trigger user`);
    }
  });
  const query = `asOf=${yesterday}`;
  expect(await owedRows(`?${query}`)).toEqual(picture.owed);
  expect(await balances(ada, `?${query}`)).toEqual(picture.ada);
  expect((await sheet(`&${query}`))['rows']).toEqual(picture.rows);
  expect((await statement(`?${query}`))?.amount).toEqual(picture.statement?.amount);
  const dayBefore = dateIn(zone, addMs(midnight, -2 * 86_400_000));
  expect(await owedRows(`?asOf=${dayBefore}`)).toEqual([]);
  const unfinished = await world.as(`/v1/payouts/due?asOf=${today}`);
  expect([unfinished.status, unfinished.body['errors'][0]?.['code']]).toEqual([422, 'out_of_range']);
});
