import {
  type DecisionRecord,
  findDecision,
  insertDecision,
  lockDecision,
  settleDecision,
} from '../../db/audit/decision.js';
import { askUserOfDecision } from '../../db/access/user.js';
import { recordAudit } from '../../db/audit/audit.js';
import { listChecks } from '../../db/earning/check.js';
import { findEndedLines, lockCommissionsOfReferral } from '../../db/earning/commission.js';
import {
  adoptParkedSales,
  findWindowEnd,
  lockReferral,
  readdressFacts,
  updateReferral,
} from '../../db/earning/referral.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readLastMove } from '../../db/reads/earning/referralLastMove.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { listUnappliedFacts } from '../../db/reads/earning/unappliedFacts.js';
import { notify, type Tx } from '../../db/transaction.js';
import { findCaseHolding } from '../../db/tracking/riskCase.js';
import type { Permission } from '../../domain/access/permission.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import { type Decided, type Refused, refused } from '../../domain/decided.js';
import { heldByCase } from '../../domain/earning/caseHold.js';
import { blockingChecks, findFailedByPerson } from '../../domain/earning/check.js';
import { readClaim } from '../../domain/earning/claim.js';
import { deadlineStep } from '../../domain/earning/deadline.js';
import {
  decideReferralMove,
  isReferralDecision,
  type Referral,
  type ReferralDecision,
} from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import { type DecisionId, idOfUuid, type ReferralId } from '../../domain/ids.js';
import {
  type Fact,
  type ReferralRef,
  type ReferralVerb,
  signalReferral,
  type Step,
  workflowIds,
} from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';
import { approveDue, decideCommission, reinstateAllOf, rejectAllOf } from './referralCommissions.js';
import { caseOf } from './commissionDecision.js';
import { tellOfDeadline } from './deadlineNotice.js';
import { refuseWithoutRight } from './decisionRights.js';
import { nextStep } from './referral.js';
import { rerunSale } from './rerun.js';
import { restoreReversedOf } from './restoration.js';
import { rejectSale } from './saleRejection.js';
import { endLinesOf } from './termination.js';

/** The referral's own activities: each one transaction that locks the row first and answers the step (temporal.md 3.6). */
export function referralActivities(deps: Pick<ActivityDeps, 'db' | 'newId'>) {
  return {
    /** Reads the row anew and acts on whatever is due. Safe at any time. */
    resumeReferral: (input: ReferralRef): Promise<Step> =>
      databaseActivity(
        deps,
        input,
        async (tx, act) => {
          const referral = await lock(tx, input.referralId);
          await takeUp(tx, actFor(act, { mode: referral.mode }), referral);
          return nextStep(tx, act, referral.id, { actedOn: true });
        },
        (tx) => aheadOfStep(tx, input),
      ),

    /** A deadline has come: expiry, reminder, verification deadline, ends of holds, by database time. Nothing due: the time left. */
    passDeadline: (input: ReferralRef): Promise<Step> =>
      databaseActivity(
        deps,
        input,
        async (tx, act) => {
          const referral = await lock(tx, input.referralId);
          await passDue(tx, actFor(act, { mode: referral.mode }), referral);
          return nextStep(tx, act, referral.id, { actedOn: true });
        },
        (tx) => aheadOfStep(tx, input),
      ),

    /** Judges a stored decision and settles it: `done`, or `refused` with its code. A settled one stays as it is. */
    decideReferral: async (input: ReferralRef & { readonly fact: Fact }): Promise<Step> => {
      const step = await databaseActivity(
        deps,
        input,
        async (tx, act) => {
          const referral = await lock(tx, input.referralId);
          await takeDecision(tx, act, referral, input.fact.id);
          return nextStep(tx, act, referral.id, { actedOn: true });
        },
        (tx) => [
          lockReferral(tx, input.referralId),
          lockDecision(tx, input.fact.id),
          askUserOfDecision(tx, input.fact.id),
          listChecks(tx, input.referralId),
          findEndedLines(tx, input),
        ],
      );
      await notify(deps.db, 'decision', input.fact.id);
      return step;
    },

    /** A decision without a row, sent by hand: writes the row with what the hand claims, then the same. */
    decideByHand: (
      input: ReferralRef & { readonly verb: ReferralVerb; readonly claim: unknown; readonly decisionId: string },
    ): Promise<Step> =>
      databaseActivity(deps, input, async (tx, act) => {
        const referral = await lock(tx, input.referralId);
        const at = actFor(act, { mode: referral.mode });
        const id = idOfUuid('decision', input.decisionId);
        assertInvariant(id !== undefined, 'the workflow draws the id of a decision', { decisionId: input.decisionId });
        if ((await findDecision(tx, id)) === undefined) await storeClaim(tx, at, referral, id, input.verb, input.claim);
        await takeDecision(tx, act, referral, id);
        return nextStep(tx, act, referral.id, { actedOn: true });
      }),
  };
}

