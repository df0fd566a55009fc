import type { z } from 'zod';
import { startRun } from '../../../activities/payout/payout.js';
import { findUserName } from '../../../db/access/userName.js';
import { getWorkspace } from '../../../db/access/workspace.js';
import { listHolders } from '../../../db/reads/payout/payoutControls.js';
import {
  findPreviousCutOff,
  listPlanAffiliates,
  type PlanScope,
  readPlanInputs,
} from '../../../db/reads/payout/payoutPlan.js';
import {
  findAffiliateNames,
  listPreviewRows,
  listRunLines,
  type PreviewRow,
  readPayable,
  readPreviewTotals,
  readPreviousTotals,
  totalPreview,
} from '../../../db/reads/payout/payoutRunPreview.js';
import {
  comparedPlans,
  countPlanChanges,
  listPlanChanges,
  listSealedPlans,
  sumPlans,
} from '../../../db/reads/payout/planChanges.js';
import { listRunCauses, type PlannedPayment, readGatewayNeeds } from '../../../db/reads/payout/runOutlook.js';
import { findRunView, listRunViews, readRunProgress, type RunView } from '../../../db/reads/payout/payoutRunView.js';
import { readWorkspace, type ReadTx, type Tx } from '../../../db/transaction.js';
import { listConnected } from '../../../db/payout/gateway.js';
import type { Permission } from '../../../domain/access/permission.js';
import { DomainError, type DomainErrorCode } from '../../../domain/errors.js';
import type { AffiliateId, PayoutRunId } from '../../../domain/ids.js';
import {
  decideRunMove,
  planPayouts,
  type PayoutRunEvent,
  runActions,
  secondPersonAmong,
} from '../../../domain/payout/payoutRun.js';
import { maxPdfLines } from '../../../domain/payout/payoutStatement.js';
import { epochMs, type Instant } from '../../../domain/time.js';
import { printList } from '../../../platform/pdf.js';
import type { PayoutRunVerb } from '../../../workflows/contract.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer, fileAnswer } from '../../answer.js';
import { decide } from '../../decide.js';
import type { ApiDeps } from '../../deps.js';
import { noteExport } from '../../requestAudit.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { checkExportRight } from '../../routePermission.js';
import {
  approveRunBody,
  editRunBody,
  executeRunBody,
  payoutRunCreate,
  payoutRunList,
  payoutRunParams,
  payoutRunPreviewWire,
  payoutRunQuery,
  type PayoutRunRequest,
  payoutRunWire,
  planChangeList,
  planChangesQuery,
  planList,
  presentChange,
  presentPlan,
  presentPreview,
  presentProof,
  presentRun,
  presentRunLine,
  runLineList,
  runLinesQuery,
  runProofQuery,
  runProofWire,
} from '../../schemas/payout/payoutRun.js';
import { runPaper } from '../../schemas/payout/runPaper.js';
import { decisionBody, type DecisionReason, negativeDecisionBody, reasonOf } from '../../schemas/wire.js';
import { gatewayPolicyOf } from './gatewayPolicy.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'can' | 'mode' | 'actor' | 'workspaceId'>;

const sectionLimit = 100;
/** Of what makes a plan more or less than the last run (screens.md 5). */
const causesShown = 5;

/** Any of these rights offers the action. */
const rightsFor: Readonly<Record<string, readonly Permission[]>> = {
  approve: ['payout.approve'],
  execute: ['payout.execute'],
  pause: ['payout.execute'],
  resume: ['payout.execute'],
  cancel: ['payout.prepare'],
  replan: ['payout.prepare', 'payout.approve'],
  exclude: ['payout.prepare', 'payout.approve'],
  include: ['payout.prepare', 'payout.approve'],
};

async function requireRun(tx: ReadTx | Tx, ctx: Pick<Asking, 'mode'>, id: PayoutRunId): Promise<RunView> {
  const run = await findRunView(tx, ctx.mode, id);
  if (run === undefined) throw new DomainError('resource.not_found');
  return run;
}

async function present(ctx: Asking, tx: ReadTx | Tx, id: PayoutRunId) {
  const run = await requireRun(tx, ctx, id);
  return presentOne(ctx, tx, run);
}

