import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createRateLimiter } from '../../api/rateLimit.js';
import type { Route } from '../../api/route.js';
import { routes } from '../../api/routes.js';
import { insertOneTimeToken } from '../../db/access/oneTimeToken.js';
import { inWorkspace } from '../../db/transaction.js';
import { mayAssignedReachHold, type Permission, presets } from '../../domain/access/permission.js';
import { webhookSecretPurpose } from '../../domain/messaging/webhook.js';
import { newId } from '../../platform/newId.js';
import { newWebhookSecret } from '../../platform/secrets.js';
import { insertRow } from '../support/rows.js';
import { contractPaths } from './contractPaths.js';
import { createEarningWorld, type EarningWorld } from './earning/earningWorld.js';
import type { CallOptions, TestAnswer, TestWorkspace } from './support.js';

// Made from the list of routes itself, so that a new one is attacked on the day it is added: damaged requests, ids of others, callers without
// a right or without a credential, and the tables of api.md as the list of what may exist.

const seed = 20_261_126;
const perRoute = 32;
const atOnce = 12;

/** One number after the other, the same in each run. */
function numbers(state: number): (below: number) => number {
  let current = state;
  return (below) => {
    current = (Math.imul(current, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((current / 4_294_967_296) * below);
  };
}

const money = (amount: string, currency = 'USD') => ({ amount, currency });

let world: EarningWorld;
let ids: Readonly<Record<string, string>>;
let other: TestWorkspace;
/** Enough callers, so that none meets the rate limit before the code under test. */
const keys: string[] = [];
let browser: { readonly cookie: string; readonly csrf: string };
let addresses = 0;

beforeAll(async () => {
  // Public routes are limited per address: each request here comes from one of its own.
  const clientAddress = () => `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${(addresses += 1) & 255}`;
  world = await createEarningWorld({ deps: { clientAddress, rateLimiter: createRateLimiter(clientAddress) } });
  const { api, ws } = world;
  for (let i = 0; i < 24; i += 1) keys.push((await api.makePerson(ws, ['owner'], { name: 'Fuzz' })).key);
  other = await api.makeWorkspace({ name: 'Other' });
  ids = await populate();
  const token = await inWorkspace(api.db, ws.id, (tx, now) =>
    insertOneTimeToken(tx, newId, now, {
      kind: 'sign_in',
      loginId: ws.owner.loginId,
      workspaceId: ws.id,
      userId: ws.owner.id,
    }),
  );
  const signedIn = await api.as(null, '/v1/auth/one-time', { body: { token } });
  browser = {
    cookie: (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '',
    csrf: String(signedIn.body['csrfToken']),
  };
  ids = { ...ids, sessionId: await idIn('sessions') };
}, 120_000);
afterAll(() => world?.close());

async function idIn(table: string, where: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const row = await world
    .owner(table)
    .where({ workspace_id: world.ws.id, ...where })
    .orderBy('id')
    .first<{ id: string } | undefined>('id');
  if (row === undefined) throw new Error(`no row in ${table}`);
  return row.id;
}

async function firstOf(path: string): Promise<string> {
  const page = await world.as(path);
  return String(page.body['data']?.[0]?.['id']);
}

/** One object of each kind, made through the API where it makes them. Answers the id for each parameter of a path. */
async function populate(): Promise<Readonly<Record<string, string>>> {
  const { api, ws } = world;
  const programId = await world.program({ commissionApproval: 'automatic' });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  const affiliateId = await world.affiliate(programId);
  const clickId = await world.click({ programId, affiliateId, sub1: 'kw1' });
  const lead = await world.as('/v1/leads', {
    externalId: 'l1',
    clickId,
    email: 'jo@buyer.example',
    customerExternalId: 'u1',
  });
  expect(lead.status).toBe(202);
  await world.settle();
  const sale = await world.sale({ externalId: 's1', customer: { externalId: 'u1' }, amount: money('100.00') });
  const referralId = String(sale['referralId']);
  expect(await world.settled(world.as(`/v1/referrals/${referralId}/approve`, {}))).toMatchObject({ status: 200 });
  await world.as(`/v1/sales/${String(sale['id'])}/refunds`, { externalId: 'r1', amount: money('10.00') });
  await world.settle();
  const method = await world.as(`/v1/affiliates/${affiliateId}/payout-methods`, {
    type: 'sandbox',
    currency: 'USD',
    details: { account: 'ok' },
  });
  expect(method.status).toBe(201);
  const ben = (await api.makePerson(ws, ['owner'], { name: 'Ben' })).key;
  const verified = await api.as(ben, `/v1/payout-methods/${String(method.body['id'])}/verify`, {
    body: { reason: 'x' },
  });
  expect(verified.status).toBe(200);
  expect(await world.as('/v1/gateways/sandbox/funding', { amount: money('100.00'), reference: 'F' })).toMatchObject({
    status: 201,
  });
  await world.as('/v1/settings', undefined);
  await world
    .owner('affiliates')
    .where({ id: affiliateId })
    .update({ minimum_payout: JSON.stringify([money('1.00')]) });
  const payout = await world.as('/v1/payouts', { affiliateId, currency: 'USD' });
  expect(payout.status).toBe(201);
  const run = await world.as('/v1/payout-runs', { currencies: ['USD'] });
  expect(run.status).toBe(202);
  const schedule = await world.as('/v1/payout-schedules', {
    name: 'Monthly',
    calendar: { every: 'month', dayOfMonth: 5, hour: 6, minute: 0 },
    timeZone: 'UTC',
    currencies: ['USD'],
  });
  expect(schedule).toMatchObject({ status: 201 });
  const checkId = newId('check');
  await insertRow(world.owner, 'checks', {
    id: checkId,
    workspace_id: ws.id,
    referral_id: referralId,
    kind: 'identity',
    status: 'waiting',
  });
  const source = await world.as('/v1/lead-sources', { name: 'Web' });
  const field = await world.as('/v1/custom-fields', { target: 'lead', name: 'Plan', key: 'plan', type: 'text' });
  const form = await world.as('/v1/lead-forms', {
    name: 'Form',
    programId,
    fields: [{ name: 'email', label: 'E-mail', required: true }],
  });
  const productGroup = await world.as('/v1/product-groups', { name: 'Plans' });
  const template = await world.as('/v1/message-templates', { name: 'Earned', subject: 'Hello', body: 'Hello' });
  expect(template.status).toBe(201);
  const milestone = await world.as('/v1/milestones', {
    programId,
    by: 'sales_count',
    threshold: 1_000,
    templateId: template.body['id'],
  });
  expect(milestone.status, milestone.text).toBe(201);
  const segment = await world.as('/v1/segments', { name: 'Everybody', filter: {} });
  expect(segment.status, segment.text).toBe(201);
  expect([source.status, field.status, form.status, productGroup.status]).toEqual([201, 201, 201, 201]);
  const waiting = await world.as('/v1/sales', {
    externalId: 'waits',
    customer: { externalId: 'nobody-yet' },
    amount: money('5.00'),
  });
  expect(waiting).toMatchObject({ status: 202, body: { parkedCode: 'unknown_customer' } });
  // An address inside the network: a test of it ends before anything is sent.
  const postbackId = newId('postback');
  await insertRow(world.owner, 'postbacks', {
    id: postbackId,
    workspace_id: ws.id,
    affiliate_id: affiliateId,
    events: ['lead.accepted'],
    url: 'https://10.0.0.1/',
  });
  const endpointId = newId('webhook');
  await insertRow(world.owner, 'webhook_endpoints', {
    id: endpointId,
    workspace_id: ws.id,
    mode: 'live',
    events: ['lead.accepted'],
    url: 'https://10.0.0.1/',
    secret: world.api.deps.secrets.seal(webhookSecretPurpose, newWebhookSecret()),
    secret_set_at: new Date(),
  });
  const deliveryId = newId('delivery');
  await insertRow(world.owner, 'webhook_deliveries', {
    id: deliveryId,
    workspace_id: ws.id,
    endpoint_id: endpointId,
    event_id: newId('event'),
    event_type: 'lead.accepted',
    url: 'https://10.0.0.1/',
    body: '{}',
    status: 'failed',
    attempts: 1,
    last_try_at: new Date(),
  });
  const customer = await world.as('/v1/customer-accounts', { email: 'kim@buyer.example' });
  expect(customer.status).toBe(201);
  const tool = await world.as('/v1/promo-tools', {
    name: 'Tool',
    kind: 'link',
    programId,
    url: 'https://shop.example/',
  });
  expect(tool.status).toBe(201);
  const domain = await world.as('/v1/tracking-domains', { domain: 'go.shop.example' });
  expect(domain.status).toBe(201);
  const mediaId = newId('media');
  await insertRow(world.owner, 'media', {
    id: mediaId,
    workspace_id: ws.id,
    name: 'Picture',
    content_type: 'image/png',
    width: 1,
    height: 1,
    size_bytes: 1,
    sha256: Buffer.alloc(32, 1),
    bytes: Buffer.alloc(1),
  });
  const documentId = newId('document');
  await insertRow(world.owner, 'affiliate_documents', {
    id: documentId,
    workspace_id: ws.id,
    affiliate_id: affiliateId,
    type: 'id_card',
    label: 'Identity card',
    file_name: 'card.png',
    content_type: 'image/png',
    size_bytes: 1,
    sha256: Buffer.alloc(32, 1),
    bytes: Buffer.alloc(1),
    status: 'accepted',
    uploaded_by_type: 'user',
  });
  const riskCase = await world.as('/v1/risk-cases', { affiliateId, kind: 'manual_review', referralIds: [referralId] });
  expect(riskCase.status).toBe(201);
  await world.settle();
  const historyId = newId('history');
  await insertRow(world.owner, 'histories', {
    id: historyId,
    workspace_id: ws.id,
    workflow_type: 'referral',
    workflow_id: `referral/${ws.id}/${referralId}`,
    run_id: randomUUID(),
    object_id: referralId,
    close_status: 'completed',
    commit_id: randomUUID(),
  });
  const message = await world.as('/v1/messages', { affiliateIds: [affiliateId], templateId: template.body['id'] });
  expect(message.status, message.text).toBe(202);
  return {
    userId: ws.owner.id,
    roleId: 'owner',
    keyId: await idIn('api_keys'),
    leadSourceId: String(source.body['id']),
    productGroupId: String(productGroup.body['id']),
    templateId: String(template.body['id']),
    milestoneId: String(milestone.body['id']),
    messageId: String(message.body['id']),
    segmentId: String(segment.body['id']),
    fieldId: String(field.body['id']),
    formId: String(form.body['id']),
    postbackId,
    endpointId,
    deliveryId,
    eventId: String(waiting.body['id']),
    caseId: String(riskCase.body['id']),
    flagId: await idIn('risk_flags'),
    contactId: await idIn('contacts'),
    section: 'general',
    key: 'console.columns',
    operationId: (await idIn('decisions', { object_id: referralId })).replace('dec_', 'op_'),
    clickId,
    customerAccountId: String(customer.body['id']),
    leadId: String(lead.body['id']),
    referralId,
    checkId,
    affiliateId,
    enrolmentId: await idIn('enrolments'),
    methodId: String(method.body['id']),
    runId: String(run.body['id']),
    payoutId: String(payout.body['id']),
    gatewayId: 'sandbox',
    scheduleId: String(schedule.body['id']),
    agreementId: await idIn('agreements'),
    productId: await idIn('products'),
    programId,
    ruleId: await idIn('commission_rules', { scope: 'program' }),
    saleId: String(sale['id']),
    commissionId: String((sale['commissionIds'] as unknown as readonly string[])[0]),
    accountId: await firstOf('/v1/ledger-accounts'),
    postingId: await firstOf('/v1/ledger-postings'),
    objectId: String(sale['id']),
    linkId: await idIn('links'),
    toolId: String(tool.body['id']),
    mediaId,
    documentId,
    domainId: String(domain.body['id']),
    programSlug: String((await world.as(`/v1/programs/${programId}`)).body['slug']),
    entryId: await firstOf('/v1/audit-entries'),
    historyId,
  };
}

const paramsOf = (route: Route): readonly string[] =>
  [...route.path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => name ?? '');
const pathWith = (route: Route, values: Readonly<Record<string, string>>): string =>
  route.path.replaceAll(/:([A-Za-z]+)/g, (_all, name: string) => values[name] ?? `no-${name}`);
const nameOf = (route: Route): string => `${route.method} ${route.path}`;
const isWrite = (route: Route): boolean => route.method !== 'GET';

/** Everything that stands in the database, per table: how many rows and the sum of their hashes. Sign-in times alone may move. */
async function snapshot(): Promise<string> {
  const { rows: tables } = await world.owner.raw<{ rows: { name: string }[] }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE' and table_name <> 'api_log' order by 1`, // that log tells of refusals
  );
  const counted = ['api_keys', 'sessions', 'users', 'logins'];
  const sums = tables.map(({ name }) =>
    counted.includes(name)
      ? `select '${name}' as name, count(*) as rows, 0 as hash from ${name}`
      : `select '${name}', count(*), coalesce(sum(hashtext(t::text)), 0) from ${name} as t`,
  );
  const { rows } = await world.owner.raw<{ rows: Record<string, string>[] }>(sums.join(' union all '));
  return rows.map((row) => `${row['name']} ${row['rows']} ${row['hash']}`).join('\n');
}

function changed(before: string, after: string): readonly string[] {
  const old = new Set(before.split('\n'));
  return after.split('\n').filter((line) => !old.has(line));
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
}

function schemaOf(type: z.ZodType): JsonSchema {
  return z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

/** Something that fits the schema as far as a JSON schema tells; names say the rest. */
function sample(schema: JsonSchema, name = ''): unknown {
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice !== undefined) return sample(choice, name);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, property]) => [key, sample(property, key)]),
      );
    case 'array':
      return schema.items === undefined ? [] : [sample(schema.items, name)];
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'null':
      return null;
    case undefined:
    default:
      if (name === 'amount') return '12.34';
      if (/currenc/i.test(name)) return 'USD';
      if (/Ids?$/.test(name)) return ids[name.replace(/s$/, '')] ?? 'x';
      if (/(At|From|Until)$/.test(name)) return '2026-11-26T10:00:00.000Z';
      if (/email/i.test(name)) return 'zoe@shop.example';
      return 'text';
  }
}

