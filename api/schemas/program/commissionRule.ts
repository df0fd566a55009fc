import { z } from 'zod';
import { isEnded, type RuleRecord } from '../../../db/program/commissionPlan.js';
import { bandMeasures, bandModes, bandPeriods, type Bands } from '../../../domain/program/bands.js';
import {
  appliesToWords,
  baseTypes,
  capPeriods,
  capScopes,
  flatRefundModes,
  ruleEvents,
  type RuleLevel,
  type RulePlace,
  ruleScopes,
  type RuleTerms,
} from '../../../domain/program/commissionPlan.js';
import type { Instant } from '../../../domain/time.js';
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

/** A count, or an amount in whole units: which of the two is judged with the rule (`rule_conflict`, `band_from`). */
const bandFrom = z
  .string()
  .max(24)
  .regex(/^(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?$/);
const bandRow = z.discriminatedUnion('kind', [
  z.strictObject({ from: bandFrom, kind: z.literal('percent'), ratePpm: ppmWire }),
  z.strictObject({ from: bandFrom, kind: z.literal('flat'), amount: moneyWire }),
]);
const bands = z.strictObject({
  level: levelNumber.default(1),
  by: z.enum(bandMeasures),
  period: z.enum(bandPeriods).default('lifetime'),
  /** By the size of a sale the row counts for the whole of it, else each event or slice at its own row. */
  mode: z.enum(bandModes).exactOptional(),
  rows: z.array(bandRow).min(1).max(50),
});
const cap = z.strictObject({
  amount: moneyWire,
  scope: z.enum(capScopes).default('affiliate'),
  period: z.enum(capPeriods),
});

const changeable = {
  name: nameText.exactOptional(),
  base: z.enum(baseTypes).exactOptional(),
  minimumBase: moneyWire.nullable().exactOptional(),
  flatOnPartialRefund: z.enum(flatRefundModes).exactOptional(),
  levels: levels.exactOptional(),
  limits: limits.nullable().exactOptional(),
  bands: bands.nullable().exactOptional(),
  cap: cap.nullable().exactOptional(),
  appliesTo: z.enum(appliesToWords).exactOptional(),
  effectiveFrom: instantWire.exactOptional(),
  /** From here on the next wider rule counts. A change that does not say it keeps the end there is; null takes it back. */
  effectiveTo: instantWire.nullable().exactOptional(),
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
    if (rule.scope === 'global' && rule.effectiveTo != null)
      issue('not_allowed_here', 'The rule of the workspace has no end: none would take its place.', 'effectiveTo');
    const hasType = rule.transactionType !== undefined && rule.transactionType !== null;
    if (rule.event === 'transaction' && !hasType) issue('required', 'Which type of transaction?', 'transactionType');
    if (rule.event !== 'transaction' && hasType) issue('not_allowed_here', 'Only for transactions.', 'transactionType');
  });
export const rulePatch = z.strictObject({
  ...changeable,
  /** Left out: at once, but a version that has yet to begin stays on its day; null: at once, whatever was planned. */
  effectiveFrom: instantWire.nullable().exactOptional(),
});
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

const bandsReply = z.strictObject({
  level: levelNumber,
  by: z.enum(bandMeasures),
  period: z.enum(bandPeriods),
  mode: z.enum(bandModes),
  rows: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ from: z.string(), kind: z.literal('percent'), ratePpm: ppmWire }),
      z.strictObject({ from: z.string(), kind: z.literal('flat'), amount: moneyWire }),
    ]),
  ),
});

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
  bands: bandsReply.nullable(),
  limits: z.strictObject({ maxPayments: z.int().nullable(), maxMonths: z.int().nullable() }),
  cap: z.strictObject({ amount: moneyWire, scope: z.enum(capScopes), period: z.enum(capPeriods) }).nullable(),
  appliesTo: z.enum(appliesToWords),
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

export function presentRule(rule: RuleRecord, now: Instant): RuleReply {
  return {
    id: rule.id,
    object: 'commission_rule',
    name: rule.name,
    status: isEnded(rule, now) ? 'ended' : 'active',
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
    bands: presentBands(rule.terms.bands),
    limits: rule.terms.limits,
    cap: rule.terms.cap,
    appliesTo: rule.terms.appliesTo,
    effectiveFrom: rule.effectiveFrom,
    effectiveTo: rule.effectiveTo,
    version: rule.version,
    createdAt: rule.createdAt,
    updatedAt: rule.updatedAt,
  };
}

function presentBands(shown: Bands | null): RuleReply['bands'] {
  if (shown === null) return null;
  const rows = shown.rows.map(({ from, pays }) =>
    pays.kind === 'percent'
      ? { from, kind: pays.kind, ratePpm: pays.rate }
      : { from, kind: pays.kind, amount: pays.amount },
  );
  return { ...shown, rows };
}

function bandsOf(sent: z.output<typeof bands>): Bands {
  const rows = sent.rows.map((row) => ({
    from: row.from,
    pays: row.kind === 'percent' ? { kind: row.kind, rate: row.ratePpm } : { kind: row.kind, amount: row.amount },
  }));
  return { ...sent, mode: sent.mode ?? (sent.by === 'sale_size' ? 'whole' : 'marginal'), rows };
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
    bands: body.bands === undefined ? (before?.bands ?? null) : body.bands === null ? null : bandsOf(body.bands),
    cap: body.cap === undefined ? (before?.cap ?? null) : body.cap,
    appliesTo: body.appliesTo ?? before?.appliesTo ?? 'all',
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

export const quoteBody = z
  .strictObject({
    programId: idWire('program'),
    affiliateId: idWire('affiliate').nullable().exactOptional(),
    coupon: text(64).nullable().exactOptional(),
    event: z.enum(ruleEvents),
    occurredAt: instantWire.exactOptional(),
    paymentNumber: z.int().min(1).max(1_000_000).nullable().exactOptional(),
    sale: quotedSale.nullable().exactOptional(),
    /** A past sale in place of an imagined one: its lines with all that it stated, as if it were made now (screens.md 3.9). Needs `sale.read`. */
    saleId: idWire('sale').nullable().exactOptional(),
  })
  .check((context) => {
    const isLead = context.value.event === 'lead' || context.value.event === 'registration';
    const isPast = context.value.saleId !== undefined && context.value.saleId !== null;
    const isImagined = context.value.sale !== undefined && context.value.sale !== null;
    const hasSale = isPast || isImagined;
    if (isPast && isImagined)
      context.issues.push({
        ...fieldIssue('not_allowed_here', 'Either an imagined sale or a past one.', ['saleId']),
        input: context.value,
      });
    if (!isLead && !hasSale)
      context.issues.push({ ...fieldIssue('required', 'What is sold?', ['sale']), input: context.value });
    if (isLead && hasSale)
      context.issues.push({
        ...fieldIssue('not_allowed_here', 'A lead has no sale.', [isPast ? 'saleId' : 'sale']),
        input: context.value,
      });
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
