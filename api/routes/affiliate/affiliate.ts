import { z } from 'zod';
import { followMove } from '../../../activities/affiliate/move.js';
import {
  enrol,
  ensurePortalUser,
  findOpenProgram,
  mailLinks,
  openAtEnrolment,
  welcome,
} from '../../../activities/affiliate/onboard.js';
import { findUser } from '../../../db/access/user.js';
import { mailOneTimeLink } from '../../../db/access/inviteMail.js';
import { getSettings } from '../../../db/access/settings.js';
import { getWorkspace } from '../../../db/access/workspace.js';
import { bindApiKey } from '../../../db/affiliate/apiUser.js';
import {
  type AffiliateChange,
  findAffiliate,
  findAffiliateByEmail,
  insertAffiliate,
  isRecruitedBy,
  lockAffiliate,
  lockRecruiterChain,
  moveAffiliate,
  updateAffiliate,
} from '../../../db/affiliate/affiliate.js';
import { findDefaultGroup, findGroup } from '../../../db/affiliate/group.js';
import { type AffiliateMoney, listAffiliateMoney } from '../../../db/reads/affiliate/affiliateMoney.js';
import { getAffiliateBalances } from '../../../db/reads/affiliate/affiliateBalances.js';
import {
  countAffiliates,
  type FigureOrder,
  listAffiliates,
  viewAffiliate,
} from '../../../db/reads/affiliate/affiliateList.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { listRecruits } from '../../../db/reads/affiliate/recruits.js';
import {
  isFigureSort,
  listAffiliateFigures,
  listLastActivity,
  noFigures,
} from '../../../db/reads/reporting/affiliateFigures.js';
import type { ActivitySpan } from '../../../db/reads/reporting/rollup.js';
import { getAffiliateBalancesAsOf } from '../../../db/reads/payout/owedAsOf.js';
import { findContact, findOrInsertContact } from '../../../db/tracking/contact.js';
import { type ReadTx, timeOf, type Tx } from '../../../db/transaction.js';
import type { Act, Mode } from '../../../domain/act.js';
import {
  type Affiliate,
  affiliateActions,
  type AffiliateEvent,
  type ApprovedMoney,
  decideAffiliateMove,
  firstStatus,
} from '../../../domain/affiliate/affiliate.js';
import type { OpenRequirement } from '../../../domain/affiliate/requirement.js';
import { daysRange, isTimeZone } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId, ContactId, UserId } from '../../../domain/ids.js';
import { formatMoney } from '../../../domain/money.js';
import type { Program } from '../../../domain/program/program.js';
import { addMs } from '../../../domain/time.js';
import { judgeAddress } from '../../../domain/tracking/destination.js';
import type { Config } from '../../../platform/config.js';
import { asOfOrNow } from '../../asOf.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  type AffiliateFiguresReply,
  type AffiliateMoneyReply,
  affiliateCreate,
  type AffiliateCreate,
  affiliateList,
  affiliateParams,
  affiliatePatch,
  type AffiliatePatch,
  affiliateQuery,
  type AffiliateReply,
  affiliateWire,
  balanceList,
  balanceQuery,
  presentAffiliate,
  presentBalance,
  presentRecruit,
  recruitList,
  recruitsQuery,
  terminateBody,
} from '../../schemas/affiliate/affiliate.js';
import { decisionBody, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { decideHere, fieldRefusal } from '../program/directDecision.js';
import { affiliateFilterOf } from './affiliateFilter.js';
import { daysAsked } from '../reporting/ownReport.js';
import { addressRules } from '../tracking/destinationRules.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'caller'>;

function actionsFor(ctx: Asking, affiliate: Affiliate): readonly string[] {
  return ctx.can('status.change') ? affiliateActions(affiliate.status) : [];
}

async function present(ctx: Asking, tx: ReadTx | Tx, affiliate: Affiliate): Promise<AffiliateReply> {
  return presentAffiliate(await viewAffiliate(tx, affiliate), actionsFor(ctx, affiliate));
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/affiliates',
  permission: 'affiliate.read',
  query: affiliateQuery,
  reply: affiliateList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const { query } = ctx;
    const wantsFigures = query.include?.includes('figures') === true;
    // Figures are of reports: who may not read those, neither sees nor orders by them.
    if ((wantsFigures || isFigureSort(page.sort)) && !ctx.can('report.read'))
      throw new DomainError('access.permission_missing', { missingPermission: 'report.read' });
    const wantsMoney = query.include?.includes('money') === true;
    if (wantsMoney && !ctx.can('payout.read'))
      throw new DomainError('access.permission_missing', { missingPermission: 'payout.read' });
    // Most pages ask for no figures: then nothing is read of their days, and nothing waits for it.
    const asksDays = wantsFigures || isFigureSort(page.sort) || query.from !== undefined || query.to !== undefined;
    return ctx.read(async (tx) => {
      const filter = await affiliateFilterOf(tx, query);
      const order = asksDays ? await figureOrder(tx, ctx.mode, query) : undefined;
      const views = await listAffiliates(tx, ctx.scope, filter, page, order);
      const figures =
        wantsFigures && order !== undefined ? await readFigures(tx, order.span, views.slice(0, page.limit)) : undefined;
      const money = wantsMoney
        ? await listAffiliateMoney(
            tx,
            ctx.mode,
            views.slice(0, page.limit).map(({ affiliate }) => affiliate.id),
          )
        : undefined;
      const counts =
        query.include?.includes('counts') === true ? { counts: await countAffiliates(tx, ctx.scope, filter) } : {};
      const data = ctx.list(
        views,
        page,
        (view) => {
          const found = figures?.(view.affiliate.id);
          return {
            ...presentAffiliate(view, actionsFor(ctx, view.affiliate)),
            ...(found === undefined ? {} : { figures: found }),
            ...(money === undefined ? {} : { money: presentMoney(money(view.affiliate.id)) }),
          };
        },
        ({ affiliate, figure }) => ({
          value: figure ?? (page.sort === 'name' ? affiliate.name : affiliate.createdAt),
          id: affiliate.id,
        }),
      );
      return { ...data, ...counts };
    });
  },
});

