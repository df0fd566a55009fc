// @ts-check
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// The program is run compiled everywhere: by `npm start`, by each command of bin/, by the tests, in production. JavaScript, because it is what
// turns TypeScript into a program; a loader that does it in each process (tsx) took 4 s of CPU for the supervisor's modules instead of 0.6, 3.4
// instead of 1.6 for the API's and 2.4 instead of 0.8 for the worker's, which then bundled its workflows as well.

const root = fileURLToPath(new URL('..', import.meta.url));
/** Below the tree, where the program finds its packages; not in the data folder, which `npm run reset` deletes while it runs from here. */
const parent = path.join(root, '.compiled');
const folders = ['activities', 'api', 'bin', 'db', 'domain', 'platform', 'workflows'];
/** What says how sources are read. */
const settings = ['package.json', 'package-lock.json', 'tsconfig.json', 'bin/compile.mjs'];
const run = promisify(execFile);
const dayMs = 24 * 60 * 60 * 1_000;

/**
 * The folder of the tree as it stands, compiled: `bin/api.ts` is `bin/api.js` there. Types are not looked at (`npm run typecheck`). Kept under
 * the hash of the sources: the next run with the same ones has it at once, and a change of the tree does not reach a program that runs.
 *
 * @param {(line: string) => void} [say] told when there is something to wait for
 * @returns {Promise<string>}
 */
export async function compiledFolder(say = () => undefined) {
  const sources = folders.flatMap(filesOf);
  const folder = path.join(parent, hashOf(sources));
  if (!existsSync(folder)) {
    say('compiling the program, once for these sources');
    await compile(sources, folder);
  }
  await keepCompiled(folder);
  return folder;
}

/**
 * Says that this folder is in use today. A program that runs longer says so again.
 *
 * @param {string} folder
 */
export async function keepCompiled(folder) {
  const now = new Date();
  await utimes(folder, now, now);
}

/** @param {string} folder */
function filesOf(folder) {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.d.ts') && !entry.name.endsWith('.mjs'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** @param {readonly string[]} sources */
function hashOf(sources) {
  const hash = createHash('sha256');
  for (const file of [...sources, ...settings])
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 24);
}

/**
 * @param {readonly string[]} sources
 * @param {string} folder
 */
async function compile(sources, folder) {
  await mkdir(parent, { recursive: true });
  await forgetOld(parent);
  const growing = await mkdtemp(path.join(parent, 'growing-'));
  try {
    const { build } = await import('esbuild');
    await build({
      absWorkingDir: root,
      entryPoints: sources.filter((file) => file.endsWith('.ts')),
      outbase: root,
      outdir: growing,
      bundle: false,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'linked',
      logLevel: 'warning',
    });
    for (const file of sources.filter((one) => !one.endsWith('.ts')))
      cpSync(path.join(root, file), path.join(growing, file));
    cpSync(path.join(root, 'package.json'), path.join(growing, 'package.json'));
    await writeFile(path.join(growing, 'checkout.txt'), root);
    await run(process.execPath, [path.join(growing, 'bin', 'bundleWorkflows.js')], { cwd: root });
    await symlink(path.join(root, 'dist', 'web'), path.join(growing, 'web'));
    await rename(growing, folder);
  } catch (error) {
    await rm(growing, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another run was faster with the same one
  }
}

/**
 * Deletes programs of other sources that nobody has said to be in use for a day.
 *
 * @param {string} place
 */
export async function forgetOld(place) {
  for (const name of await readdir(place)) {
    const folder = path.join(place, name);
    if (Date.now() - (await stat(folder)).mtimeMs > dayMs) await rm(folder, { recursive: true, force: true });
  }
}

/** `npm run build`: the same program as `dist`, which needs no checkout around it. */
async function buildDist() {
  const folder = await compiledFolder();
  const dist = path.join(root, 'dist');
  const ofCheckout = new Set([path.join(folder, 'checkout.txt'), path.join(folder, 'web')]);
  rmSync(dist, { recursive: true, force: true });
  cpSync(folder, dist, { recursive: true, filter: (file) => !ofCheckout.has(file) });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildDist();
