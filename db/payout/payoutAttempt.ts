import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import { partId, type PayoutAttemptId, type PayoutId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import { type AttemptEvent, type AttemptState, attemptTransitions } from '../../domain/payout/payoutAttempt.js';
import type { Payout } from '../../domain/payout/payout.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface PayoutAttempt {
  readonly id: PayoutAttemptId;
  readonly payoutId: PayoutId;
  readonly number: number;
  readonly gateway: string;
  readonly requestKey: string;
  readonly keyExpiresAt: Instant | null;
  readonly fence: number;
  readonly state: AttemptState;
  readonly gatewayStatus: string | null;
  readonly needsHuman: boolean;
  readonly providerId: string | null;
  readonly currency: CurrencyCode;
  readonly amountMinor: bigint;
  readonly epoch: number;
  readonly paidLate: boolean;
  readonly code: string | null;
  readonly resolveProposal: ResolveProposal | null;
  readonly lookUpAt: Instant | null;
  readonly lookUps: number;
  readonly version: number;
  readonly createdAt: Instant;
}

/** What the first of two persons says became of an unknown attempt (api.md 10.3). */
export interface ResolveProposal {
  readonly outcome: 'paid' | 'refused' | 'returned';
  readonly by: string;
  readonly at: Instant;
}

interface AttemptRow {
  readonly id: PayoutAttemptId;
  readonly payout_id: PayoutId;
  readonly number: number;
  readonly gateway: string;
  readonly request_key: string;
  readonly key_expires_at: Instant | null;
  readonly fence: number;
  readonly state: AttemptState;
  readonly gateway_status: string | null;
  readonly needs_human: boolean;
  readonly provider_id: string | null;
  readonly currency: CurrencyCode;
  readonly amount_minor: bigint;
  readonly epoch: number;
  readonly paid_late: boolean;
  readonly code: string | null;
  readonly resolve_proposal: ResolveProposal | null;
  readonly look_up_at: Instant | null;
  readonly look_ups: number;
  readonly version: number;
  readonly created_at: Instant;
}

function toAttempt(row: AttemptRow): PayoutAttempt {
  return {
    id: row.id,
    payoutId: row.payout_id,
    number: row.number,
    gateway: row.gateway,
    requestKey: row.request_key,
    keyExpiresAt: row.key_expires_at,
    fence: row.fence,
    state: row.state,
    gatewayStatus: row.gateway_status,
    needsHuman: row.needs_human,
    providerId: row.provider_id,
    currency: row.currency,
    amountMinor: row.amount_minor,
    epoch: row.epoch,
    paidLate: row.paid_late,
    code: row.code,
    resolveProposal: row.resolve_proposal,
    lookUpAt: row.look_up_at,
    lookUps: row.look_ups,
    version: row.version,
    createdAt: row.created_at,
  };
}

/**
 * Claims: the row with its request key is committed before the gateway is called. `one_live_attempt` lets one instruction out; the key is
 * drawn by Postgres and belongs to the row for ever (money.md 7.2, 8). The id, which is our reference at the gateway, follows from payout and
 * number: a database that was set back still knows what its lost attempts were called.
 */