/** What no field of a body takes, whatever it is for. */
const poisons: readonly unknown[] = [
  { nothing: ['fits', { here: 1 }] },
  [[[[1]]]],
  1.5,
  -1e15,
  9_007_199_254_740_992,
  'a\u0000b',
  '\ud800',
  'x'.repeat(200_000),
  money('12.345'),
  money('1e3'),
  money('+1.00'),
  money('0x10'),
  money('.5'),
  money('01.00'),
  money(' 1.00'),
  money('1,00'),
  money('\u0661.00'),
  money('-0.00'),
  money('1.00', 'usd'),
  money('1.00', 'ZZZ'),
  { amount: 1, currency: 'USD' },
  { amount: '1.00', currency: 'USD', more: 1 },
];
/** What text takes only where it is a note, and then without a direction. */
const poisonedText = ['abc\u202edef', 'abc\u2066def', 'a\u0007b', '\u200f'];

const freeRecords = new Set(['metadata', 'customFields', 'details', 'evidence']);
const isTextRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.values(value).every((part) => typeof part === 'string');

const malformed: readonly (string | Uint8Array<ArrayBuffer>)[] = [
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '{"a":NaN}',
  '{"a":1,}',
  '{',
  '"text"',
  '[]',
  '5',
  'null',
  '{"a":'.repeat(40) + '1' + '}'.repeat(40),
  new Uint8Array([0x22, 0xc3, 0x28, 0x22]),
];

