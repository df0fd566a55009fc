import { z } from 'zod';
import { findUser } from '../../../db/access/user.js';
import { findUserName } from '../../../db/access/userName.js';
import { findGroup } from '../../../db/affiliate/group.js';
import { type DecisionRecord, findDecision } from '../../../db/audit/decision.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { findTemplate } from '../../../db/messaging/template.js';
import { type CommissionView, getCommissionView, listCommissions } from '../../../db/reads/earning/commissionList.js';
import { getReferralView, listReferrals, type ReferralView } from '../../../db/reads/earning/referralList.js';
import type { Page } from '../../../db/reads/keyset.js';
import { readWorkspaceZone } from '../../../db/reads/payout/payoutStep.js';
import {
  findOperation,
  findVisibleIds,
  listOperationIds,
  listOperationItems,
  type OperationView,
} from '../../../db/reads/reporting/operation.js';
import {
  insertOperation,
  listDecidedItems,
  lockOperation,
  markItemSkipped,
  moveOperation,
} from '../../../db/reporting/bulkOperation.js';
import type { Permission } from '../../../domain/access/permission.js';
import type { Act } from '../../../domain/act.js';
import { blockingChecks } from '../../../domain/earning/check.js';
import { commissionActions } from '../../../domain/earning/commission.js';
import { decideReferralMove } from '../../../domain/earning/referral.js';
import {
  type BulkVerb,
  bulkVerbOf,
  jobVerbOf,
  purgeKind,
  type UndoKind,
  undoKindOf,
} from '../../../domain/reporting/bulkOperation.js';
import { dateIn } from '../../../domain/calendar.js';
import type { Instant } from '../../../domain/time.js';
import { startMessage, workflowIds } from '../../../workflows/contract.js';
import { invalid } from '../../problems.js';
import { commissionQuery } from '../../schemas/earning/commission.js';
import { referralQuery } from '../../schemas/earning/referral.js';
import { parseWith } from '../../validation.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError, InvariantError, publicCode, type DomainErrorCode } from '../../../domain/errors.js';
import { type OperationId, sameIdAs } from '../../../domain/ids.js';
import type { Caller } from '../../auth.js';
import { boundsOf, listQuery } from '../../lists.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  type Operation,
  operationCreate,
  operationCreated,
  operationItemWire,
  operationList,
  operationWire,
  presentDecisionAsOperation,
  presentDecisionItem,
} from '../../schemas/reporting/bulkOperation.js';
import { decisionBody, idWire, listOf, reasonOf } from '../../schemas/wire.js';
import {
  judgeDue,
  judgePayoutOf,
  type Listed,
  judgeAffiliate,
  judgeAffiliateOf,
  listAffiliatesSelected,
  listPayoutsSelected,
  type PayoutVerb,
} from './payoutSelection.js';

const listOnly = { limit: true, cursor: true, sort: true, include: true, expand: true } as const;
const referralFilter = referralQuery.omit(listOnly);
const commissionFilter = commissionQuery.omit(listOnly);
const operationParams = z.strictObject({ operationId: idWire('operation') });

/** Own ones; all with `audit.read` (api.md 16.2). What is not shown does not exist. */
function maySee(caller: Caller, requestedByUser: string | null): boolean {
  return (
    caller.grant.permissions.has('audit.read') || (requestedByUser !== null && requestedByUser === caller.actor.userId)
  );
}

type Found =
  | { readonly kind: 'job'; readonly job: OperationView }
  | { readonly kind: 'decision'; readonly decision: DecisionRecord };

/** A job of that id, or the decision that was answered as an operation. `resource.not_found` otherwise. */
async function getOperation(tx: ReadTx | Tx, caller: Caller, id: OperationId): Promise<Found> {
  const job = await findOperation(tx, caller.mode, id);
  if (job !== undefined && maySee(caller, job.requestedByUser)) return { kind: 'job', job };
  const decision = await findDecision(tx, sameIdAs('decision', id));
  const isVisible = decision !== undefined && decision.mode === caller.mode && maySee(caller, decision.actor.userId);
  if (!isVisible) throw new DomainError('resource.not_found');
  return { kind: 'decision', decision };
}

/** A job as its owner sees it: for routes whose answer it is. */
export async function showOperation(tx: ReadTx | Tx, caller: Caller, id: OperationId): Promise<Operation> {
  return presentOperation(tx, await getOperation(tx, caller, id));
}

