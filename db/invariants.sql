-- The invariants of the books (money.md 11). Each query answers the violations: no rows is right. Split at the `-- inv_…` lines;
-- run as the owner over all workspaces, or as the application role inside one. The application sees no archived test facts and not their
-- accounts (TST-07); the owner sees them, and compares them like any others by the mode that they have now.

-- inv_01_posting_scope
select p.transfer_id, p.line
from ledger_postings p
join ledger_transfers t on (t.workspace_id, t.id) = (p.workspace_id, p.transfer_id)
join ledger_accounts a on a.workspace_id = p.workspace_id and a.id in (p.debit_account_id, p.credit_account_id)
group by p.workspace_id, p.transfer_id, p.line
having count(*) <> 2 or bool_or((t.mode, a.mode, a.currency) is distinct from (p.mode, p.mode, p.currency));

-- inv_02_transfer_complete
select t.id, t.posting_count, count(p.line)
from ledger_transfers t
left join ledger_postings p on (p.workspace_id, p.transfer_id) = (t.workspace_id, t.id)
group by t.workspace_id, t.id having count(p.line) <> t.posting_count;

-- inv_03_append_only
select r.relname, w.rolname || ' may ' || privilege as finding
from pg_class r, pg_roles w, unnest(array['update', 'delete', 'truncate']) privilege
where r.relname in ('ledger_transfers', 'ledger_postings') and w.rolname ^@ 'tributary_' and w.rolname <> 'tributary_owner'
  and has_table_privilege(w.oid, r.oid, privilege)
union all
select r.relname, 'trigger missing: ' || g.name
from pg_class r, unnest(array['append_only', 'append_only_all']) g(name)
where r.relname in ('ledger_transfers', 'ledger_postings')
  and not exists (select from pg_trigger where tgrelid = r.oid and tgname = g.name and tgenabled in ('O', 'A'));

-- inv_04_balance_equals_postings
select b.account_id
from account_balances b
cross join lateral (
  select coalesce(sum(p.amount_minor) filter (where p.debit_account_id = b.account_id), 0)  as debits,
         coalesce(sum(p.amount_minor) filter (where p.credit_account_id = b.account_id), 0) as credits,
         count(*) as postings
  from ledger_postings p
  where p.workspace_id = b.workspace_id and b.account_id in (p.debit_account_id, p.credit_account_id)) s
where (b.debit_minor, b.credit_minor, b.posting_count) is distinct from (s.debits, s.credits, s.postings);

-- inv_05_floor
select a.id
from ledger_accounts a
left join account_balances b on (b.workspace_id, b.account_id) = (a.workspace_id, a.id)
where a.floored and (b.account_id is null or b.balance_minor < 0 or b.normal_side <> a.normal_side);

-- inv_06_reversal_within_original
with amount as (select workspace_id, transfer_id, sum(amount_minor) as minor from ledger_postings group by 1, 2),
-- Of its own: as one join of four, a database without statistics compared every posting with every transfer.
reversed as (
  select r.workspace_id, r.corrects_transfer_id as transfer_id, sum(a.minor) as minor
  from ledger_transfers r join amount a on (a.workspace_id, a.transfer_id) = (r.workspace_id, r.id)
  where r.corrects_transfer_id is not null group by 1, 2)
select transfer_id as id
from reversed r join amount o using (workspace_id, transfer_id)
where r.minor > o.minor;

-- inv_07_posted_once
select workspace_id, mode, idempotency_key from ledger_transfers
group by 1, 2, 3 having count(*) > 1;

-- inv_08_payout_conserved
with held as (
  select a.workspace_id, coalesce(a.archived_as, a.mode) as mode, a.currency, a.owner_id as id, b.balance_minor as minor
  from ledger_accounts a join account_balances b on (b.workspace_id, b.account_id) = (a.workspace_id, a.id)
  where a.kind = 'payout_open'),
lines as (
  select workspace_id, payout_id as id, sum(amount_minor) as minor from payout_lines where released_at is null group by 1, 2)
select id, x.status, x.amount_minor, h.minor as held, l.minor as lines
from payouts x full join held h using (workspace_id, mode, currency, id) left join lines l using (workspace_id, id)
where coalesce(h.minor, 0) <> case when x.status in ('draft', 'pending') then x.amount_minor else 0 end
   or coalesce(l.minor, 0) <> case when x.status = 'cancelled' then 0 else x.amount_minor end;

-- inv_09_one_live_attempt
select payout_id from payout_attempts
where state in ('submitting', 'submitted', 'unknown', 'paid')
group by workspace_id, payout_id having count(*) > 1
union all
select min(payout_id) from payout_attempts group by workspace_id, gateway, request_key having count(*) > 1
union all
select min(payout_id) from payout_attempts where provider_id is not null
group by workspace_id, gateway, provider_id having count(*) > 1
union all
select x.id
from payouts x left join payout_attempts a on (a.workspace_id, a.payout_id) = (x.workspace_id, x.id)
group by x.workspace_id, x.id
having bool_or(a.payout_status <> x.status)
    or x.status = 'paid' and not coalesce(bool_or(a.state in ('paid', 'returned')), false);

