import type { Context, Middleware, Next } from 'koa';
import { isUnavailable, translateError } from '../db/errors.js';
import { DomainError, type DomainErrorCode, type ErrorParams, InvariantError, publicCode } from '../domain/errors.js';
import type { RequestState } from './requestContext.js';

interface Problem {
  readonly status: number;
  readonly title: string;
}

const state = (title: string): Problem => ({ status: 409, title });

/** The one table from a refusal to its status and title (api.md 3). A new code without a line here does not compile. */
export const problems = {
  'request.malformed_json': { status: 400, title: 'The body is not valid JSON' },
  'request.duplicate_key': { status: 400, title: 'The body names a key twice' },
  'request.invalid_header': { status: 400, title: 'A header is not valid' },
  'request.mode_mismatch': { status: 400, title: 'The key and the header name different modes' },
  'request.validation_failed': { status: 422, title: 'The request is not valid' },
  'request.body_too_large': { status: 413, title: 'The body is too large' },
  'request.uri_too_long': { status: 414, title: 'The address is too long' },
  'request.headers_too_large': { status: 431, title: 'The headers are too large' },
  'request.request_timeout': { status: 408, title: 'The request took too long to arrive' },
  'request.unsupported_media_type': { status: 415, title: 'This content type or encoding is not supported' },
  'request.method_not_allowed': { status: 405, title: 'This method is not allowed here' },
  'request.not_acceptable': { status: 406, title: 'No such format of this answer exists' },
  'request.rate_limited': { status: 429, title: 'Too many requests' },
  'request.invalid_cursor': { status: 422, title: 'The cursor does not belong to this list' },
  'request.idempotency_key_required': { status: 428, title: 'This call needs an Idempotency-Key' },
  'request.idempotency_mismatch': { status: 422, title: 'The Idempotency-Key was used for another request' },
  'request.idempotency_in_progress': { status: 409, title: 'The first request with this key is still running' },
  'request.precondition_required': { status: 428, title: 'This call needs If-Match' },
  'request.version_mismatch': { status: 412, title: 'Somebody has changed this since you read it' },
  'request.unavailable': { status: 503, title: 'Not available at the moment' },
  'access.unauthenticated': { status: 401, title: 'Sign in or send a valid key' },
  'access.invalid_credentials': { status: 401, title: 'These credentials are not valid' },
  'access.bad_signature': { status: 401, title: 'The signature is not valid' },
  'access.permission_missing': { status: 403, title: 'The permission is missing' },
  'access.wrong_audience': { status: 403, title: 'This part of the API is for others' },
  'access.not_in_scope': { status: 403, title: 'This object is assigned to others' },
  'access.csrf_failed': { status: 403, title: 'The request did not come from our own pages' },
  'access.step_up_required': { status: 403, title: 'Confirm that it is you' },
  'access.read_only_session': { status: 403, title: 'This session may only look' },
  'access.own_work': { status: 403, title: 'Somebody else has to approve this' },
  'access.over_limit': { status: 403, title: 'This is above your limit' },
  'access.api_user_expired': { status: 403, title: 'The API key has expired' },
  'access.api_user_revoked': { status: 403, title: 'The API key was revoked' },
  'access.ip_not_allowed': { status: 403, title: 'The API key may not be used from this address' },
  'access.token_used_or_expired': { status: 410, title: 'This link was used or has expired' },
  'access.weak_password': { status: 422, title: 'This password is too weak' },
  'access.too_many_attempts': { status: 429, title: 'Too many attempts' },
  'access.not_enabled': { status: 403, title: 'This is not switched on' },
  'api_key.transition_not_allowed': state('This is not possible in the present state'),
  'resource.not_found': { status: 404, title: 'Not found' },
  'resource.already_exists': state('This exists already'),
  'resource.in_use': state('This is in use'),
  'settings.settings_missing': state('The settings have to be saved once first'),
  'settings.currency_locked': state('The currency is bound to existing money'),
  'program.program_not_active': state('The program is not active'),
  'program.requirements_open': state('Something is still missing'),
  'program.already_decided': state('This was decided already'),
  'program.transition_not_allowed': state('This is not possible in the present state'),
  'program.currency_locked': state('The currency is bound to existing money'),
  'rule.rule_conflict': { status: 422, title: 'The rules contradict each other' },
  'affiliate.already_decided': state('This was decided already'),
  'affiliate.transition_not_allowed': state('This is not possible in the present state'),
  'affiliate.requirements_open': state('Something is still missing'),
  'affiliate.affiliate_not_active': { status: 403, title: 'The affiliate is not active' },
  'affiliate.cycle': { status: 422, title: 'The chain of recruiters would be a circle' },
  'enrolment.already_decided': state('This was decided already'),
  'enrolment.transition_not_allowed': state('This is not possible in the present state'),
  'enrolment.requirements_open': state('Something is still missing'),
  'document.already_decided': state('This was decided already'),
  'link.url_not_allowed': { status: 422, title: 'This address is not allowed' },
  'link.transition_not_allowed': state('This is not possible in the present state'),
  'link.already_decided': state('This was decided already'),
  'lead.already_decided': state('This was decided already'),
  'lead.transition_not_allowed': state('This is not possible in the present state'),
  'contact.transition_not_allowed': state('These two cannot be joined as they are'),
  'customer_account.already_decided': state('This was decided already'),
  'risk_case.already_decided': state('This was decided already'),
  'risk_flag.already_decided': state('This was decided already'),
  'sale.lines_do_not_sum': { status: 422, title: 'The lines do not add up to the total' },
  'sale.currency_mismatch': { status: 422, title: 'The currency is another one' },
  'appeal.transition_not_allowed': state('This is not possible in the present state'),
  'appeal.already_decided': state('This was decided already'),
  'sale.transition_not_allowed': state('This is not possible in the present state'),
  'sale.already_decided': state('This was decided already'),
  'referral.already_decided': state('This was decided already'),
  'referral.transition_not_allowed': state('This is not possible in the present state'),
  'referral.check_open': state('A check is still open'),
  'referral.check_failed': state('A check has failed'),
  'check.transition_not_allowed': state('This is not possible in the present state'),
  'commission.already_decided': state('This was decided already'),
  'commission.transition_not_allowed': state('This is not possible in the present state'),
  'commission.commission_blocked': state('The commission cannot be approved or paid now'),
  'commission.commission_paid': state('The commission was paid'),
  'commission.in_open_payout': state('The commission is in an open payout'),
  'payout.already_decided': state('This was decided already'),
  'payout.transition_not_allowed': state('This is not possible in the present state'),
  'payout.in_open_payout': state('This money is in an open payout'),
  'payout.nothing_to_pay': state('Nobody is due'),
  'payout.attempt_open': state('The outcome of an attempt is still open'),
  'payout.payouts_frozen': state('Payouts are frozen'),
  'payout_run.already_decided': state('This was decided already'),
  'payout_run.transition_not_allowed': state('This is not possible in the present state'),
  'payout_run.plan_changed': state('The plan has changed'),
  'payout_run.payouts_frozen': state('Payouts are frozen'),
  'payout_method.already_decided': state('This was decided already'),
  'reconciliation.already_decided': state('This was decided already'),
  'decision.malformed': { status: 422, title: 'The decision cannot be read' },
  'ledger.insufficient_balance': state('The balance does not suffice'),
  'ledger_adjustment.already_decided': state('This was decided already'),
  'operation.selection_changed': state('The selection has changed'),
  'operation.transition_not_allowed': state('This is not possible in the present state'),
  'export.export_too_large': state('Too many rows for this answer'),
  'export.too_many_exports': { status: 429, title: 'Too many files at once' },
  'upload.file_rejected': { status: 422, title: 'The file was refused' },
  'internal.invariant_broken': { status: 500, title: 'Something went wrong on our side' },
} as const satisfies Record<DomainErrorCode, Problem>;

