import type { ReactNode } from 'react';

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly render: (row: Row) => ReactNode;
  /** Field that the API sorts by; without it the column cannot be sorted. */
  readonly sort?: string;
  readonly align?: 'right';
  /** Not shown until the reader asks for it. */
  readonly hidden?: boolean;
  /** What the column means. */
  readonly hint?: string;
  /** The fields that stand for the column in an export, as the API names them; without it the column is left out there. */
  readonly csv?: Field<Row> | readonly Field<Row>[];
}

type Inner<T> = Extract<NonNullable<T>, object>;

/** The path to a field: `status`, `customer.name`. Of a list in a row its own name. */
type Field<Row, Depth extends readonly unknown[] = [1, 1]> = {
  [K in keyof Row & string]:
    | K
    | (Inner<Row[K]> extends never
        ? never
        : Inner<Row[K]> extends readonly unknown[]
          ? never
          : Depth extends readonly [unknown, ...infer Rest]
            ? `${K}.${Field<Inner<Row[K]>, Rest>}`
            : never);
}[keyof Row & string];
