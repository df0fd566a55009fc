import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LiveStack } from '../support/liveStack.js';
import { projectRoot } from '../support/sourceTree.js';

// What the README tells people to paste does what it says (style.md 2: CI runs the commands in it).

let stack: LiveStack;
let folder: string;
let readme: string;

beforeAll(async () => {
  readme = await readFile(join(projectRoot, 'README.md'), 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'tributary-readme-'));
  stack = await LiveStack.start();
}, 120_000);
afterAll(async () => {
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | string | null;
  readonly printed: readonly string[];
  readonly said: string;
}

/** The block as somebody pastes it, with `curl` and `node` of this machine; in a folder of its own, because it writes cookie jars. */
function paste(script: string, token: string): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', script],
      { cwd: folder, env: { ...process.env, TOKEN: token }, timeout: 150_000 },
      (error, stdout, stderr) =>
        resolve({
          code: error === null ? 0 : (error.code ?? error.signal ?? null),
          printed: stdout.split('\n').filter((line) => line !== ''),
          said: stderr,
        }),
    );
  });
}

test('the story of the README and a first test conversion, pasted into a shell, do and print what the README says', async () => {
  const block = (name: string): string | undefined =>
    new RegExp(`^\`\`\`sh ${name}\\n(.*?)^\`\`\`$`, 'ms').exec(readme)?.[1];
  const [story, conversion] = [block('story'), block('conversion')];
  const token = stack.signInLink.split('/welcome/')[1];
  if (story === undefined || conversion === undefined || token === undefined)
    throw new Error('no story or conversion in the README, or no sign-in link');
  const here = story.replace('B=http://localhost:3000;', `B=${stack.baseUrl};`);
  expect(here).not.toBe(story);

  const ended = await paste(`${here}${conversion}`, token);

  expect(ended, await stack.log()).toEqual({
    code: 0,
    printed: [
      '20 % of 49.99 USD net is 9.998, rounded half away from zero to 10.00 USD.',
      'approved',
      'approved',
      'approved',
      '10.00',
      'true',
      'sale', // BEY-32
    ],
    said: '',
  });
  for (const line of new Set(ended.printed)) expect(readme).toContain(`\`${line}\``);
}, 180_000);

test('every npm command that the README and the docs name exists', async () => {
  const { scripts } = JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const pages = await readdir(join(projectRoot, 'docs'), { recursive: true });
  const files = ['README.md', ...pages.filter((page) => page.endsWith('.md')).map((page) => join('docs', page))];
  const named: string[] = [];
  for (const file of files) {
    const text = await readFile(join(projectRoot, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/npm run (?:-\S+ )*([a-z][\w:-]*)/gi)) named.push(name);
    for (const [, name = ''] of text.matchAll(/npm (start|test)\b/g)) named.push(name);
  }

  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
