import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// What a person wants to be told of, and how (screens.md 3.25, 6). New table: no lock. Nobody has a row until something is switched off.
// Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table notification_choices (
      ${workspaceColumn},
      id text not null,
      affiliate_id text,
      user_id text,
      no_mail text[] not null default '{}',
      no_notice text[] not null default '{}',
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint notification_choices_pkey primary key (workspace_id, id),
      constraint notification_choices_reader check ((affiliate_id is null) <> (user_id is null)),
      constraint notification_choices_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id),
      constraint notification_choices_user foreign key (workspace_id, user_id) references users (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column notification_choices.no_mail is 'topics of which no mail is wanted; what is not listed is sent'`,
  );
  await knex.raw(
    `comment on column notification_choices.no_notice is 'topics of which no entry inside the product is wanted; what is not listed is written'`,
  );
  await knex.raw(
    `create unique index notification_choices_affiliate_key on notification_choices (workspace_id, affiliate_id) where affiliate_id is not null`,
  );
  await knex.raw(`comment on index notification_choices_affiliate_key is 'what an affiliate wants to be told of'`);
  await knex.raw(
    `create unique index notification_choices_user_key on notification_choices (workspace_id, user_id) where user_id is not null`,
  );
  await knex.raw(`comment on index notification_choices_user_key is 'what a person of the staff wants to be told of'`);
  await isolate(knex, 'notification_choices', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['notification_choices']);
}
