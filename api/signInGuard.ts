import { failuresPerAddress, lockMinutes } from '../domain/access/login.js';
import { DomainError } from '../domain/errors.js';
import { epochSeconds } from '../platform/clock.js';

/** Counts wrong passwords where no row can: per address, and per e-mail nobody has, so that both answer alike (reliability.md G20). */
export interface SignInGuard {
  /** 429 `too_many_attempts` while an address or an unknown e-mail is locked. */
  check(address: string, email: string): void;
  countFailure(address: string, email: string, lockAfter: number): void;
  forget(email: string): void;
}

const lockSeconds = lockMinutes * 60;
const maxEntries = 50_000;

interface Tries {
  count: number;
  until: number;
}

export function createSignInGuard(): SignInGuard {
  const tries = new Map<string, Tries>();

  const tooMany = (leftSeconds: number): DomainError =>
    new DomainError('access.too_many_attempts', { retryAfter: Math.max(1, leftSeconds) });

  const lockedFor = (who: string): number => {
    const entry = tries.get(who);
    return entry === undefined ? 0 : entry.until - epochSeconds();
  };

  const count = (who: string, limit: number): void => {
    const now = epochSeconds();
    if (tries.size >= maxEntries) {
      for (const [name, entry] of tries) if (entry.until <= now) tries.delete(name);
      if (tries.size >= maxEntries) tries.clear();
    }
    const entry = tries.get(who) ?? { count: 0, until: 0 };
    const next = entry.count + 1;
    tries.set(who, next >= limit ? { count: 0, until: now + lockSeconds } : { count: next, until: entry.until });
  };

  return {
    check(address, email) {
      const left = Math.max(lockedFor(`address ${address}`), lockedFor(`email ${email}`));
      if (left > 0) throw tooMany(left);
    },
    countFailure(address, email, lockAfter) {
      count(`address ${address}`, failuresPerAddress);
      count(`email ${email}`, lockAfter);
    },
    forget(email) {
      tries.delete(`email ${email}`);
    },
  };
}
