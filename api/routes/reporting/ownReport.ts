import type { z } from 'zod';
import { listActivityDays } from '../../../db/reads/reporting/activity.js';
import {
  type EarningPeriod,
  listEarningMonths,
  listSubIds,
  type OwnSpan,
} from '../../../db/reads/reporting/ownReport.js';
import type { ReadTx } from '../../../db/transaction.js';
import { dateIn, daysRange, periodContaining, startOfDay } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { millionths, type Money, roundToMinor, sum } from '../../../domain/money.js';
import { addDays, epochMs, type Instant, type LocalDate } from '../../../domain/time.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import { ownReportParams, ownReportQuery, ownReportWire } from '../../schemas/reporting/ownReport.js';
import { portalRefusals, requireOwn } from '../affiliate/ownRecord.js';

type Report = z.output<typeof ownReportWire>;

const daysByDefault = 30;
const longestMs = 3_653 * 86_400_000; // ten years (api.md 1.1)
/** Beyond this a range is asked for in parts, so that the totals are always those of all rows. */
const mostRows = 5_000;

const report = defineRoute({
  method: 'GET',
  path: '/v1/me/reports/:reportName',
  summary: 'Own figures by date range: sub-ids, traffic by day, earnings by month',
  permission: 'me.read',
  params: ownReportParams,
  query: ownReportQuery,
  reply: ownReportWire,
  refuses: ['resource.not_found', 'export.export_too_large', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now): Promise<Report> => {
      const { affiliate, settings } = await requireOwn(tx, ctx, now);
      const zone = settings.general.timeZone;
      const days = daysAsked(ctx.query, zone, now);
      const span = { mode: ctx.mode, affiliateId: affiliate.id, ...daysRange(zone, days.from, days.to) };
      const common = { ...days, timeZone: zone, nextCursor: null };
      switch (ctx.params.reportName) {
        case 'sub-ids':
          if (!affiliate.subIdAccess) throw new DomainError('access.not_enabled', { capability: 'sub_ids' });
          return { name: 'sub-ids', ...common, ...(await subIds(tx, span)) };
        case 'traffic':
          return { name: 'traffic', ...common, ...(await traffic(tx, span, zone)) };
        case 'earnings':
          return { name: 'earnings', ...common, ...(await earnings(tx, { ...span, zone })) };
        default:
          return ctx.params.reportName satisfies never;
      }
    }),
});

/** Both days are in (RPT-02); the last thirty where none is named. */
export function daysAsked(
  query: { readonly from?: LocalDate; readonly to?: LocalDate },
  zone: string,
  now: Instant,
): { readonly from: LocalDate; readonly to: LocalDate } {
  const to = query.to ?? dateIn(zone, now);
  const from = query.from ?? dateIn(zone, addDays(daysRange(zone, to, to).from, 1 - daysByDefault));
  if (from > to) throw invalid({ parameter: 'from', code: 'out_of_range', detail: 'from is after to.' });
  const range = daysRange(zone, from, to);
  if (epochMs(range.until) - epochMs(range.from) > longestMs)
    throw invalid({ parameter: 'from', code: 'out_of_range', detail: 'At most ten years.' });
  return { from, to };
}

/** Amounts of one currency as one, currencies side by side. */
function perCurrency(amounts: readonly Money[]): Money[] {
  const currencies = [...new Set(amounts.map(({ currency }) => currency))].sort();
  return currencies.map((currency) =>
    sum(
      currency,
      amounts.filter((amount) => amount.currency === currency),
    ),
  );
}

function rateOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Number(millionths({ numerator: BigInt(part), denominator: BigInt(whole) }));
}

/** The lines that count: a rejected one earned nothing. */
const linesOf = (span: Pick<OwnSpan, 'from' | 'until'>): string =>
  `/v1/me/commissions?status=pending,approved,reversed,paid&createdAt[gte]=${span.from}&createdAt[lt]=${span.until}`;

async function subIds(tx: ReadTx, span: OwnSpan) {
  const found = await listSubIds(tx, span, mostRows + 1);
  if (found.length > mostRows)
    throw new DomainError('export.export_too_large', {
      limit: mostRows,
      detail: `More than ${mostRows} sub-ids in these days. Choose fewer days.`,
    });
  const rows = found.map((row) => ({
    ...row,
    conversionRatePpm: rateOf(row.sales, row.clicks),
    earned: [...row.earned],
    perClick:
      row.clicks === 0
        ? []
        : row.earned.map(({ minor, currency }) => ({
            minor: roundToMinor({ numerator: minor, denominator: BigInt(row.clicks) }),
            currency,
          })),
    detail: `${linesOf(span)}&level=1&${row.subId === null ? 'unlabelled=true' : `sub1=${encodeURIComponent(row.subId)}`}`,
  }));
  const counts = countsOf(found);
  const earned = perCurrency(found.flatMap((row) => row.earned));
  return { rows, totals: [{ ...counts, conversionRatePpm: rateOf(counts.sales, counts.clicks), earned }] };
}

const countNames = ['clicks', 'visits', 'leads', 'sales'] as const;
type Counts = Record<(typeof countNames)[number], number>;

function countsOf(rows: readonly Counts[]): Counts {
  const total = { clicks: 0, visits: 0, leads: 0, sales: 0 };
  for (const row of rows) for (const name of countNames) total[name] += row[name];
  return total;
}

async function traffic(tx: ReadTx, span: OwnSpan, zone: string) {
  const days = await listActivityDays(tx, { ...span, affiliateIds: [span.affiliateId], zone });
  const rows = days.map((day) => {
    const { from, until } = daysRange(zone, day.day, day.day);
    return { ...day, detail: `/v1/me/lead-log?createdAt[gte]=${from}&createdAt[lt]=${until}` };
  });
  return { rows, totals: [countsOf(days)] };
}

async function earnings(tx: ReadTx, span: OwnSpan & { readonly zone: string }) {
  const months = await listEarningMonths(tx, span);
  const currencies = [...new Set(months.map(({ currency }) => currency))].sort();
  const totals = currencies.map((currency) => {
    const mine = months.filter((month) => month.currency === currency);
    const total = (name: 'earned' | 'takenBack' | 'net' | 'paid') =>
      sum(
        currency,
        mine.map((month) => month[name]),
      );
    return {
      lines: mine.reduce((count, { lines }) => count + lines, 0),
      earned: total('earned'),
      takenBack: total('takenBack'),
      net: total('net'),
      paid: total('paid'),
    };
  });
  return { rows: months.map((month) => presentMonth(month, span)), totals };
}

/** The month's lines, as far as the range reaches into it. */
function presentMonth(
  { month, lines, earned, takenBack, net, paid }: EarningPeriod,
  span: OwnSpan & { readonly zone: string },
) {
  const { from, until } = periodContaining(span.zone, 'month', startOfDay(span.zone, month));
  const part = { from: from > span.from ? from : span.from, until: until < span.until ? until : span.until };
  return {
    month,
    lines,
    earned,
    takenBack,
    net,
    paid,
    detail: linesOf(part),
  };
}

/** The portal's reports (api.md 17). */
export const ownReportRoutes: readonly Route[] = [report];
