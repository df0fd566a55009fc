import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { access, chmod, constants, copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { describeEnd, endProcess, failedToSpawn, findProcess, isSameProcess, lastLines } from './children.js';
import { isFree } from './ports.js';

/** The newest CLI that installs by version with Go; later ones carry a local `replace` (temporal.md 1.2). */
const cliVersion = '1.5.1';
const executable = process.platform === 'win32' ? 'temporal.exe' : 'temporal';
const oldestServer = [1, 29] as const;
const goNeeded = [1, 25] as const;

export interface CliSearch {
  readonly dataDir: string;
  /** Told in sentences what takes long (download, build) or deserves a warning. */
  readonly onProgress?: (message: string) => void;
  /** Ends a download or build that is under way. */
  readonly signal?: AbortSignal;
  /** Default `process.env`: TEMPORAL_CLI_PATH, PATH and HOME are read. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The path of a Temporal CLI, in the order of decisions.md 16: TEMPORAL_CLI_PATH, `temporal` on the PATH, `.data/bin`, the
 * user's cache, the SDK's download, a build with Go. May take minutes the first time on a machine. Throws an Error that
 * lists every way to get one; a TEMPORAL_CLI_PATH that does not work is an error, not a reason to go on.
 */
export async function findTemporalCli(search: CliSearch): Promise<string> {
  const found = await locateTemporalCli(search);
  if (found !== undefined) return found;
  const bin = resolve(search.dataDir, 'bin');
  await mkdir(bin, { recursive: true });
  const tried: string[] = [];
  for (const fetchCli of [downloadCli, buildCli]) {
    search.signal?.throwIfAborted();
    const outcome = await fetchCli(bin, search);
    search.signal?.throwIfAborted();
    if ('failure' in outcome) {
      tried.push(outcome.failure);
      continue;
    }
    const own = join(bin, executable);
    await moveInto(outcome.path, own);
    await rm(dirname(outcome.path), { recursive: true, force: true });
    await remember(own, cachedCli(search), search.onProgress);
    return own;
  }
  throw new Error(explainNone(tried));
}

/** The part of the search that takes no time: what is on this machine already; undefined when nothing is. */
export async function locateTemporalCli(search: CliSearch): Promise<string | undefined> {
  const env = search.env ?? process.env;
  const given = env['TEMPORAL_CLI_PATH'];
  if (given) {
    const path = resolve(given);
    const server = await readServerVersion(path);
    if (server === undefined) {
      throw new Error(`TEMPORAL_CLI_PATH=${given} is no Temporal CLI that runs here: correct or unset it`);
    }
    warnOfOld(server, path, search.onProgress);
    return path;
  }
  const onPath = await findOnPath(executable, env['PATH'] ?? '');
  for (const path of [onPath, join(resolve(search.dataDir, 'bin'), executable), cachedCli(search)]) {
    if (path === undefined) continue;
    const server = await readServerVersion(path);
    if (server === undefined) continue; // half copied, or of another machine: the next way brings a good one
    warnOfOld(server, path, search.onProgress);
    return path;
  }
  return undefined;
}

/** Beside the clones, so that the next one on this machine does not build again. */
function cachedCli(search: CliSearch): string {
  const home = (search.env ?? process.env)['HOME'] || homedir();
  return join(home, '.cache', 'tributary', `temporal-${cliVersion}${process.platform === 'win32' ? '.exe' : ''}`);
}

type Fetched = { readonly path: string } | { readonly failure: string };

/** The SDK's own download: start its server once, keep the file (temporal.md 1.1). Fails within moments when offline. */
async function downloadCli(bin: string, search: CliSearch): Promise<Fetched> {
  search.onProgress?.(`downloading the Temporal CLI ${cliVersion} (about 100 MB)`);
  const folder = join(bin, `download-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    // A development dependency: absent in a production install, where no embedded server runs.
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const started = TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'cached-download', version: `v${cliVersion}`, downloadDir: folder },
        ip: '127.0.0.1',
      },
    });
    await started.then(
      (server) => server.teardown(),
      async (error: unknown) => {
        // The SDK gives a fresh server five seconds; the file is there all the same.
        if ((await readdir(folder)).length === 0) throw error;
      },
    );
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if ((await readServerVersion(path)) !== undefined) return { path };
    }
    throw new Error('no program in what was downloaded');
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return { failure: `download: ${firstLine(error)}` };
  }
}

async function buildCli(bin: string, search: CliSearch): Promise<Fetched> {
  const env = search.env ?? process.env;
  const version = await capture('go', ['version'], 10_000);
  const found = /go(\d+)\.(\d+)/.exec(version ?? '');
  if (found === null) return { failure: `build: no Go on the PATH` };
  if (isOlder([Number(found[1]), Number(found[2])], goNeeded)) {
    return { failure: `build: needs Go ${goNeeded.join('.')} or newer, found ${found[1]}.${found[2]}` };
  }
  search.onProgress?.(`building the Temporal CLI ${cliVersion} with Go; takes three to four minutes, once per machine`);
  const folder = join(bin, `build-${process.pid}`);
  const child = spawn(
    'go',
    [
      'install',
      '-ldflags',
      `-s -w -X github.com/temporalio/cli/temporalcli.Version=${cliVersion}`,
      `github.com/temporalio/cli/cmd/temporal@v${cliVersion}`,
    ],
    {
      // GOTOOLCHAIN=local: a Go that is too old fails at once instead of fetching another.
      env: { ...process.env, ...env, CGO_ENABLED: '0', GOFLAGS: '', GOTOOLCHAIN: 'local', GOBIN: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(search.signal === undefined ? {} : { signal: search.signal }),
    },
  );
  let last = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    last = text.trimEnd().split('\n').at(-1) ?? last;
  });
  const began = performance.now();
  const ticking = setInterval(() => {
    const seconds = Math.round((performance.now() - began) / 1000);
    search.onProgress?.(`still building, ${seconds} s${last === '' ? '' : `: ${last}`}`);
  }, 10_000);
  try {
    const code = await Promise.race([
      new Promise<number | null>((done) => child.once('close', done)),
      failedToSpawn(child),
    ]);
    const path = join(folder, executable);
    if (code !== 0 || (await readServerVersion(path)) === undefined)
      throw new Error(last || `go ${describeEnd(child)}`);
    return { path };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    return { failure: `build: ${firstLine(error)}` };
  } finally {
    clearInterval(ticking);
  }
}

/** Into the user's cache, so that the next clone on this machine does not build again. A closed cache is no obstacle. */
async function remember(path: string, cached: string, say: CliSearch['onProgress']): Promise<void> {
  const draft = `${cached}.${process.pid}`;
  try {
    await mkdir(dirname(cached), { recursive: true });
    await copyFile(path, draft, constants.COPYFILE_FICLONE);
    await chmod(draft, 0o755);
    await rename(draft, cached);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    say?.(`could not keep a copy in ${dirname(cached)} for the next clone: ${firstLine(error)}`);
  }
}

/** Under its name only once it is whole: a second start may look at the same moment. */
async function moveInto(from: string, to: string): Promise<void> {
  await chmod(from, 0o755);
  await rename(from, to);
}

function explainNone(tried: readonly string[]): string {
  return [
    'No Temporal server found. Any one of these will do:',
    '  a running server    TEMPORAL_ADDRESS=host:7233 npm start   (TEMPORAL_NAMESPACE, default "tributary")',
    '  the Temporal CLI    install it from https://docs.temporal.io/cli so that `temporal` is on the PATH,',
    '                      or TEMPORAL_CLI_PATH=/path/to/temporal npm start',
    '  the network         npm start downloads it by itself',
    `  Go ${goNeeded.join('.')} or newer    npm start builds it by itself, or: go install github.com/temporalio/cli/cmd/temporal@v${cliVersion}`,
    ...tried.map((failure) => `  (tried ${failure})`),
  ].join('\n');
}

async function findOnPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const file = join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found && (await stat(file)).isFile()) return file;
  }
  return undefined;
}

/** "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)" → [1, 29, 1]; undefined when the file is no CLI that runs here. */
async function readServerVersion(path: string): Promise<readonly number[] | undefined> {
  const text = await capture(path, ['--version'], 10_000);
  const found = /\(Server (\d+)\.(\d+)\.(\d+)/.exec(text ?? '');
  return found === null ? undefined : found.slice(1, 4).map(Number);
}

function warnOfOld(server: readonly number[], path: string, say: CliSearch['onProgress']): void {
  if (!isOlder(server, oldestServer)) return;
  say?.(
    `${path} brings server ${server.join('.')}, older than ${oldestServer.join('.')}: it may lack what Tributary uses`,
  );
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [index, part] of than.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}

/** What a short command prints, or undefined when it fails, hangs or is missing. */
function capture(command: string, args: readonly string[], timeoutMs: number): Promise<string | undefined> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    // Not spawn's own limit: its timer goes on after a program was not found, and keeps the process for that long.
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const finish = (text: string | undefined): void => {
      clearTimeout(timer);
      done(text);
    };
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.once('error', () => finish(undefined));
    child.once('close', (code) => finish(code === 0 ? text : undefined));
  });
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}

export interface TemporalOptions {
  readonly cliPath: string;
  readonly port: number;
  /** Without it the server has no web UI. */
  readonly uiPort?: number;
  /** Without it everything is kept in memory. */
  readonly dbFile?: string;
  readonly logFile: string;
  readonly namespace: string;
  /** Timers under a second fire on time instead of after a second; for tests (temporal.md 11.2). */
  readonly fastTimers?: boolean;
}

export interface EmbeddedTemporal {
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string | undefined;
  readonly pid: number;
  /** Where a database file that this version could not open was moved; `rehydrate` restores what was in it. */
  readonly movedAside: string | undefined;
  stop(): Promise<void>;
}

const startLimitMs = 30_000;
const stopLimitMs = 10_000;

/**
 * Starts a dev server on loopback and answers once its namespace takes calls. It is detached, so that Ctrl+C reaches the
 * supervisor alone. A database file of another version is moved aside once: it is disposable (temporal.md 1.3).
 */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  await mkdir(dirname(options.logFile), { recursive: true });
  if (options.dbFile !== undefined) await mkdir(dirname(options.dbFile), { recursive: true });
  // Asked first: another server there would answer in the place of ours, perhaps even with the same namespace.
  for (const port of [options.port, options.uiPort]) {
    if (port !== undefined && !(await isFree(port))) throw new Error(`port ${port} is taken by another program`);
  }
  const first = await launch(options);
  if ('server' in first) return { ...first.server, movedAside: undefined };
  const isOfFile = /sqlite|sql logic|schema|no such (table|column)|malformed|not a database/i.test(first.log);
  if (!isOfFile || options.dbFile === undefined) throw new Error(`the Temporal server ${first.end}:\n${first.log}`);
  const movedAside = `${options.dbFile}.unreadable-${new Date().toISOString().replaceAll(':', '')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    await rename(options.dbFile + suffix, movedAside + suffix).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  const second = await launch(options);
  if ('server' in second) return { ...second.server, movedAside };
  throw new Error(`the Temporal server ${second.end}:\n${second.log}`);
}

type Launched =
  | { readonly server: Omit<EmbeddedTemporal, 'movedAside'> }
  | { readonly end: string; readonly log: string };

async function launch(options: TemporalOptions): Promise<Launched> {
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(options.cliPath, flagsOf(options), {
    detached: true,
    stdio: ['ignore', log, log],
    // No settings of the person at the keyboard: a TEMPORAL_… variable would change what is started.
    env: { PATH: process.env['PATH'] ?? '', HOME: homedir(), TZ: 'UTC', SystemRoot: process.env['SystemRoot'] ?? '' },
  });
  closeSync(log);
  child.unref();
  await new Promise<void>((done, fail) => {
    child.once('spawn', done);
    child.once('error', (error) => fail(new Error(`the Temporal server could not be started: ${error.message}`)));
  });
  const pid = child.pid ?? 0;
  const mark = await findProcess(pid);
  // Asked again after it ended, its number may belong to another program.
  const stop = async (): Promise<void> => {
    if (mark !== undefined && (await isSameProcess(mark))) await endProcess(pid, 'SIGTERM', stopLimitMs);
  };
  try {
    const address = `127.0.0.1:${options.port}`;
    const end = await waitUntilReady(child, options);
    if (end !== undefined) return { end, log: await lastLines(options.logFile, 20) };
    const uiUrl = options.uiPort === undefined ? undefined : `http://localhost:${options.uiPort}`;
    return { server: { address, namespace: options.namespace, uiUrl, pid, stop } };
  } catch (error) {
    await stop();
    throw error;
  }
}

function flagsOf(options: TemporalOptions): string[] {
  const flags = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(options.port), '--log-level', 'error'];
  flags.push('--namespace', options.namespace);
  if (options.uiPort === undefined) flags.push('--headless');
  else flags.push('--ui-port', String(options.uiPort));
  if (options.dbFile !== undefined) {
    flags.push(
      '--db-filename',
      options.dbFile,
      '--sqlite-pragma',
      'journal_mode=WAL',
      '--sqlite-pragma',
      'synchronous=NORMAL',
    );
  }
  // One partition per task queue: with four, one worker gets half the throughput (temporal.md 1.3).
  const dynamic = ['matching.numTaskqueueReadPartitions=1', 'matching.numTaskqueueWritePartitions=1'];
  if (options.fastTimers === true) dynamic.push('history.timerProcessorMaxTimeShift="100ms"');
  for (const value of dynamic) flags.push('--dynamic-config-value', value);
  return flags;
}

/** How the server ended, or undefined once its namespace answers. */
async function waitUntilReady(child: ChildProcess, options: TemporalOptions): Promise<string | undefined> {
  const deadline = performance.now() + startLimitMs;
  const checkTime = async (): Promise<void> => {
    if (performance.now() > deadline) {
      throw new Error(
        `the Temporal server did not answer within ${startLimitMs / 1000} s:\n${await lastLines(options.logFile, 20)}`,
      );
    }
    await sleep(25);
  };
  // The port first: a gRPC channel that met a closed port waits a second before it tries again (temporal.md 1.3).
  while (!(await answers(options.port))) {
    const end = describeEnd(child);
    if (end !== undefined) return end;
    await checkTime();
  }
  for (;;) {
    const end = describeEnd(child);
    if (end !== undefined) return end;
    if (await hasNamespace(options)) return undefined;
    await checkTime();
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

async function hasNamespace(options: TemporalOptions): Promise<boolean> {
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address: `127.0.0.1:${options.port}`, connectTimeout: '5s' });
    await connection.workflowService.describeNamespace({ namespace: options.namespace });
    return true;
  } catch {
    return false; // not there yet; the caller keeps the time
  } finally {
    await connection?.close();
  }
}
