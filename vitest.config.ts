import { defineConfig } from 'vitest/config';

// 'forks', not 'threads': the Temporal worker's native part ends a thread pool with a segmentation fault after green
// tests (dependencies.md 2, fact 14). Two processes, because two cores are what CI has; each holds a worker of its own.
const shared = { pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000 } as const;

/** Tests that need no server at all: rules, layers, guards, the replay of recorded histories. */
const withoutServers = [
  'test/domain/**/*.test.ts',
  'test/guards/**/*.test.ts',
  'test/workflows/replay.test.ts',
  'test/*.test.ts',
];

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'unit', include: withoutServers } },
      {
        test: {
          ...shared,
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: [...withoutServers, 'test/browser/**', 'node_modules/**'],
          globalSetup: ['test/support/globalSetup.ts'],
        },
      },
    ],
  },
});
