import { createHmac } from 'node:crypto';
import type { Context } from 'koa';
import { z } from 'zod';
import { findPublicKey, type PublicKeyEntry } from '../../../db/directory.js';
import { getSettings } from '../../../db/access/settings.js';
import { findSaleByExternalId } from '../../../db/earning/sale.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import { inWorkspace, notify, type Tx } from '../../../db/transaction.js';
import type { Act } from '../../../domain/act.js';
import type { Sale } from '../../../domain/earning/sale.js';
import { DomainError } from '../../../domain/errors.js';
import { type LeadId, parseId } from '../../../domain/ids.js';
import { type CallParameter, inOurNames, isInTime, signedText } from '../../../domain/tracking/postback.js';
import { epochSeconds } from '../../../platform/clock.js';
import { isSameText } from '../../../platform/secrets.js';
import { noteCall } from '../../apiLog.js';
import { parseJsonBody, readBody } from '../../jsonGuard.js';
import { type FieldError, invalid } from '../../problems.js';
import type { ApiDeps } from '../../deps.js';
import type { Route } from '../../route.js';
import { refundCreate } from '../../schemas/earning/refund.js';
import { saleFields } from '../../schemas/earning/sale.js';
import { leadCreate } from '../../schemas/tracking/lead.js';
import {
  type PixelCall,
  pixelCall,
  type PostbackAnswer,
  postbackAnswer,
  type PostbackCall,
  postbackCall,
  postbackKey,
  postbackNames,
} from '../../schemas/tracking/postback.js';
import { parseWith } from '../../validation.js';
import { takeInRefund } from '../earning/refund.js';
import { type SaleReport, takeInSale } from '../earning/sale.js';
import { isBlockedIn } from './blockedSender.js';
import { clickCookie, readCookie } from './click.js';
import { takeInLead } from './leadIntake.js';
import { checkPublicKey } from './publicKeyCheck.js';
import { modeOfCall } from './testMode.js';
import { allowOrigin } from './visit.js';

/** A call is a few hundred bytes; what is longer is none. */
const longestCall = 32_768;
/** `secrets.unseal('signing', …)` opens a public key's signing secret. */
const signingSecretPurpose = 'signing';

