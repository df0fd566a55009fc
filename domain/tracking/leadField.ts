/** Kinds of field that a form may ask for and a lead may hold (api.md 8.1). */
export const fieldTypes = ['text', 'number', 'date', 'choice', 'checkbox'] as const;
export type FieldType = (typeof fieldTypes)[number];

/** A field of the workspace's own: what its values must look like. */
export interface FieldDefinition {
  /** What senders name it by. */
  readonly key: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** The values of a `choice`. */
  readonly options: readonly string[];
}

/** The lead's own fields, which every form may ask for without a definition. */
export const leadFieldNames = ['email', 'phone', 'name', 'company', 'country', 'message'] as const;
export type LeadFieldName = (typeof leadFieldNames)[number];

export function isLeadFieldName(name: string): name is LeadFieldName {
  return (leadFieldNames as readonly string[]).includes(name);
}

/** What is wrong with one value; each is a field code of api.md 3. */
export type FieldProblem = 'required' | 'unknown_field' | 'not_in_list' | 'bad_format' | 'too_long';

const numberPattern = /^-?\d{1,15}(\.\d{1,6})?$/;
const datePattern = /^\d{4}-\d{2}-\d{2}$/;
const longestValue = 500;

/** Values travel and rest as text; an empty one counts as none. Undefined: it fits. A date is only judged by its form here. */
export function fieldProblem(field: FieldDefinition, value: string | undefined): FieldProblem | undefined {
  if (value === undefined || value === '') return field.required ? 'required' : undefined;
  if (value.length > longestValue) return 'too_long';
  switch (field.type) {
    case 'text':
      return undefined;
    case 'number':
      return numberPattern.test(value) ? undefined : 'bad_format';
    case 'date':
      return datePattern.test(value) ? undefined : 'bad_format';
    case 'choice':
      return field.options.includes(value) ? undefined : 'not_in_list';
    case 'checkbox':
      if (value !== 'true' && value !== 'false') return 'bad_format';
      return field.required && value === 'false' ? 'required' : undefined; // a box that must be ticked
    default:
      return field.type satisfies never;
  }
}

/** Every value that does not fit its definition, and every definition that is required and has none, in the order of the definitions. */
export function customFieldProblems(
  definitions: readonly FieldDefinition[],
  values: Readonly<Record<string, string>>,
): readonly { readonly key: string; readonly problem: FieldProblem }[] {
  const known = new Set(definitions.map((field) => field.key));
  return [
    ...definitions.flatMap((field) => {
      const problem = fieldProblem(field, Object.hasOwn(values, field.key) ? values[field.key] : undefined);
      return problem === undefined ? [] : [{ key: field.key, problem }];
    }),
    ...Object.keys(values).flatMap((key) => (known.has(key) ? [] : [{ key, problem: 'unknown_field' as const }])),
  ];
}
