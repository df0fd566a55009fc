import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { listQuery } from '../../api/lists.js';
import { answer } from '../../api/answer.js';
import { decide } from '../../api/decide.js';
import { defineRoute } from '../../api/route.js';
import {
  dateWire,
  decisionBody,
  durationWire,
  emailWire,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  moneyWire,
  nameText,
  negativeDecisionBody,
  ppmWire,
  reasonOf,
} from '../../api/schemas/wire.js';
import { recordAudit } from '../../db/audit/audit.js';
import { lockDecision, settleDecision } from '../../db/audit/decision.js';
import { keyset } from '../../db/reads/keyset.js';
import { inWorkspace, notify } from '../../db/transaction.js';
import { DomainError } from '../../domain/errors.js';
import { eventually } from '../support/eventually.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from './support.js';

// The kernel's promises, on routes made for it: the product's own routes need not repeat them.

const everything = z.strictObject({
  name: nameText,
  price: moneyWire.exactOptional(),
  ratePpm: ppmWire.exactOptional(),
  at: instantWire.exactOptional(),
  day: dateWire.exactOptional(),
  wait: durationWire.exactOptional(),
  email: emailWire.exactOptional(),
  programId: idWire('program').exactOptional(),
  metadata: metadataWire.exactOptional(),
  fail: z.boolean().exactOptional(),
});
const thingWire = z.strictObject({ id: z.string(), seen: everything, workId: z.string() });

let runs = 0;

const make = defineRoute({
  method: 'POST',
  path: '/v1/things',
  permission: 'sale.write',
  idempotency: 'required',
  body: everything,
  reply: thingWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      runs += 1;
      const id = deps.newId('sale');
      await recordAudit(tx, act, { objectType: 'thing', objectId: id, seq: 1, event: 'made', to: 'made' });
      if (ctx.body.fail === true) throw new DomainError('resource.already_exists', { field: 'name' });
      if (ctx.body.name === 'slow') await tx.raw('select pg_sleep(1)');
      return answer({ id, seen: ctx.body, workId: deps.newId('request') }, { location: `/v1/things/${id}` });
    }),
});

const listThings = defineRoute({
  method: 'GET',
  path: '/v1/things',
  permission: 'sale.read',
  query: listQuery({ event: z.string().exactOptional() }),
  reply: listOf(z.strictObject({ id: z.string(), event: z.string() })),
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const page = ctx.page(ctx.query);
      const query = keyset(tx('audit_entries').where({ object_type: 'thing' }), page, { createdAt: 'at' });
      if (ctx.query.event !== undefined) query.where({ event: ctx.query.event });
      const rows = await query.select<{ id: string; event: string; at: string }[]>('id', 'event', 'at');
      return ctx.list(
        rows,
        page,
        ({ id, event }) => ({ id, event }),
        ({ id, at }) => ({ value: at, id }),
      );
    }),
});

const decidable = { status: 'pending' };
const decideThing = defineRoute({
  method: 'POST',
  path: '/v1/things/:saleId/approve',
  permission: 'referral.decide',
  params: z.strictObject({ saleId: idWire('sale') }),
  body: decisionBody,
  reply: z.strictObject({ id: z.string(), status: z.string() }),
  refuses: ['referral.already_decided'],
  handle: (ctx, deps) =>
    decide(ctx, deps, {
      verb: 'approve',
      objectType: 'things',
      objectId: ctx.params.saleId,
      workflowType: 'referral',
      workflowId: `thing/${ctx.params.saleId}`,
      signal: 'approve',
      input: { id: ctx.params.saleId },
      reason: reasonOf(ctx.body),
      check: () => Promise.resolve(),
      present: () => Promise.resolve({ id: ctx.params.saleId, status: decidable.status }),
    }),
});

const rejectThing = defineRoute({
  method: 'POST',
  path: '/v1/things/:saleId/reject',
  permission: 'referral.decide',
  params: z.strictObject({ saleId: idWire('sale') }),
  body: negativeDecisionBody,
  reply: z.strictObject({ reasonCode: z.string() }),
  refuses: [],
  handle: (ctx) => Promise.resolve({ reasonCode: reasonOf(ctx.body).reasonCode }),
});

const break500 = defineRoute({
  method: 'GET',
  path: '/v1/broken',
  permission: 'any',
  reply: z.strictObject({}),
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      await tx.raw('select secret_column from no_such_table');
      return {};
    }),
});

