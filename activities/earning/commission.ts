import { findLastDecision } from '../../db/audit/decision.js';
import { insertCommissions } from '../../db/earning/commission.js';
import { lockDispute } from '../../db/earning/dispute.js';
import { listTouches, lockReferral } from '../../db/earning/referral.js';
import { lockRefund } from '../../db/earning/refund.js';
import { countEarlierPayments, hasEarlierPayment, lockSale, updateSale } from '../../db/earning/sale.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { listCommissionableProducts } from '../../db/program/commissionPlan.js';
import { findProgram } from '../../db/program/program.js';
import { askPlan, lockVolumes, readPlanInput } from '../../db/reads/earning/planInput.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Tx } from '../../db/transaction.js';
import { lockContactOf } from '../../db/tracking/contactLock.js';
import { insertLead, lockLeadsOfReferral, settleLead, updateLead } from '../../db/tracking/lead.js';
import { type Act, actFor, type Cause } from '../../domain/act.js';
import { type Commission, eligibleFrom } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { Sale, SaleLine } from '../../domain/earning/sale.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ProductId } from '../../domain/ids.js';
import { type Earnings, evaluatePlan } from '../../domain/program/planEvaluation.js';
import type { NoCommissionCode } from '../../domain/program/planEvent.js';
import { isClosedTo, type Program } from '../../domain/program/program.js';
import { planAt } from '../../domain/program/programPlan.js';
import { type Fact, type ReferralRef, signalReferral, type Step } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';
import { takeOffFormer, treatLikeFormer } from './correction.js';
import { applyDisputeStep } from './dispute.js';
import { broughtAt, linesOfEarnings } from './earnedLines.js';
import { mailEarned } from './earnedMail.js';
import { passMilestones } from './milestoneMail.js';
import { applyWhatCameBefore, endBeyondLimit } from './lateOrder.js';
import { accrueLead } from './leadCommission.js';
import { raiseToWholeBand } from './wholeBand.js';
import { postAccruals } from './ledger.js';
import { lockForFact, nextStep } from './referral.js';
import { applyRefund } from './refund.js';
import { isAfterEnd, subscriptionEnded, takeOffAfterEnd } from './subscriptionEnd.js';
import { settleSale } from './saleOutcome.js';
import { type Credited, creditedBefore, creditSale, isGivenByHand } from './saleCredit.js';

type FactInput = ReferralRef & { readonly fact: Fact };

export function commissionActivities(deps: Pick<ActivityDeps, 'db' | 'newId'>) {
  return {
    /** Accrues the commissions of one sale, or stores why there are none. Safe to repeat: a sale decided stays as decided. */
    accrueCommissions: (input: FactInput): Promise<Step> =>
      databaseActivity(
        deps,
        input,
        async (tx, act) => {
          await takeSale(tx, act, input);
          return nextStep(tx, act, input.referralId);
        },
        (tx) => [
          ...lockForFact(tx, 'sales', input),
          lockSale(tx, input.fact.id),
          listTouches(tx, input.referralId),
          lockLeadsOfReferral(tx, input.referralId),
        ],
      ),

    /** Takes a refund off the lines of its sale, each by where its money is. Safe to repeat: a refund counts once. */
    reverseCommissions: (input: FactInput): Promise<Step> =>
      databaseActivity(deps, input, async (tx, act) => {
        const referral = await lockReferral(tx, input.referralId);
        const refund = await lockRefund(tx, input.fact.id);
        const isMine = refund !== undefined && refund.referralId === referral?.id;
        if (referral !== undefined && isMine && refund.processedAt === null && refund.saleId !== null) {
          const mine = actFor(act, { mode: referral.mode });
          const sale = await accruedSale(tx, mine, referral, refund.saleId);
          if (sale !== undefined) await applyRefund(tx, mine, sale, refund);
        }
        return nextStep(tx, act, input.referralId);
      }),

    /** Applies one step of a chargeback: holds, reverses or releases the lines of its sale (BEY-26). Safe to repeat. */
    applyDispute: (input: FactInput): Promise<Step> =>
      databaseActivity(deps, input, async (tx, act) => {
        const referral = await lockReferral(tx, input.referralId);
        const dispute = await lockDispute(tx, input.fact.id);
        const isMine = dispute !== undefined && dispute.referralId === referral?.id;
        if (referral !== undefined && isMine && dispute.processedAt === null && dispute.saleId !== null) {
          const mine = actFor(act, { mode: referral.mode });
          const sale = await accruedSale(tx, mine, referral, dispute.saleId);
          if (sale !== undefined) await applyDisputeStep(tx, mine, sale, dispute);
        }
        return nextStep(tx, act, input.referralId);
      }),

    /** A payout of this referral's commissions is settled: its lines say so already, here only what comes next is read. */
    applyPayout: (input: FactInput): Promise<Step> =>
      databaseActivity(deps, input, (tx, act) => nextStep(tx, act, input.referralId)),
  };
}

