import type { Act } from '../../domain/act.js';
import type { AffiliateId, ProgramId } from '../../domain/ids.js';
import type {
  Judgement,
  Performance,
  StandardMetric,
  StandardPeriod,
  Threshold,
} from '../../domain/program/standard.js';
import type { Program } from '../../domain/program/program.js';
import type { InstantRange } from '../../domain/calendar.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { insertSet } from '../setInsert.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface ProgramStandards {
  readonly programId: ProgramId;
  readonly programName: string;
  readonly timeZone: string | null;
  readonly thresholds: readonly Threshold[];
  readonly setAt: Instant;
  /** What takes their place, where that is planned. */
  readonly next: readonly Threshold[] | null;
  readonly nextFrom: Instant | null;
}

interface StandardRow {
  readonly program_id: ProgramId;
  readonly thresholds: readonly Threshold[];
  readonly next_thresholds: readonly Threshold[] | null;
  readonly next_from: Instant | null;
  readonly next_by: string | null;
}

const rowColumns = ['program_id', 'thresholds', 'next_thresholds', 'next_from', 'next_by'] as const;
const nothingPlanned = { next_thresholds: null, next_from: null, next_by: null };

async function findStandard(tx: ReadTx | Tx, programId: string): Promise<StandardRow | undefined> {
  return tx('program_standards')
    .where({ program_id: programId })
    .first<StandardRow | undefined>([...rowColumns]);
}

/** The thresholds of a program that hold at an instant; none where none were ever set. */
export async function listThresholds(tx: ReadTx | Tx, programId: string, now: Instant): Promise<readonly Threshold[]> {
  const row = await findStandard(tx, programId);
  const isDue = row?.next_from != null && row.next_from <= now;
  return (isDue ? row.next_thresholds : row?.thresholds) ?? [];
}

/** Thresholds that wait for their day. */
export async function listPlannedThresholds(
  tx: ReadTx | Tx,
  programIds: readonly string[],
): Promise<
  readonly {
    readonly programId: ProgramId;
    readonly effectiveFrom: Instant;
    readonly thresholds: readonly Threshold[];
  }[]
> {
  const rows = await tx('program_standards')
    .whereIn('program_id', [...programIds])
    .whereNotNull('next_from')
    .select<StandardRow[]>([...rowColumns]);
  return rows.flatMap((row) =>
    row.next_from === null
      ? []
      : [{ programId: row.program_id, effectiveFrom: row.next_from, thresholds: row.next_thresholds ?? [] }],
  );
}

type Versioned = Pick<Program, 'id' | 'status' | 'version'>;

/** The program's next version, for a change of what it asks of affiliates (PRG-17). */
async function recordVersion(
  tx: Tx,
  act: Act,
  program: Versioned,
  event: 'edited' | 'changePlanned',
  changes: Readonly<Record<string, unknown>>,
): Promise<void> {
  const version = program.version + 1;
  await tx('programs').where({ id: program.id }).update({ version, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: program.id,
    seq: version,
    event,
    from: program.status,
    to: program.status,
    changes,
  });
}

async function writeStandard(
  tx: Tx,
  act: Act,
  programId: ProgramId,
  columns: Readonly<Record<string, unknown>>,
): Promise<void> {
  await tx('program_standards')
    .insert({ program_id: programId, thresholds: '[]', set_at: act.now, ...columns, created_at: act.now })
    .onConflict(['workspace_id', 'program_id'])
    .merge(columns);
}

/**
 * Replaces the thresholds, whole, and what was planned for them: the program's next version, with what they were and are. The caller holds the
 * program's lock. Nothing happens when they are the same.
 */
