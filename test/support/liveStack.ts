import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EmbeddedPostgres, prepareDatabase, startPostgres } from '../../platform/embedded/postgres.js';
import { type EmbeddedTemporal, findTemporalCli, startTemporal } from '../../platform/embedded/temporal.js';
import { compiledProgram, type Program } from './compiled.js';
import { eventually } from './eventually.js';
import { freePorts } from './freePorts.js';

/** A process that starts beside others on a busy machine may take longer than a test's usual patience. In milliseconds. */
const startMs = 90_000;

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface LiveStackOptions {
  readonly apis?: number;
  readonly workers?: number;
  /** Beside what a development stack sets. */
  readonly env?: Readonly<Record<string, string>>;
  /** Server settings of Postgres, for benches that look into it. */
  readonly postgres?: Readonly<Record<string, string>>;
  /** How long a process may take to its first readiness, in milliseconds: for campaigns on a machine that has more to do. */
  readonly startPatienceMs?: number;
}

/**
 * The whole product as its own processes: Postgres (fsync on), a Temporal server with a database file, api and worker. Made to be killed:
 * `kill` is SIGKILL of any part, `start` brings it back. Everything is gone after `stop`.
 */
/** How a command ended and everything it printed. */
export interface CommandEnd {
  readonly code: number | null;
  readonly output: string;
}

