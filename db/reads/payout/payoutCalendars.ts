import type { PayoutScheduleId } from '../../../domain/ids.js';
import type { PayoutCalendar } from '../../../domain/payout/payoutSchedule.js';
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
    calendar: parseCalendar(row.calendar),
    timeZone: row.time_zone,
    paused: row.paused,
    isDeleted: row.deleted_at !== null,
  }));
}

/** The column as written by `insertSchedule`; undefined for anything else, which nobody may schedule by. */
function parseCalendar(value: unknown): PayoutCalendar | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { every, hour, minute, dayOfWeek, dayOfMonth } = value as Readonly<Record<string, unknown>>;
  // Hours 0-3 are not offered: a clock change may leave them out. Days 1-28: every month has them.
  if (!isWithin(hour, 4, 23) || !isWithin(minute, 0, 59)) return undefined;
  if (every === 'week') return isWithin(dayOfWeek, 1, 7) ? { every, dayOfWeek, hour, minute } : undefined;
  if (every === 'month') return isWithin(dayOfMonth, 1, 28) ? { every, dayOfMonth, hour, minute } : undefined;
  return undefined;
}

function isWithin(value: unknown, from: number, to: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to;
}
