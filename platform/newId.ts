import { randomFillSync } from 'node:crypto';
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

const pool = new Uint8Array(4_096);
let poolAt = pool.length;
const bytes = new Uint8Array(16);
let lastMs = 0;
let counter = 0;

/**
 * UUIDv7 (RFC 9562, 6.2 method 1): 48 bits of milliseconds, 12 of a counter, 62 random ones. Not the uuid package's: that one took 5.6 of
 * the 22 us that a click costs, because it asks for 16 random bytes at a time (bench/results/clickCpu.json).
 */
function nextBytes(): Uint8Array {
  if (poolAt + 10 > pool.length) {
    randomFillSync(pool);
    poolAt = 0;
  }
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    counter = ((pool[poolAt] ?? 0) << 3) | ((pool[poolAt + 1] ?? 0) & 7); // starts in the lower half, so that there is room to rise
  } else {
    counter += 1;
    if (counter > 0xfff) {
      lastMs += 1; // a later millisecond is borrowed: ids must rise even when the clock stands still or is set back
      counter = 0;
    }
  }
  const high = Math.floor(lastMs / 0x1_0000_0000);
  const low = lastMs >>> 0;
  bytes[0] = high >>> 8;
  bytes[1] = high;
  bytes[2] = low >>> 24;
  bytes[3] = low >>> 16;
  bytes[4] = low >>> 8;
  bytes[5] = low;
  bytes[6] = 0x70 | (counter >>> 8);
  bytes[7] = counter;
  bytes[8] = 0x80 | ((pool[poolAt + 2] ?? 0) & 0x3f);
  for (let index = 9; index < 16; index += 1) bytes[index] = pool[poolAt + index - 6] ?? 0;
  poolAt += 10;
  return bytes;
}

/** A new id of a kind; ids of one process rise even within a millisecond. */
export const newId: NewId = <K extends IdKind>(kind: K): Id<K> => `${idPrefixes[kind]}_${base32(nextBytes())}` as Id<K>;
