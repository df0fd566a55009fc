import { z } from 'zod';
import type { RuleRecord } from '../../../db/program/commissionPlan.js';
import {
  baseTypes,
  flatRefundModes,
  ruleEvents,
  type RuleLevel,
  type RulePlace,
  ruleScopes,
  type RuleTerms,
} from '../../../domain/program/commissionPlan.js';
import { anyOf, anyText, listQuery } from '../../lists.js';
import {
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  moneyWire,
  nameText,
  objectFields,
  ppmWire,
  text,
  versionFields,
} from '../wire.js';

export const ruleParams = z.strictObject({ ruleId: idWire('rule') });

const levelNumber = z.int().min(1).max(10);
const percentLevel = z.strictObject({
  level: levelNumber,
  kind: z.literal('percent'),
  ratePpm: ppmWire,
  of: z.enum(['base', 'lower_level']).default('base'),
});
const flatLevel = z.strictObject({
  level: levelNumber,
  kind: z.literal('flat'),
  amount: moneyWire,
  perUnit: z.boolean().default(false),
});
const levels = z
  .array(z.discriminatedUnion('kind', [percentLevel, flatLevel]))
  .min(1)
  .max(10);
const limits = z.strictObject({
  maxPayments: z.int().min(1).max(10_000).nullable().default(null),
  maxMonths: z.int().min(1).max(1_200).nullable().default(null),
});

/** Bands, caps and rules for new customers only are a step of their own; a rule that asked for one must not be saved without it. */
function notYet(detail: string) {
  return z
    .unknown()
    .check((context) => {
      if (context.value !== null && context.value !== undefined)
        context.issues.push({ ...fieldIssue('not_allowed_here', detail), input: context.value });
    })
    .optional();
}

const changeable = {
  name: nameText.exactOptional(),
  base: z.enum(baseTypes).exactOptional(),
  minimumBase: moneyWire.nullable().exactOptional(),
  flatOnPartialRefund: z.enum(flatRefundModes).exactOptional(),
  levels: levels.exactOptional(),
  limits: limits.nullable().exactOptional(),
  bands: notYet('Bands are not available yet.'),
  cap: notYet('Caps are not available yet.'),
  appliesTo: z
    .string()
    .check((context) => {
      if (context.value !== 'all')
        context.issues.push({
          ...fieldIssue('not_allowed_here', 'Only "all" is available yet.'),
          input: context.value,
        });
    })
    .exactOptional(),
  effectiveFrom: instantWire.exactOptional(),
};

const required: Readonly<
  Record<(typeof ruleScopes)[number], readonly ('programId' | 'productId' | 'groupId' | 'affiliateId')[]>
> = {
  global: [],
  program: ['programId'],
  program_product: ['programId', 'productId'],
  group: ['groupId'],
  affiliate: ['affiliateId'],
};
const narrowing: Readonly<Record<(typeof ruleScopes)[number], readonly string[]>> = {
  global: [],
  program: [],
  program_product: [],
  group: ['programId', 'productId'],
  affiliate: ['programId', 'productId'],
};

export const ruleCreate = z
  .strictObject({
    ...changeable,
    scope: z.enum(ruleScopes),
    programId: idWire('program').nullable().exactOptional(),
    productId: idWire('product').nullable().exactOptional(),
    groupId: idWire('group').nullable().exactOptional(),
    affiliateId: idWire('affiliate').nullable().exactOptional(),
    event: z.enum(ruleEvents),
    transactionType: text(40).nullable().exactOptional(),
    levels,
  })
  .check((context) => {
    const rule = context.value;
    const issue = (code: 'required' | 'not_allowed_here', message: string, field: string): void => {
      context.issues.push({ ...fieldIssue(code, message, [field]), input: rule });
    };
    for (const field of ['programId', 'productId', 'groupId', 'affiliateId'] as const) {
      const isGiven = rule[field] !== undefined && rule[field] !== null;
      if (required[rule.scope].includes(field) && !isGiven)
        issue('required', `A rule of this scope names its ${field}.`, field);
      const isAllowed = required[rule.scope].includes(field) || narrowing[rule.scope].includes(field);
      if (isGiven && !isAllowed) issue('not_allowed_here', 'Not with this scope.', field);
    }
    const hasType = rule.transactionType !== undefined && rule.transactionType !== null;
    if (rule.event === 'transaction' && !hasType) issue('required', 'Which type of transaction?', 'transactionType');
    if (rule.event !== 'transaction' && hasType) issue('not_allowed_here', 'Only for transactions.', 'transactionType');
  });
export const rulePatch = z.strictObject({ ...changeable });
export type RuleCreate = z.output<typeof ruleCreate>;
export type RulePatch = z.output<typeof rulePatch>;

const levelReply = z.discriminatedUnion('kind', [
  z.strictObject({
    level: levelNumber,
    kind: z.literal('percent'),
    ratePpm: ppmWire,
    of: z.enum(['base', 'lower_level']),
  }),
  z.strictObject({ level: levelNumber, kind: z.literal('flat'), amount: moneyWire, perUnit: z.boolean() }),
]);

export const ruleWire = z.strictObject({
  ...objectFields('rule', 'commission_rule'),
  name: z.string(),
  status: z.enum(['active', 'ended']),
  scope: z.enum(ruleScopes),
  programId: z.string().nullable(),
  productId: z.string().nullable(),
  groupId: z.string().nullable(),
  affiliateId: z.string().nullable(),
  event: z.enum(ruleEvents),
  transactionType: z.string().nullable(),
  base: z.enum(baseTypes),
  minimumBase: moneyWire.nullable(),
  flatOnPartialRefund: z.enum(flatRefundModes),
  levels: z.array(levelReply),
  bands: z.null(),
  limits: z.strictObject({ maxPayments: z.int().nullable(), maxMonths: z.int().nullable() }),
  cap: z.null(),
  appliesTo: z.literal('all'),
  effectiveFrom: instantWire,
  effectiveTo: instantWire.nullable(),
  ...versionFields,
});
export type RuleReply = z.output<typeof ruleWire>;
export const ruleList = listOf(ruleWire);
export const ruleVersions = z.strictObject({ data: z.array(ruleWire), nextCursor: z.null() });

