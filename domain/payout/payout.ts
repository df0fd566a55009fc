import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.4. `paid` from `draft` is the one-step payment by hand: both moves are logged. */
export const payoutTransitions = transitionTable({
  draft: { approved: 'pending', cancelled: 'cancelled' },
  pending: { paid: 'paid', returnedToDraft: 'draft', cancelled: 'cancelled' },
  paid: {},
  cancelled: {},
});
export type PayoutStatus = StatusOf<typeof payoutTransitions>;
export type PayoutEvent = EventOf<typeof payoutTransitions>;
