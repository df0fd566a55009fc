import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Message templates (features.md NTF-09) and the one that a program mails with each commission (PRG-07). The column of programs is computed
// from its terms, so that the database itself refuses a template that is not there and keeps one that is in use; checked for new rows only,
// since a program could name any id before. Rewrites programs, a small table, under its lock. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table message_templates (
      ${workspaceColumn},
      id text not null,
      name text not null,
      language text not null constraint message_templates_language check (language ~ '^[a-z]{2}$'),
      subject text not null,
      body text not null,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint message_templates_pkey primary key (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index message_templates_name_key on message_templates (workspace_id, lower(name), language)`,
  );
  await knex.raw(
    `comment on index message_templates_name_key is 'the same message in the language of its recipient; one per name and language'`,
  );
  await isolate(knex, 'message_templates');
  await knex.raw(
    `alter table programs add column commission_template_id text
     generated always as (own_terms #>> '{commissionEmail,templateId}') stored`,
  );
  await knex.raw(
    `alter table programs add constraint programs_commission_template foreign key (workspace_id, commission_template_id)
     references message_templates (workspace_id, id) not valid`,
  );
  await knex.raw(
    `create index programs_commission_template_index on programs (workspace_id, commission_template_id)
     where commission_template_id is not null`,
  );
  await knex.raw(
    `comment on index programs_commission_template_index is 'the programs that mail with a template; may it be deleted?'`,
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('alter table programs drop column commission_template_id cascade');
  await dropTables(knex, ['message_templates']);
}
