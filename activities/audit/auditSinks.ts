import type { InjectedSinks } from '@temporalio/worker';
import type { AuditSinks } from '../../workflows/auditInterceptor.js';

/** A production worker does not listen to the audit reports; an unregistered sink would log an error for each. */
export const silentAuditSinks: InjectedSinks<AuditSinks> = {
  audit: { report: { fn: () => undefined, callDuringReplay: false } },
};
