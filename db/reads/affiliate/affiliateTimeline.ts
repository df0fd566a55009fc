import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { type AuditEntryView, type EntryRow, viewsOf } from '../audit/auditEntryList.js';
import { keyset, type Page } from '../keyset.js';

// What happened to an affiliate and to what is its own, by whom and why? Read from the one history (AUD-01, AUD-11).

export const activityKinds = [
  'affiliate',
  'enrolment',
  'login',
  'user',
  'link',
  'coupon',
  'payout',
  'payout_method',
  'affiliate_document',
  'affiliate_breach',
  'api_key',
  'postback',
] as const;
export type ActivityKind = (typeof activityKinds)[number];

/** The objects of each kind that are this affiliate's, and what people call them. A payout belongs to one mode, everything else to both (api.md 1.3). */
const objectsOf: Readonly<Record<ActivityKind, string>> = {
  affiliate: `select id, name from affiliates where id = :affiliateId`,
  enrolment: `select enrolment.id, program.name from enrolments as enrolment
    join programs as program on program.id = enrolment.program_id where enrolment.affiliate_id = :affiliateId`,
  login: 'select login_id as id, name from users where affiliate_id = :affiliateId',
  user: 'select id, name from users where affiliate_id = :affiliateId',
  link: 'select id, slug as name from links where affiliate_id = :affiliateId',
  coupon: 'select id, code as name from coupons where affiliate_id = :affiliateId',
  payout: 'select id, reference as name from payouts where affiliate_id = :affiliateId and mode = :mode',
  // Its details have a history of their own: who read them in clear.
  payout_method: `select id, type as name from payout_methods where affiliate_id = :affiliateId
    union all select id || '/details', type from payout_methods where affiliate_id = :affiliateId`,
  affiliate_document: 'select id, file_name as name from affiliate_documents where affiliate_id = :affiliateId',
  affiliate_breach: 'select id, policy as name from affiliate_breaches where affiliate_id = :affiliateId',
  api_key: 'select id, name from api_keys where affiliate_id = :affiliateId',
  postback: 'select id, url as name from postbacks where affiliate_id = :affiliateId',
};

export interface ActivityFilter {
  readonly affiliateId: AffiliateId;
  readonly mode: Mode;
  /** At least one. */
  readonly kinds: readonly ActivityKind[];
  /** Literal, in what the object is called, whoever did it, and the object's id. */
  readonly q?: string | undefined;
  readonly createdAt: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant };
}

/**
 * Without what only keeps rows in step: the daily look at a link's destination. One login may be at home with several affiliates, so a sign-in
 * names the one that it was for. Found by the objects and then ordered: the history itself grows without end.
 */
export async function listAffiliateActivity(
  tx: ReadTx,
  filter: ActivityFilter,
  page: Page,
): Promise<readonly AuditEntryView[]> {
  const objects = filter.kinds.map((kind) => objectsOf[kind]).join(' union all ');
  const found = tx.raw(
    `(with own as materialized (${objects}), entries as materialized (
       select entry.* from audit_entries as entry
       where entry.object_id in (select id from own)
         and not (entry.object_type = 'link' and entry.event = 'checked')
         and (entry.object_type <> 'login' or entry.changes ->> 'affiliateId' = :affiliateId)
         and (:q::text is null or entry.object_id = :q
              or entry.object_id in (select id from own where strpos(lower(own.name), lower(:q)) > 0)
              or exists (select from users as person where person.id in (entry.actor_id, entry.actor_user_id)
                         and strpos(lower(person.name), lower(:q)) > 0)))
     select * from entries) as entry`,
    { affiliateId: filter.affiliateId, mode: filter.mode, q: filter.q ?? null },
  );
  const query = tx.from(found).select<EntryRow[]>('entry.*');
  const operators = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
  for (const [bound, at] of Object.entries(filter.createdAt))
    query.where('entry.at', operators[bound as keyof typeof operators], at);
  return viewsOf(tx, await keyset(query, page, { createdAt: 'entry.at' }, 'entry.id'));
}
