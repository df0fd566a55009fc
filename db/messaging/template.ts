import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Id } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export type TemplateId = Id<'template'>;

/** A text for mails with places to fill in (features.md NTF-09). Templates of one name say the same in several languages. */
export interface Template {
  readonly id: TemplateId;
  readonly name: string;
  /** Two letters of ISO 639-1. */
  readonly language: string;
  readonly subject: string;
  readonly body: string;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export type TemplateText = Pick<Template, 'name' | 'language' | 'subject' | 'body'>;

interface TemplateRow extends TemplateText {
  readonly id: TemplateId;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toTemplate({ id, name, language, subject, body, version, created_at, updated_at }: TemplateRow): Template {
  return { id, name, language, subject, body, version, createdAt: created_at, updatedAt: updated_at };
}

export async function findTemplate(tx: ReadTx | Tx, id: string): Promise<Template | undefined> {
  const row = await tx('message_templates').where({ id }).first<TemplateRow | undefined>();
  return row === undefined ? undefined : toTemplate(row);
}

export async function lockTemplate(tx: Tx, id: string): Promise<Template | undefined> {
  const row = await tx('message_templates').where({ id }).forUpdate().first<TemplateRow | undefined>();
  return row === undefined ? undefined : toTemplate(row);
}

// Which templates are there?
export async function listTemplates(
  tx: ReadTx,
  filter: { readonly q?: string | undefined },
  page: Page,
): Promise<readonly Template[]> {
  const query = tx('message_templates');
  if (filter.q !== undefined) query.whereRaw('(strpos(lower(name), lower(:q)) > 0 or id = :q)', { q: filter.q });
  const rows: readonly TemplateRow[] = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toTemplate);
}

// The template and the ones that say the same in other languages, by language.
export async function listTranslations(tx: ReadTx | Tx, id: string): Promise<ReadonlyMap<string, Template>> {
  const { rows } = await tx.raw<{ rows: TemplateRow[] }>(
    `select other.* from message_templates as chosen
     join message_templates as other on other.workspace_id = chosen.workspace_id and lower(other.name) = lower(chosen.name)
     where chosen.id = :id order by (other.id = chosen.id) desc`,
    { id },
  );
  return new Map(rows.map((row) => [row.language, toTemplate(row)]));
}

/** Writes the template and its audit entry. Refuses with `resource.already_exists` for a name in use in its language. */
export async function insertTemplate(
  tx: Tx,
  act: Act,
  template: TemplateText & { readonly id: TemplateId },
): Promise<Template> {
  const { id, name, language, subject, body } = template;
  const [row] = await tx('message_templates')
    .insert({ id, name, language, subject, body, created_at: act.now, updated_at: act.now })
    .returning<TemplateRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'message_template',
    objectId: id,
    seq: 1,
    event: 'created',
    changes: { after: { name, language, subject, body } },
  });
  return toTemplate(row);
}

/** Refuses with `resource.already_exists` for a name in use in its language. What was sent before keeps its text. */
export async function updateTemplate(
  tx: Tx,
  act: Act,
  template: Template,
  change: Partial<TemplateText>,
): Promise<Template> {
  const changed = (['name', 'language', 'subject', 'body'] as const).filter(
    (field) => change[field] !== undefined && change[field] !== template[field],
  );
  if (changed.length === 0) return template;
  const after = Object.fromEntries(changed.map((field) => [field, change[field]]));
  const [row] = await tx('message_templates')
    .where({ id: template.id })
    .update({ ...after, version: template.version + 1, updated_at: act.now })
    .returning<TemplateRow[]>('*');
  assertInvariant(row !== undefined, 'a locked template is there', { templateId: template.id });
  await recordAudit(tx, act, {
    objectType: 'message_template',
    objectId: template.id,
    seq: template.version + 1,
    event: 'edited',
    changes: { before: Object.fromEntries(changed.map((field) => [field, template[field]])), after },
  });
  return toTemplate(row);
}

/** The caller has seen that nothing uses it. */
export async function deleteTemplate(tx: Tx, act: Act, template: Template): Promise<void> {
  await tx('message_templates').where({ id: template.id }).delete();
  await recordAudit(tx, act, {
    objectType: 'message_template',
    objectId: template.id,
    seq: template.version + 1,
    event: 'deleted',
  });
}

/** Programs and milestones that mail with it, and messages that are still to be sent: as long as there are any, it stays. */
export async function templateUses(tx: ReadTx | Tx, id: string): Promise<readonly string[]> {
  const programs = await tx('programs').where({ commission_template_id: id }).limit(20).select<{ id: string }[]>('id');
  const milestones = await tx('milestones').where({ template_id: id }).limit(20).select<{ id: string }[]>('id');
  const { rows: messages } = await tx.raw<{ rows: { id: string }[] }>(
    `select message.id from messages as message
     join operations as operation on operation.workspace_id = message.workspace_id and operation.id = message.operation_id
     where message.template_id = :id and operation.status in ('queued', 'running') limit 20`,
    { id },
  );
  return [...programs, ...milestones, ...messages].map((row) => row.id);
}
