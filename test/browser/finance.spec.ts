import { randomUUID } from 'node:crypto';
import type { Page } from '@playwright/test';
import { at, textAt } from '../support/apiClient.js';
import { cookieOf, makePayoutWorld, type PayoutWorld, sessionCalls } from './payoutWorld.js';
import {
  chooseTheme,
  expect,
  expectAccessible,
  expectNarrow,
  freshCookie,
  freshLink,
  pressRowAction,
  stackNotes,
  test,
} from './support.js';

// What finance does on screen beside a run: many payouts marked paid at once, terms that change on a day, a balance below zero, mails about
// commissions and payouts, entries into the books by two people.

let world: PayoutWorld;

test.beforeAll(async () => {
  test.setTimeout(300_000);
  world = await makePayoutWorld(stackNotes().origin, await freshCookie());
});

/** A session of this moment, so that nothing asks to confirm it again. */
async function signedIn(email: string): Promise<string> {
  const answer = await fetch(`${stackNotes().origin}/v1/auth/one-time`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: freshLink(email).split('/welcome/')[1] }),
  });
  expect(answer.status).toBe(200);
  return cookieOf(answer);
}

async function enter(page: Page, cookie: string): Promise<void> {
  const { hostname } = new URL(stackNotes().origin);
  const [name = '', value = ''] = (cookie.split('; ')[0] ?? '').split('=');
  await page.context().addCookies([{ name, value, domain: hostname, path: '/' }]);
}

