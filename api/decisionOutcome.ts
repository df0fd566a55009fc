import { setTimeout as sleep } from 'node:timers/promises';
import { type DecisionRecord, findDecision } from '../db/audit/decision.js';
import type { Db } from '../db/connection.js';
import { listen } from '../db/listener.js';
import { readWorkspace } from '../db/transaction.js';
import type { WorkspaceId } from '../domain/ids.js';
import type { Logger } from '../platform/logger.js';

/** An endpoint waits this long for a decision's outcome, then answers 202 (decisions 5). Milliseconds. */
const patienceMs = 5_000;
/** A missed NOTIFY costs at most this. Milliseconds. */
const pollMs = 250;

export interface DecisionOutcomes {
  /** The decision once it has an outcome, or as it stands when the patience ends. */
  wait(workspaceId: WorkspaceId, decisionId: string, timeoutMs?: number): Promise<DecisionRecord | undefined>;
  stop(): Promise<void>;
}

/** One listening connection per process wakes every waiting request; a poll makes up for what it missed. */
export function createDecisionOutcomes(options: {
  readonly db: Db;
  readonly url: string;
  readonly logger: Logger;
}): DecisionOutcomes {
  const waiting = new Map<string, Set<() => void>>();
  const listener = listen(
    { url: options.url, applicationName: 'tributary-api-decisions', channel: 'decision' },
    (decisionId) => {
      for (const wake of waiting.get(decisionId) ?? []) wake();
    },
    (error) => options.logger.warn({ err: error }, 'listening for decisions interrupted'),
  );

  return {
    async wait(workspaceId, decisionId, timeoutMs = patienceMs) {
      const end = performance.now() + timeoutMs;
      for (;;) {
        // The waiter stands before the row is read: an outcome between the two would else be missed until the next poll.
        const bell = createBell(waiting, decisionId);
        try {
          const decision = await readWorkspace(options.db, workspaceId, (tx) => findDecision(tx, decisionId));
          const leftMs = end - performance.now();
          if (decision === undefined || decision.state !== 'open' || leftMs <= 0) return decision;
          await Promise.race([
            bell.rings,
            sleep(Math.min(pollMs, leftMs), undefined, { signal: bell.signal }).catch(() => undefined),
          ]);
        } finally {
          bell.remove();
        }
      }
    },
    stop: () => listener.stop(),
  };
}

function createBell(waiting: Map<string, Set<() => void>>, decisionId: string) {
  const abort = new AbortController();
  let ring: () => void = () => undefined;
  const rings = new Promise<void>((resolve) => {
    ring = resolve;
  });
  const others = waiting.get(decisionId) ?? new Set();
  waiting.set(decisionId, others.add(ring));
  return {
    rings,
    signal: abort.signal,
    remove(): void {
      abort.abort();
      others.delete(ring);
      if (others.size === 0) waiting.delete(decisionId);
    },
  };
}
