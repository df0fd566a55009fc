import { setTimeout as pause } from 'node:timers/promises';

/** How long a test waits for something that happens elsewhere: below vitest's own limit, so that the reason is what fails. */
const patienceMs = 45_000;

/**
 * Asks again until `look` neither throws nor returns undefined or false, and gives what it returned. When patience ends, throws
 * with what was seen last. For rows, workflows and processes that change in their own time; never sleep a fixed time instead.
 */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  options: { readonly within?: number; readonly every?: number } = {},
): Promise<T> {
  const within = options.within ?? patienceMs;
  const end = performance.now() + within;
  for (;;) {
    let fault: unknown;
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      fault = `it still gives ${String(seen)}`;
    } catch (error) {
      fault = error;
    }
    if (performance.now() > end)
      throw new Error(`did not happen within ${within} ms: ${String(fault)}`, { cause: fault });
    await pause(options.every ?? 25);
  }
}
