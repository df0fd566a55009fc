import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appendAuditChains, appendAuditLeaves, verifyChain } from '../../../activities/audit/chain.js';
import {
  currentWorkflows,
  exportHistory,
  type JudgedHistory,
  judgeHistory,
  judgeOpenRun,
  readHistoryText,
  replayHistory,
  stateAtEvent,
  timelineOf,
} from '../../../activities/audit/history.js';
import { temporalHistoryReader } from '../../../activities/gateways/historyReader.js';
import { sha256 } from '../../../db/audit/chain.js';
import { listHistoriesOf, type StoredHistory } from '../../../db/audit/history.js';
import { listBrokenMoves } from '../../../db/reads/audit/brokenMoves.js';
import { readWorkspace } from '../../../db/transaction.js';
import { eventTexts, type JsonEvent, parseRecording, readableAttributes } from '../../../domain/audit/recording.js';
import { newId } from '../../../platform/newId.js';
import { HeadKeeper, headsFolder } from '../../../platform/headKeeper.js';
import { temporalLiveHistories } from '../../../platform/liveHistories.js';
import { createLogger } from '../../../platform/logger.js';
import type { ReferralId } from '../../../domain/ids.js';
import { compiledProgram } from '../../support/compiled.js';
import { eventually } from '../../support/eventually.js';
import { insertRow } from '../../support/rows.js';
import { createReferralWorld, type ReferralWorld } from '../../workflows/referralWorld.js';

// Real runs on a real server, archived, then judged from Postgres alone (temporal.md 10.2 to 10.5).

const run = promisify(execFile);
/** What must never be found in a workflow's history (temporal.md 8). */
const canaries = ['Canary Jo Buyer', 'canary-jo@buyer.example', '+15550100999', 'canary note: she called twice'];

let w: ReferralWorld;
let dataDir: string;
let keeper: HeadKeeper;
let full: StoredHistory;
let byHand: StoredHistory;
let fullText: string;
let byHandText: string;

beforeAll(async () => {
  w = await createReferralWorld({ commissionHold: 'PT3S' });
  const worker = await w.startWorker();
  dataDir = await mkdtemp(join(tmpdir(), 'audit-'));
  keeper = new HeadKeeper(headsFolder(dataDir));
  const [journey, refused] = await Promise.all([fullJourney(), rejectedByHand()]);
  await worker.stop();
  await archive(journey);
  await archive(refused);
  await appendAuditChains({
    db: w.world.db,
    keeper,
    logger: createLogger({ logLevel: 'fatal' }),
    workspaces: [w.workspaceId],
    lastKept: new Map(),
  });
  [full, fullText] = await stored(journey);
  [byHand, byHandText] = await stored(refused);
});
afterAll(async () => {
  await w?.close();
  await rm(dataDir, { recursive: true, force: true });
});

/** Click, outside check, lead, sale, approval, end of the hold, refund of everything: one run with every kind of event. */
async function fullJourney(): Promise<ReferralId> {
  const id = await w.click();
  await insertRow(w.world.owner, 'checks', {
    workspace_id: w.workspaceId,
    id: newId('check'),
    referral_id: id,
    kind: 'identity',
    status: 'waiting',
    required: true,
    provider: 'simulated',
    ask_at: '2026-11-01T00:00:00.000Z',
  });
  const contactId = await w.makeContact({ name: canaries[0], email: canaries[1], email_key: canaries[1] });
  const leadId = await w.lead(id, contactId);
  await w.world
    .owner('leads')
    .where({ id: leadId })
    .update({ name: canaries[0], email: canaries[1], phone: canaries[2] });
  await eventually(
    async () => (await w.world.owner('checks').where({ referral_id: id, status: 'passed' })).length === 1,
  );
  const saleId = await w.sale(id, contactId, 5_000n);
  await eventually(async () => (await w.commissions(id)).length === 1);
  const decisionId = await w.decide(id, 'approve', { silent: true });
  await w.world.owner('decisions').where({ id: decisionId }).update({ note: canaries[3] });
  await w.signal(id, 'approve', { decisionId });
  await w.becomes(id, 'approved');
  await eventually(async () => (await w.commissions(id))[0]?.status === 'approved');
  await w.refund(id, saleId, 5_000n);
  await w.closed(id);
  return id;
}

