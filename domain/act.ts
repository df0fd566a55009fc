import type { NewId, WorkspaceId } from './ids.js';
import type { Instant } from './time.js';

/** Facts of the two modes never meet (api.md 1.3). */
export type Mode = 'live' | 'test';

/** Who acts. A key acts for the user who created it (`userId`): four eyes compares persons (api.md 1.2). */
export interface Actor {
  readonly type: 'user' | 'api_key' | 'system' | 'visitor' | 'temporal';
  readonly id: string | null;
  readonly userId: string | null;
  /** The affiliate whose portal this person looks at: every entry of that time names both (screens.md 2). */
  readonly viewedAffiliateId?: string;
}

export const systemActor: Actor = { type: 'system', id: null, userId: null };

/** The fact or decision that made something happen: with the event and the object it is unique in the history (money.md 8). */
export interface Cause {
  readonly type: string;
  readonly id: string;
}

/** Where a database activity ran; the auditor's replay compares it (temporal.md 10.4). The API's own writes have none. */
export interface Origin {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
}

/** One transaction's context: when (Postgres's clock), who, why, from where. Handed to every writer. */
export interface Act {
  readonly workspaceId: WorkspaceId;
  readonly mode: Mode;
  readonly now: Instant;
  readonly actor: Actor;
  readonly cause: Cause | null;
  readonly reasonCode: string | null;
  readonly origin: Origin | null;
  readonly requestId: string | null;
  readonly newId: NewId;
  /** PUBLIC_URL, where what is written may name an address of ours: an affiliate's link in a mail. */
  readonly publicUrl?: string;
}

/** What the product does by itself, because a time has come or a provider said something. In live mode unless said otherwise. */
export function systemAct(
  of: Pick<Act, 'workspaceId' | 'now' | 'newId'> & Partial<Pick<Act, 'mode' | 'requestId'>>,
): Act {
  return { mode: 'live', actor: systemActor, cause: null, reasonCode: null, origin: null, requestId: null, ...of };
}

/** The same act for another cause or reason: a decision's effect on each of its commissions. */
export function actFor(act: Act, change: Partial<Pick<Act, 'actor' | 'cause' | 'reasonCode' | 'mode'>>): Act {
  return { ...act, ...change };
}
