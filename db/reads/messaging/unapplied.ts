import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

// What has waited for a minute and nobody took up: a fact or decision without outcome, a parked sale whose customer is known by now, or a
// deadline that passed? (temporal.md 4.5) Each comes again after 2, 4, 8 … minutes, then hourly, so that a parked run is not flooded; not
// while an unsent signal for its workflow waits.

/** Tables whose rows remember their nudges. */
export type NudgedTable =
  | 'leads'
  | 'sales'
  | 'refunds'
  | 'disputes'
  | 'checks'
  | 'decisions'
  | 'gateway_events'
  | 'referrals'
  | 'payouts'
  | 'payout_runs';

export interface Unapplied {
  readonly table: NudgedTable;
  readonly id: string;
  /** Since when it waits: its commit or its deadline. A nudge older than this belongs to another wait. */
  readonly since: Instant;
  readonly workflowType: 'referral' | 'payout' | 'payoutRun';
  readonly workflowId: string;
  /** The aggregate the workflow is about. */
  readonly objectId: string;
}

interface UnappliedRow {
  readonly table_name: NudgedTable;
  readonly id: string;
  readonly since: Instant;
  readonly workflow_type: Unapplied['workflowType'];
  readonly workflow_id: string;
  readonly object_id: string;
}

const patience = `interval '1 minute'`;

/** A row whose next nudge is due, `since` being when its wait began. `power` is capped before it overflows. */
function isDue(row: string, since: string): string {
  return `${since} <= cast(:now as timestamptz) - ${patience}
    and (${row}.nudged_at is null or ${row}.nudged_at < ${since}
         or ${row}.nudged_at + least(power(2, least(${row}.nudges, 10)) * interval '1 minute', interval '1 hour') <= cast(:now as timestamptz))`;
}

function columns(
  table: NudgedTable,
  id: string,
  since: string,
  type: Unapplied['workflowType'],
  objectId: string,
): string {
  const workflowId =
    type === 'payoutRun' ? 'run.workflow_id' : `'${type}/' || ${table}.workspace_id || '/' || ${objectId}`;
  return `select '${table}' as table_name, ${id} as id, ${since} as since, '${type}' as workflow_type,
    ${workflowId} as workflow_id, ${objectId} as object_id`;
}

/** Facts tied to a referral and without outcome. Each index of theirs holds only such rows. */
const referralFacts = (['leads', 'sales', 'refunds', 'disputes'] as const).map(
  (table) => `
    ${columns(table, `${table}.id`, `${table}.created_at`, 'referral', `${table}.referral_id`)}
    from ${table} where ${table}.processed_at is null and ${table}.referral_id is not null
      and ${isDue(table, `${table}.created_at`)}`,
);

