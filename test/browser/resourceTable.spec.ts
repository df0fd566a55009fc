import { readFile } from 'node:fs/promises';
import knexFactory from 'knex';
import { textOfPdf } from '../support/pdfText.js';
import { expect, ownerState, stackNotes, test } from './support.js';

test.use({ storageState: ownerState, viewport: { width: 1280, height: 900 } });

/** Enough people for two pages of ten; made once, through the API, as the page would. */
async function inviteTwelve(page: import('@playwright/test').Page): Promise<void> {
  await page.goto('/settings/team');
  const statuses = await page.evaluate<number[]>(`(async () => {
    const me = await (await fetch('/v1/me')).json();
    const answers = [];
    for (let i = 10; i < 22; i += 1) {
      const answer = await fetch('/v1/users', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrfToken },
        body: JSON.stringify({ email: 'agent' + i + '@shop.example', name: '=Agent ' + i, roleIds: ['agent'] }),
      });
      answers.push(answer.status);
    }
    return answers;
  })()`);
  expect(statuses.every((status) => status === 201 || status === 409)).toBe(true);
}

test('a list is its address: page size, next, previous and a copied address show the same rows', async ({
  page,
  context,
}) => {
  await inviteTwelve(page);
  await page.getByLabel('Rows per page').selectOption('10');
  const rows = page.locator('tr[data-row]');
  await expect(rows).toHaveCount(10);
  const first = await rows.first().getAttribute('data-row');

  await page.getByRole('button', { name: 'Next' }).click();
  await expect(page.getByText(/^11–\d+/)).toBeVisible();
  await expect(rows.first()).not.toHaveAttribute('data-row', first ?? '');
  const second = await rows.first().getAttribute('data-row');
  const copied = await context.newPage();
  await copied.goto(page.url());
  await expect(copied.locator('tr[data-row]').first()).toHaveAttribute('data-row', second ?? '');
  await copied.close();

  await page.getByRole('button', { name: 'Previous' }).click();
  await expect(rows.first()).toHaveAttribute('data-row', first ?? '');
});

