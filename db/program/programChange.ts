import type { Act } from '../../domain/act.js';
import type { ProgramId } from '../../domain/ids.js';
import { type PlannedTerms, type Program, withTerms } from '../../domain/program/program.js';
import { planAt } from '../../domain/program/programPlan.js';
import type { Threshold } from '../../domain/program/standard.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';
import { lockProgram, planSteps, type ProgramChange, updateProgram } from './program.js';
import { dropPlannedThresholds, listPlannedThresholds } from './standard.js';

/** Columns of a program that may wait for a day; name, slug and currency change at once or not at all. */
export type PlannedFields = Omit<ProgramChange, 'name' | 'slug' | 'currency' | 'metadata' | 'ownTerms'>;

export interface PlannedChange {
  readonly programId: ProgramId;
  readonly effectiveFrom: Instant;
  readonly fields: PlannedFields;
  readonly terms: PlannedTerms;
}

interface Row {
  readonly program_id: ProgramId;
  readonly effective_from: Instant;
  readonly fields: PlannedFields;
  readonly terms: PlannedTerms;
}

function toChange(row: Row): PlannedChange {
  return { programId: row.program_id, effectiveFrom: row.effective_from, fields: row.fields, terms: row.terms };
}

/** A change as it is shown: thresholds wait elsewhere, as they are judged by. */
export type ShownChange = Omit<PlannedChange, 'fields'> & {
  readonly fields: PlannedFields & { readonly thresholds?: readonly Threshold[] };
};

/** What is going to change in these programs, the next first. */
export async function listPlannedChanges(
  tx: ReadTx | Tx,
  programIds: readonly string[],
): Promise<readonly ShownChange[]> {
  if (programIds.length === 0) return [];
  const rows = await tx('program_changes')
    .whereIn('program_id', [...programIds])
    .orderBy(['effective_from', 'program_id'])
    .select<Row[]>('program_id', 'effective_from', 'fields', 'terms');
  const thresholds = await listPlannedThresholds(tx, programIds);
  return [
    ...rows.map(toChange),
    ...thresholds.map(({ thresholds: planned, ...of }) => ({ ...of, fields: { thresholds: planned }, terms: {} })),
  ].toSorted((a, b) => (a.effectiveFrom < b.effectiveFrom ? -1 : a.effectiveFrom > b.effectiveFrom ? 1 : 0));
}

/**
 * Keeps a change until its day, in the place of one for the same instant; without a field it takes that one back. Needs the program's lock.
 * Answers the program, a version further, because what it is going to be is a part of it.
 */
export async function planChange(tx: Tx, act: Act, program: Program, change: PlannedChange): Promise<Program> {
  const key = { program_id: program.id, effective_from: change.effectiveFrom };
  const isEmpty = Object.keys(change.fields).length + Object.keys(change.terms).length === 0;
  const dropped = isEmpty ? await dropPlannedThresholds(tx, program.id, change.effectiveFrom) : 0;
  const taken = dropped + (await tx('program_changes').where(key).delete());
  if (isEmpty && taken === 0) return program;
  if (!isEmpty)
    await tx('program_changes').insert({
      ...key,
      fields: JSON.stringify(change.fields),
      terms: JSON.stringify(change.terms),
      created_by_user: act.actor.userId,
      created_at: act.now,
    });
  const version = program.version + 1;
  const steps = await planSteps(tx, program, planAt(program, act.now), act.now);
  await tx('programs')
    .where({ id: program.id })
    .update({ version, ...steps, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: program.id,
    seq: version,
    event: isEmpty ? 'changeWithdrawn' : 'changePlanned',
    from: program.status,
    to: program.status,
    changes: { after: { effectiveFrom: change.effectiveFrom, ...change.fields, ...change.terms } },
  });
  return { ...program, version, updatedAt: act.now };
}

/** Writes what takes effect by now into its programs, the earliest first, and lets it go. Safe to repeat. Answers how many changes. */
export async function applyDueChanges(tx: Tx, act: Act): Promise<number> {
  const due = await tx('program_changes')
    .where('effective_from', '<=', act.now)
    .orderBy(['program_id', 'effective_from'])
    .select<Row[]>('program_id', 'effective_from', 'fields', 'terms');
  let applied = 0;
  for (const { programId, effectiveFrom, fields, terms } of due.map(toChange)) {
    const program = await lockProgram(tx, programId);
    // Under the lock: taken back or applied meanwhile is nothing left to do.
    const left = await tx('program_changes').where({ program_id: programId, effective_from: effectiveFrom }).delete();
    if (program === undefined || left === 0 || program.status === 'closed') continue;
    const change = { ...fields, ownTerms: withTerms(program.ownTerms, terms) };
    await updateProgram(tx, act, program, change, effectiveFrom);
    applied += 1;
  }
  return applied;
}
