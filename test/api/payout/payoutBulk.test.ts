import { MockActivityEnvironment } from '@temporalio/testing';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualGateway } from '../../../activities/gateways/manual.js';
import { payoutDecisionActivities } from '../../../activities/payout/payoutDecision.js';
import { type BulkStep, bulkOperationActivities } from '../../../activities/reporting/bulkOperation.js';
import { checkBooks } from '../../../db/reads/earning/bookChecks.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { OperationId, PayoutId } from '../../../domain/ids.js';
import { newId } from '../../../platform/newId.js';
import { makeProgram } from '../program/support.js';
import { itemsOf, startTestApi, type TestApi, type TestWorkspace } from '../support.js';
import { textAt } from '../../support/apiClient.js';
import { insertApprovedMoney } from '../../support/approvedMoney.js';
import { noExports } from '../../support/noExports.js';

// PAY-18: many at once, a result per row, one failure leaves the rest. The workflows' activities are run by hand in their order.

const many = 50;
const gatewayPolicy = { sandboxPaysLive: true };

let api: TestApi;
let shop: TestWorkspace;
let fin: string;
let owner: Knex;
const ids: string[] = [];
const environment = new MockActivityEnvironment();

beforeAll(async () => {
  api = await startTestApi();
  shop = await api.makeWorkspace({ saved: true });
  fin = (await api.makePerson(shop, ['finance_approver'], { name: 'Fin' })).key;
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  for (let index = 0; index < many; index += 1) ids.push(await makePayee(`Payee ${index}`, 6_000n + BigInt(index)));
}, 120_000);
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
});

/** Approved money and a bank account that a person pays to. */
async function makePayee(name: string, minor: bigint): Promise<string> {
  return inWorkspace(api.db, shop.id, async (tx, now) => {
    const [programId, contactId, id] = [newId('program'), newId('contact'), newId('affiliate')];
    await tx('programs').insert({ id: programId, name: programId, slug: programId, status: 'active', currency: 'USD' });
    await tx('contacts').insert({ id: contactId, name });
    await tx('affiliates').insert({ id, contact_id: contactId, name, email: `${id}@blog.example`, status: 'approved' });
    await tx('payout_methods').insert({
      id: newId('payoutMethod'),
      affiliate_id: id,
      type: 'bank',
      currency: 'USD',
      details: JSON.stringify({ sealed: '' }),
      masked: 'DE…',
      fingerprint: id,
      status: 'active',
    });
    await insertApprovedMoney(tx, api.act(shop.id, now), { affiliateId: id, programId, minor });
    return id;
  });
}

const ask = (key: string, body: unknown) => api.as(key, '/v1/operations', { body });

/** What the job's workflow and the payouts' workflows do: pages until nothing is left, each decision, the outcomes. */
async function work(jobId: string): Promise<readonly (readonly [string | null, string | null])[]> {
  const deps = { db: api.db, longDb: api.db, newId, gatewayPolicy, publicUrl: 'http://localhost:3000' };
  const jobs = bulkOperationActivities({ ...deps, ...noExports });
  const decisions = payoutDecisionActivities({
    ...deps,
    logger: api.deps.logger,
    payoutGateways: new Map([['manual', createManualGateway()]]),
    openMethodDetails: () => ({}),
    openGatewayAccess: () => ({}),
    answers: { save: () => Promise.resolve(''), load: () => Promise.resolve(undefined) },
  });
  const ref = { workspaceId: shop.id, jobId: jobId as OperationId };
  const page = (one: typeof ref): Promise<BulkStep> => jobs.decideBulkPage(one);
  for (let step: BulkStep = await environment.run(page, ref); step.hasMore; ) step = await environment.run(page, ref);
  const open: readonly { id: string; object_id: string }[] = await owner('decisions')
    .where({ operation_id: jobId, state: 'open' })
    .select('id', 'object_id');
  for (const { id, object_id: payoutId } of open) {
    const input = {
      workspaceId: shop.id,
      payoutId: payoutId as PayoutId,
      fact: { kind: 'decision' as const, id },
    };
    await environment.run((one: typeof input) => decisions.decidePayout(one), input);
  }
  await environment.run((one: typeof ref) => jobs.collectBulkOutcomes(one), ref);
  const { body } = await api.as(shop.key, `/v1/operations/${jobId}`);
  expect(body).toMatchObject({ status: 'done' });
  const items = itemsOf((await api.as(shop.key, `/v1/operations/${jobId}/items?limit=200`)).body['data']);
  return items.map((item) => [item['outcome'], item['code']]);
}

