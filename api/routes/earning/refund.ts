import { findRefundByExternalId, insertRefund, updateRefund } from '../../../db/earning/refund.js';
import { findSaleByExternalId, lockSale, updateSale } from '../../../db/earning/sale.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { getSaleView } from '../../../db/reads/earning/saleList.js';
import { listRefunds } from '../../../db/reads/earning/refundList.js';
import type { Tx } from '../../../db/transaction.js';
import { type Act, actFor } from '../../../domain/act.js';
import type { Refund } from '../../../domain/earning/refund.js';
import { decideRefund, type Sale } from '../../../domain/earning/sale.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import { sha256Hex } from '../../../platform/secrets.js';
import { signalReferral } from '../../../workflows/contract.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  presentRefund,
  refundCreate,
  type RefundFacts,
  refundList,
  refundWire,
  saleRefundCreate,
} from '../../schemas/earning/refund.js';
import { saleParams } from '../../schemas/earning/sale.js';
import { canonical, happenedAt, sourceOf } from './fact.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/sales/:saleId/refunds',
  permission: 'sale.read',
  params: saleParams,
  reply: refundList,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const { sale } = await getSaleView(tx, ctx.scope, ctx.mode, ctx.params.saleId);
      return { data: (await listRefunds(tx, ctx.scope, sale.id)).map(presentRefund), nextCursor: null };
    }),
});

const createForSale = defineRoute({
  method: 'POST',
  path: '/v1/sales/:saleId/refunds',
  permission: 'sale.write',
  params: saleParams,
  body: saleRefundCreate,
  reply: refundWire,
  status: 202,
  refuses: ['resource.not_found', 'resource.already_exists', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { sale } = await getSaleView(tx, ctx.scope, ctx.mode, ctx.params.saleId);
        const { refund, isNew } = await takeInRefund(tx, act, ctx.body, {
          sale,
          source: sale.source,
          saleExternalId: sale.externalId,
        });
        return answer(presentRefund(refund), { status: isNew ? 202 : 200 });
      },
      { wake: true },
    ),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/refunds',
  permission: 'sale.write',
  body: refundCreate,
  reply: refundWire,
  status: 202,
  refuses: ['resource.already_exists', 'sale.currency_mismatch'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { saleExternalId, source: wanted, ...facts } = ctx.body;
        const source = sourceOf(ctx.scope, wanted);
        const sale = await findSaleByExternalId(tx, { mode: act.mode, source, externalId: saleExternalId });
        const { refund, isNew } = await takeInRefund(tx, act, facts, { sale, source, saleExternalId });
        return answer(presentRefund(refund), { status: isNew ? 202 : 200 });
      },
      { wake: true },
    ),
});

/** A refund is a fact: stored whatever stands against it. The same id and content again finds it; before its sale it waits. */
export async function takeInRefund(
  tx: Tx,
  act: Act,
  facts: RefundFacts,
  of: { readonly sale: Sale | undefined; readonly source: string; readonly saleExternalId: string },
): Promise<{ readonly refund: Refund; readonly isNew: boolean }> {
  const { sale, source, saleExternalId } = of;
  const contentHash = sha256Hex(canonical({ ...facts, saleExternalId }));
  const known = { mode: act.mode, source, externalId: facts.externalId };
  const repeat = same(await findRefundByExternalId(tx, known), contentHash);
  if (repeat !== undefined) return { refund: repeat, isNew: false };
  const amount = facts.amount ?? null;
  if (sale !== undefined && amount !== null && amount.currency !== sale.currency)
    throw new DomainError('sale.currency_mismatch', { expectedCurrency: sale.currency });
  const currency = amount?.currency ?? sale?.currency;
  // Of a sale that nobody has reported yet "all that is left" has no currency either.
  if (currency === undefined)
    throw new DomainError('request.validation_failed', {
      errors: [{ pointer: '#/amount', code: 'required', detail: 'The sale is not known yet: state the amount.' }],
    });
  const inserted = await insertRefund(tx, act, {
    id: act.newId('refund'),
    source,
    externalId: facts.externalId,
    contentHash,
    saleId: null,
    saleExternalId,
    referralId: null,
    currency,
    amount: amount?.minor ?? null,
    reason: facts.reason ?? null,
    parkedCode: 'unknown_sale',
    occurredAt: happenedAt(facts.occurredAt, act.now),
  });
  if (inserted === undefined) {
    const twin = same(await findRefundByExternalId(tx, known), contentHash); // it committed while we waited
    assertInvariant(twin !== undefined, 'a refund in the way is a refund found', { externalId: facts.externalId });
    return { refund: twin, isNew: false };
  }
  return { refund: sale === undefined ? inserted : await tieRefund(tx, act, sale.id, inserted), isNew: true };
}

function same(found: Refund | undefined, contentHash: string): Refund | undefined {
  if (found !== undefined && found.contentHash !== contentHash)
    throw new DomainError('resource.already_exists', { field: 'externalId', existingId: found.id });
  return found;
}

/**
 * Ties a refund to its sale: the sale's referral is told, or, when it has none, nothing but the sale itself changes, at once. One that was told
 * before its sale may turn out to be of another currency: it waits, because nothing is converted without a rate (money.md 12).
 */
export async function tieRefund(tx: Tx, act: Act, saleId: string, refund: Refund): Promise<Refund> {
  const sale = await lockSale(tx, saleId);
  assertInvariant(sale !== undefined, 'a sale that was found is there', { saleId });
  if (refund.amount !== null && refund.currency !== sale.currency)
    return refund.parkedCode === 'fx_missing' ? refund : updateRefund(tx, act, refund, 'currencyDiffers', {});
  const tied = await updateRefund(tx, act, refund, 'tied', { saleId: sale.id, referralId: sale.referralId });
  if (sale.referralId !== null) {
    const ref = { workspaceId: act.workspaceId, referralId: sale.referralId };
    await enqueue(tx, signalReferral(ref, 'refundReported', { refundId: refund.id }));
    return tied;
  }
  const mine = actFor(act, { cause: { type: 'refund', id: refund.id }, reasonCode: 'refunded' });
  const { applied, flag, event } = decideRefund(sale, refund.amount);
  if (applied > 0n) await updateSale(tx, mine, sale, event ?? 'processed', { refunded: sale.refunded + applied });
  return updateRefund(tx, mine, tied, 'applied', { applied, flag });
}

export const refundRoutes: readonly Route[] = [list, createForSale, create];
