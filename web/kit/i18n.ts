import i18next, { type i18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import { en } from './locales/en.js';

export type Catalogue = Readonly<Record<string, string>>;

export interface Catalogues {
  readonly en: Catalogue;
  /** The other complete language; loaded only by those who read it. */
  readonly de: () => Promise<Catalogue>;
}

export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];

/** The texts of the surface that was started. */
let catalogues: Catalogues | undefined;

function chosenLanguage(): Language {
  const kept = localStorage.getItem('language') ?? navigator.language.slice(0, 2);
  return (languages as readonly string[]).includes(kept) ? (kept as Language) : 'en';
}

/** The language on screen. */
export function language(): Language {
  return i18next.resolvedLanguage === 'de' ? 'de' : 'en';
}

/** For `Intl`: the reader's own way of writing dates and numbers where it is one of the language on screen, `en-GB` for English. */
export function locale(): string {
  const chosen = language();
  return navigator.languages.find((one) => one.slice(0, 2) === chosen) ?? chosen;
}

/** Plurals follow `Intl.PluralRules`: `key_one`, `key_other`. A key without a text fails a test, not a reader (screens.md 1.6). */
export async function startI18n(own: Catalogues): Promise<i18n> {
  catalogues = own;
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    keySeparator: false,
    nsSeparator: false,
    interpolation: { escapeValue: false }, // React escapes
    resources: { en: { translation: { ...en, ...own.en } } },
    returnNull: false,
  });
  await loadLanguage(chosenLanguage());
  return i18next;
}

async function loadLanguage(next: Language): Promise<void> {
  if (next === 'de' && catalogues !== undefined && !i18next.hasResourceBundle('de', 'translation')) {
    const [{ de }, texts] = await Promise.all([import('./locales/de.js'), catalogues.de()]);
    i18next.addResourceBundle('de', 'translation', { ...de, ...texts });
  }
  await i18next.changeLanguage(next);
  document.documentElement.lang = next;
}

export async function chooseLanguage(next: Language): Promise<void> {
  localStorage.setItem('language', next);
  await loadLanguage(next);
}
