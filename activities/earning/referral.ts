import { listChecks } from '../../db/earning/check.js';
import { findWindowEnd, lockReferral, updateReferral } from '../../db/earning/referral.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readOpenMoney } from '../../db/reads/earning/referralMoney.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import { listUnappliedFacts } from '../../db/reads/earning/unappliedFacts.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import type { Check } from '../../domain/earning/check.js';
import { firstDeadline, msUntil, waitUntil } from '../../domain/earning/deadline.js';
import type { Referral } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import { earliest } from '../../domain/time.js';
import { exportMessage, type Step, workflowIds } from '../../workflows/contract.js';
import { confirmPayment, isClean, runInternalChecks } from './check.js';

// The step every database activity of a referral answers. The activities themselves are in lifecycle.ts: commission.ts needs this file and
// lifecycle.ts needs commission.ts.

/**
 * Where the referral stands and what its workflow waits for, as the last call of each activity's transaction. Opens the wait of a referral
 * that has just become pending: checks, deadline, automatic approval (REF-04, 08, 09). A deadline that is due already is answered as 1 ms,
 * so that `passDeadline` acts on it; `actedOn`: that has just happened. A run with nothing left asks for the export of its history.
 */
export async function nextStep(
  tx: Tx,
  act: Act,
  referralId: string,
  options: { readonly actedOn?: boolean } = {},
): Promise<Step> {
  const locked = await lockReferral(tx, referralId);
  assertInvariant(locked !== undefined, 'the referral of a step is there', { referralId });
  const at = actFor(act, { mode: locked.mode });
  const { referral, checks } =
    locked.status === 'pending' ? await openWait(tx, at, locked) : { referral: locked, checks: [] };
  const facts = await listUnappliedFacts(tx, {
    referralId,
    workflowId: workflowIds.referral({ workspaceId: act.workspaceId, referralId: referral.id }),
  });
  const { now } = act;
  const until = waitUntil({
    referral,
    windowEnd: referral.status === 'tracking' ? ((await findWindowEnd(tx, referralId)) ?? referral.windowEndsAt) : null,
    money: await readOpenMoney(tx, { referralId, now, actedOn: options.actedOn === true }),
    nextAsk: earliest(checks.flatMap((check) => (isAsked(check) && check.askAt > now ? [check.askAt] : []))) ?? null,
    now,
  });
  if (until === null && facts.length === 0) await askForExport(tx, at, referral);
  return {
    seq: referral.version,
    status: referral.status,
    wait: until === null ? null : { until, ms: msUntil(until, now) },
    facts,
    checksToAsk: checks.flatMap((check) => (isAsked(check) && check.askAt <= now ? [check.id] : [])),
  };
}

function isAsked(check: Check): check is Check & { readonly askAt: NonNullable<Check['askAt']> } {
  return check.status === 'waiting' && check.provider !== null && check.askAt !== null && check.pendingVerdict === null;
}

async function openWait(
  tx: Tx,
  act: Act,
  pending: Referral,
): Promise<{ readonly referral: Referral; readonly checks: readonly Check[] }> {
  const terms = await readReferralTerms(tx, pending.programId);
  const bySystem = actFor(act, { actor: systemActor, cause: null, reasonCode: null });
  let referral = pending;
  let checks: readonly Check[];
  if (referral.pendingSince === null) {
    checks = await runInternalChecks(tx, bySystem, referral);
    referral = await updateReferral(tx, bySystem, referral, 'waitOpened', {
      pendingSince: act.now,
      decideBy: firstDeadline(act.now, terms),
      remindedAt: null,
    });
  } else {
    const confirmed: Check[] = [];
    for (const check of await listChecks(tx, referral.id)) confirmed.push(await confirmPayment(tx, bySystem, check));
    checks = confirmed;
  }
  // Automatic only once: what staff reopened, staff decide.
  if (terms.referralApproval === 'automatic' && referral.decidedAt === null && (await isClean(tx, referral, checks))) {
    referral = await updateReferral(tx, bySystem, referral, 'approved', { decidedAt: act.now, decideBy: null });
  }
  return { referral, checks: referral.status === 'pending' ? checks : [] };
}

/** A visitor who never came back leaves his rows, which tell all (temporal.md 10.1); an export would cost more than the run. */
async function askForExport(tx: Tx, act: Act, referral: Referral): Promise<void> {
  if (act.origin === null) return; // not in a workflow
  const isEmpty =
    referral.status === 'expired' &&
    referral.leadAt === null &&
    referral.saleAt === null &&
    referral.decidedAt === null;
  if (!isEmpty) await enqueue(tx, exportMessage({ workflowId: act.origin.workflowId, runId: act.origin.runId }));
}
