import type { Page } from '@playwright/test';
import { at, textAt } from '../support/apiClient.js';
import { cookieOf, makePayoutWorld, type PayoutWorld, sessionCalls } from './payoutWorld.js';
import { expect, expectAccessible, freshCookie, freshLink, stackNotes, test } from './support.js';

// What finance does on screen beside a run: many payouts marked paid at once, terms that change on a day, a balance below zero.

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
  await expect(planned.getByText('P45D')).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);

  await planned.getByRole('button', { name: 'Take back' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(planned.getByText('Nothing is planned.')).toBeVisible();
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
