import type { CurrencyCode } from '../money.js';
import type { PayoutId } from '../ids.js';
import { canExpress } from './gateway.js';
import { isSepaIban } from './iban.js';
import type { PayoutMethodStatus } from './payoutMethod.js';
import { largestSepaMinor, sepaCurrency } from './sepaFile.js';

/** Files that a person uploads at PayPal, at a bank or in the accounts (api.md 10.2). */
export const payoutFileFormats = ['paypal_mass_pay', 'sepa_pain_001', 'generic_csv'] as const;
export type PayoutFileFormat = (typeof payoutFileFormats)[number];

/** Formats that somebody is paid by: a payout stands in one such file only. */
export function isPayingFormat(format: PayoutFileFormat): boolean {
  return format !== 'generic_csv';
}

/** What a file's content is sealed for. */
export const payoutFilePurpose = 'payout file';

/** PayPal takes 5,000 payments in one file; the generic one is split alike, so that parts match. */
export const rowsPerFile = 5_000;

/** Why the payee is not paid by what was approved any more, as a gateway's attempt is judged right before it is sent. */
export type PayeeChange =
  | 'suspended'
  | 'no_method'
  | 'method_unverified'
  | 'method_changed_recently'
  | 'negative_balance';

/**
 * Judges what stands of a payee against what was approved (money.md 7.1): suspended or forfeited, its method gone, unconfirmed or another version, or
 * in debt, which the next plan nets. A file pays like a gateway does, so it asks the same.
 */
export function payeeChange(payee: {
  readonly affiliateStatus: string;
  readonly isForfeited: boolean;
  readonly methodStatus: PayoutMethodStatus | null;
  readonly methodFits: boolean;
  readonly owesMinor: bigint;
}): PayeeChange | null {
  const { affiliateStatus, methodStatus } = payee;
  if (affiliateStatus === 'suspended' || (affiliateStatus === 'terminated' && payee.isForfeited)) return 'suspended';
  if (methodStatus === null || methodStatus === 'removed' || methodStatus === 'replaced') return 'no_method';
  if (methodStatus === 'unverified') return 'method_unverified';
  if (!payee.methodFits) return 'method_changed_recently';
  return payee.owesMinor > 0n ? 'negative_balance' : null;
}

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
  /** `gateway`: we send it ourselves, so a file would pay it twice. */
  readonly execution: 'gateway' | 'manual';
  /** Of a bank account with an IBAN; known only where a file needs it. */
  readonly iban: string | null;
  readonly dueOn: string | null;
  readonly paidOn: string | null;
  readonly reference: string | null;
  /** What no longer holds of what was approved (money.md 7.1); null: nothing. */
  readonly changed: PayeeChange | null;
  /** It stands in an earlier file that pays. */
  readonly isInFile: boolean;
}

export interface SkippedPayout {
  readonly payoutId: PayoutId;
  readonly affiliateId: string;
  readonly name: string;
  /** features.md 4.7 where it is about the affiliate; else why this payout is in no file of the format. */
  readonly code:
    | 'no_paypal_method'
    | 'no_sepa_account'
    | 'sent_by_gateway'
    | 'unsupported_currency'
    | 'above_limit'
    | 'on_hold'
    | 'already_paid'
    | 'draft'
    | PayeeChange
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
 * Which payouts go into a file, and why the others do not. A file for PayPal or a bank pays, so it holds approved payouts that are not paid, not
 * held, not ours to send and still true of their payee; the generic one tells, so it holds all that were not cancelled.
 */
export function chooseForFile(
  payouts: readonly FilePayout[],
  format: PayoutFileFormat,
): { readonly chosen: readonly FilePayout[]; readonly skipped: readonly SkippedPayout[] } {
  const chosen: FilePayout[] = [];
  const skipped: SkippedPayout[] = [];
  for (const payout of payouts) {
    if (payout.status === 'cancelled') continue;
    const code = isPayingFormat(format) ? (unfit(payout, format) ?? obstacle(payout)) : null;
    if (code === null) chosen.push(payout);
    else skipped.push({ payoutId: payout.id, affiliateId: payout.affiliateId, name: payout.name, code });
  }
  return { chosen, skipped };
}

/** Why a format cannot carry a payout at all. */
function unfit(payout: FilePayout, format: PayoutFileFormat): SkippedPayout['code'] | null {
  if (format === 'paypal_mass_pay') {
    if (payout.methodType !== 'paypal') return 'no_paypal_method';
    const amount = { minor: payout.amountMinor, currency: payout.currency };
    return canExpress('paypal', amount) ? null : 'unsupported_currency';
  }
  if (payout.iban === null || !isSepaIban(payout.iban)) return 'no_sepa_account';
  if (payout.currency !== sepaCurrency) return 'unsupported_currency';
  return payout.amountMinor > largestSepaMinor ? 'above_limit' : null;
}

function obstacle(payout: FilePayout): SkippedPayout['code'] | null {
  if (payout.execution === 'gateway') return 'sent_by_gateway';
  if (payout.status === 'paid') return 'already_paid';
  if (payout.status !== 'pending') return 'draft';
  if (payout.onHold) return 'on_hold';
  if (payout.changed !== null) return payout.changed;
  // Two uploads of one payout are two payments: nobody out there knows a key of ours in a file (money.md 7.3).
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
