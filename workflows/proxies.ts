import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

type Calls = Record<string, (input: unknown) => Promise<unknown>>;

// Local first: a database activity costs no state transition then, a regular one four. One local try only, under the workflow task's 10 s;
// a Postgres outage is waited out by the regular activity, retried by the server (temporal.md 3.6).
const local = proxyLocalActivities<Calls>({ startToCloseTimeout: '6s', retry: { maximumAttempts: 1 } });
const regular = proxyActivities<Calls>({
  startToCloseTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '1m' },
});

async function localFirst(name: string, input: unknown): Promise<unknown> {
  try {
    return await call(local, name, input);
  } catch (error) {
    const cause = error instanceof ActivityFailure ? error.cause : error; // a local activity throws the bare ApplicationFailure
    if (isCancellation(error) || (cause instanceof ApplicationFailure && cause.nonRetryable === true)) throw error;
    return call(regular, name, input); // the same function, the same keys
  }
}

function call(calls: Calls, name: string, input: unknown): Promise<unknown> {
  const activity = calls[name];
  if (activity === undefined) throw new TypeError(`no activity ${name}`);
  return activity(input);
}

/** Database activities: one transaction each, safe to run twice, normally under 500 ms. Local and regular share one sequence counter. */
export const database = new Proxy({} as Activities, {
  get: (_target, name: string) => (input: unknown) => localFirst(name, input),
});

/** A page of a plan, an import, an export: regular, heartbeat with the cursor, long statements (temporal.md 2.3). */
export const pages = proxyActivities<Activities>({
  startToCloseTimeout: '11m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '1s', maximumInterval: '1m' },
});

/** Check providers: one outside call each, on a queue that is throttled to the provider (temporal.md 2.3). */
export const checks = proxyActivities<Pick<Activities, 'askCheckProvider'>>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '1h',
  retry: { initialInterval: '1s', maximumInterval: '5m' },
});
