import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { type Config, loadConfig, readEnvFile } from '../config.js';
import {
  commandLineOf,
  endProcess,
  findProcess,
  type HeldLock,
  isSameProcess,
  LockHeldError,
  type ProcessMark,
  sendSignal,
  takeLock,
  waitForEnd,
} from './children.js';
import { choosePorts, defaultPorts, type PortName, type Ports, readPorts, writePorts } from './ports.js';
import { findOrphanPort, prepareDatabase, startPostgres } from './postgres.js';
import { type Service, startService } from './service.js';
import { findTemporalCli, startTemporal } from './temporal.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the stack is made of besides its two servers; given by bin/start.ts, because this layer knows no tables. */
export interface StackParts {
  /** Applies migrations as the owner; answers the names applied now. */
  migrate(ownerUrl: string): Promise<readonly string[]>;
  /** Namespace, search attributes, schedules, rehydrate; a one-time link until somebody has signed in. */
  bootstrap(config: Config): Promise<{ readonly signInLink?: string | undefined }>;
  /** Builds the pages where their sources have changed; answers what it did, in words. Runs beside the other steps. */
  buildSite?(signal: AbortSignal): Promise<string>;
  readonly workerEntry: string;
  readonly apiEntry: string;
  /** Called when the database has no demo data yet; answers what it made, in words. */
  demo?(config: Config): Promise<string | undefined>;
}

/** Told what happens; the caller prints it. */
export interface StackReport {
  began(step: string): void;
  progress(step: string, message: string): void;
  done(step: string, detail: string, durationMs: number): void;
  failed(step: string, message: string): void;
  /** A sentence outside of any step: a port gave way, a process was started again. */
  notice(sentence: string): void;
}

export interface StackOptions {
  readonly env: Environment;
  readonly strictPorts: boolean;
  /** No demo data. */
  readonly empty: boolean;
  readonly parts: StackParts;
  readonly report: StackReport;
  /** Called when one of the two servers ended by itself: the rest cannot go on. */
  readonly onLost: (sentence: string) => void;
}

export interface Stack {
  readonly config: Config;
  readonly signInLink: string | undefined;
  readonly logFolder: string;
  /** API → worker (finishes what it holds) → Temporal → Postgres. Safe to repeat. */
  stop(): Promise<void>;
}

/** A step failed; the report has told so and everything that had been started is stopped again. */
export class StepFailedError extends Error {
  readonly step: string;

  constructor(step: string, cause: unknown) {
    super(`${step}: ${messageOf(cause)}`, { cause });
    this.name = 'StepFailedError';
    this.step = step;
  }
}

/** What has been started, for the end: in the order of the start. */
interface Running {
  readonly name: 'postgres' | 'temporal' | 'worker' | 'api';
  pid(): number | undefined;
  stop(): Promise<void>;
}

const apiGraceMs = 15_000; // it drains for 10 s (dependencies.md 7.2)
const workerGraceMs = 45_000; // its own limit is 40 s (temporal.md 12)

