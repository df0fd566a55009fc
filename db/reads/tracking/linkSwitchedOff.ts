import type { AffiliateId, LinkId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Did the affiliate itself switch this link off: one of its people, or a key of its own? What staff switched off stays off.
export async function wasSwitchedOffByOwner(
  tx: ReadTx | Tx,
  linkId: LinkId,
  affiliateId: AffiliateId,
): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: { own: boolean }[] }>(
    `select exists (select from users where users.id = entry.actor_user_id and users.affiliate_id = :affiliateId)
            or exists (select from api_keys as key where key.id = entry.actor_id and key.affiliate_id = :affiliateId) as own
     from audit_entries as entry
     where entry.object_id = :linkId and entry.event = 'disabled'
     order by entry.seq desc
     limit 1`,
    { linkId, affiliateId },
  );
  return rows[0]?.own === true;
}
