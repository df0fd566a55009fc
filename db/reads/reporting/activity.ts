import type { LinkId } from '../../../domain/ids.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { LocalDate } from '../../../domain/time.js';
import type { DeviceSummary } from '../../../domain/tracking/deviceSummary.js';
import type { ReadTx } from '../../transaction.js';
import { deviceKindOf } from '../tracking/deviceKind.js';
import { type ActivitySpan, readHappened, sumsOf } from './rollup.js';

// What happened between two instants: in all, day by day, and by which links. The same conditions as the lists behind each figure, so that
// a figure and its list agree (ADM-02).

export type { ActivitySpan } from './rollup.js';

const within = (column: string): string =>
  `${column} >= cast(:from as timestamptz) and ${column} < cast(:until as timestamptz)`;
const own = (table: string): string =>
  `(cast(:affiliateIds as text[]) is null or ${table}.affiliate_id = any(cast(:affiliateIds as text[])))
   and (cast(:programIds as text[]) is null or ${table}.program_id = any(cast(:programIds as text[])))`;

function bindings(span: ActivitySpan): Record<string, unknown> {
  const { affiliateIds, programIds = null } = span;
  return {
    ...span,
    affiliateIds: affiliateIds === null ? null : [...affiliateIds],
    programIds: programIds === null ? null : [...programIds],
  };
}

/** Where the rows themselves are read, the same conditions as the days count by (db/reporting/rollup.ts). */
const facts = {
  clicks: { at: 'clicks.created_at', where: 'clicks.mode = :mode' },
  leads: { at: 'leads.created_at', where: 'leads.mode = :mode' },
  sales: { at: 'sales.occurred_at', where: `sales.mode = :mode and sales.status <> 'declined'` },
} as const;

const factNames = ['clicks', 'visits', 'leads', 'referrals', 'sales'] as const;
export type ActivityFact = (typeof factNames)[number];

/** How many of each. */
export async function countActivity(tx: ReadTx, span: ActivitySpan): Promise<Readonly<Record<ActivityFact, number>>> {
  const happened = await readHappened(tx, span, { grain: 'program', wanted: factNames });
  const { rows } = await tx.raw<{ rows: Record<ActivityFact, number>[] }>(
    `select ${sumsOf(factNames)} from (${happened.sql}) as happened`,
    happened.bindings,
  );
  return rows[0] ?? { clicks: 0, visits: 0, leads: 0, referrals: 0, sales: 0 };
}

export interface ActivityMoney {
  readonly currency: CurrencyCode;
  /** Commissions made in the span, less what was taken off them since. */
  readonly commissions: Money;
  /** What customers paid for the sales of the span, less what they got back. */
  readonly revenue: Money;
}

const moneyMeasures = ['earned_minor', 'captured_minor', 'refunded_minor'] as const;
const moneySums = `coalesce(sum(earned_minor), 0)::bigint as commissions, coalesce(sum(captured_minor - refunded_minor), 0)::bigint as revenue`;

/** Per currency; currencies are never added (api.md 13). */
export async function sumActivity(tx: ReadTx, span: ActivitySpan): Promise<readonly ActivityMoney[]> {
  const happened = await readHappened(tx, span, { grain: 'program', wanted: moneyMeasures });
  const { rows } = await tx.raw<{ rows: { currency: CurrencyCode; commissions: bigint; revenue: bigint }[] }>(
    `select currency, ${moneySums} from (${happened.sql}) as happened
     where currency <> '' group by currency order by currency`,
    happened.bindings,
  );
  return rows.map(({ currency, commissions, revenue }) => ({
    currency,
    commissions: { minor: commissions, currency },
    revenue: { minor: revenue, currency },
  }));
}

export interface ActivityDay {
  readonly day: LocalDate;
  readonly clicks: number;
  readonly visits: number;
  readonly leads: number;
  readonly sales: number;
}

const dayMeasures = ['clicks', 'visits', 'leads', 'sales'] as const;

/** A row per day of the zone, also of those on which nothing happened. */
export async function listActivityDays(
  tx: ReadTx,
  span: ActivitySpan & { readonly zone: string },
): Promise<readonly ActivityDay[]> {
  const happened = await readHappened(tx, span, { grain: 'program', wanted: dayMeasures, zone: span.zone });
  const { rows } = await tx.raw<{ rows: ActivityDay[] }>(
    `with happened as (${happened.sql})
     select to_char(days.day, 'YYYY-MM-DD') as day, ${sumsOf(dayMeasures)}
     from generate_series((cast(:from as timestamptz) at time zone :zone)::date,
                          ((cast(:until as timestamptz) - interval '1 millisecond') at time zone :zone)::date, interval '1 day') as days (day)
     left join happened on happened.day = days.day::date
     group by days.day order by days.day`,
    happened.bindings,
  );
  return rows;
}

export interface MoneyDay {
  readonly day: LocalDate;
  readonly commissions: Money;
  readonly revenue: Money;
}

