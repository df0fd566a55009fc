import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.10. `paused` is a flag on `executing`. `nobodyDue` is `planned` with nobody to pay. */
export const payoutRunTransitions = transitionTable({
  planning: { planned: 'planned', nobodyDue: 'completed', cancelled: 'cancelled' },
  planned: { replanned: 'planning', approved: 'approved', cancelled: 'cancelled' },
  approved: { replanned: 'planning', executed: 'executing', cancelled: 'cancelled' },
  executing: { completed: 'completed' },
  completed: {},
  cancelled: {},
});
export type PayoutRunStatus = StatusOf<typeof payoutRunTransitions>;
export type PayoutRunEvent = EventOf<typeof payoutRunTransitions>;