let api: TestApi;
let shop: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi({ routes: [make, listThings, decideThing, rejectThing, break500] });
  shop = await api.makeWorkspace();
});
afterAll(() => api.close());

const post = (body: unknown, key: string = randomUUID()) =>
  api.as(shop.key, '/v1/things', { body, headers: { 'Idempotency-Key': key } });

describe('Idempotency-Key (api.md 1.4)', () => {
  test('32 copies at once have one effect; repeats get the stored bytes', async () => {
    const key = randomUUID();
    const before = runs;
    const answers = await Promise.all(Array.from({ length: 32 }, () => post({ name: 'slow' }, key)));
    const repeat = await post({ name: 'slow' }, key);

    expect(runs - before).toBe(1);
    const made = answers.filter(({ status }) => status === 201);
    const waiting = answers.filter(({ status }) => status === 409);
    expect(made.length + waiting.length).toBe(32);
    for (const one of waiting) {
      expect(one.body).toMatchObject({ code: 'idempotency_in_progress' });
      expect(one.headers.get('retry-after')).toBe('1');
    }
    expect(repeat.status).toBe(201);
    expect(repeat.text).toBe(made[0]?.text);
    expect(repeat.headers.get('idempotent-replayed')).toBe('true');
    expect(repeat.headers.get('location')).toBe(made[0]?.headers.get('location'));
  });

  test('another body is refused and names the first request; order of fields does not count', async () => {
    const key = randomUUID();
    const first = await post({ name: 'a', metadata: { x: '1' } }, key);
    const reordered = await api.as(shop.key, '/v1/things', {
      raw: '{ "metadata": {"x":"1"}, "name":"a" }',
      headers: { 'Idempotency-Key': key, 'Content-Type': 'application/json' },
    });
    const other = await post({ name: 'b' }, key);

    expect(reordered.text).toBe(first.text);
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    expect(other.body['firstRequestId']).toBe(first.headers.get('x-request-id'));
  });

  test('a refusal frees the key and leaves nothing behind', async () => {
    const key = randomUUID();
    const refused = await post({ name: 'c', fail: true }, key);
    const again = await post({ name: 'c' }, key);

    expect(refused).toMatchObject({ status: 409, body: { code: 'already_exists', field: 'name' } });
    expect(again.status).toBe(201);
  });

  test('the other mode and another person have keys of their own', async () => {
    const key = randomUUID();
    const ben = await api.makePerson(shop, ['developer']);
    const answers = await Promise.all(
      [shop.key, shop.testKey, ben.key].map((who) =>
        api.as(who, '/v1/things', { body: { name: 'd' }, headers: { 'Idempotency-Key': key } }),
      ),
    );

    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => String(body['id']))).size).toBe(3);
  });

  test.each([
    { key: '', status: 400, code: 'invalid_header' },
    { key: 'x'.repeat(256), status: 400, code: 'invalid_header' },
    { key: 'two words', status: 400, code: 'invalid_header' },
    { key: 'ü', status: 400, code: 'invalid_header' },
    { key: 'x'.repeat(255), status: 201, code: undefined },
  ])('a key of the form "$key" is $status', async ({ key, status, code }) => {
    const made = await post({ name: 'e' }, key);

    expect(made).toMatchObject(code === undefined ? { status } : { status, body: { code } });
  });

  test('without a key on a row that needs one: 428', async () => {
    const response = await fetch(`${api.url}/v1/things`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${shop.key}`, 'Content-Type': 'application/json' },
      body: '{"name":"f"}',
    });

    expect(response.status).toBe(428);
  });
});

describe('values (api.md 1.1)', () => {
  test.each<{ field: string; value: unknown; seen: unknown }>([
    { field: 'price', value: { amount: '12.3', currency: 'USD' }, seen: { amount: '12.30', currency: 'USD' } },
    { field: 'price', value: { amount: '1000', currency: 'JPY' }, seen: { amount: '1000', currency: 'JPY' } },
    { field: 'price', value: { amount: '1.234', currency: 'KWD' }, seen: { amount: '1.234', currency: 'KWD' } },
    { field: 'at', value: '2026-11-20T10:30:00+01:00', seen: '2026-11-20T09:30:00.000Z' },
    { field: 'day', value: '2028-02-29', seen: '2028-02-29' },
    { field: 'wait', value: 'PT15M', seen: 'PT15M' },
    { field: 'name', value: '  O\u2019Brien 👨‍👩‍👧 🇦🇹  ', seen: 'O\u2019Brien 👨‍👩‍👧 🇦🇹' },
    { field: 'name', value: 'e\u0301', seen: 'é' },
    { field: 'metadata', value: { toString: 'plain' }, seen: { toString: 'plain' } },
    { field: 'email', value: 'Ada@Blog.Example', seen: 'ada@blog.example' },
  ])('$field $value is taken as $seen', async ({ field, value, seen }) => {
    const made = await post({ name: 'g', [field]: value });

    expect(made.status).toBe(201);
    expect(made.body['seen']).toMatchObject({ [field]: seen });
  });

  test.each([
    { body: {}, pointer: '#/name', code: 'required' },
    { body: { name: '' }, pointer: '#/name', code: 'too_short' },
    { body: { name: ' \u200b ' }, pointer: '#/name', code: 'too_short' },
    { body: { name: 'a\u202eb' }, pointer: '#/name', code: 'bad_format' },
    { body: { name: 'a\nb' }, pointer: '#/name', code: 'bad_format' },
    { body: { name: 'x'.repeat(201) }, pointer: '#/name', code: 'too_long' },
    { body: { name: 5 }, pointer: '#/name', code: 'wrong_type' },
    { body: { name: null }, pointer: '#/name', code: 'wrong_type' },
    { body: { name: 'a', Name: 'b' }, pointer: '#/Name', code: 'unknown_field' },
    {
      body: { name: 'a', price: { amount: '49.999', currency: 'USD' } },
      pointer: '#/price/amount',
      code: 'too_many_decimals',
    },
    {
      body: { name: 'a', price: { amount: '1.5', currency: 'JPY' } },
      pointer: '#/price/amount',
      code: 'too_many_decimals',
    },
    {
      body: { name: 'a', price: { amount: '1,000.00', currency: 'USD' } },
      pointer: '#/price/amount',
      code: 'bad_format',
    },
    { body: { name: 'a', price: { amount: '-1', currency: 'USD' } }, pointer: '#/price/amount', code: 'bad_format' },
    { body: { name: 'a', price: { amount: '1e309', currency: 'USD' } }, pointer: '#/price/amount', code: 'bad_format' },
    { body: { name: 'a', price: { amount: 10.1, currency: 'USD' } }, pointer: '#/price/amount', code: 'wrong_type' },
    {
      body: { name: 'a', price: { amount: '1', currency: 'XXX' } },
      pointer: '#/price/currency',
      code: 'unknown_currency',
    },
    {
      body: { name: 'a', price: { amount: '9'.repeat(400), currency: 'USD' } },
      pointer: '#/price/amount',
      code: 'out_of_range',
    },
    { body: { name: 'a', ratePpm: -1 }, pointer: '#/ratePpm', code: 'out_of_range' },
    { body: { name: 'a', ratePpm: 1_000_001 }, pointer: '#/ratePpm', code: 'out_of_range' },
    { body: { name: 'a', ratePpm: '200000' }, pointer: '#/ratePpm', code: 'wrong_type' },
    { body: { name: 'a', ratePpm: 0.5 }, pointer: '#/ratePpm', code: 'wrong_type' },
    { body: { name: 'a', at: '2026-11-20T10:30:00' }, pointer: '#/at', code: 'bad_format' },
    { body: { name: 'a', at: '2026-02-30T10:30:00Z' }, pointer: '#/at', code: 'bad_format' },
    { body: { name: 'a', day: '2025-02-29' }, pointer: '#/day', code: 'bad_format' },
    { body: { name: 'a', wait: 'P1M' }, pointer: '#/wait', code: 'bad_format' },
    { body: { name: 'a', email: 'a@b' }, pointer: '#/email', code: 'bad_format' },
    { body: { name: 'a', email: 'a@b.org\nBcc:x@y.org' }, pointer: '#/email', code: 'bad_format' },
    { body: { name: 'a', programId: 'sal_01kaz0c3v7m2q8x4t6w9y1b5de' }, pointer: '#/programId', code: 'bad_format' },
    { body: { name: 'a', metadata: { k: 'v'.repeat(501) } }, pointer: '#/metadata/k', code: 'too_long' },
    { body: { name: 'a', metadata: { k: 1 } }, pointer: '#/metadata/k', code: 'wrong_type' },
    {
      body: { name: 'a', metadata: { ['k'.repeat(41)]: 'v' } },
      pointer: `#/metadata/${'k'.repeat(41)}`,
      code: 'bad_format',
    },
    {
      body: { name: 'a', metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, 'v'])) },
      pointer: '#/metadata',
      code: 'too_long',
    },
  ])('$body is refused at $pointer as $code', async ({ body, pointer, code }) => {
    const before = runs;
    const refused = await post(body);

    expect(refused.status).toBe(422);
    expect(refused.body['code']).toBe('validation_failed');
    expect(refused.body['errors']).toEqual([expect.objectContaining({ pointer, code })]);
    expect(runs).toBe(before);
  });

  test('all field errors come at once', async () => {
    const refused = await post({ ratePpm: -1, day: 'x' });

    expect(itemsOf(refused.body['errors']).map((error) => error['pointer'])).toEqual(['#/name', '#/ratePpm', '#/day']);
    expect(refused.body['detail']).toBe('3 fields are not valid.');
  });

  test('role, user and workspace in a body count for nothing (ROL-07)', async () => {
    const body = {
      name: 'h',
      role: 'owner',
      roles: ['owner'],
      permissions: ['x'],
      userId: 'usr_1',
      workspaceId: 'ws_1',
    };
    const made = await post(body);

    expect(made.status).toBe(201);
    expect(made.body['seen']).toEqual({ name: 'h' });
  });

  test('a negative decision needs a reason, a positive one none', async () => {
    const path = '/v1/things/sal_01kaz0c3v7m2q8x4t6w9y1b5de/reject';
    const without = await api.as(shop.key, path, { body: {} });
    const withText = await api.as(shop.key, path, { body: { reason: 'Not a customer' } });
    const withCode = await api.as(shop.key, path, { body: { reasonCode: 'fraud', publicReason: 'See the terms.' } });

    expect(without.body['errors']).toEqual([expect.objectContaining({ pointer: '#/reason', code: 'required' })]);
    expect(withText.body).toEqual({ reasonCode: 'staff_decision' });
    expect(withCode.body).toEqual({ reasonCode: 'fraud' });
  });
});