interface SeenCall {
  readonly parameters: readonly CallParameter[];
  /** By name, without the empty ones. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Every parameter once, with its text; a name twice is refused because nobody could say which of the two was signed. */
function seen(parameters: readonly CallParameter[]): SeenCall {
  const fields: Record<string, string> = {};
  const names = new Set<string>();
  for (const { name, value } of parameters) {
    if (names.has(name)) throw invalid({ parameter: name, code: 'not_allowed_here', detail: 'Given more than once.' });
    names.add(name);
    if (value !== '') fields[name] = value;
  }
  return { parameters, fields };
}

function queryParameters(koa: Context): readonly CallParameter[] {
  return [...new URLSearchParams(koa.querystring)].map(([name, value]) => ({ name, value }));
}

/** Query and body together: form-encoded, or from a page's script JSON, which may travel as text/plain so that no preflight is needed. */
async function bodyParameters(koa: Context): Promise<readonly CallParameter[]> {
  const [media = ''] = (koa.req.headers['content-type'] ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (koa.req.headers['content-encoding'] !== undefined)
    throw new DomainError('request.unsupported_media_type', { detail: 'Send the body without Content-Encoding.' });
  const bytes = await readBody(koa.req, longestCall);
  if (bytes.length === 0) return [];
  switch (media) {
    case 'application/x-www-form-urlencoded':
      return [...new URLSearchParams(bytes.toString('utf8'))].map(([name, value]) => ({ name, value }));
    case 'application/json':
    case 'text/plain': {
      const values = parseWith(z.record(z.string(), z.string()), parseJsonBody(bytes), 'body');
      return Object.entries(values as Record<string, string>).map(([name, value]) => ({ name, value }));
    }
    default:
      throw new DomainError('request.unsupported_media_type', { detail: 'Send a form, or JSON of texts.' });
  }
}

/** Signed with the key's secret, now. `none`: neither `sig` nor `ts` was given. */
function signatureOf(deps: ApiDeps, key: PublicKeyEntry, { parameters, fields }: SeenCall): 'valid' | 'bad' | 'none' {
  const { sig, ts } = fields;
  if (sig === undefined) return ts === undefined ? 'none' : 'bad';
  if (key.signingSecret === null || ts === undefined || !isInTime(ts, epochSeconds())) return 'bad';
  const secret = deps.secrets.unseal(signingSecretPurpose, key.signingSecret);
  const wanted = createHmac('sha256', secret).update(signedText(parameters)).digest('hex');
  return isSameText(wanted, sig) ? 'valid' : 'bad';
}

async function keyOf(koa: Context, deps: ApiDeps, call: SeenCall, publicKey: string): Promise<PublicKeyEntry> {
  const key = await findPublicKey(deps.db, publicKey);
  if (key !== undefined) {
    const { workspaceId, mode, keyId, affiliateId } = key;
    const { sig: _sig, ...payload } = call.fields;
    noteCall(koa, { workspaceId, mode, keyId, affiliateId, payload });
  }
  if (key === undefined) throw invalid({ parameter: 'key', code: 'not_found', detail: 'There is no such key.' });
  return key;
}

function actOf(deps: ApiDeps, koa: Context, key: PublicKeyEntry): Omit<Act, 'now'> {
  return {
    workspaceId: key.workspaceId,
    mode: key.mode,
    actor: { type: 'api_key', id: key.keyId, userId: null },
    cause: null,
    reasonCode: null,
    origin: null,
    requestId: (koa.state as { requestId?: string }).requestId ?? null,
    newId: deps.newId,
  };
}

/**
 * `GET` and `POST /t/postback` (api.md 4.1): lead, sale, declined charge or refund, server to server and signed. The tracking script of a
 * page that the workspace lists reports leads and sales here too, without a signature: such a sale stays in review (TRK-19). Codes:
 * access.bad_signature, access.csrf_failed (a page that is not listed), request.validation_failed, resource.already_exists.
 */
function postbackRoute(method: 'GET' | 'POST'): Route {
  const route: Route = {
    method,
    path: '/t/postback',
    summary: 'Takes in a signed postback',
    permission: 'public',
    params: undefined,
    query: method === 'GET' ? postbackCall : undefined,
    body: method === 'GET' ? undefined : postbackCall,
    reply: postbackAnswer,
    status: 202,
    refuses: [
      'access.bad_signature',
      'access.csrf_failed',
      'access.api_user_revoked',
      'access.api_user_expired',
      'access.ip_not_allowed',
      'access.not_enabled',
      'affiliate.affiliate_not_active',
      'resource.already_exists',
      'sale.currency_mismatch',
    ],
    idempotency: 'none',
    ifMatch: 'none',
    stepUp: false,
    secretReply: false,
    async run(koa, deps) {
      deps.rateLimiter.take(koa, null, route);
      const call = seen([...queryParameters(koa), ...(method === 'POST' ? await bodyParameters(koa) : [])]);
      const { key: publicKey } = parseWith(postbackKey, call.fields, 'query') as z.output<typeof postbackKey>;
      const key = await keyOf(koa, deps, call, publicKey);
      try {
        const taken = await takeInCall(koa, deps, key, call, method);
        if (taken.answer.object === 'lead' && taken.isSpam !== true)
          noteCall(koa, { leadId: taken.answer.id as LeadId });
        await notify(deps.db, 'outbox', '');
        koa.status = taken.isNew ? 202 : 200;
        koa.set('Cache-Control', 'no-store');
        koa.body = taken.answer;
      } catch (error) {
        throw inTheirNames(error, key.fieldMap);
      }
    },
  };
  return route;
}

async function takeInCall(
  koa: Context,
  deps: ApiDeps,
  key: PublicKeyEntry,
  call: SeenCall,
  method: 'GET' | 'POST',
): Promise<Taken> {
  const own = inOurNames(call.fields, key.fieldMap, postbackNames);
  const fields = parseWith(postbackCall, own, 'query') as PostbackCall;
  const signature = signatureOf(deps, key, call);
  if (fields.event === 'lead') noteCall(koa, { leadChannel: signature === 'valid' ? 'postback' : 'script' });
  const isFromPage = signature === 'none' && method === 'POST' && koa.get('origin') !== '';
  if (signature !== 'valid' && !isFromPage) {
    deps.logger.warn({ workspaceId: key.workspaceId, keyId: key.keyId, signature }, 'postback refused');
    throw new DomainError('access.bad_signature');
  }
  return inWorkspace(deps.db, key.workspaceId, async (tx, now) => {
    if (isFromPage) allowOrigin(koa, (await getSettings(tx)).settings.domains.formDomains);
    const { affiliateStatus } = await checkPublicKey(tx, koa, deps, { key, now });
    // As a lead by its secret key (LED-32): nothing of the person is kept but the masked line.
    if (fields.event === 'lead' && key.affiliateId !== null && affiliateStatus !== 'approved')
      throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus });
    if (isFromPage && fields.event !== 'refund' && (await isBlockedIn(tx, deps, koa))) return spamOf(koa, deps, fields);
    const mode = await modeOfCall(tx, key, fields.click_id ?? null);
    return takeIn(tx, { ...actOf(deps, koa, key), mode, now }, { deps, key, fields, isFromPage });
  });
}

