import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import { appendFile, link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { headText, type SignedHead } from '../domain/audit/bundle.js';

/** Where a process keeps the signed heads: outside the database, in production on a mount of its own (temporal.md 10.1). */
export function headsFolder(dataDir: string): string {
  return join(dataDir, 'audit-heads');
}

/** Keeps signed heads in a folder beside the database (its own disk or mount in production), one line each, fsynced. */
export class HeadKeeper {
  readonly #folder: string;
  #key: KeyObject | undefined;

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

  #file(workspaceId: string): string {
    return join(this.#folder, `heads-${workspaceId}.jsonl`);
  }

  async keep(head: Omit<SignedHead, 'signature'>): Promise<SignedHead> {
    const signature = sign(null, Buffer.from(headText(head)), await this.#signingKey()).toString('base64');
    const signed = { ...head, signature };
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    // A newline first as well: a line that a crash tore must not swallow the next one.
    await appendFile(this.#file(head.workspaceId), `\n${JSON.stringify(signed)}\n`, { flush: true });
    return signed;
  }

  /** The heads kept so far, with the bad ones dropped and counted: a line that was not signed by our key proves nothing. */
  async list(workspaceId: string): Promise<{ readonly heads: readonly SignedHead[]; readonly invalid: number }> {
    let text = '';
    try {
      text = await readFile(this.#file(workspaceId), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
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
