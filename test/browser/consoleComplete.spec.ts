import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { at, textAt } from '../support/apiClient.js';
import { sessionCalls } from './payoutWorld.js';
import {
  expect,
  expectAccessible,
  freshCookie,
  openPage,
  ownerState,
  pressRowAction,
  signInAfresh,
  stackNotes,
  test,
} from './support.js';
import { makeWorkWorld, ownerCalls, until, type WorkWorld } from './workWorld.js';

// The console's lists and what they make and change (features.md 14): groups, products, appeals, the log, reconciliation, contacts.

test.use({ storageState: ownerState, viewport: { width: 1280, height: 900 } });

const tag = randomUUID().slice(0, 8);
let world: WorkWorld;
test.beforeAll(async () => {
  test.setTimeout(180_000);
  world = await makeWorkWorld(2);
});

const rowOf = (page: Page, text: string) => page.locator('tr[data-row]').filter({ hasText: text });

test('GRP-01, GRP-06: a group is made with its payout rules, changed, and goes only with a place for its members', async ({
  page,
}) => {
  const { must } = await ownerCalls();
  const standard = textAt(await must('POST', '/v1/groups', { name: `Standard ${tag}` }), 'id');
  await page.goto('/groups');
  await page.getByRole('button', { name: 'New group' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(`VIP ${tag}`);
  await dialog.getByLabel('Minimum payout').fill('USD 20.00');
  await dialog.getByLabel('Payout frequency').selectOption('monthly');
  await dialog.getByLabel('PayPal').check();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Create the group' }).click();
  const row = rowOf(page, `VIP ${tag}`);
  await expect(row).toContainText('USD 20.00');
  await expect(row).toContainText('every month');

  await pressRowAction(row, 'Change');
  await dialog.getByLabel('Minimum payout').fill('USD zwanzig');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByLabel('Minimum payout').fill('USD 25.00');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(row).toContainText('USD 25.00');

  const groups = await must('GET', '/v1/groups?limit=200');
  const vip = (at(groups, 'data') as readonly { readonly id: string; readonly name: string }[]).find(
    (one) => one.name === `VIP ${tag}`,
  );
  await must('PATCH', `/v1/affiliates/${world.affiliateId}`, { groupId: vip?.id });
  await page.reload();
  await row.getByRole('link', { name: '1', exact: true }).click();
  await expect(rowOf(page, world.affiliateName)).toHaveCount(1);
  await page.goBack();
  await pressRowAction(row, 'Delete');
  await expect(dialog.getByRole('button', { name: 'Delete' })).toBeDisabled();
  await dialog.getByLabel('Its 1 member moves to').selectOption({ label: `Standard ${tag}` });
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(row).toHaveCount(0);
  await until(`/v1/affiliates/${world.affiliateId}`, (body) => at(body, 'groupId') === standard);
});

test('PRG-13: a product group is made, a product is put in it, and the group is not deleted while it is used', async ({
  page,
}) => {
  await page.goto('/product-groups');
  await page.getByRole('button', { name: 'New product group' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(`Hosting ${tag}`);
  await dialog.getByRole('button', { name: 'Create the group' }).click();
  await expect(rowOf(page, `Hosting ${tag}`)).toBeVisible();

  await page.goto(`/products?q=${encodeURIComponent(world.productName)}`);
  await pressRowAction(rowOf(page, world.productName), 'Change');
  await dialog.getByLabel('Product group').selectOption({ label: `Hosting ${tag}` });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(rowOf(page, world.productName)).toContainText(`Hosting ${tag}`);

  await page.goto('/product-groups');
  const row = rowOf(page, `Hosting ${tag}`);
  await pressRowAction(row, 'Change');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await page.keyboard.press('Escape');
  await row.getByRole('link', { name: '1', exact: true }).click();
  await expect(rowOf(page, world.productName)).toHaveCount(1);
});

test('LED-01, SET-13: a lead source and a lead field are made and changed from their lists', async ({ page }) => {
  const dialog = page.getByRole('dialog');
  await page.goto('/leads/sources');
  await page.getByRole('button', { name: 'New source' }).first().click();
  await dialog.getByLabel('Name').fill(`Fair ${tag}`);
  await dialog.getByRole('button', { name: 'Create source' }).click();
  await pressRowAction(rowOf(page, `Fair ${tag}`), 'Change');
  await dialog.getByLabel('Department').fill('North');
  await dialog.getByLabel('Leads are accepted').selectOption('manual');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(rowOf(page, `Fair ${tag}`)).toContainText('North');
  await expect(rowOf(page, `Fair ${tag}`)).toContainText('by an agent');

  await page.goto('/leads/fields');
  await page.getByRole('button', { name: 'New field' }).first().click();
  await dialog.getByLabel('Name').first().fill(`Plan ${tag}`);
  await dialog.getByLabel('Name in the API').fill(`plan_${tag}`);
  await dialog.getByRole('button', { name: 'Create field' }).click();
  await pressRowAction(rowOf(page, `Plan ${tag}`), 'Change');
  await dialog.getByLabel('Required').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(rowOf(page, `Plan ${tag}`)).toContainText('Yes');
  await pressRowAction(rowOf(page, `Plan ${tag}`), 'Change');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(rowOf(page, `Plan ${tag}`)).toHaveCount(0);
});

test('ADM-13: a contact has a referral-info tab with who won, and a transaction is logged without charging', async ({
  page,
}) => {
  const { must } = await ownerCalls();
  const [referral] = world.referrals;
  const contactId = textAt(await must('GET', `/v1/referrals/${referral?.id ?? ''}`), 'contactId');
  await page.goto(`/contacts/${contactId}`);
  await page.getByRole('tab', { name: 'Referral info' }).click();
  const panel = page.getByRole('tabpanel');
  await expect(panel).toContainText('First referrer');
  await expect(panel.getByRole('listitem').filter({ hasText: world.affiliateName }).first()).toContainText('won');
  await expect(panel.getByRole('listitem').filter({ hasText: world.otherName }).first()).toContainText('did not win');
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Log a transaction' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Order').fill(`by-hand-${tag}`);
  await dialog.getByLabel('Amount').fill('10.00');
  await dialog.getByLabel('Currency').fill('USD');
  await dialog.getByLabel('Product (SKU or id)').fill(world.productName.toLowerCase().replace(' ', '-'));
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Log the transaction' }).click();
  await expect(page.getByRole('table', { name: 'Purchases' })).toContainText(`by-hand-${tag}`);
  const sale = await until(
    `/v1/sales?externalId=by-hand-${tag}`,
    (body) => at(body, 'data.0.commissionIds.0') !== undefined,
  );
  expect(at(sale, 'data.0.channel')).toBe('manual');
  const commission = await must('GET', `/v1/commissions/${textAt(sale, 'data.0.commissionIds.0')}`);
  expect(at(commission, 'amount.amount')).toBe('2.00');
});

test('BEY-15: an appeal is counted in the menu, answered from its list with a reason, and the count goes', async ({
  page,
}) => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const referralId = world.referrals[1]?.id ?? '';
  await must('POST', `/v1/referrals/${referralId}/reject`, { reason: 'Looked odd' });
  await until(`/v1/referrals/${referralId}`, (body) => at(body, 'status') === 'rejected');
  const secret = textAt(
    await must('POST', '/v1/api-keys', {
      name: `Ada ${tag}`,
      kind: 'secret',
      test: false,
      affiliateId: world.affiliateId,
      permissions: ['me.read', 'me.write'],
    }),
    'secret',
  );
  const filed = await fetch(`${stackNotes().origin}/v1/me/appeals`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ objectId: referralId, text: `Please look again ${tag}` }),
  });
  expect(filed.status, await filed.text()).toBe(201);

  await page.goto('/appeals?status=open');
  const row = rowOf(page, `Please look again ${tag}`);
  await expect(page.getByRole('link', { name: /^Appeals/ }).locator('[data-waiting]')).toBeVisible();
  await row.getByRole('button', { name: /^Open / }).click();
  await expect(page).toHaveURL(/open=apl_/);
  await expect(page.getByRole('dialog')).toContainText(`Please look again ${tag}`);
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await pressRowAction(row, 'Uphold');
  await page.getByRole('dialog').getByRole('textbox').first().fill('It was a real customer');
  await page.getByRole('dialog').getByRole('button', { name: 'Uphold' }).click();
  await expect(row).toHaveCount(0);
  await until(`/v1/referrals/${referralId}`, (body) => at(body, 'status') === 'pending');
});