async function takeSale(tx: Tx, act: Act, { referralId, fact }: FactInput): Promise<void> {
  await lockContactOf(tx, 'sales', fact.id); // before the referral, as sale intake does (money.md 9)
  const referral = await lockReferral(tx, referralId);
  const sale = await lockSale(tx, fact.id);
  if (referral === undefined || sale === undefined || sale.processedAt !== null || sale.contactId === null) return;
  if (sale.referralId !== referral.id) return; // moved: its new referral was told
  const mine = actFor(act, { mode: referral.mode });
  if (referral.status === 'merged') return readdress(tx, mine, sale, referral);
  await accrueSale(tx, mine, referral, sale, await causeOf(tx, referral, sale));
}

/** A sale causes a thing once (money.md 8). What staff gave to somebody is judged once more, and then their decision is the cause. */
async function causeOf(tx: Tx, referral: Referral, sale: Sale): Promise<Cause> {
  const touches = await listTouches(tx, referral.id);
  const decision = isGivenByHand(touches, sale) ? await findLastDecision(tx, sale.id) : undefined;
  return decision === undefined ? ownCause(sale) : { type: 'decision', id: decision.id };
}

/** Confirmed with another amount, a sale earns by that decision: what it earned before has its own cause (TRK-19). */
function ownCause(sale: Sale): Cause {
  return sale.correctionId === null ? { type: 'sale', id: sale.id } : { type: 'decision', id: sale.correctionId };
}

async function readdress(tx: Tx, act: Act, sale: Sale, referral: Referral): Promise<void> {
  const into = referral.mergedIntoId;
  assertInvariant(into !== null, 'a merged referral names its root', { referralId: referral.id });
  await updateSale(tx, act, sale, 'tied', { referralId: into });
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: into }, 'saleReported', { saleId: sale.id }),
  );
}

/** A refund or dispute may be here before its sale was taken up: the sale first, so that the order of signals changes no amount. */
async function accruedSale(tx: Tx, act: Act, referral: Referral, saleId: string): Promise<Sale | undefined> {
  const sale = await lockSale(tx, saleId);
  if (sale === undefined || sale.processedAt !== null || sale.referralId !== referral.id) return sale;
  if (sale.contactId !== null) await accrueSale(tx, act, referral, sale, await causeOf(tx, referral, sale));
  return lockSale(tx, saleId);
}

