import type { Context, Middleware } from 'koa';
import { listWorkspaces } from '../db/directory.js';
import { findDemoShop } from '../db/reads/reporting/demoShop.js';
import { readWorkspace } from '../db/transaction.js';
import { formatMoney } from '../domain/money.js';
import type { ApiDeps } from './deps.js';
import type { Site } from './site.js';

/** Under which purpose the shop's key is sealed when the demo data is made. */
export const demoShopKeyPurpose = 'demo_shop_key';

/**
 * `GET /demo-shop`, only where the first workspace holds demo data and never in production: the visitors' page, told what it sells and given
 * the key with which a shop's server would report. The key may report and read leads and sales, from this machine only.
 */
export function demoShop(deps: ApiDeps, site: Site): Middleware {
  return async (ctx, next) => {
    const isAsked = ctx.path === '/demo-shop' && (ctx.method === 'GET' || ctx.method === 'HEAD');
    const workspaceId =
      isAsked && deps.config.nodeEnv !== 'production' ? (await listWorkspaces(deps.db))[0]?.id : undefined;
    const shop = workspaceId === undefined ? undefined : await readWorkspace(deps.db, workspaceId, findDemoShop);
    if (shop === undefined) {
      await next();
      return;
    }
    const told = {
      key: deps.secrets.unseal(demoShopKeyPurpose, shop.key),
      consoleUrl: deps.config.http.publicUrl,
      programs: shop.programs.map(({ products, ...program }) => ({
        ...program,
        products: products.map(({ minor, currency, ...product }) => ({
          ...product,
          price: formatMoney({ minor, currency }),
        })),
      })),
    };
    const detail = Buffer.from(JSON.stringify(told), 'utf8').toString('base64');
    await site.sendPage(ctx as unknown as Context, 'visitor', { detail });
  };
}