/** A refusal told by the names that the source itself uses; anything else as it is. */
function inTheirNames(error: unknown, fieldMap: PublicKeyEntry['fieldMap']): unknown {
  const errors = fieldErrorsOf(error);
  if (errors === undefined || Object.keys(fieldMap).length === 0) return error;
  return invalid(
    ...errors.map((told) => {
      const theirs = told.parameter === undefined ? undefined : fieldMap[told.parameter];
      return theirs === undefined ? told : { ...told, parameter: theirs };
    }),
  );
}

function fieldErrorsOf(error: unknown): readonly FieldError[] | undefined {
  return error instanceof DomainError ? (error.params['errors'] as readonly FieldError[] | undefined) : undefined;
}

interface Taken {
  readonly answer: PostbackAnswer;
  readonly isNew: boolean;
  /** Only answered: nothing was kept of it. */
  readonly isSpam?: true;
}

/** What a blocked address reads: what everybody reads. Nothing is made of its call but the line in the log. */
function spamOf(koa: Context, deps: ApiDeps, fields: PostbackCall): Taken {
  noteCall(koa, { code: 'spam' });
  const object = fields.event === 'lead' ? 'lead' : 'sale';
  return { answer: { id: deps.newId(object), object, processedAt: null }, isNew: true, isSpam: true };
}

