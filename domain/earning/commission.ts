import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.3. Being in a payout is a reference, being on hold a flag; neither is a status. */
export const commissionTransitions = transitionTable({
  pending: { approved: 'approved', rejected: 'rejected' },
  rejected: { reinstated: 'pending' },
  approved: { approvalWithdrawn: 'pending', reversed: 'reversed', paid: 'paid' },
  reversed: {},
  paid: {},
});
export type CommissionStatus = StatusOf<typeof commissionTransitions>;
export type CommissionEvent = EventOf<typeof commissionTransitions>;

export const commissionKinds = [
  'earned',
  'bonus',
  'adjustment',
  'clawback',
  'payout_return',
  'late_payment',
  'write_off',
] as const;
export type CommissionKind = (typeof commissionKinds)[number];
