import { add, type CurrencyCode, formatMoney, type Money } from '../money.js';
import type { Instant } from '../time.js';
import type { MergeValues } from './template.js';

/** A commission as a message names it. */
export interface MailedCommission {
  readonly amount: bigint;
  readonly currency: CurrencyCode;
  readonly createdAt: Instant;
  readonly programName: string;
}

export function printed(money: Money): string {
  const { amount, currency } = formatMoney(money);
  return `${amount} ${currency}`;
}

/** One sum per currency, never mixed. */
export function printedSums(amounts: readonly Money[]): string {
  const sums = new Map<CurrencyCode, Money>();
  for (const amount of amounts) {
    const { currency } = amount;
    sums.set(currency, add(sums.get(currency) ?? { minor: 0n, currency }, amount));
  }
  return [...sums.values()].map(printed).join(', ');
}

/** What a message says of commissions: their sum per currency, never mixed, their number and a line for each. */
export function commissionValues(
  recipient: { readonly name: string; readonly workspaceName: string },
  lines: readonly MailedCommission[],
): MergeValues {
  return {
    affiliate_name: recipient.name,
    workspace_name: recipient.workspaceName,
    program_name: [...new Set(lines.map((line) => line.programName))].join(', '),
    commission_amount: printedSums(lines.map(({ amount: minor, currency }) => ({ minor, currency }))),
    commission_count: String(lines.length),
    commission_list: lines
      .map(
        ({ amount: minor, currency, createdAt, programName }) =>
          `${createdAt.slice(0, 10)} ${programName}: ${printed({ minor, currency })}`,
      )
      .join('\n'),
  };
}
