import type { z } from 'zod';
import { getSettings } from '../../../db/access/settings.js';
import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { listLinkFigures } from '../../../db/reads/reporting/linkFigures.js';
import { findLinkView, listLinks, type LinkView } from '../../../db/reads/tracking/linkList.js';
import { insertLink, type LinkChange, lockLink, moveLink, updateLink } from '../../../db/tracking/link.js';
import { type ReadTx, timeOf, type Tx } from '../../../db/transaction.js';
import type { Settings } from '../../../domain/access/settings.js';
import type { Act } from '../../../domain/act.js';
import { daysRange } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { LinkId } from '../../../domain/ids.js';
import type { Program } from '../../../domain/program/program.js';
import { addMs, type Instant, isBefore } from '../../../domain/time.js';
import { judgeDestination } from '../../../domain/tracking/destination.js';
import {
  decideLinkMove,
  type Link,
  linkActions,
  type LinkEvent,
  linkStatusAt,
  slugOf,
  slugProblem,
} from '../../../domain/tracking/link.js';
import type { Config } from '../../../platform/config.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  linkCreate,
  linkList,
  linkParams,
  linkPatch,
  linkQuery,
  type LinkReply,
  type LinkWarning,
  linkWire,
  presentLink,
} from '../../schemas/tracking/link.js';
import { decisionBody, type DecisionReason, reasonOf } from '../../schemas/wire.js';
import { decideHere, fieldRefusal } from '../program/directDecision.js';
import { daysAsked } from '../reporting/ownReport.js';
import { addressRules } from './destinationRules.js';
import { ownHosts } from './linkOrigin.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller' | 'scope'>;

function actionsFor(ctx: Asking, link: Link, now: Instant): readonly string[] {
  const actions = linkActions(linkStatusAt(link, now));
  if (ctx.can('link.write')) return actions;
  // A link leaves the affiliate's own list by the staff's hand only.
  return ctx.can('me.write') ? actions.filter((action) => action !== 'archive') : [];
}

export function presentLinkFor(
  ctx: Asking,
  view: LinkView,
  at: { readonly now: Instant; readonly settings: Settings; readonly config: Config },
  more: { readonly warnings?: readonly LinkWarning[]; readonly undo?: { path: string; until: Instant } } = {},
): LinkReply {
  return presentLink(
    view,
    { now: at.now, publicUrl: at.config.http.publicUrl, isTrackingOn: at.settings.general.moduleEnabled },
    actionsFor(ctx, view.link, at.now),
    more,
  );
}

/** The link, when this reader may see its affiliate. */
export async function requireLink(ctx: Asking, tx: ReadTx | Tx, id: LinkId): Promise<LinkView> {
  const view = await findLinkView(tx, id);
  if (view === undefined) throw new DomainError('resource.not_found');
  await requireAffiliateInScope(tx, { id: view.link.affiliateId, managerId: view.managerId }, ctx.scope);
  return view;
}

