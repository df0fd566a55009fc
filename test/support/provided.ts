import { inject, type ProvidedContext } from 'vitest';

/** What globalSetup.ts started for this file's project. Says what to do when that server is not among it. */
export function provided<Key extends keyof ProvidedContext>(key: Key): ProvidedContext[Key] {
  const value: ProvidedContext[Key] | undefined = inject(key);
  if (value !== undefined) return value;
  throw new Error(
    `no ${key} for this test file: vitest.config.ts gives servers by place and name. ` +
      'Move it, or name it *.temporal.test.ts if it needs Temporal.',
  );
}
