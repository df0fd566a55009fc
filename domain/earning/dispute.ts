import type { Mode } from '../act.js';
import type { Id, ReferralId, SaleId } from '../ids.js';
import type { CurrencyCode } from '../money.js';
import type { Instant } from '../time.js';
import type { DisputeStep } from './sale.js';

/** One step of a chargeback; all steps of one share an external id (BEY-26). */
export interface Dispute {
  readonly id: Id<'dispute'>;
  readonly mode: Mode;
  readonly source: string;
  readonly externalId: string;
  readonly step: DisputeStep;
  readonly saleId: SaleId | null;
  readonly referralId: ReferralId | null;
  readonly currency: CurrencyCode | null;
  readonly amount: bigint | null;
  readonly occurredAt: Instant;
  readonly processedAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
}

/** Why a chargeback holds a line; a person's hold has the reason that the person gave. */
export const disputeHold = 'charged_back';
