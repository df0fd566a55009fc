import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { at } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { makePayoutWorld, type PayoutWorld, sessionCalls } from './payoutWorld.js';
import { openProgram } from './program.js';
import {
  expect,
  expectAccessible,
  expectGoodLooks,
  expectNoSidewaysScroll,
  freshCookie,
  pressRowAction,
  stackNotes,
  test,
} from './support.js';

// The rest of the portal on a phone: earnings in three tabs with a file each, reports by days, notices, recruits, how one signs in.

let world: PayoutWorld;
let owner: Awaited<ReturnType<typeof sessionCalls>>;
let cookies: Awaited<ReturnType<ReturnType<Page['context']>['cookies']>> = [];

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000);
  const { origin } = stackNotes();
  const cookie = await freshCookie();
  owner = await sessionCalls(origin, cookie);
  world = await makePayoutWorld(origin, cookie, { customerVisibility: 'anonymous' });
  const link = await linkOf(world.ada.email);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(link);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await page.waitForURL(/\/portal/);
  cookies = await context.cookies();
  await context.close();
});
test.beforeEach(async ({ context }) => {
  await context.addCookies(cookies);
});

function linkOf(email: string): Promise<string> {
  return eventually(
    async () => {
      const mails = (await owner.must('GET', `/v1/dev/emails?to=${email}`)) as { data: { links: string[] }[] };
      const found = mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
      if (found === undefined) throw new Error('the welcome mail is not there yet');
      return found;
    },
    { within: 60_000 },
  );
}

/** Presses the export and answers the lines of the file. */
async function exported(page: Page): Promise<readonly string[]> {
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.getByRole('menuitem', { name: 'As CSV' }).click();
  return (await readFile(await (await waiting).path(), 'utf8')).trim().split('\r\n');
}

test('PRT-03: commissions, refunds and payments are three tabs, each with its file', async ({ page }) => {
  await page.goto('/portal/earnings');
  await expect(page.getByRole('cell', { name: /10\.00/ }).first()).toBeVisible();
  const commissions = await exported(page);
  expect(commissions[0]).toContain('net,netCurrency');
  expect(commissions[1]).toContain('10.00,USD');
  expect(commissions.join('')).not.toContain(world.customer.email);

  const tabs = page.getByRole('navigation', { name: 'Kinds of earnings' });
  await tabs.getByRole('link', { name: 'Refunds' }).click();
  await expect(page.getByText('No refunds')).toBeVisible();
  expect(await exported(page)).toHaveLength(1);

  await tabs.getByRole('link', { name: 'Payments' }).click();
  await expect(page.getByText('No payout yet')).toBeVisible();
  expect((await exported(page))[0]).toContain('amount,amountCurrency');
});

test('RUL-15: the programs page says what is earned and under which terms, and joins another', async ({ page }) => {
  const name = `Second ${world.programId.slice(-6)}`;
  const { programId } = await openProgram(
    owner.must,
    { name, requirements: [] },
    { name: `Book ${world.programId.slice(-6)}`, price: { amount: '10.00', currency: 'USD' } },
  );
  await page.goto('/portal/programs');
  const own = page.getByRole('region').filter({ hasText: 'What you earn' }).first();
  await expect(own.getByText('20 % of the price without tax, for every payment', { exact: false })).toBeVisible();
  await expect(own.getByText('A click counts for')).toBeVisible();
  await own.getByText(/^Terms, version 1/).click();
  await expect(own.getByText('Be fair.')).toBeVisible();
  await expectGoodLooks(page, '/portal/programs');
  await page.setViewportSize({ width: 390, height: 844 });

  const other = page.getByRole('region', { name: 'Join another program' });
  await other.getByRole('button', { name: `Join ${name}` }).click();
  const joined = page.getByRole('region', { name });
  await expect(joined.getByText('active')).toBeVisible();
  await expect(other.getByRole('button', { name: `Join ${name}` })).toHaveCount(0);
  await owner.must('POST', `/v1/programs/${programId}/close`, { renewals: 'stop', reason: 'Of this test only' });
});

