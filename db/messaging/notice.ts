import type { Act } from '../../domain/act.js';
import type { AffiliateId, Id, ReferralId, UserId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { insertSet } from '../setInsert.js';
import type { Tx } from '../transaction.js';
import { arrayText } from './email.js';
import { keepWantedNotices, type NoticeReader } from './notificationChoice.js';

export type NoticeId = Id<'notice'>;

/** Something that happened, told inside the product (PRT-14). The words are in the recipient's language, as those of a mail. */
export interface Notice {
  readonly id: NoticeId;
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
  /** A path of the recipient's own surface, such as `/payouts`. */
  readonly link: string | null;
  readonly requiresAcknowledgement: boolean;
  readonly readAt: Instant | null;
  readonly acknowledgedAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
}

export interface NoticeRow {
  readonly id: NoticeId;
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
  readonly link: string | null;
  readonly requires_acknowledgement: boolean;
  readonly read_at: Instant | null;
  readonly acknowledged_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
}

export function toNotice(row: NoticeRow): Notice {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    body: row.body,
    link: row.link,
    requiresAcknowledgement: row.requires_acknowledgement,
    readAt: row.read_at,
    acknowledgedAt: row.acknowledged_at,
    version: row.version,
    createdAt: row.created_at,
  };
}

export interface NewNotice {
  /** An affiliate, a person of the staff, or whoever of both has this mailbox. */
  readonly to: NoticeReader | { readonly email: string };
  /** The fact it tells of; each recipient is told once. */
  readonly onceKey: string;
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
  readonly link?: string;
  readonly requiresAcknowledgement?: boolean;
  /** The referrals it is told because of. */
  readonly referralIds?: readonly ReferralId[];
}

const columns = {
  id: 'text',
  affiliate_id: 'text',
  user_id: 'text',
  once_key: 'text',
  kind: 'text',
  subject: 'text',
  body: 'text',
  link: 'text',
  requires_acknowledgement: 'boolean',
  referral_ids: 'text[]',
  created_at: 'timestamptz',
} as const;

/**
 * Writes notices with the fact they tell of, many in one statement; one that is there under its key stays as it is, so a repeat is harmless.
 * The switches of the notification settings are for mails: the entry inside the product remains (SET-07), unless its own reader declines it.
 * Test mode tells nobody.
 */
export async function insertNoticesOnce(tx: Tx, act: Act, notices: readonly NewNotice[]): Promise<void> {
  if (notices.length === 0 || act.mode === 'test') return;
  const byEmail = await findReaders(
    tx,
    notices.flatMap(({ to }) => ('email' in to ? [to.email.toLowerCase()] : [])),
  );
  const addressed = notices.flatMap(({ to, ...notice }) =>
    ('email' in to ? (byEmail.get(to.email.toLowerCase()) ?? []) : [to]).map((reader) => ({
      ...notice,
      reader,
      requiresAcknowledgement: notice.requiresAcknowledgement ?? false,
    })),
  );
  const rows = (await keepWantedNotices(tx, addressed)).map(({ reader, ...notice }) => ({
    id: act.newId('notice'),
    affiliate_id: 'affiliateId' in reader ? reader.affiliateId : null,
    user_id: 'userId' in reader ? reader.userId : null,
    once_key: notice.onceKey,
    kind: notice.kind,
    subject: notice.subject,
    body: notice.body,
    link: notice.link ?? null,
    requires_acknowledgement: notice.requiresAcknowledgement,
    referral_ids: arrayText(notice.referralIds),
    created_at: act.now,
  }));
  await insertSet(tx, 'notices', columns, rows, {
    onConflict: 'on conflict (workspace_id, coalesce(affiliate_id, user_id), once_key) do nothing',
  });
}

async function findReaders(tx: Tx, emails: readonly string[]): Promise<ReadonlyMap<string, readonly NoticeReader[]>> {
  const found = new Map<string, NoticeReader[]>();
  if (emails.length === 0) return found;
  const { rows } = await tx.raw<{
    rows: { email: string; affiliate_id: AffiliateId | null; user_id: UserId | null }[];
  }>(
    `select email_key as email, id as affiliate_id, null as user_id from affiliates
     where email_key = any(cast(:emails as text[])) and status <> 'terminated'
     union all
     select lower(email), null, id from users
     where lower(email) = any(cast(:emails as text[])) and audience = 'staff' and status = 'active'`,
    { emails: [...emails] },
  );
  for (const { email, affiliate_id: affiliateId, user_id: userId } of rows) {
    const reader = affiliateId !== null ? { affiliateId } : userId !== null ? { userId } : undefined;
    if (reader !== undefined) found.set(email, [...(found.get(email) ?? []), reader]);
  }
  return found;
}

/** The condition of a reader's own notices. */
export function ownNotices(reader: NoticeReader): Readonly<Record<string, string>> {
  return 'affiliateId' in reader ? { affiliate_id: reader.affiliateId } : { user_id: reader.userId };
}

/** An own notice under its lock; undefined for everybody else's. */
export async function lockNotice(tx: Tx, reader: NoticeReader, id: string): Promise<Notice | undefined> {
  const row = await tx('notices')
    .where({ id, ...ownNotices(reader) })
    .forNoKeyUpdate()
    .first<NoticeRow | undefined>();
  return row === undefined ? undefined : toNotice(row);
}

/** Opening marks read; the first time counts. */
export async function markNoticeRead(tx: Tx, act: Act, notice: Notice): Promise<void> {
  if (notice.readAt !== null) return;
  await tx('notices')
    .where({ id: notice.id })
    .update({ read_at: act.now, version: notice.version + 1 });
}

/** Says that it was understood: with the person, in the history, once. Repeating is harmless. */
export async function acknowledgeNotice(tx: Tx, act: Act, notice: Notice): Promise<void> {
  if (notice.acknowledgedAt !== null) return;
  await tx('notices')
    .where({ id: notice.id })
    .update({
      read_at: notice.readAt ?? act.now,
      acknowledged_at: act.now,
      acknowledged_by: act.actor.id,
      version: notice.version + 1,
    });
  await recordAudit(tx, act, { objectType: 'notice', objectId: notice.id, seq: 1, event: 'acknowledged' });
}
