import { afterAll, beforeAll, expect, test } from 'vitest';
import { inWorkspace } from '../../../db/transaction.js';
import { postTransfers } from '../../../db/earning/ledger.js';
import { account } from '../../../domain/earning/ledger.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import { newId } from '../../../platform/newId.js';
import { itemsOf } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// money.md 5 and api.md 11: a debt given up, and suspense cleared with its document, under four eyes.

const usd = (amount: string) => ({ amount, currency: 'USD' });

let world: EarningWorld;
let fin: string;
let affiliateId: string;
let programId: string;

beforeAll(async () => {
  world = await createEarningWorld();
  fin = (await world.api.makePerson(world.ws, ['finance_approver'], { name: 'Fin' })).key;
  programId = await world.program();
  affiliateId = await world.affiliate(programId);
  const charge = await world.as('/v1/commissions', {
    affiliateId,
    programId,
    kind: 'adjustment',
    amount: usd('-8.00'),
    reason: 'Paid too much in spring',
    skipHold: true,
  });
  expect((await world.as(`/v1/commissions/${charge.body['id']}/approve`, {})).status).toBe(200);
}, 60_000);
afterAll(() => world?.close());

const accountOf = async (kind: string): Promise<string> =>
  itemsOf((await world.as(`/v1/ledger-accounts?kind=${kind}&currency=USD`)).body['data'])[0]?.['id'] ?? '';
const ask = (body: Readonly<Record<string, unknown>>) => world.as('/v1/ledger-adjustments', body);
const approve = (id: unknown, key = fin) =>
  world.api.as(key, `/v1/ledger-adjustments/${String(id)}/approve`, { body: {} });

test('a debt is given up by two people: nothing is posted before, once after, and the lines follow', async () => {
  const accountId = await accountOf('affiliate_receivable');
  const asked = await ask({ kind: 'write_off', accountId, amount: usd('5.00'), reason: 'Closed shop' });
  expect(asked.status, asked.text).toBe(201);
  // Somebody else may approve, so whoever asked may not; the second person finds it, with who asked and on which account.
  const open = { id: asked.body['id'], status: 'pending', amount: usd('5.00'), createdByName: 'Ana' };
  expect(asked.body).toMatchObject({ ...open, allowedActions: ['reject'] });
  const found = await world.api.as(fin, '/v1/ledger-adjustments?status=pending');
  const account = { kind: 'affiliate_receivable', ownerId: affiliateId };
  expect(itemsOf(found.body['data'])).toMatchObject([{ ...open, account, allowedActions: ['approve', 'reject'] }]);
  const reader = (await world.api.makePerson(world.ws, ['auditor'])).key;
  const path = `/v1/ledger-adjustments/${asked.body['id']}`;
  expect((await world.api.as(reader, path)).body).toMatchObject({ ...open, allowedActions: [] });
  const stranger = (await world.api.makePerson(world.ws, ['reviewer'])).key;
  for (const one of [path, '/v1/ledger-adjustments'])
    expect((await world.api.as(stranger, one)).body).toMatchObject({ status: 403, missingPermission: 'ledger.read' });
  expect(await world.trial()).toMatchObject({ affiliate_receivable: '8.00' });

  const own = await approve(asked.body['id'], world.ws.key);
  expect([own.status, own.body['code']]).toEqual([403, 'own_work']);
  const answers = await Promise.all(Array.from({ length: 8 }, () => approve(asked.body['id'])));
  expect(answers.filter((one) => one.status === 200)).toHaveLength(1);
  const late = answers.find((one) => one.status !== 200);
  expect(late?.body).toMatchObject({ status: 409, code: 'already_decided', decidedBy: { name: 'Fin' } });
  expect(await world.trial()).toMatchObject({ affiliate_receivable: '3.00', bad_debt_expense: '5.00' });
  const balances = await world.as(`/v1/affiliates/${affiliateId}/balances`);
  expect(balances.body[0]).toMatchObject({ owed: usd('-3.00'), payable: usd('-3.00') });
  expect(await world.commissions(`affiliateId=${affiliateId}&kind=write_off`)).toMatchObject([
    { status: 'approved', amount: usd('5.00'), reason: 'Closed shop' },
  ]);
  expect(await world.broken()).toEqual([]);
  expect((await world.as(path)).body).toMatchObject({ status: 'approved', approvedByName: 'Fin', allowedActions: [] });
  expect((await world.as('/v1/ledger-adjustments?status=pending')).body['data']).toEqual([]);
  expect((await world.as('/v1/ledger-adjustments?kind=suspense_clearing')).body['data']).toEqual([]);
  expect((await world.as('/v1/ledger-adjustments?status=odd')).status).toBe(422);
  expect((await world.as(`/v1/ledger-adjustments/${newId('transfer')}`)).status).toBe(404);

  const much = await ask({ kind: 'write_off', accountId, amount: usd('3.01'), reason: 'Too much' });
  const refused = await approve(much.body['id']);
  expect([refused.status, refused.body['code']]).toEqual([409, 'insufficient_balance']);
  expect(await world.trial()).toMatchObject({ affiliate_receivable: '3.00', bad_debt_expense: '5.00' });
});

