import { Command } from 'commander';
import { loadConfig, localEnvironment } from '../platform/config.js';
import { takeBackup } from '../platform/backup/takeBackup.js';

const program = new Command('backup')
  .description('write a backup of one instant, while everything runs, into a new folder')
  .argument('<folder>', 'does not exist yet')
  .action(async (folder: string) => {
    const config = loadConfig(localEnvironment());
    if (config.database.migrationUrl === undefined)
      throw new Error('MIGRATION_DATABASE_URL is not set: a backup is taken as the owner, who sees all rows');
    const manifest = await takeBackup({ ownerUrl: config.database.migrationUrl, folder, dataDir: config.dataDir });
    const rows = manifest.tables.reduce((total, table) => total + table.rows, 0);
    process.stdout.write(
      `${rows} rows of ${manifest.tables.length} tables, ${manifest.files.length} files, as of ${manifest.takenAt} → ${folder}\n`,
    );
  });

await program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
