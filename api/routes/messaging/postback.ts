import { findAffiliate } from '../../../db/affiliate/affiliate.js';
import { listEnrolments } from '../../../db/affiliate/enrolment.js';
import {
  changePostback,
  countPostbacks,
  type Delivery,
  insertPostback,
  lockPostback,
  type PostbackContent,
  recordDelivery,
} from '../../../db/messaging/postback.js';
import { findProgram } from '../../../db/program/program.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import { findPostbackView, listDeliveries, listPostbacks } from '../../../db/reads/messaging/postbackList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId } from '../../../domain/ids.js';
import {
  type CallResult,
  fillMacros,
  type Postback,
  readAnswer,
  sampleValues,
} from '../../../domain/messaging/postback.js';
import { judgeAddress } from '../../../domain/tracking/destination.js';
import type { Config } from '../../../platform/config.js';
import { judgeOutside } from '../../../platform/outbound.js';
import { callPostback } from '../../../platform/postbackCall.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  deliveryList,
  deliveryQuery,
  deliveryWire,
  ownPostbackCreate,
  ownPostbackQuery,
  ownPostbackWire,
  postbackCreate,
  postbackList,
  postbackParams,
  postbackPatch,
  postbackQuery,
  postbackWire,
  presentDelivery,
  presentPostback,
} from '../../schemas/messaging/postback.js';
import { noContent } from '../../schemas/wire.js';
import { portalRefusals, portalWriteRefusals, requireOwn } from '../affiliate/ownRecord.js';
import { fieldRefusal } from '../program/directDecision.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'scope'>;

/** More would be somebody's loop, not somebody's trackers. */
const mostPerAffiliate = 20;
const shownInPortal = 20;

async function requirePostback(ctx: Asking, tx: ReadTx | Tx, id: string): Promise<Postback> {
  const view = await findPostbackView(tx, id);
  if (view === undefined) throw new DomainError('resource.not_found');
  await requireAffiliateInScope(tx, { id: view.postback.affiliateId, managerId: view.managerId }, ctx.scope);
  return view.postback;
}

/**
 * May this address be kept (reliability.md N)? https and public, plain http only where OUTBOUND_ALLOW says so; no user name, none of our own
 * hosts. Asked before the transaction, because the name is resolved. Code: link.url_not_allowed.
 */
async function checkUrl(config: Config, template: string): Promise<void> {
  const sample = fillMacros(template, sampleValues);
  const ownHosts = [new URL(config.http.publicUrl).host];
  const judged = judgeAddress(sample, { ownHosts, isDevelopment: true });
  const problem = judged.ok ? await judgeOutside(judged.url, { allow: config.outboundAllow }) : judged.problem;
  if (problem !== null) throw new DomainError('link.url_not_allowed', { field: 'url', problem });
}

async function checkProgram(tx: Tx, programId: string | null): Promise<void> {
  if (programId !== null && (await findProgram(tx, programId)) === undefined)
    throw fieldRefusal('programId', 'not_found', 'No such program.');
}

async function insert(
  tx: Tx,
  act: Act,
  affiliateId: AffiliateId,
  body: Pick<Required<PostbackContent>, 'events' | 'url'> & PostbackContent,
): Promise<Postback> {
  if ((await countPostbacks(tx, affiliateId)) >= mostPerAffiliate)
    throw invalid({ pointer: '#/url', code: 'out_of_range', detail: `At most ${mostPerAffiliate} postbacks.` });
  return insertPostback(tx, act, { programId: null, active: true, ...body, affiliateId });
}

/** One call with sample values, outside any transaction. */
async function callForTest(config: Config, postback: Postback): Promise<CallResult & { readonly url: string }> {
  const url = fillMacros(postback.url, sampleValues);
  return { url, ...readAnswer(await callPostback(url, config)) };
}

/**
 * The log line of a test. It counts for nothing but one thing: a paused postback whose test succeeds is switched on again, if its address is
 * still the one that was tested.
 */
