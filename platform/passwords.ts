import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';

/** reliability.md G20: Argon2id, 19 MiB, two passes, one lane. Memory in KiB. (2 is Argon2id; the package's enum is a const enum.) */
const options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** How many wait for a core before the next is turned away; each holds some 40 ms of one. */
const maxWaiting = 32;

/** Too many sign-ins at once: 429, so that a flood of guesses cannot take the processors from everybody else. */
export class TooManyHashesError extends Error {
  constructor() {
    super('too many passwords are being checked at this moment');
    this.name = 'TooManyHashesError';
  }
}

export interface Passwords {
  hash(password: string): Promise<string>;
  /** `stored` undefined: an unknown login. It costs the same time as a wrong password and is always false. */
  verify(stored: string | null | undefined, password: string): Promise<boolean>;
}

/** One hash per core at a time. Throws TooManyHashesError when too many wait. */
export function createPasswords(cores: number = availableParallelism()): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];
  let decoy: Promise<string> | undefined;

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= cores) {
      if (waiting.length >= maxWaiting) throw new TooManyHashesError();
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running += 1;
    }
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next(); // the turn is handed on
    }
  };

  return {
    hash: (password) => inTurn(() => hash(password, options)),
    async verify(stored, password) {
      // An address nobody has must not answer faster than one with a wrong password: the same work, then no.
      decoy ??= hash('a password that nobody has', options);
      const against = stored ?? (await decoy);
      const isRight = await inTurn(() => verify(against, password, options));
      return isRight && stored !== null && stored !== undefined;
    },
  };
}
