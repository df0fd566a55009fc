import '../openapiZod.js';
import { z } from 'zod';
import { documentStates } from '../../domain/affiliate/document.js';
import { claimReasons } from '../../domain/earning/claim.js';
import { type IdKind, idPattern, type Id } from '../../domain/ids.js';
import {
  formatMoney,
  type Money,
  type MoneyProblem,
  parseCurrency,
  type CurrencyCode,
  parseMoney,
  type Ppm,
  ppm,
  ppmWhole,
} from '../../domain/money.js';
import {
  type Duration,
  type Instant,
  type LocalDate,
  parseDuration,
  parseInstant,
  parseLocalDate,
} from '../../domain/time.js';
import type { FieldCode } from '../problems.js';

// One schema validates, types, encodes and documents (architecture.md 12). Nothing is coerced; objects are strict.

/** A refusal of a schema with one of our field codes; `route.ts` turns it into `errors`. */
export function fieldIssue(code: FieldCode, message: string, path: readonly (string | number)[] = []) {
  return { code: 'custom' as const, message, path: [...path], params: { code }, input: undefined };
}

const moneyDetail: Readonly<Record<MoneyProblem, string>> = {
  wrong_type: 'Send the amount as a decimal string.',
  bad_format: 'Digits with an optional point, no sign, spaces or separators.',
  too_many_decimals: 'More decimal digits than the currency has.',
  unknown_currency: 'Not an active ISO 4217 currency.',
  out_of_range: 'At most 10^15 minor units.',
};

function moneyCodec(negative: boolean) {
  return z
    .codec(
      z.strictObject({
        amount: z.string().meta({ examples: ['49.99'] }),
        currency: z.string().meta({ examples: ['USD'] }),
      }),
      z.custom<Money>(),
      {
        decode: (wire, context) => {
          const parsed = parseMoney(wire, { negative });
          if (parsed.ok) return parsed.money;
          context.issues.push(fieldIssue(parsed.problem, moneyDetail[parsed.problem], [parsed.at]));
          return z.NEVER;
        },
        // An absent optional field comes here as undefined (zod 4.6): an issue is dropped with it, an exception would not be.
        encode: (money: Money | undefined, context) => {
          if (money !== undefined) return formatMoney(money);
          context.issues.push(fieldIssue('required', 'An amount.'));
          return z.NEVER;
        },
      },
    )
    .openapi({
      type: 'object',
      properties: {
        amount: { type: 'string', examples: ['49.99'] },
        currency: { type: 'string', examples: ['USD'] },
      },
      required: ['amount', 'currency'],
      additionalProperties: false,
    });
}

/** `{"amount":"12.34","currency":"USD"}` ↔ Money; not below zero on the way in. Use it in requests. */
export const moneyWire = moneyCodec(false);
/** For requests in which nothing is no amount: a refund. Code: `out_of_range`. */
export function aboveZero(wire: typeof moneyWire): typeof moneyWire {
  return wire.check((context) => {
    if (context.value.minor === 0n) context.issues.push(fieldIssue('out_of_range', 'Above zero.'));
  });
}
/** The same where an amount may be below zero: corrections, and every answer. */
export const signedMoneyWire = moneyCodec(true);

export const currencyWire = z
  .string()
  .transform((text, context): CurrencyCode => {
    const currency = parseCurrency(text);
    if (currency !== undefined) return currency;
    context.issues.push(fieldIssue('unknown_currency', moneyDetail.unknown_currency));
    return z.NEVER;
  })
  .openapi({ type: 'string', examples: ['USD'] });

/** An integer from 0 to 1,000,000 parts per million: 20 % = 200000. */
export const ppmWire = z
  .codec(z.int().min(0).max(ppmWhole), z.custom<Ppm>(), {
    decode: (value) => ppm(value),
    encode: (value) => value as number,
  })
  .openapi({ type: 'integer', minimum: 0, maximum: ppmWhole, examples: [200_000] });

