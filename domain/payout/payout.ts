import type { Mode } from '../act.js';
import { type Decided, refused } from '../decided.js';
import type { AffiliateId, PayoutId, PayoutMethodId } from '../ids.js';
import type { CurrencyCode } from '../money.js';
import type { Instant } from '../time.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';
import type { AttemptState } from './payoutAttempt.js';
import type { PayoutMethodType } from './payoutMethod.js';
import type { PayoutRunStatus } from './payoutRun.js';

/** features.md 2.4. `paid` from `draft` is the one-step payment by hand: both moves are logged. */
export const payoutTransitions = transitionTable({
  draft: { approved: 'pending', cancelled: 'cancelled' },
  pending: { paid: 'paid', returnedToDraft: 'draft', cancelled: 'cancelled' },
  paid: {},
  cancelled: {},
});
export type PayoutStatus = StatusOf<typeof payoutTransitions>;
export type PayoutEvent = EventOf<typeof payoutTransitions>;

export interface Payout {
  readonly id: PayoutId;
  readonly mode: Mode;
  readonly runId: string | null;
  readonly affiliateId: AffiliateId;
  readonly currency: CurrencyCode;
  readonly amountMinor: bigint;
  readonly status: PayoutStatus;
  readonly onHold: boolean;
  readonly methodId: PayoutMethodId | null;
  readonly methodType: PayoutMethodType;
  readonly methodVersion: number | null;
  readonly methodFingerprint: string | null;
  readonly execution: 'gateway' | 'manual';
  readonly gateway: string;
  readonly planVersion: number;
  readonly createdByUser: string | null;
  readonly editors: readonly string[];
  readonly approvedBy: string | null;
  readonly approvedAt: Instant | null;
  readonly reference: string | null;
  readonly paidAt: Instant | null;
  readonly version: number;
}

/** An attempt that is on its way or has paid: nothing may be released while one exists (money.md 3.1). */
export function isAttemptOpen(state: AttemptState | null): boolean {
  return state === 'submitting' || state === 'submitted' || state === 'unknown' || state === 'paid';
}

/** What stands beside the status in every list, computed from the newest attempt and never stored (features.md 2.4). What is cancelled is over. */
export function problemOf(status: PayoutStatus, state: AttemptState | null): 'failed' | 'unknown' | 'returned' | null {
  if (status === 'cancelled') return null;
  return state === 'refused' ? 'failed' : state === 'unknown' || state === 'returned' ? state : null;
}

/**
 * Judges a move that releases or reopens money. Codes: payout.attempt_open, payout.already_decided, payout.transition_not_allowed. The
 * constraint `attempt_fits_payout` refuses at COMMIT what slips through.
 */
export function decidePayoutMove(
  payout: Pick<Payout, 'status' | 'approvedBy' | 'approvedAt'>,
  standing: PayoutStanding,
  event: PayoutEvent,
): Decided<PayoutEvent> {
  const { newestState } = standing;
  const allowedActions = payoutActions(standing);
  if (nextStatus(payoutTransitions, payout.status, event) === undefined) {
    const isTaken =
      (event === 'approved' && (payout.status === 'pending' || payout.status === 'paid')) ||
      (event === 'paid' && payout.status === 'paid') ||
      (event === 'cancelled' && payout.status === 'cancelled');
    return isTaken
      ? refused('payout.already_decided', {
          currentStatus: payout.status,
          decidedById: payout.approvedBy,
          decidedAt: payout.approvedAt,
          allowedActions,
        })
      : refused('payout.transition_not_allowed', { currentStatus: payout.status, allowedActions });
  }
  if (event !== 'approved' && isAttemptOpen(newestState))
    return refused('payout.attempt_open', { attemptState: newestState });
  return { kind: 'accepted', event };
}

/** Everything that says which ways are open. */
export interface PayoutStanding {
  readonly status: PayoutStatus;
  readonly newestState: AttemptState | null;
  readonly onHold: boolean;
  readonly execution: 'gateway' | 'manual';
  /** Of the run that it is in; null: it stands alone. */
  readonly runStatus: PayoutRunStatus | null;
}

/**
 * May a draft be approved, or paid, by itself? In a run that is not executing it is the run that is approved, by its hash (features.md 2.10).
 */
export function isDecidedAlone(runStatus: PayoutRunStatus | null): boolean {
  return runStatus === null || runStatus === 'executing';
}

/** api.md 10.3: the actions the states offer; rights are taken off by the caller. */
export function payoutActions(standing: PayoutStanding): readonly string[] {
  const { status, newestState, onHold, execution, runStatus } = standing;
  const hold = onHold ? 'release' : 'hold';
  const byHand = execution === 'manual' && !onHold ? ['mark_paid'] : [];
  if (status === 'draft') {
    const alone = isDecidedAlone(runStatus) && !onHold ? ['approve', ...byHand] : [];
    return [...alone, ...(runStatus === 'planning' ? [] : ['cancel']), hold];
  }
  if (status !== 'pending') return [];
  if (newestState === 'unknown') return ['lookup', 'resolve'];
  if (newestState === 'submitting') return [];
  if (newestState === 'submitted') return ['lookup'];
  const again = (newestState === 'refused' || newestState === 'returned') && !onHold ? ['retry'] : [];
  return [...again, ...byHand, 'return_to_draft', 'cancel', hold];
}
