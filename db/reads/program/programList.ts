import type { Program, ProgramStatus } from '../../../domain/program/program.js';
import { type LastDecision, listLastDecisions } from '../../audit/directDecision.js';
import { type ProgramRow, toProgram } from '../../program/program.js';
import { listPlannedChanges, type ShownChange } from '../../program/programChange.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import type { Instant } from '../../../domain/time.js';

export interface ProgramView {
  readonly program: Program;
  readonly currentTermsId: string | null;
  readonly currentGuidelinesId: string | null;
  readonly decision: LastDecision | null;
  readonly planned: readonly ShownChange[];
}

export interface ProgramFilter {
  readonly status?: readonly ProgramStatus[] | undefined;
  readonly acquisitionModel?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

function filtered(tx: ReadTx | Tx, filter: ProgramFilter) {
  return tx('programs').where((where) => {
    if (filter.status !== undefined) where.whereIn('status', [...filter.status]);
    if (filter.acquisitionModel !== undefined) where.whereIn('acquisition_model', [...filter.acquisitionModel]);
    if (filter.q !== undefined)
      where.whereRaw(`(strpos(lower(name), lower(?)) > 0 or slug = lower(?) or id = ?)`, [
        filter.q,
        filter.q,
        filter.q,
      ]);
  });
}

// Which programs does this workspace have? They are few, so no reader is limited to some of them.
export async function listPrograms(
  tx: ReadTx,
  filter: ProgramFilter,
  page: Page,
  now: Instant,
): Promise<readonly ProgramView[]> {
  const rows = await keyset(filtered(tx, filter).select<ProgramRow[]>('*'), page, {
    createdAt: 'created_at',
    name: 'name',
  });
  return viewsOf(tx, rows.map(toProgram), now);
}

// How many programs does the filter match, by status?
export async function countPrograms(
  tx: ReadTx,
  filter: ProgramFilter,
): Promise<{ total: number; byStatus: Record<string, number> }> {
  const rows = await filtered(tx, filter)
    .groupBy('status')
    .select<{ status: string; number: number }[]>('status', tx.raw('count(*)::int as number'));
  return {
    total: rows.reduce((sum, row) => sum + row.number, 0),
    byStatus: Object.fromEntries(rows.map((row) => [row.status, row.number])),
  };
}

/** The program as its resource shows it, from a row the caller has. */
export async function viewProgram(tx: ReadTx | Tx, program: Program, now: Instant): Promise<ProgramView> {
  const [view] = await viewsOf(tx, [program], now);
  return view ?? { program, currentTermsId: null, currentGuidelinesId: null, decision: null, planned: [] };
}

async function viewsOf(tx: ReadTx | Tx, programs: readonly Program[], now: Instant): Promise<readonly ProgramView[]> {
  const ids = programs.map((program) => program.id);
  if (ids.length === 0) return [];
  const { rows } = await tx.raw<{ rows: { program_id: string; kind: string; id: string }[] }>(
    `
    select distinct on (agreement.program_id, agreement.kind) agreement.program_id, agreement.kind, agreement.id
    from agreements as agreement
    where agreement.program_id = any(:ids)
      and agreement.effective_from <= :now
    order by agreement.program_id, agreement.kind, agreement.number desc`,
    { ids, now },
  );
  const current = (id: string, kind: string): string | null =>
    rows.find((row) => row.program_id === id && row.kind === kind)?.id ?? null;
  const decisions = await listLastDecisions(tx, ids);
  const planned = await listPlannedChanges(tx, ids);
  return programs.map((program) => ({
    program,
    currentTermsId: current(program.id, 'terms'),
    currentGuidelinesId: current(program.id, 'guidelines'),
    decision: decisions.get(program.id) ?? null,
    planned: planned.filter((change) => change.programId === program.id),
  }));
}
