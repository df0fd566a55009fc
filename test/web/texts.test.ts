import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { consolePaths } from '../../api/site.js';
import { providerProblems } from '../../domain/access/signInProvider.js';
import { permissions } from '../../domain/access/permission.js';
import { publicReasons } from '../../domain/publicReason.js';
import { creditCodes } from '../../domain/tracking/link.js';
import { notPaidCodes } from '../../domain/payout/payoutRun.js';
import { claimReasons } from '../../domain/earning/claim.js';

type Catalogue = Readonly<Record<string, string>>;

/** The pages have their own compiler settings, so their files are read as what they are here: modules of texts and lists. */
async function load<T>(file: string): Promise<T> {
  return (await import(/* @vite-ignore */ `../../web/${file}`)) as T;
}

const surfaces = ['console', 'portal', 'visitor'] as const;

async function catalogue(surface: string, language: 'en' | 'de'): Promise<Catalogue> {
  const kit = await load<Record<string, Catalogue>>(`kit/locales/${language}.ts`);
  const own = await load<Record<string, Catalogue>>(`${surface}/texts.${language}.ts`);
  return { ...kit[language], ...own[language] };
}

function sourcesOf(folder: string): readonly (readonly [file: string, text: string])[] {
  return readdirSync(`web/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/exts\.(en|de)\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => [file, readFileSync(file, 'utf8')] as const);
}

/** Keys that stand in the code as they are; those put together of pieces are compared below by their lists. */
function keysIn(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:t\(|text: |title: )'([a-z][A-Za-z]*\.[A-Za-z_.]+)'/g)].map((match) => match[1] ?? '');
}

test.each(surfaces)('every text that %s asks for is there, in both languages', async (surface) => {
  const en = await catalogue(surface, 'en');
  const de = await catalogue(surface, 'de');
  const has = (texts: Catalogue, key: string) => [key, `${key}_other`].some((one) => texts[one] !== undefined);
  const files = [...sourcesOf(surface), ...sourcesOf('kit')];
  const missing = files.flatMap(([file, text]) =>
    keysIn(text)
      .filter((key) => !has(en, key) || !has(de, key))
      .map((key) => `${file}: ${key}`),
  );

  expect(files.length).toBeGreaterThan(10);
  expect(missing).toEqual([]);
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
});

test.each(surfaces)('both languages of %s fill in the same values', async (surface) => {
  const en = await catalogue(surface, 'en');
  const de = await catalogue(surface, 'de');
  const holes = (text: string | undefined) =>
    [...(text ?? '').matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').toSorted((a, b) => a.localeCompare(b));

  for (const key of Object.keys(en)) expect([key, holes(de[key])]).toEqual([key, holes(en[key])]);
});

test('every reason code that the server knows has a text in both languages', async () => {
  const { reasonTexts, publicCodes } = await load<{
    readonly reasonTexts: Readonly<Record<'en' | 'de', Catalogue>>;
    readonly publicCodes: ReadonlySet<string>;
  }>('kit/texts.ts');

  for (const code of [...creditCodes, ...notPaidCodes, ...claimReasons]) {
    expect([code, reasonTexts.en[code]]).not.toEqual([code, undefined]);
    expect([code, reasonTexts.de[code]]).not.toEqual([code, undefined]);
  }
  for (const code of notPaidCodes) expect([code, publicCodes.has(code)]).toEqual([code, true]); // features.md 4.7: all (p)
  for (const code of ['fraud', 'self_referral', 'check_failed', 'bot', 'spam', 'check_open'])
    expect([code, publicCodes.has(code)]).toEqual([code, false]);
  // The portal translates what the API tells affiliates: both know the same codes as public.
  expect(publicCodes).toEqual(publicReasons);
});

test('every screen of the console has an address that the server serves, and rights that exist', async () => {
  const { screens } = await load<{
    readonly screens: readonly { readonly path: string; readonly rights?: readonly string[] }[];
  }>('console/screens.ts');
  const known: readonly string[] = permissions;

  for (const { path, rights } of screens) {
    const first = path.split('/')[1] ?? '';
    expect([path, consolePaths.has(first) || path === '/dev/mail']).toEqual([path, true]);
    for (const right of rights ?? []) expect([path, known.includes(right)]).toEqual([path, true]);
  }
});

test.each([
  ['console/navigation.ts', 'menu', 'console/screens.ts', 'screens'],
  ['portal/navigation.ts', 'affiliateMenu', 'portal/screens.ts', 'affiliateScreens'],
  ['portal/navigation.ts', 'resellerMenu', 'portal/screens.ts', 'resellerScreens'],
])(
  'each entry of %s %s leads to a screen that asks for the same rights',
  async (menuFile, menuName, screenFile, screenName) => {
    interface Entry {
      readonly path: string;
      readonly rights?: readonly string[];
    }
    const menus = await load<Record<string, readonly { readonly entries: readonly Entry[] }[]>>(menuFile);
    const lists = await load<Record<string, readonly Entry[]>>(screenFile);
    const entries = (menus[menuName] ?? []).flatMap((group) => group.entries);

    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      const screen = lists[screenName]?.find((one) => one.path === entry.path);
      expect([entry.path, screen?.rights]).toEqual([entry.path, screen === undefined ? 'a screen' : entry.rights]);
    }
  },
);

test('the sign-in page has a sentence for each way in which a sign-in by a provider ends, in both languages', async () => {
  const { providerProblem } = await load<{ providerProblem: (search: string) => string | null }>(
    'visitor/providerProblem.ts',
  );
  for (const language of ['en', 'de'] as const) {
    const texts = await catalogue('visitor', language);
    expect(providerProblems.filter((word) => texts[`provider.problem.${word}`] === undefined)).toEqual([]);
  }

  expect(providerProblems.map((word) => providerProblem(`?problem=${word}`))).toEqual([...providerProblems]);
  expect(['?problem=constructor', '?problem=', ''].map((search) => providerProblem(search))).toEqual([
    null,
    null,
    null,
  ]);
});