export const ruleQuery = listQuery({
  scope: anyOf(ruleScopes),
  programId: anyText(),
  productId: anyText(),
  groupId: anyText(),
  affiliateId: anyText(),
  event: anyOf(ruleEvents),
  status: anyOf(['active', 'ended']),
});

export function presentRule(rule: RuleRecord): RuleReply {
  return {
    id: rule.id,
    object: 'commission_rule',
    name: rule.name,
    status: rule.status,
    scope: rule.scope,
    programId: rule.programId,
    productId: rule.productId,
    groupId: rule.groupId,
    affiliateId: rule.affiliateId,
    event: rule.event,
    transactionType: rule.transactionType,
    base: rule.terms.base,
    minimumBase: rule.terms.minimumBase,
    flatOnPartialRefund: rule.terms.flatOnPartialRefund,
    levels: rule.terms.levels.map((level) =>
      level.kind === 'flat'
        ? { level: level.level, kind: 'flat' as const, amount: level.amount, perUnit: level.perUnit }
        : { level: level.level, kind: 'percent' as const, ratePpm: level.rate, of: level.of },
    ),
    bands: null,
    limits: rule.terms.limits,
    cap: null,
    appliesTo: 'all',
    effectiveFrom: rule.effectiveFrom,
    effectiveTo: rule.effectiveTo,
    version: rule.version,
    createdAt: rule.createdAt,
    updatedAt: rule.updatedAt,
  };
}

export function placeOf(body: RuleCreate): RulePlace {
  return {
    scope: body.scope,
    programId: body.programId ?? null,
    productId: body.productId ?? null,
    groupId: body.groupId ?? null,
    affiliateId: body.affiliateId ?? null,
    event: body.event,
    transactionType: body.transactionType ?? null,
  };
}

/** What a body says, over what was there; defaults of api.md 6.2. */
export function termsOf(body: RulePatch, before: RuleTerms | null): RuleTerms {
  const given = body.levels?.map(
    (level): RuleLevel =>
      level.kind === 'flat'
        ? { level: level.level, kind: 'flat', amount: level.amount, perUnit: level.perUnit }
        : { level: level.level, kind: 'percent', rate: level.ratePpm, of: level.of },
  );
  return {
    base: body.base ?? before?.base ?? 'net',
    minimumBase: body.minimumBase === undefined ? (before?.minimumBase ?? null) : body.minimumBase,
    flatOnPartialRefund: body.flatOnPartialRefund ?? before?.flatOnPartialRefund ?? 'proportional',
    levels: (given ?? before?.levels ?? []).toSorted((a, b) => a.level - b.level),
    limits:
      body.limits === undefined
        ? (before?.limits ?? { maxPayments: null, maxMonths: null })
        : (body.limits ?? { maxPayments: null, maxMonths: null }),
  };
}

const saleLine = z.strictObject({
  product: text(100).nullable().exactOptional(),
  quantity: z.int().min(1).max(1_000_000).default(1),
  amount: moneyWire,
  tax: moneyWire.nullable().exactOptional(),
  fees: moneyWire.nullable().exactOptional(),
  shipping: moneyWire.nullable().exactOptional(),
});

/** The money of a sale, as it is reported and as a quote asks (api.md 8.3). */
export const saleMoney = {
  transactionType: text(40).nullable().exactOptional(),
  amount: moneyWire,
  tax: moneyWire.nullable().exactOptional(),
  fees: moneyWire.nullable().exactOptional(),
  shipping: moneyWire.nullable().exactOptional(),
  deposit: moneyWire.nullable().exactOptional(),
  product: text(100).nullable().exactOptional(),
  quantity: z.int().min(1).max(1_000_000).nullable().exactOptional(),
  lines: z.array(saleLine).min(1).max(500).nullable().exactOptional(),
};
export const quotedSale = z.strictObject(saleMoney);
export type QuotedSale = z.output<typeof quotedSale>;

export const quoteBody = z
  .strictObject({
    programId: idWire('program'),
    affiliateId: idWire('affiliate').nullable().exactOptional(),
    coupon: notYet('Coupons are not available yet.'),
    event: z.enum(ruleEvents),
    occurredAt: instantWire.exactOptional(),
    paymentNumber: z.int().min(1).max(1_000_000).nullable().exactOptional(),
    sale: quotedSale.nullable().exactOptional(),
  })
  .check((context) => {
    const isLead = context.value.event === 'lead' || context.value.event === 'registration';
    const hasSale = context.value.sale !== undefined && context.value.sale !== null;
    if (!isLead && !hasSale)
      context.issues.push({ ...fieldIssue('required', 'What is sold?', ['sale']), input: context.value });
    if (isLead && hasSale)
      context.issues.push({ ...fieldIssue('not_allowed_here', 'A lead has no sale.', ['sale']), input: context.value });
  });

export const quoteReply = z.strictObject({
  commissions: z.array(
    z.strictObject({
      level: z.int(),
      affiliateId: z.string(),
      amount: moneyWire,
      explanation: z.record(z.string(), z.unknown()),
    }),
  ),
  noCommissionCode: z.string().nullable(),
});
