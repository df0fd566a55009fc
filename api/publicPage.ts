import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { escapeHtml } from './html.js';

const style =
  ':root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:1rem;background:#fff;color:#15212b}' +
  'h1{font-size:1.4rem}h2{font-size:1.1rem}label{display:block;font-weight:600}.tick{display:flex;gap:.5rem;align-items:start}.tick label{font-weight:400}' +
  'input:not([type=checkbox]),select,textarea{box-sizing:border-box;width:100%;min-height:2.5rem;padding:.4rem;font:inherit;border:1px solid #5b6b78;border-radius:4px;background:#fff;color:#15212b}' +
  'input[type=checkbox]{width:1.5rem;height:1.5rem}button{min-height:2.75rem;padding:.5rem 1.5rem;font:inherit;font-weight:600;border:0;border-radius:4px;background:#0b5c78;color:#fff}' +
  '.error{color:#a51d1d}.trap{position:absolute;left:-999rem}.text{white-space:pre-wrap;overflow-wrap:anywhere;max-height:20rem;overflow:auto;border:1px solid #5b6b78;border-radius:4px;padding:.5rem}' +
  '@media(prefers-color-scheme:dark){body{background:#10181f;color:#e8eef2}input:not([type=checkbox]),select,textarea{background:#10181f;color:#e8eef2}.error{color:#ff9c9c}button{background:#5fc0df;color:#08222c}}';

/** A page that needs no script and holds no foreign address: forms, applications and what follows them (screens.md 8). */
export function sendPublicPage(
  koa: Context,
  page: {
    readonly status: number;
    readonly language: 'en' | 'de';
    readonly title: string;
    /** HTML of our making. */
    readonly content: string;
    /** Hosts that may frame it; none: nobody. */
    readonly frameDomains?: readonly string[];
    /** Origins beside our own that its form's redirect may go to: browsers follow it only to where the policy lets it. */
    readonly formGoals?: readonly string[];
    /** Of our making. The page works without it. */
    readonly script?: string;
  },
): void {
  const nonce = randomBytes(16).toString('base64');
  const frames = (page.frameDomains ?? []).flatMap((host) => [`https://${host}`, `http://${host}`]).join(' ');
  const goals = (page.formGoals ?? []).map((goal) => ` ${goal}`).join('');
  koa.status = page.status;
  koa.set('Content-Type', 'text/html; charset=utf-8');
  koa.set(
    'Content-Security-Policy',
    `default-src 'none'; style-src 'nonce-${nonce}';${page.script === undefined ? '' : ` script-src 'nonce-${nonce}';`} form-action 'self'${goals}; base-uri 'none'; frame-ancestors ${frames === '' ? "'none'" : frames}`,
  );
  koa.set('Cache-Control', 'no-store');
  koa.set('X-Robots-Tag', 'noindex');
  koa.body =
    `<!doctype html><html lang="${page.language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
    `<title>${escapeHtml(page.title)}</title><style nonce="${nonce}">${style}</style></head><body><main>${page.content}</main>${page.script === undefined ? '' : `<script nonce="${nonce}">${page.script}</script>`}</body></html>`;
}

/** Text with its line breaks as paragraphs. */
export function paragraphs(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => `<p>${escapeHtml(line)}</p>`)
    .join('');
}
