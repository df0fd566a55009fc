import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Context, Middleware } from 'koa';
import { problemPage } from './problemPages.js';

const zip = promisify(gzip);

/** The pages that are built apart from each other (screens.md, Three surfaces). */
type PageName = 'console' | 'portal' | 'reseller' | 'visitor' | 'docs';

const pageFiles: Readonly<Record<PageName, string>> = {
  console: 'console/index.html',
  portal: 'portal/index.html',
  reseller: 'portal/reseller.html',
  visitor: 'visitor/index.html',
  docs: 'visitor/docs.html',
};

/**
 * First parts of the addresses of the console's screens: any other is a 404 that says so, not a console that finds nothing. A test
 * compares them with the console's own routes.
 */
export const consolePaths: ReadonlySet<string> = new Set([
  '',
  'queue',
  'affiliates',
  'applications',
  'documents',
  'groups',
  'contacts',
  'customer-accounts',
  'resellers',
  'programs',
  'products',
  'product-groups',
  'links',
  'promo-tools',
  'coupons',
  'clicks',
  'forms',
  'messages',
  'leads',
  'lead-log',
  'sales',
  'parked-events',
  'referrals',
  'commissions',
  'appeals',
  'risk',
  'payouts',
  'payout-runs',
  'ledger',
  'reconciliations',
  'reports',
  'developers',
  'settings',
  'audit',
  'system',
  'notices',
  'profile',
  'search',
  'kitchen-sink',
]);

const visitorPaths: ReadonlySet<string> = new Set(['sign-in', 'forgot-password', 'confirmed']);

const types: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8', // swagger-ui does not parse without the charset (dependencies.md 3.2)
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  woff2: 'font/woff2',
  png: 'image/png',
};

interface StoredFile {
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
}

export interface Site {
  /** Answers a page or file of ours, or passes on. */
  readonly middleware: Middleware;
  /** One page as HTML. `detail` is what the page is told about itself: which kind of one-time link it is. */
  sendPage(
    ctx: Context,
    page: PageName,
    options?: { readonly status?: number; readonly detail?: string },
  ): Promise<void>;
}

/**
 * Serves the built console, portals and visitor pages from our own origin: hashed files for ever, pages never from a cache, under a
 * content policy without a single foreign address. `folder` is `dist/web`; while nothing was built there the pages answer 503 and say how.
 */
export function createSite(options: { readonly folder: string; readonly hasMailbox: boolean }): Site {
  const kept = new Map<string, Promise<StoredFile>>();

  const read = (name: string): Promise<StoredFile> => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const loading = load(join(options.folder, name));
    kept.set(name, loading);
    loading.catch(() => kept.delete(name)); // a file that is not there today may have been built tomorrow
    return loading;
  };

  const sendPage: Site['sendPage'] = async (ctx, page, { status = 200, detail = '' } = {}) => {
    const nonce = randomBytes(16).toString('base64');
    let html: string;
    try {
      html = (await readFile(join(options.folder, pageFiles[page]), 'utf8'))
        .replaceAll('%NONCE%', nonce)
        .replaceAll('%PAGE%', detail);
    } catch (error) {
      if (!isMissing(error)) throw error;
      ctx.status = 503;
      ctx.set('Retry-After', '60');
      ctx.type = 'text/plain; charset=utf-8';
      ctx.body = 'The pages are not built yet: npm run build:web makes them (npm start does it by itself).\n';
      return;
    }
    ctx.status = status;
    ctx.set('Content-Type', 'text/html; charset=utf-8');
    ctx.set('Content-Security-Policy', contentPolicy(nonce));
    ctx.set('Cache-Control', 'no-store');
    ctx.set('X-Robots-Tag', 'noindex');
    ctx.set('Cross-Origin-Opener-Policy', 'same-origin');
    ctx.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=()');
    ctx.body = html;
  };

  const sendFile = async (ctx: Context, name: string): Promise<boolean> => {
    let file: StoredFile;
    try {
      file = await read(name);
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
    ctx.set('Content-Type', types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream');
    ctx.set('Cache-Control', name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
    ctx.set('ETag', file.etag);
    ctx.vary('Accept-Encoding');
    ctx.status = 200;
    if (ctx.fresh) {
      ctx.status = 304;
      return true;
    }
    const isZipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip';
    if (isZipped) ctx.set('Content-Encoding', 'gzip');
    ctx.body = isZipped ? file.zipped : file.plain;
    return true;
  };

  return {
    sendPage,
    middleware: async (ctx, next) => {
      const koa = ctx as unknown as Context;
      const { path } = koa;
      if (koa.method !== 'GET' && koa.method !== 'HEAD') {
        await next();
        return;
      }
      const first = path.slice(1).split('/', 1)[0] ?? '';
      if (/^\/(assets|docs)\/[A-Za-z0-9_.-]+\.(js|css|svg|woff2|png)$/.test(path) || path === '/icon.svg') {
        if (!(await sendFile(koa, path.slice(1)))) await next();
      } else if (path === '/docs') await sendPage(koa, 'docs');
      else if (path === '/dev/mail' && options.hasMailbox) await sendPage(koa, 'console');
      else if (first === 'problems') {
        if (!problemPage(koa, path.slice('/problems/'.length))) await next();
      } else if (first === 'portal') await sendPage(koa, 'portal');
      else if (first === 'reseller') await sendPage(koa, 'reseller');
      else if (visitorPaths.has(first) && path === `/${first}`) await sendPage(koa, 'visitor');
      else if (consolePaths.has(first)) await sendPage(koa, 'console');
      else await next();
    },
  };
}

/**
 * Our own scripts and styles only. The nonce is for the styles that the kit makes while running and for the line that sets the theme before
 * the first paint.
 */
function contentPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

async function load(path: string): Promise<StoredFile> {
  const plain = await readFile(path);
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { plain, zipped: await zip(plain, { level: 9 }), etag };
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}
