import type { z } from 'zod';
import { readHistoryText } from '../../../activities/audit/history.js';
import { listReplays } from '../../../db/audit/replay.js';
import { recordSensitiveRead } from '../../../db/audit/sensitiveRead.js';
import { type HistoryView, listRunsOf } from '../../../db/reads/audit/historyList.js';
import { requireReferral } from '../../../db/reads/earning/referralList.js';
import { inWorkspace } from '../../../db/transaction.js';
import type { Permission } from '../../../domain/access/permission.js';
import { parseRecording, readableAttributes } from '../../../domain/audit/recording.js';
import type { Referral } from '../../../domain/earning/referral.js';
import { DomainError } from '../../../domain/errors.js';
import type { ReferralId, WorkspaceId } from '../../../domain/ids.js';
import { type LiveHistory, TemporalAway } from '../../../platform/liveHistories.js';
import { workflowIds } from '../../../workflows/contract.js';
import type { ApiDeps } from '../../deps.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { replayList, replayQuery, replayWire, presentReplay, stateWire } from '../../schemas/audit/history.js';
import {
  nameOfEvent,
  referralHistoryQuery,
  referralHistoryWire,
  referralStateQuery,
} from '../../schemas/audit/historyEvent.js';
import { referralParams } from '../../schemas/earning/referral.js';
import {
  archivedState,
  instantFrom,
  judgeAndKeep,
  judgeOpenAndKeep,
  replayedState,
  wordOf,
} from '../audit/replayed.js';

type Asking = Pick<
  RouteContext<unknown, unknown, unknown, unknown>,
  'read' | 'mode' | 'scope' | 'workspaceId' | 'can'
> & { readonly params: { readonly referralId: ReferralId } };

interface Runs {
  readonly referral: Referral;
  readonly archived: readonly HistoryView[];
}

async function readRuns(ctx: Asking): Promise<Runs> {
  return ctx.read(async (tx) => ({
    referral: await requireReferral(tx, ctx, ctx.params.referralId),
    archived: await listRunsOf(tx, ctx.params.referralId),
  }));
}

/** May its workflow still run? What has ended and is archived needs nobody to be asked. */
function mayRun(referral: Referral): boolean {
  return referral.status === 'tracking' || referral.status === 'pending' || referral.status === 'approved';
}

/** The newest run as Temporal holds it, unless it is archived already. 503 with Retry-After when Temporal is away. */
async function readLive(
  workspaceId: WorkspaceId,
  { referral, archived }: Runs,
  deps: ApiDeps,
): Promise<LiveHistory | undefined> {
  if (archived.length > 0 && !mayRun(referral)) return undefined;
  try {
    const live = await deps.liveHistories.readNewest(workflowIds.referral({ workspaceId, referralId: referral.id }));
    return live === undefined || archived.some((run) => run.runId === live.runId) ? undefined : live;
  } catch (error) {
    if (!(error instanceof TemporalAway)) throw error;
    // What is archived can be read without Temporal, and an expired one has nothing there.
    if (archived.length > 0 || referral.status === 'expired') return undefined;
    throw new DomainError('request.unavailable', { retryAfter: 5 }, { cause: error });
  }
}

