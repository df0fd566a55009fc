import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Milestones of programs and who has passed them (features.md NTF-05 to NTF-07). New tables: no lock. A pass is written once and never
// changed, so that no refund and no second crossing tells of it again. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table milestones (
      ${workspaceColumn},
      id text not null,
      program_id text not null,
      by text not null constraint milestones_by check (by in ('sales_amount', 'sales_count')),
      threshold bigint not null constraint milestones_threshold check (threshold > 0),
      currency text,
      template_id text not null,
      active boolean not null,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint milestones_pkey primary key (workspace_id, id),
      constraint milestones_currency check ((by = 'sales_amount') = (currency is not null)),
      constraint milestones_program foreign key (workspace_id, program_id) references programs (workspace_id, id),
      constraint milestones_template foreign key (workspace_id, template_id) references message_templates (workspace_id, id)
    )`);
  await knex.raw(
    `create unique index milestones_mark_key on milestones (workspace_id, program_id, by, coalesce(currency, ''), threshold)`,
  );
  await knex.raw(
    `comment on index milestones_mark_key is 'one milestone per mark; those of a program, which each sale asks for'`,
  );
  await knex.raw(`create index milestones_template_index on milestones (workspace_id, template_id)`);
  await knex.raw(
    `comment on index milestones_template_index is 'the milestones that mail with a template; may it be deleted?'`,
  );
  await knex.raw(`
    create table milestone_passes (
      ${workspaceColumn},
      milestone_id text not null,
      affiliate_id text not null,
      sale_id text not null,
      total bigint not null,
      mailed boolean not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint milestone_passes_pkey primary key (workspace_id, milestone_id, affiliate_id),
      constraint milestone_passes_milestone foreign key (workspace_id, milestone_id) references milestones (workspace_id, id),
      constraint milestone_passes_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint milestone_passes_sale foreign key (workspace_id, sale_id) references sales (workspace_id, id)
    )`);
  await isolate(knex, 'milestones');
  await isolate(knex, 'milestone_passes', 'select, insert');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['milestones', 'milestone_passes']);
}
