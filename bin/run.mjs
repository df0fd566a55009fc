// @ts-check
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiledFolder, keepCompiled } from './compile.mjs';

// `node bin/run.mjs <command> […]`: a command of bin/, compiled (bin/compile.mjs) and run in this process as it is in production.

const keepEveryMs = 60 * 60 * 1_000;
const [name = ''] = process.argv.splice(2, 1);
if (!/^[a-zA-Z]+$/.test(name)) throw new Error(`a command of bin/ is a name, not ${JSON.stringify(name)}`);

const folder = await compiledFolder((line) => process.stderr.write(`  ${line}\n`));
// What runs for days finds its modules also after the sources have changed.
setInterval(() => void keepCompiled(folder).catch(() => undefined), keepEveryMs).unref();
const file = path.join(folder, 'bin', `${name}.js`);
process.argv[1] = file;
await import(pathToFileURL(file).href);