/** One thing wrong with a request; exactly one of pointer (body), parameter (path, query), header (api.md 1.5). */
export interface FieldError {
  readonly pointer?: string;
  readonly parameter?: string;
  readonly header?: string;
  readonly code: FieldCode;
  readonly detail: string;
}

export const fieldCodes = [
  'required',
  'unknown_field',
  'unknown_parameter',
  'wrong_type',
  'too_long',
  'too_short',
  'out_of_range',
  'not_in_list',
  'bad_format',
  'too_many_decimals',
  'unknown_currency',
  'not_found',
  'not_allowed_here',
  'already_used',
] as const;
export type FieldCode = (typeof fieldCodes)[number];

/** 422 `validation_failed` naming what is wrong: for rules that a schema cannot see, such as an unknown id in a body. */
export function invalid(...errors: readonly FieldError[]): DomainError {
  return new DomainError('request.validation_failed', { errors });
}

/** What a person reads under the title. Never holds personal data; params are ours. */
function detailOf(error: DomainError): string | undefined {
  const { params } = error;
  if (typeof params['detail'] === 'string') return params['detail'];
  if (error.code === 'request.validation_failed' && Array.isArray(params['errors'])) {
    const count = params['errors'].length;
    return count === 1 ? '1 field is not valid.' : `${count} fields are not valid.`;
  }
  if (error.code.endsWith('.already_decided')) {
    const by = params['decidedBy'];
    const name = typeof by === 'object' && by !== null && 'name' in by && typeof by.name === 'string' ? by.name : null;
    const current = params['currentStatus'];
    const status = (typeof current === 'string' ? current : 'decided').replaceAll('_', ' ');
    return name === null ? `Already ${status}.` : `Already ${status} by ${name}.`;
  }
  const told = [...sentencesOf(params['conflicts']), ...sentencesOf(params['reasons'])];
  if (told.length > 0) return told.join(' ');
  if (error.code === 'access.permission_missing') return `This needs ${String(params['missingPermission'])}.`;
  return undefined;
}

