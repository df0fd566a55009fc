import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file of JSON lines that only grows. Several processes may write it at once. */
export interface Journal {
  /** On disk (fsync) when it resolves; gives the line's own id. */
  append(entry: Readonly<Record<string, unknown>>): Promise<string>;
  /** Every whole line in the order written. A line torn by a crash is left out: it was never acknowledged. */
  readAll(): Promise<readonly JournalLine[]>;
}

export interface JournalLine {
  readonly id: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/**
 * One write() in O_APPEND per line, so lines of several processes never mix and need no lock, which a kill -9 would leave behind. Each line
 * begins with a newline of its own: what follows a torn line is whole again.
 */
export function createJournal(path: string): Journal {
  return {
    async append(entry) {
      const id = randomUUID();
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, 'a');
      try {
        const line = Buffer.from(`\n${JSON.stringify({ id, entry })}\n`, 'utf8');
        const { bytesWritten } = await file.write(line);
        if (bytesWritten !== line.length) throw new Error('the journal took only part of a line');
        await file.sync();
      } finally {
        await file.close();
      }
      return id;
    },
    async readAll() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // nobody has written yet
        throw error;
      }
      return text.split('\n').flatMap((line) => parseLine(line) ?? []);
    },
  };
}

function parseLine(line: string): JournalLine | undefined {
  if (line === '') return undefined;
  try {
    return JSON.parse(line) as JournalLine;
  } catch {
    return undefined; // torn by a crash: see above
  }
}
