import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import knexFactory, { type Knex } from 'knex';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendAuditChains } from '../../../activities/audit/chain.js';
import { recordAudit } from '../../../db/audit/audit.js';
import { sha256 } from '../../../db/audit/chain.js';
import { insertDecision } from '../../../db/audit/decision.js';
import { storeHistory } from '../../../db/audit/history.js';
import { inWorkspace } from '../../../db/transaction.js';
import { eventTexts, parseRecording } from '../../../domain/audit/recording.js';
import type { HistoryId, WorkspaceId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { HeadKeeper } from '../../../platform/headKeeper.js';
import { type LiveHistory, TemporalAway } from '../../../platform/liveHistories.js';
import { createLogger } from '../../../platform/logger.js';
import { newId } from '../../../platform/newId.js';
import { eventually } from '../../support/eventually.js';
import { insertRow } from '../../support/rows.js';
import { itemsOf, startTestApi, type TestAnswer, type TestApi, type TestWorkspace } from '../support.js';

let api: TestApi;
let owner: Knex;
let folder: string;
let keeper: HeadKeeper;
let shop: TestWorkspace;
let other: TestWorkspace;
let auditor: string;
const rowsOf = (answer: TestAnswer) => itemsOf(answer.body['data']);
/** What Temporal would answer for a workflow: a history, nothing, or that it is away. */
const live = new Map<string, LiveHistory | 'away'>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-api-'));
  keeper = new HeadKeeper(folder);
  api = await startTestApi({
    deps: {
      heads: keeper,
      liveHistories: {
        readNewest: async (workflowId) => {
          const found = live.get(workflowId);
          if (found === 'away') throw new TemporalAway();
          return found;
        },
      },
    },
  });
  owner = knexFactory({ client: 'pg', connection: api.database.ownerUrl, pool: { min: 0, max: 1 } });
  shop = await api.makeWorkspace({ name: 'Shop' });
  other = await api.makeWorkspace({ name: 'Other' });
  auditor = (await api.makePerson(shop, ['auditor'])).key;
});
afterAll(async () => {
  await owner?.destroy();
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

const seal = (workspace: WorkspaceId = shop.id) =>
  appendAuditChains({
    db: api.db,
    keeper,
    logger: createLogger({ logLevel: 'fatal' }),
    workspaces: [workspace],
    lastKept: new Map(),
  });

/** Entries of one object by a person, with a cause; test mode where asked. */
async function journey(
  steps: readonly (readonly [event: string, from: string | null, to: string])[],
  options: { readonly mode?: 'live' | 'test'; readonly workspace?: TestWorkspace; readonly causeId?: string } = {},
): Promise<string> {
  const { mode = 'live', workspace = shop, causeId } = options;
  const id = newId('referral');
  for (const [index, [event, from, to]] of steps.entries())
    await inWorkspace(api.db, workspace.id, (tx, now) =>
      recordAudit(
        tx,
        api.act(workspace.id, now, {
          mode,
          actor: { type: 'user', id: workspace.owner.id, userId: workspace.owner.id },
          reasonCode: 'staff_decision',
          requestId: newId('request'),
          ...(causeId === undefined ? {} : { cause: { type: 'decision', id: causeId } }),
        }),
        { objectType: 'referral', objectId: id, seq: index + 1, event, from, to, changes: { tags: ['vip'] } },
      ),
    );
  return id;
}

const started = (workspaceId: string, referralId: string, runId: string) => ({
  eventId: '1',
  eventTime: '2026-11-25T10:00:00.123456789Z',
  eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_STARTED',
  workflowExecutionStartedEventAttributes: {
    workflowType: { name: 'referral' },
    originalExecutionRunId: runId,
    input: {
      payloads: [
        {
          metadata: { encoding: 'anNvbi9wbGFpbg==' },
          data: Buffer.from(JSON.stringify({ workspaceId, referralId })).toString('base64'),
        },
      ],
    },
  },
});
/** A run that was terminated before its first task: archived, yet nothing can be replayed. */
function terminatedRun(workspaceId: string, referralId: string, runId: string): string {
  return JSON.stringify({
    events: [
      started(workspaceId, referralId, runId),
      {
        eventId: '2',
        eventTime: '2026-11-25T10:00:01Z',
        eventType: 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED',
        workflowTaskScheduledEventAttributes: {},
      },
      {
        eventId: '3',
        eventTime: '2026-11-25T10:00:02Z',
        eventType: 'EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED',
        workflowExecutionTerminatedEventAttributes: {},
      },
    ],
  });
}

async function referral(status: string, workspace: TestWorkspace = shop, mode = 'live'): Promise<string> {
  const id = newId('referral');
  const programId = newId('program');
  await insertRow(owner, 'programs', {
    workspace_id: workspace.id,
    id: programId,
    name: programId,
    slug: programId,
    status: 'active',
    currency: 'USD',
  });
  await insertRow(owner, 'referrals', {
    workspace_id: workspace.id,
    id,
    program_id: programId,
    status,
    stage: 'click',
    mode,
  });
  return id;
}

async function archived(referralId: string, workspace: TestWorkspace = shop): Promise<HistoryId> {
  const runId = randomUUID();
  const json = terminatedRun(workspace.id, referralId, runId);
  const recording = parseRecording(json);
  await inWorkspace(api.db, workspace.id, (tx, now) =>
    storeHistory(tx, api.act(workspace.id, now), {
      workflowType: 'referral',
      workflowId: `referral/${workspace.id}/${referralId}`,
      runId,
      objectId: referralId,
      buildId: null,
      eventCount: 3,
      firstEventAt: '2026-11-25T10:00:00.123Z' as Instant,
      lastEventAt: '2026-11-25T10:00:02.000Z' as Instant,
      closeStatus: 'terminated',
      sha256: sha256(json),
      eventHashes: Buffer.from(eventTexts(recording).map(sha256).join(''), 'hex'),
      gzipped: gzipSync(json),
    }),
  );
  const row = await owner('histories').where({ run_id: runId }).first<{ id: HistoryId }>('id');
  return row.id;
}

test('an entry says from where (AUD-01)', async () => {
  const made = await api.as(shop.key, '/v1/products', { body: { name: 'Traced' } });
  const path = `/v1/audit-entries?objectId=${made.body['id']}`;
  await eventually(async () => (await api.as(auditor, path)).body['data']?.[0]?.['address'] !== null);
  const [entry] = rowsOf(await api.as(auditor, path));
  expect(entry?.['event']).toBe('created');
  expect(entry?.['address']).toMatch(/127\.0\.0\.1|::1/);
});

test('what a workflow did by a decision says from where the decision came', async () => {
  const made = await api.as(shop.key, '/v1/products', { body: { name: 'Asked from here' } });
  const [call] = rowsOf(await api.as(auditor, `/v1/audit-entries?objectId=${made.body['id']}`));
  const [decisionId, objectId] = [newId('decision'), newId('referral')];
  await inWorkspace(api.db, shop.id, async (tx, now) => {
    const act = api.act(shop.id, now);
    await insertDecision(
      tx,
      { ...act, requestId: String(call?.['requestId']) },
      {
        id: decisionId,
        verb: 'approve',
        objectType: 'referrals',
        objectId,
        workflowId: `referral/${shop.id}/${objectId}`,
        reasonCode: 'staff_decision',
        note: null,
        publicReason: null,
        params: {},
        via: 'api',
        callerKey: null,
        requestHash: null,
        steppedUp: false,
        operationId: null,
      },
    );
    const byWorkflow = { ...act, requestId: null, cause: { type: 'decision', id: decisionId } } as const;
    await recordAudit(tx, byWorkflow, { objectType: 'referral', objectId, seq: 1, event: 'approved', to: 'approved' });
  });
  const path = `/v1/audit-entries?objectId=${objectId}`;
  const entry = await eventually(async () => {
    const [found] = rowsOf(await api.as(auditor, path));
    return found?.['address'] === null ? undefined : found;
  });
  expect(entry?.['requestId']).toBeNull();
  expect(entry?.['address']).toMatch(/127\.0\.0\.1|::1/);
});

describe('audit entries', () => {
  test('tell who did what, in order, why, and which leaf seals it', async () => {
    const id = await journey([
      ['leadReported', null, 'pending'],
      ['approved', 'pending', 'approved'],
    ]);
    await seal();

    const list = await api.as(auditor, `/v1/audit-entries?objectId=${id}&sort=sequence`);

    expect(list.status).toBe(200);
    expect(list.body['data']).toMatchObject([
      { sequence: 1, event: 'leadReported', from: null, to: 'pending' },
      {
        object: 'audit_entry',
        objectType: 'referral',
        objectId: id,
        sequence: 2,
        event: 'approved',
        from: 'pending',
        to: 'approved',
        actor: { type: 'user', id: shop.owner.id, name: 'Ana' },
        reasonCode: 'staff_decision',
        changes: { tags: ['vip'] },
        workflow: null,
        test: false,
      },
    ]);
    const [, entry] = rowsOf(list);
    expect(entry?.['commit']?.['leaf']?.['hash']).toMatch(/^[0-9a-f]{64}$/);
    const one = await api.as(auditor, `/v1/audit-entries/${entry?.['id']}`);
    expect(one.body).toEqual(entry);
  });

  test('are found by each filter, and by nothing else', async () => {
    const causeId = newId('decision');
    const id = await journey([['approved', 'pending', 'approved']], { causeId });
    const [entry] = rowsOf(await api.as(auditor, `/v1/audit-entries?objectId=${id}`));
    const count = async (query: string): Promise<number> =>
      rowsOf(await api.as(auditor, `/v1/audit-entries?objectId=${id}&${query}`)).length;

    expect(await count(`causeId=${causeId}`)).toBe(1);
    expect(await count(`causeId=${newId('decision')}`)).toBe(0);
    expect(await count(`actorId=${shop.owner.id}`)).toBe(1);
    expect(await count('actorId=usr_x')).toBe(0);
    expect(await count('event=rejected,approved')).toBe(1);
    expect(await count('event=rejected')).toBe(0);
    expect(await count('objectType=payout')).toBe(0);
    expect(await count(`requestId=${entry?.['requestId']}`)).toBe(1);
    expect(await count(`createdAt[gte]=${entry?.['createdAt']}`)).toBe(1);
    expect(await count(`createdAt[gt]=${entry?.['createdAt']}`)).toBe(0);
    expect((await api.as(auditor, '/v1/audit-entries?nonsense=1')).status).toBe(422);
  });

  test('come by the page, each once', async () => {
    const id = await journey([
      ['a', null, 'pending'],
      ['b', 'pending', 'pending'],
      ['c', 'pending', 'pending'],
    ]);
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await api.as(auditor, `/v1/audit-entries?objectId=${id}&limit=2${cursor}`);
      seen.push(...rowsOf(page).map((entry) => String(entry['event'])));
      cursor = page.body['nextCursor'] === null ? '' : `&cursor=${page.body['nextCursor']}`;
    } while (cursor !== '');
    expect(seen).toEqual(['c', 'b', 'a']);
  });

  test('of test facts show in test mode only, those of another workspace nowhere', async () => {
    const tested = await journey([['leadReported', null, 'pending']], { mode: 'test' });
    const foreign = await journey([['leadReported', null, 'pending']], { workspace: other });
    const count = async (key: string, id: string): Promise<number> =>
      rowsOf(await api.as(key, `/v1/audit-entries?objectId=${id}`)).length;

    expect(await count(shop.key, tested)).toBe(0);
    expect(await count(shop.testKey, tested)).toBe(1);
    expect(await count(shop.key, foreign)).toBe(0);
    const [entry] = rowsOf(await api.as(other.key, `/v1/audit-entries?objectId=${foreign}`));
    expect((await api.as(shop.key, `/v1/audit-entries/${entry?.['id']}`)).status).toBe(404);
    expect((await api.as(shop.key, '/v1/audit-entries/aud_nonsense')).status).toBe(404);
  });

  test('need audit.read', async () => {
    const { key } = await api.makePerson(shop, ['reviewer']);
    expect(await api.as(key, '/v1/audit-entries')).toMatchObject({
      status: 403,
      body: { code: 'permission_missing', missingPermission: 'audit.read' },
    });
    expect((await api.as(null, '/v1/audit-entries')).status).toBe(401);
  });
});

describe('the chain', () => {
  test('is verified from the first leaf to the heads outside, and names the first bad row', async () => {
    const place = await api.makeWorkspace({ name: 'Chained' });
    const id = await journey(
      [
        ['leadReported', null, 'pending'],
        ['approved', 'pending', 'approved'],
      ],
      { workspace: place },
    );
    await seal(place.id);

    const good = await api.as(place.key, '/v1/audit-verifications', { body: {} });
    expect(good).toMatchObject({
      status: 201,
      body: { holds: true, code: null, firstBadEntryId: null, headsChecked: 1, headsInvalid: 0 },
    });
    const { holdsTo, head } = good.body;
    expect(head?.['sequence']).toBe(holdsTo);

    const heads = await api.as(place.key, '/v1/audit-heads');
    expect(heads.body['data']).toMatchObject([{ sequence: holdsTo, hash: head?.['hash'], workspaceId: place.id }]);

    const bad = await owner('audit_entries').where({ object_id: id, seq: 1 }).first<{ id: string }>('id');
    await owner.transaction(async (trx) => {
      await trx.raw('alter table audit_entries disable trigger user');
      await trx('audit_entries').where({ id: bad.id }).update({ event: 'saleReported' });
      await trx.raw('alter table audit_entries enable trigger user');
    });
    expect(await api.as(place.key, '/v1/audit-verifications', { body: {} })).toMatchObject({
      status: 201,
      body: { holds: false, code: 'edited', firstBadEntryId: bad.id },
    });
  });

  test('leaves the house as a bundle, which leaves a line in the trail', async () => {
    const bundle = await api.as(auditor, '/v1/audit-bundle');
    expect(bundle.status).toBe(200);
    expect(bundle.headers.get('content-disposition')).toContain('attachment');
    expect(bundle.body).toMatchObject({ format: 'tributary-audit-1', workspaceId: shop.id, anchor: { sequence: '0' } });

    const trail = await api.as(shop.key, '/v1/audit-entries?objectType=audit_bundle');
    expect(trail.body['data']).toMatchObject([{ event: 'exported', actor: { type: 'api_key' } }]);

    const today = new Date().toISOString().slice(0, 10);
    expect((await api.as(auditor, `/v1/audit-bundle?from=${today}&to=${today}`)).status).toBe(200);
    expect((await api.as(auditor, '/v1/audit-bundle?from=2026-13-40')).status).toBe(422);
    expect((await api.as(auditor, `/v1/audit-bundle?from=${today}&to=2026-01-01`)).status).toBe(422);
    const { key } = await api.makePerson(shop, ['compliance']);
    expect(await api.as(key, '/v1/audit-bundle')).toMatchObject({
      status: 403,
      body: { missingPermission: 'audit.verify' },
    });
  });
});

describe('histories', () => {
  test('are listed with hash and leaf; the JSON comes as recorded, in clear only with the right, and logged', async () => {
    const id = await referral('rejected');
    const historyId = await archived(id);
    await seal();

    const list = await api.as(auditor, `/v1/histories?objectId=${id}`);
    expect(list.body['data']).toMatchObject([
      { id: historyId, object: 'history', workflowType: 'referral', events: 3, closeStatus: 'terminated', test: false },
    ]);
    // ADM-07: by its object, its own id, or the whole name of the workflow.
    for (const q of [id, historyId, `referral/${shop.id}/${id}`])
      expect((await api.as(auditor, `/v1/histories?q=${encodeURIComponent(q)}`)).body['data']).toMatchObject([
        { id: historyId },
      ]);
    const one = await api.as(auditor, `/v1/histories/${historyId}`);
    expect(one.body['previousHash']).toMatch(/^[0-9a-f]{64}$/);

    const clear = await api.as(auditor, `/v1/histories/${historyId}/content`);
    expect(sha256(clear.text)).toBe(one.body['sha256']);
    const trail = await api.as(auditor, `/v1/audit-entries?objectId=${historyId}`);
    expect(trail.body['data']).toMatchObject([{ event: 'decoded', sequence: 1 }]);

    const { key } = await api.makePerson(shop, [], { permissions: ['history.read'] });
    const reader = (await api.makePerson(shop, ['owner'], { permissions: ['history.read'] })).key;
    expect((await api.as(key, `/v1/histories/${historyId}/content`)).status).toBe(403);
    const masked = await api.as(reader, `/v1/histories/${historyId}/content`);
    expect(masked.status).toBe(200);
    expect(masked.text).toContain('"data":null');
    expect((await api.as(other.key, `/v1/histories/${historyId}`)).status).toBe(404);
    expect((await api.as(shop.testKey, `/v1/histories/${historyId}`)).status).toBe(404);
  });

  test('a replay is judged now and kept with who asked; the same key gets the same answer', async () => {
    const historyId = await archived(await referral('rejected'));
    await seal();
    const key = randomUUID();

    const first = await api.as(auditor, `/v1/histories/${historyId}/replays`, {
      body: {},
      headers: { 'Idempotency-Key': key },
    });
    const again = await api.as(auditor, `/v1/histories/${historyId}/replays`, {
      body: {},
      headers: { 'Idempotency-Key': key },
    });

    expect(first).toMatchObject({
      status: 201,
      body: {
        historyId,
        verdict: 'not_possible',
        checks: { record: 'pass', replay: 'not_possible', arguments: 'not_possible', books: 'not_possible' },
        firstDifference: { field: 'replay' },
        requestedBy: { type: 'api_key', name: 'Ben' },
      },
    });
    expect(again.body).toEqual(first.body);
    expect((await api.as(auditor, `/v1/histories/${historyId}/replays`)).body['data']).toEqual([first.body]);
    const { key: reader } = await api.makePerson(shop, ['owner'], { permissions: ['history.read'] });
    expect((await api.as(reader, `/v1/histories/${historyId}/replays`, { body: {} })).status).toBe(403);
  });

  test('the state at an event shows what waits; an event that is not there is refused', async () => {
    const historyId = await archived(await referral('rejected'));

    expect(await api.as(auditor, `/v1/histories/${historyId}/state?event=2`)).toMatchObject({
      status: 200,
      body: {
        event: 2,
        eventType: 'workflow_task_scheduled',
        status: null,
        pending: [{ kind: 'workflow_task', name: null, event: 2 }],
        closed: false,
        replay: { result: 'not_possible' },
      },
    });
    expect((await api.as(auditor, `/v1/histories/${historyId}/state?event=4`)).body['errors']).toMatchObject([
      { parameter: 'event', code: 'out_of_range' },
    ]);
    for (const event of ['0', '-1', '1.5', 'x', '']) {
      expect((await api.as(auditor, `/v1/histories/${historyId}/state?event=${event}`)).status, event).toBe(422);
    }
    expect((await api.as(auditor, `/v1/histories/${historyId}/state`)).status).toBe(422);
  });
});

describe("a referral's history", () => {
  const workflowId = (id: string): string => `referral/${shop.id}/${id}`;

  test('comes from the archive once its run is closed', async () => {
    const id = await referral('rejected');
    const historyId = await archived(id);

    const history = await api.as(auditor, `/v1/referrals/${id}/history`);

    expect(history).toMatchObject({
      status: 200,
      body: {
        source: 'archive',
        reason: null,
        runs: [{ historyId, closeStatus: 'terminated', events: 3 }],
        events: [
          { event: 1, type: 'workflow_execution_started', at: '2026-11-25T10:00:00.123Z' },
          { event: 2 },
          { event: 3, type: 'workflow_execution_terminated' },
        ],
      },
    });
    expect(history.text).not.toContain(id.slice(4) + '"}'); // payloads stay closed
    const decoded = await api.as(auditor, `/v1/referrals/${id}/history?decode=true`);
    expect(decoded.body['events']?.[0]?.['attributes']).toMatchObject({
      input: { payloads: [{ referralId: id, workspaceId: shop.id }] },
    });
    const { key } = await api.makePerson(shop, ['owner'], { permissions: ['history.read'] });
    expect(await api.as(key, `/v1/referrals/${id}/history?decode=true`)).toMatchObject({
      status: 403,
      body: { missingPermission: 'history.decode' },
    });
    expect(await api.as(auditor, `/v1/referrals/${id}/state?event=1`)).toMatchObject({
      status: 200,
      body: { historyId },
    });
    const replay = await api.as(auditor, `/v1/referrals/${id}/replays`, { body: {} });
    expect(replay).toMatchObject({ status: 201, body: { historyId } });
    expect((await api.as(auditor, `/v1/referrals/${id}/replays`)).body['data']).toEqual([replay.body]);
  });

  test('comes live from Temporal while it runs, and is 503 with Retry-After when Temporal is away', async () => {
    const id = await referral('pending');
    const runId = randomUUID();
    live.set(workflowId(id), { runId, isOpen: true, json: JSON.stringify({ events: [started(shop.id, id, runId)] }) });

    expect(await api.as(auditor, `/v1/referrals/${id}/history`)).toMatchObject({
      status: 200,
      body: { source: 'live', runs: [{ historyId: null, runId, closeStatus: 'open', sha256: null }] },
    });

    live.set(workflowId(id), 'away');
    const away = await api.as(auditor, `/v1/referrals/${id}/history`);
    expect(away).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await api.as(auditor, `/v1/referrals/${id}/state?event=1`)).status).toBe(503);
    expect((await api.as(auditor, `/v1/referrals/${id}/replays`, { body: {} })).status).toBe(503);

    await archived(id); // what is archived needs nobody
    expect((await api.as(auditor, `/v1/referrals/${id}/history`)).body['source']).toBe('archive');
  });

  test('a run that is open is judged up to its last event, and the verdict is kept (screens.md 4)', async () => {
    const id = await referral('pending');
    const runId = randomUUID();
    live.set(workflowId(id), { runId, isOpen: true, json: JSON.stringify({ events: [started(shop.id, id, runId)] }) });

    const judged = await api.as(auditor, `/v1/referrals/${id}/replays`, { body: {} });
    expect(judged).toMatchObject({
      status: 201, // no task of it was completed: there is nothing to replay yet
      body: { historyId: null, throughEvent: 0, verdict: 'not_possible', checks: { record: 'not_possible' } },
    });
    live.set(workflowId(id), 'away');
    expect((await api.as(auditor, `/v1/referrals/${id}/replays`)).body['data']).toEqual([judged.body]);
    const another = await referral('pending');
    expect((await api.as(auditor, `/v1/referrals/${another}/replays`)).body['data']).toEqual([]);
  });

  test('is none where it expired unused, also with Temporal away', async () => {
    const id = await referral('expired');
    live.set(workflowId(id), 'away');

    expect(await api.as(auditor, `/v1/referrals/${id}/history`)).toMatchObject({
      status: 200,
      body: { source: 'none', reason: 'expired_unused', runs: [], events: [] },
    });
    expect((await api.as(auditor, `/v1/referrals/${id}/state?event=1`)).status).toBe(404);
    expect((await api.as(other.key, `/v1/referrals/${id}/history`)).status).toBe(404);
    expect((await api.as(shop.testKey, `/v1/referrals/${id}/history`)).status).toBe(404);
  });
});
