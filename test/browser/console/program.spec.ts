import { at } from '../../support/apiClient.js';
import { expect, ownerState, test } from '../support.js';
import { makeWorkWorld, until, type WorkWorld } from '../workWorld.js';

test.use({ storageState: ownerState, viewport: { width: 1280, height: 900 } });

let world: WorkWorld;
test.beforeAll(async () => {
  world = await makeWorkWorld(0);
});

test('a program is made, refused while something is missing, given rule, product and terms, and published', async ({
  page,
}) => {
  await page.goto('/programs');
  await page.getByRole('button', { name: 'New program' }).first().click();
  const dialog = page.getByRole('dialog');
  const name = `Autumn ${world.affiliateName}`;
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Currency').fill('USD');
  await dialog.getByLabel('Landing page').fill('https://shop.example/');
  await dialog.getByRole('button', { name: 'Create the draft' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  const path = new URL(page.url()).pathname;

  await page.getByRole('button', { name: 'Publish' }).click();
  await expect(page.getByText('Something is still missing')).toBeVisible();

  await page.getByRole('tab', { name: 'Commission rules' }).click();
  await page.getByRole('button', { name: 'New rule' }).click();
  await dialog.getByLabel('Name').fill('Standard');
  await dialog.getByLabel('Level 1: percent').fill('12.5');
  const sentence = 'Level 1: you earn 12.5 % of the net amount (without tax and shipping) with each payment.';
  await expect(dialog.getByRole('status')).toContainText(sentence);
  await dialog.getByRole('button', { name: 'Save the rule' }).click();
  await expect(page.getByRole('region', { name: 'Standard' })).toContainText(sentence);

  await page.getByRole('tab', { name: 'Products' }).click();
  await page.getByLabel('Attach a product').selectOption({ label: world.productName });
  await page.getByRole('button', { name: 'Attach', exact: true }).click();
  await expect(page.getByRole('tabpanel')).toContainText(world.productName);

  await page.getByRole('tab', { name: 'Agreements' }).click();
  await page.getByRole('button', { name: 'New version' }).click();
  await dialog.getByLabel('Title').fill('Terms of the autumn');
  await dialog.getByLabel('Text').fill('Be fair.');
  await dialog.getByRole('button', { name: 'Publish this version' }).click();
  await expect(page.getByRole('region', { name: 'Terms of the autumn' })).toContainText('Be fair.');

  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await until(`/v1${path}`, (body) => at(body, 'status') === 'active');
  await page.getByRole('tab', { name: 'Overview' }).click();
  await expect(page.getByRole('tabpanel')).toContainText('active');
});
