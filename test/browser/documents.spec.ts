import { randomUUID } from 'node:crypto';
import type { Page } from '@playwright/test';
import { at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import * as pictures from '../support/pictures.js';
import { sessionCalls } from './payoutWorld.js';
import { openProgram } from './program.js';
import {
  chooseTheme,
  expect,
  expectAccessible,
  expectNarrow,
  freshCookie,
  openPage,
  ownerState,
  pressRowAction,
  stackNotes,
  test,
} from './support.js';

// Supporting documents (AFF-24) from the list that a program makes to the enrolment that becomes active: staff at a desk, the affiliate on a phone.

test.describe.configure({ mode: 'serial' });
test.use({ storageState: ownerState });

const tag = randomUUID().slice(0, 8);
const label = `Trade licence ${tag}`;
let owner: Awaited<ReturnType<typeof sessionCalls>>;
let programId: string;
let affiliateId: string;
let enrolmentId: string;
let cookies: Awaited<ReturnType<ReturnType<Page['context']>['cookies']>> = [];

test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000);
  const { origin } = stackNotes();
  owner = await sessionCalls(origin, await freshCookie());
  const { must } = owner;
  // The same values as the other worlds: whoever comes first, a program needs settings that were saved.
  const settings = await must('GET', '/v1/settings');
  await must(
    'PATCH',
    '/v1/settings',
    { general: { timeZone: 'Europe/Warsaw', defaultCurrency: 'USD' } },
    { 'if-match': `"${String(at(settings, 'version'))}"` },
  );
  const opened = await openProgram(
    must,
    { name: `Papers ${tag}`, requirements: [] },
    { name: `Paper ${tag}`, sku: `paper-${tag}` },
  );
  programId = opened.programId;
  const email = `dora-${tag}@blog.example`;
  affiliateId = textAt(await must('POST', '/v1/affiliates', { name: `Dora ${tag}`, email, programIds: [] }), 'id');
  await must('POST', `/v1/affiliates/${affiliateId}/approve`, { reason: 'Known' });
  const link = await eventually(
    async () => {
      const mails = (await must('GET', `/v1/dev/emails?to=${email}`)) as { data: { links: string[] }[] };
      const found = mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
      if (found === undefined) throw new Error('the welcome mail is not there yet');
      return found;
    },
    { within: 60_000 },
  );
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await page.waitForURL(/\/portal/);
  cookies = await context.cookies();
  await context.close();
});

/** A phone that is signed in as the affiliate. */
async function onPhone(page: Page, use: (phone: Page) => Promise<void>): Promise<void> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('a page without a browser');
  const context = await browser.newContext({
    baseURL: stackNotes().origin,
    storageState: { cookies: [], origins: [] },
    viewport: { width: 390, height: 844 },
  });
  await context.addCookies(cookies);
  const phone = await context.newPage();
  await phone.goto('/portal/documents');
  await use(phone);
  await context.close();
}

async function send(phone: Page): Promise<void> {
  await phone.getByRole('button', { name: `Send: ${label}` }).click();
  const dialog = phone.getByRole('dialog', { name: `Send: ${label}` });
  await dialog.getByLabel('File').setInputFiles({ name: 'IMG 1.jpg', mimeType: 'image/jpeg', buffer: pictures.jpeg });
  await expectAccessible(phone);
  await dialog.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(dialog).toHaveCount(0);
  await expect(phone.getByText('sent, waits for review')).toBeVisible();
}

test('AFF-24: a program lists what it asks for, and the affiliate’s page names what is missing', async ({ page }) => {
  await page.goto(`/programs/${programId}?tab=documents`);
  await page.getByRole('button', { name: 'Add a document' }).click();
  await page.getByLabel('Document 1').fill(label);
  await page.getByLabel('Hint for the affiliate').fill('Front page');
  await expect(page.getByLabel('No activation before every required document is accepted')).toBeChecked();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Save the documents' }).click();
  await expect(page.getByText('Saved')).toBeVisible();
  await expectNarrow(page);
  await page.setViewportSize({ width: 1280, height: 900 });

  const enrolment = await owner.must('POST', `/v1/affiliates/${affiliateId}/enrolments`, { programId });
  enrolmentId = textAt(enrolment, 'id');
  await page.goto(`/affiliates/${affiliateId}`);
  await expect(page.getByText(`${label}: missing`).first()).toBeVisible();
  const refused = await owner.call('POST', `/v1/enrolments/${enrolmentId}/activate`, {});
  expect(refused.status).toBe(409);
  await page.goto(`/affiliates/${affiliateId}?tab=documents`);
  await expect(page.getByRole('heading', { name: label })).toBeVisible();
  await expectNarrow(page);
});

test('AFF-24: sent from a phone, refused with a reason, sent again, accepted; then the enrolment becomes active', async ({
  page,
}) => {
  await onPhone(page, async (phone) => {
    await expect(phone.getByText('missing', { exact: true })).toBeVisible();
    await send(phone);
    await expectNarrow(phone);
  });

  await page.goto('/documents?status=waiting');
  const row = page.getByRole('row').filter({ hasText: label });
  await pressRowAction(row, 'Refuse');
  const dialog = page.getByRole('dialog', { name: 'Refuse' });
  await dialog.getByLabel(/affiliate/i).fill('The date cannot be read.');
  await dialog.getByRole('button', { name: 'Refuse' }).click();
  await expect(row).toHaveCount(0);

  await onPhone(page, async (phone) => {
    await expect(phone.getByText('refused: send it again')).toBeVisible();
    await expect(phone.getByText('The date cannot be read.')).toBeVisible();
    await send(phone);
  });

  await page.goto(`/affiliates/${affiliateId}?tab=documents`);
  const download = page.waitForEvent('download');
  await page
    .getByRole('button', { name: `Download ${label}: IMG 1.jpg` })
    .first()
    .click();
  expect((await download).suggestedFilename()).toMatch(/^doc_\w+\.jpg$/);
  await page.getByRole('button', { name: 'Accept', exact: true }).click();
  await expect(page.getByRole('list', { name: 'What is asked for' }).getByText('accepted')).toBeVisible();
  await expectAccessible(page);
  await page.goto(`/affiliates/${affiliateId}`);
  await page.getByRole('button', { name: 'Activate' }).click();
  await expect(page.getByText('active', { exact: true }).first()).toBeVisible();
});

test('AFF-24: in the dark and in German, at 320 px', async ({ page }) => {
  await chooseTheme(page, 'dark');
  await page.addInitScript({ content: `localStorage.setItem('language', 'de')` });
  await openPage(page, '/documents?status=accepted');
  await expectNarrow(page);
});
