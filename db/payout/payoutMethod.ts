import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, PayoutMethodId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import {
  type PayoutMethod,
  type PayoutMethodEvent,
  type PayoutMethodStatus,
  type PayoutMethodType,
  payoutMethodTransitions,
} from '../../domain/payout/payoutMethod.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface PayoutMethodRow {
  readonly id: string;
  readonly affiliate_id: string;
  readonly type: PayoutMethodType;
  readonly currency: string;
  readonly masked: string;
  readonly fingerprint: string;
  readonly status: PayoutMethodStatus;
  readonly created_by: string | null;
  readonly verified_by: string | null;
  readonly verified_at: Instant | null;
  readonly active_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

/** Everything but `details`: a list never loads what is sealed. */
export const payoutMethodColumns = [
  'id',
  'affiliate_id',
  'type',
  'currency',
  'masked',
  'fingerprint',
  'status',
  'created_by',
  'verified_by',
  'verified_at',
  'active_at',
  'version',
  'created_at',
  'updated_at',
] as const;

export function toPayoutMethod(row: PayoutMethodRow): PayoutMethod {
  return {
    id: row.id as PayoutMethodId,
    affiliateId: row.affiliate_id as AffiliateId,
    type: row.type,
    currency: row.currency as CurrencyCode,
    masked: row.masked,
    fingerprint: row.fingerprint,
    status: row.status,
    createdBy: row.created_by,
    verifiedBy: row.verified_by,
    verifiedAt: row.verified_at,
    activeAt: row.active_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findPayoutMethod(tx: ReadTx | Tx, id: string): Promise<PayoutMethod | undefined> {
  const row = await tx('payout_methods')
    .where({ id })
    .first<PayoutMethodRow | undefined>(...payoutMethodColumns);
  return row === undefined ? undefined : toPayoutMethod(row);
}

/** The sealed details; only who shows or pays them opens them. */
export async function getSealedDetails(tx: ReadTx | Tx, id: PayoutMethodId): Promise<string> {
  const row = await tx('payout_methods').where({ id }).first<{ details: { sealed: string } } | undefined>('details');
  assertInvariant(row !== undefined, 'a method that was found has details', { payoutMethodId: id });
  return row.details.sealed;
}

export async function lockPayoutMethod(tx: Tx, id: string): Promise<PayoutMethod | undefined> {
  const row = await tx('payout_methods')
    .where({ id })
    .forNoKeyUpdate()
    .first<PayoutMethodRow | undefined>(...payoutMethodColumns);
  return row === undefined ? undefined : toPayoutMethod(row);
}

/** Locks an affiliate's methods of one currency, oldest first. The affiliate is locked before (money.md 9). */
export async function lockMethodsOf(tx: Tx, affiliateId: string, currency: string): Promise<readonly PayoutMethod[]> {
  const rows = await tx('payout_methods')
    .where({ affiliate_id: affiliateId, currency })
    .orderBy('id')
    .forNoKeyUpdate()
    .select<PayoutMethodRow[]>(...payoutMethodColumns);
  return rows.map(toPayoutMethod);
}

export async function insertPayoutMethod(
  tx: Tx,
  act: Act,
  method: Pick<PayoutMethod, 'id' | 'affiliateId' | 'type' | 'currency' | 'masked' | 'fingerprint'> & {
    readonly sealed: string;
  },
): Promise<PayoutMethod> {
  const [row] = await tx('payout_methods')
    .insert({
      id: method.id,
      affiliate_id: method.affiliateId,
      type: method.type,
      currency: method.currency,
      details: JSON.stringify({ sealed: method.sealed }),
      masked: method.masked,
      fingerprint: method.fingerprint,
      status: 'unverified',
      created_by: act.actor.userId,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<PayoutMethodRow[]>([...payoutMethodColumns]);
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'payout_method',
    objectId: method.id,
    seq: 1,
    event: 'created',
    to: 'unverified',
    changes: { affiliateId: method.affiliateId, type: method.type, currency: method.currency },
  });
  return toPayoutMethod(row);
}

/**
 * Moves the method to the status that the event leads to; its version rises, so a payout approved for the version before is not sent
 * (money.md 7.1). `activeAt` with `verified` and `cooled`.
 */
export async function movePayoutMethod(
  tx: Tx,
  act: Act,
  method: PayoutMethod,
  event: PayoutMethodEvent,
  verified?: { readonly activeAt: Instant; readonly isSinglePerson: boolean },
): Promise<PayoutMethod> {
  const to = nextStatus(payoutMethodTransitions, method.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: method.status, event });
  const [row] = await tx('payout_methods')
    .where({ id: method.id })
    .update({
      status: to,
      ...(verified === undefined
        ? {}
        : { verified_by: act.actor.userId, verified_at: act.now, active_at: verified.activeAt }),
      version: method.version + 1,
      updated_at: act.now,
    })
    .returning<PayoutMethodRow[]>([...payoutMethodColumns]);
  assertInvariant(row !== undefined, 'a locked method is there', { payoutMethodId: method.id });
  await recordAudit(tx, act, {
    objectType: 'payout_method',
    objectId: method.id,
    seq: method.version + 1,
    event,
    from: method.status,
    to,
    changes:
      verified === undefined
        ? {}
        : { activeAt: verified.activeAt, ...(verified.isSinglePerson ? { secondPerson: 'single_person' } : {}) },
  });
  return toPayoutMethod(row);
}

/**
 * Somebody read the clear text: that is an act of its own (api.md 2, `pii.unmask`). It has a history beside the method's, because the
 * method's version must not rise by looking: approved payouts compare it (money.md 7.1). The caller holds the method's lock.
 */
export async function recordUnmasking(tx: Tx, act: Act, method: PayoutMethod): Promise<void> {
  const objectId = `${method.id}/details`;
  const { rows } = await tx.raw<{ rows: { next: number }[] }>(
    'select coalesce(max(seq), 0) + 1 as next from audit_entries where object_id = ?',
    [objectId],
  );
  await recordAudit(tx, act, {
    objectType: 'payout_method_details',
    objectId,
    seq: rows[0]?.next ?? 1,
    event: 'read',
    changes: { payoutMethodId: method.id, affiliateId: method.affiliateId },
  });
}

/** Payouts that would still be sent to this method. */
export async function openPayoutsOf(tx: ReadTx | Tx, methodId: string): Promise<readonly string[]> {
  const rows = await tx('payouts')
    .where({ method_id: methodId, status: 'pending' })
    .limit(20)
    .select<{ id: string }[]>('id');
  return rows.map((row) => row.id);
}

/** Runs not executed yet that would pay to one of these methods, by id. */
export async function listPlannedRunsOf(tx: ReadTx | Tx, methodIds: readonly string[]): Promise<readonly string[]> {
  const rows = await tx('payouts')
    .join('payout_runs', 'payout_runs.id', 'payouts.run_id')
    .whereIn('payouts.method_id', [...methodIds])
    .where('payouts.status', 'draft')
    .whereIn('payout_runs.status', ['planned', 'approved'])
    .orderBy('payout_runs.id')
    .distinct<{ id: string }[]>('payout_runs.id as id');
  return rows.map((row) => row.id);
}
