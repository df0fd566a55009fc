import type { Mode } from '../../domain/act.js';
import type { AffiliateId, LinkId, SaleId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { run } from '../pipeline.js';
import type { Tx } from '../transaction.js';

/** A contact with more payments than this before its first form is no race of two calls. */
const mostAtOnce = 100;

/**
 * Payments of a contact that credited nobody, because they were told of before the click that they came by, oldest first: a touch of this referral
 * counts at their time (TRK-26). Declined ones earn nothing either way.
 */
export async function listSalesWithoutJourney(
  tx: Tx,
  of: { readonly mode: Mode; readonly contactId: string; readonly referralId: string; readonly programId: string },
): Promise<readonly SaleId[]> {
  const rows = await run<{ id: SaleId }>(
    tx,
    `select sale.id from sales as sale
     join programs as program on program.id = $4 and program.currency = sale.currency
     where sale.contact_id = $1 and sale.mode = $2 and sale.referral_id is null and sale.outcome = 'unattributed' and sale.status <> 'declined'
       and (sale.program_id is null or sale.program_id = $4)
       and exists (select from touches as touch
                   where touch.referral_id = $3 and touch.occurred_at <= sale.occurred_at and sale.occurred_at < touch.ends_at)
     order by sale.occurred_at, sale.id
     limit ${mostAtOnce}`,
    [of.contactId, of.mode, of.referralId, of.programId],
  );
  return rows.map(({ id }) => id);
}

/** Whom the referral credited when an older fact happened; both undefined where nothing was credited before it. */
export interface StandingCredit {
  readonly affiliateId: AffiliateId | undefined;
  readonly linkId: LinkId | null | undefined;
}

/**
 * Is a form or purchase older than another that was credited already, and whom did the referral credit at its time? Undefined: it is the newest.
 * A renewal moves nobody, so it makes nothing old.
 */
export async function findStandingCredit(
  tx: Tx,
  of: { readonly referralId: string; readonly factId: string; readonly at: Instant },
): Promise<StandingCredit | undefined> {
  const [row] = await run<{ is_older: boolean | null; affiliate_id: AffiliateId | null; link_id: LinkId | null }>(
    tx,
    `select bool_or(fact.occurred_at > $3) as is_older,
            (array_agg(fact.affiliate_id order by fact.occurred_at desc, fact.id desc) filter (where fact.occurred_at <= $3))[1] as affiliate_id,
            (array_agg(fact.link_id order by fact.occurred_at desc, fact.id desc) filter (where fact.occurred_at <= $3))[1] as link_id
     from (
       select id, occurred_at, affiliate_id, link_id from sales
       where referral_id = $1 and id <> $2 and affiliate_id is not null and processed_at is not null and coalesce(payment_number, 1) = 1
       union all
       select id, occurred_at, affiliate_id, link_id from leads
       where referral_id = $1 and id <> $2 and channel <> 'sale' and attribution_status = 'attributed') as fact`,
    [of.referralId, of.factId, of.at],
  );
  if (row?.is_older !== true) return undefined;
  return row.affiliate_id === null
    ? { affiliateId: undefined, linkId: undefined }
    : { affiliateId: row.affiliate_id, linkId: row.link_id };
}
