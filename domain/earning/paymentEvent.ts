import type { Mode } from '../act.js';
import type { Money } from '../money.js';
import type { Instant } from '../time.js';
import type { DisputeStep } from './sale.js';

/** Another system that reports payments (api.md 15): its adapter says how its events are signed and read. */
export const paymentAdapters = ['standard', 'stripe'] as const;
export type PaymentAdapter = (typeof paymentAdapters)[number];

/** What a source's secret is sealed for. */
export const paymentSecretPurpose = 'payment source';

/** What an outside event says, in our words. `keys` name the payment at the other system: a payment intent, a charge, an invoice. */
export type PaymentFact =
  /** A checkout: a lead that counts as a form (features.md, ruling 41). It alone may make a contact. */
  | {
      readonly kind: 'customer';
      readonly externalId: string;
      readonly customerExternalId: string | null;
      readonly email: string | null;
      readonly name: string | null;
      readonly clickId: string | null;
    }
  | {
      readonly kind: 'sale';
      readonly externalId: string;
      readonly status: 'succeeded' | 'declined';
      readonly amount: Money;
      readonly tax: Money | null;
      readonly shipping: Money | null;
      readonly customerExternalId: string | null;
      readonly email: string | null;
      /** A product of ours named outright; else the first of `productHints` that is a sku of ours. */
      readonly product: string | null;
      readonly productHints: readonly string[];
      readonly subscriptionExternalId: string | null;
      readonly keys: readonly string[];
    }
  /** Which sale a payment paid, said apart from both. */
  | { readonly kind: 'tie'; readonly saleExternalId: string; readonly keys: readonly string[] }
  /** The sale's refunds add up to this by now. */
  | {
      readonly kind: 'refundedTo';
      readonly externalId: string;
      readonly total: Money;
      readonly keys: readonly string[];
    }
  | {
      readonly kind: 'dispute';
      readonly externalId: string;
      readonly steps: readonly { readonly step: DisputeStep; readonly occurredAt: Instant }[];
      readonly amount: Money | null;
      readonly keys: readonly string[];
    }
  /** It ends: what is paid for it afterwards earns nothing (COM-16); a payment before, whenever it is told, does. */
  | { readonly kind: 'subscriptionCancelled'; readonly subscriptionExternalId: string };

export interface PaymentEvent {
  readonly id: string;
  readonly type: string;
  readonly mode: Mode;
  readonly occurredAt: Instant;
  readonly facts: readonly PaymentFact[];
}

/** `unreadable`: of a type we know, with a member missing or of another shape: kept and shown, never guessed. */
export type ReadPaymentEvent =
  | { readonly ok: true; readonly event: PaymentEvent }
  | { readonly ok: false; readonly id: string | null; readonly code: 'unreadable'; readonly at: string };
