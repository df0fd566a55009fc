import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeEnd, endProcess, lastLines } from './children.js';

/** One of our own processes: the worker or the API. */
export interface ServiceOptions {
  readonly name: string;
  /** The file that is run; TypeScript as it stands in the tree, JavaScript in a build. */
  readonly entry: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logFile: string;
  /** Answers 200 once the process takes work. */
  readonly readyUrl: string;
  /** Called when it ended although nobody asked; it is started again. */
  readonly onRestart: (sentence: string) => void;
  /** Called with the pid of each process, so that the next start finds what a killed one left. */
  readonly onSpawn: (pid: number) => void;
}

export interface Service {
  pid(): number | undefined;
  /** SIGTERM, then `graceMs` to finish what it holds, then SIGKILL. */
  stop(graceMs: number): Promise<void>;
}

const startLimitMs = 60_000;
const longestPauseMs = 30_000;

/**
 * Starts the process and answers once it is ready. Later it is started again whenever it ends by itself, after 1 s, 2 s …
 * 30 s: a kill -9 is safe at any moment (temporal.md 12). Throws with its last log lines when it ends before it was ready.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  let child = await spawnService(options);
  let stopping = false;
  let pauseMs = 1_000;
  const resting = new AbortController();

  async function startAgain(end: string): Promise<void> {
    options.onRestart(`${options.name} ${end}; started again in ${pauseMs / 1_000} s (log: ${options.logFile})`);
    await sleep(pauseMs, undefined, { signal: resting.signal }).catch(() => undefined);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    if (stopping) return;
    try {
      child = await spawnService(options);
      watch();
    } catch (error) {
      await startAgain(`could not be started (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  function watch(): void {
    const began = performance.now();
    child.once('exit', () => {
      if (stopping) return;
      if (performance.now() - began > 60_000) pauseMs = 1_000; // it ran well for a while: not the same trouble again
      startAgain(describeEnd(child) ?? 'ended').catch((error: unknown) => options.onRestart(String(error)));
    });
  }
  async function stop(graceMs: number): Promise<void> {
    stopping = true;
    resting.abort();
    if (child.pid !== undefined) await endProcess(child.pid, 'SIGTERM', graceMs);
  }

  try {
    await waitUntilReady(child, options);
    const end = describeEnd(child);
    if (end !== undefined) throw new Error(`${options.name} ${end}`);
  } catch (error) {
    await stop(5_000);
    throw error;
  }
  watch();
  return { pid: () => child.pid, stop };
}

async function spawnService(options: ServiceOptions): Promise<ChildProcess> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a', 0o600);
  const loader = options.entry.endsWith('.ts') ? ['--import', import.meta.resolve('tsx')] : [];
  // Detached: Ctrl+C in the terminal must reach the supervisor alone, which stops in an order.
  const child = spawn(process.execPath, [...loader, options.entry], {
    env: options.env,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  await new Promise<void>((done, fail) => {
    child.once('spawn', done);
    child.once('error', fail);
  });
  if (child.pid !== undefined) options.onSpawn(child.pid);
  return child;
}

async function waitUntilReady(child: ChildProcess, options: ServiceOptions): Promise<void> {
  const deadline = performance.now() + startLimitMs;
  for (;;) {
    const end = describeEnd(child);
    if (end !== undefined) throw new Error(`${options.name} ${end}:\n${await lastLines(options.logFile, 20)}`);
    if (await isOk(options.readyUrl)) return;
    if (performance.now() > deadline) {
      throw new Error(
        `${options.name} was not ready within ${startLimitMs / 1_000} s:\n${await lastLines(options.logFile, 20)}`,
      );
    }
    await sleep(50);
  }
}

/** Does the address answer with success? */
export async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