/** Rejected by a signal from Temporal's own tools, after one with nothing in it. */
async function rejectedByHand(): Promise<ReferralId> {
  const id = await w.click();
  await w.lead(id, await w.makeContact());
  await w.becomes(id, 'pending');
  await w.idle(id);
  await w.signal(id, 'approve');
  await w.signal(id, 'reject', { by: w.ana, reason: 'fraud' });
  await w.closed(id);
  return id;
}

const deps = () => ({ db: w.world.db, newId, reader: temporalHistoryReader(w.temporal.client) });

async function archive(referralId: ReferralId): Promise<void> {
  const workflowId = w.workflowId(referralId);
  const { runId } = await w.temporal.client.workflow.getHandle(workflowId).describe();
  expect(await exportHistory(deps(), { workflowId, runId })).toBe('stored');
  expect(await exportHistory(deps(), { workflowId, runId })).toBe('present');
}

async function stored(referralId: ReferralId): Promise<[StoredHistory, string]> {
  return readWorkspace(w.world.db, w.workspaceId, async (tx) => {
    const [history] = await listHistoriesOf(tx, referralId);
    const text = history === undefined ? undefined : await readHistoryText(tx, history.id);
    if (history === undefined || text === undefined) throw new Error(`no history of ${referralId}`);
    return [history, text];
  });
}

async function judge(history: StoredHistory, shown?: string): Promise<JudgedHistory> {
  const { heads } = await keeper.list(w.workspaceId);
  return judgeHistory({ db: w.world.db, bundle: currentWorkflows, heads }, w.workspaceId, history, shown);
}

/** A superuser's hand, and back again. */
async function damaged<T>(damage: readonly string[], repair: readonly string[], look: () => Promise<T>): Promise<T> {
  const tables = ['histories', 'audit_entries', 'audit_leaves', 'ledger_postings'];
  const by = (statements: readonly string[]) =>
    w.world.owner.transaction(async (trx) => {
      for (const table of tables) await trx.raw(`alter table ${table} disable trigger user`);
      for (const statement of statements) await trx.raw(statement);
      for (const table of tables) await trx.raw(`alter table ${table} enable trigger user`);
    });
  await by(damage);
  try {
    return await look();
  } finally {
    await by(repair);
  }
}

interface Editable {
  eventTime: string;
  eventType: string;
  [key: string]: unknown;
}
type Payloads = { payloads: { data: string }[] };
type Attributes = Record<string, never> & {
  input: Payloads;
  result: Payloads;
  details: Record<string, Payloads>;
};

/** A copy with one event edited; answers the event's number. */
function altered(
  text: string,
  type: string,
  edit: (attributes: Attributes, event: Editable) => void,
  which: 'first' | 'last' = 'first',
): { readonly text: string; readonly eventId: number } {
  const history = JSON.parse(text) as { events: Editable[] };
  const isIt = (event: Editable): boolean => event.eventType === `EVENT_TYPE_${type}`;
  const index = which === 'first' ? history.events.findIndex(isIt) : history.events.findLastIndex(isIt);
  const event = history.events[index];
  if (event === undefined) throw new Error(`no ${type} in this history`);
  const name = Object.keys(event).find((key) => key.endsWith('EventAttributes')) ?? '';
  edit(event[name] as Attributes, event);
  return { text: JSON.stringify(history), eventId: index + 1 };
}

function rewrite(payloads: Payloads, from: string | RegExp, to: string): void {
  for (const payload of payloads.payloads) {
    const before = Buffer.from(payload.data, 'base64').toString('utf8');
    payload.data = Buffer.from(before.replace(from, to)).toString('base64');
  }
}

