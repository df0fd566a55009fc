import type { Brand } from '../brand.js';

/** What two spellings of one mailbox have in common: for comparing, never for sending. */
export type EmailKey = Brand<string, 'EmailKey'>;
/** Digits of a phone number in international form, `+48600100200`. */
export type PhoneKey = Brand<string, 'PhoneKey'>;

// Who ignores what in the part before the @, by the providers' own help pages. Everybody else's is compared as written but for case:
// a rule guessed for a company's mail server would make one person of two.
const ignoresPlus = new Set([
  'gmail.com',
  'outlook.com',
  'hotmail.com',
  'live.com',
  'msn.com',
  'icloud.com',
  'me.com',
  'mac.com',
  'fastmail.com',
  'proton.me',
  'protonmail.com',
  'pm.me',
]);
const ignoresDots = new Set(['gmail.com']);
const sameProvider: ReadonlyMap<string, string> = new Map([
  ['googlemail.com', 'gmail.com'],
  ['protonmail.com', 'proton.me'],
  ['pm.me', 'proton.me'],
  ['me.com', 'icloud.com'],
  ['mac.com', 'icloud.com'],
]);

/**
 * Lower case everywhere; at the big free providers also without what they themselves ignore (`+tag`, Gmail's dots) and under one domain.
 * Deterministic, and kept on the contact: a changed rule needs a migration.
 */
export function emailKey(email: string): EmailKey {
  const lower = email.normalize('NFC').trim().toLowerCase();
  const at = lower.lastIndexOf('@');
  const provider = lower.slice(at + 1);
  const domain = sameProvider.get(provider) ?? provider;
  let name = lower.slice(0, at);
  if (ignoresPlus.has(provider) || ignoresPlus.has(domain)) name = name.replace(/(?<=.)\+.*$/, '');
  if (ignoresDots.has(domain)) name = name.replaceAll('.', '');
  return `${name}@${domain}` as EmailKey;
}

/**
 * E.164-like: `+` and 7 to 15 digits, or `00` in its place; spaces, dots, hyphens, slashes and brackets are decoration, a bracketed
 * zero after the country code is the trunk prefix and goes. A national number without country code stays unknown: guessing the country
 * would make one person of two.
 */
export function phoneKey(phone: string): PhoneKey | undefined {
  const plain = phone
    .normalize('NFKC')
    .replace(/\(0\)/g, '')
    .replace(/[\s().\-/]/g, '');
  const digits = /^(?:\+|00)([1-9]\d{6,14})$/.exec(plain)?.[1];
  return digits === undefined ? undefined : (`+${digits}` as PhoneKey);
}
