import type { Mode } from '../../../domain/act.js';
import type { LinkId } from '../../../domain/ids.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import { type DeviceSummary, deviceSummaryOf } from '../../../domain/tracking/deviceSummary.js';
import type { ReadTx } from '../../transaction.js';

// What happened between two instants: in all, day by day, and by which links. The same conditions as the lists behind each figure, so that
// a figure and its list agree (ADM-02).

export interface ActivitySpan {
  readonly mode: Mode;
  readonly from: Instant;
  readonly until: Instant;
  /** Only what is credited to these affiliates; null: everything. */
  readonly affiliateIds: readonly string[] | null;
}

const within = (column: string): string =>
  `${column} >= cast(:from as timestamptz) and ${column} < cast(:until as timestamptz)`;
const own = (table: string): string =>
  `(cast(:affiliateIds as text[]) is null or ${table}.affiliate_id = any(cast(:affiliateIds as text[])))`;

function bindings(span: ActivitySpan): Record<string, unknown> {
  return { ...span, affiliateIds: span.affiliateIds === null ? null : [...span.affiliateIds] };
}

/** Conditions of each figure; `api/routes/reporting/console.ts` names the list query that says the same. */
const facts = {
  clicks: { from: 'clicks', at: 'clicks.created_at', where: `clicks.mode = :mode` },
  // A visit has no affiliate of its own: its link's.
  visits: {
    from: 'visits join links on links.workspace_id = visits.workspace_id and links.id = visits.link_id',
    owner: 'links',
    at: 'visits.created_at',
    where: `visits.mode = :mode`,
  },
  leads: { from: 'leads', at: 'leads.created_at', where: `leads.mode = :mode` },
  referrals: {
    from: 'referrals',
    at: 'referrals.created_at',
    where: `referrals.mode = :mode and referrals.status in ('pending', 'approved', 'rejected')`,
  },
  sales: { from: 'sales', at: 'sales.occurred_at', where: `sales.mode = :mode and sales.status <> 'declined'` },
} as const;
export type ActivityFact = keyof typeof facts;
const factNames = Object.keys(facts) as readonly ActivityFact[];
/** Only what is credited to the affiliates of the span. */
const ownOf = (name: ActivityFact): string => {
  const fact = facts[name];
  return own('owner' in fact ? fact.owner : fact.from);
};