/** The step: a commission per level, or the stored reason for none. Whoever calls it holds the locks of contact, referral and sale. */
export async function accrueSale(
  tx: Tx,
  act: Act,
  referral: Referral,
  reported: Sale,
  cause: Act['cause'] = ownCause(reported),
): Promise<void> {
  if (reported.processedAt !== null || reported.contactId === null) return;
  const mine = actFor(act, { cause });
  if (reported.status === 'declined') return settleSale(tx, mine, reported, referral, { code: 'declined' });

  if ((await isAfterEnd(tx, reported)) && (await takeOffAfterEnd(tx, mine, reported))) return;

  const sale = await withPaymentNumber(tx, reported);
  const former = await takeOffFormer(tx, mine, sale);
  const credited = creditedBefore(referral, sale) ?? (await creditSale(tx, mine, referral, sale));
  if (credited === undefined) return;
  const { referral: current } = credited;
  const labelled = { ...sale, sub1: await convertLead(tx, mine, current, sale, credited) };
  const judged = await judgeSale(tx, current, sale, { despiteRejection: former.length > 0 });
  const sold = {
    programId: current.programId,
    affiliateId: current.affiliateId,
    referralId: current.id,
    saleId: sale.id,
  };
  if (judged.kind === 'nothing') {
    await settleSale(tx, mine, labelled, current, judged);
    return passMilestones(tx, mine, sold);
  }

  const { program, earnings, lines: priced, needsReviewer, eligibleAt } = judged;
  const lines = await insertCommissions(
    tx,
    mine,
    linesOfEarnings(mine, {
      of: { type: 'sale', id: sale.id },
      cause: ownCause(sale),
      referral: current,
      currency: sale.currency,
      productIds: priced.map((line) => line.productId),
      unstated: priced.map((line) => line.unstated ?? []),
      sub1: labelled.sub1,
      earnings,
      needsReviewer,
      eligibleAt,
    }),
  );
  await settleSale(tx, mine, labelled, current, { code: null, earnings, lines: priced });
  await postAccruals(tx, mine, lines, sale.occurredAt);
  const standing = former.length === 0 ? lines : await treatLikeFormer(tx, mine, lines, former);
  await mailEarned(tx, mine, program, standing);
  await raiseToWholeBand(tx, mine, { sale, referral: current, repricings: earnings.repricings, eligibleAt });
  await endBeyondLimit(tx, mine, current, sale);
  await applyWhatCameBefore(tx, mine, sale.id);
  await passMilestones(tx, mine, sold);
}

/** Which payment of its subscription a sale is, where it does not say so: by order (api.md 8.3). Bands and closed programs ask before it is judged. */
async function withPaymentNumber(tx: Tx, sale: Sale): Promise<Sale> {
  const { subscriptionExternalId } = sale;
  if (subscriptionExternalId === null || sale.paymentNumber !== null) return sale;
  const earlier = await countEarlierPayments(tx, {
    mode: sale.mode,
    source: sale.source,
    subscriptionExternalId,
    saleId: sale.id,
    occurredAt: sale.occurredAt,
  });
  return { ...sale, paymentNumber: earlier + 1 };
}

type Judged =
  | {
      readonly kind: 'nothing';
      readonly code: NoCommissionCode;
      readonly earnings?: Earnings;
      readonly lines?: readonly SaleLine[];
    }
  | {
      readonly kind: 'earned';
      readonly program: Program;
      readonly earnings: Earnings;
      readonly lines: readonly SaleLine[];
      readonly needsReviewer: boolean;
      readonly eligibleAt: Commission['eligibleAt'];
    };

