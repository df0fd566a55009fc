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
  /** Null: nobody asked for it; a rule, a fact or a decision on another object moved this one. */
  readonly id: string | null;
  readonly verb: string;
  readonly by: { readonly type: Actor['type']; readonly id: string | null; readonly name: string | null };
  readonly at: Instant;
  readonly reasonCode: string | null;
  readonly reason: string | null;
}

/** Moves that answer a question (features.md 2), with the verb that asks for it; what only happened, as `paid`, is none. */
const verbOfMove: Readonly<Record<string, string>> = {
  accepted: 'accept',
  activated: 'activate',
  approvalWithdrawn: 'withdraw_approval',
  approved: 'approve',
  declined: 'decline',
  duplicated: 'duplicate',
  ended: 'end',
  invalidated: 'invalidate',
  paused: 'pause',
  reactivated: 'reactivate',
  reinstated: 'reinstate',
  rejected: 'reject',
  reopened: 'reopen',
  resumed: 'resume',
  reversed: 'reverse',
  suspended: 'suspend',
  terminated: 'terminate',
};

interface LastDecisionRow {
  readonly object_id: string;
  readonly id: string | null;
  /** Of a move its event. */
  readonly verb: string;
  readonly actor_type: Actor['type'];
  readonly actor_id: string | null;
  readonly actor_user_id: string | null;
  readonly at: Instant;
  readonly reason_code: string | null;
  readonly note: string | null;
}

/**
 * Of each of these objects the last decision that took effect, by object id: one that was asked for, or a move that the system, a fact or a
 * decision on another object made (api.md 1.8). Without one an object is left out.
 */
export async function listLastDecisions(
  tx: ReadTx | Tx,
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, LastDecision>> {
  if (objectIds.length === 0) return new Map();
  const { rows } = await tx.raw<{ rows: LastDecisionRow[] }>(
    `
    select distinct on (told.object_id) told.*
    from (
      select decision.object_id, decision.id, decision.verb, decision.actor_type, decision.actor_id,
        decision.actor_user_id, decision.processed_at as at, decision.reason_code, decision.note
      from decisions as decision
      where decision.object_id = any(:objectIds)
        and decision.state = 'done'
      union all
      select wanted.id, null, move.event, move.actor_type, move.actor_id,
        move.actor_user_id, move.at, move.reason_code, null
      from unnest(cast(:objectIds as text[])) as wanted (id)
      cross join lateral (
        select entry.event, entry.actor_type, entry.actor_id, entry.actor_user_id, entry.at, entry.reason_code
        from audit_entries as entry
        where entry.object_id = wanted.id
          and entry.event = any(:moves)
          and entry.from_status <> entry.to_status
          and (entry.actor_type = 'system' or entry.reason_code is not null)
        order by entry.seq desc
        limit 1
      ) as move
    ) as told
    order by told.object_id, told.at desc, told.id desc nulls last`,
    { objectIds: [...objectIds], moves: Object.keys(verbOfMove) },
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
        verb: row.id === null ? (verbOfMove[row.verb] ?? row.verb) : row.verb,
        by: {
          type: row.actor_type,
          id: row.actor_id,
          name: names.get(row.actor_user_id ?? row.actor_id ?? '') ?? null,
        },
        at: row.at,
        reasonCode: row.reason_code,
        reason: row.note,
      },
    ]),
  );
}
