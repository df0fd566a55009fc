import { randomUUID } from 'node:crypto';
import { at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import * as pictures from '../support/pictures.js';
import { sessionCalls } from './payoutWorld.js';
import { openProgram } from './program.js';
import {
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  freshCookie,
  ownerState,
  pressRowAction,
  stackNotes,
  test,
} from './support.js';

// Promo tools from the picture that staff upload to the lightbox on a foreign page (LNK-13, LNK-14, LNK-18, PRT-07); an application by a
// recruit link, without a script, and its decision (LNK-23); a link domain that nobody has proved (LNK-08).

test.describe.configure({ mode: 'serial' });

const tag = randomUUID().slice(0, 8);
const shopHost = 'shop.example';
const email = `pia-${tag}@blog.example`;
let programSlug: string;
let html: string;

test.beforeAll(async () => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const settings = await must('GET', '/v1/settings');
  await must(
    'PATCH',
    '/v1/settings',
    { general: { timeZone: 'Europe/Warsaw', defaultCurrency: 'USD' } },
    { 'if-match': `"${String(at(settings, 'version'))}"` },
  );
  const { programId, slug } = await openProgram(
    must,
    { name: `Tools ${tag}`, requirements: ['email_verified'] },
    { name: `Thing ${tag}` },
  );
  programSlug = slug;
  const affiliateId = textAt(
    await must('POST', '/v1/affiliates', { name: `Pia ${tag}`, email, programIds: [programId] }),
    'id',
  );
  await must('POST', `/v1/affiliates/${affiliateId}/approve`, { reason: 'Known' });
  await must('POST', '/v1/links', { affiliateId, programId, kind: 'recruit', slug: `pia-${tag}` });
});

test.describe('staff', () => {
  test.use({ storageState: ownerState });

  test('LNK-18, LNK-14: a picture is uploaded, a lightbox made of it, its snippet holds the affiliate’s link', async ({
    page,
  }) => {
    await page.goto('/promo-tools');
    await page.getByRole('button', { name: 'New tool' }).click();
    const dialog = page.getByRole('dialog', { name: 'New tool' });
    await dialog.getByLabel('Name').fill(`Pop ${tag}`);
    await dialog.getByLabel('Kind').selectOption({ label: 'Lightbox' });
    await dialog.getByLabel('Program').selectOption({ label: `Tools ${tag}` });
    await dialog.getByLabel('Leads to').fill(`https://${shopHost}/spring`);
    await dialog.getByLabel('Campaign').fill(`Spring ${tag}`);
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Save the tool' }).click();
    await expect(dialog.getByText('A picture of the library, or html with one.').first()).toBeVisible();

    await dialog.getByRole('button', { name: 'Choose an image' }).click();
    const library = page.getByRole('dialog', { name: 'Images' });
    const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer });
    await library.locator('input[type=file]').setInputFiles(file('x.png', Buffer.from('<svg onload="alert(1)"/>')));
    await expect(library.getByText('Only PNG, JPEG, WebP and GIF are taken')).toBeVisible();
    await expectAccessible(page);
    // Not the picture of another spec: the library knows a file by its content and keeps the name that it came with first.
    await library.locator('input[type=file]').setInputFiles(file(`banner-${tag}.png`, pictures.palettePng));
    const picture = dialog.getByRole('img', { name: `banner-${tag}.png` });
    await expect(picture).toBeVisible();
    expect(await picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth)).toBe(24);
    await dialog.getByRole('button', { name: 'Save the tool' }).click();

    const row = page.getByRole('row').filter({ has: page.getByRole('cell', { name: `Pop ${tag}`, exact: true }) });
    await expect(row).toContainText(`Spring ${tag}`);
    await expectAccessible(page);
    await pressRowAction(row, 'Snippet of an affiliate');
    const snippet = page.getByRole('dialog', { name: 'Snippet of an affiliate' });
    await expect(snippet.getByText('data-tributary-lightbox')).toBeVisible();
    html = (await snippet.getByText('data-tributary-lightbox').textContent()) ?? '';
    expect(html).toContain(`${stackNotes().origin}/t/lightbox.js`);
    await expectAccessible(page);
  });
});

