import { at, textAt, apiClient } from '../support/apiClient.js';
import * as pictures from '../support/pictures.js';
import {
  chooseTheme,
  expect,
  expectAccessible,
  expectNarrow,
  freshCookie,
  ownerState,
  signInAfresh,
  stackNotes,
  test,
} from './support.js';
import { sessionCalls } from './payoutWorld.js';
import { makeWorkWorld, until, type WorkWorld } from './workWorld.js';

// What staff take back or put away: a batch undone as a batch (BEY-17), an appeal answered from the queue (BEY-15), a product made in a
// program's picker (PRG-12), who did each step of the set-up (screens.md 1.10), test data put away (TST-07).

test.describe.configure({ mode: 'serial' });
test.use({ storageState: ownerState });

let world: WorkWorld;
let tag: string;
let workspace: string;
let testLead: string;

test.beforeAll(async () => {
  world = await makeWorkWorld(3);
  tag = world.affiliateName.split(' ')[1] ?? '';
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  workspace = textAt(await must('GET', '/v1/me'), 'workspace.name');
  const key = await must('POST', '/v1/api-keys', { name: `tests ${tag}`, kind: 'secret', test: true, roleId: 'owner' });
  const tester = apiClient(
    () => origin,
    () => textAt(key, 'secret'),
  );
  const made = await tester.post('/v1/leads', { externalId: `test-${tag}`, email: `tess-${tag}@elsewhere.example` });
  if (made.status >= 300) throw new Error(JSON.stringify(made.body));
  testLead = textAt(made.body, 'id');
});

test('BEY-17: a batch of rejections is taken back by one press, row by row', async ({ page }) => {
  await page.goto(`/referrals?status=pending&q=${tag}`);
  for (const { customer } of world.referrals.slice(0, 2))
    await page.getByRole('checkbox', { name: `Select ${customer}` }).check();
  await page.getByRole('region', { name: 'Selection' }).getByRole('button', { name: 'Reject (2)' }).click();
  const dialog = page.getByRole('dialog', { name: 'Reject' });
  await dialog.getByLabel('Note for colleagues').fill('A ring');
  await dialog.getByRole('button', { name: 'Reject: 2' }).click();
  await expect(dialog.getByText(/^2 of 2 done/)).toBeVisible();
  for (const { id } of world.referrals.slice(0, 2))
    await until(`/v1/referrals/${id}`, (body) => at(body, 'status') === 'rejected');

  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Undo these 2 decisions' }).click();
  for (const { id } of world.referrals.slice(0, 2))
    await until(`/v1/referrals/${id}`, (body) => at(body, 'status') === 'pending');
  await expect(dialog.getByText(/^2 of 2 done: 2 succeeded/)).toBeVisible();
  await expect(dialog.getByRole('button', { name: /^Undo/ })).toHaveCount(0);
});

test('ADM-09: the page or all that match are chosen, and the bar says how many and what can be done', async ({
  page,
}) => {
  await page.goto(`/referrals?status=pending&q=${tag}`);
  const bar = page.getByRole('region', { name: 'Selection' });
  await expect(page.getByRole('checkbox', { name: `Select ${world.referrals[0]?.customer ?? ''}` })).toBeVisible();
  await expect(bar).toHaveCount(0);
  await page.getByRole('checkbox', { name: 'Select this page' }).check();
  await expect(bar.getByText('3 selected')).toBeVisible();
  await expect(bar.getByRole('button', { name: 'Approve (3)' })).toBeVisible();
  await expect(bar.getByRole('button', { name: 'Reject (3)' })).toBeVisible();
  await bar.getByRole('button', { name: 'Select none' }).click();
  await expect(bar).toHaveCount(0);

  // More than a page: all that match are one press further, and the count is theirs.
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const { total } = at(await must('GET', '/v1/referrals?status=pending&include=counts&limit=1'), 'counts') as {
    total: number;
  };
  await page.goto('/referrals?status=pending&limit=1');
  await page.getByRole('checkbox', { name: 'Select this page' }).check();
  if (total > 1) {
    await bar.getByRole('button', { name: `Select all ${total} that match` }).click();
    await expect(bar.getByText(`${total} selected`)).toBeVisible();
  }
});

