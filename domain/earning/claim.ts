import { parseId, type UserId } from '../ids.js';

/** Reasons staff may give by code beside a text (features.md 4.6): in Temporal free text would be personal data (temporal.md 3.7). */
export const claimReasons = [
  'staff_decision',
  'fraud',
  'self_referral',
  'check_failed',
  'verification_deadline',
  'invalid_lead',
  'charged_back',
  'refunded',
  'referral_rejected',
  'affiliate_terminated',
  'forfeited',
  'duplicate',
] as const;
export type ClaimReason = (typeof claimReasons)[number];

/** A decision that came by hand, once it could be read. `by` is only claimed. */
export interface ReadClaim {
  readonly by: UserId;
  readonly reasonCode: ClaimReason;
  readonly commissionId: string | null;
}

/** Verbs that are about one commission of the referral, so that a claim has to name it. */
const needsCommission: ReadonlySet<string> = new Set(['hold', 'release', 'reinstate', 'withdrawApproval']);
/** Negative ones need a reason (api.md 1.8); the others record `staff_decision` where none is named. */
const needsReason: ReadonlySet<string> = new Set(['reject', 'hold', 'withdrawApproval']);

/** Reads what a hand sent, field by field: it may be anything. Undefined: malformed. */
export function readClaim(verb: string, claim: unknown): ReadClaim | undefined {
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) return undefined;
  const { by, reason, commissionId } = claim as Readonly<Record<string, unknown>>;
  const userId = typeof by === 'string' ? parseId('user', by) : undefined;
  if (userId === undefined) return undefined;
  const reasonCode = reason === undefined && !needsReason.has(verb) ? 'staff_decision' : readReason(reason);
  if (reasonCode === undefined) return undefined;
  if (commissionId === undefined || commissionId === null)
    return needsCommission.has(verb) ? undefined : { by: userId, reasonCode, commissionId: null };
  const id = typeof commissionId === 'string' ? parseId('commission', commissionId) : undefined;
  return id === undefined ? undefined : { by: userId, reasonCode, commissionId: id };
}

function readReason(reason: unknown): ClaimReason | undefined {
  return claimReasons.find((code) => code === reason);
}
