import type { z } from 'zod';
import { countFailingEndpoints } from '../../../db/reads/messaging/webhookList.js';
import { knownMigrations } from '../../../db/migrate.js';
import { getSettings } from '../../../db/access/settings.js';
import { getWorkspace, nextWorkspaceVersion } from '../../../db/access/workspace.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { listUnapplied } from '../../../db/reads/messaging/unapplied.js';
import { listPayoutCalendars } from '../../../db/reads/payout/payoutCalendars.js';
import { listGatewayViews, sumPayouts } from '../../../db/reads/payout/payoutView.js';
import { countOpenDifferences } from '../../../db/reads/payout/reconciliationList.js';
import {
  type ActivitySpan,
  countActivity,
  listActivityDays,
  listBestAffiliates,
  listBestCountries,
  listBestLinks,
  listDevices,
  listMoneyDays,
  sumActivity,
} from '../../../db/reads/reporting/activity.js';
import {
  countUnfinished,
  listAssignedAffiliateIds,
  readAuditState,
  readOutboxState,
  readWebhookBacklog,
  readSetupFacts,
  search,
  type SearchKind,
  searchKinds,
  sumOwed,
} from '../../../db/reads/reporting/consoleFacts.js';
import {
  countBeside,
  countQueue,
  listQueue,
  type QueueKind,
  queueKinds,
  type QueueReader,
} from '../../../db/reads/reporting/queue.js';
import { type AffiliateFilter, chooseAffiliates } from '../../../db/reads/affiliate/affiliateList.js';
import { sumCommissions } from '../../../db/reads/earning/commissionList.js';
import type { ReadTx } from '../../../db/transaction.js';
import type { Permission } from '../../../domain/access/permission.js';
import { DomainError } from '../../../domain/errors.js';
import { dateIn, daysRange, nextOccurrence } from '../../../domain/calendar.js';
import { comparedDays, daysBetween } from '../../../domain/reporting/comparedDays.js';
import { markUnusual } from '../../../domain/reporting/unusualDay.js';
import { addDays, earliest, epochMs, type Instant, type LocalDate } from '../../../domain/time.js';
import { listConnected } from '../../../db/payout/gateway.js';
import { listPlanAffiliates, readPlanInputs, planOfEverybody } from '../../../db/reads/payout/payoutPlan.js';
import { connectableGateways, type GatewayPolicy } from '../../../domain/payout/gateway.js';
import { planPayouts } from '../../../domain/payout/payoutRun.js';
import { printList } from '../../../platform/pdf.js';
import { segmentFilterOf } from '../affiliate/affiliateFilter.js';
import { gatewayPolicyOf } from '../payout/gatewayPolicy.js';
import { gatewayQueue, queueName, type SweepKind, taskQueues, workflowIds } from '../../../workflows/contract.js';
import { fileAnswer } from '../../answer.js';
import type { ApiDeps } from '../../deps.js';
import { invalid } from '../../problems.js';
import { rehydrateWorkspace } from '../../rehydrate.js';
import { noteExport } from '../../requestAudit.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { chosenIds } from './report.js';
import { checkExportRight } from '../../routePermission.js';
import {
  figureNames,
  homeQuery,
  homeWire,
  type NeedKind,
  presentQueueItem,
  queueQuery,
  presentHit,
  queueWire,
  searchQuery,
  searchWire,
  setupSteps,
  setupTexts,
  setupWire,
  failedRunsQuery,
  failedRunsWire,
  rehydrateWire,
  systemWire,
} from '../../schemas/reporting/console.js';
import { homeCsv, homePdf } from '../../schemas/reporting/homeFile.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'scopeFor' | 'actor'>;

