import type { CurrencyCode, Money } from '../../domain/money.js';
import type { GatewayAccess } from '../../domain/payout/gateway.js';
import type { StatementLineKind } from '../../domain/payout/reconciliation.js';
import type { Instant } from '../../domain/time.js';

/** One instruction, frozen when its attempt was claimed. The key never changes (money.md 7.2). */
export interface PayoutInstruction {
  readonly requestKey: string;
  /** Our reference at the provider: the attempt's id. */
  readonly reference: string;
  /** Whose account at the provider pays: `merchantOf` (domain/payout/gateway.ts). */
  readonly merchant: string;
  readonly amount: Money;
  /** Clear text, read from the sealed method for this call only; never logged. */
  readonly destination: Readonly<Record<string, string>>;
  /** What the workspace gave us for this provider; null for those that need nothing. */
  readonly access: GatewayAccess | null;
}

/** What is asked about: the same instruction, without where it goes. */
export interface PayoutQuestion extends Omit<PayoutInstruction, 'destination' | 'requestKey'> {
  /** Null: a restore lost it (money.md 10). The reference, the amount and the provider's id have to do. */
  readonly requestKey: string | null;
  /** The provider's own id, once it has answered. */
  readonly providerId: string | null;
  /** When the key was made: nothing of it can be older. */
  readonly claimedAt: Instant;
}

/** One line the provider charged us, under its own id, in minor units of the instruction's currency. */
export interface GatewayFee {
  readonly line: string;
  readonly minor: bigint;
}

/** What a gateway said. `refused` only for answers the adapter lists as surely not carried out; whatever else is unclear is `unknown`. */
export type GatewayAnswer =
  | { readonly class: 'submitted'; readonly providerId: string; readonly gatewayStatus: string | null }
  | {
      readonly class: 'paid';
      readonly providerId: string;
      readonly gatewayStatus: string | null;
      readonly fees?: readonly GatewayFee[];
    }
  | { readonly class: 'refused'; readonly code: string; readonly providerId: string | null }
  | {
      readonly class: 'returned';
      readonly providerId: string;
      readonly code: string | null;
      /** What came back; null = all of it. The rest was kept by the bank. */
      readonly returnedMinor: bigint | null;
      readonly occurredAt: Instant | null;
    }
  /** A look-up that surely found nothing under this key. */
  | { readonly class: 'not_found' }
  | { readonly class: 'unknown'; readonly code: string };

/** A provider's own account of what happened to a merchant's money there (money.md 10). Amounts in minor units. */
export interface GatewayStatement {
  /** What lay there at the end, per currency. */
  readonly closings: readonly { readonly currency: string; readonly minor: bigint }[];
  /** Everything since `since`, in the provider's words; above zero the balance grew. */
  readonly lines: readonly {
    readonly id: string;
    readonly kind: StatementLineKind;
    readonly at: Instant;
    readonly currency: string;
    readonly minor: bigint;
    readonly reference: string | null;
    readonly providerId: string | null;
  }[];
}

/** Every outside payment system behind one interface. An adapter declares what it can promise; nothing else is assumed. */
export interface PayoutGateway {
  readonly adapter: string;
  readonly execution: 'gateway' | 'manual';
  /** How long the provider recognises a repeated key; null: never to be trusted. Milliseconds. */
  readonly keyWindowMs: number | null;
  readonly canLookUp: boolean;
  readonly callTimeoutMs: number;
  /** How many calls a second its queue lets out, over all workers; absent: as many as come. */
  readonly callsPerSecond?: number;
  /** How long after `paid` this adapter still looks for a bounce by itself; null: bounces come by webhook or statement only. */
  readonly bouncesWithinMs: number | null;
  /** Refusal codes (features.md 4.8) after which a new attempt may start without a person. */
  readonly retryableRefusals: readonly string[];
  supports(currency: CurrencyCode, amountMinor: bigint): boolean;
  submit(instruction: PayoutInstruction, signal: AbortSignal): Promise<GatewayAnswer>;
  lookUp(question: PayoutQuestion, signal: AbortSignal): Promise<GatewayAnswer>;
  /** Its own statement up to an instant of our clock. Absent: it gives none, and nothing waits for one. */
  readonly statement?: (
    of: {
      readonly merchant: string;
      readonly access: GatewayAccess | null;
      readonly since: Instant | null;
      readonly until: Instant;
    },
    signal: AbortSignal,
  ) => Promise<GatewayStatement>;
}
