import type pg from 'pg';
import { InvariantError } from '../domain/errors.js';
import { type ParseText, parserOf } from './columnTypes.js';

// How statements travel on one connection (performance.md 5): each text is parsed and planned once (a plan through the row policies costs more
// than the row), what is asked for at the same time goes in one round trip, and writes nobody waits for go with the next statement or with the
// COMMIT. Order is kept, always. What transactions and Knex make of it stands in pipeline.ts.

/** What a statement answers, in the shape Knex expects of pg. */
export interface Answer<Row = Record<string, unknown>> {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: Row[];
}

type WireValue = string | Buffer | null;

interface Statement {
  readonly text: string;
  readonly values: readonly WireValue[];
}

interface Asked extends Statement {
  /** Rows it has to touch; any other number is our fault and fails the round. */
  readonly rows?: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Rows of one table that are written together, as late as possible: before a statement that names the table, or with the COMMIT. */
export interface HeldRows {
  /** Statements whose text holds this word must see the rows. */
  readonly table: string;
  /** Writes them all; `$1` is a JSON array of the rows, in the order in which they were held. */
  readonly insert: string;
}

/** Statements kept prepared per connection. Postgres holds a plan of each, 20-50 KB; the rest are parsed anew. */
const maxPrepared = 160;

interface Known {
  readonly name: string;
  /** Undefined until it was answered once. */
  row: RowShape | undefined;
}

interface RowShape {
  readonly names: readonly string[];
  readonly parsers: readonly ParseText[];
  readonly blank: Readonly<Record<string, unknown>>;
}

interface Read {
  readonly tables: readonly string[];
  readonly value: Promise<unknown>;
}

/** What this process knows of one connection. */
export class Session {
  /** Texts that Postgres has parsed for us, least recently used first. */
  readonly known = new Map<string, Known>();
  /** Names to close with the next round: pushed out, or of a parse that may have failed. */
  stale: string[] = [];
  names = 0;
  readonly queue: Asked[] = [];
  isScheduled = false;
  prepares = true;
  /** The BEGIN that travels with the first statement. */
  opening: string | undefined;
  /** Stands for the open transaction: who holds another one here came too late. */
  transaction: object | undefined;
  /** The open transaction cannot write: nothing of it can be lost at its end. */
  isReadOnly = false;
  /** A statement of the open transaction was refused: its COMMIT will be a ROLLBACK. */
  hasFailed = false;
  /** A write that touched other rows than it should have: whoever heard it may not have told. */
  fault: unknown;
  readonly held = new Map<HeldRows, string[]>();
  /** Writes that nobody waits for, in order. */
  waiting: Asked[] = [];
  /** What this transaction has read and nobody else can have changed since, or may have without mattering. */
  readonly reads = new Map<string, Read>();
}

/** Texts sent once by this process: the second time makes one worth a name. */
const seen = new Set<string>();
const maxSeen = 2_000;

const sessions = new WeakMap<object, Session>();

export function sessionOf(connection: pg.Client): Session {
  let session = sessions.get(connection);
  if (session === undefined) {
    session = new Session();
    sessions.set(connection, session);
  }
  return session;
}

/** One round trip: its statements are sent together and answered in order; the first that fails ends it, and none after it was run. */
class Round implements pg.Submittable {
  readonly #session: Session;
  readonly #asked: readonly Asked[];
  readonly #plans: (Known | undefined)[] = [];
  readonly #fresh = new Map<string, number>();
  readonly #answers: Answer[] = [];
  #rows: Record<string, unknown>[] = [];
  #shape: RowShape | undefined;
  #fault: unknown;
  #isDone = false;

  constructor(session: Session, asked: readonly Asked[]) {
    this.#session = session;
    this.#asked = asked;
  }