test('PAY-18: fifty drafts at once, a result per row; who has nothing due or is in a payout is skipped with the reason', async () => {
  const poor = await makePayee('Poor', 10n);
  const dry = await ask(shop.key, { kind: 'payouts.create', ids: [...ids, poor], dryRun: true });
  expect(dry.body).toMatchObject({
    matched: many + 1,
    eligible: many,
    skipped: [{ id: poor, code: 'below_minimum' }],
  });
  expect(await owner('payouts').count()).toEqual([{ count: '0' }]);
  const made = await ask(shop.key, { kind: 'payouts.create', ids: [...ids, poor] });
  expect(made.status, made.text).toBe(202);
  const results = await work(made.body['id']);
  expect(results.filter(([outcome]) => outcome === 'succeeded')).toHaveLength(many);
  expect(results.at(-1)).toEqual(['skipped', 'nothing_to_pay']);
  const again = await ask(shop.key, { kind: 'payouts.create', ids: ids.slice(0, 2) });
  expect(await work(again.body['id'])).toEqual([
    ['skipped', 'in_open_payout'],
    ['skipped', 'in_open_payout'],
  ]);
  const drafts = await api.as(shop.key, '/v1/payouts?status=draft&limit=200');
  expect(itemsOf(drafts.body['data'])).toHaveLength(many);
  expect((await broken()).length).toBe(0);
});

test('PAY-18: fifty marked as paid at once, one of them on hold: it fails, the rest is paid', async () => {
  const drafts = itemsOf((await api.as(shop.key, '/v1/payouts?status=draft&limit=200')).body['data']);
  const held = drafts[0]?.['id'];
  await owner('payouts').where({ id: held }).update({ on_hold: true });
  const filter = { status: 'draft', currency: 'USD' };
  const paid = { reference: 'Bank run 7', paidOn: '2026-11-20', note: 'By hand' };
  // Many at once are no way around four eyes: who made the drafts settles none of them (BEY-04).
  const own = await ask(shop.key, { kind: 'payouts.mark_paid', ids: [drafts[1]?.['id']], ...paid });
  expect((await work(own.body['id'])).map(([, code]) => code)).toEqual(['own_work']);
  const dry = await ask(fin, { kind: 'payouts.mark_paid', filter, dryRun: true });
  expect(dry.body).toMatchObject({ matched: many, eligible: many - 1, skipped: [{ id: held }] });
  const made = await ask(fin, { kind: 'payouts.mark_paid', filter, expectedCount: many, ...paid });
  expect(made.status, made.text).toBe(202);
  const results = await work(made.body['id']);
  expect(results.filter(([outcome]) => outcome === 'succeeded')).toHaveLength(many - 1);
  expect(results.filter(([outcome]) => outcome !== 'succeeded')).toHaveLength(1);
  const shown = itemsOf((await api.as(shop.key, '/v1/payouts?status=paid&limit=200')).body['data']);
  expect(shown).toHaveLength(many - 1);
  expect(new Set(shown.map((one) => `${one['reference']} ${one['paidOn']}`))).toEqual(
    new Set(['Bank run 7 2026-11-20']),
  );
  const twice = await ask(fin, { kind: 'payouts.mark_paid', ids: [shown[0]?.['id']], ...paid });
  expect(await work(twice.body['id'])).toEqual([['skipped', 'already_decided']]);
  expect((await broken()).length).toBe(0);
});

