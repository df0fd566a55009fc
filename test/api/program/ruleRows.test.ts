import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import { itemsOf, type Json } from '../support.js';

// Commission rules, clause by clause of features.md 2, and what a program's end and privacy mean for money (features.md 1); planRows.test.ts has
// the other rows.

vi.setConfig({ testTimeout: 120_000 });

const usd = (amount: string) => ({ amount, currency: 'USD' });
const percent = (ratePpm: number, level = 1) => ({ level, kind: 'percent', ratePpm });
const row = (from: string, ratePpm: number) => ({ from, kind: 'percent', ratePpm });
const byText = (a: unknown, b: unknown): number => String(a).localeCompare(String(b));

let world: EarningWorld;
beforeAll(async () => {
  world = await createEarningWorld();
}, 60_000);
afterAll(() => world?.close());

interface Scene {
  readonly programId: string;
  readonly affiliateId: string;
}
async function scene(
  rule: Readonly<Record<string, unknown>> = {},
  program: Readonly<Record<string, unknown>> = {},
): Promise<Scene> {
  const programId = await world.program(program);
  const made = await world.rule({ scope: 'program', programId, event: 'payment', levels: [percent(100_000)], ...rule });
  expect(made.status, made.text).toBe(201);
  const affiliateId = await world.affiliate(programId, { minimumPayout: [usd('1.00')] });
  await world.owner('agreements').where({ program_id: programId }).update({ must_accept: false });
  return { programId, affiliateId };
}
async function sell(of: Scene, amount: string, body: Readonly<Record<string, unknown>> = {}): Promise<Json> {
  const key = newId('sale');
  const customer = { externalId: key, email: `${key}@buyer.example` };
  return world.sale({ externalId: key, customer, clickId: await world.click(of), amount: usd(amount), ...body });
}
const linesOf = (sale: Json): Promise<readonly Json[]> => world.commissions(`saleId=${String(sale['id'])}`);
const first = async (sale: Json): Promise<unknown> => (await linesOf(sale))[0]?.['amount']['amount'];
const decide = (path: string, body: Readonly<Record<string, unknown>> = { reason: 'Not ours' }) =>
  world.settled(world.as(path, body));

test('RUL-16: whole mode, ten sales of 100.00: the tenth earns 15.00 and adds nine of 5.00 that name the earlier lines, editing none', async () => {
  const bands = { by: 'sales_count', mode: 'whole', rows: [row('0', 100_000), row('10', 150_000)] };
  const at = await scene({ bands });
  const sales: Json[] = [];
  for (let count = 1; count <= 9; count += 1) sales.push(await sell(at, '100.00'));
  const lines = async (): Promise<readonly Json[]> => world.commissions(`programId=${at.programId}&limit=200`);
  const earlier = await lines();
  expect(earlier.map((line) => line['amount']['amount'])).toEqual(Array(9).fill('10.00'));
  expect(await first(await sell(at, '100.00'))).toBe('15.00');
  const all = await lines();
  expect(all.filter((line) => earlier.some((one) => one['id'] === line['id']))).toEqual(earlier);
  const raises = all.filter((line) => line['kind'] === 'adjustment');
  expect(raises.map((line) => line['amount']['amount'])).toEqual(Array(9).fill('5.00'));
  expect(raises.map((line) => line['originCommissionId']).toSorted(byText)).toEqual(
    earlier.map((line) => line['id']).toSorted(byText),
  );
  expect(await first(await sell(at, '100.00'))).toBe('15.00');
  expect(await world.broken()).toEqual([]);
});

