import { type CurrencyCode, parseCurrency, parseMoney } from '../money.js';
import { type Instant, parseInstant } from '../time.js';
import type { StatementLineKind } from './reconciliation.js';

// A statement that a person uploads (api.md 10.3): rows of a CSV in our own form, or in Wise's. What cannot be read is refused with its line;
// nothing is repaired.

export interface FileLine {
  readonly id: string;
  readonly kind: StatementLineKind;
  readonly at: Instant;
  readonly minor: bigint;
  readonly reference: string | null;
  readonly providerId: string | null;
}

/** One currency of a file, oldest line first. */
export interface FileStatement {
  readonly currency: CurrencyCode;
  readonly lines: readonly FileLine[];
  /** What the file says lay there before its first line and after its last. */
  readonly openingMinor: bigint;
  readonly closingMinor: bigint;
  readonly lastAt: Instant;
}

export type FileFault =
  | 'empty'
  | 'unknown_columns'
  | 'bad_row'
  | 'bad_date'
  | 'bad_amount'
  | 'bad_kind'
  | 'bad_balance'
  | 'same_id_twice'
  | 'not_in_order'
  | 'too_many_rows';

export type ReadStatementFile =
  | { readonly ok: true; readonly statements: readonly FileStatement[] }
  /** `line` as an editor counts them, the heading is 1; null: the whole file. */
  | { readonly ok: false; readonly fault: FileFault; readonly line: number | null };

export const maxStatementRows = 50_000;

const kinds: ReadonlySet<string> = new Set<StatementLineKind>(['payment', 'return', 'fee', 'deposit', 'other']);
const ownColumns = ['date', 'id', 'kind', 'amount', 'currency', 'balance', 'reference', 'providerId'];
const wiseColumns = ['TransferWise ID', 'Date Time', 'Amount', 'Currency', 'Running Balance', 'Total fees'];

/** One row as either form gives it: what moved, and what lay there after it. */
interface Row {
  readonly line: number;
  readonly currency: CurrencyCode;
  readonly at: Instant;
  readonly movedMinor: bigint;
  readonly balanceMinor: bigint;
  readonly lines: readonly Omit<FileLine, 'at'>[];
}

class Unreadable extends Error {
  readonly fault: FileFault;
  constructor(fault: FileFault) {
    super(fault);
    this.fault = fault;
  }
}

/** Judges the rows of a file, the heading first. */
export function readStatementRows(rows: readonly (readonly string[])[]): ReadStatementFile {
  const [heading, ...body] = rows;
  if (heading === undefined || body.length === 0) return { ok: false, fault: 'empty', line: null };
  if (body.length > maxStatementRows) return { ok: false, fault: 'too_many_rows', line: null };
  const has = (names: readonly string[]): boolean => names.every((name) => heading.includes(name));
  const read = has(ownColumns) ? readOwn : has(wiseColumns) ? readWise : undefined;
  if (read === undefined) return { ok: false, fault: 'unknown_columns', line: 1 };
  const found: Row[] = [];
  for (const [index, cells] of body.entries()) {
    const line = index + 2;
    if (cells.length !== heading.length) return { ok: false, fault: 'bad_row', line };
    try {
      const cell = (name: string): string => (cells[heading.indexOf(name)] ?? '').trim();
      found.push({ line, ...read(cell) });
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { ok: false, fault: error.fault, line };
    }
  }
  return statementsOf(found);
}

function statementsOf(rows: readonly Row[]): ReadStatementFile {
  const ids = new Set<string>();
  for (const row of rows)
    for (const { id } of row.lines) {
      if (ids.has(id)) return { ok: false, fault: 'same_id_twice', line: row.line };
      ids.add(id);
    }
  const statements: FileStatement[] = [];
  for (const currency of [...new Set(rows.map((row) => row.currency))].sort()) {
    const mine = inOrder(rows.filter((row) => row.currency === currency));
    if (mine === undefined) return { ok: false, fault: 'not_in_order', line: null };
    for (const [index, row] of mine.entries()) {
      const before = mine[index - 1];
      // Each balance follows from the one before: a line that is missing, twice or altered shows here.
      if (before !== undefined && before.balanceMinor + row.movedMinor !== row.balanceMinor)
        return { ok: false, fault: 'bad_balance', line: row.line };
    }
    const [first, last] = [mine[0], mine.at(-1)];
    if (first === undefined || last === undefined) continue;
    statements.push({
      currency,
      lines: mine
        .flatMap((row) => row.lines.map((line) => ({ ...line, at: row.at })))
        .filter((line) => line.minor !== 0n),
      openingMinor: first.balanceMinor - first.movedMinor,
      closingMinor: last.balanceMinor,
      lastAt: last.at,
    });
  }
  return { ok: true, statements };
}

