import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDecisionOutcomes } from '../../../api/decisionOutcome.js';
import { insertApiKey } from '../../../db/access/apiKey.js';
import type { PresetId } from '../../../domain/access/permission.js';
import type { ContactId, ReferralId } from '../../../domain/ids.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { hashToken, newApiKey } from '../../../platform/secrets.js';
import { eventually } from '../../support/eventually.js';
import { createReferralWorld, type ReferralWorld } from '../../workflows/referralWorld.js';
import { startTestApi, type TestApi } from '../support.js';

// The API over the same database as a real worker and relay: a decision's answer is the workflow's.

let w: ReferralWorld;
let api: TestApi;
let worker: { stop(): Promise<void> };
let owner: string;

beforeAll(async () => {
  w = await createReferralWorld();
  worker = await w.startWorker();
  const { db, database } = w.world;
  const logger = createLogger({ logLevel: 'fatal' });
  api = await startTestApi({ deps: { db, outcomes: createDecisionOutcomes({ db, url: database.appUrl, logger }) } });
  owner = await key('owner');
});
afterAll(async () => {
  await api?.deps.outcomes.stop();
  await api?.close();
  await w?.close();
});

async function key(role: PresetId, mode: 'live' | 'test' = 'live'): Promise<string> {
  const user = await w.makeUser({ role_ids: [role], name: role });
  return w.inTx(async (tx, act) => {
    const secret = newApiKey('sk', mode);
    await insertApiKey(tx, act, {
      id: newId('apiKey'),
      name: role,
      kind: 'secret',
      mode,
      tokenHash: hashToken(secret),
      hint: secret.slice(-4),
      publicKey: null,
      signingSecret: null,
      permissions: [],
      roleId: role,
      affiliateId: null,
      createdBy: user,
      expiresOn: null,
      ipRestricted: false,
      ipAllowList: [],
    });
    return secret;
  });
}

async function pending(
  contact: Readonly<Record<string, unknown>> = {},
): Promise<{ id: ReferralId; contactId: ContactId }> {
  const id = await w.click();
  const contactId = await w.makeContact(contact);
  await w.lead(id, contactId);
  await w.becomes(id, 'pending');
  return { id, contactId };
}

const dataOf = (answer: { readonly body: unknown }): readonly Readonly<Record<string, unknown>>[] =>
  (answer.body as { readonly data: readonly Readonly<Record<string, unknown>>[] }).data;

const post = (path: string, body: unknown, by = owner, headers = {}) =>
  api.as(by, path, { method: 'POST', body, headers });

/** 50 decisions of one referral are 50 steps of one workflow. */
const patience = { within: 120_000 };

