import { DomainError } from '../errors.js';

/** The bulk decisions there are (api.md 1.9): each row gets a decision of its own, as if made one by one. */
export const bulkKinds = [
  'referrals.approve',
  'referrals.reject',
  'commissions.approve',
  'commissions.reject',
] as const;
export type BulkKind = (typeof bulkKinds)[number];

/** The kind of job that runs a simulation of more than 10,000 sales (api.md 6.2): no decisions, one result. */
export const simulationKind = 'rules.simulate';

export interface BulkVerb {
  readonly objectType: 'referrals' | 'commissions';
  readonly verb: 'approve' | 'reject';
}

const verbs: Readonly<Record<BulkKind, BulkVerb>> = {
  'referrals.approve': { objectType: 'referrals', verb: 'approve' },
  'referrals.reject': { objectType: 'referrals', verb: 'reject' },
  'commissions.approve': { objectType: 'commissions', verb: 'approve' },
  'commissions.reject': { objectType: 'commissions', verb: 'reject' },
};

/** What a stored job's kind decides. Code: `decision.malformed` for one this build does not know. */
export function bulkVerbOf(kind: string): BulkVerb {
  const known = bulkKinds.find((one) => one === kind);
  if (known === undefined) throw new DomainError('decision.malformed', { kind });
  return verbs[known];
}
