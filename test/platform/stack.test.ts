import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { endProcess, findProcess, type ProcessMark } from '../../platform/embedded/children.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/freePorts.js';
import { makeFolder, occupy } from './fixtures/folder.js';
import { runScript, type Script } from './fixtures/run.js';

interface Place {
  readonly dataDir: string;
  readonly env: Record<string, string>;
}

/** A data folder with ports of its own, so that tests and a running npm start do not meet. */
async function makePlace(): Promise<Place> {
  const dataDir = join(makeFolder(), '.data');
  onTestFinished(() => endEverything(dataDir));
  return {
    dataDir,
    env: { DATA_DIR: dataDir, PORT: String(await freePort()), WORKER_HEALTH_PORT: String(await freePort()) },
  };
}

function start(place: Place, ...args: string[]): Script {
  return runScript('startStack.ts', args, { env: place.env });
}

function childrenOf(place: Place): Record<string, ProcessMark> {
  return JSON.parse(readFileSync(join(place.dataDir, 'children.json'), 'utf8')) as Record<string, ProcessMark>;
}

async function endEverything(dataDir: string): Promise<void> {
  let marks: Record<string, ProcessMark>;
  try {
    marks = JSON.parse(readFileSync(join(dataDir, 'children.json'), 'utf8')) as Record<string, ProcessMark>;
  } catch {
    return; // it stopped in order, and forgot them
  }
  for (const { pid } of Object.values(marks)) await endProcess(pid, 'SIGQUIT', 2_000);
}

async function up(script: Script): Promise<string> {
  const [, url = ''] = await script.waitFor(/^up (\S+)/m);
  return url;
}

test('a start brings up every part in order, and an end takes all of them down, the API first', async () => {
  const place = await makePlace();
  const script = start(place);
  const url = await up(script);

  expect(await (await fetch(url)).text()).toBe('ready');
  const steps = [...script.output().matchAll(/^done ([a-z]+)/gm)].map(([, step]) => step);
  expect(steps).toEqual(['settings', 'ports', 'postgres', 'migrations', 'temporal', 'bootstrap', 'worker', 'api']);
  expect(statSync(join(place.dataDir, 'env')).mode & 0o777).toBe(0o600);
  const children = childrenOf(place);
  expect(Object.keys(children).sort()).toEqual(['api', 'postgres', 'temporal', 'worker']);

  script.child.kill('SIGTERM');
  expect(await script.ended()).toBe(0);
  expect(readFileSync(join(place.dataDir, 'ended.txt'), 'utf8')).toBe('api\nworker\n');
  for (const { pid } of Object.values(children)) expect(await findProcess(pid)).toBeUndefined();
});

test('a second start at the same time says who holds the folder, and disturbs nothing', async () => {
  const place = await makePlace();
  const first = start(place);
  const url = await up(first);

  const second = start(place);

  expect(await second.ended()).toBe(1);
  expect(second.output()).toContain(
    `failed settings: Another npm start, process ${first.child.pid} (${url}), holds ${place.dataDir}`,
  );
  expect((await fetch(url)).status).toBe(200);
});

test('after kill -9 of the supervisor the next start takes Postgres over and ends the rest', async () => {
  const place = await makePlace();
  const first = start(place);
  await up(first);
  const left = childrenOf(place);
  first.child.kill('SIGKILL');
  await first.ended();

  const second = start(place);
  await up(second);

  expect(second.output()).toMatch(/notice Ended what a killed start had left: api .*, worker .*, temporal /);
  expect(second.output()).toContain('taken over from a start that was killed');
  expect(second.output()).not.toContain('is taken by another program');
  expect(childrenOf(place)['postgres']).toEqual(left['postgres']);
  for (const name of ['api', 'worker', 'temporal']) expect(await findProcess(left[name]?.pid ?? 0)).toBeUndefined();
});

test('a part that is killed is started again', async () => {
  const place = await makePlace();
  const script = start(place);
  const url = await up(script);
  const before = childrenOf(place)['api'];
  process.kill(before?.pid ?? 0, 'SIGKILL');

  await script.waitFor(/notice api was ended by SIGKILL; started again in 1 s/);

  await eventually(async () => (await fetch(url)).ok);
  expect(childrenOf(place)['api']?.pid).not.toBe(before?.pid);
});

test('when Postgres is lost the rest is stopped and the exit code says so', async () => {
  const place = await makePlace();
  const script = start(place);
  await up(script);
  const children = childrenOf(place);
  process.kill(children['postgres']?.pid ?? 0, 'SIGKILL');

  expect(await script.ended()).toBe(1);
  expect(script.output()).toMatch(/lost postgres ended by itself \(log: .*postgres\.log\)/);
  for (const { pid } of Object.values(children)) expect(await findProcess(pid)).toBeUndefined();
});

test('a taken port gives way to the next free one, which the next start remembers', async () => {
  const place = await makePlace();
  const taken = await occupy(Number(place.env['PORT']));
  const first = start(place);
  const url = await up(first);
  expect(first.output()).toContain(
    `notice Port ${taken} is taken by another program; api started on ${new URL(url).port}.`,
  );
  first.child.kill('SIGTERM');
  await first.ended();

  const { PORT: _, ...withoutPort } = place.env;
  const second = start({ ...place, env: withoutPort });

  expect(await up(second)).toBe(url);
});

test('with strict ports a taken one stops the start', async () => {
  const place = await makePlace();
  const taken = await occupy(Number(place.env['PORT']));

  const script = start(place, 'strict-ports');

  expect(await script.ended()).toBe(1);
  expect(script.output()).toContain(`failed ports: Port ${taken} is taken by another program`);
});

test('a failing step is named, and nothing is left behind', async () => {
  const place = await makePlace();

  const script = start(place, 'migrations');

  expect(await script.ended()).toBe(1);
  expect(script.output()).toContain('failed migrations: the data is newer than this code');
  const again = start(place); // no lock, no port and no process of the failed one is in the way
  await up(again);
  expect(again.output()).not.toMatch(/notice|taken over/);
});

test('a worker that cannot start is named with the end of its log', async () => {
  const place = await makePlace();

  const script = start(place, 'worker');

  expect(await script.ended()).toBe(1);
  expect(script.output()).toMatch(/failed worker: worker ended with code 1:[\s\S]*missing\.ts/);
});

test('wrong settings are all named before anything is started', async () => {
  const place = await makePlace();

  const script = start({ ...place, env: { ...place.env, LOG_LEVEL: 'loud', SMTP_URL: 'mail' } });

  expect(await script.ended()).toBe(1);
  expect(script.output()).toMatch(/failed settings: 2 settings are wrong:\n {2}SMTP_URL: .*\n {2}LOG_LEVEL: /);
});

test('production brings no servers of its own', async () => {
  const place = await makePlace();

  const script = start({ ...place, env: { ...place.env, NODE_ENV: 'production' } });

  expect(await script.ended()).toBe(1);
  expect(script.output()).toContain('failed settings: NODE_ENV=production brings no servers of its own');
});

test('production gets no secrets made up', async () => {
  const place = await makePlace();
  const servers = {
    DATABASE_URL: 'postgres://a@localhost/a',
    MIGRATION_DATABASE_URL: 'postgres://o@localhost/a',
    TEMPORAL_ADDRESS: 'localhost:1',
  };

  const script = start({ ...place, env: { ...place.env, ...servers, NODE_ENV: 'production' } });

  expect(await script.ended()).toBe(1);
  expect(script.output()).toMatch(/failed settings: One setting is wrong:\n {2}SECRET_KEY: is not set/);
  expect(existsSync(join(place.dataDir, 'env'))).toBe(false);
});