test('ADM-07: a list is narrowed by the name of an affiliate or a program, typed into its search or chosen as a filter', async ({
  page,
}) => {
  const filters = page.getByRole('search', { name: 'Filters' });
  const box = filters.getByRole('searchbox');
  const chip = filters.getByText(`Affiliate: ${world.affiliateName}`);
  await page.goto('/sales');
  await box.fill(`affiliate:"${world.affiliateName.toLowerCase()}"`);
  await box.press('Enter');
  await expect(chip).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`affiliateId=${world.affiliateId}`));
  // As many as the API has of hers: tests before this one may have reported more.
  const { must } = await ownerCalls();
  const sales = (at(await must('GET', `/v1/sales?affiliateId=${world.affiliateId}`), 'data') as unknown[]).length;
  await expect(page.locator('tr[data-row]')).toHaveCount(sales);
  await expectAccessible(page);

  // A list without free text of its own takes the name alone; a name that nobody has changes nothing and says so.
  await page.goto('/clicks');
  await box.fill(`nobody-${tag}`);
  await box.press('Enter');
  await expect(filters.getByText(`Nothing is called “nobody-${tag}”.`)).toBeVisible();
  await expect(page).not.toHaveURL(/affiliateId/);
  await box.fill(world.affiliateName);
  await box.press('Enter');
  await expect(chip).toBeVisible();
  await expect(box).toHaveValue('');
  await expect(page.locator('tr[data-row]').first()).toContainText(world.affiliateName);

  await page.goto('/sales');
  await filters.getByLabel('Filter by').selectOption('Affiliate');
  await filters.getByLabel('Value').fill(world.affiliateName);
  await filters.getByRole('button', { name: 'Add' }).click();
  await expect(chip).toBeVisible();
  await filters.getByRole('button', { name: 'Remove' }).click();
  await expect(chip).toHaveCount(0);
});

