import type { PayoutScheduleId } from '../../../domain/ids.js';
import { parsePayoutCalendar, type PayoutCalendar } from '../../../domain/payout/payoutCalendar.js';
import type { ReadTx } from '../../transaction.js';

// Which schedules should Temporal have, and when do they run? (temporal.md 6)

export interface PayoutScheduleEntry {
  readonly id: PayoutScheduleId;
  /** Undefined: the column holds none that this code knows. */
  readonly calendar: PayoutCalendar | undefined;
  readonly timeZone: string;
  readonly paused: boolean;
  readonly isDeleted: boolean;
}

interface Row {
  readonly id: PayoutScheduleId;
  readonly calendar: unknown;
  readonly time_zone: string;
  readonly paused: boolean;
  readonly deleted_at: unknown;
}

/** All of the workspace, or the one named. */
export async function listPayoutCalendars(tx: ReadTx, id?: string): Promise<readonly PayoutScheduleEntry[]> {
  const query = tx<Row>('payout_schedules').select('id', 'calendar', 'time_zone', 'paused', 'deleted_at').orderBy('id');
  const rows = await (id === undefined ? query : query.where('id', id as PayoutScheduleId));
  return rows.map((row) => ({
    id: row.id,
    calendar: parsePayoutCalendar(row.calendar),
    timeZone: row.time_zone,
    paused: row.paused,
    isDeleted: row.deleted_at !== null,
  }));
}