async function presentOperation(tx: ReadTx | Tx, found: Found): Promise<Operation> {
  const by = found.kind === 'job' ? found.job.requestedBy : found.decision.actor.id;
  const name = by === null ? null : ((await findUserName(tx, by)) ?? null);
  if (found.kind === 'decision') return presentDecisionAsOperation(found.decision, name);
  const { job } = found;
  return {
    id: job.id,
    object: 'operation',
    kind: job.kind,
    status: job.status,
    progress: {
      total: job.total,
      done: job.succeeded + job.skipped + job.failed,
      succeeded: job.succeeded,
      skipped: job.skipped,
      failed: job.failed,
    },
    result: job.result,
    reversible: job.reversible,
    requestedBy: { type: job.requestedByType, id: by, name },
    createdAt: job.createdAt,
    finishedAt: job.finishedAt,
  };
}

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/operations/:operationId',
  summary: 'Progress and result of an operation',
  permission: 'any',
  params: operationParams,
  reply: operationWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => presentOperation(tx, await getOperation(tx, ctx.caller, ctx.params.operationId))),
});

const listItems = defineRoute({
  method: 'GET',
  path: '/v1/operations/:operationId/items',
  summary: 'Result of each item of an operation',
  permission: 'any',
  params: operationParams,
  query: listQuery({}, { sort: ['position'] }),
  reply: listOf(operationItemWire),
  refuses: ['resource.not_found'],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const found = await getOperation(tx, ctx.caller, ctx.params.operationId);
      if (found.kind === 'decision') return { data: [presentDecisionItem(found.decision)], nextCursor: null };
      const items = await listOperationItems(tx, found.job.id, Number(page.after?.value ?? -1), page.limit);
      return ctx.list(
        items,
        page,
        (item) => ({
          id: item.objectId,
          outcome: item.outcome,
          code: item.code === null ? null : publicCode(item.code as DomainErrorCode),
          detail: item.detail,
        }),
        (item) => ({ value: item.position, id: item.objectId }),
      );
    });
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/operations',
  summary: 'Own operations; all with audit.read',
  permission: 'any',
  query: listQuery({}),
  reply: operationList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const of = { userId: ctx.caller.actor.userId, all: ctx.can('audit.read') };
      const rows = await listOperationIds(tx, ctx.mode, of, page);
      const { data, nextCursor } = ctx.list(
        rows,
        page,
        (row) => row.id,
        ({ createdAt, id }) => ({ value: createdAt, id }),
      );
      const shown = [];
      for (const id of data) shown.push(await presentOperation(tx, await getOperation(tx, ctx.caller, id)));
      return { data: shown, nextCursor };
    });
  },
});

const rightFor: Readonly<Record<BulkVerb['objectType'], Permission>> = {
  referrals: 'referral.decide',
  commissions: 'commission.decide',
  payouts: 'payout.settle',
  affiliates: 'payout.prepare',
};

function rightOf({ objectType, verb }: BulkVerb): Permission {
  if (verb === 'message') return 'message.send';
  if (verb === 'update') return objectType === 'affiliates' ? 'affiliate.write' : 'referral.write';
  return objectType === 'affiliates' && verb !== 'createDraft' ? 'status.change' : rightFor[objectType];
}

interface Selected {
  readonly id: string;
  /** Why the row rules the decision out as it stands; null: it does not. */
  readonly code: string | null;
}

type Selecting = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'mode' | 'scopeFor'>;
type Wish = z.output<typeof operationCreate>;
const perRead = 200;
/** As many as `ids` may hold. */
const mostSelected = 10_000;

/** What referrals and commissions are decided by; payouts have verbs of their own (`PayoutVerb`). */
type Verdict = 'approve' | 'reject' | 'hold' | 'release' | 'message';
/** Of referrals: a change of tags or assignee no status rules out. */
type ReferralVerdict = 'approve' | 'reject' | 'update';

function judgeReferral(view: ReferralView, verb: ReferralVerdict): Selected {
  if (verb === 'update') return { id: view.referral.id, code: null };
  const decided = decideReferralMove(view.referral, verb, blockingChecks(view.checks));
  return { id: view.referral.id, code: decided.kind === 'refused' ? publicCode(decided.code) : null };
}

