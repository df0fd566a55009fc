import { z } from 'zod';
import type { CustomField } from '../../../db/tracking/customField.js';
import { fieldTypes, isLeadFieldName } from '../../../domain/tracking/leadField.js';
import { anyOf, listQuery } from '../../lists.js';
import { fieldIssue, idWire, listOf, nameText, objectFields, text, versionFields } from '../wire.js';

export const customFieldParams = z.strictObject({ fieldId: idWire('customField') });

/** What senders name the field by: a word that no field of the lead itself has. */
const fieldKey = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_]{0,39}$/)
  .check((context) => {
    if (isLeadFieldName(context.value))
      context.issues.push({
        ...fieldIssue('already_used', 'A field of every lead has this name.'),
        input: context.value,
      });
  })
  .openapi({ type: 'string', pattern: '^[a-z][A-Za-z0-9_]{0,39}$', examples: ['plan'] });

const options = z.array(text(100)).max(100);

export const customFieldCreate = z
  .strictObject({
    target: z.literal('lead'),
    name: nameText,
    key: fieldKey,
    type: z.enum(fieldTypes),
    required: z.boolean().exactOptional(),
    options: options.exactOptional(),
    order: z.int().min(0).max(10_000).exactOptional(),
  })
  .check((context) => {
    const { type, options: choices = [] } = context.value;
    if (type === 'choice' && choices.length === 0)
      context.issues.push({ ...fieldIssue('required', 'Name the options.', ['options']), input: context.value });
    if (type !== 'choice' && choices.length > 0)
      context.issues.push({
        ...fieldIssue('not_allowed_here', 'Only a choice has options.', ['options']),
        input: context.value,
      });
    if (new Set(choices).size < choices.length)
      context.issues.push({
        ...fieldIssue('already_used', 'An option stands there twice.', ['options']),
        input: context.value,
      });
  });

/** Key and type are for good: leads hold values of them. */
export const customFieldPatch = z.strictObject({
  name: nameText.exactOptional(),
  required: z.boolean().exactOptional(),
  options: options.exactOptional(),
  order: z.int().min(0).max(10_000).exactOptional(),
});

export const customFieldQuery = listQuery(
  { target: anyOf(['lead']) },
  { sort: ['createdAt', 'order', 'name'], q: true },
);

export const customFieldWire = z
  .strictObject({
    ...objectFields('customField', 'custom_field'),
    target: z.literal('lead'),
    name: z.string(),
    key: z.string(),
    type: z.enum(fieldTypes),
    required: z.boolean(),
    options: z.array(z.string()),
    order: z.int(),
    ...versionFields,
  })
  .openapi('CustomField');
export const customFieldList = listOf(customFieldWire);

export function presentCustomField(field: CustomField): z.output<typeof customFieldWire> {
  return { object: 'custom_field', ...field, options: [...field.options] };
}