function presentMoney({ owed, lastPayout, payoutMethods }: AffiliateMoney): AffiliateMoneyReply {
  return { owed: [...owed], lastPayout, payoutMethods: [...payoutMethods] };
}

/** The days that figures are of, and the currency that amounts are ordered in. */
async function figureOrder(tx: ReadTx, mode: Mode, query: z.output<typeof affiliateQuery>): Promise<FigureOrder> {
  const [{ settings }, now] = await Promise.all([getSettings(tx), timeOf(tx)]);
  const { timeZone, defaultCurrency } = settings.general;
  const days = daysAsked(query, timeZone, now);
  const programIds = query.programId ?? null;
  return {
    span: { mode, affiliateIds: null, programIds, ...daysRange(timeZone, days.from, days.to) },
    currency: query.currency ?? defaultCurrency,
  };
}

/** What each of these affiliates brought, by its id. */
async function readFigures(
  tx: ReadTx,
  span: ActivitySpan,
  views: readonly { readonly affiliate: Affiliate }[],
): Promise<(affiliateId: string) => AffiliateFiguresReply> {
  const affiliateIds = views.map(({ affiliate }) => affiliate.id);
  const found = await listAffiliateFigures(tx, { ...span, affiliateIds });
  const active = await listLastActivity(tx, { mode: span.mode, affiliateIds });
  return (affiliateId) => {
    const { clicks, visits, leads, sales, totalSales, refundedSales, refunded, earned, commissionPaid } =
      found.get(affiliateId) ?? noFigures;
    return {
      clicks,
      visits,
      leads,
      sales,
      totalSales: [...totalSales],
      refunds: refundedSales,
      refunded: [...refunded],
      earned: [...earned],
      commissionPaid: [...commissionPaid],
      lastActivityAt: active.get(affiliateId) ?? null,
    };
  };
}

