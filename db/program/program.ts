import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ProgramId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import {
  type EnrolmentRequirement,
  type OwnTerms,
  type Program,
  type ProgramEvent,
  type ProgramStatus,
  programTransitions,
  type Renewals,
} from '../../domain/program/program.js';
import {
  planAt,
  type PlannedPlan,
  type PlanStep,
  type ProgramPlan,
  stepsAfter,
} from '../../domain/program/programPlan.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { once, run } from '../pipeline.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface ProgramRow {
  readonly id: string;
  readonly name: string;
  readonly slug: string;
  readonly status: ProgramStatus;
  readonly currency: string;
  readonly time_zone: string | null;
  readonly levels: number;
  readonly enrolment: Program['enrolment'];
  readonly acquisition_model: Program['acquisitionModel'];
  readonly requirements: readonly EnrolmentRequirement[];
  readonly required_checks: Program['requiredChecks'];
  readonly own_terms: OwnTerms;
  readonly plan_steps: readonly PlanStep[];
  readonly landing_url: string | null;
  readonly fallback_url: string | null;
  readonly destination_hosts: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly closed_at: Instant | null;
  readonly renewals: Renewals | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toProgram(row: ProgramRow): Program {
  return {
    id: row.id as ProgramId,
    name: row.name,
    slug: row.slug,
    status: row.status,
    currency: row.currency as CurrencyCode,
    timeZone: row.time_zone,
    levels: row.levels,
    enrolment: row.enrolment,
    acquisitionModel: row.acquisition_model,
    requirements: row.requirements,
    requiredChecks: row.required_checks,
    ownTerms: row.own_terms,
    planSteps: row.plan_steps,
    landingUrl: row.landing_url,
    fallbackUrl: row.fallback_url,
    destinationHosts: row.destination_hosts,
    metadata: row.metadata,
    closedAt: row.closed_at,
    renewals: row.renewals,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewProgram = Omit<
  Program,
  'status' | 'planSteps' | 'closedAt' | 'renewals' | 'version' | 'createdAt' | 'updatedAt'
>;
/** What an edit may change. `currency` only while nothing is bound to it. */
export type ProgramChange = Partial<Omit<NewProgram, 'id'>>;

export function findProgram(tx: ReadTx | Tx, id: string): Promise<Program | undefined> {
  return once(tx, ['programs'], `program ${id}`, async () => {
    const [row] = await run<ProgramRow>(tx, 'select * from programs where id = $1', [id]);
    return row === undefined ? undefined : toProgram(row);
  });
}

/** Every program as deep as it is, or is planned to be: what a rule of no program is judged in. */
export async function listProgramDepths(
  tx: ReadTx | Tx,
): Promise<readonly { readonly id: ProgramId; readonly levels: number }[]> {
  const { rows } = await tx.raw<{ rows: { id: ProgramId; levels: number }[] }>(
    `select program.id, greatest(program.levels, max((change.fields ->> 'levels')::int)) as levels
     from programs as program
     left join program_changes as change on change.workspace_id = program.workspace_id and change.program_id = program.id
     group by program.workspace_id, program.id, program.levels
     order by program.id`,
  );
  return rows;
}

export async function lockProgram(tx: Tx, id: string): Promise<Program | undefined> {
  const row = await tx('programs').where({ id }).forNoKeyUpdate().first<ProgramRow | undefined>();
  return row === undefined ? undefined : toProgram(row);
}

/** Is the slug taken, by whichever workspace? Slugs stand in public addresses, so the answer is public anyway. */
export async function isProgramSlugTaken(tx: ReadTx | Tx, slug: string): Promise<boolean> {
  const { rows } = await tx.raw<{ rows: unknown[] }>('select from directory_program(?)', [slug]);
  return rows.length > 0;
}

/** Writes the draft and its first audit entry. Refuses with `resource.already_exists` for a name or slug in use. */
export async function insertProgram(tx: Tx, act: Act, program: NewProgram): Promise<Program> {
  const columns = columnsOf(program);
  const [row] = await tx('programs')
    .insert({ ...columns, id: program.id, status: 'draft', created_at: act.now, updated_at: act.now })
    .returning<ProgramRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: program.id,
    seq: 1,
    event: 'created',
    to: 'draft',
    changes: { after: wireOf(columns) },
  });
  return toProgram(row);
}

/**
 * Writes what is different and its audit entry, with the values before and after (`…/versions` reads them). Safe to repeat. `from`: since when
 * it holds, where that is earlier than it is written.
 */
export async function updateProgram(
  tx: Tx,
  act: Act,
  program: Program,
  change: ProgramChange,
  from: Instant = act.now,
): Promise<Program> {
  const columns = changedColumns(columnsOf(program), columnsOf(change));
  const names = Object.keys(columns);
  if (names.length === 0) return program;
  const held = planAt(program, from);
  const now = {
    levels: change.levels ?? held.levels,
    acquisitionModel: change.acquisitionModel === undefined ? held.acquisitionModel : change.acquisitionModel,
  };
  const [row] = await tx('programs')
    .where({ id: program.id })
    .update({
      ...columns,
      ...(await planSteps(tx, program, now, from)),
      version: program.version + 1,
      updated_at: act.now,
    })
    .returning<ProgramRow[]>('*');
  assertInvariant(row !== undefined, 'a locked program is there', { programId: program.id });
  const before = columnsOf(program);
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: program.id,
    seq: program.version + 1,
    event: 'edited',
    from: program.status,
    to: program.status,
    changes: { before: wireOf(before, names), after: wireOf(columns) },
  });
  return toProgram(row);
}

