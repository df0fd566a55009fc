import type { Mode } from '../../../domain/act.js';
import type {
  Commission,
  CommissionKind,
  CommissionPart,
  CommissionStatus,
} from '../../../domain/earning/commission.js';
import type { AffiliateId, CommissionId, LeadId, ProgramId, ReferralId, SaleId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';

export interface CommissionRow {
  readonly id: string;
  readonly mode: Mode;
  readonly kind: CommissionKind;
  readonly level: number;
  readonly affiliate_id: string;
  readonly program_id: string;
  readonly referral_id: string | null;
  readonly sale_id: string | null;
  readonly lead_id: string | null;
  readonly origin_commission_id: string | null;
  readonly level1_commission_id: string | null;
  readonly cause_type: string;
  readonly cause_id: string;
  readonly currency: string;
  readonly base_minor: bigint | null;
  readonly base_type: string | null;
  readonly rate_ppm: number | null;
  readonly rule_id: string | null;
  readonly rule_version: number | null;
  readonly parts: readonly CommissionPart[];
  readonly explanation: Record<string, unknown>;
  /** numeric(40,0) arrives as text. */
  readonly exact_numerator: string;
  readonly exact_denominator: string;
  readonly clip_reason: string | null;
  readonly amount_minor: bigint;
  readonly reversed_minor: bigint;
  readonly clawed_back_minor: bigint;
  readonly given_back_minor: bigint;
  readonly accrues: boolean;
  readonly status: CommissionStatus;
  readonly on_hold: boolean;
  readonly needs_reviewer: boolean;
  readonly sub1: string | null;
  readonly reason: string | null;
  readonly created_by: string | null;
  readonly eligible_at: Instant;
  readonly approved_at: Instant | null;
  readonly paid_at: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toCommission(row: CommissionRow): Commission {
  return {
    id: row.id as CommissionId,
    mode: row.mode,
    kind: row.kind,
    level: row.level,
    affiliateId: row.affiliate_id as AffiliateId,
    programId: row.program_id as ProgramId,
    referralId: row.referral_id as ReferralId | null,
    saleId: row.sale_id as SaleId | null,
    leadId: row.lead_id as LeadId | null,
    originCommissionId: row.origin_commission_id as CommissionId | null,
    level1CommissionId: row.level1_commission_id as CommissionId | null,
    causeType: row.cause_type,
    causeId: row.cause_id,
    currency: row.currency as CurrencyCode,
    base: row.base_minor,
    baseType: row.base_type,
    ratePpm: row.rate_ppm,
    ruleId: row.rule_id,
    ruleVersion: row.rule_version,
    parts: row.parts,
    explanation: row.explanation,
    exact: { numerator: BigInt(row.exact_numerator), denominator: BigInt(row.exact_denominator) },
    clipReason: row.clip_reason,
    amount: row.amount_minor,
    reversed: row.reversed_minor,
    clawedBack: row.clawed_back_minor,
    givenBack: row.given_back_minor,
    accrues: row.accrues,
    status: row.status,
    onHold: row.on_hold,
    needsReviewer: row.needs_reviewer,
    sub1: row.sub1,
    reason: row.reason,
    createdBy: row.created_by,
    eligibleAt: row.eligible_at,
    approvedAt: row.approved_at,
    paidAt: row.paid_at,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
