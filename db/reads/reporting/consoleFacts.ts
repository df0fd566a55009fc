import type { Mode } from '../../../domain/act.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import { InvariantError } from '../../../domain/errors.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { assignedContact } from '../tracking/contactList.js';

// What the first screen and the system screen of the console know beside lists.

/** The affiliates a person of the staff looks after. */
export async function listAssignedAffiliateIds(tx: ReadTx, userId: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select id from affiliates where manager_id = :userId
     union select object_id from user_assignments where object_type = 'affiliate' and user_id = :userId`,
    { userId },
  );
  return rows.map((row) => row.id);
}

/** When did the workspace begin? With its first program; before there is one, with the workspace itself. */
export async function readLaunch(tx: ReadTx): Promise<Instant> {
  const { rows } = await tx.raw<{ rows: { at: Instant }[] }>(
    `select coalesce((select min(created_at) from programs), created_at) as at from workspaces`,
  );
  const [row] = rows;
  if (row === undefined) throw new InvariantError('a request is of a workspace');
  return row.at;
}

export interface OwedMoney {
  readonly affiliates: number;
  readonly amount: Money;
}

/** Approved and in no live payout: what the next run looks at, per currency. */
export async function sumOwed(tx: ReadTx, mode: Mode): Promise<readonly OwedMoney[]> {
  const { rows } = await tx.raw<{ rows: { currency: CurrencyCode; affiliates: number; minor: bigint }[] }>(
    `select line.currency, count(distinct line.affiliate_id)::int as affiliates,
            sum(line.amount_minor - line.reversed_minor)::bigint as minor
     from commissions as line
     where line.mode = :mode and line.status = 'approved'
       and not exists (select from payout_lines as placed where placed.commission_id = line.id and placed.released_at is null)
     group by line.currency order by line.currency`,
    { mode },
  );
  return rows.map(({ affiliates, currency, minor }) => ({ affiliates, amount: { minor, currency } }));
}

export interface SetupFact {
  readonly at: Instant;
  /** Who did it, by name; null: nobody's act, as a click. */
  readonly by: string | null;
}

/** Which steps of the set-up are done, when and by whom first (screens.md 1.10)? */
export type SetupFacts = Readonly<
  Partial<Record<'settings' | 'program' | 'tracking' | 'affiliates' | 'testReferral' | 'payout', SetupFact>>
>;

export async function readSetupFacts(tx: ReadTx): Promise<SetupFacts> {
  const { rows } = await tx.raw<{ rows: { step: keyof SetupFacts; at: Instant; name: string | null }[] }>(
    `with done (step, at, user_id) as (
       select 'settings', settings.saved_at,
              (select changed_by from settings_versions where created_at >= settings.saved_at order by version limit 1)
       from settings where settings.saved_at is not null
       union all
       (select 'program', entry.at, entry.actor_user_id
        from audit_entries as entry join programs as program on program.id = entry.object_id
        where entry.to_status = 'active' and program.status <> 'draft' order by entry.at limit 1)
       union all
       select 'tracking', min(first), null
       from (select min(created_at) as first from clicks union all select min(created_at) from sales) as seen
       having min(first) is not null
       union all
       (select 'affiliates', affiliate.created_at,
               (select entry.actor_user_id from audit_entries as entry
                where entry.object_id = affiliate.id and entry.to_status = 'approved' order by entry.seq limit 1)
        from affiliates as affiliate where affiliate.status = 'approved' order by affiliate.created_at limit 1)
       union all
       select 'testReferral', min(created_at), null from commissions where mode = 'test' having min(created_at) is not null
       union all
       (select 'payout', schedule.created_at,
               (select entry.actor_user_id from audit_entries as entry where entry.object_id = schedule.id order by entry.seq limit 1)
        from payout_schedules as schedule
        where schedule.deleted_at is null and exists (select from payout_methods where status in ('active', 'cooling'))
        order by schedule.created_at limit 1))
     select done.step, done.at, person.name from done left join users as person on person.id = done.user_id`,
  );
  return Object.fromEntries(rows.map((row) => [row.step, { at: row.at, by: row.name }]));
}

export interface OutboxState {
  readonly lane: 'workflow' | 'http';
  readonly waiting: number;
  readonly oldestAt: Instant | null;
  readonly dead: number;
}

/** What the relay has still to send for this workspace. */
export async function readOutboxState(tx: ReadTx, now: Instant): Promise<readonly OutboxState[]> {
  const { rows } = await tx.raw<{ rows: OutboxState[] }>(
    `select lanes.lane,
            (count(outbox.id) filter (where outbox.dead_at is null and outbox.due_at <= cast(:now as timestamptz)))::int as waiting,
            min(outbox.due_at) filter (where outbox.dead_at is null and outbox.due_at <= cast(:now as timestamptz)) as "oldestAt",
            (count(outbox.id) filter (where outbox.dead_at is not null))::int as dead
     from (values ('workflow'), ('http')) as lanes (lane)
     left join outbox on outbox.lane = lanes.lane and outbox.sent_at is null
     group by lanes.lane order by lanes.lane desc`,
    { now },
  );
  return rows;
}

/** Events that webhooks have not taken yet: also those that wait for their next try. */
export async function readWebhookBacklog(
  tx: ReadTx,
): Promise<{ readonly waiting: number; readonly oldestAt: Instant | null }> {
  const { rows } = await tx.raw<{ rows: { waiting: number; oldestAt: Instant | null }[] }>(
    `select count(*)::int as waiting, min(created_at) as "oldestAt"
     from outbox where lane = 'http' and topic = 'webhook' and sent_at is null and dead_at is null`,
  );
  return rows[0] ?? { waiting: 0, oldestAt: null };
}

export interface UnfinishedCount {
  readonly workflowType: string;
  readonly running: number;
  /** Stood still after a failure of ours, waiting for a nudge. */
  readonly parked: number;
}

/** What is under way by workflow type, as the rows say. */
export async function countUnfinished(tx: ReadTx): Promise<readonly UnfinishedCount[]> {
  const { rows } = await tx.raw<{ rows: UnfinishedCount[] }>(
    `select 'referral' as "workflowType", count(*)::int as running, 0 as parked from referrals where status in ('tracking', 'pending')
     union all
     select 'payoutRun', count(*)::int, (count(*) filter (where parked_at is not null))::int
     from payout_runs where status in ('planning', 'planned', 'approved', 'executing')
     union all
     select 'payout', count(*)::int, 0 from payouts where status = 'pending'
     union all
     select 'bulkOperation', count(*)::int, 0 from operations where status in ('queued', 'running')`,
  );
  return rows;
}

export interface AuditState {
  readonly sequence: string;
  readonly updatedAt: Instant;
  readonly histories: number;
  readonly newestHistoryAt: Instant | null;
}

/** How far the chain and the archive of histories are. */
export async function readAuditState(tx: ReadTx): Promise<AuditState | undefined> {
  const { rows } = await tx.raw<{ rows: AuditState[] }>(
    `select head.sequence::text as sequence, head.updated_at as "updatedAt",
            (select count(*)::int from histories) as histories,
            (select max(created_at) from histories) as "newestHistoryAt"
     from audit_heads as head`,
  );
  return rows[0];
}

export const searchKinds = [
  'affiliate',
  'contact',
  'program',
  'link',
  'coupon',
  'referral',
  'sale',
  'commission',
  'payout',
  'payout_run',
  'group',
  'user',
  'api_key',
] as const;
export type SearchKind = (typeof searchKinds)[number];

export interface SearchHit {
  readonly kind: SearchKind;
  readonly id: string;
  readonly title: string;
  readonly detail: string | null;
  /** The title is a customer's name or address. */
  readonly isPerson: boolean;
}

/** Literal: no pattern characters. `:q` is lower case, `:id` as typed. */
const searches: Readonly<Record<SearchKind, string>> = {
  affiliate: `select 'affiliate' as kind, id, name as title, status as detail, false as is_person from affiliates
    where (id = :id or strpos(lower(name), :q) > 0 or strpos(lower(email), :q) > 0 or strpos(lower(coalesce(company, '')), :q) > 0)
      and (cast(:affiliateIds as text[]) is null or id = any(:affiliateIds))`,
  contact: `select 'contact', contact.id, coalesce(contact.name, contact.email, contact.id), contact.country, coalesce(contact.name, contact.email) is not null
    from contacts as contact
    where contact.merged_into_id is null
      and (contact.id = :id or strpos(lower(coalesce(contact.name, '')), :q) > 0 or strpos(lower(coalesce(contact.email, '')), :q) > 0)
      and (cast(:affiliateIds as text[]) is null or ${assignedContact})`,
  program: `select 'program', id, name, status, false from programs where id = :id or strpos(lower(name), :q) > 0 or slug = :q`,
  link: `select 'link', id, slug, status, false from links where (id = :id or strpos(slug, :q) > 0)
      and (cast(:affiliateIds as text[]) is null or affiliate_id = any(:affiliateIds))`,
  coupon: `select 'coupon', coupon.id, coupon.code, affiliate.name, false from coupons as coupon
    join affiliates as affiliate on affiliate.id = coupon.affiliate_id
    where coupon.deleted_at is null and (coupon.id = :id or strpos(lower(coupon.code), :q) > 0)
      and (cast(:affiliateIds as text[]) is null or coupon.affiliate_id = any(:affiliateIds))`,
  referral: `select 'referral', referral.id, coalesce(contact.name, 'Referral'), referral.status, contact.name is not null from referrals as referral
    left join contacts as contact on contact.id = referral.contact_id
    where referral.mode = :mode and referral.status in ('pending', 'approved', 'rejected')
      and (referral.id = :id or strpos(lower(coalesce(contact.name, '')), :q) > 0 or lower(contact.email) = :q)
      and (cast(:affiliateIds as text[]) is null or referral.affiliate_id = any(:affiliateIds))`,
  sale: `select 'sale', id, external_id, status, false from sales
    where mode = :mode and (id = :id or lower(external_id) = :q)
      and (cast(:affiliateIds as text[]) is null or affiliate_id = any(:affiliateIds))`,
  commission: `select 'commission', id, kind, status, false from commissions
    where mode = :mode and id = :id and (cast(:affiliateIds as text[]) is null or affiliate_id = any(:affiliateIds))`,
  payout: `select 'payout', id, currency, status, false from payouts where mode = :mode and (id = :id or lower(reference) = :q)`,
  payout_run: `select 'payout_run', id, coalesce(period, 'Payout run'), status, false from payout_runs where mode = :mode and id = :id`,
  group: `select 'group', id, name, null, false from groups where id = :id or strpos(lower(name), :q) > 0`,
  user: `select 'user', id, name, status, false from users
    where audience = 'staff' and (id = :id or strpos(lower(name), :q) > 0 or strpos(lower(email), :q) > 0)`,
  api_key: `select 'api_key', id, name, hint, false from api_keys where id = :id or hint = :id or strpos(lower(name), :q) > 0`,
};

/** What matches a word among the kinds this reader may open, a few of each. */
export async function search(
  tx: ReadTx,
  of: {
    readonly mode: Mode;
    readonly q: string;
    readonly perKind: number;
    /** Who asks, where some kind is limited. */
    readonly userId: string | null;
    /** Each kind with the affiliates it is limited to; null: all. */
    readonly kinds: readonly { readonly kind: SearchKind; readonly affiliateIds: readonly string[] | null }[];
  },
): Promise<readonly SearchHit[]> {
  const hits: SearchHit[] = [];
  for (const { kind, affiliateIds } of of.kinds) {
    const { rows } = await tx.raw<{ rows: SearchHit[] }>(
      `select * from (${searches[kind]}) as hit (kind, id, title, detail, "isPerson") order by (id = :id) desc, title, id limit :perKind`,
      {
        id: of.q,
        q: of.q.toLowerCase(),
        mode: of.mode,
        perKind: of.perKind,
        userId: of.userId,
        affiliateIds: affiliateIds === null ? null : [...affiliateIds],
      },
    );
    hits.push(...rows);
  }
  return hits;
}
