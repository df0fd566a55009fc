import { randomUUID } from 'node:crypto';
import type { RelayDb } from '../../db/connection.js';
import {
  type ClaimedMessage,
  claimMessages,
  type Lane,
  listenForMessages,
  type Mark,
  markMessages,
  readClickLag,
  readOutboxLag,
} from '../../db/messaging/relay.js';
import { failpoint } from '../failpoint.js';
import type { Logger } from '../logger.js';
import type { RelayMetrics } from './metrics.js';

/** What came of one call. */
export type Outcome =
  /** Done, or there is nothing left to do. */
  | { readonly kind: 'sent' }
  /** Again after `delayMs`; others go on. */
  | { readonly kind: 'later'; readonly delayMs: number; readonly code: string }
  /** The other side is away: nobody knows whether it arrived. The lane pauses and the row stays due. */
  | { readonly kind: 'away'; readonly code: string; readonly error?: unknown }
  /** Will never work: somebody has to look. It no longer blocks its key. */
  | { readonly kind: 'dead'; readonly code: string };

/** Sends the rows of one claim; a promise per row, in their order. `signal` aborts before the lease ends. */
export type Deliver = (rows: readonly ClaimedMessage[], signal: AbortSignal) => readonly Promise<Outcome>[];

/** Another periodic piece of work of the relay, such as taking up clicks or appending the audit chain. */
export interface RelayStep {
  readonly name: string;
  /** Milliseconds between two runs when the last one found nothing more to do. */
  readonly everyMs: number;
  /** True: there is more, run again at once. */
  run(): Promise<boolean>;
}

export interface RelayOptions {
  readonly db: RelayDb;
  /** Where to LISTEN; any login of the database. */
  readonly listenUrl: string;
  readonly logger: Logger;
  readonly metrics: RelayMetrics;
  readonly deliver: Readonly<Record<Lane, Deliver>>;
  readonly steps: readonly RelayStep[];
  /** Defaults of temporal.md 4.2; tests shorten the lease. */
  readonly leaseMs?: number;
}

export interface Relay {
  /** No new claims; waits for the calls under way, then gives back what it still holds. Safe to repeat. */
  stop(): Promise<void>;
}

const slotsPerLane = 64;
/** Calls to one endpoint of a workspace at a time (temporal.md 4.2). */
const eachPerLane: Readonly<Record<Lane, number>> = { workflow: 1000, http: 4 };
const pollMs = 200;
const defaultLeaseMs = 30_000;
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
const lagEveryMs = 5_000;

/** Turns outbox rows into messages: two lanes with a loop each, and the other steps beside them (temporal.md 4). */
export function startRelay(options: RelayOptions): Relay {
  const stopping = new AbortController();
  const lanes = (['workflow', 'http'] as const).map((lane) => new LaneLoop(lane, options, stopping.signal));
  const listener = listenForMessages(
    options.listenUrl,
    () => lanes.forEach((lane) => lane.wake()),
    (error) => options.logger.warn({ err: error }, 'outbox listener lost'),
  );
  const steps = [...options.steps, lagStep(options)];
  const running = [
    ...lanes.map((lane) => lane.run()),
    ...steps.map((step) => runStep(step, options.logger, stopping.signal)),
  ];
  let stopped: Promise<void> | undefined;
  return {
    stop: () => {
      stopped ??= (async () => {
        stopping.abort();
        lanes.forEach((lane) => lane.wake());
        await listener.stop();
        await Promise.all(running);
      })();
      return stopped;
    },
  };
}

class LaneLoop {
  readonly #lane: Lane;
  readonly #options: RelayOptions;
  readonly #stopping: AbortSignal;
  readonly #leaseMs: number;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #marks: Mark[] = [];
  #writing: Promise<void> | undefined;
  #bell = createBell();
  #pauseMs = firstPauseMs;
  #pausedUntil = 0;

  constructor(lane: Lane, options: RelayOptions, stopping: AbortSignal) {
    this.#lane = lane;
    this.#options = options;
    this.#stopping = stopping;
    this.#leaseMs = options.leaseMs ?? defaultLeaseMs;
  }

  wake(): void {
    this.#bell.ring();
  }

