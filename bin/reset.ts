import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { LockHeldError, takeLock } from '../platform/embedded/children.js';
import { startPostgres, findOrphanPort } from '../platform/embedded/postgres.js';
import { endLeftovers } from '../platform/embedded/stack.js';

/** Names that npm start makes in its folder; a folder with none of them is not ours to delete. */
const ours = ['env', 'postgres', 'temporal.db', 'ports.json', 'start.lock'];

/** `npm run reset`: deletes the data folder after asking (screens.md 9.2). Ledger rows are never deleted in place. */
async function main(): Promise<number> {
  const { yes } = parseArgs({ options: { yes: { type: 'boolean' } } }).values;
  const folder = resolve(process.env['DATA_DIR'] || '.data');
  if (process.env['NODE_ENV'] === 'production')
    return refuse('npm run reset is for development: NODE_ENV=production is set');
  if (!existsSync(folder)) {
    process.stdout.write(`  ${folder} is not there: nothing to delete\n`);
    return 0;
  }
  const names = readdirSync(folder);
  if (names.length > 0 && !names.some((name) => ours.includes(name))) {
    return refuse(`${folder} holds nothing that npm start makes; look at DATA_DIR`);
  }
  if (yes !== true) {
    if (!process.stdin.isTTY)
      return refuse('npm run reset asks before it deletes; without a terminal: npm run reset -- --yes');
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question(`  Delete ${folder} with all data of this installation? Type yes: `);
    terminal.close();
    if (answer.trim().toLowerCase() !== 'yes') {
      process.stdout.write('  nothing deleted\n');
      return 0;
    }
  }
  try {
    const lock = await takeLock(join(folder, 'start.lock'));
    await endLeftovers(folder);
    await endOrphan(folder);
    rmSync(folder, { recursive: true, force: true });
    lock.release();
  } catch (error) {
    if (error instanceof LockHeldError)
      return refuse(`npm start, process ${error.holder.pid}, is running: stop it first`);
    throw error;
  }
  process.stdout.write(`  deleted ${folder}; npm start begins anew\n`);
  return 0;
}

/** A Postgres that a killed start left would go on writing into deleted files. */
async function endOrphan(folder: string): Promise<void> {
  const dataDir = join(folder, 'postgres');
  const port = await findOrphanPort(dataDir);
  if (port === undefined) return;
  const orphan = await startPostgres({ dataDir, port, logFile: join(folder, 'log', 'postgres.log') });
  await orphan.stop();
}

function refuse(sentence: string): number {
  process.stderr.write(`  ${sentence}\n`);
  return 1;
}

process.exitCode = await main();
