import knexFactory, { type Knex } from 'knex';
import type pg from 'pg';
import { InvariantError } from '../domain/errors.js';
import { type ParseText, parserOf } from './columnTypes.js';

// How statements reach Postgres, under Knex (performance.md 5). Three things make a transaction of thirty statements cheap: each text is
// parsed and planned once per connection (a plan through the row policies costs more than the row), what is asked for at the same time
// travels in one round trip, and writes nobody waits for travel with the next statement or with the COMMIT. Order is kept, always.

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
class Session {
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
/** What each transaction is open on, by its client. */
const connections = new WeakMap<object, { readonly connection: pg.Client; readonly transaction: object }>();

function sessionOf(connection: pg.Client): Session {
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
function wireValue(value: unknown): WireValue {
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

function ask(connection: pg.Client, text: string, values: readonly unknown[]): Promise<Answer> {
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
function forget(session: Session, text: string): void {
  if (session.reads.size === 0 || !writes.test(text)) return;
  for (const [key, read] of session.reads)
    if (read.tables.some((table) => text.includes(table))) session.reads.delete(key);
}

/** Sends what waits and waits for it: before the COMMIT, which may not be run when one of them found nothing to write. */
async function settle(connection: pg.Client, session: Session): Promise<void> {
  const last = session.waiting.pop();
  if (last === undefined) return;
  await new Promise((resolve, reject) => {
    prepend(session, '');
    session.queue.push({ ...last, resolve, reject });
    schedule(connection, session);
  });
}

/** What has to be there before this statement: the BEGIN, and held rows that it may read. */
function prepend(session: Session, text: string | undefined): void {
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
function unasked(text: string, values: readonly WireValue[]): Asked {
  return { text, values, resolve: () => undefined, reject: () => undefined };
}

/** How a transaction opens. */
export type TransactionMode = 'write' | 'read';

const openings: Readonly<Record<TransactionMode, string>> = {
  write: 'BEGIN',
  read: 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
};

function begin(session: Session, mode: TransactionMode): object {
  const transaction = {};
  session.reads.clear();
  session.opening = openings[mode];
  session.transaction = transaction;
  session.isReadOnly = mode === 'read';
  session.hasFailed = false;
  session.fault = undefined;
  return transaction;
}

async function commit(connection: pg.Client, session: Session): Promise<void> {
  session.reads.clear();
  session.transaction = undefined;
  if (session.opening !== undefined && session.held.size === 0 && session.waiting.length === 0) {
    session.opening = undefined; // it asked nothing and wrote nothing
    return;
  }
  if (session.isReadOnly && !session.hasFailed && session.fault === undefined) {
    // Everything it asked was answered and it wrote nothing: its answer need not wait for the end. Whoever has this connection next does.
    ask(connection, 'COMMIT', []).catch(() => undefined); // the connection is gone, and the pool with it hears of it
    return;
  }
  try {
    await settle(connection, session);
    if (session.fault !== undefined) throw session.fault;
    prepend(session, undefined);
    const answer = await ask(connection, 'COMMIT', []);
    // A COMMIT after an error that nobody passed on is a ROLLBACK, and Postgres says so only here.
    if (answer.command !== 'COMMIT') throw new Error('the transaction was rolled back by an error in it');
  } catch (error) {
    // A held write was refused, and the COMMIT behind it was not run.
    await ask(connection, 'ROLLBACK', []).catch(() => undefined); // the connection is gone, and the transaction with it
    throw error;
  }
}

async function rollback(connection: pg.Client, session: Session): Promise<void> {
  session.reads.clear();
  session.transaction = undefined;
  session.held.clear();
  session.waiting = [];
  if (session.opening === undefined)
    await ask(connection, 'ROLLBACK', []).catch(() => undefined); // the connection is gone, and the transaction with it
  else session.opening = undefined;
}

const PgClient = (knexFactory({ client: 'pg' }).client as object).constructor as new (
  config: Knex.Config,
) => KnexPgClient;

class PipelinedClient extends PgClient {
  /** Do its connections keep plans? */
  get prepares(): boolean {
    return true;
  }

  override async _query(connection: pg.Client, query: KnexQuery): Promise<KnexQuery> {
    if (connections.has(this)) refuseEnded(this);
    sessionOf(connection).prepares = this.prepares;
    query.response = await ask(connection, query.sql, query.bindings ?? []);
    return query;
  }
}

class PlanningClient extends PipelinedClient {
  override get prepares(): boolean {
    return false;
  }
}

/** Knex's client for Postgres with this file under it: one statement per text. */
export const pipelined = PipelinedClient as unknown as typeof Knex.Client;
/** The same for long statements, each planned for the values it has: a plan kept from a small table would be the wrong one. */
export const pipelinedUnprepared = PlanningClient as unknown as typeof Knex.Client;

interface KnexQuery {
  readonly sql: string;
  readonly bindings?: readonly unknown[];
  response?: unknown;
}

interface KnexPgClient {
  _query(connection: pg.Client, query: KnexQuery): Promise<KnexQuery>;
  acquireConnection(): Promise<pg.Client>;
  releaseConnection(connection: pg.Client): Promise<void>;
  queryBuilder(): Knex.QueryBuilder;
}

interface HasClient {
  readonly client: object;
}

/** The parts of a Knex instance that Knex's own transactions replace as well. */
interface KnexInstance extends HasClient {
  readonly client: KnexPgClient & Pick<PipelinedClient, 'prepares'>;
  readonly context: object;
}

/**
 * Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. Instead of `knex.transaction`, which makes some
 * sixty functions, an event emitter and ten promises for each: a tenth of what a page of a list costs. None is made inside of another.
 */
export async function transact<T>(db: object, mode: TransactionMode, work: (tx: object) => Promise<T>): Promise<T> {
  const knex = db as KnexInstance;
  const connection = await knex.client.acquireConnection();
  try {
    const session = sessionOf(connection);
    session.prepares = knex.client.prepares;
    const tx = transactor(knex, connection, begin(session, mode));
    let result: T;
    try {
      result = await work(tx);
    } catch (error) {
      await rollback(connection, session);
      throw error;
    }
    await commit(connection, session);
    return result;
  } finally {
    await knex.client.releaseConnection(connection);
  }
}

/** Knex's builders over this one connection. Everything else a Knex instance has it inherits from that of the pool. */
function transactor(knex: KnexInstance, connection: pg.Client, transaction: object): object {
  const client = Object.create(knex.client) as KnexInstance['client'];
  client.acquireConnection = () => Promise.resolve(connection);
  client.releaseConnection = () => Promise.resolve();
  connections.set(client, { connection, transaction });
  const tx = (table?: Knex.TableDescriptor): Knex.QueryBuilder =>
    table === undefined ? client.queryBuilder() : client.queryBuilder().table(table as string);
  Object.setPrototypeOf(tx, knex);
  return Object.assign(tx, {
    context: Object.assign(Object.create(knex.context) as object, { client, transaction: refuseNested }),
  });
}

function refuseNested(): never {
  throw new InvariantError('a transaction opens no other');
}

function connectionOf(tx: object): pg.Client {
  return refuseEnded((tx as HasClient).client);
}

/** The connection of an open transaction, by its client. */
function refuseEnded(client: object): pg.Client {
  const open = connections.get(client);
  if (open === undefined || sessionOf(open.connection).transaction !== open.transaction)
    throw new Error('the transaction has ended');
  return open.connection;
}

/** One statement outside of any transaction, with `$1`…: for what is looked up before a workspace is known. */
export async function runAlone<Row>(db: object, text: string, values: readonly unknown[]): Promise<Row[]> {
  const { client } = db as KnexInstance;
  const connection = await client.acquireConnection();
  try {
    sessionOf(connection).prepares = client.prepares;
    return (await ask(connection, text, values)).rows as Row[];
  } finally {
    await client.releaseConnection(connection);
  }
}

/** A statement of the hot path, with `$1`…: what Knex would build anew each time is a constant. Same rows, same errors. */
export async function run<Row>(tx: object, text: string, values: readonly unknown[]): Promise<Row[]> {
  return (await ask(connectionOf(tx), text, values)).rows as Row[];
}

/** A write that nobody waits for: it travels with the next statement, in its place. `rows`: it has to touch exactly so many. */
export function later(tx: object, text: string, values: readonly unknown[], rows?: number): void {
  const session = sessionOf(connectionOf(tx));
  const asked = unasked(text, values.map(wireValue));
  session.waiting.push(rows === undefined ? asked : { ...asked, rows });
  forget(session, text);
}

/**
 * Reads once per transaction, until it writes to one of the tables: rows that it has locked, and terms that may be of its first moment.
 * `key` names the question.
 */
export function once<T>(tx: object, tables: readonly string[], key: string, read: () => Promise<T>): Promise<T> {
  const { reads } = sessionOf(connectionOf(tx));
  const known = reads.get(key);
  if (known !== undefined) return known.value as Promise<T>;
  const value = read();
  reads.set(key, { tables, value });
  // A read that failed stays known: the transaction is lost, and whoever asks next has to hear why (a conflict is repeated), not that it is.
  value.catch(() => undefined);
  return value;
}

/** What a write of this transaction has left: the answer to `key` from now on. */
export function know(tx: object, tables: readonly string[], key: string, value: unknown): void {
  sessionOf(connectionOf(tx)).reads.set(key, { tables, value: Promise.resolve(value) });
}

/** Keeps rows for the one insert of their kind; whatever refuses them refuses the statement they travel with, or the COMMIT. */
export function hold(tx: object, kind: HeldRows, rows: readonly object[]): void {
  if (rows.length === 0) return;
  const { held } = sessionOf(connectionOf(tx));
  const texts = rows.map((row) => JSON.stringify(row)); // now: what cannot be written is refused where it was made
  const waiting = held.get(kind);
  if (waiting === undefined) held.set(kind, texts);
  else waiting.push(...texts);
}
