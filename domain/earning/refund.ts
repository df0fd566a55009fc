import type { Mode } from '../act.js';
import type { ReferralId, RefundId, SaleId } from '../ids.js';
import type { CurrencyCode } from '../money.js';
import type { Instant } from '../time.js';

/** Money given back to a customer: a fact, it always fits (money.md 2.4). Amounts in minor units. */
export interface Refund {
  readonly id: RefundId;
  readonly mode: Mode;
  readonly source: string;
  readonly externalId: string;
  readonly contentHash: string;
  readonly saleId: SaleId | null;
  readonly saleExternalId: string | null;
  readonly referralId: ReferralId | null;
  readonly currency: CurrencyCode;
  /** Null: all that is left when it is applied. */
  readonly amount: bigint | null;
  readonly applied: bigint | null;
  readonly flag: string | null;
  readonly reason: string | null;
  /** `fx_missing`: told before its sale, in another currency than the sale turned out to have. */
  readonly parkedCode: 'unknown_sale' | 'fx_missing' | null;
  readonly occurredAt: Instant;
  readonly processedAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}