/** Which right decides items of a kind: what somebody cannot decide does not wait for them. */
const rightOf: Readonly<Record<QueueKind, Permission>> = {
  application: 'status.change',
  lead: 'lead.decide',
  referral: 'referral.decide',
  sale: 'sale.attribute',
  commission: 'commission.decide',
  payout_run: 'payout.approve',
  payout: 'payout.settle',
  payout_method: 'payout_method.verify',
  appeal: 'referral.reopen',
};

/** The list query that shows the same items as the kind. */
const queueLists: Readonly<Record<QueueKind, string>> = {
  application: '/v1/affiliates?status=pending',
  lead: '/v1/leads?verdict=received',
  referral: '/v1/referrals?status=pending',
  sale: '/v1/sales?inReview=true',
  commission: '/v1/console/queue?kind=commission',
  payout_run: '/v1/payout-runs?status=planned',
  payout: '/v1/payouts?status=pending&problem=failed,unknown',
  payout_method: '/v1/console/queue?kind=payout_method',
  appeal: '/v1/appeals?status=open',
};

function readerOf(ctx: Asking, now: Instant): QueueReader {
  const kinds = queueKinds.filter((kind) => ctx.can(rightOf[kind]));
  return {
    mode: ctx.mode,
    now,
    kinds,
    assignedKinds: kinds.filter((kind) => ctx.scopeFor(rightOf[kind]).kind !== 'workspace'),
    userId: ctx.actor.userId,
  };
}

/** Lists that wait beside the queue, for those who can settle what stands there. */
function besideOf(ctx: Asking) {
  return {
    mode: ctx.mode,
    appeals: ctx.can('referral.reopen') && ctx.can('referral.read'),
    payouts: ctx.can('payout.read') && (ctx.can('payout.settle') || ctx.can('payout.approve')),
  };
}

const queue = defineRoute({
  method: 'GET',
  path: '/v1/console/queue',
  summary: 'Everything that waits for this person, longest first, with counts',
  permission: 'staff',
  query: queueQuery,
  reply: queueWire,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const { kind, assignee, risk } = ctx.query;
    const assigneeId = assignee?.map((one) => (one === 'me' ? (ctx.actor.userId ?? one) : one));
    return ctx.read(async (tx, now) => {
      const reader = readerOf(ctx, now);
      const rows = await listQueue(tx, reader, { kind, assigneeId, risk }, page);
      const { total, byKind } = await countQueue(tx, reader, { assigneeId, risk });
      const seesPeople = ctx.can('pii.read');
      const list = ctx.list(
        rows,
        page,
        (row) => presentQueueItem(row, { seesPeople }),
        ({ waitingSince, id }) => ({ value: waitingSince, id }),
      );
      return { ...list, counts: { total, byKind: { ...byKind }, beside: await countBeside(tx, besideOf(ctx)) } };
    });
  },
});

const figureRights: Readonly<Record<(typeof figureNames)[number], Permission>> = {
  clicks: 'link.read',
  leads: 'lead.read',
  referrals: 'referral.read',
  sales: 'sale.read',
  commissions: 'commission.read',
  revenue: 'sale.read',
};
const topShown = 5;
const daysByDefault = 30;
/** Ten years. */
const longestDays = 3_660;
/** So many affiliates with open money are planned for the first screen; `/v1/payouts/due` plans any number by the page. */
const mostPlanned = 500;