/** What a run reads when it looks at its row. */
function aheadOfStep(tx: Tx, { referralId }: ReferralRef): readonly Promise<unknown>[] {
  return [lockReferral(tx, referralId), findWindowEnd(tx, referralId), findEndedLines(tx, { referralId })];
}

async function lock(tx: Tx, referralId: ReferralId): Promise<Referral> {
  const referral = await lockReferral(tx, referralId);
  assertInvariant(referral !== undefined, 'the referral of a workflow is there', { referralId });
  return referral;
}

/** What a run does when it reads the row: facts that came to a merged referral move on, sales that waited for this customer join. */
async function takeUp(tx: Tx, act: Act, referral: Referral): Promise<void> {
  if (referral.status === 'merged') return readdress(tx, act, referral);
  if (referral.contactId !== null) await adoptParkedSales(tx, act, referral);
  await passDue(tx, act, referral);
}

async function readdress(tx: Tx, act: Act, merged: Referral): Promise<void> {
  const root = merged.mergedIntoId;
  assertInvariant(root !== null, 'a merged referral names its root', { referralId: merged.id });
  const ref = { workspaceId: act.workspaceId, referralId: root };
  const moved = await readdressFacts(tx, act, merged.id, root);
  await enqueue(
    tx,
    ...moved.leads.map((leadId) => signalReferral(ref, 'leadReported', { leadId })),
    ...moved.sales.map((saleId) => signalReferral(ref, 'saleReported', { saleId })),
    ...moved.refunds.map((refundId) => signalReferral(ref, 'refundReported', { refundId })),
    ...moved.disputes.map((disputeId) => signalReferral(ref, 'disputeReported', { disputeId })),
  );
}

async function passDue(tx: Tx, act: Act, referral: Referral): Promise<void> {
  const bySystem = actFor(act, { actor: systemActor, cause: null, reasonCode: null });
  await endLinesOf(tx, bySystem, referral.id);
  switch (referral.status) {
    case 'tracking':
      return passWindow(tx, bySystem, referral);
    case 'pending':
      return passVerification(tx, bySystem, referral);
    case 'approved':
      await approveDue(tx, bySystem, referral);
      return undefined;
    case 'rejected':
    case 'expired':
    case 'merged':
      return undefined; // nothing of them falls due
    default:
      return referral.status satisfies never;
  }
}

/** Expires, unless a newer touch still counts or something that happened in time is stored and not applied yet (temporal.md 3.12). */
async function passWindow(tx: Tx, act: Act, referral: Referral): Promise<void> {
  const end = (await findWindowEnd(tx, referral.id)) ?? referral.windowEndsAt ?? act.now;
  if (end > act.now) return;
  const workflowId = workflowIds.referral({ workspaceId: act.workspaceId, referralId: referral.id });
  const waiting = await listUnappliedFacts(tx, { referralId: referral.id, workflowId });
  if (waiting.some((fact) => fact.kind === 'lead' || fact.kind === 'sale')) return;
  await updateReferral(tx, act, referral, 'windowEnded');
}

async function passVerification(tx: Tx, act: Act, referral: Referral): Promise<void> {
  const failed = findFailedByPerson(await listChecks(tx, referral.id), referral);
  if (failed !== undefined)
    return rejectUnlessHeld(tx, actFor(act, { cause: { type: 'check', id: failed.id } }), referral, 'check_failed');
  const step = deadlineStep(referral, await readReferralTerms(tx, referral.programId), act.now);
  switch (step.kind) {
    case 'none':
      return undefined;
    case 'remind':
      await updateReferral(tx, act, referral, 'reminded', { remindedAt: act.now, decideBy: step.decideBy });
      return tellOfDeadline(tx, act, referral, 'reminded');
    case 'escalate':
      return escalate(tx, act, referral);
    case 'reject':
      return rejectUnlessHeld(tx, act, referral, 'verification_deadline');
    default:
      return step satisfies never;
  }
}

