import type { Knex } from 'knex';
import { dropTables, isolate, workspaceColumn } from '../migrationKit.js';

// Lists as files made in the background (api.md 16.2): the job is an operation, the order and its file are these. New tables: no lock.
// Reversible.

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table exports (
      ${workspaceColumn},
      id text not null,
      operation_id text not null,
      resource text not null,
      query jsonb not null,
      columns jsonb,
      format text not null constraint exports_format check (format in ('csv', 'pdf')),
      asked_as jsonb not null,
      try integer not null default 0,
      row_count integer not null default 0 constraint exports_rows check (row_count >= 0),
      total integer,
      byte_count bigint not null default 0 constraint exports_bytes check (byte_count >= 0),
      part_count integer not null default 0,
      file_name text,
      code text,
      version integer not null default 1,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      expires_at timestamptz(3),
      emptied_at timestamptz(3),
      constraint exports_pkey primary key (workspace_id, id),
      constraint exports_operation foreign key (workspace_id, operation_id) references operations (workspace_id, id)
    )`);
  await knex.raw(
    `comment on column exports.asked_as is 'rights and reach of who asked, as the server knew them then: the file has the rows and masks that they saw'`,
  );
  await knex.raw(
    `comment on column exports.try is 'of the attempt that writes: a worker that was thought dead finds another number and stops'`,
  );
  await knex.raw(`comment on column exports.query is 'filters may be of a person: emptied with the file'`);
  await knex.raw(`create unique index exports_of_operation on exports (workspace_id, operation_id)`);
  await knex.raw(`comment on index exports_of_operation is 'the order of a job'`);
  await knex.raw(`create index exports_kept on exports (workspace_id, created_at) where emptied_at is null`);
  await knex.raw(`comment on index exports_kept is 'sweep: files whose time is over'`);
  await knex.raw(`
    create table export_parts (
      ${workspaceColumn},
      export_id text not null,
      position integer not null constraint export_parts_position check (position >= 1),
      content bytea not null,
      created_at timestamptz(3) not null default date_trunc('milliseconds', now()),
      constraint export_parts_pkey primary key (workspace_id, export_id, position),
      constraint export_parts_export foreign key (workspace_id, export_id) references exports (workspace_id, id)
    )`);
  await isolate(knex, 'exports', 'select, insert, update');
  await isolate(knex, 'export_parts', 'select, insert, delete');
}

export async function down(knex: Knex): Promise<void> {
  await dropTables(knex, ['exports', 'export_parts']);
}
