import type { Mode } from '../act.js';
import type { AffiliateId, ContactId, DecisionId, LeadId, ProgramId, ReferralId, SaleId } from '../ids.js';
import { type Decided, refused, type Refused } from '../decided.js';
import { allocate, type CurrencyCode, type Money } from '../money.js';
import type { PricedLine } from '../program/planEvent.js';
import type { Instant } from '../time.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/**
 * features.md 2.6, last table. A won dispute goes back to what the sale was: `wonPart` where part of it had been refunded. `corrected`: a sale in
 * review was given back in full, and is then confirmed with more.
 */
export const saleTransitions = transitionTable({
  declined: { succeeded: 'succeeded' },
  succeeded: { partRefunded: 'part_refunded', refunded: 'refunded', disputed: 'disputed' },
  part_refunded: { partRefunded: 'part_refunded', refunded: 'refunded', disputed: 'disputed' },
  refunded: { corrected: 'part_refunded' },
  disputed: { won: 'succeeded', wonPart: 'part_refunded', lost: 'charged_back' },
  charged_back: { disputed: 'disputed' },
});
export type SaleStatus = StatusOf<typeof saleTransitions>;
export type SaleEvent = EventOf<typeof saleTransitions>;

/** One line as it is kept: amounts in minor units as text, because jsonb knows no bigint. */
export interface SaleLine extends PricedLine {
  /** What the caller named: an id or sku that may be unknown. */
  readonly product: string | null;
  readonly code: string | null;
}