const get = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId',
  permission: 'affiliate.read',
  params: affiliateParams,
  reply: affiliateWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      return present(ctx, tx, await requireAffiliateInScope(tx, found, ctx.scope));
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/affiliates',
  permission: 'affiliate.write',
  body: affiliateCreate,
  reply: affiliateWire,
  status: 201,
  refuses: ['resource.already_exists', 'program.program_not_active', 'link.url_not_allowed'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const affiliate = await createAffiliate(ctx, deps, tx, act, ctx.body);
        return answer(await present(ctx, tx, affiliate), { location: `/v1/affiliates/${affiliate.id}` });
      },
      { wake: true },
    ),
});

async function createAffiliate(
  ctx: Asking & { readonly scope: RouteContext<unknown, unknown, unknown, unknown>['scope'] },
  { config }: ApiDeps,
  tx: Tx,
  act: Act,
  body: AffiliateCreate,
): Promise<Affiliate> {
  const person = await personOf(tx, body);
  await checkReferences(tx, body);
  const inUse = await findAffiliateByEmail(tx, person.email);
  if (inUse !== undefined) throw new DomainError('resource.already_exists', { field: 'email', existingId: inUse.id });
  const programs: Program[] = [];
  for (const [index, programId] of (body.programIds ?? []).entries()) {
    const program = await findOpenProgram(tx, programId);
    if (program === undefined) throw fieldRefusal(`programIds/${index}`, 'not_found', 'No such program.');
    programs.push(program);
  }
  const { settings } = await getSettings(tx);
  const openOf = new Map<Program, readonly OpenRequirement[]>();
  for (const program of programs) openOf.set(program, await openAtEnrolment(tx, act, program));
  const status = firstStatus(settings.affiliates.defaultStatus, [...openOf.values()].flat());
  const contact =
    person.contactId ??
    (
      await findOrInsertContact(tx, act, {
        id: act.newId('contact'),
        name: person.name,
        email: person.email,
        phone: body.phone ?? null,
        company: body.company ?? null,
        country: body.country ?? null,
      })
    ).id;
  await refuseOwnSecond(tx, body.recruiterId, contact);
  const affiliate = await insertAffiliate(tx, act, {
    id: act.newId('affiliate'),
    contactId: contact,
    name: person.name,
    email: person.email,
    emailVerifiedAt: null,
    company: body.company ?? null,
    phone: body.phone ?? null,
    website: judgedWebsite(body.website, config) ?? null,
    country: body.country ?? null,
    language: body.language ?? null,
    timeZone: body.timeZone ?? null,
    kind: body.kind ?? 'external',
    status,
    groupId: body.groupId === undefined ? ((await findDefaultGroup(tx))?.id ?? null) : body.groupId,
    rank: body.rank ?? null,
    recruiterId: body.recruiterId ?? null,
    // Somebody who sees assigned affiliates only would lose sight of the one just made (AFF-31).
    managerId: body.managerId ?? (ctx.scope.kind === 'assigned' ? ctx.scope.userId : null),
    leadAgentId: body.leadAgentId ?? null,
    tags: body.tags ?? [],
    notes: body.notes ?? null,
    minimumPayout: (body.minimumPayout ?? []).map(formatMoney),
    subIdAccess: body.subIdAccess ?? true,
    metadata: body.metadata ?? {},
  });
  for (const program of programs)
    await enrol(tx, act, affiliate, program, {
      status: status === 'approved' ? 'active' : 'pending',
      publicUrl: config.http.publicUrl,
    });
  if (body.apiKeyId !== undefined && !(await bindApiKey(tx, act, body.apiKeyId, affiliate.id)))
    throw fieldRefusal('apiKeyId', 'not_found', 'No unassigned secret key has this id.');
  if (status === 'approved') await welcome(tx, act, affiliate, settings, config.http.publicUrl);
  return affiliate;
}

/** Name and address of the body, or of the contact it names. */
async function personOf(tx: Tx, body: AffiliateCreate) {
  if (body.contactId === undefined) return { name: body.name ?? '', email: body.email ?? '', contactId: undefined };
  const contact = await findContact(tx, body.contactId);
  if (contact === undefined) throw fieldRefusal('contactId', 'not_found', 'No such contact.');
  const name = body.name ?? contact.name;
  const email = body.email ?? contact.email?.toLowerCase();
  if (name === null) throw fieldRefusal('name', 'required', 'The contact has no name; give one.');
  if (email === undefined) throw fieldRefusal('email', 'required', 'The contact has no e-mail; give one.');
  return { name, email, contactId: contact.id };
}