/** The list query behind a figure: the same rows (ADM-02, ADM-03). `also` narrows them further: `device=phone`. */
function listBehind(
  name: (typeof figureNames)[number],
  span: Pick<ActivitySpan, 'from' | 'until' | 'programIds' | 'affiliateIds'>,
  segmentId?: string,
  also?: string,
): string {
  const { programIds = null, affiliateIds } = span;
  const ofPrograms = programIds === null ? '' : `programId=${programIds.join(',')}&`;
  const ofSegment = segmentId !== undefined && affiliateIds !== null ? affiliateIds : null;
  // No list holds a filter of more than a hundred ids: then the affiliates of the segment are what stands behind the figure. Their list knows no
  // device, and a country there is where they live.
  if (ofSegment !== null && (ofSegment.length === 0 || ofSegment.length > 100))
    return `/v1/affiliates?segmentId=${segmentId}`;
  const ofAffiliates = ofSegment === null ? '' : `affiliateId=${ofSegment.join(',')}&`;
  const further = also === undefined ? '' : `&${also}`;
  const range = (field: string) =>
    `${ofPrograms}${ofAffiliates}${field}[gte]=${span.from}&${field}[lt]=${span.until}${further}`;
  switch (name) {
    case 'clicks':
      return `/v1/clicks?${range('createdAt')}`;
    case 'leads':
      return `/v1/leads?${range('createdAt')}`;
    case 'referrals':
      return `/v1/referrals?${range('createdAt')}`;
    case 'sales':
    case 'revenue':
      return `/v1/sales?status=succeeded,part_refunded,refunded,disputed,charged_back&${range('occurredAt')}`;
    case 'commissions':
      return `/v1/commissions?status=pending,approved,reversed,paid&${range('createdAt')}`;
    default:
      return name satisfies never;
  }
}

/** The span of a right: those who look after some affiliates see the figures of those. */
async function spanOf(
  tx: ReadTx,
  ctx: Asking,
  permission: Permission,
  range: Pick<ActivitySpan, 'from' | 'until' | 'programIds'> & { readonly segment?: AffiliateFilter },
): Promise<ActivitySpan> {
  const scope = ctx.scopeFor(permission);
  const { segment, ...days } = range;
  if (segment !== undefined)
    return { mode: ctx.mode, ...days, affiliateIds: await chosenIds(tx, chooseAffiliates(tx, scope, segment)) };
  const affiliateIds = scope.kind === 'assigned' ? await listAssignedAffiliateIds(tx, scope.userId) : null;
  return { mode: ctx.mode, ...days, affiliateIds };
}

async function figureValue(tx: ReadTx, name: (typeof figureNames)[number], span: ActivitySpan) {
  if (name === 'commissions' || name === 'revenue') {
    const money = await sumActivity(tx, span);
    return { count: null, money: money.map((row) => row[name]) };
  }
  return { count: (await countActivity(tx, span))[name], money: [] };
}

type AskingHome = Asking & Pick<RouteContext<unknown, z.output<typeof homeQuery>, unknown, unknown>, 'query'>;

