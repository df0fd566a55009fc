import { stringify } from 'csv-stringify/sync';

/** A plain decimal: a number to every spreadsheet, whatever its sign. */
const decimal = /^-?\d+(\.\d+)?$/;

/** The file of a head and its rows. */
export function toCsv(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  return csvLines([columns, ...rows]);
}

/**
 * RFC 4180 with CRLF, UTF-8. A text that a spreadsheet would run as a formula gets an apostrophe in front; `-5.00` stays a number
 * (dependencies.md 2, fact 10: the library's own switch makes a text of it).
 */
export function csvLines(lines: readonly (readonly (string | null)[])[]): string {
  return stringify(
    lines.map((row) => row.map((cell) => cell ?? '')),
    {
      record_delimiter: 'windows',
      quoted_match: /[\r\n]/, // by itself it quotes only the whole delimiter, not half of it
      cast: { string: (value) => ({ value, escape_formulas: !decimal.test(value) }) },
    },
  );
}

/** A file that is no CSV, with the line (from 1) where that shows. */
export class CsvError extends Error {
  readonly line: number;
  constructor(line: number) {
    super(`not a CSV, line ${line}`);
    this.name = 'CsvError';
    this.line = line;
  }
}

/**
 * RFC 4180, read as strictly as it is written: commas, quotes doubled inside quotes, LF or CRLF, a byte order mark in front is left out. A
 * line with nothing in it ends nothing and is skipped.
 */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let line = 1;
  let i = text.startsWith('\ufeff') ? 1 : 0;
  const endRow = (): void => {
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  while (i < text.length) {
    let cell = '';
    if (text[i] === '"') {
      for (i += 1; ; i += 1) {
        if (i >= text.length) throw new CsvError(line);
        if (text[i] === '"') {
          if (text[i + 1] !== '"') break;
          i += 1;
        }
        if (text[i] === '\n') line += 1;
        cell += text[i] ?? '';
      }
      i += 1;
      if (i < text.length && text[i] !== ',' && text[i] !== '\n' && text[i] !== '\r') throw new CsvError(line);
    } else {
      const start = i;
      while (i < text.length && text[i] !== ',' && text[i] !== '\n' && text[i] !== '\r') {
        if (text[i] === '"') throw new CsvError(line);
        i += 1;
      }
      cell = text.slice(start, i);
    }
    row.push(cell);
    if (text[i] === ',') {
      i += 1;
      if (i >= text.length) row.push('');
      continue;
    }
    if (text[i] === '\r' && text[i + 1] !== '\n' && i < text.length) throw new CsvError(line);
    i += text[i] === '\r' ? 2 : 1;
    line += 1;
    endRow();
  }
  if (row.length > 0) endRow();
  return rows;
}
