import { enqueue } from '../../db/messaging/outbox.js';
import { findPayout } from '../../db/payout/payout.js';
import { findDueLookUp, findNewestAttempt, type PayoutAttempt } from '../../db/payout/payoutAttempt.js';
import { listFreezes } from '../../db/reads/payout/payoutControls.js';
import { listOpenFacts } from '../../db/reads/payout/payoutStep.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { PayoutId } from '../../domain/ids.js';
import type { Payout } from '../../domain/payout/payout.js';
import { addMs, epochMs } from '../../domain/time.js';
import { exportMessage, type PayoutStep, workflowIds } from '../../workflows/contract.js';
import type { PayoutGateway } from '../gateways/payoutGateway.js';

/** A freeze or a hold has no end that we know: asked again after this, or at once by a nudge. */
const blockedWaitMs = 60_000;
/** A refusal worth a retry by itself gets so many attempts; then a person looks. */
const longestSeries = 5;

/** What a payout's workflow does next, from the rows alone (temporal.md 5.2). Nothing left: asks for the run's archive. */
export async function payoutStep(
  tx: Tx,
  act: Act,
  payoutId: PayoutId,
  gateways: ReadonlyMap<string, PayoutGateway>,
): Promise<PayoutStep> {
  const payout = await findPayout(tx, payoutId);
  const workflowId = workflowIds.payout({ workspaceId: act.workspaceId, payoutId });
  const facts = await listOpenFacts(tx, { workflowId, payoutId });
  const base = { seq: payout?.version ?? 0, status: payout?.status ?? 'unknown', facts, call: null, wait: null };
  if (payout !== undefined) {
    const newest = await findNewestAttempt(tx, payoutId);
    if (newest?.state === 'submitting') return { ...base, next: 'submit', call: callOf(newest, gateways) };
    const asked = await findDueLookUp(tx, payoutId);
    if (asked?.lookUpAt !== undefined && asked.lookUpAt !== null) {
      const ms = epochMs(asked.lookUpAt) - epochMs(act.now);
      return ms <= 0
        ? { ...base, next: 'lookUp', call: callOf(asked, gateways) }
        : { ...base, next: 'wait', wait: { until: asked.lookUpAt, ms } };
    }
    if (payout.status === 'pending') {
      if (payout.execution === 'manual' || !mayClaim(payout, newest, gateways)) return { ...base, next: 'wait' };
      const isBlocked = payout.onHold || (await listFreezes(tx, payout.gateway)).length > 0;
      return isBlocked
        ? { ...base, next: 'wait', wait: { until: addMs(act.now, blockedWaitMs), ms: blockedWaitMs } }
        : { ...base, next: 'claim' };
    }
  }
  if (facts.length > 0) return { ...base, next: 'wait' };
  if (act.origin !== null && payout !== undefined) {
    const { runId } = act.origin;
    await enqueue(tx, exportMessage({ workflowId: act.origin.workflowId, runId }));
  }
  return { ...base, next: 'done' };
}

/**
 * The first attempt; one after an approval that is newer than the last try; and one after a refusal that the adapter declares worth it.
 * Otherwise a person starts the next (features.md 2.9).
 */
export function mayClaim(
  payout: Pick<Payout, 'approvedAt'>,
  newest: PayoutAttempt | undefined,
  gateways: ReadonlyMap<string, PayoutGateway>,
): boolean {
  if (newest === undefined) return true;
  if (newest.state !== 'refused' && newest.state !== 'returned') return false;
  if (payout.approvedAt !== null && payout.approvedAt > newest.createdAt) return true; // sent back to draft, approved anew
  const retryable = gateways.get(newest.gateway)?.retryableRefusals ?? [];
  return (
    newest.state === 'refused' &&
    newest.code !== null &&
    retryable.includes(newest.code) &&
    newest.number < longestSeries
  );
}

function callOf(attempt: PayoutAttempt, gateways: ReadonlyMap<string, PayoutGateway>): PayoutStep['call'] {
  const gateway = gateways.get(attempt.gateway);
  return {
    attemptId: attempt.id,
    fence: attempt.fence,
    adapter: attempt.gateway,
    timeoutMs: gateway?.callTimeoutMs ?? 10_000,
    repeatable: gateway?.keyWindowMs !== null && gateway?.keyWindowMs !== undefined,
  };
}
