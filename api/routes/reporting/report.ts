import type { z } from 'zod';
import { getSettings } from '../../../db/access/settings.js';
import { type AffiliateFilter, chooseAffiliates, listAffiliates } from '../../../db/reads/affiliate/affiliateList.js';
import { listAffiliateMetrics } from '../../../db/reads/affiliate/affiliateMetrics.js';
import {
  type AffiliateChoice,
  type AffiliateFigures,
  listAffiliateFigures,
  listLastActivity,
  listOwed,
  listPaidRefunds,
  noFigures,
  sumAffiliateFigures,
  sumOwedOf,
} from '../../../db/reads/reporting/affiliateFigures.js';
import { type FunnelStep, listFunnel, sumFunnel } from '../../../db/reads/reporting/funnel.js';
import { listLabelFunnel } from '../../../db/reads/reporting/labelFunnel.js';
import type { ActivitySpan } from '../../../db/reads/reporting/rollup.js';
import type { Page } from '../../../db/reads/keyset.js';
import type { ReadTx } from '../../../db/transaction.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { daysRange } from '../../../domain/calendar.js';
import { comparedDays, type Days } from '../../../domain/reporting/comparedDays.js';
import { millionths, type Money, sum } from '../../../domain/money.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  funnelSteps,
  reportColumns,
  reportLibraryWire,
  type ReportName,
  reportNames,
  reportParams,
  reportQuery,
  type ReportReply,
  reportWire,
} from '../../schemas/reporting/report.js';
import { segmentFilterOf } from '../affiliate/affiliateFilter.js';
import { daysAsked } from './ownReport.js';

const library = defineRoute({
  method: 'GET',
  path: '/v1/reports',
  summary: 'The reports there are, their columns, and what each column means',
  permission: 'report.read',
  reply: reportLibraryWire,
  refuses: [],
  handle: () =>
    Promise.resolve({
      data: reportNames.map((name) => ({
        name,
        path: `/v1/reports/${name}`,
        columns: Object.entries(reportColumns[name]).map(([column, definition]) => ({ name: column, definition })),
      })),
      nextCursor: null,
    }),
});

type Asking = RouteContext<{ reportName: ReportName }, z.output<typeof reportQuery>, unknown, unknown>;

/** What a report is asked for: who, which days, in which order. */
interface Asked {
  readonly ctx: Pick<Asking, 'scope' | 'list'>;
  readonly span: ActivitySpan;
  readonly page: Page;
  readonly filter: AffiliateFilter;
  /** The affiliates of the filter; null: all. */
  readonly choice: AffiliateChoice | null;
  readonly currency: Money['currency'];
}

const report = defineRoute({
  method: 'GET',
  path: '/v1/reports/:reportName',
  summary: 'One report by days of the workspace’s zone, with the rows behind each row',
  permission: 'report.read',
  params: reportParams,
  query: reportQuery,
  reply: reportWire,
  refuses: ['resource.not_found'],
  handle(ctx) {
    const { query } = ctx;
    const page = ctx.page(query);
    const { reportName } = ctx.params;
    if (query.by !== undefined && reportName !== 'funnel')
      throw invalid({ parameter: 'by', code: 'not_allowed_here', detail: 'Only the report funnel has it.' });
    return ctx.read(async (tx, now): Promise<ReportReply> => {
      const { timeZone, defaultCurrency } = (await getSettings(tx)).settings.general;
      const days = daysAsked(query, timeZone, now);
      const { groupId, affiliateId: id, q, segmentId } = query;
      const segment = segmentId === undefined ? undefined : await segmentFilterOf(tx, segmentId);
      const filter: AffiliateFilter = { groupId, id, q, segment };
      const isAll = ctx.scope.kind === 'workspace' && Object.values(filter).every((value) => value === undefined);
      const asked: Asked = {
        ctx,
        span: {
          mode: ctx.mode,
          affiliateIds: null,
          programIds: query.programId ?? null,
          ...daysRange(timeZone, days.from, days.to),
        },
        page,
        filter,
        choice: isAll ? null : chooseAffiliates(tx, ctx.scope, filter),
        currency: query.currency ?? defaultCurrency,
      };
      const before = query.compare === 'none' ? null : comparedDays(timeZone, days, query.compare);
      const compared =
        before === null ? null : { ...before, span: { ...asked.span, ...daysRange(timeZone, before.from, before.to) } };
      const common = { ...days, timeZone };
      switch (reportName) {
        case 'affiliate-performance':
          return { name: reportName, ...common, ...(await performance(tx, asked, compared)) };
        case 'lead-senders':
          return { name: reportName, ...common, ...(await leadSenders(tx, asked, compared)) };
        case 'quality':
          return { name: reportName, ...common, ...(await quality(tx, asked, compared)) };
        case 'funnel':
          return { name: reportName, ...common, ...(await funnel(tx, ctx, asked, compared)) };
        default:
          return reportName satisfies never;
      }
    });
  },
});