test('PRG-17: terms are planned for a day, shown, and taken back', async ({ page }) => {
  await enter(page, await freshCookie());
  await page.goto(`/programs/${world.programId}`);
  const planned = page.getByRole('region', { name: 'Planned changes' });
  await expect(planned.getByText('Nothing is planned.')).toBeVisible();

  await planned.getByRole('button', { name: 'Change terms' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Change now' })).toBeDisabled();
  await dialog.getByLabel('Hold in days').fill('45');
  await dialog.getByLabel('Effective from').fill('2020-01-01T00:00');
  await dialog.getByRole('button', { name: 'Plan the change' }).click();
  await expect(dialog.getByText(/^In the future/)).toBeVisible();
  await dialog.getByLabel('Effective from').fill('2099-01-01T12:00');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Plan the change' }).click();
  await expect(planned).toContainText('Hold: 45 days');
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);

  await planned.getByRole('button', { name: 'Take back' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(planned.getByText('Nothing is planned.')).toBeVisible();
});

test('COM-04, COM-10: commissions name their sale, and are filtered by day and group', async ({ page }) => {
  await enter(page, await freshCookie());
  await page.goto(`/commissions?affiliateId=${world.ada.id}`);
  const rows = page.locator('tbody tr[data-row]');
  await expect(rows.first()).toBeVisible();
  const count = await rows.count();
  await expect(rows.locator('a[href^="/sales/"]').first()).toBeVisible();
  const filter = async (field: string, value: string): Promise<void> => {
    await page.getByLabel('Filter by').selectOption({ label: field });
    await page.getByLabel('Value').fill(value);
    await page.getByRole('button', { name: 'Add filter' }).click();
  };
  await filter('Made from', '2020-01-01');
  await expect(page.getByText('Made from: 1 Jan 2020')).toBeVisible();
  await expect(rows).toHaveCount(count);
  await filter('Made before', '2020-01-02');
  await expect(rows).toHaveCount(0);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Remove the filter Made before' }).click();
  await expect(rows).toHaveCount(count);
  const empty = `Nobody ${randomUUID().slice(0, 8)}`;
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  await must('POST', '/v1/groups', { name: empty });
  await filter('Group', empty);
  await expect(page.getByText(`Group: ${empty}`)).toBeVisible();
  await expect(rows).toHaveCount(0);
});

test('screens.md 3.22, 3.24: a schedule is made, paused with a note, let go on and deleted; payouts are frozen and sent again', async ({
  page,
}) => {
  await enter(page, await freshCookie());
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const name = `Schedule ${randomUUID().slice(0, 8)}`;
  await page.goto('/payouts/schedules');
  await page.getByRole('button', { name: 'New schedule' }).first().click();
  const made = page.getByRole('dialog', { name: 'New schedule' });
  await made.getByLabel('Name').fill(name);
  await made.getByLabel('Day of the month').fill('15');
  await made.getByLabel(/^At/).fill('09:30');
  await made.getByLabel('Time zone').selectOption('Europe/Warsaw');
  await made.getByLabel('Days until the pay date').fill('5');
  await made.getByLabel('Currencies').fill('nope');
  await expectAccessible(page);
  await made.getByRole('button', { name: 'Create the schedule' }).click();
  await expect(made.getByText('Not an active ISO 4217 currency', { exact: false }).first()).toBeVisible();
  await made.getByLabel('Currencies').fill('usd');
  await made.getByRole('button', { name: 'Create the schedule' }).click();

  const row = page.getByRole('row', { name: new RegExp(name) });
  await expect(row.getByText(/^on day 15 of each month at 09:30 \(Europe\/Warsaw/)).toBeVisible();
  await expect(row.getByText('5 days')).toBeVisible();
  await pressRowAction(row, 'Pause');
  const pause = page.getByRole('dialog', { name: `Pause ${name}` });
  await pause.getByLabel('Note').fill('Holiday');
  await pause.getByRole('button', { name: 'Pause' }).click();
  await expect(row.getByText('paused')).toBeVisible();
  await pressRowAction(row, 'Go on');
  await page.getByRole('dialog').getByRole('button', { name: 'Go on' }).click();
  await expect(row.getByText('active')).toBeVisible();
  await pressRowAction(row, 'Change');
  const change = page.getByRole('dialog', { name: 'Change the schedule' });
  await change.getByLabel('How often').selectOption({ label: 'every week' });
  await change.getByLabel('Day of the week').selectOption({ label: 'Friday' });
  await change.getByRole('button', { name: 'Save' }).click();
  await expect(row.getByText(/^every Friday at 09:30/)).toBeVisible();
  await expectNarrow(page);
  await page.setViewportSize({ width: 1280, height: 800 });
  await pressRowAction(row, 'Delete');
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(row).toHaveCount(0);

  await page.goto('/system');
  const freeze = page.getByRole('region', { name: 'Are payouts sent?' });
  await expect(freeze.getByText('Nothing stops them.', { exact: false })).toBeVisible();
  await freeze.getByRole('button', { name: 'Freeze all payouts' }).click();
  const begin = page.getByRole('dialog', { name: 'Freeze all payouts' });
  await begin.getByLabel('Why').fill('Bank called');
  await begin.getByRole('button', { name: 'Freeze' }).click();
  await expect(freeze.getByText('Frozen for this workspace: Bank called', { exact: false })).toBeVisible();
  await expectAccessible(page);
  expect(await must('GET', '/v1/payout-freeze')).toMatchObject({ frozen: true });
  await freeze.getByRole('button', { name: 'End the freeze' }).click();
  const end = page.getByRole('dialog', { name: 'End the freeze' });
  await end.getByLabel('Why').fill('All well');
  await end.getByRole('button', { name: 'Send payouts again' }).click();
  await expect(freeze.getByText('Nothing stops them.', { exact: false })).toBeVisible();
});

test('PAY-18: drafts are marked as paid together; what they were paid with stands in each, and cash by hand is overdrawn', async ({
  page,
}) => {
  test.setTimeout(240_000);
  const owner = await sessionCalls(stackNotes().origin, await freshCookie());
  const benCookie = await signedIn(world.approver.email);
  const ben = await sessionCalls(stackNotes().origin, benCookie);
  const drafts: string[] = [];
  for (const [affiliateId, iban] of [
    [world.bo.id, 'DE89370400440532013000'],
    [world.cy.id, 'GB82WEST12345698765432'],
  ] as const) {
    const method = { type: 'bank', currency: 'USD', details: { holder: 'Holder', iban } };
    const methodId = textAt(await owner.must('POST', `/v1/affiliates/${affiliateId}/payout-methods`, method), 'id');
    await ben.must('POST', `/v1/payout-methods/${methodId}/verify`, { reason: 'Called' });
    const bonus = {
      affiliateId,
      programId: world.programId,
      kind: 'bonus',
      amount: { amount: '25.00', currency: 'USD' },
    };
    const made = await owner.must('POST', '/v1/commissions', { ...bonus, reason: 'Event', skipHold: true });
    const path = `/v1/commissions/${textAt(made, 'id')}`;
    if (at(await owner.must('GET', path), 'status') === 'pending')
      await owner.must('POST', `${path}/approve`, { reason: 'ok' });
    await expect.poll(async () => at(await owner.must('GET', path), 'status')).toBe('approved');
    drafts.push(textAt(await owner.must('POST', '/v1/payouts', { affiliateId, currency: 'USD' }), 'id'));
  }

  await enter(page, benCookie);
  await page.goto('/payouts?status=draft');
  // screens.md 3.17: what is next, what is late, what is on its way, before any row.
  const scheduled = page.getByRole('region', { name: 'Scheduled' }).getByRole('link');
  await expect(scheduled).toHaveText(/^\d+ payouts$/);
  await expect(page.getByRole('region', { name: 'Next', exact: true })).toContainText('Who is due');
  await page.getByRole('region', { name: 'Overdue' }).getByRole('link').click();
  await expect(page).toHaveURL(/\/payouts\?overdue=true$/);
  await page.goto('/payouts?status=draft');
  for (const id of drafts) await page.locator(`tr[data-row="${id}"]`).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Mark as paid (2)' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('This moves no money.', { exact: false })).toBeVisible();
  const run = dialog.getByRole('button', { name: /^Mark as paid: / });
  await expect(run).toBeDisabled();
  await dialog.getByLabel('Reference').fill('Batch 7');
  await dialog.getByLabel('Paid on').fill(new Date(Date.now() - 86_400_000).toISOString().slice(0, 10));
  await expectAccessible(page);
  await run.click();
  await expect(dialog.getByText('2 of 2 done', { exact: false })).toBeVisible({ timeout: 90_000 });
  await dialog.getByRole('button', { name: 'Close' }).last().click();

  for (const id of drafts)
    expect(await owner.must('GET', `/v1/payouts/${id}`)).toMatchObject({ status: 'paid', reference: 'Batch 7' });
  await page.goto('/settings/gateways');
  const cash = page.getByRole('region', { name: 'By hand' });
  await expect(cash.getByText('(overdrawn)')).toBeVisible();
  await expect(cash.getByText('(reversal)')).toHaveCount(0);
});

test('PRG-07, NTF-08, COM-11, NTF-14: a template is written, previewed and tried, told on each commission, and sent about selected rows', async ({
  page,
}) => {
  test.setTimeout(240_000);
  const owner = await sessionCalls(stackNotes().origin, await freshCookie());
  const tag = world.ada.slug.slice(4);
  await enter(page, await freshCookie());
  await page.goto('/messages');
  await page.getByRole('button', { name: 'New template' }).first().click();
  const form = page.getByRole('dialog', { name: 'New template' });
  await form.getByLabel('Name').fill(`About ${tag}`);
  await form.getByLabel('Subject').fill('For {{nobody}}');
  await form.getByLabel('Text').fill('Hello {{affiliate_name}}: {{commission_list}}{{payout_list}}');
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Create the template' }).click();
  await expect(form.getByText('Not a merge field: {{nobody}}.').first()).toBeVisible();
  await form.getByLabel('Subject').fill('For {{affiliate_name}}');
  await form.getByRole('button', { name: 'Create the template' }).click();
  await expect(form).toHaveCount(0);

  await page.goto(`/messages?q=About+${tag}`);
  const row = page.getByRole('row').filter({ hasText: `About ${tag}` });
  await pressRowAction(row, 'Preview');
  const preview = page.getByRole('dialog', { name: `Preview: About ${tag}` });
  await expect(preview.getByText('For Ada Kowal')).toBeVisible(); // the example of the field
  await preview.getByLabel('As read by').selectOption(world.ada.id);
  await expect(preview.getByText('For Ada', { exact: true })).toBeVisible();
  await expectAccessible(page);
  await preview.getByRole('button', { name: 'Close' }).last().click();
  await pressRowAction(row, 'Send it to me');
  await expect(page.getByText(/^A test is on its way to /)).toBeVisible();

  await page.goto(`/programs/${world.programId}`);
  const mail = page.getByRole('region', { name: 'Mail on each commission' });
  await expect(mail.getByText(/^Off:/)).toBeVisible();
  await mail.getByRole('button', { name: 'Change the mail' }).click();
  const toggle = page.getByRole('dialog', { name: 'Mail on each commission' });
  await toggle.getByLabel('Mail affiliates about each new commission').check();
  await toggle.getByRole('button', { name: 'Save' }).click();
  await expect(toggle.getByLabel('Template')).toHaveAttribute('aria-invalid', 'true');
  await toggle.getByLabel('Template').selectOption({ label: `About ${tag} (en)` });
  await toggle.getByRole('button', { name: 'Save' }).click();
  await expect(mail.getByText(`Affiliates get “About ${tag}” once for each new commission.`)).toBeVisible();
  expect(at(await owner.must('GET', `/v1/programs/${world.programId}`), 'commissionEmail.enabled')).toBe(true);

  const sent = async (list: string, about: string): Promise<void> => {
    await page.goto(list);
    await page.locator('tbody tr[data-row]').first().getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Write to the affiliates (1)' }).click();
    const dialog = page.getByRole('dialog', { name: 'Write to the affiliates' });
    await dialog.getByLabel('Template').selectOption({ label: `About ${tag} (en)` });
    const words = dialog.getByRole('region', { name: 'Preview of the message' });
    await expect(words.getByText(about)).toBeVisible();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Write to the affiliates: 1' }).click();
    await expect(dialog.getByText(/^1 of 1 done: 1 succeeded/)).toBeVisible({ timeout: 90_000 });
  };
  await sent(`/commissions?affiliateId=${world.ada.id}`, 'For Ada');
  await sent(`/payouts?affiliateId=${world.bo.id}&status=paid`, 'For Bo');
  const bo = textAt(await owner.must('GET', `/v1/affiliates/${world.bo.id}`), 'email');
  for (const [email, words] of [
    [world.ada.email, /Hello Ada: .*USD/],
    [bo, /Hello Bo: .*Batch 7/s],
  ] as const)
    await expect
      .poll(async () => JSON.stringify(await owner.must('GET', `/v1/dev/emails?to=${email}`)), { timeout: 60_000 })
      .toMatch(words);
});

test('BEY-04: an entry by hand is asked for by one person, found and approved by a second one, who sees who asked', async ({
  page,
}) => {
  test.setTimeout(240_000);
  const tag = world.ada.slug.slice(4);
  const owner = await sessionCalls(stackNotes().origin, await freshCookie());
  const email = `di-${tag}@blog.example`;
  const di = { name: `Di ${tag}`, email, programIds: [world.programId] };
  const affiliateId = textAt(await owner.must('POST', '/v1/affiliates', di), 'id');
  await owner.must('POST', `/v1/affiliates/${affiliateId}/approve`, { reason: 'Known' });
  const charge = await owner.must('POST', '/v1/commissions', {
    affiliateId,
    programId: world.programId,
    kind: 'adjustment',
    amount: { amount: '-8.00', currency: 'USD' },
    reason: 'Paid too much in spring',
    skipHold: true,
  });
  const path = `/v1/commissions/${textAt(charge, 'id')}`;
  if (at(await owner.must('GET', path), 'status') === 'pending')
    await owner.must('POST', `${path}/approve`, { reason: 'ok' });
  const accounts = `/v1/ledger-accounts?kind=affiliate_receivable&ownerId=${affiliateId}`;
  await expect.poll(async () => at(await owner.must('GET', accounts), 'data.0.balance.amount')).toBe('8.00');
  const accountId = textAt(await owner.must('GET', accounts), 'data.0.id');

  await chooseTheme(page, 'dark');
  await enter(page, await freshCookie());
  await page.goto('/ledger?tab=adjustments');
  const ask = async (reason: string): Promise<void> => {
    await page.getByRole('button', { name: 'Ask for an entry' }).click();
    const form = page.getByRole('dialog', { name: 'Ask for an entry' });
    await form.getByLabel('Account').selectOption(accountId);
    await form.getByLabel('Amount (USD)').fill('5.00');
    await form.getByLabel('Reason').fill(reason);
    await expectAccessible(page);
    await form.getByRole('button', { name: 'Ask for it' }).click();
    await expect(form).toHaveCount(0);
  };
  await ask(`In haste ${tag}`);
  const hasty = page.locator('tr[data-row]').filter({ hasText: `In haste ${tag}` });
  // Somebody else may approve, so the owner may not: what it asked for it can only take back.
  await hasty.getByRole('button', { name: /^Actions for / }).click();
  await expect(page.getByRole('menuitem')).toHaveText(['Withdraw or refuse']);
  await page.getByRole('menuitem', { name: 'Withdraw or refuse' }).click();
  const dropping = page.getByRole('dialog', { name: 'Withdraw or refuse' });
  await dropping.getByLabel('Why not').fill('Wrong account');
  await expectAccessible(page);
  await dropping.getByRole('button', { name: 'Drop the entry' }).click();
  await expect(hasty.getByText('rejected')).toBeVisible();
  await expect(hasty.getByText('(Wrong account)', { exact: false })).toBeVisible();
  await ask(`Closed shop ${tag}`);
  const row = page.locator('tr[data-row]').filter({ hasText: `Closed shop ${tag}` });
  await expect(row.getByText('pending')).toBeVisible();
  await expect(row.getByText(`Di ${tag}`)).toBeVisible();
  await expectNarrow(page);

  await enter(page, await signedIn(world.approver.email));
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.goto('/ledger?tab=adjustments&status=pending');
  await pressRowAction(row, 'Approve');
  const dialog = page.getByRole('dialog', { name: 'Approve the entry' });
  await expect(dialog.getByText('It is posted at once.', { exact: false })).toBeVisible();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: /^Post .*5\.00/ }).click();
  await expect(row).toHaveCount(0);
  await page.goto('/ledger?tab=adjustments&status=approved');
  await expect(row.getByText('Ben')).toBeVisible();
  expect(at(await owner.must('GET', accounts), 'data.0.balance.amount')).toBe('3.00');
});

test('I17: a period is closed on a screen that says what closing does, and its figures are one press away', async ({
  page,
}) => {
  const tag = randomUUID().slice(0, 8);
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  // Closings go forward only, and other runs closed before: long before anything of the demo data happened.
  const closed = at(await must('GET', '/v1/ledger-periods?limit=1'), 'data.0.through');
  const last = typeof closed === 'string' ? closed : '2001-01-30';
  const day = new Date(Date.parse(last) + 86_400_000).toISOString().slice(0, 10);
  await enter(page, await freshCookie());
  await page.goto('/ledger?tab=periods');
  await page.getByRole('button', { name: 'Close a period' }).click();
  const dialog = page.getByRole('dialog', { name: 'Close a period' });
  await expect(dialog.getByText('It cannot be taken back', { exact: false })).toBeVisible();
  await dialog.getByLabel('Last day').fill('2100-01-31');
  await dialog.getByRole('button', { name: /^Close the books up to/ }).click();
  await expect(dialog.getByText('A day that was over at', { exact: false }).first()).toBeVisible();
  await dialog.getByLabel('Last day').fill(day);
  await dialog.getByLabel('Note').fill(`Agreed ${tag}`);
  await expectAccessible(page);
  await dialog.getByRole('button', { name: /^Close the books up to/ }).click();
  const row = page.locator('tr[data-row]').filter({ hasText: `Agreed ${tag}` });
  await expect(row).toBeVisible();
  await expectNarrow(page);
  await row.getByRole('link', { name: /^Figures up to/ }).click();
  await expect(page.getByLabel('Dated up to')).toHaveValue(day);
  await expect(page.getByText('No balances in this currency at that time.')).toBeVisible();
});

test('screens.md 3.10: what is left is summed per currency and status under the commissions', async ({ page }) => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const bonus = { affiliateId: world.cy.id, programId: world.programId, kind: 'bonus', reason: 'Event' };
  await must('POST', '/v1/commissions', { ...bonus, amount: { amount: '1.00', currency: 'USD' } });
  const path = `/v1/commissions/${textAt(
    await must('POST', '/v1/commissions', { ...bonus, amount: { amount: '2.00', currency: 'USD' }, skipHold: true }),
    'id',
  )}`;
  if (at(await must('GET', path), 'status') === 'pending') await must('POST', `${path}/approve`, { reason: 'ok' });
  await expect.poll(async () => at(await must('GET', path), 'status')).toBe('approved');

  await enter(page, await freshCookie());
  const filter = `affiliateId=${world.cy.id}&kind=bonus`;
  const kept = await must('GET', `/v1/commissions?${filter}&include=sums`);
  await page.goto(`/commissions?${filter}`);
  const sums = page.locator('tfoot tr');
  for (const status of ['pending', 'approved'])
    await expect(sums.filter({ hasText: status })).toContainText(textAt(kept, `sumsByStatus.${status}.0.amount`));
  await expect(sums.last()).toContainText('Sum');
  await expectAccessible(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
});
