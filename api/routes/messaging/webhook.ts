import {
  changeEndpoint,
  countEndpoints,
  enqueueReplays,
  findSealedSecrets,
  insertEndpoint,
  lockEndpoint,
  markReplayed,
  recordWebhookDelivery,
} from '../../../db/messaging/webhook.js';
import {
  findDeliveryById,
  findEndpointView,
  listEndpoints,
  listEventIds,
  listWebhookDeliveries,
  type EndpointView,
} from '../../../db/reads/messaging/webhookList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { assertInvariant, DomainError } from '../../../domain/errors.js';
import { sampleEvent } from '../../../domain/messaging/event.js';
import { readAnswer } from '../../../domain/messaging/postback.js';
import { webhookSecretPurpose, type WebhookEndpoint } from '../../../domain/messaging/webhook.js';
import type { Instant } from '../../../domain/time.js';
import { judgeAddress } from '../../../domain/tracking/destination.js';
import type { Config } from '../../../platform/config.js';
import { clockNow } from '../../../platform/clock.js';
import { newId } from '../../../platform/newId.js';
import { judgeOutside } from '../../../platform/outbound.js';
import { newWebhookSecret } from '../../../platform/secrets.js';
import { callWebhook } from '../../../platform/webhookCall.js';
import { answer } from '../../answer.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  endpointCreate,
  endpointList,
  endpointParams,
  endpointPatch,
  endpointQuery,
  endpointWire,
  endpointWithSecret,
  presentEndpoint,
  presentWebhookDelivery,
  replayBody,
  replayWire,
  webhookDeliveryList,
  webhookDeliveryParams,
  webhookDeliveryQuery,
  webhookDeliveryWire,
} from '../../schemas/messaging/webhook.js';
import { noContent } from '../../schemas/wire.js';
import { requireWholeWorkspace } from '../audit/audit.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'mode'>;

/** More would be somebody's loop, not somebody's systems. Of each mode. */
const mostEndpoints = 20;
/** More is asked for in shorter ranges. */
const mostReplayed = 10_000;

/** Code: resource.not_found, also for one of the other mode. */
async function requireEndpoint(ctx: Asking, tx: ReadTx | Tx, id: string, now: Instant): Promise<EndpointView> {
  const view = await findEndpointView(tx, { id, mode: ctx.mode, now });
  if (view === undefined) throw new DomainError('resource.not_found');
  return view;
}

/** May this address be kept (reliability.md N)? Asked before the transaction, because the name is resolved. Code: link.url_not_allowed. */
async function checkUrl(config: Config, url: string): Promise<void> {
  const ownHosts = [new URL(config.http.publicUrl).host];
  const judged = judgeAddress(url, { ownHosts, isDevelopment: true });
  const problem = judged.ok ? await judgeOutside(judged.url, { allow: config.outboundAllow }) : judged.problem;
  if (problem !== null) throw new DomainError('link.url_not_allowed', { field: 'url', problem });
}

function requireOn(endpoint: WebhookEndpoint): void {
  if (!endpoint.active)
    throw invalid({ pointer: '#/', code: 'not_allowed_here', detail: 'Switch the webhook on first: nothing is sent.' });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/webhook-endpoints',
  summary: 'Systems of the merchant that are told of events',
  permission: 'webhook.read',
  query: endpointQuery,
  reply: endpointList,
  refuses: ['access.not_in_scope'],
  handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const page = ctx.page(ctx.query);
    const { active, failing, q } = ctx.query;
    return ctx.read(async (tx, now) =>
      ctx.list(
        await listEndpoints(tx, { mode: ctx.mode, now, active, failing, q }, page),
        page,
        presentEndpoint,
        ({ endpoint }) => ({ value: endpoint.createdAt, id: endpoint.id }),
      ),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/webhook-endpoints/:endpointId',
  permission: 'webhook.read',
  params: endpointParams,
  reply: endpointWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    return ctx.read(async (tx, now) => presentEndpoint(await requireEndpoint(ctx, tx, ctx.params.endpointId, now)));
  },
});