async function presentOne(ctx: Asking, tx: ReadTx | Tx, run: RunView, holders?: readonly string[]) {
  const actions = runActions(run.status, run.paused).filter((action) =>
    (rightsFor[action] ?? []).some((right) => ctx.can(right)),
  );
  const approvers = holders ?? (await listHolders(tx, 'payout.approve'));
  return presentRun(run, await readRunProgress(tx, run.id), secondPersonAmong(approvers, run), actions);
}

/** What a request looks at; `cutOffAt` in the future is refused. */
function filterOf(body: PayoutRunRequest, now: Instant) {
  if (body.cutOffAt !== null && body.cutOffAt > now)
    throw invalid({ pointer: '#/cutOffAt', code: 'out_of_range', detail: 'Not in the future.' });
  return {
    currencies: body.currencies,
    cutOffAt: body.cutOffAt ?? now,
    filter: {
      programIds: body.programIds,
      groupIds: body.groupIds,
      affiliateIds: body.affiliateIds,
      methodTypes: body.methodTypes,
    },
    excludedAffiliateIds: body.excludeAffiliateIds,
  };
}

/** The same judgement as a plan, over the same pages, without a lock or a write. */
async function dryRun(ctx: Asking, deps: ApiDeps, tx: ReadTx, now: Instant, body: PayoutRunRequest) {
  const of = filterOf(body, now);
  const scope: PlanScope = {
    mode: ctx.mode,
    ...of,
    previousCutOffAt: await findPreviousCutOff(tx, { mode: ctx.mode, before: of.cutOffAt, exceptRunId: null }),
    takesDrafts: true,
  };
  const rows: PreviewRow[] = [];
  const payments: PlannedPayment[] = [];
  let after: AffiliateId | null = null;
  for (;;) {
    const ids: readonly AffiliateId[] = await listPlanAffiliates(tx, scope, { after, limit: 1_000, lock: false });
    const names = await findAffiliateNames(tx, ids);
    const planned = planPayouts(await readPlanInputs(tx, scope, ids, false), {
      now,
      nowMs: epochMs(now),
      mode: ctx.mode,
      gateways: gatewayPolicyOf(deps),
      connected: await listConnected(tx, ctx.mode),
      msOf: epochMs,
    });
    for (const row of planned) {
      rows.push({
        ...row,
        name: names.get(row.affiliateId) ?? '',
        payoutId: null,
        method: row.method === null ? null : { id: row.method.id, type: row.method.type, masked: row.method.masked },
      });
      const { affiliateId, currency, netMinor: minor } = row;
      if (row.outcome === 'paid' && row.route !== null)
        payments.push({ affiliateId, currency, minor, gateway: row.route.gateway });
    }
    after = ids.at(-1) ?? null;
    if (ids.length < 1_000) break;
  }
  const totals = totalPreview(rows);
  const payable = await readPayable(tx, ctx.mode);
  return presentPreview({
    run: null,
    cutOffAt: of.cutOffAt,
    secondPerson: secondPersonAmong(await listHolders(tx, 'payout.approve'), {
      createdByUser: ctx.actor.userId,
      editors: [],
    }),
    totals,
    previous: await readPreviousTotals(tx, { mode: ctx.mode, exceptRunId: null }),
    needs: await readGatewayNeeds(tx, ctx.mode, payments),
    causes: await listRunCauses(tx, { mode: ctx.mode, exceptRunId: null, limit: causesShown }, payments),
    payable: rows.filter((row) => row.outcome === 'paid').slice(0, sectionLimit),
    notPayable: rows.filter((row) => row.outcome === 'not_paid').slice(0, sectionLimit),
    proof: totals.map((total) => {
      const before = payable.get(total.currency) ?? 0n;
      return {
        currency: total.currency,
        payableBefore: before.toString(),
        payableAfter: (before - total.payable.minor).toString(),
        linesEqualTotals: true,
      };
    }),
  });
}

