import { randomUUID } from 'node:crypto';
import type { Locator } from '@playwright/test';
import { at, textAt } from '../../support/apiClient.js';
import { sessionCalls } from '../payoutWorld.js';
import { expect, expectAccessible, freshCookie, ownerState, pressRowAction, stackNotes, test } from '../support.js';

// The form builder: by buttons and by drag; what is previewed is what visitors get; what they send stands in the log.

test.use({ storageState: ownerState });

const tag = randomUUID().slice(0, 8);

test('a form is built by keyboard and by drag, equals its preview, and its lead is in the log (LED-18, LED-19, LED-26)', async ({
  page,
}) => {
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  const settings = await must('GET', '/v1/settings');
  await must('PATCH', '/v1/settings', {}, { 'if-match': `"${String(at(settings, 'version'))}"` });
  const programId = textAt(await must('POST', '/v1/programs', { name: `Forms ${tag}`, currency: 'USD' }), 'id');
  const formId = textAt(
    await must('POST', '/v1/lead-forms', {
      name: `Contact ${tag}`,
      programId,
      fields: [
        { name: 'name', label: 'Name' },
        { name: 'email', label: 'E-mail', required: true },
        { name: 'message', label: 'Message' },
      ],
    }),
    'id',
  );

  await page.goto(`/forms/${formId}`);
  await page.getByRole('button', { name: 'Move Message up' }).press('Enter');
  await page.locator('li[data-field="name"]').dragTo(page.locator('li[data-field="email"]'));
  await page.getByLabel('Label of email').fill('Your e-mail');
  const preview = page.getByRole('region', { name: 'Preview' });
  await expect(preview.locator('[data-preview]')).toHaveCount(3);
  for (const [place, name] of ['message', 'email', 'name'].entries())
    await expect(preview.locator('[data-preview]').nth(place)).toHaveAttribute('data-preview', name);
  const agent = page.getByLabel('Agent');
  await agent.selectOption({ index: 1 });
  const agentName = await agent.locator('option:checked').innerText();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Publish' }).press('Enter');
  await expect(page.getByText('Published', { exact: true })).toBeVisible();

  await page.goto(`/f/${formId}`);
  const names = (await page.locator('form label').allTextContents()).map((label) => label.replace(/ \*$/, ''));
  expect(names.slice(0, 3)).toEqual(['Message', 'Your e-mail', 'Name']);
  await expectAccessible(page);
  await page.getByLabel('Your e-mail').fill(`${tag}@buyer.example`);
  // Who is quicker than a person is taken for a machine: the form's own clock decides, so this waits for it.
  const shown = Number((await page.locator('input[name=shownAt]').inputValue()).split('.')[0]);
  await expect(() => expect(Date.now() / 1_000 - shown).toBeGreaterThan(3)).toPass({ timeout: 20_000 });
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByRole('heading', { name: 'Thank you' })).toBeVisible();

  await page.goto('/forms');
  await expect(page.getByRole('row', { name: new RegExp(tag) }).first()).toContainText(agentName);

  // Its line says from where it came once the call is in the log.
  await expect
    .poll(async () => textAt(await must('GET', `/v1/lead-log?formId=${formId}`), 'data.0.address'))
    .toMatch(/^(127\.|::1)/);
  await page.goto(`/lead-log?formId=${formId}`);
  const line = page.getByRole('row').filter({ hasText: 'Form' }).first();
  await expect(line).toBeVisible();

  // A sender is blocked from the line of what it sent; here a network that nobody is in.
  await pressRowAction(line, 'Block this address');
  const network = `198.51.100.${parseInt(tag.slice(0, 2), 16)}`;
  const dialog = page.getByRole('dialog', { name: 'Block an address' });
  await dialog.getByLabel('Address or network').fill('not an address');
  await dialog.getByRole('button', { name: 'Block this address' }).click();
  await expect(dialog.getByText('An address or a network').first()).toBeVisible();
  await dialog.getByLabel('Address or network').fill(network);
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Block this address' }).click();
  await expect(dialog).toBeHidden();
  expect(JSON.stringify(await must('GET', '/v1/settings/leads'))).toContain(network);

  // The verdict is given there too.
  await pressRowAction(line, 'Mark as invalid');
  await page.getByRole('dialog').getByRole('button', { name: 'Mark as invalid' }).click();
  await expect(line).toContainText('invalid', { ignoreCase: true });

  // Refused calls, clicks without credit and sales that earned nothing are one step away.
  const views = page.getByRole('navigation', { name: 'Views of what came in' });
  await views.getByRole('link', { name: 'Refused leads' }).click();
  await expect(page).toHaveURL(/outcome=refused/);
  for (const [name, goal] of [
    ['Refused calls', /request-log\?outcome=refused/],
    ['Clicks without credit', /clicks\?credit=not_credited/],
    ['Sales that earned nothing', /sales\?earned=false/],
    ['Facts to judge again', /parked-events/],
  ] as const) {
    await page.goto('/lead-log');
    await views.getByRole('link', { name }).click();
    await expect(page).toHaveURL(goal);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
});

