import { z } from 'zod';
import { enrol, openAtEnrolment } from '../../../activities/affiliate/onboard.js';
import { lockAffiliate, updateAffiliate } from '../../../db/affiliate/affiliate.js';
import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import { findAgreement, findCurrentAgreement, recordAcceptance } from '../../../db/program/agreement.js';
import { listRulesAt } from '../../../db/program/commissionPlan.js';
import { findProgram } from '../../../db/program/program.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { getAffiliateBalances } from '../../../db/reads/affiliate/affiliateBalances.js';
import { listOwnAgreements } from '../../../db/reads/affiliate/ownAgreements.js';
import {
  findProductNames,
  listJoinablePrograms,
  listOwnPrograms,
  type OwnProgram,
} from '../../../db/reads/affiliate/ownPrograms.js';
import { listBalanceDays } from '../../../db/reads/payout/ownPayoutDays.js';
import { listPayoutCalendars } from '../../../db/reads/payout/payoutCalendars.js';
import { readPlanInputs, planOfEverybody } from '../../../db/reads/payout/payoutPlan.js';
import { countActivity, listActivityDays, listBestLinks } from '../../../db/reads/reporting/activity.js';
import type { ReadTx } from '../../../db/transaction.js';
import { listConnected } from '../../../db/payout/gateway.js';
import type { Settings } from '../../../domain/access/settings.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { dateIn, daysRange, isTimeZone, nextOccurrence } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { millionths, ppmWhole } from '../../../domain/money.js';
import { planPayouts } from '../../../domain/payout/payoutRun.js';
import { type OwnRate, ownRates, type RateLanguage } from '../../../domain/program/ownRates.js';
import { isJoinable } from '../../../domain/program/program.js';
import { addDays, earliest, epochMs, type Instant } from '../../../domain/time.js';
import { answer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { balanceList, presentBalance } from '../../schemas/affiliate/affiliate.js';
import {
  ownAgreementList,
  ownAgreementWire,
  ownHomeWire,
  ownMinimum,
  ownProgramList,
  ownProgramQuery,
  ownProgramWire,
  presentNextPayout,
  presentOwnAgreement,
  presentOwnProgram,
  presentProfile,
  profilePatch,
  profileWire,
} from '../../schemas/affiliate/portal.js';
import { agreementParams } from '../../schemas/program/agreement.js';
import { programParams } from '../../schemas/program/program.js';
import { idWire } from '../../schemas/wire.js';
import { gatewayPolicyOf } from '../payout/gatewayPolicy.js';
import { changeOfAffiliate, declinedOfAffiliate } from '../messaging/notificationChoice.js';
import { fieldRefusal } from '../program/directDecision.js';
import { judgedWebsite } from './affiliate.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from './ownRecord.js';

/** The chart of the portal's first screen, days with today. */
const chartDays = 30;
const linksShown = 5;

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'scope'>;

const home = defineRoute({
  method: 'GET',
  path: '/v1/me/home',
  summary: 'Balance, next payout or what is missing, chart and best links of the affiliate who asks',
  permission: 'me.read',
  reply: ownHomeWire,
  refuses: portalRefusals,
  handle: (ctx, deps) =>
    ctx.read(async (tx, now) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, now);
      const zone = affiliate.timeZone ?? settings.general.timeZone;
      const today = dateIn(zone, now);
      const { from, until } = daysRange(zone, dateIn(zone, addDays(now, 1 - chartDays)), today);
      const span = { mode: ctx.mode, from, until, affiliateIds: [affiliate.id] };
      const { clicks, visits, leads, sales } = await countActivity(tx, span);
      const best = await listBestLinks(tx, span, linksShown);
      return {
        object: 'own_home' as const,
        affiliate: { id: affiliate.id, name: affiliate.name, status: affiliate.status },
        balances: (await getAffiliateBalances(tx, ctx.mode, affiliate.id)).map(presentBalance),
        balanceDays: [...(await listBalanceDays(tx, ctx.mode, affiliate.id))],
        nextPayouts: await nextPayouts(ctx, deps, tx, now, { affiliate, settings }),
        chart: [...(await listActivityDays(tx, { ...span, zone }))],
        totals: { clicks, visits, leads, sales },
        bestLinks: best.map((link) => ({ id: link.id, slug: link.slug, clicks: link.clicks, sales: link.sales })),
        // Those whose grace still runs: what is due already has been refused above.
        openAgreements: (await listOwnAgreements(tx, affiliate.id, now))
          .filter((one) => one.mustAccept && one.acceptedAt === null)
          .map(({ id, title, programName }) => ({ id, title, programName })),
      };
    }),
});

