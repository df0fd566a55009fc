import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import { listLinks, type LinkView } from '../../../db/reads/tracking/linkList.js';
import { wasSwitchedOffByOwner } from '../../../db/reads/tracking/linkSwitchedOff.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Settings } from '../../../domain/access/settings.js';
import { DomainError } from '../../../domain/errors.js';
import type { LinkId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { Config } from '../../../platform/config.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  linkList,
  linkParams,
  type LinkReply,
  type LinkWarning,
  linkWire,
  ownLinkCreate,
  ownLinkPatch,
  ownLinkQuery,
} from '../../schemas/tracking/link.js';
import { decisionBody, reasonOf } from '../../schemas/wire.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from '../affiliate/ownRecord.js';
import { createLink, editLink, presentLinkFor, requireLink, switchLink } from './link.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'scope'>;

/** The affiliate's view: who of the staff decided, why, and their metadata are not in it. */
function presentOwn(
  ctx: Asking,
  view: LinkView,
  at: { readonly now: Instant; readonly settings: Settings; readonly config: Config },
  warnings: readonly LinkWarning[] = [],
): LinkReply {
  return { ...presentLinkFor(ctx, view, at, { warnings }), decision: null, metadata: {} };
}

async function present(
  ctx: Asking,
  tx: ReadTx | Tx,
  id: LinkId,
  at: Parameters<typeof presentOwn>[2],
  warnings: readonly LinkWarning[] = [],
): Promise<LinkReply> {
  return presentOwn(ctx, await requireLink(ctx, tx, id), at, warnings);
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/me/links',
  summary: 'Own links',
  permission: 'me.read',
  query: ownLinkQuery,
  reply: linkList,
  refuses: portalRefusals,
  handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      const { settings } = await requireOwn(tx, ctx, now);
      const views = await listLinks(tx, ctx.scope, ctx.query, page);
      return ctx.list(
        views,
        page,
        (view) => presentOwn(ctx, view, { now, settings, config }),
        ({ link }) => ({ value: page.sort === 'slug' ? link.slug : link.createdAt, id: link.id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/me/links/:linkId',
  permission: 'me.read',
  params: linkParams,
  reply: linkWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx, { config }) =>
    ctx.read(async (tx, now) => {
      const { settings } = await requireOwn(tx, ctx, now);
      return present(ctx, tx, ctx.params.linkId, { now, settings, config });
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/me/links',
  permission: 'me.write',
  body: ownLinkCreate,
  reply: linkWire,
  status: 201,
  refuses: [
    'resource.already_exists',
    'link.url_not_allowed',
    'program.program_not_active',
    'affiliate.transition_not_allowed',
    ...portalWriteRefusals,
  ],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, act.now, 'write');
      const isEnrolled = (await listEnrolments(tx, affiliate.id)).some(
        (one) => one.programId === ctx.body.programId && one.status !== 'ended',
      );
      // A program the affiliate is not in does not exist for it.
      if (!isEnrolled) throw new DomainError('resource.not_found');
      const id = await createLink(ctx, config, tx, act, { ...ctx.body, affiliateId: affiliate.id });
      const reply = await present(ctx, tx, id, { now: act.now, settings, config });
      return answer(reply, { location: `/v1/me/links/${id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/me/links/:linkId',
  permission: 'me.write',
  params: linkParams,
  body: ownLinkPatch,
  reply: linkWire,
  refuses: [
    'resource.not_found',
    'resource.already_exists',
    'link.url_not_allowed',
    'link.transition_not_allowed',
    ...portalWriteRefusals,
  ],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const { settings } = await requireOwn(tx, ctx, act.now, 'write');
      const warnings = await editLink(ctx, config, tx, act, { id: ctx.params.linkId, patch: ctx.body });
      return present(ctx, tx, ctx.params.linkId, { now: act.now, settings, config }, warnings);
    }),
});

function switchRoute(verb: 'enable' | 'disable'): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/me/links/:linkId/${verb}`,
    permission: 'me.write',
    params: linkParams,
    body: decisionBody,
    reply: linkWire,
    refuses: ['resource.not_found', 'link.already_decided', 'link.transition_not_allowed', ...portalWriteRefusals],
    handle: (ctx, { config }) =>
      ctx.write(async (tx, act) => {
        const { settings } = await requireOwn(tx, ctx, act.now, 'write');
        const { link } = await requireLink(ctx, tx, ctx.params.linkId);
        if (verb === 'enable' && link.status === 'disabled' && !(await wasSwitchedOffByOwner(tx, link.id, ownId(ctx))))
          throw new DomainError('link.transition_not_allowed', {
            currentStatus: link.status,
            allowedActions: [],
            detail: 'This link was switched off by the program.',
          });
        const event = verb === 'enable' ? 'enabled' : 'disabled';
        await switchLink(ctx, tx, act, { id: link.id, verb, event, reason: reasonOf(ctx.body) });
        return present(ctx, tx, link.id, { now: act.now, settings, config });
      }),
  });
}

/** The portal's links (api.md 17). */
export const ownLinkRoutes: readonly Route[] = [list, get, create, edit, switchRoute('enable'), switchRoute('disable')];
