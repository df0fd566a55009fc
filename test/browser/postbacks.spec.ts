import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { textAt } from '../support/apiClient.js';
import { eventually } from '../support/eventually.js';
import { makePayoutWorld, type PayoutWorld, sessionCalls } from './payoutWorld.js';
import {
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  freshCookie,
  freshLink,
  ownerState,
  pressRowAction,
  stackNotes,
  test,
} from './support.js';

// Postbacks out (BEY-21) with the real worker and a receiver of the test's own: the affiliate enters one in the portal, staff read its log.
// Beside them what staff do with a sale that credits nobody (TRK-27).

test.describe.configure({ mode: 'serial' });

const tag = randomUUID().slice(0, 8);
let receiver: Server;
let host: string;
let asked: string[] = [];
/** How many of the next calls are answered with 503. */
let busy = 0;
let world: PayoutWorld;
let link: string;

test.beforeAll(async () => {
  test.setTimeout(240_000);
  receiver = createServer((request, response) => {
    asked.push(request.url ?? '');
    busy -= 1;
    response.writeHead(busy >= 0 ? 503 : 200).end('thanks');
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  const cookie = await freshCookie();
  const { origin } = stackNotes();
  world = await makePayoutWorld(origin, cookie);
  const { must } = await sessionCalls(origin, cookie);
  link = await eventually(
    async () => {
      const mails = (await must('GET', `/v1/dev/emails?to=${world.ada.email}`)) as { data: { links: string[] }[] };
      return mails.data.flatMap((mail) => mail.links).find((one) => one.includes('/welcome/'));
    },
    { within: 60_000 },
  );
});
test.afterAll(async () => {
  await new Promise((resolve) => receiver.close(resolve));
});

test('an affiliate enters a postback with macros, tests it and reads its log', async ({ page }) => {
  await page.goto(link);
  await page.getByRole('button', { name: 'Accept and sign in' }).click();
  await page.waitForURL(/\/portal/);
  await page.goto('/portal/postbacks');
  await expect(page.getByText('No postback yet')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'New postback' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Address').fill(`http://${host}/in?v=${tag}&o={order}`);
  await dialog.getByRole('button', { name: 'Create postback' }).click();
  await expect(dialog.getByText('There is no macro {order}.')).toBeVisible();
  await dialog.getByLabel('Address').fill(`http://${host}/in?v=${tag}&o={order_id}&c=`);
  await dialog.getByLabel('Address').press('End');
  await dialog.getByRole('button', { name: 'Insert commission' }).click();
  await expect(dialog.getByLabel('Address')).toHaveValue(/\{commission\}$/);
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Create postback' }).click();
  await expect(dialog).toBeHidden();

  const row = page.getByRole('row', { name: new RegExp(tag) });
  await pressRowAction(row, 'Test');
  await expect(page.getByText('The test was taken: HTTP 200')).toBeVisible();
  expect(asked).toEqual([`/in?v=${tag}&o=order-test&c=10.00`]);
  await pressRowAction(row, 'Calls');
  await expect(page.getByRole('dialog').getByRole('cell', { name: 'taken' })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto('/portal/postbacks');
  await expect(
    page
      .getByText('taken')
      .or(page.getByText('on', { exact: true }))
      .first(),
  ).toBeVisible();
  await expectNoSidewaysScroll(page);
});

test('an affiliate asks why an order was not theirs (BEY-14)', async ({ page }) => {
  await page.goto(freshLink(world.ada.email));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForURL(/\/portal/);
  await page.goto('/portal/credit-check');
  await page.getByLabel('Order number or click id').fill(`nobodys-${tag}`);
  await page.getByRole('button', { name: 'Ask' }).click();
  await expect(page.getByText('No click, visit or coupon of yours leads to this order')).toBeVisible();
  await expect(page.getByText('9 questions left today')).toBeVisible();
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 640 });
  await page.reload();
  await expect(page.getByLabel('Order number or click id')).toBeVisible();
  await expectNoSidewaysScroll(page);
});

test.describe('staff', () => {
  test.use({ storageState: ownerState });

  test('see the call of a sale that they gave to the affiliate by hand, and its retry', async ({ page }) => {
    test.setTimeout(240_000);
    const { origin } = stackNotes();
    const { must } = await sessionCalls(origin, await freshCookie());
    asked = [];
    busy = 1;
    const saleId = textAt(
      await must('POST', '/v1/sales', {
        externalId: `hand-${tag}`,
        customer: { email: `nobody-${tag}@buyer.example` },
        amount: { amount: '50.00', currency: 'USD' },
      }),
      'id',
    );
    await page.goto(`/sales/${saleId}`);
    await page.getByRole('button', { name: 'Give to an affiliate' }).click();
    const dialog = page.getByRole('dialog');
    const name = textAt(await must('GET', `/v1/affiliates/${world.ada.id}`), 'name');
    await dialog.getByLabel('Affiliate').selectOption(world.ada.id);
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Give', exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect(page.getByRole('link', { name }).first()).toBeVisible({ timeout: 60_000 });

    await eventually(() => asked.length > 0, { within: 60_000 });
    expect(asked[0]).toBe(`/in?v=${tag}&o=hand-${tag}&c=10.00`);
    await page.goto('/developers/postbacks');
    await page.getByRole('link', { name: host, exact: true }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Postback' })).toBeVisible();
    const call = page.getByRole('row', { name: /Commission created/ });
    await expect(call.getByText('taken')).toBeVisible({ timeout: 60_000 });
    await expect(call.getByRole('cell', { name: '2', exact: true })).toBeVisible();
    await expectAccessible(page);
    await page.setViewportSize({ width: 320, height: 640 });
    await page.reload();
    await expect(call.getByText('taken')).toBeVisible();
    await expectNoSidewaysScroll(page);
  });

  test('make a webhook, see its secret once, test it, read what was sent and send it again (BEY-23)', async ({
    page,
  }) => {
    test.setTimeout(240_000);
    const { origin } = stackNotes();
    const { must } = await sessionCalls(origin, await freshCookie());
    await page.goto('/developers/webhooks');
    await page.getByRole('button', { name: 'New webhook' }).first().click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Address').fill(`http://${host}/hook-${tag}`);
    await dialog.getByRole('checkbox', { name: 'sale.recorded' }).check();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Create webhook' }).click();
    await expect(dialog.getByText(/^whsec_/)).toBeVisible();
    await expectAccessible(page);
    await dialog.getByRole('button').last().click();
    await expect(dialog).toBeHidden();
    const row = page.getByRole('row', { name: new RegExp(tag) });
    await pressRowAction(row, 'Send test event');
    await expect(page.getByText('The test was taken: HTTP 200')).toBeVisible();
    await pressRowAction(row, 'Rotate secret');
    await dialog.getByRole('button', { name: 'Rotate secret' }).click();
    await expect(dialog.getByText(/^whsec_/)).toBeVisible();
    await dialog.getByRole('button').last().click();
    await expect(row.getByText('The secret before is valid until')).toBeVisible();
    await expectAccessible(page);

    asked = [];
    busy = 0;
    const saleId = textAt(
      await must('POST', '/v1/sales', {
        externalId: `hook-${tag}`,
        customer: { email: `hook-${tag}@buyer.example` },
        amount: { amount: '5.00', currency: 'USD' },
      }),
      'id',
    );
    await eventually(() => asked.includes(`/hook-${tag}`), { within: 60_000 });
    await row.getByRole('link').first().click();
    await expect(page.getByRole('heading', { level: 1, name: 'Deliveries' })).toBeVisible();
    const calls = page.getByRole('row', { name: /sale\.recorded/ });
    await expect(calls).toHaveCount(2);
    await page.mouse.move(0, 0); // off the date, whose tooltip stands outside the landmarks
    await expect(page.getByRole('tooltip')).toBeHidden();
    await expectAccessible(page);
    await pressRowAction(calls.first(), 'Show');
    await expect(dialog.getByText(saleId)).toBeVisible();
    await expect(dialog.getByText('HTTP 200').first()).toBeVisible();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    await pressRowAction(calls.first(), 'Send again');
    await expect(page.getByText('It is sent again.')).toBeVisible();
    await eventually(() => asked.filter((path) => path === `/hook-${tag}`).length === 2, { within: 60_000 });

    await page.goto('/developers/webhooks');
    await pressRowAction(row, 'Replay a time range');
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await expect(page.getByText(/^Sent again: [1-9]/)).toBeVisible();
    await page.goto('/developers/events');
    await page.getByLabel('Search').fill('payout.unk');
    await page.getByRole('button', { name: 'payout.unknown' }).click();
    await expect(page.getByText('"apiVersion": "v1"')).toBeVisible();
    await expectAccessible(page);
    for (const path of ['/developers/webhooks', '/developers/deliveries', '/developers/events']) {
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expectNoSidewaysScroll(page);
    }
  });
});
