import type { Act, Mode } from '../../domain/act.js';
import type { GatewayEventId, PayoutAttemptId, PayoutId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** What a gateway told us, before anybody believed it (money.md 7.3). */
export interface NewGatewayEvent {
  readonly id: GatewayEventId;
  readonly gateway: string;
  /** The gateway's own id of the event: told again it is the same fact. */
  readonly externalId: string;
  readonly providerId: string | null;
  readonly state: string;
  readonly occurredAt: Instant;
  /** SHA-256 of the bytes as they came. */
  readonly bodyHash: Buffer;
}

export interface ReportedAttempt {
  readonly id: PayoutAttemptId;
  readonly payoutId: PayoutId;
  readonly mode: Mode;
}

/** The attempt an event is about: by our reference, else by the gateway's own id of the payment. */
export async function findReportedAttempt(
  tx: ReadTx | Tx,
  of: { readonly gateway: string; readonly reference: string | null; readonly providerId: string | null },
): Promise<ReportedAttempt | undefined> {
  const { rows } = await tx.raw<{ rows: ReportedAttempt[] }>(
    `select attempt.id, attempt.payout_id as "payoutId", payout.mode
     from payout_attempts as attempt
     join payouts as payout on payout.id = attempt.payout_id
     where attempt.gateway = :gateway and (attempt.id = :reference or attempt.provider_id = :providerId)
     order by (attempt.id = :reference) desc nulls last
     limit 1`,
    { gateway: of.gateway, reference: of.reference, providerId: of.providerId },
  );
  return rows[0];
}

/**
 * Stores an event once, by the gateway's id of it. `processed`: nothing is left to do about it, and why. Answers null when it is there
 * already; `isChanged` then says that the same id came with other bytes.
 */
export async function insertGatewayEvent(
  tx: Tx,
  act: Act,
  event: NewGatewayEvent,
  of: {
    readonly attempt: ReportedAttempt | undefined;
    readonly quarantineCode: string | null;
    readonly processed: string | null;
  },
): Promise<{ readonly isNew: boolean; readonly isChanged: boolean }> {
  const inserted = await tx('gateway_events')
    .insert({
      id: event.id,
      mode: act.mode,
      gateway: event.gateway,
      external_id: event.externalId,
      provider_id: event.providerId,
      state: event.state,
      payout_id: of.attempt?.payoutId ?? null,
      attempt_id: of.attempt?.id ?? null,
      occurred_at: event.occurredAt,
      quarantine_code: of.quarantineCode,
      body_hash: event.bodyHash,
      processed_at: of.processed === null ? null : act.now,
      outcome: of.processed,
      created_at: act.now,
    })
    .onConflict(['workspace_id', 'gateway', 'external_id'])
    .ignore()
    .returning<{ id: string }[]>('id');
  if (inserted.length > 0) {
    await recordAudit(tx, act, {
      objectType: 'gateway_event',
      objectId: event.id,
      seq: 1,
      event: 'received',
      ...(of.quarantineCode === null ? {} : { reasonCode: of.quarantineCode }),
      changes: { state: event.state, ...(of.attempt === undefined ? {} : { payoutId: of.attempt.payoutId }) },
    });
    return { isNew: true, isChanged: false };
  }
  const before = await tx('gateway_events')
    .where({ gateway: event.gateway, external_id: event.externalId })
    .first<{ body_hash: Buffer } | undefined>('body_hash');
  return { isNew: false, isChanged: before !== undefined && !before.body_hash.equals(event.bodyHash) };
}

/** Was the same state of the same payment at the same time told before, under another id? */
export async function isToldBefore(
  tx: ReadTx | Tx,
  of: { readonly attemptId: string; readonly state: string; readonly occurredAt: Instant },
): Promise<boolean> {
  const row = await tx('gateway_events')
    .where({ attempt_id: of.attemptId, state: of.state, occurred_at: of.occurredAt })
    .first<{ id: string } | undefined>('id');
  return row !== undefined;
}