/** What the plan says of this affiliate now, as finance's own preview would, with the day of the next scheduled run. */
async function nextPayouts(
  ctx: Asking,
  deps: ApiDeps,
  tx: ReadTx,
  now: Instant,
  own: { readonly affiliate: Affiliate; readonly settings: Settings },
) {
  const scope = planOfEverybody(ctx.mode, now);
  const inputs = await readPlanInputs(tx, scope, [own.affiliate.id], false);
  const rows = planPayouts(inputs, {
    now,
    nowMs: epochMs(now),
    mode: ctx.mode,
    gateways: gatewayPolicyOf(deps),
    connected: await listConnected(tx, ctx.mode),
    msOf: epochMs,
  });
  const runs = (await listPayoutCalendars(tx)).flatMap(({ calendar, timeZone, paused, isDeleted }) =>
    calendar === undefined || paused || isDeleted ? [] : nextOccurrence(timeZone, calendar, now),
  );
  const next = earliest(runs);
  const on = next === undefined ? null : dateIn(own.settings.general.timeZone, next);
  const group = await groupOf(tx, own.affiliate);
  return rows.map((row) => {
    const minimum = ownMinimum({ ...own, group }, row.currency);
    const share =
      row.netMinor <= 0n
        ? 0
        : minimum.minor <= row.netMinor
          ? ppmWhole
          : Number(millionths({ numerator: row.netMinor, denominator: minimum.minor }));
    return presentNextPayout(row, minimum, { on, progressPpm: share });
  });
}

const profile = defineRoute({
  method: 'GET',
  path: '/v1/me/profile',
  summary: 'The own record of the affiliate who asks',
  permission: 'me.read',
  reply: profileWire,
  refuses: portalRefusals,
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now);
      return presentProfile(affiliate, ctx.can('me.write'), await declinedOfAffiliate(tx, affiliate.id));
    }),
});

const editProfile = defineRoute({
  method: 'PATCH',
  path: '/v1/me/profile',
  permission: 'me.write',
  body: profilePatch,
  reply: profileWire,
  refuses: [...portalWriteRefusals, 'link.url_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      await requireOwn(tx, ctx, act.now, 'write');
      const affiliate = await lockAffiliate(tx, ownId(ctx));
      if (affiliate === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(affiliate.version);
      const { website, notifications, ...fields } = ctx.body;
      if (typeof fields.timeZone === 'string' && !isTimeZone(fields.timeZone))
        throw fieldRefusal('timeZone', 'not_in_list', 'A zone of the IANA list, such as Europe/Warsaw.');
      const judged = judgedWebsite(website, config);
      const change = { ...fields, ...(judged === undefined ? {} : { website: judged }) };
      if (notifications !== undefined) await changeOfAffiliate(tx, act, affiliate.id, notifications);
      // What one is told of is no part of the record: it alone makes no new version of it.
      const changed =
        Object.keys(change).length === 0 && notifications !== undefined
          ? affiliate
          : await updateAffiliate(tx, act, affiliate, change);
      return presentProfile(changed, true, await declinedOfAffiliate(tx, affiliate.id));
    }),
});

const agreements = defineRoute({
  method: 'GET',
  path: '/v1/me/agreements',
  summary: 'Terms and guidelines that count for the affiliate, with what was accepted',
  permission: 'me.read',
  reply: ownAgreementList,
  refuses: ['access.not_enabled'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now, 'agreements');
      return { data: (await listOwnAgreements(tx, affiliate.id, now)).map(presentOwnAgreement), nextCursor: null };
    }),
});

const accept = defineRoute({
  method: 'POST',
  path: '/v1/me/agreements/:agreementId/accept',
  permission: 'me.write',
  params: agreementParams,
  body: z.strictObject({}),
  reply: ownAgreementWire,
  refuses: ['resource.not_found', 'access.not_enabled', 'affiliate.transition_not_allowed'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      await requireOwn(tx, ctx, act.now, 'agreements');
      const affiliate = await lockAffiliate(tx, ownId(ctx));
      const agreement = await findAgreement(tx, ctx.params.agreementId);
      if (affiliate === undefined || agreement === undefined) throw new DomainError('resource.not_found');
      const own = await listOwnAgreements(tx, affiliate.id, act.now);
      const isMine = own.some((one) => one.programId === agreement.programId);
      if (!isMine) throw new DomainError('resource.not_found');
      const current = await findCurrentAgreement(tx, agreement.programId, agreement.kind, act.now);
      if (current?.id !== agreement.id)
        throw new DomainError('affiliate.transition_not_allowed', { detail: 'A newer version is in force.' });
      await recordAcceptance(tx, act, {
        agreementId: agreement.id,
        affiliateId: affiliate.id,
        via: 'portal',
        address: deps.clientAddress(ctx.koa.req),
        acceptedAt: act.now,
        seq: affiliate.version + 1,
      });
      const accepted = (await listOwnAgreements(tx, affiliate.id, act.now)).find((one) => one.id === agreement.id);
      if (accepted === undefined) throw new DomainError('resource.not_found');
      return presentOwnAgreement(accepted);
    }),
});

