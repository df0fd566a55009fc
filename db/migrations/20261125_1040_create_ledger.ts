import type { Knex } from 'knex';
import { currentWorkspace, dropTables } from '../migrationKit.js';

// The books: money.md 3, as printed and attacked there. Balances of floored accounts are kept by a trigger and by nothing else;
// transfers and postings are append-only. New tables only. Reversible (a production database is never taken down).

const ledger = `
create table ledger_accounts (
  workspace_id text    not null,
  id           text    not null,
  mode         text    not null check (mode in ('live', 'test')),
  currency     text    not null,
  kind         text    not null,                 -- first word of the chart: 'affiliate_payable'
  owner_id     text    not null default '',      -- the word after the colon
  normal_side  text    not null check (normal_side in ('debit', 'credit')),
  floored      boolean not null,                 -- true: the balance may never go below zero
  primary key (workspace_id, id),
  constraint account_identity unique (workspace_id, mode, currency, kind, owner_id),
  constraint account_scope    unique (workspace_id, mode, currency, id)
);

-- Floored accounts only. A trigger keeps it; the application role may not write it.
create table account_balances (
  workspace_id  text   not null,
  account_id    text   not null,
  normal_side   text   not null,
  debit_minor   bigint not null default 0,
  credit_minor  bigint not null default 0,
  posting_count bigint not null default 0,
  balance_minor bigint not null generated always as
    (case normal_side when 'debit' then debit_minor - credit_minor else credit_minor - debit_minor end) stored,
  primary key (workspace_id, account_id),
  foreign key (workspace_id, account_id) references ledger_accounts,
  constraint balance_not_negative check (balance_minor >= 0)
);

create table ledger_transfers (
  workspace_id         text     not null references workspaces,
  id                   text     not null,
  mode                 text     not null,
  kind                 text     not null,                       -- 'commission.accrued' …: section 5
  cause_type           text     not null,                       -- the source document
  cause_id             text     not null,
  corrects_transfer_id text,
  idempotency_key      text     not null,                       -- business fact + purpose: section 8
  commit_id            uuid     not null default nullif(current_setting('tributary.commit_id', true), '')::uuid,   -- one per transaction
  posting_count        smallint not null check (posting_count between 1 and 100),
  effective_at         timestamptz(3) not null check (isfinite(effective_at)),
  recorded_at          timestamptz(3) not null default now(),
  primary key (workspace_id, id),
  constraint transfer_posted_once unique (workspace_id, mode, idempotency_key),
  constraint transfer_scope       unique (workspace_id, mode, id),
  constraint transfer_corrects    foreign key (workspace_id, mode, corrects_transfer_id)
    references ledger_transfers (workspace_id, mode, id)
);

create table ledger_postings (
  workspace_id      text     not null,
  transfer_id       text     not null,
  line              smallint not null check (line >= 1),
  mode              text     not null,
  currency          text     not null,
  debit_account_id  text     not null,
  credit_account_id text     not null,
  amount_minor      bigint   not null,
  primary key (workspace_id, transfer_id, line),
  constraint posting_amount         check (amount_minor between 1 and 1000000000000000),
  constraint posting_two_accounts   check (debit_account_id <> credit_account_id),
  constraint posting_transfer       foreign key (workspace_id, mode, transfer_id)
    references ledger_transfers (workspace_id, mode, id),
  constraint posting_debit_account  foreign key (workspace_id, mode, currency, debit_account_id)
    references ledger_accounts (workspace_id, mode, currency, id),
  constraint posting_credit_account foreign key (workspace_id, mode, currency, credit_account_id)
    references ledger_accounts (workspace_id, mode, currency, id)
);
create index ledger_postings_debit on ledger_postings (workspace_id, debit_account_id);
create index ledger_postings_credit on ledger_postings (workspace_id, credit_account_id);

create function open_balance() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
begin
  assert new.workspace_id = current_setting('tributary.workspace_id', true);
  if new.floored then
    insert into account_balances (workspace_id, account_id, normal_side) values (new.workspace_id, new.id, new.normal_side);
  end if;
  return null;
end $$;
create trigger open_balance after insert on ledger_accounts for each row execute function open_balance();

-- The lower account id first: two postings in opposite directions cannot deadlock.
create function apply_posting() returns trigger language plpgsql security definer set search_path = public, pg_temp as $$
declare account text := least(new.debit_account_id, new.credit_account_id);
begin
  assert new.workspace_id = current_setting('tributary.workspace_id', true);
  if new.line > (select posting_count from ledger_transfers
                 where workspace_id = new.workspace_id and id = new.transfer_id) then
    raise exception 'transfer % is closed', new.transfer_id
      using errcode = 'check_violation', constraint = 'transfer_closed';
  end if;
  for i in 1..2 loop
    update account_balances
       set debit_minor   = debit_minor  + case when account_id = new.debit_account_id  then new.amount_minor else 0 end,
           credit_minor  = credit_minor + case when account_id = new.credit_account_id then new.amount_minor else 0 end,
           posting_count = posting_count + 1
     where workspace_id = new.workspace_id and account_id = account;
    account := greatest(new.debit_account_id, new.credit_account_id);
  end loop;
  return null;
end $$;
create trigger apply_posting after insert on ledger_postings for each row execute function apply_posting();

create function transfer_is_complete() returns trigger language plpgsql as $$
begin
  if (select count(*) from ledger_postings where workspace_id = new.workspace_id and transfer_id = new.id)
     <> new.posting_count then
    raise exception 'transfer % has not the postings it announced', new.id
      using errcode = 'check_violation', constraint = 'transfer_complete';
  end if;
  return null;
end $$;
create constraint trigger transfer_is_complete after insert on ledger_transfers
  deferrable initially deferred for each row execute function transfer_is_complete();

create trigger append_only     before update or delete on ledger_postings  for each row       execute function refuse_change();
create trigger append_only     before update or delete on ledger_transfers for each row       execute function refuse_change();
create trigger append_only_all before truncate         on ledger_postings  for each statement execute function refuse_change();
create trigger append_only_all before truncate         on ledger_transfers for each statement execute function refuse_change();

-- A lock needs the UPDATE privilege, which the application role must not have.
create function lock_balances(accounts text[]) returns table (account_id text, balance_minor bigint)
language sql security definer set search_path = public, pg_temp as $$
  select b.account_id, b.balance_minor from account_balances b
  where b.workspace_id = current_setting('tributary.workspace_id', true) and b.account_id = any (accounts)
  order by b.account_id for no key update
$$;

revoke execute on function open_balance(), apply_posting() from public;
`;

