import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bulkOperationActivities } from '../../../activities/reporting/bulkOperation.js';
import { insertJob } from '../../../db/reporting/bulkOperation.js';
import { inWorkspace } from '../../../db/transaction.js';
import { simulationKind } from '../../../domain/reporting/bulkOperation.js';
import { newId } from '../../../platform/newId.js';
import { createEarningWorld, type EarningWorld } from '../earning/earningWorld.js';
import type { Json } from '../support.js';
import { noExports } from '../../support/noExports.js';

// "What would last quarter have cost under it?" over HTTP, beside books that real activities wrote (BEY-02, RUL-12).

let world: EarningWorld;
let programId: string;
let ruleId: string;
const people: string[] = [];
const usd = (amount: string) => ({ amount, currency: 'USD' });
const percent = (ratePpm: number, level = 1) => ({ level, kind: 'percent', ratePpm });
const bands = {
  by: 'sales_count',
  mode: 'whole',
  rows: [
    { from: '0', kind: 'percent', ratePpm: 100_000 },
    { from: '3', kind: 'percent', ratePpm: 150_000 },
  ],
};
const draft = (body: Readonly<Record<string, unknown>>) => ({
  scope: 'program',
  programId,
  event: 'payment',
  levels: [percent(100_000), percent(50_000, 2)],
  ...body,
});
const today = new Date().toISOString().slice(0, 10);
const simulate = (body: Readonly<Record<string, unknown>> = {}) =>
  world.as('/v1/commission-rules/simulate', { programIds: [programId], from: '2026-01-01', to: today, ...body });

beforeAll(async () => {
  world = await createEarningWorld();
  programId = await world.program({ levels: 2 });
  const rule = await world.rule(draft({ bands }));
  expect(rule.status, rule.text).toBe(201);
  ruleId = rule.body['id'];
  const recruiter = await world.affiliate(programId);
  people.push(await world.affiliate(programId, { recruiterId: recruiter }), recruiter);
  const sales: Json[] = [];
  for (const [index, amount] of ['100.00', '49.99', '33.35', '250.00', '0.07', '19.99'].entries()) {
    const affiliateId = people[index % 3 === 2 ? 1 : 0] ?? '';
    sales.push(
      await world.sale({
        externalId: `s-${index}`,
        customer: { externalId: `c-${index}`, email: `c${index}@buyer.example` },
        clickId: await world.click({ programId, affiliateId }),
        amount: usd(amount),
      }),
    );
  }
  await world.as(`/v1/sales/${sales[1]?.['id']}/refunds`, { externalId: 'r-1', amount: usd('16.67') });
  await world.as(`/v1/sales/${sales[3]?.['id']}/refunds`, { externalId: 'r-3' });
  await world.settle();
}, 120_000);
afterAll(() => world?.close());

test('the present plan comes out as it was booked, to the cent, for everybody', async () => {
  const present = await simulate();
  expect(present.status, present.text).toBe(200);
  expect([present.body['sales'], present.body['difference']]).toEqual([6, [usd('0.00')]]);
  expect(present.body['actual']).toEqual(present.body['simulated']);
  const rows: readonly Json[] = present.body['byAffiliate'];
  expect(rows.map((row) => row['difference']['amount'])).toEqual(rows.map(() => '0.00'));
  expect(new Set(rows.map((row) => row['affiliateId']))).toEqual(new Set(people));
  const perBand: readonly Json[] = present.body['byBand'];
  expect(new Set(perBand.map((row) => `${row['ruleId']} ${row['from']}`))).toEqual(
    new Set([`${ruleId} 0`, `${ruleId} 3`]),
  );
  expect((await simulate({ draft: draft({ bands }), replacesRuleId: ruleId })).body['difference']).toEqual([
    usd('0.00'),
  ]);
});

test('a draft shows who wins and who loses, and writes nothing', async () => {
  const counts = async () => {
    const rows = await Promise.all(
      ['commissions', 'commission_rules', 'commission_rule_versions', 'audit_entries', 'ledger_postings'].map((table) =>
        world.owner(table).count<{ count: string }[]>('* as count'),
      ),
    );
    return rows.map(([row]) => row?.count);
  };
  const before = await counts();
  const doubled = await simulate({
    draft: draft({ levels: [percent(200_000), percent(0, 2)] }),
    replacesRuleId: ruleId,
  });
  expect(doubled.status, doubled.text).toBe(200);
  const rows: readonly Json[] = doubled.body['byAffiliate'];
  const differences = new Map<string, string>(
    rows.map((row) => [row['affiliateId'] as string, row['difference']['amount'] as string]),
  );
  expect(Number(differences.get(people[0] ?? ''))).toBeGreaterThan(0);
  expect(doubled.body['affiliates']).toMatchObject({ total: 2 });
  expect((doubled.body['byProgram'] as readonly Json[]).map((row) => row['difference'])).toEqual(
    doubled.body['difference'],
  );
  expect(await counts()).toEqual(before);
});

