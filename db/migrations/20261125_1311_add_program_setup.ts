import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// What the set-up of programs and affiliates needs beside the first tables: how a program was closed, who manages an affiliate, what a
// termination does with approved money, who accepted which agreement. Columns with constant defaults and a new table: ACCESS EXCLUSIVE for
// milliseconds. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    alter table programs
      add column closed_at timestamptz(3),
      add column renewals text constraint programs_renewals check (renewals in ('stop', 'run_out'))`);
  await knex.raw(
    `comment on column programs.renewals is 'closed programs: stop = a sale after closed_at earns nothing, run_out = renewals go on (PRG-20)'`,
  );
  await knex.raw(
    `create unique index programs_name_key on programs (workspace_id, lower(name)) where status <> 'closed'`,
  );
  await knex.raw(`comment on index programs_name_key is 'create: is the name in use here? (PRG-01)'`);
  await knex.raw(`
    alter table affiliates
      add column manager_id text,
      add column lead_agent_id text,
      add column approved_money text constraint affiliates_approved_money check (approved_money in ('pay', 'forfeit')),
      add constraint affiliates_not_own_recruiter check (recruiter_id is null or recruiter_id <> id)`);
  await knex.raw(
    `comment on column affiliates.approved_money is 'terminated: what becomes of approved commissions (AFF-09); null before'`,
  );
  await knex.raw(
    `create index affiliates_manager on affiliates (workspace_id, manager_id) where manager_id is not null`,
  );
  await knex.raw(`comment on index affiliates_manager is 'the affiliates assigned to a member of staff (AFF-31)'`);
  await knex.raw(
    `create index affiliates_recruiter_index on affiliates (workspace_id, recruiter_id) where recruiter_id is not null`,
  );
  await knex.raw(`comment on index affiliates_recruiter_index is 'whom did this affiliate recruit?'`);
  await knex.raw(`create index enrolments_program_index on enrolments (workspace_id, program_id, status)`);
  await knex.raw(`comment on index enrolments_program_index is 'the affiliates of a program'`);
  await knex.raw(`create index links_newest on links (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index links_newest is 'list of links'`);
  await knex.raw(`
    create table agreement_acceptances (
      ${workspaceColumn},
      agreement_id text not null,
      affiliate_id text not null,
      via text not null constraint agreement_acceptances_via check (via in ('paper', 'portal', 'application')),
      recorded_by text,
      accepted_at timestamptz(3) not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint agreement_acceptances_pkey primary key (workspace_id, agreement_id, affiliate_id),
      constraint agreement_acceptances_agreement foreign key (workspace_id, agreement_id) references agreements (workspace_id, id),
      constraint agreement_acceptances_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await isolate(knex, 'agreement_acceptances', 'select, insert');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['agreement_acceptances']);
  await knex.raw(
    'drop index links_newest, enrolments_program_index, affiliates_recruiter_index, affiliates_manager, programs_name_key',
  );
  await knex.raw(`
    alter table affiliates drop constraint affiliates_not_own_recruiter, drop column approved_money, drop column lead_agent_id, drop column manager_id`);
  await knex.raw(`alter table programs drop column renewals, drop column closed_at`);
}
