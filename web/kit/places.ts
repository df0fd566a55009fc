import { languages, locale } from './i18n.js';

interface Choice {
  readonly value: string;
  readonly label: string;
}

// Letters of the runtime's list that are no country: unions, test regions and what is reserved (ISO 3166).
const noCountry: ReadonlySet<string> = new Set(['EU', 'EZ', 'QO', 'UN', 'XA', 'XB', 'ZZ']);
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('');

/** Countries of ISO 3166 in the reader's language, as the browser's own data has them; one that is set already is among them. */
export function countryChoices(current: string): readonly Choice[] {
  const names = new Intl.DisplayNames([locale()], { type: 'region', fallback: 'none' });
  const known = letters
    .flatMap((first) => letters.map((second) => `${first}${second}`))
    .flatMap((value) => {
      const label = noCountry.has(value) ? undefined : names.of(value);
      return label === undefined ? [] : [{ value, label }];
    });
  return withCurrent(known, current);
}

/** The languages that mails and pages are written in. */
export function languageChoices(current: string): readonly Choice[] {
  const names = new Intl.DisplayNames([locale()], { type: 'language' });
  return withCurrent(
    languages.map((value) => ({ value, label: names.of(value) ?? value })),
    current,
  );
}

export function zoneChoices(current: string): readonly Choice[] {
  return withCurrent(
    ['UTC', ...Intl.supportedValuesOf('timeZone')].map((value) => ({ value, label: value })),
    current,
  );
}

function withCurrent(known: readonly Choice[], current: string): readonly Choice[] {
  const unique = [...new Map(known.map((one) => [one.value, one])).values()];
  const sorted = unique.toSorted((a, b) => a.label.localeCompare(b.label, locale()));
  const isKnown = current === '' || sorted.some((one) => one.value === current);
  return [{ value: '', label: '–' }, ...(isKnown ? [] : [{ value: current, label: current }]), ...sorted];
}
