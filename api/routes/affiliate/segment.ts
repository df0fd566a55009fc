import {
  deleteSegment,
  findSegment,
  insertSegment,
  listSegments,
  lockSegment,
  type Segment,
  updateSegment,
} from '../../../db/affiliate/segment.js';
import { countAffiliates } from '../../../db/reads/affiliate/affiliateList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import {
  keptFilter,
  presentSegment,
  segmentCreate,
  segmentList,
  segmentParams,
  segmentPatch,
  segmentQuery,
  segmentWire,
} from '../../schemas/affiliate/segment.js';
import { noContent } from '../../schemas/wire.js';

type Asking = Pick<RouteContext<unknown, unknown, unknown, unknown>, 'scope'>;

async function present(tx: ReadTx | Tx, ctx: Asking, segment: Segment | undefined) {
  if (segment === undefined) throw new DomainError('resource.not_found');
  return presentSegment(segment, (await countAffiliates(tx, ctx.scope, segment.filter)).total);
}

async function locked(tx: Tx, id: string): Promise<Segment> {
  const segment = await lockSegment(tx, id);
  if (segment === undefined) throw new DomainError('resource.not_found');
  return segment;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/segments',
  permission: 'message.read',
  query: segmentQuery,
  reply: segmentList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) => {
      const segments = await listSegments(tx, ctx.query, page);
      const counts = new Map<string, number>();
      for (const { id, filter } of segments.slice(0, page.limit))
        counts.set(id, (await countAffiliates(tx, ctx.scope, filter)).total);
      return ctx.list(
        segments,
        page,
        (segment) => presentSegment(segment, counts.get(segment.id) ?? 0),
        ({ id, name, createdAt }) => ({ value: page.sort === 'name' ? name : createdAt, id }),
      );
    });
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/segments/:segmentId',
  permission: 'message.read',
  params: segmentParams,
  reply: segmentWire,
  refuses: ['resource.not_found'],
  handle: (ctx) => ctx.read(async (tx) => present(tx, ctx, await findSegment(tx, ctx.params.segmentId))),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/segments',
  summary: 'Keeps a filter of the affiliate list under a name',
  permission: 'message.write',
  body: segmentCreate,
  reply: segmentWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { name, filter } = ctx.body;
      const segment = await insertSegment(tx, act, { id: act.newId('segment'), name, filter: keptFilter(filter) });
      return answer(await present(tx, ctx, segment), { location: `/v1/segments/${segment.id}` });
    }),
});

const edit = defineRoute({
  method: 'PATCH',
  path: '/v1/segments/:segmentId',
  permission: 'message.write',
  params: segmentParams,
  body: segmentPatch,
  reply: segmentWire,
  refuses: ['resource.not_found', 'resource.already_exists'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const segment = await locked(tx, ctx.params.segmentId);
      ctx.requireVersion(segment.version);
      const { name, filter } = ctx.body;
      const change = {
        ...(name === undefined ? {} : { name }),
        ...(filter === undefined ? {} : { filter: keptFilter(filter) }),
      };
      return present(tx, ctx, await updateSegment(tx, act, segment, change));
    }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/segments/:segmentId',
  permission: 'message.write',
  params: segmentParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const segment = await locked(tx, ctx.params.segmentId);
      ctx.requireVersion(segment.version);
      await deleteSegment(tx, act, segment);
      return undefined;
    }),
});

export const segmentRoutes: readonly Route[] = [list, get, create, edit, remove];
