import { z } from 'zod';
import { hasOptedOut, keepChoice, takeChoices } from '../../../db/messaging/message.js';
import { type Declined, findDeclined, keepDeclined } from '../../../db/messaging/notificationChoice.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Act, Actor } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { AffiliateId, UserId } from '../../../domain/ids.js';
import { defineRoute, type Route } from '../../route.js';
import {
  declinedAfter,
  type NotificationChange,
  notificationChoicePatch,
  notificationChoiceWire,
  presentNotificationChoices,
} from '../../schemas/messaging/notificationChoice.js';
import { listOf } from '../../schemas/wire.js';

/** The topic whose mail is declined where each of its mails says so (docs/decisions/0971): one choice, wherever it is made. */
const news = 'news';

/** What an affiliate declines: its own switches, and messages as its latest mail or its profile said. */
export async function declinedOfAffiliate(tx: ReadTx | Tx, affiliateId: AffiliateId): Promise<Declined> {
  const kept = await findDeclined(tx, { affiliateId });
  return (await hasOptedOut(tx, affiliateId)) ? { ...kept, mail: [...kept.mail, news] } : kept;
}

export async function changeOfAffiliate(
  tx: Tx,
  act: Act,
  affiliateId: AffiliateId,
  changes: readonly NotificationChange[],
): Promise<void> {
  const after = declinedAfter('affiliate', await declinedOfAffiliate(tx, affiliateId), changes, 'notifications');
  const isOut = after.mail.includes(news);
  await keepDeclined(tx, act, { affiliateId }, { ...after, mail: after.mail.filter((topic) => topic !== news) });
  if (!isOut && !(await hasOptedOut(tx, affiliateId))) return;
  const choice = (await takeChoices(tx, act, [affiliateId])).get(affiliateId);
  if (choice !== undefined) await keepChoice(tx, act, choice, isOut);
}

/** A key's are those of the person who made it, as its notices are. */
function personOf({ userId }: Actor): { readonly userId: UserId } {
  if (userId === null) throw new DomainError('access.wrong_audience');
  return { userId: userId as UserId };
}

const choiceList = listOf(notificationChoiceWire);

const read = defineRoute({
  method: 'GET',
  path: '/v1/notification-choices',
  summary: 'What I am told of, and how',
  permission: 'staff',
  reply: choiceList,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => ({
      data: presentNotificationChoices('staff', await findDeclined(tx, personOf(ctx.actor))),
      nextCursor: null,
    })),
});

const change = defineRoute({
  method: 'PATCH',
  path: '/v1/notification-choices',
  summary: 'Switch off what need not be told, or on again',
  permission: 'staff',
  body: z.strictObject({ notifications: notificationChoicePatch }),
  reply: choiceList,
  refuses: [],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const reader = personOf(ctx.actor);
      const after = declinedAfter('staff', await findDeclined(tx, reader), ctx.body.notifications, 'notifications');
      await keepDeclined(tx, act, reader, after);
      return { data: presentNotificationChoices('staff', after), nextCursor: null };
    }),
});

export const notificationChoiceRoutes: readonly Route[] = [read, change];
