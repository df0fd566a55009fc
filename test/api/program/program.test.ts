import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyDueChanges } from '../../../db/program/programChange.js';
import { readReferralTerms } from '../../../db/reads/earning/referralTerms.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import { newId } from '../../../platform/newId.js';
import { startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { dataOf, makeAffiliate, makeProgram, withoutRequest } from './support.js';

let api: TestApi;
let ws: TestWorkspace;

beforeAll(async () => {
  api = await startTestApi();
  ws = await api.makeWorkspace();
});
afterAll(() => api.close());

const create = (body: Readonly<Record<string, unknown>>) =>
  api.as(ws.key, '/v1/programs', { body: { name: `P ${newId('program').slice(-8)}`, currency: 'USD', ...body } });
const patch = async (id: string, body: Readonly<Record<string, unknown>>) => {
  const current = await api.as(ws.key, `/v1/programs/${id}`);
  return api.as(ws.key, `/v1/programs/${id}`, {
    method: 'PATCH',
    body,
    headers: { 'If-Match': current.headers.get('etag') ?? '' },
  });
};

describe('creating', () => {
  test('a name is used once in a workspace; a slug once in the installation, found without telling whose it is', async () => {
    const first = await create({ name: 'Winter Sale' });
    expect(first.body['slug']).toBe('winter-sale');
    expect((await create({ name: 'WINTER sale' })).body).toMatchObject({ code: 'already_exists', field: 'name' });
    expect((await create({ slug: 'winter-sale' })).body).toMatchObject({ code: 'already_exists', field: 'slug' });
    const other = await api.makeWorkspace();
    const theirs = await api.as(other.key, '/v1/programs', { body: { name: 'Winter Sale', currency: 'EUR' } });
    expect(theirs.status, theirs.text).toBe(201);
    expect(theirs.body['slug']).toMatch(/^winter-sale-[0-9a-z]{8}$/);
  });

  test('hosts come from landing and fallback page, addresses are judged', async () => {
    const made = await create({ landingUrl: 'https://SHOP.example', fallbackUrl: 'https://help.shop.example/x' });
    expect(made.body).toMatchObject({
      landingUrl: 'https://shop.example/',
      destinationHosts: ['shop.example', 'help.shop.example'],
    });
    expect((await create({ landingUrl: 'javascript:alert(1)' })).body).toMatchObject({
      code: 'url_not_allowed',
      field: 'landingUrl',
    });
    expect((await create({ fallbackUrl: 'http://localhost:3000/x/y' })).body).toMatchObject({
      code: 'url_not_allowed',
      problem: 'own_host',
    });
  });

  test.each([
    ['an unknown currency', { currency: 'XXX' }, '#/currency', 'unknown_currency'],
    ['eleven levels', { levels: 11 }, '#/levels', 'out_of_range'],
    ['a level as text', { levels: '2' }, '#/levels', 'wrong_type'],
    ['a status', { status: 'active' }, '#/status', 'unknown_field'],
    ['a zone of no map', { timeZone: 'Mars/Olympus' }, '#/timeZone', 'not_in_list'],
    ['a reserved slug', { slug: 'admin' }, '#/slug', 'not_allowed_here'],
    ['a host with a path', { destinationHosts: ['shop.example/x'] }, '#/destinationHosts/0', 'bad_format'],
    ['our own host', { destinationHosts: ['localhost:3000'] }, '#/destinationHosts/0', 'not_allowed_here'],
    ['a window in months', { attributionWindow: 'P1M' }, '#/attributionWindow', 'bad_format'],
    [
      'a commission mail without a text',
      { commissionEmail: { enabled: true, templateId: null } },
      '#/commissionEmail/templateId',
      'required',
    ],
    ['a check twice', { requiredChecks: ['fraud', 'fraud'] }, '#/requiredChecks', 'already_used'],
    [
      'a review limit in another currency',
      { reviewAbove: { amount: '1.00', currency: 'EUR' } },
      '#/reviewAbove/currency',
      'not_allowed_here',
    ],
  ])('%s is a field error', async (_rule, body, pointer, code) => {
    const answer = await create(body);
    expect(answer.status, answer.text).toBe(422);
    expect(answer.body['errors']).toMatchObject([{ pointer, code }]);
  });
});

describe('PRG-17: terms with an effective date', () => {
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const holdNow = (id: string) =>
    readWorkspace(api.db, ws.id, async (tx) => (await readReferralTerms(tx, id)).commissionHold);
  const pass = () => inWorkspace(api.db, ws.id, (tx, now) => applyDueChanges(tx, api.act(ws.id, now)));

  test('a planned change holds from its instant and not before, then stands in the row with a version of its own', async () => {
    const id: string = (await create({ commissionHold: 'P10D', referralApproval: 'automatic' })).body['id'];
    const effectiveFrom = soon(2_500);
    const planned = await patch(id, { commissionHold: 'P40D', referralApproval: null, levels: 2, effectiveFrom });
    expect(planned.status, planned.text).toBe(200);
    expect(planned.body).toMatchObject({
      commissionHold: 'P10D',
      levels: 1,
      version: 2,
      scheduled: [{ effectiveFrom, after: { commissionHold: 'P40D', referralApproval: null, levels: 2 } }],
    });
    expect(await pass()).toBe(0);
    expect(await holdNow(id)).toBe('P10D');

    // Nobody has written it yet, and it holds.
    await expect.poll(() => holdNow(id), { timeout: 20_000 }).toBe('P40D');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(effectiveFrom));
    expect((await api.as(ws.key, `/v1/programs/${id}`)).body).toMatchObject({ commissionHold: 'P10D', version: 2 });
    expect(await pass()).toBe(1);
    expect(await pass()).toBe(0);

    const after = (await api.as(ws.key, `/v1/programs/${id}`)).body;
    expect(after).toMatchObject({
      commissionHold: 'P40D',
      referralApproval: 'manual',
      levels: 2,
      version: 3,
      scheduled: [],
    });
    const versions = dataOf(await api.as(ws.key, `/v1/programs/${id}/versions`));
    expect(versions.map((one) => [one['version'], one['event']])).toEqual([
      [3, 'edited'],
      [2, 'changePlanned'],
      [1, 'created'],
    ]);
    expect(versions[0]).toMatchObject({ by: { type: 'system' }, before: { levels: 1 }, after: { levels: 2 } });
  });

  test('what is planned for an instant is replaced, and taken back by its instant alone', async () => {
    const id: string = (await create({ commissionHold: 'P10D' })).body['id'];
    const effectiveFrom = soon(3_600_000);
    await patch(id, { commissionHold: 'P20D', effectiveFrom });
    const replaced = await patch(id, { commissionHold: 'P30D', effectiveFrom });
    expect(replaced.body['scheduled']).toEqual([{ effectiveFrom, after: { commissionHold: 'P30D' } }]);
    const later = soon(7_200_000);
    const two = await patch(id, { attributionWindow: 'P7D', effectiveFrom: later });
    expect(two.body['scheduled']).toHaveLength(2);

    const back = await patch(id, { effectiveFrom });
    expect(back.body['scheduled']).toEqual([{ effectiveFrom: later, after: { attributionWindow: 'P7D' } }]);
    const again = await patch(id, { effectiveFrom });
    expect(again.body['version']).toBe(back.body['version']);
  });

  test.each([
    [
      'the past',
      { commissionHold: 'P20D', effectiveFrom: '2026-01-01T00:00:00.000Z' },
      '#/effectiveFrom',
      'out_of_range',
    ],
    ['another name', { name: 'Later', effectiveFrom: '2099-01-01T00:00:00.000Z' }, '#/name', 'not_allowed_here'],
    [
      'another currency',
      { currency: 'EUR', effectiveFrom: '2099-01-01T00:00:00.000Z' },
      '#/currency',
      'not_allowed_here',
    ],
    [
      'a mail text',
      { commissionEmail: { enabled: false, templateId: null }, effectiveFrom: '2099-01-01T00:00:00.000Z' },
      '#/commissionEmail',
      'not_allowed_here',
    ],
    ['no instant', { commissionHold: 'P20D', effectiveFrom: 'tomorrow' }, '#/effectiveFrom', 'bad_format'],
    [
      'a bad window',
      { attributionWindow: 'P1M', effectiveFrom: '2099-01-01T00:00:00.000Z' },
      '#/attributionWindow',
      'bad_format',
    ],
  ])('%s is a field error and plans nothing', async (_rule, body, pointer, code) => {
    const id: string = (await create({})).body['id'];
    const answer = await patch(id, body);
    expect(answer.status, answer.text).toBe(422);
    expect(answer.body['errors']).toMatchObject([{ pointer, code }]);
    expect((await api.as(ws.key, `/v1/programs/${id}`)).body).toMatchObject({ scheduled: [], version: 1 });
  });

  test('a draft is deleted with what was planned for it', async () => {
    const effectiveFrom = soon(3_600_000);
    const id: string = (await create({})).body['id'];
    const planned = await patch(id, { levels: 3, effectiveFrom });
    const gone = await api.as(ws.key, `/v1/programs/${id}`, {
      method: 'DELETE',
      headers: { 'If-Match': planned.headers.get('etag') ?? '' },
    });
    expect(gone.status, gone.text).toBe(204);
  });
});

