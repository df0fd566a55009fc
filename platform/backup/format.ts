/** A backup is a folder: `manifest.json`, `tables/<name>.copy` in Postgres's text COPY form, `files/` beside them (docs/running/backup.md). */
export interface BackupManifest {
  readonly format: 'tributary-backup-1';
  readonly takenAt: string;
  readonly serverVersion: string;
  /** In order of application: a restore brings an empty database to exactly this state, loads, then migrates on. */
  readonly migrations: readonly string[];
  readonly tables: readonly TableInBackup[];
  readonly workspaces: readonly { readonly id: string; readonly auditSequence: string; readonly auditHead: string }[];
  /** Copied along from the data folder: the simulated gateway's journal, signed audit heads. Paths within `files/`. */
  readonly files: readonly string[];
}

export interface TableInBackup {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: number;
  /** Of the bytes of its .copy file. */
  readonly sha256: string;
}

/** Never carried over: Knex's own tables are written by the migrations of the restore. */
export const skippedTables = ['schema_migrations', 'schema_migrations_lock'] as const;

/** Whose outside truth must not be set back with the database: they are restored only where nothing is. */
export const outsideFolders = ['audit-heads', 'gateways'] as const;

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
