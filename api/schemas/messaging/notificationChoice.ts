import { z } from 'zod';
import type { Declined } from '../../../db/messaging/notificationChoice.js';
import {
  type NotificationTopic,
  type NotifiedAudience,
  type NotifiedChannel,
  topicsOf,
} from '../../../domain/messaging/notificationTopic.js';
import { invalid } from '../../problems.js';

const channelWire = z
  .strictObject({
    on: z.boolean(),
    /** It is always sent: the contract, the money or the security of the login needs it. */
    locked: z.boolean(),
  })
  .nullable();

export const notificationChoiceWire = z
  .strictObject({
    /** `payout`, `milestone` …: what it tells of. */
    topic: z.string(),
    /** Null: never told by mail. */
    mail: channelWire,
    /** The entry inside the product. Null: never told there. */
    notice: channelWire,
  })
  .openapi('NotificationChoice');

export const notificationChoicePatch = z
  .array(
    z.strictObject({
      topic: z.string().max(50),
      mail: z.boolean().exactOptional(),
      notice: z.boolean().exactOptional(),
    }),
  )
  .max(50);
export type NotificationChange = z.output<typeof notificationChoicePatch>[number];

function presentChannel(one: NotificationTopic, channel: NotifiedChannel, declined: Declined) {
  const rule = one[channel];
  if (rule === 'never') return null;
  return { on: rule === 'always' || !declined[channel].includes(one.topic), locked: rule === 'always' };
}

export function presentNotificationChoices(
  audience: NotifiedAudience,
  declined: Declined,
): z.output<typeof notificationChoiceWire>[] {
  return topicsOf(audience).map((one) => ({
    topic: one.topic,
    mail: presentChannel(one, 'mail', declined),
    notice: presentChannel(one, 'notice', declined),
  }));
}

/** What is declined after these changes. A topic that is not there, or that nobody can decline that way, is 422 at its place. */
export function declinedAfter(
  audience: NotifiedAudience,
  declined: Declined,
  changes: readonly NotificationChange[],
  field: string,
): Declined {
  const sets = { mail: new Set(declined.mail), notice: new Set(declined.notice) };
  changes.forEach((change, index) => {
    const one = topicsOf(audience).find(({ topic }) => topic === change.topic);
    if (one === undefined)
      throw invalid({ pointer: `#/${field}/${index}/topic`, code: 'not_in_list', detail: 'There is no such topic.' });
    for (const channel of ['mail', 'notice'] as const) {
      const isOn = change[channel];
      if (isOn === undefined) continue;
      if (one[channel] !== 'choice')
        throw invalid({
          pointer: `#/${field}/${index}/${channel}`,
          code: 'not_allowed_here',
          detail: one[channel] === 'always' ? 'This is always told.' : 'This is never told that way.',
        });
      if (isOn) sets[channel].delete(one.topic);
      else sets[channel].add(one.topic);
    }
  });
  return { mail: [...sets.mail], notice: [...sets.notice] };
}
