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
 * Collects what arrives while a commit is under way and commits it as the next batch. No timer: a 2 ms one fell to a third (performance.md,
 * "Clicks: one row, group commit"). One batch at a time: two are half as large each, a batch costs Postgres some 230 us before its first row,
 * and the two backends take the cores from the process that answers (docs/running/performance.md).
 */
export function createGroupCommit<Row>(options: GroupCommitOptions<Row>): GroupCommit<Row> {
  const maxRows = options.maxRows ?? 1_000;
  const maxWaiting = options.maxWaiting ?? 20_000;
  let queue: Waiting<Row>[] = [];
  let isInFlight = false;
  let isPumpDue = false;
  let drained: (() => void)[] = [];

  function pump(): void {
    isPumpDue = false;
    if (queue.length === 0) return;
    const batch = queue.length <= maxRows ? queue : queue.slice(0, maxRows);
    queue = queue.length <= maxRows ? [] : queue.slice(maxRows);
    isInFlight = true;
    commit(batch).then(land, (error: unknown) => {
      throw error; // `commit` answers each row's outcome to the one who waits for it; what reaches this is a bug of ours, said aloud
    });
  }

  async function commit(batch: readonly Waiting<Row>[]): Promise<() => void> {
    try {
      await options.write(batch.map((waiting) => waiting.row));
      return () => accept(batch);
    } catch (error) {
      if (batch.length === 1 || !options.isRowsFault(error)) return () => refuse(batch, error);
      for (const waiting of batch) (await commit([waiting]))();
      return () => undefined;
    }
  }

  /** The next batch goes out before the last one is answered: writing the answers takes as long as a commit, and Postgres stood idle meanwhile. */
  function land(answer: () => void): void {
    isInFlight = false;
    pump();
    answer();
    if (isInFlight) return;
    for (const done of drained) done();
    drained = [];
  }

  return {
    add: (row) =>
      new Promise((resolve, reject) => {
        if (queue.length >= maxWaiting) {
          reject(new QueueFullError());
          return;
        }
        queue.push({ row, resolve, reject });
        if (isPumpDue || isInFlight) return;
        isPumpDue = true;
        setImmediate(pump); // the rest of this turn's requests come along
      }),
    waiting: () => queue.length,
    drain: () => (isPumpDue || isInFlight ? new Promise((resolve) => drained.push(resolve)) : Promise.resolve()),
  };
}

function accept(batch: readonly Waiting<unknown>[]): void {
  for (const waiting of batch) waiting.resolve();
}

function refuse(batch: readonly Waiting<unknown>[], error: unknown): void {
  for (const waiting of batch) waiting.reject(error);
}
