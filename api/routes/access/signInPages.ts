import { createHash } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import { findOneTimeToken } from '../../../db/access/oneTimeToken.js';
import type { ApiDeps } from '../../route.js';

// The pages behind mailed and printed links, until the built pages are served: one button, pressed by a person. A mail scanner that only
// visits the address uses nothing up (screens.md 8).

type Page = 'sign_in' | 'invite' | 'reset' | 'verify_email';

const texts: Readonly<
  Record<Page, { readonly title: string; readonly button: string; readonly call: string; readonly password: boolean }>
> = {
  sign_in: { title: 'Sign in', button: 'Sign in', call: '/v1/auth/one-time', password: false },
  invite: { title: 'Welcome', button: 'Accept and sign in', call: '/v1/auth/accept-invite', password: true },
  reset: { title: 'New password', button: 'Save', call: '/v1/auth/password-reset/confirm', password: true },
  verify_email: { title: 'Confirm your address', button: 'Confirm', call: '/v1/auth/verify-email', password: false },
};

const script = `
const form = document.querySelector('form');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  const body = { token: form.dataset.token };
  const password = form.querySelector('input');
  if (password && password.value !== '') body.password = password.value;
  const answer = await fetch(form.dataset.call, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const out = document.querySelector('output');
  if (answer.ok) {
    form.hidden = true;
    const session = answer.status === 200 ? await answer.json() : null;
    out.textContent = session === null ? 'Done.' : 'Signed in as ' + session.user.name + ' (' + session.workspace.name + ').';
  } else {
    const problem = await answer.json();
    out.textContent = problem.detail || problem.title;
    button.disabled = false;
  }
});`;
const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { display: grid; min-height: 100vh; margin: 0; place-items: center; }
main { padding: 2rem; width: min(22rem, 90vw); }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { margin-top: .5rem; padding: .6rem; }
output { display: block; margin-top: 1rem; }`;

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const contentPolicy = `default-src 'none'; script-src ${hashOf(script)}; style-src ${hashOf(style)}; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;

/** `GET /welcome/{token}`, `/set-password/{token}`, `/verify-email/{token}`: 200, or 410 when the link was used or has expired. */
export function signInPages(deps: ApiDeps): Middleware {
  return async (ctx, next) => {
    const token = /^\/(?:welcome|set-password|verify-email)\/([A-Za-z0-9_-]{20,100})$/.exec(ctx.path)?.[1];
    if (token === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) {
      await next();
      return;
    }
    const found = await findOneTimeToken(deps.db, token);
    const page = found !== undefined && found.isUsable ? found.kind : undefined;
    answerHtml(
      ctx as unknown as Context,
      page === undefined ? 410 : 200,
      page === undefined ? usedPage : formPage(page, token),
    );
  };
}

function answerHtml(ctx: Context, status: number, body: string): void {
  ctx.status = status;
  ctx.set('Content-Type', 'text/html; charset=utf-8');
  ctx.set('Content-Security-Policy', contentPolicy);
  ctx.set('Cache-Control', 'no-store');
  ctx.set('Referrer-Policy', 'no-referrer'); // the address is the secret
  ctx.set('X-Robots-Tag', 'noindex');
  ctx.body = body;
}

function html(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head><body><main><h1>${title}</h1>${content}<output role="status"></output></main></body></html>`;
}

const usedPage = html('This link no longer works', '<p>It was used before or has expired. Ask for a new one.</p>');

// The token has letters, digits, - and _ only: nothing to escape.
function formPage(page: Page, token: string): string {
  const { title, button, call, password } = texts[page];
  const field = password
    ? '<label>Password, at least 12 characters<input type="password" autocomplete="new-password" minlength="12" maxlength="256"></label>'
    : '';
  return html(
    title,
    `<form data-token="${token}" data-call="${call}">${field}<button>${button}</button></form><script>${script}</script>`,
  );
}
