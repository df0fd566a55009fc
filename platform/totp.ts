import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import QRCode from 'qrcode';
import { totp as form } from '../domain/access/session.js';

/** 160 bits, as RFC 4226 asks; in base32 as authenticators take it. */
export function newTotpSecret(): string {
  return new Secret({ size: 20 }).base32;
}

function generator(secret: string, label = ''): TOTP {
  return new TOTP({
    issuer: 'Tributary',
    label,
    algorithm: 'SHA1',
    digits: form.digits,
    period: form.periodSeconds,
    secret: Secret.fromBase32(secret),
  });
}

/** The address that a QR code holds; `label` is the person's e-mail. */
export function totpAddress(secret: string, label: string): string {
  return generator(secret, label).toString();
}

/** Number of the time step that a code belongs to; undefined when it is of none near `epochMs`. Compares in constant time. */
export function totpStepOf(secret: string, code: string, epochMs: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const delta = generator(secret).validate({ token: code, timestamp: epochMs, window: form.window });
  return delta === null ? undefined : Math.floor(epochMs / (form.periodSeconds * 1_000)) + delta;
}

/** The code of a moment: what an authenticator shows. For tests and the demo. */
export function totpCode(secret: string, epochMs: number): string {
  return generator(secret).generate({ timestamp: epochMs });
}

/** A picture of the address, as an SVG document. */
export function qrSvg(text: string): Promise<string> {
  return QRCode.toString(text, { type: 'svg', errorCorrectionLevel: 'M', margin: 2 });
}

const letters = 'abcdefghijklmnopqrstuvwxyz234567';

/** Ten codes of 80 random bits: kept as a plain hash, they cannot be guessed from it. `abcd-efgh-ijkl-mnop`. */
export function newRecoveryCodes(): readonly string[] {
  return Array.from({ length: form.recoveryCodes }, () => {
    const text = [...randomBytes(16)].map((byte) => letters[byte & 31]).join('');
    return (text.match(/.{4}/g) ?? []).join('-');
  });
}

/** As it was shown, whatever the person made of capitals, spaces and hyphens; undefined when it is no recovery code. */
export function readRecoveryCode(text: string): string | undefined {
  const bare = text.toLowerCase().replaceAll(/[\s-]/g, '');
  return /^[a-z2-7]{16}$/.test(bare) ? (bare.match(/.{4}/g) ?? []).join('-') : undefined;
}
