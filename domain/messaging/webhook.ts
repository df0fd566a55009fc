import type { Mode } from '../act.js';
import type { Id } from '../ids.js';
import { epochMs, type Instant } from '../time.js';
import type { EventType } from './event.js';

/** What an endpoint's secret is sealed for. */
export const webhookSecretPurpose = 'webhook endpoint';

/** The secret before stays valid so long after a change: receivers take up the new one without refusing anything (G12). */
export const secretOverlapMs = 24 * 3_600_000;

/** A system of the merchant's that is told of events (api.md 15). */
export interface WebhookEndpoint {
  readonly id: Id<'webhook'>;
  readonly mode: Mode;
  readonly url: string;
  readonly events: readonly EventType[];
  readonly active: boolean;
  readonly secretSetAt: Instant;
  readonly previousUntil: Instant | null;
  /** Events in a row whose first try failed. */
  readonly failedInRow: number;
  /** The first failure since the last success. */
  readonly failingSince: Instant | null;
  /** Switched off by failures, and not by a person. */
  readonly disabledAt: Instant | null;
  readonly lastCode: string | null;
  readonly lastAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** Failed events in a row after which those who can mend it are told (api.md 15). */
export const warnedAfter: readonly number[] = [5, 10, 15];
const offAfter = 20;
const offAfterMs = 3 * 86_400_000;

export interface Counted {
  readonly failedInRow: number;
  readonly failingSince: Instant | null;
  readonly step: 'nothing' | 'warn' | 'off';
}

/**
 * What a try did to its endpoint. An event counts once, with its first try: the ladder goes on for three days, and waiting for its end
 * would warn nobody before the endpoint is off (docs/decisions/0950).
 */
export function countTry(
  before: { readonly failedInRow: number; readonly failingSince: Instant | null },
  of: { readonly hasSucceeded: boolean; readonly isFirst: boolean; readonly now: Instant },
): Counted {
  if (of.hasSucceeded) return { failedInRow: 0, failingSince: null, step: 'nothing' };
  const failedInRow = before.failedInRow + (of.isFirst ? 1 : 0);
  const failingSince = before.failingSince ?? of.now;
  const isOff = failedInRow >= offAfter || epochMs(of.now) - epochMs(failingSince) >= offAfterMs;
  const isWarned = of.isFirst && warnedAfter.includes(failedInRow);
  return { failedInRow, failingSince, step: isOff ? 'off' : isWarned ? 'warn' : 'nothing' };
}
