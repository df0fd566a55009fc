import { readFileSync } from 'node:fs';
import { expect, expectGoodLooks, ownerState, test } from './support.js';

/** Every address of the console without an id in it, as its list of screens has them: a new screen is looked at without a line here. */
const screens = [...readFileSync('web/console/screens.ts', 'utf8').matchAll(/path: '([^'$]+)'/g)].map(
  (match) => match[1] ?? '',
);
const visitor = [
  '/sign-in',
  '/confirmed',
  '/forgot-password',
  '/welcome/used0used0used0used0used',
  '/problems/already_decided',
];
const routes = [
  ...screens.map((path) => ({ path, state: ownerState })),
  ...visitor.map((path) => ({ path, state: undefined })),
];

test('the list of screens was read', () => {
  expect(screens.length).toBeGreaterThan(4);
});

for (const { path, state } of routes)
  test.describe(() => {
    test.use(state === undefined ? {} : { storageState: state });

    test(`axe finds nothing on ${path} at 1280 and 390 px in both themes, and nothing scrolls sideways at 320 px`, async ({
      page,
    }) => {
      await expectGoodLooks(page, path);
    });
  });

test('the API reference is rendered from our own origin', async ({ page }) => {
  await page.goto('/docs');

  await expect(page.getByText('Sign in by a one-time link')).toBeVisible();
});
