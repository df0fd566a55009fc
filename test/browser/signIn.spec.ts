import { randomUUID } from 'node:crypto';
import { expect, freshLink, stackNotes, test } from './support.js';

const passphrase = 'a long pass phrase for the browser';

test('a printed link is used by a press, not by a visit, and only once', async ({ page, request }) => {
  const link = freshLink();
  const visit = await request.get(link);
  expect(visit.status()).toBe(200);
  expect(visit.headers()['content-security-policy']).toContain("default-src 'none'");
  expect(visit.headers()['referrer-policy']).toBe('no-referrer');

  await page.goto(link);
  await page.getByRole('button', { name: 'Sign in' }).press('Enter');
  await expect(page).toHaveURL(`${stackNotes().origin}/`);
  await expect(page.getByRole('button', { name: /^Account/ })).toBeVisible();

  const again = await page.goto(link);
  expect(again?.status()).toBe(410);
  await expect(page.getByRole('heading', { name: 'This link no longer works' })).toBeVisible();
  await page.getByRole('link', { name: 'Get a new one' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a staff member accepts an invitation, signs out, is refused a wrong password and comes back where they were', async ({
  page,
}) => {
  const email = `reviewer-${randomUUID()}@shop.example`;
  await page.goto(freshLink());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: /^Account/ })).toBeVisible();
  const invited = await page.evaluate<number>(`(async () => {
    const me = await (await fetch('/v1/me')).json();
    const answer = await fetch('/v1/users', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': me.csrfToken },
      body: JSON.stringify({ email: '${email}', name: 'Rita', roleIds: ['reviewer'] }),
    });
    return answer.status;
  })()`);
  expect(invited).toBe(201);
  await page.goto(`/dev/mail?to=${email}`);
  const invitation = await page.getByRole('link', { name: /\/welcome\// }).getAttribute('href');
  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();

  await page.goto(invitation ?? '');
  await page.getByLabel('Password', { exact: true }).fill(passphrase);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await expect(page.getByRole('button', { name: 'Account: Rita' })).toBeVisible();
  // What the API refuses a reviewer is not in the menu, and its address says which right is missing.
  await expect(page.getByRole('link', { name: 'Team' })).toHaveCount(0);
  await page.goto('/settings/team');
  await expect(page.getByText('The right user.read is missing.')).toBeVisible();

  await page.getByRole('button', { name: /^Account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.goto('/profile');
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fprofile$/);
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password', { exact: true }).fill('not the right one');
  await page.getByLabel('Password', { exact: true }).press('Enter');
  await expect(page.getByText('E-mail or password is not right')).toBeVisible();
  await page.getByLabel('Password', { exact: true }).fill(passphrase);
  await page.getByLabel('Password', { exact: true }).press('Enter');
  await expect(page).toHaveURL(`${stackNotes().origin}/profile`);
});

test('an address nobody has reads the same as a known one, and too many attempts say how long to wait', async ({
  page,
}) => {
  const email = `nobody-${randomUUID()}@shop.example`;
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(email);
  await page.getByRole('button', { name: 'Mail me a sign-in link' }).click();
  await expect(page.getByText('If this address may sign in to a portal')).toBeVisible();

  await page.getByLabel('Password', { exact: true }).fill('wrong wrong wrong');
  const locked = page.getByText(/^Too many attempts\. Try again in about \d+ minutes\./);
  await expect(async () => {
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(locked).toBeVisible({ timeout: 1_000 });
  }).toPass();
});

test('after signing in nobody is led to another site', async ({ page }) => {
  const { origin } = stackNotes();
  for (const next of ['https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)']) {
    const address = await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
    expect(address?.status()).toBe(200);
    await expect(page).toHaveURL((url) => url.origin === origin);
  }
});
