import type { Actor } from '../../domain/act.js';
import { type Commission, eligibleFrom, lossesOf, standingOf } from '../../domain/earning/commission.js';
import { explainLine, storedParts } from '../../domain/earning/explanation.js';
import { laterStage } from '../../domain/earning/referral.js';
import { decideRefund, type SaleLine, type SaleStatus } from '../../domain/earning/sale.js';
import type { CommissionId, SaleId } from '../../domain/ids.js';
import { allocate } from '../../domain/money.js';
import { addMonths, addMs, type Instant } from '../../domain/time.js';
import { chooseTouch } from '../../domain/tracking/attribution.js';
import type { Books, Line } from './books.js';
import { earningsOf } from './earnings.js';
import type { Consequences, Journey } from './journeys.js';
import { storeAttribution } from './journeys.js';
import { type Told, untold } from './rows.js';
import type { DemoProduct } from './setUp.js';
import { dayMs, hourMs, minuteMs, sooner, type Year } from './year.js';

interface Payment {
  readonly told: Told<SaleStatus>;
  readonly id: SaleId;
  readonly number: number;
  readonly journey: Journey;
  readonly externalId: string;
  readonly captured: bigint;
  readonly lines: Line[];
  refunded: bigint;
}

/** Of those who became known, how many buy; of those who could renew, how many do; of payments, how many come back. */
const buys = 0.68;
const renews = 0.82;
const returns = 0.06;
const mostRenewals = 12;

