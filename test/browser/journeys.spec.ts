import { randomUUID } from 'node:crypto';
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { at, textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { Keyboard } from './keyboard.js';
import { cookieOf, makePayoutWorld, type PayoutWorld, sessionCalls } from './payoutWorld.js';
import { expect, freshCookie, stackNotes, test } from './support.js';
import { makeWorkWorld, until } from './workWorld.js';

// The five journeys of screens.md 3.1, each with the keyboard alone. What a journey costs is counted in presses and decisions and held
// against the page's figure; how fast this machine is has no part in it.

const passphrase = 'a long pass phrase for the browser';
let payouts: PayoutWorld;

test.beforeAll(async () => {
  test.setTimeout(400_000);
  payouts = await makePayoutWorld(stackNotes().origin, await freshCookie(), { customerVisibility: 'anonymous' });
});

async function ownerCallsNow() {
  return sessionCalls(stackNotes().origin, await freshCookie());
}

interface Person {
  readonly email: string;
  readonly cookie: string;
  readonly context: BrowserContext;
  readonly page: Page;
}

/** Somebody with these roles, signed in, in a browser of their own. */
async function person(browser: Browser, name: string, roleIds: readonly string[]): Promise<Person> {
  const { origin } = stackNotes();
  const { must } = await ownerCallsNow();
  const email = `${name.toLowerCase()}-${randomUUID()}@shop.example`;
  await must('POST', '/v1/users', { email, name, roleIds });
  const mails = await until(`/v1/dev/emails?to=${email}`, (body) => at(body, 'data.0.links.0') !== undefined);
  const accepted = await fetch(`${origin}/v1/auth/accept-invite`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: textAt(mails, 'data.0.links.0').split('/').at(-1), password: passphrase }),
  });
  const cookie = cookieOf(accepted);
  const context = await browser.newContext({
    baseURL: origin,
    locale: 'en-GB',
    viewport: { width: 1280, height: 900 },
  });
  const [key = '', value = ''] = cookie.split('=');
  await context.addCookies([{ name: key, value, url: origin, httpOnly: true, sameSite: 'Lax' }]);
  return { email, cookie, context, page: await context.newPage() };
}

/** Within the page's figure by the model of keyboard.ts, and written out for the record. */
function hold(journey: string, keyboard: Keyboard, targetSeconds: number): void {
  console.log(
    `${journey}: ${keyboard.steps} steps, ${keyboard.keys} keys, ${keyboard.seconds} s of ${targetSeconds} s by the model`,
  );
  expect(keyboard.seconds, journey).toBeLessThanOrEqual(targetSeconds);
}

test('1: a reviewer clears 20 referrals from the queue', async ({ browser }) => {
  test.setTimeout(900_000);
  await makeWorkWorld(20);
  const { page, context } = await person(browser, 'Rita', ['reviewer']);
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const keyboard = new Keyboard(page);

  await keyboard.press('g', 'q');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Queue');
  const current = page.locator('[data-item][aria-current="true"]');
  const approve = page.locator('[data-action="approve"]');
  for (let done = 0; done < 20; ) {
    await expect(current).toBeVisible();
    const item = (await current.getAttribute('data-item')) ?? '';
    if (!item.startsWith('ref_')) {
      await keyboard.press('j'); // something else that waits: applications, commissions
      continue;
    }
    await expect(approve).toBeVisible();
    await keyboard.press('a');
    await expect(page.locator(`[data-item="${item}"]`)).toHaveCount(0);
    done += 1;
  }

  hold('journey 1', keyboard, 120);
  await context.close();
});

let runId = '';

