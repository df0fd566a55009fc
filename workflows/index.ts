// The bundle's entry: every workflow function, each under the name that stands in its histories. Append, never rename.
export { payout } from './payout.js';
export { payoutRun } from './payoutRun.js';
export { referral } from './referral.js';
export { sweep } from './sweep.js';
export { bulkOperation } from './bulkOperation.js';
export { reconciliation } from './reconciliation.js';
