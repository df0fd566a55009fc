/**
 * Every "no" of the product, as `<object>.<code>`: the last part is the problem's `code` on the wire (api.md 3) and, where
 * features.md (4) has the same word, the reason code. A new line here does not compile until `api/problems.ts` has one too.
 */
export type DomainErrorCode =
  | 'request.malformed_json'
  | 'request.duplicate_key'
  | 'request.invalid_header'
  | 'request.mode_mismatch'
  | 'request.validation_failed'
  | 'request.body_too_large'
  | 'request.uri_too_long'
  | 'request.headers_too_large'
  | 'request.request_timeout'
  | 'request.unsupported_media_type'
  | 'request.method_not_allowed'
  | 'request.not_acceptable'
  | 'request.rate_limited'
  | 'request.invalid_cursor'
  | 'request.idempotency_key_required'
  | 'request.idempotency_mismatch'
  | 'request.idempotency_in_progress'
  | 'request.precondition_required'
  | 'request.version_mismatch'
  | 'request.unavailable'
  | 'access.unauthenticated'
  | 'access.invalid_credentials'
  | 'access.bad_signature'
  | 'access.permission_missing'
  | 'access.wrong_audience'
  | 'access.not_in_scope'
  | 'access.csrf_failed'
  | 'access.step_up_required'
  | 'access.read_only_session'
  | 'access.own_work'
  | 'access.over_limit'
  | 'access.api_user_expired'
  | 'access.api_user_revoked'
  | 'access.ip_not_allowed'
  | 'access.token_used_or_expired'
  | 'access.weak_password'
  | 'access.too_many_attempts'
  | 'access.not_enabled'
  | 'api_key.transition_not_allowed'
  | 'resource.not_found'
  | 'resource.already_exists'
  | 'resource.in_use'
  | 'settings.settings_missing'
  | 'settings.currency_locked'
  | 'program.already_decided'
  | 'program.program_not_active'
  | 'program.requirements_open'
  | 'program.transition_not_allowed'
  | 'program.currency_locked'
  | 'rule.rule_conflict'
  | 'affiliate.already_decided'
  | 'affiliate.transition_not_allowed'
  | 'affiliate.requirements_open'
  | 'affiliate.affiliate_not_active'
  | 'affiliate.cycle'
  | 'enrolment.already_decided'
  | 'enrolment.transition_not_allowed'
  | 'enrolment.requirements_open'
  | 'document.already_decided'
  | 'link.url_not_allowed'
  | 'link.transition_not_allowed'
  | 'link.already_decided'
  | 'lead.already_decided'
  | 'lead.transition_not_allowed'
  | 'contact.transition_not_allowed'
  | 'customer_account.already_decided'
  | 'risk_case.already_decided'
  | 'risk_flag.already_decided'
  | 'sale.lines_do_not_sum'
  | 'sale.currency_mismatch'
  | 'appeal.transition_not_allowed'
  | 'appeal.already_decided'
  | 'sale.transition_not_allowed'
  | 'sale.already_decided'
  | 'referral.already_decided'
  | 'referral.transition_not_allowed'
  | 'referral.check_open'
  | 'referral.check_failed'
  | 'check.transition_not_allowed'
  | 'commission.already_decided'
  | 'commission.transition_not_allowed'
  | 'commission.commission_blocked'
  | 'commission.commission_paid'
  | 'commission.in_open_payout'
  | 'payout.already_decided'
  | 'payout.transition_not_allowed'
  | 'payout.in_open_payout'
  | 'payout.nothing_to_pay'
  | 'payout.attempt_open'
  | 'payout.payouts_frozen'
  | 'payout_run.already_decided'
  | 'payout_run.transition_not_allowed'
  | 'payout_run.plan_changed'
  | 'payout_run.payouts_frozen'
  | 'payout_method.already_decided'
  | 'reconciliation.already_decided'
  | 'decision.malformed'
  | 'ledger.insufficient_balance'
  | 'ledger_adjustment.already_decided'
  | 'operation.selection_changed'
  | 'operation.transition_not_allowed'
  | 'export.export_too_large'
  | 'export.too_many_exports'
  | 'upload.file_rejected'
  | 'internal.invariant_broken';

export type ErrorParams = Readonly<Record<string, unknown>>;

/** The code that leaves the house: the part after the object. */
export function publicCode(code: DomainErrorCode): string {
  return code.slice(code.indexOf('.') + 1);
}

/** A refusal. `params` become members of the problem; they never hold personal data. */
export class DomainError extends Error {
  readonly code: DomainErrorCode;
  readonly params: ErrorParams;

  constructor(code: DomainErrorCode, params: ErrorParams = {}, options: { readonly cause?: unknown } = {}) {
    super(code, options);
    this.name = 'DomainError';
    this.code = code;
    this.params = params;
  }
}

/** Something that cannot be true: our fault, never the caller's. In money code it freezes payouts (api answers 500). */
export class InvariantError extends Error {
  readonly params: ErrorParams;

  constructor(message: string, params: ErrorParams = {}) {
    super(message);
    this.name = 'InvariantError';
    this.params = params;
  }
}

export function assertInvariant(holds: boolean, invariant: string, params: ErrorParams = {}): asserts holds {
  if (!holds) throw new InvariantError(invariant, params);
}
