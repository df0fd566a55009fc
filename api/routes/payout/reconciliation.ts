import { askForStatement, resolveDifference } from '../../../activities/payout/reconciliation.js';
import { listGatewayViews } from '../../../db/reads/payout/payoutView.js';
import {
  findReconciliation,
  findReconciliationItem,
  listReconciliationItems,
  listReconciliations,
} from '../../../db/reads/payout/reconciliationList.js';
import { DomainError } from '../../../domain/errors.js';
import { defineRoute, type Route } from '../../route.js';
import {
  presentReconciliation,
  presentReconciliationItem,
  reconciliationAccepted,
  reconciliationCreate,
  reconciliationItemList,
  reconciliationItemParams,
  reconciliationItemQuery,
  reconciliationItemWire,
  reconciliationList,
  reconciliationParams,
  reconciliationQuery,
  reconciliationResolve,
  reconciliationWire,
} from '../../schemas/payout/reconciliation.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/reconciliations',
  permission: 'ledger.read',
  query: reconciliationQuery,
  reply: reconciliationList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) =>
      ctx.list(
        await listReconciliations(tx, { mode: ctx.mode, gatewayIds: ctx.query.gatewayId }, page),
        page,
        (row) => presentReconciliation(row, ctx.mode === 'test'),
        (row) => ({ value: row.createdAt, id: row.id }),
      ),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/reconciliations/:reconciliationId',
  permission: 'ledger.read',
  params: reconciliationParams,
  reply: reconciliationWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findReconciliation(tx, { mode: ctx.mode, id: ctx.params.reconciliationId });
      if (found === undefined) throw new DomainError('resource.not_found');
      return presentReconciliation(found, ctx.mode === 'test');
    }),
});

const items = defineRoute({
  method: 'GET',
  path: '/v1/reconciliations/:reconciliationId/items',
  permission: 'ledger.read',
  params: reconciliationParams,
  query: reconciliationItemQuery,
  reply: reconciliationItemList,
  refuses: ['resource.not_found'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const { reconciliationId } = ctx.params;
    return ctx.read(async (tx) => {
      if ((await findReconciliation(tx, { mode: ctx.mode, id: reconciliationId })) === undefined)
        throw new DomainError('resource.not_found');
      const rows = await listReconciliationItems(tx, { reconciliationId, classes: ctx.query.class }, page);
      return ctx.list(rows, page, presentReconciliationItem, (row) => ({ value: row.createdAt, id: row.id }));
    });
  },
});

/** The gateway's own statement is fetched and compared now; its result is a reconciliation of the list. */
const create = defineRoute({
  method: 'POST',
  path: '/v1/reconciliations',
  permission: 'reconcile.write',
  idempotency: 'required',
  body: reconciliationCreate,
  reply: reconciliationAccepted,
  status: 202,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        const { gatewayId } = ctx.body;
        if (!(await listGatewayViews(tx, ctx.mode)).some((gateway) => gateway.id === gatewayId))
          throw new DomainError('resource.not_found');
        await askForStatement(tx, act, gatewayId);
        return { object: 'reconciliation_request' as const, gatewayId };
      },
      { wake: true },
    ),
});

const resolve = defineRoute({
  method: 'POST',
  path: '/v1/reconciliation-items/:itemId/resolve',
  permission: 'reconcile.write',
  idempotency: 'required',
  params: reconciliationItemParams,
  body: reconciliationResolve,
  reply: reconciliationItemWire,
  refuses: ['resource.not_found', 'reconciliation.already_decided'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { resolution, reason, documentId } = ctx.body;
      await resolveDifference(tx, act, ctx.params.itemId, { resolution, note: reason, documentId });
      const item = await findReconciliationItem(tx, { mode: ctx.mode, id: ctx.params.itemId });
      if (item === undefined) throw new DomainError('resource.not_found');
      return presentReconciliationItem(item);
    }),
});

export const reconciliationRoutes: readonly Route[] = [list, get, items, create, resolve];