function judgeCommission(view: CommissionView, verb: Verdict): Selected {
  const { commission, blockers, isReplaced } = view;
  if (verb === 'message') return { id: commission.id, code: null };
  if (verb === 'hold' && view.payoutId !== null) return { id: commission.id, code: 'in_open_payout' };
  if (verb === 'release' && view.isDisputed) return { id: commission.id, code: 'on_hold' };
  const isAllowed = commissionActions(commission, blockers, isReplaced).includes(verb);
  const blocker = verb === 'approve' && commission.status === 'pending' ? blockers[0]?.code : undefined;
  return { id: commission.id, code: isAllowed ? null : (blocker ?? 'transition_not_allowed') };
}

/** Every row the filter shows, as the list itself would, page by page. */
async function selectByFilter(tx: ReadTx, ctx: Selecting, wish: Wish, bulk: BulkVerb): Promise<Selected[]> {
  const { objectType, verb } = bulk;
  const selected: Selected[] = [];
  const reader = { scope: ctx.scopeFor(rightOf(bulk)), mode: ctx.mode };
  const now = (await tx.raw<{ rows: { now: Instant }[] }>('select now()')).rows[0]?.now;
  if (now === undefined) throw new InvariantError('Postgres tells the time');
  const isOfPayouts = objectType === 'payouts' || objectType === 'affiliates'; // those read their filter themselves
  const schema = objectType === 'referrals' ? referralFilter : commissionFilter;
  const filter = (isOfPayouts ? {} : parseWith(schema, wish.filter ?? {}, 'body')) as Record<string, never>;
  for (let after: Page['after'] = null; ; ) {
    const page: Page = { limit: perRead, sort: 'createdAt', descending: false, after };
    const rows: readonly Listed[] =
      objectType === 'payouts'
        ? await listPayoutsSelected(tx, ctx, { filter: wish.filter ?? {}, verb: verb as PayoutVerb }, page)
        : objectType === 'affiliates'
          ? await listAffiliatesSelected(
              tx,
              ctx,
              { filter: wish.filter ?? {}, right: rightOf(bulk), judge: (view) => judgeAffiliate(view, verb) },
              page,
            )
          : objectType === 'referrals'
            ? (
                await listReferrals(
                  tx,
                  reader,
                  { ...filter, createdAt: boundsOf(filter, 'createdAt'), dueAt: boundsOf(filter, 'dueAt') },
                  page,
                )
              ).map((view) => ({
                at: view.referral.createdAt,
                ...judgeReferral(view, verb as ReferralVerdict),
              }))
            : (
                await listCommissions(
                  tx,
                  {
                    ...reader,
                    now,
                    filter: {
                      ...filter,
                      createdAt: boundsOf(filter, 'createdAt'),
                      eligibleAt: boundsOf(filter, 'eligibleAt'),
                    },
                  },
                  page,
                )
              ).map((view) => ({ at: view.commission.createdAt, ...judgeCommission(view, verb as Verdict) }));
    selected.push(...rows.slice(0, perRead).map(({ id, code }) => ({ id, code })));
    const last = rows[perRead - 1];
    if (rows.length <= perRead || last === undefined) return selected;
    if (selected.length >= mostSelected)
      throw invalid({ pointer: '#/filter', code: 'out_of_range', detail: `At most ${mostSelected} rows at once.` });
    after = { value: last.at, id: last.id };
  }
}

async function selectByIds(tx: ReadTx, ctx: Selecting, ids: readonly string[], bulk: BulkVerb): Promise<Selected[]> {
  const reader = { scope: ctx.scopeFor(rightOf(bulk)), mode: ctx.mode };
  const visible = await findVisibleIds(tx, bulk.objectType, reader, ids);
  const unknown = ids.flatMap((id, index) => (visible.has(id) ? [] : [index]));
  if (unknown.length > 0)
    throw invalid(
      ...unknown.slice(0, 20).map((index) => ({
        pointer: `#/ids/${index}`,
        code: 'not_found' as const,
        detail: 'There is none with this id.',
      })),
    );
  return ids.map((id) => ({ id, code: null }));
}

/** What the rows say of each id now; for a dry run only, one read per row. */
async function judgeIds(tx: ReadTx, ctx: Selecting, now: Instant, ids: readonly Selected[], bulk: BulkVerb) {
  const judged: Selected[] = [];
  const reader = { scope: ctx.scopeFor(rightOf(bulk)), mode: ctx.mode, now };
  for (const { id } of ids)
    judged.push(
      bulk.objectType === 'payouts'
        ? await judgePayoutOf(tx, ctx, id, bulk.verb as PayoutVerb)
        : bulk.objectType === 'affiliates'
          ? await judgeAffiliateOf(tx, id, bulk.verb)
          : bulk.objectType === 'referrals'
            ? judgeReferral(await getReferralView(tx, id), bulk.verb as ReferralVerdict)
            : judgeCommission(await getCommissionView(tx, reader, id), bulk.verb as Verdict),
    );
  return judged;
}

