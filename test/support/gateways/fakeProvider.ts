import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Instant, instantOf } from '../../../domain/time.js';
import { createJournal } from '../../../platform/journal.js';

// What the fakes of payout providers share: a real HTTP server, a journal on disk of the money that really moved, and faults on demand. A fake
// says what the provider's public documentation says; the shapes of its answers are in fixtures/*.json.

/** What happens to the next request that matters, once. */
export type Fault =
  /** Never read by the provider; the connection breaks. */
  | 'lost_request'
  /** Carried out; the connection breaks before the answer. */
  | 'lost_reply'
  /** 500, and nothing was done. */
  | 'error_before'
  /** 500, although it was done. */
  | 'error_after'
  /** Carried out, and a page of some proxy comes back with 200. */
  | 'garbage'
  /** 429 with `Retry-After: 1`. */
  | 'busy'
  /** 302 to somewhere else. */
  | 'redirect';

const allFaults: readonly Fault[] = ['lost_request', 'lost_reply', 'error_before', 'error_after', 'garbage', 'busy'];

/** Money that left (or came back to) the merchant's account: the truth about what was really paid. */
export interface Payment {
  readonly kind: 'payment' | 'return';
  readonly key: string;
  readonly reference: string;
  readonly providerId: string;
  readonly minor: string;
  readonly currency: string;
  readonly at: string;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeProvider {
  readonly origin: string;
  /** Milliseconds added to the clock of this provider. */
  readonly advance: (ms: number) => void;
  readonly now: () => Instant;
  /** The next requests that move money meet these, one each. */
  readonly breakNext: (...faults: readonly Fault[]) => void;
  /** From now on so many of the requests that move money meet a fault of any kind (0 to 1). */
  readonly breakAtRandom: (random: () => number, share: number) => void;
  /** The next look-ups meet these, one each. */
  readonly breakNextLookUp: (...faults: readonly Fault[]) => void;
  /** Money that a person moved there. */
  book(payment: Payment): Promise<void>;
  /** What moved, from the journal on disk. */
  payments(): Promise<readonly Payment[]>;
  /** Every request since the start, as `POST /v1/transfers`. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export interface Handlers {
  /** Does a request of this kind move money, or ask what became of it? Others never break. */
  kindOf(request: Request): 'pay' | 'lookUp' | 'other';
  handle(request: Request, world: World): Promise<Reply>;
}

export interface World {
  readonly now: () => Instant;
  /** On disk before anybody is told. */
  readonly book: (payment: Payment) => Promise<void>;
}

export async function startFakeProvider(journalPath: string, handlers: Handlers): Promise<FakeProvider> {
  const journal = createJournal(journalPath);
  let offset = 0;
  const now = (): Instant => instantOf(Date.now() + offset);
  const faults: Record<'pay' | 'lookUp', Fault[]> = { pay: [], lookUp: [] };
  let byChance: () => Fault | undefined = () => undefined;
  const requests: string[] = [];
  // One request after the other, as a provider's own lock on a key would have it.
  let queue: Promise<unknown> = Promise.resolve();
  const world: World = {
    now,
    book: async (payment) => {
      await journal.append({ ...payment });
    },
  };
  const server: Server = createServer((incoming, outgoing) => {
    queue = queue.then(() => answer(incoming, outgoing)).catch(() => incoming.socket.destroy());
  });
  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const request: Request = {
      method: incoming.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      text: await textOf(incoming),
    };
    requests.push(`${request.method} ${request.path}`);
    const kind = handlers.kindOf(request);
    const fault = kind === 'other' ? undefined : (faults[kind].shift() ?? (kind === 'pay' ? byChance() : undefined));
    if (fault === 'lost_request') incoming.socket.destroy();
    else if (fault === 'error_before') send(outgoing, { status: 500, body: { message: 'try again' } });
    else if (fault === 'busy')
      send(outgoing, { status: 429, body: { name: 'RATE_LIMIT_REACHED' }, headers: { 'retry-after': '1' } });
    else if (fault === 'redirect')
      send(outgoing, { status: 302, body: null, headers: { location: 'http://127.0.0.1:1/elsewhere' } });
    else {
      const reply = await handlers.handle(request, world);
      if (fault === 'lost_reply') incoming.socket.destroy();
      else if (fault === 'error_after') send(outgoing, { status: 502, body: '<html>bad gateway</html>' });
      else if (fault === 'garbage') send(outgoing, { status: 200, body: '<html>please wait</html>' });
      else send(outgoing, reply);
    }
  }
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    advance: (ms) => {
      offset += ms;
    },
    now,
    breakNext: (...next) => void faults.pay.push(...next),
    breakAtRandom: (random, share) => {
      byChance = () => (random() < share ? allFaults[Math.floor(random() * allFaults.length)] : undefined);
    },
    breakNextLookUp: (...next) => void faults.lookUp.push(...next),
    payments: async () => (await journal.readAll()).map((line) => line.entry as unknown as Payment),
    book: world.book,
    requests,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

function send(outgoing: ServerResponse, { status, body, headers }: Reply): void {
  const text = typeof body === 'string' ? body : body === null ? '' : JSON.stringify(body);
  outgoing.writeHead(status, {
    'content-type': typeof body === 'string' ? 'text/html' : 'application/json',
    ...headers,
  });
  outgoing.end(text);
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A decimal text in hundredths: every currency the fakes are asked in has two digits. */
export function minorOfText(text: string): bigint {
  const [whole = '0', decimals = ''] = text.split('.');
  return BigInt(`${whole}${decimals.padEnd(2, '0')}`);
}

export function textOfMinor(minor: bigint): string {
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, '0');
  return `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/** The word in front of a destination (`refuse.ada@blog.example`, `acct_refuse0001`): what happens there. */
export const words = ['ok', 'slow', 'refuse', 'returned', 'held', 'odd'] as const;
export type Word = (typeof words)[number];
export function wordOf(text: string): Word {
  return words.find((word) => text.toLowerCase().includes(word)) ?? 'ok';
}