/** A row per day and currency on which there was any; the days of a zone, the conditions of `sumActivity`. */
export async function listMoneyDays(
  tx: ReadTx,
  span: ActivitySpan & { readonly zone: string },
): Promise<readonly MoneyDay[]> {
  const happened = await readHappened(tx, span, { grain: 'program', wanted: moneyMeasures, zone: span.zone });
  const { rows } = await tx.raw<{
    rows: { day: LocalDate; currency: CurrencyCode; commissions: bigint; revenue: bigint }[];
  }>(
    `select to_char(day, 'YYYY-MM-DD') as day, currency, ${moneySums}
     from (${happened.sql}) as happened
     where currency <> ''
     group by day, currency
     order by day, currency`,
    happened.bindings,
  );
  return rows.map(({ day, currency, commissions, revenue }) => ({
    day,
    commissions: { minor: commissions, currency },
    revenue: { minor: revenue, currency },
  }));
}

export interface CountryActivity {
  readonly country: string;
  readonly leads: number;
  readonly sales: number;
}

/** The countries with the most sales, then leads, as far as a lead named one. */
export async function listBestCountries(
  tx: ReadTx,
  span: ActivitySpan,
  limit: number,
): Promise<readonly CountryActivity[]> {
  const { rows } = await tx.raw<{ rows: CountryActivity[] }>(
    `select country, sum(leads)::int as leads, sum(sales)::int as sales
     from (
       select leads.country, 1 as leads, 0 as sales from leads
       where leads.country is not null and ${facts.leads.where} and ${within(facts.leads.at)} and ${own('leads')}
       union all
       select contact.country, 0, 1 from sales
       join contacts as contact on contact.id = sales.contact_id
       where contact.country is not null and ${facts.sales.where} and ${within(facts.sales.at)} and ${own('sales')}) as happened
     group by country order by sales desc, leads desc, country
     limit :limit`,
    { ...bindings(span), limit },
  );
  return rows;
}

export interface DeviceActivity {
  readonly kind: DeviceSummary['kind'];
  readonly clicks: number;
}

/** Clicks by kind of device, as far as the browser's own word of itself is still kept (TRK-02). */
export async function listDevices(tx: ReadTx, span: ActivitySpan): Promise<readonly DeviceActivity[]> {
  // Each agent is looked at once, however many clicks it made.
  const { rows } = await tx.raw<{ rows: DeviceActivity[] }>(
    `select ${deviceKindOf('agent.name')} as kind, sum(agent.clicks)::int as clicks
     from (
       select detail.user_agent as name, count(*) as clicks
       from clicks
       join click_details as detail on detail.click_id = clicks.id and detail.created_at = clicks.created_at
       where detail.user_agent is not null and ${facts.clicks.where} and ${within(facts.clicks.at)} and ${own('clicks')}
       group by detail.user_agent) as agent
     group by 1 order by clicks desc, kind`,
    bindings(span) as never,
  );
  return rows;
}

export interface LinkActivity {
  readonly id: LinkId;
  readonly slug: string;
  readonly affiliateId: string;
  readonly affiliateName: string;
  readonly clicks: number;
  readonly sales: number;
}

const linkMeasures = ['clicks', 'sales'] as const;

/** The links with the most sales, then clicks. */
export async function listBestLinks(tx: ReadTx, span: ActivitySpan, limit: number): Promise<readonly LinkActivity[]> {
  const happened = await readHappened(tx, span, { grain: 'link', wanted: linkMeasures });
  const { rows } = await tx.raw<{ rows: LinkActivity[] }>(
    `with best as (
       select link_id, ${sumsOf(linkMeasures)} from (${happened.sql}) as happened
       where link_id <> '' group by link_id having sum(clicks) > 0 or sum(sales) > 0)
     select link.id, link.slug, link.affiliate_id as "affiliateId", affiliate.name as "affiliateName", best.clicks, best.sales
     from best
     join links as link on link.id = best.link_id
     join affiliates as affiliate on affiliate.id = link.affiliate_id
     order by best.sales desc, best.clicks desc, link.id
     limit :limit`,
    { ...happened.bindings, limit },
  );
  return rows;
}

export interface AffiliateActivity {
  readonly id: string;
  readonly name: string;
  readonly clicks: number;
  readonly leads: number;
  readonly sales: number;
}

const affiliateMeasures = ['clicks', 'leads', 'sales'] as const;

/** The affiliates with the most sales, then leads, then clicks. */
export async function listBestAffiliates(
  tx: ReadTx,
  span: ActivitySpan,
  limit: number,
): Promise<readonly AffiliateActivity[]> {
  const happened = await readHappened(tx, span, { grain: 'affiliate', wanted: affiliateMeasures });
  const { rows } = await tx.raw<{ rows: AffiliateActivity[] }>(
    `with best as (
       select affiliate_id, ${sumsOf(affiliateMeasures)} from (${happened.sql}) as happened
       where affiliate_id <> '' group by affiliate_id having sum(clicks) > 0 or sum(leads) > 0 or sum(sales) > 0)
     select affiliate.id, affiliate.name, best.clicks, best.leads, best.sales
     from best
     join affiliates as affiliate on affiliate.id = best.affiliate_id
     order by best.sales desc, best.leads desc, best.clicks desc, affiliate.id
     limit :limit`,
    { ...happened.bindings, limit },
  );
  return rows;
}
