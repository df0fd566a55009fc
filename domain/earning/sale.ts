import { type EventOf, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.6, last table. A won dispute goes back to what the sale was: `wonPart` where part of it had been refunded. */
export const saleTransitions = transitionTable({
  declined: { succeeded: 'succeeded' },
  succeeded: { partRefunded: 'part_refunded', refunded: 'refunded', disputed: 'disputed' },
  part_refunded: { partRefunded: 'part_refunded', refunded: 'refunded', disputed: 'disputed' },
  refunded: {},
  disputed: { won: 'succeeded', wonPart: 'part_refunded', lost: 'charged_back' },
  charged_back: { disputed: 'disputed' },
});
export type SaleStatus = StatusOf<typeof saleTransitions>;
export type SaleEvent = EventOf<typeof saleTransitions>;
