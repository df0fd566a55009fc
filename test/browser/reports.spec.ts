import { sessionCalls } from './payoutWorld.js';
import {
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  freshCookie,
  ownerState,
  stackNotes,
  test,
} from './support.js';
import { makeWorkWorld, type WorkWorld, until } from './workWorld.js';

// Figures of affiliates in their list and in the reports, each number opening its rows (ADM-05, RPT-01, RPT-06, FRD-05).

test.describe.configure({ mode: 'serial' });
test.use({ storageState: ownerState });

/** One word, wider than a phone. */
const longSlug = `${'wide'.repeat(11)}${Date.now().toString(36)}`;
let world: WorkWorld;
test.beforeAll(async () => {
  world = await makeWorkWorld(2);
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  const { affiliateId, programId } = world;
  await must('POST', '/v1/links', { affiliateId, programId, slug: longSlug, destinationUrl: 'https://shop.example/' });
  const click = await fetch(`${origin}/r/${longSlug}`, {
    redirect: 'manual',
    headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document' },
  });
  if (click.status !== 302) throw new Error(`the click is answered ${click.status}`);
  await until(`/v1/reports/affiliate-performance?affiliateId=${world.affiliateId}`, (body) =>
    JSON.stringify(body).includes('"sales":2'),
  );
});

test('ADM-05: the list of affiliates shows what each brought, ordered by it, and opens the rows', async ({ page }) => {
  await page.goto('/affiliates?sort=-sales&limit=100');
  const table = page.getByRole('table', { name: 'Affiliates' });
  const row = table.getByRole('row').filter({ hasText: world.affiliateName });
  await expect(row.getByRole('cell', { name: '2', exact: true }).first()).toBeVisible();
  await expect(table.getByRole('columnheader', { name: /Last activity/ })).toBeVisible();
  await expectAccessible(page);

  await row.locator('[data-label="Sales"]').getByRole('link').click();
  await expect(page).toHaveURL(new RegExp(`/sales\\?affiliateId=${world.affiliateId}`));
  await expect(page.getByRole('table').getByRole('row')).toHaveCount(3);
});

test('RPT-01, RPT-02: a report by days, compared with a year before, ordered, and its numbers open their rows', async ({
  page,
}) => {
  await page.goto('/reports');
  await expect(page.getByRole('heading', { level: 1, name: 'Reports' })).toBeVisible();
  const table = page.getByRole('table', { name: 'Performance of affiliates' });
  const filters = page.getByRole('search', { name: 'Filters' });
  await filters.getByRole('searchbox').fill(world.affiliateName);
  await filters.getByRole('searchbox').press('Enter');
  await expect(page).toHaveURL(/q=/);
  await page.getByLabel('Order by').selectOption('clicks');
  await expect(page).toHaveURL(/order=clicks/);
  await page.getByLabel('Compare with').selectOption('year');
  await expect(table.getByRole('row', { name: /^\d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d/ })).toBeVisible();
  await expectAccessible(page);

  // screens.md 3.20: the same as a call of the API, and kept as a view.
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy as API call' }).click();
  await expect(page.getByText('Copied')).toBeVisible();
  const copied = String(await page.evaluate('navigator.clipboard.readText()'));
  expect(copied).toMatch(
    /^curl 'http[^']+\/v1\/reports\/affiliate-performance\?[^']*sort=-clicks[^']*' -H 'Authorization/,
  );
  expect(copied).toContain('compare=year');
  await page.getByRole('button', { name: 'Views' }).click();
  const kept = page.getByRole('button', { name: `Yearly ${world.affiliateName}`, exact: true });
  await page.getByLabel('Keep this view as').fill(`Yearly ${world.affiliateName}`);
  await page.getByRole('button', { name: 'Keep the view' }).click();
  await expect(kept).toBeVisible();
  await page.goto('/reports');
  await page.getByRole('button', { name: 'Views' }).click();
  await kept.click();
  await expect(page).toHaveURL(/compare=year/);

  const row = table.getByRole('row').filter({ hasText: world.affiliateName });
  await row.locator('[data-label="Leads"]').getByRole('link').click();
  await expect(page).toHaveURL(new RegExp(`/leads\\?affiliateId=${world.affiliateId}`));
});

test('FRD-05, RPT-08, RPT-09: quality, who sent leads and the funnel stand in the same place', async ({ page }) => {
  await page.goto(`/reports?report=quality&affiliateId=${world.affiliateId}`); // other specs' affiliates fill the first page
  const whose = page.getByRole('search', { name: 'Filters' }).getByText(`Affiliate: ${world.affiliateName}`);
  await expect(page.getByRole('table', { name: 'Quality of affiliates' })).toContainText(world.affiliateName);
  await expect(page.getByRole('table', { name: 'Quality of affiliates' }).getByRole('row')).toHaveCount(3);
  await page.getByRole('navigation', { name: 'Reports' }).getByRole('link', { name: 'Who sent leads' }).click();
  await expect(page.getByRole('table', { name: 'Who sent leads' })).toContainText(world.affiliateName);
  await expect(whose).toBeVisible();
  await page.getByRole('navigation', { name: 'Reports' }).getByRole('link', { name: 'Funnel' }).click();
  await page.setViewportSize({ width: 320, height: 640 });
  await expect(page.getByRole('table', { name: 'Funnel' })).toContainText(longSlug);
  await expectNoSidewaysScroll(page);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.getByLabel('By', { exact: true }).selectOption('program');
  await expect(page.getByRole('table', { name: 'Funnel' }).getByRole('row').nth(1)).toBeVisible();
  await page.setViewportSize({ width: 320, height: 640 });
  await expectNoSidewaysScroll(page);

  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto(`/reports?report=quality&from=2001-01-01&to=2001-01-31`);
  await expect(page.getByRole('table', { name: 'Quality of affiliates' })).toBeVisible();
});
