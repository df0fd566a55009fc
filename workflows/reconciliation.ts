import { CancellationScope, log, proxyActivities, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { type GatewayRef, gatewayQueue, queueName } from './contract.js';
import { database, pages } from './proxies.js';

/**
 * Reads a gateway's own statement and classes every line against the books (temporal.md 5.3, money.md 10). Started by its schedule, by a
 * run that has nothing left but to be compared, and by a person. It opens differences and never fixes one. Answers the modes it read.
 */
export async function reconciliation(ref: GatewayRef): Promise<{ readonly read: number }> {
  return CancellationScope.nonCancellable(async () => {
    const plan = await database.planStatement(ref);
    const { adapter } = plan;
    if (adapter === null) return { read: 0 };
    const own = workflowInfo().taskQueue;
    const prefix = own.endsWith('-payouts') ? own.slice(0, -'-payouts'.length) : '';
    const gateway = proxyActivities<Pick<Activities, 'fetchStatement'>>({
      taskQueue: queueName(prefix, gatewayQueue(adapter)),
      startToCloseTimeout: '5m',
      scheduleToCloseTimeout: '45m', // the next hour's pass begins anew
      retry: { initialInterval: '1s', maximumInterval: '5m' },
    });
    let read = 0;
    for (const { mode, since } of plan.modes) {
      const input = { ...ref, adapter, mode, until: plan.until };
      let statementHash: string;
      try {
        ({ statementHash } = await gateway.fetchStatement({ ...input, since }));
      } catch (error) {
        if (!(error instanceof TemporalFailure)) throw error;
        log.warn('a gateway gave no statement');
        continue;
      }
      await pages.recordStatement({ ...input, statementHash });
      read += 1;
    }
    return { read };
  });
}
