import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findProcess } from '../../platform/embedded/children.js';
import { freePort } from '../support/freePorts.js';
import { makeFolder } from './fixtures/folder.js';
import { runScript, type Script } from './fixtures/run.js';

const reset = (dataDir: string, ...args: string[]): Script =>
  runScript('../../../bin/run.mjs', ['reset', ...args], { env: { DATA_DIR: dataDir } });
const doctor = (env: Record<string, string>): Script => runScript('../../../bin/run.mjs', ['doctor'], { env });

/** A folder as npm start makes it, with a Postgres whose start is still running. */
async function startIn(dataDir: string): Promise<{ readonly script: Script; readonly pid: number }> {
  const script = runScript('startPostgres.ts', [
    join(dataDir, 'postgres'),
    String(await freePort()),
    join(dataDir, 'log', 'postgres.log'),
  ]);
  const [, pid = ''] = await script.waitFor(/ready pid=(\d+)/);
  return { script, pid: Number(pid) };
}

test('reset without a terminal deletes nothing unless told so', async () => {
  const dataDir = join(makeFolder(), '.data');
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'env'), '');

  const asked = reset(dataDir);
  expect(await asked.ended()).toBe(1);
  expect(asked.output()).toContain('npm run reset -- --yes');
  expect(existsSync(join(dataDir, 'env'))).toBe(true);

  expect(await reset(dataDir, '--yes').ended()).toBe(0);
  expect(existsSync(dataDir)).toBe(false);
  expect(await reset(dataDir, '--yes').ended()).toBe(0);
});

test('reset leaves a folder alone that npm start did not make', async () => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'thesis.txt'), 'x');

  const script = reset(folder, '--yes');

  expect(await script.ended()).toBe(1);
  expect(script.output()).toContain('look at DATA_DIR');
  expect(existsSync(join(folder, 'thesis.txt'))).toBe(true);
});

test('reset refuses while a start runs', async () => {
  const dataDir = join(makeFolder(), '.data');
  mkdirSync(dataDir);
  const holder = await findProcess(process.pid);
  writeFileSync(join(dataDir, 'start.lock'), JSON.stringify(holder));

  const script = reset(dataDir, '--yes');

  expect(await script.ended()).toBe(1);
  expect(script.output()).toContain(`npm start, process ${process.pid}, is running: stop it first`);
  expect(existsSync(dataDir)).toBe(true);
});

test('reset ends a Postgres that a killed start left', async () => {
  const dataDir = join(makeFolder(), '.data');
  const { script, pid } = await startIn(dataDir);
  script.child.kill('SIGKILL');
  await script.ended();

  expect(await reset(dataDir, '--yes').ended()).toBe(0);

  expect(await findProcess(pid)).toBeUndefined();
  expect(existsSync(dataDir)).toBe(false);
});

test('doctor finds nothing wrong on a machine that runs the tests', async () => {
  const script = doctor({
    DATA_DIR: join(makeFolder(), '.data'),
    ...(process.env['TEMPORAL_ADDRESS'] ? { TEMPORAL_ADDRESS: process.env['TEMPORAL_ADDRESS'] } : {}),
  });

  expect(await script.ended()).toBe(0);
  expect(script.output()).toContain('✔ Postgres: embedded, can run here');
  expect(script.output()).toContain('nothing stands in the way of npm start');
});

test('doctor names what is wrong and says what was left by a killed start', async () => {
  const dataDir = join(makeFolder(), '.data');
  const { script: started, pid } = await startIn(dataDir);
  started.child.kill('SIGKILL');
  await started.ended();

  const script = doctor({ DATA_DIR: dataDir, TEMPORAL_CLI_PATH: '/nowhere/temporal', LOG_LEVEL: 'loud' });

  expect(await script.ended()).toBe(1);
  expect(script.output()).toContain('✖ settings: One setting is wrong:');
  expect(script.output()).toContain('✖ Temporal: TEMPORAL_CLI_PATH=/nowhere/temporal is no Temporal CLI');
  expect(script.output()).toMatch(/· Postgres still runs on \d+; the next npm start takes it over/);
  expect(script.output()).toContain('2 to mend');
  expect(await reset(dataDir, '--yes').ended()).toBe(0);
  expect(await findProcess(pid)).toBeUndefined();
});
