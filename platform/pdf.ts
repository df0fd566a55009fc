import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** A printed list: what it is about, its rows under heads that repeat on every page, its sums. Texts only: whoever asks has formatted them. */
export interface PdfList {
  readonly title: string;
  /** BCP 47, of the texts. */
  readonly language: string;
  /** Label and value, above the list. */
  readonly facts: readonly (readonly [string, string])[];
  readonly notes: readonly string[];
  /** Left out: upright A4, whose rows break between words only. With it a word that is wider than its column breaks too. */
  readonly paper?: 'A4' | 'wide A4' | 'wide A3';
  readonly columns: readonly {
    readonly title: string;
    readonly align: 'left' | 'right';
    readonly width: 'auto' | '*';
  }[];
  readonly rows: readonly (readonly string[])[];
  /** Label and value, below the list. */
  readonly totals: readonly (readonly [string, string])[];
  readonly footer: string;
  /** Milliseconds since 1970, printed into the file's properties: the same content is the same bytes. */
  readonly createdMs: number;
}

/** What one list may cost. */
interface PrintLimits {
  readonly timeoutMs: number;
  readonly heapMb: number;
}

/** 2,000 rows take about 3 s (dependencies.md 2, fact 13): what somebody waits for ends within a minute. */
export const printedAtOnce: PrintLimits = { timeoutMs: 60_000, heapMb: 512 };
/** 20,000 rows of a job, which has 11 minutes (temporal.md 2.3). */
export const printedByJob: PrintLimits = { timeoutMs: 480_000, heapMb: 1_536 };

/** Lists wait for each other: two at once would only be slower, and the memory is bounded by one. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Prints a list as a PDF in a thread of its own, because setting 2,000 rows takes seconds that no request beside it may wait for. Throws
 * when the thread fails or takes longer than it may.
 */
export function printList(list: PdfList, limits: PrintLimits = printedAtOnce): Promise<Buffer> {
  const printed = last.then(() => runThread(list, limits));
  last = printed.catch(() => undefined); // the next one starts all the same; this one's caller hears of its failure
  return printed;
}

function runThread(list: PdfList, { timeoutMs, heapMb }: PrintLimits): Promise<Buffer> {
  const options = { workerData: list, env: {}, execArgv: [], resourceLimits: { maxOldGenerationSizeMb: heapMb } };
  return new Promise((resolve, reject) => {
    const thread = startThread(options);
    const timer = setTimeout(() => {
      reject(new Error(`a PDF took longer than ${timeoutMs} ms`));
      thread.terminate().catch(reject);
    }, timeoutMs);
    thread.once('message', (bytes: Uint8Array) => resolve(Buffer.from(bytes)));
    thread.once('error', reject);
    thread.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the PDF thread ended with ${code} and no file`)); // without effect after a message
    });
  });
}

/** A build runs the thread's own file; in the tree it is TypeScript, which a thread does not read by itself. */
function startThread(options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./pdfThread.js', import.meta.url), options);
  const file = new URL('./pdfThread.ts', import.meta.url).href;
  const loader = pathToFileURL(
    path.join(path.dirname(createRequire(import.meta.url).resolve('tsx/package.json')), 'dist/esm/api/index.mjs'),
  ).href;
  const code = `import(${JSON.stringify(loader)}).then(({ tsImport }) => tsImport(${JSON.stringify(file)}, ${JSON.stringify(import.meta.url)}))`;
  return new Worker(code, { ...options, eval: true });
}
