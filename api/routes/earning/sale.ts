import { journeyFor, takeUpClick } from '../../../activities/tracking/click.js';
import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { insertDispute, listDisputes, markDisputeProcessed } from '../../../db/earning/dispute.js';
import { listParkedRefunds, lockAppliedRefunds, updateRefund } from '../../../db/earning/refund.js';
import {
  findSaleByExternalId,
  insertSale,
  lockSale,
  type NewSale,
  updateSale,
  upsertExternalCustomer,
} from '../../../db/earning/sale.js';
import { lockSubscription } from '../../../db/earning/subscriptionEnd.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findProductsByName } from '../../../db/program/commissionPlan.js';
import { findProgram } from '../../../db/program/program.js';
import { priceLines } from '../../../db/reads/earning/salePricing.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import { findCouponProgram } from '../../../db/reads/tracking/couponProgram.js';
import { findSaleProgram } from '../../../db/reads/earning/saleProgram.js';
import { getSaleView, listSales, type SaleView } from '../../../db/reads/earning/saleList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import {
  type Contact,
  findContact,
  findContactByEmail,
  findOrInsertContact,
  lockContact,
} from '../../../db/tracking/contact.js';
import { findCouponByCode } from '../../../db/tracking/coupon.js';
import { type Act, actFor } from '../../../domain/act.js';
import type { Dispute } from '../../../domain/earning/dispute.js';
import {
  decideCorrection,
  decideSaleAttribution,
  disputeEvent,
  type Sale,
  type SaleLine,
  scaleLines,
} from '../../../domain/earning/sale.js';
import type { Referral } from '../../../domain/earning/referral.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import { parseId, type SaleId } from '../../../domain/ids.js';
import { formatMoney, parseMoney } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { UnattributedCode } from '../../../domain/tracking/attribution.js';
import { couponProblem } from '../../../domain/tracking/coupon.js';
import { sha256Hex } from '../../../platform/secrets.js';
import { nudge, signalReferral, workflowIds } from '../../../workflows/contract.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  type DisputeCreate,
  disputeCreate,
  disputeList,
  disputeWire,
  presentDispute,
  presentSale,
  type SaleCreate,
  saleConfirmBody,
  saleList,
  saleParams,
  saleQuery,
  type SaleReply,
  saleWire,
} from '../../schemas/earning/sale.js';
import { reasonOf } from '../../schemas/wire.js';
import { canonical, happenedAt } from './fact.js';
import { tieRefund } from './refund.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'scope'>;

/** What the caller may do with a sale just now (api.md 1.8). */
export function saleActions(
  ctx: Pick<Asking, 'can'>,
  { sale, hasOpenLines }: Pick<SaleView, 'sale' | 'hasOpenLines'>,
): readonly string[] {
  const isRefundable = sale.status !== 'declined' && sale.refunded < sale.captured;
  // Its cause may be repaired by now (BEY-13); a rejected commission offers `reinstate` itself.
  const earnedNothing = isRefundable && sale.referralId !== null && sale.noCommissionCode !== null;
  return [
    ...(isRefundable && ctx.can('sale.write') ? ['refund'] : []),
    ...(sale.inReview && ctx.can('sale.attribute') ? ['confirm'] : []),
    ...(decideSaleAttribution(sale) === null && ctx.can('sale.attribute') ? ['attribute'] : []),
    ...(earnedNothing && ctx.can('commission.decide') ? ['rerun'] : []),
    ...(hasOpenLines && ctx.can('commission.decide') ? ['reject'] : []),
  ];
}

/** The affiliate whose key reads; null: staff. */
export function ownOf(ctx: Pick<Asking, 'scope'>): string | null {
  return ctx.scope.kind === 'affiliate' ? ctx.scope.affiliateId : null;
}

async function present(ctx: Asking, tx: ReadTx | Tx, id: string): Promise<SaleReply> {
  const view = await getSaleView(tx, ctx.scope, ctx.mode, id);
  return presentSale(view, saleActions(ctx, view), ownOf(ctx));
}

/** Who reports a sale, and by which way. */
export interface SaleReport {
  readonly source: string;
  readonly channel: 'api' | 'manual' | 'postback' | 'pixel' | 'script' | 'payment_hook';
  /** It was neither signed nor sent with a secret: kept in review (TRK-19). */
  readonly isUnsigned?: boolean;
}

/**
 * Sale intake (architecture.md 6, hop 7): customer and contact first, so that copies and races wait for each other; then the click that is
 * named, the journey, the sale and its message, in one transaction. A repeat of the same external id and content finds its sale.
 */
