import type { Money } from './MoneyText.js';

/** A cell: text, or money, which becomes two columns. */
export type CsvCell = string | Money | null | undefined;

const decimal = /^-?\d+(\.\d+)?$/;

/** RFC 4180; text that a spreadsheet would run gets a leading apostrophe, plain numbers stay numbers (api.md 1.6). */
function escape(text: string): string {
  const safe = /^[=+\-@\t\r＝＋－＠]/.test(text) && !decimal.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Titles and rows as CSV; a column that holds money in any row is an amount and a currency column. */
export function toCsv(titles: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  const isMoney = titles.map((_, at) => rows.some((row) => typeof row[at] === 'object' && row[at] !== null));
  const head = titles.flatMap((title, at) => (isMoney[at] === true ? [title, `${title} (currency)`] : [title]));
  const lines = rows.map((row) =>
    titles.flatMap((_, at) => {
      const cell = row[at];
      if (isMoney[at] !== true) return [typeof cell === 'string' ? cell : ''];
      return typeof cell === 'object' && cell !== null ? [cell.amount, cell.currency] : ['', ''];
    }),
  );
  return `${[head, ...lines].map((line) => line.map(escape).join(',')).join('\r\n')}\r\n`;
}

/** Hands a text to the browser as a file. */
export function saveFile(name: string, text: string, type = 'text/csv;charset=utf-8'): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
