import { type DecisionRecord, findLastDecision } from '../../db/audit/decision.js';
import {
  findLastRejection,
  insertCommissions,
  lockCommissions,
  lockCommissionsOfReferral,
  updateCommission,
} from '../../db/earning/commission.js';
import { lockDispute } from '../../db/earning/dispute.js';
import { listTouches, lockReferral, updateReferral } from '../../db/earning/referral.js';
import { lockRefund } from '../../db/earning/refund.js';
import {
  countEarlierPayments,
  findLastCreditBefore,
  findSubscriptionCredit,
  hasEarlierPayment,
  lockSale,
  updateSale,
} from '../../db/earning/sale.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { listCommissionableProducts } from '../../db/program/commissionPlan.js';
import { findProgram } from '../../db/program/program.js';
import { askPlan, lockVolumes, readPlanInput } from '../../db/reads/earning/planInput.js';
import { readReferralTerms } from '../../db/reads/earning/referralTerms.js';
import type { Tx } from '../../db/transaction.js';
import { insertAttribution } from '../../db/tracking/attribution.js';
import { lockContactOf } from '../../db/tracking/contactLock.js';
import { addToCase, findCaseHolding } from '../../db/tracking/riskCase.js';
import { insertLead, lockLeadsOfReferral, settleLead, updateLead } from '../../db/tracking/lead.js';
import { type Act, actFor, type Cause } from '../../domain/act.js';
import { type Decided, refused } from '../../domain/decided.js';
import { type Commission, decideApproval, eligibleFrom } from '../../domain/earning/commission.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { Sale, SaleLine } from '../../domain/earning/sale.js';
import { assertInvariant } from '../../domain/errors.js';
import { addDuration } from '../../domain/time.js';
import type { UnattributedCode } from '../../domain/tracking/attribution.js';
import type { ProductId } from '../../domain/ids.js';
import { type Earnings, evaluatePlan } from '../../domain/program/planEvaluation.js';
import type { NoCommissionCode } from '../../domain/program/planEvent.js';
import type { Program } from '../../domain/program/program.js';
import { type Fact, type ReferralRef, signalReferral, type Step } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';
import { attributionFor } from '../tracking/click.js';
import { attributeReferral } from '../tracking/lead.js';
import { takeOffFormer, treatLikeFormer } from './correction.js';
import { applyDisputeStep } from './dispute.js';
import { broughtAt, linesOfEarnings } from './earnedLines.js';
import { mailEarned } from './earnedMail.js';
import { passMilestones } from './milestoneMail.js';
import { applyWhatCameBefore, endBeyondLimit } from './lateOrder.js';
import { accrueLead } from './leadCommission.js';
import { raiseToWholeBand } from './wholeBand.js';
import { approveLines, postAccruals, reinstateLine, takeOff } from './ledger.js';
import { caseOf, contextOf, decideLine, lostToRefunds } from './commissionDecision.js';
import { approverIn } from './decisionRights.js';
import { lockForFact, nextStep } from './referral.js';
import { applyRefund } from './refund.js';
import { isAfterEnd, subscriptionEnded, takeOffAfterEnd } from './subscriptionEnd.js';
import { endLinesOf } from './termination.js';

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

interface Credited {
  readonly referral: Referral;
  readonly isFirst: boolean;
  /** The label of the touch that won; null where an earlier fact had decided. */
  readonly sub1: string | null;
}

/** A sale that is judged anew stays with whom it was credited to, whatever was switched since. Undefined: it was credited to nobody yet. */
function creditedBefore(referral: Referral, sale: Sale): Credited | undefined {
  const wasCredited = sale.correctionId !== null && sale.affiliateId !== null && referral.saleAt !== null;
  if (!wasCredited) return undefined;
  const { affiliateId, linkId } = sale;
  return { referral: { ...referral, affiliateId, linkId: linkId as Referral['linkId'] }, isFirst: false, sub1: null };
}

