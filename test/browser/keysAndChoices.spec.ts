import { at, textAt } from '../support/apiClient.js';
import { expect, expectAccessible, openPage, ownerState, test } from './support.js';
import { makeWorkWorld, ownerCalls, until, type WorkWorld } from './workWorld.js';

// What is done by letter and by word on any screen, and whose figures are shown (screens.md 1.1, 1.4, 3.2, 3.20).

test.use({ storageState: ownerState, viewport: { width: 1280, height: 900 } });

let world: WorkWorld;
let segmentId: string;
test.beforeAll(async () => {
  world = await makeWorkWorld(2);
  const { must } = await ownerCalls();
  const tag = `seg-${Date.now().toString(36)}`;
  const { version } = (await must('GET', `/v1/affiliates/${world.affiliateId}`)) as { readonly version: number };
  await must('PATCH', `/v1/affiliates/${world.affiliateId}`, { tags: [tag] }, { 'if-match': `"${version}"` });
  segmentId = textAt(await must('POST', '/v1/segments', { name: tag, filter: { tag } }), 'id');
});

test('a row is decided by a letter: a approves it, r asks for the reason first', async ({ page }) => {
  await openPage(page, `/referrals?affiliateId=${world.affiliateId}&sort=createdAt`);
  const rows = page.locator('tr[data-row]');
  await expect(rows).toHaveCount(2);
  const id = String(await rows.first().getAttribute('data-row'));
  await page.keyboard.press('a'); // on no row yet: nothing to decide
  await page.keyboard.press('j');
  await expect(rows.first()).toHaveAttribute('data-current', 'true');
  await page.keyboard.press('a');
  await expect(rows.first()).toContainText('approved');
  await until(`/v1/referrals/${id}`, (body) => at(body, 'status') === 'approved');

  await page.keyboard.press('j');
  await expect(rows.nth(1)).toHaveAttribute('data-current', 'true');
  await page.keyboard.press('x');
  await expect(rows.nth(1).getByRole('checkbox')).toBeChecked();
  await rows.nth(1).getByRole('checkbox').focus(); // a box takes no letters itself
  await page.keyboard.press('r');
  const dialog = page.getByRole('dialog', { name: 'Reject' });
  await expect(dialog.getByRole('radio').first()).toBeFocused();
  await page.keyboard.press('f');
  await expect(dialog.getByRole('radio', { name: /^Fraud/ })).toBeChecked();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(rows.nth(1)).toContainText('pending');

  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/referrals/${id}`));
});

test('a letter decides the row that one went to, also when a new one came above it meanwhile', async ({ page }) => {
  const { must } = await ownerCalls();
  const { id, name } = world.applicant;
  await openPage(page, `/affiliates?q=${encodeURIComponent(name)}`);
  const rows = page.locator('tr[data-row]');
  await expect(rows).toHaveCount(1);
  await page.keyboard.press('j');
  const newer = textAt(
    await must('POST', '/v1/affiliates', {
      name: `${name} again`,
      email: `newer-${Date.now().toString(36)}@blog.example`,
      programIds: [world.programId],
    }),
    'id',
  );
  // A list asks again each 30 seconds.
  await expect(rows.first()).toHaveAttribute('data-row', newer, { timeout: 60_000 });
  await expect(page.locator(`tr[data-row="${id}"]`)).toHaveAttribute('data-current', 'true');
  await page.keyboard.press('a');
  await until(`/v1/affiliates/${id}`, (body) => at(body, 'status') === 'approved');
  expect(at(await must('GET', `/v1/affiliates/${newer}`), 'status')).toBe('pending');
});

test('whose row it is stays in sight while a wide list is moved sideways', async ({ page }) => {
  await page.setViewportSize({ width: 900, height: 900 });
  await openPage(page, `/affiliates?q=${encodeURIComponent(world.affiliateName)}`);
  const region = page.getByRole('region', { name: 'Affiliates' });
  await expect(region).toBeVisible();
  const moved = await page.evaluate<number>(
    `(() => { const one = document.querySelector('[role=region][aria-label=Affiliates]'); one.scrollLeft = one.scrollWidth; return one.scrollLeft; })()`,
  );
  expect(moved).toBeGreaterThan(100);
  const cell = page.locator('tr[data-row] td[data-first]').first();
  const [frame, shown] = [await region.boundingBox(), await cell.boundingBox()];
  expect(shown?.x ?? -1).toBeGreaterThanOrEqual(frame?.x ?? 0);
  await expectAccessible(page);
});

test('the search opens a lead by its id, and Enter goes to what is shown, however far one went down', async ({
  page,
}) => {
  const { must } = await ownerCalls();
  const leads = await must('GET', `/v1/leads?affiliateId=${world.affiliateId}&limit=1`);
  const leadId = textAt(leads, 'data.0.id');
  await openPage(page, '/');
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Search or go to' });
  for (let n = 0; n < 20; n += 1) await field.press('ArrowDown');
  const active = String(await field.getAttribute('aria-activedescendant'));
  await expect(page.locator(`#${active}`)).toHaveAttribute('aria-selected', 'true');
  await field.fill(leadId);
  await field.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/leads\\?q=${leadId}`));
  await expect(page.locator(`tr[data-row="${leadId}"]`)).toBeVisible();
});

test('AFF-21: Home and the reports show the figures of a chosen segment, as the API has them', async ({ page }) => {
  const { must } = await ownerCalls();
  await until(`/v1/reports/affiliate-performance?segmentId=${segmentId}`, (body) =>
    JSON.stringify(body).includes('"sales":2'),
  );
  await openPage(page, '/');
  await page.getByLabel('Segment').selectOption(segmentId);
  await expect(page).toHaveURL(new RegExp(`segmentId=${segmentId}`));
  const home = await must('GET', `/v1/console/home?segmentId=${segmentId}`);
  const { figures } = home as { readonly figures: readonly { readonly name: string; readonly value: unknown }[] };
  expect(figures.find(({ name }) => name === 'sales')?.value).toMatchObject({ count: 2 });
  await expect(page.getByRole('link', { name: '2', exact: true }).first()).toBeVisible();

  await openPage(page, '/reports');
  const filters = page.getByRole('search', { name: 'Filters' });
  await filters.getByLabel('Filter by').selectOption('Segment');
  await filters.getByLabel('Value').selectOption(segmentId);
  await filters.getByRole('button', { name: 'Add' }).click();
  await expect(page).toHaveURL(new RegExp(`segmentId=${segmentId}`));
  const table = page.getByRole('table', { name: 'Performance of affiliates' });
  await expect(table.getByRole('row').filter({ hasText: world.affiliateName })).toHaveCount(1);
  await expect(table.getByRole('row').filter({ hasText: world.otherName })).toHaveCount(0);
});

test('a phone draws the words of a chart as large as any other', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await openPage(page, '/');
  await expect(page.locator('[data-chart] svg text').first()).toBeVisible();
  const size = await page.evaluate<number>(
    `document.querySelector('[data-chart] svg text').getBoundingClientRect().height`,
  );
  expect(size).toBeGreaterThanOrEqual(12);
});

test('the profile chooses theme and language of this browser, and they stay (screens.md 3.25)', async ({ page }) => {
  await openPage(page, '/profile');
  await page.getByLabel('Theme').selectOption('dark');
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.getByLabel('Language').selectOption('de');
  await expect(page.getByRole('heading', { level: 1, name: 'Profil' })).toBeVisible();
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Profil' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await page.getByRole('button', { name: /^Konto/ }).click();
  await expect(page.getByRole('menu').getByLabel('Sprache')).toHaveValue('de');
});
