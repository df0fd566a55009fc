// @ts-check
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiledFolder, keepCompiled } from './compile.mjs';

// `node bin/run.mjs <command> […]`: a command of bin/, compiled (bin/compile.mjs) and run in this process as it is in production.

const keepEveryMs = 60 * 60 * 1_000;
const [name = ''] = process.argv.splice(2, 1);
if (!/^[a-zA-Z]+$/.test(name) || !existsSync(new URL(`./${name}.ts`, import.meta.url))) {
  process.stderr.write(`  There is no command ${JSON.stringify(name)} in bin/; npm run lists those there are.\n`);
  process.exit(1);
}

const folder = await compiledFolder((line) => process.stderr.write(`  ${line}\n`));
// What runs for days finds its modules also after the sources have changed. Whatever hinders this hour's note, the next one comes in time.
setInterval(() => void keepCompiled(folder).catch(() => undefined), keepEveryMs).unref();
const file = path.join(folder, 'bin', `${name}.js`);
process.argv[1] = file;
await import(pathToFileURL(file).href);