test('NTF-14: of selected payouts each affiliate gets one mail that lists its own; a draft is told to nobody', async () => {
  const template = await api.as(shop.key, '/v1/message-templates', {
    body: {
      name: 'Paid',
      subject: '{{payout_count}}: {{payout_amount}}',
      body: '{{affiliate_name}}:\n{{payout_list}}',
    },
  });
  expect(template.status, template.text).toBe(201);
  const templateId: string = template.body['id'];
  const [first, second] = itemsOf((await api.as(shop.key, '/v1/payouts?status=paid&limit=200')).body['data']);
  const draft = itemsOf((await api.as(shop.key, '/v1/payouts?status=draft&limit=200')).body['data'])[0];
  const chosen = [first?.['id'], second?.['id'], draft?.['id']];
  const path = `/v1/message-templates/${templateId}/preview`;
  const affiliateId: string = first?.['affiliateId'] ?? '';
  const seen = await api.as(shop.key, path, { body: { affiliateId, payoutIds: [chosen[0]] } });
  expect(seen.body['body'], seen.text).toMatch(/^[^\n]+:\n2026-11-20: \d+\.\d\d USD \(Bank run 7\)$/);
  for (const [payoutIds, pointer] of [
    [[chosen[1]], '#/payoutIds'],
    [[newId('payout')], '#/payoutIds'],
  ] as const) {
    const refused = await api.as(shop.key, path, { body: { affiliateId, payoutIds } });
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']]).toEqual([422, pointer]);
  }

  const send = { kind: 'payouts.message', ids: chosen };
  expect((await ask(shop.key, send)).body['errors']).toMatchObject([{ pointer: '#/templateId' }]);
  expect((await ask(fin, { ...send, templateId })).body).toMatchObject({
    status: 403,
    missingPermission: 'message.send',
  });
  const dry = await ask(shop.key, { ...send, dryRun: true });
  expect(dry.body).toEqual({
    matched: 3,
    eligible: 2,
    skipped: [{ id: draft?.['id'], code: 'transition_not_allowed' }],
  });
  const filtered = await ask(shop.key, { kind: 'payouts.message', filter: { affiliateId }, dryRun: true });
  expect(filtered.body).toMatchObject({ matched: 1, eligible: 1 });
  const made = await ask(shop.key, { ...send, templateId });
  expect(made.status, made.text).toBe(202);
  expect(await work(made.body['id'])).toEqual([
    ['succeeded', null],
    ['succeeded', null],
    ['skipped', 'transition_not_allowed'],
  ]);
  const sent = await owner('emails')
    .where({ kind: 'payouts_message' })
    .select<{ recipient: string; subject: string; body: string }[]>('recipient', 'subject', 'body');
  expect(sent.map((mail) => mail.recipient).toSorted()).toEqual(
    [first, second].map((payout) => `${payout?.['affiliateId']}@blog.example`).toSorted(),
  );
  const shown = await Promise.all(chosen.slice(0, 2).map((id) => api.as(shop.key, `/v1/payouts/${id}`)));
  expect(sent.map((mail) => mail.subject).toSorted()).toEqual(
    shown.map(({ body }) => `1: ${textAt(body, 'amount.amount')} USD`).toSorted(),
  );
  expect(await owner('notices').where({ kind: 'payouts_message', link: '/payouts' })).toHaveLength(2);
});

/** Somebody who waits to be approved. */
async function makeApplicant(name: string, programId: string): Promise<string> {
  const made = await api.as(shop.key, '/v1/affiliates', {
    body: { name, email: `${newId('contact')}@applicant.example`, programIds: [programId] },
  });
  expect(made.status, made.text).toBe(201);
  const id = String(made.body['id']);
  await owner('affiliates').where({ id }).update({ status: 'pending' });
  await owner('enrolments').where({ affiliate_id: id }).update({ status: 'pending' });
  return id;
}

const affiliatesOf = async (list: readonly string[]): Promise<readonly (readonly [unknown, unknown, unknown])[]> =>
  Promise.all(
    list.map(async (id) => {
      const { body } = await api.as(shop.key, `/v1/affiliates/${id}`);
      return [body['status'], body['groupId'], body['tags']] as const;
    }),
  );

