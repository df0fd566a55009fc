import type { AffiliateId, ReferralId } from '../../../domain/ids.js';
import { type ReferralSignals, type SharedEdge, type SharedTrait } from '../../../domain/tracking/riskRules.js';
import type { ClickOrigin } from '../../../domain/tracking/trafficTerms.js';
import type { ReadTx, Tx } from '../../transaction.js';

interface SignalRow {
  readonly referral_id: ReferralId;
  readonly affiliate_id: AffiliateId | null;
  readonly email_key: string | null;
  readonly same: readonly { readonly affiliateId: AffiliateId; readonly trait: SharedTrait }[] | null;
  readonly clicks_per_minute: number;
  readonly leads_per_ten: number;
  readonly seconds_to_event: number | null;
  readonly minutes_since_other: number | null;
  readonly buyer_country: string | null;
  readonly origins: readonly ClickOrigin[] | null;
}

export interface SignalsOfReferral extends ReferralSignals {
  readonly referralId: ReferralId;
  readonly affiliateId: AffiliateId | null;
}

// What do buyer, clicks, leads and devices of these referrals have in common with whom they credit, and how fast did they come?
export async function readReferralSignals(
  tx: ReadTx | Tx,
  referralIds: readonly string[],
): Promise<readonly SignalsOfReferral[]> {
  if (referralIds.length === 0) return [];
  // One referral, as every step asks: by equality. With `= any` Postgres expects ten rows of a plan for all values, keeps making a plan for
  // each call instead, and that takes 7 ms of a sale's step (pg_stat_statements).
  const [one, ...others] = referralIds;
  const [wanted, bound] =
    others.length === 0 ? ['= :one', { one }] : ['= any(:referralIds)', { referralIds: [...referralIds] }];
  const { rows } = await tx.raw<{ rows: SignalRow[] }>(
    `
    with wanted as (
      select referral.id, referral.affiliate_id, referral.contact_id, referral.mode,
             coalesce(referral.lead_at, referral.sale_at) as event_at,
             array_remove(array[referral.affiliate_id, referral.first_affiliate_id, referral.last_affiliate_id], null) as credited,
             buyer.email_key, buyer.phone_key, buyer.country
      from referrals as referral
      left join contacts as buyer on (buyer.workspace_id, buyer.id) = (referral.workspace_id, referral.contact_id)
      where referral.id ${wanted}
    ), clicked as (
      select wanted.id as referral_id, click.id as click_id, click.created_at, click.affiliate_id, details.address_hash, details.user_agent,
             click.previous_click_id, click.query, click.referrer, details.country
      from wanted
      join touches as touch on touch.referral_id = wanted.id and touch.kind = 'click'
      join clicks as click on click.id = touch.source_id
      left join click_details as details on (details.created_at, details.click_id) = (click.created_at, click.id)
    ), traits as (
      select wanted.id as referral_id, affiliate.id as affiliate_id, 'contact' as trait
      from wanted join affiliates as affiliate on affiliate.id = any(wanted.credited) and affiliate.contact_id = wanted.contact_id
      union
      select wanted.id, affiliate.id, 'email'
      from wanted join affiliates as affiliate on affiliate.id = any(wanted.credited)
      join contacts as person on (person.workspace_id, person.id) = (affiliate.workspace_id, affiliate.contact_id)
        and person.email_key = wanted.email_key
      union
      select wanted.id, affiliate.id, 'phone'
      from wanted join affiliates as affiliate on affiliate.id = any(wanted.credited)
      join contacts as person on (person.workspace_id, person.id) = (affiliate.workspace_id, affiliate.contact_id)
        and person.phone_key = wanted.phone_key
      union
      -- the buyer is an affiliate of its own that is paid where the credited one is paid
      select wanted.id, own.affiliate_id, 'payout_account'
      from wanted
      join payout_methods as own on own.affiliate_id = any(wanted.credited)
      join payout_methods as other on (other.workspace_id, other.fingerprint) = (own.workspace_id, own.fingerprint)
      join affiliates as buyer on (buyer.workspace_id, buyer.id) = (other.workspace_id, other.affiliate_id)
        and buyer.contact_id = wanted.contact_id
      where buyer.id <> own.affiliate_id
      union
      -- the affiliate's portal was used in the browser that clicked, or from its device within a day
      select clicked.referral_id, device.affiliate_id,
             case when device.visitor_click_id in (clicked.click_id, clicked.previous_click_id) then 'visitor' else 'device' end
      from clicked
      join wanted on wanted.id = clicked.referral_id
      join affiliate_devices as device on device.affiliate_id = any(wanted.credited)
        and (device.visitor_click_id in (clicked.click_id, clicked.previous_click_id)
             or (device.address_hash = clicked.address_hash and device.user_agent = clicked.user_agent
                 and device.seen_at between clicked.created_at - interval '24 hours' and clicked.created_at + interval '24 hours'))
      union
      select wanted.id, device.affiliate_id, 'device'
      from wanted
      join leads as lead on lead.referral_id = wanted.id
      join lead_details as details on (details.workspace_id, details.lead_id) = (lead.workspace_id, lead.id)
      join affiliate_devices as device on device.affiliate_id = any(wanted.credited)
        and device.address_hash = details.address_hash and device.user_agent = details.user_agent
        and device.seen_at between lead.created_at - interval '24 hours' and lead.created_at + interval '24 hours'
    )
    select wanted.id as referral_id, wanted.affiliate_id, wanted.email_key, wanted.country as buyer_country,
           (select jsonb_agg(jsonb_build_object('clickId', own.click_id, 'query', own.query, 'referrer', own.referrer, 'country', own.country)
                             order by own.created_at desc)
            from (select * from clicked where clicked.referral_id = wanted.id and clicked.affiliate_id = any(wanted.credited)
                  order by clicked.created_at desc limit 50) as own) as origins,
           (select jsonb_agg(jsonb_build_object('affiliateId', traits.affiliate_id, 'trait', traits.trait) order by traits.affiliate_id, traits.trait)
            from traits where traits.referral_id = wanted.id) as same,
           coalesce((
             select max(around.clicks) from clicked
             cross join lateral (
               select count(*) as clicks from click_details as details
               where details.created_at between clicked.created_at - interval '1 minute' and clicked.created_at + interval '1 minute'
                 and details.address_hash = clicked.address_hash) as around
             where clicked.referral_id = wanted.id and clicked.address_hash is not null), 0)as clicks_per_minute,
           coalesce((
             select max(around.leads) from leads as lead
             join lead_details as own on (own.workspace_id, own.lead_id) = (lead.workspace_id, lead.id)
             cross join lateral (
               select count(*) as leads from lead_details as details
               where details.address_hash = own.address_hash
                 and details.created_at between own.created_at - interval '10 minutes' and own.created_at + interval '10 minutes') as around
             where lead.referral_id = wanted.id), 0)as leads_per_ten,
           extract(epoch from wanted.event_at - credited_click.created_at)as seconds_to_event,
           (extract(epoch from credited_click.created_at - other_click.created_at) / 60)as minutes_since_other
    from wanted
    left join lateral (
      select clicked.created_at from clicked
      where clicked.referral_id = wanted.id and clicked.affiliate_id = wanted.affiliate_id and clicked.created_at <= wanted.event_at
      order by clicked.created_at desc limit 1) as credited_click on true
    left join lateral (
      select clicked.created_at from clicked
      where clicked.referral_id = wanted.id and clicked.affiliate_id <> wanted.affiliate_id
        and clicked.created_at < credited_click.created_at
      order by clicked.created_at limit 1) as other_click on true`,
    bound,
  );
  return rows.map((row) => {
    const [first] = row.same ?? [];
    const ofFirst = (row.same ?? []).filter((one) => one.affiliateId === first?.affiliateId);
    return {
      referralId: row.referral_id,
      affiliateId: row.affiliate_id,
      same: [...new Set(ofFirst.map((one) => one.trait))],
      sameAffiliateId: first?.affiliateId ?? null,
      buyerEmailKey: row.email_key,
      clicksPerMinute: Number(row.clicks_per_minute),
      leadsPerTenMinutes: Number(row.leads_per_ten),
      origins: row.origins ?? [],
      buyerCountry: row.buyer_country,
      secondsToEvent: row.seconds_to_event === null ? null : Number(row.seconds_to_event),
      minutesSinceOther: row.minutes_since_other === null ? null : Number(row.minutes_since_other),
    };
  });
}

