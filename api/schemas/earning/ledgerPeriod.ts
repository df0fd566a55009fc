import { z } from 'zod';
import type { LedgerPeriod } from '../../../db/earning/ledgerPeriod.js';
import { dateIn } from '../../../domain/calendar.js';
import { listQuery } from '../../lists.js';
import { dateWire, instantWire, listOf, namedWire, objectFields, reasonText } from '../wire.js';

export const ledgerPeriodClose = z.strictObject({
  /** The last day of the period, by the workspace's calendar. */
  through: dateWire,
  note: reasonText.nullable().default(null),
});
export const ledgerPeriodQuery = listQuery({}, { sort: ['through'] });

export const ledgerPeriodWire = z
  .strictObject({
    ...objectFields('ledgerPeriod', 'ledger_period'),
    through: dateWire,
    throughAt: instantWire,
    closedAt: instantWire,
    closedBy: namedWire.nullable(),
    note: z.string().nullable(),
    test: z.boolean(),
  })
  .openapi('LedgerPeriod');
export const ledgerPeriodList = listOf(ledgerPeriodWire);

/** `zone`: whose days a period ends with; `names` of who closed. */
export function presentLedgerPeriod(
  period: LedgerPeriod,
  of: { readonly zone: string; readonly names: ReadonlyMap<string, string> },
): z.output<typeof ledgerPeriodWire> {
  const { closedBy } = period;
  return {
    id: period.id,
    object: 'ledger_period',
    through: dateIn(of.zone, period.through),
    throughAt: period.through,
    closedAt: period.closedAt,
    closedBy: closedBy === null ? null : { id: closedBy, name: of.names.get(closedBy) ?? closedBy },
    note: period.note,
    test: period.mode === 'test',
  };
}