/** Wakes the job's workflow with the transaction that wrote it. */
async function started(tx: Tx, act: Act, caller: Caller, id: OperationId) {
  const ref = { workspaceId: act.workspaceId, jobId: id };
  const workflowId = workflowIds.bulkOperation(ref);
  await enqueue(tx, startMessage({ workflowType: 'bulkOperation', workflowId, input: ref, startAt: null }, 4));
  const found = await getOperation(tx, caller, id);
  return answer(await presentOperation(tx, found), { status: 202, location: `/v1/operations/${id}` });
}

/** Whom and what an update names has to be there, as for the single change. */
async function checkSet(tx: Tx, { groupId, managerId, assigneeId }: NonNullable<Wish['set']>): Promise<void> {
  if (typeof groupId === 'string' && (await findGroup(tx, groupId)) === undefined)
    throw invalid({ pointer: '#/set/groupId', code: 'not_found', detail: 'No such group.' });
  for (const [field, id] of Object.entries({ managerId, assigneeId })) {
    const person = typeof id === 'string' ? await findUser(tx, id) : undefined;
    if (typeof id === 'string' && (person?.audience !== 'staff' || person.status === 'disabled'))
      throw invalid({ pointer: `#/set/${field}`, code: 'not_found', detail: 'No such person of the staff.' });
  }
}

const create = defineRoute({
  method: 'POST',
  path: '/v1/operations',
  summary: 'A bulk decision, or its dry run',
  permission: 'any',
  idempotency: 'required',
  body: operationCreate,
  reply: operationCreated,
  status: 202,
  refuses: ['access.permission_missing', 'access.step_up_required', 'operation.selection_changed'],
  async handle(ctx, deps) {
    const { body } = ctx;
    const bulk = bulkVerbOf(body.kind);
    const right = rightOf(bulk);
    if (!ctx.can(right)) throw new DomainError('access.permission_missing', { missingPermission: right });
    if (ctx.caller.audience !== 'staff') throw new DomainError('access.wrong_audience');
    const isMarking = body.kind === 'payouts.mark_paid';
    if (isMarking && !body.dryRun && !ctx.caller.isSteppedUp) throw new DomainError('access.step_up_required');
    const selected = await ctx.read(async (tx, now) => {
      if (body.paidOn !== undefined && body.paidOn > dateIn(await readWorkspaceZone(tx), now))
        throw invalid({ pointer: '#/paidOn', code: 'out_of_range', detail: 'Not in the future.' });
      const found =
        body.ids === undefined ? await selectByFilter(tx, ctx, body, bulk) : await selectByIds(tx, ctx, body.ids, bulk);
      if (!body.dryRun) return found;
      if (bulk.verb === 'createDraft')
        return judgeDue(
          tx,
          ctx,
          deps,
          now,
          found.map((one) => one.id),
        );
      return body.ids === undefined ? found : judgeIds(tx, ctx, now, found, bulk);
    });
    if (body.expectedCount !== undefined && body.expectedCount !== selected.length)
      throw new DomainError('operation.selection_changed', { currentCount: selected.length });
    if (body.dryRun) {
      const skipped = selected.flatMap(({ id, code }) => (code === null ? [] : [{ id, code }]));
      return answer({ matched: selected.length, eligible: selected.length - skipped.length, skipped }, { status: 200 });
    }
    const { reasonCode, note, publicReason } = reasonOf(body);
    const steppedUp = ctx.caller.session !== null && ctx.caller.isSteppedUp;
    return ctx.write(
      async (tx, act) => {
        const id = act.newId('operation');
        const { reference, paidOn, note: paidNote = null } = body;
        const { templateId, set } = body;
        if (set !== undefined) await checkSet(tx, set);
        if (templateId !== undefined && (await findTemplate(tx, templateId)) === undefined)
          throw invalid({ pointer: '#/templateId', code: 'not_found', detail: 'There is no template with this id.' });
        const params = isMarking
          ? { params: { reference, paidOn, note: paidNote } }
          : templateId !== undefined
            ? { params: { templateId } }
            : set === undefined
              ? {}
              : { params: { set } };
        const request = { reasonCode, note, publicReason, steppedUp, ...params };
        await insertOperation(tx, act, {
          id,
          kind: body.kind,
          request,
          objectIds: selected.map((one) => one.id),
          reversible: undoKindOf(body.kind) !== undefined,
        });
        return started(tx, act, ctx.caller, id);
      },
      { wake: true },
    );
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/v1/operations/:operationId/cancel',
  summary: 'Stop after the page that runs: what was decided stays',
  permission: 'any',
  params: operationParams,
  body: z.strictObject({}),
  reply: operationWire,
  refuses: ['resource.not_found', 'operation.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const found = await getOperation(tx, ctx.caller, ctx.params.operationId);
      const isOwn = found.kind === 'job' && found.job.requestedByUser === ctx.caller.actor.userId;
      const job = isOwn ? await lockOperation(tx, ctx.params.operationId) : undefined;
      // A purge is whole or has not begun: half of the test facts would fit nothing.
      const isUnderWay = job?.kind === purgeKind && job.status === 'running';
      if (job === undefined || isUnderWay || (job.status !== 'queued' && job.status !== 'running'))
        throw new DomainError('operation.transition_not_allowed', {
          currentStatus: job?.status ?? 'done',
          allowedActions: [],
        });
      await moveOperation(tx, act, job, 'cancelled');
      return presentOperation(tx, await getOperation(tx, ctx.caller, ctx.params.operationId));
    }),
});

