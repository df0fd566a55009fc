import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { LeadFormId, LeadSourceId, ProgramId, UserId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { FieldType } from '../../domain/tracking/leadField.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** One thing a form asks for, in its order. `name` is what the form posts. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  readonly type: FieldType | 'email' | 'phone' | 'longText';
  readonly required: boolean;
  readonly options: readonly string[];
}

/** A hosted or embedded lead form (LED-18). Each change is a version of its own that stays readable. */
export interface LeadForm {
  readonly id: LeadFormId;
  readonly name: string;
  readonly programId: ProgramId;
  readonly leadSourceId: LeadSourceId | null;
  readonly assigneeId: UserId | null;
  readonly language: 'en' | 'de';
  readonly event: 'enquiry' | 'registration';
  readonly fields: readonly FormField[];
  /** What the visitor agrees to; null: the form does not ask. */
  readonly consentText: string | null;
  readonly thankYouText: string | null;
  readonly thankYouUrl: string | null;
  readonly openAccount: boolean;
  /** The thank-you address gets a one-time token that signs the customer in (LED-21). */
  readonly signIn: boolean;
  readonly frameDomains: readonly string[];
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface LeadFormRow {
  readonly id: LeadFormId;
  readonly name: string;
  readonly program_id: ProgramId;
  readonly lead_source_id: LeadSourceId | null;
  readonly assignee_id: UserId | null;
  readonly language: LeadForm['language'];
  readonly event: LeadForm['event'];
  readonly fields: readonly FormField[];
  readonly consent_text: string | null;
  readonly thank_you_text: string | null;
  readonly thank_you_url: string | null;
  readonly open_account: boolean;
  readonly sign_in: boolean;
  readonly frame_domains: readonly string[];
  readonly active: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toLeadForm(row: LeadFormRow): LeadForm {
  return {
    id: row.id,
    name: row.name,
    programId: row.program_id,
    leadSourceId: row.lead_source_id,
    assigneeId: row.assignee_id,
    language: row.language,
    event: row.event,
    fields: row.fields,
    consentText: row.consent_text,
    thankYouText: row.thank_you_text,
    thankYouUrl: row.thank_you_url,
    openAccount: row.open_account,
    signIn: row.sign_in,
    frameDomains: row.frame_domains,
    active: row.active,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewLeadForm = Omit<LeadForm, 'version' | 'createdAt' | 'updatedAt'>;
export type LeadFormChange = Partial<Omit<NewLeadForm, 'id'>>;

export async function findLeadForm(tx: ReadTx | Tx, id: string): Promise<LeadForm | undefined> {
  const row = await tx('lead_forms').where({ id }).whereNull('deleted_at').first<LeadFormRow | undefined>();
  return row === undefined ? undefined : toLeadForm(row);
}

export async function lockLeadForm(tx: Tx, id: string): Promise<LeadForm | undefined> {
  const row = await tx('lead_forms')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<LeadFormRow | undefined>();
  return row === undefined ? undefined : toLeadForm(row);
}

export async function insertLeadForm(tx: Tx, act: Act, form: NewLeadForm): Promise<LeadForm> {
  const [row] = await tx('lead_forms')
    .insert({ ...columnsOf(form), id: form.id, created_at: act.now, updated_at: act.now })
    .returning<LeadFormRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await keepVersion(tx, act, row);
  await recordAudit(tx, act, {
    objectType: 'lead_form',
    objectId: form.id,
    seq: 1,
    event: 'created',
    changes: { after: columnsOf(form) },
  });
  return toLeadForm(row);
}

/** Writes what is different as the form's next version. */
export async function updateLeadForm(tx: Tx, act: Act, form: LeadForm, change: LeadFormChange): Promise<LeadForm> {
  const before = columnsOf(form);
  const after = columnsOf(change);
  const names = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
  if (names.length === 0) return form;
  const [row] = await tx('lead_forms')
    .where({ id: form.id })
    .update({ ...after, version: form.version + 1, updated_at: act.now })
    .returning<LeadFormRow[]>('*');
  assertInvariant(row !== undefined, 'a locked form is there', { formId: form.id });
  await keepVersion(tx, act, row);
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'lead_form',
    objectId: form.id,
    seq: form.version + 1,
    event: 'edited',
    changes: { before: pick(before), after: pick(after) },
  });
  return toLeadForm(row);
}

/** The form ends; its leads and versions stay. */
export async function deleteLeadForm(tx: Tx, act: Act, form: LeadForm): Promise<void> {
  await tx('lead_forms')
    .where({ id: form.id })
    .update({ deleted_at: act.now, active: false, version: form.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'lead_form',
    objectId: form.id,
    seq: form.version + 1,
    event: 'deleted',
  });
}

async function keepVersion(tx: Tx, act: Act, row: LeadFormRow): Promise<void> {
  const { fields, consent_text, thank_you_text, thank_you_url, language, event } = row;
  await tx('lead_form_versions').insert({
    form_id: row.id,
    version: row.version,
    definition: JSON.stringify({ fields, consent_text, thank_you_text, thank_you_url, language, event }),
    created_at: act.now,
  });
}

function columnsOf(form: LeadFormChange): Readonly<Record<string, unknown>> {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', form.name],
    ['program_id', form.programId],
    ['lead_source_id', form.leadSourceId],
    ['assignee_id', form.assigneeId],
    ['language', form.language],
    ['event', form.event],
    ['fields', form.fields === undefined ? undefined : JSON.stringify(form.fields)],
    ['consent_text', form.consentText],
    ['thank_you_text', form.thankYouText],
    ['thank_you_url', form.thankYouUrl],
    ['open_account', form.openAccount],
    ['sign_in', form.signIn],
    ['frame_domains', form.frameDomains === undefined ? undefined : [...form.frameDomains]],
    ['active', form.active],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
