import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@playwright/test';

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

/** Scripts that a page loads before it can show anything, gzipped, in bytes: its entry and all that this imports at once. */
function firstLoad(entry: string): number {
  const chunks = JSON.parse(readFileSync('dist/web/.vite/manifest.json', 'utf8')) as Record<string, Chunk>;
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const chunk = chunks[name];
    if (chunk === undefined) throw new Error(`the build has no ${name}`);
    if (seen.has(chunk.file)) return;
    seen.add(chunk.file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  visit(entry);
  return [...seen].reduce((sum, file) => sum + gzipSync(readFileSync(`dist/web/${file}`), { level: 9 }).length, 0);
}

for (const entry of ['portal/index.html', 'portal/reseller.html', 'visitor/index.html'])
  test(`first load of ${entry} is at most 300 kB of gzipped script`, () => {
    const bytes = firstLoad(entry);
    console.log(`${entry}: ${Math.round(bytes / 1_000)} kB`);

    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThanOrEqual(300_000);
  });