const sources = [
  ...referralFacts,
  // A check waits for its provider most of the time; a verdict that came is the fact.
  `${columns('checks', 'checks.id', 'checks.updated_at', 'referral', 'checks.referral_id')}
   from checks where checks.processed_at is null and checks.pending_verdict is not null and ${isDue('checks', 'checks.updated_at')}`,
  // A sale that parked while the lead of its customer committed: no signal reports that (tried).
  `select 'sales', sales.id, sales.created_at, 'referral', 'referral/' || sales.workspace_id || '/' || journey.id, journey.id
   from sales
   join external_customers as customer
     on (customer.workspace_id, customer.mode, customer.external_id) = (sales.workspace_id, sales.mode, sales.customer_external_id)
   cross join lateral (
     select referrals.id from referrals
     where referrals.workspace_id = sales.workspace_id and referrals.mode = sales.mode and referrals.contact_id = customer.contact_id
       and referrals.status in ('pending', 'approved', 'rejected')
     order by referrals.created_at desc limit 1) as journey
   where sales.parked_code = 'unknown_customer' and customer.contact_id is not null and ${isDue('sales', 'sales.created_at')}`,
  // A decision names its workflow itself: a scheduled run's id is not made of its row's.
  `select 'decisions', decisions.id, decisions.created_at, split_part(decisions.workflow_id, '/', 1), decisions.workflow_id,
     case when decisions.workflow_id like 'payoutRun/%' then decisions.object_id else split_part(decisions.workflow_id, '/', 3) end
   from decisions where decisions.state = 'open' and split_part(decisions.workflow_id, '/', 1) in ('referral', 'payout', 'payoutRun')
     and ${isDue('decisions', 'decisions.created_at')}`,
  `${columns('gateway_events', 'gateway_events.id', 'gateway_events.created_at', 'payout', 'gateway_events.payout_id')}
   from gateway_events where gateway_events.processed_at is null and gateway_events.payout_id is not null
     and ${isDue('gateway_events', 'gateway_events.created_at')}`,
  // Deadlines. On hold means that passing one does nothing.
  `${columns('referrals', 'referrals.id', 'referrals.window_ends_at', 'referral', 'referrals.id')}
   from referrals where referrals.status = 'tracking' and ${isDue('referrals', 'referrals.window_ends_at')}`,
  `${columns('referrals', 'referrals.id', 'referrals.decide_by', 'referral', 'referrals.id')}
   from referrals where referrals.status = 'pending' and referrals.decide_by is not null and ${isDue('referrals', 'referrals.decide_by')}`,
  `${columns('referrals', 'referrals.id', 'commissions.eligible_at', 'referral', 'referrals.id')}
   from commissions
   join referrals on (referrals.workspace_id, referrals.id) = (commissions.workspace_id, commissions.referral_id)
   join affiliates on (affiliates.workspace_id, affiliates.id) = (commissions.workspace_id, commissions.affiliate_id)
   where commissions.status = 'pending' and not commissions.on_hold and not commissions.needs_reviewer
     and referrals.status = 'approved' and affiliates.status = 'approved' and ${isDue('referrals', 'commissions.eligible_at')}`,
  `${columns('referrals', 'referrals.id', 'checks.ask_at', 'referral', 'referrals.id')}
   from checks join referrals on (referrals.workspace_id, referrals.id) = (checks.workspace_id, checks.referral_id)
   where checks.status = 'waiting' and referrals.status = 'pending' and ${isDue('referrals', 'checks.ask_at')}`,
  `${columns('payouts', 'payouts.id', 'payout_attempts.look_up_at', 'payout', 'payouts.id')}
   from payout_attempts join payouts on (payouts.workspace_id, payouts.id) = (payout_attempts.workspace_id, payout_attempts.payout_id)
   where payout_attempts.state in ('submitting', 'submitted', 'unknown') and not payout_attempts.needs_human and not payouts.on_hold
     and ${isDue('payouts', 'payout_attempts.look_up_at')}`,
  `${columns('payout_runs', 'run.id', 'run.pay_at', 'payoutRun', 'run.id')}
   from payout_runs as run where run.status = 'approved' and not run.paused and ${isDue('run', 'run.pay_at')}`,
  // A plan that stands still lost its workflow: each page touches the row.
  `${columns('payout_runs', 'run.id', 'run.updated_at', 'payoutRun', 'run.id')}
   from payout_runs as run where run.status = 'planning' and ${isDue('run', 'run.updated_at')}`,
];

/** At most `limit` of them, the longest waiting first. */
export async function listUnapplied(tx: ReadTx, now: Instant, limit: number): Promise<readonly Unapplied[]> {
  const { rows } = await tx.raw<{ rows: UnappliedRow[] }>(
    `select late.* from (${sources.join('\nunion all\n')}) as late
     where not exists (select from outbox where outbox.ordering_key = late.workflow_id
                       and outbox.sent_at is null and outbox.dead_at is null)
     order by late.since, late.id limit :limit`,
    { now, limit },
  );
  return rows.map((row) => ({
    table: row.table_name,
    id: row.id,
    since: row.since,
    workflowType: row.workflow_type,
    workflowId: row.workflow_id,
    objectId: row.object_id,
  }));
}
