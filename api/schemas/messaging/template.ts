import { z } from 'zod';
import type { Template } from '../../../db/messaging/template.js';
import { templateProblems } from '../../../domain/messaging/template.js';
import { listQuery } from '../../lists.js';
import { fieldIssue, idWire, listOf, nameText, objectFields, versionFields } from '../wire.js';

export const templateParams = z.strictObject({ templateId: idWire('template') });

/** One line for a subject, several for a body; nothing that a mail cannot carry, and no place that nothing would fill. */
function mergeText(max: number, lines: 'one' | 'many') {
  return z
    .string()
    .trim()
    .min(1)
    .max(max)
    .check((context) => {
      const [problem] = templateProblems(context.value);
      if (problem !== undefined)
        context.issues.push({ ...fieldIssue('bad_format', `Not a merge field: ${problem}.`), input: context.value });
      const forbidden = lines === 'one' ? /\p{Cc}/u : /[^\P{Cc}\n\t]/u;
      if (forbidden.test(context.value))
        context.issues.push({ ...fieldIssue('bad_format', 'No control characters.'), input: context.value });
    });
}

const fields = {
  name: nameText,
  language: z.string().regex(/^[a-z]{2}$/),
  subject: mergeText(200, 'one'),
  body: mergeText(10_000, 'many'),
};
export const templateCreate = z.strictObject({ ...fields, language: fields.language.default('en') });
export const templatePatch = z.strictObject({
  name: fields.name.exactOptional(),
  language: fields.language.exactOptional(),
  subject: fields.subject.exactOptional(),
  body: fields.body.exactOptional(),
});
export const templateQuery = listQuery({}, { sort: ['createdAt', 'name'], q: true });

export const templateWire = z
  .strictObject({
    ...objectFields('template', 'message_template'),
    name: z.string(),
    language: z.string(),
    subject: z.string(),
    body: z.string(),
    ...versionFields,
  })
  .openapi('MessageTemplate');
export const templateList = listOf(templateWire);

export function presentTemplate(template: Template): z.output<typeof templateWire> {
  return { object: 'message_template', ...template };
}

/** Without an affiliate the examples of the merge fields stand in; without commissions or payouts, its newest commissions. */
export const previewBody = z
  .strictObject({
    affiliateId: idWire('affiliate').nullable().exactOptional(),
    commissionIds: z.array(idWire('commission')).min(1).max(200).exactOptional(),
    payoutIds: z.array(idWire('payout')).min(1).max(200).exactOptional(),
  })
  .check((context) => {
    const { commissionIds, payoutIds } = context.value;
    if (commissionIds !== undefined && payoutIds !== undefined)
      context.issues.push({
        ...fieldIssue('not_allowed_here', 'Commissions or payouts.', ['payoutIds']),
        input: context.value,
      });
  });
export const previewWire = z
  .strictObject({ object: z.literal('message_preview'), subject: z.string(), body: z.string() })
  .openapi('MessagePreview');
export const testSendWire = z
  .strictObject({ object: z.literal('message_test'), emailId: idWire('email'), to: z.string() })
  .openapi('MessageTest');
