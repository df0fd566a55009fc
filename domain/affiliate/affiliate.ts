import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.1 */
export const affiliateTransitions = transitionTable({
  pending: { approved: 'approved', declined: 'declined' },
  declined: { reopened: 'pending' },
  approved: { suspended: 'suspended', terminated: 'terminated' },
  suspended: { reactivated: 'approved', terminated: 'terminated' },
  terminated: {},
});
export type AffiliateStatus = StatusOf<typeof affiliateTransitions>;
export type AffiliateEvent = EventOf<typeof affiliateTransitions>;
