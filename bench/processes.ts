// What processes take, read from /proc (Linux only).
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100; // USER_HZ is 100 wherever Node runs on Linux

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** With that of its children that ended. */
  readonly cpuMs: number;
}

export function processes(): readonly Process[] {
  const found: Process[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    // After the command in brackets, which may hold anything: state, parent … user and system time are fields 14 and 15, those of children that
    // ended 16 and 17. Without them a connection that Postgres closes takes its time with it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (stat !== '')
      found.push({
        pid: Number(name),
        parent: Number(fields[1]),
        cpuMs: (fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 1_000) / ticksPerSecond,
      });
  }
  return found;
}

/** CPU time of a process and its children until now, in ms. */
export function cpuMsOf(pid: number, all: readonly Process[] = processes()): number {
  const own = all.find((one) => one.pid === pid)?.cpuMs ?? 0;
  return all.filter((one) => one.parent === pid).reduce((sum, child) => sum + cpuMsOf(child.pid, all), own);
}

/** A process may end between the listing and the look. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return '';
    throw error;
  }
}
