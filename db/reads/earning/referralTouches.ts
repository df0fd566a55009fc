import type { FilterCode, NoCreditCode } from '../../../domain/tracking/click.js';
import type { Candidate, LoserCode } from '../../../domain/tracking/attribution.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { listReferralAttributions } from './referralAttributions.js';

export interface TouchView {
  readonly id: string;
  readonly kind: 'click' | 'coupon' | 'lead' | 'manual' | 'visit';
  readonly affiliateId: string | null;
  readonly linkId: string | null;
  readonly slug: string | null;
  readonly sub1: string | null;
  readonly url: string | null;
  readonly at: Instant;
  /** Until when it counts for a lead or sale, exclusive; visits carry no credit. */
  readonly endsAt: Instant | null;
  /** Did it win a lead or sale? Null: nothing has been decided with it yet, or it is a visit, which carries no credit. */
  readonly credited: boolean | null;
  /** Why it was not credited: the click's own reason, or why it lost the last decision. */
  readonly code: NoCreditCode | FilterCode | LoserCode | null;
}

// Which clicks, visits and other touches does the referral have, of all affiliates, and was each credited or why not (TRK-23)? A click that
// could credit nobody (affiliate suspended, link expired, a preview) is no touch: it is the prospect's where its browser showed the click before
// it, or where a lead or sale names it. Oldest first, at most 200.
export async function listReferralTouches(tx: ReadTx, referralId: string): Promise<readonly TouchView[]> {
  const { rows } = await tx.raw<{
    rows: {
      id: string;
      kind: TouchView['kind'];
      affiliate_id: string | null;
      link_id: string | null;
      slug: string | null;
      sub1: string | null;
      url: string | null;
      at: Instant;
      ends_at: Instant | null;
      code: NoCreditCode | FilterCode | null;
    }[];
  }>(
    `select touch.source_id as id, touch.kind, touch.affiliate_id, touch.link_id, link.slug, touch.sub1, null as url,
       touch.occurred_at as at, touch.ends_at, null as code
     from touches as touch
     left join links as link on (link.workspace_id, link.id) = (touch.workspace_id, touch.link_id)
     where touch.referral_id = :referralId
     union all
     select visit.id, 'visit', link.affiliate_id, visit.link_id, link.slug, null, visit.url, visit.created_at, null, null
     from visits as visit
     left join links as link on (link.workspace_id, link.id) = (visit.workspace_id, visit.link_id)
     where visit.referral_id = :referralId
     union all
     select click.id, 'click', click.affiliate_id, click.link_id, link.slug, click.sub1, null, click.created_at, null, click.credit_code
     from referrals as referral
     join clicks as click on click.workspace_id = referral.workspace_id and click.program_id = referral.program_id and click.mode = referral.mode
     left join links as link on (link.workspace_id, link.id) = (click.workspace_id, click.link_id)
     where referral.id = :referralId and click.id in (
       select later.id from touches as before join clicks as later
         on (later.workspace_id, later.previous_click_id) = (before.workspace_id, before.source_id) and later.credit <> 'credited'
       where before.referral_id = :referralId and before.kind = 'click'
       union
       select named.id from clicks as named where named.credit <> 'credited' and named.id in (
         select leads.click_id from leads where leads.referral_id = :referralId and leads.click_id is not null
         union all
         select sales.click_id from sales where sales.referral_id = :referralId and sales.click_id is not null))
     order by at, id limit 200`,
    { referralId },
  );
  const decisions = await listReferralAttributions(tx, referralId);
  const fates = fatesOf(decisions.flatMap((decision) => decision.candidates));
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    affiliateId: row.affiliate_id,
    linkId: row.link_id,
    slug: row.slug,
    sub1: row.sub1,
    url: row.url,
    at: row.at,
    endsAt: row.ends_at,
    ...(row.code === null
      ? (fates.get(row.id) ?? { credited: null, code: null })
      : { credited: false, code: row.code }),
  }));
}

type Fate = Pick<TouchView, 'credited' | 'code'>;

/** What became of each touch: credited once is credited, else the reason of the newest decision. Candidates come oldest decision first. */
function fatesOf(candidates: readonly Candidate[]): ReadonlyMap<string, Fate> {
  const fates = new Map<string, Fate>();
  for (const { sourceId, won, code } of candidates)
    if (fates.get(sourceId)?.credited !== true) fates.set(sourceId, { credited: won, code: won ? null : code });
  return fates;
}
