import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { appendFile, mkdir, open, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  appendLeaves,
  countUncovered,
  findHead,
  type Leaf,
  listLeaves,
  listUncoveredCommits,
  lockHead,
  type NewLeaf,
  readCommits,
} from '../../db/audit/chain.js';
import type { Db } from '../../db/connection.js';
import { inWorkspace, readWorkspace } from '../../db/transaction.js';
import type { Logger } from '../../platform/logger.js';
import { headText } from '../../domain/audit/bundle.js';
import { encodeContent, encodeLeaf, genesis } from '../../domain/audit/encoding.js';
import type { WorkspaceId } from '../../domain/ids.js';
import { addMs, type Instant } from '../../domain/time.js';

// The chain looks back this far for transactions without a leaf. The longest statement may run 10 min (architecture.md 9); what commits
// later than that is found by I14, which reads everything.
const lookBackMs = 15 * 60_000;
/** Commits per transaction: the head stays locked that long, and a decision's audit waits for nobody but the next appender. */
const leavesPerPass = 500;

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Appends a leaf for each commit that has none yet. Answers how many. Safe to repeat and to run in several relays at once. */
export async function appendAuditLeaves(db: Db, workspaceId: WorkspaceId): Promise<number> {
  return inWorkspace(db, workspaceId, async (tx, now) => {
    const head = await lockHead(tx);
    if (head === undefined)
      throw new Error(`workspace ${workspaceId} has no audit head: it was not made by createWorkspace`);
    const commitIds = await listUncoveredCommits(tx, addMs(now, -lookBackMs), leavesPerPass);
    const contents = await readCommits(tx, commitIds);
    let { sequence, leafHash } = head;
    const leaves: NewLeaf[] = [];
    for (const commitId of commitIds) {
      const content = contents.get(commitId);
      if (content === undefined) continue;
      const contentHash = sha256(encodeContent(content));
      const previousHash = leafHash;
      sequence += 1n;
      leafHash = sha256(encodeLeaf(previousHash, sequence, commitId, contentHash));
      leaves.push({
        sequence,
        commitId,
        previousHash,
        contentHash,
        leafHash,
        counts: {
          entries: content.entries.length,
          transfers: content.transfers.length,
          histories: content.histories.length,
        },
      });
    }
    await appendLeaves(tx, leaves);
    return leaves.length;
  });
}

export interface ChainVerification {
  readonly holds: boolean;
  /** Last leaf up to which everything matches. */
  readonly holdsTo: string;
  readonly leaves: number;
  readonly entries: number;
  readonly firstBadSequence: string | null;
  readonly firstBadEntryId: string | null;
  readonly code: 'edited' | 'reordered' | 'gap' | 'cut' | 'uncovered' | 'head_differs' | null;
  readonly head: { readonly sequence: string; readonly leafHash: string } | null;
}

/**
 * Recomputes every leaf from the rows and follows the chain to its head; then compares with the heads kept outside the database. Finds an
 * edit, a deletion, an insertion, a swap, a cut tail and a whole re-hash, and names the first bad place (reliability.md G26).
 */