const preview = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/preview',
  permission: 'payout.prepare',
  body: payoutRunCreate,
  reply: payoutRunPreviewWire,
  refuses: [],
  handle: (ctx, deps) => readWorkspace(deps.longDb, ctx.workspaceId, (tx, now) => dryRun(ctx, deps, tx, now, ctx.body)),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs',
  permission: 'payout.prepare',
  idempotency: 'required',
  body: payoutRunCreate,
  reply: payoutRunWire,
  status: 202,
  refuses: ['payout_run.payouts_frozen'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { run, isNew } = await startRun(tx, act, {
          ...filterOf(ctx.body, act.now),
          period: ctx.body.period,
          payAt: ctx.body.payAt,
          note: ctx.body.note,
        });
        return answer(await present(ctx, tx, run.id), {
          status: isNew ? 202 : 200,
          location: `/v1/payout-runs/${run.id}`,
        });
      },
      { wake: true },
    ),
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs',
  permission: 'payout.read',
  query: payoutRunQuery,
  reply: payoutRunList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const of = {
        mode: ctx.mode,
        statuses: ctx.query.status,
        q: ctx.query.q,
        createdAt: boundsOf(ctx.query, 'createdAt'),
      };
      const runs = await listRunViews(tx, of, page);
      const { data, nextCursor } = ctx.list(
        runs,
        page,
        (run) => run,
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
      const shown = [];
      const holders = await listHolders(tx, 'payout.approve');
      for (const run of data) shown.push(await presentOne(ctx, tx, run, holders));
      return { data: shown, nextCursor };
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId',
  permission: 'payout.read',
  params: payoutRunParams,
  reply: payoutRunWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read((tx) => present(ctx, tx, ctx.params.runId)),
});

const getPreview = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId/preview',
  permission: 'payout.read',
  params: payoutRunParams,
  reply: payoutRunPreviewWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const run = await requireRun(tx, ctx, ctx.params.runId);
      const of = { runId: run.id, planVersion: run.planVersion };
      return presentPreview({
        run,
        cutOffAt: run.cutOffAt,
        secondPerson: run.secondPerson ?? secondPersonAmong(await listHolders(tx, 'payout.approve'), run),
        totals: await readPreviewTotals(tx, of),
        previous: await readPreviousTotals(tx, { mode: ctx.mode, exceptRunId: run.id }),
        needs: await readGatewayNeeds(tx, ctx.mode, of),
        causes: await listRunCauses(tx, { mode: ctx.mode, exceptRunId: run.id, limit: causesShown }, of),
        payable: await listPreviewRows(tx, { ...of, outcome: 'paid', limit: sectionLimit }),
        notPayable: await listPreviewRows(tx, { ...of, outcome: 'not_paid', limit: sectionLimit }),
        proof: run.proof ?? [],
      });
    }),
});

const lines = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId/lines',
  permission: 'payout.read',
  params: payoutRunParams,
  query: runLinesQuery,
  reply: runLineList,
  refuses: ['resource.not_found'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const run = await requireRun(tx, ctx, ctx.params.runId);
      const rows = await listRunLines(
        tx,
        { runId: run.id, planVersion: run.planVersion, outcome: ctx.query.outcome ?? null, q: ctx.query.q ?? null },
        page,
      );
      return ctx.list(rows, page, presentRunLine, ({ currency, affiliateId }) => ({
        value: currency,
        id: affiliateId,
      }));
    });
  },
});

/** What the present plan says otherwise than an earlier one: an approval of that one is void, and this is why (screens.md 5). */
const changes = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId/changes',
  permission: 'payout.read',
  params: payoutRunParams,
  query: planChangesQuery,
  reply: planChangeList,
  refuses: ['resource.not_found'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const { since, include = [] } = ctx.query;
    return ctx.read(async (tx) => {
      const run = await requireRun(tx, ctx, ctx.params.runId);
      const plans = await listSealedPlans(tx, run.id);
      const compared = comparedPlans(plans, run.planHash, since);
      if (compared === undefined && since !== undefined && run.planHash !== null)
        throw invalid({
          parameter: 'since',
          code: 'not_found',
          detail: 'No earlier plan of this run has that version.',
        });
      const of =
        compared === undefined
          ? undefined
          : { runId: run.id, before: compared.before.planVersion, after: compared.after.planVersion };
      const rows = of === undefined ? [] : await listPlanChanges(tx, of, page);
      const list = ctx.list(rows, page, presentChange, ({ currency, affiliateId }) => ({
        value: currency,
        id: affiliateId,
      }));
      if (!include.includes('counts')) return list;
      const total = of === undefined ? 0 : await countPlanChanges(tx, of);
      return { ...list, counts: { total, byStatus: {} } };
    });
  },
});