describe('an untouched history', () => {
  test('BEY-10: passes record, replay, arguments and books, and names both builds', async () => {
    for (const history of [full, byHand]) {
      const judged = await judge(history);
      expect(judged.firstDifference).toBeNull();
      expect(judged.checks).toEqual({ record: 'pass', replay: 'pass', arguments: 'pass', books: 'pass' });
      expect(judged.verdict).toBe('pass');
      expect(judged.checkedBuild).toMatch(/^[0-9a-f]{16}$/);
    }
  });

  test('holds every kind of event that a verdict compares', () => {
    const recording = parseRecording(fullText);
    expect(recording.localActivities.length).toBeGreaterThan(4);
    expect(recording.activities.map((activity) => activity.type)).toContain('askCheckProvider');
    expect(recording.timers.length).toBeGreaterThan(0);
    expect(recording.signals.map((signal) => signal.name)).toEqual(
      expect.arrayContaining(['leadReported', 'saleReported', 'approve', 'refundReported']),
    );
  });

  test('holds no name, address or note of anybody', () => {
    for (const text of [fullText, byHandText]) {
      const clear = JSON.stringify(
        parseRecording(text).events.map((event: JsonEvent) => readableAttributes(event, true)),
      );
      for (const canary of canaries) {
        expect(text).not.toContain(canary);
        expect(clear).not.toContain(canary);
        expect(text).not.toContain(Buffer.from(canary).toString('base64').slice(0, 16));
      }
    }
  });

  test('an open run is not archived yet, and one that nobody knows is gone', async () => {
    const id = await w.click();
    const workflowId = w.workflowId(id);
    const handle = w.temporal.client.workflow.getHandle(workflowId);
    const { runId } = await eventually(() => handle.describe());

    expect(await exportHistory(deps(), { workflowId, runId })).toBe('open');
    await handle.terminate();
    expect(await exportHistory(deps(), { workflowId, runId: '7a6e1d5e-5d0c-4a3b-9c39-7f4dd2c0f001' })).toBe('gone');
    expect(await exportHistory(deps(), { workflowId: 'sweep/unapplied', runId })).toBe('not_exported');
  });
});

