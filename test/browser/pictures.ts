import { execFileSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from '@playwright/test';
import { ensureWebPages } from '../support/webPages.js';
import { makeDemo, makeDemoOfToday } from '../../bin/demo.js';
import { loadConfig } from '../../platform/config.js';
import playwright from '../../playwright.config.js';
import { LiveStack } from '../support/liveStack.js';
import { accessibilityFaults } from './accessibility.js';

// npm run docs:screenshots: the pictures of the README (screens.md 10), made of the real product with the demo data. Fails on an error in the
// page's console, on an axe violation and on a picture of 300 kB. With PICTURES_FROM=<address of a running npm start> it takes that one, whose
// owner's one-time link is then read from PICTURES_LINK.

const folder = 'docs/images';
const mostBytes = 300_000;
const wide = { width: 1_600, height: 1_000 };
const phone = { width: 390, height: 844 };
const onlyThis = process.argv[2];

interface Product {
  readonly origin: string;
  readonly cookie: string;
  stop(): Promise<void>;
  /** A one-time link of a person, by address. */
  link(email: string): string;
}

interface Picture {
  readonly name: string;
  readonly theme: 'light' | 'dark';
  readonly size: { readonly width: number; readonly height: number };
  /** Null: the owner's session; else who signs in by a link. */
  readonly as: string | null;
  /** Goes to the page and waits until it stands as it is to be seen. */
  show(page: Page, product: Product): Promise<void>;
}

async function get(product: Product, path: string): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetch(`${product.origin}${path}`, { headers: { cookie: product.cookie } });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
  return (await answer.json()) as Readonly<Record<string, unknown>>;
}

async function firstId(product: Product, path: string): Promise<string> {
  const { data } = await get(product, path);
  const id = (data as readonly { readonly id: string }[])[0]?.id;
  if (id === undefined) throw new Error(`${path} lists nothing`);
  return id;
}

const home = (theme: Picture['theme']): Picture => ({
  name: `home-${theme}`,
  theme,
  size: wide,
  as: null,
  async show(page, { origin }) {
    await page.goto(`${origin}/`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.locator('[data-chart]').first().waitFor();
  },
});

const pictures: readonly Picture[] = [
  home('light'),
  home('dark'),
  {
    name: 'referral',
    theme: 'light',
    size: wide,
    as: null,
    async show(page, product) {
      const id = await firstId(product, '/v1/referrals?status=pending&sort=-createdAt&limit=1');
      await page.goto(`${product.origin}/referrals/${id}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
    },
  },
  {
    name: 'payout-run',
    theme: 'light',
    size: { width: 1_600, height: 1_400 },
    as: null,
    async show(page, product) {
      const id = await firstId(product, '/v1/payout-runs?status=planned&limit=1');
      await page.goto(`${product.origin}/payout-runs/${id}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page
        .getByText(/not paid/i)
        .first()
        .waitFor();
    },
  },
  {
    name: 'portal-phone',
    theme: 'light',
    size: phone,
    as: 'ana@demo.test',
    async show(page, { origin }) {
      await page.goto(`${origin}/portal`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page
        .getByText(/USD|EUR|GBP|\$|€|£/)
        .first()
        .waitFor();
    },
  },
  {
    name: 'demo-shop',
    theme: 'light',
    size: wide,
    as: null,
    async show(page, { origin }) {
      await page.goto(`${origin.replace('localhost', '127.0.0.1')}/demo-shop`);
      await page.locator('a[href^="/r/"]').first().click();
      await page.getByText(/clk_/).waitFor();
      await page.getByRole('button').first().click();
      await page.getByText(/POST \/v1\/leads/).waitFor();
      const buy = page.getByRole('button', { name: /Buy/ }).first();
      await buy.click();
      await page.getByText(/GET \/v1\/sales/).waitFor();
    },
  },
];

async function startProduct(): Promise<Product> {
  const given = process.env['PICTURES_FROM'];
  if (given !== undefined) {
    const cookie = await signIn(given, process.env['PICTURES_LINK'] ?? '');
    return { origin: given, cookie, stop: () => Promise.resolve(), link: (email) => freshLink(process.env, email) };
  }
  ensureWebPages();
  const stack = await LiveStack.start({ env: { NODE_ENV: 'development' } });
  try {
    const config = loadConfig(stack.environment);
    await makeDemo(config);
    await makeDemoOfToday(config, new AbortController().signal);
    const { origin } = new URL(stack.signInLink);
    const cookie = await signIn(origin, stack.signInLink);
    return { origin, cookie, stop: () => stack.stop(), link: (email) => freshLink(stack.environment, email) };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

function freshLink(env: NodeJS.ProcessEnv, email: string): string {
  const output = execFileSync(process.execPath, ['bin/run.mjs', 'signInLink', email], {
    env,
    encoding: 'utf8',
  });
  return /https?:\/\/\S+\/welcome\/\S+/.exec(output)?.[0] ?? '';
}

/** The session of a one-time link, as a Cookie header. */
async function signIn(origin: string, link: string): Promise<string> {
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

async function take(browser: Browser, product: Product, picture: Picture): Promise<void> {
  const context = await browser.newContext({
    viewport: { ...picture.size },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    colorScheme: picture.theme,
  });
  try {
    await context.addInitScript({
      // As a reader who has put the set-up aside.
      content: `localStorage.setItem('color-scheme', '${picture.theme}'); localStorage.setItem('setup-not-now', 'yes')`,
    });
    const cookie = picture.as === null ? product.cookie : await signIn(product.origin, product.link(picture.as));
    const [name = '', value = ''] = cookie.split('; ')[0]?.split('=') ?? [];
    const { hostname } = new URL(product.origin);
    await context.addCookies([{ name, value, domain: hostname, path: '/' }]);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await picture.show(page, product);
    await page.waitForLoadState('networkidle');
    faults.push(...(await accessibilityFaults(page)));
    const file = join(folder, `${picture.name}.png`);
    writeFileSync(file, await page.screenshot({ animations: 'disabled' }));
    const { size } = statSync(file);
    if (size >= mostBytes) faults.push(`${size} bytes`);
    if (faults.length > 0) throw new Error(`${picture.name}: ${faults.join('\n')}`);
    process.stdout.write(`${file} ${Math.round(size / 1_000)} kB\n`);
  } finally {
    await context.close();
  }
}

mkdirSync(folder, { recursive: true });
const product = await startProduct();
const browser = await chromium.launch({ ...playwright.use?.launchOptions });
try {
  for (const picture of pictures.filter((one) => onlyThis === undefined || one.name.startsWith(onlyThis)))
    await take(browser, product, picture);
} finally {
  await browser.close();
  await product.stop();
}
