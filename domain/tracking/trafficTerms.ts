import { parseQuery } from './redirect.js';

// What a program forbids of the traffic that an affiliate sends, and what a click says of where it came from (screens.md 3.16, reliability.md
// T17). A click is judged by what stands in its address and its referrer, and by nothing that would have to be looked up elsewhere.

export const paidAdTerms = ['allowed', 'forbidden'] as const;

export interface TrafficTerms {
  readonly paidAds: (typeof paidAdTerms)[number];
  /** Words of ours that nobody may advertise on, whether or not paid ads are allowed. */
  readonly brandTerms: readonly string[];
}
export const noTrafficTerms: TrafficTerms = { paidAds: 'allowed', brandTerms: [] };

/** Where a click says it came from. */
export interface ClickOrigin {
  readonly clickId: string;
  readonly query: string | null;
  readonly referrer: string | null;
  /** Two capital letters, as a proxy of ours said; null: nobody did. */
  readonly country: string | null;
}

/** Parameters that an advertising network adds to the address of its ad when somebody clicks on it. */
const adParameters: ReadonlySet<string> = new Set([
  'gclid', // Google Ads
  'gbraid',
  'wbraid',
  'gad_source',
  'msclkid', // Microsoft Advertising
  'yclid', // Yandex Direct
  'ttclid', // TikTok Ads
  'twclid', // X Ads
  'li_fat_id', // LinkedIn Ads
  'dclid', // Display & Video 360
]);
const paidMedia: ReadonlySet<string> = new Set([
  'cpc',
  'ppc',
  'cpm',
  'cpv',
  'paid',
  'paidsearch',
  'paid-search',
  'paid_search',
  'sem',
]);
/** Where networks and advertisers put the word that was searched for. */
const keywordParameters: ReadonlySet<string> = new Set(['utm_term', 'keyword', 'kw', 'searchterm', 'search_term']);
/** Search engines by the label before their ending, and the parameter of their address that has the words. */
const searchWords: ReadonlyMap<string, string> = new Map([
  ['google', 'q'],
  ['bing', 'q'],
  ['duckduckgo', 'q'],
  ['ecosia', 'q'],
  ['qwant', 'q'],
  ['yahoo', 'p'],
  ['yandex', 'text'],
  ['baidu', 'wd'],
  ['seznam', 'q'],
  ['naver', 'query'],
]);

export interface PaidAdFinding {
  readonly clickId: string;
  /** What gave it away, such as `gclid` or `utm_medium=cpc`; null: only the word did. */
  readonly sign: string | null;
  readonly keyword: string | null;
  /** The word of ours that was advertised on or searched for. */
  readonly brandTerm: string | null;
}

/** The first of these clicks that the terms forbid, or undefined. */
export function forbiddenAd(clicks: readonly ClickOrigin[], terms: TrafficTerms): PaidAdFinding | undefined {
  for (const click of clicks) {
    const { sign, keyword } = adOf(click);
    const brandTerm = keyword === null ? undefined : terms.brandTerms.find((term) => containsWord(keyword, term));
    if (brandTerm === undefined && !(terms.paidAds === 'forbidden' && sign !== null)) continue;
    return { clickId: click.clickId, sign, keyword, brandTerm: brandTerm ?? null };
  }
  return undefined;
}

function adOf(click: ClickOrigin): { readonly sign: string | null; readonly keyword: string | null } {
  // The address of a page where an ad led first names the ad as well.
  const page = click.referrer !== null && URL.canParse(click.referrer) ? new URL(click.referrer) : null;
  const parts = [...parseQuery(click.query ?? ''), ...parseQuery(page?.search.slice(1) ?? '')];
  let [sign, keyword]: (string | null)[] = [null, null];
  for (const { name, value } of parts) {
    const key = name.toLowerCase();
    if (adParameters.has(key) && value !== '') sign ??= key;
    if (key === 'utm_medium' && paidMedia.has(value.toLowerCase())) sign ??= `utm_medium=${value.toLowerCase()}`;
    if (keywordParameters.has(key) && value !== '') keyword ??= value;
  }
  return { sign: sign ?? null, keyword: keyword ?? (page === null ? null : searchedFor(page)) };
}

function searchedFor(page: URL): string | null {
  const engine = page.hostname.split('.').find((label) => searchWords.has(label));
  const words = engine === undefined ? undefined : page.searchParams.get(searchWords.get(engine) ?? '');
  return words === undefined || words === '' ? null : words;
}

/** Whole words, whatever their case and accents: `Acme` is in `buy ACME shoes`, not in `acmeology`. */
function containsWord(text: string, word: string): boolean {
  const plain = (of: string): string =>
    ` ${of
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
      .filter((part) => part !== '')
      .join(' ')} `;
  const wanted = plain(word);
  return wanted.trim() !== '' && plain(text).includes(wanted);
}

const countryPattern = /^[A-Z]{2}$/;
/** What proxies write when they do not know: no country, a satellite, a network that hides. */
const unknownCountries: ReadonlySet<string> = new Set(['XX', 'ZZ', 'T1', 'A1', 'A2', 'AP', 'EU']);

/** A country as a proxy wrote it, or null where it says nothing. */
export function countryIn(text: string | undefined): string | null {
  const country = text?.trim().toUpperCase() ?? '';
  return countryPattern.test(country) && !unknownCountries.has(country) ? country : null;
}
