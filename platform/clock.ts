import { type Instant, instantOf } from '../domain/time.js';

/** This machine's clock: for tokens, headers and logs only. Who is due is decided by Postgres's (architecture.md 9). */
export function clockNow(): Instant {
  return instantOf(Date.now());
}

export function epochSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
