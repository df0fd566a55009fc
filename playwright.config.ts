import { execFileSync } from 'node:child_process';
import { defineConfig } from '@playwright/test';

/**
 * The system’s own Chromium: CHROMIUM_PATH, or what the PATH has; first the one without a window of its own, which takes a quarter less
 * time for a page. Nothing is downloaded (dependencies.md 3.1).
 */
function chromium(): string {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') return given;
  for (const name of ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    } catch {
      // not this one
    }
  }
  throw new Error('No Chromium found: install one (apt-get install chromium-headless-shell) or set CHROMIUM_PATH');
}

export default defineConfig({
  testDir: 'test/browser',
  testMatch: '**/*.{spec,test}.ts',
  outputDir: 'test-results',
  globalSetup: './test/browser/globalSetup.ts',
  // One stack for all files and two cores: pages are looked at one after the other.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // What a loaded machine tore may try once more where a whole run hangs on it; .ci/run names it (docs/decisions/0800).
  retries: process.env['CI'] === 'true' ? 1 : 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: 'line',
  use: {
    browserName: 'chromium',
    headless: true,
    locale: 'en-GB',
    timezoneId: 'Europe/Warsaw',
    reducedMotion: 'reduce',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: chromium(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