/** Of the caller's mode: a test endpoint hears of test facts, a live one of live facts. */
const create = defineRoute({
  method: 'POST',
  path: '/v1/webhook-endpoints',
  summary: 'A new endpoint; its secret is in this answer only',
  permission: 'webhook.write',
  body: endpointCreate,
  reply: endpointWithSecret,
  status: 201,
  secretReply: true,
  refuses: ['access.not_in_scope', 'link.url_not_allowed'],
  async handle(ctx, { config, secrets }) {
    requireWholeWorkspace(ctx.scope);
    await checkUrl(config, ctx.body.url);
    return ctx.write(async (tx, act) => {
      if ((await countEndpoints(tx, act.mode)) >= mostEndpoints)
        throw invalid({ pointer: '#/url', code: 'out_of_range', detail: `At most ${mostEndpoints} webhooks.` });
      const secret = newWebhookSecret();
      const endpoint = await insertEndpoint(tx, act, {
        active: true,
        ...ctx.body,
        sealedSecret: secrets.seal(webhookSecretPurpose, secret),
      });
      const shown = presentEndpoint({ endpoint, delivered: 0, failed: 0, p95Ms: null });
      return answer({ ...shown, secret }, { location: `/v1/webhook-endpoints/${endpoint.id}` });
    });
  },
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/webhook-endpoints/:endpointId',
  summary: 'Switched on by a person it starts anew; what it missed is replayed on demand',
  permission: 'webhook.write',
  params: endpointParams,
  body: endpointPatch,
  reply: endpointWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'link.url_not_allowed'],
  async handle(ctx, { config }) {
    requireWholeWorkspace(ctx.scope);
    if (ctx.body.url !== undefined) await checkUrl(config, ctx.body.url);
    return ctx.write(async (tx, act) => {
      const { endpoint: before } = await requireEndpoint(ctx, tx, ctx.params.endpointId, act.now);
      const locked = await lockEndpoint(tx, before.id);
      if (locked === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(locked.version);
      if (Object.keys(ctx.body).length > 0) await changeEndpoint(tx, act, locked.id, 'changed', ctx.body);
      return presentEndpoint(await requireEndpoint(ctx, tx, locked.id, act.now));
    });
  },
});

/** Nothing is sent any more; the log stays as long as every other. */
const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/webhook-endpoints/:endpointId',
  permission: 'webhook.write',
  params: endpointParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    return ctx.write(async (tx, act) => {
      const { endpoint } = await requireEndpoint(ctx, tx, ctx.params.endpointId, act.now);
      ctx.requireVersion(endpoint.version);
      await changeEndpoint(tx, act, endpoint.id, 'deleted');
      return undefined;
    });
  },
});

const rotate = defineRoute({
  method: 'POST',
  path: '/v1/webhook-endpoints/:endpointId/rotate-secret',
  summary: 'A new secret, in this answer only; for 24 hours calls are signed with the one before as well',
  permission: 'webhook.write',
  params: endpointParams,
  reply: endpointWithSecret,
  secretReply: true,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx, { secrets }) {
    requireWholeWorkspace(ctx.scope);
    return ctx.write(async (tx, act) => {
      const { endpoint } = await requireEndpoint(ctx, tx, ctx.params.endpointId, act.now);
      const secret = newWebhookSecret();
      await changeEndpoint(tx, act, endpoint.id, 'secretRotated', {
        sealedSecret: secrets.seal(webhookSecretPurpose, secret),
      });
      return { ...presentEndpoint(await requireEndpoint(ctx, tx, endpoint.id, act.now)), secret };
    });
  },
});