test('ADM-07: the search box of each list finds what the API finds under that word, and says so when nobody is called so', async ({
  page,
}) => {
  test.setTimeout(180_000);
  const { must } = await ownerCalls();
  await must('POST', '/v1/custom-fields', { target: 'lead', name: `Field ${tag}`, key: `f_${tag}`, type: 'text' });
  await must('POST', '/v1/payment-sources', { name: `Till ${tag}`, adapter: 'standard' });
  const { affiliateName, referrals } = world;
  const order = referrals[0]?.order ?? '';
  // Each screen, the list behind it, and a word; whether it finds anything is the API's to say.
  const boxes = [
    ['/audit', 'audit-entries', affiliateName],
    ['/audit/histories', 'histories', affiliateName],
    ['/developers/request-log', 'api-log', '/v1/sales'],
    ['/ledger?tab=postings', 'ledger-postings', order],
    ['/ledger?tab=accounts', 'ledger-accounts', affiliateName],
    ['/payout-runs', 'payout-runs', tag],
    ['/reconciliations', 'reconciliations', 'sandbox'],
    ['/appeals', 'appeals', affiliateName],
    ['/parked-events', 'parked-events', order],
    ['/developers/api-keys', 'api-keys', 'key'],
    ['/developers/payment-sources', 'payment-sources', tag],
    ['/developers/postbacks', 'postbacks', affiliateName],
    ['/leads/fields', 'custom-fields', tag],
    ['/settings/link-domains', 'tracking-domains', 'example'],
    ['/documents', 'documents', affiliateName],
    ['/lead-log', 'lead-log', order.replace('order', 'lead')],
  ] as const;
  const filters = page.getByRole('search', { name: 'Filters' });
  const rows = page.locator('tr[data-row]');
  let foundInAll = 0;
  for (const [path, list, word] of boxes) {
    await page.goto(path);
    const box = filters.getByRole('searchbox', { name: 'Search this list' });
    await box.fill(word);
    await box.press('Enter');
    await expect(page).toHaveURL(/[?&]q=/);
    const found = at(await must('GET', `/v1/${list}?limit=25&q=${encodeURIComponent(word)}`), 'data') as unknown[];
    foundInAll += found.length === 0 ? 0 : 1;
    if (found.length === 0) await expect(page.getByText('Nothing matches'), path).toBeVisible();
    else await expect(rows, path).toHaveCount(found.length);
    await box.fill(`nobody-${tag}`);
    await box.press('Enter');
    await expect(page.getByText('Nothing matches'), path).toBeVisible();
    await expect(rows, path).toHaveCount(0);
    await page.getByRole('button', { name: 'Clear all' }).first().click();
    await expect(page, path).not.toHaveURL(/[?&]q=/);
  }
  expect(foundInAll).toBeGreaterThanOrEqual(7);

  // The key of a call is chosen by its name (docs/decisions/0710).
  await page.goto('/developers/request-log');
  await filters.getByLabel('Filter by').selectOption('Key');
  await filters.getByLabel('Value').fill(`nobody-${tag}`);
  await filters.getByRole('button', { name: 'Add' }).click();
  await expect(filters.getByText(`Nothing is called “nobody-${tag}”.`)).toBeVisible();
});

