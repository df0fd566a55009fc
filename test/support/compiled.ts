import path from 'node:path';
import { compiledFolder } from '../../bin/compile.mjs';

let made: Promise<Program> | undefined;

/** The compiled file of a source of ours: `bin/api.ts`. */
export type Program = (source: string) => string;

/** The program as `npm start` runs it: whole runs start about a hundred processes, so they are compiled once. */
export function compiledProgram(): Promise<Program> {
  return (made ??= compiledFolder().then((folder) => (source) => path.join(folder, source.replace(/\.ts$/, '.js'))));
}
