import type { Act } from '../../domain/act.js';
import {
  type ApplicationForm,
  type Asking,
  defaultAskings,
  type Question,
} from '../../domain/affiliate/application.js';
import type { DocumentKind } from '../../domain/affiliate/document.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Id, ProgramId } from '../../domain/ids.js';
import type { Program } from '../../domain/program/program.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

interface ApplicationFormRow {
  readonly id: Id<'applicationForm'>;
  readonly program_id: ProgramId;
  readonly language: 'en' | 'de';
  readonly introduction: string | null;
  readonly company: Asking;
  readonly website: Asking;
  readonly country: Asking;
  readonly questions: readonly Question[];
  readonly documents: readonly DocumentKind[];
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toForm(row: ApplicationFormRow): ApplicationForm {
  return {
    id: row.id,
    programId: row.program_id,
    language: row.language,
    introduction: row.introduction,
    company: row.company,
    website: row.website,
    country: row.country,
    questions: row.questions,
    documents: row.documents,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

/** The program's form; before it was saved the first version, which asks for the known details only. */
export async function getApplicationForm(tx: ReadTx | Tx, program: Program): Promise<ApplicationForm> {
  const row = await tx('application_forms').where({ program_id: program.id }).first<ApplicationFormRow | undefined>();
  return row === undefined
    ? {
        id: null,
        programId: program.id,
        language: 'en',
        introduction: null,
        ...defaultAskings,
        questions: [],
        documents: [],
        version: 1,
        createdAt: program.createdAt,
        updatedAt: program.createdAt,
      }
    : toForm(row);
}

export type ApplicationFormChange = Pick<
  ApplicationForm,
  'language' | 'introduction' | 'company' | 'website' | 'country' | 'questions' | 'documents'
>;

/** Replaces the form. The program is locked by the caller. The same form again changes nothing. */
export async function saveApplicationForm(
  tx: Tx,
  act: Act,
  form: ApplicationForm,
  change: ApplicationFormChange,
): Promise<ApplicationForm> {
  const { language, introduction, company, website, country, questions, documents } = form;
  const before: ApplicationFormChange = { language, introduction, company, website, country, questions, documents };
  if (JSON.stringify(before) === JSON.stringify(change)) return form;
  const id = form.id ?? act.newId('applicationForm');
  const columns = {
    language: change.language,
    introduction: change.introduction,
    company: change.company,
    website: change.website,
    country: change.country,
    questions: JSON.stringify(change.questions),
    documents: JSON.stringify(change.documents),
    version: form.version + 1,
    updated_at: act.now,
  };
  const [row] = await tx('application_forms')
    .insert({ id, program_id: form.programId, ...columns, created_at: form.createdAt })
    .onConflict(['workspace_id', 'program_id'])
    .merge(columns)
    .returning<ApplicationFormRow[]>('*');
  assertInvariant(row !== undefined, 'an upsert answers its row');
  await recordAudit(tx, act, {
    objectType: 'application_form',
    objectId: id,
    // Its first version was never written.
    seq: form.version,
    event: 'edited',
    changes: { programId: form.programId, before, after: change },
  });
  return toForm(row);
}