test('screens.md 3.3: an item of the queue names its customer, is given to somebody, and is found among their work', async ({
  page,
}) => {
  const { must } = await ownerCalls();
  const [referral] = world.referrals;
  const email = `hal-${tag}@shop.example`;
  const halId = textAt(await must('POST', '/v1/users', { email, name: `Hal ${tag}`, roleIds: ['reviewer'] }), 'id');
  const mails = await until(`/v1/dev/emails?to=${email}`, (body) => at(body, 'data.0.links.0') !== undefined);
  const token = textAt(mails, 'data.0.links.0').split('/').at(-1);
  const invited = await page.request.post('/v1/auth/accept-invite', {
    data: { token, password: 'a long pass phrase of hal' },
    headers: { cookie: '' },
  });
  expect(invited.status()).toBe(200);
  await page.context().clearCookies();
  await signInAfresh(page.context());

  await page.goto(`/queue?kind=referral&item=${referral?.id ?? ''}`);
  const row = page.locator(`[data-item="${referral?.id ?? ''}"]`);
  await expect(row).toContainText('@');
  await expect(row).toHaveAttribute('aria-current', 'true');
  await page.getByLabel('Give to').selectOption({ label: `Hal ${tag}` });
  await expect(page.getByLabel('Give to')).toHaveValue(halId);
  await page.getByLabel('Assigned to').selectOption({ label: `Hal ${tag}` });
  await expect(page.locator('[data-item]')).toHaveCount(1);
  await expect(row).toBeVisible();
  await expectAccessible(page);

  // On a phone the list or the opened item, never both.
  const opened = page.getByRole('heading', { level: 2 });
  await expect(opened).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByLabel('Risk').selectOption({ label: 'Nothing found' });
  await expect(row).toBeVisible();
  await expect(opened).toHaveCount(0);
  await page.keyboard.press('a');
  await expect(page.getByRole('dialog')).toHaveCount(0); // what is not seen is not decided by a key
  await row.click();
  await expect(opened).toBeVisible();
  await expect(row).toHaveCount(0);
  await expect(page.getByText('Approve: nothing was found against it')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Back to the list' }).click();
  await expect(row).toBeVisible();

  // All of a risk at once: hers only.
  await page.getByRole('button', { name: 'Approve 1 referral' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Approve: 1' }).click();
  await expect(dialog.getByText(/^1 of 1 done/)).toBeVisible();
  await until(`/v1/referrals/${referral?.id ?? ''}`, (body) => at(body, 'status') === 'approved');
  await page.goto(`/queue?kind=referral&assignee=me`);
  await expect(row).toHaveCount(0);
});

test('ADM-03: a figure of Home opens the rows of its span, not those of all time', async ({ page }) => {
  const figureNames = ['clicks', 'leads', 'referrals', 'sales'] as const;
  const { must } = await ownerCalls();
  // Days before anything happened here.
  const home = await must('GET', '/v1/console/home?from=2020-01-01&to=2020-01-31');
  const figures = at(home, 'figures') as readonly { readonly name: string; readonly list: string }[];
  for (const name of figureNames) {
    const list = figures.find((one) => one.name === name)?.list ?? '';
    await page.goto(list.replace('/v1', ''));
    await expect(page.getByText('Nothing matches').first(), name).toBeVisible();
    await expect(page.locator('tr[data-row]'), name).toHaveCount(0);
  }
});

test('screens.md 3.2: Home is of the program that is looked at, is kept as a view, leaves as a file, and its devices open their clicks', async ({
  page,
}) => {
  const { must } = await ownerCalls();
  const { programId } = world;
  await page.goto(`/?programId=${programId}`);
  await expect(page.getByLabel('Figures of')).toHaveValue(programId);
  const home = await must('GET', `/v1/console/home?programId=${programId}`);
  const clicks = at(home, 'figures.0.value.count') as number;
  const figures = page.getByRole('region', { name: 'Figures', exact: true });
  await expect(figures.locator('dd').first()).toHaveText(String(clicks));
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByLabel('Keep this view as').fill(`Home ${tag}`);
  await page.getByRole('button', { name: 'Keep the view' }).click();
  await expect(page.locator(`[data-view="Home ${tag}"]`)).toBeVisible();
  await page.goto('/');
  await expect(page.getByLabel('Figures of')).toHaveValue('');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.locator(`[data-view="Home ${tag}"]`).getByRole('button').first().click();
  await expect(page).toHaveURL(new RegExp(`programId=${programId}`));

  await page.getByRole('button', { name: 'Export' }).click();
  const waiting = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'As CSV' }).click();
  expect((await waiting).suggestedFilename()).toBe('home.csv');

  // Made by a client that says nothing of a device.
  await page.getByRole('link', { name: /^Other: / }).click();
  await expect(page).toHaveURL(/device=other/);
  const others = at(home, 'devices') as readonly { readonly kind: string; readonly clicks: number }[];
  await expect(page.locator('tr[data-row]')).toHaveCount(others.find(({ kind }) => kind === 'other')?.clicks ?? -1);
});

test('ADM-15: the menu counts what the queue counts, and shows nothing where nothing waits', async ({ page }) => {
  const queue = await until('/v1/console/queue?limit=1', () => true);
  const counts: Readonly<Record<string, number>> = {
    ...(at(queue, 'counts.byKind') as Record<string, number>),
    ...(at(queue, 'counts.beside') as Record<string, number>),
    total: at(queue, 'counts.total') as number,
  };
  const menu = [
    ...readFileSync('web/console/navigation.ts', 'utf8').matchAll(/path: '([^']+)'[^}]*waiting: '([^']+)'/g),
  ].map(([, path = '', name = '']) => ({ path, count: counts[name] ?? 0 }));
  expect(menu.length).toBeGreaterThan(8);
  await page.goto('/profile');
  await expect(page.locator('nav [data-waiting]').first()).toBeVisible();
  for (const { path, count } of menu) {
    const badge = page.locator(`nav a[href="${path}"] [data-waiting]`);
    if (count === 0) await expect(badge, path).toHaveCount(0);
    else await expect(badge, path).toHaveText(String(count));
  }
});

test('screens.md 3.21: a machine’s call stands in the request log with its body, to be copied as a command', async ({
  page,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const secret = textAt(
    await must('POST', '/v1/api-keys', {
      name: `Log ${tag}`,
      kind: 'secret',
      test: false,
      permissions: ['lead.write'],
    }),
    'secret',
  );
  const answer = await fetch(`${stackNotes().origin}/v1/leads`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ externalId: `logged-${tag}`, event: 'registration', email: `logged-${tag}@buyer.example` }),
  });
  const requestId = answer.headers.get('x-request-id') ?? '';
  await until(`/v1/api-log?requestId=${requestId}`, (body) => at(body, 'data.0.id') !== undefined);
  await page.goto(`/developers/request-log?requestId=${requestId}`);
  const row = page.locator('tr[data-row]');
  await expect(row).toHaveCount(1);
  await row.getByRole('button', { name: 'Open POST /v1/leads' }).press('Enter');
  const drawer = page.getByRole('dialog');
  await expect(drawer).toContainText(`logged-${tag}`);
  await expect(drawer).not.toContainText(`logged-${tag}@buyer.example`);
  await expectAccessible(page);
  await drawer.getByRole('button', { name: 'Copy as curl' }).click();
  await expect(drawer.getByText('Copied')).toBeVisible();
  expect(await page.evaluate<string>('navigator.clipboard.readText()')).toContain("curl -X POST '");
});

