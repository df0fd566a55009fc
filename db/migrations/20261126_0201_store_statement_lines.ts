import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Why: a gateway's own statement is kept line by line, so that each line is classed once and every difference names its line (money.md 10).
// New table, new nullable or defaulted columns: a short lock each. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table statement_lines (
      ${workspaceColumn},
      gateway text not null,
      mode text not null constraint statement_lines_mode check (mode in ('live', 'test')),
      line_id text not null,
      kind text not null constraint statement_lines_kind check (kind in ('payment', 'return', 'fee', 'deposit', 'other')),
      at timestamptz(3) not null,
      currency text not null,
      amount_minor bigint not null constraint statement_lines_amount check (amount_minor <> 0),
      reference text,
      provider_id text,
      attempt_id text,
      match_key text not null,
      statement_id text not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint statement_lines_pkey primary key (workspace_id, gateway, mode, line_id),
      constraint statement_lines_statement foreign key (workspace_id, statement_id) references gateway_statements (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table statement_lines is 'what a gateway''s own statement says, line by line, in its words'`,
  );
  await knex.raw(
    `comment on column statement_lines.amount_minor is 'signed, minor units: above zero the balance at the gateway grew'`,
  );
  await knex.raw(
    `comment on column statement_lines.match_key is 'the business fact it is compared under with the books'`,
  );
  await knex.raw(
    `create index statement_lines_key on statement_lines (workspace_id, gateway, mode, currency, match_key)`,
  );
  await knex.raw(`comment on index statement_lines_key is 'the lines of one fact, compared with its postings'`);
  await knex.raw(`create index statement_lines_statement_index on statement_lines (workspace_id, statement_id)`);
  await knex.raw(`comment on index statement_lines_statement_index is 'which lines did this statement bring?'`);
  await isolate(knex, 'statement_lines', 'select, insert');

  await knex.raw(`
    alter table gateway_statements
      add column line_count integer not null default 0,
      add column books_minor bigint,
      add column source text not null default 'gateway' constraint gateway_statements_source check (source in ('gateway', 'upload'))`);
  await knex.raw(
    `create index gateway_statements_newest on gateway_statements (workspace_id, gateway, mode, currency, closed_at desc)`,
  );
  await knex.raw(
    `comment on index gateway_statements_newest is 'how far is this gateway compared? list of statements'`,
  );
  await knex.raw(`
    alter table reconciliation_items
      add column match_key text,
      add column line_id text,
      add column line_minor bigint not null default 0,
      add column books_minor bigint not null default 0,
      add column first_seen_at timestamptz(3),
      add column resolution text constraint reconciliation_items_resolution check (resolution in ('accepted', 'suspense')),
      add column note text,
      add column document_id text,
      add constraint reconciliation_items_class check (class in
        ('matched', 'timing', 'fee', 'return', 'duplicate', 'missing_here', 'missing_there', 'amount', 'currency', 'unknown_reference'))`);
  await knex.raw(
    `create index reconciliation_items_statement_index on reconciliation_items (workspace_id, statement_id, id)`,
  );
  await knex.raw(`comment on index reconciliation_items_statement_index is 'the items of a statement, in pages'`);
  await knex.raw(
    `create index reconciliation_items_open on reconciliation_items (workspace_id, match_key) where resolved_at is null and class <> 'matched'`,
  );
  await knex.raw(`comment on index reconciliation_items_open is 'is this difference known, and since when?'`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(
    `drop index if exists reconciliation_items_open, reconciliation_items_statement_index, gateway_statements_newest`,
  );
  await knex.raw(`
    alter table reconciliation_items
      drop constraint reconciliation_items_class, drop column match_key, drop column line_id, drop column line_minor,
      drop column books_minor, drop column first_seen_at, drop column resolution, drop column note, drop column document_id`);
  await knex.raw(`alter table gateway_statements drop column line_count, drop column books_minor, drop column source`);
  await dropTables(knex, ['statement_lines']);
}