// The third begins where the second ends.
test.describe
  .serial('a payout run', () => {
    test('2: finance plans a run, says why each one is excluded, takes an odd payout out and hands the run over', async ({
      browser,
    }) => {
      test.setTimeout(600_000);
      const { origin } = stackNotes();
      const owner = await ownerCallsNow();
      // Bo gets a method, so that there are two to pay and one to take out; Cy stays below the minimum.
      const method = await owner.must('POST', `/v1/affiliates/${payouts.bo.id}/payout-methods`, {
        type: 'sandbox',
        currency: 'USD',
        details: { account: 'ok' },
      });
      const signedIn = await fetch(`${origin}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: payouts.approver.email, password: payouts.approver.password }),
      });
      const ben = await sessionCalls(origin, cookieOf(signedIn));
      await ben.must('POST', `/v1/payout-methods/${textAt(method, 'id')}/verify`, { reason: 'Called him' });
      const { page, context } = await person(browser, 'Fay', ['finance_preparer']);
      await page.goto('/');
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      const keyboard = new Keyboard(page);

      await keyboard.goTo('Runs');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Payout runs');
      await keyboard.press('c');
      const dialog = page.getByRole('dialog');
      await expect(dialog.getByLabel('Currencies')).toBeFocused();
      await keyboard.press('Enter'); // the form as it is offered: every currency
      await expect(page.getByTestId('plan-hash')).toHaveText(/^sha256:/, { timeout: 120_000 });
      runId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
      await keyboard.tabTo(
        page.getByRole('tab', { name: 'Paid this time' }).or(page.getByRole('tab', { selected: true })),
      );
      await keyboard.press('ArrowRight');
      const cy = page.locator(`tr[data-row="${payouts.cy.id}-USD"]`);
      await expect(cy).toContainText('Below the minimum');
      await keyboard.press('ArrowLeft');
      await keyboard.tabTo(page.getByRole('button', { name: /^Take Bo.* out$/ }));
      await keyboard.press('Enter');
      await until(`/v1/payout-runs/${runId}`, (body) => at(body, 'excludedAffiliateIds.0') === payouts.bo.id);

      hold('journey 2', keyboard, 180);
      // Handed over: it waits in the approver's queue, and the maker cannot approve it.
      const queue = await until('/v1/console/queue?kind=payout_run', (body) => JSON.stringify(body).includes(runId));
      expect(JSON.stringify(queue)).toContain(runId);
      await context.close();
    });

    test('3: an auditor, from one payout line: who approved this, and does it replay', async ({ browser }) => {
      test.setTimeout(600_000);
      const { origin } = stackNotes();
      const signedIn = await fetch(`${origin}/v1/auth/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: payouts.approver.email, password: payouts.approver.password }),
      });
      const ben = await sessionCalls(origin, cookieOf(signedIn));
      const preview = await eventually(
        async () => {
          const found = await ben.must('GET', `/v1/payout-runs/${runId}/preview`);
          if (typeof at(found, 'planHash') !== 'string') throw new Error('planned anew');
          return found;
        },
        { within: 60_000 },
      );
      await ben.must('POST', `/v1/payout-runs/${runId}/approve`, { planHash: textAt(preview, 'planHash') });
      await until(`/v1/payout-runs/${runId}`, (body) => at(body, 'status') === 'approved');
      await ben.must('POST', `/v1/payout-runs/${runId}/execute`, {});
      const paid = await eventually(
        async () => {
          const found = await ben.must('GET', `/v1/payouts?affiliateId=${payouts.ada.id}&status=paid`);
          if (at(found, 'data.0.id') === undefined) throw new Error('not paid yet');
          return found;
        },
        { within: 120_000 },
      );
      await until(`/v1/referrals/${payouts.referralId}/history`, (body) => at(body, 'source') === 'archive');
      const { page, context } = await person(browser, 'Audra', ['auditor']);
      await page.goto(`/payouts/${textAt(paid, 'data.0.id')}`);
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Payout');
      const keyboard = new Keyboard(page);

      await keyboard.tabTo(page.getByRole('tab', { name: 'Attempts' }).or(page.getByRole('tab').first()));
      await keyboard.press('ArrowRight');
      await keyboard.tabTo(page.getByRole('link', { name: 'Referral', exact: true }).first());
      await keyboard.press('Enter');
      const story = page.getByRole('list', { name: 'Story' });
      await expect(story).toContainText(/Approved/);
      await expect(story).toContainText('Owner');
      await keyboard.tabTo(page.getByRole('tab', { name: 'Story' }));
      await keyboard.press('End', 'Enter'); // the last tab: Replay
      await keyboard.tabTo(page.locator('[data-action="replay"]'));
      await keyboard.press('Enter');
      await expect(page.locator('[data-verdict]')).toHaveAttribute('data-verdict', 'pass', { timeout: 120_000 });

      hold('journey 3', keyboard, 60);
      await context.close();
    });
  });

