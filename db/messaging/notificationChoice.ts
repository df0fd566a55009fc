import type { Act } from '../../domain/act.js';
import type { AffiliateId, Id, UserId } from '../../domain/ids.js';
import { declinableTopic } from '../../domain/messaging/notificationTopic.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** Whose it is: an affiliate's record, or one person of the staff. */
export type NoticeReader = { readonly affiliateId: AffiliateId } | { readonly userId: UserId };

/** What a reader wants to hear nothing of, by topic and way. */
export interface Declined {
  readonly mail: readonly string[];
  readonly notice: readonly string[];
}

interface ChoiceRow {
  readonly id: Id<'notificationChoice'>;
  readonly affiliate_id: AffiliateId | null;
  readonly user_id: UserId | null;
  readonly no_mail: readonly string[];
  readonly no_notice: readonly string[];
  readonly version: number;
}

function columnsOf(reader: NoticeReader): Readonly<Record<string, string>> {
  return 'affiliateId' in reader ? { affiliate_id: reader.affiliateId } : { user_id: reader.userId };
}

export async function findDeclined(tx: ReadTx | Tx, reader: NoticeReader): Promise<Declined> {
  const row = await tx('notification_choices').where(columnsOf(reader)).first<ChoiceRow | undefined>();
  return { mail: row?.no_mail ?? [], notice: row?.no_notice ?? [] };
}

/** Keeps what a reader declines, with its history. The same once more changes nothing. */
export async function keepDeclined(tx: Tx, act: Act, reader: NoticeReader, declined: Declined): Promise<void> {
  await tx('notification_choices')
    .insert({ id: act.newId('notificationChoice'), ...columnsOf(reader), created_at: act.now, updated_at: act.now })
    .onConflict()
    .ignore();
  const row = await tx('notification_choices').where(columnsOf(reader)).forNoKeyUpdate().first<ChoiceRow>();
  const after = { no_mail: [...declined.mail].sort(), no_notice: [...declined.notice].sort() };
  if (isSame(row.no_mail, after.no_mail) && isSame(row.no_notice, after.no_notice)) return;
  await tx('notification_choices')
    .where({ id: row.id })
    .update({ ...after, version: row.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'notification_choice',
    objectId: row.id,
    seq: row.version,
    event: 'changed',
    changes: {
      mail: { from: row.no_mail, to: after.no_mail },
      notice: { from: row.no_notice, to: after.no_notice },
    },
  });
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

/** Those of these notices that their reader wants. What has to be confirmed cannot be declined. */
export async function keepWantedNotices<
  N extends { readonly kind: string; readonly reader: NoticeReader; readonly requiresAcknowledgement: boolean },
>(tx: Tx, notices: readonly N[]): Promise<readonly N[]> {
  const topicOf = ({ kind, reader, requiresAcknowledgement }: N): string | undefined =>
    requiresAcknowledgement
      ? undefined
      : declinableTopic('affiliateId' in reader ? 'affiliate' : 'staff', kind, 'notice');
  const ids = [...new Set(notices.flatMap((one) => (topicOf(one) === undefined ? [] : [idOf(one.reader)])))];
  if (ids.length === 0) return notices;
  const rows = await tx('notification_choices')
    .whereRaw('(affiliate_id = any(:ids) or user_id = any(:ids))', { ids })
    .select<ChoiceRow[]>('affiliate_id', 'user_id', 'no_notice');
  const declined = new Map(rows.map((row) => [String(row.affiliate_id ?? row.user_id), row.no_notice]));
  return notices.filter((one) => {
    const topic = topicOf(one);
    return topic === undefined || declined.get(idOf(one.reader))?.includes(topic) !== true;
  });
}

function idOf(reader: NoticeReader): string {
  return 'affiliateId' in reader ? reader.affiliateId : reader.userId;
}

/** Those of these mails that the mailbox's owner wants; of a mailbox with two owners, what neither of them declines. */
export async function keepWantedMails<M extends { readonly kind: string; readonly recipient: string }>(
  tx: Tx,
  mails: readonly M[],
): Promise<readonly M[]> {
  const topics = (kind: string) => ({
    affiliate: declinableTopic('affiliate', kind, 'mail'),
    staff: declinableTopic('staff', kind, 'mail'),
  });
  const open = mails.filter(({ kind }) => Object.values(topics(kind)).some((topic) => topic !== undefined));
  if (open.length === 0) return mails;
  const { rows } = await tx.raw<{ rows: { email: string; audience: 'affiliate' | 'staff'; no_mail: string[] }[] }>(
    `select affiliates.email_key as email, 'affiliate' as audience, choices.no_mail
     from affiliates
     join notification_choices choices
       on choices.workspace_id = affiliates.workspace_id and choices.affiliate_id = affiliates.id
     where affiliates.email_key = any(cast(:emails as text[])) and affiliates.status <> 'terminated'
     union all
     select lower(users.email), 'staff', choices.no_mail
     from notification_choices choices
     join users on users.workspace_id = choices.workspace_id and users.id = choices.user_id
     where lower(users.email) = any(cast(:emails as text[])) and users.audience = 'staff'`,
    { emails: [...new Set(open.map(({ recipient }) => recipient.toLowerCase()))] },
  );
  return mails.filter(
    ({ kind, recipient }) =>
      !rows.some(
        (row) => row.email === recipient.toLowerCase() && row.no_mail.includes(topics(kind)[row.audience] ?? ''),
      ),
  );
}
