import { expect, expectAccessible, ownerState, test } from '../support.js';

test.use({ storageState: ownerState });

test('the chain is verified on screen and an entry shows the story of its object', async ({ page }) => {
  await page.goto('/audit');
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await expect(page.getByText('The record holds')).toBeVisible();
  await expectAccessible(page);

  await page.locator('tr[data-row]').first().getByRole('link').first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Audit entry');
  await expect(page.getByRole('heading', { name: 'What changed' })).toBeVisible();
  await expectAccessible(page);
});

test('the books balance on screen, now and as of a past moment', async ({ page }) => {
  await page.goto('/ledger?currency=USD');
  await page.getByRole('button', { name: 'Check the books' }).click();
  await expect(page.getByText(/All \d+ checks hold\./)).toBeVisible();

  await page.goto('/ledger?currency=USD&asOf=2020-01-01T00:00:00.000Z');
  await expect(page.getByText('No balances in this currency at that time.')).toBeVisible();
  await expectAccessible(page);
});
