import { listAllRuleVersions, lockPlan, type RuleSpan } from '../../../db/program/commissionPlan.js';
import { listProgramDepths } from '../../../db/program/program.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import type { ProgramId } from '../../../domain/ids.js';
import type { Rule } from '../../../domain/program/commissionPlan.js';
import {
  meetingConflict,
  type RuleConflict,
  type RuleMeeting,
  ruleMeetings,
} from '../../../domain/program/ruleConflicts.js';
import type { Instant } from '../../../domain/time.js';

/** So many are told: a plan in which a thousand rules of affiliates meet one of everybody is mended at that one. */
const mostTold = 20;

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let given = 0;
  for (const item of items) {
    yield item;
    given += 1;
    if (given === count) return;
  }
}

/** With which other rules a rule, kept for a time in the place of its present version, would pay more than the base (RUL-18). */
export async function draftMeetings(
  tx: ReadTx | Tx,
  draft: Rule,
  { from, to }: RuleSpan,
): Promise<readonly RuleConflict[]> {
  const versions = (await listAllRuleVersions(tx)).map((one) =>
    one.id === draft.id && (one.to === null || one.to > from) ? { ...one, to: one.from > from ? one.from : from } : one,
  );
  const begun = { ...draft, from, to };
  const programs = (await listProgramDepths(tx)).filter(({ id }) => draft.programId === null || draft.programId === id);
  const found = ruleMeetings([...versions, begun], programs, from, draft);
  return [...firstOf(found, mostTold)].map((one) => meetingConflict(one, draft));
}

/**
 * Makes a change of the plan that is not one rule's own, an end or another default, and refuses it where rules would meet after it that
 * together take more than the base and did not meet so before (RUL-18).
 */
export async function withoutNewMeetings<T>(tx: Tx, now: Instant, change: () => Promise<T>): Promise<T> {
  await lockPlan(tx);
  const before = [...(await meetings(tx, now, []))];
  const done = await change();
  refuseNew(before, await meetings(tx, now, []));
  return done;
}

/** Refuses more levels of a program under which rules would meet that now pay level 1 alone (RUL-18). */
export async function checkDepth(
  tx: Tx,
  now: Instant,
  program: { readonly id: ProgramId; readonly levels: number },
  levels: number,
): Promise<void> {
  if (levels <= program.levels) return;
  await lockPlan(tx);
  refuseNew([...(await meetings(tx, now, [program]))], await meetings(tx, now, [{ id: program.id, levels }]));
}

function refuseNew(before: readonly RuleMeeting[], after: Iterable<RuleMeeting>): void {
  const known = new Set(before.map((one) => one.key));
  const conflicts: RuleConflict[] = [];
  for (const one of after) {
    if (!known.has(one.key)) conflicts.push(meetingConflict(one, null));
    if (conflicts.length === mostTold) break;
  }
  if (conflicts.length > 0) throw new DomainError('rule.rule_conflict', { conflicts });
}

/** In these programs; in all where none is named. */
async function meetings(
  tx: Tx,
  now: Instant,
  programs: readonly { readonly id: ProgramId; readonly levels: number }[],
): Promise<Iterable<RuleMeeting>> {
  return ruleMeetings(
    await listAllRuleVersions(tx),
    programs.length > 0 ? programs : await listProgramDepths(tx),
    now,
    null,
  );
}