export async function takeInSale(
  tx: Tx,
  act: Act,
  body: SaleCreate,
  report: SaleReport,
): Promise<{ readonly sale: Sale; readonly isNew: boolean }> {
  const { source } = report;
  if (body.subscription != null)
    await lockSubscription(tx, { mode: act.mode, source, subscriptionExternalId: body.subscription.externalId });
  const contentHash = sha256Hex(canonical(body));
  const repeat = await findRepeat(tx, act, { report, body, contentHash });
  if (repeat !== undefined) return repeat;

  const contact = await findOrMakeCustomer(tx, act, body);
  if (contact !== undefined) await lockContact(tx, contact.id);
  const sameTime = await findRepeat(tx, act, { report, body, contentHash }); // its twin held the customer until now
  if (sameTime !== undefined) return sameTime;

  const id = act.newId('sale');
  const occurredAt = happenedAt(body.occurredAt, act.now);
  const place = await findPlace(tx, act, body, { id, contact, occurredAt });
  const { program, referral, parkedCode, attributionCode } = place;
  const isSettled = parkedCode === null && referral === undefined;
  const lines = await priceLines(tx, body, { programId: program, at: occurredAt });
  const sale: NewSale = {
    id,
    source,
    externalId: body.externalId,
    contentHash,
    type: body.type,
    transactionType: body.transactionType ?? null,
    status: body.status,
    channel: report.channel,
    inReview: await needsReview(tx, body, lines, { program, report }),
    currency: body.amount.currency,
    captured: body.amount.minor,
    lines,
    subscriptionExternalId: body.subscription?.externalId ?? null,
    paymentNumber: body.subscription?.paymentNumber ?? null,
    customerExternalId: body.customer?.externalId ?? null,
    customerEmail: body.customer?.email ?? null,
    clickId: body.clickId ?? null,
    coupon: body.coupon ?? null,
    programHintId: body.programId ?? null,
    contactId: contact?.id ?? null,
    leadId: null,
    programId: program,
    affiliateId: null,
    linkId: null,
    sub1: place.sub1,
    referralId: referral?.id ?? null,
    attributionStatus: 'unattributed',
    attributionCode,
    parkedCode,
    metadata: body.metadata ?? {},
    occurredAt,
    processedAt: isSettled ? act.now : null,
    outcome: isSettled ? 'unattributed' : null,
  };
  const inserted = await insertSale(tx, act, sale);
  // Copies wait for each other at the customer; who comes with another person under the same id meets the unique key.
  if (inserted === undefined) throw new DomainError('resource.already_exists', { field: 'externalId' });
  if (referral !== undefined) await tell(tx, act, referral, inserted.id);
  for (const refund of await listParkedRefunds(tx, { mode: act.mode, source, saleExternalId: inserted.externalId }))
    await tieRefund(tx, act, inserted.id, refund);
  const current = await lockSale(tx, inserted.id);
  return { sale: current ?? inserted, isNew: true };
}

/** What comes through a browser or another system's cart is not believed blindly (TRK-19); what comes by key or by hand is. */
async function needsReview(
  tx: Tx,
  body: SaleCreate,
  lines: readonly SaleLine[],
  of: { readonly program: Sale['programId']; readonly report: SaleReport },
): Promise<boolean> {
  const { program, report } = of;
  if (report.channel === 'api' || report.channel === 'manual' || report.channel === 'payment_hook') return false;
  if (report.isUnsigned === true) return true;
  if (lines.some((line) => line.product !== null && line.productId === null)) return true;
  const reviewAbove = program === null ? null : (await readReferralTerms(tx, program)).reviewAbove;
  const most = reviewAbove === null ? undefined : parseMoney(reviewAbove);
  return most?.ok === true && most.money.currency === body.amount.currency && body.amount.minor > most.money.minor;
}

async function tell(tx: Tx, act: Act, referral: Pick<Referral, 'id'>, saleId: SaleId): Promise<void> {
  await enqueue(
    tx,
    signalReferral({ workspaceId: act.workspaceId, referralId: referral.id }, 'saleReported', { saleId }),
  );
}

