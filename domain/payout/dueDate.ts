import { dateIn, nextOccurrence, periodContaining } from '../calendar.js';
import { addMs, type Instant, type LocalDate } from '../time.js';

/** How often an affiliate is paid: the workspace's setting, or its group's (PAY-13). `manual`: whenever staff decide, so nothing is ever late. */
export type PayoutFrequency = 'weekly' | 'biweekly' | 'monthly' | 'quarterly' | 'manual';

/** A period is paid on the 15th after it (features.md 20.1); a week on the Friday after it. */
const dayOfMonth = 15;
const friday = 5;

/**
 * The day on which money approved at an instant is to be paid (PAY-20), in the workspace's zone: what was approved before the 1st of a month,
 * or of a quarter, is due on the 15th of that month; weekly, what was approved before a Monday is due on that week's Friday, every second
 * week the one after. Null: no calendar says when.
 */
export function dueDateOf(frequency: PayoutFrequency, zone: string, approvedAt: Instant): LocalDate | null {
  switch (frequency) {
    case 'manual':
      return null;
    case 'monthly':
    case 'quarterly': {
      const { until } = periodContaining(zone, frequency === 'monthly' ? 'month' : 'quarter', approvedAt);
      return dateIn(zone, nextOccurrence(zone, { every: 'month', dayOfMonth, hour: 12, minute: 0 }, until));
    }
    case 'weekly':
    case 'biweekly': {
      const monday = nextOccurrence(zone, { every: 'week', dayOfWeek: 1, hour: 0, minute: 0 }, approvedAt);
      // A millisecond earlier, so that an hour of Friday itself is still found from the Monday before it.
      const first = nextOccurrence(zone, { every: 'week', dayOfWeek: friday, hour: 12, minute: 0 }, addMs(monday, -1));
      const day =
        frequency === 'weekly'
          ? first
          : nextOccurrence(zone, { every: 'week', dayOfWeek: friday, hour: 12, minute: 0 }, first);
      return dateIn(zone, day);
    }
    default:
      return frequency satisfies never;
  }
}