async function readHome(tx: ReadTx, ctx: AskingHome, deps: Pick<ApiDeps, 'config'>, now: Instant) {
  const { settings } = await getSettings(tx);
  const zone = settings.general.timeZone;
  const to: LocalDate = ctx.query.to ?? dateIn(zone, now);
  const from: LocalDate = ctx.query.from ?? dateIn(zone, addDays(daysRange(zone, to, to).from, 1 - daysByDefault));
  if (from > to) throw invalid({ parameter: 'from', code: 'out_of_range', detail: 'from is after to.' });
  const days = daysRange(zone, from, to);
  const length = epochMs(days.until) - epochMs(days.from);
  // "Since launch" has to fit (screens.md 1.2); the chart has a point for each day.
  if (length > (longestDays + 1) * 86_400_000)
    throw invalid({ parameter: 'from', code: 'out_of_range', detail: `At most ${longestDays} days.` });
  const { compare, programId: programIds, segmentId } = ctx.query;
  const ofPrograms = {
    ...(programIds === undefined ? {} : { programIds }),
    ...(segmentId === undefined ? {} : { segment: await segmentFilterOf(tx, segmentId) }),
  };
  const behind = (name: (typeof figureNames)[number], of: ActivitySpan, also?: string): string =>
    listBehind(name, of, segmentId, also);
  const range = { ...days, ...ofPrograms };
  const beforeDays = compare === 'none' ? null : comparedDays(zone, { from, to }, compare);
  const before = beforeDays === null ? null : { ...daysRange(zone, beforeDays.from, beforeDays.to), ...ofPrograms };
  const figures = [];
  for (const name of figureNames) {
    const right = figureRights[name];
    if (!ctx.can(right)) continue;
    const previous = before === null ? null : await figureValue(tx, name, await spanOf(tx, ctx, right, before));
    const span = await spanOf(tx, ctx, right, range);
    const value = await figureValue(tx, name, span);
    const change = previous === null ? null : changeOf(value, previous);
    figures.push({ name, value, previous, change, list: behind(name, span) });
  }
  const seesActivity = ctx.can('link.read') && ctx.can('lead.read');
  const seesMoney = ctx.can('commission.read') && ctx.can('sale.read');
  const span = await spanOf(tx, ctx, 'link.read', range);
  const compared = before === null ? null : { ...span, ...before, zone };
  return {
    object: 'console_home' as const,
    from,
    to,
    timeZone: zone,
    comparedWith: beforeDays,
    figures,
    trend: seesActivity ? markUnusual(await listActivityDays(tx, { ...span, zone })) : [],
    previousTrend: seesActivity && compared !== null ? [...(await listActivityDays(tx, compared))] : [],
    moneyTrend: seesMoney ? [...(await listMoneyDays(tx, { ...span, zone }))] : [],
    needsYou: await needs(tx, ctx, now),
    nextPayout: await nextPayout(tx, ctx, { now, zone, gateways: gatewayPolicyOf(deps) }),
    topAffiliates: seesActivity ? [...(await listBestAffiliates(tx, span, topShown))] : [],
    topLinks: seesActivity ? [...(await listBestLinks(tx, span, topShown))] : [],
    devices: seesActivity
      ? (await listDevices(tx, span)).map((one) => ({ ...one, list: behind('clicks', span, `device=${one.kind}`) }))
      : [],
    topCountries: seesActivity
      ? (await listBestCountries(tx, span, topShown)).map((one) => ({
          ...one,
          lists: {
            leads: behind('leads', span, `country=${one.country}`),
            sales: ctx.can('sale.read') ? behind('sales', span, `country=${one.country}`) : null,
          },
        }))
      : [],
  };
}

const home = defineRoute({
  method: 'GET',
  path: '/v1/console/home',
  summary: 'Figures with the list behind each, trend, what waits, the next payout; figures and days also as CSV or PDF',
  permission: 'staff',
  query: homeQuery,
  reply: homeWire,
  refuses: [],
  async handle(ctx, deps) {
    const { format = 'json' } = ctx.query;
    if (format !== 'json') checkExportRight(ctx.caller, 'staff');
    const { found, workspace, now } = await ctx.read(async (tx, at) => ({
      found: await readHome(tx, ctx, deps, at),
      workspace: (await getWorkspace(tx)).name,
      now: at,
    }));
    if (format === 'json') return found;
    const body =
      format === 'pdf'
        ? await printList(homePdf(found, { workspace, createdMs: epochMs(now) }))
        : Buffer.from(homeCsv(found), 'utf8');
    const { from, to } = found;
    const programIds = ctx.query.programId ?? null;
    await noteExport(ctx, deps, { resource: 'console_home', from, to, programIds, format });
    return fileAnswer(body, {
      contentType: format === 'pdf' ? 'application/pdf' : 'text/csv; charset=utf-8',
      fileName: `home-${from}-${to}.${format}`,
    });
  },
});