export async function insertAttempt(
  tx: Tx,
  act: Act,
  attempt: {
    readonly payout: Payout;
    readonly number: number;
    readonly keyExpiresAt: Instant | null;
    readonly epoch: number;
  },
): Promise<PayoutAttempt> {
  const id = attemptIdOf(attempt.payout.id, attempt.number);
  const [row] = await tx('payout_attempts')
    .insert({
      id,
      payout_id: attempt.payout.id,
      number: attempt.number,
      gateway: attempt.payout.gateway,
      key_expires_at: attempt.keyExpiresAt,
      state: 'submitting',
      currency: attempt.payout.currency,
      amount_minor: attempt.payout.amountMinor,
      method_version: attempt.payout.methodVersion,
      method_fingerprint: attempt.payout.methodFingerprint,
      epoch: attempt.epoch,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<AttemptRow[]>('*');
  assertInvariant(row !== undefined, 'an attempt is written', { payoutId: attempt.payout.id });
  await recordAudit(tx, act, {
    objectType: 'attempt',
    objectId: id,
    seq: 1,
    event: 'claimed',
    to: 'submitting',
    changes: { payoutId: attempt.payout.id, number: attempt.number },
  });
  return toAttempt(row);
}

export function attemptIdOf(payoutId: PayoutId, number: number): PayoutAttemptId {
  return partId('payoutAttempt', payoutId, number);
}

/** An attempt that a gateway's list names and the database no longer knows (money.md 10, restore fence). */
export interface LostAttempt {
  readonly payout: Payout;
  readonly number: number;
  readonly providerId: string | null;
}

/**
 * Writes attempts that were lost with a restore, as sent and to be looked up at once. Their request keys are gone: the row's own was never
 * sent and never will be, because it has expired (`recovered_at`). Needs their payouts locked and `pending`.
 */
export async function insertRecoveredAttempts(
  tx: Tx,
  act: Act,
  lost: readonly LostAttempt[],
  epoch: number,
): Promise<void> {
  if (lost.length === 0) return;
  await tx('payout_attempts').insert(
    lost.map(({ payout, number, providerId }) => ({
      id: attemptIdOf(payout.id, number),
      payout_id: payout.id,
      number,
      gateway: payout.gateway,
      state: 'submitted',
      provider_id: providerId,
      currency: payout.currency,
      amount_minor: payout.amountMinor,
      method_version: payout.methodVersion,
      method_fingerprint: payout.methodFingerprint,
      epoch,
      look_up_at: act.now,
      recovered_at: act.now,
      version: 2,
      created_at: act.now,
      updated_at: act.now,
    })),
  );
  const common = ({ payout, number }: LostAttempt) => ({
    objectType: 'attempt',
    objectId: attemptIdOf(payout.id, number),
    changes: { payoutId: payout.id, number, recovered: true },
  });
  await recordAudit(
    tx,
    act,
    ...lost.flatMap((one) => [
      { ...common(one), seq: 1, event: 'claimed', to: 'submitting' },
      { ...common(one), seq: 2, event: 'submitted', from: 'submitting', to: 'submitted' },
    ]),
  );
}

/** Under its payout's lock: the newest attempt of a payout. */
export async function findNewestAttempt(tx: ReadTx | Tx, payoutId: string): Promise<PayoutAttempt | undefined> {
  const row = await tx('payout_attempts')
    .where({ payout_id: payoutId })
    .orderBy('number', 'desc')
    .first<AttemptRow | undefined>();
  return row === undefined ? undefined : toAttempt(row);
}

export async function findAttempt(tx: ReadTx | Tx, id: string): Promise<PayoutAttempt | undefined> {
  const row = await tx('payout_attempts').where({ id }).first<AttemptRow | undefined>();
  return row === undefined ? undefined : toAttempt(row);
}

/** The attempt to ask about first: whatever its state, if a look-up is planned for it. */
export async function findDueLookUp(tx: ReadTx | Tx, payoutId: string): Promise<PayoutAttempt | undefined> {
  const row = await tx('payout_attempts')
    .where({ payout_id: payoutId })
    .whereNotNull('look_up_at')
    .orderBy('look_up_at')
    .orderBy('id')
    .first<AttemptRow | undefined>();
  return row === undefined ? undefined : toAttempt(row);
}

/** The state that decides what a payout may do: of an open attempt if there is one, else of the newest (null: none yet). */
export async function findDecidingState(tx: ReadTx | Tx, payoutId: string): Promise<AttemptState | null> {
  const { rows } = await tx.raw<{ rows: { state: AttemptState }[] }>(
    `select state from payout_attempts where payout_id = :payoutId
     order by (state in ('submitting', 'submitted', 'unknown', 'paid')) desc, number desc
     limit 1`,
    { payoutId },
  );
  return rows[0]?.state ?? null;
}

export interface AttemptPatch {
  readonly gatewayStatus?: string | null;
  readonly needsHuman?: boolean;
  readonly providerId?: string | null;
  readonly paidLate?: boolean;
  readonly code?: string | null;
  readonly resolveProposal?: ResolveProposal | null;
  readonly lookUpAt?: Instant | null;
  readonly lookUps?: number;
}

function columnsOf(patch: AttemptPatch): Record<string, unknown> {
  const columns: Record<string, unknown> = {
    gateway_status: patch.gatewayStatus,
    needs_human: patch.needsHuman,
    provider_id: patch.providerId,
    paid_late: patch.paidLate,
    code: patch.code,
    resolve_proposal:
      patch.resolveProposal === undefined || patch.resolveProposal === null
        ? patch.resolveProposal
        : JSON.stringify(patch.resolveProposal),
    look_up_at: patch.lookUpAt,
    look_ups: patch.lookUps,
  };
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
}

/** A move of features.md 2.9, with its history. A new call (`resubmitted`) raises the fence, so that an older worker's record fails. */
export async function moveAttempt(
  tx: Tx,
  act: Act,
  attempt: PayoutAttempt,
  event: AttemptEvent,
  patch: AttemptPatch = {},
): Promise<PayoutAttempt> {
  const to = nextStatus(attemptTransitions, attempt.state, event);
  assertInvariant(to !== undefined, 'an attempt moves along its table', {
    attemptId: attempt.id,
    from: attempt.state,
    event,
  });
  const version = attempt.version + 1;
  const [row] = await tx('payout_attempts')
    .where({ id: attempt.id, version: attempt.version })
    .update({
      ...columnsOf(patch),
      state: to,
      fence: event === 'resubmitted' ? attempt.fence + 1 : attempt.fence,
      version,
      updated_at: act.now,
    })
    .returning<AttemptRow[]>('*');
  assertInvariant(row !== undefined, 'an attempt is moved under its payout’s lock', { attemptId: attempt.id });
  await recordAudit(tx, act, {
    objectType: 'attempt',
    objectId: attempt.id,
    seq: version,
    event,
    from: attempt.state,
    to,
    ...(patch.code === undefined || patch.code === null ? {} : { reasonCode: patch.code }),
    changes: { payoutId: attempt.payoutId },
  });
  return toAttempt(row);
}

/** When to ask again, the gateway's own word, a proposal: columns beside the state, without a move. */
export async function noteAttempt(tx: Tx, attempt: PayoutAttempt, patch: AttemptPatch): Promise<void> {
  await tx('payout_attempts').where({ id: attempt.id }).update(columnsOf(patch));
}