/** Starts and stops everything of `npm start`, in the order of screens.md 9.2. One per data folder. */
export class Supervisor {
  readonly #options: StackOptions;
  readonly #dataDir: string;
  readonly #aborted = new AbortController();
  readonly #running: Running[] = [];
  readonly #marks = new Map<string, ProcessMark>();
  #lock: HeldLock | undefined;
  #starting: Promise<Stack> | undefined;
  #stopping: Promise<void> | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: StackOptions) {
    this.#options = options;
    this.#dataDir = resolve(options.env['DATA_DIR'] || '.data');
  }

  /** Throws StepFailedError, after it has stopped what had come up. */
  start(): Promise<Stack> {
    this.#starting ??= this.#bringUp().catch(async (error: unknown) => {
      await this.#takeDown();
      throw error;
    });
    return this.#starting;
  }

  /** Stops in order; a start that is under way ends at its next step. */
  async stop(): Promise<void> {
    this.#aborted.abort(new Error('stopped before it was up'));
    await this.#starting?.catch(() => undefined);
    await this.#takeDown();
  }

  /** For a second Ctrl+C: ends everything at once. Postgres recovers from its log, Temporal from its file. */
  async kill(): Promise<void> {
    this.#aborted.abort(new Error('killed'));
    for (const part of this.#running.toReversed()) {
      const pid = part.pid();
      if (pid === undefined) continue;
      // SIGQUIT lets the first process of Postgres take its children along; SIGKILL would leave them for a moment.
      sendSignal(pid, part.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
      if (!(await waitForEnd(pid, 3_000))) sendSignal(pid, 'SIGKILL');
    }
    this.#forget();
  }

  async #bringUp(): Promise<Stack> {
    const { env, parts } = this.#options;
    const settings = await this.#step('settings', () => this.#readSettings());
    const { ports } = await this.#step('ports', () => this.#choosePorts(settings.env));
    // Looking for a server of Temporal, perhaps building one, needs nothing of Postgres: both at once.
    const temporal = settled(this.#startTemporal(settings.env, ports));
    const site = settled(this.#buildSite());
    let database: { readonly url: string; readonly ownerUrl: string };
    try {
      database = await this.#step('postgres', () => this.#startDatabase(settings.env, ports));
      await this.#step('migrations', async () => {
        const applied = await parts.migrate(database.ownerUrl);
        return { value: applied, detail: applied.length === 0 ? 'up to date' : `${applied.length} applied` };
      });
    } catch (error) {
      this.#aborted.abort(error);
      await temporal; // it must not come up after the rest was taken down
      await site;
      throw error;
    }
    const server = await this.#step('temporal', async () => unwrap(await temporal));
    if (parts.buildSite !== undefined)
      await this.#step('console', async () => ({ ...unwrap(await site), value: undefined }));
    const full: Record<string, string | undefined> = {
      ...settings.env,
      DATABASE_URL: database.url,
      MIGRATION_DATABASE_URL: database.ownerUrl,
      ...server,
      PORT: String(ports.api),
      WORKER_HEALTH_PORT: String(ports.workerHealth),
      PUBLIC_URL: env['PUBLIC_URL'] || `http://localhost:${ports.api}`,
    };
    const config = loadConfig(full);
    this.#writeRunning(full);
    const { signInLink } = await this.#step('bootstrap', async () => {
      const value = await parts.bootstrap(config);
      return { value, detail: 'namespace, search attributes, schedules' };
    });
    await this.#startServices(full, ports);
    if (!this.#options.empty && parts.demo !== undefined) {
      const make = parts.demo.bind(parts);
      await this.#step('demo data', async () => ({
        value: undefined,
        detail: (await make(config)) ?? 'there already',
      }));
    }
    this.#watch = setInterval(() => {
      this.#lookForLost().catch((error: unknown) => this.#options.report.notice(messageOf(error)));
    }, 1_000);
    this.#watch.unref();
    return { config, signInLink, logFolder: this.#logFolder(), stop: () => this.stop() };
  }

  async #step<T>(
    name: string,
    work: () => Promise<{ readonly value: T; readonly detail: string; readonly durationMs?: number }>,
  ): Promise<T> {
    const { report } = this.#options;
    const began = performance.now();
    report.began(name);
    try {
      this.#aborted.signal.throwIfAborted();
      const { value, detail, durationMs } = await work();
      report.done(name, detail, durationMs ?? performance.now() - began);
      return value;
    } catch (error) {
      report.failed(name, messageOf(error));
      throw new StepFailedError(name, error);
    }
  }

  async #readSettings(): Promise<{ value: { env: Record<string, string | undefined> }; detail: string }> {
    const { env } = this.#options;
    if (env['NODE_ENV'] === 'production' && !(env['DATABASE_URL'] && env['TEMPORAL_ADDRESS'])) {
      throw new Error(
        'NODE_ENV=production brings no servers of its own: set DATABASE_URL and TEMPORAL_ADDRESS (docker-compose.yml does)',
      );
    }
    if (env['DATABASE_URL'] && !env['MIGRATION_DATABASE_URL']) {
      throw new Error(
        'DATABASE_URL is set: set MIGRATION_DATABASE_URL too, the same database as its owner, for the migrations',
      );
    }
    mkdirSync(this.#dataDir, { recursive: true });
    this.#lock = await takeLock(join(this.#dataDir, 'start.lock')).catch((error: unknown) => {
      if (!(error instanceof LockHeldError)) throw error;
      const url = readEnvFile(join(this.#dataDir, 'running.env'))['PUBLIC_URL'];
      const where = url === undefined ? '' : ` (${url})`;
      throw new Error(
        `Another npm start, process ${error.holder.pid}${where}, holds ${this.#dataDir}: stop that one first, or set DATA_DIR`,
      );
    });
    await this.#endLeftovers();
    // Production gets its secrets from whoever runs it: one that we made and nobody saved could not be restored.
    const usesFile = env['NODE_ENV'] !== 'production';
    const file = join(this.#dataDir, 'env');
    const isNew = usesFile && !existsSync(file);
    if (isNew) writeSecrets(file);
    const merged: Record<string, string | undefined> = {
      ...(env['NODE_ENV'] === 'production' ? {} : { OUTBOUND_ALLOW: '127.0.0.0/8,::1/128' }),
      HOST: '127.0.0.1', // everything of npm start stays on this machine
      ...(usesFile ? readEnvFile(file) : {}),
      ...Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== '')),
      DATA_DIR: this.#dataDir,
    };
    // All problems now, not after a minute of starting: what is not known yet gets a stand-in.
    loadConfig({
      DATABASE_URL: 'postgres://a@localhost/a',
      TEMPORAL_ADDRESS: 'localhost:1',
      PUBLIC_URL: 'http://localhost',
      ...merged,
    });
    const shown = relative('', file).startsWith('..') ? file : relative('', file);
    const found = isNew ? `defaults written to ${shown} (secrets generated)` : `from ${shown}`;
    return { value: { env: merged }, detail: usesFile ? found : 'from the environment' };
  }

  async #choosePorts(env: Environment): Promise<{ value: { ports: Ports }; detail: string }> {
    const file = join(this.#dataDir, 'ports.json');
    const given: Partial<Record<PortName, number>> = {};
    if (env['PORT']) given.api = Number(env['PORT']);
    if (env['WORKER_HEALTH_PORT']) given.workerHealth = Number(env['WORKER_HEALTH_PORT']);
    const orphan = await findOrphanPort(join(this.#dataDir, 'postgres'));
    const wanted: Ports = {
      ...defaultPorts,
      ...readPorts(file),
      ...given,
      ...(orphan === undefined ? {} : { postgres: orphan }),
    };
    const { ports, moved } = await choosePorts({
      wanted,
      ours: orphan === undefined ? [] : [orphan],
      strict: this.#options.strictPorts,
    });
    writePorts(file, ports);
    for (const sentence of moved) this.#options.report.notice(sentence);
    return { value: { ports }, detail: Object.values(ports).join(', ') };
  }

  async #startDatabase(
    env: Environment,
    ports: Ports,
  ): Promise<{ value: { url: string; ownerUrl: string }; detail: string }> {
    if (env['DATABASE_URL'] && env['MIGRATION_DATABASE_URL']) {
      return { value: { url: env['DATABASE_URL'], ownerUrl: env['MIGRATION_DATABASE_URL'] }, detail: 'DATABASE_URL' };
    }
    const server = await startPostgres({
      dataDir: join(this.#dataDir, 'postgres'),
      port: ports.postgres,
      logFile: this.#logFile('postgres'),
    });
    this.#keep({ name: 'postgres', pid: () => server.pid, stop: () => server.stop() });
    const { appUrl, ownerUrl } = await prepareDatabase(server.adminUrl, 'tributary');
    const adopted = server.adopted ? ', taken over from a start that was killed' : '';
    return { value: { url: appUrl, ownerUrl }, detail: `embedded, 127.0.0.1:${server.port}${adopted}` };
  }

  async #startTemporal(
    env: Environment,
    ports: Ports,
  ): Promise<{ value: Record<string, string>; detail: string; durationMs: number }> {
    const began = performance.now();
    const namespace = env['TEMPORAL_NAMESPACE'] || 'tributary';
    const address = env['TEMPORAL_ADDRESS'];
    if (address) {
      const durationMs = performance.now() - began;
      return { value: { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace }, detail: address, durationMs };
    }
    const cliPath = await findTemporalCli({
      dataDir: this.#dataDir,
      env,
      signal: this.#aborted.signal,
      onProgress: (message) => this.#options.report.progress('temporal', message),
    });
    this.#aborted.signal.throwIfAborted();
    const server = await startTemporal({
      cliPath,
      port: ports.temporal,
      uiPort: ports.temporalUi,
      dbFile: join(this.#dataDir, 'temporal.db'),
      logFile: this.#logFile('temporal'),
      namespace,
    });
    this.#keep({ name: 'temporal', pid: () => server.pid, stop: () => server.stop() });
    const kept =
      server.movedAside === undefined
        ? 'data kept'
        : `its file did not open with this version and lies in ${server.movedAside}`;
    return {
      value: {
        TEMPORAL_ADDRESS: server.address,
        TEMPORAL_NAMESPACE: server.namespace,
        TEMPORAL_EMBEDDED: 'true',
        TEMPORAL_UI_URL: `http://localhost:${ports.temporalUi}`,
      },
      detail: `dev server ${server.address}, ${kept}`,
      durationMs: performance.now() - began,
    };
  }

  async #buildSite(): Promise<{ detail: string; durationMs: number }> {
    const began = performance.now();
    const detail = (await this.#options.parts.buildSite?.(this.#aborted.signal)) ?? '';
    return { detail, durationMs: performance.now() - began };
  }

  /** Both at once; a line each, in the order in which they are listed. */
  async #startServices(env: Environment, ports: Ports): Promise<void> {
    const { parts } = this.#options;
    const worker = settled(
      this.#startOne('worker', parts.workerEntry, env, `http://127.0.0.1:${ports.workerHealth}/readyz`, workerGraceMs),
    );
    const api = settled(this.#startOne('api', parts.apiEntry, env, `http://127.0.0.1:${ports.api}/readyz`, apiGraceMs));
    try {
      await this.#step('worker', async () => ({ ...unwrap(await worker), value: undefined }));
    } finally {
      await api;
    }
    await this.#step('api', async () => ({ ...unwrap(await api), value: undefined }));
  }

  async #startOne(
    name: 'worker' | 'api',
    entry: string,
    env: Environment,
    readyUrl: string,
    graceMs: number,
  ): Promise<{ detail: string; durationMs: number }> {
    const began = performance.now();
    const service: Service = await startService({
      name,
      entry,
      env,
      logFile: this.#logFile(name),
      readyUrl,
      onRestart: (sentence) => this.#options.report.notice(sentence),
      onSpawn: (pid) => this.#mark(name, pid),
    });
    this.#keep({ name, pid: () => service.pid(), stop: () => service.stop(graceMs) });
    return { detail: 'ready', durationMs: performance.now() - began };
  }

  #keep(part: Running): void {
    this.#running.push(part);
    const pid = part.pid();
    if (pid !== undefined) this.#mark(part.name, pid);
  }

  /** Writes down which process it is; a write that fails costs the clean-up after a kill, not the start. */
  #mark(name: string, pid: number): void {
    findProcess(pid)
      .then((mark) => {
        if (mark === undefined || this.#lock === undefined) return;
        this.#marks.set(name, mark);
        writePrivate(join(this.#dataDir, 'children.json'), JSON.stringify(Object.fromEntries(this.#marks)));
      })
      .catch((error: unknown) =>
        this.#options.report.notice(`could not write down process ${pid}: ${messageOf(error)}`),
      );
  }

  /** A start that was killed leaves its children. Postgres is taken over; the others are ended, newest first. */
  async #endLeftovers(): Promise<void> {
    const ended = await endLeftovers(this.#dataDir);
    if (ended.length > 0) this.#options.report.notice(`Ended what a killed start had left: ${ended.join(', ')}.`);
  }

  async #lookForLost(): Promise<void> {
    for (const part of this.#running) {
      if (part.name !== 'postgres' && part.name !== 'temporal') continue;
      const pid = part.pid();
      if (pid === undefined || (await findProcess(pid)) !== undefined) continue;
      clearInterval(this.#watch);
      if (this.#stopping === undefined)
        this.#options.onLost(`${part.name} ended by itself (log: ${this.#logFile(part.name)})`);
      return;
    }
  }

  #takeDown(): Promise<void> {
    this.#stopping ??= (async () => {
      clearInterval(this.#watch);
      const order = ['api', 'worker', 'temporal', 'postgres'];
      const parts = this.#running.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
      const problems: unknown[] = [];
      // One that does not end must not keep the next from being asked.
      for (const part of parts) await part.stop().catch((error: unknown) => problems.push(error));
      this.#forget();
      if (problems.length > 0) throw new AggregateError(problems, problems.map(messageOf).join('; '));
    })();
    return this.#stopping;
  }

  #forget(): void {
    if (this.#lock === undefined) return;
    for (const name of ['running.env', 'children.json']) rmSync(join(this.#dataDir, name), { force: true });
    this.#lock.release();
    this.#lock = undefined;
  }

  /** Addresses of the running stack, for commands in another terminal (`localEnvironment` of platform/config.ts). */
  #writeRunning(env: Environment): void {
    const names = [
      'DATABASE_URL',
      'MIGRATION_DATABASE_URL',
      'PORT',
      'WORKER_HEALTH_PORT',
      'PUBLIC_URL',
      'OUTBOUND_ALLOW',
    ];
    names.push('TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_EMBEDDED', 'TEMPORAL_UI_URL');
    const lines = names.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : []));
    writePrivate(join(this.#dataDir, 'running.env'), `${lines.join('\n')}\n`);
  }

  #logFolder(): string {
    return join(this.#dataDir, 'log');
  }

  #logFile(name: string): string {
    const file = join(this.#logFolder(), `${name}.log`);
    // One older file is kept; a log that grew for weeks must not fill the disk of a laptop.
    if (existsSync(file) && statSync(file).size > 20_000_000) renameSync(file, `${file}.1`);
    return file;
  }
}

/** Ends recorded children of a killed start, but for Postgres; answers what it ended. Never ends another's process. */
export async function endLeftovers(dataDir: string): Promise<readonly string[]> {
  const file = join(dataDir, 'children.json');
  let recorded: Record<string, ProcessMark>;
  try {
    recorded = JSON.parse(readFileSync(file, 'utf8')) as Record<string, ProcessMark>;
  } catch {
    return []; // none, or cut off by a crash: the ports step finds what still listens
  }
  const ended: string[] = [];
  for (const name of ['api', 'worker', 'temporal']) {
    const mark = recorded[name];
    if (mark === undefined || !(await isSameProcess(mark))) continue;
    if (!/temporal|node|tsx/.test(await commandLineOf(mark.pid)) && process.platform !== 'win32') continue;
    await endProcess(mark.pid, 'SIGTERM', name === 'worker' ? workerGraceMs : apiGraceMs);
    ended.push(`${name} (process ${mark.pid})`);
  }
  rmSync(file, { force: true });
  return ended;
}

function writeSecrets(file: string): void {
  const key = `key1:${randomBytes(32).toString('base64')}`;
  const lines = [
    '# Settings of this machine. Whatever .env.example lists may stand here; the environment wins.',
    '# Without SECRET_KEY what it protects in the database cannot be read again: keep a copy with your backups.',
    `SECRET_KEY=${key}`,
    `METRICS_TOKEN=${randomBytes(24).toString('base64url')}`,
  ];
  writePrivate(file, `${lines.join('\n')}\n`);
}

function writePrivate(file: string, text: string): void {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text, { mode: 0o600 });
  chmodSync(draft, 0o600);
  renameSync(draft, file);
}

type Settled<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Runs beside other work; its failure waits until somebody asks. */
function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value) => ({ ok: true, value }) as const,
    (error: unknown) => ({ ok: false, error }) as const,
  );
}

function unwrap<T>(outcome: Settled<T>): T {
  if (!outcome.ok) throw outcome.error;
  return outcome.value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