describe('every other path', () => {
  async function allRuns(referralId: string): Promise<readonly JudgedHistory[]> {
    const workflowId = w.workflowId(referralId);
    const runs = w.temporal.client.workflow.list({ query: `WorkflowId = '${workflowId}'` });
    for await (const { runId } of runs) await exportHistory(deps(), { workflowId, runId });
    await appendAuditLeaves(w.world.db, w.workspaceId);
    const histories = await readWorkspace(w.world.db, w.workspaceId, (tx) => listHistoriesOf(tx, referralId));
    return Promise.all(histories.map((history) => judge(history)));
  }
  const pending = async (): Promise<{ id: ReferralId; contactId: Awaited<ReturnType<typeof w.makeContact>> }> => {
    const id = await w.click();
    const contactId = await w.makeContact();
    await w.lead(id, contactId);
    await w.becomes(id, 'pending');
    await w.idle(id);
    return { id, contactId };
  };
  let worker: { stop(): Promise<void> };
  beforeAll(async () => {
    worker = await w.startWorker();
  });
  afterAll(() => worker?.stop());

  /** A signal that came while a run closed opens a further one: at least so many. */
  const expectPass = (judged: readonly JudgedHistory[], atLeast: number): void => {
    expect(judged.length).toBeGreaterThanOrEqual(atLeast);
    for (const { firstDifference, verdict } of judged)
      expect({ firstDifference, verdict }).toEqual({ firstDifference: null, verdict: 'pass' });
  };

  /** As the API judges it: read from Temporal while it runs. */
  async function judgeOpen(id: ReferralId, edit: (text: string) => string = (text) => text) {
    const run = await temporalLiveHistories(w.temporal.client).readNewest(w.workflowId(id));
    if (run === undefined) throw new Error('it has no run');
    return judgeOpenRun({ db: w.world.db, bundle: currentWorkflows }, w.workspaceId, {
      ...run,
      json: edit(run.json),
      workflowType: 'referral',
      workflowId: w.workflowId(id),
      objectId: id,
    });
  }

  test('one that is still open: passes up to its last event, and an altered timer or ledger row shows', async () => {
    const { id, contactId } = await pending();
    await w.sale(id, contactId, 5_000n);
    await eventually(async () => (await w.commissions(id)).length === 1);
    await w.idle(id);

    const judged = await judgeOpen(id);
    expect({ difference: judged.firstDifference, verdict: judged.verdict, checks: judged.checks }).toEqual({
      difference: null,
      verdict: 'pass',
      checks: { record: 'not_possible', replay: 'pass', arguments: 'pass', books: 'pass' },
    });
    const run = await temporalLiveHistories(w.temporal.client).readNewest(w.workflowId(id));
    expect(judged.throughEvent).toBe(parseRecording(run?.json ?? '').eventCount);

    const altered = await judgeOpen(id, (text) =>
      text.replaceAll(/"startToFireTimeout":\s*"[^"]+"/g, '"startToFireTimeout":"77s"'),
    );
    expect(altered).toMatchObject({ verdict: 'fail', firstDifference: { field: 'timer.ms', recorded: 77_000 } });
    // What came after the last completed task waits for the next: it is left out, not a difference.
    const waiting = await judgeOpen(id, (text) => {
      const { events } = JSON.parse(text) as { events: JsonEvent[] };
      const next = { eventId: String(events.length + 1), eventTime: events.at(-1)?.eventTime ?? '' };
      const signal = {
        ...next,
        eventType: 'EVENT_TYPE_WORKFLOW_TASK_SCHEDULED',
        workflowTaskScheduledEventAttributes: {},
      };
      return JSON.stringify({ events: [...events, signal] });
    });
    expect(waiting).toMatchObject({ verdict: 'pass', throughEvent: judged.throughEvent });
  });

  test('rejected, reopened and approved: each run passes', async () => {
    const { id } = await pending();
    await w.decide(id, 'reject');
    await w.closed(id);
    await w.decide(id, 'reopen');
    await w.becomes(id, 'pending');
    await w.idle(id);
    await w.decide(id, 'approve');
    await w.becomes(id, 'approved');
    await w.closed(id);

    expectPass(await allRuns(id), 2);
  });

  test('a repeated signal, a second approval that is refused, and a change by hand of another: passes', async () => {
    const { id } = await pending();
    const decisionId = await w.decide(id, 'approve');
    await w.becomes(id, 'approved');
    const again = await w.decide(id, 'approve');
    await w.outcome(again);
    await w.signalWithStart(id, 'approve', { decisionId });
    await w.closed(id);

    expectPass(await allRuns(id), 1);
  });

  test('two journeys that turn out to be one: both pass', async () => {
    const { id: first, contactId } = await pending();
    const second = await w.click();
    await w.lead(second, contactId);
    await w.becomes(second, 'merged');
    await w.closed(second);
    await w.idle(first);
    await w.decide(first, 'reject');
    await w.closed(first);

    expectPass(await allRuns(second), 1);
    expectPass(await allRuns(first), 1);
  });

  test('a refund that is taken up before its sale: passes', async () => {
    const { id, contactId } = await pending();
    await worker.stop();
    const saleId = await w.sale(id, contactId, 3_000n);
    await w.world.owner('outbox').whereNull('sent_at').update({ sent_at: w.world.owner.fn.now() });
    await w.refund(id, saleId, 3_000n);
    await eventually(async () => (await w.world.owner('outbox').whereNull('sent_at')).length === 0);
    worker = await w.startWorker();
    await eventually(async () => (await w.commissions(id))[0]?.status === 'rejected');
    await w.idle(id);
    await w.decide(id, 'reject');
    await w.closed(id);

    expectPass(await allRuns(id), 1);
  });

  test('the moves of all objects along these journeys keep to their tables', async () => {
    const broken = await readWorkspace(w.world.db, w.workspaceId, (tx) => listBrokenMoves(tx, 1_000));
    // Leads, sales and checks of these tests are put into their tables without their writers.
    const isSetUp = (move: (typeof broken)[number]): boolean =>
      move.code === 'no_history' || (move.detail === '2 follows 0' && move.objectType !== 'referral');
    expect(broken.filter((move) => !isSetUp(move))).toEqual([]);
  });
});