type Compared = (Days & { readonly span: ActivitySpan }) | null;

/** The totals of the range, and beside them those of the days it is compared with. */
async function totalsOf<T>(asked: Asked, compared: Compared, read: (span: ActivitySpan) => Promise<T>) {
  const totals = [await read(asked.span)];
  if (compared === null) return { totals, compared: null };
  const { from, to, span } = compared;
  return { totals, compared: { from, to, totals: [await read(span)] } };
}

/** A page of affiliates, each as a row. */
async function affiliateRows<R>(
  tx: ReadTx,
  { ctx, span, page, filter, currency }: Asked,
  rowsOf: (
    affiliateIds: readonly string[],
  ) => Promise<(affiliateId: string, affiliate: Pick<Affiliate, 'createdAt'>) => R>,
) {
  const views = await listAffiliates(tx, ctx.scope, filter, page, { span, currency });
  const rowOf = await rowsOf(views.map(({ affiliate }) => affiliate.id));
  const { data, nextCursor } = ctx.list(
    views,
    page,
    ({ affiliate }) => ({
      affiliateId: affiliate.id,
      name: affiliate.name,
      email: affiliate.email,
      ...rowOf(affiliate.id, affiliate),
    }),
    ({ affiliate, figure }) => ({
      value: figure ?? (page.sort === 'name' ? affiliate.name : affiliate.createdAt),
      id: affiliate.id,
    }),
  );
  return { rows: data, nextCursor };
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Number(millionths({ numerator: BigInt(part), denominator: BigInt(whole) }));
}

function presentFigures(figures: AffiliateFigures) {
  const { clicks, visits, leads, uniqueLeads, acceptedLeads, sales, totalSales, earned, commissionPaid } = figures;
  return {
    clicks,
    visits,
    leads,
    uniqueLeads,
    acceptedLeads,
    sales,
    totalSales: [...totalSales],
    earned: [...earned],
    commissionPaid: [...commissionPaid],
    conversionRate: shareOf(sales, clicks),
  };
}

/** The rows behind each figure of an affiliate (RPT-06). */
function listsBehind(affiliateId: string, { span }: Pick<Asked, 'span'>) {
  const programs =
    span.programIds === null || span.programIds === undefined ? '' : `&programId=${span.programIds.join(',')}`;
  const list = (path: string, field: string, more = ''): string =>
    `/v1/${path}?affiliateId=${affiliateId}${programs}${more}&${field}[gte]=${span.from}&${field}[lt]=${span.until}`;
  const lines = (status: string): string => list('commissions', 'createdAt', `&status=${status}`);
  const sales = list('sales', 'occurredAt', '&status=succeeded,part_refunded,refunded,disputed,charged_back');
  return {
    clicks: list('clicks', 'createdAt'),
    leads: list('leads', 'createdAt'),
    uniqueLeads: list('leads', 'createdAt', '&unique=true'),
    acceptedLeads: list('leads', 'createdAt', '&verdict=accepted,converted'),
    sales,
    totalSales: sales,
    earned: lines('pending,approved,reversed,paid'),
    commissionPaid: lines('paid'),
    owed: `/v1/commissions?affiliateId=${affiliateId}${programs}&list=payable`,
  };
}

