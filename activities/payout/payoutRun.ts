import { Context } from '@temporalio/activity';
import { enqueue } from '../../db/messaging/outbox.js';
import { lockApprovedLines, lockRunPage, movePayouts } from '../../db/payout/payout.js';
import {
  countOpenPayouts,
  findRun,
  findRunByPeriod,
  findRunDifferences,
  holdRun,
  insertRun,
  insertRunRows,
  lockRun,
  moveRun,
  saveProgress,
  sealPlan,
} from '../../db/payout/payoutRun.js';
import { findSchedule } from '../../db/payout/payoutSchedule.js';
import { countPlanPages, insertPlanPages, savePlanPage, takePlanPage } from '../../db/payout/planPage.js';
import { listUncovered } from '../../db/payout/reconciliation.js';
import { askUnpaid } from '../../db/payout/unpaidNotice.js';
import { listFreezes } from '../../db/reads/payout/payoutControls.js';
import {
  findPreviousCutOff,
  listPageBounds,
  listPlanAffiliates,
  type PlanScope,
} from '../../db/reads/payout/payoutPlan.js';
import { listOpenFacts } from '../../db/reads/payout/payoutStep.js';
import { notify, type Tx } from '../../db/transaction.js';
import type { DecisionRecord } from '../../db/audit/decision.js';
import type { Permission } from '../../domain/access/permission.js';
import { type Act, actFor } from '../../domain/act.js';
import { refused } from '../../domain/decided.js';
import { assertInvariant } from '../../domain/errors.js';
import type { PayoutRunId, PayoutScheduleId, WorkspaceId } from '../../domain/ids.js';
import {
  cutPlan,
  decideRunMove,
  type PayoutRun,
  type PayoutRunEvent,
  runActions,
} from '../../domain/payout/payoutRun.js';
import { periodOf } from '../../domain/payout/payoutSchedule.js';
import { addMs, epochMs, type Instant } from '../../domain/time.js';
import type { Claim, Fact, PayoutPage, PayoutRunRef, PayoutRunStep, PayoutRunVerb } from '../../workflows/contract.js';
import { exportMessage, payoutRunVerbs } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import { recordClaim, refuse, refuseByHand, requireRight, secondPersonFor, takeDecision } from './decisions.js';
import type { PayoutDeps } from './deps.js';
import { tellPayees } from './notice.js';
import { planAndReserve, releaseDrafts, replanRun } from './payout.js';
import { askForStatement } from './reconciliation.js';

const pageSize = 1_000;
/** How much longer than cut a page may be. */
const longestPage = 2;
/**
 * Pages under way side by side, each on a connection of its own. One leaves the second core of a small server idle: Postgres plans a page on one.
 * More would take the cores from the clicks and leave the other long work of a worker without a connection (docs/decisions/0540).
 */
const planLanes = 2;
/** A plan that a refund changes under its pages is begun anew; so often, and it is our fault. */
const longestPlan = 50;
const frozenWaitMs = 60_000;
const askAgainMs = 5_000;

/** Any of these will do: exclude, include and replan are open to who prepares and to who approves (api.md 10.2). */
const rights: Readonly<Record<PayoutRunVerb, readonly [Permission, ...Permission[]]>> = {
  approve: ['payout.approve'],
  execute: ['payout.execute'],
  replan: ['payout.prepare', 'payout.approve'],
  pause: ['payout.execute'],
  resume: ['payout.execute'],
  cancel: ['payout.prepare'],
};

export type ScheduledRunInput = {
  readonly workspaceId: WorkspaceId;
  readonly scheduleId: PayoutScheduleId;
  readonly nominalAt: Instant;
  readonly workflowId: string;
};