test('4: an affiliate on a phone: when and how much', async ({ browser }) => {
  test.setTimeout(300_000);
  const { origin } = stackNotes();
  const { must } = await ownerCallsNow();
  // Bo, who was taken out of the run before: Ada may be paid by now, and then nothing is next.
  const email = textAt(await must('GET', `/v1/affiliates/${payouts.bo.id}`), 'email');
  await must('POST', `/v1/affiliates/${payouts.bo.id}/invite`);
  const link = await eventually(
    async () => {
      const mails = (await must('GET', `/v1/dev/emails?to=${email}`)) as { data: { links: string[] }[] };
      const found = mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
      if (found === undefined) throw new Error('the mail is not there yet');
      return found;
    },
    { within: 60_000 },
  );
  const context = await browser.newContext({ baseURL: origin, locale: 'en-GB', viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  await page.goto(link);
  const keyboard = new Keyboard(page);

  await keyboard.tabTo(page.getByRole('button', { name: 'Accept and sign in' }));
  await keyboard.press('Enter');
  await expect(page.getByTestId('next-amount')).toBeVisible();

  hold('journey 4', keyboard, 10);
  await context.close();
});

test('5: a developer sees the first test sale', async ({ browser, request }) => {
  test.setTimeout(300_000);
  const { page, context } = await person(browser, 'Dan', ['developer', 'auditor']);
  await page.goto('/');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const keyboard = new Keyboard(page);
  const order = `first-${randomUUID().slice(0, 8)}`;

  await keyboard.goTo('API keys');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('API keys');
  await keyboard.press('c');
  const form = page.getByRole('dialog');
  await expect(form.getByRole('textbox', { name: 'Name' })).toBeFocused();
  await keyboard.type('My shop');
  await keyboard.tabTo(form.getByRole('switch', { name: /Test mode/ }));
  await keyboard.press('Space');
  await keyboard.tabTo(form.getByRole('checkbox', { name: 'sale.write' }));
  await keyboard.press('Space');
  await keyboard.tabTo(form.getByRole('button', { name: 'Create the key' }));
  await keyboard.press('Enter');
  const secret = (await page.locator('[data-secret="Secret key"]').textContent()) ?? '';
  await expect(page.getByRole('button', { name: 'I have kept it' })).toBeVisible();
  await keyboard.tabTo(page.getByRole('button', { name: 'I have kept it' }));
  await keyboard.press('Enter');
  // Their own terminal: the call of the API reference, pasted once.
  keyboard.steps += 2;
  keyboard.keys += 10;
  const sale = await request.post(`${stackNotes().origin}/v1/sales`, {
    headers: { authorization: `Bearer ${secret}`, 'idempotency-key': randomUUID() },
    data: {
      externalId: order,
      customer: { externalId: `c-${order}`, email: `c-${order}@buyer.example` },
      amount: { amount: '10.00', currency: 'USD' },
    },
  });
  expect(sale.status(), await sale.text()).toBe(202);
  await keyboard.tabTo(page.getByRole('button', { name: /^Account/ }));
  await keyboard.press('Enter');
  await keyboard.tabTo(page.getByRole('switch', { name: 'Test mode' }));
  await keyboard.press('Space');
  await expect(page.getByText('You are looking at test data.')).toBeVisible();
  await keyboard.goTo('Sales');
  await expect(page.getByText(order)).toBeVisible();

  hold('journey 5', keyboard, 300);
  await context.close();
});
