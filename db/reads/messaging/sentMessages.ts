import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import type { Page } from '../keyset.js';

/** One thing that somebody was told: a mail, or an entry inside the product. */
export interface SentMessage {
  readonly id: string;
  readonly channel: 'mail' | 'notice';
  readonly kind: string;
  readonly subject: string;
  readonly body: string;
  /** What in the body opens something by itself, such as a one-time link. */
  readonly links: readonly string[];
  /** The name of whoever reads the notice; null for a mail, which knows its address only. */
  readonly recipientName: string | null;
  readonly recipientAddress: string | null;
  readonly sentAt: Instant | null;
  readonly failedCode: string | null;
  readonly readAt: Instant | null;
  readonly acknowledgedAt: Instant | null;
  readonly createdAt: Instant;
}

/** Because of which referral, to which affiliate; both: what that affiliate was told because of that referral. */
export interface SentFilter {
  readonly referralId?: string;
  readonly affiliate?: { readonly id: string; readonly email: string };
  /** Literal, in the subject, and the id. */
  readonly q?: string;
}

/** By ids: under row-level security no index answers `@>`, so a function of the owner's asks it (20261208_1142). */
const ofReferral = 'select messages_of_referral(cast(:referralId as text))';

// What was sent because of this referral, or to this affiliate? Both halves are cut to the page by their own index before they are put together.
export async function listSentMessages(tx: ReadTx, of: SentFilter, page: Page): Promise<readonly SentMessage[]> {
  const mails = [
    ...(of.referralId === undefined ? [] : [`id = any(array(${ofReferral}))`]),
    ...(of.affiliate === undefined ? [] : ['recipient_key = lower(:email)']),
    ...(of.q === undefined ? [] : ['(id = :q or strpos(lower(subject), lower(:q)) > 0)']),
  ];
  const notices = [
    ...(of.referralId === undefined ? [] : [`notice.id = any(array(${ofReferral}))`]),
    ...(of.affiliate === undefined ? [] : ['notice.affiliate_id = :affiliateId']),
    ...(of.q === undefined ? [] : ['(notice.id = :q or strpos(lower(notice.subject), lower(:q)) > 0)']),
  ];
  const direction = page.descending ? 'desc' : 'asc';
  const cut = (table: string): string => `
      ${page.after === null ? '' : `and (${table}.created_at, ${table}.id) ${page.descending ? '<' : '>'} (:at, :after)`}
      order by ${table}.created_at ${direction}, ${table}.id ${direction} limit :limit`;
  const { rows } = await tx.raw<{ rows: SentMessage[] }>(
    `select * from (
       (select id, 'mail' as channel, kind, subject, body, links, null as "recipientName", recipient as "recipientAddress",
               sent_at as "sentAt", failed_code as "failedCode", cast(null as timestamptz) as "readAt",
               cast(null as timestamptz) as "acknowledgedAt", created_at as "createdAt"
        from emails where ${mails.join(' and ')} ${cut('emails')})
       union all
       (select notice.id, 'notice', notice.kind, notice.subject, notice.body, '{}', coalesce(affiliate.name, person.name),
               coalesce(affiliate.email, person.email), notice.created_at, null, notice.read_at, notice.acknowledged_at, notice.created_at
        from notices as notice
        left join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (notice.workspace_id, notice.affiliate_id)
        left join users as person on (person.workspace_id, person.id) = (notice.workspace_id, notice.user_id)
        where ${notices.join(' and ')} ${cut('notice')})
     ) as message order by "createdAt" ${direction}, id ${direction} limit :limit`,
    {
      limit: page.limit + 1,
      ...(of.referralId === undefined ? {} : { referralId: of.referralId }),
      ...(of.q === undefined ? {} : { q: of.q }),
      ...(of.affiliate === undefined ? {} : { affiliateId: of.affiliate.id, email: of.affiliate.email }),
      ...(page.after === null ? {} : { at: page.after.value, after: page.after.id }),
    },
  );
  return rows;
}
