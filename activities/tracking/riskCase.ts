import { insertDecision } from '../../db/audit/decision.js';
import { lockCommissions } from '../../db/earning/commission.js';
import { enqueue } from '../../db/messaging/outbox.js';
import type { Tx } from '../../db/transaction.js';
import { dismissFlag, lockOpenFlags, raiseFlag } from '../../db/tracking/riskFlag.js';
import {
  listHoldable,
  findOwnReferrals,
  insertRiskCase,
  type RiskCase,
  updateRiskCase,
} from '../../db/tracking/riskCase.js';
import { type Act, actFor } from '../../domain/act.js';
import { DomainError } from '../../domain/errors.js';
import type { AffiliateId, CommissionId, ReferralId } from '../../domain/ids.js';
import type { RiskCode } from '../../domain/tracking/riskFlag.js';
import { nudge, signalMessage, workflowIds } from '../../workflows/contract.js';
import { noApprover } from '../earning/decisionRights.js';
import { decideWithRaises } from '../earning/raiseDecision.js';

// Steps of a risk case (FRD-09). Whoever calls them holds the transaction. Money is held, released and rejected by the same decisions that a
// person takes on single lines: the case writes them, the referral's workflow takes them up.

export interface CaseWish {
  readonly kind: RiskCode;
  readonly affiliateId: AffiliateId;
  readonly referralIds: readonly string[];
  readonly commissionIds: readonly string[];
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly notes: string | null;
}

/**
 * Opens a case: its lines go on hold and its referrals approve themselves no more. Refuses with `resource.not_found` for what is not this
 * affiliate's.
 */
export async function openCase(tx: Tx, act: Act, wish: CaseWish): Promise<RiskCase> {
  const of = { ...wish, mode: act.mode };
  const referrals = await findOwnReferrals(tx, of);
  const lines = await listHoldable(tx, of);
  const known = new Set<string>([...referrals.map((one) => one.id), ...lines.map((one) => one.id)]);
  if ([...wish.referralIds, ...wish.commissionIds].some((id) => !known.has(id)))
    throw new DomainError('resource.not_found');
  const opened = await insertRiskCase(tx, act, {
    id: act.newId('riskCase'),
    kind: wish.kind,
    affiliateId: wish.affiliateId,
    referralIds: referrals.map((one) => one.id),
    commissionIds: lines.map((one) => one.id),
    evidence: wish.evidence,
    notes: wish.notes,
  });
  const by = actFor(act, { cause: { type: 'risk_case', id: opened.id }, reasonCode: 'fraud' });
  for (const { id } of referrals)
    await raiseFlag(tx, by, {
      referralId: id,
      affiliateId: wish.affiliateId,
      code: wish.kind,
      evidence: { caseId: opened.id },
      onceKey: `case/${opened.id}/${id}`,
    });
  for (const line of lines) if (!line.onHold) await decideLine(tx, by, opened, line, 'hold');
  return opened;
}

/** The money is free again: holds are lifted, flags of the case dismissed with its reason. */
export async function releaseCase(tx: Tx, act: Act, held: RiskCase, note: string | null): Promise<RiskCase> {
  const closed = await updateRiskCase(tx, act, held, { status: 'released' });
  const by = actFor(act, { cause: { type: 'risk_case', id: held.id } });
  for (const flag of await lockOpenFlags(tx, held.referralIds)) await dismissFlag(tx, by, flag, note, held.id);
  for (const line of await listHoldable(tx, { ...held, mode: held.mode }))
    if (line.onHold && held.commissionIds.includes(line.id)) await decideLine(tx, by, held, line, 'release');
  // An automatic approval may have waited for the flags.
  for (const referralId of held.referralIds) {
    const ref = { workspaceId: act.workspaceId, referralId };
    await enqueue(tx, nudge('referral', workflowIds.referral(ref), ref));
  }
  return closed;
}

/** It was fraud: the case's referrals are rejected, which takes their money back, and lines that stand by themselves with them. */
export async function rejectCase(tx: Tx, act: Act, held: RiskCase, note: string | null): Promise<RiskCase> {
  const closed = await updateRiskCase(tx, act, held, { status: 'rejected' });
  const by = actFor(act, { cause: { type: 'risk_case', id: held.id }, reasonCode: 'fraud' });
  const referrals = await findOwnReferrals(tx, held);
  const rejected = new Set<string>();
  for (const { id, status } of referrals) {
    if (status !== 'pending' && status !== 'approved') continue;
    rejected.add(id);
    await decideReferral(tx, by, held, id, note);
  }
  for (const line of await listHoldable(tx, held))
    if (!(line.referralId !== null && rejected.has(line.referralId)) && held.commissionIds.includes(line.id))
      await decideLine(tx, by, held, line, 'reject');
  return closed;
}

/** Through the referral's workflow; an entry without a referral (a bonus), which nothing sequences, at once. */
async function decideLine(
  tx: Tx,
  act: Act,
  { id: caseId }: RiskCase,
  { id: objectId, referralId }: { readonly id: CommissionId; readonly referralId: ReferralId | null },
  verb: 'hold' | 'release' | 'reject',
): Promise<void> {
  if (referralId !== null)
    return decide(tx, act, { verb, objectType: 'commissions', objectId, referralId, caseId, note: null });
  const [line] = await lockCommissions(tx, [objectId]);
  // Done already, together with the line that it raised.
  if (line === undefined || (verb === 'reject' ? line.status === 'rejected' : verb === 'release' && !line.onHold))
    return;
  const refusal = await decideWithRaises(tx, act, null, line, verb, noApprover, caseId);
  // What is on its way to the payee cannot be held any more; everything else of the case is.
  if (refusal !== undefined && verb !== 'hold') throw new DomainError(refusal.code, refusal.params);
}

async function decideReferral(
  tx: Tx,
  act: Act,
  { id: caseId }: RiskCase,
  referralId: ReferralId,
  note: string | null,
): Promise<void> {
  await decide(tx, act, { verb: 'reject', objectType: 'referrals', objectId: referralId, referralId, caseId, note });
}

async function decide(
  tx: Tx,
  act: Act,
  of: {
    readonly verb: 'hold' | 'release' | 'reject';
    readonly objectType: 'commissions' | 'referrals';
    readonly objectId: string;
    readonly referralId: ReferralId;
    readonly caseId: string;
    readonly note: string | null;
  },
): Promise<void> {
  const input = { workspaceId: act.workspaceId, referralId: of.referralId };
  const workflowId = workflowIds.referral(input);
  const decisionId = act.newId('decision');
  await insertDecision(tx, act, {
    id: decisionId,
    verb: of.verb,
    objectType: of.objectType,
    objectId: of.objectId,
    workflowId,
    reasonCode: of.verb === 'release' ? 'staff_decision' : 'fraud',
    note: of.note,
    publicReason: null,
    params: { caseId: of.caseId },
    via: 'api',
    callerKey: null,
    requestHash: null,
    steppedUp: false,
    operationId: null,
  });
  await enqueue(
    tx,
    signalMessage({ workflowType: 'referral', workflowId, input, signal: of.verb, argument: { decisionId } }, 2),
  );
}
