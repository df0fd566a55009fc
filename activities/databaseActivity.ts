import { Context } from '@temporalio/activity';
import type { Act } from '../domain/act.js';
import { systemActor } from '../domain/act.js';
import type { WorkspaceId } from '../domain/ids.js';
import { inWorkspace, type Tx } from '../db/transaction.js';
import type { ActivityDeps } from './deps.js';

/**
 * One database activity = one transaction in one workspace. The step gets its origin (workflow run and activity), so that its audit
 * entries carry it and the auditor's replay can compare (temporal.md 3.6, 10.4). The actor is the system until a step learns of a decision.
 * `act.mode` is set by the step from the row it locks; until then it is live. `ahead`: what the step will read first, in the order of its
 * locks (money.md 9); it travels with the transaction's opening.
 */
export async function databaseActivity<T>(
  deps: Pick<ActivityDeps, 'db' | 'newId' | 'publicUrl'>,
  input: { readonly workspaceId: WorkspaceId },
  step: (tx: Tx, act: Act) => Promise<T>,
  ahead?: (tx: Tx) => readonly Promise<unknown>[],
): Promise<T> {
  const { workflowExecution, activityId } = Context.current().info;
  return inWorkspace(
    deps.db,
    input.workspaceId,
    (tx, now) =>
      step(tx, {
        workspaceId: input.workspaceId,
        mode: 'live',
        now,
        actor: systemActor,
        cause: null,
        reasonCode: null,
        origin:
          workflowExecution === undefined
            ? null
            : { workflowId: workflowExecution.workflowId, runId: workflowExecution.runId, activityId },
        requestId: null,
        newId: deps.newId,
        ...(deps.publicUrl === undefined ? {} : { publicUrl: deps.publicUrl }),
      }),
    ahead,
  );
}
