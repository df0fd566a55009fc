import type { MacroValues } from '../../../domain/messaging/postback.js';
import { type CurrencyCode, formatMoney } from '../../../domain/money.js';
import type { ReadTx, Tx } from '../../transaction.js';

interface FactsRow {
  readonly order_id: string | null;
  readonly sale_minor: bigint | null;
  readonly sale_currency: CurrencyCode | null;
  readonly own_minor: bigint | null;
  readonly own_currency: CurrencyCode | null;
  readonly click_id: string | null;
  readonly sub1: string | null;
  readonly sub2: string | null;
  readonly sub3: string | null;
  readonly sub4: string | null;
  readonly sub5: string | null;
}

// What is there to tell this affiliate about this object? Its sale, what the affiliate itself earns by it, and the affiliate's own newest click
// of the journey with the sub-IDs it carried: nothing of anybody else's, and of the customer nothing at all. What it earns by a recruit's sale
// says neither which sale nor the recruit's sub-ID, as in the portal; sub-IDs go with the grant (TRK-16).
const factsSql = `
  with about as (
    select coalesce(commission.referral_id, sale.referral_id, lead.referral_id, referral.id) as referral_id,
      coalesce(commission.sale_id, sale.id) as sale_id, coalesce(commission.lead_id, lead.id) as lead_id, commission.id as commission_id,
      coalesce(commission.sub1, sale.sub1, lead.sub1) as sub1, coalesce(commission.level, 1) = 1 as is_direct
    from (select :objectType::text as type, :objectId::text as id) as object
    left join commissions as commission on object.type = 'commission' and commission.id = object.id
    left join sales as sale on object.type = 'sale' and sale.id = object.id
    left join leads as lead on object.type = 'lead' and lead.id = object.id
    left join referrals as referral on object.type = 'referral' and referral.id = object.id
  )
  select case when about.is_direct then sale.external_id end as order_id, sale.captured_minor as sale_minor, sale.currency as sale_currency,
    own.minor as own_minor, own.currency as own_currency, click.id as click_id,
    case when told.sub_id_access then coalesce(case when about.is_direct then about.sub1 end, click.sub1) end as sub1,
    case when told.sub_id_access then click.sub2 end as sub2, case when told.sub_id_access then click.sub3 end as sub3,
    case when told.sub_id_access then click.sub4 end as sub4, case when told.sub_id_access then click.sub5 end as sub5
  from about
  join affiliates as told on told.id = :affiliateId
  left join sales as sale on sale.id = about.sale_id
  left join lateral (
    select sum(line.amount_minor)::bigint as minor, min(line.currency) as currency
    from commissions as line
    where line.affiliate_id = :affiliateId and line.kind = 'earned'
      and case when about.commission_id is not null then line.id = about.commission_id
               when about.sale_id is not null then line.sale_id = about.sale_id
               when about.lead_id is not null then line.lead_id = about.lead_id
               else line.referral_id = about.referral_id end
  ) as own on true
  left join lateral (
    select touched.id, touched.sub1, touched.sub2, touched.sub3, touched.sub4, touched.sub5
    from touches as touch
    join clicks as touched on touched.id = touch.source_id
    where touch.referral_id = about.referral_id and touch.kind = 'click' and touch.affiliate_id = :affiliateId
    order by touch.occurred_at desc, touch.source_id desc limit 1
  ) as click on true`;

/** The values of a call's macros but for `event` and `status`, which the event itself says. Amounts are decimal, without the currency. */
export async function readPostbackFacts(
  tx: ReadTx | Tx,
  of: { readonly objectType: string; readonly objectId: string; readonly affiliateId: string },
): Promise<MacroValues> {
  const { rows } = await tx.raw<{ rows: FactsRow[] }>(factsSql, { ...of });
  const [row] = rows;
  if (row === undefined) return {};
  const currency = row.sale_currency ?? row.own_currency;
  const amountOf = (minor: bigint | null, of: CurrencyCode | null): string | null =>
    minor === null || of === null ? null : formatMoney({ minor, currency: of }).amount;
  return known({
    order_id: row.order_id,
    amount: amountOf(row.sale_minor, row.sale_currency),
    currency,
    commission: amountOf(row.own_minor, row.own_currency),
    click_id: row.click_id,
    sub1: row.sub1,
    sub2: row.sub2,
    sub3: row.sub3,
    sub4: row.sub4,
    sub5: row.sub5,
  });
}

function known(values: Readonly<Record<string, string | null>>): MacroValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));
}