/** RFC 3339 with a zone, years 2000-2100; answers in UTC with three digits. */
export const instantWire = z
  .codec(z.string(), z.custom<Instant>(), {
    decode: (text, context) => {
      const instant = parseInstant(text);
      if (instant !== undefined) return instant;
      context.issues.push(fieldIssue('bad_format', 'RFC 3339 with a zone, such as 2026-11-20T09:30:00.000Z.'));
      return z.NEVER;
    },
    encode: (instant) => instant as string,
  })
  .openapi({ type: 'string', format: 'date-time', examples: ['2026-11-20T09:30:00.000Z'] });

/** A day, in the workspace's zone. */
export const dateWire = z
  .codec(z.string(), z.custom<LocalDate>(), {
    decode: (text, context) => {
      const date = parseLocalDate(text);
      if (date !== undefined) return date;
      context.issues.push(fieldIssue('bad_format', 'A real day, such as 2026-11-20.'));
      return z.NEVER;
    },
    encode: (date) => date as string,
  })
  .openapi({ type: 'string', format: 'date', examples: ['2026-11-20'] });

/** `P30D`, `PT12H`, `PT15M`, `PT5S`: one number, one unit, to 3,650 days. */
export const durationWire = z
  .codec(z.string(), z.custom<Duration>(), {
    decode: (text, context) => {
      const duration = parseDuration(text);
      if (duration !== undefined) return duration;
      context.issues.push(fieldIssue('bad_format', 'One number and one unit, such as P30D or PT12H.'));
      return z.NEVER;
    },
    encode: (duration) => duration as string,
  })
  .openapi({ type: 'string', examples: ['P30D'] });

/** An id of one kind. In a path a malformed one is 404, in a body or query 422. */
export function idWire<K extends IdKind>(kind: K) {
  const pattern = idPattern(kind);
  return z
    .codec(z.string(), z.custom<Id<K>>(), {
      decode: (text, context) => {
        if (pattern.test(text)) return text as Id<K>;
        context.issues.push(
          fieldIssue('bad_format', `An id such as ${kind === 'program' ? 'prg_…' : pattern.source.slice(1, 5)}….`),
        );
        return z.NEVER;
      },
      encode: (id) => id as string,
    })
    .openapi({ type: 'string', pattern: pattern.source });
}

// Control characters, and those that turn the direction of writing: a name must never reorder a table (reliability.md C2, C7).
const controls = /[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;
const controlsOfNotes = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/u;
/** Something to see: not only zero-width characters (C1). */
const visible = /[^\s\p{Cf}\p{Mn}]/u;

function textOf(max: number, refused: RegExp, options: { readonly empty?: boolean }) {
  return z
    .string()
    .overwrite((text) => text.normalize('NFC').trim())
    .check((context) => {
      const text = context.value;
      if (text === '' && options.empty === true) return;
      if (!visible.test(text))
        context.issues.push({ ...fieldIssue('too_short', 'At least one visible character.'), input: text });
      else if (refused.test(text))
        context.issues.push({
          ...fieldIssue('bad_format', 'Control and direction characters are not allowed.'),
          input: text,
        });
      else if (Array.from(text).length > max)
        context.issues.push({ ...fieldIssue('too_long', `At most ${max} characters.`), input: text });
    })
    .openapi({ type: 'string', minLength: options.empty === true ? 0 : 1, maxLength: max });
}

/** One line of text: NFC, trimmed, no control or direction characters, 1 to `max` characters. */
export function text(max: number) {
  return textOf(max, controls, {});
}

/** Text with line breaks and tabs; may be empty only with `empty`. */
export function longText(max: number, options: { readonly empty?: boolean } = {}) {
  return textOf(max, controlsOfNotes, options);
}

/** api.md 1.1: names 200, reasons 500, notes 10,000, e-mail 254 characters. */
export const nameText = text(200);
export const reasonText = longText(500);
export const noteText = longText(10_000);

// The addresses that mailers accept everywhere: a dot-atom before the @, a domain with a dot after it, no quotes, no literals (C8).
const emailPattern =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]$/;