/** The ids of a body name what exists, and a recruiter closes no circle. */
async function checkReferences(tx: Tx, body: AffiliateCreate | AffiliatePatch, affiliate?: Affiliate): Promise<void> {
  if (body.groupId !== undefined && body.groupId !== null && (await findGroup(tx, body.groupId)) === undefined)
    throw fieldRefusal('groupId', 'not_found', 'No such group.');
  if (body.timeZone !== undefined && body.timeZone !== null && !isTimeZone(body.timeZone))
    throw fieldRefusal('timeZone', 'not_in_list', 'A zone of the IANA list, such as Europe/Warsaw.');
  for (const field of ['managerId', 'leadAgentId'] as const) {
    const id: UserId | null | undefined = body[field];
    if (id === undefined || id === null) continue;
    const user = await findUser(tx, id);
    if (user === undefined || user.audience !== 'staff' || user.status === 'disabled')
      throw fieldRefusal(field, 'not_found', 'No such person of the staff.');
  }
  const { recruiterId } = body;
  if (recruiterId === undefined || recruiterId === null) return;
  await lockRecruiterChain(tx);
  const recruiter = await findAffiliate(tx, recruiterId);
  if (recruiter === undefined || recruiter.status === 'terminated' || recruiter.status === 'declined')
    throw fieldRefusal('recruiterId', 'not_found', 'No such affiliate.');
  if (affiliate !== undefined && (await isRecruitedBy(tx, recruiterId, affiliate.id)))
    throw new DomainError('affiliate.cycle', { field: 'recruiterId' });
  if (affiliate !== undefined) await refuseOwnSecond(tx, recruiterId, affiliate.contactId);
}

/** Nobody recruits a second record of their own (FRD-08); a likely one is a finding of the daily pass. */
async function refuseOwnSecond(
  tx: Tx,
  recruiterId: AffiliateId | null | undefined,
  contactId: ContactId,
): Promise<void> {
  const recruiter = recruiterId == null ? undefined : await findAffiliate(tx, recruiterId);
  if (recruiter?.contactId === contactId)
    throw fieldRefusal('recruiterId', 'not_allowed_here', 'The recruiter is the same person.');
}

export function judgedWebsite(website: string | null | undefined, config: Config): string | null | undefined {
  if (website === undefined || website === null) return website;
  // Shown as a link on a screen: only what a browser may open, but any host and plain http.
  const judged = judgeAddress(website, { ...addressRules(config), isDevelopment: true });
  if (!judged.ok) throw new DomainError('link.url_not_allowed', { field: 'website', problem: judged.problem });
  return judged.url;
}

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/affiliates/:affiliateId',
  permission: 'affiliate.write',
  params: affiliateParams,
  body: affiliatePatch,
  reply: affiliateWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'access.permission_missing',
    'resource.already_exists',
    'affiliate.cycle',
    'affiliate.transition_not_allowed',
    'link.url_not_allowed',
  ],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const found = await lockAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      ctx.requireVersion(affiliate.version);
      const { body } = ctx;
      // Who may not write rules changes no earnings by another door (ROL-04).
      if (body.acquisitionModel !== undefined && !ctx.can('rule.write'))
        throw new DomainError('access.permission_missing', { missingPermission: 'rule.write' });
      if (affiliate.status === 'terminated')
        throw new DomainError('affiliate.transition_not_allowed', {
          currentStatus: affiliate.status,
          allowedActions: [],
        });
      await checkReferences(tx, body, affiliate);
      if (body.email !== undefined) {
        const inUse = await findAffiliateByEmail(tx, body.email);
        if (inUse !== undefined && inUse.id !== affiliate.id)
          throw new DomainError('resource.already_exists', { field: 'email', existingId: inUse.id });
      }
      return present(ctx, tx, await updateAffiliate(tx, act, affiliate, changeOf(body, affiliate, act, config)));
    }),
});

