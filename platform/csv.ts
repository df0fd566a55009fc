import { stringify } from 'csv-stringify/sync';

/** A plain decimal: a number to every spreadsheet, whatever its sign. */
const decimal = /^-?\d+(\.\d+)?$/;

/**
 * RFC 4180 with CRLF, UTF-8. A text that a spreadsheet would run as a formula gets an apostrophe in front; `-5.00` stays a number
 * (dependencies.md 2, fact 10: the library's own switch makes a text of it).
 */
export function toCsv(columns: readonly string[], rows: readonly (readonly (string | null)[])[]): string {
  return stringify(
    [columns, ...rows].map((row) => row.map((cell) => cell ?? '')),
    {
      record_delimiter: 'windows',
      quoted_match: /[\r\n]/, // by itself it quotes only the whole delimiter, not half of it
      cast: { string: (value) => ({ value, escape_formulas: !decimal.test(value) }) },
    },
  );
}
