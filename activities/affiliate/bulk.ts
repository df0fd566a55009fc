import { type AffiliateChange, lockAffiliate, moveAffiliate, updateAffiliate } from '../../db/affiliate/affiliate.js';
import { settleDecision } from '../../db/audit/decision.js';
import { viewAffiliate } from '../../db/reads/affiliate/affiliateList.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { type AffiliateEvent, decideAffiliateMove } from '../../domain/affiliate/affiliate.js';
import type { DomainErrorCode } from '../../domain/errors.js';
import type { DecisionId } from '../../domain/ids.js';
import { followMove } from './move.js';

/** The verbs of a bulk on affiliates, as their single decisions are called, and what each does. */
const affiliateEvents = {
  approve: 'approved',
  decline: 'declined',
  suspend: 'suspended',
  reopen: 'reopened',
  reactivate: 'reactivated',
} as const satisfies Readonly<Record<string, AffiliateEvent>>;
export type AffiliateVerb = keyof typeof affiliateEvents;

/**
 * One affiliate of a bulk, with everything that its single decision brings (api.md 7.1), under a decision that is settled here: nothing sequences
 * it. `decide` writes that decision. Nothing when the affiliate is not there any more.
 */
export async function decideAffiliate(
  tx: Tx,
  act: Act,
  of: { readonly affiliateId: string; readonly verb: AffiliateVerb; readonly publicUrl: string },
  reason: { readonly reasonCode: string; readonly note: string | null; readonly publicReason: string | null },
  decide: () => Promise<DecisionId>,
): Promise<DecisionId | undefined> {
  const affiliate = await lockAffiliate(tx, of.affiliateId);
  if (affiliate === undefined) return undefined;
  const event = affiliateEvents[of.verb];
  const { openRequirements } = await viewAffiliate(tx, affiliate);
  const decided = decideAffiliateMove(affiliate, event, openRequirements);
  const decisionId = await decide();
  const mine = actFor(act, { cause: { type: 'decision', id: decisionId }, reasonCode: reason.reasonCode });
  if (decided.kind === 'refused') {
    settleDecision(tx, mine, decisionId, { state: 'refused', code: decided.code, params: decided.params });
    return decisionId;
  }
  settleDecision(tx, mine, decisionId, { state: 'done' });
  const moved = await moveAffiliate(tx, mine, affiliate, event, { statusReason: reason.note });
  await followMove(tx, mine, moved, event, { publicUrl: of.publicUrl, publicReason: reason.publicReason });
  return decisionId;
}

/** Sets fields of one affiliate, as its single change does. Answers why not, where it cannot. */
export async function changeAffiliate(
  tx: Tx,
  act: Act,
  affiliateId: string,
  change: AffiliateChange,
): Promise<DomainErrorCode | undefined> {
  const affiliate = await lockAffiliate(tx, affiliateId);
  if (affiliate === undefined) return 'resource.not_found';
  if (affiliate.status === 'terminated') return 'affiliate.transition_not_allowed';
  await updateAffiliate(tx, act, affiliate, change);
  return undefined;
}
