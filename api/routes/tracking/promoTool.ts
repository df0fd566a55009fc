import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import {
  findPromoToolView,
  findToolLink,
  listPromoTools,
  type PromoToolView,
  type ToolLink,
} from '../../../db/reads/tracking/promoToolList.js';
import { findProductGroup } from '../../../db/program/productGroup.js';
import { listAssignedAffiliateIds } from '../../../db/reads/reporting/consoleFacts.js';
import { listToolFigures } from '../../../db/reads/reporting/toolFigures.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { findMedia } from '../../../db/tracking/media.js';
import { deletePromoTool, insertPromoTool, lockPromoTool, updatePromoTool } from '../../../db/tracking/promoTool.js';
import type { Scope } from '../../../domain/access/permission.js';
import { daysRange } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { PromoToolId } from '../../../domain/ids.js';
import { mergeFields as messageFields, toolField } from '../../../domain/messaging/template.js';
import {
  mergeFields,
  mergeFieldTexts,
  type PromoTool,
  type Snippet,
  snippetOf,
  toolAddress,
} from '../../../domain/tracking/promoTool.js';
import type { Config } from '../../../platform/config.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import { mediaUrl } from '../../schemas/tracking/media.js';
import {
  contentFault,
  mergeFieldList,
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
import { daysAsked } from '../reporting/ownReport.js';
import { publicOrigin } from './linkOrigin.js';

async function required<T extends PromoTool | PromoToolView>(found: Promise<T | undefined>): Promise<T> {
  const tool = await found;
  if (tool === undefined) throw new DomainError('resource.not_found');
  return tool;
}

async function present(tx: ReadTx | Tx, config: Config, id: PromoToolId) {
  return presentPromoTool(await required(findPromoToolView(tx, id)), await publicOrigin(tx, config));
}

/** The picture and the group that a body names are there. */
async function checkNamed(
  tx: Tx,
  body: { readonly mediaId?: string | null; readonly productGroupId?: string | null },
): Promise<void> {
  if (body.mediaId != null && (await findMedia(tx, body.mediaId)) === undefined)
    throw fieldRefusal('mediaId', 'not_found', 'No such picture.');
  if (body.productGroupId != null && (await findProductGroup(tx, body.productGroupId)) === undefined)
    throw fieldRefusal('productGroupId', 'not_found', 'No such product group.');
}

/** The tool's address as the parser writes it, on a host that its program or the workspace allows. */
async function judgedUrl(tx: Tx, config: Config, programId: string, url: string): Promise<string> {
  const program = await findProgram(tx, programId);
  if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
  const { settings } = await getSettings(tx);
  return judgedDestination(tx, url, program, settings, config);
}

/** Whose traffic counts for this reader; null: everybody's. */
async function seenAffiliates(scope: Scope, tx: ReadTx): Promise<readonly string[] | null> {
  return scope.kind === 'assigned' ? await listAssignedAffiliateIds(tx, scope.userId) : null;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/promo-tools',
  permission: 'link.read',
  query: promoToolQuery,
  reply: promoToolList,
  refuses: [],
  async handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    const wantsFigures = ctx.query.include?.includes('figures') === true;
    // Figures are of reports, as in the list of links.
    if (wantsFigures && !ctx.can('report.read'))
      throw new DomainError('access.permission_missing', { missingPermission: 'report.read' });
    return ctx.read(async (tx, now) => {
      const origin = await publicOrigin(tx, config);
      const views = await listPromoTools(tx, ctx.query, page);
      const { timeZone } = (await getSettings(tx)).settings.general;
      const days = daysAsked(ctx.query, timeZone, now);
      const figures = wantsFigures
        ? await listToolFigures(
            tx,
            {
              mode: ctx.mode,
              affiliateIds: await seenAffiliates(ctx.scope, tx),
              ...daysRange(timeZone, days.from, days.to),
            },
            views.slice(0, page.limit).map(({ tool }) => tool.id),
          )
        : undefined;
      return ctx.list(
        views,
        page,
        (view) => {
          const found = figures?.get(view.tool.id);
          const shown = presentPromoTool(view, origin);
          return found === undefined ? shown : { ...shown, figures: { ...found, earned: [...found.earned] } };
        },
        ({ tool }) => ({ value: page.sort === 'name' ? tool.name : tool.createdAt, id: tool.id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/promo-tools/:toolId',
  permission: 'link.read',
  params: promoToolParams,
  reply: promoToolWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) => ctx.read((tx) => present(tx, config, ctx.params.toolId)),
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
      await checkNamed(tx, body);
      const tool = await insertPromoTool(tx, act, {
        id: act.newId('promoTool'),
        name: body.name,
        kind: body.kind,
        programId: body.programId,
        productGroupId: body.productGroupId ?? null,
        url: await judgedUrl(tx, config, body.programId, body.url),
        mediaId: body.mediaId ?? null,
        html: body.html ?? null,
        text: body.text ?? null,
        campaign: body.campaign ?? null,
        ad: body.ad ?? null,
        active: body.active ?? true,
      });
      return answer(await present(tx, config, tool.id), { location: `/v1/promo-tools/${tool.id}` });
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
      const change = ctx.body;
      const fault = contentFault({ ...tool, ...change });
      if (fault !== undefined) throw fieldRefusal(fault.field, fault.code, fault.detail);
      await checkNamed(tx, change);
      const isMoved = change.url !== undefined || change.programId !== undefined;
      const url = isMoved
        ? { url: await judgedUrl(tx, config, change.programId ?? tool.programId, change.url ?? tool.url) }
        : {};
      await updatePromoTool(tx, act, tool, { ...change, ...url });
      return present(tx, config, tool.id);
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

/** The tool with this link in it. */
function snippetWith({ tool, media }: PromoToolView, link: ToolLink, origin: string): Snippet {
  return snippetOf(
    tool,
    { link: toolAddress(tool, link, origin), affiliate_name: link.affiliateName, program_name: link.programName },
    {
      picture: media === null ? null : { url: mediaUrl(media, origin), width: media.width, height: media.height },
      lightbox: { url: `${origin}/t/lightbox.js` },
    },
  );
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
    ctx.read(async (tx, now) => {
      const view = await required(findPromoToolView(tx, ctx.params.toolId));
      const affiliate = await findAffiliate(tx, ctx.query.affiliateId);
      if (affiliate === undefined) throw new DomainError('resource.not_found');
      await requireAffiliateInScope(tx, affiliate, ctx.scope);
      const link = await findToolLink(tx, affiliate.id, view.tool.programId, now);
      if (link === undefined) throw new DomainError('resource.not_found', { detail: 'No link in this program.' });
      const made = snippetWith(view, link, await publicOrigin(tx, config));
      return { object: 'promo_snippet' as const, toolId: view.tool.id, affiliateId: affiliate.id, ...made };
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
      const origin = await publicOrigin(tx, config);
      const offeredTo = { affiliateId: affiliate.id, now };
      const views = await listPromoTools(tx, { ...ctx.query, active: true, offeredTo }, page);
      const links = new Map<string, ToolLink | undefined>();
      for (const { tool } of views)
        if (!links.has(tool.programId))
          links.set(tool.programId, await findToolLink(tx, affiliate.id, tool.programId, now));
      return ctx.list(
        views,
        page,
        (view) => {
          const link = links.get(view.tool.programId);
          return presentOwnPromoTool(view, origin, link === undefined ? null : snippetWith(view, link, origin));
        },
        ({ tool }) => ({ value: page.sort === 'name' ? tool.name : tool.createdAt, id: tool.id }),
      );
    });
  },
});

/** More than anybody looks through; a field of another tool works all the same. */
const mergedTools = { limit: 200, sort: 'name', descending: false, after: null } as const;

const listMergeFields = defineRoute({
  method: 'GET',
  path: '/v1/merge-fields',
  summary: 'What stands for itself in a template until somebody takes it',
  permission: 'message.read',
  reply: mergeFieldList,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => ({
      data: [
        ...mergeFields.map((name) => ({
          object: 'merge_field' as const,
          name,
          usedIn: messageFields.some((field) => field.name === name)
            ? ['promo_tool' as const, 'message' as const]
            : ['promo_tool' as const],
          ...mergeFieldTexts[name],
        })),
        ...messageFields
          .filter(({ name }) => !mergeFields.some((other) => other === name))
          .map((field) => ({ object: 'merge_field' as const, usedIn: ['message' as const], ...field })),
        ...(await listPromoTools(tx, { active: true }, mergedTools)).map(({ tool, programName }) => ({
          object: 'merge_field' as const,
          name: toolField(tool.id),
          usedIn: ['message' as const],
          meaning: `${tool.name} (${programName})`,
          example: tool.url,
        })),
      ],
      nextCursor: null,
    })),
});

export const promoToolRoutes: readonly Route[] = [list, get, create, edit, remove, snippet, listOwn, listMergeFields];
