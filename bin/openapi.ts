import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from '../api/openapi.js';
import { routes } from '../api/routes.js';

// npm run openapi: the API's document and the client that the pages use, both from the schemas that validate. Neither is committed.
const root = fileURLToPath(new URL('..', import.meta.url));

/** Writes `docs/built/openapi.json` and `web/client`; answers the document's text. */
export async function writeOpenApi(): Promise<string> {
  const text = `${JSON.stringify(openApiDocument(routes, 'http://localhost:3000'), null, 2)}\n`;
  mkdirSync(`${root}docs/built`, { recursive: true });
  writeFileSync(`${root}docs/built/openapi.json`, text);
  const { createClient } = await import('@hey-api/openapi-ts');
  await createClient({
    input: `${root}docs/built/openapi.json`,
    output: { path: `${root}web/client` },
    plugins: [
      { name: '@hey-api/client-fetch', baseUrl: false },
      '@hey-api/typescript',
      '@hey-api/sdk',
      { name: '@tanstack/react-query', infiniteQueryOptions: false },
    ],
    logs: { level: 'error' },
  });
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeOpenApi();