const badIds = [
  'x',
  '%00',
  '%zz',
  '..%2f..%2fetc',
  "1'%20or%20'1'='1",
  'ref_01KAZ0C3V7M2Q8X4T6W9Y1B5DE',
  'ref_8zzzzzzzzzzzzzzzzzzzzzzzzz',
  'ref_01kaz0c3v7m2q8x4t6w9y1b5d',
  'zzz_01kaz0c3v7m2q8x4t6w9y1b5de',
  '%F0%9F%92%A9',
  'null',
  '-1',
  'a'.repeat(3_000),
];

const badQueries = [
  'nothing=1',
  'limit=0',
  'limit=201',
  'limit=-1',
  'limit=1e2',
  'limit=abc',
  'limit=9999999999999999999999',
  'limit=',
  'limit=5&limit=6',
  'cursor=abc',
  'cursor=',
  'cursor=%00',
  'sort=password',
  'sort=',
  'sort=-id;drop%20table%20users',
  'createdAt%5Bgte%5D=yesterday',
  'createdAt%5Bgte%5D=2026-02-30T00:00:00Z',
  'createdAt%5Bxx%5D=2026-02-20T00:00:00Z',
  'status=%00',
  'status%5B%5D=approved',
  'include=everything',
  `q=${'x'.repeat(101)}`,
  `q=${'x'.repeat(9_000)}`,
  '__proto__=1',
  'constructor=1',
  'asOf=tomorrow',
  'format=exe',
  'expand=secret',
];

