import { recordDirectDecision, refusalWithHistory } from '../../../db/audit/directDecision.js';
import type { Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import type { Decided } from '../../../domain/decided.js';
import { type FieldCode, invalid } from '../../problems.js';
import type { RouteContext } from '../../routeContext.js';
import type { DecisionReason } from '../../schemas/wire.js';

type Caller = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'caller'>;

/**
 * Turns a judged move into the act it happens under: the decision's row stands first, its effects name it as their cause. A refusal is
 * thrown with who decided before, when, and what is possible instead.
 */
export async function decideHere(
  ctx: Caller,
  tx: Tx,
  act: Act,
  wish: {
    readonly verb: string;
    readonly objectType:
      | 'program'
      | 'affiliate'
      | 'enrolment'
      | 'link'
      | 'payout_method'
      | 'customer_account'
      | 'affiliate_document';
    readonly objectId: string;
    readonly decided: Decided;
    readonly allowedActions: readonly string[];
    readonly reason: DecisionReason;
    readonly params?: Readonly<Record<string, unknown>>;
  },
): Promise<Act> {
  if (wish.decided.kind === 'refused')
    throw await refusalWithHistory(tx, wish.decided, wish.objectId, wish.allowedActions);
  return recordDirectDecision(tx, act, {
    verb: wish.verb,
    objectType: wish.objectType,
    objectId: wish.objectId,
    ...wish.reason,
    ...(wish.params === undefined ? {} : { params: wish.params }),
    steppedUp: ctx.caller.session !== null && ctx.caller.isSteppedUp,
  });
}

/** A field of a body that a rule refused. */
export function fieldRefusal(field: string, code: FieldCode, detail: string): ReturnType<typeof invalid> {
  return invalid({ pointer: `#/${field}`, code, detail });
}