function changeOf(body: AffiliatePatch, affiliate: Affiliate, act: Act, config: Config): AffiliateChange {
  const { emailVerified, minimumPayout, website, ...fields } = body;
  const judged = judgedWebsite(website, config);
  const isNewAddress = body.email !== undefined && body.email !== affiliate.email;
  const verifiedAt = emailVerified === true ? (affiliate.emailVerifiedAt ?? act.now) : undefined;
  return {
    ...fields,
    ...(judged === undefined ? {} : { website: judged }),
    ...(minimumPayout === undefined ? {} : { minimumPayout: minimumPayout.map(formatMoney) }),
    // A new address was not verified by anybody yet.
    ...(verifiedAt !== undefined ? { emailVerifiedAt: verifiedAt } : isNewAddress ? { emailVerifiedAt: null } : {}),
  };
}

type Body = Parameters<typeof reasonOf>[0];
type MoveContext = RouteContext<{ affiliateId: AffiliateId }, unknown, Body, AffiliateReply>;

const undoMs = 10_000; // api.md 1.8
/** The verbs with a way back, and which it is. */
const undoOf: Readonly<Partial<Record<AffiliateEvent, string>>> = { declined: 'reopen', suspended: 'reactivate' };

/** One move of features.md 2.1, with everything that follows from it, in one transaction under the affiliate's lock. */
async function move(
  ctx: MoveContext,
  { config }: ApiDeps,
  tx: Tx,
  act: Act,
  wish: { readonly verb: string; readonly event: AffiliateEvent; readonly approvedMoney?: ApprovedMoney },
): Promise<AffiliateReply> {
  const found = await lockAffiliate(tx, ctx.params.affiliateId);
  const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
  const { openRequirements } = await viewAffiliate(tx, affiliate);
  const reason = reasonOf(ctx.body);
  const effect = await decideHere(ctx, tx, act, {
    verb: wish.verb,
    objectType: 'affiliate',
    objectId: affiliate.id,
    decided: decideAffiliateMove(affiliate, wish.event, openRequirements),
    allowedActions: actionsFor(ctx, affiliate),
    reason,
    ...(wish.approvedMoney === undefined ? {} : { params: { approvedMoney: wish.approvedMoney } }),
  });
  const moved = await moveAffiliate(tx, effect, affiliate, wish.event, {
    statusReason: reason.note,
    ...(wish.approvedMoney === undefined ? {} : { approvedMoney: wish.approvedMoney }),
  });
  await followMove(tx, effect, moved, wish.event, {
    publicUrl: config.http.publicUrl,
    publicReason: reason.publicReason,
  });
  const back = undoOf[wish.event];
  const undo =
    back === undefined || !ctx.can('status.change')
      ? undefined
      : { path: `/v1/affiliates/${moved.id}/${back}`, until: addMs(act.now, undoMs) };
  return presentAffiliate(await viewAffiliate(tx, moved), actionsFor(ctx, moved), undo);
}

function moveRoute(verb: 'approve' | 'reopen' | 'reactivate', event: AffiliateEvent): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/affiliates/:affiliateId/${verb}`,
    permission: 'status.change',
    params: affiliateParams,
    body: decisionBody,
    reply: affiliateWire,
    refuses: [
      'resource.not_found',
      'access.not_in_scope',
      'affiliate.already_decided',
      'affiliate.transition_not_allowed',
      ...(event === 'approved' ? (['affiliate.requirements_open'] as const) : []),
    ],
    handle: (ctx, deps) => ctx.write((tx, act) => move(ctx, deps, tx, act, { verb, event }), { wake: true }),
  });
}

function negativeRoute(verb: 'decline' | 'suspend', event: AffiliateEvent): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/affiliates/:affiliateId/${verb}`,
    permission: 'status.change',
    params: affiliateParams,
    body: negativeDecisionBody,
    reply: affiliateWire,
    refuses: [
      'resource.not_found',
      'access.not_in_scope',
      'affiliate.already_decided',
      'affiliate.transition_not_allowed',
    ],
    handle: (ctx, deps) => ctx.write((tx, act) => move(ctx, deps, tx, act, { verb, event }), { wake: true }),
  });
}