/** Not while a case holds its money: whoever ends the case decides. */
async function rejectUnlessHeld(
  tx: Tx,
  act: Act,
  referral: Referral,
  reasonCode: 'check_failed' | 'verification_deadline',
): Promise<void> {
  const caseId = await caseHolding(tx, await lockCommissionsOfReferral(tx, referral.id));
  if (caseId === undefined) return move(tx, actFor(act, { reasonCode }), referral, 'reject');
  if (referral.decideBy !== null) await escalate(tx, act, referral);
}

async function escalate(tx: Tx, act: Act, referral: Referral): Promise<void> {
  await updateReferral(tx, act, referral, 'escalated', { decideBy: null });
  await tellOfDeadline(tx, act, referral, 'escalated');
}

/** The status, and what follows from it for the commissions. */
async function move(tx: Tx, act: Act, referral: Referral, verb: ReferralDecision): Promise<void> {
  switch (verb) {
    case 'approve': {
      const approved = await updateReferral(tx, act, referral, 'approved', { decidedAt: act.now, decideBy: null });
      await restoreReversedOf(tx, act, approved);
      await approveDue(tx, act, approved);
      return undefined;
    }
    case 'reject': {
      const rejected = await updateReferral(tx, act, referral, 'rejected', { decidedAt: act.now, decideBy: null });
      await rejectAllOf(tx, act, rejected);
      return undefined;
    }
    case 'reopen': {
      // Its wait opens anew: checks are looked at again, the deadline begins today.
      const reopened = await updateReferral(tx, act, referral, 'reopened', {
        decidedAt: act.now,
        pendingSince: null,
        decideBy: null,
        remindedAt: null,
      });
      await reinstateAllOf(tx, act, reopened);
      return undefined;
    }
    default:
      return verb satisfies never;
  }
}

async function takeDecision(tx: Tx, act: Act, referral: Referral, decisionId: string): Promise<void> {
  const decision = await lockDecision(tx, decisionId);
  const workflowId = workflowIds.referral({ workspaceId: act.workspaceId, referralId: referral.id });
  // A forged or repeated signal: without an open decision of this workflow there is nothing to decide.
  if (decision === undefined || decision.state !== 'open' || decision.workflowId !== workflowId) return;
  const at = actFor(act, {
    mode: referral.mode,
    actor: decision.actor,
    cause: { type: 'decision', id: decision.id },
    reasonCode: decision.reasonCode,
  });
  const outcome = await judge(tx, at, referral, decision);
  await settle(tx, at, decision, outcome);
}

