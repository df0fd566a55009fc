import { recordDirectDecision } from '../../../db/audit/directDecision.js';
import { advancePaymentEvent, lockParkedEvent } from '../../../db/earning/paymentEvent.js';
import { lockRefund, updateRefund } from '../../../db/earning/refund.js';
import { findSaleByExternalId, lockSale, updateSale } from '../../../db/earning/sale.js';
import { findParkedEvent, listParkedEvents, type ParkedEvent } from '../../../db/reads/earning/parkedEvents.js';
import type { Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import { parseId, type PaymentSourceId } from '../../../domain/ids.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  parkedEventList,
  parkedEventParams,
  parkedEventQuery,
  parkedEventWire,
  type ParkedOutcome,
  presentParkedEvent,
} from '../../schemas/earning/parkedEvent.js';
import { decisionBody, reasonOf } from '../../schemas/wire.js';
import { judgeParkedEvent } from './paymentIntake.js';
import { tieRefund } from './refund.js';
import { judgeParkedSale } from './sale.js';

type Asking = Pick<RouteContext<{ eventId: string }, unknown, unknown, unknown>, 'params' | 'mode' | 'can' | 'scope'>;

interface Judged {
  readonly outcome: ParkedOutcome;
  readonly code: string | null;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/parked-events',
  summary: 'Facts that wait for a customer, a sale or an exchange rate',
  permission: 'log.read',
  query: parkedEventQuery,
  reply: parkedEventList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const mayWrite = ctx.can('sale.write');
    return ctx.read(async (tx) =>
      ctx.list(
        await listParkedEvents(tx, ctx.scope, ctx.mode, ctx.query, page),
        page,
        (event) => presentParkedEvent(event, { mayWrite }),
        (event) => ({ value: event.receivedAt, id: event.id }),
      ),
    );
  },
});

/** It waits no more: then somebody, or the fact it waited for, was faster. An id that never was is 404. */
async function requireParked(ctx: Asking, tx: Tx): Promise<ParkedEvent> {
  const { eventId } = ctx.params;
  const event = await findParkedEvent(tx, ctx.scope, ctx.mode, eventId);
  if (event !== undefined) return event;
  if (await isThere(ctx, tx)) throw new DomainError('sale.already_decided', { allowedActions: [] });
  throw new DomainError('resource.not_found');
}

async function isThere({ params: { eventId }, mode, scope }: Asking, tx: Tx): Promise<boolean> {
  const key = eventKey(eventId);
  const own = scope.kind === 'affiliate' ? { source: scope.affiliateId } : {};
  if (scope.kind === 'reseller' || (scope.kind === 'affiliate' && key !== undefined)) return false;
  const query =
    key !== undefined
      ? tx('payment_events').where({ source_id: key.sourceId, external_id: key.externalId, mode })
      : tx(eventId.startsWith('sal_') ? 'sales' : 'refunds').where({ id: eventId, mode, ...own });
  return (await query.first<{ mode: string } | undefined>('mode')) !== undefined;
}

/** The two keys of an event of a payment source. */
function eventKey(id: string): { readonly sourceId: PaymentSourceId; readonly externalId: string } | undefined {
  const [source = '', name] = id.split('.');
  const sourceId = parseId('paymentSource', source);
  return name === undefined || sourceId === undefined
    ? undefined
    : { sourceId, externalId: Buffer.from(name, 'hex').toString('utf8') };
}

