import type { z } from 'zod';
import { DomainError } from '../domain/errors.js';
import { jsonPointer } from './jsonGuard.js';
import { type FieldCode, type FieldError, fieldCodes } from './problems.js';

type Place = 'path' | 'query' | 'body';
type Issue = z.core.$ZodIssue;

/** Never taken from a request; dropped where undocumented, so that the call answers the same with and without them (ROL-07). */
const droppedFields = new Set(['role', 'roles', 'permissions', 'userId', 'workspaceId']);
const maxErrors = 100;

/** Parses one part of the request. A path that does not parse is 404; all field errors of a body or query come at once, as 422. */
export function parseWith(schema: z.ZodType | undefined, input: unknown, place: Place): unknown {
  const known = schema ?? undefined;
  if (known === undefined) {
    const left =
      place === 'path' ? [] : Object.keys((input ?? {}) as object).filter((name) => !droppedFields.has(name));
    if (place === 'body' && (typeof input !== 'object' || input === null || Array.isArray(input)))
      throw refusal([{ pointer: '#', code: 'wrong_type', detail: 'Send a JSON object, or nothing.' }]);
    if (left.length > 0) throw refusal(left.map((name) => unknownField(place, [name])));
    return undefined;
  }
  let value = input;
  for (let round = 0; ; round += 1) {
    const parsed = known.safeParse(value);
    if (parsed.success) return parsed.data;
    if (place === 'path') throw new DomainError('resource.not_found');
    const cleaned = round === 0 ? withoutDropped(value, parsed.error.issues) : undefined;
    if (cleaned === undefined) throw refusal(parsed.error.issues.flatMap((issue) => describe(issue, value, place)));
    value = cleaned;
  }
}

function refusal(errors: readonly FieldError[]): DomainError {
  return new DomainError('request.validation_failed', { errors: errors.slice(0, maxErrors) });
}

/** The input without the fields of ROL-07 that the schema does not know; undefined when there were none. */
function withoutDropped(input: unknown, issues: readonly Issue[]): unknown {
  const unknown = issues.filter((issue) => issue.code === 'unrecognized_keys');
  const dropped = unknown.flatMap((issue) =>
    issue.keys.filter((key) => droppedFields.has(key)).map((key) => ({ path: issue.path, key })),
  );
  if (dropped.length === 0) return undefined;
  const copy = structuredClone(input);
  for (const { path, key } of dropped) {
    const holder = valueAt(copy, path);
    if (typeof holder === 'object' && holder !== null) Reflect.deleteProperty(holder, key);
  }
  return copy;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function describe(issue: Issue, input: unknown, place: Place): FieldError[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(place, [...path, key]));
  return [{ ...at(place, path), code: codeOf(issue, input), detail: detailOf(issue, input) }];
}

function at(place: Place, path: readonly (string | number)[]): Pick<FieldError, 'pointer' | 'parameter'> {
  return place === 'query'
    ? { parameter: String(path[0] ?? '').slice(0, 64) }
    : { pointer: path.length === 0 ? '#' : jsonPointer(path) };
}

function unknownField(place: Place, path: readonly (string | number)[]): FieldError {
  return place === 'query'
    ? { ...at(place, path), code: 'unknown_parameter', detail: 'This parameter is not known here.' }
    : { ...at(place, path), code: 'unknown_field', detail: 'This field is not known here.' };
}

function isMissing(issue: Issue, input: unknown): boolean {
  return valueAt(input, issue.path) === undefined;
}

function codeOf(issue: Issue, input: unknown): FieldCode {
  switch (issue.code) {
    case 'custom': {
      const code: unknown = (issue.params as { code?: unknown } | undefined)?.code;
      return fieldCodes.find((known) => known === code) ?? 'bad_format';
    }
    case 'invalid_type':
      return isMissing(issue, input) ? 'required' : 'wrong_type';
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array' ? 'too_long' : 'out_of_range';
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array' ? 'too_short' : 'out_of_range';
    case 'invalid_value':
    case 'invalid_union':
      return isMissing(issue, input) ? 'required' : 'not_in_list';
    case 'not_multiple_of':
      return 'out_of_range';
    case 'unrecognized_keys':
      return 'unknown_field';
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_element':
      return 'bad_format';
    default:
      return issue satisfies never;
  }
}

/** Ours or zod's fixed texts: none of them quotes the input. */
function detailOf(issue: Issue, input: unknown): string {
  if (issue.code === 'invalid_type' && isMissing(issue, input)) return 'This field is required.';
  return issue.message;
}
