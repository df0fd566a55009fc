import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { DomainError } from '../domain/errors.js';
import { toCsv } from '../platform/csv.js';

// Every list as a file (api.md 1.6): the rows that the list itself would answer, by its own handler, so that filters, rights and masks cannot
// differ. Columns come from the reply's schema: what a client reads and what a spreadsheet shows have the same names.

/** Above this a list is no answer of a request any more (api.md 1.6). */
export const mostExportedRows = 5_000;

/** A column: a path into the row. Money is two cells: the amount and its currency (api.md 1.6). */
export interface ExportColumn {
  readonly path: string;
  readonly kind: 'plain' | 'money' | 'codes';
}

export interface ListShape {
  readonly rowsAt: 'data' | 'rows' | null;
  readonly columns: readonly ExportColumn[];
  /** Of a route that answers several reports: the columns of each, by the `name` that its answer bears. */
  readonly byName: ReadonlyMap<string, readonly ExportColumn[]>;
}

/** What an export asks for: null when the request is none. */
export interface ExportWish {
  readonly columns: readonly ExportColumn[];
  /** The caller chose them: then also those stay that no row fills. */
  readonly areChosen: boolean;
}

const shapes = new WeakMap<z.ZodType, ListShape | 'none'>();

/** The rows and columns of a reply; undefined when it is no collection. */
export function listShapeOf(reply: z.ZodType): ListShape | undefined {
  const known = shapes.get(reply) ?? readShape(reply) ?? 'none';
  shapes.set(reply, known);
  return known === 'none' ? undefined : known;
}

const noNames: ListShape['byName'] = new Map();

function readShape(reply: z.ZodType): ListShape | undefined {
  if (reply instanceof z.ZodArray) return { rowsAt: null, columns: columnsOf(reply.element, ''), byName: noNames };
  if (reply instanceof z.ZodUnion) return readReports(reply.options as readonly z.core.$ZodType[]);
  if (!(reply instanceof z.ZodObject)) return undefined;
  const shape = reply.shape as Readonly<Record<string, z.core.$ZodType>>;
  for (const rowsAt of ['data', 'rows'] as const) {
    const rows = shape[rowsAt];
    if (rows instanceof z.ZodArray && 'nextCursor' in shape)
      return { rowsAt, columns: columnsOf(rows.element, ''), byName: noNames };
  }
  return undefined;
}

function readReports(options: readonly z.core.$ZodType[]): ListShape | undefined {
  const byName = new Map<string, readonly ExportColumn[]>();
  for (const option of options) {
    const shape = option instanceof z.ZodObject ? readShape(option) : undefined;
    const name =
      option instanceof z.ZodObject ? (option.shape as Readonly<Record<string, unknown>>)['name'] : undefined;
    if (shape?.rowsAt !== 'rows' || !(name instanceof z.ZodLiteral)) return undefined;
    // The list behind a row is for a screen to open.
    byName.set(
      String(name.value),
      shape.columns.filter(({ path }) => path !== 'detail' && path !== 'lists'),
    );
  }
  return { rowsAt: 'rows', columns: distinct([...byName.values()].flat()), byName };
}

function distinct(columns: readonly ExportColumn[]): readonly ExportColumn[] {
  return columns.filter((column, at) => columns.findIndex(({ path }) => path === column.path) === at);
}

/** What a screen needs and a sheet does not. */
const leftOut: ReadonlySet<string> = new Set(['object', 'allowedActions', 'undo']);
const deepest = 3;

function columnsOf(item: z.core.$ZodType, prefix: string): readonly ExportColumn[] {
  const schema = wireSideOf(item);
  if (schema instanceof z.ZodUnion) {
    return distinct(schema.options.flatMap((option) => columnsOf(option, prefix)));
  }
  if (schema instanceof z.ZodObject) {
    const shape = schema.shape as Readonly<Record<string, z.core.$ZodType>>;
    if (isMoney(shape)) return [{ path: prefix, kind: 'money' }];
    if (prefix.split('.').length > deepest) return [];
    return Object.entries(shape)
      .filter(([name]) => !leftOut.has(name))
      .flatMap(([name, field]) => columnsOf(field, prefix === '' ? name : `${prefix}.${name}`));
  }
  if (schema instanceof z.ZodArray) {
    const element = wireSideOf(schema.element);
    if (!(element instanceof z.ZodObject)) return [{ path: prefix, kind: 'plain' }];
    const shape = element.shape as Readonly<Record<string, z.core.$ZodType>>;
    if (isMoney(shape)) return [{ path: prefix, kind: 'money' }];
    // Of a list inside a row only its codes fit into one cell; the rest of it is what the row's own page is for.
    return 'code' in shape ? [{ path: prefix, kind: 'codes' }] : [];
  }
  return prefix === '' ? [] : [{ path: prefix, kind: 'plain' }];
}

/** Wrappers off, of a codec the side that leaves the house. */
function wireSideOf(schema: z.core.$ZodType): z.core.$ZodType {
  if (
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodExactOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly
  )
    return wireSideOf(schema.def.innerType);
  return schema instanceof z.ZodPipe ? wireSideOf(schema.in) : schema;
}

