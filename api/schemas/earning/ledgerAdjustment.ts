import { z } from 'zod';
import type { LedgerAdjustment } from '../../../db/earning/ledgerAdjustment.js';
import { ledgerAdjustmentKinds } from '../../../domain/earning/ledgerAdjustment.js';
import { idWire, instantWire, moneyWire, objectFields, reasonText } from '../wire.js';

export const ledgerAdjustmentParams = z.strictObject({ transferId: idWire('transfer') });
export const ledgerAdjustmentCreate = z.strictObject({
  kind: z.enum(ledgerAdjustmentKinds),
  /** A debt for `write_off`, a gateway's suspense for `suspense_clearing`. */
  accountId: idWire('ledgerAccount'),
  /** Of a clearing: where the money belongs; left out: the cash of the same gateway. */
  counterAccountId: idWire('ledgerAccount').nullable().default(null),
  amount: moneyWire,
  reason: reasonText,
  documentId: idWire('document').nullable().default(null),
});

export const ledgerAdjustmentWire = z
  .strictObject({
    ...objectFields('transfer', 'ledger_adjustment'),
    kind: z.enum(ledgerAdjustmentKinds),
    status: z.enum(['pending', 'approved']),
    accountId: z.string(),
    counterAccountId: z.string().nullable(),
    amount: moneyWire,
    reason: z.string(),
    documentId: z.string().nullable(),
    createdBy: z.string().nullable(),
    approvedBy: z.string().nullable(),
    approvedAt: instantWire.nullable(),
    secondPerson: z.enum(['other_person', 'single_person']).nullable(),
    allowedActions: z.array(z.string()),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('LedgerAdjustment');

export function presentLedgerAdjustment(adjustment: LedgerAdjustment): z.output<typeof ledgerAdjustmentWire> {
  const isOpen = adjustment.approvedAt === null;
  return {
    id: adjustment.id,
    object: 'ledger_adjustment',
    kind: adjustment.kind,
    status: isOpen ? 'pending' : 'approved',
    accountId: adjustment.accountId,
    counterAccountId: adjustment.counterAccountId,
    amount: adjustment.amount,
    reason: adjustment.reason,
    documentId: adjustment.documentId,
    createdBy: adjustment.createdBy,
    approvedBy: adjustment.approvedBy,
    approvedAt: adjustment.approvedAt,
    secondPerson: adjustment.secondPerson,
    allowedActions: isOpen ? ['approve'] : [],
    test: adjustment.mode === 'test',
    createdAt: adjustment.createdAt,
  };
}
