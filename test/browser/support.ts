import { execFileSync } from 'node:child_process';
import { type BrowserContext, expect, type Locator, type Page, type Request, test as base } from '@playwright/test';
import { accessibilityFaults } from './accessibility.js';

/** What globalSetup leaves for the tests, in the environment that their processes inherit: notes on the stack, the owner's session. */
export const notesVariable = 'TRIBUTARY_STACK';
export const stateVariable = 'TRIBUTARY_OWNER_STATE';
/** A file of Playwright's: empty only while tests are listed, before there is a stack. */
export const ownerState = process.env[stateVariable] ?? '';

interface StackNotes {
  readonly origin: string;
  /** The printed link, used up by globalSetup. */
  readonly link: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Prints a one-time link. */
  readonly signInLinkProgram: string;
  /** Of the parts that a test makes stand still and go on. */
  readonly pids: { readonly worker: number; readonly temporal: number };
}

export function stackNotes(): StackNotes {
  return JSON.parse(process.env[notesVariable] ?? '{}') as StackNotes;
}

/** A new one-time link, as `npm run sign-in-link` prints it; without an address the owner's. */
export function freshLink(...email: readonly string[]): string {
  const { environment, signInLinkProgram } = stackNotes();
  const output = execFileSync(process.execPath, [signInLinkProgram, ...email], {
    env: environment,
    encoding: 'utf8',
  });
  const link = /https?:\/\/\S+\/welcome\/\S+/.exec(output)?.[0];
  if (link === undefined) throw new Error(`no link in: ${output}`);
  return link;
}

/** A new session of the owner, as a Cookie header: signed in this moment, so that nothing asks to confirm it again (api.md 1.2). */
export async function freshCookie(): Promise<string> {
  const answer = await fetch(`${stackNotes().origin}/v1/auth/one-time`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: freshLink().split('/welcome/')[1] }),
  });
  if (answer.status !== 200) throw new Error(`the owner could not sign in: ${answer.status}`);
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

/** A new session of the owner for these pages: what asks for a step-up finds a sign-in of the last five minutes, however long the run is. */
export async function signInAfresh(context: BrowserContext): Promise<void> {
  const pairs = (await freshCookie()).split('; ').map((pair) => pair.split('='));
  await context.addCookies(
    pairs.map(([name = '', ...value]) => ({ name, value: value.join('='), url: stackNotes().origin })),
  );
}

/** Every page is watched: an error in the console, a refused content policy or a request to somewhere else fails the test. */
export const test = base.extend<{ readonly watched: undefined }>({
  baseURL: async ({ browserName }, use) => {
    if (browserName !== 'chromium') throw new Error(`made for Chromium, not ${browserName}`);
    await use(stackNotes().origin);
  },
  watched: [
    async ({ page }, use) => {
      const faults: string[] = [];
      const { origin } = stackNotes();
      page.on('pageerror', (error) => faults.push(String(error)));
      page.on('console', (message) => {
        // Chromium reports each refused call of ours as an error; what the page makes of it the test looks at.
        const isAnswer = message.text().startsWith('Failed to load resource: the server responded with a status of 4');
        if (message.type() === 'error' && !isAnswer) faults.push(message.text());
      });
      page.on('request', (request) => {
        const isOurs = request.url().startsWith(origin) || /^(data|blob):/.test(request.url());
        if (!isOurs) faults.push(`asked elsewhere: ${request.url()}`);
      });
      await use(undefined);
      expect(faults).toEqual([]);
    },
    { auto: true },
  ],
});
export { expect };

/** The theme before the page is there, as a returning reader has it. */
export async function chooseTheme(page: Page, theme: 'light' | 'dark'): Promise<void> {
  await page.addInitScript({ content: `localStorage.setItem('color-scheme', '${theme}')` });
}

/** The other theme while the page is there, as when it is chosen in another window. */
export async function changeTheme(page: Page, theme: 'light' | 'dark'): Promise<void> {
  await page.evaluate(
    `dispatchEvent(new StorageEvent('storage', { key: 'color-scheme', newValue: '${theme}', storageArea: localStorage }))`,
  );
  // A page that the server prints whole follows the system and has no such attribute.
  await page.emulateMedia({ colorScheme: theme });
  const shown = (): Promise<string> =>
    page.evaluate(`document.documentElement.dataset.mantineColorScheme ?? '${theme}'`);
  await expect.poll(shown).toBe(theme);
  // Colours half way from one theme to the other are none to be judged.
  const changing = (): Promise<number> =>
    page.evaluate('document.getAnimations().filter((one) => one instanceof CSSTransition).length');
  await expect.poll(changing).toBe(0);
}

const openRequests = new WeakMap<Page, Set<Request>>();

/** From here on `settle` knows what the page has asked for. Call it before the page goes anywhere; a second call changes nothing. */
export function watchRequests(page: Page): Set<Request> {
  const known = openRequests.get(page);
  if (known !== undefined) return known;
  const open = new Set<Request>();
  openRequests.set(page, open);
  const end = (request: Request): void => void open.delete(request);
  page.on('request', (request) => void open.add(request));
  page.on('requestfinished', end);
  page.on('requestfailed', end);
  return open;
}

/**
 * Waits until the page has all it asked for and asks for nothing more within two frames, in which a component that just came would.
 * Playwright's `networkidle` waits for half a second of silence instead, some 700 times in a run.
 */
export async function settle(page: Page): Promise<void> {
  const open = watchRequests(page);
  const isQuiet = async (): Promise<boolean> => {
    if (open.size > 0) return false;
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
    return open.size === 0;
  };
  await expect.poll(isQuiet, { intervals: [20] }).toBe(true);
}

/** The page with all that it reads later (lists, counts). */
export async function openPage(page: Page, path: string): Promise<void> {
  watchRequests(page);
  await page.goto(path);
  await expect(page.getByRole('heading', { level: 1 }), path).toBeVisible();
  await settle(page);
}

/** WCAG 2.2 AA by axe: no violations (screens.md 1.7). */
export async function expectAccessible(page: Page): Promise<void> {
  expect(await accessibilityFaults(page)).toEqual([]);
}

/** Takes an action of a row by its one menu (ADM-10). */
export async function pressRowAction(row: Locator, action: string): Promise<void> {
  await row.getByRole('button', { name: /^Actions for / }).click();
  await row.page().getByRole('menuitem', { name: action, exact: true }).click();
}

/** Nothing is wider than the window, once the frame has taken its new width: its menu slides away after a window became narrow. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  // As text: the page's own names are none of the server's types.
  const wider = (): Promise<number> => page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  await expect.poll(wider).toBeLessThanOrEqual(0);
}

/**
 * A page as every page has to be (screens.md 11): no violations at 1280 and 390 px in both themes, nothing to scroll sideways at 320 px. Read
 * once and looked at four times: read anew for each look, pages took a third of CI's time.
 */
export async function expectGoodLooks(page: Page, path: string): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 900 });
  await openPage(page, path);
  await changeTheme(page, 'light');
  await expectAccessible(page);
  await changeTheme(page, 'dark');
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
  await changeTheme(page, 'light');
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 640 });
  await expectNoSidewaysScroll(page);
}

/** The page on a phone: no violations at 390 px, and nothing to scroll sideways at 320. */
export async function expectNarrow(page: Page): Promise<void> {
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page); // the menu has folded when it is done
  await page.setViewportSize({ width: 320, height: 640 });
  await expectNoSidewaysScroll(page);
}
