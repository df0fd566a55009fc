import type { CurrencyCode } from '../money.js';
import { formatMoney } from '../money.js';
import type { NotPaidCode, NotPaidReason } from './payoutRun.js';

// What an affiliate who was left out of a run is asked to do (PAY-16).

/** Reasons that the affiliate itself removes; the others are staff's, or time's. */
export const askableReasons: readonly NotPaidCode[] = ['no_method', 'method_unverified', 'unsupported_currency'];
const askable: ReadonlySet<NotPaidCode> = new Set(askableReasons);

export interface Unpaid {
  readonly currency: CurrencyCode;
  readonly owedMinor: bigint;
  readonly reasons: readonly Pick<NotPaidReason, 'code'>[];
}

/** May this affiliate do something about it? */
function isAskable(row: Pick<Unpaid, 'reasons'>): boolean {
  return row.reasons.some(({ code }) => askable.has(code));
}

const words: Readonly<Record<'en' | 'de', Readonly<Record<string, string>>>> = {
  en: {
    no_method: 'Add payout details in the portal.',
    method_unverified: 'Confirm your payout details: open the link of the mail that came when they were added.',
    unsupported_currency: 'Add payout details of another kind: those you gave cannot receive it.',
  },
  de: {
    no_method: 'Geben Sie im Portal Auszahlungsdaten an.',
    method_unverified:
      'Bestätigen Sie Ihre Auszahlungsdaten: Öffnen Sie den Link der Mail, die kam, als sie angelegt wurden.',
    unsupported_currency: 'Geben Sie andere Auszahlungsdaten an: Die vorhandenen können den Betrag nicht empfangen.',
  },
};

/** Subject and paragraphs in the affiliate's language; amounts of all currencies, each with what to do. */
export function unpaidText(
  language: string | null,
  rows: readonly Unpaid[],
): { readonly subject: string; readonly lines: readonly string[] } {
  const isGerman = language === 'de';
  const own = words[isGerman ? 'de' : 'en'];
  const lines = rows.filter(isAskable).map((row) => {
    const { amount } = formatMoney({ minor: row.owedMinor, currency: row.currency });
    const todo = row.reasons.flatMap(({ code }) => (askable.has(code) ? (own[code] ?? []) : [])).join(' ');
    return isGerman
      ? `${amount} ${row.currency} warten auf Sie. ${todo}`
      : `${amount} ${row.currency} wait for you. ${todo}`;
  });
  return {
    subject: isGerman
      ? 'Ihre Auszahlung wartet auf Ihre Auszahlungsdaten'
      : 'Your payout waits for your payout details',
    lines: [
      ...lines,
      isGerman
        ? 'Nichts geht verloren: Danach kommt der Betrag mit der nächsten Auszahlung.'
        : 'Nothing is lost: afterwards it comes with the next payout.',
    ],
  };
}
