import { writeSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Named crash points of the fault campaign (reliability.md 6): nothing, unless a test armed them. A point that is armed ends the process with
 * SIGKILL when it is reached for the n-th time, as a power cut would: no handler runs, nothing is flushed. Or it stops the process where it
 * is, as a machine that hangs would, until a test sends SIGCONT.
 */
interface Armed {
  left: number;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

const armed = new Map<string, Armed>();

/**
 * Arms points from `name` or `name@subject`, each with `#n` (the n-th time) or `!stop` (SIGSTOP instead of SIGKILL), separated by commas: FAILPOINTS, which
 * production refuses.
 */
export function armFailpoints(list: string): void {
  for (const item of list.split(',').filter((part) => part !== '')) {
    const [, name, number, mode] = /^([^#!]+)(?:#([1-9]\d{0,5}))?(!stop)?$/.exec(item) ?? [];
    if (name === undefined) throw new Error(`a failpoint is name or name@subject, with #n or !stop: ${item}`);
    armed.set(name, { left: Number(number ?? '1'), signal: mode === undefined ? 'SIGKILL' : 'SIGSTOP' });
  }
}

/**
 * Reached by the code on its way; a look into an empty map costs nothing measurable. `subject`: what it is about, such as the workflow, so
 * that a test may arm `name@subject` and meet nobody else's work.
 */
export function failpoint(reached: string, subject?: string): void {
  if (armed.size === 0) return;
  const name = subject !== undefined && armed.has(`${reached}@${subject}`) ? `${reached}@${subject}` : reached;
  const point = armed.get(name);
  if (point === undefined) return;
  if (point.left > 1) {
    point.left -= 1;
    return;
  }
  armed.delete(name);
  writeSync(2, `failpoint reached: ${name}\n`); // the proof that it died here and not of something else
  process.kill(process.pid, point.signal);
  if (point.signal === 'SIGSTOP') return; // goes on here after SIGCONT
  // The signal arrives at the next turn of the event loop at the latest; until then this process must not go on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
}

type Listener = (
  request: IncomingMessage,
  response: ServerResponse<IncomingMessage> & { req: IncomingMessage },
) => Promise<void>;

/**
 * The points at the end of an answer, for requests that change something: `api.halfAnswered` (half of the body is with the system) and
 * `api.answered` (all of it is). Without armed points the listener itself.
 */
export function withAnswerPoints(listener: Listener): Listener {
  if (armed.size === 0) return listener;
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      if (armed.has('api.halfAnswered')) halve(response);
      response.once('finish', () => failpoint('api.answered'));
    }
    return listener(request, response);
  };
}

function halve(response: ServerResponse): void {
  const end = response.end.bind(response) as (chunk?: unknown) => ServerResponse;
  response.end = ((chunk?: unknown): ServerResponse => {
    if (!Buffer.isBuffer(chunk) || chunk.length < 2) return end(chunk);
    response.write(chunk.subarray(0, chunk.length >> 1), () => failpoint('api.halfAnswered'));
    return response;
  }) as ServerResponse['end'];
}
