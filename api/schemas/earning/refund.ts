import { z } from 'zod';
import type { Refund } from '../../../domain/earning/refund.js';
import { aboveZero, instantWire, listOf, moneyWire, objectFields, reasonText, versionFields } from '../wire.js';
import { externalIdText, sourceText } from './sale.js';

const facts = {
  externalId: externalIdText,
  amount: aboveZero(moneyWire).nullable().exactOptional(),
  reason: reasonText.nullable().exactOptional(),
  occurredAt: instantWire.nullable().exactOptional(),
};
export const saleRefundCreate = z.strictObject(facts);
export const refundCreate = z.strictObject({
  ...facts,
  saleExternalId: externalIdText,
  source: sourceText.exactOptional(),
});
export type RefundFacts = z.output<typeof saleRefundCreate>;

export const refundWire = z.strictObject({
  ...objectFields('refund', 'refund'),
  saleId: z.string().nullable(),
  saleExternalId: z.string().nullable(),
  source: z.string(),
  externalId: z.string(),
  amount: moneyWire.nullable(),
  appliedAmount: moneyWire.nullable(),
  flag: z.string().nullable(),
  reason: z.string().nullable(),
  parkedCode: z.string().nullable(),
  test: z.boolean(),
  occurredAt: instantWire,
  processedAt: instantWire.nullable(),
  ...versionFields,
});
export const refundList = listOf(refundWire);

export function presentRefund(refund: Refund): z.output<typeof refundWire> {
  const money = (minor: bigint | null) => (minor === null ? null : { minor, currency: refund.currency });
  return {
    id: refund.id,
    object: 'refund',
    saleId: refund.saleId,
    saleExternalId: refund.saleExternalId,
    source: refund.source,
    externalId: refund.externalId,
    amount: money(refund.amount),
    appliedAmount: money(refund.applied),
    flag: refund.flag,
    reason: refund.reason,
    parkedCode: refund.parkedCode,
    test: refund.mode === 'test',
    occurredAt: refund.occurredAt,
    processedAt: refund.processedAt,
    version: refund.version,
    createdAt: refund.createdAt,
    updatedAt: refund.updatedAt,
  };
}
