import { Context } from '@temporalio/activity';
import { holdGatewayAccess } from '../../db/payout/gateway.js';
import { findPayout, hasHeldLine, lockLineCommissions, lockPayout } from '../../db/payout/payout.js';
import {
  findAttempt,
  findNewestAttempt,
  insertAttempt,
  moveAttempt,
  noteAttempt,
  type PayoutAttempt,
} from '../../db/payout/payoutAttempt.js';
import { lockRun } from '../../db/payout/payoutRun.js';
import { findFrozenInstruction, listFreezes, readEpoch, readPayee } from '../../db/reads/payout/payoutControls.js';
import { notify, readWorkspace, type Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { WorkspaceId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import { merchantOf } from '../../domain/payout/gateway.js';
import type { Payout } from '../../domain/payout/payout.js';
import { decideAnswer, isAffiliatesRepair, lookUpDelayMs, unknownAlarmMs } from '../../domain/payout/payoutAttempt.js';
import { methodStatusAt } from '../../domain/payout/payoutMethod.js';
import { addMs, epochMs, type Instant } from '../../domain/time.js';
import type { GatewayReply, PayoutRef, PayoutStep } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { GatewayAnswer } from '../gateways/payoutGateway.js';
import { openAccess, type PayoutDeps } from './deps.js';
import { readKept, writeKept } from './keptAnswer.js';
import { freezeGateway } from './gateway.js';
import { tellPayees } from './notice.js';
import { recalculateDraft, takeBack, tellDrained } from './payout.js';
import { mayClaim, payoutStep } from './payoutStep.js';
import { bookFees, bookPaidLate, bookReturn, settlePayout } from './settlement.js';

/** The input of a call and of a look-up: ids and the fence, never an amount. */
export type CallInput = PayoutRef & { readonly attemptId: string; readonly fence: number; readonly adapter: string };
export type RecordInput = PayoutRef & {
  readonly attemptId: string;
  readonly fence: number;
  readonly source: 'call' | 'lookUp';
  readonly reply: GatewayReply;
};

/** claim → call → record → ask, one transaction or one gateway call each (money.md 7.2). */
export function payoutAttemptActivities(deps: PayoutDeps) {
  const gateways = deps.payoutGateways;

  return {
    /** Where the row stands, whoever started this run. */
    async resumePayout(ref: PayoutRef): Promise<PayoutStep> {
      return databaseActivity(deps, ref, async (tx, act) => {
        const payout = await findPayout(tx, ref.payoutId);
        return payoutStep(tx, withMode(act, payout), ref.payoutId, gateways);
      });
    },

    /**
     * All that is checked right before money goes out, then the attempt with its key (money.md 7.1). What does not hold sends the payout
     * back to `draft` with all reasons; a freeze or a hold makes it wait. Safe to run twice: an attempt on its way is found.
     */
    async claimAttempt(ref: PayoutRef): Promise<PayoutStep> {
      const step = await databaseActivity(deps, ref, async (tx, plain) => {
        const seen = await findPayout(tx, ref.payoutId);
        if (seen === undefined) return payoutStep(tx, plain, ref.payoutId, gateways);
        const act = withMode(plain, seen);
        await lockAffiliate(tx, seen.affiliateId);
        if (seen.runId !== null) await lockRun(tx, seen.runId);
        const payout = await lockPayout(tx, ref.payoutId);
        const newest = await findNewestAttempt(tx, ref.payoutId);
        if (payout?.status === 'pending' && payout.execution === 'gateway' && mayClaim(payout, newest, gateways))
          await claim(tx, act, deps, payout, newest);
        return payoutStep(tx, act, ref.payoutId, gateways);
      });
      await notify(deps.db, 'outbox', '');
      return step;
    },

    /** One request to the gateway, under the attempt's key. Reads Postgres, writes nothing. A late worker fails the fence here. */
    async submitAttempt(input: CallInput): Promise<GatewayReply> {
      const gateway = gateways.get(input.adapter);
      assertInvariant(gateway !== undefined, 'a queue serves its adapter', { adapter: input.adapter });
      const frozen = await readInstruction(deps, input.workspaceId, input.attemptId);
      if (
        frozen === undefined ||
        frozen.requestKey === null ||
        frozen.state !== 'submitting' ||
        frozen.fence !== input.fence ||
        frozen.epoch !== frozen.currentEpoch ||
        !frozen.methodFits
      )
        return staleReply;
      const answer = await gateway.submit(
        {
          access: frozen.access,
          requestKey: frozen.requestKey,
          reference: frozen.reference,
          merchant: merchantOf({ workspaceId: input.workspaceId, mode: frozen.mode }),
          amount: { minor: frozen.amountMinor, currency: frozen.currency as CurrencyCode },
          destination: deps.openMethodDetails(frozen.sealedDetails),
        },
        Context.current().cancellationSignal,
      );
      return toReply(deps, answer);
    },

    /** Asks the gateway what became of the attempt, by its key. Writes nothing. */
    async lookUpAttempt(input: CallInput): Promise<GatewayReply> {
      const gateway = gateways.get(input.adapter);
      assertInvariant(gateway !== undefined, 'a queue serves its adapter', { adapter: input.adapter });
      const frozen = await readInstruction(deps, input.workspaceId, input.attemptId);
      if (frozen === undefined) return staleReply;
      const answer = await gateway.lookUp(
        {
          requestKey: frozen.requestKey,
          reference: frozen.reference,
          merchant: merchantOf({ workspaceId: input.workspaceId, mode: frozen.mode }),
          amount: { minor: frozen.amountMinor, currency: frozen.currency as CurrencyCode },
          access: frozen.access,
          providerId: frozen.providerId,
          claimedAt: frozen.claimedAt,
        },
        Context.current().cancellationSignal,
      );
      return toReply(deps, answer);
    },

    /** What the gateway said becomes true here: compares the fence, moves the attempt, posts if it is paid (money.md 7.2). */
    async recordAttempt(input: RecordInput): Promise<PayoutStep> {
      const answer = await readAnswer(deps, input.reply);
      const step = await databaseActivity(deps, input, async (tx, plain) => {
        const seen = await findPayout(tx, input.payoutId);
        if (seen === undefined) return payoutStep(tx, plain, input.payoutId, gateways);
        const act = withMode(plain, seen);
        await lockAffiliate(tx, seen.affiliateId);
        await lockLineCommissions(tx, input.payoutId);
        if (seen.runId !== null) await lockRun(tx, seen.runId);
        const payout = await lockPayout(tx, input.payoutId);
        const attempt = await findAttempt(tx, input.attemptId);
        if (
          payout !== undefined &&
          attempt !== undefined &&
          attempt.payoutId === payout.id &&
          attempt.fence === input.fence
        )
          await recordReply(tx, act, deps, payout, attempt, input, answer);
        return payoutStep(tx, act, input.payoutId, gateways);
      });
      await notify(deps.db, 'outbox', '');
      return step;
    },

    /** A gateway's own report: believed only after a look-up (money.md 7.3). */
    async applyGatewayEvent(input: PayoutRef & { readonly gatewayEventId: string }): Promise<PayoutStep> {
      return databaseActivity(deps, input, async (tx, plain) => {
        const payout = await lockPayout(tx, input.payoutId);
        const act = withMode(plain, payout);
        const [event] = await tx('gateway_events')
          .where({ id: input.gatewayEventId, payout_id: input.payoutId })
          .whereNull('processed_at')
          .update({ processed_at: act.now, outcome: 'look_up' })
          .returning<{ attempt_id: string | null }[]>('attempt_id');
        if (event !== undefined) {
          const attempt =
            event.attempt_id === null
              ? await findNewestAttempt(tx, input.payoutId)
              : await findAttempt(tx, event.attempt_id);
          if (attempt !== undefined) await noteAttempt(tx, attempt, { lookUpAt: act.now });
        }
        return payoutStep(tx, act, input.payoutId, gateways);
      });
    },
  };
}

const staleReply: GatewayReply = {
  class: 'stale',
  code: null,
  providerId: null,
  gatewayStatus: null,
  answerHash: null,
};

/** `act.mode` follows the row. */
export function withMode(act: Act, payout: Pick<Payout, 'mode'> | undefined): Act {
  return payout === undefined ? act : actFor(act, { mode: payout.mode });
}

/** First of the lock order (money.md 9): nobody plans, refunds or swaps a method beside us. */
export async function lockAffiliate(tx: Tx, affiliateId: string): Promise<void> {
  await tx('affiliates').where({ id: affiliateId }).forNoKeyUpdate().first('id');
}

function readInstruction(deps: PayoutDeps, workspaceId: WorkspaceId, attemptId: string) {
  return readWorkspace(deps.db, workspaceId, async (tx) => {
    const frozen = await findFrozenInstruction(tx, attemptId);
    return frozen === undefined ? undefined : { ...frozen, access: await openAccess(deps, tx, frozen.gateway) };
  });
}

/** Writes the attempt, or sends the payout back to `draft` with everything that no longer holds. The payout is locked and pending. */
export async function claim(
  tx: Tx,
  act: Act,
  deps: Pick<PayoutDeps, 'payoutGateways' | 'gatewayPolicy'>,
  payout: Payout,
  newest: PayoutAttempt | undefined,
): Promise<void> {
  if (payout.onHold || (await listFreezes(tx, payout.gateway)).length > 0) return; // waits
  if (!(await holdGatewayAccess(tx, payout.gateway))) return; // disconnected beside us
  const reasons = await findObstacles(tx, act, payout);
  if (reasons.length > 0) {
    await sendBack(tx, act, payout, deps.gatewayPolicy, reasons);
    return;
  }
  const window = deps.payoutGateways.get(payout.gateway)?.keyWindowMs ?? null;
  await insertAttempt(tx, actFor(act, { cause: null }), {
    payout,
    number: (newest?.number ?? 0) + 1,
    keyExpiresAt: window === null ? null : addMs(act.now, window),
    epoch: await readEpoch(tx),
  });
}

export interface Obstacle {
  readonly code: string;
}

async function findObstacles(tx: Tx, act: Act, payout: Payout): Promise<readonly Obstacle[]> {
  const payee = await readPayee(tx, {
    affiliateId: payout.affiliateId,
    methodId: payout.methodId,
    currency: payout.currency,
    mode: payout.mode,
  });
  if (payee === undefined) return [{ code: 'no_method' }];
  const obstacles: Obstacle[] = [];
  if (payee.affiliateStatus === 'suspended' || (payee.affiliateStatus === 'terminated' && payee.isForfeited))
    obstacles.push({ code: 'suspended' });
  const status =
    payee.methodStatus === null
      ? null
      : methodStatusAt({ status: payee.methodStatus, activeAt: payee.methodActiveAt }, act.now);
  if (status === null || status === 'removed' || status === 'replaced') obstacles.push({ code: 'no_method' });
  else if (status === 'unverified') obstacles.push({ code: 'method_unverified' });
  else if (payee.methodVersion !== payout.methodVersion || payee.methodFingerprint !== payout.methodFingerprint)
    obstacles.push({ code: 'method_changed_recently' });
  if (await hasHeldLine(tx, payout.id)) obstacles.push({ code: 'on_hold' });
  // Only while nothing is on its way may a debt hold a payout back: then it is netted (money.md 7.1).
  if (payee.receivableMinor > 0n) obstacles.push({ code: 'negative_balance' });
  return obstacles;
}

/** `pending → draft`: leaves its run, is worked out anew, waits for a person (features.md 2.4). */
export async function sendBack(
  tx: Tx,
  act: Act,
  payout: Payout,
  gateways: PayoutDeps['gatewayPolicy'],
  reasons: readonly Obstacle[],
): Promise<void> {
  const draft = await takeBack(
    tx,
    act,
    payout,
    reasons.map((reason) => reason.code),
  );
  await recalculateDraft(tx, act, draft, gateways);
  await tellDrained(tx, payout.runId);
}

async function recordReply(
  tx: Tx,
  act: Act,
  deps: PayoutDeps,
  payout: Payout,
  attempt: PayoutAttempt,
  input: RecordInput,
  answer: GatewayAnswer | null,
): Promise<void> {
  const { reply } = input;
  if (reply.class === 'stale') {
    // The key of another epoch or a swapped method: nothing was sent by this worker, and nobody may guess (money.md 10).
    if (attempt.state === 'submitting')
      await moveAttempt(tx, actFor(act, { cause: null }), attempt, 'lost', {
        code: 'instruction_changed',
        lookUpAt: act.now,
      });
    return;
  }
  const newest = await findNewestAttempt(tx, payout.id);
  const decision = decideAnswer(
    {
      state: attempt.state,
      // The key of another epoch is never sent again (money.md 10): what surely is not there, a person settles.
      keyLeftMs:
        attempt.keyExpiresAt === null || (reply.class === 'not_found' && attempt.epoch !== (await readEpoch(tx)))
          ? null
          : epochMs(attempt.keyExpiresAt) - epochMs(act.now),
      isNewest: newest?.id === attempt.id && payout.status === 'pending' && payout.amountMinor === attempt.amountMinor,
      isPaidLate: attempt.paidLate,
    },
    reply.class,
    input.source,
  );
  const silent = actFor(act, { cause: null });
  const providerId = reply.providerId === null ? {} : { providerId: reply.providerId };
  switch (decision.kind) {
    case 'wait':
      await askAgain(tx, act, attempt, reply.gatewayStatus, attempt.needsHuman);
      break;
    case 'needsHuman':
      await askAgain(tx, act, attempt, reply.gatewayStatus, true);
      break;
    case 'paidLate':
      await bookPaidLate(tx, act, payout, attempt);
      await freezeGateway(tx, act, attempt.gateway, 'paid_late');
      break;
    case 'move':
      switch (decision.event) {
        case 'paid':
        case 'paidLate':
          await settlePayout(tx, act, payout, attempt, {
            event: decision.event,
            reference: reply.providerId ?? attempt.providerId,
            providerId: reply.providerId,
            gatewayStatus: reply.gatewayStatus,
            paidOn: null,
            note: null,
            watchAt: watchAt(deps, act.now, attempt.gateway),
          });
          if (decision.event === 'paidLate') await freezeGateway(tx, act, attempt.gateway, 'paid_late');
          if (answer?.class === 'paid') await bookFees(tx, act, payout, attempt, answer.fees ?? []);
          break;
        case 'returned':
          if (attempt.state === 'paid')
            await bookReturn(tx, act, payout, attempt, {
              returnedMinor: answer?.class === 'returned' ? answer.returnedMinor : null,
              code: reply.code,
              occurredAt: answer?.class === 'returned' ? answer.occurredAt : null,
            });
          else {
            await moveAttempt(tx, silent, attempt, 'returned', { ...providerId, code: reply.code, lookUpAt: null });
            await tellWhoRepairs(tx, act, payout, attempt, reply.code); // back before it was paid: as refused (PAY-27)
          }
          break;
        case 'refused':
          await moveAttempt(tx, silent, attempt, 'refused', { ...providerId, code: reply.code, lookUpAt: null });
          await tellWhoRepairs(tx, act, payout, attempt, reply.code);
          break;
        case 'submitted':
          await moveAttempt(tx, silent, attempt, 'submitted', {
            ...providerId,
            gatewayStatus: reply.gatewayStatus,
            code: null,
            needsHuman: false,
            lookUpAt: addMs(act.now, lookUpDelayMs(0)),
            lookUps: 0,
          });
          break;
        case 'lost':
          await moveAttempt(tx, silent, attempt, 'lost', {
            code: reply.code ?? 'not_found',
            // The ladder goes on where it was: a request that is lost again and again is asked about ever more seldom.
            lookUpAt: addMs(act.now, lookUpDelayMs(attempt.lookUps)),
            lookUps: attempt.lookUps + 1,
          });
          break;
        case 'resubmitted':
          await moveAttempt(tx, silent, attempt, 'resubmitted', { lookUpAt: null, code: null });
          break;
        default:
          decision.event satisfies never;
      }
      break;
    default:
      decision satisfies never;
  }
}

/** The affiliate is told of a payment that did not arrive when the repair is theirs (PAY-26); else it is the staff's alone. */
async function tellWhoRepairs(
  tx: Tx,
  act: Act,
  payout: Payout,
  attempt: PayoutAttempt,
  code: string | null,
): Promise<void> {
  if (isAffiliatesRepair(code)) await tellPayees(tx, act, 'payout.failed', [{ payout, onceFor: attempt.id }]);
}

/** One more rung of the ladder; after a day of not knowing a person has to look (features.md 2.9). */
async function askAgain(
  tx: Tx,
  act: Act,
  attempt: PayoutAttempt,
  gatewayStatus: string | null,
  needsHuman: boolean,
): Promise<void> {
  if (attempt.state !== 'submitted' && attempt.state !== 'unknown') {
    await noteAttempt(tx, attempt, { lookUpAt: null }); // settled: the watch for a bounce is over
    return;
  }
  const isOld = attempt.state === 'unknown' && epochMs(act.now) - epochMs(attempt.createdAt) > unknownAlarmMs;
  await noteAttempt(tx, attempt, {
    lookUps: attempt.lookUps + 1,
    lookUpAt: addMs(act.now, lookUpDelayMs(attempt.lookUps + 1)),
    needsHuman: needsHuman || isOld,
    ...(gatewayStatus === null ? {} : { gatewayStatus }),
  });
}

function watchAt(deps: PayoutDeps, now: Instant, gateway: string): Instant | null {
  const bounces = deps.payoutGateways.get(gateway)?.bouncesWithinMs ?? null;
  return bounces === null ? null : addMs(now, bounces);
}

/** The answer without its amounts travels; the whole is kept under its hash where it says more (fees, what a bank kept). */
async function toReply(deps: PayoutDeps, answer: GatewayAnswer): Promise<GatewayReply> {
  const saysMore =
    (answer.class === 'paid' && answer.fees !== undefined && answer.fees.length > 0) || answer.class === 'returned';
  return {
    class: answer.class,
    code: 'code' in answer ? answer.code : null,
    providerId: 'providerId' in answer ? answer.providerId : null,
    gatewayStatus: 'gatewayStatus' in answer ? answer.gatewayStatus : null,
    answerHash: saysMore ? await deps.answers.save(writeKept(answer)) : null,
  };
}

async function readAnswer(deps: PayoutDeps, reply: GatewayReply): Promise<GatewayAnswer | null> {
  if (reply.answerHash === null) return null;
  const text = await deps.answers.load(reply.answerHash);
  // Another machine's store: the activity is retried until the file is there, because guessing a fee or a loss would be worse.
  if (text === undefined) throw new Error(`no stored answer ${reply.answerHash}`);
  return readKept<GatewayAnswer>(text);
}
