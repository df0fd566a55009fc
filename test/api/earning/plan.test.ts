import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../support.js';
import { createEarningWorld, type EarningWorld } from './earningWorld.js';

// Bands, caps, leads, versions and levels over HTTP, with the real activities and books (api.md 6.2, features.md 2 and 24).

let world: EarningWorld;
let serial = 0;
beforeAll(async () => {
  world = await createEarningWorld();
}, 60_000);
afterAll(() => world?.close());

const usd = (amount: string) => ({ amount, currency: 'USD' });
const percent = (ratePpm: number, level = 1) => ({ level, kind: 'percent', ratePpm });

async function scene(
  rule: Readonly<Record<string, unknown>>,
  program: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly programId: string; readonly affiliateId: string; readonly rule: Json }> {
  const programId = await world.program(program);
  const made = await world.rule({ scope: 'program', programId, event: 'payment', levels: [percent(100_000)], ...rule });
  expect(made.status, made.text).toBe(201);
  return { programId, affiliateId: await world.affiliate(programId), rule: made.body };
}

/** A payment by a new customer who came by the affiliate's link. */
async function pay(
  of: { readonly programId: string; readonly affiliateId: string },
  amount: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<Json> {
  serial += 1;
  const clickId = await world.click(of);
  if (typeof body['occurredAt'] === 'string')
    await world.owner('clicks').where({ id: clickId }).update({ created_at: '2026-09-29T00:00:00.000Z' });
  return world.sale({
    externalId: `order-${serial}`,
    customer: { externalId: `u-${serial}`, email: `u${serial}@buyer.example` },
    clickId,
    amount: usd(amount),
    ...body,
  });
}

async function lines(of: { readonly affiliateId: string }): Promise<readonly Json[]> {
  return world.commissions(`affiliateId=${of.affiliateId}&limit=200`);
}
const amountsOf = (all: readonly Json[]): readonly string[] => all.map((one) => one['amount']['amount'] as string);

test('BEY-18: a quote by coupon names whom the code credits, and refuses a code that credits nobody', async () => {
  const at = await scene({});
  const other = await world.program();
  const made = await world.as('/v1/coupons', {
    affiliateId: at.affiliateId,
    programId: at.programId,
    code: 'SPRING10',
  });
  expect(made.status, made.text).toBe(201);
  const quote = (body: Readonly<Record<string, unknown>>) =>
    world.as('/v1/commission-rules/quote', {
      programId: at.programId,
      event: 'payment',
      sale: { amount: usd('49.99') },
      ...body,
    });
  const byCode = await quote({ coupon: 'spring10' });
  expect(byCode.status, byCode.text).toBe(200);
  expect(byCode.body['commissions']).toMatchObject([{ level: 1, affiliateId: at.affiliateId, amount: usd('5.00') }]);
  expect((await quote({ affiliateId: at.affiliateId })).body).toEqual(byCode.body);
  for (const [body, code] of [
    [{ coupon: 'NOSUCH' }, 'not_found'],
    [{ coupon: 'SPRING10', programId: other }, 'not_allowed_here'],
    [{ coupon: 'SPRING10', occurredAt: '2026-01-01T00:00:00Z' }, undefined],
  ] as const) {
    const answer = await quote(body);
    expect([answer.status, answer.body['errors']?.[0]?.['code']], JSON.stringify(body)).toEqual(
      code === undefined ? [200, undefined] : [422, code],
    );
  }
  await world.as(`/v1/coupons/${made.body['id']}`, { active: false }, 'PATCH');
  const off = await quote({ coupon: 'SPRING10' });
  expect([off.status, off.body['errors']?.[0]?.['code']]).toEqual([422, 'not_allowed_here']);
});

describe('bands', () => {
  const rows = [
    { from: '0', kind: 'percent', ratePpm: 100_000 },
    { from: '3', kind: 'percent', ratePpm: 150_000 },
  ];

  test('RFD-12: marginal: the third earns more, the first two keep what they have; a refund lowers the count, and reprices nothing', async () => {
    const at = await scene({ bands: { by: 'sales_count', rows } });
    expect(at.rule['bands']).toMatchObject({ level: 1, period: 'lifetime', mode: 'marginal' });
    const first = await pay(at, '100.00');
    await pay(at, '100.00');
    await pay(at, '100.00');
    expect(amountsOf(await lines(at))).toEqual(['10.00', '10.00', '15.00']);
    const [, , third] = await lines(at);
    expect(third?.['parts'][0]).toMatchObject({ bandFrom: '3', ordinal: 3, ratePpm: 150_000 });
    await world.as(`/v1/sales/${first['id']}/refunds`, { externalId: `r-${first['id']}` });
    await world.settle();
    await pay(at, '100.00');
    const parts = (await lines(at)).map((one) => one['parts'][0]['ordinal'] as number);
    expect(parts).toEqual([1, 2, 3, 3]); // earlier amounts are not repriced (RFD-12)
    expect(await world.broken()).toEqual([]);
  });

  test('whole: the third raises the first two by entries that name them; a refund takes its share of both', async () => {
    const at = await scene({ bands: { by: 'sales_count', mode: 'whole', rows } });
    const first = await pay(at, '100.00');
    await pay(at, '100.00');
    await pay(at, '100.00');
    const all = await lines(at);
    const raises = all.filter((one) => one['kind'] === 'adjustment');
    expect(amountsOf(all.filter((one) => one['kind'] === 'earned'))).toEqual(['10.00', '10.00', '15.00']);
    expect(new Set(raises.map((one) => [one['amount']['amount'], one['saleId'], one['status']].join(' ')))).toEqual(
      new Set([`5.00 ${first['id']} pending`, `5.00 ${all[1]?.['saleId']} pending`]),
    );
    expect(new Set(raises.map((one) => one['originCommissionId']))).toEqual(new Set([all[0]?.['id'], all[1]?.['id']]));
    const told = (await world.as(`/v1/commissions/${raises[0]?.['id']}/explanation`)).body;
    expect(told['sentence']).toBe(
      'At the band from 3 (15 %) the earlier commission is 15.00 USD; it was 10.00 USD: 5.00 USD more.',
    );
    await pay(at, '100.00');
    expect((await lines(at)).filter((one) => one['kind'] === 'adjustment')).toHaveLength(2); // once
    await world.as(`/v1/sales/${first['id']}/refunds`, { externalId: `r-${first['id']}`, amount: usd('50.00') });
    await world.settle();
    const ofFirst = (await lines(at)).filter((one) => one['saleId'] === first['id']);
    expect(ofFirst.map((one) => one['net']['amount'])).toEqual(['5.00', '2.50']);
    expect(await world.broken()).toEqual([]);
  });

  test('whole: a raise of a sale that is part refunded already is reduced at once, to the same net', async () => {
    const at = await scene({ bands: { by: 'sales_count', mode: 'whole', rows } });
    const first = await pay(at, '100.00');
    await world.as(`/v1/sales/${first['id']}/refunds`, { externalId: `r-${first['id']}`, amount: usd('50.00') });
    await world.settle();
    await pay(at, '100.00');
    await pay(at, '100.00');
    const ofFirst = (await lines(at)).filter((one) => one['saleId'] === first['id']);
    expect(ofFirst.map((one) => [one['kind'], one['net']['amount']])).toEqual([
      ['earned', '5.00'],
      ['adjustment', '2.50'],
    ]);
    expect(await world.broken()).toEqual([]);
  });

  test('of the amount: the sale that crosses is cut in two', async () => {
    const at = await scene({
      bands: { by: 'sales_amount', rows: [rows[0], { from: '150.00', kind: 'percent', ratePpm: 200_000 }] },
    });
    await pay(at, '100.00');
    await pay(at, '100.00');
    const [, second] = await lines(at);
    expect(second).toMatchObject({ amount: usd('15.00'), ratePpm: null });
    const told = (await world.as(`/v1/commissions/${second?.['id']}/explanation`)).body;
    expect((told['inputs'] as readonly Json[]).map((one) => [one['base']['amount'], one['bandFrom']])).toEqual([
      ['50.00', '0'],
      ['50.00', '150.00'],
    ]);
  });

  test('of a month: the next month counts anew, in the program’s zone', async () => {
    const at = await scene(
      {
        bands: { by: 'sales_count', period: 'month', rows: [rows[0], { ...rows[1], from: '2' }] },
        effectiveFrom: undefined,
      },
      { timeZone: 'Pacific/Auckland' },
    );
    const longAgo = '2026-01-01T00:00:00.000Z';
    await world.owner('commission_rule_versions').update({ effective_from: longAgo });
    await world.owner('enrolments').update({ joined_at: longAgo });
    for (const occurredAt of ['2026-09-30T10:30:00.000Z', '2026-09-30T11:30:00.000Z', '2026-10-02T00:00:00.000Z'])
      await pay(at, '100.00', { occurredAt }); // 11:30 UTC is 1 October in Auckland
    expect(amountsOf(await lines(at))).toEqual(['10.00', '10.00', '15.00']);
  });
});

describe('caps', () => {
  test('95.00 of 100.00: 20.00 becomes 5.00, the next nothing; a refund makes room', async () => {
    const at = await scene({ cap: { amount: usd('100.00'), period: 'month' } });
    const first = await pay(at, '950.00');
    await pay(at, '200.00');
    const third = await pay(at, '100.00');
    const all = await lines(at);
    expect(all.map((one) => [one['amount']['amount'], one['clipCode']])).toEqual([
      ['95.00', null],
      ['5.00', 'cap_partial'],
    ]);
    expect([third['noCommissionCode'], third['commissionIds']]).toEqual(['cap_reached', []]);
    await world.as(`/v1/sales/${first['id']}/refunds`, { externalId: `r-${first['id']}` });
    await world.settle();
    await pay(at, '100.00');
    expect(amountsOf(await lines(at))).toEqual(['95.00', '5.00', '10.00']);
    expect(await world.broken()).toEqual([]);
  });

  test('many sales at once never pass the cap', async () => {
    const at = await scene({ cap: { amount: usd('25.00'), period: 'lifetime' } });
    const clicks = await Promise.all(Array.from({ length: 6 }, () => world.click(at)));
    for (const [index, clickId] of clicks.entries())
      await world.as('/v1/sales', {
        externalId: `rush-${index}`,
        customer: { externalId: `rush-${index}`, email: `rush${index}@buyer.example` },
        clickId,
        amount: usd('100.00'),
      });
    await Promise.all([world.settle(), world.settle(), world.settle()]);
    expect(amountsOf(await lines(at)).toSorted((a, b) => b.length - a.length)).toEqual(['10.00', '10.00', '5.00']);
    expect(await world.broken()).toEqual([]);
  });
});

describe('leads', () => {
  const flat = { event: 'lead', levels: [{ level: 1, kind: 'flat', amount: usd('5.00') }] };
  async function enquire(
    at: { readonly programId: string; readonly affiliateId: string },
    body: Readonly<Record<string, unknown>> = {},
  ): Promise<Json> {
    serial += 1;
    const clickId = await world.click(at);
    const sent = await world.as('/v1/leads', { email: `l${serial}@buyer.example`, clickId, ...body });
    expect(sent.status, sent.text).toBe(202);
    await world.settle();
    return sent.body;
  }

  test('an accepted lead earns; invalid takes it back; accepted again brings it back', async () => {
    const at = await scene(flat, { acquisitionModel: 'cpl' });
    const lead = await enquire(at);
    expect((await lines(at)).map((one) => [one['amount']['amount'], one['leadId'], one['status']])).toEqual([
      ['5.00', lead['id'], 'pending'],
    ]);
    const wrong = await world.as(`/v1/leads/${lead['id']}/invalidate`, { reason: 'Nobody answers.' });
    expect(wrong.status, wrong.text).toBe(200);
    await world.settle();
    expect((await lines(at)).map((one) => one['status'])).toEqual(['rejected']);
    expect((await world.as(`/v1/leads/${lead['id']}/accept`, {})).status).toBe(200);
    await world.settle();
    expect((await lines(at)).map((one) => one['status'])).toEqual(['pending']);
    // What staff raised it by is of the lead as well (COM-08).
    const [line] = await lines(at);
    const more = { amount: usd('7.00'), reason: 'A good one', skipHold: true };
    expect((await world.as(`/v1/commissions/${line?.['id']}/adjust`, more)).status).toBe(200);
    expect((await world.as(`/v1/leads/${lead['id']}/invalidate`, { reason: 'Nobody answers.' })).status).toBe(200);
    await world.settle();
    expect((await lines(at)).map((one) => one['status'])).toEqual(['rejected', 'rejected']);
    expect((await world.as(`/v1/leads/${lead['id']}/accept`, {})).status).toBe(200);
    await world.settle();
    const again = await lines(at);
    expect(again.map((one) => [one['status'], one['net']['amount']])).toEqual([
      ['pending', '5.00'],
      ['pending', '2.00'],
    ]);
    const sale = await world.sale({
      externalId: `cpl-${serial}`,
      customer: { email: `l${serial}@buyer.example` },
      amount: usd('100.00'),
    });
    expect(sale['noCommissionCode']).toBe('not_commissionable'); // CPL pays the lead only
    expect(await world.broken()).toEqual([]);
  });

  test('a rule pays once per contact and event; a sale without a lead makes one that is paid too', async () => {
    const at = await scene(flat);
    await enquire(at, { email: 'twice@buyer.example' });
    await enquire(at, { email: 'twice@buyer.example', event: 'registration' });
    expect(amountsOf(await lines(at))).toEqual(['5.00']);
    await pay(at, '100.00');
    // The sale itself earns by the default of the settings, 10 %: the program has no rule of its own for payments.
    expect(amountsOf(await lines(at))).toEqual(['5.00', '5.00', '10.00']);
  });

  test('RUL-13: a rule on the first payment: registration alone makes a referral and no commission, the payment earns once', async () => {
    const at = await scene({ event: 'first_payment' });
    await enquire(at, { email: 'first@buyer.example', event: 'registration', customerExternalId: 'first-1' });
    const referrals = (await world.as(`/v1/referrals?affiliateId=${at.affiliateId}`)).body['data'];
    expect(referrals).toMatchObject([{ status: 'pending' }]);
    expect(await lines(at)).toEqual([]);
    for (const number of [1, 2])
      await world.sale({
        externalId: `first-${number}`,
        customer: { externalId: 'first-1', email: 'first@buyer.example' },
        amount: usd('100.00'),
      });
    expect(amountsOf(await lines(at))).toEqual(['10.00']);
  });

  test('no lead rule, no commission; CPA leaves leads alone', async () => {
    const at = await scene(flat, { acquisitionModel: 'cpa' });
    await enquire(at);
    expect(await lines(at)).toEqual([]);
  });
});

describe('versions and levels', () => {
  test('for new customers only: whoever was brought before keeps the older version', async () => {
    const at = await scene({});
    serial += 1;
    const old = {
      customer: { externalId: `old-${serial}`, email: `old${serial}@buyer.example` },
      clickId: await world.click(at),
    };
    await world.sale({ ...old, externalId: `old-${serial}-1`, amount: usd('100.00') });
    const patched = await world.api.as(world.ws.key, `/v1/commission-rules/${at.rule['id']}`, {
      method: 'PATCH',
      headers: { 'if-match': '"1"' },
      body: { levels: [percent(300_000)], appliesTo: 'new_customers' },
    });
    expect([patched.status, patched.body['appliesTo']], patched.text).toEqual([200, 'new_customers']);
    await world.sale({ ...old, clickId: null, externalId: `old-${serial}-2`, amount: usd('100.00') });
    await pay(at, '100.00');
    expect((await lines(at)).map((one) => [one['amount']['amount'], one['ruleVersion']])).toEqual([
      ['10.00', 1],
      ['10.00', 1],
      ['30.00', 2],
    ]);
  });

  test('four levels: one sale, four lines; a refund mirrors all of them', async () => {
    const programId = await world.program({ levels: 4 });
    const made = await world.rule({
      scope: 'program',
      programId,
      event: 'payment',
      levels: [percent(200_000, 1), percent(100_000, 2), percent(50_000, 3), percent(25_000, 4)],
    });
    expect(made.status, made.text).toBe(201);
    let affiliateId = await world.affiliate(programId);
    const chain = [affiliateId];
    for (let level = 1; level < 4; level += 1) {
      affiliateId = await world.affiliate(programId, { recruiterId: affiliateId });
      chain.unshift(affiliateId);
    }
    const sale = await pay({ programId, affiliateId }, '100.00');
    const all = await world.commissions(`saleId=${sale['id']}`);
    expect(
      [...all].sort((a, b) => a['level'] - b['level']).map((one) => [one['affiliateId'], one['amount']['amount']]),
    ).toEqual(chain.map((id, index) => [id, ['20.00', '10.00', '5.00', '2.50'][index]]));
    await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: `r-${sale['id']}`, amount: usd('33.33') });
    await world.settle();
    const after = await world.commissions(`saleId=${sale['id']}`);
    expect([...after].sort((a, b) => a['level'] - b['level']).map((one) => one['net']['amount'])).toEqual([
      '13.33',
      '6.67',
      '3.33',
      '1.67',
    ]);
    expect(await world.broken()).toEqual([]);
  });

  test('an eleventh level, bands with a gap, and levels above the whole are refused', async () => {
    const programId = await world.program();
    const refused = async (body: Readonly<Record<string, unknown>>) => {
      const answer = await world.rule({
        scope: 'program',
        programId,
        event: 'payment',
        levels: [percent(100_000)],
        ...body,
      });
      return [
        answer.status,
        answer.body['code'],
        (answer.body['conflicts'] as readonly Json[] | undefined)?.[0]?.['code'],
      ];
    };
    expect(await refused({ levels: [percent(1), percent(1, 11)] })).toEqual([422, 'validation_failed', undefined]);
    const gap = { by: 'sales_count', rows: [{ from: '1', kind: 'percent', ratePpm: 1 }] };
    expect(await refused({ bands: gap })).toEqual([422, 'rule_conflict', 'band_gap']);
    expect(await refused({ levels: [percent(600_000), percent(500_000, 2)] })).toEqual([
      422,
      'rule_conflict',
      'levels_over_whole',
    ]);
    const eur = { amount: { amount: '1.00', currency: 'EUR' }, period: 'month' };
    expect(await refused({ cap: eur })).toEqual([422, 'currency_mismatch', undefined]);
  });
});

