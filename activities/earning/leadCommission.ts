import {
  findLastRejection,
  insertCommissions,
  listPaidLeadEvents,
  lockCommissionsOfLead,
} from '../../db/earning/commission.js';
import { listCommissionableProducts, listRulesAt } from '../../db/program/commissionPlan.js';
import { findProgram } from '../../db/program/program.js';
import { lockVolumes, readPlanInput } from '../../db/reads/earning/planInput.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Lead } from '../../db/tracking/lead.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { eligibleFrom } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import { evaluatePlan } from '../../domain/program/planEvaluation.js';
import { isClosedTo } from '../../domain/program/program.js';
import { broughtAt, linesOfEarnings } from './earnedLines.js';
import { mailEarned } from './earnedMail.js';
import { postAccruals, reinstateLine, takeOff } from './ledger.js';

const noAmount = { productId: null, quantity: 1, amount: 0n, tax: 0n, fees: 0n, shipping: 0n, deposit: 0n } as const;

/**
 * What an accepted lead earns by rules on leads and registrations (RUL-13, PRG-21): a commission per level, once per lead, and once per contact
 * and program for the event that a rule names (ruling 41). One that was invalidated and is accepted again gets its lines back. The caller
 * holds the locks of contact and referral; safe to repeat.
 */
export async function accrueLead(tx: Tx, act: Act, referral: Referral, lead: Lead): Promise<void> {
  const isKept = lead.verdict === 'accepted' || lead.verdict === 'converted';
  const isOpen = referral.status === 'pending' || referral.status === 'approved';
  if (!isKept || !isOpen || referral.affiliateId === null) return;
  const cause = { type: 'lead', id: lead.id } as const;
  const [known, program, rules] = await Promise.all([
    lockCommissionsOfLead(tx, lead.id),
    findProgram(tx, referral.programId),
    listRulesAt(tx, referral.programId, lead.occurredAt, broughtAt(referral) ?? lead.occurredAt),
  ]);
  if (known.length > 0) {
    for (const line of known)
      if (line.status === 'rejected' && (await findLastRejection(tx, line.id)) === 'invalid_lead')
        await reinstateLine(tx, act, line, 0n);
    return;
  }
  if (rules.every((rule) => rule.event !== 'lead' && rule.event !== 'registration')) return; // most plans: nothing more is read
  assertInvariant(program !== undefined, 'the program of a referral is there', { programId: referral.programId });
  if (program.status === 'draft') return; // a draft credits nothing (PRG-20)
  if (isClosedTo(program, { occurredAt: lead.occurredAt, paymentNumber: null })) return;
  const mine = actFor(act, { cause });
  const earnings = evaluatePlan(
    await readPlanInput(tx, {
      program,
      mode: referral.mode,
      affiliateId: referral.affiliateId,
      referralId: referral.id,
      brought: broughtAt(referral),
      customerId: lead.contactId ?? '',
      event: { kind: 'lead', event: lead.event, paidBefore: await listPaidLeadEvents(tx, referral.id, lead.id) },
      occurredAt: lead.occurredAt,
      lines: [noAmount],
      products: (await listCommissionableProducts(tx, program.id, lead.occurredAt)).listed,
      paymentNumber: null,
      without: null,
      lock: lockVolumes,
    }),
  );
  if (earnings.lines.length === 0) return;
  const terms = await readReferralTerms(tx, program.id);
  const lines = linesOfEarnings(mine, {
    of: cause,
    cause,
    referral,
    currency: program.currency,
    productIds: [],
    sub1: lead.sub1,
    earnings,
    needsReviewer: terms.commissionApproval === 'manual',
    eligibleAt: eligibleFrom(lead.occurredAt, terms.commissionHold),
  });
  const inserted = await insertCommissions(tx, mine, lines);
  await postAccruals(tx, mine, inserted, lead.occurredAt);
  await mailEarned(tx, mine, program, inserted);
}

/** The lead was found to be no lead: what it earned goes, by where it is (api.md 8.2). The caller holds the referral's lock. */
export async function takeBackLead(tx: Tx, act: Act, lead: Lead): Promise<void> {
  const lines = await lockCommissionsOfLead(tx, lead.id);
  await takeOff(
    tx,
    actFor(act, { reasonCode: 'invalid_lead' }),
    lines.filter((line) => line.amount > 0n),
    { wanted: (line) => line.amount, reasonCode: 'invalid_lead', effectiveAt: null },
  );
}