  submit(connection: pg.Connection): void {
    const wire = connection as unknown as Wire;
    wire.stream.cork();
    for (const name of this.#session.stale.splice(0)) wire.close({ type: 'S', name });
    this.#asked.forEach((statement, index) => {
      const plan = this.#plan(statement.text, index);
      this.#plans.push(plan);
      const name = plan?.name ?? '';
      if (plan === undefined || this.#fresh.get(statement.text) === index)
        wire.parse({ name, text: statement.text, types: [] });
      wire.bind({ portal: '', statement: name, values: statement.values });
      if (plan?.row === undefined) wire.describe({ type: 'P', name: '' });
      wire.execute({ portal: '', rows: 0 });
    });
    wire.sync();
    wire.stream.uncork();
  }

  /** Undefined: sent without a name. */
  #plan(text: string, index: number): Known | undefined {
    const { known } = this.#session;
    const found = known.get(text);
    if (found !== undefined) {
      known.delete(text); // to the end: used last
      known.set(text, found);
      return found;
    }
    if (!this.#session.prepares) return undefined;
    if (!seen.has(text)) {
      if (seen.size >= maxSeen) seen.clear();
      seen.add(text);
      return undefined;
    }
    const [oldest] = known;
    if (known.size >= maxPrepared && oldest !== undefined) {
      known.delete(oldest[0]);
      this.#session.stale.push(oldest[1].name);
    }
    const fresh: Known = { name: `t${(this.#session.names += 1)}`, row: undefined };
    known.set(text, fresh);
    this.#fresh.set(text, index);
    return fresh;
  }

  handleRowDescription({ fields }: { readonly fields: readonly { name: string; dataTypeID: number }[] }): void {
    const names = fields.map((field) => field.name);
    this.#shape = {
      names,
      parsers: fields.map((field) => parserOf(field.dataTypeID)),
      blank: Object.fromEntries(names.map((name) => [name, null])),
    };
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#fault !== undefined) return;
    const shape = this.#shape ?? this.#plans[this.#answers.length]?.row;
    if (shape === undefined) return;
    const row: Record<string, unknown> = { ...shape.blank };
    try {
      for (let index = 0; index < fields.length; index += 1) {
        const text = fields[index];
        const name = shape.names[index];
        if (text !== null && text !== undefined && name !== undefined) row[name] = shape.parsers[index]?.(text);
      }
    } catch (error) {
      this.#fault = error; // a value that cannot be: told once Postgres has answered the whole round
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    const plan = this.#plans[this.#answers.length];
    if (plan !== undefined) plan.row ??= this.#shape ?? { names: [], parsers: [], blank: {} };
    const words = text.split(' ');
    const count = Number(words.at(-1));
    const wanted = this.#asked[this.#answers.length]?.rows;
    if (wanted !== undefined && wanted !== count) {
      this.#fault ??= new InvariantError('a write finds the rows it was made for', { wanted, found: count });
      this.#session.fault ??= this.#fault;
    }
    this.#answers.push({
      command: words[0] ?? '',
      rowCount: words.length > 1 && Number.isInteger(count) ? count : null,
      rows: this.#rows,
    });
    this.#rows = [];
    this.#shape = undefined;
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' });
  }

  handleError(error: unknown): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#session.hasFailed = true;
    const at = this.#answers.length;
    // A name that this round gave and Postgres did not confirm may exist or not: closed, and never used again.
    for (const [text, index] of this.#fresh) {
      if (index < at) continue;
      const plan = this.#session.known.get(text);
      this.#session.known.delete(text);
      if (plan !== undefined) this.#session.stale.push(plan.name);
    }
    // A table was altered under its plan, or somebody between us and Postgres dropped the names: all of them anew.
    if (isOutdatedPlan(error)) {
      this.#session.stale.push(...[...this.#session.known.values()].map((plan) => plan.name));
      this.#session.known.clear();
    }
    this.#asked.forEach((statement, index) => {
      const answer = this.#answers[index];
      if (answer === undefined) statement.reject(error);
      else statement.resolve(answer);
    });
  }

  handleReadyForQuery(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#asked.forEach((statement, index) => {
      const answer = this.#answers[index];
      if (answer === undefined || this.#fault !== undefined)
        statement.reject(this.#fault ?? new Error('Postgres did not answer a statement'));
      else statement.resolve(answer);
    });
  }

  handlePortalSuspended(): void {
    this.#fault = new Error('a statement asks for all its rows');
  }

  handleCopyInResponse(connection: { sendCopyFail(message: string): void }): void {
    connection.sendCopyFail('COPY has a way of its own');
  }

  handleCopyData(): void {
    this.#fault = new Error('COPY has a way of its own');
  }
}

