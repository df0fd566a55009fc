import { type StatusOf, transitionTable } from '../transitions.js';
import { type AccountRef, type Posting, posting } from './ledger.js';
import type { Money } from '../money.js';

/**
 * Entries into the books by hand (api.md 11): asked for by one person, posted when a second one approves. Who asked, or the second person,
 * rejects what nobody wants (docs/decisions/0451).
 */
export const ledgerAdjustmentTransitions = transitionTable({
  pending: { approved: 'approved', rejected: 'rejected' },
  approved: {},
  rejected: {},
});
export type LedgerAdjustmentStatus = StatusOf<typeof ledgerAdjustmentTransitions>;

/** `write_off`: a debt given up. `suspense_clearing`: money in suspense whose document was found (money.md 5). */
export const ledgerAdjustmentKinds = ['write_off', 'suspense_clearing'] as const;
export type LedgerAdjustmentKind = (typeof ledgerAdjustmentKinds)[number];

/** Where cleared money may belong. By default it is the gateway's own cash: what came in by mistake went back, or the reverse. */
export const clearingKinds = ['cash', 'merchant_funding', 'payout_fee_expense', 'bad_debt_expense'] as const;

const debtKinds: readonly string[] = ['affiliate_receivable', 'reseller_receivable'];

/** May an entry of this kind be made on this account? */
export function fitsAccount(kind: LedgerAdjustmentKind, account: Pick<AccountRef, 'kind'>): boolean {
  return kind === 'write_off' ? debtKinds.includes(account.kind) : account.kind === 'suspense';
}

/**
 * The postings of an entry; undefined when the account holds less than is to leave it. `balance`: on the account's normal side, read under
 * its lock: a debt is above zero, suspense stands on either side.
 */
export function adjustmentPostings(
  kind: LedgerAdjustmentKind,
  of: {
    readonly account: AccountRef;
    readonly counter: AccountRef;
    readonly balance: bigint;
    readonly amount: Money;
  },
): readonly Posting[] | undefined {
  const { account, counter, balance, amount } = of;
  const held = balance < 0n ? -balance : balance;
  if (amount.minor > held || (kind === 'write_off' && balance <= 0n)) return undefined;
  // A receivable stands in debit and is credited away; suspense is emptied from whichever side it stands on.
  const isDebitAway = kind === 'suspense_clearing' && balance > 0n;
  return isDebitAway
    ? posting(account, counter, amount.minor, amount.currency)
    : posting(counter, account, amount.minor, amount.currency);
}