/** The pixel's page must not break over us, and the script is the same for everybody (api.md 4.1). */
const answersAnything: ReadonlySet<string> = new Set([
  'GET /t/sale.gif',
  'GET /t/v1.js',
  'GET /t/lightbox.js',
  'GET /f/:formId',
  'GET /apply/:programSlug',
  'GET /apply/status/:token',
  'GET /j/:recruitCode',
]);

interface Damaged {
  readonly what: string;
  readonly path: string;
  readonly options: CallOptions;
}

function damage(route: Route, next: (below: number) => number): readonly Damaged[] {
  const path = pathWith(route, ids);
  const method = route.method;
  const good = route.body === undefined ? {} : (sample(schemaOf(route.body)) as Record<string, unknown>);
  const headers = needed(route);
  const fine: CallOptions = isWrite(route) ? { method, headers, body: good } : { method };
  const out: Damaged[] = [];
  const add = (what: string, at: string, options: CallOptions): void => {
    out.push({ what, path: at, options: { ...options, method, headers: { ...headers, ...options.headers } } });
  };

  for (const name of paramsOf(route).filter((param) => param !== 'key' && param !== 'objectId'))
    for (const id of badIds) add(`${name}=${id.slice(0, 20)}`, pathWith(route, { ...ids, [name]: id }), fine);
  for (const query of badQueries) add(`?${query.slice(0, 40)}`, `${path}?${query}`, fine);
  add('Tributary-Mode: banana', path, { ...fine, headers: { 'Tributary-Mode': 'banana' } });
  add('Accept: text/html', path, { ...fine, headers: { Accept: 'text/html' } });
  if (route.permission === 'public') {
    // These two headers say nothing to a route without a credential.
    out.splice(out.length - (path.startsWith('/v1/') ? 2 : 2), 2);
  }
  if (route.idempotency !== 'none') {
    add('empty Idempotency-Key', path, { ...fine, headers: { 'Idempotency-Key': '' } });
    add('long Idempotency-Key', path, { ...fine, headers: { 'Idempotency-Key': 'k'.repeat(256) } });
    add('odd Idempotency-Key', path, { ...fine, headers: { 'Idempotency-Key': 'a b\u00e9' } });
  }
  if (route.ifMatch !== 'none') {
    add('If-Match: *', path, { ...fine, headers: { 'If-Match': '*' } });
    add('If-Match weak', path, { ...fine, headers: { 'If-Match': 'W/"1"' } });
    add('If-Match bare', path, { ...fine, headers: { 'If-Match': '1' } });
  }
  if (!isWrite(route)) return pick(out, next);

  add('text/plain', path, { ...fine, headers: { 'Content-Type': 'text/plain' } });
  // A hosted form takes a form, and answers a bad one with its page.
  if (!/^\/(f|apply)\//.test(route.path))
    add('form', path, { raw: 'a=1', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } });
  add('XML', path, { raw: '<a/>', headers: { 'Content-Type': 'application/xml' } });
  add('two types', path, { ...fine, headers: { 'Content-Type': 'application/json, text/plain' } });
  add('gzip that is none', path, { ...fine, headers: { 'Content-Encoding': 'gzip' } });
  add('unknown encoding', path, { ...fine, headers: { 'Content-Encoding': 'br' } });
  // A body that is a list by contract may be an empty one.
  for (const raw of malformed.filter((one) => !(Array.isArray(good) && one === '[]')))
    add(`body ${String(raw).slice(0, 24)}`, path, { raw });
  for (const extra of ['status', 'version', 'id', 'balance', 'admin'].filter((name) => !(name in good)))
    add(`unknown field ${extra}`, path, { body: { ...good, [extra]: 1 } });
  for (const [name, value] of Object.entries(good)) {
    // A preference is whatever a screen keeps there.
    if (route.path.startsWith('/v1/preferences/')) continue;
    for (const poison of poisons) {
      // Texts by names of the caller's own: what reads like money is as welcome as anything.
      if (freeRecords.has(name) && isTextRecord(poison)) continue;
      add(`${name}: ${(JSON.stringify(poison) ?? '').slice(0, 60)}`, path, { body: { ...good, [name]: poison } });
    }
    if (typeof value === 'string' && !/notes?$/i.test(name))
      for (const text of poisonedText)
        add(`${name}: ${JSON.stringify(text)}`, path, { body: { ...good, [name]: text } });
  }
  return pick(out, next);
}

