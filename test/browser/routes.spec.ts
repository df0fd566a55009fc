import { chooseTheme, expect, expectAccessible, expectNoSidewaysScroll, ownerState, test } from './support.js';

const console = ['/kitchen-sink', '/settings/team', '/settings/permissions', '/profile', '/dev/mail'];
const visitor = ['/sign-in', '/forgot-password', '/welcome/used0used0used0used0used', '/problems/already_decided'];

for (const theme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    test.describe(`${theme}, ${width} px`, () => {
      test.use({ viewport: { width, height: 900 } });

      test.describe('signed in', () => {
        test.use({ storageState: ownerState });
        for (const path of console)
          test(`axe finds nothing on ${path}`, async ({ page }) => {
            await chooseTheme(page, theme);
            await page.goto(path);
            await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
            await page.waitForLoadState('networkidle');

            await expectAccessible(page);
          });
      });

      for (const path of visitor)
        test(`axe finds nothing on ${path}`, async ({ page }) => {
          await chooseTheme(page, theme);
          await page.goto(path);
          await expect(page.getByRole('heading', { level: 1 })).toBeVisible();

          await expectAccessible(page);
        });
    });
  }
}

test.describe('320 px', () => {
  test.use({ viewport: { width: 320, height: 640 }, storageState: ownerState });
  for (const path of [...console, ...visitor])
    test(`${path} does not scroll sideways`, async ({ page }) => {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await page.waitForLoadState('networkidle');

      await expectNoSidewaysScroll(page);
    });
});

test('the API reference is rendered from our own origin', async ({ page }) => {
  await page.goto('/docs');

  await expect(page.getByText('Sign in by a one-time link')).toBeVisible();
});
