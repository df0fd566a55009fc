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

test('a rule with bands and a cap is shown with what it would have cost, then tried out', async ({ page }) => {
  await page.goto(`/programs/${world.programId}?tab=rules`);
  await page.getByRole('button', { name: 'New rule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Rising');
  await dialog.getByLabel('Earned with').selectOption('first_payment');
  await dialog.getByLabel('The rate rises with volume').check();
  await dialog.getByLabel('Band 1: percent').fill('10');
  await dialog.getByLabel('Band 2: percent').fill('15');
  await dialog.getByLabel('At most, in USD').fill('100.00');
  await expect(dialog.getByRole('status')).toContainText('from 0: 10 % of the net amount');
  await expect(dialog.getByRole('status')).toContainText('from 10: 15 %');
  await expect(dialog.getByRole('status')).toContainText('At most');
  await dialog.getByRole('button', { name: 'Show what it would have cost' }).click();
  await expect(dialog.getByText('What it would have cost')).toBeVisible();
  await dialog.getByRole('button', { name: 'Save the rule' }).click();
  await expect(page.getByRole('region', { name: 'Rising' })).toContainText('from 10: 15 %');

  await page.getByRole('tab', { name: 'Playground' }).click();
  await page.getByLabel('Brought by').selectOption({ label: world.affiliateName });
  await page.getByLabel('Earned with').selectOption('first_payment');
  await page.getByLabel('Amount in USD').fill('49.99');
  await page.getByRole('button', { name: 'What does it earn?' }).click();
  await expect(page.getByRole('region', { name: 'Level 1' })).toContainText('number 1, band from 0');
  await expect(page.getByRole('region', { name: 'Level 1' })).toContainText('5.00');
});
