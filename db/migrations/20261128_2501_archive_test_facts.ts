import type { Knex } from 'knex';
import { currentWorkspace } from '../migrationKit.js';

// Test data can be put away for good (TST-07): its facts change their mode from `test` to `archived:<operation>`, which row-level security
// hides from the application in every statement there is. The mode is part of each natural key, so the keys are free again, and two purges
// cannot collide. The ledger is append-only: its rows stay on the test accounts, which are put aside; the same owner gets new ones. The audit
// trail and the recorded runs stay as well. Short ACCESS EXCLUSIVE locks; the checks are not validated, because the old ones were stricter.
// Reversible while nothing is archived.

/** Facts: whatever says `live` or `test` of itself, but keys, sources, jobs, the books and the audit trail. */
const facts = [
  'appeals',
  'clicks',
  'closed_periods',
  'commissions',
  'customer_accounts',
  'decisions',
  'disputes',
  'external_customers',
  'gateway_events',
  'gateway_fundings',
  'gateway_statements',
  'leads',
  'ledger_adjustments',
  'payment_events',
  'payment_keys',
  'payout_files',
  'payout_runs',
  'payouts',
  'program_visitors',
  'referrals',
  'refunds',
  'risk_cases',
  'sales',
  'statement_lines',
  'visits',
] as const;

/** Those of them whose mode has a check. */
const checked = [
  'customer_accounts',
  'payment_events',
  'payment_keys',
  'payout_files',
  'payout_runs',
  'referrals',
  'risk_cases',
  'statement_lines',
] as const;

const archive = `
create function archive_test_data(archived_mode text, no_later_than timestamptz) returns table (what text, how_many bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  workspace constant text := ${currentWorkspace};
  fact record;
  written bigint;
  archived bigint := 0;
  has_days constant boolean := to_regclass('public.rollup_heads') is not null;
begin
  if workspace is null then raise exception 'no workspace is open'; end if;
  if archived_mode !~ '^archived:[a-z]+_[0-9a-z]+$' then raise exception 'not a mode of archived facts: %', archived_mode; end if;
  -- Figures by day are folded by one who holds the head: either he has ended, or he waits and finds nothing.
  if has_days then perform from rollup_heads where workspace_id = workspace for update; end if;
  -- Referrals first: what acts on one locks it, and finds it gone afterwards. Then whatever has been made archivable, by its policy.
  for fact in
    select policy.tablename as name,
      (select attname from pg_attribute where attrelid = policy.tablename::regclass and not attisdropped
         and attname in ('created_at', 'received_at', 'closed_at')
       order by attname = 'created_at' desc, attname = 'received_at' desc limit 1) as clock
    from pg_policies as policy
    where policy.schemaname = 'public' and policy.policyname = policy.tablename || '_archived' and policy.tablename <> 'ledger_accounts'
    order by policy.tablename <> 'referrals', policy.tablename
  loop
    execute format('update %I set mode = $1 where workspace_id = $2 and mode = ''test''%s', fact.name,
        case when fact.clock is null then '' else format(' and %I <= $3', fact.clock) end)
      using archived_mode, workspace, no_later_than;
    get diagnostics written = row_count;
    archived := archived + written;
    if written > 0 then what := fact.name; how_many := written; return next; end if;
  end loop;
  -- A second pass has only what began before the first one ended: accounts opened since belong to new facts.
  update ledger_accounts as account set archived_as = archived_mode
  where account.workspace_id = workspace and account.mode = 'test' and account.archived_as is null
    and (no_later_than = 'infinity' or exists (
      select from ledger_postings as posting
      join ledger_transfers as transfer on transfer.workspace_id = posting.workspace_id and transfer.id = posting.transfer_id
      where posting.workspace_id = workspace and account.id in (posting.debit_account_id, posting.credit_account_id)
        and transfer.recorded_at <= no_later_than));
  get diagnostics written = row_count;
  if written > 0 then what := 'ledger_accounts'; how_many := written; return next; end if;

  -- Their figures. New facts may have been counted since the first pass: where the second found something, the days are folded anew.
  if has_days and no_later_than = 'infinity' then
    delete from rollup_deltas where workspace_id = workspace and mode = 'test';
    delete from program_days where workspace_id = workspace and mode = 'test';
    delete from affiliate_days where workspace_id = workspace and mode = 'test';
    delete from link_days where workspace_id = workspace and mode = 'test';
    delete from affiliate_last_activity where workspace_id = workspace and mode = 'test';
  elsif has_days and archived > 0 then
    update rollup_heads set time_zone = '' where workspace_id = workspace;
  end if;

  -- Nothing waits any more: no provider, no relay, no sweep takes these up again.
  update clicks set taken_up_at = now()
  where workspace_id = workspace and mode = archived_mode and credit = 'credited' and taken_up_at is null;
  update checks set processed_at = now()
  where workspace_id = workspace and processed_at is null
    and referral_id in (select id from referrals where workspace_id = workspace and mode = archived_mode);
  update operations set status = 'cancelled', finished_at = now(), version = version + 1
  where workspace_id = workspace and mode = 'test' and status in ('queued', 'running') and created_at <= no_later_than
    and 'archived:' || id <> archived_mode;
  delete from customer_tokens
  where workspace_id = workspace
    and customer_account_id in (select id from customer_accounts where workspace_id = workspace and mode = archived_mode);
  -- Memory of requests, not facts: a repeated call is a new one from here on, and what a log holds of people goes with it.
  delete from idempotency_keys where workspace_id = workspace and mode = 'test' and created_at <= no_later_than;
  delete from api_log where workspace_id = workspace and mode = 'test' and created_at <= no_later_than;

  -- Messages for their workflows, and then one that ends each of those that may still run.
  create temporary table ended_workflows on commit drop as
    select 'referral/' || workspace_id || '/' || id as workflow_id from referrals
    where workspace_id = workspace and mode = archived_mode and status <> 'expired'
    union all
    select 'payout/' || workspace_id || '/' || id from payouts where workspace_id = workspace and mode = archived_mode
    union all
    select workflow_id from payout_runs
    where workspace_id = workspace and mode = archived_mode and status not in ('completed', 'cancelled');
  delete from outbox
  where workspace_id = workspace and lane = 'workflow' and sent_at is null and dead_at is null and topic in ('start', 'signal')
    and payload ->> 'workflowId' in (select workflow_id from ended_workflows);
  insert into outbox (workspace_id, lane, topic, ordering_key, priority, payload)
    select workspace, 'workflow', 'end', workflow_id, 5, jsonb_build_object('workflowId', workflow_id) from ended_workflows;
  drop table ended_workflows;
end $$`;

