import type { Act } from '../../domain/act.js';
import type { Check, CheckKind } from '../../domain/earning/check.js';
import { type CheckEvent, checkTransitions } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { once, run } from '../pipeline.js';
import { type CheckRow, toCheck } from '../reads/earning/checkRow.js';
import type { ReadTx, Tx } from '../transaction.js';

/** The referral's checks, oldest first; read once per transaction. The referral's lock covers them too. */
export function listChecks(tx: ReadTx | Tx, referralId: string): Promise<readonly Check[]> {
  return once(tx, ['checks'], `checks of ${referralId}`, async () => {
    const rows = await run<CheckRow>(tx, 'select * from checks where referral_id = $1 order by created_at, id', [
      referralId,
    ]);
    return rows.map(toCheck);
  });
}

export async function findCheck(tx: ReadTx | Tx, id: string): Promise<Check | undefined> {
  const row = await tx('checks').where({ id }).first<CheckRow | undefined>();
  return row === undefined ? undefined : toCheck(row);
}

/** Opens a check as `waiting`; one of this kind that is there already stays as it is. Answers whether it is new. */
export async function insertCheck(
  tx: Tx,
  act: Act,
  check: {
    readonly referralId: string;
    readonly kind: CheckKind;
    readonly required: boolean;
    readonly provider: string | null;
  },
): Promise<boolean> {
  const id = act.newId('check');
  const inserted = await tx('checks')
    .insert({
      id,
      referral_id: check.referralId,
      kind: check.kind,
      status: 'waiting',
      required: check.required,
      provider: check.provider,
      ask_at: check.provider === null ? null : act.now,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(['workspace_id', 'referral_id', 'kind'])
    .ignore()
    .returning('id');
  if (inserted.length === 0) return false;
  await recordAudit(tx, act, {
    objectType: 'check',
    objectId: id,
    seq: 1,
    event: 'opened',
    to: 'waiting',
    changes: { referralId: check.referralId, kind: check.kind, required: check.required },
  });
  return true;
}

/** Moves a check to the status that the event leads to; asked anew, it forgets what was found. The caller has judged the move. */
export async function moveCheck(
  tx: Tx,
  act: Act,
  check: Check,
  event: CheckEvent,
  found: { readonly reasonCode: string | null; readonly evidence?: Readonly<Record<string, unknown>> },
): Promise<Check> {
  const to = nextStatus(checkTransitions, check.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: check.status, event });
  const isAsking = event === 'askedAnew';
  const [row] = await tx('checks')
    .where({ id: check.id, version: check.version })
    .update({
      status: to,
      reason_code: isAsking ? null : found.reasonCode,
      ...(found.evidence === undefined ? {} : { evidence: JSON.stringify(found.evidence) }),
      decided_by: isAsking ? null : (act.actor.userId ?? act.actor.id),
      decided_at: isAsking ? null : act.now,
      ask_at: isAsking && check.provider !== null ? act.now : null,
      pending_verdict: null,
      processed_at: isAsking ? null : act.now,
      outcome: isAsking ? null : to,
      version: check.version + 1,
      updated_at: act.now,
    })
    .returning<CheckRow[]>('*');
  assertInvariant(row !== undefined, 'a check is written at the version it was read', { checkId: check.id });
  await recordAudit(tx, act, {
    objectType: 'check',
    objectId: check.id,
    seq: check.version + 1,
    event,
    from: check.status,
    to,
    reasonCode: isAsking ? null : found.reasonCode,
    changes: { referralId: check.referralId, kind: check.kind },
  });
  return toCheck(row);
}

/** The provider did not answer, or did not know: when to ask again. */
export async function postponeCheck(tx: Tx, act: Act, check: Check, askAt: Instant): Promise<void> {
  const asked = typeof check.evidence['unknown'] === 'number' ? check.evidence['unknown'] : 0;
  await tx('checks')
    .where({ id: check.id, version: check.version })
    .update({
      ask_at: askAt,
      pending_verdict: null,
      evidence: JSON.stringify({ ...check.evidence, unknown: asked + 1 }),
      version: check.version + 1,
      updated_at: act.now,
    });
  await recordAudit(tx, act, {
    objectType: 'check',
    objectId: check.id,
    seq: check.version + 1,
    event: 'unknown',
    from: check.status,
    to: check.status,
    changes: { referralId: check.referralId, askAt },
  });
}

/** A verdict that changes nothing any more is taken off the row, so that nobody takes it up again. */
export async function clearVerdict(tx: Tx, act: Act, check: Check): Promise<void> {
  await tx('checks')
    .where({ id: check.id })
    .update({ pending_verdict: null, ask_at: null, processed_at: act.now, outcome: 'unchanged', updated_at: act.now });
}

/** Has money of this referral really arrived? Confirms the payment check. */
export async function findConfirmingSale(tx: ReadTx | Tx, referralId: string): Promise<string | undefined> {
  const row = await tx('sales')
    .where({ referral_id: referralId })
    .whereIn('status', ['succeeded', 'part_refunded'])
    .where('in_review', false)
    .orderBy('occurred_at')
    .first<{ id: string } | undefined>('id');
  return row?.id;
}