async function judge(tx: Tx, act: Act, referral: Referral, decision: DecisionRecord): Promise<Decided | Refused> {
  if (decision.via === 'temporal' && decision.actor.userId === null) return refused('decision.malformed');
  const commissionId = commissionOf(decision);
  const stake = { referralId: referral.id, commissionId };
  // Who may open and close cases holds, frees and rejects by them: the preset for compliance decides no line of its own accord (api.md 2).
  const byCase: Permission | undefined = caseOf(decision) === null ? undefined : 'risk.write';
  if (decision.objectType === 'sales') {
    const rejects = decision.verb === 'reject';
    if (!rejects && decision.verb !== 'reinstate') return refused('decision.malformed');
    const refusal = await refuseWithoutRight(tx, decision, ['commission.decide'], stake);
    if (refusal !== undefined) return refusal;
    return rejects ? rejectSale(tx, act, referral, decision.objectId) : rerunSale(tx, act, referral, decision.objectId);
  }
  if (commissionId !== null) {
    // Whoever answers appeals reopens what was rejected (api.md 9.1), without a right on other commissions.
    const isAnswer = decision.verb === 'reinstate' && typeof decision.params['appealId'] === 'string';
    const needed = byCase ?? (isAnswer ? 'referral.reopen' : 'commission.decide');
    const refusal = await refuseWithoutRight(tx, decision, [needed], stake);
    return refusal ?? decideCommission(tx, act, referral, decision);
  }
  const { verb } = decision;
  if (!isReferralDecision(verb)) return refused('decision.malformed');
  const isOverride = verb === 'approve' && decision.params['override'] === true;
  const needed: readonly Permission[] = [
    byCase ?? (verb === 'reopen' ? 'referral.reopen' : 'referral.decide'),
    ...(isOverride ? (['check.waive'] as const) : []),
  ];
  const refusal = await refuseWithoutRight(tx, decision, needed, stake);
  if (refusal !== undefined) return refusal;
  // Its commissions only now: a sale that is run anew locks volumes before any of them.
  const [checks, lines] = await Promise.all([
    isOverride ? [] : listChecks(tx, referral.id),
    lockCommissionsOfReferral(tx, referral.id),
  ]);
  const blocking = blockingChecks(checks);
  const decided = decideReferralMove(referral, verb, blocking);
  // A rejection takes the money of the referral back; what a case holds waits for the end of the case (FRD-09).
  const caseId = verb === 'reject' && decided.kind === 'accepted' ? await caseHolding(tx, lines) : undefined;
  if (caseId !== undefined) return heldByCase(caseId);
  if (decided.kind === 'accepted') await move(tx, act, referral, verb);
  return decided;
}

function caseHolding(tx: Tx, lines: readonly { readonly id: string }[]): Promise<string | undefined> {
  return findCaseHolding(
    tx,
    lines.map((line) => line.id),
  );
}

function commissionOf(decision: DecisionRecord): string | null {
  if (decision.objectType.startsWith('commission')) return decision.objectId;
  const named = decision.params['commissionId'];
  return typeof named === 'string' ? named : null;
}

/** The outcome on the decision's own row, and the line of the history that a refusal has too (temporal.md 3.6). */
async function settle(tx: Tx, act: Act, decision: DecisionRecord, outcome: Decided | Refused): Promise<void> {
  const isRefused = outcome.kind === 'refused';
  settleDecision(
    tx,
    act,
    decision.id,
    isRefused
      ? { state: 'refused', code: outcome.code, params: await paramsOf(tx, decision, outcome) }
      : { state: 'done' },
  );
  await recordAudit(tx, act, {
    objectType: 'decision',
    objectId: decision.id,
    seq: 1,
    event: isRefused ? 'refused' : 'done',
    from: 'open',
    to: isRefused ? 'refused' : 'done',
    changes: {
      verb: decision.verb,
      objectId: decision.objectId,
      via: decision.via,
      ...(isRefused ? { code: outcome.code } : {}),
    },
  });
}

/** "Already approved by Ana": who and when, by id; whoever shows it adds the name. */
async function paramsOf(
  tx: Tx,
  decision: DecisionRecord,
  outcome: Refused,
): Promise<Readonly<Record<string, unknown>>> {
  if (!outcome.code.endsWith('.already_decided')) return outcome.params;
  const last = await readLastMove(tx, commissionOf(decision) ?? decision.objectId);
  return {
    ...outcome.params,
    decidedBy: last === undefined || last.by === null ? null : { id: last.by },
    decidedAt: last?.at ?? null,
  };
}

async function storeClaim(
  tx: Tx,
  act: Act,
  referral: Referral,
  id: DecisionId,
  verb: ReferralVerb,
  sent: unknown,
): Promise<void> {
  const claim = readClaim(verb, sent);
  const by = claim?.by ?? null;
  const byHand = actFor(act, { actor: { type: 'temporal', id: by, userId: by } });
  await insertDecision(tx, byHand, {
    id,
    verb,
    objectType: claim?.commissionId == null ? 'referrals' : 'commissions',
    objectId: claim?.commissionId ?? referral.id,
    workflowId: workflowIds.referral({ workspaceId: act.workspaceId, referralId: referral.id }),
    reasonCode: claim?.reasonCode ?? 'staff_decision',
    note: null, // free text never travels through Temporal
    publicReason: null,
    params: claim?.commissionId == null ? {} : { commissionId: claim.commissionId },
    via: 'temporal',
    callerKey: null,
    requestHash: null,
    steppedUp: false,
    operationId: null,
  });
}
