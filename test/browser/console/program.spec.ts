import { randomUUID } from 'node:crypto';
import { at, textAt } from '../../support/apiClient.js';
import { expect, expectAccessible, expectNarrow, ownerState, test } from '../support.js';
import { makeWorkWorld, ownerCalls, until, type WorkWorld } from '../workWorld.js';

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

/** A draft of two levels with one product, all of its own. */
async function draft(): Promise<{ readonly programId: string; readonly product: string }> {
  const { must } = await ownerCalls();
  const tag = randomUUID().slice(0, 8);
  const programId = textAt(
    await must('POST', '/v1/programs', { name: `Draft ${tag}`, currency: 'USD', levels: 2 }),
    'id',
  );
  const productId = textAt(await must('POST', '/v1/products', { name: `Mug ${tag}` }), 'id');
  await must('POST', `/v1/programs/${programId}/products`, { productId });
  return { programId, product: `Mug ${tag}` };
}

test('RUL-01, RUL-07, PRG-17: a rule of one product has a kind per level, changes from a day on without losing any, and ends', async ({
  page,
}) => {
  const { programId, product } = await draft();
  await page.goto(`/programs/${programId}?tab=rules`);
  await page.getByRole('button', { name: 'New rule' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Of the mug');
  await dialog.getByLabel('For', { exact: true }).selectOption('program_product');
  await dialog.getByLabel(/^Product/).selectOption({ label: product });
  await dialog.getByLabel('Level 1: percent').fill('10');
  await dialog.getByRole('button', { name: 'Add a level' }).click();
  await dialog.getByLabel('Level 2: as').selectOption('flat');
  await dialog.getByLabel('Level 2: amount in USD').fill('3.00');
  await dialog.getByLabel('Level 2: for each piece').check();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save the rule' }).click();
  const region = page.getByRole('region', { name: 'Of the mug' });
  await expect(region).toContainText(product);
  await expect(region).toContainText('Level 1: you earn 10 %');
  await expect(region).toContainText(/Level 2: you earn USD\s?3\.00 per piece/);

  await region.getByRole('button', { name: 'New version' }).click();
  await expect(dialog.getByLabel('Level 2: amount in USD')).toHaveValue('3.00');
  await expect(dialog.getByLabel('Level 2: for each piece')).toBeChecked();
  await dialog.getByLabel('Level 1: percent').fill('12.5');
  await dialog.getByLabel('Effective from').fill('2099-01-01T12:00');
  await dialog.getByRole('button', { name: 'Save the rule' }).click();
  await expect(region).toContainText('version 2');
  const { must } = await ownerCalls();
  const [rule] = at(await must('GET', `/v1/commission-rules?programId=${programId}`), 'data') as readonly unknown[];
  expect(rule).toMatchObject({
    scope: 'program_product',
    effectiveFrom: expect.stringMatching(/^(2099-01-01|2098-12-31)T/),
    levels: [
      { level: 1, kind: 'percent', ratePpm: 125_000 },
      { level: 2, kind: 'flat', amount: { amount: '3.00', currency: 'USD' }, perUnit: true },
    ],
  });

  // What has yet to begin keeps its day in the next version, unless somebody clears it.
  await region.getByRole('button', { name: 'New version' }).click();
  await expect(dialog.getByLabel('Effective from')).toHaveValue('2099-01-01T12:00');
  await page.keyboard.press('Escape');

  await region.getByRole('button', { name: 'Versions' }).click();
  await expect(dialog.getByRole('group').nth(0)).toContainText('Level 1: you earn 12.5 %');
  await expect(dialog.getByRole('group').nth(1)).toContainText('Level 1: you earn 10 %');
  await expectAccessible(page);
  await page.keyboard.press('Escape');

  await region.getByRole('button', { name: 'End', exact: true }).click();
  await dialog.getByRole('button', { name: 'End', exact: true }).click();
  await expect(region.getByRole('button', { name: 'End', exact: true })).toHaveCount(0);
  await until(`/v1/commission-rules/${textAt(rule, 'id')}`, (body) => at(body, 'status') === 'ended');

  // What changed in a program is read in words, too.
  const path = `/v1/programs/${programId}`;
  const change = { commissionHold: 'P45D', showDeclinedCharges: true };
  await must('PATCH', path, change, { 'if-match': `"${String(at(await must('GET', path), 'version'))}"` });
  await page.goto(`/programs/${programId}?tab=versions`);
  const newest = page.getByRole('region', { name: /^Version/ }).first();
  await expect(newest).toContainText('Hold: as in the settings → 45 days');
  await expect(newest).toContainText('Affiliates see declined charges: as in the settings → Yes');
  await expectAccessible(page);
});

test('PRG-04, PRG-05, PRG-06, PRG-14, PRG-18, PRG-21: what affiliates see, what pays, thresholds and products are set on screen', async ({
  page,
}) => {
  const { programId, product } = await draft();
  await page.goto(`/programs/${programId}`);
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Change terms' }).click();
  await dialog.getByLabel('Pays for').selectOption('cpa');
  await dialog.getByLabel('Affiliates see of customers').selectOption('name_only');
  await dialog.getByLabel('Affiliates see declined charges').check();
  await dialog.getByLabel('Affiliates see all purchases of their customers').check();
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Change now' }).click();
  await until(
    `/v1/programs/${programId}`,
    (body) =>
      at(body, 'customerVisibility') === 'name_only' &&
      at(body, 'acquisitionModel') === 'cpa' &&
      at(body, 'showDeclinedCharges') === true &&
      at(body, 'showPurchaseHistory') === true,
  );
  await expect(page.getByText('the first payment only (CPA)')).toBeVisible();

  const thresholds = page.getByRole('region', { name: 'Performance thresholds' });
  await thresholds.getByRole('button', { name: 'Change thresholds' }).click();
  await dialog.getByRole('button', { name: 'Add a threshold' }).click();
  await expect(dialog.getByRole('button', { name: 'Save thresholds' })).toBeDisabled();
  await dialog.getByLabel('Number, row 1').fill('10');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save thresholds' }).click();
  await expect(thresholds).toContainText('Sales: at least 10 in a quarter');
  await thresholds.getByRole('button', { name: 'Change thresholds' }).click();
  await dialog.getByLabel('Number, row 1').fill('20');
  await dialog.getByLabel('Effective from').fill('2099-01-01T12:00');
  await dialog.getByRole('button', { name: 'Save thresholds' }).click();
  const planned = page.getByRole('region', { name: 'Planned changes' });
  await expect(planned).toContainText('Performance thresholds: Sales: at least 20 in a quarter');
  await expect(thresholds).toContainText('Sales: at least 10 in a quarter');
  await planned.getByRole('button', { name: 'Take back' }).click();
  await dialog.getByRole('button', { name: 'Take back' }).click();
  await expect(planned.getByText('Nothing is planned.')).toBeVisible();

  await page.getByRole('tab', { name: 'Products' }).click();
  const row = page.getByRole('region', { name: product });
  await row.getByRole('button', { name: 'Switch off' }).click();
  await expect(row.getByRole('button', { name: 'Switch on' })).toBeVisible();
  await row.getByRole('button', { name: 'Take out' }).click();
  await dialog.getByRole('button', { name: 'Take out' }).click();
  await expect(row).toHaveCount(0);
  await expectNarrow(page);
});

test('NTF-05: a milestone is set with its message, changed, switched off and taken away', async ({ page }) => {
  const owner = await ownerCalls();
  const tag = randomUUID().slice(0, 8);
  await owner.must('POST', '/v1/message-templates', {
    name: `Bravo ${tag}`,
    subject: 'Bravo',
    body: '{{milestone}} in {{program_name}}',
  });
  const program = textAt(await owner.must('GET', `/v1/programs/${world.programId}`), 'name');
  await page.goto(`/messages/milestones?programId=${world.programId}`);
  await page.getByRole('button', { name: 'New milestone' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Program').selectOption({ label: program });
  await expect(dialog.getByLabel('Currency')).toHaveValue('USD');
  await dialog.getByLabel('Mark').fill('1000.00');
  await dialog.getByLabel('Message').selectOption({ label: `Bravo ${tag} (en)` });
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Create the milestone' }).click();
  const row = page.locator('tbody tr[data-row]');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText('USD 1,000.00');
  await expect(row).toContainText(`Bravo ${tag} (en)`);

  const edit = async (): Promise<void> => {
    await row.getByRole('button', { name: /^Actions/ }).click();
    await page.getByRole('menuitem', { name: 'Change' }).click();
  };
  await edit();
  await dialog.getByLabel('Mark').fill('0');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog.getByText('Above zero.')).toBeVisible();
  await dialog.getByLabel('Mark').fill('2000.00');
  await dialog.getByRole('switch', { name: 'Congratulate affiliates who reach it' }).uncheck();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(row).toContainText('USD 2,000.00');
  await expect(row).toContainText('No');
  await edit();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('Nothing matches')).toBeVisible();
});

test('PRG-21: what an affiliate is paid for is set on its page, in place of what its programs say', async ({
  page,
}) => {
  await page.goto(`/affiliates/${world.affiliateId}`);
  const model = page.getByRole('region', { name: 'Paid for' });
  await expect(model).toContainText('What each program says');
  await model.getByRole('button', { name: 'Change what it is paid for' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Paid for').selectOption('cpa');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(model).toContainText('Each customer’s first payment only (CPA)');
  await until(`/v1/affiliates/${world.affiliateId}`, (body) => at(body, 'acquisitionModel') === 'cpa');
  const owner = await ownerCalls();
  const { version } = (await owner.must('GET', `/v1/affiliates/${world.affiliateId}`)) as { version: number };
  const back = { acquisitionModel: null };
  await owner.must('PATCH', `/v1/affiliates/${world.affiliateId}`, back, { 'if-match': `"${version}"` });
});