async function recordTest(
  tx: Tx,
  act: Act,
  postback: Postback,
  result: CallResult & { readonly url: string },
): Promise<Delivery> {
  const current = await lockPostback(tx, postback.id);
  if (current === undefined) throw new DomainError('resource.not_found');
  if (result.code === null && current.pausedAt !== null && current.url === postback.url)
    await changePostback(tx, act, current.id, 'resumed');
  return recordDelivery(tx, act, {
    ...result,
    postbackId: postback.id,
    entryId: null,
    event: 'test',
    objectId: null,
    status: result.code === null ? 'delivered' : 'failed',
    attempts: 1,
    nextTryAt: null,
  });
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/postbacks',
  summary: 'Calls out to affiliates',
  permission: 'webhook.read',
  query: postbackQuery,
  reply: postbackList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) =>
      ctx.list(
        await listPostbacks(tx, ctx.scope, ctx.query, page),
        page,
        ({ postback }) => presentPostback(postback),
        ({ postback }) => ({ value: postback.createdAt, id: postback.id }),
      ),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/postbacks/:postbackId',
  permission: 'webhook.read',
  params: postbackParams,
  reply: postbackWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) => ctx.read(async (tx) => presentPostback(await requirePostback(ctx, tx, ctx.params.postbackId))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/postbacks',
  permission: 'webhook.write',
  body: postbackCreate,
  reply: postbackWire,
  status: 201,
  refuses: ['access.not_in_scope', 'link.url_not_allowed'],
  async handle(ctx, { config }) {
    await checkUrl(config, ctx.body.url);
    return ctx.write(async (tx, act) => {
      const { affiliateId, ...content } = ctx.body;
      const affiliate = await findAffiliate(tx, affiliateId);
      if (affiliate === undefined) throw fieldRefusal('affiliateId', 'not_found', 'No such affiliate.');
      await requireAffiliateInScope(tx, affiliate, ctx.scope);
      await checkProgram(tx, content.programId ?? null);
      const postback = await insert(tx, act, affiliate.id, content);
      return answer(presentPostback(postback), { location: `/v1/postbacks/${postback.id}` });
    });
  },
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/postbacks/:postbackId',
  permission: 'webhook.write',
  params: postbackParams,
  body: postbackPatch,
  reply: postbackWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'link.url_not_allowed'],
  async handle(ctx, { config }) {
    if (ctx.body.url !== undefined) await checkUrl(config, ctx.body.url);
    return ctx.write(async (tx, act) => {
      await requirePostback(ctx, tx, ctx.params.postbackId);
      const postback = await lockPostback(tx, ctx.params.postbackId);
      if (postback === undefined) throw new DomainError('resource.not_found');
      ctx.requireVersion(postback.version);
      await checkProgram(tx, ctx.body.programId ?? null);
      if (Object.keys(ctx.body).length === 0) return presentPostback(postback);
      return presentPostback(await changePostback(tx, act, postback.id, 'changed', ctx.body));
    });
  },
});

/** Nobody is called any more; the log goes with it as its lines grow old. */
const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/postbacks/:postbackId',
  permission: 'webhook.write',
  params: postbackParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const postback = await requirePostback(ctx, tx, ctx.params.postbackId);
      ctx.requireVersion(postback.version);
      await changePostback(tx, act, postback.id, 'deleted');
      return undefined;
    }),
});

const deliveries = defineRoute({
  method: 'GET',
  path: '/v1/postbacks/:postbackId/deliveries',
  summary: 'Its calls, newest first: what was sent and what the other side said',
  permission: 'webhook.read',
  params: postbackParams,
  query: deliveryQuery,
  reply: deliveryList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const { id } = await requirePostback(ctx, tx, ctx.params.postbackId);
      return ctx.list(await listDeliveries(tx, id, ctx.query, page), page, presentDelivery, (delivery) => ({
        value: delivery.createdAt,
        id: delivery.id,
      }));
    });
  },
});

