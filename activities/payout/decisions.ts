import { insertDecision, lockDecision, type DecisionRecord, settleDecision } from '../../db/audit/decision.js';
import { isSecondPersonRequired, listHolders } from '../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../db/transaction.js';
import type { Permission } from '../../domain/access/permission.js';
import { type Act, actFor } from '../../domain/act.js';
import type { Refused } from '../../domain/decided.js';
import { type DecisionId, idPrefixes } from '../../domain/ids.js';
import { type Approver, judgeFourEyes, type SecondPerson } from '../../domain/payout/payoutRun.js';
import type { Claim } from '../../workflows/contract.js';

/** A refusal inside a decision: recorded on its row, nothing else is written. */
export class Refusal extends Error {
  readonly refused: Refused;

  constructor(refused: Refused) {
    super(refused.code);
    this.name = 'Refusal';
    this.refused = refused;
  }
}

export function refuse(refused: Refused): never {
  throw new Refusal(refused);
}

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';

/** A UUID drawn in a workflow → the id of the decision's row: the same again when the activity runs again (temporal.md 3.7). */
export function decisionIdOf(uuid: string): DecisionId {
  let left = BigInt(`0x${uuid.replaceAll('-', '')}`);
  let text = '';
  for (let i = 0; i < 26; i += 1) {
    text = `${alphabet[Number(left & 31n)] ?? '0'}${text}`;
    left >>= 5n;
  }
  return `${idPrefixes.decision}_${text}` as DecisionId;
}

/**
 * Takes one decision to its outcome under its row's lock: `work` judges before it writes and throws `Refusal` for a no. Settled ones are
 * left as they are, so a second run of the activity changes nothing.
 */
export async function takeDecision(
  tx: Tx,
  act: Act,
  decisionId: string,
  of: { readonly objectId: string },
  work: (decision: DecisionRecord, act: Act) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  const decision = await lockDecision(tx, decisionId);
  if (decision === undefined || decision.state !== 'open' || decision.objectId !== of.objectId) return;
  const caused = actFor(act, {
    actor: decision.actor,
    cause: { type: 'decision', id: decision.id },
    reasonCode: decision.reasonCode,
    mode: decision.mode,
  });
  try {
    const params = await work(decision, caused);
    settleDecision(tx, caused, decision.id, { state: 'done', params });
  } catch (error) {
    // A DomainError thrown before the first write is a refusal as well; a constraint's comes at COMMIT and rolls all of it back.
    const refused = error instanceof Refusal ? error.refused : undefined;
    if (refused === undefined) throw error;
    const params = await withNames(tx, refused.params);
    settleDecision(tx, caused, decision.id, { state: 'refused', code: refused.code, params });
  }
}

/** `decidedById` → who that is, as a person reads it: "already approved by Ana". */
async function withNames(
  tx: Tx,
  params: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const { decidedById, ...rest } = params;
  if (decidedById === undefined) return params;
  const user =
    typeof decidedById === 'string'
      ? await tx('users').where({ id: decidedById }).first<{ id: string; name: string } | undefined>('id', 'name')
      : undefined;
  return { ...rest, decidedBy: user === undefined ? null : { id: user.id, name: user.name } };
}

/** The right is checked where the row is locked: whoever can reach Temporal could have sent it. Code: access.permission_missing. */
export async function requireRight(
  tx: Tx,
  decision: DecisionRecord,
  permission: Permission,
  ...orElse: readonly Permission[]
): Promise<void> {
  const { type, userId } = decision.actor;
  if (type === 'system') return;
  for (const right of [permission, ...orElse])
    if (userId !== null && (await listHolders(tx, right)).includes(userId)) return;
  refuse({ kind: 'refused', code: 'access.permission_missing', params: { missingPermission: permission } });
}

/** What needs a step-up or a second person does not come by a signal sent by hand: nobody proved who sends it (temporal.md 3.7). */
export function refuseByHand(decision: DecisionRecord): void {
  if (decision.via === 'temporal') refuse({ kind: 'refused', code: 'access.step_up_required', params: {} });
}

/** Four eyes, with everything it depends on read now. */
export async function secondPersonFor(
  tx: Tx,
  decision: DecisionRecord,
  permission: Permission,
  work: { readonly createdByUser: string | null; readonly editors: readonly string[] },
): Promise<SecondPerson> {
  const verdict = judgeFourEyes(work, await approverOf(tx, decision, permission));
  return verdict.ok ? verdict.secondPerson : refuse(verdict.refusal);
}

export async function approverOf(tx: Tx, decision: DecisionRecord, permission: Permission): Promise<Approver> {
  const holders = await listHolders(tx, permission);
  return {
    userId: decision.actor.userId,
    isKey: decision.actor.type === 'api_key',
    steppedUp: decision.steppedUp,
    others: holders.filter((holder) => holder !== decision.actor.userId).length,
    isSecondRequired: await isSecondPersonRequired(tx),
    mode: decision.mode,
  };
}

/**
 * A decision sent from Temporal's own tools gets its row here: `by` is shown as claimed, the reason is a code. What cannot be read is kept
 * as refused (`decision.malformed`). Answers the id under which it is then taken.
 */
export async function recordClaim(
  tx: Tx,
  act: Act,
  of: {
    readonly decisionId: string;
    readonly verb: string;
    readonly objectType: string;
    readonly objectId: string;
    readonly workflowId: string;
    readonly claim: Claim | null;
  },
): Promise<DecisionId> {
  const id = decisionIdOf(of.decisionId);
  const claim = of.claim ?? {};
  const isReadable = typeof claim.by === 'string' && /^[a-z_0-9]{1,64}$/.test(claim.by);
  const reason =
    typeof claim.reason === 'string' && /^[a-z_]{1,40}$/.test(claim.reason) ? claim.reason : 'staff_decision';
  const claimed = actFor(act, {
    actor: {
      type: 'temporal',
      id: isReadable ? (claim.by ?? null) : null,
      userId: isReadable ? (claim.by ?? null) : null,
    },
  });
  const isNew = await insertDecision(tx, claimed, {
    id,
    verb: of.verb,
    objectType: of.objectType,
    objectId: of.objectId,
    workflowId: of.workflowId,
    reasonCode: reason,
    note: null,
    publicReason: null,
    params: typeof claim.planHash === 'string' ? { planHash: claim.planHash.slice(0, 100) } : {},
    via: 'temporal',
    callerKey: null,
    requestHash: null,
    steppedUp: false,
    operationId: null,
  });
  if (isNew && !isReadable)
    settleDecision(tx, claimed, id, { state: 'refused', code: 'decision.malformed', params: {} });
  return id;
}