async function takeIn(
  tx: Tx,
  act: Act,
  call: {
    readonly deps: ApiDeps;
    readonly key: PublicKeyEntry;
    readonly fields: PostbackCall;
    readonly isFromPage: boolean;
  },
): Promise<Taken> {
  const { deps, key, fields, isFromPage } = call;
  const source = key.affiliateId ?? 'main';
  const answerOf = (object: PostbackAnswer['object'], of: { id: string; processedAt: string | null }) => ({
    id: of.id,
    object,
    processedAt: of.processedAt,
  });
  switch (fields.event) {
    case 'lead': {
      const body = parseFields(leadCreate, leadBody(fields));
      const { lead, isNew } = await takeInLead(tx, act, body, {
        affiliateId: key.affiliateId,
        channel: isFromPage ? 'script' : 'postback',
        // The key's source gets it (LED-05). What a page says is signed by nobody, so it opens no account and mails nobody.
        keyId: key.keyId,
        ...(isFromPage ? {} : { publicUrl: deps.config.http.publicUrl }),
      });
      return { answer: answerOf('lead', lead), isNew };
    }
    case 'sale':
    case 'declined': {
      const body = parseFields(saleFields, {
        ...saleBody(fields),
        status: fields.event === 'sale' ? 'succeeded' : 'declined',
      });
      if (body.clickId == null && body.coupon == null && body.customer == null)
        throw invalid({ parameter: 'click_id', code: 'required', detail: 'Name a click, a coupon or a customer.' });
      const report: SaleReport = {
        source,
        channel: isFromPage ? 'script' : 'postback',
        isUnsigned: isFromPage,
      };
      const { sale, isNew } = await takeInSale(tx, act, body, report);
      if (isFromPage && isNew) await demandSignature(tx, sale);
      return { answer: answerOf('sale', sale), isNew };
    }
    case 'refund': {
      if (isFromPage) throw new DomainError('access.bad_signature'); // no page gives money back
      const body = parseFields(
        refundCreate,
        {
          externalId: fields.refund_id,
          saleExternalId: fields.txn_id,
          ...(fields.amount === undefined ? {} : { amount: { amount: fields.amount, currency: fields.currency } }),
        },
        { '#/externalId': 'refund_id' },
      );
      const { saleExternalId, ...facts } = body;
      const sale = await findSaleByExternalId(tx, { mode: act.mode, source, externalId: saleExternalId });
      const { refund, isNew } = await takeInRefund(tx, act, facts, { sale, source, saleExternalId });
      return { answer: answerOf('refund', refund), isNew };
    }
    default:
      return fields.event satisfies never;
  }
}

/** Where the program demands a signature, an unsigned sale is none (TRK-19): the transaction it was written in is rolled back. */
async function demandSignature(tx: Tx, sale: Sale): Promise<void> {
  if (sale.programId === null) return;
  if ((await readReferralTerms(tx, sale.programId)).requireSignature) throw new DomainError('access.bad_signature');
}

function leadBody(fields: PostbackCall) {
  return {
    ...given('externalId', fields.txn_id ?? nameOfCall(fields)),
    ...given('customerExternalId', fields.customer_id),
    ...given('clickId', fields.click_id),
    ...given('name', fields.name),
    ...given('email', fields.email),
    ...given('phone', fields.phone),
    ...given('coupon', fields.coupon),
    ...given('sub1', fields.sub1),
  };
}

/**
 * A signed lead without a number of its own is named by its signature: the same call again, by a network that saw no answer or by somebody who
 * found it in a log, is that lead and not a second one.
 */
function nameOfCall({ sig }: PostbackCall): string | undefined {
  return sig === undefined ? undefined : `sig_${sig.slice(0, 32)}`;
}

function saleBody(
  fields: Pick<
    PostbackCall,
    'txn_id' | 'click_id' | 'coupon' | 'product' | 'email' | 'customer_id' | 'amount' | 'currency'
  >,
) {
  const customer = { ...given('externalId', fields.customer_id), ...given('email', fields.email) };
  return {
    externalId: fields.txn_id,
    amount: { amount: fields.amount, currency: fields.currency },
    ...given('clickId', fields.click_id),
    ...given('coupon', fields.coupon),
    ...given('product', fields.product),
    ...(Object.keys(customer).length === 0 ? {} : { customer }),
  };
}

function given<N extends string>(name: N, value: string | undefined): Partial<Record<N, string>> {
  return value === undefined ? {} : ({ [name]: value } as Record<N, string>);
}

/** The names that a caller of an edge route knows for the fields of a body. */
const parameterOf: Readonly<Record<string, string>> = {
  '#/externalId': 'txn_id',
  '#/saleExternalId': 'txn_id',
  '#/customerExternalId': 'customer_id',
  '#/customer/externalId': 'customer_id',
  '#/customer/email': 'email',
  '#/clickId': 'click_id',
  '#/amount': 'amount',
  '#/amount/amount': 'amount',
  '#/amount/currency': 'currency',
};