/** How many of each. */
export async function countActivity(tx: ReadTx, span: ActivitySpan): Promise<Readonly<Record<ActivityFact, number>>> {
  const { rows } = await tx.raw<{ rows: Record<ActivityFact, number>[] }>(
    `select ${factNames
      .map((name) => {
        const { from, at, where } = facts[name];
        return `(select count(*)::int from ${from} where ${where} and ${within(at)} and ${ownOf(name)}) as ${name}`;
      })
      .join(', ')}`,
    bindings(span),
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

/** Per currency; currencies are never added (api.md 13). */
export async function sumActivity(tx: ReadTx, span: ActivitySpan): Promise<readonly ActivityMoney[]> {
  const { rows } = await tx.raw<{ rows: { currency: CurrencyCode; commissions: bigint; revenue: bigint }[] }>(
    `select currency, coalesce(sum(commissions), 0)::bigint as commissions, coalesce(sum(revenue), 0)::bigint as revenue
     from (
       select commissions.currency, commissions.amount_minor - commissions.reversed_minor as commissions, 0 as revenue
       from commissions
       where commissions.mode = :mode and commissions.status <> 'rejected' and ${within('commissions.created_at')} and ${own('commissions')}
       union all
       select sales.currency, 0, sales.captured_minor - sales.refunded_minor
       from sales
       where ${facts.sales.where} and ${within(facts.sales.at)} and ${own('sales')}) as money
     group by currency order by currency`,
    bindings(span),
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

/** A row per day of the zone, also of those on which nothing happened. */
export async function listActivityDays(
  tx: ReadTx,
  span: ActivitySpan & { readonly zone: string },
): Promise<readonly ActivityDay[]> {
  const perDay = (name: ActivityFact): string => {
    const { from, at, where } = facts[name];
    return `select (${at} at time zone :zone)::date as day, '${name}' as fact from ${from}
            where ${where} and ${within(at)} and ${ownOf(name)}`;
  };
  const { rows } = await tx.raw<{ rows: ActivityDay[] }>(
    `with happened as (${(['clicks', 'visits', 'leads', 'sales'] as const).map(perDay).join(' union all ')})
     select to_char(days.day, 'YYYY-MM-DD') as day,
            (count(*) filter (where fact = 'clicks'))::int as clicks,
            (count(*) filter (where fact = 'visits'))::int as visits,
            (count(*) filter (where fact = 'leads'))::int as leads,
            (count(*) filter (where fact = 'sales'))::int as sales
     from generate_series((cast(:from as timestamptz) at time zone :zone)::date,
                          ((cast(:until as timestamptz) - interval '1 millisecond') at time zone :zone)::date, interval '1 day') as days (day)
     left join happened on happened.day = days.day::date
     group by days.day order by days.day`,
    bindings(span),
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
  const { rows } = await tx.raw<{
    rows: { day: LocalDate; currency: CurrencyCode; commissions: bigint; revenue: bigint }[];
  }>(
    `select to_char(money.day, 'YYYY-MM-DD') as day, money.currency,
            coalesce(sum(money.commissions), 0)::bigint as commissions, coalesce(sum(money.revenue), 0)::bigint as revenue
     from (
       select (commissions.created_at at time zone :zone)::date as day, commissions.currency,
              commissions.amount_minor - commissions.reversed_minor as commissions, 0 as revenue
       from commissions
       where commissions.mode = :mode and commissions.status <> 'rejected' and ${within('commissions.created_at')} and ${own('commissions')}
       union all
       select (${facts.sales.at} at time zone :zone)::date, sales.currency, 0, sales.captured_minor - sales.refunded_minor
       from sales
       where ${facts.sales.where} and ${within(facts.sales.at)} and ${own('sales')}) as money
     group by money.day, money.currency
     order by money.day, money.currency`,
    bindings(span),
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

/** Agents that are told apart before they are summed by kind: what is beyond them is rare. */
const mostAgents = 500;

/** Clicks by kind of device, as far as the browser's own word of itself is still kept (TRK-02). */
export async function listDevices(tx: ReadTx, span: ActivitySpan): Promise<readonly DeviceActivity[]> {
  const { rows } = await tx.raw<{ rows: { user_agent: string; clicks: number }[] }>(
    `select detail.user_agent, count(*)::int as clicks
     from clicks
     join click_details as detail on detail.workspace_id = clicks.workspace_id and detail.click_id = clicks.id
     where detail.user_agent is not null and ${facts.clicks.where} and ${within(facts.clicks.at)} and ${own('clicks')}
     group by detail.user_agent order by clicks desc, detail.user_agent
     limit :mostAgents`,
    { ...bindings(span), mostAgents },
  );
  const byKind = new Map<DeviceSummary['kind'], number>();
  for (const { user_agent: agent, clicks } of rows) {
    const kind = deviceSummaryOf(agent)?.kind ?? 'other';
    byKind.set(kind, (byKind.get(kind) ?? 0) + clicks);
  }
  return [...byKind].map(([kind, clicks]) => ({ kind, clicks })).toSorted((a, b) => b.clicks - a.clicks);
}

export interface LinkActivity {
  readonly id: LinkId;
  readonly slug: string;
  readonly affiliateId: string;
  readonly affiliateName: string;
  readonly clicks: number;
  readonly sales: number;
}

/** The links with the most sales, then clicks. */
export async function listBestLinks(tx: ReadTx, span: ActivitySpan, limit: number): Promise<readonly LinkActivity[]> {
  const { rows } = await tx.raw<{ rows: LinkActivity[] }>(
    `with happened as (
       select clicks.link_id, 1 as clicks, 0 as sales from clicks
       where ${facts.clicks.where} and ${within(facts.clicks.at)} and ${own('clicks')}
       union all
       select sales.link_id, 0, 1 from sales
       where sales.link_id is not null and ${facts.sales.where} and ${within(facts.sales.at)} and ${own('sales')})
     select link.id, link.slug, link.affiliate_id as "affiliateId", affiliate.name as "affiliateName",
            sum(happened.clicks)::int as clicks, sum(happened.sales)::int as sales
     from happened
     join links as link on link.id = happened.link_id
     join affiliates as affiliate on affiliate.id = link.affiliate_id
     group by link.id, link.slug, link.affiliate_id, affiliate.name
     order by sales desc, clicks desc, link.id
     limit :limit`,
    { ...bindings(span), limit },
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

/** The affiliates with the most sales, then leads, then clicks. */
export async function listBestAffiliates(
  tx: ReadTx,
  span: ActivitySpan,
  limit: number,
): Promise<readonly AffiliateActivity[]> {
  const part = (name: 'clicks' | 'leads' | 'sales'): string => {
    const { from, at, where } = facts[name];
    return `select ${from}.affiliate_id, '${name}' as fact from ${from}
            where ${from}.affiliate_id is not null and ${where} and ${within(at)} and ${own(from)}`;
  };
  const { rows } = await tx.raw<{ rows: AffiliateActivity[] }>(
    `select affiliate.id, affiliate.name,
            (count(*) filter (where fact = 'clicks'))::int as clicks,
            (count(*) filter (where fact = 'leads'))::int as leads,
            (count(*) filter (where fact = 'sales'))::int as sales
     from (${[part('clicks'), part('leads'), part('sales')].join(' union all ')}) as happened
     join affiliates as affiliate on affiliate.id = happened.affiliate_id
     group by affiliate.id, affiliate.name
     order by sales desc, leads desc, clicks desc, affiliate.id
     limit :limit`,
    { ...bindings(span), limit },
  );
  return rows;
}
