import type { z } from 'zod';
import { formatMoney, type Money } from '../../../domain/money.js';
import { toCsv } from '../../../platform/csv.js';
import type { PdfList } from '../../../platform/pdf.js';
import type { homeWire } from './console.js';

type Home = z.output<typeof homeWire>;

/** A figure of the whole span or of one day; one currency each (api.md 13). */
interface Line {
  readonly of: 'span' | 'day';
  readonly figure: string;
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly currency: string | null;
  readonly previous: string | null;
  readonly changePpm: number | null;
}

const amountOf = (money: Money): string => formatMoney(money).amount;

/** What Home shows as rows of one form: its figures with what they were before, then its days. */
function linesOf(home: Home): readonly Line[] {
  const { from, to } = home;
  const figures = home.figures.flatMap(({ name, value, previous, change }): readonly Line[] => {
    const span = { of: 'span', figure: name, from, to } as const;
    if (value.count !== null) {
      const before = previous?.count ?? null;
      const text = before === null ? null : String(before);
      return [
        { ...span, value: String(value.count), currency: null, previous: text, changePpm: change?.count ?? null },
      ];
    }
    return value.money.map((money) => {
      const before = previous?.money.find((one) => one.currency === money.currency);
      const changed = change?.money.find((one) => one.currency === money.currency);
      return {
        ...span,
        value: amountOf(money),
        currency: money.currency,
        previous: before === undefined ? null : amountOf(before),
        changePpm: changed?.ppm ?? null,
      };
    });
  });
  const nothingBefore = { previous: null, changePpm: null } as const;
  const counted = home.trend.flatMap((day) =>
    (['clicks', 'leads', 'sales'] as const).map(
      (figure): Line => ({
        of: 'day',
        figure,
        from: day.day,
        to: day.day,
        value: String(day[figure]),
        currency: null,
        ...nothingBefore,
      }),
    ),
  );
  const earned = home.moneyTrend.flatMap((day) =>
    (['commissions', 'revenue'] as const).map(
      (figure): Line => ({
        of: 'day',
        figure,
        from: day.day,
        to: day.day,
        value: amountOf(day[figure]),
        currency: day[figure].currency,
        ...nothingBefore,
      }),
    ),
  );
  return [...figures, ...counted, ...earned];
}

export function homeCsv(home: Home): string {
  return toCsv(
    ['of', 'figure', 'from', 'to', 'value', 'currency', 'previous', 'changePpm', 'timeZone'],
    linesOf(home).map((line) => [
      line.of,
      line.figure,
      line.from,
      line.to,
      line.value,
      line.currency,
      line.previous,
      line.changePpm === null ? null : String(line.changePpm),
      home.timeZone,
    ]),
  );
}

const figureWords: Readonly<Record<string, string>> = {
  clicks: 'Clicks',
  leads: 'Leads',
  referrals: 'Referrals',
  sales: 'Sales',
  commissions: 'Commissions earned',
  revenue: 'Net revenue',
};

/** The same on paper. */
export function homePdf(home: Home, of: { readonly workspace: string; readonly createdMs: number }): PdfList {
  const compared = home.comparedWith;
  return {
    title: 'Figures',
    language: 'en',
    facts: [
      ['Of', of.workspace],
      ['Days', `${home.from} to ${home.to} (${home.timeZone})`],
      ...(compared === null ? [] : [['Compared with', `${compared.from} to ${compared.to}`] as const]),
    ],
    notes: [],
    columns: [
      { title: 'Days', align: 'left', width: 'auto' },
      { title: 'Figure', align: 'left', width: '*' },
      { title: 'Value', align: 'right', width: 'auto' },
      { title: 'Before', align: 'right', width: 'auto' },
    ],
    rows: linesOf(home).map((line) => [
      line.of === 'day' ? line.from : `${line.from} to ${line.to}`,
      figureWords[line.figure] ?? line.figure,
      line.currency === null ? line.value : `${line.value} ${line.currency}`,
      line.previous === null ? '' : line.currency === null ? line.previous : `${line.previous} ${line.currency}`,
    ]),
    totals: [],
    footer: of.workspace,
    createdMs: of.createdMs,
  };
}
