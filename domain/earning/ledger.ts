import type { Cause } from '../act.js';
import { assertInvariant } from '../errors.js';
import type { CurrencyCode, Money } from '../money.js';
import type { Instant } from '../time.js';

/** The chart of accounts (money.md 4). Floored accounts may never go below zero; free ones are summed. */
export const accountKinds = {
  commission_expense: { side: 'debit', floored: false },
  commission_pending: { side: 'credit', floored: true },
  affiliate_payable: { side: 'credit', floored: true },
  affiliate_receivable: { side: 'debit', floored: true },
  payout_open: { side: 'credit', floored: true },
  cash: { side: 'debit', floored: false },
  merchant_funding: { side: 'credit', floored: false },
  payout_fee_expense: { side: 'debit', floored: false },
  bad_debt_expense: { side: 'debit', floored: false },
  suspense: { side: 'credit', floored: false },
  reseller_prepaid: { side: 'credit', floored: true },
  reseller_receivable: { side: 'debit', floored: true },
  reseller_revenue: { side: 'credit', floored: false },
} as const satisfies Record<string, { readonly side: 'debit' | 'credit'; readonly floored: boolean }>;
export type AccountKind = keyof typeof accountKinds;

/** An account of one workspace, mode and currency: its kind and the word after the colon ('' where there is none). */
export interface AccountRef {
  readonly kind: AccountKind;
  readonly ownerId: string;
}

export function account(kind: AccountKind, ownerId = ''): AccountRef {
  return { kind, ownerId };
}

/** Debit, credit, amount above zero: an unbalanced one cannot be written (decisions 8). */
export interface Posting {
  readonly debit: AccountRef;
  readonly credit: AccountRef;
  readonly amount: Money;
}

/** From which account to which, debit first. */
export type PostingPairs = readonly (readonly [debit: AccountKind, credit: AccountKind])[];

const offAffiliate = [
  ['affiliate_payable', 'commission_expense'],
  ['affiliate_receivable', 'commission_expense'],
] as const satisfies PostingPairs;

/**
 * What each event may post (money.md 5), and which event's postings it takes back, account for account. Where an affiliate's account is touched both
 * sides of it stand here: the debt first, or what is payable first, is `creditAffiliate`'s and `debitAffiliate`'s to say.
 */
export const transferKinds = {
  'gateway.funded': { pairs: [['cash', 'merchant_funding']], mirrors: null },
  'commission.accrued': { pairs: [['commission_expense', 'commission_pending']], mirrors: null },
  'commission.rejected': { pairs: [['commission_pending', 'commission_expense']], mirrors: 'commission.accrued' },
  'commission.reinstated': { pairs: [['commission_expense', 'commission_pending']], mirrors: 'commission.rejected' },
  'commission.approved': {
    pairs: [
      ['commission_pending', 'affiliate_receivable'],
      ['commission_pending', 'affiliate_payable'],
    ],
    mirrors: null,
  },
  'commission.approval_withdrawn': {
    pairs: [
      ['affiliate_payable', 'commission_pending'],
      ['affiliate_receivable', 'commission_pending'],
    ],
    mirrors: 'commission.approved',
  },
  /** Of a pending line or of an approved one: part of it. */
  'commission.reduced': { pairs: [['commission_pending', 'commission_expense'], ...offAffiliate], mirrors: null },
  'commission.reversed': { pairs: offAffiliate, mirrors: null },
  'commission.clawed_back': { pairs: offAffiliate, mirrors: null },
  'adjustment.charged': { pairs: offAffiliate, mirrors: null },
  'adjustment.charge_withdrawn': {
    pairs: [
      ['commission_expense', 'affiliate_payable'],
      ['commission_expense', 'affiliate_receivable'],
    ],
    mirrors: 'adjustment.charged',
  },
  'debt.written_off': {
    pairs: [
      ['bad_debt_expense', 'affiliate_receivable'],
      ['bad_debt_expense', 'reseller_receivable'],
    ],
    mirrors: null,
  },
  'payout.reserved': { pairs: [['affiliate_payable', 'payout_open']], mirrors: null },
  'payout.replanned': {
    pairs: [
      ['payout_open', 'affiliate_receivable'],
      ['payout_open', 'affiliate_payable'],
      ['affiliate_payable', 'payout_open'],
    ],
    mirrors: null,
  },
  'payout.cancelled': {
    pairs: [
      ['payout_open', 'affiliate_payable'],
      ['payout_open', 'affiliate_receivable'],
    ],
    mirrors: 'payout.reserved',
  },
  'payout.paid': { pairs: [['payout_open', 'cash']], mirrors: null },
  'payout.paid_late': {
    pairs: [
      ['payout_open', 'cash'],
      ['affiliate_payable', 'cash'],
      ['affiliate_receivable', 'cash'],
    ],
    mirrors: null,
  },
  'payout.fee_charged': { pairs: [['payout_fee_expense', 'cash']], mirrors: null },
  'payout.returned': {
    pairs: [
      ['cash', 'affiliate_receivable'],
      ['cash', 'affiliate_payable'],
      ['payout_fee_expense', 'affiliate_receivable'],
      ['payout_fee_expense', 'affiliate_payable'],
    ],
    mirrors: null,
  },
  'suspense.opened': {
    pairs: [
      ['cash', 'suspense'],
      ['suspense', 'cash'],
    ],
    mirrors: null,
  },
  /** To where its document says it belongs. */
  'suspense.cleared': {
    pairs: [
      ['suspense', 'cash'],
      ['cash', 'suspense'],
      ['suspense', 'merchant_funding'],
      ['merchant_funding', 'suspense'],
      ['suspense', 'payout_fee_expense'],
      ['payout_fee_expense', 'suspense'],
      ['suspense', 'bad_debt_expense'],
      ['bad_debt_expense', 'suspense'],
    ],
    mirrors: null,
  },
} as const satisfies Record<string, { readonly pairs: PostingPairs; readonly mirrors: string | null }>;
export type TransferKind = keyof typeof transferKinds;