/** All kinds, in an order that the seed says, at least `perRoute` of them or all there are. */
function pick(all: readonly Damaged[], next: (below: number) => number): readonly Damaged[] {
  const left = [...all];
  const picked: Damaged[] = [];
  while (picked.length < perRoute && left.length > 0) picked.push(...left.splice(next(left.length), 1));
  return picked;
}

/** Headers without which a route refuses at once. */
function needed(route: Route): Readonly<Record<string, string>> {
  return {
    ...(route.ifMatch === 'required' ? { 'If-Match': '"1"' } : {}),
    ...(route.idempotency === 'none' ? {} : { 'Idempotency-Key': randomUUID() }),
    ...(route.permission === 'session' ? { Cookie: browser.cookie, 'X-CSRF-Token': browser.csrf } : {}),
  };
}

let turn = 0;
function callerOf(route: Route): string | null {
  if (route.permission === 'public' || route.permission === 'session') return null;
  if (route.permission === 'instance.admin') return world.ws.key;
  turn += 1;
  return keys[turn % keys.length] ?? null;
}

/** What is wrong with an answer that should be a refusal; undefined when nothing is. */
function faultOf(answer: TestAnswer, allowed: (status: number) => boolean): string | undefined {
  const { status, body, headers, text } = answer;
  if (!allowed(status)) return `${status} ${text.slice(0, 200)}`;
  if (!(headers.get('content-type') ?? '').startsWith('application/problem+json'))
    return `${status} is no problem: ${text.slice(0, 80)}`;
  if (typeof body['code'] !== 'string' || body['code'] === 'internal')
    return `${status} without a code: ${text.slice(0, 80)}`;
  if (typeof body['requestId'] !== 'string' || body['requestId'] !== headers.get('x-request-id'))
    return `${status} without its request id`;
  return /\/work\/|node_modules|select |pg_|at .*\.ts/.test(text)
    ? `${status} tells of the inside: ${text.slice(0, 200)}`
    : undefined;
}

/** Sends them, some at once; answers in their order. */
async function sendAll(
  requests: readonly { readonly key: string | null; readonly path: string; readonly options: CallOptions }[],
): Promise<readonly TestAnswer[]> {
  const answers: TestAnswer[] = [];
  for (let i = 0; i < requests.length; i += atOnce)
    answers.push(
      ...(await Promise.all(
        requests.slice(i, i + atOnce).map(({ key, path, options }) => world.api.as(key, path, options)),
      )),
    );
  return answers;
}

describe('damaged requests', () => {
  test(`${perRoute} to each operation: refused as problems, never 500 or above, nothing changes`, async () => {
    const next = numbers(seed);
    const faults: string[] = [];
    let sent = 0;
    let before = await snapshot();
    // A snapshot reads every row of every table, a third of this test when taken after each operation: one per group names the twelve
    // among which the change was made, and the tables.
    const asked = routes.filter((one) => !answersAnything.has(nameOf(one)));
    for (let start = 0; start < asked.length; start += 12) {
      const group = asked.slice(start, start + 12);
      for (const route of group) {
        const requests = damage(route, next);
        const answers = await sendAll(requests.map((one) => ({ ...one, key: callerOf(route) })));
        sent += requests.length;
        // A public read without an id in its path can be damaged in its query only.
        expect(requests.length, nameOf(route)).toBeGreaterThanOrEqual(
          route.permission === 'public' && !isWrite(route) ? badQueries.length : 30,
        );
        answers.forEach((answer, index) => {
          const fault = faultOf(answer, (status) => status >= 400 && status < 500);
          if (fault !== undefined) faults.push(`${nameOf(route)} · ${requests[index]?.what}: ${fault}`);
        });
      }
      const after = await snapshot();
      for (const line of changed(before, after)) faults.push(`one of ${group.map(nameOf).join(', ')} changed ${line}`);
      before = after;
    }
    console.log(`${sent} damaged requests to ${routes.length} operations`);

    expect(faults).toEqual([]);
  }, 600_000);

  test('what a route needs in its headers is asked for: 428', async () => {
    const faults: string[] = [];
    for (const route of routes.filter((one) => one.idempotency === 'required' || one.ifMatch === 'required')) {
      const key = callerOf(route);
      const response = await fetch(`${world.api.url}${pathWith(route, ids)}`, {
        method: route.method,
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body: '{}',
      });
      const body = (await response.json()) as { code?: unknown };
      const wanted = route.idempotency === 'required' ? 'idempotency_key_required' : 'precondition_required';
      if (response.status !== 428 || body.code !== wanted)
        faults.push(`${nameOf(route)}: ${response.status} ${String(body.code)}`);
    }

    expect(faults).toEqual([]);
  });
});

