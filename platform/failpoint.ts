/**
 * Named crash points of the fault campaign (reliability.md 6): nothing, unless a test armed them. A point that is armed ends the process with
 * SIGKILL when it is reached for the n-th time, as a power cut would: no handler runs, nothing is flushed.
 */
const armed = new Map<string, number>();

/** Arms points from `name` or `name#n`, separated by commas. Refused in production by `bin/`, which is the only caller beside tests. */
export function armFailpoints(list: string): void {
  for (const item of list.split(',').filter((part) => part !== '')) {
    const cut = item.lastIndexOf('#');
    const count = cut === -1 ? 1 : Number.parseInt(item.slice(cut + 1), 10);
    if (!Number.isInteger(count) || count < 1) throw new Error(`a failpoint is name or name#n: ${item}`);
    armed.set(cut === -1 ? item : item.slice(0, cut), count);
  }
}

/** Reached by the code on its way; a look into an empty map costs nothing measurable. */
export function failpoint(name: string): void {
  if (armed.size === 0) return;
  const left = armed.get(name);
  if (left === undefined) return;
  if (left > 1) {
    armed.set(name, left - 1);
    return;
  }
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives at the next turn of the event loop at the latest; until then this process must not go on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}
