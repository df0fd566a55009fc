import { z } from 'zod';
import type { DecisionRecord } from '../../../db/audit/decision.js';
import { claimReasons } from '../../../domain/earning/claim.js';
import { type OperationId, sameIdAs } from '../../../domain/ids.js';
import { publicCode, type DomainErrorCode } from '../../../domain/errors.js';
import { bulkKinds } from '../../../domain/reporting/bulkOperation.js';
import { byWire, dateWire, fieldIssue, idWire, instantWire, listOf, noteText, reasonText, text } from '../wire.js';

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

/** What was blocked names its blocker, as a row of a bulk decision does (api.md 1.9). */
export function presentDecisionItem(decision: DecisionRecord): OperationItem {
  const blocker = firstBlocker.safeParse(decision.outcome).data?.blockers[0];
  return {
    id: decision.objectId,
    outcome: decision.state === 'open' ? null : decision.state === 'done' ? 'succeeded' : 'failed',
    code: blocker?.code ?? (decision.code === null ? null : publicCode(decision.code as DomainErrorCode)),
    detail: blocker?.detail ?? null,
  };
}

const firstBlocker = z.object({
  blockers: z.array(z.object({ code: z.string(), detail: z.string().exactOptional() })),
});

const mostItems = 10_000;

/** `ids` or a list's filter with the number it is expected to match; the reason is every row's (api.md 1.9). */
export const operationCreate = z
  .strictObject({
    kind: z.enum(bulkKinds),
    ids: z.array(text(40)).min(1).max(mostItems).exactOptional(),
    filter: z.record(z.string(), z.string()).exactOptional(),
    expectedCount: z.int().min(0).max(mostItems).exactOptional(),
    dryRun: z.boolean().default(false),
    reason: reasonText.exactOptional(),
    reasonCode: z.enum(claimReasons).exactOptional(),
    publicReason: reasonText.exactOptional(),
    /** Of `payouts.mark_paid`, as the single decision takes them: the same for every row. */
    reference: text(200).exactOptional(),
    paidOn: dateWire.exactOptional(),
    note: noteText.exactOptional(),
    /** Of `commissions.message` and `payouts.message`: what is sent, one mail per affiliate. */
    templateId: idWire('template').exactOptional(),
    /** Of `affiliates.update` and `referrals.update`: what each row gets, as the single change takes it. */
    set: z
      .strictObject({
        groupId: idWire('group').nullable().exactOptional(),
        managerId: idWire('user').nullable().exactOptional(),
        assigneeId: idWire('user').nullable().exactOptional(),
        tags: z
          .array(text(40))
          .max(50)
          .transform((values) => [...new Set(values)])
          .exactOptional(),
      })
      .exactOptional(),
  })
  .check((context) => {
    const { kind, ids, filter, expectedCount, dryRun, reason, reasonCode } = context.value;
    const { reference, paidOn, note, templateId, set } = context.value;
    const refuse = (
      code: 'required' | 'not_allowed_here' | 'already_used',
      detail: string,
      ...path: readonly string[]
    ): void => {
      context.issues.push({ ...fieldIssue(code, detail, path), input: context.value });
    };
    if (ids === undefined && filter === undefined) refuse('required', 'ids or filter.', 'ids');
    if (ids !== undefined && filter !== undefined) refuse('not_allowed_here', 'Either ids or filter.', 'filter');
    if (ids !== undefined && new Set(ids).size < ids.length) refuse('already_used', 'Each id at most once.', 'ids');
    if (filter !== undefined && expectedCount === undefined && !dryRun)
      refuse('required', 'How many rows the filter showed.', 'expectedCount');
    if (/\.(reject|decline|suspend|hold)$/.test(kind) && !dryRun && reason === undefined && reasonCode === undefined)
      refuse('required', 'Say why: reason or reasonCode.', 'reason');
    const isMessage = kind.endsWith('.message');
    if (templateId === undefined && isMessage && !dryRun) refuse('required', 'What to send.', 'templateId');
    if (templateId !== undefined && !isMessage) refuse('not_allowed_here', 'Of a message only.', 'templateId');
    const settable: Readonly<Record<string, readonly string[]>> = {
      'affiliates.update': ['groupId', 'managerId', 'tags'],
      'referrals.update': ['assigneeId', 'tags'],
    };
    const fields = settable[kind];
    const named = Object.keys(set ?? {});
    if (fields === undefined && set !== undefined) refuse('not_allowed_here', 'Of an update only.', 'set');
    if (fields !== undefined && named.length === 0 && !dryRun) refuse('required', 'What to set.', 'set');
    for (const name of fields === undefined ? [] : named.filter((one) => !fields.includes(one)))
      refuse('not_allowed_here', `Of ${kind}: ${(fields ?? []).join(', ')}.`, 'set', name);
    const isMarking = kind === 'payouts.mark_paid';
    for (const [field, value] of Object.entries({ reference, paidOn, note })) {
      if (value !== undefined && !isMarking) refuse('not_allowed_here', 'Of payouts.mark_paid only.', field);
      if (value === undefined && isMarking && !dryRun && field !== 'note')
        refuse('required', 'How and when it was paid.', field);
    }
  });

export const dryRunWire = z.strictObject({
  matched: z.int(),
  eligible: z.int(),
  skipped: z.array(z.strictObject({ id: z.string(), code: z.string() })),
});
export const operationCreated = z.union([operationWire, dryRunWire]);
export const operationList = listOf(operationWire);