test('LNK-14: on a foreign page under a strict policy the lightbox opens, closes by key, button and beside it, and its click is the link’s', async ({
  browser,
}) => {
  const { origin } = stackNotes();
  const visitor = await browser.newContext();
  await visitor.route(`https://${shopHost}/**`, (route) =>
    route.request().url().endsWith('/favicon.ico')
      ? route.fulfill({ status: 204 })
      : route.fulfill({
          contentType: 'text/html',
          headers: { 'content-security-policy': `default-src 'none'; script-src ${origin}; img-src ${origin}` },
          body: `<!doctype html><html lang="en"><title>Blog</title><h1>Blog</h1><p>${'Words. '.repeat(50)}</p>${html}</html>`,
        }),
  );
  await visitor.grantPermissions(['local-network-access'], { origin: `https://${shopHost}` });
  const faults: string[] = [];
  const open = async () => {
    const page = await visitor.newPage(); // a visit of its own: what was closed stays closed in the old one
    page.on('pageerror', (error) => faults.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    await page.goto(`https://${shopHost}/post`);
    const box = page.getByRole('dialog', { name: `Pop ${tag}` });
    await expect(box).toBeVisible();
    return { page, box };
  };
  const first = await open();
  const link = first.box.getByRole('link');
  expect(await link.getAttribute('href')).toContain(`${origin}/r/`);
  expect(
    await first.box.getByRole('img').evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
  ).toBe(24);
  await first.page.keyboard.press('Escape');
  await expect(first.box).toHaveCount(0);
  await first.page.reload();
  await expect(first.page.getByRole('heading', { name: 'Blog' })).toBeVisible();
  await expect(first.box).toHaveCount(0);

  const second = await open();
  await second.box.getByRole('button', { name: 'Close' }).click();
  await expect(second.box).toHaveCount(0);

  const third = await open();
  await third.page.mouse.click(5, 5);
  await expect(third.box).toHaveCount(0);
  expect(faults).toEqual([]);
  await visitor.close();
});

test('PRT-07, LNK-03: the affiliate finds the tool with the own link in it, on a phone, copies it and makes a link to another page', async ({
  page,
  context,
}) => {
  test.setTimeout(120_000);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.setViewportSize({ width: 390, height: 844 });
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const welcome = await eventually(
    async () => {
      const mails = (await must('GET', `/v1/dev/emails?to=${email}`)) as { data: { links: string[] }[] };
      return mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
    },
    { within: 60_000 },
  );
  await page.goto(welcome);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await page.waitForURL(/\/portal/);
  await page.goto('/portal/tools');
  const tool = page.getByRole('region', { name: `Pop ${tag}` });
  await expect(tool.getByRole('img')).toBeVisible();
  await tool.getByRole('button', { name: `Copy Your link of Pop ${tag}` }).click();
  const copied = await page.evaluate(() =>
    (
      globalThis as unknown as { navigator: { clipboard: { readText(): Promise<string> } } }
    ).navigator.clipboard.readText(),
  );
  expect(copied).toContain(`${stackNotes().origin}/r/`);
  expect(copied).toContain('trb_tool=tool_');
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 640 });
  await expectNoSidewaysScroll(page);

  const phone = await context.newPage(); // one of its calls fails on purpose, which a watched page may not
  await phone.setViewportSize({ width: 320, height: 640 });
  await phone.goto('/portal/links');
  await phone.getByRole('button', { name: 'New link' }).click();
  const dialog = phone.getByRole('dialog', { name: 'New link' });
  await expect(dialog.getByText("Empty: the program's landing page.", { exact: false })).toBeVisible();
  await dialog.getByLabel('Target page').selectOption({ label: 'a registration page' });
  await dialog.getByLabel('Leads to').fill('https://elsewhere.example/join');
  await dialog.getByLabel('Name in the link').fill(`pia-join-${tag}`);
  await expectAccessible(phone);
  await expectNoSidewaysScroll(phone);
  // Without an answer the try may have been taken: the next one carries the same key. After a refusal it is a new try.
  const keys: (string | undefined)[] = [];
  await phone.route('**/v1/me/links', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    keys.push(route.request().headers()['idempotency-key']);
    return keys.length === 1 ? route.abort('connectionreset') : route.continue();
  });
  const make = dialog.getByRole('button', { name: 'Make the link' });
  await make.click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await make.click();
  await expect(dialog.getByText('allow', { exact: false }).first()).toBeVisible();
  await dialog.getByLabel('Leads to').fill(`https://${shopHost}/join`);
  await make.click();
  await expect(dialog).toHaveCount(0);
  expect(keys).toHaveLength(3);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
  await expect(phone.getByText(`/r/pia-join-${tag}`).first()).toBeVisible();
  const made = await must('GET', `/v1/links?q=pia-join-${tag}`);
  expect(at(made, 'data.0.destinationType')).toBe('registration');
  const followed = await fetch(`${stackNotes().origin}/r/pia-join-${tag}?utm_source=mail`, { redirect: 'manual' });
  expect(followed.headers.get('location')).toContain(`https://${shopHost}/join?utm_source=mail`);

  // BEY-19: another page of the link, with its picture, tested and shown as it is shared.
  await page.goto('/portal/links');
  await page.getByRole('button', { name: `Label, page and QR code of pia-join-${tag}` }).click();
  const builder = page.getByRole('dialog', { name: 'Your link, made to measure' });
  await builder.getByLabel('Another page of the shop').fill('//evil.example/sale');
  await expect(builder.getByText(`Only pages on ${shopHost} are possible.`, { exact: false })).toBeVisible();
  await builder.getByLabel('Another page of the shop').fill('/sale');
  await builder.getByText('UTM for your own statistics').click();
  await builder.getByLabel('utm_source').fill('flyer');
  await expect(builder.getByText(`/r/pia-join-${tag}?utm_source=flyer&to=%2Fsale`)).toBeVisible();
  const svg = (await builder.getByRole('link', { name: 'SVG' }).getAttribute('href')) ?? '';
  expect(svg).toContain('utm_source=flyer&to=%2Fsale');
  await expect(builder.getByRole('img', { name: 'QR code of' })).toHaveAttribute('src', svg);
  expect((await page.request.get(svg)).status()).toBe(200);
  await builder.getByRole('button', { name: 'Test the page' }).click();
  await expect(builder.getByText(`https://${shopHost}/sale cannot be seen by visitors just now.`)).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);

  // LNK-23: the link by which others join stands where they are counted.
  await page.goto('/portal/recruits');
  await expect(page.getByText(`${stackNotes().origin}/j/pia-${tag}`)).toBeVisible();
  await expectAccessible(page);
});

