import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AffiliateId } from '../../../domain/ids.js';
import { eventually } from '../../support/eventually.js';
import { textOfPdf } from '../../support/pdfText.js';
import { createWorkflowWorld, type WorkflowWorld } from '../../workflows/payout/workflowWorld.js';
import { itemsOf, startTestApi, type TestAnswer, type TestApi } from '../support.js';

// Every decision of api.md 10.2 and 10.3 over HTTP, with a real worker, relay and server: two persons with a key each.

let api: TestApi;
let w: WorkflowWorld;
let ana: string;
let ben: string;

beforeAll(async () => {
  api = await startTestApi();
  w = await createWorkflowWorld({ database: api.database });
  const shop = { id: w.world.workspaceId };
  ana = (await api.makePerson(shop, ['owner'], { name: 'Ana' })).key;
  ben = (await api.makePerson(shop, ['finance_approver'], { name: 'Ben' })).key;
});
afterAll(async () => {
  await w?.close();
  await api?.close();
});

const post = (key: string, path: string, body: unknown = {}): Promise<TestAnswer> => api.as(key, path, { body });
const reason = { reason: 'Checked with the bank' };
const tomorrow = (): string => new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10);
const today = (): string => new Date().toISOString().slice(0, 10);

function until(path: string, holds: (body: TestAnswer['body']) => boolean): Promise<TestAnswer['body']> {
  return eventually(async () => {
    const answer = await api.as(ana, path);
    if (answer.status !== 200 || !holds(answer.body)) throw new Error(`${path}: ${answer.text.slice(0, 600)}`);
    return answer.body;
  });
}

async function plannedRun(...affiliateIds: AffiliateId[]): Promise<{ path: string; planHash: string }> {
  const made = await post(ana, '/v1/payout-runs', { affiliateIds });
  expect(made.status).toBe(202);
  const path = `/v1/payout-runs/${made.body['id'] ?? ''}`;
  const preview = await until(`${path}/preview`, (body) => body['status'] === 'planned');
  return { path, planHash: preview['planHash'] ?? '' };
}

/** A run of these affiliates, approved by Ben and executed: the path of each one's payout. */
async function sent(...affiliateIds: AffiliateId[]): Promise<{ run: string; payouts: readonly string[] }> {
  const { path, planHash } = await plannedRun(...affiliateIds);
  expect((await post(ben, `${path}/approve`, { planHash, ...reason })).status).toBe(200);
  expect(await post(ben, `${path}/execute`)).toMatchObject({ status: 200, body: { status: 'executing' } });
  const payouts = [];
  for (const affiliateId of affiliateIds) {
    const list = await api.as(ana, `/v1/payouts?affiliateId=${affiliateId}`);
    payouts.push(`/v1/payouts/${itemsOf(list.body['data'])[0]?.['id'] ?? ''}`);
  }
  return { run: path, payouts };
}

/**
 * Of many equal decisions at once one took effect, and each other was refused with the name of who had decided. One that a busy machine
 * answered with 202 after its 5 s is judged by its row.
 */
async function expectOne(answers: readonly TestAnswer[], objectId: string, verb: string): Promise<void> {
  const rows = await eventually(async () => {
    const found = await w.world.rows('decisions', { object_id: objectId, verb });
    return found.every((row) => row['state'] !== 'open') && found;
  });
  expect(rows.filter((row) => row['state'] === 'done')).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(1);
  const before = ['access.own_work', 'payout_run.plan_changed']; // what the test tried first
  const codes = rows.filter((one) => one['state'] !== 'done').map((row) => String(row['code']));
  expect(codes.filter((code) => !before.includes(code) && !code.endsWith('.already_decided'))).toEqual([]);
  for (const answer of answers.filter((one) => one.status !== 200 && one.status !== 202))
    expect(answer).toMatchObject({ status: 409, body: { code: 'already_decided', decidedBy: { name: 'Ben' } } });
}

const attemptIs = (path: string, state: string) => until(path, (body) => body['attempt']?.['state'] === state);

