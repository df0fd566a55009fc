import { randomUUID } from 'node:crypto';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { insertRow } from '../../support/rows.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';

// Each filter that api.md 9.2, 10.3 and 11 name for lists of money, told apart on two rows that differ in everything: one that were ignored would
// show, and sum, both. Fields meet by AND, values by OR.

let api: TestApi;
let shop: TestWorkspace;
let owner: Knex;
type Side = Readonly<
  Record<'affiliate' | 'group' | 'program' | 'run' | 'payout' | 'commission' | 'transfer' | 'cause' | 'debit', string>
>;
let a: Side;
let b: Side;

const days = { a: '2026-03-01', b: '2026-04-01' } as const;
const at = (day: string) => `${day}T12:00:00.000Z`;

/** A payout with its attempt, its line and a posting, alike in nothing with another one. */
async function side(of: {
  readonly day: string;
  readonly currency: string;
  readonly payout: Readonly<Record<string, unknown>>;
  readonly attempt: string;
  readonly commission: Readonly<Record<string, unknown>>;
  readonly minor: number;
  readonly transfer: Readonly<Record<string, unknown>>;
}): Promise<Side> {
  const { day, currency } = of;
  const ids: Side = {
    affiliate: newId('affiliate'),
    group: newId('group'),
    program: newId('program'),
    run: newId('payoutRun'),
    payout: newId('payout'),
    commission: newId('commission'),
    transfer: newId('transfer'),
    cause: newId('sale'),
    debit: randomUUID(),
  };
  const common = { workspace_id: shop.id };
  const live = { ...common, mode: 'live', currency };
  const contactId = newId('contact');
  const credit = randomUUID();
  await insertRow(owner, 'contacts', { ...common, id: contactId, name: 'Jo' });
  await insertRow(owner, 'groups', { ...common, id: ids.group, name: ids.group });
  await insertRow(owner, 'affiliates', {
    ...common,
    id: ids.affiliate,
    contact_id: contactId,
    group_id: ids.group,
    email: `${ids.affiliate}@blog.example`,
    status: 'approved',
  });
  await insertRow(owner, 'programs', {
    ...common,
    id: ids.program,
    name: ids.program,
    slug: ids.program,
    status: 'active',
    currency,
  });
  await insertRow(owner, 'payout_runs', {
    ...common,
    mode: 'live',
    id: ids.run,
    status: 'completed',
    workflow_id: ids.run,
    created_by_type: 'system',
  });
  await insertRow(owner, 'payouts', {
    ...live,
    id: ids.payout,
    run_id: ids.run,
    affiliate_id: ids.affiliate,
    amount_minor: 1_000,
    gateway: 'manual',
    execution: 'manual',
    created_by_type: 'system',
    created_at: at(day),
    ...of.payout,
  });
  await insertRow(owner, 'payout_attempts', {
    ...common,
    id: newId('payoutAttempt'),
    payout_id: ids.payout,
    state: of.attempt,
    gateway: 'manual',
    currency,
    amount_minor: 1_000,
  });
  await insertRow(owner, 'commissions', {
    ...live,
    id: ids.commission,
    affiliate_id: ids.affiliate,
    program_id: ids.program,
    cause_type: 'commission',
    cause_id: ids.commission,
    exact_denominator: 1,
    exact_numerator: of.minor,
    amount_minor: of.minor,
    parts: '[]',
    eligible_at: at(day),
    created_at: at(day),
    ...of.commission,
  });
  await insertRow(owner, 'payout_lines', {
    ...common,
    payout_id: ids.payout,
    commission_id: ids.commission,
    amount_minor: 1_000,
  });
  for (const [id, kind, normal] of [
    [ids.debit, 'commission_expense', 'debit'],
    [credit, 'affiliate_payable', 'credit'],
  ] as const)
    await insertRow(owner, 'ledger_accounts', { ...live, id, kind, owner_id: ids.affiliate, normal_side: normal });
  // A transfer has its postings at COMMIT.
  await owner.transaction(async (tx) => {
    await insertRow(tx, 'ledger_transfers', {
      ...common,
      mode: 'live',
      id: ids.transfer,
      commit_id: randomUUID(),
      idempotency_key: ids.transfer,
      cause_id: ids.cause,
      effective_at: at(day),
      recorded_at: at(day),
      ...of.transfer,
    });
    await insertRow(tx, 'ledger_postings', {
      ...live,
      transfer_id: ids.transfer,
      debit_account_id: ids.debit,
      credit_account_id: credit,
      amount_minor: 1_000,
    });
  });
  return ids;
}

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: true });
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 1, max: 1 } });
  await owner.raw(`select set_config('tributary.workspace_id', ?, false)`, [shop.id]); // the ledger's triggers ask for it
  a = await side({
    day: days.a,
    currency: 'USD',
    payout: { status: 'paid', method_type: 'bank', paid_on: days.a },
    attempt: 'returned',
    commission: { kind: 'bonus', status: 'paid', level: 1 },
    minor: 1_000,
    transfer: { kind: 'commission.accrued', cause_type: 'sale' },
  });
  b = await side({
    day: days.b,
    currency: 'EUR',
    payout: { status: 'pending', method_type: 'paypal', paid_on: null, due_on: days.a },
    attempt: 'refused',
    commission: { kind: 'clawback', status: 'approved', level: 2, on_hold: true },
    minor: -1_000,
    transfer: { kind: 'commission.approved', cause_type: 'commission' },
  });
}, 60_000);
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
});

