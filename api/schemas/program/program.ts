import { z } from 'zod';
import type { ProgramView } from '../../../db/reads/program/programList.js';
import type { ProgramVersion } from '../../../db/reads/program/programVersions.js';
import { effectiveTerms, inheritedNames, type Settings } from '../../../domain/access/settings.js';
import { parseMoney } from '../../../domain/money.js';
import { enrolmentRequirements, programTransitions } from '../../../domain/program/program.js';
import { paidAdTerms } from '../../../domain/tracking/trafficTerms.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, listQuery } from '../../lists.js';
import {
  byWire,
  currencyWire,
  decisionBody,
  decisionWire,
  durationWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  moneyWire,
  nameText,
  objectFields,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

export const programParams = z.strictObject({ programId: idWire('program') });
const programStatuses = statusesOf(programTransitions) as ['draft', 'active', 'paused', 'closed'];
const acquisitionModels = ['cpl', 'cpa'] as const;
const enrolmentModes = ['open', 'invite', 'closed'] as const;
const checkKinds = ['fraud', 'identity', 'payment'] as const;
const commissionEmail = z
  .strictObject({ enabled: z.boolean(), templateId: idWire('template').nullable() })
  .check((context) => {
    // PRG-07: switched on without a text to send cannot be saved.
    if (context.value.enabled && context.value.templateId === null)
      context.issues.push({ ...fieldIssue('required', 'Choose a template.', ['templateId']), input: context.value });
  });

function distinct<T extends z.ZodType<string>>(item: T, max: number) {
  return z
    .array(item)
    .max(max)
    .check((context) => {
      if (new Set(context.value).size < context.value.length)
        context.issues.push({ ...fieldIssue('already_used', 'Each at most once.'), input: context.value });
    });
}

/** The terms a program may set for itself; null inherits again. */
const ownTerms = {
  attributionWindow: durationWire.nullable(),
  cookie: z.enum(['persistent', 'session', 'none']).nullable(),
  referrerChoice: z.enum(['first', 'last']).nullable(),
  referralLifetime: durationWire.nullable(),
  couponPriority: z.enum(['coupon_first', 'link_first']).nullable(),
  checkReminder: durationWire.nullable(),
  checkDeadline: durationWire.nullable(),
  checkDeadlineAction: z.enum(['escalate', 'reject']).nullable(),
  leadAcceptance: z.enum(['automatic', 'manual']).nullable(),
  referralApproval: z.enum(['automatic', 'manual']).nullable(),
  commissionApproval: z.enum(['automatic', 'manual']).nullable(),
  commissionHold: durationWire.nullable(),
  requireSignature: z.boolean().nullable(),
  reviewAbove: moneyWire.nullable(),
  customerVisibility: z.enum(['full', 'name_only', 'anonymous']).nullable(),
  showDeclinedCharges: z.boolean().nullable(),
  showPurchaseHistory: z.boolean().nullable(),
  commissionEmail: commissionEmail.nullable(),
  fxPoint: z.enum(['sale']).nullable(),
  paidAds: z.enum(paidAdTerms).nullable(),
  brandTerms: distinct(text(80), 100).nullable(),
} as const;

const settable = {
  slug: text(64),
  timeZone: text(64).nullable(),
  levels: z.int().min(1).max(10),
  enrolment: z.enum(enrolmentModes),
  acquisitionModel: z.enum(acquisitionModels).nullable(),
  requirements: distinct(z.enum(enrolmentRequirements), 3),
  requiredChecks: distinct(z.enum(checkKinds), 3),
  landingUrl: z.string().nullable(),
  fallbackUrl: z.string().nullable(),
  destinationHosts: distinct(z.string().max(253), 100),
  metadata: metadataWire,
  ...ownTerms,
};

function optional<const S extends Readonly<Record<string, z.ZodType>>>(shape: S) {
  return Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, schema.exactOptional()])) as {
    [K in keyof S]: z.ZodExactOptional<S[K]>;
  };
}

export const programCreate = z.strictObject({ name: nameText, currency: currencyWire, ...optional(settable) });
export type ProgramCreate = z.output<typeof programCreate>;
export const programPatch = z.strictObject({
  name: nameText.exactOptional(),
  currency: currencyWire.exactOptional(),
  ...optional(settable),
  /** In the future: the change is kept until then. Alone it takes back what was kept for that instant. */
  effectiveFrom: instantWire.exactOptional(),
});
export type ProgramPatch = z.output<typeof programPatch>;

export const closeBody = z.strictObject({
  ...decisionBody.shape,
  renewals: z.enum(['stop', 'run_out']).exactOptional(),
});

export const programQuery = listQuery(
  { status: anyOf(programStatuses), acquisitionModel: anyOf(acquisitionModels) },
  { sort: ['createdAt', 'name'], q: true, include: ['counts'] },
);

