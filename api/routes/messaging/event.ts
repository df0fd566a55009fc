import { findEvent, listEvents } from '../../../db/reads/messaging/eventList.js';
import { DomainError } from '../../../domain/errors.js';
import { entryIdOf, eventTypes } from '../../../domain/messaging/event.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import {
  eventList,
  eventParams,
  eventQuery,
  eventTypeList,
  eventWire,
  presentEvent,
  presentEventType,
} from '../../schemas/messaging/event.js';
import { requireWholeWorkspace } from '../audit/audit.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/events',
  summary: 'What happened, as webhooks tell it',
  permission: 'webhook.read',
  query: eventQuery,
  reply: eventList,
  refuses: ['access.not_in_scope'],
  async handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const page = ctx.page(ctx.query);
    const { type, objectId } = ctx.query;
    const filter = { mode: ctx.mode, type, objectId, createdAt: boundsOf(ctx.query, 'createdAt') };
    const events = await ctx.read((tx) => listEvents(tx, filter, page));
    return ctx.list(events, page, presentEvent, (event) => ({ value: event.createdAt, id: entryIdOf(event.id) }));
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/events/:eventId',
  permission: 'webhook.read',
  params: eventParams,
  reply: eventWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const found = await ctx.read((tx) => findEvent(tx, ctx.mode, ctx.params.eventId));
    if (found === undefined) throw new DomainError('resource.not_found');
    return presentEvent(found);
  },
});

const types = defineRoute({
  method: 'GET',
  path: '/v1/event-types',
  summary: 'The catalogue of events, with a sample of each',
  permission: 'webhook.read',
  reply: eventTypeList,
  refuses: [],
  handle: (ctx) =>
    ctx.read((_tx, now) =>
      Promise.resolve({ data: eventTypes.map((type) => presentEventType(type, now)), nextCursor: null }),
    ),
});

export const eventRoutes: readonly Route[] = [list, get, types];
