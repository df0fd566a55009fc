import { type Decided, refused } from '../decided.js';
import { addDays, type Instant } from '../time.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/** features.md 2.11: an affiliate against a rejection (BEY-15). */
export const appealTransitions = transitionTable({
  open: { upheld: 'upheld', dismissed: 'dismissed', withdrawn: 'withdrawn' },
  upheld: {},
  dismissed: {},
  withdrawn: {},
});
export type AppealStatus = StatusOf<typeof appealTransitions>;
export type AppealEvent = EventOf<typeof appealTransitions>;

/** An affiliate may appeal for this long after the rejection (BEY-15). */
export const appealDays = 30;
/** Staff answer within this time; afterwards the appeal is shown as escalated. */
export const answerDays = 14;

export interface Appeal {
  readonly id: string;
  readonly status: AppealStatus;
  readonly createdAt: Instant;
}

/** May this rejection still be appealed? Refuses with `appeal.transition_not_allowed` and what it is now. */
export function decideAppeal(
  object: { readonly status: string; readonly rejectedAt: Instant | null },
  now: Instant,
): Decided<'created'> {
  const isInTime = object.rejectedAt !== null && now < addDays(object.rejectedAt, appealDays);
  if (object.status !== 'rejected' || !isInTime)
    return refused('appeal.transition_not_allowed', { currentStatus: object.status });
  return { kind: 'accepted', event: 'created' };
}

/** An answer, or the affiliate taking it back. Refuses with `appeal.already_decided`: each of them ends it. */
export function decideAnswer(appeal: Pick<Appeal, 'status'>, event: AppealEvent): Decided<AppealEvent> {
  if (nextStatus(appealTransitions, appeal.status, event) === undefined)
    return refused('appeal.already_decided', { currentStatus: appeal.status });
  return { kind: 'accepted', event };
}

/** Nobody answered in time. */
export function isEscalated(appeal: Pick<Appeal, 'status' | 'createdAt'>, now: Instant): boolean {
  return appeal.status === 'open' && addDays(appeal.createdAt, answerDays) <= now;
}
