import type { Actor } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import { listUserNames } from '../../access/userName.js';
import type { ReadTx } from '../../transaction.js';

/** One thing that happened on the journey, as the history has it. */
export interface StoryLine {
  readonly at: Instant;
  readonly objectType: string;
  readonly objectId: string;
  readonly event: string;
  readonly to: string | null;
  readonly actor: { readonly type: Actor['type']; readonly id: string | null; readonly name: string | null };
  readonly reasonCode: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
  /** The link clicked, where it was a click. */
  readonly slug: string | null;
}

interface StoryRow {
  readonly at: Instant;
  readonly object_type: string;
  readonly object_id: string;
  readonly event: string;
  readonly to_status: string | null;
  readonly actor_type: Actor['type'];
  readonly actor_id: string | null;
  readonly actor_user_id: string | null;
  readonly reason_code: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
  readonly slug: string | null;
}

const most = 500;

// What happened on this journey, to whom and by whom, in order? Clicks, leads, sales, checks, decisions, commissions and their payouts;
// without what only keeps rows in step.
export async function readReferralStory(tx: ReadTx, referralId: string): Promise<readonly StoryLine[]> {
  const { rows } = await tx.raw<{ rows: StoryRow[] }>(
    `
    with members as (
      select :referralId::text as id
      union select id from leads where referral_id = :referralId
      union select id from sales where referral_id = :referralId
      union select id from refunds where referral_id = :referralId
      union select id from disputes where referral_id = :referralId
      union select id from checks where referral_id = :referralId
      union select id from risk_flags where referral_id = :referralId
      union select id from commissions where referral_id = :referralId
      union select id from decisions where object_id = :referralId and state = 'refused'
    )
    select entry.at, entry.object_type, entry.object_id, entry.event, entry.to_status, entry.actor_type, entry.actor_id,
      entry.actor_user_id, entry.reason_code, entry.changes, null as slug, entry.id as written
    from audit_entries as entry join members on members.id = entry.object_id
    where not (entry.object_type = 'referral' and entry.event in ('clicked', 'touched', 'attributed'))
      and entry.event not in ('processed', 'tied', 'readdressed')
    union all
    select touch.occurred_at, touch.kind, touch.source_id, 'touched', null, 'visitor', null, null, null,
      jsonb_build_object('affiliateId', touch.affiliate_id), link.slug, ''
    from touches as touch
    left join links as link on (link.workspace_id, link.id) = (touch.workspace_id, touch.link_id)
    where touch.referral_id = :referralId
    order by at, written, object_id
    limit :most`,
    { referralId, most },
  );
  const names = await listUserNames(
    tx,
    rows.flatMap((row) => row.actor_user_id ?? row.actor_id ?? []),
  );
  return rows.map((row) => ({
    at: row.at,
    objectType: row.object_type,
    objectId: row.object_id,
    event: row.event,
    to: row.to_status,
    actor: {
      type: row.actor_type,
      id: row.actor_id,
      name: names.get(row.actor_user_id ?? row.actor_id ?? '') ?? null,
    },
    reasonCode: row.reason_code,
    changes: row.changes,
    slug: row.slug,
  }));
}
