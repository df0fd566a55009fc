import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireCheckout } from './checkout.js';

// npm run build:web: the generated client, then the pages. npm start runs it only when something it is made from has changed.
const root = requireCheckout();
const stamp = join(root, 'dist/web/sources.txt');
/** Everything the pages are made from; the client in `web/client` is itself made from `api` and `domain`. */
const sources = ['web', 'api', 'domain', 'package-lock.json', 'bin/openapi.ts', 'bin/buildWeb.ts'];

const pages = [
  'console/index.html',
  'portal/index.html',
  'portal/reseller.html',
  'visitor/index.html',
  'visitor/docs.html',
];

/** A hash of every source: the same text means the same pages. */
export function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const file of sources.flatMap(filesOf))
    hash
      .update(`${relative(root, file)}\0`)
      .update(readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

function filesOf(name: string): readonly string[] {
  const path = join(root, name);
  if (!existsSync(path)) return [];
  if (/\.\w+$/.test(name)) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.startsWith(join(root, 'web/client/')))
    .sort();
}

/** True when `dist/web` was built from exactly these sources. */
export function isWebBuilt(): boolean {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === sourcesHash();
}

async function build(): Promise<void> {
  // Whoever calls: under a test runner's NODE_ENV=test React's development build was bundled, 65 kB gzipped more.
  process.env.NODE_ENV = 'production';
  const hash = sourcesHash();
  const { replaceFolder, writeOpenApi } = await import('./openapi.js');
  await writeOpenApi();
  // Only a build needs the bundler: an installation that runs from one has neither.
  const [{ build: bundle }, { default: react }] = await Promise.all([import('vite'), import('@vitejs/plugin-react')]);
  const made = join(root, `dist/web-${process.pid}`);
  await bundle({
    configFile: false,
    root: join(root, 'web'),
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: made,
      emptyOutDir: false, // it is new
      target: 'es2022',
      manifest: true,
      assetsInlineLimit: 0, // a data: address would need a hole in the content policy
      modulePreload: { polyfill: false },
      // Pages that load separately (screens.md, Three surfaces); what they share becomes files of its own.
      rolldownOptions: { input: pages.map((page) => join(root, 'web', page)) },
    },
  });
  // The API reference, from our own origin: two files of a package that phones nobody (dependencies.md 3.2).
  for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js'])
    cpSync(join(root, 'node_modules/swagger-ui-dist', file), join(made, 'docs', file));
  writeFileSync(join(made, 'sources.txt'), hash);
  replaceFolder(made, join(root, 'dist/web'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
