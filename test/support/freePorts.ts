import { randomInt } from 'node:crypto';
import { isFree } from '../../platform/embedded/ports.js';

// Below 32768: from there on Linux takes the ports of outgoing connections, of which a test run holds hundreds. A port that
// the kernel chose (`listen(0)`) is one of those, and was some connection's own before the process under test listened on it.
// Each process starts at a place of its own, so that two runs at once hardly ask for the same port at the same time.
const first = 20_000;
const last = 32_000;
let next = randomInt(first, last);

/** Ports of this machine that nobody listens on now, none of them given before in this process. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried += 1) {
    if (tried > last - first) throw new Error(`all ports from ${first} to ${last} are taken`);
    const port = next;
    next = port === last ? first : port + 1;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** As `freePorts`, one. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('freePorts answered none');
  return port;
}
