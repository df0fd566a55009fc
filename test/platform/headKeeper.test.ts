import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HeadKeeper } from '../../platform/headKeeper.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tributary-heads-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const head = (at: string, sequence: number) => ({
  workspaceId: 'ws_1',
  sequence: `${sequence}`,
  leafHash: `h${sequence}`,
  at,
});

test('of days that are over the last head is kept, of yesterday and today all, and every kept one verifies', async () => {
  const keeper = new HeadKeeper(folder);
  let sequence = 0;
  for (const day of ['2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23'])
    for (const time of ['08', '09', '10']) await keeper.keep(head(`${day}T${time}:00:00.000Z`, (sequence += 1)));

  const { heads, invalid } = await keeper.list('ws_1');

  expect(invalid).toBe(0);
  expect(heads.map((one) => one.sequence)).toEqual(['3', '6', '7', '8', '9', '10', '11', '12']);
});

test('a file of an earlier release and a torn line are read, and another workspace is left alone', async () => {
  const keeper = new HeadKeeper(folder);
  await keeper.keep(head('2026-11-20T08:00:00.000Z', 1));
  const [name = ''] = (await readdir(folder)).filter((one) => one.startsWith('heads-'));
  const line = await readFile(path.join(folder, name), 'utf8');
  await appendFile(path.join(folder, 'heads-ws_1.jsonl'), `${line}{"workspaceId":`);
  await keeper.keep({ ...head('2026-11-20T09:00:00.000Z', 2), workspaceId: 'ws_2' });

  expect(await keeper.list('ws_1')).toMatchObject({ heads: [{ sequence: '1' }, { sequence: '1' }], invalid: 1 });
  expect((await keeper.list('ws_2')).heads).toHaveLength(1);
});
