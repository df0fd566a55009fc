import { Command } from 'commander';
import { migrateTo, migrateUp } from '../db/migrate.js';
import { loadConfig, localEnvironment } from '../platform/config.js';
import { restoreBackup } from '../platform/backup/restoreBackup.js';

const program = new Command('restore')
  .description('load a backup into an empty database; payouts start frozen')
  .argument('<folder>', 'as `npm run backup` wrote it')
  .action(async (folder: string) => {
    const config = loadConfig(localEnvironment());
    const ownerUrl = config.database.migrationUrl;
    if (ownerUrl === undefined) throw new Error('MIGRATION_DATABASE_URL is not set: a restore is done by the owner');
    const { manifest, rows, filesKept } = await restoreBackup({ ownerUrl, folder, dataDir: config.dataDir, migrateTo });
    const migrated = await migrateUp(ownerUrl);
    process.stdout.write(
      `${rows} rows as of ${manifest.takenAt} are back${migrated.length === 0 ? '' : `, ${migrated.length} newer migrations applied`}.\n`,
    );
    for (const file of filesKept) process.stdout.write(`kept as it is, newer than the backup: ${file}\n`);
    process.stdout.write(
      'Payouts are frozen. Next: start, let every gateway be reconciled since the backup (docs/running/restore.md), then unfreeze with a reason.\n',
    );
  });

await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
