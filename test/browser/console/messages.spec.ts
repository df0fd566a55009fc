import { randomUUID } from 'node:crypto';
import { textAt } from '../../support/apiClient.js';
import { sessionCalls } from '../payoutWorld.js';
import { expect, expectAccessible, freshCookie, ownerState, stackNotes, test } from '../support.js';

test.use({ storageState: ownerState });

const tag = randomUUID().slice(0, 8);

test('NTF-11, NTF-12, AFF-21: a segment is kept with its preview count, written to, and whoever has not confirmed is reminded', async ({
  page,
}) => {
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  for (const name of ['Ada', 'Bob'])
    await must('POST', '/v1/affiliates', { name: `${name} ${tag}`, email: `${name}-${tag}@blog.example`, tags: [tag] });
  await must('POST', '/v1/message-templates', {
    name: `News ${tag}`,
    subject: 'News for {{affiliate_name}}',
    body: 'Hello from {{workspace_name}}.',
  });

  await page.goto('/messages/segments');
  await page.getByRole('button', { name: 'New segment' }).first().click();
  const segment = page.getByRole('dialog', { name: 'New segment' });
  await segment.getByLabel('Name').fill(`Tagged ${tag}`);
  await segment.getByLabel('Tag').fill(tag);
  await expect(segment.getByText('2 affiliates fit now.')).toBeVisible();
  await expectAccessible(page);
  await segment.getByRole('button', { name: 'Create the segment' }).click();
  const row = page.getByRole('row').filter({ hasText: `Tagged ${tag}` });
  await expect(row).toContainText('2');
  await row.getByRole('link', { name: '2', exact: true }).click();
  await expect(page.getByRole('row').filter({ hasText: tag })).toHaveCount(2);

  await page.goto('/messages/sent');
  await page.getByRole('button', { name: 'Write to affiliates' }).first().click();
  const form = page.getByRole('dialog', { name: 'Write to affiliates' });
  await form
    .getByLabel('To', { exact: false })
    .first()
    .selectOption({ label: `Segment: Tagged ${tag}` });
  await form
    .getByLabel('Message', { exact: false })
    .first()
    .selectOption({ label: `News ${tag} (en)` });
  await form.getByLabel('Readers have to confirm it').check();
  await expect(form.getByText('2 affiliates get it.')).toBeVisible();
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Send it' }).click();
  const sent = page.getByRole('row').filter({ hasText: `News ${tag}` });
  await expect(sent).toContainText(`Tagged ${tag}`);
  const id = textAt(await must('GET', `/v1/messages?q=News%20${tag}`), 'data.0.id');

  await page.goto(`/messages/sent/${id}`);
  await expect(page.getByText('2 of 2 affiliates told')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('row').filter({ hasText: `Ada ${tag}` })).toContainText('Told');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Remind those who have not confirmed' }).click();
  await page.goto('/messages/sent');
  await expect(page.getByRole('row').filter({ hasText: `Reminder: News ${tag}` })).toBeVisible();
});

test('NTF-11, NTF-16: selected affiliates are written to from their list; who declines such mails is told from, on the page of the affiliate and before sending', async ({
  page,
}) => {
  const own = `sel-${tag}`;
  const { must } = await sessionCalls(stackNotes().origin, await freshCookie());
  for (const name of ['Eva', 'Fay', 'Gus'])
    await must('POST', '/v1/affiliates', { name: `${name} ${own}`, email: `${name}-${own}@blog.example`, tags: [own] });
  await must('POST', '/v1/message-templates', {
    name: `Hello ${own}`,
    subject: 'Hello',
    body: 'From {{workspace_name}}.',
  });
  await page.goto(`/affiliates?q=${own}`);
  await page.getByRole('checkbox', { name: `Eva ${own}` }).check();
  await page.getByRole('checkbox', { name: `Gus ${own}` }).check();
  await page.getByRole('button', { name: 'Write to them (2)' }).click();
  const form = page.getByRole('dialog', { name: 'Write to affiliates' });
  await expect(form.getByLabel('To', { exact: true })).toHaveCount(0);
  await form
    .getByLabel('Message', { exact: false })
    .first()
    .selectOption({ label: `Hello ${own} (en)` });
  await expect(form.getByText('2 affiliates get it.')).toBeVisible();
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Send it' }).click();
  await expect(page).toHaveURL(/\/messages\/sent\/msg_/);
  await expect(page.getByText('2 of 2 affiliates told')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('row').filter({ hasText: `Gus ${own}` })).toContainText('Told');
  await expect(page.getByRole('row').filter({ hasText: `Fay ${own}` })).toHaveCount(0);
  await page.goto(`/affiliates/${textAt(await must('GET', `/v1/affiliates?q=Eva%20${own}`), 'data.0.id')}`);
  await expect(page.getByText('Messages to many')).toBeVisible();
  await expect(page.getByText('wanted', { exact: true })).toBeVisible();
});
