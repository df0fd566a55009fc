import { z } from 'zod';
import { InvariantError } from '../domain/errors.js';

/**
 * What a schema makes of an answer, without its checks. `z.encode` walks the schema anew for every value and row, which took a third of a
 * list's CPU (docs/running/performance.md); this is the same walk, made once for each schema. Types, members of unions and enums, missing and
 * unknown fields are still looked at, since that costs next to nothing; lengths and patterns are not: we built the value. Whatever is not as
 * expected is given to `z.encode`, which refuses it in its own words.
 */
type Encoder = (value: unknown) => unknown;

/** The value is not what the plain walk expects: `z.encode` has to judge. */
const unexpected = new Error('not plain');

const encoders = new WeakMap<z.core.$ZodType, Encoder>();

function encoderOf(schema: z.core.$ZodType): Encoder {
  const made = encoders.get(schema);
  if (made !== undefined) return made;
  const encoder = makeEncoder(schema);
  encoders.set(schema, encoder);
  return encoder;
}

/**
 * The wire form of an answer by its schema. `isChecked` also asks `z.encode`, checks and all, and compares: so do all tests, which is why
 * others need not.
 * @throws ZodError when the value does not fit the schema; InvariantError when the two ways differ.
 */
export function encodeAnswer(schema: z.ZodType, value: unknown, options: { readonly isChecked: boolean }): unknown {
  const wire = plainly(schema, value);
  if (!options.isChecked && wire !== unexpected) return wire;
  const judged: unknown = z.encode(schema, value);
  if (wire !== unexpected && JSON.stringify(wire) !== JSON.stringify(judged))
    throw new InvariantError('an answer is encoded the same with and without its checks');
  return judged;
}

function plainly(schema: z.ZodType, value: unknown): unknown {
  try {
    return encoderOf(schema)(value);
  } catch (error) {
    // zod's own refusal of a part would name the place within that part.
    if (error !== unexpected && !(error instanceof z.ZodError)) throw error;
    return unexpected;
  }
}

function makeEncoder(schema: z.core.$ZodType): Encoder {
  if (rewrites(schema)) return byZod(schema);
  if (schema instanceof z.ZodCodec) return codecEncoder(schema);
  if (schema instanceof z.ZodString) return ofType('string');
  if (schema instanceof z.ZodBoolean) return ofType('boolean');
  // JSON has no other numbers: they would become null.
  if (schema instanceof z.ZodNumber) return when(Number.isFinite);
  if (schema instanceof z.ZodLiteral) return among(schema.def.values);
  if (schema instanceof z.ZodEnum) return among(schema.options);
  if (schema instanceof z.ZodNull) return when((value) => value === null);
  if (schema instanceof z.ZodUnknown) return (value) => value;
  if (schema instanceof z.ZodReadonly) return encoderOf(schema.def.innerType);
  if (schema instanceof z.ZodNullable) return nullableEncoder(schema.def.innerType);
  if (schema instanceof z.ZodArray) return arrayEncoder(schema.def.element);
  if (schema instanceof z.ZodRecord) return recordEncoder(schema);
  if (schema instanceof z.ZodObject) return objectEncoder(schema);
  if (schema instanceof z.ZodDiscriminatedUnion) return discriminatedEncoder(schema);
  return byZod(schema);
}

function byZod(schema: z.core.$ZodType): Encoder {
  return (value) => z.encode(schema, value as never);
}

/** Does a check of the schema change the value? */
function rewrites(schema: z.core.$ZodType): boolean {
  return schema._zod.def.checks?.some((check) => check._zod.def.check === 'overwrite') === true;
}

function when(fits: (value: unknown) => boolean): Encoder {
  return (value) => {
    if (!fits(value)) throw unexpected;
    return value;
  };
}

function ofType(type: 'string' | 'boolean'): Encoder {
  return (value) => {
    if (typeof value !== type) throw unexpected;
    return value;
  };
}