test('BEY-04: an entry that nobody wants is withdrawn by who asked or refused by the second person, once, and posts nothing', async () => {
  const accountId = await accountOf('affiliate_receivable');
  const reject = (id: unknown, key: string, body: Readonly<Record<string, unknown>> = { reason: 'Wrong affiliate' }) =>
    world.api.as(key, `/v1/ledger-adjustments/${String(id)}/reject`, { body });
  const asking = () => ask({ kind: 'write_off', accountId, amount: usd('1.00'), reason: 'Asked in haste' });
  const before = await world.trial();
  const [mine, theirs] = [await asking(), await asking()];
  expect(mine.body).toMatchObject({ status: 'pending', allowedActions: ['reject'], rejectedAt: null });
  const path = `/v1/ledger-adjustments/${String(mine.body['id'])}`;
  expect((await world.api.as(fin, path)).body['allowedActions']).toEqual(['approve', 'reject']);

  const stranger = (await world.api.makePerson(world.ws, ['auditor'])).key;
  const elsewhere = await world.api.makeWorkspace({ name: 'Elsewhere' });
  expect((await reject(mine.body['id'], stranger)).status).toBe(403);
  expect((await reject(mine.body['id'], elsewhere.key)).status).toBe(404);
  expect((await reject(mine.body['id'], world.ws.testKey)).status).toBe(404);
  expect((await reject(mine.body['id'], world.ws.key, {})).body).toMatchObject({ status: 422 });

  const answers = await Promise.all(Array.from({ length: 8 }, () => reject(mine.body['id'], world.ws.key)));
  expect(answers.filter((one) => one.status === 409)).toHaveLength(7);
  expect(answers.find((one) => one.status === 200)?.body).toMatchObject({
    status: 'rejected',
    rejectedByName: 'Ana',
    rejectionReason: 'Wrong affiliate',
    approvedBy: null,
    allowedActions: [],
  });
  expect((await reject(theirs.body['id'], fin)).body).toMatchObject({ status: 'rejected', rejectedByName: 'Fin' });
  for (const key of [fin, world.ws.key])
    expect((await approve(mine.body['id'], key)).body).toMatchObject({
      status: 409,
      code: 'already_decided',
      currentStatus: 'rejected',
      decidedBy: { name: 'Ana' },
    });
  // One that was approved stays posted.
  const done = itemsOf((await world.as('/v1/ledger-adjustments?status=approved')).body['data'])[0];
  expect((await reject(done?.['id'], fin)).body).toMatchObject({ status: 409, currentStatus: 'approved' });

  expect(itemsOf((await world.as('/v1/ledger-adjustments?status=rejected')).body['data'])).toHaveLength(2);
  const open = itemsOf((await world.as('/v1/ledger-adjustments?status=pending')).body['data']);
  expect(open.map((one) => one['id'])).not.toContain(mine.body['id']);
  const history = await world.as(`/v1/audit-entries?objectId=${String(mine.body['id'])}`);
  expect(history.text).toContain('Wrong affiliate');
  expect(await world.trial()).toEqual(before);
  expect(await world.broken()).toEqual([]);
});

