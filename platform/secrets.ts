import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import type { SecretKey } from './config.js';

/** Random text of `bytes` bytes, base64url: session ids, one-time tokens. 32 bytes are 256 bits. */
export function randomToken(bytes = 32): string {
  return randomBytes(bytes).toString('base64url');
}

/** What is stored of a token: its SHA-256. A random token of 256 bits needs no salt. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

export function sha256Hex(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Compares in constant time; different lengths are different. */
export function isSameText(a: string, b: string): boolean {
  const [left, right] = [hashToken(a), hashToken(b)];
  return timingSafeEqual(left, right);
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Uniform random letters and digits: bytes above the last multiple of 62 are thrown away. */
function randomLetters(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += base62[byte % 62];
  }
  return text;
}

function checksum(text: string): string {
  let left = createHash('sha256').update(text).digest().readUInt32BE(0);
  let sum = '';
  for (let i = 0; i < 6; i += 1) {
    sum = `${base62[left % 62]}${sum}`;
    left = Math.floor(left / 62);
  }
  return sum;
}

/** A new API key: prefix, 32 random letters and digits (190 bits), 6 of checksum, so that a typo never reaches the database. */
export function newApiKey(kind: 'sk' | 'pk', mode: 'live' | 'test'): string {
  const head = `${kind}_${mode}_${randomLetters(32)}`;
  return `${head}${checksum(head)}`;
}

/** A signing secret as Standard Webhooks writes one: 24 random bytes behind `whsec_`. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

/** What an API key says it is; undefined when its form or checksum is wrong. */
export function readApiKey(text: string): { readonly kind: 'sk' | 'pk'; readonly mode: 'live' | 'test' } | undefined {
  const match = /^(sk|pk)_(live|test)_[0-9A-Za-z]{38}$/.exec(text);
  if (match === null || checksum(text.slice(0, -6)) !== text.slice(-6)) return undefined;
  return { kind: match[1] as 'sk' | 'pk', mode: match[2] as 'live' | 'test' };
}

/** Signs and seals with keys derived from SECRET_KEY: the first makes, all of them open (dependencies.md 7.2). */
export interface Secrets {
  /** HMAC-SHA256 in base64url under a key of that purpose. */
  sign(purpose: string, text: string): string;
  isSignedBy(purpose: string, text: string, signature: string): boolean;
  /** AES-256-GCM; the result names its key. */
  seal(purpose: string, plain: string): string;
  /** Throws when altered, or when its key is no longer in SECRET_KEY. */
  unseal(purpose: string, sealed: string): string;
}

export function createSecrets(secretKeys: readonly SecretKey[]): Secrets {
  const derived = new Map<string, Buffer>();
  const keyFor = (id: string, purpose: string): Buffer | undefined => {
    const name = `${id} ${purpose}`;
    const found = derived.get(name);
    if (found !== undefined) return found;
    const key = secretKeys.find((candidate) => candidate.id === id);
    if (key === undefined) return undefined;
    const made = Buffer.from(hkdfSync('sha256', key.key.export(), '', `tributary ${purpose}`, 32));
    derived.set(name, made);
    return made;
  };
  const [newest] = secretKeys;
  if (newest === undefined) throw new Error('SECRET_KEY holds no key');
  const hmac = (id: string, purpose: string, text: string): string =>
    createHmac('sha256', keyFor(id, purpose) ?? '')
      .update(text)
      .digest('base64url');
  return {
    sign: (purpose, text) => hmac(newest.id, purpose, text),
    isSignedBy: (purpose, text, signature) =>
      secretKeys.some((key) => isSameText(hmac(key.id, purpose, text), signature)),
    seal(purpose, plain) {
      const key = keyFor(newest.id, purpose);
      if (key === undefined) throw new Error('SECRET_KEY holds no key');
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `${newest.id}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
    },
    unseal(purpose, sealed) {
      const cut = sealed.indexOf('.');
      const key = keyFor(sealed.slice(0, cut), purpose);
      if (key === undefined)
        throw new Error(`a stored secret names a key that SECRET_KEY does not hold: ${sealed.slice(0, cut)}`);
      const bytes = Buffer.from(sealed.slice(cut + 1), 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}
