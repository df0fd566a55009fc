import { z } from 'zod';
import type { ReconciliationItemView, ReconciliationView } from '../../../db/reads/payout/reconciliationList.js';
import { itemClasses, itemResolutions } from '../../../domain/payout/reconciliation.js';
import { anyOf, anyText, flag, listQuery } from '../../lists.js';
import { uploadedFile } from '../../upload.js';
import { fieldIssue, idWire, instantWire, listOf, reasonText, signedMoneyWire, text } from '../wire.js';

export const reconciliationParams = z.strictObject({ reconciliationId: idWire('reconciliation') });
export const reconciliationItemParams = z.strictObject({ itemId: idWire('reconciliationItem') });
export const reconciliationQuery = listQuery(
  { gatewayId: anyText(), unexplained: flag() },
  { sort: ['createdAt'], q: true },
);
export const reconciliationItemQuery = listQuery({ class: anyOf(itemClasses) }, { sort: ['createdAt'], q: true });

/** Without a file: the gateway's own statement is fetched now. With one: that statement is compared, as of `closedAt` or its last line. */
export const reconciliationCreate = z.strictObject({
  gatewayId: text(64),
  file: uploadedFile.exactOptional(),
  closedAt: instantWire.exactOptional(),
});
export const reconciliationAccepted = z.strictObject({
  object: z.literal('reconciliation_request'),
  gatewayId: z.string(),
  /** What a file made, one per currency; empty when the gateway is asked. */
  reconciliationIds: z.array(z.string()),
});

export const reconciliationResolve = z
  .strictObject({
    resolution: z.enum(itemResolutions),
    reason: reasonText,
    documentId: text(64).nullable().default(null),
    /** Of `affiliate`: whom the money went to. */
    affiliateId: idWire('affiliate').nullable().default(null),
  })
  .check((context) => {
    const { resolution, affiliateId } = context.value;
    if ((resolution === 'affiliate') === (affiliateId !== null)) return;
    context.issues.push({
      ...(affiliateId === null
        ? fieldIssue('required', 'Say whom the money went to.', ['affiliateId'])
        : fieldIssue('not_allowed_here', 'Only with the resolution affiliate.', ['affiliateId'])),
      input: context.value,
    });
  });

export const reconciliationWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('reconciliation'),
    gatewayId: z.string(),
    currency: z.string(),
    source: z.enum(['gateway', 'upload']),
    closedAt: instantWire,
    /** What the gateway says lay there; what our books say; books less statement. */
    closing: signedMoneyWire,
    books: signedMoneyWire,
    difference: signedMoneyWire,
    lines: z.int(),
    differences: z.int(),
    openDifferences: z.int(),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('Reconciliation');
export const reconciliationList = listOf(reconciliationWire);

export function presentReconciliation(view: ReconciliationView, test: boolean): z.output<typeof reconciliationWire> {
  const money = (minor: bigint) => ({ minor, currency: view.currency });
  return {
    id: view.id,
    object: 'reconciliation',
    gatewayId: view.gatewayId,
    currency: view.currency,
    source: view.source,
    closedAt: view.closedAt,
    closing: money(view.closingMinor),
    books: money(view.booksMinor),
    difference: money(view.booksMinor - view.closingMinor),
    lines: view.lines,
    differences: view.differences,
    openDifferences: view.open,
    test,
    createdAt: view.createdAt,
  };
}

export const reconciliationItemWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('reconciliation_item'),
    reconciliationId: z.string(),
    class: z.enum(itemClasses),
    statement: signedMoneyWire,
    books: signedMoneyWire,
    difference: signedMoneyWire,
    lineId: z.string().nullable(),
    attemptId: z.string().nullable(),
    payoutId: z.string().nullable(),
    gatewayReference: z.string().nullable(),
    firstSeenAt: instantWire.nullable(),
    resolution: z.enum(itemResolutions).nullable(),
    /** Whom it was booked to. */
    affiliateId: z.string().nullable(),
    resolvedAt: instantWire.nullable(),
    resolvedBy: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
    reason: z.string().nullable(),
  })
  .openapi('ReconciliationItem');
export const reconciliationItemList = listOf(reconciliationItemWire);

export function presentReconciliationItem(item: ReconciliationItemView): z.output<typeof reconciliationItemWire> {
  const money = (minor: bigint) => ({ minor, currency: item.currency });
  return {
    id: item.id,
    object: 'reconciliation_item',
    reconciliationId: item.reconciliationId,
    class: item.itemClass,
    statement: money(item.statementMinor),
    books: money(item.booksMinor),
    difference: money(item.gap),
    lineId: item.lineId,
    attemptId: item.attemptId,
    payoutId: item.payoutId,
    gatewayReference: item.providerId,
    firstSeenAt: item.firstSeenAt,
    resolution: item.resolution,
    affiliateId: item.affiliateId,
    resolvedAt: item.resolvedAt,
    resolvedBy: item.resolvedBy,
    reason: item.note,
  };
}