/** What a round says to pg's connection; its types leave most of it out. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void };
  parse(message: { name: string; text: string; types: readonly number[] }): void;
  bind(message: { portal: string; statement: string; values: readonly WireValue[] }): void;
  describe(message: { type: 'P'; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  close(message: { type: 'S'; name: string }): void;
  sync(): void;
}

/** "cached plan must not change result type", or a name that is not there. The transaction is lost; run again, it is planned anew. */
export function isOutdatedPlan(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { readonly code?: unknown };
  return code === '26000' || (code === '0A000' && error.message.includes('cached plan'));
}

/** A value as Postgres reads it. An object becomes JSON, an array one of Postgres's; a bigint in JSON is refused before anything is sent. */
export function wireValue(value: unknown): WireValue {
  if (typeof value === 'string' || value === null) return value;
  if (value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} is no value of a statement`);
  if (Buffer.isBuffer(value)) return value;
  if (Array.isArray(value)) return arrayLiteral(value);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return JSON.stringify(value);
}

function arrayLiteral(values: readonly unknown[]): string {
  const items = values.map((value): string => {
    if (Array.isArray(value)) return arrayLiteral(value);
    const item = wireValue(value);
    if (item === null) return 'NULL';
    if (Buffer.isBuffer(item)) return `"\\\\x${item.toString('hex')}"`;
    return `"${item.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`;
  });
  return `{${items.join(',')}}`;
}

export function ask(connection: pg.Client, text: string, values: readonly unknown[]): Promise<Answer> {
  const session = sessionOf(connection);
  return new Promise((resolve, reject) => {
    const asked = { text, values: values.map(wireValue), resolve, reject };
    prepend(session, text);
    session.queue.push(asked);
    forget(session, text);
    schedule(connection, session);
  });
}

/** After the microtasks of this turn: what a `Promise.all` asks for goes together. */
function schedule(connection: pg.Client, session: Session): void {
  if (session.isScheduled) return;
  session.isScheduled = true;
  process.nextTick(() => {
    session.isScheduled = false;
    connection.query(new Round(session, session.queue.splice(0)));
  });
}

const writes = /^\s*(insert|update|delete|with\b[^]*\b(insert|update|delete))\b/i;

/** A write makes what was read of its table old. */
export function forget(session: Session, text: string): void {
  if (session.reads.size === 0 || !writes.test(text)) return;
  for (const [key, read] of session.reads)
    if (read.tables.some((table) => text.includes(table))) session.reads.delete(key);
}

/** Sends what waits and waits for it: before the COMMIT, which may not be run when one of them found nothing to write. */
export async function settle(connection: pg.Client, session: Session): Promise<void> {
  const last = session.waiting.pop();
  if (last === undefined) return;
  await new Promise((resolve, reject) => {
    prepend(session, '');
    session.queue.push({ ...last, resolve, reject });
    schedule(connection, session);
  });
}

/** What has to be there before this statement: the BEGIN, and held rows that it may read. */
export function prepend(session: Session, text: string | undefined): void {
  if (session.opening !== undefined) {
    session.queue.push(unasked(session.opening, []));
    session.opening = undefined;
  }
  session.queue.push(...session.waiting.splice(0));
  for (const [kind, rows] of session.held) {
    if (text !== undefined && !text.includes(kind.table)) continue;
    session.held.delete(kind);
    session.queue.push(unasked(kind.insert, [`[${rows.join(',')}]`]));
  }
}

/** Nobody waits for it: if it fails, the statement behind it was not run and tells. */
export function unasked(text: string, values: readonly WireValue[]): Asked {
  return { text, values, resolve: () => undefined, reject: () => undefined };
}
