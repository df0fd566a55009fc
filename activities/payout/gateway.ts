import { recordAudit } from '../../db/audit/audit.js';
import { postTransfers } from '../../db/earning/ledger.js';
import { enqueue } from '../../db/messaging/outbox.js';
import {
  listOpenAttempts,
  lockGatewayAccess,
  removeGatewayAccess,
  saveGatewayAccess,
  type SealedAccess,
} from '../../db/payout/gateway.js';
import { listFenceGaps, lowerFence, readRestoredAt } from '../../db/payout/restoreFence.js';
import { listFreezes } from '../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { account, posting } from '../../domain/earning/ledger.js';
import { DomainError } from '../../domain/errors.js';
import type { PayoutId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { ConnectableGateway } from '../../domain/payout/gateway.js';
import { nudge, workflowIds } from '../../workflows/contract.js';

// Our accounts at providers: frozen, unfrozen, funded. Each takes the caller's transaction.

/** Stops everything that goes out through a gateway until a person unfreezes it (money.md 10). */
export async function freezeGateway(tx: Tx, act: Act, gateway: string, reason: string): Promise<void> {
  await tx('gateways')
    .insert({ id: gateway, adapter: gateway, frozen_at: act.now, frozen_reason: reason })
    .onConflict(['workspace_id', 'id'])
    .merge({ frozen_at: tx.raw('coalesce(gateways.frozen_at, excluded.frozen_at)'), frozen_reason: reason });
}

/**
 * Sets or lifts a freeze by hand, of the workspace or of one gateway. Lifting wakes every payout that waits. Refuses with
 * payout.payouts_frozen while the whole installation is frozen, and after a restore until every gateway's list has been read since and a
 * person has settled what it holds that fits nothing here (money.md 10): the reasons name each gateway that is missing.
 */
export async function setFreeze(
  tx: Tx,
  act: Act,
  wish: { readonly frozen: boolean; readonly gatewayId: string | null; readonly reason: string },
): Promise<void> {
  const freezes = await listFreezes(tx, wish.gatewayId);
  if (!wish.frozen && freezes.some((freeze) => freeze.scope === 'installation'))
    throw new DomainError('payout.payouts_frozen', { reasons: freezes });
  if (!wish.frozen && wish.gatewayId === null) {
    const restoredAt = await readRestoredAt(tx);
    const gaps = restoredAt === null ? [] : await listFenceGaps(tx, restoredAt);
    if (restoredAt !== null && gaps.length > 0)
      throw new DomainError('payout.payouts_frozen', { reasons: gaps.map((gap) => ({ restoredAt, ...gap })) });
    if (restoredAt !== null) await lowerFence(tx);
  }
  const set = wish.frozen ? { at: act.now, reason: wish.reason } : { at: null, reason: null };
  if (wish.gatewayId === null)
    await tx('workspaces').update({ payouts_frozen_at: set.at, payouts_frozen_reason: set.reason });
  else
    await tx('gateways')
      .insert({ id: wish.gatewayId, adapter: wish.gatewayId, frozen_at: set.at, frozen_reason: set.reason })
      .onConflict(['workspace_id', 'id'])
      .merge({ frozen_at: set.at, frozen_reason: set.reason });
  const objectId = wish.gatewayId === null ? `freeze/${act.workspaceId}` : `freeze/${wish.gatewayId}`;
  const last = await tx('audit_entries').where({ object_id: objectId }).max<{ max: number | null }[]>('seq');
  await recordAudit(tx, act, {
    objectType: 'payout_freeze',
    objectId,
    seq: (last[0]?.max ?? 0) + 1,
    event: wish.frozen ? 'frozen' : 'unfrozen',
    changes: { reason: wish.reason },
  });
  if (!wish.frozen) await wakePending(tx, act, null);
}

/** Tells payouts that waited (all, or one gateway's) to look again. */
async function wakePending(tx: Tx, act: Act, gateway: string | null): Promise<void> {
  const waiting = await tx('payouts')
    .where({ status: 'pending', ...(gateway === null ? {} : { gateway }) })
    .select<{ id: PayoutId }[]>('id')
    .limit(10_000);
  for (const { id } of waiting) {
    const ref = { workspaceId: act.workspaceId, payoutId: id };
    await enqueue(tx, nudge('payout', workflowIds.payout(ref), ref));
  }
}

/**
 * Takes credentials of a provider, sealed (PAY-19); null: disconnects it. The account cannot change while the outcome of something sent from
 * it is open, because another account would truly say that nothing is there: resource.in_use.
 */
export async function connectGateway(
  tx: Tx,
  act: Act,
  gateway: ConnectableGateway,
  access: (SealedAccess & { readonly fieldNames: readonly string[] }) | null,
): Promise<void> {
  const before = await lockGatewayAccess(tx, gateway);
  const isOther = before?.account !== access?.account || before?.environment !== access?.environment;
  const open = before !== undefined && isOther ? await listOpenAttempts(tx, gateway) : [];
  if (open.length > 0) throw new DomainError('resource.in_use', { usedBy: open });
  if (access === null) {
    if (before !== undefined) await removeGatewayAccess(tx, act, gateway);
    return;
  }
  await saveGatewayAccess(tx, act, gateway, access);
  await wakePending(tx, act, gateway);
}

/** Money the merchant puts into a gateway (api.md 10.1). The reference is unique: resource.already_exists. */
export async function fundGateway(
  tx: Tx,
  act: Act,
  funding: {
    readonly gateway: string;
    readonly currency: CurrencyCode;
    readonly minor: bigint;
    readonly reference: string;
  },
): Promise<string> {
  const id = act.newId('funding');
  await tx('gateway_fundings').insert({
    id,
    mode: act.mode,
    gateway: funding.gateway,
    currency: funding.currency,
    amount_minor: funding.minor,
    reference: funding.reference,
    created_by: act.actor.userId,
    created_at: act.now,
  });
  await postTransfers(tx, act, [
    {
      kind: 'gateway.funded',
      key: `funding/${id}`,
      cause: { type: 'funding', id },
      correctsKey: null,
      effectiveAt: null,
      postings: posting(account('cash', funding.gateway), account('merchant_funding'), funding.minor, funding.currency),
    },
  ]);
  return id;
}
