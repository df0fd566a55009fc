import { z } from 'zod';
import type { ApplicationView } from '../../../db/reads/affiliate/applicationList.js';
import { affiliateTransitions } from '../../../domain/affiliate/affiliate.js';
import { type ApplicationForm, askings, questionTypes } from '../../../domain/affiliate/application.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import { documentKindWire } from './document.js';
import {
  emailWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  longText,
  nameText,
  objectFields,
  openRequirementWire,
  text,
  versionFields,
} from '../wire.js';

const statuses = statusesOf(affiliateTransitions) as ['pending', 'declined', 'approved', 'suspended', 'terminated'];

const countryText = z.string().regex(/^[A-Z]{2}$/, 'Two capital letters (ISO 3166), such as PL.');

const question = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9_]{0,39}$/),
    label: text(200),
    type: z.enum(questionTypes),
    required: z.boolean().default(false),
    options: z.array(text(200)).max(50).default([]),
  })
  .check((context) => {
    const { type, options } = context.value;
    if ((type === 'choice') !== options.length > 0)
      context.issues.push({
        ...fieldIssue(type === 'choice' ? 'required' : 'not_allowed_here', 'Options belong to a choice.', ['options']),
        input: context.value,
      });
  });

const documentKind = z.strictObject({
  type: z.string().regex(/^[a-z][a-z0-9_]{0,39}$/),
  label: text(200),
  hint: longText(500).nullable().default(null),
  required: z.boolean().default(true),
  expires: z.boolean().default(false),
});

export const applicationFormBody = z
  .strictObject({
    language: z.enum(['en', 'de']).default('en'),
    introduction: longText(5_000).nullable().default(null),
    company: z.enum(askings).default('optional'),
    website: z.enum(askings).default('optional'),
    country: z.enum(askings).default('optional'),
    questions: z.array(question).max(30).default([]),
    documents: z.array(documentKind).max(20).default([]),
  })
  .check((context) => {
    const { questions, documents } = context.value;
    const given = [
      ['questions', questions.map(({ name }) => name)],
      ['documents', documents.map(({ type }) => type)],
    ] as const;
    for (const [field, names] of given)
      if (new Set(names).size < names.length)
        context.issues.push({ ...fieldIssue('already_used', 'Each name once.', [field]), input: context.value });
  });

export const applicationFormWire = z
  .strictObject({
    object: z.literal('application_form'),
    programId: z.string(),
    language: z.enum(['en', 'de']),
    introduction: z.string().nullable(),
    company: z.enum(askings),
    website: z.enum(askings),
    country: z.enum(askings),
    questions: z.array(
      z.strictObject({
        name: z.string(),
        label: z.string(),
        type: z.enum(questionTypes),
        required: z.boolean(),
        options: z.array(z.string()),
      }),
    ),
    documents: z.array(documentKindWire),
    /** Where people apply. */
    url: z.string(),
    ...versionFields,
  })
  .openapi('ApplicationForm');

export function presentApplicationForm(form: ApplicationForm, url: string): z.output<typeof applicationFormWire> {
  const { id: _id, questions, documents, ...fields } = form;
  return {
    object: 'application_form',
    ...fields,
    questions: questions.map((one) => ({ ...one, options: [...one.options] })),
    documents: documents.map((one) => ({ ...one })),
    url,
  };
}

export const applicationQuery = listQuery(
  { programId: anyText(), recruiterId: anyText(), status: anyOf(statuses) },
  { sort: ['createdAt'], q: true, include: ['counts'] },
);

export const applicationWire = z
  .strictObject({
    ...objectFields('application', 'application'),
    affiliateId: z.string(),
    name: z.string(),
    email: z.string(),
    company: z.string().nullable(),
    website: z.string().nullable(),
    country: z.string().nullable(),
    status: z.enum(statuses),
    emailVerifiedAt: instantWire.nullable(),
    programId: z.string(),
    programName: z.string(),
    answers: z.array(z.strictObject({ name: z.string(), label: z.string(), value: z.string() })),
    recruiterId: z.string().nullable(),
    recruiterName: z.string().nullable(),
    agreementId: z.string().nullable(),
    agreementNumber: z.int().nullable(),
    duplicateIds: z.array(z.string()),
    earlierAttempts: z.int(),
    riskFlags: z.array(z.string()),
    openRequirements: z.array(openRequirementWire),
    question: z.string().nullable(),
    askedAt: instantWire.nullable(),
    reply: z.string().nullable(),
    repliedAt: instantWire.nullable(),
    allowedActions: z.array(z.string()),
    createdAt: instantWire,
  })
  .openapi('Application');
export const applicationList = listOf(applicationWire);

export function presentApplication(
  view: ApplicationView,
  allowedActions: readonly string[],
): z.output<typeof applicationWire> {
  const { application, affiliate: seen } = view;
  const { affiliate } = seen;
  return {
    id: application.id,
    object: 'application',
    affiliateId: affiliate.id,
    name: affiliate.name,
    email: affiliate.email,
    company: affiliate.company,
    website: affiliate.website,
    country: affiliate.country,
    status: affiliate.status,
    emailVerifiedAt: affiliate.emailVerifiedAt,
    programId: application.programId,
    programName: view.programName,
    answers: application.answers.map((one) => ({ ...one })),
    recruiterId: application.recruiterId,
    recruiterName: view.recruiterName,
    agreementId: application.agreementId,
    agreementNumber: view.agreementNumber,
    duplicateIds: [...view.duplicateIds],
    earlierAttempts: view.earlierAttempts,
    riskFlags: [...seen.riskFlags],
    openRequirements: [...seen.openRequirements],
    question: application.question,
    askedAt: application.askedAt,
    reply: application.reply,
    repliedAt: application.repliedAt,
    allowedActions: [...allowedActions],
    createdAt: application.createdAt,
  };
}

export const askBody = z.strictObject({ question: longText(2_000) });

/** What an applicant sends (api.md 4.2). */
export const applyBody = z.strictObject({
  name: nameText,
  email: emailWire,
  company: text(200).nullable().exactOptional(),
  website: z.string().max(2_048).nullable().exactOptional(),
  country: countryText.nullable().exactOptional(),
  answers: z.record(z.string().max(40), z.union([longText(2_000, { empty: true }), z.boolean()])).exactOptional(),
  agreementId: idWire('agreement').nullable().exactOptional(),
  acceptTerms: z.boolean().exactOptional(),
  recruitCode: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
    .nullable()
    .exactOptional(),
});
export type ApplyBody = z.output<typeof applyBody>;

export const statusBody = z
  .strictObject({ confirm: z.literal(true).exactOptional(), reply: longText(2_000).exactOptional() })
  .check((context) => {
    if (context.value.confirm === undefined && context.value.reply === undefined)
      context.issues.push({
        ...fieldIssue('required', 'Confirm the address, or answer.', ['confirm']),
        input: context.value,
      });
  });
export type StatusBody = z.output<typeof statusBody>;
