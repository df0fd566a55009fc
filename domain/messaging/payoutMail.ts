import type { Money } from '../money.js';
import { commissionValues, type MailedCommission, printed, printedSums } from './commissionMail.js';
import type { MergeValues } from './template.js';

/** A payout as a message names it. */
export interface MailedPayout {
  readonly amount: Money;
  /** The day it was paid, else the day it was made. */
  readonly on: string;
  readonly reference: string | null;
}

/** What a message says of payouts: their sum per currency, their number, a line for each, and of the commissions in them (NTF-14). */
export function payoutValues(
  recipient: { readonly name: string; readonly workspaceName: string },
  payouts: readonly MailedPayout[],
  lines: readonly MailedCommission[],
): MergeValues {
  return {
    ...commissionValues(recipient, lines),
    payout_amount: printedSums(payouts.map(({ amount }) => amount)),
    payout_count: String(payouts.length),
    payout_list: payouts
      .map(({ amount, on, reference }) => `${on}: ${printed(amount)}${reference === null ? '' : ` (${reference})`}`)
      .join('\n'),
  };
}
