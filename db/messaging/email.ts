import type { Act } from '../../domain/act.js';
import type { Id, ReferralId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { ReadTx, Tx } from '../transaction.js';
import { insertSet } from '../setInsert.js';
import { keepWantedMails } from './notificationChoice.js';
import { enqueue, enqueueSet, type OutboxPriority } from './outbox.js';

export type EmailId = Id<'email'>;

/** A mail as it is sent: plain text, written with the fact it tells of. */
export interface Email {
  readonly id: EmailId;
  readonly kind: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  readonly sentAt: Instant | null;
  /** Where its reader declines further ones of its kind (RFC 8058); null: of a kind that nobody can decline. */
  readonly unsubscribeUrl: string | null;
}

interface EmailRow {
  readonly id: string;
  readonly kind: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
  readonly sent_at: Instant | null;
  readonly unsubscribe_url: string | null;
}

/** Writes a mail and its outbox row. Priority 2 when somebody waits for it (a sign-in link), 4 for many at once. Answers its id. */
export async function insertEmail(
  tx: Tx,
  act: Act,
  email: {
    readonly kind: string;
    readonly recipient: string;
    readonly subject: string;
    readonly body: string;
    /** The links in the body, so that the development mailbox can show them as buttons. */
    readonly links: readonly string[];
  },
  priority: OutboxPriority = 2,
): Promise<EmailId> {
  const id = act.newId('email');
  await tx('emails').insert({ id, ...email, links: [...email.links], created_at: act.now });
  await enqueue(tx, {
    lane: 'http',
    topic: 'mail',
    orderingKey: null,
    endpoint: 'mail',
    priority,
    payload: { emailId: id },
  });
  return id;
}

/**
 * Mails about facts, each told once under its key whoever writes it again: many in one statement. What its reader declines is not written.
 * Priority as of `insertEmail`. Answers how many were written.
 */
export async function insertEmailsOnce(
  tx: Tx,
  act: Act,
  emails: readonly {
    readonly onceKey: string;
    readonly kind: string;
    readonly recipient: string;
    readonly subject: string;
    readonly body: string;
    /** The referrals it is sent because of. */
    readonly referralIds?: readonly ReferralId[];
    /** Of a mail that its reader may decline: at which address. */
    readonly unsubscribeUrl?: string;
  }[],
  priority: OutboxPriority,
): Promise<number> {
  const written = await insertSet<keyof typeof onceColumns, { id: string }>(
    tx,
    'emails',
    onceColumns,
    (await keepWantedMails(tx, emails)).map((email) => ({
      id: act.newId('email'),
      once_key: email.onceKey,
      kind: email.kind,
      recipient: email.recipient,
      subject: email.subject,
      body: email.body,
      referral_ids: arrayText(email.referralIds),
      links: arrayText(email.unsubscribeUrl === undefined ? [] : [email.unsubscribeUrl]),
      unsubscribe_url: email.unsubscribeUrl ?? null,
      created_at: act.now,
    })),
    { onConflict: 'on conflict (workspace_id, once_key) where once_key is not null do nothing', returning: ['id'] },
  );
  await enqueueSet(
    tx,
    written.map(({ id }) => ({
      lane: 'http',
      topic: 'mail',
      orderingKey: null,
      endpoint: 'mail',
      priority,
      payload: { emailId: id },
    })),
  );
  return written.length;
}

const onceColumns = {
  id: 'text',
  once_key: 'text',
  kind: 'text',
  recipient: 'text',
  subject: 'text',
  body: 'text',
  referral_ids: 'text[]',
  links: 'text[]',
  unsubscribe_url: 'text',
  created_at: 'timestamptz',
} as const;

/** Ids, or addresses of ours, as the text of an array, which `insertSet` takes. */
export function arrayText(ids: readonly string[] = []): string {
  return `{${ids.join(',')}}`;
}

export async function findEmail(tx: ReadTx | Tx, id: string): Promise<Email | undefined> {
  const row = await tx('emails')
    .where({ id })
    .first<EmailRow | undefined>('id', 'kind', 'recipient', 'subject', 'body', 'sent_at', 'unsubscribe_url');
  return row === undefined
    ? undefined
    : {
        id: row.id as EmailId,
        kind: row.kind,
        recipient: row.recipient,
        subject: row.subject,
        body: row.body,
        sentAt: row.sent_at,
        unsubscribeUrl: row.unsubscribe_url,
      };
}

export async function markEmailSent(tx: Tx, id: EmailId, now: Instant): Promise<void> {
  await tx('emails').where({ id, sent_at: null }).update({ sent_at: now, failed_code: null });
}

export async function markEmailFailed(tx: Tx, id: EmailId, code: string): Promise<void> {
  await tx('emails').where({ id, sent_at: null }).update({ failed_code: code });
}