test('a draft that collides, days the wrong way round and unknown programs are refused', async () => {
  const same = await simulate({ draft: draft({}) });
  expect([same.status, same.body['code']]).toEqual([422, 'rule_conflict']);
  const wrong = await simulate({ from: today, to: '2026-01-01' });
  expect([wrong.status, wrong.body['errors'][0]['pointer']]).toEqual([422, '#/to']);
  const unknown = await simulate({ programIds: [newId('program')] });
  expect([unknown.status, unknown.body['errors'][0]['code']]).toEqual([422, 'not_found']);
});

test('BEY-02, BEY-25: a payment before the period counts against a limit as it did then, given back or not', async () => {
  const day = (ago: number, hour = 12): string =>
    new Date(Date.now() - ago * 86_400_000).toISOString().replace(/T\d\d/, `T${hour}`);
  const limited = await world.program();
  const rule = { scope: 'program', programId: limited, event: 'payment', levels: [percent(100_000)] };
  const made = await world.rule({ ...rule, limits: { maxPayments: 2, maxMonths: null } });
  expect(made.status, made.text).toBe(201);
  const affiliateId = await world.affiliate(limited);
  const longAgo = '2026-01-01T00:00:00.000Z';
  await world.owner('commission_rule_versions').where({ rule_id: made.body['id'] }).update({ effective_from: longAgo });
  await world.owner('enrolments').where({ program_id: limited }).update({ joined_at: longAgo });
  const clickId = await world.click({ programId: limited, affiliateId });
  await world
    .owner('clicks')
    .where({ id: clickId })
    .update({ created_at: day(6, 10) });
  const customer = { externalId: 'limited', email: 'limited@buyer.example' };
  const pay = (ago: number) =>
    world.sale({
      externalId: `limited-${ago}`,
      customer,
      programId: limited,
      ...(ago === 6 ? { clickId } : {}),
      amount: usd('100.00'),
      occurredAt: day(ago),
    });
  const first = await pay(6);
  const approved = await world.settled(world.as(`/v1/referrals/${first['referralId']}/approve`, {}));
  expect(approved.status, approved.text).toBe(200);
  await world.as(`/v1/sales/${first['id']}/refunds`, { externalId: 'limited-back' });
  await world.settle();
  expect(await world.commissions(`saleId=${first['id']}`)).toMatchObject([{ status: 'reversed' }]);
  await pay(4);
  expect(await pay(2)).toMatchObject({ noCommissionCode: 'limit_payments' });
  const present = await simulate({ programIds: [limited], from: day(5).slice(0, 10) });
  expect([present.status, present.body['actual'], present.body['simulated']], present.text).toEqual([
    200,
    [usd('10.00')],
    [usd('10.00')],
  ]);
  expect((await world.as(`/v1/commission-rules/${made.body['id']}`, undefined, 'DELETE')).status).toBe(204);
});

