import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.8 */
export const programTransitions = transitionTable({
  draft: { published: 'active', closed: 'closed' },
  active: { paused: 'paused', closed: 'closed' },
  paused: { resumed: 'active', closed: 'closed' },
  closed: {},
});
export type ProgramStatus = StatusOf<typeof programTransitions>;
export type ProgramEvent = EventOf<typeof programTransitions>;
