import { at } from '../../support/apiClient.js';
import { expect, expectAccessible, ownerState, pressRowAction, signInAfresh, test } from '../support.js';
import { makeWorkWorld, ownerCalls, until, type WorkWorld } from '../workWorld.js';

test.use({ storageState: ownerState, viewport: { width: 1280, height: 900 } });

let world: WorkWorld;
test.beforeAll(async () => {
  world = await makeWorkWorld(1);
});

test('an applicant is approved from the list, suspended with a reason, and shows both', async ({ page }) => {
  const { id, name } = world.applicant;
  await page.goto(`/affiliates?q=${encodeURIComponent(name)}`);
  const row = page.locator(`tr[data-row="${id}"]`);
  await pressRowAction(row, 'Approve');
  await expect(row).toContainText('approved');

  await page.goto(`/affiliates/${id}`);
  await page.getByRole('button', { name: 'Suspend' }).click();
  await page.getByRole('dialog').getByRole('radio', { name: 'Fraud', exact: true }).check();
  await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click();
  await expect(page.getByText(/^Suspend: Owner/)).toContainText('Fraud');
  await until(`/v1/affiliates/${id}`, (body) => at(body, 'status') === 'suspended');
});

test('balances, links, referrals and commissions of one affiliate are the API’s', async ({ page }) => {
  const { must } = await ownerCalls();
  const balances = await must('GET', `/v1/affiliates/${world.affiliateId}/balances`);
  await page.goto(`/affiliates/${world.affiliateId}?tab=balance`);
  await expect(page.getByRole('table')).toContainText(String(at(balances, '0.pending.amount')));
  await page.getByRole('tab', { name: 'Links' }).click();
  await expect(page.locator('tr[data-row]').first()).toBeVisible();
  await page.getByRole('tab', { name: 'Referrals' }).click();
  await expect(page.locator('tr[data-row]')).toHaveCount(1);
  await page.getByRole('tab', { name: 'Commissions' }).click();
  await expect(page.locator('tr[data-row]')).toHaveCount(1);
});

test('AFF-19: the customers of an affiliate stand in their tab with start and state, counted, and lead to the referral', async ({
  page,
}) => {
  const { must } = await ownerCalls();
  const customers = await must('GET', `/v1/affiliates/${world.affiliateId}/customers?include=counts`);
  expect(at(customers, 'counts.total')).toBe(1);
  await page.goto(`/affiliates/${world.affiliateId}?tab=customers`);
  const table = page.getByRole('table', { name: 'Customers' });
  await expect(table.locator('tr[data-row]')).toHaveCount(1);
  await expect(table.locator('tr[data-row]')).toContainText('active');
  await expect(page.getByText('1 new customer in the last 30 days, 0 in the 30 days before')).toBeVisible();
  await expectAccessible(page);
  await table.getByRole('link', { name: /^Open/ }).click();
  await expect(page).toHaveURL(new RegExp(`/referrals/${String(at(customers, 'data.0.id'))}`));
});

test('an address that nobody confirmed is asked about from the affiliate’s page, and no longer once it is', async ({
  page,
}) => {
  await page.goto(`/affiliates/${world.affiliateId}`);
  const ask = page.getByRole('button', { name: 'Ask to confirm the address' });
  await ask.click();
  await expect(page.getByText('The mail is on its way')).toBeVisible();
  const { must } = await ownerCalls();
  const { email } = (await must('GET', `/v1/affiliates/${world.affiliateId}`)) as { readonly email: string };
  let link = '';
  await until(`/v1/dev/emails?to=${encodeURIComponent(email)}`, (body) => {
    link = /https?:[^"\\]+\/verify-email\/[\w-]+/.exec(JSON.stringify(body))?.[0] ?? '';
    return link !== '';
  });
  await page.goto(link);
  await page.getByRole('button', { name: 'Confirm' }).click();
  await until(`/v1/affiliates/${world.affiliateId}`, (body) => at(body, 'emailVerifiedAt') !== null);
  await page.goto(`/affiliates/${world.affiliateId}`);
  await expect(page.getByRole('button', { name: 'Send a sign-in link' })).toBeVisible();
  await expect(ask).toHaveCount(0);
});

test('an owner says why and sees the portal of an affiliate, with a bar on every page, beside the console', async ({
  page,
  context,
}) => {
  await signInAfresh(context);
  await page.goto(`/affiliates?q=${encodeURIComponent(world.affiliateName)}`);
  await pressRowAction(page.locator(`tr[data-row="${world.affiliateId}"]`), 'See the portal');
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Open the portal' })).toBeDisabled();
  await dialog.getByLabel('Why you look').fill('She asks for her links');
  await dialog.getByRole('button', { name: 'Open the portal' }).click();
  const bar = page.getByRole('status').filter({ hasText: `You see the portal of ${world.affiliateName}` });
  await expect(page).toHaveURL(/\/portal/);
  await expect(bar).toBeVisible();
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await expectAccessible(page);
  await page.goto('/portal/profile');
  await expect(bar).toBeVisible();

  // The console of the same browser goes on in its own tab.
  const console = await context.newPage();
  await console.goto(`/affiliates/${world.affiliateId}`);
  await expect(console.getByRole('heading', { level: 1 })).toHaveText(world.affiliateName);
  await console.close();

  await bar.getByRole('button', { name: 'Leave the portal' }).click();
  await expect(page).toHaveURL(new RegExp(`/affiliates/${world.affiliateId}$`));
  await expect(page.getByRole('button', { name: 'See the portal' })).toBeVisible();
  await page.goto('/portal');
  await expect(page).not.toHaveURL(/\/portal/);
});

test('AUD-11: the timeline of an affiliate tells who did what, is narrowed to a kind, and opens what it is about', async ({
  page,
}) => {
  await page.goto(`/affiliates/${world.affiliateId}?tab=timeline`);
  const table = page.getByRole('table', { name: 'Timeline' });
  const row = (text: string) => table.locator('tr[data-row]').filter({ hasText: text });
  await expect(row('Link made').first()).toBeVisible();
  await expect(row('Approved').first()).toContainText('Owner');
  await expectAccessible(page);
  const filters = page.getByRole('search', { name: 'Filters' });
  await filters.getByLabel('Filter by').selectOption('What it is about');
  await filters.getByLabel('Value').selectOption('Links');
  await filters.getByRole('button', { name: 'Add' }).click();
  await expect(page).toHaveURL(/kind=link/);
  await expect(row('Approved')).toHaveCount(0);
  await row('Link made').first().getByRole('link', { name: 'Link made' }).click();
  await expect(page).toHaveURL(/\/links\/lnk_/);
});

test('a new affiliate is made by hand; one that exists is refused in words', async ({ page }) => {
  const name = `Dora ${world.affiliateName}`;
  const email = `${name.toLowerCase().replaceAll(' ', '-')}@blog.example`;
  for (const isFirst of [true, false]) {
    await page.goto('/affiliates');
    await page.getByRole('heading', { level: 1, name: 'Affiliates' }).waitFor();
    await page.keyboard.press('c');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill(name);
    await dialog.getByLabel('E-mail').fill(email);
    await dialog.getByRole('button', { name: 'Create the affiliate' }).click();
    if (isFirst) await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
    else await expect(dialog.getByRole('alert')).toContainText('This exists already');
  }
});
