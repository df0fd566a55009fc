import { settingsOf, type StoredSections } from '../../../domain/access/settings.js';
import type { Mode } from '../../../domain/act.js';
import { dateIn } from '../../../domain/calendar.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { dueDateOf, type PayoutFrequency } from '../../../domain/payout/dueDate.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import type { ReadTx, Tx } from '../../transaction.js';
import type { PlanCalendar } from './payoutPlan.js';

export interface DueDates {
  readonly dueOn: LocalDate | null;
  /** The day it was due, once that is over. */
  readonly overdueSince: LocalDate | null;
}

const none: DueDates = { dueOn: null, overdueSince: null };

/**
 * When is what these affiliates are owed to be paid (PAY-20)? By the oldest approved line that is in no live payout, and by how often the
 * affiliate's group, else the workspace, pays. Key: `affiliate/currency`.
 */
export async function readDueDates(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly affiliateIds: readonly AffiliateId[];
    readonly zone: string;
    readonly today: LocalDate;
  },
): Promise<(affiliateId: string, currency: string) => DueDates> {
  if (of.affiliateIds.length === 0) return () => none;
  const row = await tx('settings').first<{ sections: StoredSections } | undefined>('sections');
  const usual = settingsOf(row?.sections ?? {}).payouts.frequency;
  const { rows } = await tx.raw<{
    rows: { affiliate_id: string; currency: string; frequency: PayoutFrequency | null; oldest: Instant }[];
  }>(
    `select commission.affiliate_id, commission.currency, own.payout_frequency as frequency, min(commission.approved_at) as oldest
     from commissions as commission
     join affiliates as affiliate on affiliate.workspace_id = commission.workspace_id and affiliate.id = commission.affiliate_id
     left join groups as own on own.workspace_id = affiliate.workspace_id and own.id = affiliate.group_id
     where commission.affiliate_id = any(:ids::text[]) and commission.mode = :mode and commission.status = 'approved'
       and not commission.on_hold and commission.amount_minor > commission.reversed_minor and commission.approved_at is not null
       and not exists (
         select from payout_lines as line
         where line.workspace_id = commission.workspace_id and line.commission_id = commission.id and line.released_at is null)
     group by commission.affiliate_id, commission.currency, own.payout_frequency`,
    { ids: [...of.affiliateIds], mode: of.mode },
  );
  const dates = new Map(
    rows.map((one): [string, DueDates] => {
      const dueOn = dueDateOf(one.frequency ?? usual, of.zone, one.oldest);
      return [
        `${one.affiliate_id}/${one.currency}`,
        { dueOn, overdueSince: dueOn !== null && dueOn < of.today ? dueOn : null },
      ];
    }),
  );
  return (affiliateId, currency) => dates.get(`${affiliateId}/${currency}`) ?? none;
}

/**
 * The day that a draft made today is due on: when the oldest of its lines was, or today if that day is still to come, because somebody decided
 * to pay now. One that is made late is overdue from its first day.
 */
export async function readDraftDueDates(tx: ReadTx | Tx, now: Instant): Promise<(of: PlanCalendar) => LocalDate> {
  const row = await tx('settings').first<{ sections: StoredSections } | undefined>('sections');
  const { payouts, general } = settingsOf(row?.sections ?? {});
  const zone = general.timeZone;
  const today = dateIn(zone, now);
  const known = new Map<string, LocalDate>(); // zones differ by quarters of an hour: within one the day is the same
  return ({ oldestAt, frequency }) => {
    if (oldestAt === null) return today;
    const key = `${frequency ?? ''}/${oldestAt.slice(0, 14)}${quarterOf(oldestAt)}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const day = dueDateOf(frequency ?? payouts.frequency, zone, oldestAt);
    const dueOn = day !== null && day < today ? day : today;
    known.set(key, dueOn);
    return dueOn;
  };
}

/** Which quarter of its hour an instant lies in. */
function quarterOf(at: Instant): number {
  return Math.floor(Number(at.slice(14, 16)) / 15);
}
