/**
 * Reason codes that an affiliate may read: those marked (p) in features.md (4), and `sale_corrected`, which names a counter-entry that it sees.
 * The portal says "not accepted" for every other one, and so does what the API answers to an affiliate's own key (BEY-22).
 */
export const publicReasons: ReadonlySet<string> = new Set([
  'coupon_expired',
  'referral_lifetime_over',
  'cookie_expired',
  'api_user_revoked',
  'api_user_expired',
  'ip_not_allowed',
  'not_enabled',
  'permission_missing',
  'affiliate_not_active',
  'invalid_contact',
  'duplicate',
  'declined',
  'program_not_active',
  'referral_rejected',
  'own_customer',
  'not_commissionable',
  'not_first_payment',
  'subscription_cancelled',
  'limit_months',
  'limit_payments',
  'rounded_to_zero',
  'cap_reached',
  'cap_partial',
  'verification_deadline',
  'invalid_lead',
  'charged_back',
  'refunded',
  'sale_corrected',
  'affiliate_terminated',
  'forfeited',
  'staff_decision',
  'on_hold',
  'referral_not_approved',
  'commission_not_approved',
  'in_hold_period',
  'suspended',
  'agreement_outdated',
  'tax_form_missing',
  'no_method',
  'method_unverified',
  'unsupported_currency',
  'method_changed_recently',
  'below_minimum',
  'negative_balance',
  'zero_balance',
  'in_other_run',
  'excluded_by_user',
  'destination_invalid',
  'destination_closed',
  'name_mismatch',
  'amount_unsupported',
  'limit_exceeded',
  'unclaimed',
  'recalled',
  'gateway_refused',
]);

/** A reason as an affiliate reads it: the code where it is a public one, else that it was not accepted, and not why. */
export function reasonForAffiliate(code: string): string;
export function reasonForAffiliate(code: string | null): string | null;
export function reasonForAffiliate(code: string | null): string | null {
  return code === null || publicReasons.has(code) ? code : 'not_accepted';
}
