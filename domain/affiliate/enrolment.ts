import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.1, second table */
export const enrolmentTransitions = transitionTable({
  pending: { activated: 'active', ended: 'ended' },
  active: { paused: 'paused', ended: 'ended' },
  paused: { resumed: 'active', ended: 'ended' },
  ended: {},
});
export type EnrolmentStatus = StatusOf<typeof enrolmentTransitions>;
export type EnrolmentEvent = EventOf<typeof enrolmentTransitions>;
