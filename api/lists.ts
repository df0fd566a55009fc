import { z } from 'zod';
import type { Page } from '../db/reads/keyset.js';
import { DomainError } from '../domain/errors.js';
import { type Instant, type LocalDate, parseInstant, parseLocalDate } from '../domain/time.js';
import { type Secrets, sha256Hex } from '../platform/secrets.js';
import { dateWire, fieldIssue, instantWire, text } from './schemas/wire.js';

const defaultLimit = 50;
const maxLimit = 200;

export const limitParameter = z
  .string()
  .default(String(defaultLimit))
  .transform((value, context) => {
    if (/^[1-9]\d{0,2}$/.test(value) && Number(value) <= maxLimit) return Number(value);
    context.issues.push(fieldIssue('out_of_range', `limit is 1 to ${maxLimit}.`));
    return z.NEVER;
  })
  .openapi({ type: 'integer', minimum: 1, maximum: maxLimit, default: defaultLimit });

/** `status=pending,approved`: commas mean OR. */
export function anyOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z
    .string()
    .transform((value, context): readonly T[number][] => {
      const parts = value.split(',');
      if (parts.every((part) => (values as readonly string[]).includes(part))) return [...new Set(parts)];
      context.issues.push(fieldIssue('not_in_list', `Some of: ${values.join(', ')}.`));
      return z.NEVER;
    })
    .exactOptional()
    .openapi({ type: 'string', examples: [values[0]] });
}

/** Ids or words of the caller's own, separated by commas, at most 100. */
export function anyText() {
  return z
    .string()
    .transform((value, context): readonly string[] => {
      const parts = value.split(',');
      if (parts.length <= 100 && parts.every((part) => /^[\x21-\x2b\x2d-\x7e]{1,255}$/.test(part)))
        return [...new Set(parts)];
      context.issues.push(fieldIssue('bad_format', 'Words without spaces, separated by commas.'));
      return z.NEVER;
    })
    .exactOptional()
    .openapi({ type: 'string' });
}

/** Names that people gave, separated by commas, at most 100: a campaign may have spaces in it. */
export function anyName() {
  return z
    .string()
    .transform((value, context): readonly string[] => {
      const parts = value.split(',').map((part) => part.normalize('NFC').trim());
      const isText = (part: string): boolean =>
        part !== '' && part.length <= 200 && !/[\p{Cc}\p{Surrogate}]/u.test(part);
      if (parts.length <= 100 && parts.every(isText)) return [...new Set(parts)];
      context.issues.push(fieldIssue('bad_format', 'Names, separated by commas.'));
      return z.NEVER;
    })
    .exactOptional()
    .openapi({ type: 'string' });
}

/** `true` or `false` in a query. */
export function flag() {
  return z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .exactOptional();
}

/** The same for a day, in the workspace's zone: `...dayRange('paidOn')`. */
export function dayRange<F extends string>(field: F) {
  const bound = dateWire.exactOptional();
  return {
    [`${field}[gte]`]: bound,
    [`${field}[gt]`]: bound,
    [`${field}[lte]`]: bound,
    [`${field}[lt]`]: bound,
  } as Record<`${F}[${'gte' | 'gt' | 'lte' | 'lt'}]`, typeof bound>;
}

/** The four bounds of a range on an instant: `...instantRange('createdAt')` in the filters. Half-open is the caller's choice. */
export function instantRange<F extends string>(field: F) {
  const bound = instantWire.exactOptional();
  return {
    [`${field}[gte]`]: bound,
    [`${field}[gt]`]: bound,
    [`${field}[lte]`]: bound,
    [`${field}[lt]`]: bound,
  } as Record<`${F}[${'gte' | 'gt' | 'lte' | 'lt'}]`, typeof bound>;
}

/** Each bound of a range that was asked for. */
export type BoundsOf<T> = { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: T };
export type InstantBounds = BoundsOf<Instant>;
export type DayBounds = BoundsOf<LocalDate>;

/** Reads the bounds of `instantRange` back out of a parsed query. */
export function boundsOf(query: Readonly<Record<string, unknown>>, field: string): InstantBounds {
  return readBounds(query, field, parseInstant);
}

/** Reads the bounds of `dayRange` back out of a parsed query. */
export function daysOf(query: Readonly<Record<string, unknown>>, field: string): DayBounds {
  return readBounds(query, field, parseLocalDate);
}

