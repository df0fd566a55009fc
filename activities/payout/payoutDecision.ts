import { findPayout, lockLineCommissions, lockPayout, movePayout } from '../../db/payout/payout.js';
import {
  findDecidingState,
  findNewestAttempt,
  insertAttempt,
  moveAttempt,
  noteAttempt,
} from '../../db/payout/payoutAttempt.js';
import { findRun, lockRun } from '../../db/payout/payoutRun.js';
import { listFreezes, readEpoch } from '../../db/reads/payout/payoutControls.js';
import { readWorkspaceZone } from '../../db/reads/payout/payoutStep.js';
import { notify, type Tx } from '../../db/transaction.js';
import type { DecisionRecord } from '../../db/audit/decision.js';
import type { Permission } from '../../domain/access/permission.js';
import { type Act, actFor } from '../../domain/act.js';
import { dateIn } from '../../domain/calendar.js';
import { refused } from '../../domain/decided.js';
import {
  decidePayoutMove,
  isAttemptOpen,
  isDecidedAlone,
  type Payout,
  payoutActions,
  type PayoutEvent,
} from '../../domain/payout/payout.js';
import type { PayoutRun, SecondPerson } from '../../domain/payout/payoutRun.js';
import type { Claim, Fact, PayoutRef, PayoutStep, PayoutVerb } from '../../workflows/contract.js';
import { payoutVerbs, workflowIds } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import {
  approverOf,
  recordClaim,
  refuse,
  refuseByHand,
  requireRight,
  secondPersonFor,
  takeDecision,
} from './decisions.js';
import type { PayoutDeps } from './deps.js';
import { tellPayees } from './notice.js';
import { releasePayouts, replanRun, tellDrained } from './payout.js';
import { claim, lockAffiliate, sendBack, withMode } from './payoutAttempt.js';
import { payoutStep } from './payoutStep.js';
import { bookReturn, settlePayout } from './settlement.js';

/** Which right a verb needs (api.md 10.3). */
const rights: Readonly<Record<PayoutVerb, Permission>> = {
  approve: 'payout.approve',
  hold: 'payout.settle',
  release: 'payout.settle',
  retry: 'payout.execute',
  lookup: 'payout.settle',
  resolve: 'payout.settle',
  returnToDraft: 'payout.settle',
  markPaid: 'payout.settle',
  cancel: 'payout.settle',
};

function isPayoutVerb(verb: string): verb is PayoutVerb {
  return (payoutVerbs as readonly string[]).includes(verb);
}

export function payoutDecisionActivities(deps: PayoutDeps) {
  /** Locks in order, judges, writes; the refusal of a decision stands on its row. */
  async function decide(ref: PayoutRef, tx: Tx, plain: Act, decisionId: string): Promise<PayoutStep> {
    const seen = await findPayout(tx, ref.payoutId);
    const act = withMode(plain, seen);
    if (seen !== undefined) {
      await lockAffiliate(tx, seen.affiliateId);
      await lockLineCommissions(tx, ref.payoutId);
      if (seen.runId !== null) await lockRun(tx, seen.runId);
      const payout = await lockPayout(tx, ref.payoutId);
      if (payout !== undefined)
        await takeDecision(tx, act, decisionId, { objectId: ref.payoutId }, (decision, caused) =>
          applyDecision(tx, caused, deps, payout, decision),
        );
    }
    return payoutStep(tx, act, ref.payoutId, deps.payoutGateways);
  }

  const announce = async (decisionId: string): Promise<void> => {
    await notify(deps.db, 'decision', decisionId);
    await notify(deps.db, 'outbox', '');
  };

  return {
    /** A decision whose row stands already: by the API or in bulk. */
    async decidePayout(input: PayoutRef & { readonly fact: Fact }): Promise<PayoutStep> {
      const step = await databaseActivity(deps, input, (tx, act) => decide(input, tx, act, input.fact.id));
      await announce(input.fact.id);
      return step;
    },

    /** A decision sent by hand: writes its row first, as claimed. */
    async decidePayoutByHand(
      input: PayoutRef & { readonly verb: string; readonly claim: Claim | null; readonly decisionId: string },
    ): Promise<PayoutStep> {
      return databaseActivity(deps, input, async (tx, plain) => {
        const seen = await findPayout(tx, input.payoutId);
        const act = withMode(plain, seen);
        const id = await recordClaim(tx, act, {
          decisionId: input.decisionId,
          verb: input.verb,
          objectType: 'payout',
          objectId: input.payoutId,
          workflowId: workflowIds.payout(input),
          claim: input.claim,
        });
        return decide(input, tx, plain, id);
      });
    },
  };
}