describe('an altered copy', () => {
  const another = '01kaz0c3v7m2q8x4t6w9y1b5de';
  const alterations: readonly {
    readonly line: string;
    readonly of?: 'by hand';
    readonly type: string;
    readonly which?: 'last';
    readonly edit: (attributes: Attributes, event: Editable) => void;
    /** Found without the record's hash: by the replay, by the arguments, or only by the record. */
    readonly by: 'replay' | 'arguments' | 'record';
  }[] = [
    {
      line: 'activity type',
      type: 'ACTIVITY_TASK_SCHEDULED',
      edit: (attributes) => Object.assign(attributes, { activityType: { name: 'askSomebodyElse' } }),
      by: 'replay',
    },
    {
      line: 'activity id',
      type: 'ACTIVITY_TASK_SCHEDULED',
      edit: (attributes) => Object.assign(attributes, { activityId: '99' }),
      by: 'replay',
    },
    {
      line: 'activity argument',
      type: 'ACTIVITY_TASK_SCHEDULED',
      edit: ({ input }) => rewrite(input, /chk_\w+/, `chk_${another}`),
      by: 'arguments',
    },
    {
      line: 'activity result',
      type: 'ACTIVITY_TASK_COMPLETED',
      edit: ({ result }) => rewrite(result, 'passed', 'failed'),
      by: 'arguments',
    },
    {
      line: 'activity timeout',
      type: 'ACTIVITY_TASK_SCHEDULED',
      edit: (attributes) => Object.assign(attributes, { startToCloseTimeout: '77s' }),
      by: 'record',
    },
    {
      line: 'timer duration',
      type: 'TIMER_STARTED',
      edit: (attributes) => Object.assign(attributes, { startToFireTimeout: '12345s' }),
      by: 'arguments',
    },
    {
      line: 'workflow input',
      type: 'WORKFLOW_EXECUTION_STARTED',
      edit: ({ input }) => rewrite(input, /ref_\w+/, `ref_${another}`),
      by: 'arguments',
    },
    {
      line: 'workflow result',
      type: 'WORKFLOW_EXECUTION_COMPLETED',
      edit: ({ result }) => rewrite(result, 'approved', 'rejected'),
      by: 'arguments',
    },
    {
      line: 'signal argument',
      type: 'WORKFLOW_EXECUTION_SIGNALED',
      edit: ({ input }) => rewrite(input, /led_\w+/, `led_${another}`),
      by: 'arguments',
    },
    {
      line: 'approve turned into reject',
      type: 'WORKFLOW_EXECUTION_SIGNALED',
      which: 'last',
      edit: (attributes, event) => {
        const { signalName } = attributes as unknown as { signalName: string };
        if (signalName !== 'refundReported') throw new Error(`the last signal is ${signalName}`);
        Object.assign(event, { workflowExecutionSignaledEventAttributes: { ...attributes, signalName: 'reject' } });
      },
      by: 'replay',
    },
    {
      line: 'reject by hand turned into approve',
      of: 'by hand',
      type: 'WORKFLOW_EXECUTION_SIGNALED',
      which: 'last',
      edit: (attributes) => Object.assign(attributes, { signalName: 'approve' }),
      by: 'arguments',
    },
    {
      line: 'who sent it by hand',
      of: 'by hand',
      type: 'WORKFLOW_EXECUTION_SIGNALED',
      which: 'last',
      edit: ({ input }) => rewrite(input, /usr_\w+/, `usr_${another}`),
      by: 'arguments',
    },
    {
      line: 'local activity result',
      type: 'MARKER_RECORDED',
      which: 'last',
      edit: ({ details }) => rewrite(details['result'] ?? { payloads: [] }, /"seq":\d+/, '"seq":3'),
      by: 'arguments',
    },
    {
      line: 'event time',
      type: 'WORKFLOW_TASK_COMPLETED',
      edit: (_attributes, event) => Object.assign(event, { eventTime: '2026-01-01T00:00:00Z' }),
      by: 'record',
    },
    {
      line: 'identity',
      type: 'WORKFLOW_TASK_COMPLETED',
      edit: (attributes) => Object.assign(attributes, { identity: 'somebody else' }),
      by: 'record',
    },
    {
      line: 'build id',
      type: 'WORKFLOW_TASK_COMPLETED',
      edit: (attributes) => Object.assign(attributes, { workerVersion: { buildId: 'another' } }),
      by: 'record',
    },
    {
      line: 'workflow id',
      type: 'WORKFLOW_EXECUTION_STARTED',
      edit: (attributes) => Object.assign(attributes, { workflowId: 'referral/ws_x/ref_x' }),
      by: 'record',
    },
  ];

  test.each(alterations)('$line: the verdict is fail and names the event', async ({ of, type, which, edit, by }) => {
    const [history, text] = of === 'by hand' ? [byHand, byHandText] : [full, fullText];
    const copy = altered(text, type, edit, which);

    const judged = await judge(history, copy.text);

    expect(judged.verdict).toBe('fail');
    expect(judged.checks.record).toBe('fail');
    expect(judged.firstDifference?.eventId).toBe(copy.eventId);
    if (by === 'replay') expect(judged.checks.replay).toBe('fail');
    if (by === 'arguments') expect(judged.checks.arguments).toBe('fail');
  });

  test('approve turned into reject is found without the hash, too: the decision row says what it was', async () => {
    const history = JSON.parse(fullText) as { events: Editable[] };
    for (const event of history.events) {
      const signal = event['workflowExecutionSignaledEventAttributes'] as { signalName: string } | undefined;
      if (signal?.signalName === 'approve') signal.signalName = 'reject';
    }

    const judged = await judge(full, JSON.stringify(history));

    expect(judged.checks.arguments).toBe('fail');
  });

  test('BEY-10: a plain replay accepts an altered argument, which is why it is not enough', async () => {
    const copy = altered(fullText, 'ACTIVITY_TASK_SCHEDULED', ({ input }) =>
      rewrite(input, /chk_\w+/, `chk_${another}`),
    );

    expect(await replayHistory(await currentWorkflows(), copy.text, full.workflowId)).toMatchObject({ result: 'pass' });
  });

  test('an event left out and a text that is no history fail', async () => {
    const history = JSON.parse(fullText) as { events: Editable[] };
    history.events.splice(6, 1);

    expect(await judge(full, JSON.stringify(history))).toMatchObject({
      verdict: 'fail',
      firstDifference: { eventId: 7 },
    });
    expect(await judge(full, '{"events":[]}')).toMatchObject({ verdict: 'fail', checks: { record: 'fail' } });
    expect(await judge(full, 'not json')).toMatchObject({ verdict: 'fail', checks: { record: 'fail' } });
  });
});