export async function verifyChain(
  db: Db,
  workspaceId: WorkspaceId,
  outside: readonly SignedHead[],
): Promise<ChainVerification> {
  return readWorkspace(db, workspaceId, async (tx, now) => {
    const head = await findHead(tx);
    let previous = { sequence: 0n, leafHash: genesis };
    let entries = 0;
    const fail = (
      code: NonNullable<ChainVerification['code']>,
      sequence: bigint,
      entryId: string | null = null,
    ): ChainVerification => ({
      holds: false,
      holdsTo: previous.sequence.toString(),
      leaves: Number(previous.sequence),
      entries,
      firstBadSequence: sequence.toString(),
      firstBadEntryId: entryId,
      code,
      head: head === undefined ? null : { sequence: head.sequence.toString(), leafHash: head.leafHash },
    });
    const seen = new Map<string, string>();
    for (;;) {
      const page: readonly Leaf[] = await listLeaves(tx, previous.sequence, 1_000);
      if (page.length === 0) break;
      const contents = await readCommits(
        tx,
        page.map((leaf) => leaf.commitId),
      );
      for (const leaf of page) {
        if (leaf.sequence !== previous.sequence + 1n) return fail('gap', previous.sequence + 1n);
        if (leaf.previousHash !== previous.leafHash) return fail('reordered', leaf.sequence);
        const content = contents.get(leaf.commitId);
        const contentHash = content === undefined ? '' : sha256(encodeContent(content));
        if (contentHash !== leaf.contentHash)
          return fail(
            'edited',
            leaf.sequence,
            content?.entries[0]?.id ?? content?.transfers[0]?.id ?? content?.histories[0]?.id ?? null,
          );
        if (sha256(encodeLeaf(leaf.previousHash, leaf.sequence, leaf.commitId, contentHash)) !== leaf.leafHash)
          return fail('edited', leaf.sequence);
        entries += content?.entries.length ?? 0;
        seen.set(leaf.sequence.toString(), leaf.leafHash);
        previous = { sequence: leaf.sequence, leafHash: leaf.leafHash };
      }
    }
    if ((head?.sequence ?? 0n) !== previous.sequence || (head?.leafHash ?? genesis) !== previous.leafHash)
      return fail('cut', previous.sequence + 1n);
    for (const signed of outside) {
      if (signed.sequence === '0') continue;
      const leafHash = seen.get(signed.sequence);
      if (leafHash === undefined) return fail('cut', BigInt(signed.sequence));
      if (leafHash !== signed.leafHash) return fail('head_differs', BigInt(signed.sequence));
    }
    const late = await countUncovered(tx, addMs(now, -60_000) as Instant);
    if (late.entries > 0) return fail('uncovered', previous.sequence + 1n, late.firstEntryId);
    return {
      holds: true,
      holdsTo: previous.sequence.toString(),
      leaves: Number(previous.sequence),
      entries,
      firstBadSequence: null,
      firstBadEntryId: null,
      code: null,
      head: { sequence: previous.sequence.toString(), leafHash: previous.leafHash },
    };
  });
}

/** A head as it was seen and signed outside the database. Whoever re-hashes the whole chain cannot re-sign it. */
export interface SignedHead {
  readonly workspaceId: string;
  readonly sequence: string;
  readonly leafHash: string;
  readonly at: string;
  readonly signature: string;
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
      // 'wx': of two processes that start at once one makes the key, the other reads it.
      const made = generateKeyPairSync('ed25519');
      const handle = await open(file, 'wx', 0o600);
      await handle.writeFile(made.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string);
      await handle.sync();
      await handle.close();
      this.#key = made.privateKey;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
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
    await mkdir(dirname(this.#file(head.workspaceId)), { recursive: true, mode: 0o700 });
    await appendFile(this.#file(head.workspaceId), `${JSON.stringify(signed)}\n`, { flush: true });
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

/** One pass of the relay over all workspaces: leaves, then the signed head where it moved. */
export async function appendAuditChains(deps: {
  readonly db: Db;
  readonly keeper: HeadKeeper;
  readonly logger: Logger;
  readonly workspaces: readonly WorkspaceId[];
  readonly lastKept: Map<string, string>;
}): Promise<number> {
  let appended = 0;
  for (const workspaceId of deps.workspaces) {
    appended += await appendAuditLeaves(deps.db, workspaceId);
    const seen = await readWorkspace(deps.db, workspaceId, async (tx, now) => ({ head: await findHead(tx), now }));
    if (seen.head === undefined || seen.head.sequence === 0n || deps.lastKept.get(workspaceId) === seen.head.leafHash)
      continue;
    await deps.keeper.keep({
      workspaceId,
      sequence: seen.head.sequence.toString(),
      leafHash: seen.head.leafHash,
      at: seen.now,
    });
    deps.lastKept.set(workspaceId, seen.head.leafHash);
  }
  return appended;
}
