import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrateUp } from '../db/migrate.js';
import { prepareDatabase, startPostgres } from '../platform/embedded/postgres.js';
import { freePort } from '../test/support/freePorts.js';

/** A server of the bench's own with one migrated database. */
export interface BenchDatabase {
  /** The server's; its backends are its children. */
  readonly pid: number;
  /** For files of the bench. Goes with the server. */
  readonly folder: string;
  /** As the superuser, in the database of the bench. */
  readonly adminUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** What has to end before the server stops, in the order given. */
  readonly closing: (() => unknown)[];
}

/** A Postgres of a bench's own with its real settings (a bench may add some), in a folder that `remove` takes away with it. */
export async function startBenchServer(settings: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tributary-bench-'));
  await chmod(folder, 0o755); // as root, Postgres runs as another user
  const port = await freePort();
  const postgres = await startPostgres({
    dataDir: path.join(folder, 'postgres'),
    port,
    logFile: path.join(folder, 'postgres.log'),
    settings,
  });
  const remove = async (): Promise<void> => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { ...postgres, folder, remove };
}

/** Runs a bench on a server of its own with one migrated database, and leaves nothing behind. */
export async function inBenchDatabase<T>(
  work: (database: BenchDatabase) => Promise<T>,
  settings: Readonly<Record<string, string>> = {},
): Promise<T> {
  const server = await startBenchServer(settings);
  const closing: BenchDatabase['closing'] = [];
  try {
    const { ownerUrl, appUrl } = await prepareDatabase(server.adminUrl, 'bench');
    await migrateUp(ownerUrl);
    const admin = new URL(server.adminUrl);
    admin.pathname = '/bench';
    return await work({
      pid: server.pid,
      folder: server.folder,
      adminUrl: admin.toString(),
      ownerUrl,
      appUrl,
      closing,
    });
  } finally {
    for (const close of closing) await close();
    await server.remove();
  }
}