const getHistory = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/history',
  summary: 'Every recorded event of its runs: live from Temporal, or from the archive',
  permission: 'history.read',
  params: referralParams,
  query: referralHistoryQuery,
  reply: referralHistoryWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'access.permission_missing', 'request.unavailable'],
  async handle(ctx, deps): Promise<z.output<typeof referralHistoryWire>> {
    const isDecoded = ctx.query.decode === true;
    const decode: Permission = 'history.decode';
    if (isDecoded && !ctx.can(decode))
      throw new DomainError('access.permission_missing', { missingPermission: decode });
    const runs = await readRuns(ctx);
    const live = await readLive(ctx.workspaceId, runs, deps);
    const texts = await ctx.read((tx) =>
      Promise.all(runs.archived.map(async (run) => ({ run, text: await readHistoryText(tx, run.id) }))),
    );
    const chapters = [
      ...texts.map(({ run, text }) => ({ historyId: run.id, sha256: run.sha256, runId: run.runId, text: text ?? '' })),
      ...(live === undefined ? [] : [{ historyId: null, sha256: null, runId: live.runId, text: live.json }]),
    ].map((chapter) => ({ ...chapter, recording: parseRecording(chapter.text) }));
    if (isDecoded && chapters.length > 0)
      await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
        recordSensitiveRead(tx, ctx.act(now), {
          objectType: 'referral_history',
          objectId: workflowIds.referral({ workspaceId: ctx.workspaceId, referralId: runs.referral.id }),
          event: 'decoded',
        }),
      );
    const isUnused = runs.referral.status === 'expired' && runs.referral.leadAt === null;
    return {
      object: 'referral_history',
      source: live !== undefined ? 'live' : chapters.length > 0 ? 'archive' : 'none',
      reason: chapters.length > 0 ? null : isUnused ? 'expired_unused' : 'not_recorded',
      runs: chapters.map(({ historyId, sha256, runId, recording }) => ({
        historyId,
        workflowId: workflowIds.referral({ workspaceId: ctx.workspaceId, referralId: runs.referral.id }),
        runId,
        build: recording.buildId,
        closeStatus: recording.closeStatus,
        events: recording.eventCount,
        sha256,
        firstEventAt: instantFrom(recording.firstEventAt),
        lastEventAt: instantFrom(recording.lastEventAt),
      })),
      events: chapters.flatMap(({ historyId, runId, recording }) =>
        recording.events.map((event) => ({
          historyId,
          runId,
          event: Number(event.eventId),
          at: instantFrom(event.eventTime),
          type: wordOf(event.eventType),
          name: nameOfEvent(event),
          attributes: readableAttributes(event, isDecoded),
        })),
      ),
    };
  },
});

const getState = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/state',
  summary: 'Status, timers and pending work after event N of its newest run',
  permission: 'history.read',
  params: referralParams,
  query: referralStateQuery,
  reply: stateWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'request.validation_failed', 'request.unavailable'],
  async handle(ctx, deps) {
    const { event, runId } = ctx.query;
    const runs = await readRuns(ctx);
    const named = runs.archived.find((run) => run.runId === runId);
    if (named !== undefined) return archivedState(ctx, named, event);
    const live = await readLive(ctx.workspaceId, runs, deps);
    if (live !== undefined && (runId === undefined || runId === live.runId)) {
      const workflowId = workflowIds.referral({ workspaceId: ctx.workspaceId, referralId: runs.referral.id });
      const run = { historyId: null, workflowId, runId: live.runId, objectId: runs.referral.id, text: live.json };
      return replayedState(ctx, run, event);
    }
    const newest = runs.archived.at(-1);
    if (runId !== undefined || newest === undefined)
      throw new DomainError('resource.not_found', { detail: 'This referral has no such recorded history.' });
    return archivedState(ctx, newest, event);
  },
});

const replays = defineRoute({
  method: 'GET',
  path: '/v1/referrals/:referralId/replays',
  summary: 'Replays of all its runs, newest first',
  permission: 'history.read',
  params: referralParams,
  query: replayQuery,
  reply: replayList,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    const { referral, archived } = await readRuns(ctx);
    const page = ctx.page(ctx.query);
    const of = { historyIds: archived.map((run) => run.id), objectId: referral.id };
    const rows = await ctx.read((tx) => listReplays(tx, of, page));
    return ctx.list(rows, page, presentReplay, (row) => ({ value: row.at, id: row.id }));
  },
});

const replay = defineRoute({
  method: 'POST',
  path: '/v1/referrals/:referralId/replays',
  summary: 'Replay its newest run now: an archived one without a Temporal server, an open one up to its last event',
  permission: 'audit.verify',
  params: referralParams,
  reply: replayWire,
  status: 201,
  refuses: ['resource.not_found', 'access.not_in_scope', 'request.unavailable'],
  async handle(ctx, deps) {
    const runs = await readRuns(ctx);
    const { referral, archived } = runs;
    const path = `/v1/referrals/${referral.id}/replays`;
    const live = await readLive(ctx.workspaceId, runs, deps);
    if (live !== undefined) {
      const workflowId = workflowIds.referral({ workspaceId: ctx.workspaceId, referralId: referral.id });
      return judgeOpenAndKeep(
        ctx,
        deps,
        { ...live, workflowType: 'referral', workflowId, objectId: referral.id },
        path,
      );
    }
    const newest = archived.at(-1);
    if (newest === undefined)
      throw new DomainError('resource.not_found', {
        detail: 'No recorded history: it expired without lead, sale or decision, or was imported.',
      });
    return judgeAndKeep(ctx, deps, newest.id, path);
  },
});

export const referralHistoryRoutes: readonly Route[] = [getHistory, getState, replays, replay];
