import { z } from 'zod';
import { figureSorts } from '../../../db/reads/reporting/affiliateFigures.js';
import { funnelLabels } from '../../../db/reads/reporting/labelFunnel.js';
import { anyText, listQuery } from '../../lists.js';
import { currencyWire, dateWire, idWire, instantWire, signedMoneyWire } from '../wire.js';

// The reports of the console (api.md 13): a row per affiliate, link, program …, by days of the workspace's zone.

export const reportNames = ['affiliate-performance', 'lead-senders', 'quality', 'funnel'] as const;
export type ReportName = (typeof reportNames)[number];
export const reportParams = z.strictObject({ reportName: z.enum(reportNames) });

export const funnelSteps = ['link', 'program', ...funnelLabels] as const;

export const reportQuery = listQuery(
  {
    from: dateWire.exactOptional(),
    to: dateWire.exactOptional(),
    /** The totals of another range beside: the one before, as long as this one, or the same days a year earlier. */
    compare: z.enum(['previous', 'year', 'none']).default('none'),
    programId: anyText(),
    groupId: anyText(),
    affiliateId: anyText(),
    segmentId: idWire('segment').exactOptional(),
    /** In which amounts are compared by `sort=earned`; the workspace's own where none is named. */
    currency: currencyWire.exactOptional(),
    /** Of `funnel`: what a row is. */
    by: z.enum(funnelSteps).exactOptional(),
  },
  { sort: ['sales', 'name', 'createdAt', ...figureSorts.filter((field) => field !== 'sales')], q: true },
);

function reportOf<const N extends string, R extends z.ZodType, T extends z.ZodType>(name: N, row: R, totals: T) {
  return z.strictObject({
    name: z.literal(name),
    from: dateWire,
    to: dateWire,
    timeZone: z.string(),
    rows: z.array(row),
    /** Of all rows, also those of further pages. */
    totals: z.array(totals),
    /** The same totals over other days; null with `compare=none`. */
    compared: z.strictObject({ from: dateWire, to: dateWire, totals: z.array(totals) }).nullable(),
    nextCursor: z.string().nullable(),
  });
}

const money = z.array(signedMoneyWire);
/** Who the row is of; the first column (RPT-06). */
const whose = { affiliateId: z.string(), name: z.string(), email: z.string() };
/** The list query behind a row. */
const detail = z.string();

const performanceFigures = {
  clicks: z.int(),
  visits: z.int(),
  leads: z.int(),
  uniqueLeads: z.int(),
  acceptedLeads: z.int(),
  sales: z.int(),
  totalSales: money,
  earned: money,
  owed: money,
  commissionPaid: money,
  refunds: z.int(),
  totalRefunds: money,
  /** Sales per click, in millionths; null without a click. */
  conversionRate: z.int().nullable(),
};
const performanceReport = reportOf(
  'affiliate-performance',
  z.strictObject({
    ...whose,
    ...performanceFigures,
    joinedAt: instantWire,
    lastActivityAt: instantWire.nullable(),
    detail,
    /** The rows behind each figure; what has no list of its own is left out. */
    lists: z.record(z.string(), z.string()),
  }),
  z.strictObject(performanceFigures),
).openapi('AffiliatePerformanceReport');

const senderFigures = { leads: z.int(), uniqueLeads: z.int(), acceptedLeads: z.int(), acceptRate: z.int().nullable() };
const senderReport = reportOf(
  'lead-senders',
  z.strictObject({ ...whose, ...senderFigures, detail }),
  z.strictObject(senderFigures),
).openapi('LeadSenderReport');

const qualityFigures = {
  leads: z.int(),
  accepted: z.int(),
  acceptRate: z.int().nullable(),
  sales: z.int(),
  refunds: z.int(),
  refundShare: z.int().nullable(),
  conversionRate: z.int().nullable(),
};
const qualityReport = reportOf(
  'quality',
  z.strictObject({
    ...whose,
    ...qualityFigures,
    flags: z.int(),
    standard: z.enum(['met', 'below']).nullable(),
    detail,
  }),
  z.strictObject(qualityFigures),
).openapi('QualityReport');

