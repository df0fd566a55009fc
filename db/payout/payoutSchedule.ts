import type { Act } from '../../domain/act.js';
import { DomainError } from '../../domain/errors.js';
import type { PayoutScheduleId } from '../../domain/ids.js';
import type { PayoutCalendar, PayoutSchedule } from '../../domain/payout/payoutSchedule.js';
import { everybody, type RunFilter } from '../../domain/payout/payoutRun.js';
import type { Duration, Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

interface ScheduleRow {
  readonly id: PayoutScheduleId;
  readonly name: string;
  readonly calendar: PayoutCalendar;
  readonly time_zone: string;
  readonly filter: Partial<RunFilter> & { readonly currencies?: string[] };
  readonly pay_after: Duration | null;
  readonly paused: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toSchedule(row: ScheduleRow): PayoutSchedule {
  const { currencies, ...filter } = row.filter;
  return {
    id: row.id,
    name: row.name,
    calendar: row.calendar,
    timeZone: row.time_zone,
    currencies: currencies ?? [],
    filter: { ...everybody, ...filter },
    payAfter: row.pay_after,
    paused: row.paused,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findSchedule(tx: ReadTx | Tx, id: string): Promise<PayoutSchedule | undefined> {
  const row = await tx('payout_schedules').where({ id }).whereNull('deleted_at').first<ScheduleRow | undefined>();
  return row === undefined ? undefined : toSchedule(row);
}

export async function listSchedules(tx: ReadTx | Tx): Promise<readonly PayoutSchedule[]> {
  const rows = await tx('payout_schedules').whereNull('deleted_at').orderBy('id').select<ScheduleRow[]>('*');
  return rows.map(toSchedule);
}

export type ScheduleContent = Pick<
  PayoutSchedule,
  'name' | 'calendar' | 'timeZone' | 'currencies' | 'filter' | 'payAfter'
>;

function columnsOf(content: ScheduleContent) {
  return {
    name: content.name,
    calendar: JSON.stringify(content.calendar),
    time_zone: content.timeZone,
    filter: JSON.stringify({ ...content.filter, currencies: content.currencies }),
    pay_after: content.payAfter,
  };
}

export async function insertSchedule(tx: Tx, act: Act, content: ScheduleContent): Promise<PayoutScheduleId> {
  const id = act.newId('payoutSchedule');
  await tx('payout_schedules').insert({ id, ...columnsOf(content), created_at: act.now, updated_at: act.now });
  await recordAudit(tx, act, { objectType: 'payout_schedule', objectId: id, seq: 1, event: 'created' });
  return id;
}

/** Code: resource.not_found. */
export async function changeSchedule(
  tx: Tx,
  act: Act,
  id: string,
  event: 'changed' | 'paused' | 'resumed' | 'deleted' | 'triggered',
  content?: ScheduleContent,
): Promise<PayoutSchedule> {
  const [row] = await tx('payout_schedules')
    .where({ id })
    .whereNull('deleted_at')
    .update({
      ...(content === undefined ? {} : columnsOf(content)),
      ...(event === 'paused' || event === 'resumed' ? { paused: event === 'paused' } : {}),
      ...(event === 'deleted' ? { deleted_at: act.now } : {}),
      version: tx.raw('version + 1'),
      updated_at: act.now,
    })
    .returning<ScheduleRow[]>('*');
  if (row === undefined) throw new DomainError('resource.not_found');
  await recordAudit(tx, act, { objectType: 'payout_schedule', objectId: id, seq: row.version, event });
  return toSchedule(row);
}
