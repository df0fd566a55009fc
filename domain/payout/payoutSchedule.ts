import { periodContaining } from '../calendar.js';
import type { PayoutScheduleId } from '../ids.js';
import { addDuration, type Duration, type Instant } from '../time.js';
import type { RunFilter } from './payoutRun.js';

/**
 * When a run starts, in the schedule's zone. Hours 0 to 3 are not offered: a clock change may leave them out, and a monthly run on such a
 * day would be lost (temporal.md 6). Monday is 1; days of the month to 28, which every month has.
 */
export type PayoutCalendar =
  | { readonly every: 'week'; readonly dayOfWeek: number; readonly hour: number; readonly minute: number }
  | { readonly every: 'month'; readonly dayOfMonth: number; readonly hour: number; readonly minute: number };

export interface PayoutSchedule {
  readonly id: PayoutScheduleId;
  readonly name: string;
  readonly calendar: PayoutCalendar;
  readonly timeZone: string;
  readonly currencies: readonly string[];
  readonly filter: RunFilter;
  /** From the nominal time to the pay date; null: waits for `execute`. */
  readonly payAfter: Duration | null;
  readonly paused: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** What a run of this nominal time looks at: monthly, what was approved before the 1st of that month (features.md 20.1). */
export function periodOf(
  schedule: Pick<PayoutSchedule, 'calendar' | 'timeZone' | 'payAfter'>,
  nominalAt: Instant,
): { readonly cutOffAt: Instant; readonly payAt: Instant | null } {
  return {
    cutOffAt:
      schedule.calendar.every === 'month' ? periodContaining(schedule.timeZone, 'month', nominalAt).from : nominalAt,
    payAt: schedule.payAfter === null ? null : addDuration(nominalAt, schedule.payAfter),
  };
}
