import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkBooks, readInvariants } from '../../../db/reads/earning/bookChecks.js';
import { provided } from '../../support/provided.js';
import { createEarningWorld, type EarningWorld } from '../../api/earning/earningWorld.js';

// money.md 11: each invariant is silent over right books and speaks after the matching damage, done by a superuser with every trigger and
// foreign key of the session switched off, and rolled back.

let world: EarningWorld;
let superuser: Knex;

beforeAll(async () => {
  world = await createEarningWorld();
  const url = new URL(provided('database').adminUrl);
  url.pathname = `/${world.api.database.name}`;
  superuser = knexFactory({ client: 'pg', connection: url.toString(), pool: { min: 0, max: 1 } });
  const programId = await world.program({ commissionApproval: 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  const affiliateId = await world.affiliate(programId);
  const clickId = await world.click({ programId, affiliateId });
  const customer = { email: 'jo@buyer.example' };
  const amount = { amount: '50.00', currency: 'USD' };
  const first = await world.sale({ externalId: 'order-1', clickId, customer, amount });
  await world.settled(world.as(`/v1/referrals/${String(first['referralId'])}/approve`, { reason: 'Real' }));
  await world.as(`/v1/sales/${String(first['id'])}/refunds`, {
    externalId: 'rf-1',
    amount: { amount: '10.00', currency: 'USD' },
  });
  await world.settle();
  const programOfHold = await world.program({ commissionHold: 'P30D' });
  await world.rule({
    scope: 'program',
    programId: programOfHold,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
  });
  const other = await world.affiliate(programOfHold);
  await world.sale({
    externalId: 'order-2',
    clickId: await world.click({ programId: programOfHold, affiliateId: other }),
    amount,
  });
}, 60_000);
afterAll(async () => {
  await superuser.destroy();
  await world.close();
});

const payout = (columns: string, values: string) =>
  `insert into payouts (workspace_id, id, mode, affiliate_id, currency, amount_minor, method_type, execution, gateway, created_by_type${columns})
   select workspace_id, 'pay_damage', mode, affiliate_id, currency, 5, 'sandbox', 'gateway', 'sandbox', 'user'${values}
   from commissions order by id limit 1`;

const damages: readonly (readonly [id: string, what: string, ...statements: string[]])[] = [
  ['I1', 'a posting in the other mode', `update ledger_postings set mode = 'test'`],
  ['I2', 'a lost posting', `delete from ledger_postings where line = 1`],
  ['I3', 'a dropped trigger', `drop trigger append_only on ledger_postings`],
  ['I3', 'a right to change postings', `grant update on ledger_transfers to tributary_app`],
  [
    'I4',
    'a balance that is not the sum',
    `update account_balances set debit_minor = debit_minor + 1, credit_minor = credit_minor + 1`,
  ],
  [
    'I5',
    'an account below zero',
    `alter table account_balances drop constraint balance_not_negative`,
    `update account_balances set debit_minor = debit_minor + 999999, credit_minor = credit_minor`,
  ],
  ['I5', 'a floored account without its row', `delete from account_balances`],
  [
    'I6',
    'a correction above what it corrects',
    `update ledger_postings set amount_minor = amount_minor + 100000 where transfer_id in (select id from ledger_transfers where corrects_transfer_id is not null)`,
  ],
  [
    'I7',
    'a fact posted twice',
    `alter table ledger_transfers drop constraint transfer_posted_once`,
    `update ledger_transfers set idempotency_key = 'same'`,
  ],
  ['I8', 'a payout that holds nothing', payout(', status', `, 'draft'`)],
  ['I9', 'a payout paid by no attempt', payout(', status', `, 'paid'`)],
  ['I10', 'a paid commission in no payout', `update commissions set status = 'paid' where status = 'approved'`],
  [
    'I10',
    'a line of another amount',
    payout(', status', `, 'draft'`),
    `insert into payout_lines (workspace_id, payout_id, commission_id, amount_minor) select workspace_id, 'pay_damage', id, 1 from commissions`,
  ],
  ['I11', 'a pending line without its money', `update commissions set status = 'rejected' where status = 'pending'`],
  ['I11', 'an approved line more', `update commissions set status = 'approved' where status = 'pending'`],
  ['I14', 'a transfer outside the chain', `update ledger_transfers set recorded_at = now() - interval '2 minutes'`],
  [
    'I16',
    'a statement that says something else',
    `insert into ledger_accounts (workspace_id, id, mode, currency, kind, owner_id, normal_side, floored) select id, 'acc_damage', 'live', 'USD', 'cash', 'sandbox', 'debit', false from workspaces limit 1`,
    `insert into gateway_statements (workspace_id, id, gateway, mode, currency, cash_account_id, closed_at, closing_minor) select id, 'gst_damage', 'sandbox', 'live', 'USD', 'acc_damage', now(), 100 from workspaces limit 1`,
  ],
  [
    'I17',
    'a transfer in a closed period',
    `insert into closed_periods (workspace_id, id, mode, through, closed_at) select id, 'per_damage', 'live', now() + interval '1 day', now() - interval '1 day' from workspaces`,
  ],
  ['I18', 'a transfer without its document', `update ledger_transfers set cause_id = 'nothing'`],
  ['I19', 'a currency that is none', `update ledger_postings set currency = 'XXX'`],
  [
    'I20',
    'a line of another currency in a payout',
    payout(', status', `, 'draft'`),
    `insert into payout_lines (workspace_id, payout_id, commission_id, amount_minor) select workspace_id, 'pay_damage', id, 1 from commissions`,
    `update payouts set currency = 'EUR'`,
  ],
];

test('right books are silent', async () => {
  expect(await world.broken()).toEqual([]);
});

test.each(damages)('%s speaks after %s', async (id, _what, ...statements) => {
  const broken = await superuser
    .transaction(async (trx) => {
      await trx.raw(`set local session_replication_role = replica`);
      for (const statement of statements) await trx.raw(statement);
      const results = await checkBooks(trx);
      await trx.rollback(results);
      return results;
    })
    .catch((thrown: unknown) => {
      if (Array.isArray(thrown)) return thrown as Awaited<ReturnType<typeof checkBooks>>;
      throw thrown;
    });
  expect(broken.filter((result) => result.violations > 0).map((result) => result.id)).toContain(id);
});

test('every invariant has its damage', () => {
  expect(new Set(damages.map(([id]) => id))).toEqual(new Set(readInvariants().map(({ id }) => id)));
});
