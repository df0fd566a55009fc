import { readFile } from 'node:fs/promises';
import type { Download, Page } from '@playwright/test';
import { eventually } from '../support/eventually.js';
import { textOfPdf } from '../support/pdfText.js';
import { makePayoutWorld, type PayoutWorld, sessionCalls } from './payoutWorld.js';
import { expect, expectAccessible, freshCookie, ownerState, stackNotes, test } from './support.js';

// PAY-21: the statement behind a payout, downloaded by staff and by the affiliate.

let world: PayoutWorld;
let payoutId = '';
let welcome = '';

test.beforeAll(async () => {
  test.setTimeout(240_000);
  const cookie = await freshCookie();
  const { origin } = stackNotes();
  world = await makePayoutWorld(origin, cookie);
  const owner = await sessionCalls(origin, cookie);
  welcome = await eventually(
    async () => {
      const mails = (await owner.must('GET', `/v1/dev/emails?to=${world.ada.email}`)) as {
        data: { links: string[] }[];
      };
      const found = mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
      if (found === undefined) throw new Error('the welcome mail is not there yet');
      return found;
    },
    { within: 60_000 },
  );
  const draft = (await owner.must('POST', '/v1/payouts', { affiliateId: world.ada.id, currency: 'USD' })) as {
    id: string;
  };
  payoutId = draft.id;
  const signedIn = await fetch(`${origin}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: world.approver.email, password: world.approver.password }),
  });
  expect(signedIn.status).toBe(200);
  const ben = await sessionCalls(
    origin,
    signedIn.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; '),
  );
  await ben.must('POST', `/v1/payouts/${payoutId}/approve`, { reason: 'ok' });
  await eventually(
    async () => {
      const found = (await owner.must('GET', `/v1/payouts/${payoutId}`)) as { status: string };
      if (found.status !== 'paid') throw new Error(`still ${found.status}`);
      return found;
    },
    { within: 90_000 },
  );
});

async function download(page: Page, name: string): Promise<{ readonly file: string; readonly bytes: Buffer }> {
  const [file]: [Download, unknown] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name }).click(),
  ]);
  return { file: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

async function expectStatement(page: Page): Promise<void> {
  const pdf = await download(page, 'Statement (PDF)');
  expect(pdf.file).toBe(`statement-${payoutId}.pdf`);
  expect(textOfPdf(pdf.bytes).join(' ')).toContain('20 % of 49.99 USD net is 9.998');
  const csv = await download(page, 'Statement (CSV)');
  expect(csv.bytes.toString('utf8')).toContain('10.00,USD\r\n');
  await expectAccessible(page);
}

test.describe('staff', () => {
  test.use({ storageState: ownerState });

  test('PAY-21: the payout page hands out the statement as PDF and CSV', async ({ page }) => {
    await page.goto(`/payouts/${payoutId}`);
    await expectStatement(page);
  });

  test('BEY-01: one step from a line of a payout to why it is what it is, down to the click; from a balance to its lines', async ({
    page,
  }) => {
    await page.goto(`/payouts/${payoutId}`);
    await page.getByRole('tab', { name: 'Lines' }).click();
    await page.getByRole('button', { name: /^Explain / }).click();
    const panel = page.getByRole('dialog');
    await expect(panel).toContainText('20 % of 49.99 USD net is 9.998');
    await expect(panel.getByRole('heading', { name: 'What earned it' })).toBeVisible();
    await expect(panel.getByText(/^Credited:/)).toContainText('clk_');
    await expectAccessible(page);
    await page.goto(`/affiliates/${world.ada.id}?tab=balance`);
    await page.getByRole('row').filter({ hasText: 'USD' }).getByRole('link').first().click();
    await expect(page).toHaveURL(/\/commissions\?.*affiliateId/);
  });

  test('PAY-03: a draft is made by one click; where nothing can be paid, it is said', async ({ page }) => {
    await page.goto(`/affiliates/${world.bo.id}?tab=balance`);
    await page.getByRole('button', { name: /^Make a draft of / }).click();
    await expect(page.getByRole('alert')).toContainText('Nobody is due');
    await expectAccessible(page);
  });
});

test.describe('a run', () => {
  test.use({ storageState: ownerState });

  test('PAY-16: those who are left out for want of details are asked for them, once', async ({ page }) => {
    await page.goto('/payout-runs');
    await page.getByRole('button', { name: 'New payout run' }).first().click();
    await page.getByRole('button', { name: 'Plan and reserve' }).click();
    await expect(page.getByTestId('plan-hash')).toHaveText(/^sha256:/, { timeout: 60_000 });
    await page.getByRole('tab', { name: 'Not paid this time' }).click();
    await page.getByRole('button', { name: 'Ask for payout details' }).click();
    // They were asked when the plan was fixed, and nobody is asked twice about one run.
    await expect(page.getByText(/can do something about it; 0 were told now/)).toBeVisible();
    await expectAccessible(page);
  });
});

test('PAY-21: the affiliate downloads the list of commissions behind the amount', async ({ page }) => {
  await page.goto(welcome);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await page.waitForURL(/\/portal/);
  await page.goto(`/portal/payouts?payout=${payoutId}`);
  await expectStatement(page);
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /^Explain / })
    .click();
  await expect(page.getByRole('dialog').getByRole('heading', { name: 'What earned it' })).toBeVisible();
  await page.mouse.move(0, 0); // off the button: its tooltip lies outside of every landmark
  await expect(page.getByRole('tooltip')).toHaveCount(0);
  await expectAccessible(page);
});
