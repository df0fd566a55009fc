import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

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
}

// Which clicks, visits and other touches does the referral have, of all affiliates? Oldest first, at most 200.
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
    }[];
  }>(
    `select touch.source_id as id, touch.kind, touch.affiliate_id, touch.link_id, link.slug, touch.sub1, null as url,
       touch.occurred_at as at, touch.ends_at
     from touches as touch
     left join links as link on (link.workspace_id, link.id) = (touch.workspace_id, touch.link_id)
     where touch.referral_id = :referralId
     union all
     select visit.id, 'visit', link.affiliate_id, visit.link_id, link.slug, null, visit.url, visit.created_at, null
     from visits as visit
     left join links as link on (link.workspace_id, link.id) = (visit.workspace_id, visit.link_id)
     where visit.referral_id = :referralId
     order by at, id limit 200`,
    { referralId },
  );
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
  }));
}
