import { findConfirmingSale, insertCheck, listChecks, moveCheck } from '../../db/earning/check.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Tx } from '../../db/transaction.js';
import { hasBlockingFlag } from '../../db/tracking/riskFlag.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import { blockingChecks, type Check, checkEventOf, decideCheckMove } from '../../domain/earning/check.js';
import type { CheckStatus, Referral } from '../../domain/earning/referral.js';
import { DomainError } from '../../domain/errors.js';
import { signalReferral } from '../../workflows/contract.js';
import { flagReferral } from '../tracking/risk.js';

// Steps of verification (REF-04). Whoever calls them holds the transaction and the referral's lock.

/**
 * Opens the checks the program requires and answers those our own rules can answer: is buyer and affiliate one person (fraud), has money
 * arrived (payment)? Safe to repeat; a later finding turns `passed` into `failed`.
 */
export async function runInternalChecks(tx: Tx, act: Act, referral: Referral): Promise<readonly Check[]> {
  const bySystem = actFor(act, { actor: systemActor, mode: referral.mode });
  const { requiredChecks } = await readReferralTerms(tx, referral.programId);
  for (const kind of requiredChecks)
    await insertCheck(tx, bySystem, { referralId: referral.id, kind, required: true, provider: null });
  const checks = await listChecks(tx, referral.id);
  const judged: Check[] = [];
  for (const check of checks) judged.push(await judge(tx, bySystem, referral, check));
  if (!checks.some((check) => check.kind === 'fraud')) await flagReferral(tx, bySystem, referral);
  return judged;
}

async function judge(tx: Tx, act: Act, referral: Referral, check: Check): Promise<Check> {
  switch (check.kind) {
    case 'fraud': {
      const found = (await flagReferral(tx, act, referral)).find(({ code }) => code === 'self_referral');
      if (check.provider !== null && found === undefined) return check; // its provider decides
      const event = found === undefined ? 'passed' : 'failed';
      // Staff decided otherwise already: their word stands until something new is found.
      if (check.status === 'waived' || (check.status === 'failed' && event === 'passed')) return check;
      if (decideCheckMove(check, event).kind !== 'accepted') return check;
      return moveCheck(tx, act, check, event, {
        reasonCode: found === undefined ? null : 'self_referral',
        evidence: found === undefined ? {} : found.evidence,
      });
    }
    case 'payment':
      return confirmPayment(tx, act, check);
    case 'identity':
      return check; // a person or a provider decides
    default:
      return check.kind satisfies never;
  }
}

/** A payment check passes when a sale of the referral is really paid. */
export async function confirmPayment(tx: Tx, act: Act, check: Check): Promise<Check> {
  if (check.kind !== 'payment' || check.status !== 'waiting') return check;
  const saleId = await findConfirmingSale(tx, check.referralId);
  if (saleId === undefined) return check;
  return moveCheck(tx, actFor(act, { actor: systemActor }), check, 'passed', {
    reasonCode: null,
    evidence: { saleId },
  });
}

/** Nothing stops an automatic approval: no required check is open or failed, nobody flagged it (REF-08). */
export async function isClean(tx: Tx, referral: Referral, checks: readonly Check[]): Promise<boolean> {
  return (
    blockingChecks(checks).length === 0 &&
    !(await hasBlockingFlag(tx, { referralId: referral.id, affiliateId: referral.affiliateId }))
  );
}

/**
 * A person's answer to a check, under the referral's lock. The workflow is told, so that an automatic approval that waited for it
 * happens. Codes: check.transition_not_allowed, resource.not_found. The status it has already changes nothing.
 */
export async function answerCheck(
  tx: Tx,
  act: Act,
  referral: Referral,
  checkId: string,
  answer: {
    readonly status: CheckStatus;
    readonly reasonCode: string;
    readonly evidence: Readonly<Record<string, unknown>> | undefined;
  },
): Promise<void> {
  const check = (await listChecks(tx, referral.id)).find((candidate) => candidate.id === checkId);
  if (check === undefined) throw new DomainError('resource.not_found');
  const event = checkEventOf[answer.status];
  const decided = decideCheckMove(check, event);
  if (decided.kind === 'refused') throw new DomainError(decided.code, decided.params);
  if (decided.kind === 'unchanged') return;
  await moveCheck(tx, act, check, event, {
    reasonCode: answer.reasonCode,
    ...(answer.evidence === undefined ? {} : { evidence: { ...check.evidence, ...answer.evidence } }),
  });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: referral.id }, 'checkReported', { checkId: check.id }),
  );
}