async function applyDecision(
  tx: Tx,
  act: Act,
  deps: PayoutDeps,
  payout: Payout,
  decision: DecisionRecord,
): Promise<Readonly<Record<string, unknown>>> {
  const { verb } = decision;
  if (!isPayoutVerb(verb)) refuse(refused('decision.malformed'));
  await requireRight(tx, decision, rights[verb]);
  const newest = await findNewestAttempt(tx, payout.id);
  const state = await findDecidingState(tx, payout.id);
  const run = payout.runId === null ? undefined : await findRun(tx, payout.runId);
  const standing = { ...payout, newestState: state, runStatus: run?.status ?? null };
  const judge = (event: PayoutEvent): void => {
    const verdict = decidePayoutMove(payout, standing, event);
    if (verdict.kind === 'refused') refuse(verdict);
  };
  const notNow = (): never =>
    refuse(
      refused('payout.transition_not_allowed', {
        currentStatus: payout.status,
        allowedActions: payoutActions(standing),
      }),
    );

  switch (verb) {
    case 'approve': {
      judge('approved');
      if (payout.onHold || !isDecidedAlone(standing.runStatus)) notNow();
      // Whose work it is comes first: by a signal too its creator reads `own_work` (BEY-04).
      const secondPerson = await secondPersonFor(tx, decision, 'payout.approve', payout);
      refuseByHand(decision);
      await approve(tx, act, payout, decision.actor.userId, secondPerson);
      return {};
    }
    case 'hold':
      if (payout.onHold || (payout.status !== 'draft' && payout.status !== 'pending')) notNow();
      if (isAttemptOpen(state)) refuse(refused('payout.attempt_open', { attemptState: state }));
      await movePayout(tx, act, payout, 'held', { onHold: true });
      return {};
    case 'release': {
      if (!payout.onHold) notNow();
      const released = await movePayout(tx, act, payout, 'released', { onHold: false });
      // Its run went on without it, under an approval that covered it.
      if (released.status === 'draft' && run?.status === 'executing')
        await approve(tx, act, released, run.approvedBy, run.secondPerson);
      return {};
    }
    case 'retry': {
      refuseByHand(decision);
      if (payout.status !== 'pending' || payout.execution !== 'gateway') notNow();
      if (isAttemptOpen(state)) refuse(refused('payout.attempt_open', { attemptState: state }));
      if (newest === undefined) notNow();
      const freezes = await listFreezes(tx, payout.gateway);
      if (freezes.length > 0) refuse(refused('payout.payouts_frozen', { reasons: freezes }));
      if (payout.onHold) notNow();
      await claim(tx, act, deps, payout, newest);
      return {};
    }
    case 'lookup':
      if (newest === undefined || payout.execution !== 'gateway' || newest.state === 'submitting') notNow();
      else await noteAttempt(tx, newest, { lookUpAt: act.now });
      return {};
    case 'resolve':
      return resolve(tx, act, payout, decision, newest, notNow);
    case 'returnToDraft':
      judge('returnedToDraft');
      await sendBack(tx, act, payout, deps.gatewayPolicy, [{ code: decision.reasonCode }]);
      return {};
    case 'markPaid':
      await markPaid(tx, act, payout, decision, { judge, notNow, isAlone: isDecidedAlone(standing.runStatus) });
      return {};
    case 'cancel':
      judge('cancelled');
      if (payout.status === 'draft' && run?.status === 'planning') notNow(); // its plan is not whole yet
      await releasePayouts(tx, act, [payout]);
      if (run?.status === 'planned' || run?.status === 'approved') await leaveOut(tx, act, run, payout, decision);
      await tellDrained(tx, payout.runId);
      return {};
    default:
      return verb satisfies never;
  }
}

/**
 * A payout that is cancelled before its run pays changes the plan: made anew without its affiliate, so that it pays what it shows and an approval
 * given before is void (features.md 2.10, BEY-03). Who cancels has a hand in it from then on.
 */
async function leaveOut(tx: Tx, act: Act, run: PayoutRun, payout: Payout, decision: DecisionRecord): Promise<void> {
  const excludedAffiliateIds = [...new Set([...run.excludedAffiliateIds, payout.affiliateId])].sort();
  await replanRun(tx, act, run, { excludedAffiliateIds, editor: decision.actor.userId });
}