describe('decisions over HTTP', () => {
  test('approve answers the approved referral; again is 409 with who was first', async () => {
    const { id } = await pending();

    expect(await post(`/v1/referrals/${id}/approve`, { reason: 'Real customer' })).toMatchObject({
      status: 200,
      body: {
        id,
        object: 'referral',
        status: 'approved',
        stage: 'lead',
        affiliateId: w.affiliateId,
        decision: { verb: 'approve', reasonCode: 'staff_decision', reason: 'Real customer' },
        allowedActions: ['reject'],
      },
    });
    expect(await post(`/v1/referrals/${id}/approve`, {}, await key('admin'))).toMatchObject({
      status: 409,
      body: {
        code: 'already_decided',
        currentStatus: 'approved',
        decidedBy: { name: 'owner' },
        allowedActions: ['reject'],
      },
    });
  });

  test.each(['approve', 'reject'] as const)(
    '50 requests at once to %s take one effect; the others say who and when',
    async (verb) => {
      const { id } = await pending();
      const body = { reasonCode: verb === 'approve' ? 'staff_decision' : 'fraud' };

      const answers = await Promise.all(Array.from({ length: 50 }, () => post(`/v1/referrals/${id}/${verb}`, body)));

      // One that a busy machine answers with 202 after its 5 s is judged by its row, as all are.
      const decisions = await eventually(async () => {
        const rows = await w.inTx((tx) =>
          tx('decisions')
            .where({ object_id: id, verb })
            .select<{ state: string; code: string | null }[]>('state', 'code'),
        );
        return rows.length > 0 && rows.every((row) => row.state !== 'open') && rows;
      }, patience);
      expect(decisions.filter((row) => row.state === 'done')).toHaveLength(1);
      expect(new Set(decisions.filter((row) => row.state !== 'done').map((row) => row.code))).toEqual(
        new Set(['referral.already_decided']),
      );
      expect(answers.filter((answer) => answer.status === 200).length).toBeLessThanOrEqual(1);
      for (const answer of answers.filter(({ status }) => status !== 200 && status !== 202))
        expect(answer).toMatchObject({
          status: 409,
          body: {
            code: 'already_decided',
            currentStatus: verb === 'approve' ? 'approved' : 'rejected',
            decidedBy: { name: 'owner' },
            decidedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as unknown,
          },
        });
      const event = verb === 'approve' ? 'approved' : 'rejected';
      const entries = await w.inTx((tx) => tx('audit_entries').where({ object_id: id, event }));
      expect(entries).toHaveLength(1);
    },
    180_000,
  );

  test('the same Idempotency-Key answers the same decision; another body with it is refused', async () => {
    const { id } = await pending();
    const headers = { 'Idempotency-Key': newId('request') };
    const body = { reason: 'Spam' };
    expect(await post(`/v1/referrals/${id}/reject`, body, owner, headers)).toMatchObject({ status: 200 });

    expect(await post(`/v1/referrals/${id}/reject`, body, owner, headers)).toMatchObject({
      status: 200,
      body: { status: 'rejected' },
    });
    expect(await post(`/v1/referrals/${id}/reject`, { reason: 'Else' }, owner, headers)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_mismatch' },
    });
  });

  test('a rejection says why; a reopening has a right of its own', async () => {
    const { id } = await pending();
    expect(await post(`/v1/referrals/${id}/reject`, {})).toMatchObject({
      status: 422,
      body: { code: 'validation_failed' },
    });
    expect((await post(`/v1/referrals/${id}/reject`, { reasonCode: 'fraud' })).status).toBe(200);
    const reviewer = await key('reviewer');
    expect(await post(`/v1/referrals/${id}/reopen`, {}, reviewer)).toMatchObject({
      status: 403,
      body: { code: 'permission_missing', missingPermission: 'referral.reopen' },
    });

    expect(await post(`/v1/referrals/${id}/reopen`, {})).toMatchObject({ status: 200, body: { status: 'pending' } });
  });

  test('with no worker the decision is kept: 202 with an operation, done once a worker comes', async () => {
    const { id } = await pending();
    await worker.stop();
    const answer = await post(`/v1/referrals/${id}/approve`, {});
    expect(answer).toMatchObject({ status: 202, body: { object: 'operation', status: 'running' } });

    worker = await w.startWorker();

    await w.becomes(id, 'approved');
    expect(await api.as(owner, `/v1/operations/${String(answer.body['id'])}`)).toMatchObject({
      status: 200,
      body: { status: 'done', progress: { succeeded: 1 } },
    });
  });

  test('checks block, are answered by people, and an override needs a right and a reason', async () => {
    await w.setTerms({ required_checks: ['identity'] });
    try {
      const { id } = await pending();
      expect(await post(`/v1/referrals/${id}/approve`, {})).toMatchObject({
        status: 409,
        body: { code: 'check_open', open: [{ code: 'check_open' }] },
      });
      const seen = await api.as(owner, `/v1/referrals/${id}`);
      expect(seen.body).toMatchObject({
        waitingFor: 'check',
        checks: [{ kind: 'identity', status: 'waiting', required: true }],
      });
      const checkPath = `/v1/referrals/${id}/checks/${String(seen.body['checks'][0]?.['id'])}`;
      const reviewer = await key('reviewer');
      expect(await post(checkPath, { status: 'waived', reason: 'Known' }, reviewer)).toMatchObject({ status: 403 });
      expect(await post(checkPath, { status: 'failed' })).toMatchObject({ status: 422 });
      expect(await post(`/v1/referrals/${id}/approve`, { override: true })).toMatchObject({ status: 422 });
      expect(await post(`/v1/referrals/${id}/approve`, { override: true, reason: 'x' }, reviewer)).toMatchObject({
        status: 403,
        body: { missingPermission: 'check.waive' },
      });

      expect(await post(checkPath, { status: 'passed', evidence: { document: 'seen' } }, reviewer)).toMatchObject({
        status: 200,
        body: { waitingFor: 'decision', checks: [{ status: 'passed', evidence: { document: 'seen' } }] },
      });
      expect(await post(checkPath, { status: 'waived', reason: 'late' })).toMatchObject({
        status: 409,
        body: { code: 'transition_not_allowed', currentStatus: 'passed' },
      });
      expect((await post(`/v1/referrals/${id}/approve`, {})).status).toBe(200);
    } finally {
      await w.setTerms({ required_checks: [] });
    }
  });
});

