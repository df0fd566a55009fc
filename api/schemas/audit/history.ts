import { z } from 'zod';
import type { Replay } from '../../../db/audit/replay.js';
import type { HistoryView } from '../../../db/reads/audit/historyList.js';
import { anyText, instantRange, listQuery } from '../../lists.js';
import { byWire, idWire, instantWire, listOf, objectFields } from '../wire.js';
import { leafWire } from './audit.js';

// api.md 16.3: archived runs, the state at an event, replays.

export const historyWire = z
  .strictObject({
    ...objectFields('history', 'history'),
    workflowType: z.string(),
    workflowId: z.string(),
    runId: z.string(),
    objectId: z.string(),
    build: z.string().nullable().meta({ description: 'The build that ran it; null where it did not say.' }),
    events: z.int(),
    firstEventAt: instantWire,
    lastEventAt: instantWire,
    closeStatus: z.string(),
    sha256: z.string().meta({ description: 'Of the JSON as recorded, before compression.' }),
    previousHash: z.string().nullable().meta({ description: 'The leaf before the one that seals it.' }),
    leaf: leafWire.nullable(),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('History');

export const historyList = listOf(historyWire);
export const historyParams = z.strictObject({ historyId: idWire('history') });

export const historyQuery = listQuery(
  {
    workflowType: anyText(),
    workflowId: anyText(),
    runId: anyText(),
    objectId: anyText(),
    closeStatus: anyText(),
    ...instantRange('createdAt'),
  },
  { sort: ['createdAt', 'firstEventAt'], q: true },
);

export function presentHistory(history: HistoryView): z.output<typeof historyWire> {
  const { leaf } = history;
  return {
    id: history.id as z.output<typeof historyWire>['id'],
    object: 'history',
    workflowType: history.workflowType,
    workflowId: history.workflowId,
    runId: history.runId,
    objectId: history.objectId,
    build: history.build,
    events: history.events,
    firstEventAt: history.firstEventAt,
    lastEventAt: history.lastEventAt,
    closeStatus: history.closeStatus,
    sha256: history.sha256,
    previousHash: leaf?.previousHash ?? null,
    leaf: leaf === null ? null : { sequence: Number(leaf.sequence), hash: leaf.hash },
    test: history.mode === 'test',
    createdAt: history.createdAt,
  };
}

export const checkResult = z.enum(['pass', 'fail', 'not_possible']);

export const replayWire = z
  .strictObject({
    ...objectFields('replay', 'replay'),
    historyId: z.string().nullable().meta({ description: 'Null: its run was still open.' }),
    throughEvent: z.int().nullable().meta({ description: 'Of an open run: the last event that was judged.' }),
    verdict: checkResult,
    checks: z.strictObject({ record: checkResult, replay: checkResult, arguments: checkResult, books: checkResult }),
    recordedBuild: z.string().nullable(),
    checkedBuild: z.string(),
    firstDifference: z
      .strictObject({
        eventId: z.int().nullable(),
        field: z.string(),
        recorded: z.unknown(),
        replayed: z.unknown(),
      })
      .nullable(),
    requestedBy: byWire,
    at: instantWire,
  })
  .openapi('Replay');

export const replayList = listOf(replayWire);
export const replayQuery = listQuery({}, {});

export function presentReplay(replay: Replay): z.output<typeof replayWire> {
  return {
    id: replay.id as z.output<typeof replayWire>['id'],
    object: 'replay',
    historyId: replay.historyId,
    throughEvent: replay.throughEvent,
    verdict: replay.verdict,
    checks: replay.checks,
    recordedBuild: replay.recordedBuild,
    checkedBuild: replay.checkedBuild,
    firstDifference: replay.firstDifference,
    requestedBy: replay.requestedBy as z.output<typeof byWire>,
    at: replay.at,
  };
}

/** `?event=N`, from 1. */
export const eventParameter = z
  .string()
  .regex(/^[1-9]\d{0,6}$/, 'A number from 1.')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1 });

export const stateQuery = z.strictObject({ event: eventParameter });

export const stateWire = z
  .strictObject({
    historyId: z.string().nullable().meta({ description: 'Null: a live run, not archived yet.' }),
    runId: z.string(),
    event: z.int(),
    eventType: z.string(),
    at: instantWire,
    status: z.string().nullable().meta({ description: 'Null: before the first step.' }),
    sequence: z.int().nullable().meta({ description: 'Sequence of the object’s audit entry at that point.' }),
    state: z.unknown().meta({ description: 'What the last step answered: deadline waited for, facts to take up.' }),
    timers: z.array(
      z.strictObject({ timerId: z.string(), startedEvent: z.int(), startedAt: instantWire, firesAt: instantWire }),
    ),
    pending: z.array(
      z.strictObject({
        kind: z.enum(['workflow_task', 'activity', 'child', 'signal']),
        name: z.string().nullable(),
        event: z.int(),
        since: instantWire,
      }),
    ),
    closed: z.boolean(),
    entry: z
      .strictObject({
        id: z.string(),
        event: z.string(),
        from: z.string().nullable(),
        to: z.string().nullable(),
        at: instantWire,
      })
      .nullable()
      .meta({ description: 'What Postgres recorded under that sequence.' }),
    replay: z.strictObject({ result: checkResult, message: z.string().nullable() }),
  })
  .openapi('StateAtEvent');