/** Files come oldest first or newest first; anything else is no statement. */
function inOrder(rows: readonly Row[]): readonly Row[] | undefined {
  const rises = (list: readonly Row[]): boolean =>
    list.every((row, index) => index === 0 || (list[index - 1]?.at ?? row.at) <= row.at);
  if (rises(rows)) {
    // All of one instant: the balances say which end is the newer one.
    const isOneInstant = rows[0]?.at === rows.at(-1)?.at;
    return isOneInstant && !adds(rows) && adds([...rows].reverse()) ? [...rows].reverse() : rows;
  }
  const turned = [...rows].reverse();
  return rises(turned) ? turned : undefined;
}

function adds(rows: readonly Row[]): boolean {
  return rows.every((row, index) => {
    const before = rows[index - 1];
    return before === undefined || before.balanceMinor + row.movedMinor === row.balanceMinor;
  });
}

type Cells = (name: string) => string;

function currencyOf(text: string): CurrencyCode {
  const currency = parseCurrency(text);
  if (currency === undefined) throw new Unreadable('bad_amount');
  return currency;
}

function minorOf(text: string, currency: CurrencyCode): bigint {
  const parsed = parseMoney({ amount: text, currency }, { negative: true });
  if (!parsed.ok) throw new Unreadable('bad_amount');
  return parsed.money.minor;
}

function readOwn(cell: Cells): Omit<Row, 'line'> {
  const currency = currencyOf(cell('currency'));
  const at = parseInstant(cell('date'));
  if (at === undefined) throw new Unreadable('bad_date');
  const [kind, id] = [cell('kind'), cell('id')];
  if (!kinds.has(kind)) throw new Unreadable('bad_kind');
  if (id === '' || id.length > 200) throw new Unreadable('bad_row');
  const minor = minorOf(cell('amount'), currency);
  const orNull = (text: string): string | null => (text === '' ? null : text);
  return {
    currency,
    at,
    movedMinor: minor,
    balanceMinor: minorOf(cell('balance'), currency),
    lines: [
      {
        id,
        kind: kind as StatementLineKind,
        minor,
        reference: orNull(cell('reference')),
        providerId: orNull(cell('providerId')),
      },
    ],
  };
}

/** Wise's `statement.csv`: `DD-MM-YYYY HH:MM:SS.mmm` in UTC, amounts with their sign, the fee inside the amount. */
function readWise(cell: Cells): Omit<Row, 'line'> {
  const currency = currencyOf(cell('Currency'));
  const time = /^(\d{2})-(\d{2})-(\d{4}) (\d{2}:\d{2}:\d{2})(\.\d{1,3})?$/.exec(cell('Date Time'));
  const at = time === null ? undefined : parseInstant(`${time[3]}-${time[2]}-${time[1]}T${time[4]}${time[5] ?? ''}Z`);
  if (at === undefined) throw new Unreadable('bad_date');
  const name = cell('TransferWise ID');
  if (name === '' || name.length > 200) throw new Unreadable('bad_row');
  const movedMinor = minorOf(cell('Amount'), currency);
  const feeMinor = cell('Total fees') === '' ? 0n : minorOf(cell('Total fees'), currency);
  const providerId = /^TRANSFER-(\d+)$/.exec(name)?.[1] ?? null;
  const kind: StatementLineKind =
    providerId === null ? (movedMinor > 0n ? 'deposit' : 'other') : movedMinor < 0n ? 'payment' : 'return';
  const id = kind === 'return' ? `${name}/return` : name;
  const common = { reference: null, providerId };
  return {
    currency,
    at,
    movedMinor,
    balanceMinor: minorOf(cell('Running Balance'), currency),
    lines: [
      { ...common, id, kind, minor: movedMinor + feeMinor },
      ...(feeMinor === 0n ? [] : [{ ...common, id: `${name}/fee`, kind: 'fee' as const, minor: -feeMinor }]),
    ],
  };
}