describe("a superuser's hand", () => {
  const quoted = (value: string): string => `'${value}'`;

  test('a history altered in the database, its hashes rewritten with it, is no longer what the chain sealed', async () => {
    const copy = altered(fullText, 'WORKFLOW_TASK_COMPLETED', (attributes) =>
      Object.assign(attributes, { identity: 'somebody else' }),
    );
    const hashes = eventTexts(parseRecording(copy.text)).map(sha256).join('');
    const set = (text: string, eventHashes: string): string =>
      `update histories set bytes = decode('${gzipSync(text).toString('hex')}', 'hex'), sha256 = decode('${sha256(text)}', 'hex'),
         event_hashes = decode('${eventHashes}', 'hex') where id = ${quoted(full.id)}`;

    await damaged([set(copy.text, hashes)], [set(fullText, full.eventHashes.toString('hex'))], async () => {
      const [forged] = await stored(full.objectId as ReferralId);
      expect(await judge(forged)).toMatchObject({
        verdict: 'fail',
        checks: { record: 'fail' },
        firstDifference: { field: 'chain' },
      });
      expect(await verifyChain(w.world.db, w.workspaceId, [])).toMatchObject({
        holds: false,
        code: 'edited',
        firstBadEntryId: full.id,
      });
    });
    expect(await judge(full)).toMatchObject({ verdict: 'pass' });
  });

  test('the same with the whole chain written anew shows against the heads outside', async () => {
    const edit = (build: string): string => `update histories set build_id = ${build} where id = ${quoted(full.id)}`;
    const rechain = [
      'delete from audit_leaves',
      `update audit_heads set sequence = 0, leaf_hash = decode(repeat('00', 32), 'hex')`,
    ];
    const before = await w.world.owner('audit_leaves').select('*');
    const head = (await w.world.owner('audit_heads').first()) as { sequence: string; leaf_hash: Buffer };

    await damaged(
      [edit(quoted('another')), ...rechain],
      [edit(full.buildId === null ? 'null' : quoted(full.buildId)), 'delete from audit_leaves'],
      async () => {
        await appendAuditLeaves(w.world.db, w.workspaceId);
        expect(await verifyChain(w.world.db, w.workspaceId, [])).toMatchObject({ holds: true });
        const [forged] = await stored(full.objectId as ReferralId);
        expect(await judge(forged)).toMatchObject({ verdict: 'fail', firstDifference: { field: 'chain' } });
      },
    );
    await w.world
      .owner('audit_leaves')
      .insert(
        before.map((leaf: { row_hashes: unknown }) => ({ ...leaf, row_hashes: JSON.stringify(leaf.row_hashes) })),
      );
    await w.world.owner('audit_heads').update({ sequence: head.sequence, leaf_hash: head.leaf_hash });
    expect(await judge(full)).toMatchObject({ verdict: 'pass' });
  });

  test('an amount altered on the commission no longer equals what was booked', async () => {
    const [line] = await w.commissions(full.objectId);
    const set = (minor: number): string =>
      `update commissions set amount_minor = ${minor}, exact_numerator = ${minor}, exact_denominator = 1 where id = ${quoted(line?.id ?? '')}`;

    await damaged([set(1_001)], [set(1_000)], async () => {
      expect(await judge(full)).toMatchObject({
        verdict: 'fail',
        checks: { record: 'pass', replay: 'pass', arguments: 'pass', books: 'fail' },
        firstDifference: { field: 'books.amount', recorded: '1001', replayed: '1000' },
      });
    });
  });

  test('an amount altered in the ledger contradicts the line and the chain', async () => {
    const set = (from: number, to: number): string =>
      `update ledger_postings set amount_minor = ${to} where amount_minor = ${from}`;

    await damaged([set(1_000, 1_002)], [set(1_002, 1_000)], async () => {
      expect(await judge(full)).toMatchObject({ verdict: 'fail', checks: { books: 'fail' } });
      expect(await verifyChain(w.world.db, w.workspaceId, [])).toMatchObject({ holds: false, code: 'edited' });
    });
  });

  test('an entry moved to another status contradicts the recorded step', async () => {
    const set = (from: string, to: string): string =>
      `update audit_entries set to_status = ${quoted(to)} where object_id = ${quoted(full.objectId)} and event = 'approved' and to_status = ${quoted(from)}`;

    await damaged([set('approved', 'rejected')], [set('rejected', 'approved')], async () => {
      expect(await judge(full)).toMatchObject({ verdict: 'fail', checks: { arguments: 'fail' } });
    });
  });
});

