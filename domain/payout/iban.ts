// Account numbers of ISO 13616 and bank codes of ISO 9362.

/** As they are stored and compared: upper case, without the spaces people write. */
export function compactAccount(value: string): string {
  return value.replace(/[\s-]/g, '').toUpperCase();
}

/** ISO 13616: two letters, two check digits, at most 30 more; the whole modulo 97 is 1. Spaces and small letters are allowed. */
export function isIban(value: string): boolean {
  const iban = compactAccount(value);
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(iban)) return false;
  let rest = 0;
  for (const character of `${iban.slice(4)}${iban.slice(0, 4)}`) {
    // A letter stands for two digits, A = 10.
    const digits = /\d/.test(character) ? character : String(character.charCodeAt(0) - 55);
    for (const digit of digits) rest = (rest * 10 + Number.parseInt(digit, 10)) % 97;
  }
  return rest === 1;
}

/** ISO 9362: bank, country, place, and a branch or none. */
export function isBic(value: string): boolean {
  return /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(value);
}

/** Countries and territories whose accounts a SEPA credit transfer reaches (EPC409-09), by the first letters of the IBAN. */
const sepaCountries: ReadonlySet<string> = new Set(
  'AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA'.split(
    ' ',
  ),
);

export function isSepaIban(iban: string): boolean {
  return isIban(iban) && sepaCountries.has(compactAccount(iban).slice(0, 2));
}