/** An e-mail address, lower case: two spellings are one mailbox everywhere that matters. */
export const emailWire = z
  .string()
  .overwrite((value) => value.trim().toLowerCase())
  .check((context) => {
    if (context.value.length > 254)
      context.issues.push({ ...fieldIssue('too_long', 'At most 254 characters.'), input: context.value });
    else if (!emailPattern.test(context.value))
      context.issues.push({
        ...fieldIssue('bad_format', 'An address such as ada@blog.example.'),
        input: context.value,
      });
  })
  .openapi({ type: 'string', format: 'email', examples: ['ada@blog.example'] });

/** 50 keys of 40, values of 500 characters, all text (api.md 1.1). */
export const metadataWire = z
  .record(text(40), longText(500, { empty: true }))
  .check((context) => {
    if (Object.keys(context.value).length > 50)
      context.issues.push({ ...fieldIssue('too_long', 'At most 50 keys.'), input: context.value });
  })
  .openapi({ type: 'object', additionalProperties: { type: 'string', maxLength: 500 } });

/** What every object has (api.md 1.1): spread it into a strict object. `object` is the kind in snake_case. */
export function objectFields<K extends IdKind, O extends string>(kind: K, object: O) {
  return { id: idWire(kind), object: z.literal(object) };
}

/** Fields of an editable resource. */
export const versionFields = { version: z.int().min(1), createdAt: instantWire, updatedAt: instantWire };

/** The small object beside an id (`expand`), and people in answers. */
export const namedWire = z.strictObject({ id: z.string(), name: z.string() });

/** What is still missing (api.md 3, `requirements_open`); of `documents` also which one and how it stands. */
export const openRequirementWire = z.strictObject({
  code: z.string(),
  detail: z.string(),
  document: z.strictObject({ type: z.string(), label: z.string(), state: z.enum(documentStates) }).exactOptional(),
});

/** Who did something: `requestedBy`, `decision.by` (api.md 1.8, 1.9). */
export const byWire = z.strictObject({
  type: z.enum(['user', 'api_key', 'system', 'visitor', 'temporal']),
  id: z.string().nullable().optional(),
  name: z.string().nullable().optional(),
});

/** A page of a collection (api.md 1.6). */
export function listOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    data: z.array(item),
    nextCursor: z.string().nullable(),
    counts: z.strictObject({ total: z.int(), byStatus: z.record(z.string(), z.int()) }).exactOptional(),
    sums: z.array(signedMoneyWire).exactOptional(),
    sumsByStatus: z.record(z.string(), z.array(signedMoneyWire)).exactOptional(),
  });
}

const reasonFields = {
  reason: reasonText.exactOptional(),
  reasonCode: z.enum(claimReasons).exactOptional(),
};

/** Body of a positive decision: neither reason is needed (api.md 1.8). */
export const decisionBody = z.strictObject(reasonFields);

/** Body of a negative decision, a waiver, an override: one of both is needed; the affiliate may read `publicReason`. */
export const negativeDecisionBody = z
  .strictObject({ ...reasonFields, publicReason: reasonText.exactOptional() })
  .check((context) => {
    if (context.value.reason === undefined && context.value.reasonCode === undefined)
      context.issues.push({
        ...fieldIssue('required', 'Say why: reason or reasonCode.', ['reason']),
        input: context.value,
      });
  });

export interface DecisionReason {
  readonly reasonCode: string;
  readonly note: string | null;
  readonly publicReason: string | null;
}

/** What a decision's body says about why; `staff_decision` is recorded where it names no code. */
export function reasonOf(body: {
  readonly reason?: string | undefined;
  readonly reasonCode?: string | undefined;
  readonly publicReason?: string | undefined;
}): DecisionReason {
  return {
    reasonCode: body.reasonCode ?? 'staff_decision',
    note: body.reason ?? null,
    publicReason: body.publicReason ?? null,
  };
}

/** The last decision of a resource (api.md 1.8). */
export const decisionWire = z
  .strictObject({
    id: z.string().nullable(),
    verb: z.string(),
    by: byWire,
    at: instantWire,
    reasonCode: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .nullable();

/** For routes whose answer has no body. */
export const noContent = z.undefined();
