import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Files of a payout run that a person uploads elsewhere (PAY-07, PAY-08). A new table: no lock. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table payout_files (
      ${workspaceColumn},
      id text not null,
      run_id text not null,
      mode text not null constraint payout_files_mode check (mode in ('live', 'test')),
      format text not null constraint payout_files_format check (format in ('paypal_mass_pay', 'generic_csv')),
      currency text not null references currencies (code),
      part integer not null constraint payout_files_part check (part >= 1),
      parts integer not null constraint payout_files_parts check (parts >= part),
      row_count integer not null constraint payout_files_rows check (row_count >= 1),
      amount_minor bigint not null constraint payout_files_amount check (amount_minor > 0),
      sha256 bytea not null,
      content text not null,
      skipped jsonb not null default '[]',
      payout_ids text[] not null,
      created_by text,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint payout_files_pkey primary key (workspace_id, id),
      constraint payout_files_run foreign key (workspace_id, run_id) references payout_runs (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column payout_files.content is 'sealed with SECRET_KEY: it names people and where they are paid'`,
  );
  await knex.raw(
    `comment on column payout_files.payout_ids is 'a payout stands in one paying file only: a second upload would pay it again'`,
  );
  await knex.raw(`comment on column payout_files.sha256 is 'of the file as it is downloaded, not of the sealed text'`);
  await knex.raw(
    `create unique index payout_files_content on payout_files (workspace_id, run_id, format, currency, part, sha256)`,
  );
  await knex.raw(
    `comment on index payout_files_content is 'the same request again is the same file: nobody uploads two of one content by mistake'`,
  );
  await isolate(knex, 'payout_files', 'select, insert');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['payout_files']);
}