describe('lists (api.md 1.6)', () => {
  test('pages hold each row once; the cursor is bound to filters, mode and workspace', async () => {
    const other = await api.makeWorkspace({ name: 'Other' });
    for (let i = 0; i < 5; i += 1) await api.as(other.key, '/v1/things', { body: { name: `row ${i}` } });

    const ids: string[] = [];
    let path: string | null = '/v1/things?limit=2&event=made';
    let cursor = '';
    while (path !== null) {
      const page = await api.as(other.key, path);
      expect(page.status).toBe(200);
      ids.push(...itemsOf(page.body['data']).map((row) => String(row['id'])));
      const next: string | null = page.body['nextCursor'] ?? null;
      if (next !== null) {
        cursor = next;
        expect(page.headers.get('link')).toContain('rel="next"');
      }
      path = next === null ? null : `/v1/things?limit=2&event=made&cursor=${next}`;
    }
    expect(ids).toHaveLength(5);
    expect(new Set(ids).size).toBe(5);

    const tries = await Promise.all([
      api.as(other.key, `/v1/things?event=other&cursor=${cursor}`),
      api.as(other.testKey, `/v1/things?event=made&cursor=${cursor}`),
      api.as(shop.key, `/v1/things?event=made&cursor=${cursor}`),
      api.as(other.key, `/v1/things?event=made&sort=createdAt&cursor=${cursor}`),
      api.as(other.key, `/v1/things?event=made&cursor=${cursor.slice(0, -2)}xx`),
      api.as(other.key, '/v1/things?cursor=W10.x'),
    ]);
    for (const one of tries) expect(one).toMatchObject({ status: 422, body: { code: 'invalid_cursor' } });
  });

  test.each(['limit=0', 'limit=-1', 'limit=1.5', 'limit=201', 'limit=1e9', 'limit=abc', 'limit=%00'])(
    '?%s is refused',
    async (query) => {
      const refused = await api.as(shop.key, `/v1/things?${query}`);

      expect(refused.status).toBe(422);
      expect(refused.body['errors']).toEqual([expect.objectContaining({ parameter: 'limit', code: 'out_of_range' })]);
    },
  );

  test.each([
    ['sort=password_hash', 'not_in_list'],
    ['sort=createdAt;drop', 'not_in_list'],
    ['sort=__proto__', 'not_in_list'],
    ['expand=users.apiKeys', 'not_in_list'],
    ['fields=*', 'unknown_parameter'],
    ['event=a&event=b', 'bad_format'],
    ['__proto__=x', 'unknown_parameter'],
  ])('?%s is refused as %s', async (query, code) => {
    const refused = await api.as(shop.key, `/v1/things?${query}`);

    expect(refused.status).toBe(422);
    expect(refused.body['errors']?.[0]?.['code']).toBe(code);
  });
});