test('RUL-16: whole mode raises what was earned under another name of the rule, and not what had other bands', async () => {
  const whole = (third: number) => ({ by: 'sales_count', mode: 'whole', rows: [row('0', 100_000), row('3', third)] });
  const at = await scene({ bands: whole(150_000) });
  const [rule] = itemsOf((await world.as(`/v1/commission-rules?programId=${at.programId}`)).body['data']);
  const change = async (version: number, body: Readonly<Record<string, unknown>>): Promise<void> => {
    const headers = { 'If-Match': `"${version}"` };
    const path = `/v1/commission-rules/${String(rule?.['id'])}`;
    const answer = await world.api.as(world.ws.key, path, { method: 'PATCH', body, headers });
    expect(answer.status, answer.text).toBe(200);
  };
  const raises = async (): Promise<readonly unknown[]> =>
    (await world.commissions(`programId=${at.programId}&kind=adjustment`)).map((line) => line['amount']['amount']);
  await sell(at, '100.00');
  await change(1, { name: 'Renamed', limits: { maxPayments: 12, maxMonths: null } });
  await sell(at, '100.00');
  expect([await first(await sell(at, '100.00')), await raises()]).toEqual(['15.00', ['5.00', '5.00']]);
  // Other bands are other terms: what was earned under the former ones keeps its amount.
  await change(2, { bands: { ...whole(150_000), rows: [...whole(150_000).rows, row('5', 200_000)] } });
  await sell(at, '100.00');
  expect([await first(await sell(at, '100.00')), await raises()]).toEqual(['20.00', ['5.00', '5.00', '5.00']]);
  const today = new Date().toISOString().slice(0, 10);
  const asked = { programIds: [at.programId], from: today, to: today };
  const { body, text } = await world.as('/v1/commission-rules/simulate', asked);
  expect([body['sales'], body['actual'], body['simulated']], text).toEqual([5, [usd('85.00')], [usd('85.00')]]);
  expect(await world.broken()).toEqual([]);
});

test('RUL-16: rejected and fully refunded events do not count for a band, part refunded ones do', async () => {
  const at = await scene({ bands: { by: 'sales_count', rows: [row('0', 100_000), row('3', 150_000)] } });
  const [one, two] = [await sell(at, '100.00'), await sell(at, '100.00')];
  const [line] = await linesOf(one);
  expect((await decide(`/v1/commissions/${line?.['id']}/reject`)).status).toBe(200);
  expect(await first(await sell(at, '100.00'))).toBe('10.00'); // the second that counts
  expect((await decide(`/v1/referrals/${two['referralId']}/reject`)).status).toBe(200);
  const third = await sell(at, '100.00');
  expect(await first(third)).toBe('10.00'); // again the second
  await world.as(`/v1/sales/${third['id']}/refunds`, { externalId: newId('refund') });
  await world.settle();
  const fourth = await sell(at, '100.00');
  expect(await first(fourth)).toBe('10.00');
  await world.as(`/v1/sales/${fourth['id']}/refunds`, { externalId: newId('refund'), amount: usd('99.00') });
  await world.settle();
  expect(await first(await sell(at, '100.00'))).toBe('15.00');
  // What came back counts again.
  expect((await decide(`/v1/commissions/${line?.['id']}/reinstate`)).status).toBe(200);
  const [fifth] = await linesOf(await sell(at, '100.00'));
  expect(fifth?.['parts'][0]).toMatchObject({ ordinal: 5, bandFrom: '3' });
});

test('RUL-18: bands that overlap, fall or leave a gap are refused with their reason, new and changed', async () => {
  const programId = await world.program();
  const rule = (rows: readonly unknown[]) => ({
    scope: 'program',
    programId,
    event: 'payment',
    levels: [percent(100_000)],
    bands: { by: 'sales_count', rows },
  });
  const sound = await world.rule(rule([row('0', 100_000), row('10', 150_000)]));
  expect(sound.status, sound.text).toBe(201);
  const path = `/v1/commission-rules/${sound.body['id']}`;
  for (const [rows, code] of [
    [[row('0', 100_000), row('10', 150_000), row('10', 200_000)], 'band_overlap'],
    [[row('0', 100_000), row('10', 150_000), row('5', 200_000)], 'band_overlap'],
    [[row('1', 100_000), row('10', 150_000)], 'band_gap'],
  ] as const) {
    const { bands } = rule(rows);
    const changed = await world.api.as(world.ws.key, path, {
      method: 'PATCH',
      body: { bands },
      headers: { 'If-Match': '"1"' },
    });
    const draft = { ...rule(rows), scope: 'affiliate', affiliateId: await world.affiliate(programId) };
    for (const answer of [
      changed,
      await world.rule(draft),
      await world.as('/v1/commission-rules/simulate', { draft }),
    ]) {
      expect([answer.status, answer.body['code']], answer.text).toEqual([422, 'rule_conflict']);
      const [conflict] = itemsOf(answer.body['conflicts']);
      expect([conflict?.['code'], String(conflict?.['detail']).length > 10]).toEqual([code, true]);
    }
  }
  expect((await world.as(path)).body).toMatchObject({ version: 1, bands: { rows: [{ from: '0' }, { from: '10' }] } });
});