test('screens.md 3.4: affiliates are approved, declined, suspended and moved many at once, each as its own decision', async () => {
  const open = await makeProgram(api, shop, { name: 'Bulk open' });
  const strict = await makeProgram(api, shop, { name: 'Bulk strict', requirements: ['agreement_accepted'] });
  const terms = { kind: 'terms', title: 'Terms', text: 'Be fair.', mustAccept: true };
  expect((await api.as(shop.key, `/v1/programs/${strict}/agreements`, { body: terms })).status).toBe(201);
  const [ann, bob] = [await makeApplicant('Ann', open), await makeApplicant('Bob', open)];
  const cat = await makeApplicant('Cat', strict);
  const done = ids[0] as string;
  const dry = await ask(shop.key, { kind: 'affiliates.approve', ids: [ann, cat, done], dryRun: true });
  expect([dry.status, dry.body], dry.text).toEqual([
    200,
    {
      matched: 3,
      eligible: 1,
      skipped: [
        { id: cat, code: 'requirements_open' },
        { id: done, code: 'already_decided' },
      ],
    },
  ]);
  const approved = await ask(shop.key, { kind: 'affiliates.approve', ids: [ann, cat, done] });
  expect([approved.status, approved.body['reversible']], approved.text).toEqual([202, false]);
  expect(await work(String(approved.body['id']))).toEqual([
    ['succeeded', null],
    ['skipped', 'requirements_open'],
    ['skipped', 'already_decided'],
  ]);
  expect((await affiliatesOf([ann, cat])).map(([status]) => status)).toEqual(['approved', 'pending']);
  const { email } = (await api.as(shop.key, `/v1/affiliates/${ann}`)).body;
  // It brings what the single approval brings: the enrolment works, the links are mailed.
  expect(await owner('enrolments').where({ affiliate_id: ann }).select('status')).toEqual([{ status: 'active' }]);
  expect(await owner('emails').where({ recipient: email, kind: 'affiliate_approved' })).toHaveLength(1);

  const silent = await ask(shop.key, { kind: 'affiliates.decline', ids: [bob] });
  expect([silent.status, silent.body['errors']?.[0]?.['pointer']], silent.text).toEqual([422, '#/reason']);
  const declined = await ask(shop.key, { kind: 'affiliates.decline', ids: [bob], reason: 'No site' });
  expect(await work(String(declined.body['id']))).toEqual([['succeeded', null]]);
  expect((await affiliatesOf([bob])).map(([status]) => status)).toEqual(['declined']);
  const undo = await api.as(shop.key, `/v1/operations/${String(declined.body['id'])}/undo`, { body: {} });
  expect(undo.status, undo.text).toBe(202);
  await work(String(undo.body['id']));
  expect((await affiliatesOf([bob])).map(([status]) => status)).toEqual(['pending']);

  const suspended = await ask(shop.key, { kind: 'affiliates.suspend', ids: [ann], reason: 'A look first' });
  await work(String(suspended.body['id']));
  expect((await affiliatesOf([ann])).map(([status]) => status)).toEqual(['suspended']);

  const group = (await api.as(shop.key, '/v1/groups', { body: { name: 'Moved at once' } })).body['id'];
  const byFilter = { kind: 'affiliates.update', filter: { programId: open }, expectedCount: 2 };
  const moved = await ask(shop.key, { ...byFilter, set: { groupId: group, tags: ['spring', 'spring', 'blog'] } });
  expect(moved.status, moved.text).toBe(202);
  expect(await work(String(moved.body['id']))).toEqual([
    ['succeeded', null],
    ['succeeded', null],
  ]);
  expect(await affiliatesOf([ann, bob])).toEqual([
    ['suspended', group, ['spring', 'blog']],
    ['pending', group, ['spring', 'blog']],
  ]);
  for (const [body, pointer] of [
    [{ ...byFilter, set: { groupId: newId('group') } }, '#/set/groupId'],
    [{ ...byFilter, set: { managerId: newId('user') } }, '#/set/managerId'],
    [{ ...byFilter, set: { assigneeId: newId('user') } }, '#/set/assigneeId'],
    [byFilter, '#/set'],
    [{ kind: 'affiliates.approve', ids: [ann], set: { tags: [] } }, '#/set'],
  ] as const) {
    const refused = await ask(shop.key, body);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, pointer]);
  }
  expect((await ask(fin, { kind: 'affiliates.approve', ids: [ann] })).body).toMatchObject({
    status: 403,
    missingPermission: 'status.change',
  });
  expect((await ask(fin, { ...byFilter, set: { tags: [] } })).body).toMatchObject({
    missingPermission: 'affiliate.write',
  });
});

test('PAY-18: rights, what is missing and what is too late are refused and change nothing', async () => {
  const before = await owner('operations').count();
  const preparer = (await api.makePerson(shop, ['finance_preparer'])).key;
  const good = { kind: 'payouts.mark_paid', ids: [newId('payout')], reference: 'x', paidOn: '2026-11-20' };
  expect((await ask(preparer, good)).body).toMatchObject({ status: 403, missingPermission: 'payout.settle' });
  expect((await ask(fin, { kind: 'payouts.create', ids })).body).toMatchObject({
    status: 403,
    missingPermission: 'payout.prepare',
  });
  for (const [body, pointer] of [
    [{ ...good, reference: undefined }, '#/reference'],
    [{ ...good, paidOn: '2999-01-01' }, '#/paidOn'],
    [good, '#/ids/0'],
    [{ kind: 'payouts.create', ids, reference: 'x' }, '#/reference'],
  ] as const) {
    const refused = await ask(shop.key, body);
    expect([refused.status, refused.body['errors']?.[0]?.['pointer']], refused.text).toEqual([422, pointer]);
  }
  expect(await owner('operations').count()).toEqual(before);
});

async function broken() {
  return (await checkBooks(owner)).filter((result) => result.violations > 0 && !['I12', 'I14'].includes(result.id));
}