/** Judges it once more with what is known by now; what is still not known leaves it waiting. */
async function judgeAgain(tx: Tx, act: Act, event: ParkedEvent): Promise<Judged> {
  const waits: Judged = { outcome: 'parked', code: event.code };
  const booked: Judged = { outcome: 'booked', code: null };
  switch (event.kind) {
    case 'sale': {
      const sale = await lockSale(tx, event.id);
      if (sale === undefined || sale.parkedCode === null) return booked; // its customer came meanwhile
      return (await judgeParkedSale(tx, act, sale)).parkedCode === null ? booked : waits;
    }
    case 'refund': {
      const refund = await lockRefund(tx, event.id);
      if (refund === undefined || refund.parkedCode === null || refund.saleExternalId === null) return booked;
      const sale = await findSaleByExternalId(tx, { ...refund, externalId: refund.saleExternalId });
      if (sale === undefined) return waits;
      return (await tieRefund(tx, act, sale.id, refund)).parkedCode === null
        ? booked
        : { ...waits, code: 'fx_missing' };
    }
    case 'payment_event': {
      const key = eventKey(event.id);
      const judged = key === undefined ? undefined : await judgeParkedEvent(tx, act, key);
      if (judged === undefined) return booked;
      if (judged.outcome === 'parked') return waits;
      return judged.outcome === 'refused' ? { outcome: 'refused', code: judged.code } : booked;
    }
    default:
      return event.kind satisfies never;
  }
}

async function giveUp(tx: Tx, act: Act, event: ParkedEvent): Promise<void> {
  switch (event.kind) {
    case 'sale': {
      const sale = await lockSale(tx, event.id);
      if (sale === undefined || sale.parkedCode === null)
        throw new DomainError('sale.already_decided', { allowedActions: [] });
      await updateSale(tx, act, sale, 'discarded', {
        parkedCode: null,
        processedAt: act.now,
        outcome: 'discarded',
        attributionCode: 'no_touch',
      });
      return;
    }
    case 'refund': {
      const refund = await lockRefund(tx, event.id);
      if (refund === undefined || refund.parkedCode === null)
        throw new DomainError('sale.already_decided', { allowedActions: [] });
      await updateRefund(tx, act, refund, 'discarded', {});
      return;
    }
    case 'payment_event': {
      const key = eventKey(event.id);
      const parked = key === undefined ? undefined : await lockParkedEvent(tx, key);
      if (parked === undefined) throw new DomainError('sale.already_decided', { allowedActions: [] });
      await advancePaymentEvent(tx, { ...parked, outcome: 'ignored', code: 'discarded', parked: null, now: act.now });
      return;
    }
    default:
      return event.kind satisfies never;
  }
}

async function decided(
  ctx: Asking & { readonly body: Parameters<typeof reasonOf>[0] },
  tx: Tx,
  act: Act,
  verb: 'retry' | 'discard',
) {
  const event = await requireParked(ctx, tx);
  const by = await recordDirectDecision(tx, act, {
    verb,
    objectType: 'parked_event',
    objectId: event.id,
    ...reasonOf(ctx.body),
    steppedUp: false,
  });
  return { event, by };
}

const retry = defineRoute({
  method: 'POST',
  path: '/v1/parked-events/:eventId/retry',
  summary: 'Judge again, with its own time and the terms of that time',
  permission: 'sale.write',
  params: parkedEventParams,
  body: decisionBody,
  reply: parkedEventWire,
  status: 202,
  refuses: ['resource.not_found', 'sale.already_decided'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { event, by } = await decided(ctx, tx, act, 'retry');
        return answer(presentParkedEvent(event, { mayWrite: true, ...(await judgeAgain(tx, by, event)) }));
      },
      { wake: true },
    ),
});

const discard = defineRoute({
  method: 'POST',
  path: '/v1/parked-events/:eventId/discard',
  summary: 'Give it up: it is kept, and counts for nothing',
  permission: 'sale.write',
  params: parkedEventParams,
  body: decisionBody,
  reply: parkedEventWire,
  refuses: ['resource.not_found', 'sale.already_decided'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { event, by } = await decided(ctx, tx, act, 'discard');
      await giveUp(tx, by, event);
      return presentParkedEvent(event, { mayWrite: true, outcome: 'discarded', code: null });
    }),
});

export const parkedEventRoutes: readonly Route[] = [list, retry, discard];
