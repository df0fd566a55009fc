import { z } from 'zod';
import { acknowledgeNotice, lockNotice, markNoticeRead, type Notice } from '../../../db/messaging/notice.js';
import type { NoticeReader } from '../../../db/messaging/notificationChoice.js';
import { countNotices, listNotices } from '../../../db/reads/messaging/noticeList.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import type { UserId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { Answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { noticeList, noticeParams, noticeQuery, presentNotice } from '../../schemas/messaging/notice.js';
import { noContent } from '../../schemas/wire.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from '../affiliate/ownRecord.js';

type Asking = RouteContext<unknown, unknown, unknown, unknown>;
type Opened = (tx: ReadTx | Tx, ctx: Asking, now: Instant, need: 'read' | 'write') => Promise<NoticeReader>;

/** Staff: the person who asks. A key's are those of the person who made it. */
const ofStaff: Opened = (_tx, ctx) => {
  const { userId } = ctx.actor;
  if (userId === null) throw new DomainError('access.wrong_audience');
  return Promise.resolve({ userId: userId as UserId });
};

const ofAffiliate: Opened = async (tx, ctx, now, need) => {
  await requireOwn(tx, ctx, now, need);
  return { affiliateId: ownId(ctx) };
};

/** The same three routes for both surfaces (api.md 14, 17): own notices only; an id of somebody else's is 404. */
function noticesAt(base: '/v1/notices' | '/v1/me/notices', opened: Opened): readonly Route[] {
  const isPortal = base === '/v1/me/notices';
  const list = defineRoute({
    method: 'GET',
    path: base,
    summary: 'What I was told inside the product; unread ones are counted',
    permission: isPortal ? 'me.read' : 'staff',
    query: noticeQuery,
    reply: noticeList,
    refuses: isPortal ? portalRefusals : [],
    handle(ctx) {
      const page = ctx.page(ctx.query);
      return ctx.read(async (tx, now) => {
        const reader = await opened(tx, ctx, now, 'read');
        const rows = await listNotices(tx, reader, ctx.query, page);
        const data = ctx.list(rows, page, presentNotice, ({ createdAt, id }) => ({ value: createdAt, id }));
        if (ctx.query.include === undefined) return data;
        return { ...data, counts: await countNotices(tx, reader, ctx.query) };
      });
    },
  });
  const changing = (
    verb: 'read' | 'acknowledge',
    summary: string,
    change: (tx: Tx, act: Parameters<typeof markNoticeRead>[1], notice: Notice) => Promise<void>,
  ): Route =>
    defineRoute({
      method: 'POST',
      path: `${base}/:noticeId/${verb}`,
      summary,
      permission: isPortal ? 'me.write' : 'staff',
      params: noticeParams,
      body: z.strictObject({}),
      reply: noContent,
      status: 204,
      refuses: ['resource.not_found', ...(isPortal ? portalWriteRefusals : [])],
      handle: (ctx) =>
        ctx.write(async (tx, act): Promise<undefined | Answer<undefined>> => {
          const reader = await opened(tx, ctx, act.now, 'write');
          const notice = await lockNotice(tx, reader, ctx.params.noticeId);
          if (notice === undefined) throw new DomainError('resource.not_found');
          if (verb === 'acknowledge' && !notice.requiresAcknowledgement) throw new DomainError('resource.not_found');
          await change(tx, act, notice);
          return undefined;
        }),
    });
  const read = changing('read', 'Marks a notice as read', markNoticeRead);
  return isPortal
    ? [list, read, changing('acknowledge', 'Says that a notice was understood', acknowledgeNotice)]
    : [list, read];
}

/** Notices of the staff (api.md 14) and of the portal (api.md 17). */
export const noticeRoutes: readonly Route[] = [
  ...noticesAt('/v1/notices', ofStaff),
  ...noticesAt('/v1/me/notices', ofAffiliate),
];
