import { getSettings } from '../../../db/access/settings.js';
import { readBundle } from '../../../db/reads/audit/auditBundle.js';
import { findAuditEntry, listAuditEntries } from '../../../db/reads/audit/auditEntryList.js';
import { verifyLeaves } from '../../../db/reads/audit/chainVerification.js';
import { recordSensitiveRead } from '../../../db/audit/sensitiveRead.js';
import { inWorkspace, readWorkspace } from '../../../db/transaction.js';
import type { Scope } from '../../../domain/access/permission.js';
import { daysRange } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { type Instant, parseInstant, parseLocalDate } from '../../../domain/time.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import { fileAnswer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  auditEntryList,
  auditEntryParams,
  auditEntryQuery,
  auditEntryWire,
  auditHeadList,
  auditHeadQuery,
  bundleQuery,
  bundleWire,
  presentAuditEntry,
  presentHead,
  presentVerification,
  verificationWire,
} from '../../schemas/audit/audit.js';

/** The trail tells of everybody: it is shown to those who see the whole workspace, and to nobody else. */
export function requireWholeWorkspace(scope: Scope): void {
  if (scope.kind === 'assigned') throw new DomainError('access.not_in_scope');
  if (scope.kind !== 'workspace') throw new DomainError('resource.not_found');
}

const listEntries = defineRoute({
  method: 'GET',
  path: '/v1/audit-entries',
  summary: 'The only history: who did what, when and why',
  permission: 'audit.read',
  query: auditEntryQuery,
  reply: auditEntryList,
  refuses: ['access.not_in_scope'],
  async handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const { actorId, event, objectType, objectId, causeId, requestId, q } = ctx.query;
    const page = ctx.page(ctx.query);
    const filter = { mode: ctx.mode, actorId, event, objectType, objectId, causeId, requestId, q };
    const rows = await ctx.read((tx) =>
      listAuditEntries(tx, { ...filter, createdAt: boundsOf(ctx.query, 'createdAt') }, page),
    );
    return ctx.list(rows, page, presentAuditEntry, (row) => ({
      value: page.sort === 'sequence' ? row.sequence : row.at,
      id: row.id,
    }));
  },
});

const getEntry = defineRoute({
  method: 'GET',
  path: '/v1/audit-entries/:entryId',
  summary: 'One entry of the history',
  permission: 'audit.read',
  params: auditEntryParams,
  reply: auditEntryWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx) {
    requireWholeWorkspace(ctx.scope);
    const entry = await ctx.read((tx) => findAuditEntry(tx, ctx.mode, ctx.params.entryId));
    if (entry === undefined) throw new DomainError('resource.not_found');
    return presentAuditEntry(entry);
  },
});

const verify = defineRoute({
  method: 'POST',
  path: '/v1/audit-verifications',
  summary: 'Check the audit chain, from its first leaf to the heads kept outside',
  permission: 'audit.verify',
  reply: verificationWire,
  status: 201,
  refuses: ['access.not_in_scope'],
  async handle(ctx, deps) {
    requireWholeWorkspace(ctx.scope);
    const outside = await deps.heads.list(ctx.workspaceId);
    return readWorkspace(deps.longDb, ctx.workspaceId, async (tx, now) =>
      presentVerification(await verifyLeaves(tx, now, outside.heads), outside, now),
    );
  },
});

const listHeads = defineRoute({
  method: 'GET',
  path: '/v1/audit-heads',
  summary: 'Heads of the chain as they were signed outside the database',
  permission: 'audit.read',
  query: auditHeadQuery,
  reply: auditHeadList,
  refuses: ['access.not_in_scope'],
  async handle(ctx, deps) {
    requireWholeWorkspace(ctx.scope);
    const page = ctx.page(ctx.query);
    const publicKey = await deps.heads.publicKeyPem();
    const { heads } = await deps.heads.list(ctx.workspaceId);
    const keyOf = (head: { readonly at: string; readonly sequence: string }): string =>
      `${head.at} ${head.sequence.padStart(19, '0')}`;
    const inOrder = [...heads].sort((a, b) => (keyOf(a) < keyOf(b) === page.descending ? 1 : -1));
    const { after } = page;
    const begin =
      after === null
        ? 0
        : inOrder.findIndex((head) => (page.descending ? keyOf(head) < after.id : keyOf(head) > after.id));
    const rows = begin === -1 ? [] : inOrder.slice(begin, begin + page.limit + 1);
    return ctx.list(
      rows,
      page,
      (head) => presentHead(head, publicKey),
      (head) => ({ value: head.at, id: keyOf(head) }),
    );
  },
});

const getBundle = defineRoute({
  method: 'GET',
  path: '/v1/audit-bundle',
  summary: 'The file for the stand-alone verifier',
  permission: 'audit.verify',
  query: bundleQuery,
  reply: bundleWire,
  refuses: ['access.not_in_scope', 'request.validation_failed'],
  async handle(ctx, deps) {
    requireWholeWorkspace(ctx.scope);
    const zone = await ctx.read(async (tx) => (await getSettings(tx)).settings.general.timeZone);
    const from = boundOf(ctx.query.from, zone, 'from');
    const until = boundOf(ctx.query.to, zone, 'to');
    if (from !== null && until !== null && from > until)
      throw invalid({ parameter: 'to', code: 'out_of_range', detail: 'to is not before from.' });
    const { heads } = await deps.heads.list(ctx.workspaceId);
    const publicKeyPem = await deps.heads.publicKeyPem();
    const chain = await readWorkspace(deps.longDb, ctx.workspaceId, (tx, now) => readBundle(tx, now, { from, until }));
    // Everything leaves the house with it: who took it stands in the trail (AUD-12).
    await inWorkspace(deps.db, ctx.workspaceId, (tx, now) =>
      recordSensitiveRead(tx, ctx.act(now), {
        objectType: 'audit_bundle',
        objectId: deps.newId('export'),
        event: 'exported',
        changes: { from, until, leaves: chain.leaves.length, histories: chain.histories.length },
      }),
    );
    const bundle = { ...chain, workspaceId: ctx.workspaceId, publicKeyPem, heads };
    return fileAnswer(Buffer.from(JSON.stringify(bundle)), {
      contentType: 'application/json; charset=utf-8',
      fileName: `audit-${ctx.workspaceId}.json`,
    });
  },
});

/** A day means all of it, in the workspace's zone; an instant is itself, as the end exclusive. */
function boundOf(text: string | undefined, zone: string, end: 'from' | 'to'): Instant | null {
  if (text === undefined) return null;
  const day = parseLocalDate(text);
  if (day === undefined) return parseInstant(text) ?? null;
  const { from, until } = daysRange(zone, day, day);
  return end === 'from' ? from : until;
}

export const auditRoutes: readonly Route[] = [listEntries, getEntry, verify, listHeads, getBundle];
