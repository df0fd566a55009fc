import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { findProcess, waitForEnd } from '../../platform/embedded/children.js';
import {
  createDatabaseFromTemplate,
  dropDatabase,
  type EmbeddedPostgres,
  prepareDatabase,
  startPostgres,
} from '../../platform/embedded/postgres.js';
import { freePort } from '../support/freePorts.js';
import { makeFolder } from './fixtures/folder.js';
import { runScript } from './fixtures/run.js';

async function startIn(folder: string, port?: number): Promise<EmbeddedPostgres> {
  const server = await startPostgres({
    dataDir: join(folder, 'postgres'),
    port: port ?? (await freePort()),
    logFile: join(folder, 'log', 'postgres.log'),
  });
  onTestFinished(() => server.stop());
  return server;
}

async function query(url: string, sql: string, options?: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, ...(options === undefined ? {} : { options }) });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

test('a first start makes a UTF-8 database and a second one keeps its rows', async () => {
  const folder = makeFolder();
  const first = await startIn(folder);
  const { ownerUrl } = await prepareDatabase(first.adminUrl, 'tributary');
  await query(ownerUrl, `create table notes (text text); insert into notes values ('kept ✓')`);
  await first.stop();
  expect(await findProcess(first.pid)).toBeUndefined();

  const second = await startIn(folder);
  const again = await prepareDatabase(second.adminUrl, 'tributary');

  expect(await query(again.ownerUrl, 'select text from notes')).toEqual([{ text: 'kept ✓' }]);
  expect(await query(again.ownerUrl, 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
});

test('the processes sign in with roles that own nothing and bypass nothing', async () => {
  const server = await startIn(makeFolder());
  const { ownerUrl, appUrl } = await prepareDatabase(server.adminUrl, 'tributary');
  await prepareDatabase(server.adminUrl, 'tributary');
  await query(ownerUrl, 'create table amounts (minor int8); grant select on amounts to tributary_app');

  const [app] = await query(
    appUrl,
    'select current_user, session_user from amounts right join (select 1) as one on true',
    '-c role=tributary_app',
  );
  const strong = await query(
    server.adminUrl,
    `select rolname from pg_roles where rolname like 'tributary%' and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)`,
  );
  const owned = await query(
    server.adminUrl,
    `select datname, pg_get_userbyid(datdba) as owner from pg_database where datname = 'tributary'`,
  );

  expect(app).toEqual({ current_user: 'tributary_app', session_user: 'tributary' });
  expect(strong).toEqual([]);
  expect(owned).toEqual([{ datname: 'tributary', owner: 'tributary_owner' }]);
  // Without a role it can read nothing, and with one it makes nothing.
  await expect(query(appUrl, 'select minor from amounts')).rejects.toThrow('permission denied');
  await expect(query(appUrl, 'create table mine (id int8)', '-c role=tributary_app')).rejects.toThrow(
    'permission denied',
  );
});

test('a copy of a prepared database has its tables and its roles, and is dropped with open sessions', async () => {
  const server = await startIn(makeFolder());
  const { ownerUrl } = await prepareDatabase(server.adminUrl, 'template');
  await query(ownerUrl, 'create table marks (id int8); grant select on marks to tributary_edge');

  const copy = await createDatabaseFromTemplate(server.adminUrl, 'template', 'copy-1');
  const open = new pg.Client({ connectionString: copy.appUrl, options: '-c role=tributary_edge' });
  open.on('error', () => undefined);
  await open.connect();

  expect((await open.query('select id from marks')).rows).toEqual([]);
  await dropDatabase(server.adminUrl, 'copy-1');
  await dropDatabase(server.adminUrl, 'copy-1');
  expect(await query(server.adminUrl, `select datname from pg_database where datname like 'copy%'`)).toEqual([]);
});

test('a server whose parent was killed is taken over, on its port', async () => {
  const folder = makeFolder();
  const port = await freePort();
  const parent = runScript('startPostgres.ts', [
    join(folder, 'postgres'),
    String(port),
    join(folder, 'log', 'postgres.log'),
  ]);
  const [, pid] = await parent.waitFor(/ready pid=(\d+)/);
  parent.child.kill('SIGKILL');
  await parent.ended();

  const server = await startIn(folder);

  expect(server).toMatchObject({ adopted: true, pid: Number(pid), port });
  await server.stop();
  expect(await findProcess(Number(pid))).toBeUndefined();
});

test('a server that was killed itself starts again from its log', async () => {
  const folder = makeFolder();
  const first = await startIn(folder);
  const { ownerUrl } = await prepareDatabase(first.adminUrl, 'tributary');
  await query(ownerUrl, 'create table kept (id int8); insert into kept values (7)');
  process.kill(first.pid, 'SIGKILL');
  await waitForEnd(first.pid, 10_000);
  await first.stop();

  const second = await startIn(folder);

  expect(second.adopted).toBe(false);
  expect(
    await query((await prepareDatabase(second.adminUrl, 'tributary')).ownerUrl, 'select id::int from kept'),
  ).toEqual([{ id: 7 }]);
});

test('a process number that went to another program is not taken for the server', async () => {
  const folder = makeFolder();
  await (await startIn(folder)).stop();
  // Of the server's own user: Postgres itself passes over processes of others.
  const { uid, gid } = statSync(join(folder, 'postgres'));
  const other = spawn('sleep', ['60'], process.getuid?.() === 0 ? { uid, gid } : {});
  onTestFinished(() => void other.kill());
  const lines = [other.pid, join(folder, 'postgres'), 0, 5432, '', '127.0.0.1', ''];
  writeFileSync(join(folder, 'postgres', 'postmaster.pid'), lines.join('\n'));

  expect(await startIn(folder)).toMatchObject({ adopted: false });
});

test('what a killed first start left is made anew', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'postgres.init', 'data'), { recursive: true });
  writeFileSync(join(folder, 'postgres.init', 'data', 'PG_VERSION'), '18\n');
  writeFileSync(join(folder, 'postgres.lock'), JSON.stringify({ pid: 1, started: 'another boot/1' }));

  const server = await startIn(folder);

  expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(existsSync(join(folder, 'postgres.init'))).toBe(false);
});

