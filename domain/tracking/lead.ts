import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.6 */
export const leadTransitions = transitionTable({
  received: { accepted: 'accepted', duplicated: 'duplicate', invalidated: 'invalid' },
  duplicate: { accepted: 'accepted' },
  accepted: { invalidated: 'invalid', converted: 'converted' },
  invalid: { accepted: 'accepted' },
  converted: {},
});
export type LeadVerdict = StatusOf<typeof leadTransitions>;
export type LeadEvent = EventOf<typeof leadTransitions>;