test('screens.md 3.5: an affiliate is edited, its terms name who set each, and a bonus is added with its reason', async ({
  page,
  context,
}) => {
  await signInAfresh(context);
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const group = `Partners ${tag}`;
  await must('POST', '/v1/groups', { name: group, minimumPayout: [{ amount: '75.00', currency: 'USD' }] });
  await page.goto(`/affiliates/${world.affiliateId}`);
  const terms = page.getByRole('region', { name: 'Effective terms' }).getByRole('group', { name: `Work ${tag}` });
  await expect(terms.getByText('20 %', { exact: false }).first()).toBeVisible();
  await expect(terms.getByText('for the program', { exact: false })).toBeVisible();
  await expect(terms.getByText('(from the program)').first()).toBeVisible();

  // A rate of its own with a first and a last moment, after what it would have cost was shown.
  await terms.getByRole('button', { name: 'Own rate' }).click();
  const own = page.getByRole('dialog', { name: `Own rate of ${world.affiliateName} in Work ${tag}` });
  await own.getByLabel('Name').fill('Spring');
  await own.getByLabel('Level 1: percent').fill('23');
  await own.getByLabel('Effective from').fill('2099-03-01T12:00');
  await own.getByLabel('Ends at').fill('2099-03-01T11:00');
  await expectAccessible(page);
  await own.getByRole('button', { name: 'Show what it would have cost' }).click();
  await own.getByRole('button', { name: 'Save the rule' }).click();
  await expect(own.getByText('After it begins.')).toBeVisible();
  await own.getByLabel('Ends at').fill('2099-06-01T12:00');
  await own.getByRole('button', { name: 'Show what it would have cost' }).click();
  await own.getByRole('button', { name: 'Save the rule' }).click();
  const planned = terms.getByRole('group', { name: 'Planned' });
  await expect(planned).toContainText('23 %');
  await expect(planned).toContainText('2099');
  await terms.getByRole('button', { name: 'Change Spring' }).click();
  const change = page.getByRole('dialog', { name: 'New version of Spring' });
  await expect(change.getByLabel('Ends at')).toHaveValue('2099-06-01T12:00');
  await change.getByRole('button', { name: 'Cancel' }).click();

  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  const edit = page.getByRole('dialog', { name: `Edit ${world.affiliateName}` });
  await expect(edit.getByRole('button', { name: 'Save' })).toBeDisabled();
  await edit.getByLabel('Group').selectOption({ label: group });
  await edit.getByLabel('Tags').fill('spring, blog');
  await edit.getByLabel('Rank').fill('3');
  await expectAccessible(page);
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('spring, blog')).toBeVisible();
  await expect(page.getByRole('link', { name: group })).toBeVisible();
  await expect(terms.getByText(/75.00/)).toBeVisible();
  await expect(terms.getByText('(from its group)').first()).toBeVisible();

  await page.getByRole('button', { name: 'Bonus or correction' }).click();
  const entry = page.getByRole('dialog', { name: 'Add a bonus or a correction' });
  await expect(entry.getByRole('button', { name: 'Add the bonus' })).toBeDisabled();
  await entry.getByLabel('Amount in USD').fill('0');
  await entry.getByLabel('Why').fill('Best post of the month');
  await entry.getByRole('button', { name: 'Add the bonus' }).click();
  await expect(entry.getByText('A bonus is above zero', { exact: false }).first()).toBeVisible();
  await entry.getByLabel('Amount in USD').fill('12.50');
  await expectAccessible(page);
  await entry.getByRole('button', { name: 'Add the bonus' }).click();
  await expect(page).toHaveURL(/\/commissions\/com_/);
  await expect(page.getByText('bonus', { exact: true }).first()).toBeVisible();
  await expect(page.getByText(/12.50/).first()).toBeVisible();

  // All of its unpaid money is held at once with a reason, and the batch taken back.
  await page.goto(`/affiliates/${world.affiliateId}`);
  await page.getByRole('button', { name: /^Hold all \(\d+\)$/ }).click();
  const hold = page.getByRole('dialog', { name: 'Hold' });
  await hold.getByLabel('Note for colleagues').fill('Traffic looks bought');
  await expectAccessible(page);
  await hold.getByRole('button', { name: /^Hold: \d+$/ }).click();
  await hold.getByRole('button', { name: /^Undo/ }).click();
  await expect(hold.getByRole('button', { name: /^Undo/ })).toHaveCount(0);
  await expect(hold.getByText(/^(\d+) of \1 done: \1 succeeded/)).toBeVisible();
  await hold.getByRole('button', { name: 'Close' }).last().click();
  await expect(page.getByRole('button', { name: /^Release all/ })).toHaveCount(0);

  // Its API users stand with it, and a new one is its own from the start.
  await page.getByRole('tab', { name: 'API keys' }).click();
  await page.getByRole('button', { name: 'New key' }).first().click();
  const keyForm = page.getByRole('dialog', { name: 'New key' });
  await keyForm.getByRole('textbox', { name: 'Name', exact: true }).fill(`Shop of ${tag}`);
  await expect(keyForm.getByLabel('Affiliate', { exact: true })).toHaveCount(0);
  await keyForm.getByRole('button', { name: 'Create the key' }).click();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await expect(page.getByRole('cell', { name: `Shop of ${tag}`, exact: true })).toBeVisible();
  // The list of affiliates says what each is owed, and the papers of a referral have a tab.
  await page.goto(`/affiliates?q=${encodeURIComponent(world.affiliateName)}`);
  await expect(page.getByRole('columnheader', { name: /Owed/ })).toBeVisible();
  await page.goto(`/referrals/${world.referrals[2]?.id ?? ''}?tab=files`);
  await expect(page.getByText('Nothing was sent, or the program asks for no documents.')).toBeVisible();
});

