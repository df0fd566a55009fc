import type { Browser, Page } from '@playwright/test';
import { textAt } from '../../support/apiClient.js';
import { makePayoutWorld, type PayoutWorld, sessionCalls } from '../payoutWorld.js';
import {
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  freshCookie,
  openPage,
  ownerState,
  signInAfresh,
  stackNotes,
  test,
} from '../support.js';

// One run from the plan to the last cent, as two people in two browsers see it (screens.md 5).

let world: PayoutWorld;

test.beforeAll(async () => {
  test.setTimeout(240_000);
  world = await makePayoutWorld(stackNotes().origin, await freshCookie());
});

async function approver(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const page = await context.newPage();
  await page.goto(`${stackNotes().origin}/sign-in`);
  await page.getByLabel('E-mail').fill(world.approver.email);
  await page.getByLabel('Password', { exact: true }).fill(world.approver.password);
  await page.getByRole('button', { name: /^sign in$/i }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  return page;
}

test.describe('a payout run', () => {
  test.use({ storageState: ownerState });

  test('PAY-02, PAY-20: who is due stands on a list of its own, with sum, number, day and reason, and is drafted from there', async ({
    page,
  }) => {
    await page.goto('/');
    await page.getByRole('navigation').getByRole('link', { name: 'Who is due' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Who is due');
    await page.goto('/payouts/due?limit=100');
    const ada = page.locator(`tr[data-row="${world.ada.id}-USD"]`);
    await expect(ada).toContainText('USD 10.00');
    await expect(ada).toContainText(/\d{1,2} \w{3} \d{4}/);
    await expect(ada.getByRole('button', { name: 'USD 10.00' })).toBeVisible();
    const bo = page.locator(`tr[data-row="${world.bo.id}-USD"]`);
    await expect(bo).toContainText('No payout method');
    await expect(bo.getByRole('button', { name: /USD/ })).toHaveCount(0);
    await expect(page.locator(`tr[data-row="${world.cy.id}-USD"]`)).toContainText('Below the minimum');
    await expectAccessible(page);
    // As it stood before any of them earned something.
    await page.goto('/payouts/due?limit=100&asOf=2020-01-01');
    await expect(page.getByText('Nothing matches')).toBeVisible();
  });

  test('says who is paid, who is not and why; the maker cannot approve, the second person can', async ({
    page,
    browser,
  }) => {
    await signInAfresh(page.context());
    await page.goto('/payout-runs');
    await page.getByRole('button', { name: 'New payout run' }).first().click();
    const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
    const program = textAt(await must('GET', `/v1/programs/${world.programId}`), 'name');
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('group', { name: 'Only these programs' }).getByLabel(program).check();
    await dialog.getByRole('group', { name: 'Only these methods' }).getByLabel('Simulated').check();
    await dialog.getByLabel('Approved until').fill('2026-01-01T00:00');
    await dialog.getByLabel('Only a dry run').check();
    await dialog.getByRole('button', { name: 'Show what would be paid' }).click();
    // Nothing was approved by then.
    await expect(dialog.getByText('This was a dry run')).toBeVisible();
    await expect(dialog.getByRole('region', { name: 'USD', exact: true })).toContainText('Paid to 0 affiliates');
    await dialog.getByRole('button', { name: 'Back' }).click();
    await dialog.getByLabel('Approved until').fill('');
    await dialog.getByRole('group', { name: 'Only these methods' }).getByLabel('Simulated').uncheck();
    await dialog.getByLabel('Only a dry run').uncheck();
    await page.getByLabel('Note').fill('November');
    await page.getByRole('button', { name: 'Plan and reserve' }).click();
    await expect(page.getByTestId('plan-hash')).toHaveText(/^sha256:/, { timeout: 60_000 });
    await expect(page.getByText('Only these programs')).toBeVisible();
    await expect(page.getByRole('main').getByRole('link', { name: program })).toBeVisible();
    await expect(page.getByText('Needed at the providers')).toBeVisible();
    const runPath = new URL(page.url()).pathname;
    const file = page.waitForEvent('download');
    await page.getByRole('button', { name: 'The run as PDF' }).click();
    expect((await file).suggestedFilename()).toMatch(/^payout-run-run_.*\.pdf$/);

    await expect(page.locator('tr[data-row]').filter({ hasText: 'Ada' }).first()).toContainText('USD 10.00');
    await page.getByRole('tab', { name: 'Not paid this time' }).click();
    const bo = page.locator(`tr[data-row="${world.bo.id}-USD"]`);
    await expect(bo).toContainText('No payout method');
    await expect(bo).toContainText('USD 25.00');
    await expect(page.locator(`tr[data-row="${world.cy.id}-USD"]`)).toContainText('Below the minimum');
    await expectAccessible(page);

    // One more reason for Bo is another plan: it says so, and what is different.
    await bo.getByRole('button', { name: /^Take .* out$/ }).click();
    const changed = page.getByRole('alert').filter({ hasText: 'The plan changed' });
    await expect(changed).toContainText('This is plan 2. One line differs from plan 1.', { timeout: 60_000 });
    await expect(changed).toContainText('The totals are the same.');
    await changed.getByRole('button', { name: 'Show what changed' }).click();
    await expect(page.getByRole('tab', { name: 'What changed' })).toHaveAttribute('aria-selected', 'true');
    await expect(page.locator('tr[data-row]')).toHaveCount(1);
    await expect(bo).toContainText('Not paid now: No payout method');
    await expectAccessible(page);

    await page.locator('[data-action="approve"]').click();
    await page
      .getByRole('dialog')
      .getByRole('button', { name: /^Approve run: / })
      .click();
    await expect(page.getByRole('dialog').getByRole('alert')).toContainText('own_work');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

    const ben = await approver(browser);
    await ben.goto(`${stackNotes().origin}${runPath}`);
    await ben.locator('[data-action="approve"]').click();
    await ben
      .getByRole('dialog')
      .getByRole('button', { name: /^Approve run: USD/ })
      .click();
    await ben.locator('[data-action="execute"]').click();
    await ben.getByRole('dialog').getByRole('button', { name: 'Send the payouts now' }).click();

    await expect(page.getByText('● completed')).toBeVisible({ timeout: 90_000 });
    await page.getByRole('tab', { name: 'Payouts', exact: true }).click();
    await page.locator('tr[data-row]').filter({ hasText: 'Ada' }).getByRole('link').first().click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Payout');
    await expect(page.getByText('sbx_').first()).toBeVisible();
    await ben.context().close();
  });

  test('fits a narrow phone', async ({ page }) => {
    await page.setViewportSize({ width: 320, height: 640 });
    for (const path of ['/payout-runs', '/payouts', '/ledger', '/audit']) {
      await openPage(page, path);

      await expectNoSidewaysScroll(page);
    }
  });
});