const funnelFigures = {
  clicks: z.int(),
  visits: z.int(),
  leads: z.int(),
  sales: z.int(),
  visitRate: z.int().nullable(),
  leadRate: z.int().nullable(),
  saleRate: z.int().nullable(),
};
const funnelReport = reportOf(
  'funnel',
  z.strictObject({
    by: z.enum(funnelSteps),
    /** Id of the link or program, or the label itself; null: what belongs to none. */
    key: z.string().nullable(),
    title: z.string().nullable(),
    ...funnelFigures,
    detail,
  }),
  z.strictObject(funnelFigures),
).openapi('FunnelReport');

export const reportWire = z.discriminatedUnion('name', [performanceReport, senderReport, qualityReport, funnelReport]);
export type ReportReply = z.output<typeof reportWire>;

export const reportLibraryWire = z
  .strictObject({
    data: z.array(
      z.strictObject({
        name: z.enum(reportNames),
        path: z.string(),
        columns: z.array(z.strictObject({ name: z.string(), definition: z.string() })),
      }),
    ),
    nextCursor: z.null(),
  })
  .openapi('ReportLibrary');

const shared = {
  name: 'The affiliate.',
  email: 'Its address.',
  clicks: 'Clicks on its links, those that count for nobody included.',
  visits: 'Pages that the script saw, one per visitor, link and day.',
  leads: 'Leads credited to it that came in on these days, whatever became of them.',
  uniqueLeads: 'Leads that were no duplicate.',
  acceptedLeads: 'Leads that were accepted or became a customer.',
  sales: 'Sales that happened on these days; a declined one is none.',
  conversionRate: 'Sales per click, in millionths; none without a click.',
  acceptRate: 'Accepted of all leads, in millionths; none without a lead.',
} as const;

/** What each column means (screens.md 3.4: every column has a definition). */
export const reportColumns: Readonly<Record<ReportName, Readonly<Record<string, string>>>> = {
  'affiliate-performance': {
    name: shared.name,
    email: shared.email,
    clicks: shared.clicks,
    visits: shared.visits,
    leads: shared.leads,
    uniqueLeads: shared.uniqueLeads,
    acceptedLeads: shared.acceptedLeads,
    sales: shared.sales,
    totalSales: 'What customers paid for these sales, before anything was given back; per currency.',
    earned: 'Commission lines made on these days, less what was taken off them since; per currency.',
    owed: 'Approved and in no payout, as of now; per currency.',
    commissionPaid: 'The part of the earned lines that is paid; per currency.',
    refunds: 'Refunds on these days of sales whose commission had been paid out.',
    totalRefunds: 'What these refunds gave back; per currency.',
    joinedAt: 'When the affiliate was made.',
    lastActivityAt: 'Its newest click, lead or sale, whatever the days.',
    conversionRate: shared.conversionRate,
  },
  'lead-senders': {
    name: shared.name,
    email: shared.email,
    leads: shared.leads,
    uniqueLeads: shared.uniqueLeads,
    acceptedLeads: shared.acceptedLeads,
    acceptRate: shared.acceptRate,
  },
  quality: {
    name: shared.name,
    email: shared.email,
    leads: shared.leads,
    accepted: shared.acceptedLeads,
    acceptRate: shared.acceptRate,
    sales: shared.sales,
    refunds: 'Sales of these days of which anything was given back, as of now.',
    refundShare: 'Refunded of all sales, in millionths; none without a sale.',
    conversionRate: 'Sales per click that is neither filtered nor suspect, in millionths; none without one.',
    flags: 'Open risk flags, of itself and of its referrals.',
    standard: 'Its newest verdict: below where any threshold was missed; none without a threshold.',
  },
  funnel: {
    by: 'What a row is.',
    title: 'The link, the program, or what the click said; none: what belongs to none.',
    clicks: shared.clicks,
    visits: shared.visits,
    leads: shared.leads,
    sales: shared.sales,
    visitRate: 'Visits per click, in millionths; none without a click.',
    leadRate: 'Leads per click, in millionths; none without a click.',
    saleRate: 'Sales per lead, in millionths; none without a lead.',
  },
};
