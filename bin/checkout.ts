import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The checkout that this program was compiled from, or is run from, without a slash at the end; undefined in a build, which has none around it. */
export function checkout(): string | undefined {
  if (import.meta.url.endsWith('.ts')) return fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
  const file = new URL('../checkout.txt', import.meta.url); // bin/compile.mjs
  return existsSync(file) ? readFileSync(file, 'utf8').replace(/\/$/, '') : undefined;
}

/** The same for what is made from sources. */
export function requireCheckout(): string {
  const folder = checkout();
  if (folder === undefined) throw new Error('this is a build, which has no sources: run it in a checkout');
  return folder;
}