test('PRT-04, TRK-15, TRK-16: reports by days with their file; labels only for whom they are granted', async ({
  page,
}) => {
  await page.goto('/portal/reports?report=sub-ids');
  await expect(page.getByRole('cell', { name: 'kw1' })).toBeVisible();
  const file = await exported(page);
  expect(file[0]).toBe(
    'subId,clicks,visits,leads,sales,conversionRatePpm,earned,earnedCurrency,perClick,perClickCurrency,timeZone',
  );
  expect(file[1]).toMatch(/^kw1,1,\d,1,1,1000000,10\.00,USD,10\.00,USD,Europe\/Warsaw$/);

  await page.getByLabel('First day').fill('2020-01-01');
  await page.getByLabel('Last day').fill('2020-01-02');
  await expect(page.getByText('Nothing in these days')).toBeVisible();
  await page.goto('/portal/reports?report=earnings');
  await expect(page.getByRole('table', { name: 'Earnings by month' })).toContainText('10.00');

  await owner.must('PATCH', `/v1/affiliates/${world.ada.id}`, { subIdAccess: false });
  await page.goto('/portal/reports?report=sub-ids');
  await expect(page.getByRole('table', { name: 'Traffic' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Your labels' })).toHaveCount(0);
  await owner.must('PATCH', `/v1/affiliates/${world.ada.id}`, { subIdAccess: true });
});

test('PRT-14: a notice is counted in the head until it is acknowledged', async ({ page }) => {
  await owner.must('POST', `/v1/programs/${world.programId}/agreements`, {
    kind: 'guidelines',
    title: 'Brand',
    text: 'Blue.',
    mustAccept: false,
  });
  await page.goto('/portal');
  await expect(page.locator('[data-unread="1"]')).toBeVisible();
  await page.locator('[data-unread="1"]').click();
  await expect(page.getByRole('article', { name: /^Brand: version 1/ })).toBeVisible();
  await page.getByRole('button', { name: 'I have read this' }).click();
  await expect(page.getByText('Nothing is unread.')).toBeVisible();
  await expect(page.getByText('Confirmed')).toBeVisible();
  await expect(page.locator('[data-unread="0"]')).toBeVisible();
});

test('screens.md 6: what one is told of is switched off and on in the profile; what is needed is locked', async ({
  page,
}) => {
  await page.goto('/portal/profile');
  const choices = page.getByRole('region', { name: 'What you are told of' });
  const milestone = choices.getByRole('switch', { name: 'You reached a milestone: E-mail' });
  await expect(milestone).toBeChecked();
  await expect(choices.getByRole('switch', { name: 'A payout could not be paid: E-mail' })).toBeDisabled();
  await milestone.press('Space');
  await expect(milestone).not.toBeChecked();
  await page.reload();
  await expect(milestone).not.toBeChecked();
  await milestone.press('Space');
  await expect(milestone).toBeChecked();
});

test('PRT-20: somebody is invited who only views: nothing to press for them, and no way to others’ details', async ({
  page,
  browser,
}) => {
  const email = `viewer-${world.programId.slice(-6)}@mail.example`;
  await page.goto('/portal/profile');
  const people = page.getByRole('region', { name: 'Who signs in to the portal' });
  await page.getByRole('button', { name: 'Invite person' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Vic Viewer');
  await dialog.getByRole('textbox', { name: 'E-mail' }).fill(email);
  await dialog.getByRole('button', { name: 'Invite person' }).click();
  await expect(people.getByText(email)).toBeVisible();
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const viewer = await context.newPage();
  await viewer.goto(await linkOf(email));
  await viewer.getByRole('button', { name: 'Accept and sign in' }).click();
  await viewer.waitForURL(/\/portal/);
  await viewer.goto('/portal/profile');
  await expect(viewer.getByText('Vic Viewer').first()).toBeVisible();
  await expect(viewer.getByRole('button', { name: 'Invite person' })).toHaveCount(0);
  await expect(viewer.getByRole('switch', { name: 'You reached a milestone: E-mail' })).toBeDisabled();
  await viewer.goto('/portal/api-keys');
  await expect(viewer.getByRole('heading', { level: 1 })).toBeVisible();
  await expect(viewer.getByRole('button', { name: 'New key' })).toHaveCount(0);
  await context.close();

  await people.getByRole('button', { name: /Vic Viewer/ }).click();
  await page.getByRole('menuitem', { name: 'Take away' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take away' }).click();
  await expect(people.getByText(email)).toHaveCount(0);
});

test('BEY-22: an affiliate makes an own key, reads its secret once, calls the API with it and ends it', async ({
  page,
}) => {
  await page.goto('/portal/api-keys');
  await expect(page.getByText('No keys yet')).toBeVisible();
  await page.getByRole('button', { name: 'New key' }).first().click();
  const form = page.getByRole('dialog', { name: 'New key' });
  await form.getByLabel('Name').fill('My tracker');
  await form.getByLabel('Addresses').fill('nowhere');
  await form.getByRole('button', { name: 'Create key' }).click();
  await expect(form.getByText('An address or a network such as 192.0.2.0/24.')).toBeVisible();
  await form.getByLabel('Addresses').fill('');
  await form.getByLabel('It may also make links and send leads').check();
  await form.getByRole('button', { name: 'Create key' }).click();
  const once = page.getByRole('dialog', { name: 'My tracker' });
  const secret = await once.locator('[data-secret="Secret key"]').innerText();
  await expectAccessible(page);
  await once.getByRole('button').last().click();
  await expect(once).toBeHidden();
  const row = page.getByRole('row', { name: /My tracker/ });
  await expect(row).toContainText('read, make links, send leads');
  await expect(page.getByText(secret)).toBeHidden();

  const { origin } = stackNotes();
  const call = async () =>
    (await fetch(`${origin}/v1/me/links`, { headers: { Authorization: `Bearer ${secret}` } })).status;
  expect(await call()).toBe(200);
  await pressRowAction(row, 'Revoke');
  const end = page.getByRole('dialog', { name: 'Revoke My tracker' });
  await end.getByRole('button', { name: 'Revoke', exact: true }).click();
  await expect(end).toBeHidden();
  await expect(row).toContainText('revoked');
  expect(await call()).toBe(403);
});

test('LNK-09: a new link of the portal says at once that its page does not answer, and is saved', async ({ page }) => {
  await page.goto('/portal/links');
  await page.getByRole('button', { name: 'New link' }).click();
  const form = page.getByRole('dialog', { name: 'New link' });
  await form.getByLabel('Name in the link').fill(`dead-${world.ada.email.split('@')[0]?.slice(-8) ?? ''}`);
  await form.getByLabel('Leads to').fill('https://shop.example/gone');
  await form.getByRole('button', { name: 'Make the link' }).click();
  await expect(form).toBeHidden();
  await expect(page.getByText('The destination does not answer as a page.')).toBeVisible();
  await expect(page.getByRole('row', { name: /shop\.example\/gone/ })).toBeVisible();
});

test('PRT-06: another address waits for its mail, and the portal bears the merchant’s name and colour', async ({
  page,
}) => {
  await owner.must('PATCH', '/v1/workspace', { branding: { color: '#1d4ed8' } });
  await page.goto('/portal/profile');
  await expect(page.locator('[data-brand="#1d4ed8"]')).toBeVisible();
  const name = String(at(await owner.must('GET', '/v1/workspace'), 'name'));
  await expect(page.locator('[data-brand]')).toContainText(name);
  const section = page.getByRole('region', { name: 'How you sign in' });
  await section.getByLabel('New e-mail address').fill(`new-${world.ada.email}`);
  await section.getByRole('button', { name: 'Send the confirmation' }).click();
  await expect(section.getByRole('status')).toContainText('Open the mail that we sent to the new address.');
  await expect(page.getByRole('region', { name: 'Second factor' })).toBeVisible();
});

test('axe finds nothing on the portal’s further pages, and nothing scrolls sideways', async ({ page }) => {
  test.setTimeout(240_000);
  for (const path of [
    'earnings/refunds',
    'earnings/payments',
    'reports',
    'reports?report=sub-ids',
    'reports?report=earnings',
    'recruits',
    'notices',
    'profile',
  ])
    await expectGoodLooks(page, `/portal/${path}`);
});

test('PRT-10: with the portal switched off every page says so, and that nothing is lost', async ({ page }) => {
  const version = async () => String(at(await owner.must('GET', '/v1/settings'), 'version'));
  const enable = async (portalEnabled: boolean) =>
    owner.must('PATCH', '/v1/settings', { affiliates: { portalEnabled } }, { 'if-match': `"${await version()}"` });
  await enable(false);
  try {
    await page.goto('/portal/earnings');
    await expect(page.getByRole('heading', { name: 'The portal is switched off' })).toBeVisible();
    await expect(page.getByText('Your links go on working and earning')).toBeVisible();
  } finally {
    await enable(true);
  }
  await page.goto('/portal/earnings');
  await expect(page.getByRole('cell', { name: /10\.00/ }).first()).toBeVisible();
});

test('BEY-15: a rejected referral is appealed in the portal, once, and the appeal can be withdrawn', async ({
  page,
}) => {
  const found = (await owner.must('GET', `/v1/referrals?affiliateId=${world.ada.id}&status=pending,approved`)) as {
    data: { id: string }[];
  };
  const id = String(found.data[0]?.id);
  await owner.must('POST', `/v1/referrals/${id}/reject`, { reason: 'Looks odd', reasonCode: 'fraud' });
  await eventually(
    async () => (at(await owner.must('GET', `/v1/referrals/${id}`), 'status') === 'rejected' ? true : undefined),
    { within: 60_000 },
  );
  await page.goto('/portal/referrals?status=rejected');
  await expect(page.getByText('Not accepted').first(), 'not why it was taken for fraud').toBeVisible();
  await page.getByRole('button', { name: 'Appeal', exact: true }).first().click();
  const dialog = page.getByRole('dialog', { name: /^Appeal: / });
  await dialog.getByLabel('Your words').fill('She is a customer of mine.');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Send the appeal' }).click();
  await expect(page.getByText(/Your appeal is being looked at\. Answer due by/).first()).toBeVisible();
  await expectNoSidewaysScroll(page);
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Withdraw the appeal' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw the appeal' }).click();
  await expect(page.getByText('You withdrew your appeal.').first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Appeal', exact: true })).toHaveCount(0);
});
