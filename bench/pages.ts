// What a browser with nothing cached takes to show a page: requests, bytes on the wire, the moment its rows stand there.
import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from '@playwright/test';
import playwright from '../playwright.config.js';
import type { LiveStack } from '../test/support/liveStack.js';
import type { Measured } from './measure.js';

const rounds = 3;
/** Web Vitals' "good" for the largest paint. */
const budgetMs = 2_500;

interface Load {
  readonly contentMs: number;
  readonly requests: number;
  readonly bytes: number;
  readonly scripts: number;
}

interface Visited {
  readonly name: string;
  readonly path: string;
  /** Who looks; nobody named: the owner. */
  readonly as?: string;
  /** Stands on the page once what it is there for is shown. */
  readonly content: string;
}

const visited: readonly Visited[] = [
  { name: 'consoleLoad', path: '/', content: '[data-chart]' },
  { name: 'portalLoad', path: '/portal', as: 'ana@demo.test', content: 'main h2' },
  { name: 'listLoad', path: '/audit', content: 'tbody tr' },
];

export const pageNames: readonly string[] = visited.map(({ name }) => name);

/** Each page in a browser of its own, three times, over whatever the stack's database holds. */
export async function measurePages(stack: LiveStack, say: (line: string) => void): Promise<readonly Measured[]> {
  const { launchOptions } = playwright.use ?? {};
  const browser = await chromium.launch(launchOptions ?? {});
  try {
    const { origin } = new URL(stack.signInLink);
    const measured: Measured[] = [];
    for (const { name, path, as, content } of visited) {
      // A session of its own: the lists before it have used up a minute's requests of theirs.
      const cookie = await signIn(origin, freshLink(stack.environment, as === undefined ? [] : [as]));
      const loads: Load[] = [];
      for (let round = 0; round < rounds; round += 1) loads.push(await load(browser, origin, cookie, path, content));
      const [first] = loads;
      if (first === undefined) throw new Error('no page was loaded');
      const note = `${path}: ${first.requests} requests, ${(first.bytes / 1_000).toFixed(0)} kB on the wire, ${(first.scripts / 1_000).toFixed(0)} kB of them script, content after ${loads.map(({ contentMs }) => contentMs.toFixed(0)).join(', ')} ms`;
      say(note);
      measured.push({
        name,
        against: `${budgetMs} ms`,
        unit: 'ms to content',
        goal: '<= 1.00',
        rounds: loads.map(({ contentMs }) => ({ ours: contentMs, theirs: budgetMs })),
        notes: [note, 'a new browser context each time: nothing cached; browser, api and Postgres on one machine'],
      });
    }
    return measured;
  } finally {
    await browser.close();
  }
}

async function load(browser: Browser, origin: string, cookie: string, path: string, content: string): Promise<Load> {
  const context = await browser.newContext();
  try {
    await context.addCookies(
      cookie.split('; ').map((pair) => {
        const cut = pair.indexOf('=');
        return { name: pair.slice(0, cut), value: pair.slice(cut + 1), url: origin };
      }),
    );
    const page = await context.newPage();
    const devTools = await context.newCDPSession(page);
    await devTools.send('Network.enable');
    const types = new Map<string, string>();
    let bytes = 0;
    let scripts = 0;
    devTools.on('Network.responseReceived', ({ requestId, type }) => types.set(requestId, type));
    devTools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      bytes += encodedDataLength;
      if (types.get(requestId) === 'Script') scripts += encodedDataLength;
    });
    const began = performance.now();
    await page.goto(`${origin}${path}`, { waitUntil: 'commit' });
    await page.locator(content).first().waitFor();
    const contentMs = performance.now() - began;
    return { contentMs, requests: types.size, bytes, scripts };
  } finally {
    await context.close();
  }
}

function freshLink(env: NodeJS.ProcessEnv, email: readonly string[]): string {
  const output = execFileSync(process.execPath, ['bin/run.mjs', 'signInLink', ...email], {
    env,
    encoding: 'utf8',
  });
  const link = /https?:\/\/\S+\/welcome\/\S+/.exec(output)?.[0];
  if (link === undefined) throw new Error(`no link in: ${output}`);
  return link;
}

/** A session by a one-time link, as a Cookie header. */
export async function signIn(origin: string, link: string): Promise<string> {
  const answer = await fetch(`${origin}/v1/auth/one-time`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: link.split('/welcome/')[1] }),
  });
  if (answer.status !== 200) throw new Error(`nobody could sign in: ${answer.status}`);
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}
