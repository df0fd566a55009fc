import pg from 'pg';
import { type Instant, instantOf } from '../domain/time.js';

export type ParseText = (text: string) => unknown;

const oids = { int8: 20, timestamptz: 1184, date: 1082 } as const;
const asItIs: ParseText = (text) => text;

/** How a column of this type is read: int8 → bigint, timestamptz → Instant, date → its text. `Date` exists in no row. */
export function parserOf(oid: number): ParseText {
  switch (oid) {
    case oids.int8:
      return BigInt;
    case oids.timestamptz:
      return parseTimestamp;
    case oids.date:
      return asItIs;
    default:
      return pg.types.getTypeParser(oid, 'text') as ParseText;
  }
}

/** Per pool, never globally. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    format === 'binary'
      ? (pg.types.getTypeParser(oid, 'binary') as ParseText)
      : parserOf(oid)) as typeof pg.types.getTypeParser,
};

/** Postgres writes UTC to the millisecond as `2026-11-25 23:57:18.7+00`: what most of a row's work would go into is done without a Date. */
const usual = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,3}))?\+00$/;

function parseTimestamp(text: string): Instant {
  const match = usual.exec(text);
  if (match !== null) return `${match[1]}T${match[2]}.${(match[3] ?? '').padEnd(3, '0')}Z` as Instant;
  const ms = Date.parse(text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
  if (Number.isNaN(ms)) throw new TypeError(`Postgres answered a time that is none: ${text}`); // 'infinity': refused on the way in
  return instantOf(ms);
}
