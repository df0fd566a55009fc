import type { AffiliateId } from '../../../domain/ids.js';
import type { AffiliateStatus } from '../../../domain/affiliate/affiliate.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

export interface Recruit {
  readonly affiliateId: AffiliateId;
  readonly name: string;
  readonly status: AffiliateStatus;
  readonly recruiterId: AffiliateId;
  /** 1: recruited by the affiliate itself. */
  readonly depth: number;
  readonly joinedAt: Instant;
}

const mostShown = 1_000;

// Whom did this affiliate recruit, and whom did they, down to `depth`? In the order of a tree's levels.
export async function listRecruits(tx: ReadTx, affiliateId: AffiliateId, depth: number): Promise<readonly Recruit[]> {
  const { rows } = await tx.raw<{
    rows: {
      id: AffiliateId;
      name: string;
      status: AffiliateStatus;
      recruiter_id: AffiliateId;
      depth: number;
      created_at: Instant;
    }[];
  }>(
    `
    with recursive tree (id, depth) as (
      select affiliate.id, 1 from affiliates as affiliate where affiliate.recruiter_id = :affiliateId
      union all
      select below.id, tree.depth + 1
      from affiliates as below
      join tree on below.recruiter_id = tree.id
      where tree.depth < :depth)
    select affiliate.id, affiliate.name, affiliate.status, affiliate.recruiter_id, tree.depth, affiliate.created_at
    from tree
    join affiliates as affiliate on affiliate.id = tree.id
    order by tree.depth, affiliate.created_at, affiliate.id
    limit :mostShown`,
    { affiliateId, depth, mostShown },
  );
  return rows.map((row) => ({
    affiliateId: row.id,
    name: row.name,
    status: row.status,
    recruiterId: row.recruiter_id,
    depth: row.depth,
    joinedAt: row.created_at,
  }));
}
