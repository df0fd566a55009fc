import { postTransfers } from '../../db/earning/ledger.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { lockItem, resolveItem } from '../../db/payout/reconciliation.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { account, posting } from '../../domain/earning/ledger.js';
import { DomainError } from '../../domain/errors.js';
import type { ItemResolution } from '../../domain/payout/reconciliation.js';
import type { Instant } from '../../domain/time.js';
import { startMessage, workflowIds } from '../../workflows/contract.js';

/** Asks for a gateway's statement: its workflow reads it, classes every line and tells the runs that wait (temporal.md 5.3). */
export async function askForStatement(
  tx: Tx,
  act: Pick<Act, 'workspaceId'>,
  gatewayId: string,
  startAt: Instant | null = null,
): Promise<void> {
  const ref = { workspaceId: act.workspaceId, gatewayId };
  await enqueue(
    tx,
    startMessage(
      { workflowType: 'reconciliation', workflowId: workflowIds.reconciliation(ref), input: ref, startAt },
      2,
    ),
  );
}

/**
 * A person's word on a difference: right as it is, or its money goes to suspense until a document clears it. A difference never edits
 * history (money.md 10). Codes: resource.not_found, reconciliation.already_decided.
 */
export async function resolveDifference(
  tx: Tx,
  act: Act,
  itemId: string,
  word: { readonly resolution: ItemResolution; readonly note: string; readonly documentId: string | null },
): Promise<void> {
  const item = await lockItem(tx, itemId, act.mode);
  if (item === undefined) throw new DomainError('resource.not_found');
  // An older statement's difference is told again by the newest one, or it is gone: there it would be resolved twice.
  if (item.itemClass === 'matched' || item.resolution !== null || !item.isNewest)
    throw new DomainError('reconciliation.already_decided', {
      currentStatus: item.resolution ?? (item.itemClass === 'matched' ? 'matched' : 'superseded'),
      ...(item.resolvedAt === null ? {} : { decidedById: item.resolvedBy, decidedAt: item.resolvedAt }),
    });
  if (word.resolution === 'suspense') {
    const cash = account('cash', item.gateway);
    const suspense = account('suspense', item.gateway);
    await postTransfers(tx, act, [
      {
        kind: 'suspense.opened',
        key: `reconciliation/${item.id}/suspense`,
        cause: { type: 'reconciliation_item', id: item.id },
        correctsKey: null,
        effectiveAt: null,
        // The books follow the statement: what they hold too much of leaves cash, what they lack comes in.
        postings:
          item.gap > 0n
            ? posting(suspense, cash, item.gap, item.currency)
            : posting(cash, suspense, -item.gap, item.currency),
      },
    ]);
  }
  await resolveItem(tx, act, item.id, word);
}