/** Reads what the rules ask for and judges. Writes nothing: quote and re-run use it too. */
async function judgeSale(
  tx: Tx,
  referral: Referral,
  sale: Sale,
  options: { readonly despiteRejection: boolean },
): Promise<Judged> {
  const [program] = await Promise.all([
    findProgram(tx, referral.programId),
    listCommissionableProducts(tx, referral.programId, sale.occurredAt),
  ]);
  assertInvariant(program !== undefined, 'the program of a referral is there', { programId: referral.programId });
  if (program.status === 'draft' || isClosedTo(program, sale)) return { kind: 'nothing', code: 'program_not_active' };
  if (referral.status === 'rejected' && !options.despiteRejection)
    return { kind: 'nothing', code: 'referral_rejected' };
  if (referral.affiliateId === null) return { kind: 'nothing', code: 'not_commissionable' };
  if (await isAfterEnd(tx, sale)) return { kind: 'nothing', code: subscriptionEnded };
  const { listed: products, only } = await listCommissionableProducts(tx, program.id, sale.occurredAt);
  const lines = withOnlyProduct(sale.lines, only);
  const [hasEarlier] = await Promise.all([
    sale.contactId !== null &&
      hasEarlierPayment(tx, {
        mode: sale.mode,
        contactId: sale.contactId,
        saleId: sale.id,
        occurredAt: sale.occurredAt,
        programId: program.id,
        productIds: [...products],
      }),
    askPlan(tx, {
      programId: program.id,
      levels: planAt(program, sale.occurredAt).levels,
      affiliateId: referral.affiliateId,
      referralId: referral.id,
      saleId: sale.id,
      occurredAt: sale.occurredAt,
      brought: broughtAt(referral),
    }),
  ]);
  const plan = await readPlanInput(tx, {
    program,
    mode: sale.mode,
    affiliateId: referral.affiliateId,
    referralId: referral.id,
    saleId: sale.id,
    brought: broughtAt(referral),
    customerId: sale.contactId ?? '',
    event: { kind: 'sale', type: sale.type, transactionType: sale.transactionType, isFirstPayment: !hasEarlier },
    occurredAt: sale.occurredAt,
    lines,
    products,
    paymentNumber: sale.paymentNumber,
    without: null,
    lock: lockVolumes,
  });
  const earnings = evaluatePlan(plan);
  if (earnings.code !== null) return { kind: 'nothing', code: earnings.code, earnings, lines };
  const terms = await readReferralTerms(tx, program.id);
  return {
    kind: 'earned',
    program,
    earnings,
    lines,
    needsReviewer: terms.commissionApproval === 'manual',
    eligibleAt: eligibleFrom(sale.occurredAt, terms.commissionHold),
  };
}

/** A line that names no product is of the program's only one; a parked sale learns its program only now (api.md 8.3). */
function withOnlyProduct(lines: readonly SaleLine[], only: ProductId | null): readonly SaleLine[] {
  if (only === null) return lines;
  return lines.map((line) => (line.productId === null && line.product === null ? { ...line, productId: only } : line));
}

/**
 * The first successful payment makes the customer: its lead is converted, and made where the sale came first (features.md 2.6). Answers the
 * sub-id of the sale: its own click's, else that of the touch that won, else, for what comes later, that of the lead (TRK-14).
 */
async function convertLead(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  { isFirst, sub1: won }: Credited,
): Promise<string | null> {
  const leads = await lockLeadsOfReferral(tx, referral.id);
  const sub1 = sale.sub1 ?? won ?? leads[0]?.sub1 ?? null;
  let leadId = leads[0]?.id ?? null;
  for (const found of isFirst && sale.captured > 0n ? leads : []) {
    const lead = found.verdict === 'received' ? await updateLead(tx, act, found, 'accepted') : found;
    const converted = lead.verdict === 'accepted' ? await updateLead(tx, act, lead, 'converted') : lead;
    await accrueLead(tx, act, referral, converted);
  }
  if (leadId === null && sale.contactId !== null) {
    const lead = await insertLead(tx, act, {
      id: act.newId('lead'),
      source: sale.source,
      externalId: null,
      contentHash: sale.contentHash,
      customerExternalId: sale.customerExternalId,
      event: 'registration',
      channel: 'sale',
      name: null,
      email: sale.customerEmail,
      phone: null,
      company: null,
      country: null,
      contactId: sale.contactId,
      duplicateOfId: null,
      isUnique: true,
      programId: referral.programId,
      affiliateId: referral.affiliateId,
      linkId: referral.linkId,
      clickId: null,
      coupon: sale.coupon,
      sub1,
      referralId: referral.id,
      assigneeId: null,
      customFields: {},
      consent: null,
      metadata: {},
      occurredAt: sale.occurredAt,
    });
    assertInvariant(lead !== undefined, 'a lead without an external id is always new', { saleId: sale.id });
    const accepted = await updateLead(tx, act, lead, 'accepted');
    const converted = sale.captured > 0n ? await updateLead(tx, act, accepted, 'converted') : accepted;
    await settleLead(tx, act, converted, 'attributed', { attributionStatus: 'attributed', attributionCode: null });
    await accrueLead(tx, act, referral, converted);
    leadId = lead.id;
  }
  if (leadId !== null && sale.leadId !== leadId) await updateSale(tx, act, sale, 'tied', { leadId });
  return sub1;
}
