/** Who is told: an affiliate's record, or a person of the staff. */
export type NotifiedAudience = 'affiliate' | 'staff';

/** How: `choice` may be switched off by its reader, `always` may not, `never` is not done at all. */
export type ChannelRule = 'choice' | 'always' | 'never';
export type NotifiedChannel = 'mail' | 'notice';

export interface NotificationTopic {
  readonly topic: string;
  readonly audience: NotifiedAudience;
  /** The kinds of mails and notices that it stands for. */
  readonly kinds: readonly string[];
  readonly mail: ChannelRule;
  readonly notice: ChannelRule;
}

/**
 * What one may be told of, as the profile lists it (screens.md 3.25, 6). What the contract, the money or the security of a login needs cannot be
 * declined (NTF-16). A kind that stands in no topic is told always.
 */
export const notificationTopics = [
  topic('affiliate', 'earned', ['commission_created'], 'choice', 'choice'),
  topic('affiliate', 'milestone', ['milestone_reached'], 'choice', 'choice'),
  topic('affiliate', 'payout', ['payout_drafted', 'payout_paid'], 'choice', 'choice'),
  topic('affiliate', 'payoutProblem', ['payout_failed', 'payout_returned', 'payout_unpaid'], 'always', 'always'),
  topic('affiliate', 'document', ['document_accepted'], 'choice', 'choice'),
  topic(
    'affiliate',
    'documentNeeded',
    ['document_refused', 'document_expiring', 'document_expired'],
    'always',
    'always',
  ),
  topic('affiliate', 'link', ['link_unreachable'], 'choice', 'choice'),
  topic('affiliate', 'postback', ['postback_paused'], 'choice', 'choice'),
  topic('affiliate', 'apiKey', ['api_key_ending'], 'choice', 'choice'),
  // Its mail is declined by the same choice as at the address in each of them (NTF-16), so it is kept there.
  topic('affiliate', 'news', ['affiliate_message', 'affiliate_reminder'], 'choice', 'always'),
  topic('affiliate', 'terms', ['agreement_published', 'policy_breach', 'appeal_answered'], 'always', 'always'),
  topic('affiliate', 'security', ['sign_in', 'payout_method_added', 'portal_view'], 'always', 'always'),
  topic('staff', 'referralDue', ['referral_reminded'], 'never', 'choice'),
  topic('staff', 'referralOverdue', ['referral_escalated'], 'never', 'choice'),
  topic('staff', 'standard', ['below_standard'], 'never', 'choice'),
  topic('staff', 'document', ['document_expired'], 'never', 'choice'),
  topic('staff', 'apiKey', ['api_key_ending'], 'never', 'choice'),
  topic('staff', 'link', ['link_unreachable'], 'choice', 'choice'),
  topic('staff', 'webhook', ['webhook_failing'], 'choice', 'choice'),
  topic('staff', 'webhookOff', ['webhook_off'], 'always', 'always'),
  topic('staff', 'money', ['reconciliation_difference', 'reconciliation_overdue', 'payout_overdue'], 'never', 'always'),
  topic('staff', 'security', ['sign_in'], 'always', 'never'),
] as const satisfies readonly NotificationTopic[];

function topic<A extends NotifiedAudience, T extends string>(
  audience: A,
  name: T,
  kinds: readonly string[],
  mail: ChannelRule,
  notice: ChannelRule,
): NotificationTopic & { readonly audience: A; readonly topic: T } {
  return { audience, topic: name, kinds, mail, notice };
}

/** The topic under which its reader may decline this kind that way; undefined: nobody can. */
export function declinableTopic(
  audience: NotifiedAudience,
  kind: string,
  channel: NotifiedChannel,
): string | undefined {
  return topicsOf(audience).find((one) => one.kinds.includes(kind) && one[channel] === 'choice')?.topic;
}

export function topicsOf(audience: NotifiedAudience): readonly NotificationTopic[] {
  return notificationTopics.filter((one) => one.audience === audience);
}
