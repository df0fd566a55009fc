import { z } from 'zod';
import { enqueue } from '../../../db/messaging/outbox.js';
import { insertJob } from '../../../db/reporting/bulkOperation.js';
import { findRunningPurge } from '../../../db/reporting/testData.js';
import { DomainError } from '../../../domain/errors.js';
import { purgeKind } from '../../../domain/reporting/bulkOperation.js';
import { startMessage, workflowIds } from '../../../workflows/contract.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import { operationWire } from '../../schemas/reporting/bulkOperation.js';
import { showOperation } from './bulkOperation.js';

const purge = defineRoute({
  method: 'POST',
  path: '/v1/test-data/purge',
  summary: 'Archive all test facts: hidden and left out for good; the test ledger keeps its rows',
  permission: 'settings.write',
  stepUp: true,
  body: z.strictObject({}),
  reply: operationWire,
  status: 202,
  refuses: ['operation.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(
      async (tx, act) => {
        if ((await findRunningPurge(tx, purgeKind)) !== undefined)
          throw new DomainError('operation.transition_not_allowed', { currentStatus: 'running', allowedActions: [] });
        const id = act.newId('operation');
        await insertJob(tx, act, { id, kind: purgeKind, request: {}, total: 0 });
        const input = { workspaceId: act.workspaceId, jobId: id };
        const workflowId = workflowIds.bulkOperation(input);
        await enqueue(tx, startMessage({ workflowType: 'bulkOperation', workflowId, input, startAt: null }, 4));
        return answer(await showOperation(tx, ctx.caller, id), { status: 202, location: `/v1/operations/${id}` });
      },
      { wake: true },
    ),
});

export const testDataRoutes: readonly Route[] = [purge];
