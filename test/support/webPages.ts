import { execFileSync } from 'node:child_process';
import { isWebBuilt } from '../../bin/buildWeb.js';

/** Builds the pages unless they are there from these very sources: on a fresh clone nothing has built them yet. */
export function ensureWebPages(): void {
  if (!isWebBuilt()) execFileSync(process.execPath, ['bin/run.mjs', 'buildWeb'], { stdio: 'inherit' });
}
