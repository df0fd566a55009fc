import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { choosePorts, defaultPorts, isFree, readPorts, writePorts } from '../../platform/embedded/ports.js';
import { freePort } from '../support/freePorts.js';
import { makeFolder, occupy } from './fixtures/folder.js';

async function wantedPorts() {
  return {
    api: await freePort(),
    postgres: await freePort(),
    temporal: await freePort(),
    temporalUi: await freePort(),
    workerHealth: await freePort(),
  };
}

test('free ports are taken as wanted', async () => {
  const wanted = await wantedPorts();

  expect(await choosePorts({ wanted, ours: [], strict: true })).toEqual({ ports: wanted, moved: [] });
});

test('a busy port gives way, and two parts never get the same', async () => {
  const taken = await occupy(0);
  const wanted = { ...(await wantedPorts()), api: taken, postgres: taken };

  const { ports, moved } = await choosePorts({ wanted, ours: [], strict: false });

  expect(ports.api).toBeGreaterThan(taken);
  expect(ports.postgres).not.toBe(ports.api);
  expect(moved[0]).toBe(`Port ${taken} is taken by another program; api started on ${ports.api}.`);
  expect(await isFree(ports.api)).toBe(true);
});

test('a port on which an orphan of ours answers is not busy', async () => {
  const orphan = await occupy(0);
  const wanted = { ...(await wantedPorts()), postgres: orphan };

  expect((await choosePorts({ wanted, ours: [orphan], strict: true })).ports.postgres).toBe(orphan);
});

test('ports are remembered; a broken or foreign file counts as none', () => {
  const file = join(makeFolder(), 'ports.json');
  expect(readPorts(file)).toEqual({});
  writePorts(file, { ...defaultPorts, api: 3001 });
  expect(readPorts(file)).toEqual({ ...defaultPorts, api: 3001 });
  writeFileSync(file, '{"api": "3001", "temporal": 99999, "other": 1');
  expect(readPorts(file)).toEqual({});
  writeFileSync(file, '{"api": "3001", "temporal": 99999, "other": 1, "postgres": 5000}');
  expect(readPorts(file)).toEqual({ postgres: 5000 });
});
