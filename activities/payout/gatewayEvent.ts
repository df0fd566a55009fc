import { enqueue } from '../../db/messaging/outbox.js';
import {
  findReportedAttempt,
  insertGatewayEvent,
  isToldBefore,
  type NewGatewayEvent,
} from '../../db/payout/gatewayEvent.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { signalMessage, workflowIds } from '../../workflows/contract.js';

export interface TakenEvent {
  readonly isNew: boolean;
  /** The same event id with other bytes: for an alert, nothing is done about it. */
  readonly isChanged: boolean;
  readonly quarantineCode: 'unknown_object' | 'unknown_state' | null;
}

/**
 * Takes in what a gateway reports: stored once, and the payout it is about is woken to look it up. It is never believed alone (money.md
 * 7.3). What names no payment of ours, or a state its adapter does not know, is kept in quarantine for a person.
 */
export async function receiveGatewayEvent(
  tx: Tx,
  plain: Act,
  event: NewGatewayEvent & { readonly reference: string | null; readonly isKnownState: boolean },
): Promise<TakenEvent> {
  const attempt = await findReportedAttempt(tx, event);
  const act = attempt === undefined ? plain : actFor(plain, { mode: attempt.mode });
  const quarantineCode = attempt === undefined ? 'unknown_object' : event.isKnownState ? null : 'unknown_state';
  const isRepeat =
    attempt !== undefined &&
    (await isToldBefore(tx, { attemptId: attempt.id, state: event.state, occurredAt: event.occurredAt }));
  const processed = quarantineCode === null ? (isRepeat ? 'repeat' : null) : 'quarantined';
  const taken = await insertGatewayEvent(tx, act, event, { attempt, quarantineCode, processed });
  if (taken.isNew && processed === null && attempt !== undefined) {
    const ref = { workspaceId: act.workspaceId, payoutId: attempt.payoutId };
    await enqueue(
      tx,
      signalMessage(
        {
          workflowType: 'payout',
          workflowId: workflowIds.payout(ref),
          input: ref,
          signal: 'payoutReported',
          argument: { gatewayEventId: event.id },
        },
        2,
      ),
    );
  }
  return { ...taken, quarantineCode };
}
