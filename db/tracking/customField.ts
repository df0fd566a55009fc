import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { CustomFieldId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { FieldDefinition } from '../../domain/tracking/leadField.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A field of the workspace's own on leads (LED-23, SET-13). */
export interface CustomField extends FieldDefinition {
  readonly id: CustomFieldId;
  readonly target: 'lead';
  readonly name: string;
  readonly order: number;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface CustomFieldRow {
  readonly id: CustomFieldId;
  readonly target: 'lead';
  readonly name: string;
  readonly key: string;
  readonly type: CustomField['type'];
  readonly required: boolean;
  readonly options: readonly string[];
  readonly position: number;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toCustomField(row: CustomFieldRow): CustomField {
  return {
    id: row.id,
    target: row.target,
    name: row.name,
    key: row.key,
    type: row.type,
    required: row.required,
    options: row.options,
    order: row.position,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewCustomField = Omit<CustomField, 'version' | 'createdAt' | 'updatedAt'>;
export type CustomFieldChange = Partial<Pick<CustomField, 'name' | 'required' | 'options' | 'order'>>;

/** Every field in use, in the order in which forms offer them. */
export async function listFieldsInUse(tx: ReadTx | Tx): Promise<readonly CustomField[]> {
  const rows = await tx('custom_fields')
    .whereNull('deleted_at')
    .orderBy('position')
    .orderBy('id')
    .select<CustomFieldRow[]>('*');
  return rows.map(toCustomField);
}

export async function findCustomField(tx: ReadTx | Tx, id: string): Promise<CustomField | undefined> {
  const row = await tx('custom_fields').where({ id }).whereNull('deleted_at').first<CustomFieldRow | undefined>();
  return row === undefined ? undefined : toCustomField(row);
}

export async function lockCustomField(tx: Tx, id: string): Promise<CustomField | undefined> {
  const row = await tx('custom_fields')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<CustomFieldRow | undefined>();
  return row === undefined ? undefined : toCustomField(row);
}

/** Writes the field and its audit entry. Refuses with `resource.already_exists` for a key in use. */
export async function insertCustomField(tx: Tx, act: Act, field: NewCustomField): Promise<CustomField> {
  const [row] = await tx('custom_fields')
    .insert({
      id: field.id,
      target: field.target,
      key: field.key,
      type: field.type,
      ...columnsOf(field),
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<CustomFieldRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'custom_field',
    objectId: field.id,
    seq: 1,
    event: 'created',
    changes: { key: field.key, type: field.type, ...columnsOf(field) },
  });
  return toCustomField(row);
}

/** Key and type stay as they are: leads hold values of them. */
export async function updateCustomField(
  tx: Tx,
  act: Act,
  field: CustomField,
  change: CustomFieldChange,
): Promise<CustomField> {
  const before = columnsOf(field);
  const after = columnsOf(change);
  const names = Object.keys(after).filter((name) => JSON.stringify(after[name]) !== JSON.stringify(before[name]));
  if (names.length === 0) return field;
  const [row] = await tx('custom_fields')
    .where({ id: field.id })
    .update({ ...after, version: field.version + 1, updated_at: act.now })
    .returning<CustomFieldRow[]>('*');
  assertInvariant(row !== undefined, 'a locked field is there', { fieldId: field.id });
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'custom_field',
    objectId: field.id,
    seq: field.version + 1,
    event: 'edited',
    changes: { before: pick(before), after: pick(after) },
  });
  return toCustomField(row);
}

/** Takes the field out of use; values that leads hold stay with them. */
export async function deleteCustomField(tx: Tx, act: Act, field: CustomField): Promise<void> {
  await tx('custom_fields')
    .where({ id: field.id })
    .update({ deleted_at: act.now, version: field.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'custom_field',
    objectId: field.id,
    seq: field.version + 1,
    event: 'deleted',
  });
}

/** Forms that ask for the field: as long as there are any, it stays. */
export async function customFieldUses(tx: ReadTx | Tx, key: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select id from lead_forms
     where deleted_at is null and exists (select from jsonb_array_elements(fields) as field where field ->> 'name' = :key) limit 20`,
    { key },
  );
  return rows.map((row) => row.id);
}

function columnsOf(field: CustomFieldChange): Readonly<Record<string, unknown>> {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', field.name],
    ['required', field.required],
    ['options', field.options === undefined ? undefined : [...field.options]],
    ['position', field.order],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