test('screens.md 3.4: affiliates are moved and tagged many at once, and approved with their result per row', async ({
  page,
}) => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const ids: string[] = [];
  for (const name of [`Moa ${tag}`, `Mia ${tag}`]) {
    const email = `${name.toLowerCase().replace(' ', '-')}@blog.example`;
    ids.push(textAt(await must('POST', '/v1/affiliates', { name, email, programIds: [world.programId] }), 'id'));
  }
  await page.goto(`/affiliates?q=${tag}`);
  for (const name of ['Moa', 'Mia']) await page.getByRole('checkbox', { name: `Select ${name} ${tag}` }).check();
  const bar = page.getByRole('region', { name: 'Selection' });
  await bar.getByRole('button', { name: 'Move or tag (2)' }).click();
  const move = page.getByRole('dialog', { name: 'Move or tag' });
  await expect(move.getByText('2 of 2 can be done now.')).toBeVisible();
  await move.getByLabel('Group').selectOption({ label: `Partners ${tag}` });
  await move.getByLabel('Tags').fill('newcomer');
  await expectAccessible(page);
  await move.getByRole('button', { name: 'Move or tag: 2' }).click();
  await expect(move.getByText(/^2 of 2 done: 2 succeeded/)).toBeVisible();
  await move.getByRole('button', { name: 'Close' }).last().click();
  for (const id of ids) expect(at(await must('GET', `/v1/affiliates/${id}`), 'tags')).toEqual(['newcomer']);

  // One more is approved already: its row says so before anything is done.
  await page.getByRole('checkbox', { name: `Select ${world.affiliateName}` }).check();
  for (const name of ['Moa', 'Mia']) await page.getByRole('checkbox', { name: `Select ${name} ${tag}` }).check();
  await bar.getByRole('button', { name: 'Approve (3)' }).click();
  const approve = page.getByRole('dialog', { name: 'Approve' });
  await expect(approve.getByText('2 of 3 can be done now.')).toBeVisible();
  await expect(approve.getByText('1 skipped: Already decided')).toBeVisible();
  await approve.getByRole('button', { name: 'Approve: 2' }).click();
  await expect(approve.getByText(/^3 of 3 done: 2 succeeded, 1 skipped/)).toBeVisible();
  for (const id of ids) expect(at(await must('GET', `/v1/affiliates/${id}`), 'status')).toBe('approved');
});