/** The postings of one event. `key` = business fact + purpose (money.md 8); `correctsKey` = the key of the transfer it corrects. */
export interface Transfer {
  /** A `TransferKind`; what the books hold beside them is a stray (the tests of earning look for any). */
  readonly kind: string;
  readonly key: string;
  readonly cause: Cause;
  readonly correctsKey: string | null;
  readonly effectiveAt: Instant | null;
  readonly postings: readonly Posting[];
}

/** What is payable to and owed by an affiliate, in minor units, read under `lockBalances`. Never both above zero. */
export interface AffiliateBalance {
  readonly payable: bigint;
  readonly receivable: bigint;
}

export function affiliateAccounts(affiliateId: string): {
  readonly payable: AccountRef;
  readonly receivable: AccountRef;
} {
  return {
    payable: account('affiliate_payable', affiliateId),
    receivable: account('affiliate_receivable', affiliateId),
  };
}

/** money.md 5, "credit A n": first the debt down to zero, the rest becomes payable. */
export function creditAffiliate(
  affiliateId: string,
  balance: AffiliateBalance,
  debit: AccountRef,
  amount: Money,
): { readonly postings: readonly Posting[]; readonly balance: AffiliateBalance } {
  const { payable, receivable } = affiliateAccounts(affiliateId);
  const toDebt = amount.minor < balance.receivable ? amount.minor : balance.receivable;
  const toPayable = amount.minor - toDebt;
  return checked(balance, {
    postings: [
      ...posting(debit, receivable, toDebt, amount.currency),
      ...posting(debit, payable, toPayable, amount.currency),
    ],
    balance: { payable: balance.payable + toPayable, receivable: balance.receivable - toDebt },
  });
}

/** money.md 5, "debit A n": first what is payable down to zero, the rest becomes a debt. A fact always fits. */
export function debitAffiliate(
  affiliateId: string,
  balance: AffiliateBalance,
  credit: AccountRef,
  amount: Money,
): { readonly postings: readonly Posting[]; readonly balance: AffiliateBalance } {
  const { payable, receivable } = affiliateAccounts(affiliateId);
  const fromPayable = amount.minor < balance.payable ? amount.minor : balance.payable;
  const toDebt = amount.minor - fromPayable;
  return checked(balance, {
    postings: [
      ...posting(payable, credit, fromPayable, amount.currency),
      ...posting(receivable, credit, toDebt, amount.currency),
    ],
    balance: { payable: balance.payable - fromPayable, receivable: balance.receivable + toDebt },
  });
}

function checked<T extends { readonly balance: AffiliateBalance }>(before: AffiliateBalance, moved: T): T {
  const { payable, receivable } = moved.balance;
  assertInvariant(payable >= 0n && receivable >= 0n, 'no account of a person goes below zero', {
    before,
    after: moved.balance,
  });
  assertInvariant(payable === 0n || receivable === 0n, 'payable and receivable are never both above zero', {
    before,
    after: moved.balance,
  });
  return moved;
}

/** One posting, or none when nothing moves. */
export function posting(
  debit: AccountRef,
  credit: AccountRef,
  minor: bigint,
  currency: CurrencyCode,
): readonly Posting[] {
  assertInvariant(minor >= 0n, 'a posting is never negative', { minor });
  return minor === 0n ? [] : [{ debit, credit, amount: { minor, currency } }];
}

/** One event's move on a line, before the split between what is payable and what is owed is known (money.md 5). */
export interface LineMove {
  readonly kind: TransferKind;
  readonly key: string;
  readonly cause: Cause;
  readonly correctsKey: string | null;
  readonly effectiveAt: Instant | null;
  readonly affiliateId: string;
  readonly amount: Money;
  readonly move:
    | { readonly type: 'plain'; readonly debit: AccountRef; readonly credit: AccountRef }
    | { readonly type: 'creditAffiliate'; readonly debit: AccountRef }
    | { readonly type: 'debitAffiliate'; readonly credit: AccountRef };
}

/**
 * The transfers of some moves, in order, and what each affiliate's balance is afterwards: the second move sees what the first one left.
 * `balances` by affiliate, all of one currency.
 */
export function transfersOf(
  moves: readonly LineMove[],
  balances: ReadonlyMap<string, AffiliateBalance>,
): readonly Transfer[] {
  const now = new Map(balances);
  return moves.map((line) => {
    const { kind, key, cause, correctsKey, effectiveAt, move, affiliateId, amount } = line;
    const common = { kind, key, cause, correctsKey, effectiveAt };
    if (move.type === 'plain')
      return { ...common, postings: posting(move.debit, move.credit, amount.minor, amount.currency) };
    const balance = now.get(affiliateId);
    assertInvariant(balance !== undefined, 'a split is computed under its lock', { affiliateId });
    const moved =
      move.type === 'creditAffiliate'
        ? creditAffiliate(affiliateId, balance, move.debit, amount)
        : debitAffiliate(affiliateId, balance, move.credit, amount);
    now.set(affiliateId, moved.balance);
    return { ...common, postings: moved.postings };
  });
}