describe('judging a sale once more (COM-07, BEY-13)', () => {
  const rerun = (id: string) => world.settled(world.as(`/v1/sales/${id}/rerun`, {}));

  test('what earned nothing for a cause that is repaired earns once, by the terms of its time', async () => {
    const at = await scene({});
    const product = (await world.as('/v1/products', { name: 'Later', sku: `later-${at.programId.slice(-6)}` })).body;
    const sale = await pay(at, '100.00', { product: product['id'] });
    expect([sale['noCommissionCode'], sale['commissionIds']]).toEqual(['not_commissionable', []]);
    expect(sale['allowedActions']).toEqual(['refund', 'rerun']);
    await world.as(`/v1/programs/${at.programId}/products`, { productId: product['id'] });
    await world.api.as(world.ws.key, `/v1/commission-rules/${at.rule['id']}`, {
      method: 'PATCH',
      headers: { 'if-match': '"1"' },
      body: { levels: [percent(500_000)] },
    });
    const again = await rerun(sale['id']);
    expect([again.status, again.body['noCommissionCode']], again.text).toEqual([200, null]);
    expect((await lines(at)).map((one) => [one['amount']['amount'], one['ruleVersion']])).toEqual([['10.00', 1]]);
    const once = await rerun(sale['id']);
    expect([once.status, once.body['code']]).toEqual([409, 'transition_not_allowed']);
    expect(await lines(at)).toHaveLength(1);
    expect(await world.broken()).toEqual([]);
  });

  test('a rejected commission comes back, the same record; not after a refund', async () => {
    const at = await scene({});
    const sale = await pay(at, '100.00');
    const [line] = await lines(at);
    await world.settled(world.as(`/v1/commissions/${line?.['id']}/reject`, { reason: 'A mistake.' }));
    const again = await rerun(sale['id']);
    expect(again.status, again.text).toBe(200);
    expect((await lines(at)).map((one) => [one['id'], one['status']])).toEqual([[line?.['id'], 'pending']]);
    await world.as(`/v1/sales/${sale['id']}/refunds`, { externalId: `r-${sale['id']}` });
    await world.settle();
    const refunded = await rerun(sale['id']);
    expect([refunded.status, refunded.body['code']]).toEqual([409, 'transition_not_allowed']);
    expect(await world.broken()).toEqual([]);
  });
});