const undoRight: Readonly<Record<UndoKind, Permission>> = {
  'affiliates.reopen': 'status.change',
  'affiliates.reactivate': 'status.change',
  'referrals.reopen': 'referral.reopen',
  'commissions.withdraw_approval': 'commission.decide',
  'commissions.reinstate': 'commission.decide',
  'commissions.release': 'commission.decide',
};

const undo = defineRoute({
  method: 'POST',
  path: '/v1/operations/:operationId/undo',
  summary: 'Take a finished batch back by a decision per row, once: an operation of its own',
  permission: 'any',
  params: operationParams,
  body: decisionBody,
  reply: operationWire,
  status: 202,
  refuses: [
    'resource.not_found',
    'operation.transition_not_allowed',
    'access.permission_missing',
    'access.wrong_audience',
  ],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const found = await getOperation(tx, ctx.caller, ctx.params.operationId);
        const isOwn = found.kind === 'job' && found.job.requestedByUser === ctx.caller.actor.userId;
        const job = isOwn ? await lockOperation(tx, ctx.params.operationId) : undefined;
        const kind = job === undefined ? undefined : undoKindOf(job.kind);
        const isOver = job?.status === 'done' || job?.status === 'cancelled';
        const isUndoable = found.kind === 'job' && found.job.reversible;
        if (job === undefined || kind === undefined || !isOver || !isUndoable)
          throw new DomainError('operation.transition_not_allowed', {
            currentStatus: found.kind === 'job' ? found.job.status : 'done',
            allowedActions: [],
          });
        if (!ctx.can(undoRight[kind]))
          throw new DomainError('access.permission_missing', { missingPermission: undoRight[kind] });
        if (ctx.caller.audience !== 'staff') throw new DomainError('access.wrong_audience');
        const { reasonCode, note } = reasonOf(ctx.body);
        const steppedUp = ctx.caller.session !== null && ctx.caller.isSteppedUp;
        const items = await listDecidedItems(tx, job.id);
        const id = act.newId('operation');
        await insertOperation(tx, act, {
          id,
          kind,
          request: { reasonCode, note: note ?? `Undoes ${job.id}.`, publicReason: null, steppedUp },
          objectIds: items.map((item) => item.objectId),
          reversible: false,
          undoes: job.id,
        });
        const { objectType } = jobVerbOf(kind);
        const code =
          objectType === 'affiliates'
            ? 'affiliate.already_decided'
            : objectType === 'referrals'
              ? 'referral.already_decided'
              : 'commission.already_decided';
        for (const [index, item] of items.entries())
          if (!item.isLast)
            await markItemSkipped(tx, id, index + 1, { code, detail: 'Somebody decided on it after the batch.' });
        return started(tx, act, ctx.caller, id);
      },
      { wake: true },
    ),
});

export const operationRoutes: readonly Route[] = [list, create, getOne, listItems, cancel, undo];
