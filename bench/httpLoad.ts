import net from 'node:net';

export interface LoadResult {
  readonly answered: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of each answer, in their order. */
  readonly latenciesMs: readonly number[];
}

const headerEnd = Buffer.from('\r\n\r\n');
const lengthHeader = /\r\ncontent-length: (\d+)/i;

/**
 * Sends requests that were written out beforehand over keep-alive connections, one at a time on each, and counts the answers with the wanted
 * status. It only looks for the end of each answer and shares two cores with what it measures: 12 us a request of ours beside autocannon's
 * 15-17 (three rounds each against bare Koa, whose own are 19), and 50 packages less.
 * @throws when an answer has another status, has no length, or a connection breaks.
 */
export async function loadHttp(options: {
  readonly port: number;
  readonly connections: number;
  /** When to end. */
  readonly until: { readonly seconds: number } | { readonly answers: number };
  readonly status: number;
  readonly requests: readonly Buffer[];
}): Promise<LoadResult> {
  const { port, requests } = options;
  const wanted = Buffer.from(`HTTP/1.1 ${options.status} `);
  const latencies: number[] = [];
  const from = performance.now();
  const { until } = options;
  const goesOn = (now: number): boolean =>
    'seconds' in until ? now < from + until.seconds * 1_000 : next < until.answers;
  let next = 0;

  const drive = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      let sentAt = 0;
      let pending: Buffer | undefined;
      const send = (): void => {
        const request = requests[next % requests.length];
        next += 1;
        if (request === undefined) throw new Error('no request to send');
        sentAt = performance.now();
        socket.write(request);
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the server closed a connection')));
      socket.on('data', (chunk) => {
        const answer = pending === undefined ? chunk : Buffer.concat([pending, chunk]);
        const end = answer.indexOf(headerEnd);
        if (end === -1) {
          pending = answer;
          return;
        }
        const head = answer.toString('latin1', 0, end);
        const length = lengthHeader.exec(head)?.[1];
        if (!answer.subarray(0, wanted.length).equals(wanted) || length === undefined) {
          reject(new Error(`unexpected answer: ${head.slice(0, 60)}`));
          socket.destroy();
          return;
        }
        if (answer.length < end + headerEnd.length + Number(length)) {
          pending = answer;
          return;
        }
        pending = undefined;
        const now = performance.now();
        latencies.push(now - sentAt);
        if (goesOn(now)) send();
        else {
          socket.removeAllListeners('close');
          socket.destroy();
          resolve();
        }
      });
    });

  await Promise.all(Array.from({ length: options.connections }, drive));
  const took = performance.now() - from;
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    answered: sorted.length,
    perSecond: (sorted.length * 1_000) / took,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    latenciesMs: latencies,
  };
}

/** Whom a request asks for unless it says otherwise: a server that is measured takes it for its own name, as PUBLIC_URL's host is. */
export const benchHost = 'bench.example';

/** One GET as it travels. */
export function getRequest(path: string, headers: Readonly<Record<string, string>>): Buffer {
  const lines = Object.entries({ host: benchHost, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
}