async function needs(tx: ReadTx, ctx: Asking, now: Instant) {
  const { byKind } = await countQueue(tx, readerOf(ctx, now), {});
  const waiting: { kind: NeedKind; count: number; list: string }[] = queueKinds.flatMap((kind) => {
    const count = byKind[kind] ?? 0;
    return count === 0 ? [] : [{ kind, count, list: queueLists[kind] }];
  });
  if (ctx.can('payout.read') && (ctx.can('payout.prepare') || ctx.can('payout.settle'))) {
    const { counts } = await sumPayouts(tx, { mode: ctx.mode, overdue: true });
    if (counts.total > 0)
      waiting.push({ kind: 'payout_overdue', count: counts.total, list: '/v1/payouts?overdue=true' });
  }
  if (ctx.can('reconcile.write') && ctx.can('ledger.read')) {
    const open = await countOpenDifferences(tx, { mode: ctx.mode, before: null });
    if (open > 0) waiting.push({ kind: 'difference', count: open, list: '/v1/reconciliations?unexplained=true' });
  }
  if (ctx.can('commission.decide')) {
    const filter = { onHold: true, list: ['pending' as const, 'payable' as const] };
    const { counts } = await sumCommissions(tx, { scope: ctx.scopeFor('commission.decide'), mode: ctx.mode, filter });
    if (counts.total > 0)
      waiting.push({ kind: 'on_hold', count: counts.total, list: '/v1/commissions?onHold=true&list=pending,payable' });
  }
  if (ctx.can('webhook.write')) {
    const failing = await countFailingEndpoints(tx, ctx.mode);
    if (failing > 0)
      waiting.push({ kind: 'webhook_failing', count: failing, list: '/v1/webhook-endpoints?failing=true' });
  }
  if (ctx.can('system.read')) {
    const dead = (await readOutboxState(tx, now)).reduce((sum, lane) => sum + lane.dead, 0);
    if (dead > 0) waiting.push({ kind: 'dead_message', count: dead, list: '/v1/console/system' });
  }
  return waiting;
}

async function nextRuns(tx: ReadTx, now: Instant, count: number) {
  return (await listPayoutCalendars(tx)).flatMap(({ id, calendar, timeZone, paused, isDeleted }) => {
    if (isDeleted) return [];
    const runs: Instant[] = [];
    for (let at = now; calendar !== undefined && runs.length < count; ) {
      at = nextOccurrence(timeZone, calendar, at);
      runs.push(at);
    }
    return [{ id, paused, timeZone, nextRuns: runs }];
  });
}

type Figure = Awaited<ReturnType<typeof figureValue>>;

/** How much more or less than before, in millionths: what a screen shows as percent. */
function changeOf(value: Figure, previous: Figure) {
  // Beyond what a number holds exactly the rise is not told: a first cent before millions.
  const ppm = (now: bigint, before: bigint): number | null => {
    const change = before <= 0n ? null : Number(((now - before) * 1_000_000n) / before);
    return Number.isSafeInteger(change) ? change : null;
  };
  const currencies = [...new Set([...value.money, ...previous.money].map((money) => money.currency))].sort();
  const minorOf = (of: Figure, currency: string): bigint =>
    of.money.find((money) => money.currency === currency)?.minor ?? 0n;
  return {
    count: value.count === null || previous.count === null ? null : ppm(BigInt(value.count), BigInt(previous.count)),
    money: currencies.map((currency) => ({
      currency,
      ppm: ppm(minorOf(value, currency), minorOf(previous, currency)),
    })),
  };
}

interface PlanningNow {
  readonly now: Instant;
  readonly zone: string;
  readonly gateways: GatewayPolicy;
}

async function nextPayout(tx: ReadTx, ctx: Asking, of: PlanningNow) {
  if (!ctx.can('payout.read')) return null;
  const { now, zone } = of;
  const runs = (await nextRuns(tx, now, 1)).filter((one) => !one.paused).flatMap((one) => one.nextRuns);
  const at = earliest(runs) ?? null;
  return {
    at,
    daysLeft: at === null ? null : daysBetween(dateIn(zone, now), dateIn(zone, at)),
    planned: await planNow(tx, ctx, of),
    owed: [...(await sumOwed(tx, ctx.mode))],
    list: '/v1/payouts/due',
  };
}

