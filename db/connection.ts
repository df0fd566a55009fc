import knexFactory, { type Knex } from 'knex';
import pg from 'pg';
import type { Brand } from '../domain/brand.js';
import type { Instant } from '../domain/time.js';
import { columnTypes } from './columnTypes.js';
import { pipelined, pipelinedUnprepared } from './pipeline.js';

/** The application's pool: one workspace at a time. Only this file makes one. */
export type Db = Brand<Knex, 'Db'>;
/** The relay's own small pool: the outbox of all workspaces, nothing else. */
export type RelayDb = Brand<Knex, 'RelayDb'>;
/** The redirect's pool: INSERT on clicks, for all workspaces. A plain pg pool, because Knex alone costs more than the insert. */
export type EdgeDb = Brand<pg.Pool, 'EdgeDb'>;

export interface ConnectOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly applicationName: string;
  /** Milliseconds. Default 5 s; exports, invariants, back-tests and plan pages use a pool of their own with 10 min. */
  readonly statementTimeoutMs?: number;
  /** Replaces Postgres's clock: tests only. */
  readonly now?: () => Instant;
}

function sessionOptions(role: string, statementTimeoutMs: number, extra = ''): string {
  // lock_timeout under the activity's 6 s, so that a wait ends as a retry and not as a lost task (architecture.md 9).
  // jit: a list's cost is above its threshold where a page reads 50 rows, and compiling took the claim of the outbox 30 ms (temporal.md 4.2).
  return `-c role=${role} -c TimeZone=UTC -c jit=off -c lock_timeout=2000 -c statement_timeout=${statementTimeoutMs} -c idle_in_transaction_session_timeout=10000${extra}`;
}

const clocks = new WeakMap<object, () => Instant>();

/** The clock that tests put in Postgres's place, if any. */
export function replacedClock(db: Db): (() => Instant) | undefined {
  return clocks.get(db);
}

function knexPool(options: ConnectOptions, role: string): Knex {
  return knexFactory({
    client: options.statementTimeoutMs === undefined ? pipelined : pipelinedUnprepared,
    connection: {
      connectionString: options.url,
      application_name: options.applicationName,
      options: sessionOptions(role, options.statementTimeoutMs ?? 5_000),
      types: columnTypes,
      keepAlive: true,
    } as Knex.PgConnectionConfig,
    pool: { min: 0, max: options.poolSize },
    // Knex would put the bound values, people's data among them, into the messages of its errors.
    compileSqlOnError: false,
    // A query that forgot its transaction fails here and says so, instead of hanging (architecture.md 18).
    acquireConnectionTimeout: 5_000,
  });
}

export function connect(options: ConnectOptions): Db {
  const db = knexPool(options, 'tributary_app') as Db;
  if (options.now !== undefined) clocks.set(db, options.now);
  return db;
}

export function connectRelay(options: ConnectOptions): RelayDb {
  return knexPool(options, 'tributary_relay') as RelayDb;
}

export function connectEdge(options: ConnectOptions): EdgeDb {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    // One statement, whose plan does not depend on its values: planning it anew for each batch cost a click alone a sixth of its time.
    options: sessionOptions(
      'tributary_edge',
      options.statementTimeoutMs ?? 5_000,
      ' -c plan_cache_mode=force_generic_plan',
    ),
    max: options.poolSize,
    keepAlive: true,
  });
  // An idle connection that Postgres ended. Without a listener Node ends the process (found by killing Postgres under clicks); the pool has
  // dropped it already, and if Postgres stays away the next click's own error says so.
  pool.on('error', () => undefined);
  return pool as unknown as EdgeDb;
}

/** What a process may not be: it refuses to start when its role owns, bypasses or rules anything (decisions 10). Answers the findings. */
export async function roleFindings(db: Db | RelayDb): Promise<readonly string[]> {
  const { rows } = await (db as Knex).raw<{ rows: { finding: string }[] }>(`
    select current_user || ' is a superuser' as finding from pg_roles where rolname = current_user and rolsuper
    union all
    select session_user || ' is a superuser' from pg_roles where rolname = session_user and rolsuper
    union all
    select rolname || ' bypasses row-level security' from pg_roles where rolname in (current_user, session_user) and rolbypassrls
    union all
    select current_user || ' owns ' || c.relname from pg_class c join pg_roles r on r.oid = c.relowner
    where r.rolname in (current_user, session_user) and c.relnamespace = 'public'::regnamespace
    union all
    select current_user || ' owns function ' || p.proname from pg_proc p join pg_roles r on r.oid = p.proowner
    where r.rolname in (current_user, session_user) and p.pronamespace = 'public'::regnamespace`);
  return rows.map((row) => row.finding);
}

/** Settings under which an acknowledged commit could be lost: a process refuses to start with any of them (reliability.md G2). */
export async function durabilityFindings(db: Db): Promise<readonly string[]> {
  const { rows } = await (db as Knex).raw<{ rows: { name: string; setting: string }[] }>(
    `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'`,
  );
  return rows.map((row) => `${row.name} is ${row.setting}: acknowledged writes could be lost`);
}

/** Names of the migrations applied, for the readiness check. The application role may read that one table. */
export async function appliedMigrations(db: Db): Promise<readonly string[]> {
  const rows = await (db as Knex)<{ name: string }>('schema_migrations').select('name').orderBy('id');
  return rows.map((row) => row.name);
}