test('RUL-20: 1.00 that three rules share by thirds is 0.34, 0.33, 0.33 on the lines of the books, and never loses a cent', async () => {
  const programId = await world.program({ levels: 2 });
  const of = { programId, event: 'payment' };
  const [starter] = itemsOf((await world.as(`/v1/programs/${programId}/products`)).body['data']);
  const products = [String(starter?.['productId'])];
  for (const name of ['B', 'C']) {
    const { body } = await world.as('/v1/products', { name, sku: newId('product') });
    await world.as(`/v1/programs/${programId}/products`, { productId: body['id'] });
    products.push(String(body['id']));
  }
  // One rule pays the seller for all three products; above it each product has a recruiter's rule of its own.
  const affiliates = [await world.affiliate(programId)];
  affiliates.push(await world.affiliate(programId, { recruiterId: affiliates[0] }));
  await world.rule({ ...of, scope: 'affiliate', affiliateId: affiliates[1], levels: [percent(10_000)] });
  for (const [index, productId] of products.entries()) {
    const above = { level: 2, kind: 'percent', ratePpm: 1_000_000 - index, of: 'lower_level' };
    const made = await world.rule({ ...of, scope: 'program_product', productId, levels: [percent(0), above] });
    expect(made.status, made.text).toBe(201);
  }
  const sale = await sell({ programId, affiliateId: String(affiliates[1]) }, '99.99', {
    lines: products.map((product) => ({ product, quantity: 1, amount: usd('33.33') })),
  });
  const lines = (await linesOf(sale)).toSorted((a, b) => Number(a['level']) - Number(b['level']));
  expect(lines.map((line) => [line['level'], line['amount']['amount']])).toEqual([
    [1, '1.00'],
    [2, '1.00'],
  ]);
  const parts = itemsOf(lines[1]?.['parts']);
  expect(parts.map((part) => [part['lineIndexes'], part['base']['amount']])).toEqual([
    [[0], '0.34'],
    [[1], '0.33'],
    [[2], '0.33'],
  ]);
});

test('RUL-11, PRG-20: a quote knows the end of a program as a sale does, and lets renewals run out', async () => {
  for (const [renewals, later] of [
    ['stop', ['program_not_active', 'program_not_active']],
    ['run_out', ['program_not_active', '10.00']],
  ] as const) {
    const at = await scene();
    const customer = { externalId: newId('contact'), email: `${newId('contact')}@buyer.example` };
    const pay = async (paymentNumber: number, body: Readonly<Record<string, unknown>> = {}): Promise<unknown> => {
      const subscription = { externalId: customer.externalId, paymentNumber };
      const sale = await world.sale({
        externalId: newId('sale'),
        customer,
        subscription,
        amount: usd('100.00'),
        ...body,
      });
      return sale['noCommissionCode'] ?? first(sale);
    };
    const quote = async (paymentNumber: number, occurredAt?: string): Promise<unknown> => {
      const { body, text } = await world.as('/v1/commission-rules/quote', {
        ...at,
        event: 'payment',
        paymentNumber,
        ...(occurredAt === undefined ? {} : { occurredAt }),
        sale: { amount: usd('100.00') },
      });
      expect(body['commissions'], text).toBeDefined();
      return body['noCommissionCode'] ?? itemsOf(body['commissions'])[0]?.['amount']['amount'];
    };
    expect(await pay(1, { clickId: await world.click(at) })).toBe('10.00');
    const open = new Date().toISOString();
    const closed = await world.as(`/v1/programs/${at.programId}/close`, { renewals });
    expect(closed.status, closed.text).toBe(200);
    expect([await quote(1), await quote(2)]).toEqual(later);
    expect(await pay(2)).toBe(later[1]);
    expect([await quote(1, open), await quote(2, open)]).toEqual(['10.00', '10.00']);
    const lead = { ...at, event: 'lead' };
    expect((await world.as('/v1/commission-rules/quote', lead)).body).toEqual({
      commissions: [],
      noCommissionCode: 'program_not_active',
    });
  }
});