function readBounds<T>(
  query: Readonly<Record<string, unknown>>,
  field: string,
  parse: (text: string) => T | undefined,
): BoundsOf<T> {
  const bounds: { [K in 'gte' | 'gt' | 'lte' | 'lt']?: T } = {};
  for (const bound of ['gte', 'gt', 'lte', 'lt'] as const) {
    const value = query[`${field}[${bound}]`];
    const parsed = typeof value === 'string' ? parse(value) : undefined;
    if (parsed !== undefined) bounds[bound] = parsed;
  }
  return bounds;
}

export interface ListOptions {
  /** Fields that may be sorted by; the first is the default, descending. */
  readonly sort?: readonly [string, ...string[]];
  /** Accepts `q`, literal, to 100 characters. */
  readonly q?: true;
  readonly include?: readonly [string, ...string[]];
  readonly expand?: readonly [string, ...string[]];
}

function words(allowed: readonly string[]) {
  return z
    .string()
    .transform((value, context): readonly string[] => {
      const parts = value.split(',');
      if (parts.every((part) => allowed.includes(part))) return [...new Set(parts)];
      context.issues.push(fieldIssue('not_in_list', `Some of: ${allowed.join(', ')}.`));
      return z.NEVER;
    })
    .exactOptional()
    .openapi({ type: 'string' });
}

const searched = { q: text(100).exactOptional() };
/** A list that cannot search does not know `q`: ignored, it would answer everything to who looks for one thing. */
type Searched<O extends ListOptions> = O extends { readonly q: true } ? typeof searched : Record<never, never>;

/** The query of a list (api.md 1.6): strict, each parameter once. `ctx.page(query)` makes the page of it. */
export function listQuery<const F extends z.ZodRawShape, const O extends ListOptions>(
  filters: F,
  options: O = {} as O,
) {
  const sorts: readonly string[] = options.sort ?? ['createdAt'];
  const sort = z
    .string()
    .default(`-${sorts[0]}`)
    .transform((value, context) => {
      const field = value.replace(/^-/, '');
      if (sorts.includes(field)) return { field, descending: value.startsWith('-') };
      context.issues.push(fieldIssue('not_in_list', `One of: ${sorts.join(', ')}; - before it for descending.`));
      return z.NEVER;
    })
    .openapi({ type: 'string', default: `-${sorts[0]}`, examples: [`-${sorts[0]}`] });
  return z.strictObject({
    limit: limitParameter,
    cursor: z.string().max(1_000).exactOptional(),
    sort,
    ...((options.q === true ? searched : {}) as Searched<O>),
    include: words(options.include ?? []),
    expand: words(options.expand ?? []),
    ...filters,
  });
}

export interface ListQuery {
  readonly limit: number;
  readonly cursor?: string;
  readonly sort: { readonly field: string; readonly descending: boolean };
}

/** What a cursor is good for: the same list, filters, sort, mode and workspace. */
export interface CursorBinding {
  readonly path: string;
  readonly mode: string;
  readonly workspaceId: string;
  readonly rawQuery: Readonly<Record<string, string>>;
}

function bindingText({ path, mode, workspaceId, rawQuery }: CursorBinding): string {
  const filters = Object.entries(rawQuery)
    .filter(([name]) => name !== 'cursor' && name !== 'limit')
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256Hex(JSON.stringify([path, mode, workspaceId, filters]));
}

/** Cursor → page; 422 `invalid_cursor` when it was altered or belongs to another list. */
export function readPage(query: ListQuery, secrets: Secrets, binding: CursorBinding): Page {
  const { field, descending } = query.sort;
  const page = { limit: query.limit, sort: field, descending };
  if (query.cursor === undefined) return { ...page, after: null };
  const [content = '', signature = '', ...rest] = query.cursor.split('.');
  const isOurs = rest.length === 0 && secrets.isSignedBy('cursor', `${content} ${bindingText(binding)}`, signature);
  if (!isOurs) throw new DomainError('request.invalid_cursor');
  const [value, id] = JSON.parse(Buffer.from(content, 'base64url').toString('utf8')) as [
    string | number | null,
    string,
  ];
  return { ...page, after: { value, id } };
}

/** The cursor that continues after a row. */
export function writeCursor(
  after: { readonly value: string | number | null; readonly id: string },
  secrets: Secrets,
  binding: CursorBinding,
): string {
  const content = Buffer.from(JSON.stringify([after.value, after.id]), 'utf8').toString('base64url');
  return `${content}.${secrets.sign('cursor', `${content} ${bindingText(binding)}`)}`;
}