/** plan in pages → preview → approval → children → reconcile (temporal.md 5.1). Pages and decisions use the pool with long statements. */
export function payoutRunActivities(deps: PayoutDeps) {
  const long = { ...deps, db: deps.longDb };
  const limit = deps.planPageSize ?? pageSize;
  const laneCount = deps.planLanes ?? planLanes;
  const statementGateways = [...deps.payoutGateways].flatMap(([id, gateway]) =>
    gateway.statement === undefined ? [] : [id],
  );

  async function decide(ref: PayoutRunRef, tx: Tx, plain: Act, decisionId: string): Promise<PayoutRunStep> {
    const run = await lockRun(tx, ref.payoutRunId);
    const act = withMode(plain, run);
    if (run !== undefined)
      await takeDecision(tx, act, decisionId, { objectId: ref.payoutRunId }, (decision, caused) =>
        applyDecision(tx, caused, run, decision),
      );
    return runStep(tx, act, ref.payoutRunId);
  }

  /** Cuts a plan that has no pages yet. Answers how many are to be planned; none: the run is not in planning. */
  async function openPlan(tx: Tx, runId: PayoutRunId): Promise<number> {
    const seen = await findRun(tx, runId);
    if (seen?.status !== 'planning') return 0;
    const pages = await countPlanPages(tx, seen);
    if (pages.cut > 0) return pages.open;
    const run = await lockRun(tx, runId);
    if (run?.status !== 'planning') return 0;
    const present = await countPlanPages(tx, run); // cut meanwhile by another worker
    if (present.cut > 0) return present.open;
    const scope = await scopeOf(tx, run);
    const bounds = await listPageBounds(tx, scope, { after: run.planCursor, size: limit });
    const ranges = cutPlan(run.planCursor ?? '', bounds);
    await insertPlanPages(tx, run, ranges);
    return ranges.length;
  }

  /** Plans one page that nobody else is planning. False: there was none, or the run moved meanwhile. */
  async function planOnePage(tx: Tx, plain: Act, runId: PayoutRunId): Promise<boolean> {
    const seen = await findRun(tx, runId);
    if (seen?.status !== 'planning') return false;
    const act = withMode(plain, seen);
    const page = await takePlanPage(tx, seen);
    if (page === undefined) return false;
    // A page sorts some 50,000 lines: within the 4 MB of a usual server it went through files.
    await tx.raw(`set local work_mem = '32MB'`);
    const scope = await scopeOf(tx, seen);
    // A page may have grown since it was cut: then it is planned in parts.
    const most = limit * longestPage;
    const ids = await listPlanAffiliates(tx, scope, { after: page.after, until: page.until, limit: most, lock: true });
    if (seen.planVersion > 1) await lockApprovedLines(tx, seen.mode, ids);
    const run = await holdRun(tx, runId);
    if (run?.status !== 'planning' || run.planCursor !== seen.planCursor || run.planVersion !== seen.planVersion)
      return false;
    if (ids.length > 0) {
      if (run.planVersion > 1)
        await releaseDrafts(tx, act, { runId: run.id, affiliateIds: ids, notPlannedIn: run.planVersion });
      const rows = await planAndReserve(tx, act, scope, {
        runId: run.id,
        planVersion: run.planVersion,
        creator: { type: run.createdByType, id: run.createdBy, userId: run.createdByUser },
        gateways: deps.gatewayPolicy,
        affiliateIds: ids,
      });
      deps.reached?.('plan.reserved');
      await insertRunRows(tx, run, rows);
    }
    const last = ids.length < most ? undefined : ids.at(-1);
    await savePlanPage(tx, run, page.page, last === undefined ? { plannedAt: act.now } : { after: last });
    // Its neighbours' first pages read no more of these tables than this one did; the pages behind them would (temporal.md 5.1).
    if (page.page === 1 && ids.length > 0) await tx.raw('select analyse_payout_lines()');
    return true;
  }

  /** Fixes the plan when all its pages are planned. Where others plan the last of them, it waits instead of asking on and on. */
  async function closePlan(tx: Tx, plain: Act, runId: PayoutRunId, hasPlanned: boolean): Promise<PayoutRunStep> {
    const seen = await findRun(tx, runId);
    const act = withMode(plain, seen);
    if (seen?.status === 'planning') {
      const pages = await countPlanPages(tx, seen);
      if (pages.open > 0 && !hasPlanned) await takePlanPage(tx, seen, { wait: true });
      if (pages.cut > 0 && pages.open === 0) {
        const run = await lockRun(tx, runId);
        if (run?.status === 'planning' && run.planVersion === seen.planVersion) await fixPlan(tx, act, run);
      }
    }
    return runStep(tx, act, runId);
  }

  const announce = async (decisionId: string | null): Promise<void> => {
    if (decisionId !== null) await notify(deps.db, 'decision', decisionId);
    await notify(deps.db, 'outbox', '');
  };

  return {
    /** A schedule's run finds or makes its row by the nominal time: a period runs once, whatever a backfill says (temporal.md 6). */
    async openScheduledRun(input: ScheduledRunInput): Promise<{ readonly payoutRunId: PayoutRunId } | null> {
      return databaseActivity(deps, input, async (tx, act) => {
        const of = { mode: 'live' as const, scheduleId: input.scheduleId, period: input.nominalAt };
        const existing = await findRunByPeriod(tx, of);
        if (existing !== undefined) return { payoutRunId: existing.id };
        const schedule = await findSchedule(tx, input.scheduleId);
        if (schedule === undefined) return null; // deleted while its last action waited
        const { cutOffAt, payAt } = periodOf(schedule, input.nominalAt);
        const run = await insertRun(tx, act, {
          id: act.newId('payoutRun'),
          workflowId: input.workflowId,
          scheduleId: input.scheduleId,
          period: input.nominalAt,
          currencies: schedule.currencies,
          filter: schedule.filter,
          excludedAffiliateIds: [],
          cutOffAt,
          payAt,
          note: null,
        });
        const mine = run ?? (await findRunByPeriod(tx, of));
        assertInvariant(mine !== undefined, 'a taken period has its run', { period: input.nominalAt });
        return { payoutRunId: mine.id };
      });
    },

    /** Where the row stands; what is due by now is done (a pay date that has come). */
    async resumePayoutRun(ref: PayoutRunRef): Promise<PayoutRunStep> {
      const step = await databaseActivity(deps, ref, (tx, act) => runStep(tx, act, ref.payoutRunId));
      return step;
    },

    /**
     * The next pages of affiliates, one per lane, each in a transaction of its own: drafts, lines, reservations and everyone not paid. A page
     * is marked in the transaction that plans it, so a repeat goes on with those that are not. The last ones' end fixes the plan by its hash.
     */
    async planPage(ref: PayoutRunRef): Promise<PayoutRunStep> {
      return whileBeating(async () => {
        const open = await databaseActivity(long, ref, (tx) => openPlan(tx, ref.payoutRunId));
        // All are awaited, also when one fails: its neighbour's transaction is not to be under way when the activity is tried again.
        const lanes = await Promise.allSettled(
          Array.from({ length: Math.min(laneCount, open) }, () =>
            databaseActivity(long, ref, (tx, act) => planOnePage(tx, act, ref.payoutRunId)),
          ),
        );
        for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
        const hasPlanned = lanes.some((lane) => lane.status === 'fulfilled' && lane.value);
        const step = await databaseActivity(long, ref, (tx, act) => closePlan(tx, act, ref.payoutRunId, hasPlanned));
        if (step.next !== 'plan') await notify(deps.db, 'outbox', ''); // the requests of a fixed plan
        return step;
      });
    },

    /** A decision whose row stands already. */
    async decidePayoutRun(input: PayoutRunRef & { readonly fact: Fact }): Promise<PayoutRunStep> {
      const step = await longActivity(long, input, (tx, act) => decide(input, tx, act, input.fact.id));
      await announce(input.fact.id);
      return step;
    },

    /** A decision sent by hand: writes its row first, as claimed. */
    async decidePayoutRunByHand(
      input: PayoutRunRef & { readonly verb: string; readonly claim: Claim | null; readonly decisionId: string },
    ): Promise<PayoutRunStep> {
      return longActivity(long, input, async (tx, plain) => {
        const run = await findRun(tx, input.payoutRunId);
        const id = await recordClaim(tx, withMode(plain, run), {
          decisionId: input.decisionId,
          verb: input.verb,
          objectType: 'payout_run',
          objectId: input.payoutRunId,
          workflowId: run?.workflowId ?? '',
          claim: input.claim,
        });
        return decide(input, tx, plain, id);
      });
    },

    /** The next payouts to hand to their workflows: drafts that the approved plan covers become `pending` here. */
    async releasePayoutPage(
      input: PayoutRunRef & { readonly after: string; readonly limit: number },
    ): Promise<PayoutPage> {
      return longActivity(long, input, async (tx, plain) => {
        const run = await findRun(tx, input.payoutRunId);
        if (run === undefined || run.status !== 'executing' || run.paused) return { payoutIds: [], next: null };
        const act = withMode(plain, run);
        const page = await lockRunPage(tx, run.id, input.after, input.limit);
        const drafts = page.filter((payout) => payout.status === 'draft' && !payout.onHold);
        await movePayouts(
          tx,
          act,
          drafts,
          'approved',
          { approvedBy: run.approvedBy, approvedAt: run.approvedAt, secondPerson: run.secondPerson },
          { payoutRunId: run.id, planHash: run.planHash },
        );
        await tellPayees(
          tx,
          act,
          'payout.drafted',
          drafts.map((payout) => ({ payout, onceFor: payout.id })),
        );
        const held = new Set(page.filter((payout) => payout.status === 'draft' && payout.onHold).map(({ id }) => id));
        return {
          payoutIds: page.map((payout) => payout.id).filter((id) => !held.has(id)),
          next: page.length < input.limit ? null : (page.at(-1)?.id ?? null),
        };
      });
    },

    /**
     * One transaction compares run, payouts, commissions and ledger; what differs freezes payouts (money.md 10). The run ends when a
     * statement of each of its gateways covers what was paid, so that every line is classed (features.md 2.10).
     */
    async completePayoutRun(ref: PayoutRunRef): Promise<PayoutRunStep> {
      const step = await longActivity(long, ref, async (tx, plain) => {
        const run = await lockRun(tx, ref.payoutRunId);
        const act = withMode(plain, run);
        if (run?.status === 'executing' && (await countOpenPayouts(tx, run.id)) === 0) {
          const differences = await findRunDifferences(tx, run);
          const uncovered = await listUncovered(tx, { runId: run.id, gateways: statementGateways });
          if (differences.length === 0 && uncovered.length > 0)
            // Each statement nudges the runs that wait. One that closed too early (a long transaction held it back) is asked for again soon.
            for (const { gateway, wasAsked } of uncovered)
              await askForStatement(tx, act, gateway, wasAsked ? addMs(act.now, askAgainMs) : null);
          else if (differences.length === 0)
            await moveRun(tx, act, run, 'completed', { completedAt: act.now, paused: false });
          else {
            await tx('workspaces').whereNull('payouts_frozen_at').update({
              payouts_frozen_at: act.now,
              payouts_frozen_reason: 'run_differs_from_ledger',
            });
            deps.logger.error({ payoutRunId: run.id, differences }, 'payout run differed from the books');
          }
        }
        return runStep(tx, act, ref.payoutRunId);
      });
      await notify(deps.db, 'outbox', '');
      return step;
    },
  };
}

