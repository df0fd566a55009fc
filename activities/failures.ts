import { randomUUID } from 'node:crypto';
import { ApplicationFailure, CancelledFailure, CompleteAsyncError } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import type { Logger } from '../platform/logger.js';
import { isUnavailable } from '../db/errors.js';
import { DomainError } from '../domain/errors.js';

/**
 * Any error → ApplicationFailure without a word of its own: Postgres quotes input values and a stack begins with the message
 * (temporal.md 8). The original goes to the log under `errorId`. A DomainError is our answer and is not retried; everything else may heal.
 */
export function toFailure(error: unknown, logger: Logger, activity: string): unknown {
  if (error instanceof CancelledFailure || error instanceof CompleteAsyncError || error instanceof ApplicationFailure)
    return error;
  const errorId = randomUUID();
  const isRefusal = error instanceof DomainError;
  const code = isRefusal ? error.code : isUnavailable(error) ? 'request.unavailable' : 'internal.activity_failed';
  logger[code === 'internal.activity_failed' ? 'error' : 'warn'](
    { err: error, errorId, code, activity },
    'activity failed',
  );
  return ApplicationFailure.create({ type: code, message: code, nonRetryable: isRefusal, details: [errorId] });
}

/** The one interceptor of every activity worker. */
export function failureInterceptor(logger: Logger, activity: string): ActivityInboundCallsInterceptor {
  return {
    async execute(
      input: ActivityExecuteInput,
      next: Next<ActivityInboundCallsInterceptor, 'execute'>,
    ): Promise<unknown> {
      try {
        return await next(input);
      } catch (error) {
        throw toFailure(error, logger, activity);
      }
    },
  };
}
