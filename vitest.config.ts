import { defineConfig } from 'vitest/config';

const shared = { testTimeout: 30_000, hookTimeout: 60_000 };
const globalSetup = ['test/support/globalSetup.ts'];

// What a test file may count on follows from where it lies; the first of these that fits:
const withoutServers = [
  'test/*.test.ts',
  'test/domain/**/*.test.ts',
  'test/guards/**/*.test.ts',
  'test/workflows/replay.test.ts',
];
const ownServers = ['test/platform/*.test.ts', 'test/platform/embedded/**/*.test.ts'];
const withPostgres = ['test/db/**/*.test.ts', 'test/activities/**/*.test.ts'];
const inBrowser = ['test/browser/**/*.test.ts']; // npm run test:browser

export default defineConfig({
  test: {
    // 'forks', not 'threads': the Temporal worker's native part ends a thread pool with a segmentation fault after green
    // tests (dependencies.md 2, fact 14). Two processes at once, because two cores are what CI has.
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'unit', include: withoutServers } },
      { test: { ...shared, name: 'platform', include: ownServers } },
      { test: { ...shared, name: 'database', include: withPostgres, globalSetup } },
      {
        test: {
          ...shared,
          name: 'temporal',
          include: ['test/**/*.test.ts'],
          exclude: [...withoutServers, ...ownServers, ...withPostgres, ...inBrowser],
          globalSetup,
        },
      },
    ],
  },
});
