import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** One affiliate somewhere below the reader, without who it is: names and customers of recruits are not the recruiter's (PRT-18). */
export interface OwnRecruit {
  readonly id: AffiliateId;
  /** 1: recruited by the reader itself. */
  readonly depth: number;
  readonly active: boolean;
  readonly joinedAt: Instant;
  /** Sales of it that earned the reader something. */
  readonly sales: number;
  /** What they earned the reader, less what was taken off; per currency. */
  readonly earned: readonly Money[];
}

const deepest = 10;
const mostShown = 5_000;

// Whom did this affiliate recruit, directly and through them, and what did each bring it?
export async function listOwnRecruits(
  tx: ReadTx,
  affiliateId: AffiliateId,
  mode: Mode,
): Promise<readonly OwnRecruit[]> {
  const { rows } = await tx.raw<{
    rows: {
      id: AffiliateId;
      depth: number;
      active: boolean;
      joined_at: Instant;
      sales: number;
      earned: readonly { currency: CurrencyCode; minor: string }[] | null;
    }[];
  }>(
    `with recursive tree (id, depth) as (
       select affiliate.id, 1 from affiliates as affiliate where affiliate.recruiter_id = :affiliateId
       union all
       select below.id, tree.depth + 1
       from affiliates as below join tree on below.recruiter_id = tree.id
       where tree.depth < :deepest),
     brought as (
       select first.affiliate_id, line.currency, line.sale_id, line.amount_minor - line.reversed_minor as minor
       from commissions as line
       join commissions as first on first.workspace_id = line.workspace_id and first.id = line.level1_commission_id
       where line.affiliate_id = :affiliateId and line.level > 1 and line.mode = :mode and line.status <> 'rejected')
     select affiliate.id, tree.depth, affiliate.status = 'approved' as active, affiliate.created_at as joined_at,
            (select count(distinct sale_id)::int from brought where brought.affiliate_id = affiliate.id) as sales,
            (select jsonb_agg(jsonb_build_object('currency', per.currency, 'minor', per.minor::text) order by per.currency)
             from (select currency, sum(minor)::bigint as minor from brought
                   where brought.affiliate_id = affiliate.id group by currency) as per) as earned
     from tree
     join affiliates as affiliate on affiliate.id = tree.id
     order by tree.depth, affiliate.created_at, affiliate.id
     limit :mostShown`,
    { affiliateId, mode, deepest, mostShown },
  );
  return rows.map(({ joined_at, earned, ...row }) => ({
    ...row,
    joinedAt: joined_at,
    earned: (earned ?? []).map(({ currency, minor }) => ({ currency, minor: BigInt(minor) })),
  }));
}
