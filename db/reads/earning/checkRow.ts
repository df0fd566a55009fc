import type { Check, CheckKind } from '../../../domain/earning/check.js';
import type { CheckStatus } from '../../../domain/earning/referral.js';
import type { CheckId, ReferralId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';

export interface CheckRow {
  readonly id: string;
  readonly referral_id: string;
  readonly kind: CheckKind;
  readonly status: CheckStatus;
  readonly required: boolean;
  readonly provider: string | null;
  readonly reason_code: string | null;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly decided_by: string | null;
  readonly decided_at: Instant | null;
  readonly ask_at: Instant | null;
  readonly pending_verdict: string | null;
  readonly version: number;
  readonly created_at: Instant;
}

export function toCheck(row: CheckRow): Check {
  return {
    id: row.id as CheckId,
    referralId: row.referral_id as ReferralId,
    kind: row.kind,
    status: row.status,
    required: row.required,
    provider: row.provider,
    reasonCode: row.reason_code,
    evidence: row.evidence,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    askAt: row.ask_at,
    pendingVerdict: row.pending_verdict,
    version: row.version,
    createdAt: row.created_at,
  };
}
