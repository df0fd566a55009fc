import { randomUUID } from 'node:crypto';
import { at, textAt } from '../support/apiClient.js';
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

// Customer accounts from opening to the customer's own password (LED-10 to LED-12), and the API user's lead fields (LED-04, LED-11, LED-13).

test.describe.configure({ mode: 'serial' });

const tag = randomUUID().slice(0, 8);
const email = `cora-${tag}@buyer.example`;
const passphrase = 'a long pass phrase for the browser';
let affiliateName: string;
let programSlug: string;

test.beforeAll(async () => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const settings = await must('GET', '/v1/settings');
  await must(
    'PATCH',
    '/v1/settings',
    { general: { timeZone: 'Europe/Warsaw', defaultCurrency: 'USD' } },
    { 'if-match': `"${String(at(settings, 'version'))}"` },
  );
  const program = await openProgram(must, { name: `Asking ${tag}` }, { name: `Thing ${tag}` });
  programSlug = program.slug;
  affiliateName = `Keys ${tag}`;
  const affiliate = await must('POST', '/v1/affiliates', { name: affiliateName, email: `keys-${tag}@blog.example` });
  await must('POST', `/v1/affiliates/${textAt(affiliate, 'id')}/approve`, { reason: 'Known' });
  await must('POST', '/v1/lead-sources', { name: `Fair ${tag}` });
  await must('POST', '/v1/contacts', { name: `Max ${tag}`, email: `max-${tag}@blog.example` });
});

/** The newest one-time link to choose a password that was mailed to the customer. */
async function passwordLink(): Promise<string> {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const mails = (await must('GET', `/v1/dev/emails?to=${email}`)) as { data: { links: string[] }[] };
  return mails.data.flatMap((mail) => mail.links).find((link) => link.includes('/set-password/')) ?? '';
}

