/** Findings of features.md 19, screens.md 3.16. */
export const riskCodes = [
  'self_referral',
  'click_burst',
  'lead_burst',
  'late_click',
  'throwaway_mail',
  'click_flood',
  'refund_share',
  'paid_ads',
  'place_mismatch',
  'ring',
  'chain_abuse',
  'manual_review',
  'affiliate_conflict',
  'shared_destination',
] as const;
export type RiskCode = (typeof riskCodes)[number];

/**
 * Findings with which a referral never approves itself. The others are for staff to see and punish nobody: that a rival sends somebody's
 * contact again, or that a buyer travels, must not hold anybody's money.
 */
const blocking: ReadonlySet<RiskCode> = new Set([
  'self_referral',
  'click_burst',
  'lead_burst',
  'late_click',
  'throwaway_mail',
  'click_flood',
  'refund_share',
  'paid_ads',
  'ring',
  'chain_abuse',
  'manual_review',
]);
export const blockingRiskCodes: readonly RiskCode[] = [...blocking];

export function isBlockingRisk(code: RiskCode): boolean {
  return blocking.has(code);
}

/** How much open findings weigh together: nothing found, something to look at, something that stops a decision by itself. */
export const riskLevels = ['none', 'low', 'high'] as const;
export type RiskLevel = (typeof riskLevels)[number];

export function riskLevelOf(codes: readonly RiskCode[]): RiskLevel {
  if (codes.length === 0) return 'none';
  return codes.some(isBlockingRisk) ? 'high' : 'low';
}
