import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { dirname } from 'node:path';

/** First ports of `npm start` (screens.md 9.2); the worker's is only for its readiness. */
export const defaultPorts = {
  api: 3000,
  postgres: 54320,
  temporal: 7233,
  temporalUi: 8233,
  workerHealth: 3900,
} as const;
export type PortName = keyof typeof defaultPorts;
export type Ports = Readonly<Record<PortName, number>>;

export interface PortChoice {
  readonly wanted: Ports;
  /** Ports that are ours already although somebody answers there: an orphan that will be adopted. */
  readonly ours: readonly number[];
  /** Stop instead of giving way. */
  readonly strict: boolean;
}

/** A busy port gives way to the next free one. `moved` says so in sentences. Throws when `strict`. */
export async function choosePorts(
  choice: PortChoice,
): Promise<{ readonly ports: Ports; readonly moved: readonly string[] }> {
  const ports: Record<PortName, number> = { ...choice.wanted };
  const moved: string[] = [];
  const given = new Set<number>();
  for (const name of Object.keys(defaultPorts) as PortName[]) {
    const wanted = choice.wanted[name];
    let port = wanted;
    while (given.has(port) || !(choice.ours.includes(port) || (await isFree(port)))) {
      port += 1;
      if (port > 65_535) throw new Error(`no free port from ${wanted} upwards for ${name}`);
    }
    if (port !== wanted) {
      if (choice.strict)
        throw new Error(`Port ${wanted} is taken by another program: end it, or start without --strict-ports`);
      moved.push(`Port ${wanted} is taken by another program; ${name} started on ${port}.`);
    }
    given.add(port);
    ports[name] = port;
  }
  return { ports, moved };
}

/** Nobody answers there and we may listen. Both, because on some systems two programs may listen on one port. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) if (await answers(host, port)) return false;
  return canListen(port);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ host, port });
    socket.setTimeout(500, () => {
      socket.destroy();
      done(true); // somebody holds it and is too busy to answer
    });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => done(true)));
  });
}

/** The ports of the last start: links that were sent out stay right. */
export function readPorts(file: string): Partial<Ports> {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return {};
    const isPort = ([name, port]: [string, unknown]): boolean =>
      name in defaultPorts && typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536;
    return Object.fromEntries(Object.entries(value).filter(isPort)) as Partial<Ports>;
  } catch {
    return {}; // none yet, or cut off by a crash: the defaults do
  }
}

export function writePorts(file: string, ports: Ports): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(ports, null, 2)}\n`);
}