const terminate = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/terminate',
  permission: 'status.change',
  stepUp: true,
  params: affiliateParams,
  body: terminateBody,
  reply: affiliateWire,
  refuses: [
    'resource.not_found',
    'access.not_in_scope',
    'affiliate.already_decided',
    'affiliate.transition_not_allowed',
  ],
  handle: (ctx, deps) =>
    ctx.write(
      (tx, act) =>
        move(ctx, deps, tx, act, {
          verb: 'terminate',
          event: 'terminated',
          // Approved money is paid, unless the reason is fraud or staff say otherwise (features.md 20.1).
          approvedMoney: ctx.body.approvedMoney ?? (ctx.body.reasonCode === 'fraud' ? 'forfeit' : 'pay'),
        }),
      { wake: true },
    ),
});

const balances = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/balances',
  permission: 'payout.read',
  params: affiliateParams,
  query: balanceQuery,
  reply: balanceList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const { id } = await requireAffiliateInScope(tx, found, ctx.scope);
      const asOf = await asOfOrNow(tx, ctx.query.asOf);
      const rows =
        asOf === null
          ? await getAffiliateBalances(tx, ctx.mode, id)
          : await getAffiliateBalancesAsOf(tx, { mode: ctx.mode, affiliateId: id, asOf });
      return rows.map(presentBalance);
    }),
});

const recruits = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/recruits',
  permission: 'affiliate.read',
  params: affiliateParams,
  query: recruitsQuery,
  reply: recruitList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      const rows = await listRecruits(tx, affiliate.id, ctx.query.depth);
      return { data: rows.map(presentRecruit), nextCursor: null };
    }),
});

const received = z.strictObject({ status: z.literal('received') });

/** What is mailed to an affiliate that is not approved would be worth nothing: its links credit nobody, its login is refused. */
function requireApproved(affiliate: Affiliate): void {
  if (affiliate.status !== 'approved')
    throw new DomainError('affiliate.transition_not_allowed', { currentStatus: affiliate.status, allowedActions: [] });
}

const sendWelcome = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/send-welcome',
  summary: 'Mail links and guidelines again',
  permission: 'affiliate.write',
  params: affiliateParams,
  reply: received,
  status: 202,
  refuses: ['resource.not_found', 'access.not_in_scope', 'affiliate.transition_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        requireApproved(affiliate);
        await mailLinks(tx, act, affiliate, config.http.publicUrl);
        return { status: 'received' as const };
      },
      { wake: true },
    ),
});

const invite = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/invite',
  summary: 'Mail a one-time sign-in link, 24 h; the older link stops working',
  permission: 'affiliate.write',
  params: affiliateParams,
  reply: received,
  status: 202,
  refuses: ['resource.not_found', 'access.not_in_scope', 'access.not_enabled', 'affiliate.transition_not_allowed'],
  handle: (ctx, { config, newId }) =>
    ctx.write(
      async (tx, act) => {
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        const { settings } = await getSettings(tx);
        if (!settings.affiliates.portalEnabled) throw new DomainError('access.not_enabled', { capability: 'portal' });
        requireApproved(affiliate);
        const user = await ensurePortalUser(tx, act, affiliate);
        await mailOneTimeLink(tx, act, newId, {
          kind: 'invite',
          to: user.email,
          loginId: user.loginId,
          userId: user.id,
          workspaceName: (await getWorkspace(tx)).name,
          publicUrl: config.http.publicUrl,
        });
        return { status: 'received' as const };
      },
      { wake: true },
    ),
});

export const affiliateRoutes: readonly Route[] = [
  list,
  get,
  create,
  edit,
  moveRoute('approve', 'approved'),
  negativeRoute('decline', 'declined'),
  moveRoute('reopen', 'reopened'),
  negativeRoute('suspend', 'suspended'),
  moveRoute('reactivate', 'reactivated'),
  terminate,
  balances,
  recruits,
  sendWelcome,
  invite,
];
