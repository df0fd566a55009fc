import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.5 */
export const linkTransitions = transitionTable({
  active: { expired: 'expired', disabled: 'disabled', archived: 'archived' },
  expired: { extended: 'active', archived: 'archived' },
  disabled: { enabled: 'active', expired: 'expired', archived: 'archived' },
  archived: {},
});
export type LinkStatus = StatusOf<typeof linkTransitions>;
export type LinkEvent = EventOf<typeof linkTransitions>;