/** The same id and content: the sale that is there. A declined one may come again as succeeded (api.md 1.4). */
async function findRepeat(
  tx: Tx,
  act: Act,
  of: { readonly report: SaleReport; readonly body: SaleCreate; readonly contentHash: string },
): Promise<{ readonly sale: Sale; readonly isNew: boolean } | undefined> {
  const found = await findSaleByExternalId(tx, {
    mode: act.mode,
    source: of.report.source,
    externalId: of.body.externalId,
  });
  if (found === undefined) return undefined;
  const { isUnsigned = false, channel } = of.report;
  // What a browser says of an order that is known adds nothing to it, whatever it says.
  if (isUnsigned) return { sale: found, isNew: false };
  if (isConfirmation(found, of)) return confirmBy(tx, act, found.id, of);
  if (found.contentHash === of.contentHash) return { sale: found, isNew: false };
  // The same payment by two ways is told in two shapes (reliability.md T12).
  if (found.channel !== channel && found.status !== 'declined' && isSamePayment(found, of.body))
    return { sale: found, isNew: false };
  const sale = await lockSale(tx, found.id);
  const isRetry = sale?.status === 'declined' && of.body.status === 'succeeded' && isSamePayment(sale, of.body);
  if (sale === undefined || !isRetry)
    throw new DomainError('resource.already_exists', { field: 'externalId', existingId: found.id });
  const isTied = sale.referralId !== null;
  const changed = await updateSale(tx, act, sale, 'succeeded', {
    contentHash: of.contentHash,
    occurredAt: happenedAt(of.body.occurredAt, act.now),
    processedAt: isTied || sale.parkedCode !== null ? null : act.now,
    outcome: isTied ? null : sale.outcome,
    noCommissionCode: null,
  });
  if (sale.referralId !== null) await tell(tx, act, { id: sale.referralId }, sale.id);
  return { sale: changed, isNew: true };
}

/** Does this say of a sale in review what it really was? The same order by the same cart once more does not. */
function isConfirmation(
  sale: Sale,
  of: { readonly report: SaleReport; readonly body: SaleCreate; readonly contentHash: string },
): boolean {
  const { body, report } = of;
  if (!sale.inReview || sale.status === 'declined' || body.status === 'declined') return false;
  if (sale.currency !== body.amount.currency || sale.type !== body.type) return false;
  return report.channel !== 'postback' || sale.channel !== 'postback';
}

/** The same order by a way that can be trusted: its amount counts, and it is in review no more (api.md 4.1). */
async function confirmBy(
  tx: Tx,
  act: Act,
  saleId: SaleId,
  of: { readonly report: SaleReport; readonly body: SaleCreate; readonly contentHash: string },
): Promise<{ readonly sale: Sale; readonly isNew: boolean }> {
  const sale = await lockSale(tx, saleId);
  assertInvariant(sale !== undefined, 'a sale that was read is there', { saleId });
  if (!sale.inReview) {
    if (isSamePayment(sale, of.body)) return { sale, isNew: false };
    throw new DomainError('resource.already_exists', { field: 'externalId', existingId: sale.id });
  }
  if (!isSamePayment(sale, of.body)) {
    const mine = await recordDirectDecision(tx, act, {
      verb: 'confirm',
      objectType: 'sale',
      objectId: sale.id,
      reasonCode: 'sale_corrected',
      note: null,
      publicReason: null,
      params: { amount: formatMoney(of.body.amount) },
      steppedUp: false,
    });
    const lines = await linesOfReport(tx, sale, of.body);
    const { contentHash, body } = of;
    return {
      sale: await correctSale(tx, mine, sale, { captured: body.amount.minor, lines, contentHash }),
      isNew: false,
    };
  }
  const confirmed = await updateSale(tx, act, sale, 'confirmed', { inReview: false, contentHash: of.contentHash });
  await wake(tx, act, sale);
  return { sale: confirmed, isNew: false };
}

/** The lines of the report that counts; one that names no product says nothing of them but the amount. */
async function linesOfReport(tx: Tx, sale: Sale, body: SaleCreate): Promise<readonly SaleLine[]> {
  const of = { programId: sale.programId, at: sale.occurredAt };
  if (body.lines != null || body.product != null) return priceLines(tx, body, of);
  const lines = scaleLines(sale.lines, body.amount).map((line) => ({
    product: line.product,
    quantity: line.quantity,
    amount: { minor: line.amount, currency: sale.currency },
  }));
  return priceLines(tx, { ...body, lines }, of);
}

/**
 * A sale in review was of another amount (TRK-19): the true one counts from here on, refunds are counted anew, and its referral's workflow takes
 * the old lines off and accrues new ones. `act` names the decision that says so. The caller has locked the sale.
 */