test('screens 3.9, RUL-11: a past sale is tried out with all that it stated, by whoever may read it, and nothing is written', async () => {
  const at = await scene({ bands: { by: 'sales_count', rows: [row('0', 100_000), row('2', 200_000)] } });
  const [product] = itemsOf((await world.as(`/v1/programs/${at.programId}/products`)).body['data']);
  const line = (amount: string, more: Readonly<Record<string, unknown>> = {}) => {
    return { product: String(product?.['productId']), quantity: 2, amount: usd(amount), ...more };
  };
  const sale = await sell(at, '120.00', {
    lines: [line('70.00', { tax: usd('15.00') }), line('50.00', { tax: usd('5.00'), shipping: usd('1.00') })],
  });
  expect(await first(sale)).toBe('9.90');
  const asked = { ...at, event: 'payment', saleId: sale['id'] };
  const quote = (body: Readonly<Record<string, unknown>>, key = world.ws.key) =>
    world.api.as(key, '/v1/commission-rules/quote', { body });
  const before = await world.owner('audit_entries').count('*');
  const { body, text } = await quote(asked);
  expect(itemsOf(body['commissions'])[0]?.['amount'], text).toEqual(usd('9.90'));
  for (const [wrong, pointer] of [
    [{ ...asked, sale: { amount: usd('1.00') } }, '#/saleId'],
    [{ ...asked, event: 'lead' }, '#/saleId'],
    [{ ...asked, saleId: newId('sale') }, '#/saleId'],
    [{ ...at, event: 'payment' }, '#/sale'],
  ] as const) {
    const refused = await quote(wrong);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, pointer]);
  }
  expect(await world.owner('audit_entries').count('*')).toEqual(before);
  const blind = await world.api.makePerson(world.ws, ['owner'], { permissions: ['rule.read'] });
  const forbidden = await quote(asked, blind.key);
  expect([forbidden.status, forbidden.body['missingPermission']]).toEqual([403, 'sale.read']);
});

test('PRG-20: what ran when a program was paused or closed goes on to its payout', async () => {
  for (const verb of ['pause', 'close'] as const) {
    const at = await scene();
    const sale = await sell(at, '100.00');
    const method = await world.as(`/v1/affiliates/${at.affiliateId}/payout-methods`, {
      type: 'paypal',
      currency: 'USD',
      details: { email: 'ada@pay.example' },
    });
    expect(method.status, method.text).toBe(201);
    await world.owner('payout_methods').where({ affiliate_id: at.affiliateId }).update({ status: 'active' });
    const stopped = await world.as(`/v1/programs/${at.programId}/${verb}`, {});
    expect(stopped.status, stopped.text).toBe(200);
    expect((await decide(`/v1/referrals/${sale['referralId']}/approve`, {})).status).toBe(200);
    expect(await linesOf(sale)).toMatchObject([{ status: 'approved' }]);
    const payout = await world.as('/v1/payouts', { affiliateId: at.affiliateId, currency: 'USD' });
    expect([payout.status, payout.body['amount']], payout.text).toEqual([201, usd('10.00')]);
    expect(await linesOf(sale)).toMatchObject([{ payoutId: payout.body['id'] }]);
  }
  // The method was opened behind the history's back.
  expect((await world.broken()).filter((one) => one.id !== 'I12')).toEqual([]);
});