  async run(): Promise<void> {
    while (!this.#stopping.aborted) {
      const pausedMs = this.#pausedUntil - performance.now();
      const slots = slotsPerLane - this.#inFlight.size;
      if (pausedMs > 0) await pause(pausedMs, this.#stopping);
      else if (slots === 0) await this.#bell.wait(pollMs);
      else if ((await this.#claim(slots)) === 0) await this.#bell.wait(pollMs);
      // More may wait. A moment for some slots to come free, so that a backlog costs no claim per row.
      else await pause(10, this.#stopping);
    }
    await Promise.all(this.#inFlight);
    await this.#writing;
  }

  async #claim(slots: number): Promise<number> {
    const { db, logger, deliver } = this.#options;
    const token = randomUUID();
    const begun = performance.now();
    let rows: readonly ClaimedMessage[];
    try {
      rows = await claimMessages(db, {
        lane: this.#lane,
        slots,
        each: eachPerLane[this.#lane],
        token,
        leaseMs: this.#leaseMs,
      });
    } catch (error) {
      if (!this.#stopping.aborted) logger.warn({ err: error, lane: this.#lane }, 'outbox claim failed');
      // Postgres is away. Not the growing pause: the whole stack is back within 10 s of its return (reliability.md G8).
      this.#pausedUntil = performance.now() + 500 + Math.random() * 500;
      return 0;
    }
    if (rows.length === 0) return 0;
    // A call gives up before its lease ends, or another relay would send beside it.
    const leftMs = Math.max(1, Math.floor(this.#leaseMs * 0.8 - (performance.now() - begun)));
    const limit = AbortSignal.timeout(leftMs);
    const noAnswer = abortedAs(limit, { kind: 'later', delayMs: 1_000, code: 'no_answer' });
    for (const row of rows) failpoint(`relay.claimed:${row.topic}`);
    const calls = deliver[this.#lane](rows, limit);
    rows.forEach((row, index) => {
      const call = calls[index] ?? Promise.reject(new Error('no call was made for this row'));
      const done: Promise<void> = this.#finish(row, token, Promise.race([call, noAnswer])).finally(() => {
        this.#inFlight.delete(done);
        this.#bell.ring();
      });
      this.#inFlight.add(done);
    });
    return rows.length;
  }

  async #finish(row: ClaimedMessage, token: string, call: Promise<Outcome>): Promise<void> {
    const { logger, metrics } = this.#options;
    const about = { outboxId: row.id, workspaceId: row.workspaceId, topic: row.topic, attempts: row.attempts };
    let outcome: Outcome;
    try {
      outcome = await call;
    } catch (error) {
      // Nothing a sender foresaw. The row goes on being tried, ever more seldom: a fixed build may send it.
      logger.error({ ...about, err: error }, 'outbox delivery failed unexpectedly');
      outcome = { kind: 'later', delayMs: backOffMs(row.attempts), code: 'unexpected' };
    }
    metrics.delivered(this.#lane, row.topic, outcome.kind);
    switch (outcome.kind) {
      case 'sent':
        this.#pauseMs = firstPauseMs;
        failpoint(`relay.sent:${row.topic}`);
        return this.#mark({ kind: 'sent', id: row.id, token });
      case 'later':
        return this.#mark({ kind: 'later', id: row.id, token, delayMs: outcome.delayMs, code: outcome.code });
      case 'away':
        if (this.#pausedUntil < performance.now()) {
          logger.warn(
            { ...about, code: outcome.code, err: outcome.error, pauseMs: this.#pauseMs },
            'outbox lane paused',
          );
          this.#pause();
        }
        return this.#mark({ kind: 'later', id: row.id, token, delayMs: 0, code: outcome.code });
      case 'dead':
        logger.error({ ...about, code: outcome.code }, 'outbox row is dead');
        return this.#mark({ kind: 'dead', id: row.id, token, code: outcome.code });
      default:
        return outcome satisfies never;
    }
  }

  /** 1 s … 30 s with jitter, so that relays that lost the same server do not come back together. */
  #pause(): void {
    this.#pausedUntil = performance.now() + this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
  }

  /** Marks that come while one statement runs are written by the next: a commit per row would be the relay's limit. */
  async #mark(mark: Mark): Promise<void> {
    this.#marks.push(mark);
    while (this.#marks.includes(mark)) {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
  }

  async #write(): Promise<void> {
    await Promise.resolve(); // the marks of one turn of the event loop go together
    const marks = [...this.#marks];
    try {
      await markMessages(this.#options.db, marks);
    } catch (error) {
      // Its lease ends, and it is sent again: at least once. Every receiver drops what it has seen.
      this.#options.logger.warn({ err: error, lane: this.#lane, rows: marks.length }, 'outbox marks not written');
    }
    this.#marks.splice(0, marks.length);
  }
}

/** Full jitter between half and all of 1 s, 2 s, 4 s … 5 min. */
export function backOffMs(attempts: number): number {
  return Math.min(300_000, 1_000 * 2 ** Math.min(20, attempts - 1)) * (0.5 + Math.random() / 2);
}

async function runStep(step: RelayStep, logger: Logger, stopping: AbortSignal): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    let hasMore = false;
    try {
      hasMore = await step.run();
      failures = 0;
    } catch (error) {
      failures += 1;
      if (!stopping.aborted) logger.warn({ err: error, step: step.name, failures }, 'relay step failed');
    }
    if (failures > 0) await pause(Math.max(step.everyMs, Math.min(longestPauseMs, backOffMs(failures))), stopping);
    else if (!hasMore) await pause(step.everyMs, stopping);
  }
}

function lagStep({ db, metrics }: RelayOptions): RelayStep {
  return {
    name: 'outbox lag',
    everyMs: lagEveryMs,
    run: async () => {
      metrics.lag(await readOutboxLag(db), await readClickLag(db));
      return false;
    },
  };
}

/** One listener for all calls of a claim. */
function abortedAs(limit: AbortSignal, outcome: Outcome): Promise<Outcome> {
  return new Promise((resolve) => limit.addEventListener('abort', () => resolve(outcome), { once: true }));
}

/** Rings are not lost: one that came while nobody waited ends the next wait at once. */
function createBell() {
  let isRung = false;
  let waiting: (() => void) | undefined;
  return {
    ring: (): void => {
      isRung = true;
      waiting?.();
    },
    wait: async (limitMs: number): Promise<void> => {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, limitMs);
          waiting = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        waiting = undefined;
      }
      isRung = false;
    },
  };
}

function pause(ms: number, stopping: AbortSignal): Promise<void> {
  if (stopping.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    stopping.addEventListener('abort', end, { once: true });
  });
}
