import { findUserName } from '../db/access/userName.js';
import { type DecisionRecord, findDecisionByKey, insertDecision } from '../db/audit/decision.js';
import { enqueue } from '../db/messaging/outbox.js';
import { inWorkspace, notify, type ReadTx, type Tx } from '../db/transaction.js';
import type { Act } from '../domain/act.js';
import { DomainError, type DomainErrorCode, type ErrorParams, InvariantError } from '../domain/errors.js';
import type { DecisionId } from '../domain/ids.js';
import type { Instant } from '../domain/time.js';
import { failpoint } from '../platform/failpoint.js';
import { signalMessage, type WorkflowType } from '../workflows/contract.js';
import { presentDecisionAsOperation } from './schemas/reporting/bulkOperation.js';
import type { DecisionReason } from './schemas/wire.js';
import type { ApiDeps } from './deps.js';
import { AcceptedDecision, type Answer, answer } from './answer.js';
import type { RouteContext } from './routeContext.js';
import { Handling } from './handling.js';

export interface DecisionWish<R> {
  /** Snake or camel as the state table's verb: `approve`, `withdraw_approval`. */
  readonly verb: string;
  /** Plural, as in operations: `referrals`, `payout_runs`; also `objectType` of the decision row. */
  readonly objectType: string;
  readonly objectId: string;
  readonly workflowType: WorkflowType;
  readonly workflowId: string;
  /** Name of the signal, one of the verbs of workflows/contract.ts. */
  readonly signal: string;
  /** The workflow's input, should the signal have to start a run. */
  readonly input: Parameters<typeof signalMessage>[0]['input'];
  readonly reason: DecisionReason;
  /** What the verb needs beside: `planHash`, `until`. Ids, codes and instants. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** Runs before the decision is stored: does the object exist in the caller's mode and scope? Throws what the route refuses. */
  readonly check: (tx: Tx, act: Act) => Promise<void>;
  /** The resource after the decision, for the 200. */
  readonly present: (tx: ReadTx, now: Instant) => Promise<R>;
}

/**
 * A decision that a workflow takes (decisions 5): the row and the signal in one transaction, then at most 5 s for the outcome. 200 with
 * the resource; the stored refusal as its problem; 202 with an operation of one item. The same Idempotency-Key again finds its row.
 */
export async function decide<P, Q, B, R>(
  context: RouteContext<P, Q, B, R>,
  deps: ApiDeps,
  wish: DecisionWish<R>,
): Promise<R | Answer<R> | AcceptedDecision> {
  const ctx = context as Handling<P, Q, B, R>;
  const decisionId = deps.newId('decision');
  const stored = await inWorkspace(deps.db, ctx.workspaceId, async (tx, now) => {
    const act = ctx.act(now);
    const ofKey = ctx.key === null ? undefined : await findDecisionByKey(tx, byKey(ctx, wish, ctx.key));
    if (ofKey !== undefined) return ofKey;
    await wish.check(tx, act);
    const isNew = await insertDecision(tx, act, {
      id: decisionId,
      verb: wish.verb,
      objectType: wish.objectType,
      objectId: wish.objectId,
      workflowId: wish.workflowId,
      reasonCode: wish.reason.reasonCode,
      note: wish.reason.note,
      publicReason: wish.reason.publicReason,
      params: wish.params ?? {},
      via: 'api',
      callerKey: ctx.key,
      requestHash: ctx.requestHash,
      steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
      operationId: null,
    });
    // Another request with the same key committed meanwhile: its row is the decision.
    if (!isNew && ctx.key !== null) return findDecisionByKey(tx, byKey(ctx, wish, ctx.key));
    const { workflowType, workflowId, input, signal } = wish;
    await enqueue(tx, signalMessage({ workflowType, workflowId, input, signal, argument: { decisionId } }, 2));
    failpoint('api.written');
    return undefined;
  });
  failpoint('api.committed');
  if (stored !== undefined && stored.requestHash !== ctx.requestHash)
    throw new DomainError('request.idempotency_mismatch', { firstRequestId: stored.requestId });
  if (stored === undefined) await notify(deps.db, 'outbox', '');
  else ctx.koa.set('Idempotent-Replayed', 'true');

  const id: DecisionId = stored?.id ?? decisionId;
  const decision = await deps.outcomes.wait(ctx.workspaceId, id);
  if (decision === undefined) throw new InvariantError('a decision that was stored is there', { decisionId: id });
  if (decision.state === 'refused') throw await refusalOf(ctx, decision);
  if (decision.state === 'done') return ctx.read(wish.present);
  const operation = presentDecisionAsOperation(decision, ctx.caller.name);
  return new AcceptedDecision(answer(operation, { status: 202, location: `/v1/operations/${operation.id}` }));
}

function byKey<P, Q, B, R>(ctx: Handling<P, Q, B, R>, wish: DecisionWish<R>, callerKey: string) {
  return { mode: ctx.mode, actorId: ctx.actor.id, verb: wish.verb, objectId: wish.objectId, callerKey };
}

/** The stored refusal, with the name of who decided before: rows hold ids only. */
async function refusalOf<P, Q, B, R>(ctx: Handling<P, Q, B, R>, decision: DecisionRecord): Promise<DomainError> {
  const params: ErrorParams = decision.outcome ?? {};
  const by = params['decidedBy'];
  const id = typeof by === 'string' ? by : typeof by === 'object' && by !== null && 'id' in by ? by.id : undefined;
  if (typeof id !== 'string') return new DomainError(decision.code as DomainErrorCode, params);
  const name = await ctx.read((tx) => findUserName(tx, id));
  return new DomainError(decision.code as DomainErrorCode, { ...params, decidedBy: { id, name: name ?? null } });
}