describe('a run', () => {
  test('needs a second person, the plan as it was shown, and takes one of 50 approvals at once', async () => {
    const affiliate = await w.payable('ok');
    const { path, planHash } = await plannedRun(affiliate);

    expect(await post(ana, `${path}/approve`, { planHash, ...reason })).toMatchObject({
      status: 403,
      body: { code: 'own_work' },
    });
    expect(await post(ben, `${path}/approve`, { planHash: 'sha256:0000', ...reason })).toMatchObject({
      status: 409,
      body: { code: 'plan_changed' },
    });
    expect(await post(ben, `${path}/execute`)).toMatchObject({
      status: 409,
      body: { code: 'transition_not_allowed', currentStatus: 'planned' },
    });
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post(ben, `${path}/approve`, { planHash, ...reason })),
    );
    await expectOne(answers, path.split('/').at(-1) ?? '', 'approve');

    const executed = await post(ben, `${path}/execute`);
    expect(executed).toMatchObject({ status: 200, body: { status: 'executing', secondPerson: 'other_person' } });
    await until(path, (body) => body['status'] === 'completed');
    const [payout] = itemsOf((await api.as(ana, `/v1/payouts?affiliateId=${affiliate}`)).body['data']);
    expect(payout).toMatchObject({ status: 'paid', attempt: { state: 'paid', number: 1 } });
    // The run as pages: who was paid, the control totals, and the hash that Ben approved (screens.md 5, BEY-04).
    const pages = await fetch(`${api.url}${path}/proof?format=pdf`, { headers: { authorization: `Bearer ${ben}` } });
    expect([pages.status, pages.headers.get('content-type')]).toEqual([200, 'application/pdf']);
    const paper = textOfPdf(Buffer.from(await pages.arrayBuffer())).join('\n');
    for (const word of [planHash, 'by another person (other_person)', 'Ben', affiliate, '20.00 USD'])
      expect(paper.replaceAll(/\s/g, '')).toContain(word.replaceAll(/\s/g, ''));
    const reader = await api.makePerson({ id: w.world.workspaceId }, ['auditor']);
    const stranger = await api.makeWorkspace();
    expect((await api.as(stranger.key, `${path}/proof?format=pdf`)).status).toBe(404);
    expect((await api.as(ben, `${path}/proof?format=xml`)).status).toBe(422);
    expect((await api.as(reader.key, `${path}/proof`)).body).toMatchObject({ planHash });
    expect(await post(ben, `${path}/approve`, { planHash, ...reason })).toMatchObject({ status: 409 });
    expect(await post(ana, `${path}/cancel`, reason)).toMatchObject({
      status: 409,
      body: { code: 'transition_not_allowed', currentStatus: 'completed' },
    });
  }, 120_000);

  test('excluding, including, planning again and cancelling: an approval given before is void', async () => {
    const [stays, leaves] = [await w.payable('ok'), await w.payable('ok')];
    const { path, planHash } = await plannedRun(stays, leaves);
    expect((await api.as(ben, `${path}/changes`)).body['data']).toEqual([]); // the first plan differs from nothing
    expect((await post(ben, `${path}/approve`, { planHash, ...reason })).status).toBe(200);

    expect((await post(ana, `${path}/exclude`, { affiliateIds: [leaves] })).status).toBe(200);

    const without = await until(`${path}/preview`, (body) => body['status'] === 'planned');
    expect(without['planHash']).not.toBe(planHash);
    expect(itemsOf(without['payable']).map((row) => row['affiliateId'])).toEqual([stays]);
    expect(itemsOf(without['notPayable'])).toMatchObject([
      { affiliateId: leaves, reasons: [{ code: 'excluded_by_user' }] },
    ]);
    expect(await post(ben, `${path}/approve`, { planHash, ...reason })).toMatchObject({
      status: 409,
      body: { code: 'plan_changed' },
    });
    // What changed since the plan before, for whoever approved that one (screens.md 5): the one who left, and nobody else.
    const money = (amount: string) => ({ amount, currency: 'USD' });
    const changes = await api.as(ben, `${path}/changes?include=counts`);
    expect(changes).toMatchObject({
      status: 200,
      body: {
        counts: { total: 1 },
        data: [
          {
            affiliateId: leaves,
            currency: 'USD',
            before: { outcome: 'paid', net: money('20.00'), commissions: 1, reasons: [] },
            after: { outcome: 'not_paid', net: money('0.00'), owed: money('20.00'), reasons: ['excluded_by_user'] },
            difference: money('-20.00'),
          },
        ],
      },
    });
    expect((await api.as(ben, `${path}/plans`)).body['data']).toMatchObject([
      { planVersion: 2, isCurrent: true, approvedAt: null, payable: [{ affiliates: 1, amount: money('20.00') }] },
      { planVersion: 1, isCurrent: false, planHash, payable: [{ affiliates: 2, amount: money('40.00') }] },
    ]);
    expect(itemsOf((await api.as(ben, `${path}/plans`)).body['data'])[1]?.['approvedAt']).toEqual(expect.any(String));
    for (const since of ['2', '9', '0', 'x'])
      expect(await api.as(ben, `${path}/changes?since=${since}`)).toMatchObject({
        status: 422,
        body: { code: 'validation_failed' },
      });
    // Who changes lines had a hand in it, and cannot approve it any more.
    expect((await post(ben, `${path}/include`, { affiliateIds: [leaves] })).status).toBe(200);
    const again = await until(`${path}/preview`, (body) => body['status'] === 'planned');
    expect(itemsOf(again['payable'])).toHaveLength(2);
    // Against the first plan nothing is different; against the one between, the same affiliate is back.
    expect((await api.as(ben, `${path}/changes?since=1`)).body['data']).toEqual([]);
    expect((await api.as(ben, `${path}/changes`)).body['data']).toMatchObject([
      { affiliateId: leaves, before: { outcome: 'not_paid' }, after: { outcome: 'paid' }, difference: money('20.00') },
    ]);
    expect(await post(ben, `${path}/approve`, { planHash: again['planHash'], ...reason })).toMatchObject({
      status: 403,
      body: { code: 'own_work' },
    });
    expect((await post(ana, `${path}/replan`)).status).toBe(200);
    await until(`${path}/preview`, (body) => body['status'] === 'planned');
    expect(await post(ana, `${path}/cancel`, reason)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect((await w.world.balances())[`affiliate_payable:${leaves}`]).toBe(2_000n);
  }, 120_000);

  test('with Temporal away a decision is kept, answered 202, and taken once it is back', async () => {
    const affiliate = await w.payable('ok');
    const { path, planHash } = await plannedRun(affiliate);

    const { accepted, meanwhile } = await w.undelivered(async () => ({
      accepted: await post(ben, `${path}/approve`, { planHash, ...reason }),
      meanwhile: await api.as(ana, path),
    }));

    expect(accepted).toMatchObject({ status: 202, body: { object: 'operation' } });
    expect(meanwhile.body).toMatchObject({ status: 'planned' });
    await until(path, (body) => body['status'] === 'approved');
    expect((await post(ana, `${path}/cancel`, reason)).status).toBe(200);
  }, 120_000);

  test('pause and resume are for a run that is executing', async () => {
    const held = await w.payable('refuse');
    const { path, planHash } = await plannedRun(held);
    expect(await post(ben, `${path}/pause`)).toMatchObject({ status: 409, body: { code: 'transition_not_allowed' } });
    expect((await post(ben, `${path}/approve`, { planHash, ...reason })).status).toBe(200);
    expect((await post(ben, `${path}/execute`)).status).toBe(200);
    expect(await post(ben, `${path}/pause`)).toMatchObject({ status: 200, body: { paused: true } });
    expect(await post(ben, `${path}/resume`)).toMatchObject({ status: 200, body: { paused: false } });
    const [payout] = itemsOf((await api.as(ana, `/v1/payouts?affiliateId=${held}`)).body['data']);
    await attemptIs(`/v1/payouts/${payout?.['id'] ?? ''}`, 'refused');
    expect((await post(ben, `/v1/payouts/${payout?.['id'] ?? ''}/cancel`, reason)).status).toBe(200);
    await until(path, (body) => body['status'] === 'completed');
  }, 120_000);
});

