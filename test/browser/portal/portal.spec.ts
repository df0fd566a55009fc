import { eventually } from '../../support/eventually.js';
import { makePayoutWorld, type PayoutWorld, sessionCalls } from '../payoutWorld.js';
import { expect, expectAccessible, expectGoodLooks, freshCookie, stackNotes, test } from '../support.js';

// The portal on a phone, of a program that shows affiliates nobody's name (screens.md 6).

let world: PayoutWorld;
let link = '';
const pages = [
  '/portal',
  '/portal/earnings',
  '/portal/payouts',
  '/portal/links',
  '/portal/referrals',
  '/portal/profile',
];

test.use({ viewport: { width: 390, height: 844 } });

test.beforeAll(async () => {
  test.setTimeout(240_000);
  const cookie = await freshCookie();
  const { origin } = stackNotes();
  world = await makePayoutWorld(origin, cookie, { customerVisibility: 'anonymous' });
  const { must } = await sessionCalls(origin, cookie);
  link = await eventually(
    async () => {
      const mails = (await must('GET', `/v1/dev/emails?to=${world.ada.email}`)) as { data: { links: string[] }[] };
      const found = mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
      if (found === undefined) throw new Error('the welcome mail is not there yet');
      return found;
    },
    { within: 60_000 },
  );
});

test('a mailed link leads to when and how much; no page names a customer', async ({ page }) => {
  test.setTimeout(300_000);
  const answers: string[] = [];
  page.on('response', (response) => {
    if (response.url().includes('/v1/me'))
      response.text().then(
        (text) => answers.push(text),
        () => undefined,
      ); // a navigation took it away
  });
  await page.goto(link);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await page.waitForURL(/\/portal/);
  await expect(page.getByTestId('next-amount')).toHaveText('USD 10.00');

  for (const path of pages) {
    await expectGoodLooks(page, path);
    const text = await page.locator('body').innerText();
    expect(text).not.toContain(world.customer.name);
    expect(text).not.toContain(world.customer.email);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  expect(answers.length).toBeGreaterThan(pages.length);
  for (const secret of [world.customer.name, world.customer.email])
    expect(answers.filter((text) => text.includes(secret))).toEqual([]);

  await page.goto('/portal/earnings');
  await page.getByRole('button', { name: /^Explain/ }).click();
  await expect(page.getByText('20 % of 49.99 USD net is 9.998')).toBeVisible();
  await expectAccessible(page);
});
