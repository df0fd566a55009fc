import { DomainError, type DomainErrorCode, InvariantError } from '../domain/errors.js';

interface DatabaseError {
  readonly code: string;
  readonly constraint?: string;
}

function isDatabaseError(error: unknown): error is Error & DatabaseError {
  return (
    error instanceof Error &&
    typeof (error as Error & { code?: unknown }).code === 'string' &&
    /^[0-9A-Z]{5}$/.test((error as Error & DatabaseError).code)
  );
}

/** Serialisation failure or deadlock: nothing was written, and the same work may succeed now. */
export function isConflict(error: unknown): boolean {
  return isDatabaseError(error) && (error.code === '40001' || error.code === '40P01');
}

/** Postgres is away: whatever is tried now fails alike. */
export function isDisconnected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = (error as Error & { code?: unknown }).code;
  if (typeof code === 'string') {
    if (/^(08|57P0)/.test(code)) return true;
    if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'].includes(code)) return true;
  }
  return (
    error.name === 'KnexTimeoutError' || /Connection terminated|timeout expired|Connection ended/i.test(error.message)
  );
}

/** Postgres is away, full or too busy: 503, repeat with the same key. */
export function isUnavailable(error: unknown): boolean {
  if (isDisconnected(error)) return true;
  const code = error instanceof Error ? (error as Error & { code?: unknown }).code : undefined;
  return typeof code === 'string' && (code.startsWith('53') || ['55P03', '57014', '25P03'].includes(code));
}

// A constraint's name is an interface: each is mapped by itself, never a whole class of errors. What is not here is rethrown as it is.
const refusals: Readonly<Record<string, { readonly code: DomainErrorCode; readonly field?: string }>> = {
  logins_email_key: { code: 'resource.already_exists', field: 'email' },
  users_one_per_login: { code: 'resource.already_exists', field: 'email' },
  saved_views_name_key: { code: 'resource.already_exists', field: 'name' },
  roles_name_key: { code: 'resource.already_exists', field: 'name' },
  programs_slug_key: { code: 'resource.already_exists', field: 'slug' },
  programs_name_key: { code: 'resource.already_exists', field: 'name' },
  operations_undone_once: { code: 'operation.transition_not_allowed' },
  message_templates_name_key: { code: 'resource.already_exists', field: 'name' },
  segments_name_key: { code: 'resource.already_exists', field: 'name' },
  milestones_mark_key: { code: 'resource.already_exists', field: 'threshold' },
  product_groups_name_key: { code: 'resource.already_exists', field: 'name' },
  products_sku_key: { code: 'resource.already_exists', field: 'sku' },
  program_products_pkey: { code: 'resource.already_exists', field: 'productId' },
  agreements_number_key: { code: 'request.unavailable' },
  affiliates_email_key: { code: 'resource.already_exists', field: 'email' },
  contacts_email_key: { code: 'resource.already_exists', field: 'email' },
  enrolments_one_open: { code: 'resource.already_exists', field: 'programId' },
  coupons_code_key: { code: 'resource.already_exists', field: 'code' },
  tracking_domains_own_key: { code: 'resource.already_exists', field: 'domain' },
  tracking_domains_verified_key: { code: 'resource.already_exists', field: 'domain' },
  links_slug_key: { code: 'resource.already_exists', field: 'slug' },
  affiliates_not_own_recruiter: { code: 'affiliate.cycle', field: 'recruiterId' },
  leads_external_id: { code: 'resource.already_exists', field: 'externalId' },
  lead_sources_name_key: { code: 'resource.already_exists', field: 'name' },
  custom_fields_key_key: { code: 'resource.already_exists', field: 'key' },
  customer_accounts_contact_key: { code: 'contact.transition_not_allowed', field: 'customerAccountId' },
  sales_external_id: { code: 'resource.already_exists', field: 'externalId' },
  refunds_external_id: { code: 'resource.already_exists', field: 'externalId' },
  gateway_fundings_reference: { code: 'resource.already_exists', field: 'reference' },
  gateway_statements_upload: { code: 'resource.already_exists', field: 'file' },
  closed_period_is_later: { code: 'resource.already_exists', field: 'through' },
  balance_not_negative: { code: 'ledger.insufficient_balance' },
  attempt_fits_payout: { code: 'payout.attempt_open' },
  one_live_attempt: { code: 'payout.attempt_open' },
};

const noTemplate = {
  pointer: '#/commissionEmail/templateId',
  code: 'not_found',
  detail: 'There is no template with this id.',
};

/** A named constraint's refusal becomes a DomainError that keeps its cause; everything else is returned as it came. */
export function translateError(error: unknown): unknown {
  if (!isDatabaseError(error) || error.constraint === undefined) return error;
  // The row that a transfer belongs to says whether it was posted: whoever gets here has not looked.
  if (error.constraint === 'transfer_posted_once')
    return new InvariantError('one business fact posts once', { cause: error.message });
  if (error.constraint === 'programs_commission_template')
    return new DomainError('request.validation_failed', { errors: [noTemplate] }, { cause: error });
  const refusal = refusals[error.constraint];
  if (refusal === undefined) return error;
  return new DomainError(refusal.code, refusal.field === undefined ? {} : { field: refusal.field }, { cause: error });
}
