import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  account,
  type AccountKind,
  accountKinds,
  type AffiliateBalance,
  creditAffiliate,
  debitAffiliate,
  type LineMove,
  type PostingPairs,
  type TransferKind,
  transferKinds,
  transfersOf,
} from '../../../domain/earning/ledger.js';
import type { CurrencyCode } from '../../../domain/money.js';

// money.md 5, row by row: what each event posts, that it balances, and what it takes back.

const usd = 'USD' as CurrencyCode;
const creditA = (from: string) => `${from} > receivable, ${from} > payable`;
const debitA = (to: string) => `payable > ${to}, receivable > ${to}`;

/** The page's own words, the longest names cut; `mirrors`: the event whose postings it takes back. */
const page: Readonly<Record<TransferKind, readonly [posts: string, mirrors?: TransferKind]>> = {
  'gateway.funded': ['cash > funding'],
  'commission.accrued': ['expense > pending'],
  'commission.reduced': [`pending > expense, ${debitA('expense')}`],
  'commission.rejected': ['pending > expense', 'commission.accrued'],
  'commission.reinstated': ['expense > pending', 'commission.rejected'],
  'commission.approved': [creditA('pending')],
  'commission.approval_withdrawn': [debitA('pending'), 'commission.approved'],
  'commission.reversed': [debitA('expense')],
  'commission.clawed_back': [debitA('expense')],
  'adjustment.charged': [debitA('expense')],
  'adjustment.charge_withdrawn': [creditA('expense'), 'adjustment.charged'],
  'debt.written_off': ['bad_debt > receivable, bad_debt > reseller_receivable'],
  'payout.reserved': ['payable > open'],
  'payout.replanned': [`${creditA('open')}, payable > open`],
  'payout.cancelled': [creditA('open'), 'payout.reserved'],
  'payout.paid': ['open > cash'],
  'payout.paid_late': [`open > cash, ${debitA('cash')}`],
  'payout.fee_charged': ['fee > cash'],
  'payout.returned': [`${creditA('cash')}, ${creditA('fee')}`],
  'suspense.opened': ['cash > suspense, suspense > cash'],
  'suspense.cleared': [
    ['cash', 'funding', 'fee', 'bad_debt'].map((found) => `suspense > ${found}, ${found} > suspense`).join(', '),
  ],
};

const short: Readonly<Partial<Record<AccountKind, string>>> = {
  merchant_funding: 'funding',
  commission_expense: 'expense',
  commission_pending: 'pending',
  affiliate_payable: 'payable',
  affiliate_receivable: 'receivable',
  payout_open: 'open',
  payout_fee_expense: 'fee',
  bad_debt_expense: 'bad_debt',
};
const words = (pairs: PostingPairs): readonly string[] =>
  pairs.map(([debit, credit]) => `${short[debit] ?? debit} > ${short[credit] ?? credit}`).toSorted();
const kinds = Object.keys(transferKinds) as TransferKind[];
const pairsOf = (kind: TransferKind): PostingPairs => transferKinds[kind].pairs;

describe.each(kinds)('%s', (kind) => {
  const [posts, mirrors] = page[kind];

  test('posts what the page says', () => {
    expect(words(pairsOf(kind))).toEqual(posts.split(', ').toSorted());
  });

  test('balances: two different accounts of the chart each', () => {
    for (const [debit, credit] of pairsOf(kind)) {
      expect(debit).not.toBe(credit);
      for (const one of [debit, credit]) expect(accountKinds).toHaveProperty(one);
    }
  });

  test('takes back what it mirrors, account for account', () => {
    expect(transferKinds[kind].mirrors).toBe(mirrors ?? null);
    if (mirrors === undefined) return;
    const back = pairsOf(kind).map(([debit, credit]) => `${credit} > ${debit}`);
    for (const [debit, credit] of pairsOf(mirrors)) expect(back).toContain(`${debit} > ${credit}`);
  });
});

const amounts = fc.bigInt({ min: 1n, max: 10n ** 15n });
const balances = fc.oneof(
  fc.record({ payable: fc.bigInt({ min: 0n, max: 10n ** 15n }), receivable: fc.constant(0n) }),
  fc.record({ payable: fc.constant(0n), receivable: fc.bigInt({ min: 0n, max: 10n ** 15n }) }),
);
const net = (balance: AffiliateBalance): bigint => balance.payable - balance.receivable;

test('credit A and debit A move exactly the amount, and the one undoes the other', () => {
  fc.assert(
    fc.property(balances, amounts, (before, minor) => {
      const amount = { minor, currency: usd };
      const credited = creditAffiliate('aff_1', before, account('cash', 'g'), amount);
      expect(net(credited.balance)).toBe(net(before) + minor);
      expect(credited.postings.reduce((sum, one) => sum + one.amount.minor, 0n)).toBe(minor);
      const back = debitAffiliate('aff_1', credited.balance, account('cash', 'g'), amount);
      expect(back.balance).toEqual(before);
    }),
  );
});

test('moves of one affiliate see what the one before left: a debt is paid once', () => {
  const credit = (minor: bigint): LineMove => ({
    kind: 'commission.approved',
    key: `k/${minor}`,
    cause: { type: 'sale', id: 'sal_1' },
    correctsKey: null,
    effectiveAt: null,
    affiliateId: 'aff_1',
    amount: { minor, currency: usd },
    move: { type: 'creditAffiliate', debit: account('commission_pending', 'aff_1') },
  });
  const [first, second] = transfersOf([credit(6n), credit(7n)], new Map([['aff_1', { payable: 0n, receivable: 10n }]]));
  const to = (transfer: typeof first) => transfer?.postings.map((one) => [one.credit.kind, one.amount.minor]);
  expect(to(first)).toEqual([['affiliate_receivable', 6n]]);
  expect(to(second)).toEqual([
    ['affiliate_receivable', 4n],
    ['affiliate_payable', 3n],
  ]);
});
