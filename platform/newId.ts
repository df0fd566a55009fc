import { v7 } from 'uuid';
import { type Id, type IdKind, idPrefixes, type NewId } from '../domain/ids.js';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'; // Crockford base 32, lower case

/** 128 bits as 26 characters, most significant first, so that text order is byte order. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let buffer = 0;
  let bits = 2; // 26 x 5 = 130 bits: two leading zero bits, so that the first character is 0-7
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >>> bits) & 31];
      buffer &= (1 << bits) - 1;
    }
  }
  return text;
}

/** A new id of a kind; ids of one process rise even within a millisecond. */
export const newId: NewId = <K extends IdKind>(kind: K): Id<K> =>
  `${idPrefixes[kind]}_${base32(v7(undefined, new Uint8Array(16)))}` as Id<K>;