// What do affiliates of this workspace share with each other?
export async function listSharedEdges(tx: ReadTx | Tx): Promise<readonly SharedEdge[]> {
  const { rows } = await tx.raw<{ rows: { a: string; b: string; kind: SharedEdge['kind'] }[] }>(
    `
    select a.affiliate_id as a, b.affiliate_id as b, 'payout_account' as kind
    from payout_methods as a
    join payout_methods as b on (b.workspace_id, b.fingerprint) = (a.workspace_id, a.fingerprint) and b.affiliate_id > a.affiliate_id
    union
    select a.id, b.id, 'phone'
    from affiliates as a
    join contacts as person on (person.workspace_id, person.id) = (a.workspace_id, a.contact_id)
    join contacts as same on (same.workspace_id, same.phone_key) = (person.workspace_id, person.phone_key)
    join affiliates as b on (b.workspace_id, b.contact_id) = (same.workspace_id, same.id) and b.id > a.id
    union
    select a.affiliate_id, b.affiliate_id, 'visitor'
    from affiliate_devices as a
    join affiliate_devices as b on (b.workspace_id, b.visitor_click_id) = (a.workspace_id, a.visitor_click_id)
      and b.affiliate_id > a.affiliate_id
    union
    select a.affiliate_id, b.affiliate_id, 'device'
    from affiliate_devices as a
    join affiliate_devices as b on (b.workspace_id, b.address_hash, b.user_agent) = (a.workspace_id, a.address_hash, a.user_agent)
      and b.affiliate_id > a.affiliate_id
    order by a, b, kind
    limit 20000`,
  );
  return rows;
}