export const programWire = z
  .strictObject({
    ...objectFields('program', 'program'),
    name: z.string(),
    slug: z.string(),
    status: z.enum(programStatuses),
    currency: z.string(),
    timeZone: z.string(),
    acquisitionModel: z.enum(acquisitionModels).nullable(),
    levels: z.int(),
    enrolment: z.enum(enrolmentModes),
    requirements: z.array(z.enum(enrolmentRequirements)),
    requiredChecks: z.array(z.enum(checkKinds)),
    attributionWindow: durationWire,
    cookie: z.enum(['persistent', 'session', 'none']),
    referrerChoice: z.enum(['first', 'last']),
    referralLifetime: durationWire.nullable(),
    couponPriority: z.enum(['coupon_first', 'link_first']),
    checkReminder: durationWire,
    checkDeadline: durationWire,
    checkDeadlineAction: z.enum(['escalate', 'reject']),
    leadAcceptance: z.enum(['automatic', 'manual']),
    referralApproval: z.enum(['automatic', 'manual']),
    commissionApproval: z.enum(['automatic', 'manual']),
    commissionHold: durationWire,
    requireSignature: z.boolean(),
    reviewAbove: signedMoneyWire.nullable(),
    customerVisibility: z.enum(['full', 'name_only', 'anonymous']),
    showDeclinedCharges: z.boolean(),
    showPurchaseHistory: z.boolean(),
    commissionEmail: z.strictObject({ enabled: z.boolean(), templateId: z.string().nullable() }),
    landingUrl: z.string().nullable(),
    fallbackUrl: z.string().nullable(),
    destinationHosts: z.array(z.string()),
    fxPoint: z.enum(['sale']),
    paidAds: z.enum(paidAdTerms),
    brandTerms: z.array(z.string()),
    currentTermsId: z.string().nullable(),
    currentGuidelinesId: z.string().nullable(),
    inherited: z.array(z.string()),
    renewals: z.enum(['stop', 'run_out']).nullable(),
    closedAt: instantWire.nullable(),
    /** What is going to change, the next first (PRG-17); `after` has the fields as a PATCH names them, null inherits again. */
    scheduled: z.array(z.strictObject({ effectiveFrom: instantWire, after: z.record(z.string(), z.unknown()) })),
    decision: decisionWire,
    allowedActions: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('Program');
export type ProgramReply = z.output<typeof programWire>;
export const programList = listOf(programWire);

/** Program → wire. Terms it does not set for itself are the settings' (`inherited`). */
export function presentProgram(view: ProgramView, settings: Settings, allowedActions: readonly string[]): ProgramReply {
  const { program } = view;
  const terms = effectiveTerms(settings, program);
  const reviewAbove = terms.reviewAbove === null ? null : parseMoney(terms.reviewAbove);
  return {
    id: program.id,
    object: 'program',
    name: program.name,
    slug: program.slug,
    status: program.status,
    currency: program.currency,
    timeZone: program.timeZone ?? settings.general.timeZone,
    acquisitionModel: program.acquisitionModel,
    levels: program.levels,
    enrolment: program.enrolment,
    requirements: [...program.requirements],
    requiredChecks: [...program.requiredChecks],
    ...terms,
    reviewAbove: reviewAbove?.ok === true ? reviewAbove.money : null,
    fxPoint: 'sale',
    brandTerms: [...terms.brandTerms],
    landingUrl: program.landingUrl,
    fallbackUrl: program.fallbackUrl,
    destinationHosts: [...program.destinationHosts],
    currentTermsId: view.currentTermsId,
    currentGuidelinesId: view.currentGuidelinesId,
    inherited: [...inheritedNames(program), ...(program.timeZone === null ? ['timeZone'] : [])],
    renewals: program.renewals,
    closedAt: program.closedAt,
    scheduled: view.planned.map(({ effectiveFrom, fields, terms }) => ({
      effectiveFrom,
      after: { ...fields, ...terms },
    })),
    decision: view.decision,
    allowedActions: [...allowedActions],
    metadata: { ...program.metadata },
    version: program.version,
    createdAt: program.createdAt,
    updatedAt: program.updatedAt,
  };
}

export const programVersionWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('program_version'),
    version: z.int(),
    event: z.string(),
    by: byWire,
    at: instantWire,
    reasonCode: z.string().nullable(),
    before: z.record(z.string(), z.unknown()),
    after: z.record(z.string(), z.unknown()),
  })
  .openapi('ProgramVersion');
export const programVersionList = listOf(programVersionWire);
export const programVersionQuery = listQuery({}, { sort: ['version'] });

export function presentProgramVersion(version: ProgramVersion): z.output<typeof programVersionWire> {
  return {
    object: 'program_version',
    ...version,
    by: { ...version.by, type: version.by.type as z.output<typeof byWire>['type'] },
    before: { ...version.before },
    after: { ...version.after },
  };
}
