import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signedText } from '../../../domain/tracking/postback.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import type { TestAnswer } from '../support.js';

// Postbacks, the pixel and what a page's script reports (api.md 4.1, TRK-17, TRK-19, BEY-20), over HTTP.

let world: EarningWorld;
let programId: string;
let affiliateId: string;
let key: string;
let secret: string;
let orders = 0;

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({
    commissionApproval: 'automatic',
    reviewAbove: { amount: '500.00', currency: 'USD' },
  });
  await world.rule({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 200_000 }],
  });
  affiliateId = await world.affiliate(programId);
  await world
    .owner('settings')
    .where({ workspace_id: world.ws.id })
    .update({ sections: world.owner.raw(`jsonb_set(sections, '{domains,formDomains}', '["shop.example"]')`) });
  ({ key, secret } = await makeKey());
});

afterAll(() => world.close());

async function makeKey(body: Readonly<Record<string, unknown>> = {}): Promise<{ key: string; secret: string }> {
  const made = await world.as('/v1/api-keys', { name: 'shop', kind: 'public', test: false, ...body });
  if (made.status !== 201) throw new Error(made.text);
  return { key: String(made.body['publicKey']), secret: String(made.body['signingSecret']) };
}

type Json = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, string>>;
const now = () => String(Math.floor(Date.now() / 1_000));
const click = () => world.click({ programId, affiliateId, sub1: 'kw1' });
const order = () => `order-${(orders += 1)}`;

function signed(fields: Fields, with_: { readonly secret?: string; readonly ts?: string } = {}): Fields {
  const all = { key, ts: with_.ts ?? now(), ...fields };
  const text = signedText(Object.entries(all).map(([name, value]) => ({ name, value })));
  return {
    ...all,
    sig: createHmac('sha256', with_.secret ?? secret)
      .update(text)
      .digest('hex'),
  };
}

