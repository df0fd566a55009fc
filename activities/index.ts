import { calendarActivities } from './calendar.js';
import type { ActivityDeps } from './deps.js';
import { commissionActivities } from './earning/commission.js';
import { referralActivities } from './earning/lifecycle.js';
import { type CheckDeps, checkActivities } from './earning/verification.js';
import type { PayoutDeps } from './payout/deps.js';
import { payoutAttemptActivities } from './payout/payoutAttempt.js';
import { payoutDecisionActivities } from './payout/payoutDecision.js';
import { payoutRunActivities } from './payout/payoutRun.js';
import { statementActivities } from './payout/statement.js';
import { bulkOperationActivities } from './reporting/bulkOperation.js';
import type { ExportDeps } from './reporting/listExport.js';
import { type SweepDeps, sweepActivities } from './sweep.js';
import { leadActivities } from './tracking/lead.js';
import { type LinkHealthDeps, linkHealthActivities } from './tracking/linkHealth.js';
import { riskActivities } from './tracking/risk.js';

/** Every activity by its name; names are unique over all factories, because spreading overwrites silently (a test compares). */
export function createActivities(
  deps: ActivityDeps & SweepDeps & CheckDeps & PayoutDeps & LinkHealthDeps & ExportDeps,
) {
  return {
    ...sweepActivities(deps),
    ...leadActivities(deps),
    ...riskActivities(deps),
    ...linkHealthActivities(deps),
    ...referralActivities(deps),
    ...checkActivities(deps),
    ...commissionActivities(deps),
    ...payoutRunActivities(deps),
    ...payoutAttemptActivities(deps),
    ...payoutDecisionActivities(deps),
    ...statementActivities(deps),
    ...bulkOperationActivities(deps),
    ...calendarActivities(deps),
  };
}

export type Activities = ReturnType<typeof createActivities>;