test('PRG-21: an affiliate’s own acquisition model holds in what-if calculations and in the rates of portals, its recruiter’s included', async () => {
  const program = await world.program({ levels: 2 });
  const rule = { scope: 'program', programId: program, event: 'payment' };
  const made = await world.rule({ ...rule, levels: [percent(100_000), percent(50_000, 2)] });
  expect(made.status, made.text).toBe(201);
  const lead = [{ level: 1, kind: 'flat', amount: usd('3.00') }];
  const perLead = await world.rule({ ...rule, event: 'lead', levels: [...lead, { ...lead[0], level: 2 }] });
  expect(perLead.status, perLead.text).toBe(201);
  const recruiter = await world.affiliate(program, { name: 'Rita' });
  const affiliateId = await world.affiliate(program, { name: 'Carl', recruiterId: recruiter });
  const model = async (id: string, acquisitionModel: 'cpl' | 'cpa') => {
    const { version } = (await world.as(`/v1/affiliates/${id}`)).body;
    const changed = await world.api.as(world.ws.key, `/v1/affiliates/${id}`, {
      method: 'PATCH',
      body: { acquisitionModel },
      headers: { 'If-Match': `"${version}"` },
    });
    expect(changed.status, changed.text).toBe(200);
  };
  // Carl is paid for customers, Rita for leads; the program leaves it to its rules.
  await model(affiliateId, 'cpa');
  await model(recruiter, 'cpl');
  const customer = { externalId: 'own-model', email: 'own-model@buyer.example' };
  const pay = async (index: number) =>
    world.sale({
      externalId: `own-model-${index}`,
      customer,
      programId: program,
      ...(index === 1 ? { clickId: await world.click({ programId: program, affiliateId }) } : {}),
      amount: usd('100.00'),
    });
  const first = await pay(1);
  expect(first['commissionIds']).toHaveLength(2); // Rita earns on what Carl is paid for
  expect(await pay(2)).toMatchObject({ noCommissionCode: 'not_first_payment' });
  const own = await world.sale({
    externalId: 'own-model-3',
    customer: { externalId: 'own-model-3', email: 'own-model-3@buyer.example' },
    clickId: await world.click({ programId: program, affiliateId: recruiter }),
    amount: usd('100.00'),
  });
  expect(own).toMatchObject({ noCommissionCode: 'not_commissionable' }); // but Rita's lead earns her 3.00

  const present = await simulate({ programIds: [program] });
  expect(present.body, present.text).toMatchObject({ actual: [usd('18.00')], difference: [usd('0.00')] });
  const doubled = await simulate({
    programIds: [program],
    draft: { ...rule, levels: [percent(200_000), percent(50_000, 2)] },
    replacesRuleId: made.body['id'],
  });
  expect(doubled.body, doubled.text).toMatchObject({ simulated: [usd('28.00')], difference: [usd('10.00')] });

  await world.owner('agreements').where({ program_id: program }).update({ must_accept: false });
  const ratesOf = async (id: string): Promise<readonly unknown[]> => {
    const { key } = await world.api.makePerson(world.ws, [], { affiliateId: id, permissions: ['me.read'] });
    const mine = (await world.api.as(key, `/v1/me/programs/${program}`)).body;
    return (mine['rates'] as unknown as readonly Json[]).map((rate) => `${rate['level']} ${rate['event']}`).toSorted();
  };
  expect(await ratesOf(affiliateId)).toEqual(['1 first_payment', '2 lead', '2 payment']);
  // What Rita's recruits are paid for is theirs: her own model says nothing of level 2.
  expect(await ratesOf(recruiter)).toEqual(['1 lead', '2 lead', '2 payment']);
  for (const one of [made, perLead])
    expect((await world.as(`/v1/commission-rules/${one.body['id']}`, undefined, 'DELETE')).status).toBe(204);
});

test('by default the quarter before this one, which is empty here', async () => {
  const answer = await world.as('/v1/commission-rules/simulate', {});
  expect([answer.status, answer.body['sales']], answer.text).toEqual([200, 0]);
});

test('a long period is a job with the same object as its result; a second run changes nothing', async () => {
  const { ws, api } = world;
  const id = newId('operation');
  await inWorkspace(api.db, ws.id, (tx, now) =>
    insertJob(tx, api.act(ws.id, now, { actor: { type: 'user', id: ws.owner.id, userId: ws.owner.id } }), {
      id,
      kind: simulationKind,
      request: {
        from: '2026-01-01T00:00:00.000Z',
        until: '2027-01-01T00:00:00.000Z',
        programIds: [programId],
        replacesRuleId: null,
        draft: null,
      },
      total: 6,
    }),
  );
  const activities = bulkOperationActivities({
    db: api.db,
    longDb: api.db,
    newId,
    gatewayPolicy: { sandboxPaysLive: true },
    ...noExports,
  });
  const ref = { workspaceId: ws.id, jobId: id };
  const run = () => new MockActivityEnvironment().run((one: typeof ref) => activities.decideBulkPage(one), ref);
  expect(await run()).toEqual({ status: 'done', hasMore: false, open: 0 });
  const shown = (await world.as(`/v1/operations/${id}`)).body;
  expect([shown['status'], shown['kind'], shown['result']['difference']]).toEqual([
    'done',
    simulationKind,
    [usd('0.00')],
  ]);
  await run();
  expect((await world.as(`/v1/operations/${id}`)).body['finishedAt']).toBe(shown['finishedAt']);
});

test('RUL-12: one rate for everybody: the dry run counts what is kept and cleared, the real one takes effect', async () => {
  const rate = { ratePpm: 70_000, clearOverrides: true };
  const dry = await world.as('/v1/commission-rules/apply-to-all', { ...rate, dryRun: true });
  expect([dry.status, dry.body['cleared'], dry.body['kept']], dry.text).toEqual([200, { program: 1 }, {}]);
  const keeping = await world.as('/v1/commission-rules/apply-to-all', {
    ratePpm: 70_000,
    clearOverrides: false,
    dryRun: true,
  });
  expect([keeping.status, keeping.body['cleared'], keeping.body['kept']], keeping.text).toEqual([
    200,
    {},
    { program: 1 },
  ]);
  const done = await world.as('/v1/commission-rules/apply-to-all', rate);
  expect([done.status, done.body['status'], done.body['result']['cleared']], done.text).toEqual([
    202,
    'done',
    { program: 1 },
  ]);
  const quote = await world.as('/v1/commission-rules/quote', {
    programId,
    affiliateId: people[0],
    event: 'payment',
    sale: { amount: usd('100.00') },
  });
  expect([quote.status, quote.body['commissions'][0]['amount']], quote.text).toEqual([200, usd('7.00')]);
});
