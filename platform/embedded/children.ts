import { type ChildProcess, execFile } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** One process of this machine for all time: a number alone is given again after a reboot or in the next container. */
export interface ProcessMark {
  readonly pid: number;
  readonly started: string;
}

/** Is there a process with this number? A process of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The mark of a running process, or undefined when none has this number. */
export async function findProcess(pid: number): Promise<ProcessMark | undefined> {
  if (!isAlive(pid)) return undefined;
  try {
    if (process.platform === 'linux') {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // The name in brackets may hold spaces and brackets itself; the fields after the last one are safe to split.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
      const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
      return { pid, started: `${boot.trim()}/${fields[19]}` };
    }
    if (process.platform === 'win32') return { pid, started: 'unknown' };
    const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return { pid, started: stdout.trim() };
  } catch {
    return undefined; // it ended while we looked
  }
}

/** Is exactly this process still running? */
export async function isSameProcess(mark: ProcessMark): Promise<boolean> {
  const found = await findProcess(mark.pid);
  return found?.started === mark.started;
}

/** The command line of a process, or '' where it is gone or cannot be read. */
export async function commandLineOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
    if (process.platform === 'win32') return '';
    return (await run('ps', ['-o', 'command=', '-p', String(pid)])).stdout.trim();
  } catch {
    return '';
  }
}

/** Waits until the process is gone; false when it still runs after `timeoutMs`. */
export async function waitForEnd(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if ((await findProcess(pid)) === undefined) return true;
    if (performance.now() > deadline) return false;
    await sleep(25);
  }
}

/** Asks a process to end, waits `graceMs`, then kills it. Harmless when it is gone. Windows has no way to ask. */
export async function endProcess(pid: number, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  sendSignal(pid, signal);
  if (await waitForEnd(pid, graceMs)) return;
  sendSignal(pid, 'SIGKILL');
  await waitForEnd(pid, 5_000);
}

/** Sends a signal; a process that is gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** How a child ended, or undefined while it runs: for messages ("ended with code 1"). */
export function describeEnd(child: ChildProcess): string | undefined {
  if (child.exitCode !== null) return `ended with code ${child.exitCode}`;
  if (child.signalCode !== null) return `was ended by ${child.signalCode}`;
  return undefined;
}

/** Rejects when the program could not be started at all (missing, not executable). */
export function failedToSpawn(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => {
    child.once('error', reject);
  });
}

/** The last lines of a log file, for an error message. */
export async function lastLines(file: string, count: number): Promise<string> {
  try {
    const text = await readFile(file, 'utf8');
    return text.trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}

export interface HeldLock {
  release(): void;
}

/** Somebody else holds it; `holder` is the process. */
export class LockHeldError extends Error {
  readonly holder: ProcessMark;

  constructor(file: string, holder: ProcessMark) {
    super(`process ${holder.pid} holds ${file}`);
    this.name = 'LockHeldError';
    this.holder = holder;
  }
}

/**
 * Takes a lock file for this process. A lock whose process is gone is taken over. Throws LockHeldError when its holder
 * runs, this process included.
 */
export async function takeLock(file: string): Promise<HeldLock> {
  mkdirSync(dirname(file), { recursive: true });
  const own = await findProcess(process.pid);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    for (;;) {
      try {
        linkSync(draft, file); // link, not open: the lock appears together with its holder
        return { release: () => rmSync(file, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readMark(file);
      if (holder !== undefined && (await isSameProcess(holder))) throw new LockHeldError(file, holder);
      dropStaleLock(file, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Moved away before it is deleted: between reading and deleting another start may have put its own lock there. */
function dropStaleLock(file: string, stale: ProcessMark | undefined): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    const moved = readMark(aside);
    if (moved !== undefined && moved.started !== stale?.started) linkSync(aside, file);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readMark(file: string): ProcessMark | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return undefined;
    return typeof value.pid === 'number' && typeof value.started === 'string'
      ? { pid: value.pid, started: value.started }
      : undefined;
  } catch {
    return undefined; // half written by a power cut, or released this instant: nobody holds it
  }
}
