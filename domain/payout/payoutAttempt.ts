import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.9: six states and no more. */
export const attemptTransitions = transitionTable({
  submitting: { submitted: 'submitted', paid: 'paid', refused: 'refused', lost: 'unknown' },
  submitted: { paid: 'paid', refused: 'refused', returned: 'returned', lost: 'unknown' },
  unknown: {
    submitted: 'submitted',
    paid: 'paid',
    refused: 'refused',
    returned: 'returned',
    resubmitted: 'submitting',
  },
  paid: { returned: 'returned' },
  refused: { paidLate: 'paid' },
  returned: {},
});
export type AttemptState = StatusOf<typeof attemptTransitions>;
export type AttemptEvent = EventOf<typeof attemptTransitions>;