/** Every plan of the run that could be seen, with what it paid and who approved it; the newest first. */
const plans = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId/plans',
  permission: 'payout.read',
  params: payoutRunParams,
  reply: planList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const run = await requireRun(tx, ctx, ctx.params.runId);
      const all = await listSealedPlans(tx, run.id);
      const totals = await sumPlans(tx, { runId: run.id, planVersions: all.map((plan) => plan.planVersion) });
      return { data: all.map((plan) => presentPlan(plan, totals, run.planHash)).reverse(), nextCursor: null };
    }),
});

const proof = defineRoute({
  method: 'GET',
  path: '/v1/payout-runs/:runId/proof',
  summary: 'The control totals and the hash of the plan; the whole run as PDF',
  permission: 'payout.read',
  params: payoutRunParams,
  query: runProofQuery,
  reply: runProofWire,
  refuses: ['resource.not_found', 'export.export_too_large'],
  async handle(ctx, deps) {
    if (ctx.query.format === 'pdf') return answerPaper(ctx, deps, ctx.params.runId);
    const run = await ctx.read((tx) => requireRun(tx, ctx, ctx.params.runId));
    return {
      object: 'payout_run_proof' as const,
      runId: run.id,
      planHash: run.planHash,
      proof: presentProof(run.proof ?? []),
    };
  },
});

/** The run as pages, printed outside the transaction; that it was made is an entry of the history before it is sent. Code: export.export_too_large. */
async function answerPaper<P, Q, B>(
  ctx: RouteContext<P, Q, B, z.output<typeof runProofWire>>,
  deps: ApiDeps,
  runId: PayoutRunId,
) {
  checkExportRight(ctx.caller, 'payout.read');
  const paper = await ctx.read(async (tx) => {
    const run = await requireRun(tx, ctx, runId);
    const rows = await listRunLines(
      tx,
      { runId: run.id, planVersion: run.planVersion, outcome: null },
      { limit: maxPdfLines, sort: 'affiliateId', descending: false, after: null },
    );
    if (rows.length > maxPdfLines)
      throw new DomainError('export.export_too_large', {
        limit: maxPdfLines,
        detail: `A PDF holds ${maxPdfLines} lines. Take the lines as CSV.`,
      });
    return runPaper({
      run,
      workspace: (await getWorkspace(tx)).name,
      approvedBy: run.approvedBy === null ? null : ((await findUserName(tx, run.approvedBy)) ?? run.approvedBy),
      secondPerson: run.secondPerson ?? secondPersonAmong(await listHolders(tx, 'payout.approve'), run),
      rows,
      proof: run.proof ?? [],
    });
  });
  const body = await printList(paper);
  await noteExport(ctx, deps, { payoutRun: runId, format: 'pdf', rows: paper.rows.length });
  return fileAnswer(body, { contentType: 'application/pdf', fileName: `payout-run-${runId}.pdf` });
}

const eventOf: Readonly<Partial<Record<PayoutRunVerb, PayoutRunEvent>>> = {
  approve: 'approved',
  execute: 'executed',
  replan: 'replanned',
  cancel: 'cancelled',
};

type RunContext<B> = RouteContext<{ runId: PayoutRunId }, unknown, B, Awaited<ReturnType<typeof present>>>;

/** A decision on a run: what its row rules out already is refused at once, the rest is the workflow's. */
function decideRun<B>(
  ctx: RunContext<B>,
  deps: ApiDeps,
  verb: PayoutRunVerb,
  reason: DecisionReason,
  params: Readonly<Record<string, unknown>> = {},
) {
  const { runId } = ctx.params;
  let workflowId = '';
  return findWorkflow(ctx, runId).then((found) => {
    workflowId = found;
    return decide(ctx, deps, {
      verb,
      objectType: 'payout_run',
      objectId: runId,
      workflowType: 'payoutRun',
      workflowId,
      signal: verb,
      input: { workspaceId: ctx.workspaceId, payoutRunId: runId },
      reason,
      params,
      check: async (tx) => {
        const run = await requireRun(tx, ctx, runId);
        const event = eventOf[verb];
        const verdict = event === undefined ? undefined : decideRunMove(run, event);
        if (verdict?.kind === 'refused') {
          const { decidedById, ...rest } = verdict.params;
          const user =
            typeof decidedById === 'string'
              ? await tx('users')
                  .where({ id: decidedById })
                  .first<{ id: string; name: string } | undefined>('id', 'name')
              : undefined;
          throw new DomainError(verdict.code, decidedById === undefined ? rest : { ...rest, decidedBy: user ?? null });
        }
      },
      present: (tx) => present(ctx, tx, runId),
    });
  });
}