/** The plan's own judgement of now, as `/v1/payouts/due` has it row by row; without whom nothing is owed to. */
async function planNow(tx: ReadTx, ctx: Asking, { now, gateways }: PlanningNow) {
  const scope = planOfEverybody(ctx.mode, now);
  const ids = await listPlanAffiliates(tx, scope, { after: null, limit: mostPlanned + 1, lock: false });
  if (ids.length > mostPlanned) return null;
  const rows = planPayouts(await readPlanInputs(tx, scope, ids, false), {
    now,
    nowMs: epochMs(now),
    mode: ctx.mode,
    gateways,
    connected: await listConnected(tx, ctx.mode),
    msOf: epochMs,
  });
  const currencies = [...new Set(rows.map((row) => row.currency))].sort();
  return currencies.map((currency) => {
    const own = rows.filter((row) => row.currency === currency);
    const paid = own.filter((row) => row.outcome === 'paid');
    return {
      payable: {
        affiliates: paid.length,
        amount: { minor: paid.reduce((sum, row) => sum + row.netMinor, 0n), currency },
      },
      notPayable: own.length - paid.length,
    };
  });
}

const setup = defineRoute({
  method: 'GET',
  path: '/v1/console/setup',
  summary: 'The set-up in six steps, ticked by what is there',
  permission: 'staff',
  reply: setupWire,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const facts = await readSetupFacts(tx);
      const steps = setupSteps.map((id) => ({
        id,
        ...setupTexts[id],
        doneAt: facts[id]?.at ?? null,
        doneBy: facts[id]?.by ?? null,
      }));
      return { object: 'console_setup' as const, done: steps.every((step) => step.doneAt !== null), steps };
    }),
});

const sweepKinds: readonly SweepKind[] = ['unapplied', 'historyExport', 'due', 'retentionAlarm', 'risk'];
const mostUnapplied = 100;
const runsShown = 5;

const system = defineRoute({
  method: 'GET',
  path: '/v1/console/system',
  summary: 'Outbox, workflows, schedules, gateways, audit chain, build',
  permission: 'system.read',
  reply: systemWire,
  refuses: [],
  async handle(ctx, { config, engine }) {
    const prefix = config.temporal.taskQueuePrefix;
    const sweepId = (kind: SweepKind): string => queueName(prefix, workflowIds.sweep(kind));
    // Paying by hand has no queue: nobody is called.
    const gatewayQueues = ['sandbox', ...connectableGateways].map(gatewayQueue);
    const state = await engine.readState({
      queues: [...taskQueues, ...gatewayQueues].map((queue) => queueName(prefix, queue)),
      schedules: sweepKinds.map(sweepId),
    });
    // This process serves only a database that has them all (readiness, api.md 4.3).
    const migration = (await knownMigrations()).at(-1) ?? null;
    return ctx.read(async (tx, now) => ({
      object: 'console_system' as const,
      build: config.worker.buildId,
      migration,
      embedded: config.temporal.embedded,
      backedUpAt: (await getWorkspace(tx)).backedUpAt,
      temporalUi: config.temporal.uiUrl ?? null,
      outbox: [...(await readOutboxState(tx, now))],
      webhooks: { ...(await readWebhookBacklog(tx)), failing: await countFailingEndpoints(tx, ctx.mode) },
      workflows: [...(await countUnfinished(tx))],
      engine:
        state === 'away'
          ? null
          : {
              queues: state.queues.map((one) => ({ ...one })),
              sweeps: sweepKinds.flatMap((kind) =>
                state.schedules
                  .filter((one) => one.id === sweepId(kind))
                  .map(({ paused, lastRunAt, nextRunAt }) => ({
                    kind,
                    paused,
                    lastRunAt: lastRunAt as Instant | null,
                    nextRunAt: nextRunAt as Instant | null,
                  })),
              ),
            },
      unapplied: (await listUnapplied(tx, now, mostUnapplied)).length,
      schedules: await nextRuns(tx, now, runsShown),
      gateways: (await listGatewayViews(tx, ctx.mode)).map(({ id, adapter, frozenAt, frozenReason }) => ({
        id,
        adapter,
        frozenAt,
        frozenReason,
      })),
      audit: (await readAuditState(tx)) ?? null,
    }));
  },
});