/** `draft → pending`: from now on it may be sent. */
export async function approve(
  tx: Tx,
  act: Act,
  payout: Payout,
  approvedBy: string | null,
  secondPerson: SecondPerson | null,
): Promise<Payout> {
  const approved = await movePayout(
    tx,
    act,
    payout,
    'approved',
    { approvedBy, approvedAt: act.now, secondPerson },
    { secondPerson, amountMinor: payout.amountMinor.toString(), planVersion: payout.planVersion },
  );
  await tellPayees(tx, act, 'payout.drafted', [{ payout: approved, onceFor: payout.id }]);
  return approved;
}

/** Paid by a person: the attempt is written now, with the reference; until then the payout could be cancelled (money.md 7.2). */
async function markPaid(
  tx: Tx,
  act: Act,
  payout: Payout,
  decision: DecisionRecord,
  asked: { readonly judge: (event: PayoutEvent) => void; readonly notNow: () => never; readonly isAlone: boolean },
): Promise<void> {
  const { reference, paidOn, note } = decision.params as { reference?: unknown; paidOn?: unknown; note?: unknown };
  if (typeof reference !== 'string' || typeof paidOn !== 'string') refuse(refused('decision.malformed'));
  const today = dateIn(await readWorkspaceZone(tx), act.now);
  if (paidOn > today)
    refuse(refused('request.validation_failed', { errors: [{ pointer: '#/paidOn', code: 'out_of_range' }] }));
  const isDraft = payout.status === 'draft';
  if (!isDraft) asked.judge('paid');
  if (payout.execution !== 'manual' || payout.onHold || (isDraft && !asked.isAlone)) asked.notNow();
  const secondPerson = isDraft ? await secondPersonFor(tx, decision, 'payout.settle', payout) : null;
  refuseByHand(decision);
  const pending = isDraft ? await approve(tx, act, payout, decision.actor.userId, secondPerson) : payout;
  const newest = await findNewestAttempt(tx, payout.id);
  const attempt = await insertAttempt(tx, actFor(act, { cause: null }), {
    payout: pending,
    number: (newest?.number ?? 0) + 1,
    keyExpiresAt: null,
    epoch: await readEpoch(tx),
  });
  await settlePayout(tx, act, pending, attempt, {
    event: 'paid',
    reference,
    providerId: null,
    gatewayStatus: null,
    paidOn,
    note: typeof note === 'string' ? note : null,
    watchAt: null,
  });
}

/** Two people say the same of an attempt nobody can look up: the first proposes, the second makes it true (api.md 10.3). */
async function resolve(
  tx: Tx,
  act: Act,
  payout: Payout,
  decision: DecisionRecord,
  newest: Awaited<ReturnType<typeof findNewestAttempt>>,
  notNow: () => never,
): Promise<Readonly<Record<string, unknown>>> {
  refuseByHand(decision);
  const { outcome } = decision.params as { outcome?: unknown };
  if (outcome !== 'paid' && outcome !== 'refused' && outcome !== 'returned') refuse(refused('decision.malformed'));
  const isOpenQuestion = newest?.state === 'unknown' || (newest?.state === 'paid' && outcome === 'returned');
  if (newest === undefined || !isOpenQuestion) return notNow();
  const me = decision.actor.userId;
  const approver = await approverOf(tx, decision, 'payout.settle');
  const proposal = newest.resolveProposal;
  const isSecond = proposal !== null && proposal.outcome === outcome && proposal.by !== me;
  const isAlone = approver.others === 0 && !approver.isSecondRequired;
  if (!isSecond && !isAlone && decision.mode === 'live') {
    if (proposal !== null && proposal.outcome === outcome) refuse(refused('access.own_work', { createdBy: me }));
    if (me === null) refuse(refused('access.permission_missing', { missingPermission: 'payout.settle' }));
    await noteAttempt(tx, newest, { resolveProposal: { outcome, by: me, at: act.now } });
    return { proposed: outcome };
  }
  if (!isSecond && decision.mode === 'live' && (approver.isKey || !approver.steppedUp))
    refuse(refused('access.step_up_required'));
  const silent = actFor(act, { cause: null });
  if (outcome === 'paid')
    await settlePayout(tx, act, payout, newest, {
      event: 'paid',
      reference: newest.providerId,
      providerId: null,
      gatewayStatus: newest.gatewayStatus,
      paidOn: null,
      note: null,
      watchAt: null,
    });
  else if (newest.state === 'paid')
    await bookReturn(tx, act, payout, newest, { returnedMinor: null, code: 'recalled', occurredAt: null });
  else
    await moveAttempt(tx, silent, newest, outcome, {
      code: outcome === 'refused' ? 'gateway_refused' : 'recalled',
      lookUpAt: null,
      needsHuman: false,
    });
  return { resolved: outcome, secondPerson: isSecond ? 'other_person' : 'single_person' };
}
