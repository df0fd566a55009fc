import type { CurrencyCode } from '../money.js';
import type { PayoutId } from '../ids.js';

/** Files that a person uploads at PayPal, at a bank or in the accounts (api.md 10.2). */
export const payoutFileFormats = ['paypal_mass_pay', 'generic_csv'] as const;
export type PayoutFileFormat = (typeof payoutFileFormats)[number];

/** What a file's content is sealed for. */
export const payoutFilePurpose = 'payout file';

/** PayPal takes 5,000 payments in one file; the generic one is split alike, so that parts match. */
export const rowsPerFile = 5_000;

/** One payout of a run as a file needs it. */
export interface FilePayout {
  readonly id: PayoutId;
  readonly affiliateId: string;
  readonly name: string;
  readonly currency: CurrencyCode;
  readonly amountMinor: bigint;
  readonly status: string;
  readonly onHold: boolean;
  readonly methodType: string;
  readonly methodMasked: string | null;
  readonly dueOn: string | null;
  readonly paidOn: string | null;
  readonly reference: string | null;
  /** Its method is still the one that it was planned with. */
  readonly methodFits: boolean;
  /** It stands in an earlier file of this format. */
  readonly isInFile: boolean;
}

export interface SkippedPayout {
  readonly payoutId: PayoutId;
  readonly affiliateId: string;
  readonly name: string;
  /** features.md 4.7 where it is about the affiliate; else why this payout is in no file of the format. */
  readonly code:
    | 'no_paypal_method'
    | 'on_hold'
    | 'already_paid'
    | 'draft'
    | 'method_changed_recently'
    | 'in_earlier_file';
}

export interface FilePart<T> {
  readonly currency: CurrencyCode;
  readonly part: number;
  readonly parts: number;
  readonly payouts: readonly T[];
  readonly amountMinor: bigint;
}

/**
 * Which payouts go into a file, and why the others do not. A file for PayPal pays, so it holds approved payouts that are not paid and not held;
 * the generic one tells, so it holds all that were not cancelled.
 */
export function chooseForFile(
  payouts: readonly FilePayout[],
  format: PayoutFileFormat,
): { readonly chosen: readonly FilePayout[]; readonly skipped: readonly SkippedPayout[] } {
  const chosen: FilePayout[] = [];
  const skipped: SkippedPayout[] = [];
  for (const payout of payouts) {
    if (payout.status === 'cancelled') continue;
    const code = format === 'generic_csv' ? null : obstacle(payout);
    if (code === null) chosen.push(payout);
    else skipped.push({ payoutId: payout.id, affiliateId: payout.affiliateId, name: payout.name, code });
  }
  return { chosen, skipped };
}

function obstacle(payout: FilePayout): SkippedPayout['code'] | null {
  if (payout.methodType !== 'paypal') return 'no_paypal_method';
  if (payout.status === 'paid') return 'already_paid';
  if (payout.status !== 'pending') return 'draft';
  if (payout.onHold) return 'on_hold';
  if (!payout.methodFits) return 'method_changed_recently';
  // Two uploads of one payout are two payments: PayPal knows no key of ours in a file (money.md 7.3).
  return payout.isInFile ? 'in_earlier_file' : null;
}

/** One currency per file, at most `rowsPerFile` rows, in a fixed order: the same payouts are the same bytes. */
export function splitFiles<T extends Pick<FilePayout, 'id' | 'currency' | 'amountMinor'>>(
  payouts: readonly T[],
  limit: number = rowsPerFile,
): readonly FilePart<T>[] {
  const byCurrency = new Map<CurrencyCode, T[]>();
  for (const payout of [...payouts].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const known = byCurrency.get(payout.currency);
    if (known === undefined) byCurrency.set(payout.currency, [payout]);
    else known.push(payout);
  }
  return [...byCurrency]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([currency, all]) => {
      const parts = Math.ceil(all.length / limit);
      return Array.from({ length: parts }, (_, index) => {
        const rows = all.slice(index * limit, (index + 1) * limit);
        return {
          currency,
          part: index + 1,
          parts,
          payouts: rows,
          amountMinor: rows.reduce((sum, row) => sum + row.amountMinor, 0n),
        };
      });
    });
}