test('screens.md 3.5, 4: what somebody was told stands with the affiliate, and what a referral caused with the referral', async ({
  page,
}) => {
  await page.goto(`/affiliates/${world.affiliateId}?tab=messages`);
  const row = page.getByRole('row', { name: /You are approved/ });
  await expect(row.getByText('approval')).toBeVisible();
  await row.getByRole('button', { name: /^Open/ }).click();
  await expect(page.getByRole('dialog').getByText('you are approved.', { exact: false })).toBeVisible();
  await expectAccessible(page);
  await page.goto(`/referrals/${world.referrals[0]?.id ?? ''}?tab=messages`);
  await expect(page.getByText('Nothing was sent')).toBeVisible();
  await expectAccessible(page);
  for (const tab of ['risk', 'postbacks']) {
    await page.goto(`/affiliates/${world.affiliateId}?tab=${tab}`);
    await expect(page.getByRole('tab', { selected: true })).toHaveText(/^(Risk|Postbacks)$/);
    await expectAccessible(page);
  }
});

test('ADM-01: the menu marks where one is, and a copied address opens its list with the filter on', async ({
  page,
}) => {
  await page.goto(`/referrals?status=pending&q=${tag}`);
  const nav = page.getByRole('navigation').first();
  await expect(nav.locator('[aria-current=page]')).toHaveText([/Referrals/]);
  await expect(page.getByRole('row')).toHaveCount(4);
  for (const name of ['Affiliates', 'Groups', 'Commissions', 'Payouts', 'Programs', 'Links', 'Leads', 'Lead log'])
    await expect(nav.getByRole('link', { name: new RegExp(`^${name}`) }).first()).toBeVisible();
  await nav.getByRole('link', { name: /^Payouts/ }).click();
  await expect(nav.locator('[aria-current=page]')).toHaveText([/Payouts/]);
  // Of two entries that the address begins with it is the longer one.
  await page.goto('/messages/milestones');
  await expect(nav.locator('[aria-current=page]')).toHaveText([/Milestones/]);
});

test('ADM-14: a form has its direct address and its frame to copy', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const form = await must('POST', '/v1/lead-forms', {
    name: `Form ${tag}`,
    programId: world.programId,
    fields: [{ name: 'email', label: 'E-mail', required: true }],
  });
  const codes = await must('GET', `/v1/lead-forms/${textAt(form, 'id')}/embed`);
  await page.goto(`/forms/${textAt(form, 'id')}`);
  for (const [kind, button] of [
    ['url', 'Copy Direct address'],
    ['iframe', 'Copy Frame'],
  ] as const) {
    await page.getByRole('button', { name: button }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(textAt(codes, kind));
  }
  expect(textAt(codes, 'iframe')).toContain('<iframe');
});

test('BEY-15: an appeal waits in the queue with the affiliate’s words, and is answered there with a reason', async ({
  page,
}) => {
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  const third = world.referrals[2];
  if (third === undefined) throw new Error('three referrals were made');
  await must('POST', `/v1/referrals/${third.id}/reject`, { reason: 'Looks odd' });
  await until(`/v1/referrals/${third.id}`, (body) => at(body, 'status') === 'rejected');
  const key = await must('POST', '/v1/api-keys', {
    name: `ada ${tag}`,
    kind: 'secret',
    test: false,
    affiliateId: world.affiliateId,
    permissions: ['me.read', 'me.write'],
  });
  const ada = apiClient(
    () => origin,
    () => textAt(key, 'secret'),
  );
  const made = await ada.post('/v1/me/appeals', { objectId: third.id, text: `I met her at the fair ${tag}.` });
  expect(made.status).toBe(201);

  await page.goto('/queue?kind=appeal');
  const item = page.getByRole('region', { name: new RegExp(`Appeal: Rejected referral · ${world.affiliateName}`) });
  await expect(item.getByText(`I met her at the fair ${tag}.`)).toBeVisible();
  await expectAccessible(page);
  await item.getByRole('button', { name: 'Dismiss' }).click();
  const dialog = page.getByRole('dialog');
  await dialog
    .getByLabel(/Reason|Note/)
    .last()
    .fill('The card was stolen.');
  await dialog.getByRole('button', { name: 'Dismiss' }).click();
  await until('/v1/appeals?status=dismissed', (body) =>
    (at(body, 'data') as { id: string }[]).some((one) => one.id === textAt(made.body, 'id')),
  );
  await expect(item).toHaveCount(0);
});

