import { readFileSync } from 'node:fs';
import {
  changeTheme,
  chooseTheme,
  expect,
  expectAccessible,
  expectNoSidewaysScroll,
  ownerState,
  test,
} from './support.js';

/** Every address of the console without an id in it, as its list of screens has them: a new screen is looked at without a line here. */
const screens = [...readFileSync('web/console/screens.ts', 'utf8').matchAll(/path: '([^'$]+)'/g)].map(
  (match) => match[1] ?? '',
);
const visitor = ['/sign-in', '/forgot-password', '/welcome/used0used0used0used0used', '/problems/already_decided'];
const routes = [
  ...screens.map((path) => ({ path, state: ownerState })),
  ...visitor.map((path) => ({ path, state: undefined })),
];

test('the list of screens was read', () => {
  expect(screens.length).toBeGreaterThan(4);
});

// Each page is read once and looked at four times: read anew for each theme, this file alone took a third of CI's time.
for (const { path, state } of routes)
  test.describe(() => {
    test.use(state === undefined ? {} : { storageState: state });

    test(`axe finds nothing on ${path} at 1280 and 390 px in both themes, and nothing scrolls sideways at 320 px`, async ({
      page,
    }) => {
      await chooseTheme(page, 'light');
      await page.setViewportSize({ width: 1280, height: 900 });
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      // What is read later (lists, counts) belongs to the page that is looked at.
      await page.waitForLoadState('networkidle');
      await expectAccessible(page);
      await changeTheme(page, 'dark');
      await expectAccessible(page);

      await page.setViewportSize({ width: 390, height: 844 });
      await expectAccessible(page);
      await changeTheme(page, 'light');
      await expectAccessible(page);

      await page.setViewportSize({ width: 320, height: 640 });
      await expectNoSidewaysScroll(page);
    });
  });

test('the API reference is rendered from our own origin', async ({ page }) => {
  await page.goto('/docs');

  await expect(page.getByText('Sign in by a one-time link')).toBeVisible();
});
