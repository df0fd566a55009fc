import {
  changePaymentSource,
  findPaymentSource,
  insertPaymentSource,
  listPaymentSources,
  type PaymentSource,
} from '../../../db/earning/paymentSource.js';
import { listPaymentEvents } from '../../../db/reads/earning/paymentEventList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { paymentSecretPurpose } from '../../../domain/earning/paymentEvent.js';
import { DomainError } from '../../../domain/errors.js';
import { newWebhookSecret } from '../../../platform/secrets.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  paymentEventList,
  paymentEventQuery,
  paymentSourceCreate,
  paymentSourceCreated,
  paymentSourceList,
  paymentSourceParams,
  paymentSourcePatch,
  paymentSourceQuery,
  paymentSourceWire,
  presentPaymentEvent,
  presentPaymentSource,
} from '../../schemas/earning/paymentSource.js';
import { noContent } from '../../schemas/wire.js';

async function requireSource(tx: ReadTx | Tx, id: string): Promise<PaymentSource> {
  const source = await findPaymentSource(tx, id);
  if (source === undefined) throw new DomainError('resource.not_found');
  return source;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/payment-sources',
  permission: 'webhook.read',
  query: paymentSourceQuery,
  reply: paymentSourceList,
  refuses: [],
  async handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    const sources = await ctx.read((tx) => listPaymentSources(tx, ctx.query, page));
    return ctx.list(
      sources,
      page,
      (source) => presentPaymentSource(source, config.http.publicUrl),
      (source) => ({ value: page.sort === 'name' ? source.name : source.createdAt, id: source.id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/payment-sources/:sourceId',
  permission: 'webhook.read',
  params: paymentSourceParams,
  reply: paymentSourceWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => presentPaymentSource(await requireSource(tx, ctx.params.sourceId), config.http.publicUrl)),
});

/** `standard`: our secret, in this answer only. `stripe`: theirs is pasted, now or later, and never shown. */
const create = defineRoute({
  method: 'POST',
  path: '/v1/payment-sources',
  permission: 'webhook.write',
  body: paymentSourceCreate,
  reply: paymentSourceCreated,
  status: 201,
  secretReply: true,
  refuses: [],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const { name, adapter, fieldMap, active, test, secret: pasted } = ctx.body;
      const own = adapter === 'standard' ? newWebhookSecret() : null;
      const secret = own ?? pasted;
      const source = await insertPaymentSource(tx, act, {
        name,
        adapter,
        mode: test === true ? 'test' : 'live',
        ...(fieldMap === undefined ? {} : { fieldMap }),
        ...(active === undefined ? {} : { active }),
        ...(secret === undefined ? {} : { sealedSecret: deps.secrets.seal(paymentSecretPurpose, secret) }),
      });
      const shown = presentPaymentSource(source, deps.config.http.publicUrl);
      return answer({ ...shown, secret: own }, { location: `/v1/payment-sources/${source.id}` });
    }),
});

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/payment-sources/:sourceId',
  permission: 'webhook.write',
  params: paymentSourceParams,
  body: paymentSourcePatch,
  reply: paymentSourceWire,
  refuses: ['resource.not_found'],
  ifMatch: 'honoured',
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const source = await requireSource(tx, ctx.params.sourceId);
      ctx.requireVersion(source.version);
      const { secret, ...content } = ctx.body;
      const misplaced = source.adapter === 'stripe' ? 'fieldMap' : 'secret';
      if (ctx.body[misplaced] !== undefined)
        throw invalid({
          pointer: `#/${misplaced}`,
          code: 'not_allowed_here',
          detail: `Not with the adapter ${source.adapter}.`,
        });
      const changed = await changePaymentSource(tx, act, source.id, 'changed', {
        ...content,
        ...(secret === undefined ? {} : { sealedSecret: deps.secrets.seal(paymentSecretPurpose, secret) }),
      });
      return presentPaymentSource(changed, deps.config.http.publicUrl);
    }),
});

/** Its address answers no more; what it sent stays. */
const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/payment-sources/:sourceId',
  permission: 'webhook.write',
  params: paymentSourceParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await changePaymentSource(tx, act, ctx.params.sourceId, 'deleted', {});
      return undefined;
    }),
});

/** What came, newest first, and what became of it: how a merchant's developer finds out why a payment earns nobody anything. */
const events = defineRoute({
  method: 'GET',
  path: '/v1/payment-sources/:sourceId/events',
  permission: 'webhook.read',
  params: paymentSourceParams,
  query: paymentEventQuery,
  reply: paymentEventList,
  refuses: ['resource.not_found'],
  handle: (ctx) => {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const source = await requireSource(tx, ctx.params.sourceId);
      return ctx.list(
        await listPaymentEvents(tx, source.id, ctx.query, page),
        page,
        presentPaymentEvent,
        ({ receivedAt, externalId }) => ({ value: receivedAt, id: externalId }),
      );
    });
  },
});

export const paymentSourceRoutes: readonly Route[] = [list, create, get, patch, remove, events];
