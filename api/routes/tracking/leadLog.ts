import { listLeadLog, listVisibilities } from '../../../db/reads/tracking/leadLog.js';
import { boundsOf } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import {
  leadLogList,
  leadLogQuery,
  ownLeadLogList,
  ownLeadLogQuery,
  presentLeadLog,
  presentOwnLeadLog,
} from '../../schemas/tracking/leadLog.js';
import { leadReaderOf } from './lead.js';
import { ownId, ownSearch, portalRefusals, requireOwn, shownCustomers } from '../affiliate/ownRecord.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/lead-log',
  summary: 'Every inbound attempt of every channel, refused ones too',
  permission: 'lead.read',
  query: leadLogQuery,
  reply: leadLogList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, createdAt: boundsOf(ctx.query, 'createdAt') };
    const entries = await ctx.read((tx) => listLeadLog(tx, ctx.scope, ctx.mode, filter, page));
    const reader = leadReaderOf(ctx);
    return ctx.list(
      entries,
      page,
      (entry) => presentLeadLog(entry, reader),
      (entry) => ({ value: entry.at, id: entry.id }),
    );
  },
});

const own = defineRoute({
  method: 'GET',
  path: '/v1/me/lead-log',
  summary: 'Own leads of all channels, with verdict and code; customers as the program allows',
  permission: 'me.read',
  query: ownLeadLogQuery,
  reply: ownLeadLogList,
  refuses: portalRefusals,
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const { channel, outcome } = ctx.query;
    return ctx.read(async (tx, now) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, now);
      const own = ownSearch(ctx, settings);
      const filter = { channel, outcome, createdAt: boundsOf(ctx.query, 'createdAt'), own };
      const entries = await listLeadLog(tx, ctx.scope, ctx.mode, filter, page);
      const programs = entries.flatMap((entry) => entry.programId ?? []);
      const visibilities = await listVisibilities(tx, programs);
      return ctx.list(
        entries,
        page,
        (entry) =>
          presentOwnLeadLog(entry, {
            affiliateId: ownId(ctx),
            seesSubIds: affiliate.subIdAccess,
            visibility: shownCustomers(
              ctx,
              visibilities.get(entry.programId ?? '') ?? settings.affiliates.customerVisibility,
            ),
          }),
        (entry) => ({ value: entry.at, id: entry.id }),
      );
    });
  },
});

export const leadLogRoutes: readonly Route[] = [list, own];
