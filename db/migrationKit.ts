import type { Knex } from 'knex';

/** The workspace a transaction has opened; '' (what SET LOCAL leaves behind in a session) counts as none. */
export const currentWorkspace = `nullif(current_setting('tributary.workspace_id', true), '')`;

/** The first column of every workspace table. */
export const workspaceColumn = `workspace_id text not null default ${currentWorkspace} references workspaces`;

/**
 * Row-level security, never forced (decisions 10), and the application role's grants on a workspace table. Migrations are frozen, so
 * this may be extended but must go on doing the same for those that call it.
 */
export async function isolate(knex: Knex, table: string, grants = 'select, insert, update, delete'): Promise<void> {
  await knex.raw(`alter table ${table} enable row level security`);
  await knex.raw(
    `create policy ${table}_workspace on ${table} to tributary_app using (workspace_id = (select ${currentWorkspace}))`,
  );
  await knex.raw(`grant ${grants} on ${table} to tributary_app`);
}

export async function isolateAll(knex: Knex, tables: readonly string[], grants?: string): Promise<void> {
  for (const table of tables) await isolate(knex, table, grants);
}

export async function dropTables(knex: Knex, tables: readonly string[]): Promise<void> {
  for (const table of [...tables].reverse()) await knex.raw(`drop table if exists ${table} cascade`);
}