describe('the state at an event', () => {
  test('BEY-11: is what Postgres recorded under its sequence, at every event; the last one is the row', async () => {
    const recording = parseRecording(fullText);
    const { reports } = await replayHistory(await currentWorkflows(), fullText, full.workflowId);
    const timeline = timelineOf(recording, reports);
    const entries = await w.world.owner('audit_entries').where({ object_id: full.objectId }).select('seq', 'to_status');
    const statusOf = new Map(entries.map((entry: { seq: number; to_status: string }) => [entry.seq, entry.to_status]));
    const seen = new Set<string>();
    let last: { seq: number; status: string } | undefined;

    for (let eventId = 1; eventId <= full.eventCount; eventId += 1) {
      const step = timeline.findLast((point) => point.eventId <= eventId)?.state as typeof last;
      if (step === undefined) continue;
      expect(statusOf.get(step.seq), `event ${eventId}`).toBe(step.status);
      seen.add(step.status);
      last = step;
    }

    expect([...seen]).toEqual(['tracking', 'pending', 'approved']);
    const row = await w.look(full.objectId);
    expect(last).toMatchObject({ seq: row.version, status: row.status });
  });

  test('a cut at that event replays to the same state', async () => {
    const bundle = await currentWorkflows();
    const started = parseRecording(fullText)
      .events.filter((event) => event.eventType === 'EVENT_TYPE_WORKFLOW_TASK_STARTED')
      .map((event) => Number(event.eventId));

    for (const eventId of started) {
      const cut = await replayHistory(bundle, fullText, full.workflowId, eventId);
      const { state } = await stateAtEvent(bundle, fullText, full.workflowId, eventId);
      const [last] = timelineOf(parseRecording(fullText), cut.reports).slice(-1);
      expect(last?.state, `event ${eventId}`).toEqual(state?.point?.state);
    }
  });

  test('BEY-11: shows timers that run and work that waits, and nothing once the run is closed', async () => {
    const bundle = await currentWorkflows();
    const recording = parseRecording(fullText);
    const [timer] = recording.timers;
    const [signal] = recording.signals;
    const at = async (eventId: number) => (await stateAtEvent(bundle, fullText, full.workflowId, eventId)).state;

    expect((await at(timer?.eventId ?? 0))?.timers).toMatchObject([{ timerId: timer?.id, ms: timer?.ms }]);
    expect((await at(signal?.eventId ?? 0))?.pending).toContainEqual(
      expect.objectContaining({ kind: 'signal', name: signal?.name }),
    );
    expect(await at(full.eventCount)).toMatchObject({ timers: [], pending: [], isClosed: true });
    expect(await at(full.eventCount + 1)).toBeUndefined();
  });
});