describe('reading', () => {
  test('the list hides tracking ones until asked; filters, counts and paging agree', async () => {
    const tracking = await w.click();
    const one = await pending({ name: 'Per%cent' });
    await pending();

    const shown = await api.as(owner, '/v1/referrals?limit=200&include=counts');
    const ids = dataOf(shown).map((row) => row['id']);
    expect(ids).toContain(one.id);
    expect(ids).not.toContain(tracking);
    expect(shown.body).toMatchObject({ counts: { total: ids.length } });
    const byStatus = await api.as(owner, '/v1/referrals?status=tracking');
    expect(dataOf(byStatus).map((row) => row['id'])).toContain(tracking);
    expect((await api.as(owner, '/v1/referrals?q=%25')).body['data']).toHaveLength(1);
    expect(
      (await api.as(owner, `/v1/referrals?contactId=${one.contactId}&stage=lead&manual=false`)).body['data'],
    ).toHaveLength(1);
    const first = await api.as(owner, '/v1/referrals?limit=1');
    const second = await api.as(owner, `/v1/referrals?limit=1&cursor=${String(first.body['nextCursor'])}`);
    expect(dataOf(second)[0]?.['id']).not.toBe(dataOf(first)[0]?.['id']);
    expect(await api.as(owner, '/v1/referrals?status=open')).toMatchObject({ status: 422 });
  });

  test('story, touches and attributions tell the journey, planned steps last', async () => {
    const { id } = await pending();

    const story = dataOf(await api.as(owner, `/v1/referrals/${id}/story`));
    expect(story.map((line) => line['text'])).toEqual(
      expect.arrayContaining(['Clicked', 'Became a lead', 'Lead accepted', 'Waits for a decision']),
    );
    expect(story.at(-1)).toMatchObject({ planned: true, text: 'Reminder that a decision is due' });
    expect(story.filter((line) => 'until' in line)).toEqual([]);
    const gantt = dataOf(await api.as(owner, `/v1/referrals/${id}/story?form=gantt`));
    expect(gantt.map(({ until: _until, ...line }) => line)).toEqual(story);
    expect(gantt.find((line) => line['refId'] === id && line['to'] === 'pending')).toMatchObject({ until: null });
    expect(gantt.at(-1)).toMatchObject({ until: gantt.at(-1)?.['at'] });
    expect((await api.as(owner, `/v1/referrals/${id}/story?form=table`)).status).toBe(422);
    const touches = await api.as(owner, `/v1/referrals/${id}/touches`);
    expect(touches.body['data']).toMatchObject([{ kind: 'click', affiliateId: w.affiliateId }]);
    const attributions = await api.as(owner, `/v1/referrals/${id}/attributions`);
    expect(attributions.body['data']).toMatchObject([
      { causeType: 'lead', affiliateId: w.affiliateId, candidates: [{ won: true, code: null }] },
    ]);
  });

  test('another mode, another workspace, a malformed id: 404; an e-mail only with the right', async () => {
    const { id } = await pending();
    const foreign = await api.makeWorkspace();
    expect((await api.as(await key('owner', 'test'), `/v1/referrals/${id}`)).status).toBe(404);
    expect((await api.as(foreign.key, `/v1/referrals/${id}`)).status).not.toBe(200);
    expect((await api.as(owner, '/v1/referrals/ref_1')).status).toBe(404);

    expect((await api.as(owner, `/v1/referrals/${id}`)).body['customer']).toMatchObject({ masked: false });
    expect((await api.as(await key('support'), `/v1/referrals/${id}`)).body['customer']).toMatchObject({
      masked: true,
      email: null,
    });
  });
});

describe('writing', () => {
  test('by hand: flagged, judged like any other, and one per contact', async () => {
    const contactId = await w.makeContact();
    const body = {
      affiliateId: w.affiliateId,
      programId: w.world.programId,
      contactId,
      event: 'registration',
      note: 'Met at a fair',
    };

    const created = await post('/v1/referrals', body);

    expect(created).toMatchObject({ status: 201, body: { status: 'pending', manual: true, notes: 'Met at a fair' } });
    const id = String(created.body['id']);
    expect(created.headers.get('location')).toBe(`/v1/referrals/${id}`);
    expect(await post('/v1/referrals', body)).toMatchObject({
      status: 409,
      body: { code: 'already_exists', existingId: id },
    });
    expect(await post('/v1/referrals', { ...body, contactId: newId('contact') })).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: '#/contactId', code: 'not_found' }] },
    });
    expect(await post(`/v1/referrals/${id}/approve`, {})).toMatchObject({
      status: 200,
      body: { status: 'approved', affiliateId: w.affiliateId },
    });
  });

  test('PATCH changes tags, notes, assignee, keeps the version honest and names no note in the history', async () => {
    const { id } = await pending();
    const patch = (body: unknown, headers = {}) =>
      api.as(owner, `/v1/referrals/${id}`, { method: 'PATCH', body, headers });
    const before = (await api.as(owner, `/v1/referrals/${id}`)).body['version'] ?? 0;

    const changed = await patch(
      { tags: ['vip'], notes: 'Called Jo', assigneeId: w.ana },
      { 'If-Match': `"${before}"` },
    );

    expect(changed).toMatchObject({
      status: 200,
      body: { tags: ['vip'], notes: 'Called Jo', assigneeId: w.ana, version: before + 1 },
    });
    expect(await patch({ tags: [] }, { 'If-Match': `"${before}"` })).toMatchObject({
      status: 412,
      body: { code: 'version_mismatch' },
    });
    expect(await patch({ assigneeId: newId('user') })).toMatchObject({ status: 422 });
    expect(await patch({ status: 'approved' })).toMatchObject({ status: 422 });
    expect((await patch({ tags: ['vip'] })).body['version']).toBe(before + 1);
    const entries = await w.world.owner('audit_entries').where({ object_id: id, event: 'edited' }).select('changes');
    expect(JSON.stringify(entries)).not.toContain('Called');
    expect((await api.as(owner, '/v1/referrals?tag=vip')).body['data']).toHaveLength(1);
  });
});
