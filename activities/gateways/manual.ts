import type { PayoutGateway } from './payoutGateway.js';

/** A person moves the money and says so with a reference: there is nothing to call and nothing to ask (money.md 7.2). */
export function createManualGateway(): PayoutGateway {
  return {
    adapter: 'manual',
    execution: 'manual',
    keyWindowMs: null,
    canLookUp: false,
    callTimeoutMs: 0,
    bouncesWithinMs: null,
    retryableRefusals: [],
    supports: () => true,
    submit: () => Promise.resolve({ class: 'unknown', code: 'paid_by_hand' }),
    lookUp: () => Promise.resolve({ class: 'unknown', code: 'paid_by_hand' }),
  };
}
