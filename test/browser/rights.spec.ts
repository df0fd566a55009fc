import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type PresetId, presetIds, presets } from '../../domain/access/permission.js';
import { at, textAt } from '../support/apiClient.js';
import { cookieOf, sessionCalls } from './payoutWorld.js';
import { expect, freshCookie, settle, stackNotes, test, watchRequests } from './support.js';
import { until } from './workWorld.js';

// For every preset: what the API refuses the console does not show, and what it shows the API answers (ADM-11, screens.md 2 and 11).

interface Screen {
  readonly path: string;
  /** Any of these; none: everybody. */
  readonly rights: readonly string[];
}

/** The console's screens without an id in their address, as its own list has them. */
const screens: readonly Screen[] = [
  ...readFileSync('web/console/screens.ts', 'utf8').matchAll(
    /\{\s*path: '([^'$]+)',[^}]*?(?:rights: \[([^\]]*)\][^}]*)?\}/g,
  ),
].map(([, path = '', rights = '']) => ({
  path,
  rights: [...rights.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? ''),
}));
const menu = [...readFileSync('web/console/navigation.ts', 'utf8').matchAll(/path: '([^']+)'/g)].map(
  (match) => match[1] ?? '',
);

test('the lists were read', () => {
  expect(screens.length).toBeGreaterThan(20);
  expect(menu.length).toBeGreaterThan(15);
  expect(menu.filter((path) => screens.every((screen) => screen.path !== path))).toEqual([]);
});

async function signInAs(preset: PresetId): Promise<string> {
  const { origin } = stackNotes();
  const { must } = await sessionCalls(origin, await freshCookie());
  const email = `${preset}-${randomUUID()}@shop.example`;
  await must('POST', '/v1/users', { email, name: preset, roleIds: [preset] });
  const mails = await until(`/v1/dev/emails?to=${email}`, (body) => at(body, 'data.0.links.0') !== undefined);
  const accepted = await fetch(`${origin}/v1/auth/accept-invite`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      token: textAt(mails, 'data.0.links.0').split('/').at(-1),
      password: 'a long pass phrase for the browser',
    }),
  });
  return cookieOf(accepted);
}

for (const preset of presetIds)
  test(`ADM-01, ADM-11, ${preset}: the menu shows what the API answers, and every other address says which right is missing`, async ({
    page,
    context,
  }) => {
    test.setTimeout(300_000);
    const { origin } = stackNotes();
    const [name = '', value = ''] = (await signInAs(preset)).split('=');
    await context.addCookies([{ name, value, url: origin, httpOnly: true, sameSite: 'Lax' }]);
    const held: readonly string[] = presets[preset].permissions;
    const may = (screen: Screen): boolean =>
      screen.rights.length === 0 || screen.rights.some((one) => held.includes(one));
    const refused: string[] = [];
    page.on('response', (response) => {
      if (response.status() === 403 || response.status() === 401)
        refused.push(`${response.status()} ${response.url()}`);
    });
    watchRequests(page);
    await page.goto('/');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const links = await page.getByRole('navigation').first().getByRole('link').all();
    const shown = await Promise.all(links.map(async (link) => (await link.getAttribute('href')) ?? ''));

    const allowed = screens.filter((screen) => menu.includes(screen.path) && may(screen)).map((screen) => screen.path);
    expect(shown.toSorted((a, b) => a.localeCompare(b))).toEqual(allowed.toSorted((a, b) => a.localeCompare(b)));
    for (const screen of screens) {
      // Within the app, as the menu goes: each address loaded anew took a third of the browser's time. A screen sets the title as it comes.
      if (new URL(page.url()).pathname !== screen.path) {
        await page.evaluate(`document.title = ''; history.pushState({}, '', '${screen.path}')`);
        await expect(page, screen.path).not.toHaveTitle('');
      }
      await expect(page.getByRole('heading', { level: 1 }), screen.path).toBeVisible();
      const missing = page.getByText(/^The right .* is missing/);
      if (may(screen)) await expect(missing, screen.path).toHaveCount(0);
      else await expect(missing.first(), screen.path).toBeVisible();
      // Nothing that the person is shown was refused: no read, no button's list of choices. And a refused screen asks for nothing.
      await settle(page);
      expect(refused, screen.path).toEqual([]);
    }
  });