test('suspense is cleared to where its document says, from either side', async () => {
  await inWorkspace(world.api.db, world.ws.id, async (tx, now) => {
    const act = world.api.act(world.ws.id, now);
    const cause = { type: 'commission', id: (await tx('commissions').first<{ id: string }>('id'))?.id ?? '' };
    const amount = { minor: 700n, currency: 'USD' as CurrencyCode };
    const [cash, suspense] = [account('cash', 'sandbox'), account('suspense', 'sandbox')];
    await postTransfers(tx, act, [
      {
        kind: 'suspense.opened',
        key: `test/${newId('transfer')}`,
        cause,
        correctsKey: null,
        effectiveAt: null,
        postings: [{ debit: cash, credit: suspense, amount }],
      },
      {
        kind: 'gateway.funded',
        key: `test/${newId('transfer')}`,
        cause,
        correctsKey: null,
        effectiveAt: null,
        postings: [{ debit: cash, credit: account('merchant_funding'), amount }],
      },
    ]);
  });
  const accountId = await accountOf('suspense');
  const counterAccountId = await accountOf('merchant_funding');
  const body = { kind: 'suspense_clearing', accountId, reason: 'Found the deposit slip' };
  const funding = await ask({ ...body, counterAccountId, amount: usd('4.00') });
  expect(funding.status, funding.text).toBe(201);
  expect((await approve(funding.body['id'])).status).toBe(200);
  const back = await ask({ ...body, amount: usd('3.00') });
  expect((await approve(back.body['id'])).status).toBe(200);
  const trial = await world.trial();
  expect(trial['suspense']).toBeUndefined();
  expect(trial).toMatchObject({ merchant_funding: '-11.00', cash: '11.00' });
  const over = await ask({ ...body, amount: usd('0.01') });
  expect((await approve(over.body['id'])).body).toMatchObject({ status: 409, code: 'insufficient_balance' });
  expect(await world.broken()).toEqual([]);
});

test('what does not fit is refused and changes nothing', async () => {
  const accountId = await accountOf('affiliate_receivable');
  const good = { kind: 'write_off', accountId, amount: usd('1.00'), reason: 'x' };
  const before = await world.owner('ledger_adjustments').count();
  for (const [change, code] of [
    [{ amount: usd('0.00') }, 'validation_failed'],
    [{ amount: { amount: '1.00', currency: 'EUR' } }, 'currency_mismatch'],
    [{ accountId: await accountOf('bad_debt_expense') }, 'validation_failed'],
    [{ accountId: newId('ledgerAccount') }, 'validation_failed'],
    [{ kind: 'suspense_clearing' }, 'validation_failed'],
    [{ counterAccountId: await accountOf('bad_debt_expense') }, 'validation_failed'],
    [{ reason: '' }, 'validation_failed'],
  ] as const) {
    const refused = await ask({ ...good, ...change });
    expect([refused.status, refused.body['code']], JSON.stringify(change)).toEqual([422, code]);
  }
  const preparer = (await world.api.makePerson(world.ws, ['finance_preparer'])).key;
  expect((await world.api.as(preparer, '/v1/ledger-adjustments', { body: good })).status).toBe(403);
  const keyless = await fetch(`${world.api.url}/v1/ledger-adjustments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.ws.key}`, 'content-type': 'application/json' },
    body: JSON.stringify(good),
  });
  expect(keyless.status).toBe(428);
  expect((await approve(newId('transfer'))).status).toBe(404);
  expect(await world.owner('ledger_adjustments').count()).toEqual(before);
});