// Clicks and leads of the last day, sales and refunds of the last 90 days, per affiliate with any.
export async function listAffiliateSignals(tx: ReadTx | Tx): Promise<
  readonly {
    readonly affiliateId: AffiliateId;
    readonly clicks: number;
    readonly leads: number;
    readonly sales: number;
    readonly refundedSales: number;
  }[]
> {
  const { rows } = await tx.raw<{
    rows: { affiliate_id: AffiliateId; clicks: bigint; leads: bigint; sales: bigint; refunded: bigint }[];
  }>(
    `
    select affiliate_id, sum(clicks) as clicks, sum(leads) as leads, sum(sales) as sales, sum(refunded) as refunded
    from (
      select affiliate_id, count(*) as clicks, 0 as leads, 0 as sales, 0 as refunded
      from clicks where mode = 'live' and credit = 'credited' and created_at >= now() - interval '1 day' group by affiliate_id
      union all
      select affiliate_id, 0, count(*), 0, 0
      from leads where mode = 'live' and affiliate_id is not null and created_at >= now() - interval '1 day' group by affiliate_id
      union all
      select referral.affiliate_id, 0, 0, count(*), count(*) filter (where sale.status in ('refunded', 'charged_back'))
      from sales as sale join referrals as referral on (referral.workspace_id, referral.id) = (sale.workspace_id, sale.referral_id)
      where sale.mode = 'live' and sale.status <> 'declined' and sale.created_at >= now() - interval '90 days' and referral.affiliate_id is not null
      group by referral.affiliate_id) as parts
    group by affiliate_id`,
  );
  return rows.map((row) => ({
    affiliateId: row.affiliate_id,
    clicks: Number(row.clicks),
    leads: Number(row.leads),
    sales: Number(row.sales),
    refundedSales: Number(row.refunded),
  }));
}

// Which affiliates recruited each other?
export async function listRecruiters(
  tx: ReadTx | Tx,
  affiliateIds: readonly string[],
): Promise<readonly { readonly id: string; readonly recruiterId: string }[]> {
  const rows = await tx('affiliates')
    .whereIn('id', [...affiliateIds])
    .whereNotNull('recruiter_id')
    .select<{ id: string; recruiter_id: string }[]>('id', 'recruiter_id');
  return rows.map((row) => ({ id: row.id, recruiterId: row.recruiter_id }));
}