export class LiveStack {
  readonly dataDir: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly namespace = 'tributary';
  /** What bootstrap printed: the first owner's one-time link. */
  signInLink = '';
  /** Which api the clients talk to. */
  front = 0;
  /** Where in its log a process that runs now began. */
  readonly #logStart = new Map<string, number>();
  readonly #ports: {
    readonly postgres: number;
    readonly temporal: number;
    readonly apis: readonly number[];
    readonly workers: readonly number[];
  };
  readonly #cliPath: string;
  readonly #env: Readonly<Record<string, string>>;
  /** A file of bin/ as it runs here: compiled. */
  readonly programOf: Program;
  readonly #longPatience: { readonly within: number };
  readonly #children = new Map<string, ChildProcess>();
  #postgres: EmbeddedPostgres;
  #temporal: EmbeddedTemporal;

  private constructor(parts: {
    dataDir: string;
    ownerUrl: string;
    appUrl: string;
    cliPath: string;
    postgres: EmbeddedPostgres;
    temporal: EmbeddedTemporal;
    ports: LiveStack['ports'];
    env: Readonly<Record<string, string>>;
    program: Program;
    startPatienceMs: number;
  }) {
    this.dataDir = parts.dataDir;
    this.ownerUrl = parts.ownerUrl;
    this.appUrl = parts.appUrl;
    this.#cliPath = parts.cliPath;
    this.#postgres = parts.postgres;
    this.#temporal = parts.temporal;
    this.#ports = parts.ports;
    this.#env = parts.env;
    this.programOf = parts.program;
    this.#longPatience = { within: parts.startPatienceMs };
  }

  get ports() {
    return this.#ports;
  }

  static async start(options: LiveStackOptions = {}): Promise<LiveStack> {
    const { apis = 1, workers = 1 } = options;
    const dataDir = await mkdtemp(join(tmpdir(), 'tributary-live-'));
    await chmod(dataDir, 0o755); // as root, Postgres runs as another user, who has to reach its folder below
    const [postgresPort = 0, temporalPort = 0, ...others] = await freePorts(2 + apis + workers);
    const ports = {
      postgres: postgresPort,
      temporal: temporalPort,
      apis: others.slice(0, apis),
      workers: others.slice(apis),
    };
    const [program, cliPath] = await Promise.all([
      compiledProgram(),
      findTemporalCli({ dataDir, onProgress: () => undefined }),
    ]);
    const postgres = await startPostgres({
      dataDir: join(dataDir, 'postgres'),
      port: postgresPort,
      logFile: join(dataDir, 'postgres.log'),
      ...(options.postgres === undefined ? {} : { settings: options.postgres }),
    });
    const { ownerUrl, appUrl } = await prepareDatabase(postgres.adminUrl, 'tributary');
    const temporal = await startLiveTemporal(dataDir, cliPath, temporalPort);
    const env = {
      DATABASE_URL: appUrl,
      MIGRATION_DATABASE_URL: ownerUrl,
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: 'tributary',
      TEMPORAL_EMBEDDED: 'true',
      SECRET_KEY: `test:${randomBytes(32).toString('base64')}`,
      PUBLIC_URL: `http://localhost:${ports.apis[0]}`,
      DATA_DIR: dataDir,
      LOG_LEVEL: 'info',
      NODE_ENV: 'test',
      OUTBOUND_ALLOW: '127.0.0.0/8,::1/128',
      ...options.env,
    };
    const stack = new LiveStack({
      dataDir,
      ownerUrl,
      appUrl,
      cliPath,
      postgres,
      temporal,
      ports,
      env,
      program,
      startPatienceMs: options.startPatienceMs ?? startMs,
    });
    try {
      await stack.bootstrap();
      await stack.startAll();
      return stack;
    } catch (error) {
      const log = await stack.log();
      await stack.stop();
      throw new Error(
        `the live stack did not start: ${error instanceof Error ? error.message : String(error)}\n${log}`,
        { cause: error },
      );
    }
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#ports.apis[this.front]}`;
  }

  /** A superuser's address, for benches that look into the server. */
  get adminUrl(): string {
    return this.#postgres.adminUrl;
  }

  get temporalAddress(): string {
    return this.#temporal.address;
  }

  get cliPath(): string {
    return this.#cliPath;
  }

  /** Environment of the processes, for commands that a test runs beside them. */
  get environment(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#env };
  }

  /** Runs a command of bin/ to its end; answers what it printed. */
  command(file: string, ...parameters: readonly string[]): Promise<CommandEnd> {
    return this.#run(process.execPath, [this.programOf(file), ...parameters]);
  }

  /** Temporal's own command line, as an operator would use it. */
  temporalCommand(...parameters: readonly string[]): Promise<CommandEnd> {
    return this.#run(this.#cliPath, [...parameters, '--address', this.temporalAddress, '--namespace', this.namespace]);
  }

  async #run(program: string, parameters: readonly string[]): Promise<CommandEnd> {
    const child = spawn(program, parameters, { cwd: root, env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  async bootstrap(): Promise<void> {
    const { code, output } = await this.command('bin/bootstrap.ts');
    if (code !== 0) throw new Error(`bootstrap ended with ${code}:\n${output}`);
    this.signInLink = /https?:\/\/\S+\/welcome\/\S+/.exec(output)?.[0] ?? this.signInLink;
  }

  async startAll(): Promise<void> {
    await Promise.all([
      ...this.#ports.apis.map((_port, index) => this.startApi(index)),
      ...this.#ports.workers.map((_port, index) => this.startWorker(index)),
    ]);
  }

  async startApi(index = 0, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const port = this.#ports.apis[index] ?? 0;
    this.#spawn(`api-${index}`, 'bin/api.ts', { PORT: String(port), ...env });
    await this.#ready(`api-${index}`, port);
  }

  async startWorker(index = 0, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const port = this.#ports.workers[index] ?? 0;
    this.#spawn(`worker-${index}`, 'bin/worker.ts', { WORKER_HEALTH_PORT: String(port), ...env });
    await this.#ready(`worker-${index}`, port);
  }

  #spawn(name: string, file: string, env: Readonly<Record<string, string>>): void {
    const log = openSync(join(this.dataDir, `${name}.log`), 'a');
    this.#logStart.set(name, fstatSync(log).size);
    const child = spawn(process.execPath, [this.programOf(file)], {
      cwd: root,
      env: { ...this.environment, ...env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#children.set(name, child);
  }

  async #ready(name: string, port: number): Promise<void> {
    await eventually(async () => {
      if (!this.isRunning(name)) return true; // no use in waiting: told below
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      if (!response.ok) throw new Error(`${name} answers ${response.status}`);
      return true;
    }, this.#longPatience);
    const child = this.#children.get(name);
    if (!this.isRunning(name)) throw new Error(`${name} ended with ${child?.exitCode ?? child?.signalCode}`);
  }

  /** Starts a process with a crash point armed. It may get there before it can say that it is ready. */
  async startArmed(name: string, point: string): Promise<void> {
    const index = Number.parseInt(name.slice(name.indexOf('-') + 1), 10);
    const env = { FAILPOINTS: point };
    try {
      await (name.startsWith('api') ? this.startApi(index, env) : this.startWorker(index, env));
    } catch (error) {
      if (!(await this.hasReached(name, point.replace(/[#!].*$/, '')))) throw error;
    }
  }

  /**
   * Waits until a process has ended at its armed crash point (FAILPOINTS), and fails when it ended of something else: what was killed
   * elsewhere says nothing about that point.
   */
  async diesAt(name: string, point: string): Promise<void> {
    await eventually(() => !this.isRunning(name), this.#longPatience);
    const signal = this.#children.get(name)?.signalCode;
    if (signal !== 'SIGKILL' || !(await this.hasReached(name, point)))
      throw new Error(`${name} ended with ${signal}, not at ${point}:\n${await this.log()}`);
  }

  /** True once the process wrote that it got to the point; at a `!stop` point it then stands still until `signal(name, 'SIGCONT')`. */
  async hasReached(name: string, point: string): Promise<boolean> {
    const log = await readFile(join(this.dataDir, `${name}.log`));
    return log.subarray(this.#logStart.get(name) ?? 0).includes(`failpoint reached: ${point}\n`);
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.kill(signal);
  }

  /** Process id of a part: `api-0`, `worker-0`, `postgres`, `temporal`. For benches that read what it takes. */
  pidOf(name: string): number {
    if (name === 'postgres') return this.#postgres.pid;
    if (name === 'temporal') return this.#temporal.pid;
    const pid = this.#children.get(name)?.pid;
    if (pid === undefined) throw new Error(`no process ${name}`);
    return pid;
  }

  /** What the simulated gateway remembers, outside Postgres. */
  get sandboxJournal(): string {
    return join(this.dataDir, 'gateways', 'sandbox.journal');
  }

  /** True while the process runs: a crash point of its own may have ended it. */
  isRunning(name: string): boolean {
    const child = this.#children.get(name);
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** SIGKILL, as power would: `api-0`, `worker-0`, `postgres`, `temporal`. Answers once the process is gone. */
  async kill(name: string): Promise<void> {
    if (name === 'postgres') {
      await killPid(this.#postgres.pid);
      return this.#postgres.stop(); // nothing is left to stop; the lock on its folder is ours and has to go
    }
    if (name === 'temporal') return killPid(this.#temporal.pid);
    const child = this.#children.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async startAgain(name: string): Promise<void> {
    if (name === 'postgres') {
      // Backends that have not noticed yet that their postmaster is gone hold its shared memory for a moment.
      this.#postgres = await eventually(
        () =>
          startPostgres({
            dataDir: join(this.dataDir, 'postgres'),
            port: this.#ports.postgres,
            logFile: join(this.dataDir, 'postgres.log'),
          }),
        this.#longPatience,
      );
    } else if (name === 'temporal') {
      this.#temporal = await startLiveTemporal(this.dataDir, this.#cliPath, this.#ports.temporal);
    } else {
      const index = Number.parseInt(name.slice(name.indexOf('-') + 1), 10);
      await (name.startsWith('api') ? this.startApi(index) : this.startWorker(index));
    }
  }

  /** Everything at once, as a power cut (K40). */
  async killAll(): Promise<void> {
    await Promise.all([...this.#children.keys(), 'temporal', 'postgres'].map((name) => this.kill(name)));
  }

  /** As `npm start` does after a crash: servers, then bootstrap with its rehydrate, then the processes. */
  async startEverything(): Promise<void> {
    await this.startAgain('postgres');
    await this.startAgain('temporal');
    await this.bootstrap();
    await this.startAll();
  }

  /** Temporal forgets everything: its database file is gone, what a start does follows (temporal.md 4.5). */
  async wipeTemporal(): Promise<void> {
    await this.kill('temporal');
    for (const suffix of ['', '-wal', '-shm']) await rm(join(this.dataDir, `temporal.db${suffix}`), { force: true });
    await this.startAgain('temporal');
    await this.bootstrap();
  }

  /** The graceful end of one process, as its supervisor would ask for it. Answers its exit code. */
  async end(name: string): Promise<number | null> {
    const child = this.#children.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit') as Promise<[number | null]>;
    child.kill('SIGTERM');
    return (await gone)[0];
  }

  /** Last lines of every process, for the message of a failed test. */
  async log(lines = 25): Promise<string> {
    const parts: string[] = [];
    for (const name of [...this.#children.keys(), 'postgres']) {
      const text = await readFile(join(this.dataDir, `${name}.log`), 'utf8').catch(() => '');
      parts.push(`--- ${name}\n${text.split('\n').slice(-lines).join('\n')}`);
    }
    return parts.join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((name) => this.kill(name))); // SIGKILL ends a stopped one too
    await this.#temporal.stop();
    await this.#postgres.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

function startLiveTemporal(dataDir: string, cliPath: string, port: number): Promise<EmbeddedTemporal> {
  return startTemporal({
    cliPath,
    port,
    dbFile: join(dataDir, 'temporal.db'),
    logFile: join(dataDir, 'temporal.log'),
    namespace: 'tributary',
    fastTimers: true,
  });
}

async function killPid(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await eventually(() => {
    try {
      process.kill(pid, 0);
    } catch {
      return true; // no such process: it is gone
    }
    return false;
  });
}