test('PRG-12: a product made in the program’s picker comes back chosen', async ({ page }) => {
  await page.goto(`/programs/${world.programId}?tab=products`);
  await page.getByRole('button', { name: 'New product' }).click();
  const dialog = page.getByRole('dialog', { name: 'New product' });
  await dialog.getByLabel('Name').fill(`Extra ${tag}`);
  await dialog.getByRole('button', { name: 'Create the product' }).click();
  await expect(dialog).toHaveCount(0);
  const picker = page.getByLabel('Attach a product');
  await expect(picker.locator('option:checked')).toHaveText(`Extra ${tag}`);
  await expectAccessible(page);
});

test('ADM-12: each step of the set-up says who did it', async ({ page }) => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const setup = await must('GET', '/v1/console/setup');
  const program = (at(setup, 'steps') as { id: string; doneBy: string | null }[]).find((step) => step.id === 'program');
  expect(program?.doneBy).not.toBeNull();
  await page.goto('/');
  await expect(page.getByText(new RegExp(`· ${program?.doneBy ?? ''}`)).first()).toBeVisible();
});

test('TST-07: test data is put away from the settings, after its name was typed', async ({ page, context }) => {
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  const inTest = { 'Tributary-Mode': 'test' };
  expect(at(await must('GET', `/v1/leads/${testLead}`, undefined, inTest), 'test')).toBe(true);
  const live = await must('GET', '/v1/referrals?limit=200&include=counts');

  await signInAfresh(context);
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Put test data away …' }).click();
  const dialog = page.getByRole('dialog', { name: 'Put test data away' });
  const run = dialog.getByRole('button', { name: 'Put away for good' });
  await expect(run).toBeDisabled();
  await dialog.getByLabel(/Type the name of the workspace/).fill('something else');
  await expect(run).toBeDisabled();
  await dialog.getByLabel(/Type the name of the workspace/).fill(workspace);
  await expectAccessible(page);
  await run.click();
  await expect(dialog.getByText(/Done: \d+ rows? (was|were) put away\./)).toBeVisible({ timeout: 60_000 });

  const { call } = await sessionCalls(origin, await freshCookie());
  expect((await call('GET', `/v1/leads/${testLead}`, undefined, inTest)).status).toBe(404);
  expect(at(await must('GET', '/v1/referrals?limit=200&include=counts'), 'counts')).toEqual(at(live, 'counts'));
});

test('a logo is chosen from the library and stands in the form; no page asks another server for it', async ({
  page,
}) => {
  await page.goto('/settings/brand');
  await page.getByRole('button', { name: 'Choose an image' }).click();
  const library = page.getByRole('dialog', { name: 'Images' });
  await library

    .locator('input[type=file]')
    .setInputFiles({ name: `logo-${tag}.png`, mimeType: 'image/png', buffer: pictures.png });
  await expect(library).toHaveCount(0);
  const form = page.getByRole('form', { name: 'Brand' });
  const logo = form.getByRole('img', { name: 'Logo' });
  await expect(logo).toHaveAttribute('src', /^\/t\/media\/[0-9a-f]{64}\.png$/);
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Save' }).click();
  await until('/v1/workspace', (body) => String(at(body, 'branding.logoUrl')).includes('/t/media/'));

  await page.reload();
  await expect(logo).toBeVisible();
  await form.getByRole('button', { name: 'No logo' }).click(); // as it was, for the files that follow
  await form.getByRole('button', { name: 'Save' }).click();
  await until('/v1/workspace', (body) => at(body, 'branding.logoUrl') === null);
});

test('LED-27, AUD-01: the log says in words what was sent, the trail only what happened, a commission who decided', async ({
  page,
}) => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  const first = world.referrals[0];
  if (first === undefined) throw new Error('three referrals were made');
  await page.goto(`/lead-log?affiliateId=${world.affiliateId}`);
  const sent = page.locator('[data-payload]').filter({ hasText: `lead-${tag}-1` });
  await expect(sent.getByText('Event:')).toBeVisible();
  await expect(sent.getByText('registration')).toBeVisible();
  await expect(sent.getByText('E-mail:')).toBeVisible();
  expect(await page.locator('[data-payload]').allInnerTexts()).not.toContain('{');
  await expect(page.getByText(`u-${tag}-1@buyer.example`)).toHaveCount(0); // masked, as before
  await expectAccessible(page);
  await expectNarrow(page);
  await page.setViewportSize({ width: 1280, height: 900 });

  await page.goto(`/audit?objectId=${first.id}`);
  await expect(page.getByText('pending → rejected').first()).toBeVisible();
  await expect(page.getByText(/^(\S+) → \1$/)).toHaveCount(0);

  await must('POST', `/v1/sales/${first.saleId}/refunds`, { externalId: `refund-${tag}` });
  await until(`/v1/commissions/${first.commissionId}`, (body) => at(body, 'status') === 'rejected');
  await page.goto(`/commissions/${first.commissionId}`);
  await expect(page.getByText(/^Decided by the system: The purchase was refunded,/)).toBeVisible();
});

