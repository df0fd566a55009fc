import { z } from 'zod';
import type { FormFigures } from '../../../db/reads/tracking/leadFormList.js';
import type { LeadForm } from '../../../db/tracking/leadForm.js';
import { parseHost } from '../../../domain/tracking/destination.js';
import { anyText, flag, listQuery } from '../../lists.js';
import {
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  longText,
  nameText,
  objectFields,
  text,
  versionFields,
} from '../wire.js';

export const leadFormParams = z.strictObject({ formId: idWire('leadForm') });

const fieldKinds = ['text', 'number', 'date', 'choice', 'checkbox', 'email', 'phone', 'longText'] as const;
const fieldName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9_]{0,39}$/)
  .openapi({ type: 'string', examples: ['email'] });

/** Kind and options follow from the name: a field of every lead, or a custom field's key. */
const fieldIn = z.strictObject({
  name: fieldName,
  label: text(200),
  required: z.boolean().exactOptional(),
  type: z.enum(fieldKinds).exactOptional(),
  options: z.array(text(100)).max(100).exactOptional(),
});

const frameDomain = z.string().transform((value, context) => {
  const host = parseHost(value);
  if (host !== undefined) return host;
  context.issues.push(fieldIssue('bad_format', 'A host such as blog.example, without scheme and path.'));
  return z.NEVER;
});

const leadFormFields = {
  leadSourceId: idWire('leadSource').nullable().exactOptional(),
  assigneeId: idWire('user').nullable().exactOptional(),
  language: z.enum(['en', 'de']).exactOptional(),
  event: z.enum(['enquiry', 'registration']).exactOptional(),
  consentText: text(500).nullable().exactOptional(),
  thankYouText: longText(2_000).nullable().exactOptional(),
  thankYouUrl: z.string().max(2_000).nullable().exactOptional(),
  openAccount: z.boolean().exactOptional(),
  signIn: z.boolean().exactOptional(),
  frameDomains: z.array(frameDomain).max(50).exactOptional(),
  active: z.boolean().exactOptional(),
};
const fieldsIn = z.array(fieldIn).min(1).max(50);

export const leadFormCreate = z.strictObject({
  name: nameText,
  programId: idWire('program'),
  fields: fieldsIn,
  ...leadFormFields,
});
export const leadFormPatch = z.strictObject({
  name: nameText.exactOptional(),
  programId: idWire('program').exactOptional(),
  fields: fieldsIn.exactOptional(),
  ...leadFormFields,
});
export type LeadFormPatch = z.output<typeof leadFormPatch>;

export const leadFormQuery = listQuery(
  { active: flag(), programId: anyText() },
  { sort: ['createdAt', 'name'], q: true },
);

export const leadFormWire = z
  .strictObject({
    ...objectFields('leadForm', 'lead_form'),
    name: z.string(),
    programId: idWire('program'),
    leadSourceId: z.string().nullable(),
    assigneeId: z.string().nullable(),
    language: z.enum(['en', 'de']),
    event: z.enum(['enquiry', 'registration']),
    fields: z.array(
      z.strictObject({
        name: z.string(),
        label: z.string(),
        type: z.enum(fieldKinds),
        required: z.boolean(),
        options: z.array(z.string()),
      }),
    ),
    consentText: z.string().nullable(),
    thankYouText: z.string().nullable(),
    thankYouUrl: z.string().nullable(),
    openAccount: z.boolean(),
    /** Why the switch cannot be on; null: it can. */
    openAccountCode: z.enum(['cpl']).nullable(),
    signIn: z.boolean(),
    frameDomains: z.array(z.string()),
    active: z.boolean(),
    url: z.string(),
    submissions: z.int(),
    lastSubmissionAt: instantWire.nullable(),
    ...versionFields,
  })
  .openapi('LeadForm');
export const leadFormList = listOf(leadFormWire);

export function presentLeadForm(
  form: LeadForm,
  figures: FormFigures,
  publicUrl: string,
): z.output<typeof leadFormWire> {
  return {
    object: 'lead_form',
    ...form,
    fields: form.fields.map((field) => ({ ...field, options: [...field.options] })),
    frameDomains: [...form.frameDomains],
    openAccountCode: figures.acquisitionModel === 'cpl' ? 'cpl' : null,
    url: `${publicUrl}/f/${form.id}`,
    submissions: figures.submissions,
    lastSubmissionAt: figures.lastSubmissionAt,
  };
}

export const leadFormEmbedWire = z
  .strictObject({
    object: z.literal('lead_form_embed'),
    url: z.string(),
    iframe: z.string(),
    script: z.string(),
    html: z.string(),
    frameDomains: z.array(z.string()),
  })
  .openapi('LeadFormEmbed');