async function groupOf(tx: ReadTx, { groupId }: Affiliate) {
  return groupId === null ? undefined : findGroup(tx, groupId);
}

async function presentPrograms(tx: ReadTx, now: Instant, ctx: Asking, language: RateLanguage, only?: OwnProgram['id']) {
  const { affiliate, settings } = await requireOwn(tx, ctx, now);
  const own = (await listOwnPrograms(tx, affiliate.id)).filter((one) => only === undefined || one.id === only);
  const agreements = await listOwnAgreements(tx, affiliate.id, now);
  const group = await groupOf(tx, affiliate);
  const shown = [];
  for (const one of own) {
    const program = await findProgram(tx, one.id);
    if (program === undefined) continue; // its foreign key says otherwise
    const rates = ownRates(
      await listRulesAt(tx, one.id, now),
      affiliate,
      { levels: program.levels, acquisitionModel: program.acquisitionModel },
      language,
    ).filter((rate) => rate.level === 1 || rate.productId !== null || !isNothing(rate));
    const productNames = await findProductNames(
      tx,
      rates.flatMap((rate) => rate.productId ?? []),
    );
    shown.push(presentOwnProgram(one, program, { affiliate, group, settings, rates, productNames, agreements }));
  }
  return shown;
}

/** A rule shares nothing with recruiters by a zero on level 2: in a list of what is earned, that would read as an offer. */
function isNothing({ rule, level, kind, rate }: OwnRate): boolean {
  return kind === 'percent' && rate === 0 && rule.terms.bands?.level !== level;
}

const programs = defineRoute({
  method: 'GET',
  path: '/v1/me/programs',
  summary: 'The programs the affiliate is in, with its own rates in figures and words',
  permission: 'me.read',
  query: ownProgramQuery,
  reply: ownProgramList,
  refuses: portalRefusals,
  handle: (ctx) =>
    ctx.read(async (tx, now) => ({
      data: await presentPrograms(tx, now, ctx, ctx.query.language),
      nextCursor: null,
      joinable: [...(await listJoinablePrograms(tx, ownId(ctx)))],
    })),
});

const program = defineRoute({
  method: 'GET',
  path: '/v1/me/programs/:programId',
  permission: 'me.read',
  params: programParams,
  query: ownProgramQuery,
  reply: ownProgramWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const [one] = await presentPrograms(tx, now, ctx, ctx.query.language, ctx.params.programId);
      if (one === undefined) throw new DomainError('resource.not_found');
      return one;
    }),
});

/** The program is read on its own: its terms may have to be accepted before anything else answers. */
const joinedWire = z.strictObject({ programId: idWire('program'), joined: z.literal(true) });

/** Joins a program that is open to all who are affiliates already; what it asks for first stays to be done (api.md 17). */
const join = defineRoute({
  method: 'POST',
  path: '/v1/me/programs/:programId/enrol',
  permission: 'me.write',
  params: programParams,
  body: z.strictObject({}),
  reply: joinedWire,
  status: 201,
  refuses: ['resource.not_found', 'resource.already_exists', ...portalWriteRefusals],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        await requireOwn(tx, ctx, act.now, 'write');
        const affiliate = await lockAffiliate(tx, ownId(ctx));
        const program = await findProgram(tx, ctx.params.programId);
        // One that is not offered does not exist for who asks.
        if (affiliate === undefined || program === undefined || !isJoinable(program))
          throw new DomainError('resource.not_found');
        const open = (await listEnrolments(tx, affiliate.id)).find(
          (one) => one.programId === program.id && one.status !== 'ended',
        );
        if (open !== undefined)
          throw new DomainError('resource.already_exists', { field: 'programId', existingId: open.id });
        const isReady = (await openAtEnrolment(tx, act, program, affiliate.id)).length === 0;
        await enrol(tx, act, affiliate, program, {
          status: isReady ? 'active' : 'pending',
          publicUrl: config.http.publicUrl,
        });
        return answer({ programId: program.id, joined: true as const }, { location: `/v1/me/programs/${program.id}` });
      },
      { wake: true },
    ),
});

const balances = defineRoute({
  method: 'GET',
  path: '/v1/me/balances',
  permission: 'me.read',
  reply: balanceList,
  refuses: portalRefusals,
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { affiliate } = await requireOwn(tx, ctx, now);
      return (await getAffiliateBalances(tx, ctx.mode, affiliate.id)).map(presentBalance);
    }),
});

/** The portal's own record, programs and balances (api.md 17). */
export const portalRoutes: readonly Route[] = [
  home,
  profile,
  editProfile,
  agreements,
  accept,
  programs,
  program,
  join,
  balances,
];
