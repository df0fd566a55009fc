import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listHolders } from '../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { UserId } from '../../domain/ids.js';

const words = {
  reminded: {
    subject: 'A referral still waits for a decision',
    body: 'Nobody has decided it since it came in. It stands in the queue with its checks and flags.',
  },
  escalated: {
    subject: 'A referral is overdue',
    body: 'Its deadline is over and nobody has decided it. It goes on waiting until somebody does.',
  },
} as const;

/**
 * Tells staff that a referral waits (REF-09): the reminder whom it is assigned to, and whoever may decide it where it is nobody's; an overdue
 * one all of them. Once per person, step and time that it began to wait.
 */
export async function tellOfDeadline(
  tx: Tx,
  act: Act,
  referral: Pick<Referral, 'id' | 'assigneeId' | 'pendingSince'>,
  step: keyof typeof words,
): Promise<void> {
  const { assigneeId } = referral;
  const people = step === 'reminded' && assigneeId !== null ? [assigneeId] : await listHolders(tx, 'referral.decide');
  await insertNoticesOnce(
    tx,
    act,
    people.map((id) => ({
      to: { userId: id as UserId },
      onceKey: `referral.${step}/${referral.id}/${referral.pendingSince ?? ''}`,
      kind: `referral_${step}`,
      ...words[step],
      link: `/referrals/${referral.id}`,
      referralIds: [referral.id],
    })),
  );
}
