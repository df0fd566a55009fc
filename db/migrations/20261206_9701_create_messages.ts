import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Messages to affiliates (features.md NTF-11, NTF-12) and who wants none of the kind that one may decline (NTF-16). New tables: no lock. The new
// column of `emails` has no default: no rewrite. A message is written once; how far it is stands in its operation. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table messages (
      ${workspaceColumn},
      id text not null,
      operation_id text not null,
      template_id text not null,
      template_name text not null,
      segment_name text,
      channels text[] not null constraint messages_channels
        check (channels <> '{}' and channels <@ array['email', 'in_app']::text[]),
      requires_acknowledgement boolean not null,
      reminds_id text,
      send_at timestamptz(3),
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint messages_pkey primary key (workspace_id, id),
      constraint messages_operation foreign key (workspace_id, operation_id) references operations (workspace_id, id),
      constraint messages_reminds foreign key (workspace_id, reminds_id) references messages (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table messages is 'what was written to many affiliates at once; its operation has them as items'`,
  );
  await knex.raw(
    `comment on column messages.template_name is 'as it was called then: a template may be changed and deleted once all are told'`,
  );
  await knex.raw(`create index messages_newest on messages (workspace_id, created_at desc, id desc)`);
  await knex.raw(`comment on index messages_newest is 'messages, newest first'`);
  await knex.raw(`create unique index messages_operation_key on messages (workspace_id, operation_id)`);
  await knex.raw(`comment on index messages_operation_key is 'the message that a job sends'`);
  await knex.raw(
    `create index messages_reminds_index on messages (workspace_id, reminds_id) where reminds_id is not null`,
  );
  await knex.raw(`comment on index messages_reminds_index is 'the reminders of a message'`);
  await knex.raw(`create index messages_template_index on messages (workspace_id, template_id)`);
  await knex.raw(`comment on index messages_template_index is 'does a message wait that needs this template?'`);

  await knex.raw(`
    create table message_choices (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      token text not null default replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
      opted_out_at timestamptz(3),
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint message_choices_pkey primary key (workspace_id, affiliate_id),
      constraint message_choices_id_key unique (workspace_id, id),
      constraint message_choices_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column message_choices.token is 'stands in each of its messages, and lets whoever has one do nothing but decline further ones'`,
  );
  await knex.raw(`comment on index message_choices_id_key is 'one choice by its id, which its history names'`);
  await knex.raw(`create unique index message_choices_token_key on message_choices (workspace_id, token)`);
  await knex.raw(`comment on index message_choices_token_key is 'whose mail is this?'`);

  await knex.raw(`alter table emails add column unsubscribe_url text`);
  await knex.raw(
    `comment on column emails.unsubscribe_url is 'of a mail that one may decline: also told to the mail reader (RFC 8058)'`,
  );
  await isolate(knex, 'messages', 'select, insert');
  await isolate(knex, 'message_choices', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`alter table emails drop column unsubscribe_url`);
  await dropTables(knex, ['messages', 'message_choices']);
}
