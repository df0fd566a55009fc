import type { Mode } from '../../../domain/act.js';
import type { Referral, ReferralStage, ReferralStatus } from '../../../domain/earning/referral.js';
import type { AffiliateId, ContactId, LinkId, ProgramId, ReferralId, UserId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';

export interface ReferralRow {
  readonly id: string;
  readonly mode: Mode;
  readonly program_id: string;
  readonly status: ReferralStatus;
  readonly stage: ReferralStage;
  readonly visitor_id: string | null;
  readonly contact_id: string | null;
  readonly affiliate_id: string | null;
  readonly link_id: string | null;
  readonly first_affiliate_id: string | null;
  readonly last_affiliate_id: string | null;
  readonly referrer_choice: 'first' | 'last' | null;
  readonly merged_into_id: string | null;
  readonly manual: boolean;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly assignee_id: string | null;
  readonly window_ends_at: Instant | null;
  readonly decide_by: Instant | null;
  readonly pending_since: Instant | null;
  readonly reminded_at: Instant | null;
  readonly click_at: Instant | null;
  readonly visit_at: Instant | null;
  readonly lead_at: Instant | null;
  readonly sale_at: Instant | null;
  readonly decided_at: Instant | null;
  readonly last_changed_at: Instant;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toReferral(row: ReferralRow): Referral {
  return {
    id: row.id as ReferralId,
    mode: row.mode,
    programId: row.program_id as ProgramId,
    status: row.status,
    stage: row.stage,
    visitorId: row.visitor_id,
    contactId: row.contact_id as ContactId | null,
    affiliateId: row.affiliate_id as AffiliateId | null,
    linkId: row.link_id as LinkId | null,
    firstAffiliateId: row.first_affiliate_id as AffiliateId | null,
    lastAffiliateId: row.last_affiliate_id as AffiliateId | null,
    referrerChoice: row.referrer_choice,
    mergedIntoId: row.merged_into_id as ReferralId | null,
    manual: row.manual,
    tags: row.tags,
    notes: row.notes,
    assigneeId: row.assignee_id as UserId | null,
    windowEndsAt: row.window_ends_at,
    pendingSince: row.pending_since,
    decideBy: row.decide_by,
    remindedAt: row.reminded_at,
    clickAt: row.click_at,
    visitAt: row.visit_at,
    leadAt: row.lead_at,
    saleAt: row.sale_at,
    decidedAt: row.decided_at,
    lastChangedAt: row.last_changed_at,
    metadata: row.metadata,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
