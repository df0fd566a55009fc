// What stands in the cells of a list as a file (api.md 1.6), whatever the file is.

/** A column: a path into the row. Money is an amount and its currency (api.md 1.6). */
export interface ExportColumn {
  readonly path: string;
  readonly kind: 'plain' | 'money' | 'codes';
  /** Its fields are the workspace's own: each may be a column by itself, such as `customFields.plan`. */
  readonly hasOwnFields?: true;
}

export type Wire = Readonly<Record<string, unknown>>;

export interface MoneyText {
  readonly amount: string;
  readonly currency: string;
}

/** Undefined: the row has no such field. */
export function valueAt(row: Wire, path: string): unknown {
  let value: unknown = row;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return value === null ? null : undefined;
    value = (value as Wire)[part];
  }
  return value;
}

/** The amounts of a cell of money: none, one, or one per currency. */
export function moneyOf(value: unknown): readonly MoneyText[] {
  return (Array.isArray(value) ? value : [value ?? []].flat()) as readonly MoneyText[];
}

/** The text of any other cell; null: nothing is known. */
export function textOf(value: unknown, kind: ExportColumn['kind']): string | null {
  if (kind === 'codes') return ((value ?? []) as readonly Wire[]).map((one) => String(one['code'])).join(' ');
  if (value === undefined || value === null) return null;
  return Array.isArray(value) ? value.map(plain).join(' ') : plain(value);
}

function plain(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value as string | number | boolean | null);
  return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
}