/** A decision on a large run: one long transaction. */
function longActivity<T>(
  deps: Parameters<typeof databaseActivity>[0],
  input: { readonly workspaceId: WorkspaceId },
  step: (tx: Tx, act: Act) => Promise<T>,
): Promise<T> {
  return whileBeating(() => databaseActivity(deps, input, step));
}

/** Tells the server that the activity is alive while Postgres works (temporal.md 2.3). */
async function whileBeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}

const heartbeatMs = 5_000;

function withMode(act: Act, run: Pick<PayoutRun, 'mode'> | undefined): Act {
  return run === undefined ? act : actFor(act, { mode: run.mode });
}

async function scopeOf(tx: Tx, run: PayoutRun): Promise<PlanScope> {
  return {
    mode: run.mode,
    cutOffAt: run.cutOffAt,
    currencies: run.currencies,
    filter: run.filter,
    excludedAffiliateIds: run.excludedAffiliateIds,
    previousCutOffAt: await findPreviousCutOff(tx, { mode: run.mode, before: run.cutOffAt, exceptRunId: run.id }),
    takesDrafts: true,
  };
}

/** The plan is whole: sealed by its hash, or begun anew when a refund took a draft apart between two pages. */
async function fixPlan(tx: Tx, act: Act, run: PayoutRun): Promise<void> {
  if (run.planVersion > 1) await releaseDrafts(tx, act, { runId: run.id, notPlannedIn: run.planVersion });
  const sealed = await sealPlan(tx, run);
  if (sealed.proof.some((proof) => !proof.linesEqualTotals)) {
    assertInvariant(run.planVersion < longestPlan, 'a plan comes to an end', { payoutRunId: run.id });
    await saveProgress(tx, run.id, { planCursor: null, planVersion: run.planVersion + 1 });
    return;
  }
  await moveRun(
    tx,
    act,
    run,
    sealed.paid === 0 ? 'nobodyDue' : 'planned',
    {
      planHash: sealed.hash,
      proof: sealed.proof,
      ...(sealed.paid === 0 ? { completedAt: act.now } : {}),
    },
    { planHash: sealed.hash, planVersion: run.planVersion, paid: sealed.paid },
  );
  // With the plan itself: whoever adds the details before it is approved can still be planned anew and be paid by it.
  await askUnpaid(tx, act, run);
}