test('columns are shown, hidden and moved by the keyboard, and kept for the next visit', async ({ page }) => {
  await page.goto('/settings/team');
  await page.getByRole('button', { name: 'Columns' }).press('Enter');
  await page.getByLabel('E-mail', { exact: true }).press('Space');
  await expect(page.getByRole('columnheader', { name: 'E-mail' })).toHaveCount(0);
  // Past the assigned affiliates, then past the roles.
  for (let move = 0; move < 2; move += 1) {
    const kept = page.waitForResponse(
      (answer) => answer.url().includes('/v1/preferences/') && answer.request().method() === 'PUT',
    );
    await page.getByRole('button', { name: 'Move Status forward' }).press('Enter');
    expect((await kept).status()).toBe(200);
  }
  await expect(page.getByRole('columnheader').nth(2)).toHaveText('Status');

  await page.goto('/settings/team');
  await expect(page.getByRole('columnheader').nth(2)).toHaveText('Status');
  await expect(page.getByRole('columnheader', { name: 'E-mail' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Columns' }).click();
  const restored = page.waitForResponse(
    (answer) => answer.url().includes('/v1/preferences/') && answer.request().method() === 'PUT',
  );
  await page.getByLabel('E-mail', { exact: true }).click();
  await restored;
});

test('the export holds exactly the rows of the view, and no cell that a spreadsheet would run', async ({ page }) => {
  await inviteTwelve(page);
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.getByRole('menuitem', { name: 'As CSV' }).click();
  const text = await readFile(await (await waiting).path(), 'utf8');
  const lines = text.trim().split('\r\n');

  expect(lines.length).toBeGreaterThan(12);
  expect(text).toContain("'=Agent 21");
  expect(text).not.toMatch(/(^|,)=/m);
});

test('RPT-04: the same view as PDF, by the keyboard alone', async ({ page }) => {
  await inviteTwelve(page);
  await page.goto('/settings/team?q=Agent');
  await expect(page.locator('tr[data-row]').first()).toBeVisible();
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export', exact: true }).press('Enter');
  await page.getByRole('menuitem', { name: 'As PDF' }).press('Enter');
  const file = await waiting;
  expect(file.suggestedFilename()).toMatch(/\.pdf$/);
  const text = textOfPdf(await readFile(await file.path())).join('\n');
  expect(text).toContain('=Agent 21');
  expect(text).not.toContain('owner@');
});

test('RPT-13: a view of more than 5,000 rows is made in the background, and its notice offers the file on another page', async ({
  page,
}) => {
  const database = knexFactory({
    client: 'pg',
    connection: stackNotes().environment['MIGRATION_DATABASE_URL'] ?? '',
    pool: { min: 0, max: 1 },
  });
  const path = `/v1/export-test-${Date.now()}`;
  try {
    // Of test mode, where no other test counts them, and gone afterwards.
    await database.raw(
      `insert into api_log (id, workspace_id, mode, method, path, status)
       select 'log_' || lpad(cast(n as text), 26, '0'), workspace.id, 'test', 'GET', ?, 200
       from generate_series(1, 5001) as n, (select id from workspaces order by created_at limit 1) as workspace`,
      [path],
    );
    await page.addInitScript(`sessionStorage.setItem('mode', 'test')`);
    await page.goto('/developers/request-log');
    await expect(page.locator('tr[data-row]').first()).toBeVisible();
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByRole('menuitem', { name: 'As CSV' }).click();
    await expect(page.getByText(/Your file is (being made|ready)/).first()).toBeVisible();
    await page.getByRole('link', { name: 'Home', exact: true }).first().click();
    const waiting = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download', exact: true }).click({ timeout: 120_000 });
    const file = await waiting;
    expect(file.suggestedFilename()).toBe('api-log.csv');
    const lines = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
    expect(lines.filter((line) => line.includes(path))).toHaveLength(5_001);
  } finally {
    await database('api_log').where({ path }).delete();
    await database.destroy();
  }
});

test('keys: j and k walk the rows, ? lists the keys, letters in a field are text, and the switch turns them off', async ({
  page,
}) => {
  await inviteTwelve(page);
  await expect(page.locator('tr[data-row]').first()).toBeVisible();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(page.locator('tr[data-current]')).toHaveCount(1);
  await page.keyboard.press('Control+k');
  const box = page.getByRole('combobox', { name: 'Search or go to' });
  await box.pressSequentially('profile');
  await expect(box).toHaveValue('profile');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Profile', level: 1 })).toBeVisible();

  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toHaveCount(0);
  await page.getByLabel('Single letters as keys').click();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toHaveCount(0);
});

test('BEY-34: a view keeps filter, sort and columns, is used again from another list of the same kind, and forgotten', async ({
  page,
}) => {
  const name = `Invited ${Date.now()}`;
  await page.goto('/settings/team?status=invited&sort=name');
  await page.getByRole('button', { name: 'Views' }).press('Enter');
  await page.getByLabel('Keep this view as').fill(name);
  await page.getByRole('button', { name: 'Keep the view' }).press('Enter');
  const kept = page.getByRole('button', { name, exact: true });
  await expect(kept).toBeVisible();

  await page.goto('/settings/team?q=owner');
  await page.getByRole('button', { name: 'Views' }).press('Enter');
  await kept.press('Enter');
  await expect(page).toHaveURL((url) => {
    const { status, sort, cols, ...more } = Object.fromEntries(url.searchParams);
    const isWhole = [status, sort, Object.keys(more).length].join(' ') === 'invited name 0';
    return isWhole && (cols ?? '').split(',').includes('name');
  });

  await page.getByRole('button', { name: 'Views' }).press('Enter');
  await page.getByRole('button', { name: `Forget the view ${name}` }).press('Enter');
  await expect(kept).toHaveCount(0);
});
