import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../api/openapi.js';
import { routes } from '../api/routes.js';
import { requireCheckout } from './checkout.js';

// npm run openapi: the API's document and the client that the pages use, both from the schemas that validate. Neither is committed.
const root = requireCheckout();
const document = `${root}/docs/built/openapi.json`;
const client = `${root}/web/client`;

/** Puts a finished folder in the place of another one: whoever reads there meanwhile sees the old or the new, never half of one. */
export function replaceFolder(made: string, place: string): void {
  const old = `${place}.old-${process.pid}`;
  mkdirSync(dirname(place), { recursive: true });
  if (existsSync(place)) renameSync(place, old);
  renameSync(made, place);
  rmSync(old, { recursive: true, force: true });
}

/** Writes `docs/built/openapi.json` and, where that has changed, `web/client`. */
export async function writeOpenApi(): Promise<void> {
  const text = `${JSON.stringify(openApiDocument(routes, 'http://localhost:3000'), null, 2)}\n`;
  if (existsSync(`${client}/sdk.gen.ts`) && existsSync(document) && readFileSync(document, 'utf8') === text) return;
  const made = `${root}/docs/built/client-${process.pid}`;
  const draft = `${document}.${process.pid}`;
  mkdirSync(dirname(document), { recursive: true });
  writeFileSync(draft, text);
  const { createClient } = await import('@hey-api/openapi-ts');
  await createClient({
    input: draft,
    output: { path: made },
    plugins: [
      { name: '@hey-api/client-fetch', baseUrl: false },
      '@hey-api/typescript',
      '@hey-api/sdk',
      { name: '@tanstack/react-query', infiniteQueryOptions: false },
    ],
    logs: { level: 'silent' },
  });
  replaceFolder(made, client);
  renameSync(draft, document); // the last thing: a run that broke off is done again
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeOpenApi();