const test = defineRoute({
  method: 'POST',
  path: '/v1/postbacks/:postbackId/test',
  summary: 'One call with sample values, now; a test that succeeds ends a pause',
  permission: 'webhook.write',
  params: postbackParams,
  reply: deliveryWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, { config }) {
    const postback = await ctx.read((tx) => requirePostback(ctx, tx, ctx.params.postbackId));
    const result = await callForTest(config, postback);
    return ctx.write(async (tx, act) => presentDelivery(await recordTest(tx, act, postback, result)));
  },
});

const listOwn = defineRoute({
  method: 'GET',
  path: '/v1/me/postbacks',
  summary: 'Own postbacks',
  permission: 'me.read',
  query: ownPostbackQuery,
  reply: postbackList,
  refuses: portalRefusals,
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      return ctx.list(
        await listPostbacks(tx, ctx.scope, ctx.query, page),
        page,
        ({ postback }) => presentPostback(postback),
        ({ postback }) => ({ value: postback.createdAt, id: postback.id }),
      );
    });
  },
});

const getOwn = defineRoute({
  method: 'GET',
  path: '/v1/me/postbacks/:postbackId',
  summary: 'An own postback with its last calls',
  permission: 'me.read',
  params: postbackParams,
  reply: ownPostbackWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      const postback = await requirePostback(ctx, tx, ctx.params.postbackId);
      const last = await listDeliveries(
        tx,
        postback.id,
        {},
        { limit: shownInPortal - 1, sort: 'createdAt', descending: true, after: null },
      );
      return { ...presentPostback(postback), deliveries: last.map(presentDelivery) };
    }),
});

const createOwn = defineRoute({
  method: 'POST',
  path: '/v1/me/postbacks',
  permission: 'me.write',
  body: ownPostbackCreate,
  reply: postbackWire,
  status: 201,
  refuses: ['resource.not_found', 'link.url_not_allowed', ...portalWriteRefusals],
  async handle(ctx, { config }) {
    await ctx.read((tx, now) => requireOwn(tx, ctx, now, 'write'));
    await checkUrl(config, ctx.body.url);
    return ctx.write(async (tx, act) => {
      const { affiliate } = await requireOwn(tx, ctx, act.now, 'write');
      const { programId = null } = ctx.body;
      const isEnrolled =
        programId === null || (await listEnrolments(tx, affiliate.id)).some((one) => one.programId === programId);
      // A program the affiliate is not in does not exist for it.
      if (!isEnrolled) throw new DomainError('resource.not_found');
      const postback = await insert(tx, act, affiliate.id, ctx.body);
      return answer(presentPostback(postback), { location: `/v1/me/postbacks/${postback.id}` });
    });
  },
});

const removeOwn = defineRoute({
  method: 'DELETE',
  path: '/v1/me/postbacks/:postbackId',
  permission: 'me.write',
  params: postbackParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found', ...portalWriteRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      await requireOwn(tx, ctx, act.now, 'write');
      const postback = await requirePostback(ctx, tx, ctx.params.postbackId);
      ctx.requireVersion(postback.version);
      await changePostback(tx, act, postback.id, 'deleted');
      return undefined;
    }),
});

const testOwn = defineRoute({
  method: 'POST',
  path: '/v1/me/postbacks/:postbackId/test',
  summary: 'One call with sample values, now; a test that succeeds ends a pause',
  permission: 'me.write',
  params: postbackParams,
  reply: deliveryWire,
  refuses: ['resource.not_found', ...portalWriteRefusals],
  async handle(ctx, { config }) {
    const postback = await ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now, 'write');
      return requirePostback(ctx, tx, ctx.params.postbackId);
    });
    const result = await callForTest(config, postback);
    return ctx.write(async (tx, act) => presentDelivery(await recordTest(tx, act, postback, result)));
  },
});

export const postbackOutRoutes: readonly Route[] = [
  list,
  get,
  create,
  edit,
  remove,
  deliveries,
  test,
  listOwn,
  getOwn,
  createOwn,
  removeOwn,
  testOwn,
];