test.describe('links', () => {
  test.use({ storageState: ownerState });

  test('LNK-07: the kinds of a new link explain themselves; a direct one is made a standard one where its editor warns', async ({
    page,
  }) => {
    await page.goto('/links');
    await page.getByRole('button', { name: 'New link' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Affiliate').selectOption({ label: `Pia ${tag}` });
    await dialog.getByLabel('Kind').selectOption({ label: 'recruiting' });
    await expect(dialog.getByText('Opens the application form')).toBeVisible();
    await dialog.getByLabel('Kind').selectOption({ label: 'direct' });
    await dialog.getByLabel('Link', { exact: true }).fill(`pia-direct-${tag}`);
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Create the link' }).click();
    await expect(dialog).toHaveCount(0);

    const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
    const found = await must('GET', `/v1/links?q=pia-direct-${tag}`);
    await page.goto(`/links/${String(at(found, 'data.0.id'))}`);
    await page.getByLabel('Destination').fill(`https://${shopHost}/moved`);
    await expect(page.getByText('published', { exact: false }).first()).toBeVisible();
    await page.getByLabel('Make it a standard link').check();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText(`/r/pia-direct-${tag}`)).toBeVisible();
    await expectAccessible(page);
  });
});

test('LNK-23: a visitor applies by the recruit link without a script, and staff see who recruited them', async ({
  browser,
}) => {
  const { origin } = stackNotes();
  const visitor = await browser.newContext({ javaScriptEnabled: false });
  const page = await visitor.newPage();
  await page.goto(`${origin}/j/pia-${tag}`);
  await expect(page.getByRole('heading', { level: 1, name: `Apply: Tools ${tag}` })).toBeVisible();
  expect(page.url()).toContain(`/apply/${programSlug}`);
  await page.getByLabel('Name').fill(`Quin ${tag}`);
  await page.getByLabel('E-mail').fill(`quin-${tag}@blog.example`);
  await page.getByLabel('Country').selectOption('PL');
  // Who is quicker than a person is taken for a machine, and a browser without scripts shows no work: the form's own clock decides, so this
  // waits for it.
  const shown = Number((await page.locator('input[name=shownAt]').inputValue()).split('.')[0]);
  await expect(() => expect(Date.now() / 1_000 - shown).toBeGreaterThan(11)).toPass({ timeout: 20_000 });
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page.getByRole('heading', { name: 'Thank you for your application' })).toBeVisible();
  await visitor.close();

  const staff = await browser.newContext({ storageState: ownerState });
  const console = await staff.newPage();
  await console.goto(`${origin}/applications`);
  const row = console.getByRole('row').filter({ hasText: `Quin ${tag}` });
  await expect(row).toContainText(`Pia ${tag}`);
  await expectAccessible(console);
  await staff.close();
});

test.describe('settings', () => {
  test.use({ storageState: ownerState });

  test('LNK-08: a claimed domain says what to set, and that it is not used', async ({ page }) => {
    await page.goto('/settings/link-domains');
    await page.getByRole('button', { name: 'Add a domain' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Domain').fill(`go-${tag}.shop.example`);
    await dialog.getByRole('button', { name: 'Add a domain' }).click();
    const row = page.getByRole('row').filter({ hasText: `go-${tag}.shop.example` });
    await expect(row).toContainText(`_tributary.go-${tag}.shop.example`);
    await expect(row).toContainText('Not proved: not used');
    await expectAccessible(page);
  });
});