describe('decisions (api.md 1.8)', () => {
  const thing = () => api.deps.newId('sale');

  /** What the workflow's activity does: settles the row, then tells who waits. */
  async function settle(objectId: string, state: 'done' | 'refused', params = {}): Promise<void> {
    const id = await eventually(async () => {
      const { rows } = await inWorkspace(api.db, shop.id, (tx) =>
        tx.raw<{ rows: { id: string }[] }>(`select id from decisions where object_id = ? and state = 'open'`, [
          objectId,
        ]),
      );
      return rows[0]?.id;
    });
    await inWorkspace(api.db, shop.id, async (tx, now) => {
      await lockDecision(tx, id);
      const code = state === 'refused' ? { code: 'referral.already_decided' } : {};
      settleDecision(tx, api.act(shop.id, now), id, { state, ...code, params });
    });
    await notify(api.db, 'decision', id);
  }

  test('the outcome within five seconds is the answer, and its signal is in the outbox', async () => {
    const id = thing();
    decidable.status = 'approved';
    const [decided] = await Promise.all([
      api.as(shop.key, `/v1/things/${id}/approve`, { body: { reason: 'ok' } }),
      settle(id, 'done'),
    ]);

    expect(decided).toMatchObject({ status: 200, body: { id, status: 'approved' } });
    const { rows } = await inWorkspace(api.db, shop.id, (tx) =>
      tx.raw<{ rows: { priority: number; payload: { signal: string } }[] }>(
        `select priority, payload from outbox where ordering_key = ?`,
        [`thing/${id}`],
      ),
    );
    expect(rows).toMatchObject([{ priority: 2, payload: { signal: 'approve' } }]);
  });

  test('a refusal is 409 with who decided; the same key again is answered alike, another body is not', async () => {
    const id = thing();
    const key = randomUUID();
    const call = (body: unknown) =>
      api.as(shop.key, `/v1/things/${id}/approve`, { body, headers: { 'Idempotency-Key': key } });
    const params = {
      currentStatus: 'approved',
      decidedBy: shop.owner.id,
      decidedAt: '2026-11-20T09:30:00.000Z',
      allowedActions: ['reject'],
    };
    const [refused] = await Promise.all([call({}), settle(id, 'refused', params)]);
    const again = await call({});
    const other = await call({ reason: 'other' });

    expect(refused).toMatchObject({
      status: 409,
      body: {
        code: 'already_decided',
        detail: 'Already approved by Ana.',
        currentStatus: 'approved',
        decidedBy: { id: shop.owner.id, name: 'Ana' },
        allowedActions: ['reject'],
      },
    });
    expect(again.status).toBe(409);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
  });

  test('without an outcome it is 202 with an operation; the decision is kept, and its repeat waits for the same one', async () => {
    const id = thing();
    const key = randomUUID();
    const call = () => api.as(shop.key, `/v1/things/${id}/approve`, { body: {}, headers: { 'Idempotency-Key': key } });
    const accepted = await call();
    const [repeat] = await Promise.all([call(), settle(id, 'done')]);

    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('location')).toBe(`/v1/operations/${accepted.body['id']}`);
    expect(accepted.body).toMatchObject({
      object: 'operation',
      kind: 'things.approve',
      status: 'running',
      progress: { total: 1, done: 0 },
      requestedBy: { type: 'api_key', name: 'Ana' },
    });
    expect(repeat.status).toBe(200);
    const { rows } = await inWorkspace(api.db, shop.id, (tx) =>
      tx.raw<{ rows: { count: bigint }[] }>('select count(*) from decisions where object_id = ?', [id]),
    );
    expect(rows[0]?.count).toBe(1n);
  });
});

test('our fault is a fixed text: no SQL, no stack, no name of a table', async () => {
  const broken = await api.as(shop.key, '/v1/broken');

  expect(broken.status).toBe(500);
  expect(broken.body['code']).toBe('internal');
  expect(broken.text).not.toMatch(/secret_column|no_such_table|select|at .*\.ts/);
});
