import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Supporting documents (AFF-24): which ones a program asks for, and what affiliates sent. A column with a default and a new table: nothing is
// rewritten. Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`alter table application_forms add column documents jsonb not null default '[]'`);
  await knex.raw(`
    create table affiliate_documents (
      ${workspaceColumn},
      id text not null,
      affiliate_id text not null,
      type text not null,
      label text not null,
      file_name text not null,
      content_type text not null
        constraint affiliate_documents_content_type
          check (content_type in ('application/pdf', 'image/png', 'image/jpeg', 'image/webp')),
      size_bytes integer not null,
      sha256 bytea not null,
      bytes bytea not null,
      status text not null default 'waiting'
        constraint affiliate_documents_status check (status in ('waiting', 'accepted', 'refused', 'expired', 'replaced')),
      expires_on date,
      public_reason text,
      reminded_at timestamptz(3),
      uploaded_by_type text not null,
      uploaded_by text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      updated_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint affiliate_documents_pkey primary key (workspace_id, id),
      constraint affiliate_documents_affiliate foreign key (workspace_id, affiliate_id) references affiliates (workspace_id, id)
    )`);
  await knex.raw(
    `comment on table affiliate_documents is 'papers of affiliates; the bytes of a replaced one are gone, those of a person to be forgotten are emptied'`,
  );
  const indexes: readonly (readonly [string, string, string])[] = [
    [
      'affiliate_documents_by_affiliate',
      '(workspace_id, affiliate_id, created_at desc, id desc)',
      'documents of an affiliate, newest first; what is open for an enrolment',
    ],
    ['affiliate_documents_by_time', '(workspace_id, created_at desc, id desc)', 'the list of all documents'],
    [
      'affiliate_documents_waiting',
      `(workspace_id, created_at, id) where status = 'waiting'`,
      'documents that wait for a verdict',
    ],
    [
      'affiliate_documents_expiry',
      `(workspace_id, expires_on) where status = 'accepted' and expires_on is not null`,
      'the sweep finds what lapses',
    ],
  ];
  for (const [name, columns, purpose] of indexes) {
    await knex.raw(`create index ${name} on affiliate_documents ${columns}`);
    await knex.raw(`comment on index ${name} is '${purpose}'`);
  }
  await isolate(knex, 'affiliate_documents', 'select, insert, update');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['affiliate_documents']);
  await knex.raw(`alter table application_forms drop column documents`);
}