const failedRuns = defineRoute({
  method: 'GET',
  path: '/v1/workflows',
  summary: 'Workflow runs that failed, timed out or were stopped by hand',
  permission: 'system.read',
  query: failedRunsQuery,
  reply: failedRunsWire,
  refuses: ['request.unavailable'],
  async handle(ctx, { engine }) {
    const runs = await engine.listFailed({ workspaceId: ctx.workspaceId, limit: ctx.query.limit });
    if (runs === 'away') throw new DomainError('request.unavailable', { detail: 'Temporal does not answer.' });
    return {
      data: runs.map((run) => ({
        ...run,
        status: run.status as 'failed' | 'timed_out' | 'terminated',
        startedAt: run.startedAt as Instant,
        closedAt: run.closedAt as Instant | null,
      })),
      nextCursor: null,
    };
  },
});

const rehydrate = defineRoute({
  method: 'POST',
  path: '/v1/workflows/rehydrate',
  summary: 'Start or wake every unfinished workflow of this workspace from the database',
  permission: 'system.write',
  stepUp: true,
  reply: rehydrateWire,
  status: 202,
  refuses: ['access.step_up_required'],
  async handle(ctx, deps) {
    // In pages of their own: a repeat wakes once more what is awake, and nothing happens twice (temporal.md 4.5).
    const written = await rehydrateWorkspace(deps.db, ctx.workspaceId);
    return ctx.write(
      async (tx, act) => {
        const seq = await nextWorkspaceVersion(tx, act.now);
        const { workspaceId: objectId } = ctx;
        await recordAudit(tx, act, {
          objectType: 'workspace',
          objectId,
          seq,
          event: 'rehydrated',
          changes: { written },
        });
        return {
          object: 'rehydration' as const,
          written: Object.entries(written).map(([workflowType, count]) => ({ workflowType, count })),
        };
      },
      { wake: true },
    );
  },
});

const searchRights: Readonly<Record<SearchKind, Permission>> = {
  affiliate: 'affiliate.read',
  contact: 'contact.read',
  program: 'program.read',
  link: 'link.read',
  coupon: 'link.read',
  referral: 'referral.read',
  sale: 'sale.read',
  commission: 'commission.read',
  payout: 'payout.read',
  payout_run: 'payout.read',
  group: 'group.read',
  user: 'user.read',
  api_key: 'key.read',
};
const hitsPerKind = 5;

const find = defineRoute({
  method: 'GET',
  path: '/v1/search',
  summary: 'By id, e-mail, order number, name, coupon or slug: what the caller may open',
  permission: 'staff',
  query: searchQuery,
  reply: searchWire,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const kinds = [];
      let userId: string | null = null;
      for (const kind of searchKinds) {
        const right = searchRights[kind];
        if (!ctx.can(right)) continue;
        const scope = ctx.scopeFor(right);
        if (scope.kind === 'assigned') userId = scope.userId;
        const affiliateIds = scope.kind === 'assigned' ? await listAssignedAffiliateIds(tx, scope.userId) : null;
        kinds.push({ kind, affiliateIds });
      }
      const hits = await search(tx, { mode: ctx.mode, q: ctx.query.q, perKind: hitsPerKind, userId, kinds });
      const seesPeople = ctx.can('pii.read');
      return { data: hits.map((hit) => presentHit(hit, { seesPeople })), nextCursor: null };
    }),
});

/** What the console's first screens read (api.md 13, 16.2). */
export const consoleRoutes: readonly Route[] = [home, queue, setup, system, failedRuns, rehydrate, find];
