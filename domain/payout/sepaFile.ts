import { type CurrencyCode, formatMoney } from '../money.js';
import type { Instant, LocalDate } from '../time.js';

// A SEPA credit transfer as a bank takes it: pain.001.001.09 in the shape that the EPC's guidelines for customers allow (EPC132-08). Pure: the
// tree of elements in their order; `platform/xml.ts` writes it.

/** What an account is debited with; of one workspace. */
export interface Debtor {
  readonly name: string;
  readonly iban: string;
  readonly bic: string | null;
}

export interface SepaPayment {
  /** A payout's id: what both sides see on their statements. */
  readonly id: string;
  readonly holder: string;
  readonly iban: string;
  readonly amountMinor: bigint;
}

/** An element with its children or its text; an attribute starts with `@`, the text beside one is `#text`. */
export type XmlTree = { readonly [name: string]: string | XmlTree | readonly XmlTree[] };

/** EPC132-08: 0.01 to 999,999,999.99 euros. */
export const largestSepaMinor = 99_999_999_999n;
export const sepaCurrency = 'EUR' as CurrencyCode;

// The letters that banks must take (EPC217-08), and what the commonest others become. Written as pairs: what has no pair is a dot.
const written: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ł: 'l',
  ı: 'i',
  ħ: 'h',
  ŋ: 'n',
  ŧ: 't',
  α: 'a',
  β: 'v',
  γ: 'g',
  δ: 'd',
  ε: 'e',
  ζ: 'z',
  η: 'i',
  θ: 'th',
  ι: 'i',
  κ: 'k',
  λ: 'l',
  μ: 'm',
  ν: 'n',
  ξ: 'x',
  ο: 'o',
  π: 'p',
  ρ: 'r',
  σ: 's',
  ς: 's',
  τ: 't',
  υ: 'y',
  φ: 'f',
  χ: 'ch',
  ψ: 'ps',
  ω: 'o',
  а: 'a',
  б: 'b',
  в: 'v',
  г: 'g',
  д: 'd',
  е: 'e',
  ж: 'zh',
  з: 'z',
  и: 'i',
  й: 'y',
  к: 'k',
  л: 'l',
  м: 'm',
  н: 'n',
  о: 'o',
  п: 'p',
  р: 'r',
  с: 's',
  т: 't',
  у: 'u',
  ф: 'f',
  х: 'h',
  ц: 'ts',
  ч: 'ch',
  ш: 'sh',
  щ: 'sht',
  ъ: 'a',
  ь: 'y',
  ю: 'yu',
  я: 'ya',
  ы: 'y',
  э: 'e',
  є: 'ye',
  і: 'i',
  ї: 'yi',
  ґ: 'g',
  ђ: 'dj',
  ј: 'j',
  љ: 'lj',
  њ: 'nj',
  ћ: 'c',
  џ: 'dz',
  ѓ: 'gj',
  ќ: 'kj',
  ѕ: 'dz',
  '&': '+',
  '@': '(at)',
  _: '-',
  '"': "'",
  '’': "'",
  '‘': "'",
  '–': '-',
  '—': '-',
  ';': ',',
  '|': '/',
  '*': '.',
  '!': '.',
};

/** A text in the letters that every SEPA bank takes, cut to `max`. Never empty: a name in another script is dots. */
export function sepaText(text: string, max: number): string {
  const plain = Array.from(text.normalize('NFC'))
    .map((letter) => {
      const small = letter.toLowerCase();
      const pair = written[small];
      if (pair !== undefined) return small === letter ? pair : `${pair.slice(0, 1).toUpperCase()}${pair.slice(1)}`;
      return letter.normalize('NFD').replace(/\p{M}/gu, '');
    })
    .join('')
    .replace(/[^A-Za-z0-9/\-?:().,'+ ]/g, '.')
    .replace(/\/{2,}/g, '/') // no field may hold two of them, or begin or end with one
    .replace(/^[\s/]+/, '')
    .slice(0, max)
    .replace(/[\s/]+$/, '');
  return plain === '' ? '.' : plain;
}

/** An id in the letters of a bank: `pay_01…` is `pay-01…`, 30 characters of the 35 allowed. */
export function sepaReference(id: string): string {
  return sepaText(id, 35);
}

function sumOf(payments: readonly SepaPayment[]): string {
  const minor = payments.reduce((total, payment) => total + payment.amountMinor, 0n);
  return formatMoney({ minor, currency: sepaCurrency }).amount;
}

/**
 * The whole message: one batch, one debtor, one day, with the number and the sum of its payments twice, as the schema asks. The creditor's bank
 * is not named: inside SEPA the IBAN says it.
 */
export function sepaMessage(of: {
  /** At most 35 characters, new for each file: a bank refuses the second of two alike. */
  readonly messageId: string;
  readonly createdAt: Instant;
  readonly executeOn: LocalDate;
  readonly debtor: Debtor;
  readonly payments: readonly SepaPayment[];
}): XmlTree {
  const count = String(of.payments.length);
  const total = sumOf(of.payments);
  const debtorName = sepaText(of.debtor.name, 70);
  return {
    Document: {
      '@xmlns': 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09',
      CstmrCdtTrfInitn: {
        GrpHdr: {
          MsgId: of.messageId,
          CreDtTm: of.createdAt,
          NbOfTxs: count,
          CtrlSum: total,
          InitgPty: { Nm: debtorName },
        },
        PmtInf: {
          PmtInfId: of.messageId,
          PmtMtd: 'TRF',
          NbOfTxs: count,
          CtrlSum: total,
          PmtTpInf: { SvcLvl: { Cd: 'SEPA' } },
          ReqdExctnDt: { Dt: of.executeOn },
          Dbtr: { Nm: debtorName },
          DbtrAcct: { Id: { IBAN: of.debtor.iban } },
          DbtrAgt: {
            FinInstnId: of.debtor.bic === null ? { Othr: { Id: 'NOTPROVIDED' } } : { BICFI: of.debtor.bic },
          },
          ChrgBr: 'SLEV',
          CdtTrfTxInf: of.payments.map((payment) => ({
            PmtId: { EndToEndId: sepaReference(payment.id) },
            Amt: {
              InstdAmt: {
                '@Ccy': sepaCurrency,
                '#text': formatMoney({ minor: payment.amountMinor, currency: sepaCurrency }).amount,
              },
            },
            Cdtr: { Nm: sepaText(payment.holder, 70) },
            CdtrAcct: { Id: { IBAN: payment.iban } },
            RmtInf: { Ustrd: sepaText(`${of.debtor.name} payout ${sepaReference(payment.id)}`, 140) },
          })),
        },
      },
    },
  };
}