async function runStep(tx: Tx, act: Act, runId: PayoutRunId): Promise<PayoutRunStep> {
  let run = await findRun(tx, runId);
  if (run === undefined) return { seq: 0, status: 'unknown', next: 'done', openPayouts: 0, wait: null, facts: [] };
  const facts = await listOpenFacts(tx, { workflowId: run.workflowId, payoutId: null });
  let wait: PayoutRunStep['wait'] = null;
  if (run.status === 'approved' && run.payAt !== null) {
    const ms = epochMs(run.payAt) - epochMs(act.now);
    if (ms > 0) wait = { until: run.payAt, ms };
    else if ((await listFreezes(tx, null)).length > 0) wait = { until: addMs(act.now, frozenWaitMs), ms: frozenWaitMs };
    else {
      const locked = await lockRun(tx, runId);
      if (locked?.status === 'approved') run = await moveRun(tx, act, locked, 'executed', { executedAt: act.now });
    }
  }
  const openPayouts = run.status === 'executing' ? await countOpenPayouts(tx, runId) : 0;
  const base = { seq: run.version, status: run.status, openPayouts, wait, facts };
  switch (run.status) {
    case 'planning':
      return { ...base, next: 'plan' };
    case 'planned':
    case 'approved':
      return { ...base, next: 'wait' };
    case 'executing':
      if (openPayouts === 0) return { ...base, next: 'reconcile' };
      return { ...base, next: run.paused ? 'wait' : 'start' };
    case 'completed':
    case 'cancelled':
      if (facts.length > 0) return { ...base, next: 'wait' };
      if (act.origin !== null)
        await enqueue(tx, exportMessage({ workflowId: act.origin.workflowId, runId: act.origin.runId }));
      return { ...base, next: 'done' };
    default:
      return run.status satisfies never;
  }
}