/** The smallest body that a route with an id in its path accepts; `{}` where nothing is needed. */
function smallest(route: Route): unknown {
  if (route.body === undefined) return {};
  const last = route.path.split('/').at(-1) ?? '';
  const special: Readonly<Record<string, unknown>> = {
    'POST /v1/referrals/:referralId/checks/:checkId': { status: 'passed', reason: 'x' },
    'PUT /v1/programs/:programId/thresholds': [],
    'POST /v1/affiliates/:affiliateId/ask': { question: 'x' },
    'POST /v1/affiliates/:affiliateId/contacts': { name: 'x', email: 'x@people.example' },
    'POST /v1/affiliates/:affiliateId/breaches': { policy: 'x', evidence: 'x', action: 'warning' },
    'POST /v1/webhook-endpoints/:endpointId/replay': {
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-11-02T00:00:00.000Z',
    },
    'POST /v1/affiliates/:affiliateId/enrolments': { programId: ids['programId'] },
    'POST /v1/affiliates/:affiliateId/agreement-acceptances': { agreementId: ids['agreementId'] },
    'POST /v1/affiliates/:affiliateId/payout-methods': { type: 'sandbox', currency: 'USD', details: { account: 'ok' } },
    'POST /v1/payout-runs/:runId/exclude': { affiliateIds: [ids['affiliateId']], reason: 'x' },
    'POST /v1/payout-runs/:runId/include': { affiliateIds: [ids['affiliateId']], reason: 'x' },
    'POST /v1/payout-runs/:runId/approve': { planHash: 'sha256:x', reason: 'x' },
    'POST /v1/payout-runs/:runId/files': { format: 'generic_csv' },
    'POST /v1/payouts/:payoutId/mark-paid': { reference: 'x', paidOn: '2026-11-20' },
    'POST /v1/payouts/:payoutId/resolve': { outcome: 'paid', evidence: 'x' },
    'POST /v1/gateways/:gatewayId/funding': { amount: money('1.00'), reference: 'x' },
    'PUT /v1/gateways/:gatewayId/credentials': { credentials: null },
    'POST /v1/programs/:programId/agreements': { kind: 'terms', title: 'x', text: 'x' },
    'POST /v1/programs/:programId/products': { productId: ids['productId'] },
    'PATCH /v1/programs/:programId/products/:productId': { active: false },
    'POST /v1/sales/:saleId/disputes': { externalId: 'd1', status: 'opened' },
    'POST /v1/sales/:saleId/refunds': { externalId: 'r9' },
    'POST /v1/sales/:saleId/attribute': { affiliateId: ids['affiliateId'], programId: ids['programId'], reason: 'x' },
    'POST /v1/commissions/:commissionId/adjust': { amount: money('1.00'), reason: 'x' },
    'POST /v1/contacts/:contactId/referrer': {
      programId: ids['programId'],
      which: 'last',
      affiliateId: ids['affiliateId'],
      reason: 'x',
    },
    'POST /v1/contacts/:contactId/merge': { intoContactId: randomIdLike(ids['contactId'] ?? ''), reason: 'x' },
    'POST /v1/leads/:leadId/attribute': { affiliateId: ids['affiliateId'], programId: ids['programId'], reason: 'x' },
    'PUT /v1/preferences/:key': { value: 1 },
  };
  const found = special[nameOf(route)];
  if (found !== undefined) return found;
  if (route.method === 'PATCH') return {};
  const takesReason = 'reason' in (schemaOf(route.body).properties ?? {});
  return takesReason && last !== 'close' ? { reason: 'x' } : {};
}

const withoutRequest = (answer: TestAnswer): string => {
  const { requestId: _id, instance: _instance, ...rest } = (answer.body ?? {}) as unknown as Record<string, unknown>;
  return `${answer.status} ${JSON.stringify(rest)}`;
};

/** Names in a path that are no ids of a workspace's own objects. */
const shared = new Set(['roleId', 'section', 'key', 'gatewayId']);
/** Facts and money: an object of the other mode does not exist (api.md 1.3). */
const modal = new Set([
  'clickId',
  'leadId',
  'referralId',
  'checkId',
  'runId',
  'payoutId',
  'saleId',
  'eventId',
  'commissionId',
  'caseId',
  'postingId',
  'objectId',
]);

/** Another id of the same kind: its first letters are kept, so that only its existence differs. */
function randomIdLike(id: string): string {
  const [prefix = ''] = id.split('_');
  const [, drawn = ''] = newId('referral').split('_');
  return `${prefix}_${drawn}`;
}

/** The affiliate's own part: staff's keys are refused there whether or not the id exists (api.md 1.2). */
function isPortal(route: Route): boolean {
  return route.path.startsWith('/v1/me/');
}

