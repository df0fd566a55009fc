import { type Refused, refused } from '../decided.js';

/** Money of an open case moves by the end of the case only (FRD-09). Code: commission.commission_blocked. */
export function heldByCase(caseId: string): Refused {
  return refused('commission.commission_blocked', {
    blockers: [{ code: 'on_hold', detail: `Case ${caseId} holds it.`, until: null }],
  });
}
