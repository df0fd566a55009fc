import type { Instant } from '../../../domain/time.js';
import { type LeadForm, type LeadFormRow, toLeadForm } from '../../tracking/leadForm.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

/** What came in by a form, and how its program pays. */
export interface FormFigures {
  readonly submissions: number;
  readonly lastSubmissionAt: Instant | null;
  readonly acquisitionModel: 'cpl' | 'cpa' | null;
}

export interface LeadFormFilter {
  readonly active?: boolean | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

// Which lead forms are there?
export async function listLeadForms(tx: ReadTx, filter: LeadFormFilter, page: Page): Promise<readonly LeadForm[]> {
  const query = tx('lead_forms').whereNull('deleted_at').select<LeadFormRow[]>('*');
  if (filter.active !== undefined) query.where({ active: filter.active });
  if (filter.programId !== undefined) query.whereIn('program_id', [...filter.programId]);
  if (filter.q !== undefined) query.whereRaw('(strpos(lower(name), lower(:q)) > 0 or id = :q)', { q: filter.q });
  const rows = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toLeadForm);
}

// How many leads of live mode came by each of these forms, the last when, and for which acquisition model?
export async function listFormFigures(
  tx: ReadTx | Tx,
  forms: readonly Pick<LeadForm, 'id' | 'programId'>[],
): Promise<ReadonlyMap<string, FormFigures>> {
  if (forms.length === 0) return new Map();
  const { rows } = await tx.raw<{
    rows: { id: string; submissions: bigint; last: Instant | null; model: FormFigures['acquisitionModel'] }[];
  }>(
    `select form.id, program.acquisition_model as model, count(lead.id) as submissions, max(lead.created_at) as last
     from lead_forms as form
     join programs as program on (program.workspace_id, program.id) = (form.workspace_id, form.program_id)
     left join leads as lead on (lead.workspace_id, lead.form_id) = (form.workspace_id, form.id) and lead.mode = 'live'
     where form.id = any(:ids)
     group by form.id, program.acquisition_model`,
    { ids: forms.map((form) => form.id) },
  );
  return new Map(
    rows.map((row) => [
      row.id,
      { submissions: Number(row.submissions), lastSubmissionAt: row.last, acquisitionModel: row.model },
    ]),
  );
}