export async function up(knex: Knex): Promise<void> {
  await knex.raw(
    `create table currencies (code text not null constraint currencies_pkey primary key, exponent smallint not null)`,
  );
  await knex.raw(`grant select on currencies to tributary_app`);
  await knex.raw(ledger);
  for (const table of ['ledger_accounts', 'ledger_transfers', 'ledger_postings', 'account_balances']) {
    await knex.raw(`alter table ${table} enable row level security`);
    await knex.raw(
      `create policy ${table}_workspace on ${table} to tributary_app using (workspace_id = (select ${currentWorkspace}))`,
    );
    await knex.raw(`alter table ${table} alter column workspace_id set default ${currentWorkspace}`);
  }
  await knex.raw(`grant select, insert on ledger_accounts, ledger_transfers, ledger_postings to tributary_app`);
  await knex.raw(`grant select on account_balances to tributary_app`);
  await knex.raw(`create index ledger_transfers_commit on ledger_transfers (workspace_id, commit_id)`);
  await knex.raw(`create index ledger_transfers_cause on ledger_transfers (workspace_id, cause_id)`);
  await knex.raw(`create index ledger_transfers_recorded on ledger_transfers (workspace_id, recorded_at)`);
  await knex.raw(`comment on index ledger_transfers_commit is 'audit chain: what one transaction posted'`);
  await knex.raw(
    `comment on index ledger_transfers_cause is 'explain: the postings of a commission, payout or attempt'`,
  );
  await knex.raw(`comment on index ledger_transfers_recorded is 'as-of balances; chain: transfers since the head'`);
  await knex.raw(`comment on index ledger_postings_debit is 'an account''s postings'`);
  await knex.raw(`comment on index ledger_postings_credit is 'an account''s postings'`);
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['currencies', 'ledger_accounts', 'account_balances', 'ledger_transfers', 'ledger_postings']);
  await knex.raw(
    'drop function if exists open_balance(), apply_posting(), transfer_is_complete(), lock_balances(text[])',
  );
}
