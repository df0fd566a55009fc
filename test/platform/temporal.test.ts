import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { findProcess } from '../../platform/embedded/children.js';
import {
  type EmbeddedTemporal,
  findTemporalCli,
  locateTemporalCli,
  startTemporal,
  type TemporalOptions,
} from '../../platform/embedded/temporal.js';
import { freePort } from '../support/freePorts.js';
import { makeFolder } from './fixtures/folder.js';

async function start(folder: string, more: Partial<TemporalOptions> = {}): Promise<EmbeddedTemporal> {
  const server = await startTemporal({
    cliPath: await findTemporalCli({ dataDir: '.data', onProgress: console.log }),
    port: await freePort(),
    logFile: join(folder, 'log', 'temporal.log'),
    namespace: 'tributary-test',
    ...more,
  });
  onTestFinished(() => server.stop());
  return server;
}

/** A program that answers --version as a CLI does: the search asks nothing else. */
function plantCli(file: string, server: string): string {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\necho "temporal version 1.5.1 (Server ${server}, UI 2.42.1)"\n`);
  chmodSync(file, 0o755);
  return file;
}

test('a server in memory answers calls on its namespace and leaves no process', async () => {
  const server = await start(makeFolder());
  const connection = await Connection.connect({ address: server.address });

  const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: 'tributary-test' });
  await connection.close();
  await server.stop();

  expect(namespaceInfo?.name).toBe('tributary-test');
  expect(server.uiUrl).toBeUndefined();
  expect(await findProcess(server.pid)).toBeUndefined();
});

test('a server with a file keeps what it knew, and shows its pages', async () => {
  const folder = makeFolder();
  const dbFile = join(folder, 'temporal.db');
  const first = await start(folder, { dbFile, namespace: 'first' });
  await first.stop();

  const second = await start(folder, { dbFile, uiPort: await freePort(), namespace: 'second' });
  const connection = await Connection.connect({ address: second.address });
  const { namespaces } = await connection.workflowService.listNamespaces({});
  await connection.close();

  expect(second.movedAside).toBeUndefined();
  expect(namespaces?.map((namespace) => namespace.namespaceInfo?.name)).toEqual(
    expect.arrayContaining(['first', 'second']),
  );
  expect((await fetch(second.uiUrl ?? '')).status).toBe(200);
});

test('a file that does not open is moved aside, not deleted, and the server starts anew', async () => {
  const folder = makeFolder();
  const dbFile = join(folder, 'temporal.db');
  writeFileSync(dbFile, 'this was written by something else entirely'.repeat(100));

  const server = await start(folder, { dbFile });

  expect(server.movedAside).toContain('temporal.db.unreadable-');
  expect(readdirSync(folder).filter((name) => name.startsWith('temporal.db.unreadable-'))).not.toEqual([]);
});

test('a taken port is a sentence, although another server answers there', async () => {
  const first = await start(makeFolder());

  await expect(start(makeFolder(), { port: Number(first.address.split(':')[1]) })).rejects.toThrow(
    'is taken by another program',
  );
});

test('a given path comes first, then the PATH, then the data folder, then the cache', async () => {
  const folder = makeFolder();
  const given = plantCli(join(folder, 'given', 'temporal'), '1.29.1');
  const onPath = plantCli(join(folder, 'on path', 'temporal'), '1.29.1');
  const dataDir = join(folder, '.data');
  const cached = plantCli(join(folder, '.cache', 'tributary', 'temporal-1.5.1'), '1.29.1');
  const shell = '/usr/bin:/bin';
  const env = { HOME: folder, PATH: shell };

  expect(await locateTemporalCli({ dataDir, env })).toBe(cached);
  const own = plantCli(join(dataDir, 'bin', 'temporal'), '1.29.1');
  expect(await locateTemporalCli({ dataDir, env })).toBe(own);
  expect(await locateTemporalCli({ dataDir, env: { ...env, PATH: `${join(folder, 'on path')}:${shell}` } })).toBe(
    onPath,
  );
  expect(await locateTemporalCli({ dataDir, env: { ...env, TEMPORAL_CLI_PATH: given } })).toBe(given);
});

test('a given path that is no CLI is an error, not a reason to go on', async () => {
  const folder = makeFolder();
  plantCli(join(folder, '.data', 'bin', 'temporal'), '1.29.1');
  const env = { HOME: folder, PATH: '', TEMPORAL_CLI_PATH: join(folder, 'missing') };

  await expect(findTemporalCli({ dataDir: join(folder, '.data'), env })).rejects.toThrow(
    /TEMPORAL_CLI_PATH=.*missing is no Temporal CLI/,
  );
});

test('a half copied file is passed over, and an old server is warned about', async () => {
  const folder = makeFolder();
  const dataDir = join(folder, '.data');
  const cached = plantCli(join(folder, '.cache', 'tributary', 'temporal-1.5.1'), '1.28.0');
  mkdirSync(join(dataDir, 'bin'), { recursive: true });
  writeFileSync(join(dataDir, 'bin', 'temporal'), '\x7fELF', { mode: 0o755 });
  const messages: string[] = [];

  expect(
    await locateTemporalCli({
      dataDir,
      env: { HOME: folder, PATH: '' },
      onProgress: (message) => void messages.push(message),
    }),
  ).toBe(cached);
  expect(messages.join()).toContain('brings server 1.28.0, older than 1.29');
});