function among(values: readonly unknown[]): Encoder {
  const [only] = values;
  if (values.length === 1) return when((value) => value === only);
  const known = new Set(values);
  return when((value) => known.has(value));
}

/** The codec's own function, then the form it answers. What it takes is a type of ours, which zod does not look at either. */
function codecEncoder(schema: z.ZodCodec): Encoder {
  const { in: wire, out: ours, reverseTransform } = schema.def;
  if (!(ours instanceof z.ZodCustom)) return byZod(schema);
  const encodeWire = encoderOf(wire);
  return (value) => {
    const payload: z.core.ParsePayload<z.core.SomeType> = { value: value as never, issues: [] };
    const encoded = reverseTransform(value as never, payload as never);
    if (payload.issues.length > 0) throw unexpected;
    return encodeWire(encoded);
  };
}

function nullableEncoder(inner: z.core.$ZodType): Encoder {
  const encode = encoderOf(inner);
  return (value) => (value === null ? null : encode(value));
}

function arrayEncoder(element: z.core.$ZodType): Encoder {
  const encode = encoderOf(element);
  return (value) => {
    if (!Array.isArray(value)) throw unexpected;
    return value.map(encode);
  };
}

function recordEncoder(schema: z.ZodRecord): Encoder {
  if (!(schema.keyType instanceof z.ZodString) || rewrites(schema.keyType)) return byZod(schema);
  const encode = encoderOf(schema.valueType);
  return (value) => {
    if (!isPlainObject(value)) throw unexpected;
    const encoded: Record<string, unknown> = {};
    for (const key of Object.keys(value)) {
      if (key === '__proto__') throw unexpected;
      encoded[key] = encode(value[key]);
    }
    return encoded;
  };
}

interface Field {
  readonly key: string;
  readonly encode: Encoder;
  /** `exact`: it may be missing, but not stand there as undefined. */
  readonly absent: 'never' | 'exact' | 'any';
}

/** In the order of the schema, as `z.encode` answers. */
function objectEncoder(schema: z.ZodObject): Encoder {
  // Fields that nobody knows are refused by zod or taken along by it.
  if (!(schema.def.catchall instanceof z.ZodNever)) return byZod(schema);
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.def.shape;
  const fields = Object.entries(shape).map(
    ([key, field]): Field =>
      field instanceof z.ZodOptional || field instanceof z.ZodExactOptional
        ? { key, encode: encoderOf(field.def.innerType), absent: field instanceof z.ZodExactOptional ? 'exact' : 'any' }
        : { key, encode: encoderOf(field), absent: 'never' },
  );
  return (value) => {
    if (!isPlainObject(value)) throw unexpected;
    const encoded: Record<string, unknown> = {};
    let known = 0;
    for (const { key, encode, absent } of fields) {
      const field = value[key];
      if (field !== undefined) {
        encoded[key] = encode(field);
        known += 1;
      } else if (absent === 'never') throw unexpected;
      else if (Object.hasOwn(value, key)) {
        if (absent === 'exact') throw unexpected;
        known += 1;
      }
    }
    if (Object.keys(value).length !== known) throw unexpected;
    return encoded;
  };
}

/** By the member that the value names. */
function discriminatedEncoder(schema: z.ZodDiscriminatedUnion): Encoder {
  const { discriminator, options } = schema.def;
  const members = new Map<unknown, Encoder>();
  for (const option of options) {
    const named = option instanceof z.ZodObject ? (option.def.shape as z.core.$ZodShape)[discriminator] : undefined;
    const values =
      named instanceof z.ZodLiteral ? [...named.def.values] : named instanceof z.ZodEnum ? named.options : undefined;
    if (values === undefined) return byZod(schema);
    for (const value of values) members.set(value, encoderOf(option));
  }
  return (value) => {
    const encode = isPlainObject(value) ? members.get(value[discriminator]) : undefined;
    if (encode === undefined) throw unexpected;
    return encode(value);
  };
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
