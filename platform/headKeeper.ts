import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import { appendFile, link, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headText, type SignedHead } from '../domain/audit/bundle.js';

/** Where a process keeps the signed heads: outside the database, in production on a mount of its own (temporal.md 10.1). */
export function headsFolder(dataDir: string): string {
  return join(dataDir, 'audit-heads');
}

/** Keeps signed heads in a folder beside the database (its own disk or mount in production), one line each, fsynced; a file a day. */
export class HeadKeeper {
  readonly #folder: string;
  #key: KeyObject | undefined;
  /** The day on which this process last thinned a workspace's files. */
  readonly #thinned = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  async #signingKey(): Promise<KeyObject> {
    if (this.#key !== undefined) return this.#key;
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = join(this.#folder, 'signing.pem');
    try {
      this.#key = createPrivateKey(await readFile(file, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      await makeKey(file);
      this.#key = createPrivateKey(await readFile(file, 'utf8'));
    }
    return this.#key;
  }

  async publicKeyPem(): Promise<string> {
    return createPublicKey(await this.#signingKey()).export({ type: 'spki', format: 'pem' }) as string;
  }

  /** One file a day: a file of an earlier day has no writer any more, so it can be thinned without a lock. */
  #file(workspaceId: string, day: string): string {
    return join(this.#folder, `heads-${workspaceId}-${day}.jsonl`);
  }

  /** All files of a workspace, oldest first; that of an earlier release, without a day, before them. */
  async #files(workspaceId: string): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const mine = names.filter((name) => name.startsWith(`heads-${workspaceId}`) && name.endsWith('.jsonl'));
    return mine.sort((a, b) => dayOf(a).localeCompare(dayOf(b)));
  }

  /**
   * Keeps the last head of each day that is over: a head covers all that came before it, so the others prove nothing more. Without it a
   * workspace that moves grew by a line every few seconds, for ever. The day before today is left alone: a process may be late with it.
   */
  async #thin(workspaceId: string, today: string): Promise<void> {
    const days = (await this.#files(workspaceId))
      .filter((name) => dayOf(name) !== '' && dayOf(name) < today)
      .slice(0, -1);
    for (const name of days) {
      const file = join(this.#folder, name);
      const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => parseHead(line) !== undefined);
      const last = lines.at(-1);
      if (last === undefined || lines.length === 1) continue;
      const draft = `${file}.${randomUUID()}`;
      await writeFile(draft, `${last}\n`, { flush: true });
      await rename(draft, file); // whole or not at all
    }
  }

  async keep(head: Omit<SignedHead, 'signature'>): Promise<SignedHead> {
    const signature = sign(null, Buffer.from(headText(head)), await this.#signingKey()).toString('base64');
    const signed = { ...head, signature };
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // A newline first as well: a line that a crash tore must not swallow the next one.
    const today = head.at.slice(0, 10);
    await appendFile(this.#file(head.workspaceId, today), `\n${JSON.stringify(signed)}\n`, { flush: true });
    if (this.#thinned.get(head.workspaceId) !== today) {
      this.#thinned.set(head.workspaceId, today);
      await this.#thin(head.workspaceId, today);
    }
    return signed;
  }

  /** The heads kept so far, with the bad ones dropped and counted: a line that was not signed by our key proves nothing. */
  async list(workspaceId: string): Promise<{ readonly heads: readonly SignedHead[]; readonly invalid: number }> {
    let text = '';
    for (const name of await this.#files(workspaceId)) text += `${await readFile(join(this.#folder, name), 'utf8')}\n`;
    const key = createPublicKey(await this.#signingKey());
    const parsed = text
      .split('\n')
      .filter((line) => line !== '')
      .map(parseHead);
    const heads = parsed.filter(
      (head): head is SignedHead =>
        head !== undefined && verify(null, Buffer.from(headText(head)), key, Buffer.from(head.signature, 'base64')),
    );
    return { heads, invalid: parsed.length - heads.length };
  }
}

/** `heads-ws_….jsonl` has no day; `heads-ws_…-2026-11-26.jsonl` has. */
function dayOf(name: string): string {
  return /-(\d{4}-\d\d-\d\d)\.jsonl$/.exec(name)?.[1] ?? '';
}

function parseHead(line: string): SignedHead | undefined {
  try {
    const value = JSON.parse(line) as SignedHead;
    return typeof value.workspaceId === 'string' &&
      typeof value.sequence === 'string' &&
      typeof value.leafHash === 'string' &&
      typeof value.signature === 'string' &&
      typeof value.at === 'string'
      ? value
      : undefined;
  } catch {
    return undefined; // a torn last line after a crash: counted as invalid by the caller
  }
}

/** Written whole, then linked: of two processes that start at once both read the same key, and none half a key. */
async function makeKey(file: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  const handle = await open(draft, 'wx', 0o600);
  await handle.writeFile(generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
  await handle.sync();
  await handle.close();
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // the other process was first: its key counts
  } finally {
    await rm(draft);
  }
}
