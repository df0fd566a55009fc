import { randomUUID } from 'node:crypto';
import { at, textAt } from '../../support/apiClient.js';
import { sessionCalls } from '../payoutWorld.js';
import { expect, expectAccessible, freshCookie, ownerState, stackNotes, test } from '../support.js';

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
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByRole('heading', { name: 'Thank you' })).toBeVisible();

  await page.goto('/forms');
  await expect(page.getByRole('row', { name: new RegExp(tag) }).first()).toContainText(agentName);

  await page.goto(`/lead-log?formId=${formId}`);
  await expect(page.getByRole('row').filter({ hasText: 'Form' }).first()).toBeVisible();
});
