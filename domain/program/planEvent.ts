import type { AffiliateId, ProductId } from '../ids.js';

/** What a sale may leave unsaid: it counts as 0 then, and the commission says so (glossary: gross, net, net of fees, deposit). */
export const unstatedParts = ['tax', 'shipping', 'fees', 'deposit'] as const;
export type UnstatedPart = (typeof unstatedParts)[number];

/** One line of a sale, amounts in minor units of the sale's currency. What it does not state is 0. */
export interface PricedLine {
  readonly productId: ProductId | null;
  readonly quantity: number;
  readonly amount: bigint;
  readonly tax: bigint;
  readonly fees: bigint;
  readonly shipping: bigint;
  readonly deposit: bigint;
  /** Absent where nobody knows any more. */
  readonly unstated?: readonly UnstatedPart[];
}

/** The line of an event without an amount: a lead, a registration. */
export const noAmount: PricedLine = {
  productId: null,
  quantity: 1,
  amount: 0n,
  tax: 0n,
  fees: 0n,
  shipping: 0n,
  deposit: 0n,
};

/** What happened, as far as a rule asks. */
export type PlanEvent =
  | {
      readonly kind: 'lead';
      readonly event: 'enquiry' | 'registration';
      /** Rule events that have paid for this contact in this program: a lead rule pays once (ruling 41). */
      readonly paidBefore: ReadonlySet<'lead' | 'registration'>;
    }
  | {
      readonly kind: 'sale';
      readonly type: 'payment' | 'transaction';
      readonly transactionType: string | null;
      /** The contact's first successful payment for a product of the program, credited or not. */
      readonly isFirstPayment: boolean;
    };

/** Paid per accepted lead, or per customer (PRG-21). */
export type AcquisitionModel = 'cpl' | 'cpa';

/** Who stands on a level: earns, earns but waits (suspended), or nothing there (not enrolled, terminated). */
export interface ChainMember {
  readonly level: number;
  readonly affiliateId: AffiliateId;
  readonly groupId: string | null;
  /** Its own, in place of the program's; left out or null: as the program. */
  readonly acquisitionModel?: AcquisitionModel | null;
  readonly standing: 'earns' | 'held' | 'nothing';
}

/**
 * features.md 4.5, in order: where several fit, the first is kept; `duplicate`: a lead rule has paid for this contact (ruling 41);
 * `subscription_cancelled`: paid after the end of its subscription (COM-16).
 */
export const noCommissionCodes = [
  'declined',
  'program_not_active',
  'referral_rejected',
  'own_customer',
  'not_commissionable',
  'not_first_payment',
  'duplicate',
  'subscription_cancelled',
  'limit_months',
  'limit_payments',
  'rounded_to_zero',
  'cap_reached',
] as const;

export type NoCommissionCode = (typeof noCommissionCodes)[number];