/** What a visitor sees of each control: its words, its mark, its kind and what may be chosen. */
const shapesOf = (controls: Locator) =>
  controls.evaluateAll((nodes) =>
    nodes.map((node) => {
      const words = document.querySelector(`label[for="${node.id}"]`)?.textContent ?? '';
      const type = node instanceof HTMLInputElement ? node.type : node.tagName.toLowerCase();
      return {
        label: words.replace(/\s*\*\s*$/, '').trim(),
        isMarked: /\*\s*$/.test(words),
        kind: ['checkbox', 'date', 'select', 'textarea'].includes(type) ? type : 'line',
        options: node instanceof HTMLSelectElement ? [...node.options].map((option) => option.text) : [],
      };
    }),
  );

test('the preview is the published form, kind by kind, in both languages (LED-19, LED-23)', async ({ page }) => {
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  const settings = await must('GET', '/v1/settings');
  await must('PATCH', '/v1/settings', {}, { 'if-match': `"${String(at(settings, 'version'))}"` });
  const programId = textAt(await must('POST', '/v1/programs', { name: `Kinds ${tag}`, currency: 'USD' }), 'id');
  const own = [
    { key: `plan_${tag}`, name: 'Plan', type: 'choice', options: ['Basic', 'Pro'] },
    { key: `seats_${tag}`, name: 'Seats', type: 'number' },
    { key: `start_${tag}`, name: 'Start', type: 'date' },
    { key: `terms_${tag}`, name: 'Terms', type: 'checkbox' },
  ];
  for (const field of own) await must('POST', '/v1/custom-fields', { target: 'lead', ...field });
  const formId = textAt(
    await must('POST', '/v1/lead-forms', {
      name: `Kinds ${tag}`,
      programId,
      language: 'de',
      consentText: 'Ich willige ein.',
      fields: [
        { name: 'email', label: 'E-Mail', required: true },
        { name: 'phone', label: 'Telefon' },
        { name: 'message', label: 'Nachricht', required: true },
        ...own.map(({ key, name }, place) => ({ name: key, label: name, required: place % 2 === 1 })),
      ],
    }),
    'id',
  );

  await page.goto(`/forms/${formId}`);
  const preview = page.getByRole('region', { name: 'Preview' });
  await expect(preview.locator('[data-preview]')).toHaveCount(7);
  const previewed = await shapesOf(preview.locator('[data-preview]'));
  const consent = preview.getByLabel('Ich willige ein.');
  await expect(consent).toBeVisible();
  await expect(preview.getByRole('button', { name: 'Absenden' })).toBeVisible();

  await page.goto(`/f/${formId}`);
  const published = await shapesOf(page.locator('form [id^="f-"]:not(#f-consent):not(#f-trap)'));
  expect(previewed).toEqual(published);
  expect(published.map(({ kind, isMarked }) => [kind, isMarked])).toEqual([
    ['line', true],
    ['line', false],
    ['textarea', true],
    ['select', false],
    ['line', true],
    ['date', false],
    ['checkbox', true],
  ]);
  await expect(page.getByLabel('Ich willige ein.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Absenden' })).toBeVisible();
});

test('a lead is entered by hand, given a note, and found among the leads; a person joins another by name (screens.md 3.8, 3.14)', async ({
  page,
}) => {
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  await page.goto('/leads');
  await page.getByRole('button', { name: 'Enter a lead' }).click();
  const entry = page.getByRole('dialog', { name: 'Enter a lead' });
  await expect(entry.getByRole('button', { name: 'Enter the lead' })).toBeDisabled();
  await entry.getByLabel('Name').fill(`Called ${tag}`);
  await entry.getByLabel('E-mail').fill('not an address@');
  await entry.getByLabel('Phone').fill('+48600100299');
  await expectAccessible(page);
  await entry.getByLabel('E-mail').fill(`called-${tag}@buyer.example`);
  await entry.getByRole('button', { name: 'Enter the lead' }).click();
  await expect(entry).toBeHidden();

  await page.goto(`/leads?q=called-${tag}`);
  const row = page.locator('tr[data-row]');
  await expect(row).toHaveCount(1);
  await pressRowAction(row, 'Assign, tag, note');
  const work = page.getByRole('dialog', { name: 'Assign, tag, note' });
  await work.getByLabel('Notes').fill(`Wants a call ${tag}`);
  await work.getByLabel('Tags').fill('phone');
  await work.getByRole('button', { name: 'Save' }).click();
  await expect(work).toBeHidden();
  const lead = await must('GET', `/v1/leads?q=called-${tag}`);
  expect([at(lead, 'data.0.notes'), at(lead, 'data.0.tags'), at(lead, 'data.0.channel')]).toEqual([
    `Wants a call ${tag}`,
    ['phone'],
    'manual',
  ]);

  const other = await must('POST', '/v1/contacts', { name: `Same ${tag}`, email: `same-${tag}@buyer.example` });
  await page.goto(`/contacts/${textAt(other, 'id')}`);
  await page.getByLabel('Search by name or e-mail').fill(`Called ${tag}`);
  const stays = page.getByLabel('The contact that stays');
  await stays.selectOption({ label: `Called ${tag}, called-${tag}@buyer.example` });
  await page.getByLabel('Reason').last().fill('The same person');
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(page.getByText('This contact ended as part of another.')).toBeVisible();
});
