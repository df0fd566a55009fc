import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { findPaymentSourceEntry } from '../../../db/directory.js';
import { paymentSecretPurpose } from '../../../domain/earning/paymentEvent.js';
import { isInTolerance, readStripeSignature } from '../../../domain/earning/paymentSignature.js';
import { readStripeEvent } from '../../../domain/earning/stripeEvent.js';
import { DomainError } from '../../../domain/errors.js';
import { parseId } from '../../../domain/ids.js';
import { clockNow, epochSeconds } from '../../../platform/clock.js';
import { sha256Hex } from '../../../platform/secrets.js';
import { standardMac } from '../../../platform/standardWebhooks.js';
import { noteCall } from '../../apiLog.js';
import { checkMediaType, parseJsonBody, readBody } from '../../jsonGuard.js';
import type { RequestState } from '../../requestContext.js';
import type { ApiDeps } from '../../deps.js';
import type { Route } from '../../route.js';
import { paymentReceipt, type StandardEvent, standardEvent } from '../../schemas/earning/paymentSource.js';
import { parseWith } from '../../validation.js';
import { mapFields } from './fieldMap.js';
import { type IncomingEvent, takeInPaymentEvent } from './paymentIntake.js';

/**
 * `POST /hooks/payments/{sourceId}` (api.md 4.2): an event of another system, signed as its adapter says, over the bytes as they came. 202
 * once its facts are stored, 200 for a repeat and for what is not for us. Codes: access.bad_signature (also for a source without secret,
 * one switched off and one that is not there: the address alone tells nothing), request.validation_failed (`standard` only).
 */
const receive: Route = {
  method: 'POST',
  path: '/hooks/payments/:sourceId',
  summary: 'Takes in a payment event of another system',
  permission: 'public',
  params: undefined,
  query: undefined,
  body: standardEvent,
  reply: paymentReceipt,
  status: 202,
  refuses: ['access.bad_signature'],
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  async run(koa: Context, deps: ApiDeps): Promise<void> {
    deps.rateLimiter.take(koa, null, receive);
    const sourceId = parseId('paymentSource', String((koa['params'] as Record<string, unknown>)['sourceId']));
    const entry = sourceId === undefined ? undefined : await findPaymentSourceEntry(deps.db, sourceId);
    // Whatever is wrong with it, who owns the source finds the call in the log.
    if (entry !== undefined) noteCall(koa, { workspaceId: entry.workspaceId, mode: entry.mode });
    checkMediaType(koa.req);
    const bytes = await readBody(koa.req);
    if (sourceId === undefined || entry === undefined || entry.secret === null || !entry.isActive)
      throw new DomainError('access.bad_signature');
    const secret = deps.secrets.unseal(paymentSecretPurpose, entry.secret);
    const bodyHash = sha256Hex(bytes);
    let event: IncomingEvent;
    if (entry.adapter === 'stripe') {
      checkStripe(koa.req, bytes, secret);
      event = stripeEvent(parseSigned(deps, sourceId, bytes), bodyHash);
    } else {
      checkStandard(koa.req, bytes, secret);
      const body = mapFields(parseSigned(deps, sourceId, bytes), entry.fieldMap);
      event = ownEvent(parseWith(standardEvent, body, 'body') as StandardEvent, entry.mode, bodyHash);
    }
    noteCall(koa, { mode: event.mode });
    const settled = await takeInPaymentEvent(
      deps,
      { workspaceId: entry.workspaceId, sourceId, requestId: (koa.state as RequestState).requestId },
      event,
    );
    if (settled.code !== null) noteCall(koa, { code: settled.code });
    koa.status = settled.isRepeat || settled.outcome === 'ignored' ? 200 : 202;
    koa.set('Cache-Control', 'no-store');
    koa.body = { object: 'payment_event', id: event.id, outcome: settled.outcome, code: settled.code };
  },
};

/** Signed, so it came from there: that it is no JSON is an alert (reliability.md W7), and told to the sender as to anybody. */
function parseSigned(deps: Pick<ApiDeps, 'logger'>, sourceId: string, bytes: Buffer): unknown {
  try {
    return parseJsonBody(bytes);
  } catch (error) {
    deps.logger.error({ err: error, sourceId }, 'signed payment event is not readable');
    throw error;
  }
}

function stripeEvent(body: unknown, bodyHash: string): IncomingEvent {
  const read = readStripeEvent(body);
  if (!read.ok)
    // It is signed, so it came from there: kept under its id, or its hash, for a person to look at.
    return {
      id: read.id ?? bodyHash,
      type: 'unreadable',
      mode: 'live',
      occurredAt: clockNow(),
      bodyHash,
      facts: [],
      refusal: { outcome: 'refused', code: `unreadable${read.at}`.slice(0, 200) },
    };
  const { id, type, mode, occurredAt, facts } = read.event;
  return {
    id,
    type,
    mode,
    occurredAt,
    bodyHash,
    facts,
    refusal: facts.length === 0 ? { outcome: 'ignored', code: null } : null,
  };
}

function ownEvent(event: StandardEvent, mode: IncomingEvent['mode'], bodyHash: string): IncomingEvent {
  return {
    id: event.id,
    type: event.type,
    mode,
    occurredAt: event.data.occurredAt ?? clockNow(),
    bodyHash,
    facts: [{ kind: 'reported', event }],
    refusal: null,
  };
}

/** One header of that name, not too long. */
function only(request: IncomingMessage, name: string): string {
  const [value, ...more] = request.headersDistinct[name] ?? [];
  if (value === undefined || more.length > 0 || value.length > 2_000) throw new DomainError('access.bad_signature');
  return value;
}

/** Hex HMAC-SHA256 of `{t}.{raw body}` under the endpoint secret as it was pasted, prefix and all. */
function checkStripe(request: IncomingMessage, bytes: Buffer, secret: string): void {
  const signature = readStripeSignature(only(request, 'stripe-signature'));
  if (signature === undefined || !isInTolerance(signature.timestamp, epochSeconds()))
    throw new DomainError('access.bad_signature');
  const wanted = createHmac('sha256', secret).update(`${signature.timestamp}.`).update(bytes).digest();
  if (!signature.candidates.some((candidate) => isSame(Buffer.from(candidate, 'hex'), wanted)))
    throw new DomainError('access.bad_signature');
}

/** Standard Webhooks, under our own secret. */
function checkStandard(request: IncomingMessage, bytes: Buffer, secret: string): void {
  const [id, timestamp] = [only(request, 'webhook-id'), only(request, 'webhook-timestamp')];
  const signatures = only(request, 'webhook-signature');
  // A point in the id could move bytes between the three parts that are signed as one (reliability.md W4).
  if (id.includes('.') || !isInTolerance(timestamp, epochSeconds())) throw new DomainError('access.bad_signature');
  const wanted = standardMac(secret, { id, timestamp, body: bytes });
  const isSigned = signatures
    .split(' ')
    .some((one) => one.startsWith('v1,') && isSame(Buffer.from(one.slice(3), 'base64'), wanted));
  if (!isSigned) throw new DomainError('access.bad_signature');
}

function isSame(given: Buffer, wanted: Buffer): boolean {
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export const paymentHookRoutes: readonly Route[] = [receive];