function isRunVerb(verb: string): verb is PayoutRunVerb {
  return (payoutRunVerbs as readonly string[]).includes(verb);
}

async function applyDecision(
  tx: Tx,
  act: Act,
  run: PayoutRun,
  decision: DecisionRecord,
): Promise<Readonly<Record<string, unknown>>> {
  const { verb } = decision;
  if (!isRunVerb(verb)) refuse(refused('decision.malformed'));
  await requireRight(tx, decision, ...rights[verb]);
  const judge = (event: PayoutRunEvent): void => {
    const verdict = decideRunMove(run, event);
    if (verdict.kind === 'refused') refuse(verdict);
  };
  switch (verb) {
    case 'approve': {
      judge('approved');
      const { planHash } = decision.params as { planHash?: unknown };
      if (planHash !== run.planHash) refuse(refused('payout_run.plan_changed', { currentPlanHash: run.planHash }));
      const secondPerson = await secondPersonFor(tx, decision, 'payout.approve', run);
      refuseByHand(decision);
      await moveRun(
        tx,
        act,
        run,
        'approved',
        { approvedBy: decision.actor.userId, approvedAt: act.now, secondPerson },
        { planHash: run.planHash, secondPerson },
      );
      return {};
    }
    case 'execute': {
      judge('executed');
      const freezes = await listFreezes(tx, null);
      if (freezes.length > 0) refuse(refused('payout_run.payouts_frozen', { reasons: freezes }));
      await moveRun(tx, act, run, 'executed', { executedAt: act.now });
      return {};
    }
    case 'replan': {
      judge('replanned');
      const { exclude, include } = decision.params as { exclude?: unknown; include?: unknown };
      const out = new Set(run.excludedAffiliateIds);
      for (const id of Array.isArray(exclude) ? exclude : []) if (typeof id === 'string') out.add(id);
      for (const id of Array.isArray(include) ? include : []) if (typeof id === 'string') out.delete(id);
      const changesLines = Array.isArray(exclude) || Array.isArray(include);
      await replanRun(tx, act, run, {
        excludedAffiliateIds: [...out].sort(),
        editor: changesLines ? decision.actor.userId : null,
      });
      return {};
    }
    case 'pause':
    case 'resume': {
      const wanted = verb === 'pause';
      if (run.status !== 'executing' || run.paused === wanted)
        refuse(
          refused('payout_run.transition_not_allowed', {
            currentStatus: run.status,
            allowedActions: runActions(run.status, run.paused),
          }),
        );
      await moveRun(tx, act, run, wanted ? 'paused' : 'resumed', { paused: wanted });
      return {};
    }
    case 'cancel':
      judge('cancelled');
      await releaseDrafts(tx, actFor(act, { cause: null }), { runId: run.id });
      await moveRun(tx, act, run, 'cancelled', { planCursor: null });
      return {};
    default:
      return verb satisfies never;
  }
}
