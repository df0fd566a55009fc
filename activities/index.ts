import type { ActivityDeps } from './deps.js';
import { type SweepDeps, sweepActivities } from './sweep.js';
import { leadActivities } from './tracking/lead.js';

/** Every activity by its name; names are unique over all factories, because spreading overwrites silently (a test compares). */
export function createActivities(deps: ActivityDeps & SweepDeps) {
  return {
    ...sweepActivities(deps),
    ...leadActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
