import { defineConfig } from 'vitest/config';

const shared = {
  // A process reads its modules once for all its files: read anew for each, they took a third of the run. So a test file leaves nothing
  // behind in a module or in the environment.
  isolate: false,
  // Nothing passes more slowly for it, and machines differ by a factor of three.
  testTimeout: 90_000,
  hookTimeout: 120_000,
  // At its default of 40 characters a finding of the fault tests lost the part that says what was wrong, in every report that holds messages only.
  chaiConfig: { truncateThreshold: 1_000 },
};
const globalSetup = ['test/support/globalSetup.ts'];

// What a test file may count on follows from its place and name; the first that fits. A server is started only for files
// that are run, so rules and guards are instant, SQL needs no Temporal, and a workflow that does not compile breaks only the
// tests that run it. The replay of recorded histories needs no server either.
const withTemporal = [
  'test/{e2e,faults}/**/*.test.ts',
  'test/workflows/**/!(replay).test.ts',
  'test/platform/relay*.test.ts',
  'test/**/*.temporal.test.ts',
];
const withPostgres = ['test/{activities,api,db}/**/*.test.ts'];
const ownServers = ['test/platform/**/*.test.ts'];
const inBrowser = ['test/browser/**']; // npm run test:browser
const everything = ['test/**/*.test.ts'];

export default defineConfig({
  test: {
    // 'forks', not 'threads': the Temporal worker's native part ends a thread pool with a segmentation fault after green
    // tests (dependencies.md 2, fact 14). Two processes at once, because two cores are what CI has.
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      { test: { ...shared, name: 'temporal', include: withTemporal, globalSetup } },
      { test: { ...shared, name: 'database', include: withPostgres, exclude: withTemporal, globalSetup } },
      { test: { ...shared, name: 'platform', include: ownServers, exclude: withTemporal } },
      {
        test: {
          ...shared,
          name: 'unit',
          include: everything,
          exclude: [...withTemporal, ...withPostgres, ...ownServers, ...inBrowser],
        },
      },
    ],
  },
});
