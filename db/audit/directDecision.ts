import { type Act, actFor, type Actor } from '../../domain/act.js';
import type { Refused } from '../../domain/decided.js';
import { DomainError } from '../../domain/errors.js';
import type { Instant } from '../../domain/time.js';
import { findUserName, listUserNames } from '../access/userName.js';
import type { ReadTx, Tx } from '../transaction.js';
import { insertDecision, settleDecision } from './decision.js';

/**
 * Stores a decision that takes effect in the same transaction (architecture.md 5: what nothing waits for): who, what and why, done at
 * once. Answers the act that its effects are written under, so that their history names the decision as cause.
 */
export async function recordDirectDecision(
  tx: Tx,
  act: Act,
  decision: {
    /** As in the path, snake_case: `approve`, `suspend`. */
    readonly verb: string;
    /** Singular, as in the history: `affiliate`. */
    readonly objectType: string;
    readonly objectId: string;
    readonly reasonCode: string;
    readonly note: string | null;
    readonly publicReason: string | null;
    readonly params?: Readonly<Record<string, unknown>>;
    readonly steppedUp: boolean;
  },
): Promise<Act> {
  const id = act.newId('decision');
  await insertDecision(tx, act, {
    id,
    verb: decision.verb,
    objectType: decision.objectType,
    objectId: decision.objectId,
    workflowId: '', // no workflow takes it up: it is settled two lines further down
    reasonCode: decision.reasonCode,
    note: decision.note,
    publicReason: decision.publicReason,
    params: decision.params ?? {},
    via: 'api',
    callerKey: null, // the key is reserved by the route, in this transaction
    requestHash: null,
    steppedUp: decision.steppedUp,
    operationId: null,
  });
  settleDecision(tx, act, id, { state: 'done' });
  return actFor(act, { cause: { type: 'decision', id }, reasonCode: decision.reasonCode });
}

/** A refusal as the caller gets it: an "already decided" with who and when, each with what is possible instead (api.md 1.5). */
export async function refusalWithHistory(
  tx: ReadTx | Tx,
  refusal: Refused,
  objectId: string,
  allowedActions: readonly string[],
): Promise<DomainError> {
  if (refusal.params['currentStatus'] === undefined) return new DomainError(refusal.code, refusal.params);
  if (!refusal.code.endsWith('.already_decided'))
    return new DomainError(refusal.code, { ...refusal.params, allowedActions });
  // Which act brought the object into its present status?
  const move = await tx('audit_entries')
    .where({ object_id: objectId })
    .whereRaw('from_status is distinct from to_status')
    .orderBy('seq', 'desc')
    .first<{ actor_user_id: string | null; actor_id: string | null; at: Instant } | undefined>(
      'actor_user_id',
      'actor_id',
      'at',
    );
  const by = move?.actor_user_id ?? move?.actor_id ?? null;
  return new DomainError(refusal.code, {
    ...refusal.params,
    decidedBy: by === null ? null : { id: by, name: (await findUserName(tx, by)) ?? null },
    decidedAt: move?.at ?? null,
    allowedActions,
  });
}

/** The last decision on an object as its resource shows it. */
export interface LastDecision {
  readonly id: string;
  readonly verb: string;
  readonly by: { readonly type: Actor['type']; readonly id: string | null; readonly name: string | null };
  readonly at: Instant;
  readonly reasonCode: string;
  readonly reason: string | null;
}

interface LastDecisionRow {
  readonly object_id: string;
  readonly id: string;
  readonly verb: string;
  readonly actor_type: Actor['type'];
  readonly actor_id: string | null;
  readonly actor_user_id: string | null;
  readonly processed_at: Instant;
  readonly reason_code: string;
  readonly note: string | null;
}

/** Of each of these objects the last decision that took effect, by object id; without one an object is left out. */
export async function listLastDecisions(
  tx: ReadTx | Tx,
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, LastDecision>> {
  if (objectIds.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: LastDecisionRow[] }>(
    `
    select distinct on (decision.object_id)
      decision.object_id, decision.id, decision.verb, decision.actor_type, decision.actor_id, decision.actor_user_id,
      decision.processed_at, decision.reason_code, decision.note
    from decisions as decision
    where decision.object_id = any(:objectIds)
      and decision.state = 'done'
    order by decision.object_id, decision.processed_at desc, decision.id desc`,
    { objectIds: [...objectIds] },
  );
  const names = await listUserNames(
    tx,
    rows.flatMap((row) => row.actor_user_id ?? row.actor_id ?? []),
  );
  return new Map(
    rows.map((row) => [
      row.object_id,
      {
        id: row.id,
        verb: row.verb,
        by: {
          type: row.actor_type,
          id: row.actor_id,
          name: names.get(row.actor_user_id ?? row.actor_id ?? '') ?? null,
        },
        at: row.processed_at,
        reasonCode: row.reason_code,
        reason: row.note,
      },
    ]),
  );
}
