import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.2 */
export const referralTransitions = transitionTable({
  tracking: { leadReported: 'pending', saleReported: 'pending', windowEnded: 'expired', merged: 'merged' },
  pending: { approved: 'approved', rejected: 'rejected', merged: 'merged' },
  approved: { rejected: 'rejected' },
  rejected: { reopened: 'pending' },
  expired: {},
  merged: {},
});
export type ReferralStatus = StatusOf<typeof referralTransitions>;
export type ReferralEvent = EventOf<typeof referralTransitions>;

/** How far the journey has come; stages only advance (features.md 2.6). */
export const referralStages = ['click', 'visit', 'lead', 'sale'] as const;
export type ReferralStage = (typeof referralStages)[number];

export function laterStage(a: ReferralStage, b: ReferralStage): ReferralStage {
  return referralStages.indexOf(a) >= referralStages.indexOf(b) ? a : b;
}

/** features.md 2.2, below the table */
export const checkTransitions = transitionTable({
  waiting: { passed: 'passed', failed: 'failed', waived: 'waived' },
  passed: { failed: 'failed' },
  failed: { askedAnew: 'waiting', waived: 'waived' },
  waived: {},
});
export type CheckStatus = StatusOf<typeof checkTransitions>;
export type CheckEvent = EventOf<typeof checkTransitions>;
