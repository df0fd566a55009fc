import type { Act } from '../../domain/act.js';
import type { Check, CheckKind, PersonKeys } from '../../domain/earning/check.js';
import { type CheckEvent, checkTransitions } from '../../domain/earning/referral.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import type { RiskFlag } from '../../domain/tracking/riskFlag.js';
import { recordAudit } from '../audit/audit.js';
import { type CheckRow, toCheck } from '../reads/earning/checkRow.js';
import type { ReadTx, Tx } from '../transaction.js';

/** The referral's checks, oldest first. The referral's lock covers them too. */
export async function listChecks(tx: ReadTx | Tx, referralId: string): Promise<readonly Check[]> {
  const rows = await tx('checks')
    .where({ referral_id: referralId })
    .orderBy('created_at')
    .orderBy('id')
    .select<CheckRow[]>('*');
  return rows.map(toCheck);
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

interface PersonRow {
  readonly contact_id: string | null;
  readonly email_key: string | null;
  readonly phone_key: string | null;
}

/** Buyer and affiliates as keys to compare. */
export async function findPeople(
  tx: ReadTx | Tx,
  of: { readonly contactId: string; readonly affiliateIds: readonly string[] },
): Promise<{
  readonly buyer: PersonKeys;
  readonly affiliates: readonly (PersonKeys & { readonly affiliateId: AffiliateId })[];
}> {
  const buyer = await tx('contacts')
    .where({ id: of.contactId })
    .first<PersonRow | undefined>('id as contact_id', 'email_key', 'phone_key');
  const affiliates = await tx('affiliates')
    .join('contacts', function on() {
      this.on('contacts.workspace_id', 'affiliates.workspace_id').andOn('contacts.id', 'affiliates.contact_id');
    })
    .whereIn('affiliates.id', [...of.affiliateIds])
    .orderBy('affiliates.id')
    .select<(PersonRow & { readonly affiliate_id: string })[]>(
      'affiliates.id as affiliate_id',
      'affiliates.contact_id',
      'contacts.email_key',
      'contacts.phone_key',
    );
  return {
    buyer: toPerson(buyer ?? { contact_id: of.contactId, email_key: null, phone_key: null }),
    affiliates: affiliates.map((row) => ({ ...toPerson(row), affiliateId: row.affiliate_id as AffiliateId })),
  };
}

function toPerson(row: PersonRow): PersonKeys {
  return { contactId: row.contact_id, emailKey: row.email_key, phoneKey: row.phone_key };
}

/** Raises a flag once per referral and code. Answers whether it is new. */
export async function insertRiskFlag(
  tx: Tx,
  act: Act,
  flag: Pick<RiskFlag, 'referralId' | 'affiliateId' | 'code' | 'evidence'>,
): Promise<boolean> {
  const there = await tx('risk_flags')
    .where({ referral_id: flag.referralId, code: flag.code })
    .first<{ id: string } | undefined>('id');
  if (there !== undefined) return false;
  const id = act.newId('riskFlag');
  await tx('risk_flags').insert({
    id,
    referral_id: flag.referralId,
    affiliate_id: flag.affiliateId,
    code: flag.code,
    evidence: JSON.stringify(flag.evidence),
    created_at: act.now,
  });
  await recordAudit(tx, act, {
    objectType: 'riskFlag',
    objectId: id,
    seq: 1,
    event: 'raised',
    to: 'open',
    changes: { referralId: flag.referralId, affiliateId: flag.affiliateId, code: flag.code },
  });
  return true;
}

export async function hasOpenFlag(tx: ReadTx | Tx, referralId: string): Promise<boolean> {
  const row = await tx('risk_flags')
    .where({ referral_id: referralId })
    .whereNull('dismissed_at')
    .first<{ id: string } | undefined>('id');
  return row !== undefined;
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
