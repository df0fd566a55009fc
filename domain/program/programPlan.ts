import type { Instant } from '../time.js';
import type { AcquisitionModel } from './planEvent.js';

/** What of a program itself decides what a sale or lead earns: its rules have versions of their own. */
export interface ProgramPlan {
  /** How many levels of the recruiter chain earn, 1 to 10. */
  readonly levels: number;
  readonly acquisitionModel: AcquisitionModel | null;
}

/** A plan in force from an instant on; null: from ever. */
export interface PlanStep extends ProgramPlan {
  readonly from: Instant | null;
}

/** The present plan, and where it changed or is going to, the steps by their time, from the first on; none where it never did. */
export interface SteppedPlan extends ProgramPlan {
  readonly planSteps: readonly PlanStep[];
}

/** A change that waits for its instant; what it does not name stays. */
export interface PlannedPlan extends Partial<ProgramPlan> {
  readonly from: Instant;
}

/** The plan by which an event of that time is judged, whenever it is told (PRG-17). */
export function planAt(program: SteppedPlan, at: Instant): ProgramPlan {
  return program.planSteps.findLast(({ from }) => from === null || from <= at) ?? program;
}

/** As deep as it is, was or is planned to be. */
export function deepestLevels({ levels, planSteps }: SteppedPlan): number {
  return Math.max(levels, ...planSteps.map((step) => step.levels));
}

/**
 * The steps of a plan that is `now` from `at` on, and after that what is planned. Nothing was earned under a draft: it has no past, so that sales
 * from before it was finished are judged by what was published.
 */
export function stepsAfter(
  before: SteppedPlan,
  now: ProgramPlan,
  at: Instant,
  planned: readonly PlannedPlan[],
  isDraft: boolean,
): readonly PlanStep[] {
  const begun = before.planSteps.filter(({ from }) => from === null || from < at);
  const first = begun.length > 0 ? begun : [{ from: null, ...plainPlan(before) }];
  const present = { from: isDraft ? null : at, ...plainPlan(now) };
  const steps: PlanStep[] = isDraft ? [present] : withStep(first, present);
  const all = planned
    .filter(({ from }) => from > at)
    .toSorted((a, b) => (a.from < b.from ? -1 : 1))
    .reduce((sofar, change) => withStep(sofar, { ...(sofar.at(-1) ?? present), ...change }), steps);
  return all.length > 1 ? all : [];
}

function plainPlan({ levels, acquisitionModel }: ProgramPlan): ProgramPlan {
  return { levels, acquisitionModel };
}

/** With one more step, where it is one. */
function withStep(steps: readonly PlanStep[], next: PlanStep): PlanStep[] {
  const last = steps.at(-1);
  const isSame = last?.levels === next.levels && last.acquisitionModel === next.acquisitionModel;
  return isSame ? [...steps] : [...steps, next];
}