const test = defineRoute({
  method: 'POST',
  path: '/v1/webhook-endpoints/:endpointId/test',
  summary: 'Sends the sample of its first event, now, signed as every other; it counts for nothing',
  permission: 'webhook.write',
  params: endpointParams,
  reply: webhookDeliveryWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, { config, secrets }) {
    requireWholeWorkspace(ctx.scope);
    const { endpoint, sealed } = await ctx.read(async (tx, now) => {
      const view = await requireEndpoint(ctx, tx, ctx.params.endpointId, now);
      return { endpoint: view.endpoint, sealed: await findSealedSecrets(tx, view.endpoint.id, now) };
    });
    const [type] = endpoint.events;
    assertInvariant(type !== undefined, 'an endpoint has events', { endpointId: endpoint.id });
    const eventId = newId('event');
    const event = sampleEvent(type, { at: clockNow(), id: eventId });
    const body = JSON.stringify(event);
    const startedAt = performance.now();
    const said = readAnswer(
      await callWebhook(
        {
          url: endpoint.url,
          eventId,
          body,
          secrets: sealed.map((one) => secrets.unseal(webhookSecretPurpose, one)),
        },
        config,
      ),
    );
    const durationMs = Math.round(performance.now() - startedAt);
    const record = (tx: Tx, act: Act) =>
      recordWebhookDelivery(tx, act, {
        ...said,
        endpointId: endpoint.id,
        eventId,
        entryId: null,
        eventType: type,
        objectId: null,
        url: endpoint.url,
        body,
        durationMs,
        isTry: true,
        status: said.code === null ? 'delivered' : 'failed',
        nextTryAt: null,
      });
    return ctx.write(async (tx, act) => presentWebhookDelivery(await record(tx, act)));
  },
});

const replay = defineRoute({
  method: 'POST',
  path: '/v1/webhook-endpoints/:endpointId/replay',
  summary: 'Sends the events of a time range again, each under its own id',
  permission: 'webhook.write',
  params: endpointParams,
  body: replayBody,
  reply: replayWire,
  status: 202,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const { from, to, events } = ctx.body;
    return ctx.write(
      async (tx, act) => {
        const { endpoint } = await requireEndpoint(ctx, tx, ctx.params.endpointId, act.now);
        requireOn(endpoint);
        const unwanted = (events ?? []).findIndex((type) => !endpoint.events.includes(type));
        if (unwanted >= 0)
          throw invalid({
            pointer: `#/events/${unwanted}`,
            code: 'not_in_list',
            detail: 'The webhook does not ask for it.',
          });
        const type = events ?? endpoint.events;
        const found = await listEventIds(tx, { mode: act.mode, type, from, to, limit: mostReplayed });
        if (found.length > mostReplayed)
          throw invalid({
            pointer: '#/from',
            code: 'out_of_range',
            detail: `More than ${mostReplayed} events: choose a shorter range.`,
          });
        await enqueueReplays(tx, endpoint.id, found, 4);
        return { object: 'webhook_replay' as const, endpointId: endpoint.id, from, to, events: found.length };
      },
      { wake: true },
    );
  },
});

const deliveries = defineRoute({
  method: 'GET',
  path: '/v1/webhook-deliveries',
  summary: 'What was sent, newest first: request, answer, tries, next try',
  permission: 'webhook.read',
  query: webhookDeliveryQuery,
  reply: webhookDeliveryList,
  refuses: ['access.not_in_scope'],
  handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const page = ctx.page(ctx.query);
    const { endpointId, status, type, q } = ctx.query;
    const filter = { mode: ctx.mode, endpointId, status, type, q, createdAt: boundsOf(ctx.query, 'createdAt') };
    return ctx.read(async (tx) =>
      ctx.list(await listWebhookDeliveries(tx, filter, page), page, presentWebhookDelivery, (delivery) => ({
        value: delivery.createdAt,
        id: delivery.id,
      })),
    );
  },
});

const replayOne = defineRoute({
  method: 'POST',
  path: '/v1/webhook-deliveries/:deliveryId/replay',
  summary: 'Sends it again: the same bytes under the same webhook-id',
  permission: 'webhook.write',
  params: webhookDeliveryParams,
  reply: webhookDeliveryWire,
  status: 202,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    return ctx.write(
      async (tx, act) => {
        const delivery = await findDeliveryById(tx, { id: ctx.params.deliveryId, mode: ctx.mode });
        if (delivery === undefined) throw new DomainError('resource.not_found');
        requireOn((await requireEndpoint(ctx, tx, delivery.endpointId, act.now)).endpoint);
        await enqueueReplays(tx, delivery.endpointId, [delivery.eventId], 2);
        return presentWebhookDelivery(await markReplayed(tx, act, delivery.id));
      },
      { wake: true },
    );
  },
});

export const webhookRoutes: readonly Route[] = [
  list,
  get,
  create,
  edit,
  remove,
  rotate,
  test,
  replay,
  deliveries,
  replayOne,
];
