import { expect, test } from 'vitest';
import { notificationEvents } from '../../api/schemas/access/settings.js';
import { defaultSettings, settingsSections } from '../../domain/access/settings.js';

interface Field {
  readonly name: string;
  readonly kind: string;
  readonly options?: readonly string[];
}
type Catalogue = Readonly<Record<string, string>>;

async function load<T>(file: string): Promise<T> {
  return (await import(/* @vite-ignore */ `../../web/${file}`)) as T;
}

interface Fields {
  readonly sections: Readonly<Record<string, readonly Field[]>>;
  readonly readDuration: (text: string) => { readonly count: string; readonly unit: string } | undefined;
  readonly writeDuration: (count: string, unit: string) => string;
  readonly ppmOf: (percent: string) => number | undefined;
  readonly percentOf: (ppm: number) => string;
}
const fields = await load<Fields>('console/screens/access/settingsFields.ts');

test('every setting of the API has a field, and every field is a setting', () => {
  expect(Object.keys(fields.sections)).toEqual(settingsSections);
  for (const section of settingsSections) {
    const known = section === 'notifications' ? notificationEvents : Object.keys(defaultSettings[section]);
    expect([section, fields.sections[section]?.map((field) => field.name)]).toEqual([section, [...known]]);
  }
});

test.each(['en', 'de'] as const)('each has a name in %s, each choice too, and each section', async (language) => {
  const texts = (await load<{ accessTexts: Catalogue }>(`console/accessTexts.${language}.ts`)).accessTexts;
  const wanted = Object.entries(fields.sections).flatMap(([section, list]) => [
    `settings.section.${section}`,
    `settings.about.${section}`,
    ...list.flatMap(({ name, options = [] }) => [
      `settings.field.${section}.${name}`,
      ...options.map((option) => `settings.option.${name}.${option}`),
    ]),
  ]);

  expect(wanted.filter((key) => texts[key] === undefined)).toEqual([]);
  // Hints and effects of settings that are gone would never be seen again.
  const known = new Set(wanted.map((key) => key.replace('settings.field.', '')));
  const stray = Object.keys(texts).filter(
    (key) => /^settings\.(hint|effect)\./.test(key) && !known.has(key.replace(/^settings\.(hint|effect)\./, '')),
  );
  expect(stray).toEqual([]);
});

test.each([
  ['P30D', '30', 'days'],
  ['PT12H', '12', 'hours'],
  ['PT15M', '15', 'minutes'],
  ['PT5S', '5', 'seconds'],
])('%s is %s %s, there and back', (text, count, unit) => {
  expect(fields.readDuration(text)).toEqual({ count, unit });
  expect(fields.writeDuration(count, unit)).toBe(text);
});

test.each([
  ['10', 100_000],
  ['2.9', 29_000],
  ['2,9', 29_000],
  ['0.0001', 1],
  ['100', 1_000_000],
  ['100.1', undefined],
  ['1.00001', undefined],
  ['-1', undefined],
  ['', undefined],
])('"%s" percent are %s ppm', (percent, ppm) => {
  expect(fields.ppmOf(percent)).toBe(ppm);
  if (ppm !== undefined) expect(fields.ppmOf(fields.percentOf(ppm))).toBe(ppm);
});