describe('a payout', () => {
  test('PAY-04, PAY-26: refused: hold, release, retry, back to draft, approved alone, cancelled', async () => {
    const affiliate = await w.payable('refuse');
    const { run, payouts } = await sent(affiliate);
    const [path = ''] = payouts;
    const shown = await attemptIs(path, 'refused');
    expect(shown).toMatchObject({ status: 'pending', problem: 'failed', attempt: { code: 'destination_closed' } });

    expect(await post(ben, `${path}/hold`, reason)).toMatchObject({ status: 200, body: { onHold: true } });
    expect(await post(ben, `${path}/retry`)).toMatchObject({ status: 409, body: { code: 'transition_not_allowed' } });
    expect(await post(ben, `${path}/release`)).toMatchObject({ status: 200, body: { onHold: false } });
    expect(await post(ben, `${path}/retry`)).toMatchObject({ status: 200, body: { attempt: { number: 2 } } });
    await until(path, (body) => body['attempt']?.['number'] === 2 && body['attempt']['state'] === 'refused');
    expect(await post(ben, `${path}/return-to-draft`, reason)).toMatchObject({
      status: 200,
      body: { status: 'draft', runId: null },
    });
    await until(run, (body) => body['status'] === 'completed'); // the payout has left it
    expect(await post(ana, `${path}/approve`, reason)).toMatchObject({ status: 403, body: { code: 'own_work' } });
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(ben, `${path}/approve`, reason)));
    await expectOne(answers, path.split('/').at(-1) ?? '', 'approve');
    await until(path, (body) => body['attempt']?.['number'] === 3 && body['attempt']['state'] === 'refused');
    expect(await post(ben, `${path}/cancel`, reason)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await post(ben, `${path}/cancel`, reason)).toMatchObject({ status: 409, body: { code: 'already_decided' } });
    expect((await w.world.balances())[`affiliate_payable:${affiliate}`]).toBe(2_000n);
    expect(itemsOf((await api.as(ana, `${path}/attempts`)).body['data'])).toHaveLength(3);
  }, 120_000);

  test('unknown: no cancel, no retry; one person proposes, a second makes it true', async () => {
    const affiliate = await w.payable('lost_request');
    const { payouts } = await sent(affiliate);
    const [path = ''] = payouts;
    await attemptIs(path, 'unknown');
    expect(await post(ben, `${path}/cancel`, reason)).toMatchObject({ status: 409, body: { code: 'attempt_open' } });
    expect(await post(ben, `${path}/return-to-draft`, reason)).toMatchObject({ body: { code: 'attempt_open' } });
    expect(await post(ben, `${path}/retry`)).toMatchObject({ status: 409, body: { code: 'attempt_open' } });
    const say = { outcome: 'refused', evidence: 'The bank confirms in writing that nothing arrived.' };
    // Between two look-ups the same request is on its way again, and nothing can be said of it then.
    const proposed = await eventually(async () => {
      const answer = await post(ben, `${path}/resolve`, say);
      return answer.status === 200 && answer;
    });
    expect(proposed.body).toMatchObject({ status: 'pending', problem: 'unknown' });
    // screens.md 3.17, 5: the second person reads what the first one said, and when the provider is asked next.
    const waiting = (await api.as(ana, path)).body['attempt'];
    expect(waiting).toMatchObject({ proposal: { outcome: 'refused', by: 'Ben' } });
    expect(Date.parse(String(waiting['nextLookAt']))).toBeGreaterThan(
      Date.parse(String(waiting['proposal']['at'])) - 900_000,
    );
    const [listed] = itemsOf((await api.as(ana, `${path}/attempts`)).body['data']);
    expect(listed?.['proposal']).toEqual(waiting['proposal']);
    await eventually(async () => {
      const alone = await post(ben, `${path}/resolve`, say);
      return alone.status === 403 && alone.body['code'] === 'own_work';
    });
    await eventually(async () => (await post(ana, `${path}/resolve`, say)).status === 200);
    expect(await attemptIs(path, 'refused')).toMatchObject({
      status: 'pending',
      problem: 'failed',
      attempt: { proposal: null, nextLookAt: null },
    });
    expect((await post(ben, `${path}/cancel`, reason)).status).toBe(200);
  }, 120_000);

  test('PAY-09: by hand: a draft of one, four eyes, a reference and a day that has come, once', async () => {
    const affiliate = await w.payable('by hand', 2_000n, { type: 'bank' });
    const made = await post(ana, '/v1/payouts', { affiliateId: affiliate, currency: 'USD' });
    expect(made).toMatchObject({ status: 201, body: { status: 'draft', method: { execution: 'manual' } } });
    const path = `/v1/payouts/${made.body['id'] ?? ''}`;
    expect(await post(ana, '/v1/payouts', { affiliateId: affiliate, currency: 'USD' })).toMatchObject({
      status: 409,
      body: { code: 'in_open_payout' },
    });
    const body = { reference: 'wire-1', paidOn: today(), note: 'by the evening batch' };
    expect(await post(ben, `${path}/mark-paid`, { ...body, paidOn: tomorrow() })).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
    expect((await post(ben, `${path}/mark-paid`, { paidOn: today() })).status).toBe(422);
    expect(await post(ana, `${path}/mark-paid`, body)).toMatchObject({ status: 403, body: { code: 'own_work' } });
    expect((await api.as(ana, path)).body).toMatchObject({ status: 'draft', version: 1 });

    await post(ben, `${path}/hold`, reason).then((held) => expect(held.status).toBe(200));
    expect((await post(ben, `${path}/mark-paid`, body)).status).toBe(409);
    await post(ben, `${path}/release`).then((released) => expect(released.status).toBe(200));
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(ben, `${path}/mark-paid`, body)));
    const rows = await eventually(async () => {
      const found = await w.world.rows('decisions', { object_id: path.split('/').at(-1) ?? '', verb: 'markPaid' });
      return found.every((row) => row['state'] !== 'open') && found;
    });
    expect(rows.filter((row) => row['state'] === 'done')).toHaveLength(1);
    for (const answer of answers) expect([200, 202, 409]).toContain(answer.status);
    expect((await api.as(ana, path)).body).toMatchObject({
      status: 'paid',
      reference: 'wire-1',
      paidOn: today(),
      note: 'by the evening batch',
      secondPerson: 'other_person',
    });
    const moves = await w.world.rows('audit_entries', { object_id: made.body['id'] ?? '', object_type: 'payout' });
    const inOrder = [...moves].sort((a, b) => Number(a['seq']) - Number(b['seq']));
    expect(inOrder.map((move) => move['event'])).toEqual(['planned', 'held', 'released', 'approved', 'paid']);
  }, 120_000);
});