test('PRG-04, PRG-05: anonymous holds in mails, notices, searches and with an own key; a failed charge is in no file and no list', async () => {
  const at = await scene({}, { customerVisibility: 'anonymous', referralApproval: 'manual' });
  const template = await world.as('/v1/message-templates', {
    name: `Earned ${newId('template').slice(-6)}`,
    subject: 'You earned {{commission_amount}}',
    body: '{{commission_list}} {{program_name}} {{commission_count}}',
  });
  const { version } = (await world.as(`/v1/programs/${at.programId}`)).body;
  const on = await world.api.as(world.ws.key, `/v1/programs/${at.programId}`, {
    method: 'PATCH',
    body: { commissionEmail: { enabled: true, templateId: template.body['id'] } },
    headers: { 'If-Match': `"${version}"` },
  });
  expect([template.status, on.status], template.text + on.text).toEqual([201, 200]);
  const email = `josephine.${newId('contact').slice(-8)}@buyer.example`;
  const person = { email, name: 'Josephine Buyer', customerExternalId: email };
  const lead = await world.as('/v1/leads', { externalId: newId('lead'), clickId: await world.click(at), ...person });
  expect(lead.status, lead.text).toBe(202);
  await world.settle();
  const customer = { externalId: email };
  const sale = await world.sale({ externalId: newId('sale'), customer, amount: usd('50.00') });
  await world.sale({ externalId: newId('sale'), customer, amount: usd('77.77'), status: 'declined' });
  await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: newId('refund'), amount: usd('10.00') });
  await world.settle();
  expect((await decide(`/v1/referrals/${sale['referralId']}/reject`)).status).toBe(200);

  const { email: own } = (await world.as(`/v1/affiliates/${at.affiliateId}`)).body;
  const mails = await world
    .owner('emails')
    .where({ recipient: own })
    .select<{ kind: string }[]>('kind', 'subject', 'body');
  const notices = await world.owner('notices').where({ affiliate_id: at.affiliateId }).select<object[]>('*');
  expect(mails.map((mail) => mail.kind)).toContain('commission_created');
  expect(notices.length).toBeGreaterThan(0);

  const made = await world.as('/v1/api-keys', { name: 'Own', affiliateId: at.affiliateId });
  const sender = String(made.body['secret']);
  const of = { affiliateId: at.affiliateId, permissions: ['me.read'] } as const;
  const { key } = await world.api.makePerson(world.ws, [], of);
  const paths = [
    ...['commissions', 'referrals', 'lead-log', 'refunds'].flatMap((list) => [
      `/v1/me/${list}`,
      `/v1/me/${list}?format=csv`,
    ]),
    '/v1/me/notices',
    '/v1/me/home',
    `/v1/me/referrals/${sale['referralId']}`,
    `/v1/me/commissions/${String(itemsOf(sale['commissionIds'])[0])}/explanation`,
  ];
  const sent = await world.api.as(sender, `/v1/leads/${lead.body['id']}`);
  expect([sent.status, sent.body['id']], sent.text).toEqual([200, lead.body['id']]);
  const texts = [JSON.stringify(mails), JSON.stringify(notices), sent.text];
  for (const path of paths) {
    const answer = await world.api.as(key, path);
    expect(answer.status, `${path}: ${answer.text}`).toBe(200);
    texts.push(answer.text);
  }
  for (const text of texts) {
    expect(text.toLowerCase()).not.toContain('josephine');
    expect(text).not.toContain('77.77');
  }
  for (const list of ['commissions', 'referrals', 'lead-log', 'refunds'])
    expect((await world.api.as(key, `/v1/me/${list}?q=josephine`)).body['data'], list).toEqual([]);
});
