import { z } from 'zod';
import { findUserName } from '../../../db/access/userName.js';
import { type DecisionRecord, findDecision } from '../../../db/audit/decision.js';
import { findOperation, listOperationItems, type OperationView } from '../../../db/reads/reporting/operation.js';
import type { ReadTx } from '../../../db/transaction.js';
import { DomainError, publicCode, type DomainErrorCode } from '../../../domain/errors.js';
import { type OperationId, sameIdAs } from '../../../domain/ids.js';
import type { Caller } from '../../auth.js';
import { listQuery } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import {
  type Operation,
  operationItemWire,
  operationWire,
  presentDecisionAsOperation,
  presentDecisionItem,
} from '../../schemas/reporting/bulkOperation.js';
import { idWire, listOf } from '../../schemas/wire.js';

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
async function getOperation(tx: ReadTx, caller: Caller, id: OperationId): Promise<Found> {
  const job = await findOperation(tx, caller.mode, id);
  if (job !== undefined && maySee(caller, job.requestedByUser)) return { kind: 'job', job };
  const decision = await findDecision(tx, sameIdAs('decision', id));
  const isVisible = decision !== undefined && decision.mode === caller.mode && maySee(caller, decision.actor.userId);
  if (!isVisible) throw new DomainError('resource.not_found');
  return { kind: 'decision', decision };
}

async function presentOperation(tx: ReadTx, found: Found): Promise<Operation> {
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

export const operationRoutes: readonly Route[] = [getOne, listItems];