/** Who is credited. Renewals stay with the affiliate of the first payment (api.md 8.3). Undefined: the sale was moved or nobody is. */
async function creditSale(tx: Tx, act: Act, referral: Referral, sale: Sale): Promise<Credited | undefined> {
  assertInvariant(sale.contactId !== null, 'a sale with a referral has a contact', { saleId: sale.id });
  const isFirst = referral.saleAt === null;
  if (!isFirst || referral.status === 'expired') {
    if (referral.affiliateId !== null) return creditLater(tx, act, referral, sale, isFirst);
    await settleSale(tx, act, sale, referral, { code: null, attributionCode: 'cookie_expired' });
    return undefined;
  }
  const attributed = await attributeReferral(tx, act, referral, {
    kind: 'sale',
    id: sale.id,
    occurredAt: sale.occurredAt,
    contactId: sale.contactId,
    coupon: sale.coupon,
  });
  if (attributed.kind === 'moved') return undefined;
  if (attributed.kind === 'nobody') {
    await settleSale(tx, act, sale, attributed.referral, {
      code: null,
      attributionCode: attributed.attribution.code ?? 'no_touch',
    });
    return undefined;
  }
  // Without a click, coupon or person of its own the purchase is credited through the referral, for as long as that carries credit.
  if (attributed.attribution.winner === null && (await isCreditOver(tx, referral, sale)))
    return creditNobody(tx, act, attributed.referral, sale, 'referral_lifetime_over');
  // 0.00 is no first payment: the next one is credited anew (api.md 8.3).
  const saleAt = sale.captured > 0n ? { saleAt: sale.occurredAt } : {};
  const { winner } = attributed.attribution;
  const moved = await updateReferral(tx, act, attributed.referral, 'attributed', saleAt);
  return { referral: moved, isFirst, sub1: winner?.sub1 ?? null };
}

async function creditNobody(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  attributionCode: UnattributedCode,
): Promise<undefined> {
  await settleSale(tx, act, sale, referral, { code: null, attributionCode });
  return undefined;
}

/** The program ends credit some time after the lead (TRK-24), and nobody gave this sale to an affiliate by hand (TRK-27). */
async function isCreditOver(tx: Tx, referral: Referral, sale: Sale): Promise<boolean> {
  const { referralLifetime } = await readReferralTerms(tx, referral.programId);
  const since = broughtAt(referral);
  if (referralLifetime === null || since === null || sale.occurredAt < addDuration(since, referralLifetime))
    return false;
  return !isGivenByHand(await listTouches(tx, referral.id), sale);
}

function isGivenByHand(touches: Awaited<ReturnType<typeof listTouches>>, sale: Sale): boolean {
  return touches.some((touch) => touch.kind === 'manual' && touch.sourceId === sale.id);
}

/**
 * A later payment of a customer. A subscription goes on with whom its first payment credited. A new purchase is a form like the first: after
 * another affiliate's click it moves the last referrer (TRK-09). Without one it follows the program's present choice of first or last referrer,
 * where that was switched since the referral was credited (TRK-10). What was earned stays.
 */
async function creditLater(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  isFirst: boolean,
): Promise<Credited | undefined> {
  const later = { isFirst, sub1: null };
  const begun =
    sale.subscriptionExternalId === null
      ? undefined
      : await findSubscriptionCredit(tx, {
          mode: sale.mode,
          referralId: referral.id,
          source: sale.source,
          subscriptionExternalId: sale.subscriptionExternalId,
          saleId: sale.id,
        });
  const isRenewal = begun !== undefined || (sale.paymentNumber ?? 1) > 1;
  const moved = isRenewal ? undefined : await creditNewTouch(tx, act, referral, sale, isFirst);
  if (moved !== undefined) return moved;
  if (await isCreditOver(tx, referral, sale)) return creditNobody(tx, act, referral, sale, 'referral_lifetime_over');
  // For this payment alone: the referral itself keeps whom it credits now.
  if (begun !== undefined) return { ...later, referral: { ...referral, ...begun } };
  const { referrerChoice } = await readReferralTerms(tx, referral.programId);
  const chosen = referrerChoice === 'first' ? referral.firstAffiliateId : referral.lastAffiliateId;
  const isSwitched = referral.referrerChoice !== null && referral.referrerChoice !== referrerChoice;
  if (!isSwitched || chosen === null) return { ...later, referral };
  const touches = await listTouches(tx, referral.id);
  const newest = touches.filter((touch) => touch.affiliateId === chosen).at(-1);
  return {
    ...later,
    referral: await updateReferral(tx, act, referral, 'attributed', {
      affiliateId: chosen,
      linkId: newest?.linkId ?? null,
      referrerChoice,
    }),
  };
}