describe('ids of others', () => {
  // A hook's credential is its signature: without one every address is the same 401 (paymentHook.test.ts).
  const withIds = routes.filter(
    // A hosted form is everybody's to see; an upload is asked as one where its files are made (AFF-24).
    (route) =>
      !/^\/(hooks|f|apply|j|t|unsubscribe)\//.test(route.path) &&
      route.upload !== true &&
      paramsOf(route).some((name) => !shared.has(name)),
  );

  async function compare(
    among: readonly Route[],
    keyFor: (route: Route) => string,
    wanted: readonly string[],
  ): Promise<readonly string[]> {
    const faults: string[] = [];
    const before = await snapshot();
    for (const route of among) {
      const names = paramsOf(route).filter((name) => !shared.has(name));
      const query = route.path.endsWith('/state')
        ? '?event=1'
        : route.path.endsWith('/snippet')
          ? `?affiliateId=${ids['affiliateId'] ?? ''}`
          : '';
      const random = { ...ids, ...Object.fromEntries(names.map((name) => [name, randomIdLike(ids[name] ?? '')])) };
      const options: CallOptions = isWrite(route)
        ? {
            method: route.method,
            body: smallest(route),
            headers: { ...needed(route), ...(route.ifMatch === 'none' ? {} : { 'If-Match': '"1"' }) },
          }
        : {};
      const [real, never] = await sendAll([
        { key: keyFor(route), path: `${pathWith(route, ids)}${query}`, options },
        { key: keyFor(route), path: `${pathWith(route, random)}${query}`, options: withFreshKey(options) },
      ]);
      if (real === undefined || never === undefined) throw new Error('two requests have two answers');
      if (withoutRequest(real) !== withoutRequest(never))
        faults.push(
          `${nameOf(route)}: ${withoutRequest(real).slice(0, 200)} for one that is, ${withoutRequest(never).slice(0, 200)} for one that never was`,
        );
      else if (
        !(isPortal(route) ? ['403 wrong_audience', ...wanted] : wanted).includes(`${real.status} ${real.body['code']}`)
      )
        faults.push(`${nameOf(route)}: ${withoutRequest(real).slice(0, 300)}`);
    }
    for (const line of changed(before, await snapshot())) faults.push(`changed ${line}`);
    return faults;
  }

  function withFreshKey(options: CallOptions): CallOptions {
    const headers = options.headers ?? {};
    return 'Idempotency-Key' in headers
      ? { ...options, headers: { ...headers, 'Idempotency-Key': randomUUID() } }
      : options;
  }

  test("another workspace's id is one that never was: 404, the same body", async () => {
    const faults = await compare(
      withIds.filter((route) => route.permission !== 'session'),
      () => other.key,
      ['404 not_found'],
    );

    expect(faults).toEqual([]);
  }, 120_000);

  test('a fact of the other mode is one that never was: 404, the same body', async () => {
    const faults = await compare(
      withIds.filter((route) => paramsOf(route).some((name) => modal.has(name))),
      () => world.ws.testKey,
      ['404 not_found'],
    );

    expect(faults).toEqual([]);
  }, 120_000);

  test("another affiliate's id tells an affiliate's key nothing: the answer to one that never was", async () => {
    const stranger = await world.affiliate(ids['programId'] ?? '');
    const { key } = await world.api.makePerson(world.ws, ['owner'], {
      name: 'Api',
      affiliateId: stranger,
      permissions: [...presets.owner.permissions] as Permission[],
    });
    const owned = new Set([...modal, 'affiliateId', 'enrolmentId', 'methodId', 'linkId']);
    owned.delete('checkId');
    const faults = await compare(
      withIds.filter(
        (route) =>
          paramsOf(route).some((name) => owned.has(name)) &&
          route.permission !== 'staff' &&
          route.permission !== 'session',
      ),
      () => key,
      ['404 not_found', '403 permission_missing'],
    );

    expect(faults).toEqual([]);
  }, 120_000);
});

describe('callers', () => {
  test('without the right: 403 and which one is missing', async () => {
    const { key } = await world.api.makePerson(world.ws, ['owner'], { name: 'Nobody', permissions: [] });
    const faults: string[] = [];
    const before = await snapshot();
    for (const route of routes) {
      if (['public', 'any', 'session', 'staff'].includes(route.permission)) continue;
      const [answer] = await sendAll([
        {
          key,
          path: pathWith(route, ids),
          options: isWrite(route) ? { method: route.method, body: smallest(route), headers: needed(route) } : {},
        },
      ]);
      const isRefused = isPortal(route)
        ? answer?.body['code'] === 'wrong_audience'
        : answer?.body['code'] === 'permission_missing' && answer.body['missingPermission'] === route.permission;
      if (answer?.status !== 403 || !isRefused)
        faults.push(`${nameOf(route)}: ${answer?.status} ${answer?.text.slice(0, 120)}`);
    }

    expect(faults).toEqual([]);
    expect(changed(before, await snapshot())).toEqual([]);
  }, 60_000);

  test('without a credential, or with a bad one: 401 and WWW-Authenticate', async () => {
    const faults: string[] = [];
    const before = await snapshot();
    for (const route of routes.filter((one) => one.permission !== 'public')) {
      for (const key of [null, 'nonsense', 'sk_live_00000000000000000000000000000000000000', 'pk_live_x']) {
        const answer = await world.api.as(
          key,
          pathWith(route, ids),
          isWrite(route) ? { method: route.method, body: smallest(route) } : {},
        );
        const isRight =
          answer.status === 401 &&
          answer.body['code'] === 'unauthenticated' &&
          answer.headers.get('www-authenticate') === 'Bearer';
        if (!isRight)
          faults.push(`${nameOf(route)} with ${String(key)}: ${answer.status} ${answer.text.slice(0, 120)}`);
      }
    }

    expect(faults).toEqual([]);
    expect(changed(before, await snapshot())).toEqual([]);
  }, 60_000);
});

test('a key may ask 600 times a minute, then 429 with the seconds to wait; another key of the same workspace goes on (api.md 1.10)', async () => {
  const { key } = await world.api.makePerson(world.ws, ['owner'], { name: 'Eager' });
  let refused: TestAnswer | undefined;
  let allowed = 0;
  // The window is a minute of the clock: where it turns in between, the count begins anew.
  for (; refused === undefined && allowed <= 1_201; ) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => world.api.as(key, '/v1/me')));
    refused = answers.find((one) => one.status === 429);
    allowed += answers.filter((one) => one.status === 200).length;
  }

  expect(allowed).toBeGreaterThanOrEqual(600);
  expect(refused?.body).toMatchObject({ code: 'rate_limited' });
  expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(refused?.headers.get('ratelimit')).toMatch(/r=0;t=\d+/);
  expect(await world.as('/v1/me')).toMatchObject({ status: 200 });
});