export async function putThresholds(
  tx: Tx,
  act: Act,
  program: Versioned,
  thresholds: readonly Threshold[],
): Promise<void> {
  const row = await findStandard(tx, program.id);
  const before = row?.thresholds ?? [];
  if (JSON.stringify(before) === JSON.stringify(thresholds) && row?.next_from == null) return;
  await writeStandard(tx, act, program.id, {
    thresholds: JSON.stringify(thresholds),
    set_by: act.actor.userId,
    set_at: act.now,
    ...nothingPlanned,
  });
  await recordVersion(tx, act, program, 'edited', { before: { thresholds: before }, after: { thresholds } });
}

/** Keeps thresholds until their day, in the place of others that wait (PRG-17). Needs the program's lock. */
export async function planThresholds(
  tx: Tx,
  act: Act,
  program: Versioned,
  thresholds: readonly Threshold[],
  effectiveFrom: Instant,
): Promise<void> {
  await writeStandard(tx, act, program.id, {
    next_thresholds: JSON.stringify(thresholds),
    next_from: effectiveFrom,
    next_by: act.actor.userId,
  });
  await recordVersion(tx, act, program, 'changePlanned', { after: { effectiveFrom, thresholds } });
}

/** Takes back thresholds that were to hold from an instant on. Answers how many there were. */
export function dropPlannedThresholds(tx: Tx, programId: string, effectiveFrom: Instant): Promise<number> {
  return tx('program_standards').where({ program_id: programId, next_from: effectiveFrom }).update(nothingPlanned);
}

/** What was planned and is due takes its place, as of its day. The caller holds the program's lock. */
export async function takePlannedThresholds(tx: Tx, act: Act, program: Versioned): Promise<void> {
  const row = await findStandard(tx, program.id);
  if (row?.next_from == null || row.next_from > act.now) return;
  const after = row.next_thresholds ?? [];
  await writeStandard(tx, act, program.id, {
    thresholds: JSON.stringify(after),
    set_by: row.next_by,
    set_at: row.next_from,
    ...nothingPlanned,
  });
  const changes = { before: { thresholds: row.thresholds }, after: { thresholds: after } };
  await recordVersion(tx, act, program, 'edited', changes);
}

/** Every program that is running and has thresholds, or will have. */
export async function listStandards(tx: Tx): Promise<readonly ProgramStandards[]> {
  const { rows } = await tx.raw<{ rows: ProgramStandards[] }>(
    `select standard.program_id as "programId", program.name as "programName", program.time_zone as "timeZone", standard.thresholds,
            standard.set_at as "setAt", standard.next_thresholds as "next", standard.next_from as "nextFrom"
     from program_standards as standard
     join programs as program on program.workspace_id = standard.workspace_id and program.id = standard.program_id
     where program.status in ('active', 'paused') and (standard.thresholds <> '[]' or standard.next_from is not null)
     order by standard.program_id`,
  );
  return rows;
}

/** Was this period of this threshold judged? */
export async function isPeriodJudged(
  tx: Tx,
  of: {
    readonly programId: string;
    readonly metric: StandardMetric;
    readonly period: StandardPeriod;
    readonly from: Instant;
  },
): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>(
    `select from standard_results
     where program_id = :programId and metric = :metric and period = :period and period_from >= :from
     limit 1`,
    of,
  );
  return rows.length > 0;
}

/**
 * What did each affiliate of a program do in a period? Those who were active members when it began and still are: nobody is judged by part
 * of a period.
 */