const mostTold = 3;

/** What each of several reasons says: a refusal names what is wrong (RUL-18), not only that something is. */
function sentencesOf(reasons: unknown): readonly string[] {
  if (!Array.isArray(reasons)) return [];
  const details = (reasons as readonly unknown[]).flatMap((one) =>
    typeof one === 'object' && one !== null && 'detail' in one && typeof one.detail === 'string' ? [one.detail] : [],
  );
  return [...new Set(details)].slice(0, mostTold);
}

export function problemBody(
  error: DomainError,
  requestId: string,
  publicUrl: string,
): { status: number; body: Record<string, unknown> } {
  const { status, title } = problems[error.code];
  const code = error.code.startsWith('internal.') ? 'internal' : publicCode(error.code);
  const { detail: _detail, retryAfter: _retryAfter, ...members } = error.params;
  const detail = detailOf(error);
  return {
    status,
    body: {
      ...(status >= 500 ? {} : members),
      type: `${publicUrl}/problems/${code}`,
      title,
      status,
      ...(detail === undefined ? {} : { detail }),
      instance: `urn:tributary:request:${requestId}`,
      code,
      requestId,
    },
  };
}

/** What any thrown thing means for the caller. Our fault is 500 with fixed text; Postgres away or an unknown COMMIT is 503. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const translated = translateError(error);
  if (translated instanceof DomainError) return translated;
  if (isUnavailable(error)) return new DomainError('request.unavailable', {}, { cause: error });
  return new DomainError('internal.invariant_broken', {}, { cause: error });
}

/** Writes the problem; `headers` already set on the context (such as Idempotent-Replayed) stay. */
export function answerProblem(ctx: Context, error: DomainError, requestId: string, publicUrl: string): void {
  const { status, body } = problemBody(error, requestId, publicUrl);
  ctx.status = status;
  ctx.body = JSON.stringify(body);
  ctx.set('Content-Type', 'application/problem+json; charset=utf-8');
  ctx.remove('ETag');
  if (status === 401) ctx.set('WWW-Authenticate', 'Bearer');
  const retryAfter = error.params['retryAfter'];
  if (typeof retryAfter === 'number') ctx.set('Retry-After', String(retryAfter));
  else if (status === 503 || error.code === 'request.idempotency_in_progress') ctx.set('Retry-After', '1');
  else if (status === 429) ctx.set('Retry-After', '60');
  if (status === 413 || status === 408) ctx.set('Connection', 'close');
}

/** The only place that turns an error into an answer; logs once, where the decision is made. */
export function problemMiddleware(publicUrl: string): Middleware<RequestState> {
  return async (ctx, next: Next) => {
    const { requestId, log } = ctx.state;
    try {
      await next();
    } catch (thrown) {
      const error = toDomainError(thrown);
      answerProblem(ctx as unknown as Context, error, requestId, publicUrl);
      if (error.code.startsWith('internal.')) {
        const params: ErrorParams = thrown instanceof InvariantError ? thrown.params : {};
        log.error({ err: error.cause ?? error, params, code: error.code }, 'request failed');
      } else if (error.code === 'request.unavailable') {
        log.warn({ err: error.cause ?? error, code: error.code }, 'request not served');
      } else {
        ctx.state.refusal = error.code;
      }
    }
  };
}
