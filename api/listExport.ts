import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { DomainError } from '../domain/errors.js';
import type { Instant } from '../domain/time.js';
import { type ExportFormat, exportFormats, mostPdfRows, mostStreamedRows } from '../domain/reporting/listExport.js';
import { csvLines } from '../platform/csv.js';
import { printedByJob, printList } from '../platform/pdf.js';
import { type ExportColumn, type MoneyText, moneyOf, textOf, valueAt, type Wire } from './listCells.js';
import { listPdf, mostPdfColumns } from './listPdf.js';

// Every list as a file (api.md 1.6): the rows that the list itself would answer, by its own handler, so that filters, rights and masks cannot
// differ. Columns come from the reply's schema: what a client reads and what a spreadsheet shows have the same names.

export interface ListShape {
  readonly rowsAt: 'data' | 'rows' | null;
  readonly columns: readonly ExportColumn[];
  /** Of a route that answers several reports: the columns of each, by the `name` that its answer bears. */
  readonly byName: ReadonlyMap<string, readonly ExportColumn[]>;
}

/** What an export asks for: null when the request is none. */
export interface ExportWish {
  readonly format: ExportFormat;
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
  if (prefix === '') return [];
  return [{ path: prefix, kind: 'plain', ...(schema instanceof z.ZodRecord ? { hasOwnFields: true } : {}) }];
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
  format: z.enum(exportFormats).exactOptional(),
  columns: z.string().exactOptional(),
});

export const fileTypes: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  pdf: 'application/pdf',
};

function refusal(parameter: string, code: string, detail: string): DomainError {
  return new DomainError('request.validation_failed', { errors: [{ parameter, code, detail }] });
}

/**
 * Takes `format` and `columns` out of a list's query: the rest is the list's own. `columns` names fields in the order wanted. Code:
 * `request.validation_failed` for another format, an unknown column, or more columns than a page has room for.
 */
export function takeExport(
  rawQuery: Readonly<Record<string, string>>,
  request: Pick<IncomingMessage, 'headers'>,
  shape: ListShape,
): { readonly query: Readonly<Record<string, string>>; readonly wish: ExportWish | null } {
  const { format: named, columns, ...query } = rawQuery;
  const known = exportFormats.find((one) => one === named);
  if (named !== undefined && known === undefined)
    throw refusal('format', 'not_in_list', `One of: ${exportFormats.join(', ')}.`);
  const format = known ?? acceptedFormat(request.headers.accept ?? '');
  if (columns !== undefined && format === undefined)
    throw refusal('columns', 'not_allowed_here', 'Columns belong to format=csv or format=pdf.');
  if (format === undefined) return { query, wish: null };
  if (query['cursor'] !== undefined) throw refusal('cursor', 'not_allowed_here', 'A file holds all rows.');
  const chosen = chooseColumns(shape, columns?.split(',') ?? null, format);
  if (chosen.fault !== null) throw refusal('columns', chosen.fault.code, chosen.fault.detail);
  return { query, wish: chosen.wish };
}

/** A file where nothing else would do. */
function acceptedFormat(accept: string): ExportFormat | undefined {
  if (/\bjson\b|\*\/\*/.test(accept)) return undefined;
  return exportFormats.find((one) => accept.includes(fileTypes[one].split(';')[0] ?? one));
}

type Chosen =
  | { readonly wish: ExportWish; readonly fault: null }
  | { readonly fault: { readonly code: 'not_in_list' | 'out_of_range'; readonly detail: string } };

/** The columns by name, each once; null: all of them. */
export function chooseColumns(shape: ListShape, names: readonly string[] | null, format: ExportFormat): Chosen {
  const columns = names === null ? shape.columns : distinct(names.flatMap((name) => columnOf(shape, name) ?? []));
  if (names !== null && names.some((name) => columnOf(shape, name) === undefined)) {
    const detail = `Some of: ${shape.columns.map((one) => one.path).join(', ')}.`;
    return { fault: { code: 'not_in_list', detail } };
  }
  // Of a route with several reports only the columns of the one that answers are shown.
  if (format === 'pdf' && columns.length > mostPdfColumns && shape.byName.size === 0)
    return { fault: { code: 'out_of_range', detail: `A page has room for ${mostPdfColumns} columns: name them.` } };
  return { wish: { format, columns, areChosen: names !== null }, fault: null };
}

/** A key that a workspace gives to a field of its own. */
const ownField = /^[A-Za-z0-9_-]{1,40}$/;

function columnOf(shape: ListShape, path: string): ExportColumn | undefined {
  const known = shape.columns.find((one) => one.path === path);
  if (known !== undefined) return known;
  const cut = path.lastIndexOf('.');
  const around = shape.columns.find((one) => one.hasOwnFields === true && one.path === path.slice(0, cut));
  return around !== undefined && ownField.test(path.slice(cut + 1)) ? { path, kind: 'plain' } : undefined;
}

/** A page's words: a file holds all rows, and its columns are named. What a row includes it includes in a file too. */
export const notOfFiles: ReadonlySet<string> = new Set(['limit', 'cursor', 'format', 'columns']);