async function performance(tx: ReadTx, asked: Asked, compared: Compared) {
  const { rows, nextCursor } = await affiliateRows(tx, asked, async (affiliateIds) => {
    const span = { ...asked.span, affiliateIds };
    const figures = await listAffiliateFigures(tx, span);
    const active = await listLastActivity(tx, { mode: span.mode, affiliateIds });
    const owed = await listOwed(tx, { mode: span.mode, affiliateIds, programIds: span.programIds });
    const refunds = await listPaidRefunds(tx, span, null);
    return (affiliateId, { createdAt }) => {
      const lists = listsBehind(affiliateId, asked);
      const own = refunds.filter((one) => one.affiliateId === affiliateId);
      return {
        ...presentFigures(figures.get(affiliateId) ?? noFigures),
        owed: owed.filter((one) => one.affiliateId === affiliateId).map(({ amount }) => amount),
        refunds: own.reduce((count, one) => count + one.refunds, 0),
        totalRefunds: own.map(({ amount }) => amount),
        joinedAt: createdAt,
        lastActivityAt: active.get(affiliateId) ?? null,
        detail: lists.earned,
        lists,
      };
    };
  });
  const totals = await totalsOf(asked, compared, async (span) => {
    const refunds = await listPaidRefunds(tx, span, asked.choice);
    return {
      ...presentFigures(await sumAffiliateFigures(tx, span, asked.choice)),
      owed: [...(await sumOwedOf(tx, span, asked.choice))],
      refunds: refunds.reduce((count, one) => count + one.refunds, 0),
      totalRefunds: perCurrency(refunds.map(({ amount }) => amount)),
    };
  });
  return { rows, ...totals, nextCursor };
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

function sendersOf({ leads, uniqueLeads, acceptedLeads }: AffiliateFigures) {
  return { leads, uniqueLeads, acceptedLeads, acceptRate: shareOf(acceptedLeads, leads) };
}

/** Who sent most leads (RPT-08): by leads unless another order is asked for. */
async function leadSenders(tx: ReadTx, asked: Asked, compared: Compared) {
  const { rows, nextCursor } = await affiliateRows(tx, asked, async (affiliateIds) => {
    const figures = await listAffiliateFigures(tx, { ...asked.span, affiliateIds });
    return (affiliateId) => ({
      ...sendersOf(figures.get(affiliateId) ?? noFigures),
      detail: listsBehind(affiliateId, asked).leads,
    });
  });
  const totals = await totalsOf(asked, compared, async (span) =>
    sendersOf(await sumAffiliateFigures(tx, span, asked.choice)),
  );
  return { rows, ...totals, nextCursor };
}

interface Quality {
  readonly clicks: number;
  readonly leads: number;
  readonly accepted: number;
  readonly sales: number;
  readonly refunds: number;
}

function qualityOf({ clicks, leads, accepted, sales, refunds }: Quality) {
  return {
    leads,
    accepted,
    acceptRate: shareOf(accepted, leads),
    sales,
    refunds,
    refundShare: shareOf(refunds, sales),
    conversionRate: shareOf(sales, clicks),
  };
}

async function quality(tx: ReadTx, asked: Asked, compared: Compared) {
  const { rows, nextCursor } = await affiliateRows(tx, asked, async (affiliateIds) => {
    const found = await listAffiliateMetrics(tx, { ...asked.span, affiliateIds });
    return (affiliateId) => {
      const metrics = found.get(affiliateId);
      if (metrics === undefined) throw new Error('each affiliate has its metrics');
      const { flags, standard } = metrics;
      return { ...qualityOf(metrics), flags, standard, detail: listsBehind(affiliateId, asked).sales };
    };
  });
  const totals = await totalsOf(asked, compared, async (span) => {
    const { validClicks, leads, acceptedLeads, sales, refundedSales } = await sumAffiliateFigures(
      tx,
      span,
      asked.choice,
    );
    return qualityOf({ clicks: validClicks, leads, accepted: acceptedLeads, sales, refunds: refundedSales });
  });
  return { rows, ...totals, nextCursor };
}

const funnelSorts: readonly string[] = ['clicks', 'visits', 'leads', 'sales'] satisfies readonly FunnelStep[];

function ratesOf<
  F extends { readonly clicks: number; readonly visits: number; readonly leads: number; readonly sales: number },
>(figures: F) {
  return {
    ...figures,
    visitRate: shareOf(figures.visits, figures.clicks),
    leadRate: shareOf(figures.leads, figures.clicks),
    saleRate: shareOf(figures.sales, figures.leads),
  };
}

/** How far visitors got, by link, program or what their click said (RPT-09). Rows of groups and assigned affiliates are those of their affiliates. */
async function funnel(tx: ReadTx, ctx: Asking, asked: Asked, compared: Compared) {
  const { page } = asked;
  if (!funnelSorts.includes(page.sort))
    throw invalid({
      parameter: 'sort',
      code: 'not_in_list',
      detail: `One of: ${funnelSorts.join(', ')}; - before it for descending.`,
    });
  const by = ctx.query.by ?? funnelSteps[0];
  const affiliateIds = asked.choice === null ? null : await chosenIds(tx, asked.choice);
  const span = { ...asked.span, affiliateIds };
  const order = {
    sort: page.sort as FunnelStep,
    descending: page.descending,
    limit: page.limit,
    after: page.after,
  };
  const isLabel = by !== 'link' && by !== 'program';
  const found = isLabel
    ? await listLabelFunnel(tx, span, { by, ...order })
    : await listFunnel(tx, span, { by, ...order });
  const range = `createdAt[gte]=${span.from}&createdAt[lt]=${span.until}`;
  const { data, nextCursor } = ctx.list(
    found,
    page,
    (row) => ({
      by,
      ...ratesOf(row),
      detail:
        row.key === null
          ? `/v1/leads?${range}`
          : `/v1/clicks?${isLabel ? by : `${by}Id`}=${encodeURIComponent(row.key)}&${range}`,
    }),
    (row) => ({ value: row[page.sort as FunnelStep], id: row.key ?? '' }),
  );
  const totals = await totalsOf(asked, compared, async (days) =>
    ratesOf(await sumFunnel(tx, { ...days, affiliateIds })),
  );
  return { rows: data, ...totals, nextCursor };
}

export async function chosenIds(tx: ReadTx, choice: AffiliateChoice): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(choice.sql, choice.bindings);
  return rows.map(({ id }) => id);
}

/** Reports of the console (api.md 13). */
export const reportRoutes: readonly Route[] = [library, report];