describe('editing', () => {
  test('a version is required, and each change is kept with before and after', async () => {
    const made = await create({ commissionHold: 'P10D' });
    const id: string = made.body['id'];
    const blind = await api.as(ws.key, `/v1/programs/${id}`, { method: 'PATCH', body: { levels: 2 } });
    expect([blind.status, blind.body['code']]).toEqual([428, 'precondition_required']);
    const changed = await patch(id, {
      levels: 2,
      commissionHold: null,
      reviewAbove: { amount: '500.00', currency: 'USD' },
    });
    expect(changed.status, changed.text).toBe(200);
    expect(changed.body).toMatchObject({
      levels: 2,
      commissionHold: 'P30D',
      reviewAbove: { amount: '500.00', currency: 'USD' },
      version: 2,
    });
    expect(changed.body['inherited']).toContain('commissionHold');
    const same = await patch(id, { levels: 2 });
    expect(same.body['version']).toBe(2);
    const versions = dataOf(await api.as(ws.key, `/v1/programs/${id}/versions`));
    expect(versions).toMatchObject([
      {
        version: 2,
        event: 'edited',
        by: { name: 'Ana' },
        before: { levels: 1, ownTerms: { commissionHold: 'P10D' } },
        after: { levels: 2, ownTerms: { reviewAbove: { amount: '500.00', currency: 'USD' } } },
      },
      { version: 1, event: 'created' },
    ]);
  });

  test('two edits of one version: one wins, the other reads the version there is', async () => {
    const made = await create({});
    const id: string = made.body['id'];
    const answers = await Promise.all(
      [2, 3, 4, 5].map((levels) =>
        api.as(ws.key, `/v1/programs/${id}`, { method: 'PATCH', body: { levels }, headers: { 'If-Match': '"1"' } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412, 412, 412]);
    expect(answers.find(({ status }) => status === 412)?.body['currentVersion']).toBe(2);
  });

  test('the currency is free until something is bound to it', async () => {
    const made = await create({});
    const id: string = made.body['id'];
    expect((await patch(id, { currency: 'EUR' })).body['currency']).toBe('EUR');
    // What names no amount is in no currency: a program set up with the wrong one is repaired, rules and all (BEY-13).
    const state = async (event: string, levels: readonly unknown[]) => {
      const rule = { scope: 'program', programId: id, event, levels };
      const saved = await api.as(ws.key, '/v1/commission-rules', { body: rule });
      expect(saved.status, saved.text).toBe(201);
    };
    await state('payment', [{ level: 1, kind: 'percent', ratePpm: 200_000 }]);
    expect((await patch(id, { currency: 'USD' })).body['currency']).toBe('USD');
    await patch(id, { reviewAbove: { amount: '100.00', currency: 'USD' } });
    expect((await patch(id, { currency: 'EUR' })).body).toMatchObject({ code: 'currency_locked', usedBy: ['terms'] });
    const foreign = await patch(id, { reviewAbove: { amount: '5.00', currency: 'EUR' } });
    expect([foreign.status, foreign.body['errors']?.[0]?.['pointer']]).toEqual([422, '#/reviewAbove/currency']);
    // What is planned in a currency holds it as well, until it is taken back.
    const effectiveFrom = new Date(Date.now() + 3_600_000).toISOString();
    await patch(id, { reviewAbove: { amount: '50.00', currency: 'USD' }, effectiveFrom });
    expect((await patch(id, { currency: 'EUR', reviewAbove: null })).body).toMatchObject({
      code: 'currency_locked',
      usedBy: ['planned_changes'],
    });
    await patch(id, { effectiveFrom });
    const both = { currency: 'EUR', reviewAbove: { amount: '100.00', currency: 'EUR' } };
    expect((await patch(id, both)).body).toMatchObject(both);
    await state('first_payment', [{ level: 1, kind: 'flat', amount: { amount: '5.00', currency: 'EUR' } }]);
    expect((await patch(id, { currency: 'USD', reviewAbove: null })).body).toMatchObject({
      code: 'currency_locked',
      usedBy: ['commission_rules'],
    });
  });
});

describe('the life of a program', () => {
  test('publish, pause, resume, close: only the moves of the table', async () => {
    const id = await makeProgram(api, ws);
    const post = (verb: string, body: Readonly<Record<string, unknown>> = {}) =>
      api.as(ws.key, `/v1/programs/${id}/${verb}`, { body });
    expect((await post('resume')).body['code']).toBe('already_decided');
    expect((await post('pause', { reason: 'Stock is out' })).body).toMatchObject({
      status: 'paused',
      allowedActions: ['resume', 'close'],
      decision: { verb: 'pause', reason: 'Stock is out' },
    });
    expect((await post('publish')).body).toMatchObject({ code: 'transition_not_allowed', currentStatus: 'paused' });
    expect((await post('resume')).body['status']).toBe('active');
    expect((await post('close', { renewals: 'run_out' })).body).toMatchObject({
      status: 'closed',
      renewals: 'run_out',
      allowedActions: [],
    });
    expect((await post('close')).body['code']).toBe('already_decided');
    expect((await patch(id, { name: 'Late' })).body['code']).toBe('transition_not_allowed');
    const affiliateId = await makeAffiliate(api, ws, []);
    const late = await api.as(ws.key, `/v1/affiliates/${affiliateId}/enrolments`, { body: { programId: id } });
    expect([late.status, late.body['code']]).toEqual([409, 'program_not_active']);
    const link = await api.as(ws.key, '/v1/links', { body: { affiliateId, programId: id } });
    expect(link.body['code']).toBe('program_not_active');
  });

  test('only a draft that nothing needs is deleted', async () => {
    const draft = await create({});
    const path = `/v1/programs/${draft.body['id']}`;
    await api.as(ws.key, `${path}/agreements`, { body: { kind: 'terms', title: 'T', text: 'x' } });
    expect((await api.as(ws.key, path, { method: 'DELETE' })).status).toBe(204);
    expect((await api.as(ws.key, path)).status).toBe(404);
    const active = await makeProgram(api, ws);
    expect((await api.as(ws.key, `/v1/programs/${active}`, { method: 'DELETE' })).body['code']).toBe(
      'transition_not_allowed',
    );
    const used = await create({});
    await makeAffiliate(api, ws, [used.body['id']], {}, { approve: false });
    expect((await api.as(ws.key, `/v1/programs/${used.body['id']}`, { method: 'DELETE' })).body).toMatchObject({
      code: 'in_use',
      usedBy: ['enrolments', 'links'],
    });
  });
});

describe('products and agreements', () => {
  test('a product is attached once, switched off, detached, deleted when nothing needs it', async () => {
    const product = await api.as(ws.key, '/v1/products', { body: { name: 'Pro', sku: 'pro-1', period: 'month' } });
    const productId: string = product.body['id'];
    const clash = await api.as(ws.key, '/v1/products', { body: { name: 'Pro 2', sku: 'pro-1' } });
    expect(clash.body).toMatchObject({ code: 'already_exists', field: 'sku' });
    const program = await create({});
    const path = `/v1/programs/${program.body['id']}/products`;
    expect((await api.as(ws.key, path, { body: { productId } })).status).toBe(201);
    expect((await api.as(ws.key, path, { body: { productId } })).body).toMatchObject({
      code: 'already_exists',
      existingId: productId,
    });
    expect((await api.as(ws.key, path, { body: { productId: newId('product') } })).body['errors']).toMatchObject([
      { pointer: '#/productId', code: 'not_found' },
    ]);
    const off = await api.as(ws.key, `${path}/${productId}`, { method: 'PATCH', body: { active: false } });
    expect(off.body['active']).toBe(false);
    expect(dataOf(await api.as(ws.key, path))).toMatchObject([{ productId, active: false }]);
    expect((await api.as(ws.key, `/v1/products/${productId}`, { method: 'DELETE' })).body).toMatchObject({
      code: 'in_use',
      usedBy: [program.body['id']],
    });
    expect((await api.as(ws.key, `${path}/${productId}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.as(ws.key, `/v1/products/${productId}`, { method: 'DELETE' })).status).toBe(204);
    expect((await api.as(ws.key, `/v1/products/${productId}`)).status).toBe(404);
    expect((await api.as(ws.key, '/v1/products', { body: { name: 'Pro 3', sku: 'pro-1' } })).status).toBe(201);
  });

  test('a price is exact; a product can be edited', async () => {
    const yen = await api.as(ws.key, '/v1/products', {
      body: { name: 'Yen', price: { amount: '1580', currency: 'JPY' } },
    });
    expect(yen.body['price']).toEqual({ amount: '1580', currency: 'JPY' });
    const path = `/v1/products/${yen.body['id']}`;
    const edited = await api.as(ws.key, path, {
      method: 'PATCH',
      body: { price: { amount: '1.234', currency: 'KWD' } },
    });
    expect(edited.body).toMatchObject({ price: { amount: '1.234', currency: 'KWD' }, name: 'Yen', version: 2 });
    expect((await api.as(ws.key, path, { method: 'PATCH', body: { price: null } })).body['price']).toBeNull();
    const odd = await api.as(ws.key, path, { method: 'PATCH', body: { price: { amount: '10.5', currency: 'JPY' } } });
    expect(odd.body['errors']).toMatchObject([{ pointer: '#/price/amount', code: 'too_many_decimals' }]);
  });

  test('terms are versions: each has its number and hash, the newest in force is current, none reaches back', async () => {
    const program = await create({});
    const path = `/v1/programs/${program.body['id']}`;
    const publish = (body: Readonly<Record<string, unknown>>) =>
      api.as(ws.key, `${path}/agreements`, { body: { kind: 'terms', title: 'T', text: 'Be fair.', ...body } });
    const first = await publish({});
    const future = await publish({ text: 'Be fairer.', effectiveFrom: '2099-01-01T00:00:00.000Z' });
    expect([first.body['number'], future.body['number']]).toEqual([1, 2]);
    expect(first.body['sha256']).not.toBe(future.body['sha256']);
    expect((await api.as(ws.key, path)).body['currentTermsId']).toBe(first.body['id']);
    expect((await publish({ effectiveFrom: '2020-01-01T00:00:00.000Z' })).status).toBe(422);
    expect((await publish({ kind: 'guidelines' })).body['number']).toBe(1);
    expect((await api.as(ws.key, path)).body['currentGuidelinesId']).toMatch(/^agr_/);
    const text = await api.as(ws.key, `/v1/agreements/${first.body['id']}`);
    expect(text.body).toMatchObject({ text: 'Be fair.', number: 1 });
    const both = await Promise.all([publish({}), publish({})]);
    expect(both.map(({ body }) => body['number']).sort((a, b) => a - b)).toEqual([3, 4]);
  });
});

describe('reading', () => {
  test('filters, counts, and the walls of right and workspace', async () => {
    const other = await api.makeWorkspace();
    const id = await makeProgram(api, other, { name: 'Only', acquisitionModel: 'cpa' });
    await api.as(other.key, '/v1/programs', { body: { name: 'Draft one', currency: 'USD' } });
    const list = await api.as(other.key, '/v1/programs?include=counts&status=active');
    expect(dataOf(list).map((one) => one['name'])).toEqual(['Only']);
    expect(list.body['counts']).toEqual({ total: 1, byStatus: { active: 1 } });
    expect(dataOf(await api.as(other.key, '/v1/programs?acquisitionModel=cpa')).map((one) => one['id'])).toEqual([id]);
    expect(dataOf(await api.as(other.key, '/v1/programs?q=draft')).map((one) => one['name'])).toEqual(['Draft one']);
    expect(dataOf(await api.as(other.key, '/v1/programs?sort=name')).map((one) => one['name'])).toEqual([
      'Draft one',
      'Only',
    ]);

    const foreign = await api.as(ws.key, `/v1/programs/${id}`);
    expect(foreign.status).toBe(404);
    expect(withoutRequest(foreign)).toEqual(withoutRequest(await api.as(ws.key, `/v1/programs/${newId('program')}`)));
    expect((await api.as(ws.key, `/v1/programs/${id}/publish`, { body: {} })).status).toBe(404);
    const { key } = await api.makePerson(other, ['compliance']);
    expect((await api.as(key, `/v1/programs/${id}`)).body['allowedActions']).toEqual([]);
    expect((await api.as(key, `/v1/programs/${id}/pause`, { body: {} })).body['missingPermission']).toBe(
      'program.write',
    );
    expect((await api.as(null, '/v1/programs')).status).toBe(401);
  });

  test('a refused request leaves no row and no history behind', async () => {
    const count = () =>
      readWorkspace(api.db, ws.id, async (tx) => {
        const { rows } = await tx.raw<{ rows: unknown[] }>(
          'select (select count(*) from programs), (select count(*) from audit_entries), (select count(*) from decisions), (select count(*) from idempotency_keys)',
        );
        return JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
      });
    const before = await count();
    await create({ levels: 0 });
    await create({ name: 'Program', slug: 'www' });
    await api.as(ws.key, `/v1/programs/${newId('program')}/close`, { body: {} });
    expect(await count()).toBe(before);
  });
});