/** Credits a new purchase by the touches that came since the last form or purchase. Undefined: there are none that count. */
async function creditNewTouch(
  tx: Tx,
  act: Act,
  referral: Referral,
  sale: Sale,
  isFirst: boolean,
): Promise<Credited | undefined> {
  assertInvariant(sale.contactId !== null, 'a sale with a referral has a contact', { saleId: sale.id });
  const known = await listTouches(tx, referral.id);
  if (known.length === 0) return undefined;
  const since = await findLastCreditBefore(tx, { referralId: referral.id, saleId: sale.id, at: sale.occurredAt });
  const touches = known.filter((touch) => since === null || touch.occurredAt > since);
  if (!touches.some((touch) => touch.occurredAt <= sale.occurredAt && sale.occurredAt < touch.endsAt)) return undefined;
  const { attribution, referrerChoice } = await attributionFor(tx, {
    programId: referral.programId,
    touches,
    first: referral.firstAffiliateId,
    last: referral.lastAffiliateId,
    fact: {
      kind: 'sale',
      id: sale.id,
      occurredAt: sale.occurredAt,
      contactId: sale.contactId,
      coupon: sale.coupon,
    },
  });
  const { winner } = attribution;
  // The first referrer is the one who is paid, and came by none of these: the referral would carry the credit.
  if (winner === null && (await isCreditOver(tx, referral, sale))) return undefined;
  insertAttribution(tx, act, {
    referralId: referral.id,
    causeType: 'sale',
    causeId: sale.id,
    referrerChoice,
    attribution,
  });
  const moved = await updateReferral(tx, act, referral, 'attributed', {
    affiliateId: attribution.affiliateId,
    linkId: winner?.linkId ?? (attribution.affiliateId === referral.affiliateId ? referral.linkId : null),
    lastAffiliateId: attribution.last,
    referrerChoice,
  });
  return { referral: moved, isFirst, sub1: winner?.sub1 ?? null };
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
    listCommissionableProducts(tx, referral.programId),
  ]);
  assertInvariant(program !== undefined, 'the program of a referral is there', { programId: referral.programId });
  if (isNotActive(program, sale)) return { kind: 'nothing', code: 'program_not_active' };
  if (referral.status === 'rejected' && !options.despiteRejection)
    return { kind: 'nothing', code: 'referral_rejected' };
  if (referral.affiliateId === null) return { kind: 'nothing', code: 'not_commissionable' };
  if (await isAfterEnd(tx, sale)) return { kind: 'nothing', code: subscriptionEnded };
  const products = await listCommissionableProducts(tx, program.id);
  const lines = withOnlyProduct(sale.lines, products);
  const [hasEarlier] = await Promise.all([
    sale.contactId !== null &&
      hasEarlierPayment(tx, {
        mode: sale.mode,
        contactId: sale.contactId,
        saleId: sale.id,
        occurredAt: sale.occurredAt,
        productIds: [...products],
      }),
    askPlan(tx, {
      programId: program.id,
      levels: program.levels,
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
function withOnlyProduct(lines: readonly SaleLine[], products: ReadonlySet<string>): readonly SaleLine[] {
  const [only] = products.size === 1 ? [...products] : [];
  if (only === undefined) return lines;
  return lines.map((line) =>
    line.productId === null && line.product === null ? { ...line, productId: only as ProductId } : line,
  );
}

/** A draft credits nothing. Closed: a sale made after it earns nothing, but for renewals that run out (PRG-20). */
function isNotActive(program: Program, sale: Sale): boolean {
  if (program.status === 'draft') return true;
  const isAfter = program.status === 'closed' && program.closedAt !== null && sale.occurredAt >= program.closedAt;
  const runsOut = program.renewals === 'run_out' && (sale.paymentNumber ?? 1) > 1;
  return isAfter && !runsOut;
}

/** Marks the sale processed, with who was credited and why it earned nothing or less. */
async function settleSale(
  tx: Tx,
  act: Act,
  sale: Sale,
  referral: Referral,
  result: {
    readonly code: NoCommissionCode | null;
    readonly attributionCode?: string;
    readonly earnings?: Earnings;
    readonly lines?: readonly SaleLine[];
  },
): Promise<void> {
  const isCredited =
    result.attributionCode === undefined && referral.affiliateId !== null && sale.status !== 'declined';
  const lineCodes = result.earnings?.lineCodes ?? [];
  const current = await lockSale(tx, sale.id); // converting its lead may have written it
  assertInvariant(current !== undefined, 'a locked sale is there', { saleId: sale.id });
  // Declined is no end: the same payment may succeed on retry, and is then processed once more.
  const cause = sale.status === 'declined' ? null : act.cause;
  await updateSale(tx, actFor(act, { cause }), current, 'processed', {
    processedAt: act.now,
    outcome: result.code ?? result.attributionCode ?? 'accrued',
    noCommissionCode: result.code,
    paymentNumber: sale.paymentNumber,
    programId: referral.programId,
    affiliateId: isCredited ? referral.affiliateId : null,
    linkId: isCredited ? referral.linkId : null,
    sub1: isCredited ? sale.sub1 : current.sub1,
    attributionStatus: isCredited ? 'attributed' : 'unattributed',
    attributionCode: result.attributionCode ?? null,
    lines: (result.lines ?? current.lines).map((line, index) => ({ ...line, code: lineCodes[index] ?? null })),
  });
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

/**
 * Approves what approves itself: holds that ended, of an approved referral and affiliate, nothing in the way. Lines that wait for a person
 * stay. The caller has locked the referral. Answers the lines that were approved.
 */
export async function approveDue(tx: Tx, act: Act, referral: Referral): Promise<readonly Commission[]> {
  if (referral.status !== 'approved') return [];
  await endLinesOf(tx, act, referral.id); // a terminated affiliate's approve no more
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  const waiting = lines.filter((line) => line.status === 'pending' && !line.needsReviewer);
  const context = await contextOf(tx, act, referral, waiting);
  const due = waiting.filter((line) => decideApproval(line, context(line)).kind === 'accepted');
  return approveLines(tx, act, await withoutHeld(tx, act, due));
}

/** What came of a referral while a case looks at it (a renewal) goes on hold instead of being approved, and is the case's (FRD-09). */
async function withoutHeld(tx: Tx, act: Act, due: readonly Commission[]): Promise<readonly Commission[]> {
  const ids = due.map((line) => line.id);
  if ((await findCaseHolding(tx, ids)) === undefined) return due; // as almost always: one query
  const free: Commission[] = [];
  for (const line of due) {
    const caseId = await findCaseHolding(tx, [line.id]);
    const byCase = actFor(act, { cause: caseId === undefined ? null : { type: 'risk_case', id: caseId } });
    if (caseId === undefined || !(await addToCase(tx, byCase, caseId, [line.id]))) free.push(line);
    else await updateCommission(tx, byCase, line, { onHold: true }, 'held', 'fraud');
  }
  return free;
}

/** The referral is rejected: everything of it that can go goes, what was sent is clawed back (features.md 2.3). */
export async function rejectAllOf(tx: Tx, act: Act, referral: Referral): Promise<readonly Commission[]> {
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  return takeOff(
    tx,
    act,
    lines.filter((line) => line.kind !== 'clawback'),
    {
      wanted: (line) => (line.amount > 0n ? line.amount : 0n),
      reasonCode: 'referral_rejected',
      effectiveAt: null,
      includesCharges: true,
    },
  );
}

/** The referral is open again: what its rejection took from pending lines comes back as pending, but for what was refunded since. */
export async function reinstateAllOf(tx: Tx, act: Act, referral: Referral): Promise<readonly Commission[]> {
  const lines = await lockCommissionsOfReferral(tx, referral.id);
  const back: Commission[] = [];
  for (const line of lines) {
    if (line.status !== 'rejected' || (await findLastRejection(tx, line.id)) !== 'referral_rejected') continue;
    const lost = await lostToRefunds(tx, line);
    if (line.accrues && lost >= line.amount) continue;
    back.push(await reinstateLine(tx, act, line, lost));
  }
  return back;
}

/**
 * One person's decision on one commission: approve, reject, hold, release, reinstate, withdrawApproval. `params.commissionId` names it, or
 * the decision's object does. `referral` null: an entry without one. Writes nothing when refused; the caller settles the decision and
 * says who decided before.
 * Codes: commission.commission_blocked, already_decided, transition_not_allowed, commission_paid, in_open_payout, resource.not_found,
 * access.own_work, access.step_up_required.
 */
export async function decideCommission(
  tx: Tx,
  act: Act,
  referral: Referral | null,
  decision: Pick<
    DecisionRecord,
    'id' | 'verb' | 'objectType' | 'objectId' | 'params' | 'reasonCode' | 'actor' | 'steppedUp'
  >,
): Promise<Decided> {
  const named = decision.params['commissionId'];
  const id = typeof named === 'string' ? named : decision.objectType.startsWith('commission') ? decision.objectId : '';
  if (referral !== null) await endLinesOf(tx, act, referral.id);
  const [line] = await lockCommissions(tx, id === '' ? [] : [id]);
  if (line === undefined || line.referralId !== (referral?.id ?? null) || line.mode !== act.mode)
    return refused('resource.not_found');
  const mine = actFor(act, { reasonCode: decision.reasonCode });
  const refusal = await decideLine(tx, mine, referral, line, decision.verb, approverIn(decision), caseOf(decision));
  return refusal ?? { kind: 'accepted', event: decision.verb };
}
