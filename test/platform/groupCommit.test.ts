import { expect, test } from 'vitest';
import { createGroupCommit, QueueFullError } from '../../platform/groupCommit.js';

/** A table that commits when it is told to, one batch at a time. */
function createTable(isBad: (row: number) => boolean = () => false) {
  const batches: number[][] = [];
  const commits: (() => void)[] = [];
  return {
    batches,
    /** Lets the batch in flight commit, once there is one. */
    async commit() {
      while (commits.length === 0) await new Promise((resolve) => setImmediate(resolve));
      commits.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    },
    write: async (rows: readonly number[]) => {
      batches.push([...rows]);
      await new Promise<void>((resolve) => commits.push(resolve));
      const bad = rows.find(isBad);
      if (bad !== undefined) throw new Error(`row ${bad} is bad`);
    },
  };
}

test('what arrives during a commit becomes the next batch; nothing resolves before its commit', async () => {
  const table = createTable();
  const group = createGroupCommit<number>({ write: table.write, isRowsFault: () => true });
  const done: number[] = [];
  const add = (row: number) => group.add(row).then(() => done.push(row));

  const first = [add(1), add(2)];
  await new Promise((resolve) => setImmediate(resolve));
  const second = [add(3), add(4), add(5)];
  expect(done).toEqual([]);
  await table.commit();
  await Promise.all(first);
  expect(done).toEqual([1, 2]);
  await table.commit();
  await Promise.all(second);

  expect(table.batches).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  await group.drain();
});

test('a batch has at most so many rows, and more than the limit waiting are refused at once', async () => {
  const table = createTable();
  const group = createGroupCommit<number>({ write: table.write, isRowsFault: () => true, maxRows: 2, maxWaiting: 3 });

  const kept = [1, 2, 3].map((row) => group.add(row));
  await expect(group.add(4)).rejects.toBeInstanceOf(QueueFullError);
  await table.commit();
  await table.commit();
  await Promise.all(kept);

  expect(table.batches).toEqual([[1, 2], [3]]);
});

test('one bad row fails alone', async () => {
  const table = createTable((row) => row === 2);
  const group = createGroupCommit<number>({ write: table.write, isRowsFault: () => true });

  const outcomes = Promise.allSettled([1, 2, 3].map((row) => group.add(row)));
  for (let commits = 0; commits < 4; commits += 1) await table.commit();

  expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(table.batches).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test('a database that is away fails the batch once, not row by row', async () => {
  const table = createTable(() => true);
  const group = createGroupCommit<number>({ write: table.write, isRowsFault: () => false });

  const outcomes = Promise.allSettled([1, 2].map((row) => group.add(row)));
  await table.commit();

  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(table.batches).toEqual([[1, 2]]);
});

test('one batch is under way at a time; the next goes out before the last is answered', async () => {
  const table = createTable();
  const group = createGroupCommit<number>({ write: table.write, isRowsFault: () => true });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const seenAtAnswer: number[] = [];
  const add = (row: number) => group.add(row).then(() => seenAtAnswer.push(table.batches.length));

  const all = [add(1)];
  await turn();
  all.push(add(2), add(3)); // wait: one is under way
  await turn();
  expect(table.batches).toEqual([[1]]);
  await table.commit();
  expect(table.batches).toEqual([[1], [2, 3]]);
  expect(seenAtAnswer).toEqual([2]);
  await table.commit();
  await Promise.all(all);
  await group.drain();
});
