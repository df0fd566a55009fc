import type { ReadTx } from '../../transaction.js';

/** Why an object is in its status, as its affiliate may read it. */
export interface PublicReason {
  readonly code: string | null;
  /** What staff wrote for the affiliate; their note to themselves is not in it. */
  readonly text: string | null;
}

// Of each object the reason of its last change of status, by object id.
export async function listPublicReasons(
  tx: ReadTx,
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, PublicReason>> {
  const { rows } = await tx.raw<{ rows: (PublicReason & { readonly object_id: string })[] }>(
    `select distinct on (entry.object_id) entry.object_id, entry.reason_code as code, decision.public_reason as text
     from audit_entries as entry
     left join decisions as decision on entry.cause_type = 'decision' and decision.id = entry.cause_id
     where entry.object_id = any(:objectIds) and entry.from_status is distinct from entry.to_status
     order by entry.object_id, entry.seq desc`,
    { objectIds: [...objectIds] },
  );
  return new Map(rows.map(({ object_id, code, text }) => [object_id, { code, text }]));
}

/** Which of these payouts are drafts still? Affiliates do not see those (PRT-17). */
export async function findDraftPayouts(tx: ReadTx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await tx('payouts')
    .whereIn('id', [...ids])
    .where({ status: 'draft' })
    .select<{ id: string }[]>('id');
  return new Set(rows.map((row) => row.id));
}

/** Per referral what one affiliate has from it and may still get: its own lines but the rejected ones. */
export async function listExpected(
  tx: ReadTx,
  affiliateId: string,
  referralIds: readonly string[],
): Promise<
  readonly { readonly referralId: string; readonly id: string; readonly currency: string; readonly minor: bigint }[]
> {
  const { rows } = await tx.raw<{
    rows: { referralId: string; id: string; currency: string; minor: bigint }[];
  }>(
    `select line.referral_id as "referralId", line.id, line.currency,
            case when line.status = 'rejected' then 0 else line.amount_minor - line.reversed_minor end as minor
     from commissions as line
     where line.affiliate_id = :affiliateId and line.referral_id = any(:referralIds)
     order by line.created_at, line.id`,
    { affiliateId, referralIds: [...referralIds] },
  );
  return rows;
}
