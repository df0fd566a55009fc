import type { Act, Actor, Mode } from '../../domain/act.js';
import type { DecisionId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { later, once, run } from '../pipeline.js';
import type { ReadTx, Tx } from '../transaction.js';

export type DecisionVia = 'api' | 'bulk' | 'temporal' | 'system';

/** Who asked for what, and what came of it: open → done or refused. */
export interface DecisionRecord {
  readonly id: DecisionId;
  readonly mode: Mode;
  readonly verb: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly workflowId: string;
  readonly actor: Actor;
  readonly reasonCode: string;
  readonly note: string | null;
  readonly publicReason: string | null;
  readonly params: Readonly<Record<string, unknown>>;
  readonly via: DecisionVia;
  readonly steppedUp: boolean;
  readonly operationId: string | null;
  readonly state: 'open' | 'done' | 'refused';
  readonly code: string | null;
  readonly outcome: Readonly<Record<string, unknown>> | null;
  readonly requestHash: string | null;
  readonly requestId: string | null;
  readonly createdAt: Instant;
  readonly processedAt: Instant | null;
}

export interface NewDecision {
  readonly id: DecisionId;
  readonly verb: string;
  readonly objectType: string;
  readonly objectId: string;
  readonly workflowId: string;
  readonly reasonCode: string;
  readonly note: string | null;
  readonly publicReason: string | null;
  readonly params: Readonly<Record<string, unknown>>;
  readonly via: DecisionVia;
  readonly callerKey: string | null;
  readonly requestHash: string | null;
  readonly steppedUp: boolean;
  readonly operationId: string | null;
}

interface DecisionRow {
  readonly id: string;
  readonly mode: Mode;
  readonly verb: string;
  readonly object_type: string;
  readonly object_id: string;
  readonly workflow_id: string;
  readonly actor_type: Actor['type'];
  readonly actor_id: string | null;
  readonly actor_user_id: string | null;
  readonly reason_code: string;
  readonly note: string | null;
  readonly public_reason: string | null;
  readonly params: Record<string, unknown>;
  readonly via: DecisionVia;
  readonly stepped_up: boolean;
  readonly operation_id: string | null;
  readonly state: 'open' | 'done' | 'refused';
  readonly code: string | null;
  readonly outcome: Record<string, unknown> | null;
  readonly request_hash: Buffer | null;
  readonly request_id: string | null;
  readonly created_at: Instant;
  readonly processed_at: Instant | null;
}

function toDecision(row: DecisionRow): DecisionRecord {
  return {
    id: row.id as DecisionId,
    mode: row.mode,
    verb: row.verb,
    objectType: row.object_type,
    objectId: row.object_id,
    workflowId: row.workflow_id,
    actor: { type: row.actor_type, id: row.actor_id, userId: row.actor_user_id },
    reasonCode: row.reason_code,
    note: row.note,
    publicReason: row.public_reason,
    params: row.params,
    via: row.via,
    steppedUp: row.stepped_up,
    operationId: row.operation_id,
    state: row.state,
    code: row.code,
    outcome: row.outcome,
    requestHash: row.request_hash?.toString('hex') ?? null,
    requestId: row.request_id,
    createdAt: row.created_at,
    processedAt: row.processed_at,
  };
}

/** Stores the wish. False when the caller's key has one already (the caller reads it with `findDecisionByKey`). */
export async function insertDecision(tx: Tx, act: Act, decision: NewDecision): Promise<boolean> {
  const inserted = await tx('decisions')
    .insert({
      id: decision.id,
      mode: act.mode,
      verb: decision.verb,
      object_type: decision.objectType,
      object_id: decision.objectId,
      workflow_id: decision.workflowId,
      actor_type: act.actor.type,
      actor_id: act.actor.id,
      actor_user_id: act.actor.userId,
      reason_code: decision.reasonCode,
      note: decision.note,
      public_reason: decision.publicReason,
      params: JSON.stringify(decision.params),
      via: decision.via,
      caller_key: decision.callerKey,
      request_hash: decision.requestHash === null ? null : Buffer.from(decision.requestHash, 'hex'),
      request_id: act.requestId,
      stepped_up: decision.steppedUp,
      operation_id: decision.operationId,
      created_at: act.now,
    })
    .onConflict()
    .ignore()
    .returning('id');
  return inserted.length === 1;
}

export async function findDecision(tx: ReadTx | Tx, id: string): Promise<DecisionRecord | undefined> {
  const row = await tx('decisions').where({ id }).first<DecisionRow | undefined>();
  return row === undefined ? undefined : toDecision(row);
}

/** The decision that this caller's Idempotency-Key made on this object, if any (api.md 1.4). */
export async function findDecisionByKey(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly actorId: string | null;
    readonly verb: string;
    readonly objectId: string;
    readonly callerKey: string;
  },
): Promise<DecisionRecord | undefined> {
  const row = await tx('decisions')
    .where({ mode: of.mode, verb: of.verb, object_id: of.objectId, caller_key: of.callerKey })
    .whereRaw(`coalesce(actor_id, '') = ?`, [of.actorId ?? ''])
    .first<DecisionRow | undefined>();
  return row === undefined ? undefined : toDecision(row);
}

/** Locks the decision until the end of the transaction, so that two runs of its activity settle it once. */
export function lockDecision(tx: Tx, id: string): Promise<DecisionRecord | undefined> {
  return once(tx, ['decisions'], `decisions/${id}`, async () => {
    const [row] = await run<DecisionRow>(tx, 'select * from decisions where id = $1 for no key update', [id]);
    return row === undefined ? undefined : toDecision(row);
  });
}

/** Writes the outcome on the decision's own row; a settled one is never settled again. */
export function settleDecision(
  tx: Tx,
  act: Act,
  id: string,
  outcome: {
    readonly state: 'done' | 'refused';
    readonly code?: string;
    readonly params?: Readonly<Record<string, unknown>>;
  },
): void {
  later(
    tx,
    `update decisions set state = $1, code = $2, outcome = $3, processed_at = $4 where id = $5 and state = 'open'`,
    [outcome.state, outcome.code ?? null, JSON.stringify(outcome.params ?? {}), act.now, id],
  );
}

/** The last decision that took effect on an object, for `decision` on its resource (api.md 1.8). */
export function findLastDecision(tx: ReadTx | Tx, objectId: string): Promise<DecisionRecord | undefined> {
  return once(tx, ['decisions'], `last decision of ${objectId}`, async () => {
    const [row] = await run<DecisionRow>(
      tx,
      `select * from decisions where object_id = $1 and state = 'done' order by processed_at desc, id desc limit 1`,
      [objectId],
    );
    return row === undefined ? undefined : toDecision(row);
  });
}