test('ADM-07: a list that searches finds nothing under a name that nobody has, and one that cannot search refuses q', async () => {
  const affiliateKey = (
    await world.api.makePerson(world.ws, ['owner'], {
      name: 'Searcher',
      affiliateId: ids['affiliateId'] ?? '',
      permissions: ['me.read', 'me.write'],
    })
  ).key;
  for (const { id } of (await world.api.as(affiliateKey, '/v1/me/agreements')).body['data'] as readonly {
    readonly id: string;
  }[])
    await world.api.as(affiliateKey, `/v1/me/agreements/${id}/accept`, { method: 'POST', body: {} });
  const faults: string[] = [];
  const searching: string[] = [];
  const lists = routes.filter((route) => {
    const names = route.query === undefined ? [] : Object.keys(schemaOf(route.query).properties ?? {});
    return route.method === 'GET' && names.includes('limit') && names.includes('cursor');
  });
  for (const route of lists) {
    const key = isPortal(route) ? affiliateKey : world.ws.key;
    const path = pathWith(route, ids);
    const names = Object.keys(schemaOf(route.query ?? z.strictObject({})).properties ?? {});
    const answer = await world.api.as(key, `${path}?q=nobody-is-called-this`);
    if (answer.status === 403 && route.permission === 'session') continue; // for people, not for keys
    if (paramsOf(route).some((name) => ids[name] === undefined)) continue; // nothing of that kind is here
    const rows = answer.body?.['data'] as readonly unknown[] | undefined;
    if (names.includes('q')) {
      searching.push(path);
      if (answer.status !== 200 || rows?.length !== 0)
        faults.push(`${nameOf(route)}: ${answer.status} ${rows?.length}`);
    } else if (answer.status !== 422 || !answer.text.includes('"parameter":"q"'))
      faults.push(`${nameOf(route)} does not search and answers ${answer.status} ${answer.text.slice(0, 120)}`);
  }

  expect(faults).toEqual([]);
  expect(lists.length).toBeGreaterThan(60);
  expect(searching.length).toBeGreaterThan(15);
}, 60_000);

test('ROL-03: rights for assigned rows show nothing of an affiliate who is not assigned, in no list and by no id', async () => {
  const held: readonly Permission[] = presets.owner.permissions;
  const reads = held.filter((permission) => permission.endsWith('.read') && mayAssignedReachHold(permission));
  const role = await world.as('/v1/roles', { name: 'Reads the assigned', permissions: reads, reach: 'assigned' });
  expect(role.status, role.text).toBe(201);
  const { user, key } = await world.api.makePerson(world.ws, ['owner'], { name: 'Manager' });
  const given = { method: 'PATCH', body: { roleIds: [String(role.body['id'])] } } as const;
  expect((await world.api.as(world.ws.key, `/v1/users/${user.id}`, given)).status).toBe(200);
  const affiliateId = ids['affiliateId'] ?? '';
  const read = routes.filter((route) => route.method === 'GET' && route.permission !== 'public' && !isPortal(route));
  const faults: string[] = [];
  const named = new Set<string>();
  for (const route of read) {
    const says = ({ text }: TestAnswer): boolean => text.includes(affiliateId);
    const path = pathWith(route, ids);
    if (says(await world.api.as(world.ws.key, path))) named.add(route.path);
    const answer = await world.api.as(key, path);
    if (answer.status === 200 && says(answer)) faults.push(`${nameOf(route)}: ${answer.text.slice(0, 300)}`);
  }

  expect(faults).toEqual([]);
  expect(named.size).toBeGreaterThan(25);
}, 120_000);

test('every route stands in the tables of api.md', () => {
  // GET of one gateway is not on the page, which lists them all in one answer; what a payment source sent is ours (docs/decisions/0081), and
  // so is what a second person finds an open entry by (0320), where documents wait and an affiliate sends its own (0430), and
  // what rejects both levels of a sale (0620), and closing a period (0980), and the plans of a run and
  // what differs between them (1020), and the company's provider of a workspace with the buttons of those there are (1160).
  const beside = new Set([
    'GET /v1/console/risk',
    'GET /v1/gateways/{}',
    'GET /v1/payment-sources/{}/events',
    'GET /v1/ledger-adjustments',
    'GET /v1/ledger-adjustments/{}',
    'POST /v1/ledger-adjustments/{}/reject',
    'GET /v1/ledger-periods',
    'POST /v1/ledger-periods',
    'GET /v1/payout-runs/{}/plans',
    'GET /v1/payout-runs/{}/changes',
    'GET /v1/documents',
    'GET /v1/me/documents',
    'POST /v1/me/documents',
    'GET /v1/me/documents/{}/content',
    'POST /v1/me/links/{}/check',
    'POST /v1/sales/{}/reject',
    'GET /v1/auth/oidc/providers',
    'GET /v1/sign-in-provider',
    'PUT /v1/sign-in-provider',
  ]);
  const page = new Set(contractPaths);
  const here = routes.map((route) => nameOf(route).replaceAll(/:[A-Za-z]+/g, '{}'));
  const missing = contractPaths.filter((path) => !here.includes(path));
  console.log(`${missing.length} of the ${contractPaths.length} operations of api.md are not built yet`);

  expect(here.filter((path) => !page.has(path) && !beside.has(path))).toEqual([]);
  expect(here.filter((path, index) => here.indexOf(path) !== index)).toEqual([]);
});
