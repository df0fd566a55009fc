import { printed, printedSums } from './commissionMail.js';
import type { Mark, SoldTotals } from './milestone.js';
import type { MergeValues } from './template.js';

/** The mark as words: "1000.00 USD", "50". */
export function printedMark({ threshold, currency }: Mark): string {
  return currency === null ? threshold.toString() : printed({ minor: threshold, currency });
}

/** What a congratulation says: the mark, and what was sold in the program by now, one sum per currency. */
export function milestoneValues(
  recipient: { readonly name: string; readonly workspaceName: string; readonly programName: string },
  mark: Mark,
  totals: SoldTotals,
): MergeValues {
  return {
    affiliate_name: recipient.name,
    workspace_name: recipient.workspaceName,
    program_name: recipient.programName,
    milestone: printedMark(mark),
    ...salesValues(totals),
  };
}

export function salesValues({ count, amounts }: SoldTotals): MergeValues {
  return {
    sales_count: String(count),
    sales_amount: printedSums([...amounts].map(([currency, minor]) => ({ minor, currency }))),
  };
}
