import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Below the tree, where the program finds its packages. */
const parent = path.join(root, '.data', 'compiled');
const run = promisify(execFile);
const dayMs = 24 * 60 * 60 * 1_000;

let made: Promise<Program> | undefined;

/** The compiled file of a source of ours: `bin/api.ts`. */
export type Program = (source: string) => string;

/**
 * The tree as it stands, compiled as `npm run build` does it, but without looking at types. A worker that starts from sources
 * takes more than twice as long, most of it for bundling its workflows, and whole runs start about a hundred processes. Kept under the hash
 * of the sources: the next run with the same ones has it at once, and a change of the tree does not reach a program that runs. The pages are
 * those of `npm run build:web`.
 */
export function compiledProgram(): Promise<Program> {
  return (made ??= compile().then((folder) => (source) => path.join(folder, source.replace(/\.ts$/, '.js'))));
}

async function compile(): Promise<string> {
  const folder = path.join(parent, sourcesHash());
  if (existsSync(folder)) return folder;
  await mkdir(parent, { recursive: true });
  await forgetOld();
  const growing = await mkdtemp(path.join(parent, 'growing-'));
  try {
    const compiler = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noCheck', '--sourceMap', 'false', '--outDir', growing];
    await run(process.execPath, [compiler, '-p', 'tsconfig.build.json', ...options], { cwd: root });
    cpSync(path.join(root, 'db'), path.join(growing, 'db'), {
      recursive: true,
      filter: (file) => !file.endsWith('.ts'),
    });
    await run(process.execPath, [path.join(growing, 'bin', 'bundleWorkflows.js')], { cwd: root });
    await symlink(path.join(root, 'dist', 'web'), path.join(growing, 'web'));
    await rename(growing, folder);
  } catch (error) {
    await rm(growing, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another run was faster with the same one
  }
  return folder;
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  const { include } = JSON.parse(readFileSync(path.join(root, 'tsconfig.build.json'), 'utf8')) as {
    readonly include: readonly string[];
  };
  const folders = new Set(include.map((pattern) => pattern.split('/')[0] ?? ''));
  const files = [...folders].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  );
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((file) => path.join(root, file));
  for (const file of [...files.toSorted(), ...settings])
    hash.update(`${path.relative(root, file)}\n`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 24);
}

/** Programs of other sources, once no run of today can still start from them. */
async function forgetOld(): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = path.join(parent, name);
    if (Date.now() - (await stat(folder)).mtimeMs > dayMs) await rm(folder, { recursive: true, force: true });
  }
}
