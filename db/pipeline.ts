import knexFactory, { type Knex } from 'knex';
import type pg from 'pg';
import { InvariantError } from '../domain/errors.js';
import {
  ask,
  forget,
  type HeldRows,
  prepend,
  type Session,
  sessionOf,
  settle,
  unasked,
  wireValue,
} from './roundTrip.js';

// Transactions and single statements over connections whose statements travel together (roundTrip.ts), with Knex's builders on top. What a
// transaction asks for twice is read once, and what it writes late is held here until it has to be there.

/** What each transaction is open on, by its client. */
const connections = new WeakMap<object, { readonly connection: pg.Client; readonly transaction: object }>();

/** What is known of a connection that the pool of this client has just given out: whether it keeps plans is the pool's. */
function sessionFor(client: { readonly prepares: boolean }, connection: pg.Client): Session {
  const session = sessionOf(connection);
  session.prepares = client.prepares;
  return session;
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
    sessionFor(this, connection);
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
    const session = sessionFor(knex.client, connection);
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
    sessionFor(client, connection);
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