describe('the commands', () => {
  const environment = () => ({
    ...process.env,
    NODE_ENV: 'test',
    DATABASE_URL: w.world.database.appUrl,
    MIGRATION_DATABASE_URL: w.world.database.ownerUrl,
    DATA_DIR: dataDir,
    PUBLIC_URL: 'http://localhost:3000',
    SECRET_KEY: `test:${Buffer.alloc(32, 7).toString('base64')}`,
    TEMPORAL_ADDRESS: '127.0.0.1:1', // nothing answers there: an auditor needs no server
  });
  const command = async (file: string, ...args: readonly string[]) =>
    run(process.execPath, [(await compiledProgram())(file), ...args], {
      env: environment(),
      maxBuffer: 64 * 1024 * 1024,
    }).then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  const audit = (...args: readonly string[]) => command('bin/audit.ts', '--workspace', w.workspaceId, ...args);

  test('show, verify, timeline, state-at and bundle work without a Temporal server; the verifier without anything', async () => {
    const shown = await audit('show', full.id, '--out', join(dataDir, 'history.json'));
    expect(shown).toMatchObject({ code: 0 });
    expect(await readFile(join(dataDir, 'history.json'), 'utf8')).toBe(fullText);

    const judged = await audit('verify', full.objectId);
    expect(judged.code).toBe(0);
    expect(judged.stdout).toContain('"verdict": "pass"');
    const chain = await audit('verify');
    expect(chain.code).toBe(0);
    expect(chain.stdout).toContain('"holds": true');
    expect((await audit('timeline', full.id)).stdout).toContain('"status": "approved"');
    expect((await audit('state-at', full.id, String(full.eventCount))).stdout).toContain('"isClosed": true');
    expect((await audit('state-at', full.id, 'x')).code).toBe(2);

    const file = join(dataDir, 'bundle.json');
    expect(await audit('bundle', file)).toMatchObject({ code: 0 });
    const verified = await command('bin/verifyAudit.ts', file);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain('pass: the record is as it was written');
    const bundle = await readFile(file, 'utf8');
    for (const canary of canaries) expect(bundle).not.toContain(canary);
    await writeFile(file, bundle.replace('"amountMinor":"1000"', '"amountMinor":"1001"'));
    const refused = await command('bin/verifyAudit.ts', file);
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('FAIL edited');
  }, 60_000);

  test('verify of an altered copy exits 1 and says where', async () => {
    const copy = altered(fullText, 'TIMER_STARTED', (attributes) =>
      Object.assign(attributes, { startToFireTimeout: '12345s' }),
    );
    const file = join(dataDir, 'copy.json');
    await writeFile(file, copy.text);

    const answer = await audit('verify', full.id, '--file', file);

    expect(answer.code).toBe(1);
    expect(answer.stderr).toBe('');
    expect(JSON.parse(answer.stdout)).toMatchObject({ verdict: 'fail', firstDifference: { eventId: copy.eventId } });
  }, 60_000);
});
