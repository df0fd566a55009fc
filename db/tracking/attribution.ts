import type { Act } from '../../domain/act.js';
import type { ReferralId } from '../../domain/ids.js';
import type { Attribution, ReferrerChoice } from '../../domain/tracking/attribution.js';
import { later } from '../pipeline.js';
import type { Tx } from '../transaction.js';

/** Keeps who was credited for a lead or sale, and why the others were not (REF-18). Once per fact: the first decision stays. */
export function insertAttribution(
  tx: Tx,
  act: Act,
  of: {
    readonly referralId: ReferralId;
    readonly causeType: 'lead' | 'sale';
    readonly causeId: string;
    readonly referrerChoice: ReferrerChoice;
    readonly attribution: Attribution;
  },
): void {
  const { attribution } = of;
  later(
    tx,
    `insert into attributions (id, referral_id, cause_type, cause_id, referrer_choice, affiliate_id, code, candidates, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (workspace_id, referral_id, cause_id) do nothing`,
    [
      act.newId('attribution'),
      of.referralId,
      of.causeType,
      of.causeId,
      of.referrerChoice,
      attribution.affiliateId,
      attribution.code,
      JSON.stringify(attribution.candidates),
      act.now,
    ],
  );
}

/**
 * Moves what belongs to one journey to the one it merges into (features.md 2.2): touches, leads, sales with their refunds and disputes,
 * visits, and the clicks' pointer. No amount changes. Both referrals are locked by the caller.
 */
export async function moveJourney(tx: Tx, from: ReferralId, into: ReferralId): Promise<void> {
  await tx.raw(
    `update clicks set referral_id = :into
     where id in (select source_id from touches where referral_id = :from and kind = 'click')`,
    { from, into },
  );
  await tx.raw(
    `insert into touches (referral_id, kind, source_id, affiliate_id, link_id, sub1, occurred_at, ends_at)
     select :into, kind, source_id, affiliate_id, link_id, sub1, occurred_at, ends_at from touches where referral_id = :from
     on conflict on constraint touches_pkey do nothing`,
    { from, into },
  );
  await tx('touches').where({ referral_id: from }).delete();
  for (const table of ['visits', 'leads', 'sales', 'refunds', 'disputes'] as const)
    await tx(table).where({ referral_id: from }).update({ referral_id: into });
}