function isMoney(shape: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(shape).length === 2 && 'amount' in shape && 'currency' in shape;
}

/** The parameters of an export, in the API's document and for their checking. */
export const exportQuery = z.object({
  format: z.enum(['csv']).exactOptional(),
  columns: z.string().exactOptional(),
});

function refusal(parameter: string, code: string, detail: string): DomainError {
  return new DomainError('request.validation_failed', { errors: [{ parameter, code, detail }] });
}

/**
 * Takes `format` and `columns` out of a list's query: the rest is the list's own. `columns` names fields in the order wanted. Code:
 * `request.validation_failed` for another format or an unknown column.
 */
export function takeExport(
  rawQuery: Readonly<Record<string, string>>,
  request: Pick<IncomingMessage, 'headers'>,
  shape: ListShape,
): { readonly query: Readonly<Record<string, string>>; readonly wish: ExportWish | null } {
  const { format, columns, ...query } = rawQuery;
  if (format !== undefined && format !== 'csv') throw refusal('format', 'not_in_list', 'One of: csv.');
  const accept = request.headers.accept ?? '';
  const isWanted = format === 'csv' || (/\btext\/csv\b/.test(accept) && !/\bjson\b|\*\/\*/.test(accept));
  if (columns !== undefined && !isWanted) throw refusal('columns', 'not_allowed_here', 'Columns belong to format=csv.');
  if (!isWanted) return { query, wish: null };
  if (query['cursor'] !== undefined) throw refusal('cursor', 'not_allowed_here', 'A file holds all rows.');
  if (columns === undefined) return { query, wish: { columns: shape.columns, areChosen: false } };
  const chosen = columns.split(',').map((path) => {
    const column = shape.columns.find((one) => one.path === path);
    if (column === undefined)
      throw refusal('columns', 'not_in_list', `Some of: ${shape.columns.map((one) => one.path).join(', ')}.`);
    return column;
  });
  return { query, wish: { columns: [...new Set(chosen)], areChosen: true } };
}

type Wire = Readonly<Record<string, unknown>>;

/** The rows of an answer in its wire form. Code: `export.export_too_large` when there are more than fit. */
export function rowsOf(wire: unknown, shape: ListShape): readonly Wire[] {
  const rows = (shape.rowsAt === null ? wire : (wire as Wire)[shape.rowsAt]) as readonly Wire[];
  const isCut = shape.rowsAt !== null && (wire as Wire)['nextCursor'] !== null;
  if (isCut || rows.length > mostExportedRows)
    throw new DomainError('export.export_too_large', {
      limit: mostExportedRows,
      detail: `More than ${mostExportedRows} rows. Narrow the filter, or make the file in parts.`,
    });
  return rows;
}

/** The file: a head, the rows, and in the last column the zone of its days and instants (screens.md 1.1). */
export function listCsv(wire: unknown, shape: ListShape, wish: ExportWish): string {
  const rows = rowsOf(wire, shape);
  const { name, timeZone = 'UTC' } = wire as { readonly name?: string; readonly timeZone?: string };
  const offered = shape.byName.get(name ?? '') ?? wish.columns;
  const shown = wish.areChosen
    ? wish.columns
    : offered.filter(({ path }) => rows.length === 0 || rows.some((row) => valueAt(row, path) !== undefined));
  const head = shown.flatMap(({ path, kind }) => (kind === 'money' ? [path, `${path}Currency`] : [path]));
  return toCsv(
    [...head, 'timeZone'],
    rows.map((row) => [...shown.flatMap((column) => cellsOf(valueAt(row, column.path), column.kind)), timeZone]),
  );
}

function valueAt(row: Wire, path: string): unknown {
  let value: unknown = row;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return value === null ? null : undefined;
    value = (value as Wire)[part];
  }
  return value;
}

interface MoneyText {
  readonly amount: string;
  readonly currency: string;
}

function cellsOf(value: unknown, kind: ExportColumn['kind']): readonly (string | null)[] {
  if (kind === 'money') {
    const list = (Array.isArray(value) ? value : [value ?? []].flat()) as readonly MoneyText[];
    return [list.map(({ amount }) => amount).join('; '), list.map(({ currency }) => currency).join('; ')];
  }
  if (kind === 'codes') return [((value ?? []) as readonly Wire[]).map((one) => String(one['code'])).join(' ')];
  if (value === undefined || value === null) return [null];
  if (Array.isArray(value)) return [value.map(textOf).join(' ')];
  return [textOf(value)];
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value as string | number | boolean | null);
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}

/** `/v1/affiliates/:affiliateId/recruits` → `recruits.csv`; a report's is its name. */
export function fileNameOf(path: string, wire: unknown): string {
  const { name } = wire as { readonly name?: string };
  if (name !== undefined) return `${name}.csv`;
  const word = path
    .split('/')
    .filter((part) => part !== '' && !part.startsWith(':'))
    .at(-1);
  return `${word ?? 'list'}.csv`;
}
