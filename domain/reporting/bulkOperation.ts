import { DomainError } from '../errors.js';

/** The bulk decisions there are (api.md 1.9): each row gets a decision of its own, as if made one by one. */
export const bulkKinds = [
  'affiliates.approve',
  'affiliates.decline',
  'affiliates.suspend',
  'affiliates.update',
  'referrals.approve',
  'referrals.reject',
  'referrals.update',
  'commissions.approve',
  'commissions.reject',
  'commissions.hold',
  'commissions.release',
  'commissions.message',
  'payouts.create',
  'payouts.mark_paid',
  'payouts.message',
] as const;
export type BulkKind = (typeof bulkKinds)[number];

/** What only takes a batch back, row by row (BEY-17): nobody asks for one by its kind, an undo makes it. */
const undoKinds = [
  'affiliates.reopen',
  'affiliates.reactivate',
  'referrals.reopen',
  'commissions.withdraw_approval',
  'commissions.reinstate',
] as const;
export type UndoKind = (typeof undoKinds)[number] | 'commissions.release';

/** The kind of job that runs a simulation of more than 10,000 sales (api.md 6.2): no decisions, one result. */
export const simulationKind = 'rules.simulate';

/** The kind of job that puts all test facts away (TST-07): no decisions, one result, no way to stop it half-way. */
export const purgeKind = 'test_data.purge';

export interface BulkVerb {
  /** What is selected: `payouts.create` selects affiliates (api.md 1.9). */
  readonly objectType: 'referrals' | 'commissions' | 'payouts' | 'affiliates';
  /**
   * `message` decides nothing: the affiliates of the selected rows are written to (COM-11, NTF-14). `update` neither: it sets what the single
   * change sets.
   */
  readonly verb:
    | 'approve'
    | 'reject'
    | 'hold'
    | 'release'
    | 'decline'
    | 'suspend'
    | 'update'
    | 'markPaid'
    | 'createDraft'
    | 'message';
}

/** As a job's page decides it: the verb is also the signal's name. */
export interface JobVerb {
  readonly objectType: BulkVerb['objectType'];
  readonly verb: BulkVerb['verb'] | 'reopen' | 'reactivate' | 'withdrawApproval' | 'reinstate';
}

const verbs: Readonly<Record<BulkKind, BulkVerb>> = {
  'affiliates.approve': { objectType: 'affiliates', verb: 'approve' },
  'affiliates.decline': { objectType: 'affiliates', verb: 'decline' },
  'affiliates.suspend': { objectType: 'affiliates', verb: 'suspend' },
  'affiliates.update': { objectType: 'affiliates', verb: 'update' },
  'referrals.approve': { objectType: 'referrals', verb: 'approve' },
  'referrals.reject': { objectType: 'referrals', verb: 'reject' },
  'referrals.update': { objectType: 'referrals', verb: 'update' },
  'commissions.approve': { objectType: 'commissions', verb: 'approve' },
  'commissions.reject': { objectType: 'commissions', verb: 'reject' },
  'commissions.hold': { objectType: 'commissions', verb: 'hold' },
  'commissions.release': { objectType: 'commissions', verb: 'release' },
  'commissions.message': { objectType: 'commissions', verb: 'message' },
  'payouts.create': { objectType: 'affiliates', verb: 'createDraft' },
  'payouts.mark_paid': { objectType: 'payouts', verb: 'markPaid' },
  'payouts.message': { objectType: 'payouts', verb: 'message' },
};

const undoVerbs: Readonly<Record<(typeof undoKinds)[number], JobVerb>> = {
  'affiliates.reopen': { objectType: 'affiliates', verb: 'reopen' },
  'affiliates.reactivate': { objectType: 'affiliates', verb: 'reactivate' },
  'referrals.reopen': { objectType: 'referrals', verb: 'reopen' },
  'commissions.withdraw_approval': { objectType: 'commissions', verb: 'withdrawApproval' },
  'commissions.reinstate': { objectType: 'commissions', verb: 'reinstate' },
};

// The ways back of the state tables (features.md 2.1 to 2.3). An approved referral or affiliate has none: the later finding is a rejection, or
// a suspension.
const undoneBy: Readonly<Partial<Record<string, UndoKind>>> = {
  'affiliates.decline': 'affiliates.reopen',
  'affiliates.suspend': 'affiliates.reactivate',
  'referrals.reject': 'referrals.reopen',
  'commissions.approve': 'commissions.withdraw_approval',
  'commissions.reject': 'commissions.reinstate',
  'commissions.hold': 'commissions.release',
};

/** What a wished kind decides. */
export function bulkVerbOf(kind: BulkKind): BulkVerb {
  return verbs[kind];
}

/** What a stored job's kind decides. Code: `decision.malformed` for one this build does not know. */
export function jobVerbOf(kind: string): JobVerb {
  const asked = bulkKinds.find((one) => one === kind);
  if (asked !== undefined) return verbs[asked];
  const back = undoKinds.find((one) => one === kind);
  if (back === undefined) throw new DomainError('decision.malformed', { kind });
  return undoVerbs[back];
}

/** The kind that takes a batch of this kind back; undefined where the state table has no way back, and for an undo itself. */
export function undoKindOf(kind: string): UndoKind | undefined {
  return undoneBy[kind];
}