async function correctSale(
  tx: Tx,
  act: Act,
  sale: Sale,
  to: { readonly captured: bigint; readonly lines: readonly SaleLine[]; readonly contentHash?: string },
): Promise<Sale> {
  assertInvariant(act.cause?.type === 'decision', 'a correction has its decision', { saleId: sale.id });
  const refunds = await lockAppliedRefunds(tx, sale.id);
  const {
    refunded,
    refunds: counted,
    event,
  } = decideCorrection(
    sale,
    to.captured,
    refunds.map((refund) => (refund.currency === sale.currency ? refund.amount : 0n)),
  );
  const isTied = sale.referralId !== null;
  const confirmed = await updateSale(tx, act, sale, 'confirmed', {
    inReview: false,
    captured: to.captured,
    lines: to.lines,
    ...(to.contentHash === undefined ? {} : { contentHash: to.contentHash }),
    correctionId: parseId('decision', act.cause.id) ?? null,
    ...(refunded === sale.refunded ? {} : { refunded }),
    ...(isTied ? { processedAt: null, outcome: null, noCommissionCode: null } : {}),
  });
  for (const [index, refund] of refunds.entries()) {
    const now = counted[index];
    if (now !== undefined && (now.applied !== refund.applied || now.flag !== refund.flag))
      await updateRefund(tx, act, refund, 'corrected', now);
  }
  const moved = event === null ? confirmed : await updateSale(tx, act, confirmed, event, {});
  if (sale.referralId !== null) await tell(tx, act, { id: sale.referralId }, sale.id);
  return moved;
}

async function wake(tx: Tx, act: Act, { referralId }: Sale): Promise<void> {
  if (referralId === null) return;
  const ref = { workspaceId: act.workspaceId, referralId };
  await enqueue(tx, nudge('referral', workflowIds.referral(ref), ref));
}

function isSamePayment(sale: Sale, body: SaleCreate): boolean {
  return sale.currency === body.amount.currency && sale.captured === body.amount.minor && sale.type === body.type;
}

/**
 * A sale that waits is looked at once more (BEY-13), with what is known by now: its customer, the program's currency. It keeps its own time, so
 * that the terms are those of then. Still nothing known: it stays as it is. The caller has locked the sale.
 */
export async function judgeParkedSale(tx: Tx, act: Act, sale: Sale): Promise<Sale> {
  const body = reportOf(sale);
  const contact = await findOrMakeCustomer(tx, act, body);
  if (contact !== undefined) await lockContact(tx, contact.id);
  const place = await findPlace(tx, act, body, { id: sale.id, contact, occurredAt: sale.occurredAt });
  if (place.parkedCode !== null) return sale;
  const products = await findProductsByName(tx, [...new Set(sale.lines.flatMap((line) => line.product ?? []))]);
  const isSettled = place.referral === undefined;
  const changed = await updateSale(tx, act, sale, 'judgedAgain', {
    parkedCode: null,
    contactId: contact?.id ?? null,
    programId: place.program,
    referralId: place.referral?.id ?? null,
    sub1: place.sub1,
    attributionCode: place.attributionCode,
    lines: sale.lines.map((line) => ({
      ...line,
      productId: line.productId ?? (line.product === null ? null : (products.get(line.product) ?? null)),
    })),
    processedAt: isSettled ? act.now : null,
    outcome: isSettled ? 'unattributed' : null,
  });
  if (place.referral !== undefined) await tell(tx, act, place.referral, sale.id);
  return changed;
}

/** As much of what was reported as says where a sale belongs. */
function reportOf(sale: Sale): SaleCreate {
  return {
    externalId: sale.externalId,
    type: sale.type,
    status: sale.status === 'declined' ? 'declined' : 'succeeded',
    amount: { minor: sale.captured, currency: sale.currency },
    customer: { externalId: sale.customerExternalId, email: sale.customerEmail },
    clickId: sale.clickId === null ? null : (parseId('click', sale.clickId) ?? null),
    coupon: sale.coupon,
    programId: sale.programHintId === null ? null : (parseId('program', sale.programHintId) ?? null),
    lines: sale.lines.map((line) => ({
      product: line.product,
      quantity: line.quantity,
      amount: { minor: line.amount, currency: sale.currency },
    })),
  };
}

