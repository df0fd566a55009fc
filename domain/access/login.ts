/** features.md 20.1, api.md 1.10. */
export const lockMinutes = 15;
export const failuresPerAddress = 50;
export const minPasswordLength = 12;
/** At least 128 must be taken (reliability.md G20); nothing is cut off. Characters. */
export const maxPasswordLength = 256;

// The words that most guessed passwords are made of, lower case, letters and digits only. A password that is nothing but one of them,
// repeated or with some digits around it, is refused.
const commonParts = [
  'password',
  'passwort',
  'passw0rd',
  'p4ssw0rd',
  'qwertyuiop',
  'qwerty',
  'qwertz',
  'azerty',
  'asdfghjkl',
  'zxcvbnm',
  'letmein',
  'welcome',
  'iloveyou',
  'admin',
  'administrator',
  'changeme',
  'secret',
  'monkey',
  'dragon',
  'football',
  'baseball',
  'sunshine',
  'princess',
  'superman',
  'trustno1',
  'master',
  'login',
  'abc',
  'abcdef',
  'abcdefgh',
  'tributary',
  'correcthorsebatterystaple',
];

export type PasswordProblem = 'too_short' | 'too_long' | 'common';

/** Why a password may not be used, if so. `personal`: words an attacker would try first, such as the address. */
export function passwordProblem(password: string, personal: readonly string[] = []): PasswordProblem | undefined {
  const length = Array.from(password).length;
  if (length < minPasswordLength) return 'too_short';
  if (length > maxPasswordLength) return 'too_long';
  const plain = password.normalize('NFKC').toLowerCase();
  const isOneCharacter = new Set(plain).size < 3;
  if (isOneCharacter || isSequence(plain)) return 'common';
  const core = plain.replaceAll(/[^\p{L}\p{N}]/gu, '');
  const words = [...commonParts, ...personal.map((word) => word.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, ''))];
  return words.some((word) => word.length >= 3 && isMadeOf(core, word)) ? 'common' : undefined;
}

/** `1234567890123`, `abcdefghijkl`: each character follows the one before. */
function isSequence(text: string): boolean {
  const steps = Array.from(text)
    .slice(1)
    .map((char, index) => (char.codePointAt(0) ?? 0) - (text.codePointAt(index) ?? 0));
  return steps.every((step) => step === 1 || step === -9) || steps.every((step) => step === -1 || step === 9);
}

/** Only this word, repeated, with digits before, between or after. */
function isMadeOf(core: string, word: string): boolean {
  return core.includes(word) && core.replaceAll(word, '').replaceAll(/\d/g, '') === '';
}
