import { add, type CurrencyCode, formatMoney, type Money, parseMoney } from '../domain/money.js';
import { epochMs, type Instant } from '../domain/time.js';
import type { PdfList } from '../platform/pdf.js';
import { type ExportColumn, moneyOf, textOf, valueAt, type Wire } from './listCells.js';

// A list as pages (RPT-04): its title, what was asked, its rows under heads that repeat, sums per currency. English, as statements are.

/** So many columns still can be read on the widest paper that offices print. */
export const mostPdfColumns = 24;
const mostUpright = 6;
const mostOnA4 = 12;

/** The printed form of rows in their wire form. Instants stand there as the API gives them, in UTC. */
export function listPdf(of: {
  readonly path: string;
  /** Of a report. */
  readonly name: string | undefined;
  readonly timeZone: string;
  readonly query: Readonly<Record<string, string>>;
  readonly columns: readonly ExportColumn[];
  readonly rows: readonly Wire[];
  readonly madeAt: Instant;
}): PdfList {
  const { columns, rows } = of;
  const title = sentence(of.name ?? lastWord(of.path));
  return {
    title,
    language: 'en',
    facts: [
      ['Made at', of.madeAt],
      ['Time zone', of.timeZone],
      ...Object.entries(of.query).flatMap(factOf),
      ['Rows', String(rows.length)],
    ],
    notes: [],
    paper: columns.length <= mostUpright ? 'A4' : columns.length <= mostOnA4 ? 'wide A4' : 'wide A3',
    columns: columns.map(({ path, kind }) => ({
      title: sentence(path),
      align: kind === 'money' ? 'right' : 'left',
      width: '*',
    })),
    rows: rows.map((row) =>
      columns.map(({ path, kind }) => {
        const value = valueAt(row, path);
        return kind === 'money' ? moneyOf(value).map(amountText).join('\n') : dated(textOf(value, kind) ?? '');
      }),
    ),
    totals: columns.filter(({ kind }) => kind === 'money').flatMap(({ path }) => totalsOf(path, rows)),
    footer: `${title} · ${of.madeAt}`,
    createdMs: epochMs(of.madeAt),
  };
}

/** An instant as people write it; the page says in which zone. */
function dated(text: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) ? text.slice(0, 19).replace('T', ' ') : text;
}

function amountText({ amount, currency }: { readonly amount: string; readonly currency: string }): string {
  return `${amount} ${currency}`;
}

/** Each currency by itself: two never meet in one number (screens.md 1.3). */
function totalsOf(path: string, rows: readonly Wire[]): readonly (readonly [string, string])[] {
  const sums = new Map<CurrencyCode, Money>();
  for (const wire of rows.flatMap((row) => moneyOf(valueAt(row, path)))) {
    const parsed = parseMoney(wire, { negative: true });
    if (!parsed.ok) continue; // an exact fraction, which is no amount to be added up
    const before = sums.get(parsed.money.currency);
    sums.set(parsed.money.currency, before === undefined ? parsed.money : add(before, parsed.money));
  }
  return [...sums.values()].map((sum) => [`${sentence(path)}, total`, amountText(formatMoney(sum))] as const);
}

const bounds: Readonly<Record<string, string>> = { gte: 'from', gt: 'after', lte: 'until', lt: 'before' };

/** `createdAt[gte]` → `Created at from`. Rows per page and what else is shown on screen is no filter. */
function factOf([name, value]: readonly [string, string]): readonly (readonly [string, string])[] {
  if (name === 'limit' || name === 'include' || name === 'expand') return [];
  const [, field = name, bound] = /^(.+)\[(\w+)\]$/.exec(name) ?? [];
  const label = bound === undefined ? sentence(field) : `${sentence(field)} ${bounds[bound] ?? bound}`;
  return [[label, value]];
}

function lastWord(path: string): string {
  const words = path.split('/').filter((part) => part !== '' && !part.startsWith(':'));
  return words.at(-1) ?? 'list';
}

/** `customer.createdAt` → `Customer created at`. */
function sentence(name: string): string {
  const words = name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[.\-_]/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
