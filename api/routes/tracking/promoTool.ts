import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { findToolLink, listPromoTools } from '../../../db/reads/tracking/promoToolList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import {
  deletePromoTool,
  findPromoTool,
  insertPromoTool,
  lockPromoTool,
  updatePromoTool,
} from '../../../db/tracking/promoTool.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { type PromoTool, type Snippet, snippetOf } from '../../../domain/tracking/promoTool.js';
import type { Config } from '../../../platform/config.js';
import { answer, defineRoute, type Route } from '../../route.js';
import {
  missingContent,
  ownPromoToolList,
  ownPromoToolQuery,
  presentOwnPromoTool,
  presentPromoTool,
  promoSnippetWire,
  promoToolCreate,
  promoToolList,
  promoToolParams,
  promoToolPatch,
  promoToolQuery,
  promoToolWire,
  snippetQuery,
} from '../../schemas/tracking/promoTool.js';
import { noContent } from '../../schemas/wire.js';
import { portalRefusals, requireOwn } from '../affiliate/ownRecord.js';
import { fieldRefusal } from '../program/directDecision.js';
import { judgedDestination } from './link.js';

async function required(found: Promise<PromoTool | undefined>): Promise<PromoTool> {
  const tool = await found;
  if (tool === undefined) throw new DomainError('resource.not_found');
  return tool;
}

/** The tool's address as the parser writes it, on a host that its program or the workspace allows. */
async function judgedUrl(tx: Tx, config: Config, programId: string, url: string): Promise<string> {
  const program = await findProgram(tx, programId);
  if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
  const { settings } = await getSettings(tx);
  return judgedDestination(url, program, settings, config);
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/promo-tools',
  permission: 'link.read',
  query: promoToolQuery,
  reply: promoToolList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const tools = await ctx.read((tx) => listPromoTools(tx, ctx.query, page));
    return ctx.list(tools, page, presentPromoTool, (tool) => ({
      value: page.sort === 'name' ? tool.name : tool.createdAt,
      id: tool.id,
    }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/promo-tools/:toolId',
  permission: 'link.read',
  params: promoToolParams,
  reply: promoToolWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => presentPromoTool(await required(findPromoTool(tx, ctx.params.toolId)))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/promo-tools',
  permission: 'link.write',
  body: promoToolCreate,
  reply: promoToolWire,
  status: 201,
  refuses: ['link.url_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const { body } = ctx;
      const tool = await insertPromoTool(tx, act, {
        id: act.newId('promoTool'),
        name: body.name,
        kind: body.kind,
        programId: body.programId,
        productGroupId: null,
        url: await judgedUrl(tx, config, body.programId, body.url),
        mediaId: null,
        html: body.html ?? null,
        text: body.text ?? null,
        campaign: body.campaign ?? null,
        ad: body.ad ?? null,
        active: body.active ?? true,
      });
      return answer(presentPromoTool(tool), { location: `/v1/promo-tools/${tool.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/promo-tools/:toolId',
  permission: 'link.write',
  params: promoToolParams,
  body: promoToolPatch,
  reply: promoToolWire,
  refuses: ['resource.not_found', 'link.url_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const tool = await required(lockPromoTool(tx, ctx.params.toolId));
      ctx.requireVersion(tool.version);
      const { productGroupId: _group, mediaId: _media, ...change } = ctx.body;
      const fault = missingContent({ ...tool, ...change });
      if (fault !== undefined) throw fieldRefusal(fault.field, 'required', fault.detail);
      const isMoved = change.url !== undefined || change.programId !== undefined;
      const url = isMoved
        ? { url: await judgedUrl(tx, config, change.programId ?? tool.programId, change.url ?? tool.url) }
        : {};
      return presentPromoTool(await updatePromoTool(tx, act, tool, { ...change, ...url }));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/promo-tools/:toolId',
  permission: 'link.write',
  params: promoToolParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const tool = await required(lockPromoTool(tx, ctx.params.toolId));
      ctx.requireVersion(tool.version);
      await deletePromoTool(tx, act, tool);
      return undefined;
    }),
});

/** The tool with this affiliate's link in it; undefined: they have none in the program that works without end. */
async function snippetFor(
  tx: ReadTx | Tx,
  config: Config,
  tool: PromoTool,
  affiliateId: AffiliateId,
): Promise<Snippet | undefined> {
  const link = await findToolLink(tx, affiliateId, tool.programId);
  if (link === undefined) return undefined;
  const url = new URL(`${config.http.publicUrl}/r/${link.slug}`);
  // A deep link: the redirect follows it only below the allowed hosts (api.md 4.1).
  if (tool.url !== link.destinationUrl) url.searchParams.set('to', tool.url);
  return snippetOf(tool, { link: url.href, affiliate_name: link.affiliateName, program_name: link.programName });
}

const snippet = defineRoute({
  method: 'GET',
  path: '/v1/promo-tools/:toolId/snippet',
  summary: 'HTML or text with the link of an affiliate',
  permission: 'link.read',
  params: promoToolParams,
  query: snippetQuery,
  reply: promoSnippetWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => {
      const tool = await required(findPromoTool(tx, ctx.params.toolId));
      const affiliate = await findAffiliate(tx, ctx.query.affiliateId);
      if (affiliate === undefined) throw new DomainError('resource.not_found');
      await requireAffiliateInScope(tx, affiliate, ctx.scope);
      const made = await snippetFor(tx, config, tool, affiliate.id);
      if (made === undefined) throw new DomainError('resource.not_found', { detail: 'No link in this program.' });
      return { object: 'promo_snippet' as const, toolId: tool.id, affiliateId: affiliate.id, ...made };
    }),
});

const listOwn = defineRoute({
  method: 'GET',
  path: '/v1/me/promo-tools',
  summary: 'Active tools with the own link in them',
  permission: 'me.read',
  query: ownPromoToolQuery,
  reply: ownPromoToolList,
  refuses: portalRefusals,
  handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now);
      const tools = await listPromoTools(tx, { ...ctx.query, active: true, ofAffiliate: affiliate.id }, page);
      const snippets = new Map<string, Snippet | undefined>();
      for (const tool of tools) snippets.set(tool.id, await snippetFor(tx, config, tool, affiliate.id));
      return ctx.list(
        tools,
        page,
        (tool) => presentOwnPromoTool(tool, snippets.get(tool.id) ?? null),
        (tool) => ({ value: page.sort === 'name' ? tool.name : tool.createdAt, id: tool.id }),
      );
    });
  },
});

export const promoToolRoutes: readonly Route[] = [list, get, create, edit, remove, snippet, listOwn];
