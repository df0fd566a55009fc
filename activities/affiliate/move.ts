import { getSettings } from '../../db/access/settings.js';
import { revokeAccess } from '../../db/affiliate/apiUser.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { listReferralsToWake } from '../../db/reads/affiliate/referralsToWake.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { Affiliate, AffiliateEvent } from '../../domain/affiliate/affiliate.js';
import type { CommissionStatus } from '../../domain/earning/commission.js';
import type { AffiliateId } from '../../domain/ids.js';
import { nudge, workflowIds } from '../../workflows/contract.js';
import { endEntriesOf } from '../earning/adjustment.js';
import { activateEnrolments, endEnrolments, enrolAnew, tellDeclined, welcome } from './onboard.js';

/** What a move brings with it. Commissions of a referral are not touched here: their workflow sees the affiliate's status (ruling 39). */
export async function followMove(
  tx: Tx,
  act: Act,
  affiliate: Affiliate,
  event: AffiliateEvent,
  more: { readonly publicUrl: string; readonly publicReason: string | null },
): Promise<void> {
  const { settings } = await getSettings(tx);
  switch (event) {
    case 'approved':
      await activateEnrolments(tx, act, affiliate);
      return welcome(tx, act, affiliate, settings, more.publicUrl);
    case 'declined':
      await endEnrolments(tx, act, affiliate);
      await revokeAccess(tx, act, affiliate.id);
      return tellDeclined(tx, act, affiliate, settings, more.publicReason);
    case 'reopened':
      return enrolAnew(tx, act, affiliate, { publicUrl: more.publicUrl });
    case 'suspended':
      return;
    case 'reactivated':
      return wakeReferrals(tx, act, affiliate.id, ['pending']);
    case 'terminated':
      await endEnrolments(tx, act, affiliate);
      await revokeAccess(tx, act, affiliate.id);
      await endEntriesOf(tx, act, affiliate.id);
      // Pending commissions are rejected; approved ones matter only where they are forfeited (AFF-09).
      return wakeReferrals(
        tx,
        act,
        affiliate.id,
        affiliate.approvedMoney === 'forfeit' ? ['pending', 'approved'] : ['pending'],
      );
    default:
      return event satisfies never;
  }
}

/** Each referral whose next step depended on this affiliate reads its row again: held items return, or are rejected. */
async function wakeReferrals(
  tx: Tx,
  act: Act,
  affiliateId: AffiliateId,
  statuses: readonly CommissionStatus[],
): Promise<void> {
  const referralIds = await listReferralsToWake(tx, affiliateId, statuses);
  await enqueue(
    tx,
    ...referralIds.map((referralId) => {
      const ref = { workspaceId: act.workspaceId, referralId };
      return nudge('referral', workflowIds.referral(ref), ref);
    }),
  );
}
