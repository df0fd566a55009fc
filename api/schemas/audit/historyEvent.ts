import { z } from 'zod';
import type { JsonEvent } from '../../../domain/audit/recording.js';
import { flag } from '../../lists.js';
import { instantWire } from '../wire.js';
import { eventParameter } from './history.js';

/** Temporal's own form, as recorded. */
export const contentWire = z.looseObject({ events: z.array(z.unknown()) }).openapi('HistoryContent');

/** One recorded event, as the history tab lists it. */
export const historyEventWire = z
  .strictObject({
    historyId: z.string().nullable().meta({ description: 'Null: a live run, not archived yet.' }),
    runId: z.string(),
    event: z.int(),
    at: instantWire,
    type: z.string(),
    name: z.string().nullable().meta({ description: 'Type of an activity, name of a signal, id of a timer.' }),
    attributes: z
      .record(z.string(), z.unknown())
      .meta({ description: 'As recorded; contents of payloads only with decode=true.' }),
  })
  .openapi('HistoryEvent');

export const referralHistoryWire = z
  .strictObject({
    object: z.literal('referral_history'),
    source: z.enum(['live', 'archive', 'none']),
    reason: z
      .enum(['expired_unused', 'not_recorded'])
      .nullable()
      .meta({ description: 'Why there is none: it expired without lead, sale or decision, or was imported.' }),
    runs: z.array(
      z.strictObject({
        historyId: z.string().nullable(),
        workflowId: z.string(),
        runId: z.string(),
        build: z.string().nullable(),
        closeStatus: z.string(),
        events: z.int(),
        sha256: z.string().nullable(),
        firstEventAt: instantWire,
        lastEventAt: instantWire,
      }),
    ),
    events: z.array(historyEventWire),
  })
  .openapi('ReferralHistory');

/** `decode=true` shows what payloads hold: it needs history.decode, and each use leaves a line in the trail. */
export const referralHistoryQuery = z.strictObject({ decode: flag() });
/** Without `runId`: the newest run. */
export const referralStateQuery = z.strictObject({ event: eventParameter, runId: z.uuid().exactOptional() });

/** The name of what an event is about, if it has one. */
export function nameOfEvent(event: JsonEvent): string | null {
  for (const [key, value] of Object.entries(event)) {
    if (!key.endsWith('EventAttributes') || typeof value !== 'object' || value === null) continue;
    const attributes = value as Readonly<Record<string, unknown>>;
    const typed = (attributes.activityType ?? attributes.workflowType) as { readonly name?: unknown } | undefined;
    const name = attributes.signalName ?? typed?.name ?? attributes.markerName ?? attributes.timerId;
    if (typeof name === 'string') return name;
  }
  return null;
}