const march = { gte: days.a, lt: '2026-03-02' };
const range = (field: string, at: (day: string) => string) =>
  `${field}[gte]=${at(march.gte)}&${field}[lt]=${at(march.lt)}`;
const instant = (day: string) => `${day}T00:00:00.000Z`;
const same = (day: string) => day;

type Filter = readonly [name: string, ofA: () => string, ofB: () => string | null];
const lists: readonly (readonly [path: string, id: (side: Side) => string, filters: readonly Filter[]])[] = [
  [
    'payouts',
    (one) => one.payout,
    [
      ['status', () => 'status=paid', () => 'status=pending,draft'],
      ['problem', () => 'problem=returned', () => 'problem=failed'],
      ['affiliateId', () => `affiliateId=${a.affiliate}`, () => `affiliateId=${b.affiliate}`],
      ['runId', () => `runId=${a.run}`, () => `runId=${b.run}`],
      ['methodType', () => 'methodType=bank', () => 'methodType=paypal'],
      ['currency', () => 'currency=USD', () => 'currency=EUR'],
      ['overdue', () => 'overdue=false', () => 'overdue=true'],
      ['paidOn', () => range('paidOn', same), () => null],
      ['createdAt', () => range('createdAt', instant), () => `createdAt[gt]=${instant('2026-03-02')}`],
      ['q', () => `q=${a.payout}`, () => `q=${b.affiliate}@blog`],
    ],
  ],
  [
    'commissions',
    (one) => one.commission,
    [
      ['status', () => 'status=paid', () => 'status=approved,pending'],
      ['list', () => 'list=history', () => 'list=payable'],
      ['affiliateId', () => `affiliateId=${a.affiliate}`, () => `affiliateId=${b.affiliate}`],
      ['groupId', () => `groupId=${a.group}`, () => `groupId=${b.group}`],
      ['programId', () => `programId=${a.program}`, () => `programId=${b.program}`],
      ['level', () => 'level=1', () => 'level=2'],
      ['kind', () => 'kind=bonus', () => 'kind=clawback'],
      ['onHold', () => 'onHold=false', () => 'onHold=true'],
      ['payoutId', () => `payoutId=${a.payout}`, () => `payoutId=${b.payout}`],
      ['eligibleAt', () => range('eligibleAt', instant), () => `eligibleAt[gte]=${instant('2026-03-02')}`],
      ['createdAt', () => range('createdAt', instant), () => `createdAt[gte]=${instant('2026-03-02')}`],
    ],
  ],
  [
    'ledger-postings',
    (one) => `${one.transfer}.1`,
    [
      ['transferId', () => `transferId=${a.transfer}`, () => `transferId=${b.transfer}`],
      ['kind', () => 'kind=commission.accrued', () => 'kind=commission.approved'],
      ['causeType', () => 'causeType=sale', () => 'causeType=commission'],
      ['causeId', () => `causeId=${a.cause}`, () => `causeId=${b.cause}`],
      ['accountId', () => `accountId=${a.debit}`, () => `accountId=${b.debit}`],
      ['recordedAt', () => range('recordedAt', instant), () => `recordedAt[gt]=${instant('2026-03-02')}`],
      ['effectiveAt', () => range('effectiveAt', instant), () => `effectiveAt[gt]=${instant('2026-03-02')}`],
    ],
  ],
];

const rowsOf = async (path: string, query: string): Promise<readonly string[]> => {
  const answer = await api.as(shop.key, `/v1/${path}?${query}`);
  expect(answer.status, answer.text).toBe(200);
  return itemsOf(answer.body['data']).map((row) => String(row['id']));
};

describe.each(lists)('%s', (path, idOf, filters) => {
  test.each(filters)('%s shows what it asks for and nothing else', async (_name, ofA, ofB) => {
    expect(await rowsOf(path, ofA())).toEqual([idOf(a)]);
    const other = ofB();
    if (other !== null) expect(await rowsOf(path, other)).toEqual([idOf(b)]);
  });

  test('two fields meet: what no row has both of is nothing; without any, both are there', async () => {
    const first = filters[0];
    const last = filters.at(-1);
    expect(await rowsOf(path, `${first?.[1]() ?? ''}&${last?.[2]() ?? ''}`)).toEqual([]);
    expect((await rowsOf(path, '')).toSorted()).toEqual([idOf(a), idOf(b)].toSorted());
  });
});