test('a folder with something else in it is left alone', async () => {
  const folder = makeFolder();
  mkdirSync(join(folder, 'postgres'));
  writeFileSync(join(folder, 'postgres', 'holiday.jpg'), 'x');

  await expect(startIn(folder)).rejects.toThrow('is no Postgres data folder');
  expect(existsSync(join(folder, 'postgres', 'holiday.jpg'))).toBe(true);
});

test('a second start on the same folder is told who holds it', async () => {
  const folder = makeFolder();
  await startIn(folder);

  await expect(startIn(folder)).rejects.toThrow(`is in use by process ${process.pid}`);
});

test('a taken port is a sentence with the last lines of the log, and leaves no process', async () => {
  const folder = makeFolder();
  const first = await startIn(makeFolder());

  await expect(startIn(folder, first.port)).rejects.toThrow(/Postgres ended with code 1[\s\S]*Address already in use/);
  await startIn(folder); // the lock of the failed start is gone
});

test('it runs in a folder that only its owner may enter, root included', async () => {
  const folder = makeFolder();
  const closed = join(folder, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  chmodSync(closed, 0o700);

  const server = await startIn(closed);

  expect(await query(server.adminUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('it runs as an ordinary user', async () => {
  const folder = makeFolder();
  chmodSync(folder, 0o777);
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const port = await freePort();

  const script = runScript(
    'startPostgres.ts',
    [join(folder, 'postgres'), String(port), join(folder, 'log', 'postgres.log')],
    nobody,
  );
  await script.waitFor(/ready .* adopted=false/);
  script.child.kill('SIGTERM');

  expect(await script.ended()).toBe(0);
});