test('I17: a closed period keeps its figures: what happened in it and is told later is booked on the day it is told', async () => {
  const started = Date.now();
  const days = (ago: number): string => new Date(started - ago * 86_400_000).toISOString();
  const dayOf = (ago: number): LocalDate => days(ago).slice(0, 10) as LocalDate; // the workspace keeps UTC
  const book = (minor: bigint, effectiveAt: string): Promise<void> =>
    inWorkspace(world.api.db, world.ws.id, async (tx, now) => {
      const act = world.api.act(world.ws.id, now);
      const amount = { minor, currency: 'USD' as CurrencyCode };
      const cause = { type: 'commission', id: (await tx('commissions').first<{ id: string }>('id'))?.id ?? '' };
      const postings = [{ debit: account('cash', 'sandbox'), credit: account('merchant_funding'), amount }];
      const key = `test/${newId('transfer')}`;
      await postTransfers(tx, act, [
        { kind: 'gateway.funded', key, cause, correctsKey: null, effectiveAt: effectiveAt as Instant, postings },
      ]);
    });
  const figures = async () => {
    const found = await world.as(`/v1/ledger-trial-balance?currency=USD&effectiveThrough=${dayOf(2)}`);
    return [found.status, found.body['effectiveThrough'], found.body['rows'], found.body['balanced']];
  };
  const close = (body: Readonly<Record<string, unknown>>, key = fin) =>
    world.api.as(key, '/v1/ledger-periods', { body });

  await book(900n, days(3));
  const before = await figures();
  expect(before[2]).toMatchObject([{ kind: 'cash', debit: usd('9.00') }, { kind: 'merchant_funding' }]);
  for (const [body, key, status] of [
    [{ through: dayOf(0) }, fin, 422],
    [{ through: dayOf(-1) }, fin, 422],
    [{ through: '2026-02-30' }, fin, 422],
    [{}, fin, 422],
    [{ through: dayOf(2), note: '' }, fin, 422],
    [{ through: dayOf(2) }, (await world.api.makePerson(world.ws, ['finance_preparer'])).key, 403],
    [{ through: dayOf(2) }, (await world.api.makePerson(world.ws, ['admin'])).key, 403],
  ] as const) {
    const refused = await close(body, key);
    expect(refused.status, `${JSON.stringify(body)} ${refused.text}`).toBe(status);
  }
  const list = async (key = world.ws.key) => itemsOf((await world.api.as(key, '/v1/ledger-periods')).body['data']);
  expect(await list()).toEqual([]);

  const answers = await Promise.all(
    Array.from({ length: 4 }, () => close({ through: dayOf(2), note: 'Agreed with the accountant' })),
  );
  expect(answers.filter((one) => one.status === 201)).toHaveLength(1);
  expect(answers.filter((one) => one.status === 409)).toHaveLength(3);
  expect(answers.find((one) => one.status === 409)?.body).toMatchObject({ code: 'already_exists', field: 'through' });
  // Only forward, and each mode and workspace by itself.
  expect((await close({ through: dayOf(5) })).status).toBe(409);
  const elsewhere = await world.api.makeWorkspace({ name: 'Open books' });
  expect([await list(elsewhere.key), await list(world.ws.testKey)]).toEqual([[], []]);
  const [closed] = await list();
  expect(closed).toMatchObject({
    object: 'ledger_period',
    through: dayOf(2),
    throughAt: `${dayOf(2)}T23:59:59.999Z`,
    closedBy: { name: 'Fin' },
    note: 'Agreed with the accountant',
    test: false,
  });
  const history = await world.as(`/v1/audit-entries?objectId=${String(closed?.['id'])}`);
  expect(itemsOf(history.body['data'])).toMatchObject([{ objectType: 'ledger_period', event: 'closed' }]);

  await book(100n, days(3));
  await book(200n, days(1));
  expect(await figures()).toEqual(before);
  const dated = itemsOf((await world.as(`/v1/ledger-postings?kind=gateway.funded&limit=2`)).body['data']);
  expect(dated.map((one) => [one['amount'], one['effectiveAt'] === one['recordedAt']])).toEqual([
    [usd('2.00'), false],
    [usd('1.00'), true],
  ]);
  const within = encodeURIComponent(`${dayOf(2)}T23:59:59.999Z`);
  const found = await world.as(`/v1/ledger-postings?kind=gateway.funded&effectiveAt[lte]=${within}`);
  expect(itemsOf(found.body['data'])).toMatchObject([{ amount: usd('9.00') }]);
  expect((await close({ through: dayOf(1) })).status).toBe(201);
  expect((await list()).map((one) => one['through'])).toEqual([dayOf(1), dayOf(2)]);
  expect(await world.broken()).toEqual([]);
});

test('where nobody else may, a key is not enough: the owner of one proves nothing', async () => {
  const alone = await world.api.makeWorkspace({ name: 'Alone' });
  const asked = await inWorkspace(world.api.db, alone.id, async (tx, now) => {
    const act = world.api.act(alone.id, now);
    const cause = { type: 'payout', id: newId('payout') };
    await postTransfers(tx, act, [
      {
        kind: 'suspense.opened',
        key: 'test/1',
        cause,
        correctsKey: null,
        effectiveAt: null,
        postings: [
          {
            debit: account('cash', 'sandbox'),
            credit: account('suspense', 'sandbox'),
            amount: { minor: 100n, currency: 'USD' as CurrencyCode },
          },
        ],
      },
    ]);
    return (await tx('ledger_accounts').where({ kind: 'suspense' }).first<{ id: string }>('id'))?.id;
  });
  const made = await world.api.as(alone.key, '/v1/ledger-adjustments', {
    body: { kind: 'suspense_clearing', accountId: asked, amount: usd('1.00'), reason: 'Slip' },
  });
  expect(made.status, made.text).toBe(201);
  const refused = await approve(made.body['id'], alone.key);
  expect([refused.status, refused.body['code']]).toEqual([403, 'step_up_required']);
});
