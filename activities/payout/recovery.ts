import { recordAudit } from '../../db/audit/audit.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { lockPayouts, movePayout, movePayouts } from '../../db/payout/payout.js';
import {
  attemptIdOf,
  findDecidingState,
  insertRecoveredAttempts,
  type LostAttempt,
} from '../../db/payout/payoutAttempt.js';
import { findRun } from '../../db/payout/payoutRun.js';
import type { StatementScope } from '../../db/payout/reconciliation.js';
import { listKnown, listRecoverable, lockPayeesAndRuns, type Recoverable } from '../../db/payout/restoreFence.js';
import { readEpoch } from '../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { isAttemptOpen, type Payout } from '../../domain/payout/payout.js';
import type { PayoutRun } from '../../domain/payout/payoutRun.js';
import { nudge, workflowIds } from '../../workflows/contract.js';
import type { GatewayStatement } from '../gateways/payoutGateway.js';
import { replanRun } from './payout.js';

/** So many attempts of one payout may have been lost: a person starts each, but for a series of five (features.md 2.9). */
const longestLoss = 20;

type Line = GatewayStatement['lines'][number];

/**
 * After a restore: payments of a gateway's list that the database no longer knows become attempts again, to be looked up like any other; a
 * payout that was a draft first becomes `pending` (money.md 10). The reference says whose they are, because an attempt's id follows from its
 * payout's. Where amount or state do not fit, or no reference tells, nothing is guessed: payouts that it may have been are put on hold, and
 * the line stays a difference that a person settles before anything is unfrozen. Takes the caller's transaction; safe to repeat.
 */
export async function recoverAttempts(tx: Tx, act: Act, scope: StatementScope, lines: readonly Line[]): Promise<void> {
  const payments = lines.filter((line) => line.kind === 'payment');
  const known = await listKnown(tx, scope.gateway, {
    references: payments.flatMap((line) => line.reference ?? []),
    providerIds: payments.flatMap((line) => line.providerId ?? []),
  });
  const strangers = payments.filter(
    (line) =>
      !(line.reference !== null && known.references.has(line.reference)) &&
      !(line.providerId !== null && known.providerIds.has(line.providerId)),
  );
  if (strangers.length === 0) return;

  const open = await listRecoverable(tx, scope);
  const named = new Map(
    open.flatMap((payout) =>
      Array.from({ length: longestLoss }, (_none, index) => {
        const number = payout.number + 1 + index;
        return [attemptIdOf(payout.id, number) as string, { payout, number }] as const;
      }),
    ),
  );
  const found = new Map<string, { readonly number: number; readonly line: Line }[]>();
  const maybe = new Set<string>();
  for (const line of strangers) {
    const of = line.reference === null ? undefined : named.get(line.reference);
    if (of !== undefined) found.set(of.payout.id, [...(found.get(of.payout.id) ?? []), { number: of.number, line }]);
    else for (const payout of open) if (isLike(payout, line)) maybe.add(payout.id);
  }

  const touched = open.filter((payout) => found.has(payout.id) || maybe.has(payout.id));
  if (touched.length === 0) return;
  const runIds = touched.flatMap((payout) => payout.runId ?? []);
  await lockPayeesAndRuns(tx, { affiliateIds: touched.map((payout) => payout.affiliateId), runIds });
  const locked = await lockPayouts(
    tx,
    touched.map((payout) => payout.id),
  );
  const lost: LostAttempt[] = [];
  for (const payout of locked) {
    const [one, ...more] = found.get(payout.id) ?? [];
    const isOurs = one !== undefined && more.length === 0 && isLike(payout, one.line);
    const isFree =
      (payout.status === 'draft' || payout.status === 'pending') &&
      !isAttemptOpen(await findDecidingState(tx, payout.id));
    if (isOurs && isFree) lost.push({ payout, number: one.number, providerId: one.line.providerId });
    else if (isFree && !payout.onHold)
      await movePayout(tx, act, payout, 'held', { onHold: true }, { unexplainedPaymentAt: scope.gateway });
  }
  await insertRecoveredAttempts(tx, act, await makePending(tx, act, lost), await readEpoch(tx));
  for (const { payout } of lost) {
    const ref = { workspaceId: act.workspaceId, payoutId: payout.id };
    await enqueue(tx, nudge('payout', workflowIds.payout(ref), ref));
  }
  if (lost.length > 0)
    await recordAudit(tx, act, {
      objectType: 'payout_freeze',
      objectId: `recovery/${act.newId('request')}`,
      seq: 1,
      event: 'recovered',
      changes: { gatewayId: scope.gateway, attempts: lost.length },
    });
}

function isLike(payout: Pick<Recoverable, 'currency' | 'amountMinor'>, line: Line): boolean {
  return payout.currency === line.currency && payout.amountMinor === -line.minor;
}

/**
 * Drafts among them become `pending`, as their run had made them: with its approval while it executes. Of a run that stands before its approval
 * a paid payout is no part any more; it is planned anew without.
 */
async function makePending(tx: Tx, act: Act, lost: readonly LostAttempt[]): Promise<readonly LostAttempt[]> {
  const runs = new Map<string, PayoutRun>();
  for (const runId of new Set(lost.flatMap(({ payout }) => payout.runId ?? []))) {
    const run = await findRun(tx, runId);
    if (run !== undefined) runs.set(runId, run);
  }
  const moved = new Map<string, Payout>();
  const drafts = lost.map(({ payout }) => payout).filter((payout) => payout.status === 'draft');
  for (const runId of new Set(drafts.map((payout) => payout.runId))) {
    const mine = drafts.filter((payout) => payout.runId === runId);
    const run = runId === null ? undefined : runs.get(runId);
    const approval =
      run?.status === 'executing'
        ? { approvedBy: run.approvedBy, approvedAt: run.approvedAt, secondPerson: run.secondPerson }
        : { runId: null, approvedAt: act.now };
    for (const payout of await movePayouts(tx, act, mine, 'approved', approval, {
      recovered: true,
      payoutRunId: runId,
    }))
      moved.set(payout.id, payout);
    if (run?.status === 'planned' || run?.status === 'approved') await replanRun(tx, act, run);
  }
  return lost.map((one) => ({ ...one, payout: moved.get(one.payout.id) ?? one.payout }));
}