export async function up(knex: Knex): Promise<void> {
  for (const table of checked)
    await knex.raw(
      `alter table ${table} drop constraint ${table}_mode,
         add constraint ${table}_mode check (mode in ('live', 'test') or mode like 'archived:%') not valid`,
    );
  for (const table of facts)
    await knex.raw(
      `create policy ${table}_archived on ${table} as restrictive to tributary_app using (mode not like 'archived:%')`,
    );
  await knex.raw(`
    alter table ledger_accounts
      add column archived_as text constraint ledger_accounts_archived check (archived_as is null or mode = 'test'),
      drop constraint account_identity`);
  await knex.raw(
    `create unique index account_identity on ledger_accounts (workspace_id, mode, currency, kind, owner_id) where archived_as is null`,
  );
  await knex.raw(
    `comment on column ledger_accounts.archived_as is 'the mode its facts have now; its postings stay as they were written (TST-07)'`,
  );
  await knex.raw(
    `create policy ledger_accounts_archived on ledger_accounts as restrictive to tributary_app using (archived_as is null)`,
  );
  // The audit chain covers what an account is called, whether or not it has been put aside: its reader sees names only.
  await knex.raw(`
    create view account_names with (security_barrier = true) as
      select workspace_id, id, kind, owner_id from ledger_accounts where workspace_id = ${currentWorkspace}`);
  await knex.raw(
    `comment on view account_names is 'what accounts are called, archived ones too; of ${currentWorkspace.replaceAll("'", "''")} alone'`,
  );
  await knex.raw('grant select on account_names to tributary_app');
  await knex.raw(archive);
  await knex.raw('revoke execute on function archive_test_data(text, timestamptz) from public');
  await knex.raw('grant execute on function archive_test_data(text, timestamptz) to tributary_app');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop function if exists archive_test_data(text, timestamptz)');
  await knex.raw('drop view if exists account_names');
  await knex.raw('drop policy if exists ledger_accounts_archived on ledger_accounts');
  await knex.raw('drop index if exists account_identity');
  await knex.raw(`
    alter table ledger_accounts
      drop column archived_as,
      add constraint account_identity unique (workspace_id, mode, currency, kind, owner_id)`);
  for (const table of facts) await knex.raw(`drop policy if exists ${table}_archived on ${table}`);
  for (const table of checked)
    await knex.raw(
      `alter table ${table} drop constraint ${table}_mode, add constraint ${table}_mode check (mode in ('live', 'test'))`,
    );
}
