import { z } from 'zod';
import type { DecisionRecord } from '../../../db/audit/decision.js';
import { type OperationId, sameIdAs } from '../../../domain/ids.js';
import { publicCode, type DomainErrorCode } from '../../../domain/errors.js';
import { byWire, idWire, instantWire } from '../wire.js';

const progressWire = z.strictObject({
  total: z.int(),
  done: z.int(),
  succeeded: z.int(),
  skipped: z.int(),
  failed: z.int(),
});

/** A job, or a decision that had no outcome yet when it was answered (api.md 1.8, 1.9). */
export const operationWire = z
  .strictObject({
    id: idWire('operation'),
    object: z.literal('operation'),
    kind: z.string(),
    status: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    progress: progressWire,
    result: z.record(z.string(), z.unknown()).nullable(),
    reversible: z.boolean(),
    requestedBy: byWire,
    createdAt: instantWire,
    finishedAt: instantWire.nullable(),
  })
  .openapi('Operation');
export type Operation = z.output<typeof operationWire>;

export const operationItemWire = z.strictObject({
  id: z.string(),
  outcome: z.enum(['succeeded', 'skipped', 'failed']).nullable(),
  code: z.string().nullable(),
  detail: z.string().nullable(),
});
export type OperationItem = z.output<typeof operationItemWire>;

/** A decision seen as an operation of one item; both share the 26 characters of their id. */
export function presentDecisionAsOperation(decision: DecisionRecord, byName: string | null): Operation {
  const isDone = decision.state !== 'open';
  return {
    id: sameIdAs('operation', decision.id) as OperationId,
    object: 'operation',
    kind: `${decision.objectType}.${decision.verb}`,
    status: isDone ? 'done' : 'running',
    progress: {
      total: 1,
      done: isDone ? 1 : 0,
      succeeded: decision.state === 'done' ? 1 : 0,
      skipped: 0,
      failed: decision.state === 'refused' ? 1 : 0,
    },
    result: null,
    reversible: false,
    requestedBy: { type: decision.actor.type, id: decision.actor.id, name: byName },
    createdAt: decision.createdAt,
    finishedAt: decision.processedAt,
  };
}

export function presentDecisionItem(decision: DecisionRecord): OperationItem {
  return {
    id: decision.objectId,
    outcome: decision.state === 'open' ? null : decision.state === 'done' ? 'succeeded' : 'failed',
    code: decision.code === null ? null : publicCode(decision.code as DomainErrorCode),
    detail: null,
  };
}
