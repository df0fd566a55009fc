import { loadConfig, localEnvironment } from '../platform/config.js';
import { rotateSecrets } from '../platform/rotateSecrets.js';
import { createSecrets } from '../platform/secrets.js';

// SECRET_KEY=new:…,old:… first, in every process; then this; then the old key may go. Prints what it did and what it could not read.

async function main(): Promise<number> {
  const config = loadConfig(localEnvironment());
  const [newest] = config.secretKeys;
  if (config.database.migrationUrl === undefined || newest === undefined) {
    process.stderr.write('MIGRATION_DATABASE_URL and SECRET_KEY are needed: a rotation is done by the owner\n');
    return 1;
  }
  const rotated = await rotateSecrets(config.database.migrationUrl, createSecrets(config.secretKeys), newest.id);
  for (const { name, resealed, unreadable } of rotated) {
    process.stdout.write(
      `${name}: ${resealed} sealed anew under ${newest.id}${unreadable === 0 ? '' : `, ${unreadable} cannot be read: their key is not in SECRET_KEY`}\n`,
    );
  }
  return rotated.some(({ unreadable }) => unreadable > 0) ? 1 : 0;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
