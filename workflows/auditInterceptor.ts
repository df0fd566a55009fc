import type {
  ActivityInput,
  LocalActivityInput,
  Next,
  StartChildWorkflowExecutionInput,
  TimerInput,
  WorkflowExecuteInput,
  WorkflowInboundCallsInterceptor,
  WorkflowInterceptors,
  WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { proxySinks } from '@temporalio/workflow';
import type { AuditSinks } from '../domain/audit/verdict.js';

const { audit } = proxySinks<AuditSinks>();

const outbound: WorkflowOutboundCallsInterceptor = {
  async scheduleActivity(input: ActivityInput, next: Next<WorkflowOutboundCallsInterceptor, 'scheduleActivity'>) {
    const id = input.options.activityId ?? `${input.seq}`;
    audit.report({ kind: 'activity', id, type: input.activityType, arguments: input.args });
    const result = await next(input);
    audit.report({ kind: 'step', id, type: input.activityType, result });
    return result;
  },
  async scheduleLocalActivity(
    input: LocalActivityInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'scheduleLocalActivity'>,
  ) {
    const id = `${input.seq}`;
    audit.report({ kind: 'localActivity', id, type: input.activityType, arguments: input.args });
    const result = await next(input);
    audit.report({ kind: 'step', id, type: input.activityType, result });
    return result;
  },
  startTimer(input: TimerInput, next: Next<WorkflowOutboundCallsInterceptor, 'startTimer'>) {
    audit.report({ kind: 'timer', id: `${input.seq}`, ms: input.durationMs });
    return next(input);
  },
  startChildWorkflowExecution(
    input: StartChildWorkflowExecutionInput,
    next: Next<WorkflowOutboundCallsInterceptor, 'startChildWorkflowExecution'>,
  ) {
    audit.report({
      kind: 'child',
      type: input.workflowType,
      workflowId: input.options.workflowId,
      arguments: input.options.args,
    });
    return next(input);
  },
};

const inbound: WorkflowInboundCallsInterceptor = {
  async execute(input: WorkflowExecuteInput, next: Next<WorkflowInboundCallsInterceptor, 'execute'>) {
    audit.report({ kind: 'input', value: input.args[0] ?? null });
    const value = await next(input);
    audit.report({ kind: 'result', value: value ?? null });
    return value;
  },
};

export const interceptors = (): WorkflowInterceptors => ({ inbound: [inbound], outbound: [outbound] });