test('PAY-01: an affiliate has a threshold of its own, beside those of the workspace, and its methods', async ({
  page,
}) => {
  await page.goto(`/affiliates/${world.affiliateId}?tab=balance`);
  const threshold = page.getByRole('region', { name: 'Paid from this amount on' });
  await expect(threshold.getByText('Workspace')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Payout methods' })).toBeVisible();
  await threshold.getByRole('button', { name: 'Change the threshold' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change the threshold' });
  await dialog.getByRole('button', { name: 'Add a currency' }).click();
  await dialog.getByLabel('This affiliate: amount 1').fill('12.345');
  await dialog.getByLabel('This affiliate: currency 1').fill('USD');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByRole('alert').first()).toBeVisible();
  await dialog.getByLabel('This affiliate: amount 1').fill('123.45');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(threshold.getByText(/123\.45/)).toBeVisible();
  await until(`/v1/affiliates/${world.affiliateId}`, (body) => at(body, 'minimumPayout.0.amount') === '123.45');
});

test('PRG-19, AUD-04: a breach leads to a warning, then to a suspension, with the policy cited', async ({
  page,
  context,
}) => {
  await signInAfresh(context);
  await chooseTheme(page, 'dark');
  await page.goto(`/affiliates/${world.affiliateId}?tab=breaches`);
  await expect(page.getByText('No breach of a policy is on record.')).toBeVisible();
  const record = async (evidence: string, follows: RegExp, submit: string): Promise<void> => {
    await page.getByRole('button', { name: 'Record a breach' }).click();
    const dialog = page.getByRole('dialog', { name: 'Record a breach' });
    await expect(dialog.getByRole('button', { name: 'Record and warn' })).toBeDisabled();
    await dialog.getByLabel('Policy').fill('No brand bidding');
    await dialog.getByLabel('Evidence').fill(evidence);
    await dialog.getByLabel(follows).check();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: submit }).click();
    await expect(dialog).toHaveCount(0);
  };
  await record('An ad of 12 May', /^A warning/, 'Record and warn');
  const rows = page.getByRole('table', { name: 'Breaches' }).getByRole('row');
  await expect(rows.filter({ hasText: 'An ad of 12 May' }).getByText('Warning')).toBeVisible();
  await record('Again on 3 June', /^The affiliate is suspended/, 'Record and suspend');
  await expect(rows.filter({ hasText: 'Again on 3 June' }).getByText('Suspension')).toBeVisible();
  await until(`/v1/affiliates/${world.affiliateId}`, (body) => at(body, 'status') === 'suspended');
  await page.getByRole('tab', { name: 'Overview' }).click();
  await expect(page.getByText(/No brand bidding/).first()).toBeVisible();
  await page.getByRole('tab', { name: 'Breaches' }).click();
  await expectNarrow(page);
});

test('RUL-12: before one rate is set for everybody the box says how many narrower rules stay or end', async ({
  page,
}) => {
  await page.goto('/programs');
  await page.getByRole('button', { name: 'One rate for everybody' }).click();
  const dialog = page.getByRole('dialog', { name: 'One rate for everybody' });
  await expect(dialog.getByRole('status')).toHaveText(/\d+ narrower rules? stays? and wins? where/);
  await dialog.getByLabel('Rate in per cent').fill('7,5 %');
  await expect(dialog.getByText('A number from 0 to 100')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Set the rate' })).toBeDisabled();
  await dialog.getByLabel('Rate in per cent').fill('7.5');
  await dialog.getByLabel('End all narrower rules').check();
  await expect(dialog.getByRole('status')).toHaveText(/\d+ narrower rules? ends?/);
  await expect(dialog.getByRole('button', { name: 'Set the rate' })).toBeEnabled();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Cancel' }).click(); // the other specs live by their own rules
});