export async function listPerformance(
  tx: ReadTx | Tx,
  of: { readonly programId: string; readonly range: InstantRange },
): Promise<readonly (Performance & { readonly affiliateId: AffiliateId; readonly name: string })[]> {
  const { rows } = await tx.raw<{ rows: (Performance & { affiliateId: AffiliateId; name: string })[] }>(
    `select affiliate.id as "affiliateId", affiliate.name,
            (select count(*)::int from leads as lead
             where lead.workspace_id = enrolment.workspace_id and lead.affiliate_id = affiliate.id and lead.program_id = enrolment.program_id
               and lead.mode = 'live' and lead.occurred_at >= :from and lead.occurred_at < :until) as leads,
            (select count(*)::int from leads as lead
             where lead.workspace_id = enrolment.workspace_id and lead.affiliate_id = affiliate.id and lead.program_id = enrolment.program_id
               and lead.mode = 'live' and lead.verdict in ('accepted', 'converted')
               and lead.occurred_at >= :from and lead.occurred_at < :until) as accepted,
            (select count(*)::int from sales as sale
             where sale.workspace_id = enrolment.workspace_id and sale.affiliate_id = affiliate.id and sale.program_id = enrolment.program_id
               and sale.mode = 'live' and sale.status <> 'declined'
               and sale.occurred_at >= :from and sale.occurred_at < :until) as sales,
            (select count(*)::int from sales as sale
             where sale.workspace_id = enrolment.workspace_id and sale.affiliate_id = affiliate.id and sale.program_id = enrolment.program_id
               and sale.mode = 'live' and sale.refunded_minor > 0
               and sale.occurred_at >= :from and sale.occurred_at < :until) as refunds
     from enrolments as enrolment
     join affiliates as affiliate on affiliate.workspace_id = enrolment.workspace_id and affiliate.id = enrolment.affiliate_id
     where enrolment.program_id = :programId and enrolment.status = 'active' and enrolment.joined_at <= :from
       and affiliate.status = 'approved'
     order by affiliate.id`,
    { programId: of.programId, from: of.range.from, until: of.range.until },
  );
  return rows;
}

const columns = {
  program_id: 'text',
  affiliate_id: 'text',
  metric: 'text',
  period: 'text',
  period_from: 'timestamptz',
  period_until: 'timestamptz',
  value: 'bigint',
  minimum: 'bigint',
  maximum: 'bigint',
  outcome: 'text',
  created_at: 'timestamptz',
} as const;

/** Keeps the verdicts of one threshold and period; what is there stays. */
export async function insertResults(
  tx: Tx,
  act: Act,
  of: {
    readonly programId: string;
    readonly threshold: Threshold;
    readonly range: InstantRange;
    readonly results: readonly (Judgement & { readonly affiliateId: string })[];
  },
): Promise<void> {
  const bigintOf = (value: number | null): bigint | null => (value === null ? null : BigInt(value));
  await insertSet(
    tx,
    'standard_results',
    columns,
    of.results.map(({ affiliateId, value, outcome }) => ({
      program_id: of.programId,
      affiliate_id: affiliateId,
      metric: of.threshold.metric,
      period: of.threshold.period,
      period_from: of.range.from,
      period_until: of.range.until,
      value: bigintOf(value),
      minimum: bigintOf(of.threshold.minimum),
      maximum: bigintOf(of.threshold.maximum),
      outcome,
      created_at: act.now,
    })),
    {
      onConflict: 'on conflict (workspace_id, affiliate_id, program_id, metric, period, period_from) do nothing',
    },
  );
}

/**
 * Below a standard: in the newest period that was judged of a threshold which still holds. As a condition on `affiliates`, so that list, filter
 * and count agree.
 */
export const isBelowStandard = `exists (
  select from program_standards as standard
  cross join lateral jsonb_to_recordset(standard.thresholds) as threshold (metric text, period text)
  join lateral (
    select result.outcome
    from standard_results as result
    where result.workspace_id = standard.workspace_id and result.affiliate_id = affiliates.id and result.program_id = standard.program_id
      and result.metric = threshold.metric and result.period = threshold.period
    order by result.period_from desc
    limit 1) as newest on newest.outcome = 'below'
  where standard.workspace_id = affiliates.workspace_id)`;

export async function listBelowStandard(
  tx: ReadTx | Tx,
  affiliateIds: readonly string[],
): Promise<ReadonlySet<string>> {
  if (affiliateIds.length === 0) return new Set();
  const rows = await tx('affiliates')
    .whereIn('affiliates.id', [...affiliateIds])
    .whereRaw(isBelowStandard)
    .select<{ id: string }[]>('affiliates.id');
  return new Set(rows.map((row) => row.id));
}