test.describe('staff', () => {
  test.use({ storageState: ownerState });

  test('LED-12: an account is opened, changed, stopped and goes on; staff see whether a password was chosen, never which', async ({
    page,
  }) => {
    await page.goto('/customer-accounts');
    await page.getByRole('button', { name: 'New account' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'New account' });
    await dialog.getByLabel('E-mail').fill(email);
    await dialog.getByLabel('Name').fill(`Cora ${tag}`);
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Open the account' }).click();
    const row = page.getByRole('row').filter({ hasText: email });
    await expect(row).toContainText('link works until');

    await pressRowAction(row, 'Change');
    const change = page.getByRole('dialog', { name: 'Change' });
    await change.getByLabel('Phone').fill('+48 600 100 200');
    await expectAccessible(page);
    await change.getByRole('button', { name: 'Save' }).click();
    await expect(change).toHaveCount(0);

    await pressRowAction(row, 'Suspend');
    const why = page.getByRole('dialog');
    await why.getByRole('button', { name: 'Suspend' }).click();
    await expect(row).toContainText('suspended');
    await pressRowAction(row, 'Resume');
    await expect(row).toContainText('active');
    await expectAccessible(page);
  });

  test('LED-04, LED-11, LED-13: paid by lead no account is opened, and says why; source and portal login are chosen', async ({
    page,
  }) => {
    await page.goto('/developers/api-keys');
    await page.getByRole('button', { name: 'New key' }).first().click();
    const dialog = page.getByRole('dialog', { name: 'New key' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill(`Server ${tag}`);
    await dialog.getByLabel('Affiliate', { exact: true }).selectOption({ label: affiliateName });
    await dialog.getByLabel('Lead source').selectOption({ label: `Fair ${tag}` });
    const opens = dialog.getByRole('checkbox', { name: 'Open a customer account' });
    await dialog.getByLabel('Paid by').selectOption({ label: 'purchase (CPA)' });
    await expect(opens).toBeEnabled();
    await expect(opens).toBeChecked();
    await dialog.getByLabel('Paid by').selectOption({ label: 'lead (CPL)' });
    await expect(opens).toBeDisabled();
    await expect(opens).not.toBeChecked();
    await expect(dialog.getByText('Not possible: paid by lead (CPL)')).toBeVisible();
    await dialog.getByLabel('Search by name or e-mail').fill(`max-${tag}`);
    await dialog.getByLabel('Portal login of').selectOption({ label: `Max ${tag}, max-${tag}@blog.example` });
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Create the key' }).click();
    await page.getByRole('button', { name: 'I have kept it' }).click();

    const row = page.getByRole('row').filter({ hasText: `Server ${tag}` });
    await expect(row).toContainText(affiliateName);
    await expect(row).toContainText(`Fair ${tag}`);
    await pressRowAction(row, 'Change');
    const change = page.getByRole('dialog', { name: `Change Server ${tag}` });
    await expect(change.getByLabel('Portal login of')).toHaveValue(/^con_/);
    await expect(change.getByRole('checkbox', { name: 'Open a customer account' })).toBeDisabled();
    await expectAccessible(page);
  });
});

test.describe('staff', () => {
  test.use({ storageState: ownerState });

  test('AFF-03: a program asks its own questions in their order, and the public form shows them', async ({ page }) => {
    await page.goto('/applications');
    await page.getByRole('link', { name: 'Application form' }).click();
    await page.getByLabel('Program', { exact: true }).selectOption({ label: `Asking ${tag}` });
    await page.getByLabel('Website').selectOption({ label: 'required' });
    await page.getByLabel('Company').selectOption({ label: 'not asked' });
    await page.getByRole('button', { name: 'Add a question' }).click();
    await page.getByLabel('Question 1').fill('How many readers?');
    await page.getByRole('button', { name: 'Add a question' }).click();
    await page.getByLabel('Question 2').fill('Where do you write?');
    await page.getByLabel('Answer').last().selectOption({ label: 'a choice' });
    await page.getByRole('button', { name: 'Save the form' }).click();
    await expect(page.getByText('Options belong to a choice.').first()).toBeVisible();
    await page.getByLabel('Options, one per line').fill('Blog\nVideo');
    await page.getByRole('button', { name: 'Move Where do you write? up' }).click();
    await expectAccessible(page);
    await page.getByRole('button', { name: 'Save the form' }).click();
    await expect(page.getByText('The form is saved')).toBeVisible();
    await page.reload();
    await expect(page.getByLabel('Question 1')).toHaveValue('Where do you write?');

    await page.goto(`/apply/${programSlug}`);
    await expect(page.getByLabel('Where do you write?')).toBeVisible();
    await expect(page.getByLabel('How many readers?')).toBeVisible();
    await expect(page.getByLabel(/^Company/)).toHaveCount(0);
    await expectAccessible(page);
  });
});

test('LED-12: the customer’s link works once; used or late it says so and offers another by mail', async ({ page }) => {
  const link = await passwordLink();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(link);
  await expect(page.getByRole('heading', { name: 'Choose your password' })).toBeVisible();
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
  await page.getByRole('textbox', { name: /^Password/ }).fill('password1234');
  await page.getByRole('button', { name: 'Save the password' }).click();
  await expect(page.getByText(/guessed first/)).toBeVisible();
  await page.getByRole('textbox', { name: /^Password/ }).fill(passphrase);
  await page.getByRole('button', { name: 'Save the password' }).click();
  await expect(page.getByText('The password is saved.')).toBeVisible();
  // A customer of the merchant has no login of ours.
  await expect(page.getByRole('link', { name: 'Sign in' })).toHaveCount(0);

  const again = await page.goto(link);
  expect(again?.status()).toBe(410);
  await expect(page.getByRole('heading', { name: 'This link no longer works' })).toBeVisible();
  await page.getByRole('link', { name: 'Get a new one' }).click();
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Mail me a link' }).click();
  await expect(page.getByText('If this address is known, a link is on its way.')).toBeVisible();
  await expect.poll(passwordLink).not.toBe(link);
  const next = await page.goto(await passwordLink());
  expect(next?.status()).toBe(200);
  await expect(page.getByRole('heading', { name: 'Choose your password' })).toBeVisible();
});