async function present(
  ctx: Asking,
  tx: ReadTx | Tx,
  now: Instant,
  config: Config,
  id: LinkId,
  more: Parameters<typeof presentLinkFor>[3] = {},
): Promise<LinkReply> {
  const { settings } = await getSettings(tx);
  return presentLinkFor(ctx, await requireLink(ctx, tx, id), { now, settings, config }, more);
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/links',
  permission: 'link.read',
  query: linkQuery,
  reply: linkList,
  refuses: [],
  async handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    const wantsFigures = ctx.query.include?.includes('figures') === true;
    // Figures are of reports, as in the list of affiliates.
    if (wantsFigures && !ctx.can('report.read'))
      throw new DomainError('access.permission_missing', { missingPermission: 'report.read' });
    return ctx.read(async (tx) => {
      const [{ settings }, views, now] = await Promise.all([
        getSettings(tx),
        listLinks(tx, ctx.scope, ctx.query, page),
        timeOf(tx),
      ]);
      const { timeZone } = settings.general;
      const days = daysAsked(ctx.query, timeZone, now);
      const figures = wantsFigures
        ? await listLinkFigures(
            tx,
            { mode: ctx.mode, ...daysRange(timeZone, days.from, days.to) },
            views.slice(0, page.limit).map(({ link }) => link),
          )
        : undefined;
      return ctx.list(
        views,
        page,
        (view) => {
          const found = figures?.get(view.link.id);
          const shown = presentLinkFor(ctx, view, { now, settings, config });
          if (found === undefined) return shown;
          return {
            ...shown,
            figures: {
              ...found,
              earned: [...found.earned],
              earningsPerClick: [...found.earningsPerClick],
              subIds: [...found.subIds],
            },
          };
        },
        ({ link }) => ({ value: page.sort === 'slug' ? link.slug : link.createdAt, id: link.id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/links/:linkId',
  permission: 'link.read',
  params: linkParams,
  reply: linkWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx, { config }) => ctx.read((tx, now) => present(ctx, tx, now, config, ctx.params.linkId)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/links',
  permission: 'link.write',
  body: linkCreate,
  reply: linkWire,
  status: 201,
  refuses: [
    'access.not_in_scope',
    'resource.already_exists',
    'link.url_not_allowed',
    'program.program_not_active',
    'affiliate.transition_not_allowed',
  ],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const id = await createLink(ctx, config, tx, act, ctx.body);
      return answer(await present(ctx, tx, act.now, config, id), { location: `/v1/links/${id}` });
    }),
});

/** A new link of an affiliate that this caller may see; also the portal's (api.md 17). */
export async function createLink(
  ctx: Asking,
  config: Config,
  tx: Tx,
  act: Act,
  body: z.output<typeof linkCreate>,
): Promise<LinkId> {
  const affiliate = await findAffiliate(tx, body.affiliateId);
  if (affiliate === undefined) throw fieldRefusal('affiliateId', 'not_found', 'No such affiliate.');
  await requireAffiliateInScope(tx, affiliate, ctx.scope);
  if (affiliate.status === 'terminated' || affiliate.status === 'declined')
    throw new DomainError('affiliate.transition_not_allowed', {
      currentStatus: affiliate.status,
      allowedActions: [],
    });
  const program = await findProgram(tx, body.programId);
  if (program === undefined) throw fieldRefusal('programId', 'not_found', 'No such program.');
  if (program.status === 'closed')
    throw new DomainError('program.program_not_active', { currentStatus: program.status });
  const { settings } = await getSettings(tx);
  const id = act.newId('link');
  const destinationUrl = await destinationOf(tx, body, program, settings, config);
  checkExpiry(body.expiresAt, act.now);
  await insertLink(tx, act, {
    id,
    affiliateId: affiliate.id,
    programId: program.id,
    kind: body.kind ?? 'standard',
    // The end of an id is random: no slug is asked for that another workspace may have.
    slug: body.slug === undefined ? `${slugOf(affiliate.name, 30) ?? 'link'}-${id.slice(-6)}` : judgedSlug(body.slug),
    destinationUrl,
    destinationType: body.destinationType ?? 'landing',
    expiresAt: body.expiresAt ?? null,
    campaign: body.campaign ?? null,
    ad: body.ad ?? null,
    isDefault: false,
    metadata: body.metadata ?? {},
  });
  return id;
}

/** Where a new link leads. A recruit link opens the program's application page and nothing else (LNK-23). */
async function destinationOf(
  tx: Tx,
  body: z.output<typeof linkCreate>,
  program: Program,
  settings: Settings,
  config: Config,
): Promise<string> {
  if (body.kind === 'recruit') {
    if (body.destinationUrl !== undefined)
      throw fieldRefusal('destinationUrl', 'not_allowed_here', 'A recruit link opens the application page.');
    return `${config.http.publicUrl}/apply/${program.slug}`;
  }
  const wanted = body.destinationUrl ?? program.landingUrl ?? program.fallbackUrl;
  if (wanted === null)
    throw fieldRefusal('destinationUrl', 'required', 'The program has no landing page; say where the link leads.');
  return judgedDestination(tx, wanted, program, settings, config);
}

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/links/:linkId',
  permission: 'link.write',
  params: linkParams,
  body: linkPatch,
  reply: linkWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'resource.already_exists',
    'link.url_not_allowed',
    'link.transition_not_allowed',
  ],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const warnings = await editLink(ctx, config, tx, act, { id: ctx.params.linkId, patch: ctx.body });
      return present(ctx, tx, act.now, config, ctx.params.linkId, { warnings });
    }),
});

