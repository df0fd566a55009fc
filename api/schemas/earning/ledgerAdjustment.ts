import { z } from 'zod';
import { type LedgerAdjustment, statusOfAdjustment } from '../../../db/earning/ledgerAdjustment.js';
import type { AccountRef } from '../../../domain/earning/ledger.js';
import { ledgerAdjustmentKinds, type LedgerAdjustmentStatus } from '../../../domain/earning/ledgerAdjustment.js';
import { anyOf, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, moneyWire, objectFields, reasonText } from '../wire.js';

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

const statuses = ['pending', 'approved', 'rejected'] as const satisfies readonly LedgerAdjustmentStatus[];
export const ledgerAdjustmentQuery = listQuery(
  { status: anyOf(statuses), kind: anyOf(ledgerAdjustmentKinds) },
  { q: true },
);

const accountRefWire = z.strictObject({ kind: z.string(), ownerId: z.string().nullable() });

export const ledgerAdjustmentWire = z
  .strictObject({
    ...objectFields('transfer', 'ledger_adjustment'),
    kind: z.enum(ledgerAdjustmentKinds),
    status: z.enum(statuses),
    accountId: z.string(),
    account: accountRefWire,
    counterAccountId: z.string().nullable(),
    counterAccount: accountRefWire.nullable(),
    amount: moneyWire,
    reason: z.string(),
    documentId: z.string().nullable(),
    createdBy: z.string().nullable(),
    createdByName: z.string().nullable(),
    approvedBy: z.string().nullable(),
    approvedByName: z.string().nullable(),
    approvedAt: instantWire.nullable(),
    secondPerson: z.enum(['other_person', 'single_person']).nullable(),
    rejectedBy: z.string().nullable(),
    rejectedByName: z.string().nullable(),
    rejectedAt: instantWire.nullable(),
    rejectionReason: z.string().nullable(),
    allowedActions: z.array(z.string()),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('LedgerAdjustment');
export const ledgerAdjustmentList = listOf(ledgerAdjustmentWire);

const refOf = ({ kind, ownerId }: AccountRef) => ({ kind, ownerId: ownerId === '' ? null : ownerId });

/**
 * `names` of who asked and who decided; `mayWrite`: the reader may ask and reject; `mayApprove`: may approve as well, by right and by the rule of
 * two persons.
 */
export function presentLedgerAdjustment(
  adjustment: LedgerAdjustment,
  of: { readonly names: ReadonlyMap<string, string>; readonly mayWrite: boolean; readonly mayApprove: boolean },
): z.output<typeof ledgerAdjustmentWire> {
  const status = statusOfAdjustment(adjustment);
  const nameOf = (id: string | null): string | null => (id === null ? null : (of.names.get(id) ?? null));
  return {
    id: adjustment.id,
    object: 'ledger_adjustment',
    kind: adjustment.kind,
    status,
    accountId: adjustment.accountId,
    account: refOf(adjustment.account),
    counterAccountId: adjustment.counterAccountId,
    counterAccount: adjustment.counterAccount === null ? null : refOf(adjustment.counterAccount),
    amount: adjustment.amount,
    reason: adjustment.reason,
    documentId: adjustment.documentId,
    createdBy: adjustment.createdBy,
    createdByName: nameOf(adjustment.createdBy),
    approvedBy: adjustment.approvedBy,
    approvedByName: nameOf(adjustment.approvedBy),
    approvedAt: adjustment.approvedAt,
    secondPerson: adjustment.secondPerson,
    rejectedBy: adjustment.rejectedBy,
    rejectedByName: nameOf(adjustment.rejectedBy),
    rejectedAt: adjustment.rejectedAt,
    rejectionReason: adjustment.rejectionReason,
    allowedActions:
      status !== 'pending' ? [] : [...(of.mayApprove ? ['approve'] : []), ...(of.mayWrite ? ['reject'] : [])],
    test: adjustment.mode === 'test',
    createdAt: adjustment.createdAt,
  };
}