function parseFields<S extends z.ZodType>(
  schema: S,
  body: unknown,
  own: Readonly<Record<string, string>> = {},
): z.output<S> {
  try {
    // A field left out and one that is undefined are the same here; the schemas know only the first.
    return parseWith(schema, JSON.parse(JSON.stringify(body)), 'body') as z.output<S>;
  } catch (error) {
    const errors = fieldErrorsOf(error);
    if (errors === undefined) throw error;
    throw invalid(
      ...errors.map(({ code, detail, pointer = '#' }) => ({
        parameter: own[pointer] ?? parameterOf[pointer] ?? pointer.slice(2),
        code,
        detail,
      })),
    );
  }
}

/** 43 bytes, one transparent point. */
const gif = Buffer.from('R0lGODlhAQABAPAAAAAAAAAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==', 'base64');

/**
 * `GET /t/sale.gif` (api.md 4.1): a confirmation page's pixel. It always answers the image: a shop's page must not break over us. Without a
 * valid signature the sale stays in review, or is refused where the program demands one.
 */
const pixel: Route = {
  method: 'GET',
  path: '/t/sale.gif',
  summary: 'Takes in a sale from a pixel',
  permission: 'public',
  params: undefined,
  query: pixelCall,
  body: undefined,
  reply: z.unknown(),
  status: 200,
  refuses: [],
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  async run(koa, deps) {
    try {
      deps.rateLimiter.take(koa, null, pixel);
      await takeInPixel(koa, deps);
    } catch (error) {
      // Ours or the caller's: the page sees its image, and the log what came of it.
      const code = error instanceof DomainError ? error.code : 'internal';
      deps.logger[code === 'internal' ? 'error' : 'warn']({ code, err: error }, 'pixel not taken');
      noteCall(koa, { code: code.slice(code.indexOf('.') + 1) });
    }
    koa.status = 200;
    koa.set('Cache-Control', 'no-store');
    koa.set('Cross-Origin-Resource-Policy', 'cross-origin');
    koa.type = 'image/gif';
    koa.body = gif;
  },
};

async function takeInPixel(koa: Context, deps: ApiDeps): Promise<void> {
  const call = seen(queryParameters(koa));
  const fields = parseWith(pixelCall, call.fields, 'query') as PixelCall;
  const key = await keyOf(koa, deps, call, fields.key);
  const signature = signatureOf(deps, key, call);
  if (signature === 'bad') throw new DomainError('access.bad_signature');
  const cookies = koa.req.headers.cookie;
  const fromCookie = cookies === undefined ? undefined : readCookie(cookies, clickCookie);
  // A page that wrote no id in the place of the word counts as one that passed none.
  const clickId = parseId('click', fields.click_id ?? '') ?? parseId('click', fromCookie ?? '');
  const { order_id: orderId, click_id: _, ...rest } = fields;
  const body = parseFields(
    saleFields,
    saleBody({ ...rest, ...given('txn_id', orderId), ...given('click_id', clickId) }),
  );
  await inWorkspace(deps.db, key.workspaceId, async (tx, now) => {
    const isUnsigned = signature === 'none';
    await checkPublicKey(tx, koa, deps, { key, now });
    if (isUnsigned && (await isBlockedIn(tx, deps, koa))) return noteCall(koa, { code: 'spam' });
    const report: SaleReport = { source: key.affiliateId ?? 'main', channel: 'pixel', isUnsigned };
    const mode = await modeOfCall(tx, key, clickId ?? null);
    const { sale, isNew } = await takeInSale(tx, { ...actOf(deps, koa, key), mode, now }, body, report);
    if (isUnsigned && isNew) await demandSignature(tx, sale);
  });
  await notify(deps.db, 'outbox', '');
}

export const postbackRoutes: readonly Route[] = [postbackRoute('GET'), postbackRoute('POST'), pixel];