/** The contact behind the sale: by the shop's number, else by e-mail, else somebody new. An unknown number alone: undefined. */
async function findOrMakeCustomer(tx: Tx, act: Act, body: SaleCreate): Promise<Contact | undefined> {
  const externalId = body.customer?.externalId ?? null;
  const email = body.customer?.email ?? null;
  if (externalId !== null) {
    const known = await upsertExternalCustomer(tx, act, externalId);
    const contact = known === null ? undefined : await findContact(tx, known);
    if (contact !== undefined) return contact;
  }
  const byEmail = email === null ? undefined : await findContactByEmail(tx, email);
  const names =
    body.clickId != null || (body.coupon != null && (await findCouponByCode(tx, body.coupon)) !== undefined);
  if (byEmail === undefined && email === null && !names) return undefined;
  const contact =
    byEmail ??
    (await findOrInsertContact(tx, act, {
      id: act.newId('contact'),
      name: null,
      email,
      phone: null,
      company: null,
      country: null,
    }));
  if (externalId !== null) await upsertExternalCustomer(tx, act, externalId, contact.id);
  return contact;
}

interface Place {
  readonly program: Sale['programId'];
  readonly referral: Referral | undefined;
  readonly sub1: string | null;
  readonly parkedCode: Sale['parkedCode'];
  readonly attributionCode: UnattributedCode | null;
}

/** Program and journey of the sale: one sale pays in one program (ruling 44). */
async function findPlace(
  tx: Tx,
  act: Act,
  body: SaleCreate,
  of: { readonly id: SaleId; readonly contact: Contact | undefined; readonly occurredAt: Instant },
): Promise<Place> {
  const nowhere = { program: body.programId ?? null, referral: undefined, sub1: null };
  if (of.contact === undefined) {
    const isUnknown = body.customer?.externalId != null;
    return {
      ...nowhere,
      parkedCode: isUnknown ? 'unknown_customer' : null,
      attributionCode: isUnknown ? null : body.coupon == null ? 'no_touch' : 'coupon_unknown',
    };
  }
  const taken = body.clickId == null ? undefined : await takeUpClick(tx, act, body.clickId);
  const products = (body.lines ?? [body]).flatMap((line) => line.product ?? []);
  const programId =
    body.programId ??
    (body.coupon == null ? null : await findCouponProgram(tx, body.coupon, of.occurredAt)) ??
    (taken?.visitorId == null ? null : taken.click.programId) ??
    (await findSaleProgram(tx, {
      mode: act.mode,
      contactId: of.contact.id,
      occurredAt: of.occurredAt,
      products,
    }));
  const problem = body.coupon == null ? null : couponProblem(await findCouponByCode(tx, body.coupon), of.occurredAt);
  const nobody: UnattributedCode = problem ?? (taken?.visitorId != null ? 'cookie_expired' : 'no_touch');
  if (programId === null) return { ...nowhere, parkedCode: null, attributionCode: nobody };
  const program = await findProgram(tx, programId);
  if (program === undefined)
    throw invalid({ pointer: '#/programId', code: 'not_found', detail: 'There is no such program.' });
  if (program.currency !== body.amount.currency)
    return { program: program.id, referral: undefined, sub1: null, parkedCode: 'fx_missing', attributionCode: null };
  const referral = await journeyFor(tx, act, {
    programId: program.id,
    taken,
    ownTouch: undefined,
    fact: {
      kind: 'sale',
      id: of.id,
      occurredAt: of.occurredAt,
      contactId: of.contact.id,
      coupon: body.coupon ?? null,
    },
  });
  return {
    program: program.id,
    referral,
    sub1: taken?.click.sub1 ?? null,
    parkedCode: null,
    attributionCode: referral === undefined ? nobody : null,
  };
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/sales',
  permission: 'sale.read',
  query: saleQuery,
  reply: saleList,
  refuses: [],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, occurredAt: boundsOf(ctx.query, 'occurredAt') };
    return ctx.read(async (tx) =>
      ctx.list(
        await listSales(tx, ctx.scope, ctx.mode, filter, page),
        page,
        (view) => presentSale(view, saleActions(ctx, view), ownOf(ctx)),
        ({ sale }) => ({ value: sale.createdAt, id: sale.id }),
      ),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/sales/:saleId',
  permission: 'sale.read',
  params: saleParams,
  reply: saleWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx) => present(ctx, tx, ctx.params.saleId)),
});