/** What people buy, give back and renew, and what it earns. Answers what the journeys tell it. */
export function followPayments(year: Year, books: Books): Consequences {
  const { chance, agenda, rows } = year;
  const shop: Actor = year.ground.staff.developer;
  const linesOf = new Map<string, Line[]>();
  const earnedOf = new Map<string, { payments: number; firstAt: Instant | null }>();
  let orders = 0;
  let refunds = 0;

  function pay(at: Instant, journey: Journey, product: DemoProduct, number: number): void {
    const { customer, program } = journey;
    if (customer === null || journey.told.status === 'expired') return;
    orders += 1;
    const id = chance.newId('sale', at);
    const externalId = `order-${10_000 + orders}`;
    const told = untold<SaleStatus>('sale', id);
    const applied = addMs(at, 1_100);
    const cause = { type: 'sale', id };
    const payment: Payment = {
      told,
      id,
      number,
      journey,
      externalId,
      captured: product.price,
      lines: [],
      refunded: 0n,
    };
    const line: SaleLine = {
      productId: product.id,
      product: product.sku,
      quantity: 1,
      amount: product.price,
      tax: product.tax,
      fees: 0n,
      shipping: 0n,
      deposit: 0n,
      code: null,
    };
    rows.tell(told, {
      at,
      event: 'reported',
      to: 'succeeded',
      actor: shop,
      changes: { amountMinor: product.price.toString(), currency: program.currency, referralId: journey.id },
    });
    if (number === 1) takeAsFirst(applied, journey, payment);
    const earned = earnedOf.get(journey.id) ?? { payments: 0, firstAt: null };
    const affiliate = journey.affiliate;
    const isRejected = journey.told.status === 'rejected';
    const chain =
      affiliate === null
        ? []
        : [affiliate, affiliate.recruiter].flatMap((one, index) =>
            one === null || index >= program.plan.levels
              ? []
              : [
                  {
                    level: index + 1,
                    affiliateId: one.id,
                    groupId: null,
                    standing: standingOf({
                      level: index + 1,
                      status: one.told.status ?? 'pending',
                      enrolment: one.enrolments.some((enrolled) => enrolled.program === program) ? 'active' : null,
                    }),
                    who: one,
                  },
                ],
          );
    const earnings = isRejected
      ? undefined
      : earningsOf(program, {
          occurredAt: at,
          lines: [line],
          chain: chain.map(({ who: _who, ...member }) => member),
          customerId: customer.contactId,
          number,
          earnedBefore: earned,
        });
    const code = earnings === undefined ? 'referral_rejected' : earnings.code;
    let levelOne: CommissionId | null = null;
    for (const part of code === null ? (earnings?.lines ?? []) : []) {
      const who = chain.find((member) => member.level === part.level)?.who;
      if (who === undefined) continue;
      const commissionId = chance.newId('commission', applied);
      if (part.level === 1) levelOne = commissionId;
      const [only] = part.parts;
      const single = part.parts.length === 1 ? only : undefined;
      const commission: Commission = {
        id: commissionId,
        mode: 'live',
        kind: 'earned',
        level: part.level,
        affiliateId: part.affiliateId,
        programId: program.id,
        referralId: journey.id,
        saleId: id,
        leadId: null,
        originCommissionId: null,
        level1CommissionId: part.level === 1 ? null : levelOne,
        causeType: 'sale',
        causeId: id,
        currency: program.currency,
        base: part.base.minor,
        baseType: single?.baseType ?? null,
        ratePpm: single?.rate ?? null,
        ruleId: single?.rule.id ?? null,
        ruleVersion: single?.rule.version ?? null,
        parts: storedParts(part, false),
        explanation: { ...explainLine(part, [product.id]) },
        exact: part.exact,
        clipReason: null,
        amount: part.amount.minor,
        reversed: 0n,
        clawedBack: 0n,
        givenBack: 0n,
        accrues: true,
        status: 'pending',
        onHold: part.isHeld,
        needsReviewer: program.terms.commissionApproval === 'manual',
        sub1: part.level === 1 ? journey.sub1 : null,
        reason: null,
        createdBy: null,
        eligibleAt: eligibleFrom(at, program.terms.commissionHold),
        approvedAt: null,
        paidAt: null,
        version: 1,
        createdAt: applied,
        updatedAt: applied,
      };
      const accrued = books.accrue(applied, {
        commission,
        affiliate: who,
        journey,
        key: `commission/${id}/${part.level}/${who.id}/accrue`, // money.md 8
        cause,
        actor: shop,
      });
      payment.lines.push(accrued);
      linesOf.set(journey.id, [...(linesOf.get(journey.id) ?? []), accrued]);
      agenda.enter(addMs(commission.eligibleAt, 2_000), (due) => books.approve(due, accrued));
    }
    if (payment.lines.length > 0)
      earnedOf.set(journey.id, { payments: earned.payments + 1, firstAt: earned.firstAt ?? at });
    journey.changedAt = applied;
    rows.tell(told, {
      at: applied,
      event: 'processed',
      actor: shop,
      cause,
      changes: { noCommissionCode: code, outcome: code ?? 'accrued' },
    });
    year.atTheEnd.push(() => store(payment, line, at, applied, code));
    if (chance.is(returns)) agenda.enter(sooner(chance, at, dayMs, 55 * dayMs), (when) => refund(when, payment));
    if (program.plan.renews && number <= mostRenewals && chance.is(renews))
      agenda.enter(addMs(addMonths(at, 1), chance.whole(0, hourMs)), (when) => pay(when, journey, product, number + 1));
  }

  /** The first payment makes the customer: who is credited is decided once more, the lead is converted (features.md 2.6). */
  function takeAsFirst(at: Instant, journey: Journey, payment: Payment): void {
    const { customer } = journey;
    if (customer === null) return;
    const cause = { type: 'sale', id: payment.id };
    const attribution = chooseTouch({
      touches: journey.touches,
      at: addMs(at, -1_100),
      referrerChoice: journey.program.terms.referrerChoice,
      couponPriority: journey.program.terms.couponPriority,
      first: journey.first,
      last: journey.affiliate?.id ?? null,
      couponProblem: null,
    });
    storeAttribution(year, journey, payment.id, at, { ...attribution, affiliateId: journey.affiliate?.id ?? null });
    journey.stage = laterStage(journey.stage, 'sale');
    journey.saleAt = addMs(at, -1_100);
    journey.changedAt = at;
    rows.tell(journey.told, {
      at,
      event: 'saleAdded',
      actor: shop,
      cause,
      changes: { affiliateId: journey.affiliate?.id ?? null, stage: journey.stage },
    });
    rows.tell(journey.told, { at, event: 'attributed', actor: shop, cause, changes: { saleAt: journey.saleAt } });
    if (customer.lead.told.status === 'accepted')
      rows.tell(customer.lead.told, { at, event: 'converted', to: 'converted', actor: shop, cause });
    rows.tell(payment.told, { at, event: 'tied', actor: shop, cause });
  }

  function refund(at: Instant, payment: Payment): void {
    if (payment.lines.some((line) => line.isReserved))
      return agenda.enter(addMs(at, 2 * dayMs), (later) => refund(later, payment));
    refunds += 1;
    const id = chance.newId('refund', at);
    const told = untold('refund', id);
    const half = allocate({ minor: payment.captured, currency: payment.journey.program.currency }, [1n, 1n])[0];
    const asked = chance.is(0.3) && half !== undefined ? half.minor : null;
    const cause = { type: 'refund', id };
    const applied = addMs(at, 800);
    const standing = {
      captured: payment.captured,
      refunded: payment.refunded,
      status: payment.told.status ?? 'succeeded',
    };
    const decided = decideRefund(standing, asked);
    rows.tell(told, {
      at,
      event: 'reported',
      actor: shop,
      changes: {
        saleId: payment.id,
        amountMinor: asked?.toString() ?? null,
        currency: payment.journey.program.currency,
      },
    });
    const before = payment.refunded;
    payment.refunded += decided.applied;
    rows.tell(payment.told, {
      at: applied,
      event: decided.event ?? 'processed',
      to: decided.event === null ? standing.status : decided.event === 'refunded' ? 'refunded' : 'part_refunded',
      actor: shop,
      cause,
      reasonCode: 'refunded',
      changes: { refundedMinor: [before.toString(), payment.refunded.toString()] },
    });
    rows.tell(told, {
      at: applied,
      event: 'applied',
      actor: shop,
      cause,
      reasonCode: 'refunded',
      changes: { saleId: payment.id },
    });
    const losses = lossesOf(
      payment.lines.map((line) => line.commission),
      payment.refunded,
      payment.captured,
    );
    for (const line of payment.lines)
      books.takeOff(applied, line, losses.get(line.commission.id) ?? 0n, {
        cause,
        reasonCode: 'refunded',
        actor: shop,
        effectiveAt: at,
        key: `refund/${id}/${line.commission.id}`,
      });
    payment.journey.changedAt = applied;
    const hash = chance.hash();
    rows.add('refunds', {
      id,
      mode: 'live',
      source: 'api',
      external_id: `refund-${10_000 + refunds}`,
      content_hash: `\\x${hash}`,
      sale_id: payment.id,
      sale_external_id: payment.externalId,
      referral_id: payment.journey.id,
      currency: payment.journey.program.currency,
      amount_minor: asked?.toString() ?? null,
      applied_minor: decided.applied.toString(),
      flag: decided.flag,
      reason: chance.pick(['Customer changed their mind', 'Ordered twice', 'Not as expected']),
      occurred_at: at,
      processed_at: applied,
      outcome: decided.flag ?? 'applied',
      version: told.version,
      created_at: at,
      updated_at: applied,
    });
    return undefined;
  }

  function store(payment: Payment, line: SaleLine, at: Instant, applied: Instant, code: string | null): void {
    const { journey, told } = payment;
    const { customer, program } = journey;
    rows.add('sales', {
      id: payment.id,
      mode: 'live',
      source: 'api',
      external_id: payment.externalId,
      content_hash: `\\x${chance.hash()}`,
      type: 'payment',
      status: told.status,
      channel: 'api',
      currency: program.currency,
      captured_minor: payment.captured.toString(),
      refunded_minor: payment.refunded.toString(),
      lines: [
        {
          productId: line.productId,
          product: line.product,
          quantity: line.quantity,
          amountMinor: line.amount.toString(),
          taxMinor: line.tax.toString(),
          feesMinor: '0',
          shippingMinor: '0',
          depositMinor: '0',
          code,
        },
      ],
      subscription_external_id: program.plan.renews ? `sub-${customer?.number ?? 0}` : null,
      payment_number: program.plan.renews ? payment.number : null,
      customer_external_id: customer?.externalId ?? null,
      customer_email: customer?.email ?? null,
      contact_id: customer?.contactId ?? null,
      lead_id: customer?.lead.id ?? null,
      program_id: program.id,
      affiliate_id: journey.affiliate?.id ?? null,
      link_id: journey.linkId,
      sub1: journey.sub1,
      referral_id: journey.id,
      attribution_status: 'attributed',
      no_commission_code: code,
      occurred_at: at,
      processed_at: applied,
      outcome: code ?? 'accrued',
      version: told.version,
      created_at: at,
      updated_at: applied,
    });
  }

  return {
    onLead(journey, at) {
      if (!chance.is(buys)) return;
      const product = chance.weighted(journey.program.products, (one) => one.weight);
      if (product === undefined) return;
      agenda.enter(sooner(chance, at, 3 * minuteMs, 10 * dayMs), (when) => pay(when, journey, product, 1));
    },
    onDecision(journey, at, decision) {
      for (const line of linesOf.get(journey.id) ?? []) {
        if (journey.told.status === 'approved') books.approve(at, line);
        else if (decision !== null)
          books.takeOff(at, line, line.commission.amount, {
            cause: { type: 'decision', id: decision.id },
            reasonCode: 'referral_rejected',
            actor: decision.actor,
            effectiveAt: null,
          });
      }
    },
  };
}
