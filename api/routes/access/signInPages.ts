import type { Context, Middleware } from 'koa';
import { findOneTimeToken } from '../../../db/access/oneTimeToken.js';
import { findCustomerToken } from '../../../db/directory.js';
import { hashToken } from '../../../platform/secrets.js';
import type { ApiDeps } from '../../deps.js';
import type { Site } from '../../site.js';

/**
 * `GET /welcome/{token}`, `/set-password/{token}`, `/verify-email/{token}`: the visitors' page, which is told what kind of link it is; 410
 * when the link was used or has expired. The visit uses nothing up: a person presses the button, a mail scanner does not (screens.md 8).
 */
export function signInPages(deps: ApiDeps, site: Site): Middleware {
  return async (ctx, next) => {
    const token = /^\/(?:welcome|set-password|verify-email)\/([A-Za-z0-9_-]{20,100})$/.exec(ctx.path)?.[1];
    if (token === undefined || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) {
      await next();
      return;
    }
    const found = await findOneTimeToken(deps.db, token);
    // A customer of the merchant has no login of ours: their page offers no sign-in, and another link by mail.
    const ofCustomer = found === undefined ? await findCustomerToken(deps.db, hashToken(token)) : undefined;
    const isUsable = (found ?? ofCustomer)?.isUsable === true;
    const used = ofCustomer === undefined ? 'used' : 'used_customer';
    const kind = isUsable ? (found?.kind ?? 'customer') : used;
    await site.sendPage(ctx as unknown as Context, 'visitor', { status: isUsable ? 200 : 410, detail: kind });
    ctx.set('Referrer-Policy', 'no-referrer'); // the address is the secret
  };
}