/** A schedule's run has the workflow id of its action; the row knows. */
function findWorkflow(
  ctx: Pick<Asking, 'mode'> & { read: RunContext<unknown>['read'] },
  runId: PayoutRunId,
): Promise<string> {
  return ctx.read(async (tx) => (await requireRun(tx, ctx, runId)).workflowId);
}

const refusals: readonly DomainErrorCode[] = [
  'resource.not_found',
  'payout_run.transition_not_allowed',
  'payout_run.already_decided',
];

const approve = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/approve',
  permission: 'payout.approve',
  idempotency: 'required',
  stepUp: true,
  params: payoutRunParams,
  body: approveRunBody,
  reply: payoutRunWire,
  refuses: [...refusals, 'access.own_work', 'payout_run.plan_changed'],
  handle: (ctx, deps) => decideRun(ctx, deps, 'approve', reasonOf(ctx.body), { planHash: ctx.body.planHash }),
});

const execute = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/execute',
  permission: 'payout.execute',
  idempotency: 'required',
  stepUp: true,
  params: payoutRunParams,
  body: executeRunBody,
  reply: payoutRunWire,
  refuses: [...refusals, 'payout_run.payouts_frozen'],
  handle: (ctx, deps) => decideRun(ctx, deps, 'execute', reasonOf(ctx.body)),
});

function edit(action: 'exclude' | 'include'): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/payout-runs/:runId/${action}`,
    permission: 'staff',
    params: payoutRunParams,
    body: editRunBody,
    reply: payoutRunWire,
    refuses: [...refusals, 'access.permission_missing'],
    handle: (ctx, deps) => {
      requireEither(ctx);
      return decideRun(ctx, deps, 'replan', reasonOf(ctx.body), { [action]: ctx.body.affiliateIds });
    },
  });
}

/** Who prepares and who approves may both take somebody out of a plan. */
function requireEither(ctx: Pick<Asking, 'can'>): void {
  if (!ctx.can('payout.prepare') && !ctx.can('payout.approve'))
    throw new DomainError('access.permission_missing', { missingPermission: 'payout.prepare' });
}

const replan = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/replan',
  permission: 'staff',
  params: payoutRunParams,
  body: decisionBody,
  reply: payoutRunWire,
  refuses: [...refusals, 'access.permission_missing'],
  handle: (ctx, deps) => {
    requireEither(ctx);
    return decideRun(ctx, deps, 'replan', reasonOf(ctx.body));
  },
});

function flag(verb: 'pause' | 'resume'): Route {
  return defineRoute({
    method: 'POST',
    path: `/v1/payout-runs/:runId/${verb}`,
    permission: 'payout.execute',
    params: payoutRunParams,
    body: decisionBody,
    reply: payoutRunWire,
    refuses: refusals,
    handle: (ctx, deps) => decideRun(ctx, deps, verb, reasonOf(ctx.body)),
  });
}

const cancel = defineRoute({
  method: 'POST',
  path: '/v1/payout-runs/:runId/cancel',
  permission: 'payout.prepare',
  params: payoutRunParams,
  body: negativeDecisionBody,
  reply: payoutRunWire,
  refuses: refusals,
  handle: (ctx, deps) => decideRun(ctx, deps, 'cancel', reasonOf(ctx.body)),
});

export const payoutRunRoutes: readonly Route[] = [
  preview,
  create,
  list,
  get,
  getPreview,
  lines,
  changes,
  plans,
  proof,
  edit('exclude'),
  edit('include'),
  replan,
  approve,
  execute,
  flag('pause'),
  flag('resume'),
  cancel,
];