const confirm = defineRoute({
  method: 'POST',
  path: '/v1/sales/:saleId/confirm',
  permission: 'sale.attribute',
  params: saleParams,
  body: saleConfirmBody,
  reply: saleWire,
  refuses: ['resource.not_found', 'sale.already_decided', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { sale: seen } = await getSaleView(tx, ctx.scope, ctx.mode, ctx.params.saleId);
        const sale = await lockSale(tx, seen.id);
        assertInvariant(sale !== undefined, 'a sale that was read is there', { saleId: seen.id });
        if (!sale.inReview) throw new DomainError('sale.already_decided', { currentStatus: sale.status });
        const { amount } = ctx.body;
        if (amount !== undefined && amount.currency !== sale.currency)
          throw new DomainError('sale.currency_mismatch', { expectedCurrency: sale.currency });
        const isOther = amount !== undefined && amount.minor !== sale.captured;
        const mine = await recordDirectDecision(tx, act, {
          verb: 'confirm',
          objectType: 'sale',
          objectId: sale.id,
          ...reasonOf(ctx.body),
          params: isOther ? { amount: formatMoney(amount) } : {},
          steppedUp: false,
        });
        if (isOther) {
          await correctSale(tx, mine, sale, { captured: amount.minor, lines: scaleLines(sale.lines, amount) });
        } else {
          await updateSale(tx, mine, sale, 'confirmed', { inReview: false });
          await wake(tx, act, sale);
        }
        return present(ctx, tx, sale.id);
      },
      { wake: true },
    ),
});

const disputes = defineRoute({
  method: 'GET',
  path: '/v1/sales/:saleId/disputes',
  permission: 'sale.read',
  params: saleParams,
  reply: disputeList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const { sale } = await getSaleView(tx, ctx.scope, ctx.mode, ctx.params.saleId);
      return { data: (await listDisputes(tx, sale.id)).map(presentDispute), nextCursor: null };
    }),
});

/**
 * One step of a chargeback of a locked sale. The same again, or one that is not newer, has no effect (api.md 8.3). Codes:
 * sale.currency_mismatch, sale.transition_not_allowed.
 */
export async function takeInDispute(
  tx: Tx,
  act: Act,
  sale: Sale,
  facts: DisputeCreate,
): Promise<{ readonly dispute: Dispute; readonly isNew: boolean }> {
  const { amount = null } = facts;
  if (amount !== null && amount.currency !== sale.currency)
    throw new DomainError('sale.currency_mismatch', { expectedCurrency: sale.currency });
  const occurredAt = happenedAt(facts.occurredAt, act.now);
  const before = (await listDisputes(tx, sale.id)).filter((step) => step.externalId === facts.externalId);
  const last = before.at(-1);
  if (last !== undefined && (last.step === facts.status || occurredAt < last.occurredAt))
    return { dispute: last, isNew: false };
  const isPossible = before.some((step) => step.processedAt === null) || disputeEvent(sale, facts.status) !== undefined;
  if (!isPossible) throw new DomainError('sale.transition_not_allowed', { currentStatus: sale.status });
  const stored = await insertDispute(tx, act, {
    id: act.newId('dispute'),
    source: sale.source,
    externalId: facts.externalId,
    step: facts.status,
    saleId: sale.id,
    referralId: sale.referralId,
    currency: sale.currency,
    amount: amount?.minor ?? null,
    occurredAt,
  });
  if (sale.referralId === null) {
    const event = disputeEvent(sale, stored.step);
    const mine = actFor(act, { cause: { type: 'dispute', id: stored.id } });
    if (event !== undefined) await updateSale(tx, mine, sale, event, {});
    await markDisputeProcessed(tx, mine, stored, 'applied');
  } else {
    const ref = { workspaceId: act.workspaceId, referralId: sale.referralId };
    await enqueue(tx, signalReferral(ref, 'disputeReported', { disputeId: stored.id }));
  }
  return { dispute: stored, isNew: true };
}

const dispute = defineRoute({
  method: 'POST',
  path: '/v1/sales/:saleId/disputes',
  permission: 'sale.write',
  params: saleParams,
  body: disputeCreate,
  reply: disputeWire,
  status: 202,
  refuses: ['resource.not_found', 'sale.transition_not_allowed', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { sale: seen } = await getSaleView(tx, ctx.scope, ctx.mode, ctx.params.saleId);
        const sale = await lockSale(tx, seen.id);
        assertInvariant(sale !== undefined, 'a sale that was read is there', { saleId: seen.id });
        const taken = await takeInDispute(tx, act, sale, ctx.body);
        return answer(presentDispute(taken.dispute), { status: taken.isNew ? 202 : 200 });
      },
      { wake: true },
    ),
});

export const saleRoutes: readonly Route[] = [list, get, confirm, disputes, dispute];