/** The rows of an answer in its wire form. Code: `export.export_too_large` when there are more than fit. */
export function rowsOf(
  wire: unknown,
  shape: ListShape,
  asked: { readonly address: string; readonly rawQuery: Readonly<Record<string, string>> },
): readonly Wire[] {
  const { rows, nextCursor } = pageOf(wire, shape);
  if (nextCursor !== null || rows.length > mostStreamedRows)
    throw new DomainError('export.export_too_large', {
      limit: mostStreamedRows,
      // What `POST /v1/exports` is to be asked for.
      resource: asked.address.replace(/^\/v1\//, ''),
      filter: Object.fromEntries(Object.entries(asked.rawQuery).filter(([name]) => !notOfFiles.has(name))),
      detail: `More than ${mostStreamedRows} rows. Narrow the filter, or have the file made: POST /v1/exports.`,
    });
  return rows;
}

/** A page of an answer in its wire form, and where the next one begins. */
export function pageOf(
  wire: unknown,
  shape: ListShape,
): { readonly rows: readonly Wire[]; readonly nextCursor: string | null } {
  if (shape.rowsAt === null) return { rows: wire as readonly Wire[], nextCursor: null };
  const page = wire as Wire;
  return { rows: page[shape.rowsAt] as readonly Wire[], nextCursor: page['nextCursor'] as string | null };
}

/** Code: `export.export_too_large` for a PDF that nobody would read: CSV is offered instead. */
export function refuseLongPdf(format: ExportFormat, rows: number): void {
  if (format === 'pdf' && rows > mostPdfRows)
    throw new DomainError('export.export_too_large', {
      limit: mostPdfRows,
      detail: `A PDF holds ${mostPdfRows} rows. Take format csv.`,
    });
}

/** What is printed beside the rows: a report names itself and its zone. */
function aboutOf(wire: unknown): { readonly name: string | undefined; readonly timeZone: string } {
  const { name, timeZone = 'UTC' } = wire as { readonly name?: string; readonly timeZone?: string };
  return { name, timeZone };
}

/** The columns of a file. Where nobody chose, those of this report; with the rows at hand only those that a row fills. */
export function shownColumns(
  wire: unknown,
  of: { readonly shape: ListShape; readonly wish: ExportWish; readonly rows?: readonly Wire[] },
): readonly ExportColumn[] {
  if (of.wish.areChosen) return of.wish.columns;
  const offered = of.shape.byName.get(aboutOf(wire).name ?? '') ?? of.wish.columns;
  const { rows } = of;
  if (rows === undefined || rows.length === 0) return offered;
  return offered.filter(({ path }) => rows.some((row) => valueAt(row, path) !== undefined));
}

/** The head of a CSV; its last column is the zone of its days and instants (screens.md 1.1). */
export function csvHead(columns: readonly ExportColumn[]): string {
  const head = columns.flatMap(({ path, kind }) => (kind === 'money' ? [path, `${path}Currency`] : [path]));
  return csvLines([[...head, 'timeZone']]);
}

export function csvBody(wire: unknown, rows: readonly Wire[], columns: readonly ExportColumn[]): string {
  const { timeZone } = aboutOf(wire);
  return csvLines(
    rows.map((row) => [...columns.flatMap((column) => cellsOf(valueAt(row, column.path), column.kind)), timeZone]),
  );
}

/** The file of a list that one answer holds. */
export async function listFile(of: {
  readonly wire: unknown;
  readonly rows: readonly Wire[];
  readonly shape: ListShape;
  readonly wish: ExportWish;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly madeAt: Instant;
}): Promise<Buffer> {
  const { wire, rows, wish } = of;
  const columns = shownColumns(wire, of);
  if (wish.format === 'csv') return Buffer.from(csvHead(columns) + csvBody(wire, rows, columns), 'utf8');
  return printList(listPdf({ ...of, ...aboutOf(wire), columns }));
}

/** The same for a job, whose rows came page by page. */
export function printRows(of: {
  readonly wire: unknown;
  readonly rows: readonly Wire[];
  readonly columns: readonly ExportColumn[];
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly madeAt: Instant;
}): Promise<Buffer> {
  return printList(listPdf({ ...of, ...aboutOf(of.wire) }), printedByJob);
}

function cellsOf(value: unknown, kind: ExportColumn['kind']): readonly (string | null)[] {
  if (kind !== 'money') return [textOf(value, kind)];
  const list: readonly MoneyText[] = moneyOf(value);
  return [list.map(({ amount }) => amount).join('; '), list.map(({ currency }) => currency).join('; ')];
}

/** `/v1/affiliates/:affiliateId/recruits` → `recruits.csv`; a report's is its name. */
export function fileNameOf(path: string, wire: unknown, format: ExportFormat): string {
  const { name } = aboutOf(wire);
  if (name !== undefined) return `${name}.${format}`;
  const word = path
    .split('/')
    .filter((part) => part !== '' && !part.startsWith(':'))
    .at(-1);
  return `${word ?? 'list'}.${format}`;
}
