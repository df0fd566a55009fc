import knexFactory from 'knex';
import { loadConfig, localEnvironment } from '../platform/config.js';
import { checkBooks } from '../db/reads/earning/bookChecks.js';

// Do the books hold, over all workspaces? As the owner: the application role would see none and call it right (money.md 11).
// Prints one JSON line per broken invariant. Ends with 0: all hold; 1: at least one does not; 2: it could not be asked.

const environment = localEnvironment();
// Alone in the environment it is enough: the books can be checked where the other secrets are not.
const url = environment['MIGRATION_DATABASE_URL'] ?? loadConfig(environment).database.migrationUrl;
if (url === undefined) {
  process.stderr.write('Set MIGRATION_DATABASE_URL: the owner sees all workspaces.\n');
  process.exit(2);
}
const db = knexFactory({ client: 'pg', connection: url, pool: { min: 0, max: 1 } });
try {
  const results = await checkBooks(db);
  const broken = results.filter((result) => result.violations > 0);
  for (const result of broken) process.stdout.write(`${JSON.stringify(result)}\n`);
  process.stdout.write(
    broken.length === 0
      ? `${results.length} invariants hold.\n`
      : `${broken.length} of ${results.length} invariants are broken.\n`,
  );
  process.exitCode = broken.length === 0 ? 0 : 1;
} catch (error) {
  process.stderr.write(`The books could not be checked: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  await db.destroy();
}
