import { randomUUID } from 'node:crypto';
import { type Page, test as anyPage } from '@playwright/test';
import pg from 'pg';
import { type CompanyProvider, startCompanyProvider } from '../support/companyProvider.js';
import { expect, expectAccessible, freshCookie, openPage, signInAfresh, stackNotes, test } from './support.js';
import { sessionCalls } from './payoutWorld.js';

// Staff sign-in through the company's provider on screen (BEY-35, screens.md 3.24): set up, come in, confirm there, and what is not offered.

// One provider of one workspace: the first sets it up, the last finds it on.
test.describe.configure({ mode: 'serial' });
let company: CompanyProvider;
/** Whoever came in goes again: with one more person who may decide, the tests after these would need a second one. */
let cameIn: string | undefined;
const label = 'Sign in with Shop ID';

test.beforeAll(async () => {
  company = await startCompanyProvider({ redirectUri: `${stackNotes().origin}/v1/auth/oidc/callback` });
});
test.afterAll(async () => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const { version, updatedAt } = (await must('GET', '/v1/sign-in-provider')) as { version: number; updatedAt: unknown };
  if (updatedAt !== null)
    await must(
      'PUT',
      '/v1/sign-in-provider',
      { issuer: company.issuer, clientId: company.clientId, label, roleGroups: [], enabled: false },
      { 'if-match': `"${version}"` },
    );
  if (cameIn !== undefined) {
    const people = (await must('GET', `/v1/users?q=${cameIn}`)) as {
      readonly data: readonly { readonly id: string }[];
    };
    for (const { id } of people.data) await must('DELETE', `/v1/users/${id}`);
  }
  await company.close();
});

/** The provider's own forms, as its people fill them in: who they are, and the first time whether we may know it. */
async function fillIn(page: Page, login: string, { isFirst }: { readonly isFirst: boolean }): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  if (isFirst) await page.getByRole('button', { name: 'Continue' }).click();
}

test('an owner sets the provider up, and what it answers for is checked', async ({ page, context }) => {
  await signInAfresh(context);
  await openPage(page, '/settings');
  await page.getByRole('link', { name: 'Company sign-in' }).click();
  const form = page.getByRole('form', { name: 'Company sign-in' });
  await expect(form.getByText(`${stackNotes().origin}/v1/auth/oidc/callback`)).toBeVisible();
  await form.getByLabel('Issuer').fill('https://10.1.2.3');
  await form.getByLabel('Client id').fill(company.clientId);
  await form.getByLabel('Client secret').fill(company.clientSecret);
  await form.getByLabel('Words of the button').fill(label);
  await form.getByRole('button', { name: 'Add a group' }).click();
  await form.getByLabel(/^Group 1\b/).fill('bosses');
  await form.getByLabel(/^Role 1\b/).selectOption('Owner');
  await form.getByRole('switch', { name: 'Staff may sign in this way' }).check();
  await form.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(form.getByText(/No discovery document could be read there/).first()).toBeVisible();

  await form.getByLabel('Issuer').fill(company.issuer);
  await form.getByRole('button', { name: 'Save', exact: true }).click();

  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await expect(form.getByLabel('Client secret')).toHaveValue('');
  await expect(form.getByText(/Kept, and never shown again/)).toBeVisible();
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
});

// The pages of the provider are not ours: nothing watches what they ask for.
anyPage('somebody comes in by the button, and confirms a change at the provider', async ({ browser }) => {
  const { origin, environment } = stackNotes();
  const login = `boss-${randomUUID().slice(0, 8)}`;
  company.accounts.set(login, { email: `${login}@shop.example`, name: 'Pia Fox', groups: ['bosses'] });
  cameIn = login;
  const context = await browser.newContext({ baseURL: origin, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto('/sign-in?next=%2Fprofile');
  await expectAccessible(page);
  await page.getByRole('link', { name: label }).click();
  await fillIn(page, login, { isFirst: true });

  await expect(page).toHaveURL(`${origin}/profile`);
  await expect(page.getByRole('button', { name: 'Account: Pia Fox' })).toBeVisible();
  await expect(page.getByText(/You signed in through your company/)).toBeVisible();
  await expect(page.getByLabel('New password')).toHaveCount(0);

  const database = new pg.Client({ connectionString: environment['MIGRATION_DATABASE_URL'] });
  await database.connect();
  await database.query(`update sessions set stepped_up_at = now() - interval '6 minutes' where by_provider`);
  await database.end();
  await page.goto('/settings/provider');
  await page.getByLabel('Words of the button').fill(`${label}!`);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(/asks you again in a new window/)).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Go on' }).click();
  await expect(dialog.getByText('Not confirmed yet: finish it in the other window.')).toBeVisible();

  const opened = context.waitForEvent('page');
  await dialog.getByRole('link', { name: 'Confirm at your company' }).click();
  const other = await opened;
  await fillIn(other, login, { isFirst: false });
  await expect(other.getByText('You can close this window and go on in the other one.')).toBeVisible();
  await expectAccessible(other);
  await other.close();
  await dialog.getByRole('button', { name: 'Go on' }).click();

  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await page.goto('/sign-in');
  await expect(page.getByRole('link', { name: `${label}!` })).toBeVisible();
  await context.close();
});

anyPage('whoever is in no group that counts reads why, and is not in', async ({ browser }) => {
  const { origin } = stackNotes();
  const login = `choir-${randomUUID().slice(0, 8)}`;
  company.accounts.set(login, { email: `${login}@shop.example`, groups: ['choir'] });
  const context = await browser.newContext({ baseURL: origin });
  const page = await context.newPage();
  await page.goto('/sign-in');
  await page.getByRole('link', { name: label }).click();
  await fillIn(page, login, { isFirst: true });

  await expect(page.getByRole('alert')).toHaveText(/No group of yours at your company opens anything here/);
  await page.goto('/profile');
  await expect(page).toHaveURL(/\/sign-in/);
  await context.close();
});
