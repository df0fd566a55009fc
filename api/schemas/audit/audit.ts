import { z } from 'zod';
import type { SignedHead } from '../../../domain/audit/bundle.js';
import type { AuditEntryView } from '../../../db/reads/audit/auditEntryList.js';
import type { ChainVerification } from '../../../db/reads/audit/chainVerification.js';
import type { Instant } from '../../../domain/time.js';
import { parseInstant, parseLocalDate } from '../../../domain/time.js';
import { anyText, instantRange, listQuery } from '../../lists.js';
import { byWire, fieldIssue, idWire, instantWire, listOf, namedWire, objectFields } from '../wire.js';

// api.md 16.3: the only history, its chain and what an auditor takes away.

/** Place of a leaf in its workspace's chain, and its hash as lower-case hex. */
export const leafWire = z.strictObject({ sequence: z.int(), hash: z.string() });

export const auditEntryWire = z
  .strictObject({
    ...objectFields('auditEntry', 'audit_entry'),
    sequence: z.int().min(1).meta({ description: 'Number of this entry among those of its object, from 1.' }),
    objectType: z.string(),
    objectId: z.string(),
    event: z.string(),
    from: z.string().nullable().meta({ description: 'Status before; null where the object has none.' }),
    to: z.string().nullable(),
    actor: byWire,
    viewed: namedWire.nullable().meta({ description: 'The affiliate whose portal the person looked at.' }),
    reasonCode: z.string().nullable(),
    reason: z.string().nullable(),
    cause: z.strictObject({ type: z.string(), id: z.string() }).nullable(),
    changes: z.record(z.string(), z.unknown()),
    requestId: z.string().nullable(),
    address: z.string().nullable().meta({ description: 'From where: kept as long as the log of calls.' }),
    commit: z.strictObject({ id: z.string(), leaf: leafWire.nullable() }),
    workflow: z
      .strictObject({ workflowId: z.string(), runId: z.string().nullable(), activityId: z.string().nullable() })
      .nullable(),
    test: z.boolean(),
    createdAt: instantWire,
  })
  .openapi('AuditEntry');

export const auditEntryList = listOf(auditEntryWire);

export const auditEntryParams = z.strictObject({ entryId: idWire('auditEntry') });

export const auditEntryQuery = listQuery(
  {
    actorId: anyText(),
    event: anyText(),
    objectType: anyText(),
    objectId: anyText(),
    causeId: anyText(),
    requestId: anyText(),
    ...instantRange('createdAt'),
  },
  { sort: ['createdAt', 'sequence'], q: true },
);

export function presentAuditEntry(entry: AuditEntryView): z.output<typeof auditEntryWire> {
  return {
    id: entry.id as z.output<typeof auditEntryWire>['id'],
    object: 'audit_entry',
    sequence: entry.sequence,
    objectType: entry.objectType,
    objectId: entry.objectId,
    event: entry.event,
    from: entry.from,
    to: entry.to,
    actor: entry.actor as z.output<typeof byWire>,
    viewed: entry.viewed,
    reasonCode: entry.reasonCode,
    reason: entry.reason,
    cause: entry.cause,
    changes: entry.changes,
    requestId: entry.requestId,
    address: entry.address,
    commit: {
      id: entry.commitId,
      leaf: entry.leaf === null ? null : { sequence: Number(entry.leaf.sequence), hash: entry.leaf.hash },
    },
    workflow: entry.workflow,
    test: entry.mode === 'test',
    createdAt: entry.at,
  };
}

export const verificationWire = z
  .strictObject({
    holds: z.boolean(),
    holdsTo: z.int().meta({ description: 'Last leaf up to which everything matches.' }),
    entries: z.int().meta({ description: 'Audit entries up to there.' }),
    code: z.enum(['edited', 'reordered', 'gap', 'cut', 'uncovered', 'head_differs', 'head_invalid']).nullable(),
    firstBadSequence: z.int().nullable(),
    firstBadEntryId: z.string().nullable(),
    head: leafWire.nullable(),
    headsChecked: z.int().meta({ description: 'Signed heads kept outside the database that were compared.' }),
    headsInvalid: z.int().meta({ description: 'Lines there that our key did not sign.' }),
    verifiedAt: instantWire,
  })
  .openapi('AuditVerification');

export function presentVerification(
  found: ChainVerification,
  outside: { readonly heads: readonly unknown[]; readonly invalid: number },
  now: Instant,
): z.output<typeof verificationWire> {
  const isSigned = outside.invalid === 0;
  return {
    holds: found.holds && isSigned,
    holdsTo: Number(found.holdsTo),
    entries: found.entries,
    code: found.code ?? (isSigned ? null : 'head_invalid'),
    firstBadSequence: found.firstBadSequence === null ? null : Number(found.firstBadSequence),
    firstBadEntryId: found.firstBadEntryId,
    head: found.head === null ? null : { sequence: Number(found.head.sequence), hash: found.head.leafHash },
    headsChecked: outside.heads.length,
    headsInvalid: outside.invalid,
    verifiedAt: now,
  };
}

export const auditHeadWire = z
  .strictObject({
    workspaceId: z.string(),
    sequence: z.int(),
    hash: z.string(),
    at: instantWire,
    signature: z.string().meta({ description: 'Ed25519, base64, of "workspaceId\\nsequence\\nhash\\nat".' }),
    publicKey: z.string().meta({ description: 'PEM.' }),
  })
  .openapi('AuditHead');

export const auditHeadList = listOf(auditHeadWire);
export const auditHeadQuery = listQuery({}, { sort: ['at'] });

export function presentHead(head: SignedHead, publicKey: string): z.output<typeof auditHeadWire> {
  return {
    workspaceId: head.workspaceId,
    sequence: Number(head.sequence),
    hash: head.leafHash,
    at: head.at as Instant,
    signature: head.signature,
    publicKey,
  };
}

/** A day in the workspace's zone or an instant. */
export const bundleBound = z
  .string()
  .check((context) => {
    const { value } = context;
    if (parseInstant(value) === undefined && parseLocalDate(value) === undefined)
      context.issues.push({ ...fieldIssue('bad_format', 'A day such as 2026-11-20, or an instant.'), input: value });
  })
  .exactOptional();

export const bundleQuery = z.strictObject({ from: bundleBound, to: bundleBound });

/** The form of domain/audit/bundle.ts; the verifier reads it, nobody else has to. */
export const bundleWire = z.looseObject({ format: z.literal('tributary-audit-1') }).openapi('AuditBundle');