/** The column that says by which plan an event of any time is judged, when the present one is `now` from an instant on (PRG-17). */
export async function planSteps(
  tx: Tx,
  program: Program,
  now: ProgramPlan,
  at: Instant,
): Promise<{ readonly plan_steps: string }> {
  const planned = await tx('program_changes')
    .where({ program_id: program.id })
    .andWhere('effective_from', '>', at)
    .select<{ effective_from: Instant; fields: Partial<ProgramPlan> }[]>('effective_from', 'fields');
  const changes = planned.map(
    ({ effective_from: from, fields: { levels, acquisitionModel } }): PlannedPlan => ({
      from,
      ...(levels === undefined ? {} : { levels }),
      ...(acquisitionModel === undefined ? {} : { acquisitionModel }),
    }),
  );
  return { plan_steps: JSON.stringify(stepsAfter(program, now, at, changes, program.status === 'draft')) };
}

/** Moves the program to the status that the event leads to. The caller has judged it, under the row's lock. */
export async function moveProgram(
  tx: Tx,
  act: Act,
  program: Program,
  event: ProgramEvent,
  renewals: Renewals | null = null,
): Promise<Program> {
  const to = nextStatus(programTransitions, program.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: program.status, event });
  const closing = to === 'closed' ? { closed_at: act.now, renewals: renewals ?? 'stop' } : {};
  const [row] = await tx('programs')
    .where({ id: program.id })
    .update({ status: to, ...closing, version: program.version + 1, updated_at: act.now })
    .returning<ProgramRow[]>('*');
  assertInvariant(row !== undefined, 'a locked program is there', { programId: program.id });
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: program.id,
    seq: program.version + 1,
    event,
    from: program.status,
    to,
    changes: to === 'closed' ? { renewals: renewals ?? 'stop' } : {},
  });
  return toProgram(row);
}

/** Removes a draft that nothing refers to. Refuses with `resource.in_use`. */
export async function deleteProgram(tx: Tx, act: Act, program: Program): Promise<void> {
  await tx('program_products').where({ program_id: program.id }).delete();
  await tx('program_standards').where({ program_id: program.id }).delete();
  await tx('milestones').where({ program_id: program.id }).delete();
  await tx('agreements').where({ program_id: program.id }).delete();
  await tx('programs').where({ id: program.id }).delete();
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: program.id,
    seq: program.version + 1,
    event: 'deleted',
    from: program.status,
  });
}

/** What stands in the way of deleting a draft or changing its currency, by kind. */
export async function programUses(tx: ReadTx | Tx, programId: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { kind: string }[] }>(
    `
    select 'enrolments' as kind where exists (select from enrolments where program_id = :programId)
    union all select 'links' where exists (select from links where program_id = :programId)
    union all select 'commission_rules' where exists (select from commission_rules where program_id = :programId)
    union all select 'referrals' where exists (select from referrals where program_id = :programId)
    union all select 'leads' where exists (select from leads where program_id = :programId)
    union all select 'commissions' where exists (select from commissions where program_id = :programId)`,
    { programId },
  );
  return rows.map((row) => row.kind);
}

/**
 * What is bound to money of a program in another currency than this one: lines, sales that were booked, and what rules or the program's own terms
 * say in amounts. Links, enrolments, leads, and sales that wait for a rate are in no currency of the program's.
 */
export async function moneyBoundTo(
  tx: ReadTx | Tx,
  of: { readonly programId: string; readonly currency: CurrencyCode },
): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { kind: string }[] }>(
    `select 'commissions' as kind where exists (select from commissions where program_id = :programId)
     union all select 'sales' where exists (
       select from sales as sale join referrals as referral on referral.id = sale.referral_id
       where referral.program_id = :programId and sale.processed_at is not null)
     union all select 'commission_rules' where exists (
       select from commission_rules as rule join commission_rule_versions as version on version.rule_id = rule.id
       where rule.program_id = :programId and (
         version.body#>>'{bands,by}' in ('sales_amount', 'sale_size')
         or exists (select from jsonb_path_query(version.body, '$.**.currency') as word where word <> to_jsonb(:currency::text))))
     union all select 'terms' where exists (
       select from programs as program
       where program.id = :programId and program.own_terms#>>'{reviewAbove,currency}' <> :currency)
     union all select 'planned_changes' where exists (
       select from program_changes as change
       where change.program_id = :programId and change.terms#>>'{reviewAbove,currency}' <> :currency)`,
    of,
  );
  return rows.map((row) => row.kind);
}

type Columns = Readonly<Record<string, unknown>>;

function columnsOf(program: ProgramChange): Columns {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', program.name],
    ['slug', program.slug],
    ['currency', program.currency],
    ['time_zone', program.timeZone],
    ['levels', program.levels],
    ['enrolment', program.enrolment],
    ['acquisition_model', program.acquisitionModel],
    ['requirements', program.requirements],
    ['required_checks', program.requiredChecks],
    ['own_terms', program.ownTerms === undefined ? undefined : JSON.stringify(program.ownTerms)],
    ['landing_url', program.landingUrl],
    ['fallback_url', program.fallbackUrl],
    ['destination_hosts', program.destinationHosts],
    ['metadata', program.metadata === undefined ? undefined : JSON.stringify(program.metadata)],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

function changedColumns(before: Columns, after: Columns): Columns {
  return Object.fromEntries(
    Object.entries(after).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name])),
  );
}

/** Columns by the names of the wire, JSON columns as what they hold. */
function wireOf(columns: Columns, only: readonly string[] = Object.keys(columns)): Columns {
  return Object.fromEntries(
    only.map((name) => {
      const value = columns[name];
      const plain: unknown = name === 'own_terms' || name === 'metadata' ? JSON.parse(String(value)) : value;
      return [name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), plain];
    }),
  );
}
