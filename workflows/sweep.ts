import { workflowInfo } from '@temporalio/workflow';
import { addMs, type Instant, instantOf } from '../domain/time.js';
import type { SweepInput } from './contract.js';
import { pages } from './proxies.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * One pass over what is due in all workspaces; its schedule starts it again (temporal.md 4.5, 6). It writes outbox rows, changes no status
 * and is exported to no archive. Answers what it found.
 */
export async function sweep({ kind }: SweepInput): Promise<{ readonly found: number }> {
  const now = instantOf(workflowInfo().startTime.getTime());
  switch (kind) {
    case 'unapplied':
      return pages.nudgeUnapplied();
    case 'due':
      return pages.deleteOutdated();
    case 'linkHealth':
      return pages.checkDueLinks();
    case 'risk':
      return pages.scanRisks();
    case 'calendar':
      return pages.passCalendar();
    case 'historyExport':
      // The window overlaps the schedule's interval: visibility is late, and a worker may have been away.
      return requestExports(addMs(now, -2 * hourMs), now, false);
    case 'retentionAlarm': {
      const { ms } = await pages.readRetention();
      return requestExports(addMs(now, -ms), addMs(now, -Math.max(0, ms - 3 * dayMs)), true);
    }
    default:
      return kind satisfies never;
  }
}

async function requestExports(from: Instant, until: Instant, late: boolean): Promise<{ readonly found: number }> {
  let found = 0;
  let next: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof pages.listClosedRuns>> = await pages.listClosedRuns({ from, until, next });
    if (page.runs.length > 0) found += (await pages.requestExports({ runs: page.runs, late })).found;
    ({ next } = page);
  } while (next !== null);
  return { found };
}
