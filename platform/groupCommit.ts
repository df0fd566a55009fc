/** Thrown when more rows wait than the limit allows: answer "busy" at once instead of queueing without end. */
export class QueueFullError extends Error {
  constructor() {
    super('too many rows are waiting to be committed');
    this.name = 'QueueFullError';
  }
}

export interface GroupCommitOptions<Row> {
  /** Commits all rows or none. */
  readonly write: (rows: readonly Row[]) => Promise<void>;
  /** May one bad row have failed its batch? Then each is tried by itself. Not when the database is away: all would fail, one by one. */
  readonly isRowsFault: (error: unknown) => boolean;
  /** Rows in one batch. 1,000 was enough for every load measured (performance.md). */
  readonly maxRows?: number;
  /** Rows waiting beside the batch in flight, above which `add` refuses. */
  readonly maxWaiting?: number;
}

export interface GroupCommit<Row> {
  /** Resolves when the row is committed, rejects when it is not. */
  add(row: Row): Promise<void>;
  waiting(): number;
  /** Resolves when nothing is waiting or in flight any more. */
  drain(): Promise<void>;
}

interface Waiting<Row> {
  readonly row: Row;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Collects what arrives while one commit is under way and commits it as the next. One batch in flight; no timer: a 2 ms one fell to a
 * third (performance.md, "Clicks: one row, group commit").
 */
export function createGroupCommit<Row>(options: GroupCommitOptions<Row>): GroupCommit<Row> {
  const maxRows = options.maxRows ?? 1_000;
  const maxWaiting = options.maxWaiting ?? 20_000;
  let queue: Waiting<Row>[] = [];
  let isFlushing = false;
  let drained: (() => void)[] = [];

  async function flush(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.length <= maxRows ? queue : queue.slice(0, maxRows);
      queue = queue.length <= maxRows ? [] : queue.slice(maxRows);
      await commit(batch);
    }
    isFlushing = false;
    for (const done of drained) done();
    drained = [];
  }

  async function commit(batch: readonly Waiting<Row>[]): Promise<void> {
    try {
      await options.write(batch.map((waiting) => waiting.row));
    } catch (error) {
      if (batch.length > 1 && options.isRowsFault(error)) for (const waiting of batch) await commit([waiting]);
      else for (const waiting of batch) waiting.reject(error);
      return;
    }
    for (const waiting of batch) waiting.resolve();
  }

  // `flush` never rejects: each row's outcome goes to the one who waits for it.
  const start = (): void => {
    flush().catch((error: unknown) => {
      queueMicrotask(() => {
        throw error; // a bug of ours, said aloud
      });
    });
  };

  return {
    add: (row) =>
      new Promise((resolve, reject) => {
        if (queue.length >= maxWaiting) {
          reject(new QueueFullError());
          return;
        }
        queue.push({ row, resolve, reject });
        if (isFlushing) return;
        isFlushing = true;
        setImmediate(start); // the rest of this turn's requests come along
      }),
    waiting: () => queue.length,
    drain: () => (isFlushing ? new Promise((resolve) => drained.push(resolve)) : Promise.resolve()),
  };
}
