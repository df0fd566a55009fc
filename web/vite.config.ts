import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The API reference is served from our own origin: two files of a package that phones nobody (dependencies.md 3.2). */
const apiReference = {
  name: 'api-reference',
  writeBundle(output: { readonly dir?: string | undefined }) {
    for (const file of ['swagger-ui.css', 'swagger-ui-bundle.js'])
      cpSync(at(`../node_modules/swagger-ui-dist/${file}`), `${output.dir}/docs/${file}`);
  },
};

// Four pages that load separately (screens.md, Three surfaces); what they share becomes files of its own, so a visitor of one pays for one.
export default defineConfig({
  root: at('.'),
  base: '/',
  plugins: [react(), apiReference],
  build: {
    outDir: at('../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    assetsDir: 'assets',
    manifest: true,
    // A data: address would need a hole in the content policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        console: at('./console/index.html'),
        portal: at('./portal/index.html'),
        reseller: at('./portal/reseller.html'),
        visitor: at('./visitor/index.html'),
        docs: at('./visitor/docs.html'),
      },
    },
  },
});
