import { existsSync, mkdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { compiledFolder, forgetOld } from '../../bin/compile.mjs';
import { projectRoot } from '../support/sourceTree.js';
import { makeFolder } from './fixtures/folder.js';
import { runScript } from './fixtures/run.js';

test('the same sources are compiled once, outside the data folder, which npm run reset deletes', async () => {
  const folder = await compiledFolder();
  const said: string[] = [];

  expect(await compiledFolder((line) => said.push(line))).toBe(folder);

  expect(said).toEqual([]);
  expect(existsSync(path.join(folder, 'bin', 'api.js'))).toBe(true);
  expect(existsSync(path.join(folder, 'workflowBundle.js'))).toBe(true);
  expect(path.relative(path.join(projectRoot, '.data'), folder)).toMatch(/^\.\./);
});

test('a program that nobody said to be in use for a day goes, one in use stays', async () => {
  const place = makeFolder();
  for (const name of ['old', 'used']) mkdirSync(path.join(place, name, 'bin'), { recursive: true });
  const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1_000);
  utimesSync(path.join(place, 'old'), longAgo, longAgo);

  await forgetOld(place);

  expect([existsSync(path.join(place, 'old')), existsSync(path.join(place, 'used'))]).toEqual([false, true]);
});

test('a command that is not there is named', async () => {
  for (const name of ['nonsense', '../bin/api', '']) {
    const script = runScript('../../../bin/run.mjs', [name]);
    expect(await script.ended()).toBe(1);
    expect(script.output()).toContain(`There is no command ${JSON.stringify(name)}`);
  }
});