-- inv_10_commission_in_one_payout
select commission_id from payout_lines where released_at is null
group by workspace_id, commission_id having count(*) > 1
union all
select c.id
from commissions c
left join payout_lines l on (l.workspace_id, l.commission_id) = (c.workspace_id, c.id) and l.released_at is null
left join payouts x on (x.workspace_id, x.id) = (l.workspace_id, l.payout_id)
where (c.status = 'paid') is distinct from (coalesce(x.status, '') = 'paid')
   or l.amount_minor <> c.amount_minor - c.reversed_minor
union all
select l.commission_id from payout_lines l
where not exists (select from commissions c where (c.workspace_id, c.id) = (l.workspace_id, l.commission_id))
  and exists (select from payouts x where (x.workspace_id, x.id) = (l.workspace_id, l.payout_id));

-- inv_11_lines_match_ledger
with ledger as (
  select a.workspace_id, coalesce(a.archived_as, a.mode) as mode, a.currency, a.owner_id as affiliate_id,
         coalesce(sum(b.balance_minor) filter (where a.kind = 'commission_pending'), 0)   as pending,
         coalesce(sum(b.balance_minor) filter (where a.kind = 'affiliate_payable'), 0)    as payable,
         coalesce(sum(b.balance_minor) filter (where a.kind = 'affiliate_receivable'), 0) as receivable
  from ledger_accounts a join account_balances b on (b.workspace_id, b.account_id) = (a.workspace_id, a.id)
  where a.kind in ('commission_pending', 'affiliate_payable', 'affiliate_receivable') group by 1, 2, 3, 4),
rows as (
  select c.workspace_id, c.mode, c.currency, c.affiliate_id,
         coalesce(sum(c.amount_minor - c.reversed_minor) filter (where c.status = 'pending' and c.accrues), 0) as pending,
         coalesce(sum(c.amount_minor - c.reversed_minor) filter (where c.status = 'approved' and l.commission_id is null), 0) as open
  from commissions c
  left join payout_lines l on (l.workspace_id, l.commission_id) = (c.workspace_id, c.id) and l.released_at is null
  group by 1, 2, 3, 4)
select affiliate_id, currency, l.pending, r.pending, l.payable, l.receivable, r.open
from ledger l full join rows r using (workspace_id, mode, currency, affiliate_id)
where (l.payable > 0 and l.receivable > 0)
   or coalesce(l.pending, 0) <> coalesce(r.pending, 0)
   or coalesce(l.payable, 0) - coalesce(l.receivable, 0) <> coalesce(r.open, 0);

-- inv_14_audit_covers
select t.id
from ledger_transfers t left join audit_leaves l on (l.workspace_id, l.commit_id) = (t.workspace_id, t.commit_id)
where l.commit_id is null and t.recorded_at < now() - interval '60 seconds';

-- inv_16_cash_equals_statement
select s.id, books.minor - s.closing_minor as gap, listed.minor as listed
from gateway_statements s
cross join lateral (
  select coalesce(sum(case when p.debit_account_id = s.cash_account_id then p.amount_minor else -p.amount_minor end), 0) as minor
  from ledger_postings p join ledger_transfers t on (t.workspace_id, t.id) = (p.workspace_id, p.transfer_id)
  where p.workspace_id = s.workspace_id and s.cash_account_id in (p.debit_account_id, p.credit_account_id)
    and t.recorded_at <= s.closed_at) books
cross join lateral (
  select coalesce(sum(i.amount_minor), 0) as minor from reconciliation_items i
  where (i.workspace_id, i.statement_id) = (s.workspace_id, s.id)) listed
where books.minor - s.closing_minor <> listed.minor;

-- inv_17_closed_period
select t.id
from ledger_transfers t join closed_periods c on (c.workspace_id, c.mode) = (t.workspace_id, t.mode)
where t.effective_at <= c.through and t.recorded_at > c.closed_at;

-- inv_18_source_document
select t.id, t.cause_type, t.cause_id
from ledger_transfers t
left join causes c on (c.workspace_id, c.cause_type, c.cause_id) = (t.workspace_id, t.cause_type, t.cause_id)
where c.cause_id is null
  and exists (select from ledger_postings p join ledger_accounts a on (a.workspace_id, a.id) = (p.workspace_id, p.debit_account_id)
              where (p.workspace_id, p.transfer_id) = (t.workspace_id, t.id));

-- inv_19_bounds
select p.transfer_id
from ledger_postings p left join currencies c on c.code = p.currency
where c.code is null or p.amount_minor not between 1 and 1000000000000000;

-- inv_20_modes_apart
select l.payout_id, l.commission_id
from payout_lines l
join payouts x on (x.workspace_id, x.id) = (l.workspace_id, l.payout_id)
join commissions c on (c.workspace_id, c.id) = (l.workspace_id, l.commission_id)
where (x.mode, x.currency, x.affiliate_id) is distinct from (c.mode, c.currency, c.affiliate_id);