/** Changes what a link says and where it leads. Answers what its owner should know. Also the portal's (api.md 17). */
export async function editLink(
  ctx: Asking & Pick<RouteContext<unknown, unknown, unknown, unknown>, 'requireVersion'>,
  config: Config,
  tx: Tx,
  act: Act,
  wish: { readonly id: LinkId; readonly patch: z.output<typeof linkPatch> },
): Promise<readonly LinkWarning[]> {
  await requireLink(ctx, tx, wish.id);
  const link = await lockLink(tx, wish.id);
  if (link === undefined) throw new DomainError('resource.not_found');
  ctx.requireVersion(link.version);
  if (link.status === 'archived')
    throw new DomainError('link.transition_not_allowed', { currentStatus: link.status, allowedActions: [] });
  const program = await findProgram(tx, link.programId);
  if (program === undefined) throw new DomainError('resource.not_found');
  const { settings } = await getSettings(tx);
  const { slug, destinationUrl, ...plain } = wish.patch;
  checkExpiry(plain.expiresAt, act.now);
  if (link.kind === 'recruit' && plain.kind !== undefined)
    throw fieldRefusal('kind', 'not_allowed_here', 'A recruit link stays one.');
  if (link.kind === 'recruit' && destinationUrl !== undefined)
    throw fieldRefusal('destinationUrl', 'not_allowed_here', 'A recruit link opens the application page.');
  const change: LinkChange = {
    ...plain,
    ...(slug === undefined ? {} : { slug: judgedSlug(slug) }),
    ...(destinationUrl === undefined
      ? {}
      : { destinationUrl: await judgedDestination(tx, destinationUrl, program, settings, config) }),
  };
  const isExtended = plain.expiresAt !== undefined && linkStatusAt(link, act.now) === 'expired';
  const changed = await updateLink(tx, act, link, change, isExtended ? 'extended' : 'edited');
  // LNK-06, LNK-07: a direct link is the page itself, so what was published goes on leading to the old one.
  const breaks = changed.kind === 'direct' && changed.destinationUrl !== link.destinationUrl;
  return breaks
    ? [{ code: 'published_links_break', detail: 'Direct links already published go on leading to the old page.' }]
    : [];
}

async function move(
  ctx: RouteContext<{ linkId: LinkId }, unknown, Parameters<typeof reasonOf>[0], LinkReply>,
  { config }: ApiDeps,
  tx: Tx,
  act: Act,
  verb: LinkVerb,
  event: LinkEvent,
): Promise<LinkReply> {
  const { id } = await switchLink(ctx, tx, act, { id: ctx.params.linkId, verb, event, reason: reasonOf(ctx.body) });
  const undo =
    event === 'disabled' && ctx.can('link.write')
      ? { undo: { path: `/v1/links/${id}/enable`, until: addMs(act.now, 10_000) } } // api.md 1.8
      : {};
  return present(ctx, tx, act.now, config, id, undo);
}

type LinkVerb = 'enable' | 'disable' | 'archive';

/** One move of features.md 2.5 with its decision; also the portal's (api.md 17). */
export async function switchLink(
  ctx: Asking,
  tx: Tx,
  act: Act,
  wish: { readonly id: LinkId; readonly verb: LinkVerb; readonly event: LinkEvent; readonly reason: DecisionReason },
): Promise<Link> {
  await requireLink(ctx, tx, wish.id);
  const link = await lockLink(tx, wish.id);
  if (link === undefined) throw new DomainError('resource.not_found');
  const effect = await decideHere(ctx, tx, act, {
    verb: wish.verb,
    objectType: 'link',
    objectId: link.id,
    decided: decideLinkMove(linkStatusAt(link, act.now), wish.event),
    allowedActions: actionsFor(ctx, link, act.now),
    reason: wish.reason,
  });
  await moveLink(tx, effect, link, wish.event);
  return link;
}

function moveRoute(verb: 'enable' | 'disable' | 'archive', event: LinkEvent): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/links/:linkId/${verb}`,
    permission: 'link.write',
    params: linkParams,
    body: decisionBody,
    reply: linkWire,
    refuses: ['resource.not_found', 'access.not_in_scope', 'link.already_decided', 'link.transition_not_allowed'],
    handle: (ctx, deps) => ctx.write((tx, act) => move(ctx, deps, tx, act, verb, event)),
  });
}

function judgedSlug(slug: string): string {
  const problem = slugProblem(slug);
  if (problem === 'not_allowed_here') throw fieldRefusal('slug', problem, 'This slug is reserved.');
  if (problem !== undefined)
    throw fieldRefusal('slug', problem, '3 to 64 lower-case letters, digits and hyphens, no hyphen at an end.');
  return slug;
}

/** The destination as the parser writes it, on a host that the program or the workspace allows. */
export async function judgedDestination(
  tx: Tx,
  url: string,
  program: Program,
  settings: Settings,
  config: Config,
): Promise<string> {
  const judged = judgeDestination(url, {
    ...addressRules(config),
    ownHosts: await ownHosts(tx, config),
    allowedHosts: [...program.destinationHosts, ...settings.domains.destinationHosts],
  });
  if (!judged.ok) throw new DomainError('link.url_not_allowed', { field: 'destinationUrl', problem: judged.problem });
  return judged.url;
}

function checkExpiry(expiresAt: Instant | null | undefined, now: Instant): void {
  if (expiresAt !== undefined && expiresAt !== null && !isBefore(now, expiresAt))
    throw fieldRefusal('expiresAt', 'out_of_range', 'In the future; to end the link now, disable it.');
}

export const linkRoutes: readonly Route[] = [
  list,
  get,
  create,
  edit,
  moveRoute('enable', 'enabled'),
  moveRoute('disable', 'disabled'),
  moveRoute('archive', 'archived'),
];