test('screens.md 3.18: the gateway’s statement is compared on demand, and its lines are shown by class', async ({
  page,
}) => {
  await page.goto('/reconciliations');
  await page.getByRole('button', { name: 'Compare now' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Gateway').selectOption('sandbox');
  await dialog.getByRole('button', { name: 'Fetch the statement' }).click();
  await expect(page.getByText('The statement is fetched')).toBeVisible();
});

test('ADM-08: rows per page are chosen, remembered for the next visit, and the total stays right', async ({ page }) => {
  const total = at(await until('/v1/affiliates?include=counts&limit=1', () => true), 'counts.total') as number;
  await page.goto('/affiliates');
  await expect(page.locator('tr[data-row]').first()).toBeVisible();
  const choice = page.getByLabel('Rows per page');
  expect(await choice.locator('option').allTextContents()).toEqual(['10', '25', '50', '100']);
  const kept = page.waitForResponse(
    (answer) => answer.url().includes('/v1/preferences/') && answer.request().method() === 'PUT',
  );
  await choice.selectOption('10');
  expect((await kept).status()).toBe(200);
  await page.goto('/affiliates');
  await expect(choice).toHaveValue('10');
  await expect(page.getByRole('status').filter({ hasText: new RegExp(`of ${total}`) })).toBeVisible();
});

test('ADM-10: on every list the eye opens the row and one menu holds its actions', async ({ page }) => {
  test.setTimeout(240_000);
  const lists = [...readFileSync('web/console/screens.ts', 'utf8').matchAll(/path: '(\/[^'$]*)'/g)].map(
    (match) => match[1] ?? '',
  );
  let seen = 0;
  for (const path of lists) {
    await openPage(page, path);
    const rows = page.locator('tr[data-row]');
    const count = await rows.count();
    if (count === 0) continue;
    seen += 1;
    const eye = rows.first().locator('td[data-label="Open"]');
    await expect(eye.getByRole('button').or(eye.getByRole('link')), path).toHaveCount(1);
    await expect(eye.locator('[aria-label^="Open "]'), path).toHaveCount(1);
    // Beside the eye and the box that selects it, a row has no button but its menu.
    for (const button of await rows.first().locator('td[data-label="Actions"] button').all())
      await expect(button, path).toHaveAttribute('aria-label', /^Actions for /);
  }
  expect(seen).toBeGreaterThan(8);
});

test('screens.md 3.2: cards of Home are taken away, moved and pinned, and stay so', async ({ page }) => {
  const { must } = await ownerCalls();
  const view = `Big ones ${tag}`;
  await must('POST', '/v1/saved-views', { screen: 'sales', name: view, query: 'status=succeeded' });
  await page.goto('/');
  const cards = page.locator('main section[aria-label]');
  await expect(page.getByRole('region', { name: 'Devices' })).toBeVisible();
  const kept = () =>
    page.waitForResponse(
      (answer) => answer.url().includes('/v1/preferences/home.cards') && answer.request().method() === 'PUT',
    );
  await page.getByRole('button', { name: 'Arrange' }).press('Enter');
  await expectAccessible(page);
  let stored = kept();
  await page.getByRole('checkbox', { name: 'Devices' }).uncheck();
  expect((await stored).status()).toBe(200);
  stored = kept();
  await page.getByRole('checkbox', { name: view }).check();
  expect((await stored).status()).toBe(200);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('region', { name: 'Devices' })).toHaveCount(0);

  await page.reload();
  await expect(page.getByRole('region', { name: view })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Devices' })).toHaveCount(0);
  expect(await cards.count()).toBeGreaterThan(3);
  await page.getByRole('region', { name: view }).getByRole('link').click();
  await expect(page).toHaveURL(/\/sales\?status=succeeded$/);
});