async function call(
  path: string,
  fields: Fields,
  init: { readonly method?: 'GET' | 'POST'; readonly json?: boolean; readonly headers?: Fields } = {},
): Promise<TestAnswer> {
  const { method = 'GET', json = false, headers = {} } = init;
  const query = new URLSearchParams(fields).toString();
  const response = await fetch(`${world.api.url}${path}${method === 'GET' ? `?${query}` : ''}`, {
    method,
    headers: {
      ...(method === 'POST' ? { 'content-type': json ? 'text/plain' : 'application/x-www-form-urlencoded' } : {}),
      ...headers,
    },
    ...(method === 'POST' ? { body: json ? JSON.stringify(fields) : query } : {}),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (isJson ? JSON.parse(text) : null) as TestAnswer['body'],
  } as TestAnswer;
}
const postback = (fields: Fields, init: Parameters<typeof call>[2] = {}) => call('/t/postback', fields, init);
const saleOf = async (externalId: string) =>
  (await world.as(`/v1/sales?externalId=${externalId}`)).body['data'][0] as Readonly<Record<string, never>> | undefined;
const saleCount = async () => Number((await world.owner('sales').count<{ count: string }[]>())[0]?.count);

test('a signed sale is a sale at once, with its commission; again it is the same one', async () => {
  const id = order();
  const fields = signed({
    event: 'sale',
    txn_id: id,
    click_id: await click(),
    amount: '49.99',
    currency: 'USD',
    email: 'jo@buyer.example',
    sub1: '',
  });

  const first = await postback(fields);
  expect(first).toMatchObject({ status: 202, body: { object: 'sale', processedAt: null } });
  await world.settle();
  const again = await postback(fields, { method: 'POST' });

  expect(again).toMatchObject({ status: 200, body: { id: first.body['id'] } });
  expect(again.body['processedAt']).not.toBeNull();
  expect(await saleOf(id)).toMatchObject({
    channel: 'postback',
    inReview: false,
    attribution: { status: 'attributed', affiliateId, sub1: 'kw1' },
  });
  expect((await saleOf(id))?.['commissionIds']).toHaveLength(1);
});

test('lead, declined charge and refund; a refund names the sale', async () => {
  const clickId = await click();
  const lead = await postback(
    signed({
      event: 'lead',
      txn_id: 'form-9',
      click_id: clickId,
      email: 'lea@buyer.example',
      name: 'Lea',
      customer_id: 'u-9',
    }),
  );
  expect(lead).toMatchObject({ status: 202, body: { object: 'lead' } });
  await world.settle();
  expect((await world.as(`/v1/leads/${String(lead.body['id'])}`)).body).toMatchObject({
    channel: 'postback',
    verdict: 'accepted',
    externalId: 'form-9',
  });

  const id = order();
  const paid = { event: 'sale', txn_id: id, customer_id: 'u-9', amount: '100.00', currency: 'USD' };
  expect((await postback(signed({ ...paid, event: 'declined' }))).status).toBe(202);
  expect(await saleOf(id)).toMatchObject({ status: 'declined' });
  expect((await postback(signed(paid))).status).toBe(202);
  await world.settle();
  const refund = await postback(
    signed({ event: 'refund', txn_id: id, refund_id: `${id}-r`, amount: '40.00', currency: 'USD' }),
  );
  expect(refund).toMatchObject({ status: 202, body: { object: 'refund' } });
  await world.settle();
  expect(await saleOf(id)).toMatchObject({ status: 'part_refunded', refunded: { amount: '40.00', currency: 'USD' } });
});

test('a wrong signature writes nothing: amount changed by a cent, other secret, old, in the future, none, of no key', async () => {
  const before = await saleCount();
  const fields = { event: 'sale', txn_id: order(), click_id: await click(), amount: '49.99', currency: 'USD' };
  const good = signed(fields);
  const refused = [
    { ...good, amount: '50.00' },
    { ...good, sub1: 'added' },
    { ...good, sig: good['sig']?.toUpperCase() ?? '' },
    { ...good, sig: '' },
    { ...good, ts: '' },
    signed(fields, { secret: 'another' }),
    signed(fields, { ts: String(Number(now()) - 400) }),
    signed(fields, { ts: String(Number(now()) + 400) }),
    { key, ...fields },
  ];
  for (const bad of refused) {
    for (const method of ['GET', 'POST'] as const)
      expect(await postback(bad, { method })).toMatchObject({ status: 401, body: { code: 'bad_signature' } });
  }
  expect(await postback({ ...good, key: 'pk_live_nobody' })).toMatchObject({ status: 422 });
  expect(await saleCount()).toBe(before);
});

test('bad input is told by the names that the caller used, and changes nothing', async () => {
  const before = await saleCount();
  const told = async (fields: Fields) => {
    const answer = await postback(signed(fields));
    expect(answer.status).toBe(422);
    return (answer.body['errors'] as unknown as readonly { parameter: string; code: string }[]).map(
      ({ parameter, code }) => [parameter, code],
    );
  };
  const clickId = await click();
  expect(await told({ event: 'sale', txn_id: 'x', click_id: clickId, amount: '49.999', currency: 'USD' })).toEqual([
    ['amount', 'too_many_decimals'],
  ]);
  expect(await told({ event: 'sale', txn_id: 'x', click_id: 'clk_1', amount: '1.00', currency: 'USD' })).toEqual([
    ['click_id', 'bad_format'],
  ]);
  expect(await told({ event: 'sale', click_id: clickId, amount: '1.00', currency: 'USD' })).toEqual([
    ['txn_id', 'required'],
  ]);
  expect(await told({ event: 'sale', txn_id: 'x', amount: '1.00', currency: 'USD' })).toEqual([
    ['click_id', 'required'],
  ]);
  expect(await told({ event: 'sale', txn_id: 'x', click_id: clickId, currency: 'USD' })).toEqual([
    ['amount', 'required'],
  ]);
  expect(await told({ event: 'lead', click_id: clickId })).toEqual([['email', 'required']]);
  expect(await told({ event: 'refund', txn_id: 'x' })).toEqual(expect.arrayContaining([['refund_id', 'required']]));
  expect(await told({ event: 'gift', txn_id: 'x' })).toEqual([['event', 'not_in_list']]);
  expect(await told({ event: 'sale', url: 'https://evil.example' })).toEqual([['url', 'unknown_parameter']]);
  const twice = await fetch(`${world.api.url}/t/postback?key=${key}&event=sale&event=lead`);
  expect(twice.status).toBe(422);
  expect(await saleCount()).toBe(before);
});

test('BEY-20: another system’s field names are mapped per source, signed as it sent them, and told back by its own names', async () => {
  const source = await makeKey({
    fieldMap: { event: 'kind', txn_id: 'order', amount: 'total', currency: 'cur', click_id: 'sub1', email: 'mail' },
  });
  const own = ({ key: ofSource, secret: with_ }: typeof source, fields: Fields) =>
    signed({ key: ofSource, ...fields }, { secret: with_ });
  const clickId = await click();
  for (const method of ['GET', 'POST'] as const) {
    const id = order();
    const sent = { kind: 'sale', order: id, total: '49.99', cur: 'USD', sub1: clickId, mail: 'mo@buyer.example' };
    const fields = own(source, { ...sent, txn_id: '', colour: 'red' });
    const first = await postback(fields, { method });
    expect(first, first.text).toMatchObject({ status: 202, body: { object: 'sale' } });
    expect(await postback(fields, { method })).toMatchObject({ status: 200, body: { id: first.body['id'] } });
    await world.settle();
    expect(await saleOf(id)).toMatchObject({
      channel: 'postback',
      amount: { amount: '49.99', currency: 'USD' },
      attribution: { status: 'attributed', affiliateId, clickId },
    });
    expect(await postback({ ...fields, total: '50.00' }, { method })).toMatchObject({
      status: 401,
      body: { code: 'bad_signature' },
    });
  }
  const bad = await postback(own(source, { kind: 'sale', order: 'y', total: '1.999', cur: 'USD', sub1: clickId }));
  expect([bad.status, bad.body['errors']]).toMatchObject([422, [{ parameter: 'total', code: 'too_many_decimals' }]]);
  // Another source does not know these names.
  expect(await postback(signed({ kind: 'sale', order: order(), sub1: clickId }))).toMatchObject({ status: 422 });

  const [kept] = (await world.as('/v1/api-keys?kind=public&sort=-createdAt')).body[
    'data'
  ] as unknown as readonly Json[];
  expect(kept).toMatchObject({ fieldMap: { event: 'kind', txn_id: 'order' } });
  const changed = await world.as(`/v1/api-keys/${String(kept?.['id'])}`, { fieldMap: {} }, 'PATCH');
  expect(changed, changed.text).toMatchObject({ status: 200, body: { fieldMap: {} } });
  const outdated = { kind: 'sale', order: order(), total: '1.00', cur: 'USD', sub1: clickId };
  expect(await postback(own(source, outdated))).toMatchObject({ status: 422 });
});

test.each([
  ['no parameter of ours', { kind: 'public', fieldMap: { colour: 'x' } }],
  ['the key cannot have another name', { kind: 'public', fieldMap: { key: 'x' } }],
  ['the signature cannot be a field', { kind: 'public', fieldMap: { email: 'sig' } }],
  ['nor may a name be empty', { kind: 'public', fieldMap: { email: '' } }],
  ['only a public key takes postbacks', { kind: 'secret', fieldMap: { email: 'x' } }],
])('a map of field names that is none is refused: %s', async (_rule, body) => {
  const answer = await world.as('/v1/api-keys', { name: 'Map', test: false, ...body });
  expect([answer.status, String(answer.body['errors']?.[0]?.['pointer'])]).toEqual([
    422,
    expect.stringContaining('#/fieldMap'),
  ]);
});

test('a signed lead that names no number is the same lead when the same call comes again, and another one when it is signed anew', async () => {
  await world
    .owner('settings')
    .where({ workspace_id: world.ws.id })
    .update({
      sections: world.owner.raw(
        `jsonb_set(sections, '{leads}', coalesce(sections -> 'leads', '{}') || '{"duplicates":"flag"}')`,
      ),
    });
  const fields = { event: 'lead', email: 'again@buyer.example', click_id: await click() };
  const once = signed(fields);
  const first = await postback(once);
  expect(first).toMatchObject({ status: 202, body: { object: 'lead' } });
  for (const method of ['GET', 'POST'] as const)
    expect(await postback(once, { method })).toMatchObject({ status: 200, body: { id: first.body['id'] } });
  const anew = await postback(signed(fields, { ts: String(Number(once['ts']) - 1) }));
  expect(anew.status).toBe(202);
  expect(anew.body['id']).not.toBe(first.body['id']);
  // Nobody makes one call of another: what is signed cannot be changed.
  expect(await postback({ ...once, email: 'else@buyer.example' })).toMatchObject({ status: 401 });
  await world
    .owner('settings')
    .where({ workspace_id: world.ws.id })
    .update({
      sections: world.owner.raw(`jsonb_set(sections, '{leads,duplicates}', '"refuse"')`),
    });
});

test('TRK-17, TRK-19: the pixel always answers its image; an unsigned sale stays in review and approves nothing, a reload adds none', async () => {
  const id = order();
  const clickId = await click();
  const fields = {
    key,
    order_id: id,
    amount: '1000000.00',
    currency: 'USD',
    email: 'pia@buyer.example',
    click_id: clickId,
  };
  for (let reload = 0; reload < 3; reload += 1) {
    const image = await call('/t/sale.gif', fields);
    expect(image.status).toBe(200);
    expect(image.headers.get('content-type')).toBe('image/gif');
    expect(image.headers.get('content-length')).toBe('43');
    expect(image.headers.get('cache-control')).toBe('no-store');
  }
  await world.settle();
  const sale = await saleOf(id);
  expect(sale).toMatchObject({ channel: 'pixel', inReview: true, attribution: { affiliateId } });
  const referralId = String(sale?.['referralId']);
  await world.settled(world.as(`/v1/referrals/${referralId}/approve`, {}));
  await world.settle();
  expect(await world.commissions(`referralId=${referralId}`)).toMatchObject([
    { status: 'pending', blockers: [{ code: 'in_review' }] },
  ]);

  for (const bad of [
    { ...fields, key: 'pk_live_no' },
    { ...fields, order_id: '' },
    { ...fields, amount: 'x' },
    { nothing: '1' },
  ])
    expect((await call('/t/sale.gif', bad as Fields)).status).toBe(200);
  expect(await world.owner('sales').where({ external_id: id })).toHaveLength(1);
});

test('TRK-17: a pixel without a readable click id takes that of the cookie; a readable one goes before it', async () => {
  const [inCookie, inQuery] = [await click(), await click()];
  const sentWith = async (fields: Fields, cookie: string): Promise<unknown> => {
    const id = order();
    const query = new URLSearchParams({ key, order_id: id, amount: '10.00', currency: 'USD', ...fields });
    const image = await fetch(`${world.api.url}/t/sale.gif?${query.toString()}`, { headers: { cookie } });
    expect(image.status).toBe(200);
    await world.settle();
    const sale = await saleOf(id);
    expect(sale, id).toMatchObject({ channel: 'pixel' });
    return sale?.['attribution']?.['clickId'];
  };
  // A template that was never filled in, nothing, and an id of another kind.
  for (const unreadable of ['{click_id}', '', 'clk_1', affiliateId])
    expect(await sentWith({ click_id: unreadable }, `trb_click=${inCookie}`), unreadable).toBe(inCookie);
  expect(await sentWith({}, `other=1; trb_click=${inCookie}`)).toBe(inCookie);
  expect(await sentWith({ click_id: inQuery }, `trb_click=${inCookie}`)).toBe(inQuery);
  expect(await sentWith({ click_id: '{click_id}' }, 'trb_click={click_id}')).toBeNull();
});

test('the same order by a way that can be trusted is in review no more; told again by the pixel nothing changes', async () => {
  const id = order();
  const clickId = await click();
  await call('/t/sale.gif', {
    key,
    order_id: id,
    amount: '80.00',
    currency: 'USD',
    click_id: clickId,
  });
  await world.settle();
  expect(await saleOf(id)).toMatchObject({ inReview: true });

  const trusted = await postback(
    signed({ event: 'sale', txn_id: id, click_id: clickId, amount: '80.00', currency: 'USD' }),
  );
  expect(trusted.status).toBe(200);
  expect(await saleOf(id)).toMatchObject({ inReview: false });
  await call('/t/sale.gif', {
    key,
    order_id: id,
    amount: '999.00',
    currency: 'USD',
    click_id: clickId,
  });
  await world.settle();

  expect(await saleOf(id)).toMatchObject({ inReview: false, amount: { amount: '80.00', currency: 'USD' } });
  const other = await postback(
    signed({ event: 'sale', txn_id: id, click_id: clickId, amount: '81.00', currency: 'USD' }),
  ); // it is known by now
  expect(other).toMatchObject({ status: 409, body: { code: 'already_exists' } });
});

test('TRK-19: what a trusted way says of a sale in review counts: its lines are taken off by counter-entries and accrued anew, explained', async () => {
  const id = order();
  const clickId = await click();
  const asked = { key, order_id: id, amount: '100.00', currency: 'USD', click_id: clickId };
  await call('/t/sale.gif', asked);
  await world.settle();
  const before = await world.trial();
  const told = { externalId: id, clickId, amount: { amount: '80.00', currency: 'USD' } };

  expect(await world.as('/v1/sales', told)).toMatchObject({
    status: 200,
    body: { inReview: false, amount: { amount: '80.00' }, processedAt: null },
  });
  expect((await world.as('/v1/sales', told)).status).toBe(200);
  await world.settle();

  const sale = await saleOf(id);
  expect(sale).toMatchObject({ amount: { amount: '80.00', currency: 'USD' } });
  expect(sale?.['processedAt']).not.toBeNull();
  const saleId = String(sale?.['id']);
  const [former, line] = await world.commissions(`saleId=${saleId}`);
  expect(former).toMatchObject({ status: 'rejected', amount: { amount: '20.00' }, allowedActions: [] });
  expect(line).toMatchObject({ status: 'pending', amount: { amount: '16.00' } });
  const after = await world.trial();
  expect(Number(after['commission_expense']) - Number(before['commission_expense'])).toBeCloseTo(-4);

  const explained = await world.as(`/v1/commissions/${String(line?.['id'])}/explanation`);
  expect(explained).toMatchObject({ status: 200, body: { cause: { type: 'decision', externalId: id } } });
  expect(explained.text).toContain('20 % of 80.00 USD');
  const history = await world.as(`/v1/audit-entries?objectId=${saleId}`);
  expect(history.text).toContain('"amountMinor":["10000","8000"]');
  const comesBack = world.as(`/v1/commissions/${String(former?.['id'])}/reinstate`, { reason: 'x' });
  expect(await world.settled(comesBack)).toMatchObject({ status: 409, body: { reasonCode: 'sale_corrected' } });
  // Once it is known, it is known: another amount still is another order under the same number.
  expect(await world.as('/v1/sales', { ...told, amount: { amount: '81.00', currency: 'USD' } })).toMatchObject({
    status: 409,
    body: { code: 'already_exists' },
  });
  expect(await world.broken()).toEqual([]);
});

test('TRK-19: staff confirm a sale in review with its true amount; another currency and a second time are refused', async () => {
  const id = order();
  await call('/t/sale.gif', { key, order_id: id, amount: '1000000.00', currency: 'USD', click_id: await click() });
  await world.settle();
  const saleId = String((await saleOf(id))?.['id']);
  const confirm = (amount?: unknown) =>
    world.as(`/v1/sales/${saleId}/confirm`, { reason: 'On the invoice', ...(amount === undefined ? {} : { amount }) });

  expect(await confirm({ amount: '10.00', currency: 'EUR' })).toMatchObject({
    status: 422,
    body: { code: 'currency_mismatch' },
  });
  expect(await confirm({ amount: '10.001', currency: 'USD' })).toMatchObject({ status: 422 });
  expect(await confirm({ amount: '-10.00', currency: 'USD' })).toMatchObject({ status: 422 });
  expect(await saleOf(id)).toMatchObject({ inReview: true, amount: { amount: '1000000.00' } });
  expect(await confirm({ amount: '10.00', currency: 'USD' })).toMatchObject({ status: 200, body: { inReview: false } });
  await world.settle();
  expect(await confirm()).toMatchObject({ status: 409, body: { code: 'already_decided' } });
  expect(await saleOf(id)).toMatchObject({ amount: { amount: '10.00' }, lines: [{ amount: { amount: '10.00' } }] });
  expect(await world.commissions(`saleId=${saleId}&status=pending`)).toMatchObject([{ amount: { amount: '2.00' } }]);
});

test('TRK-19: what a sale in review raised of others waits with it, and goes when its true amount reaches no row', async () => {
  const banded = await world.program({ commissionApproval: 'automatic' });
  const rule = await world.rule({
    scope: 'program',
    programId: banded,
    event: 'payment',
    levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
    bands: {
      by: 'sales_amount',
      mode: 'whole',
      period: 'month',
      rows: [
        { from: '0.00', kind: 'percent', ratePpm: 100_000 },
        { from: '1000.00', kind: 'percent', ratePpm: 200_000 },
      ],
    },
  });
  expect(rule.status).toBe(201);
  const ben = await world.affiliate(banded);
  const clickId = () => world.click({ programId: banded, affiliateId: ben });
  const real = await world.sale({
    externalId: order(),
    clickId: await clickId(),
    amount: { amount: '50.00', currency: 'USD' },
  });
  await world.settled(world.as(`/v1/referrals/${String(real['referralId'])}/approve`, {}));
  const id = order();
  await call('/t/sale.gif', { key, order_id: id, amount: '5000.00', currency: 'USD', click_id: await clickId() });
  await world.settle();
  const ofReal = (status: string) => world.commissions(`saleId=${String(real['id'])}&status=${status}`);
  expect(await ofReal('pending')).toMatchObject([
    { kind: 'adjustment', amount: { amount: '5.00' }, blockers: [{ code: 'in_review' }] },
  ]);

  await world.as(`/v1/sales/${String((await saleOf(id))?.['id'])}/confirm`, {
    amount: { amount: '60.00', currency: 'USD' },
  });
  await world.settle();

  expect(await ofReal('pending')).toEqual([]);
  expect(await ofReal('approved')).toMatchObject([{ kind: 'earned', amount: { amount: '5.00' } }]);
  // What is refused is not offered, one by one or to a bulk.
  const [gone] = await ofReal('rejected');
  expect(gone).toMatchObject({ kind: 'adjustment', allowedActions: [] });
  const comesBack = world.as(`/v1/commissions/${String(gone?.['id'])}/reinstate`, { reason: 'x' });
  expect(await world.settled(comesBack)).toMatchObject({ status: 409, body: { reasonCode: 'sale_corrected' } });
  expect(await world.broken()).toEqual([]);
});

test('TRK-19, COM-08: what staff had cut a line down to holds for the line of the true amount, whenever a refund came', async () => {
  const usd = (amount: string) => ({ amount, currency: 'USD' });
  const left: unknown[] = [];
  for (const [net, refundFirst, amount] of [
    ['8.00', true, '80.00'],
    ['8.00', false, '80.00'],
    ['8.00', true, '20.00'],
  ] as const) {
    const id = order();
    await call('/t/sale.gif', { key, order_id: id, amount: '100.00', currency: 'USD', click_id: await click() });
    await world.settle();
    const saleId = String((await saleOf(id))?.['id']);
    const [line] = await world.commissions(`saleId=${saleId}`);
    const refund = async () => {
      await world.as(`/v1/sales/${saleId}/refunds`, { externalId: `back-${id}`, amount: usd('20.00') });
      await world.settle();
    };
    if (refundFirst) await refund();
    const cut = await world.as(`/v1/commissions/${String(line?.['id'])}/adjust`, {
      amount: usd(net),
      reason: 'Agreed by phone',
    });
    expect(cut.status, cut.text).toBe(200);
    if (!refundFirst) await refund();
    await world.as(`/v1/sales/${saleId}/confirm`, { amount: usd(amount) });
    await world.settle();
    const [now] = await world
      .commissions(`saleId=${saleId}`)
      .then((all) => all.filter((one) => one['id'] !== line?.['id']));
    left.push([now?.['status'], now?.['amount'], now?.['net']]);
    expect(await world.broken()).toEqual([]);
  }
  expect(left).toEqual([
    ['pending', usd('16.00'), usd('8.00')],
    ['pending', usd('16.00'), usd('8.00')],
    ['rejected', usd('4.00'), usd('0.00')],
  ]);
});

test('one order by pixel, postback, script and API, many times at once, is one sale and one commission', async () => {
  const id = order();
  const clickId = await click();
  const money = { amount: '60.00', currency: 'USD' };
  const page = { key, event: 'sale', txn_id: id, click_id: clickId, ...money };
  await Promise.all(
    Array.from({ length: 5 }).flatMap(() => [
      call('/t/sale.gif', { key, order_id: id, click_id: clickId, ...money }),
      postback(signed({ event: 'sale', txn_id: id, click_id: clickId, ...money })),
      postback(page, { method: 'POST', json: true, headers: { origin: 'https://shop.example' } }),
      world.as('/v1/sales', { externalId: id, clickId, amount: money }),
    ]),
  );
  await world.settle();

  expect(await world.owner('sales').where({ external_id: id })).toHaveLength(1);
  const sale = await saleOf(id);
  expect(sale?.['commissionIds']).toHaveLength(1);
  expect(sale).toMatchObject({ inReview: false });
  expect(await world.broken()).toEqual([]);
});

test('TRK-19: signed, but an unknown product or more than the program believes: in review', async () => {
  const clickId = await click();
  const money = { amount: '20.00', currency: 'USD' };
  const unknown = order();
  await postback(signed({ event: 'sale', txn_id: unknown, click_id: clickId, product: 'gold', ...money }));
  expect(await saleOf(unknown)).toMatchObject({ inReview: true });
  const high = order();
  await postback(signed({ event: 'sale', txn_id: high, click_id: clickId, amount: '500.01', currency: 'USD' }));
  expect(await saleOf(high)).toMatchObject({ inReview: true });
  const byKey = order();
  expect(
    (
      await world.as('/v1/sales', {
        externalId: byKey,
        clickId,
        amount: { amount: '900.00', currency: 'USD' },
      })
    ).status,
  ).toBe(202);
  expect(await saleOf(byKey)).toMatchObject({ inReview: false });
});

test('TRK-19: where the program demands a signature, an unsigned sale is none', async () => {
  const strict = await world.program({ requireSignature: true });
  const ada = await world.affiliate(strict);
  const clickId = await world.click({ programId: strict, affiliateId: ada });
  const id = order();
  const fields = { order_id: id, amount: '10.00', currency: 'USD', click_id: clickId };
  expect((await call('/t/sale.gif', { key, ...fields })).status).toBe(200);
  expect(await saleOf(id)).toBeUndefined();
  const signedPixel = signed(fields);
  expect((await call('/t/sale.gif', { ...signedPixel, amount: '11.00' })).status).toBe(200);
  expect(await saleOf(id)).toBeUndefined();
  expect((await call('/t/sale.gif', signedPixel)).status).toBe(200);
  expect(await saleOf(id)).toMatchObject({ channel: 'pixel', inReview: false });
});

test('TRK-17: without click, cookie and mail the pixel keeps the sale unattributed; with the cookie it is credited', async () => {
  const alone = order();
  await call('/t/sale.gif', { key, order_id: alone, amount: '10.00', currency: 'USD' });
  expect(await saleOf(alone)).toMatchObject({
    inReview: true,
    attribution: { status: 'unattributed', code: 'no_touch' },
  });
  const id = order();
  await call(
    '/t/sale.gif',
    { key, order_id: id, amount: '10.00', currency: 'USD' },
    { headers: { cookie: `a=b; trb_click=${await click()}` } },
  );
  await world.settle();
  expect(await saleOf(id)).toMatchObject({ attribution: { status: 'attributed', affiliateId } });
});

test('the script of a listed page reports a lead and a sale without a signature; another page is refused', async () => {
  const clickId = await click();
  const lead = { key, event: 'lead', click_id: clickId, email: 'sam@buyer.example' };
  const send = (fields: Fields, origin: string) =>
    postback(fields, { method: 'POST', json: true, headers: { origin } });
  expect(await send(lead, 'https://evil.example')).toMatchObject({ status: 403, body: { code: 'csrf_failed' } });
  expect(await send(lead, 'https://shop.example.evil.example')).toMatchObject({ status: 403 });
  const taken = await send(lead, 'https://shop.example');
  expect(taken.status).toBe(202);
  expect(taken.headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect((await world.as(`/v1/leads/${String(taken.body['id'])}`)).body).toMatchObject({ channel: 'script' });
  const id = order();
  expect(
    (
      await send(
        { key, event: 'sale', txn_id: id, click_id: clickId, amount: '5.00', currency: 'USD' },
        'https://shop.example',
      )
    ).status,
  ).toBe(202);
  expect(await saleOf(id)).toMatchObject({ channel: 'script', inReview: true });
  expect((await send({ key, event: 'refund', txn_id: id, refund_id: 'r' }, 'https://shop.example')).status).toBe(401);
});

test('a test key makes test facts only', async () => {
  const test = await makeKey({ test: true });
  const id = order();
  const all = {
    key: test.key,
    ts: now(),
    event: 'sale',
    txn_id: id,
    email: 'tim@buyer.example',
    amount: '5.00',
    currency: 'USD',
  };
  const text = signedText(Object.entries(all).map(([name, value]) => ({ name, value })));
  const sig = createHmac('sha256', test.secret).update(text).digest('hex');
  expect((await postback({ ...all, sig })).status).toBe(202);
  expect(await saleOf(id)).toBeUndefined();
  expect(await world.owner('sales').where({ external_id: id }).pluck('mode')).toEqual(['test']);
});
