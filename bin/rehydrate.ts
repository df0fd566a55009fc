import { pathToFileURL } from 'node:url';
import { rehydrateWorkspace } from '../api/rehydrate.js';
import { connect, type Db } from '../db/connection.js';
import { listWorkspaces } from '../db/directory.js';
import { notify } from '../db/transaction.js';
import { loadConfig, localEnvironment } from '../platform/config.js';

/** The same for all workspaces of the installation; answers how many rows it wrote, by workflow type. */
export async function rehydrate(db: Db): Promise<Readonly<Record<string, number>>> {
  const written: Record<string, number> = {};
  for (const { id: workspaceId } of await listWorkspaces(db))
    for (const [type, count] of Object.entries(await rehydrateWorkspace(db, workspaceId)))
      written[type] = (written[type] ?? 0) + count;
  await notify(db, 'outbox', '');
  return written;
}

async function main(): Promise<void> {
  const config = loadConfig(localEnvironment(process.env));
  const db = connect({ url: config.database.url, poolSize: 2, applicationName: 'tributary rehydrate' });
  try {
    const written = await rehydrate(db);
    const total = Object.values(written).reduce((sum, count) => sum + count, 0);
    console.log(
      `${total} unfinished: ${
        Object.entries(written)
          .map(([type, count]) => `${count} ${type}`)
          .join(', ') || 'nothing'
      }`,
    );
    console.log('The relay of a running worker now starts or wakes their workflows.');
  } finally {
    await db.destroy();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