/** A payment, deposit or transaction as reported (api.md 8.3). Amounts in minor units of `currency`. */
export interface Sale {
  readonly id: SaleId;
  readonly mode: Mode;
  readonly source: string;
  readonly externalId: string;
  readonly contentHash: string;
  readonly type: 'payment' | 'transaction';
  readonly transactionType: string | null;
  readonly status: SaleStatus;
  readonly channel: string;
  readonly inReview: boolean;
  readonly currency: CurrencyCode;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly lines: readonly SaleLine[];
  readonly subscriptionExternalId: string | null;
  readonly paymentNumber: number | null;
  readonly customerExternalId: string | null;
  readonly customerEmail: string | null;
  readonly clickId: string | null;
  readonly coupon: string | null;
  readonly programHintId: string | null;
  readonly contactId: ContactId | null;
  readonly leadId: LeadId | null;
  readonly programId: ProgramId | null;
  readonly affiliateId: AffiliateId | null;
  readonly linkId: string | null;
  readonly sub1: string | null;
  readonly referralId: ReferralId | null;
  readonly attributionStatus: 'attributed' | 'unattributed';
  readonly attributionCode: string | null;
  readonly noCommissionCode: string | null;
  readonly parkedCode: 'unknown_customer' | 'fx_missing' | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly occurredAt: Instant;
  readonly processedAt: Instant | null;
  readonly outcome: string | null;
  /** The decision that confirmed it with another amount: it causes the lines that stand now. */
  readonly correctionId: DecisionId | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** Where the line amounts of a sale do not add up to it: the difference in minor units, else null (api.md 8.3). */
export function lineDifference(total: bigint, lines: readonly { readonly amount: bigint }[]): bigint | null {
  const difference = total - lines.reduce((sum, line) => sum + line.amount, 0n);
  return difference === 0n ? null : difference;
}

/** An amount given for the sale only, over its lines by their amounts; lines of nothing share alike (largest remainder). */
export function spreadOverLines(total: Money, amounts: readonly bigint[]): readonly bigint[] {
  const weights = amounts.every((amount) => amount === 0n) ? amounts.map(() => 1n) : amounts;
  return allocate(total, weights).map((part) => part.minor);
}

/** What a refund takes off a sale: never more than is left; `flag` when it asked for more. No amount asks for all that is left. */
export function decideRefund(
  sale: Pick<Sale, 'captured' | 'refunded' | 'status'>,
  asked: bigint | null,
): { readonly applied: bigint; readonly flag: 'refund_exceeds_sale' | null; readonly event: SaleEvent | null } {
  const rest = sale.captured - sale.refunded;
  const wanted = asked ?? rest;
  const applied = wanted < rest ? wanted : rest;
  const isFull = sale.refunded + applied >= sale.captured;
  const event: SaleEvent = isFull ? 'refunded' : 'partRefunded';
  const moves = applied > 0n && nextStatus(saleTransitions, sale.status, event) !== undefined;
  return { applied, flag: wanted > rest ? 'refund_exceeds_sale' : null, event: moves ? event : null };
}

/** What a sale in review is, once its true amount is known (TRK-19). Amounts in minor units. */
export interface Correction {
  readonly refunded: bigint;
  /** Of each refund that was applied, in the order given: what it takes of the true amount. */
  readonly refunds: readonly { readonly applied: bigint; readonly flag: 'refund_exceeds_sale' | null }[];
  readonly event: SaleEvent | null;
}

/**
 * A sale in review turns out to be of another amount: what was given back of it is counted anew, in the same order (null: all that was left), so
 * that it does not matter which of the two was known first.
 */
export function decideCorrection(
  sale: Pick<Sale, 'status'>,
  captured: bigint,
  asked: readonly (bigint | null)[],
): Correction {
  let refunded = 0n;
  const refunds = asked.map((amount) => {
    const { applied, flag } = decideRefund({ captured, refunded, status: sale.status }, amount);
    refunded += applied;
    return { applied, flag };
  });
  const isFull = refunded >= captured;
  const event: SaleEvent | null =
    sale.status === 'refunded' && !isFull ? 'corrected' : sale.status === 'part_refunded' && isFull ? 'refunded' : null;
  return { refunded, refunds, event };
}

/** The lines of a sale at another total: each in proportion, and of each what it held of tax, fees, shipping and deposit. */
export function scaleLines(lines: readonly SaleLine[], total: Money): readonly SaleLine[] {
  const amounts = spreadOverLines(
    total,
    lines.map((line) => line.amount),
  );
  return lines.map((line, index) => {
    const amount = amounts[index] ?? 0n;
    const part = (of: bigint): bigint =>
      line.amount <= 0n || of > line.amount
        ? 0n
        : (allocate({ minor: amount, currency: total.currency }, [of, line.amount - of])[0]?.minor ?? 0n);
    return {
      ...line,
      amount,
      tax: part(line.tax),
      fees: part(line.fees),
      shipping: part(line.shipping),
      deposit: part(line.deposit),
      code: null,
    };
  });
}

/** The line stands no more: its sale was confirmed with another amount, and what that earns has lines of its own. */
export function isSuperseded(
  line: { readonly kind: string; readonly saleId: string | null; readonly causeId: string },
  sale: Pick<Sale, 'id' | 'correctionId'>,
): boolean {
  if (sale.correctionId === null || line.saleId !== sale.id) return false;
  return line.kind === 'earned' && line.causeId !== sale.correctionId;
}

/**
 * May a sale be judged once more? Only where it led to nothing, or something of it was rejected: not one given back in full, not one of which a
 * commission is paid, and not of a referral that is rejected (COM-07).
 */
export function decideRerun(
  sale: Pick<Sale, 'status' | 'processedAt'>,
  referralStatus: string,
  lines: readonly { readonly status: string }[],
): Decided<'reinstated'> {
  const not = (reasonCode: string | null): Decided<'reinstated'> =>
    refused('sale.transition_not_allowed', {
      currentStatus: sale.status,
      ...(reasonCode === null ? {} : { reasonCode }),
    });
  if (sale.processedAt === null || sale.status === 'declined') return not(null);
  if (sale.status === 'refunded' || sale.status === 'charged_back') return not('refunded');
  if (referralStatus === 'rejected') return not('referral_rejected');
  if (lines.some((line) => line.status === 'paid'))
    return refused('commission.commission_paid', { currentStatus: 'paid' });
  if (lines.length > 0 && lines.every((line) => line.status !== 'rejected')) return not('already_decided');
  return { kind: 'accepted', event: 'reinstated' };
}

/**
 * May staff give this sale to an affiliate (TRK-27)? Only one that credits nobody: judged, and not declined or waiting for a customer or a rate.
 * Null: yes. Codes: sale.already_decided, sale.transition_not_allowed.
 */
export function decideSaleAttribution(
  sale: Pick<Sale, 'status' | 'attributionStatus' | 'referralId' | 'parkedCode' | 'processedAt'>,
): Refused | null {
  if (sale.attributionStatus === 'attributed') return refused('sale.already_decided', { currentStatus: 'attributed' });
  if (sale.status === 'declined') return refused('sale.transition_not_allowed', { currentStatus: sale.status });
  if (sale.parkedCode !== null)
    return refused('sale.transition_not_allowed', { currentStatus: sale.status, reasonCode: sale.parkedCode });
  // Somebody's journey has it and its workflow has not judged it yet: to whom it goes is being decided.
  if (sale.processedAt === null) return refused('sale.already_decided', { currentStatus: sale.status });
  return null;
}

/**
 * May all that a sale earned be rejected at once, on every level (COM-15)? What is paid or in an open payout stays, and then so does the rest: one
 * level without the other is a decision on that commission. Codes: sale.transition_not_allowed, sale.already_decided, commission.commission_paid,
 * commission.in_open_payout.
 */
export function decideSaleRejection(
  sale: Pick<Sale, 'status' | 'processedAt'>,
  lines: readonly { readonly status: string; readonly livePayoutId: string | null }[],
): Decided<'rejected'> {
  const currentStatus = sale.status;
  if (sale.processedAt === null || lines.length === 0) return refused('sale.transition_not_allowed', { currentStatus });
  if (lines.some((line) => line.status === 'paid'))
    return refused('commission.commission_paid', { currentStatus: 'paid' });
  const live = lines.find((line) => line.status === 'approved' && line.livePayoutId !== null);
  if (live !== undefined) return refused('commission.in_open_payout', { payoutId: live.livePayoutId });
  if (lines.every((line) => line.status !== 'pending' && line.status !== 'approved'))
    return refused('sale.already_decided', { currentStatus });
  return { kind: 'accepted', event: 'rejected' };
}

/** A payment after the cancellation of its subscription earns nothing (COM-16); one at the same moment still does. */
export function isPaidAfterEnd(paidAt: Instant, cancelledAt: Instant | null): boolean {
  return cancelledAt !== null && paidAt > cancelledAt;
}

/** A dispute's step → the sale's move; undefined where the table has none (api.md 8.3). */
export function disputeEvent(sale: Pick<Sale, 'status' | 'refunded'>, step: DisputeStep): SaleEvent | undefined {
  const event: SaleEvent =
    step === 'opened' ? 'disputed' : step === 'lost' ? 'lost' : sale.refunded > 0n ? 'wonPart' : 'won';
  return nextStatus(saleTransitions, sale.status, event) === undefined ? undefined : event;
}

/**
 * What the customer has back of a sale whose chargeback was lost, in minor units: what was refunded and what the bank took, which is everything
 * where nobody said how much (`lost` null). Never more than the sale.
 */
export function takenBack(sale: Pick<Sale, 'captured' | 'refunded'>, lost: bigint | null): bigint {
  const all = lost === null ? sale.captured : sale.refunded + lost;
  return all < sale.captured ? all : sale.captured;
}

export const disputeSteps = ['opened', 'won', 'lost'] as const;
export type DisputeStep = (typeof disputeSteps)[number];
