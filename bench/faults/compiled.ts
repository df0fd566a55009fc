import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** The tree as it stands, compiled as `npm run build` does it without the web, in a folder of its own. */
export interface Compiled {
  readonly folder: string;
  remove(): Promise<void>;
}

/**
 * A process that is killed hundreds of times starts hundreds of times, and from sources each start compiles again: some three seconds of a
 * core instead of one. Below the tree, where its packages are found. Types are not checked here.
 */
export async function compile(): Promise<Compiled> {
  const parent = path.join(root, '.data', 'faults');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(path.join(parent, 'compiled-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noCheck', '--sourceMap', 'false', '--outDir', folder];
    await run(process.execPath, [compiler, '-p', 'tsconfig.build.json', ...options], { cwd: root });
    cpSync(path.join(root, 'db'), path.join(folder, 'db'), {
      recursive: true,
      filter: (file) => !file.endsWith('.ts'),
    });
    await run(process.execPath, [path.join(folder, 'bin', 'bundleWorkflows.js')], { cwd: root });
    return { folder, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
