import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledProgram } from '../support/compiled.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/freePorts.js';

let database: TestDatabase;
let child: ChildProcess | undefined;
let dataDir: string;

beforeAll(async () => {
  database = await createTestDatabase();
  dataDir = await mkdtemp(path.join(tmpdir(), 'tributary-process-'));
});
afterAll(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(env: Readonly<Record<string, string>>): Promise<{ child: ChildProcess; output: () => string }> {
  let text = '';
  const started = spawn(process.execPath, [(await compiledProgram())('bin/api.ts')], {
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'test',
      DATA_DIR: dataDir, // else the settings of a product that was started here would be read
      PUBLIC_URL: 'http://localhost:3000',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      SECRET_KEY: `test:${randomBytes(32).toString('base64')}`,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [started.stdout, started.stderr])
    stream?.on('data', (part: Buffer) => (text += part.toString()));
  child = started;
  return { child: started, output: () => text };
}

/** On a machine that has more to do. */
const startPatience = { within: 60_000 };

test('the process serves without Temporal, says so, and ends cleanly on SIGTERM', async () => {
  const port = await freePort();
  const { child: api, output } = await start({ DATABASE_URL: database.appUrl, PORT: String(port) });

  const ready = await eventually(async () => {
    if (api.exitCode !== null) throw new Error(output());
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    return answer?.ok === true ? ((await answer.json()) as unknown) : undefined;
  }, startPatience);
  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
  api.kill('SIGTERM');
  const [code] = (await once(api, 'exit')) as [number | null];

  expect(ready).toEqual({ status: 'degraded', checks: { database: 'ok', migrations: 'ok', temporal: 'away' } });
  expect(health.status).toBe(200);
  expect(await metrics.text()).toContain('tributary_http_request_seconds');
  expect(code, output()).toBe(0);
}, 90_000);

test('a server that could lose acknowledged writes is refused before the process listens', async () => {
  const { child: api, output } = await start({
    NODE_ENV: 'development',
    DATABASE_URL: database.appUrl,
    PORT: String(await freePort()),
  });
  const [code] = (await once(api, 'exit')) as [number | null];

  expect(code).toBe(1);
  expect(output()).toContain('fsync is off'); // as the servers of tests are
}, 90_000);
