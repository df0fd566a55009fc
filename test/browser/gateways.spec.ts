import { paypalFields } from '../support/gateways/fakePaypal.js';
import { expect, expectAccessible, freshCookie, stackNotes, test } from './support.js';

// INT-05, PAY-19: a person connects a payout provider, is told at each field what is wrong, and disconnects it. Trying the credentials asks
// the provider itself; that is in test/api/payout/gateway.test.ts.

test.beforeEach(async ({ context }) => {
  const { hostname } = new URL(stackNotes().origin);
  const [name = '', value = ''] = (await freshCookie()).split('; ')[0]?.split('=') ?? [];
  await context.addCookies([{ name, value, domain: hostname, path: '/' }]);
});

test('INT-05: the gateways are listed; PayPal is connected and disconnected, and no secret comes back', async ({
  page,
}) => {
  await page.goto('/settings/gateways');
  const card = page.getByRole('region', { name: 'PayPal Payouts' });
  await expect(card.getByText('Not connected')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Simulated gateway' }).getByText('Ready')).toBeVisible();
  await expect(page.getByRole('region', { name: 'By hand' })).toBeVisible();

  await card.getByRole('button', { name: 'Connect PayPal Payouts' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('button', { name: 'Connect', exact: true })).toBeDisabled();
  await dialog.getByLabel('Client ID').fill('short');
  await dialog.getByLabel('Client secret').fill(paypalFields.clientSecret);
  await dialog.getByLabel('Environment').selectOption('sandbox');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(dialog.getByText('Not a valid value of this field.')).toBeVisible();
  await dialog.getByLabel('Client ID').fill(paypalFields.clientId);
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();

  await expect(card.getByText('Ready')).toBeVisible();
  await expect(card.getByText(paypalFields.clientId)).toBeVisible();
  await expect(card.getByText("The provider's place for trying out")).toBeVisible();
  expect(await page.content()).not.toContain(paypalFields.clientSecret);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);

  await card.getByRole('button', { name: 'Replace credentials of PayPal Payouts' }).click();
  await expect(page.getByRole('dialog').getByLabel('Client ID')).toHaveValue('');
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await expect(card.getByText('Not connected')).toBeVisible();
});
