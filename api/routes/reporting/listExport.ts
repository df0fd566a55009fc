import { recordAudit } from '../../../db/audit/audit.js';
import type { Db } from '../../../db/connection.js';
import { enqueue } from '../../../db/messaging/outbox.js';
import { insertJob } from '../../../db/reporting/bulkOperation.js';
import {
  countExportRead,
  countOpenExports,
  type ExportId,
  findExport,
  insertExport,
  type ListExport,
  readExportPart,
} from '../../../db/reporting/listExport.js';
import { inWorkspace, type ReadTx, readWorkspace, type Tx } from '../../../db/transaction.js';
import { DomainError, InvariantError } from '../../../domain/errors.js';
import type { WorkspaceId } from '../../../domain/ids.js';
import { exportKind, mostOpenExports } from '../../../domain/reporting/listExport.js';
import { startMessage, workflowIds } from '../../../workflows/contract.js';
import type { Caller } from '../../auth.js';
import { askerOf, findList, type FoundList, tryList } from '../../exportDesk.js';
import { chooseColumns, fileTypes, notOfFiles, refuseLongPdf } from '../../listExport.js';
import { invalid } from '../../problems.js';
import { answer, StreamedFile } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import { checkExportRight, checkPermission } from '../../routePermission.js';
import { exportCreate, exportParams, exportWire, presentExport } from '../../schemas/reporting/listExport.js';

function judge(caller: Caller, list: FoundList): void {
  checkPermission(caller, list.route.permission);
  checkExportRight(caller, list.route.permission);
}

/** Made by this very credential, for the same record: the file is nobody else's (api.md 16.2). `resource.not_found` otherwise. */
async function getOwn(tx: ReadTx | Tx, caller: Caller, id: ExportId): Promise<ListExport> {
  const found = await findExport(tx, { id });
  const isOwn =
    found !== undefined &&
    found.mode === caller.mode &&
    found.actorType === caller.actor.type &&
    found.actorId === caller.actor.id &&
    found.asker.affiliateId === (askerOf(caller)?.affiliateId ?? null);
  if (!isOwn) throw new DomainError('resource.not_found');
  return found;
}

/** Large lists as files (RPT-13, api.md 16.2). `lists`: the routes that may be lists. */
export function listExportRoutes(lists: readonly Route[]): readonly Route[] {
  const create = defineRoute({
    method: 'POST',
    path: '/v1/exports',
    summary: 'Have a list of any size made into a file; as the caller sees it now',
    permission: 'any',
    body: exportCreate,
    reply: exportWire,
    status: 202,
    refuses: [
      'access.permission_missing',
      'access.wrong_audience',
      'resource.not_found',
      'export.export_too_large',
      'export.too_many_exports',
    ],
    async handle(ctx, deps) {
      const { resource, filter, format, columns = null } = ctx.body;
      const list = findList(lists, resource);
      if (list === undefined)
        throw invalid({ pointer: '#/resource', code: 'not_in_list', detail: 'The path of a list behind /v1/.' });
      judge(ctx.caller, list);
      const asker = askerOf(ctx.caller);
      if (asker === null) throw new DomainError('access.wrong_audience');
      const odd = Object.keys(filter).filter((name) => notOfFiles.has(name));
      if (odd.length > 0)
        throw invalid(
          ...odd.map((name) => ({
            pointer: `#/filter/${name}`,
            code: 'not_allowed_here' as const,
            detail: 'A file holds all rows.',
          })),
        );
      const chosen = chooseColumns(list.source.shape, columns, format);
      if (chosen.fault !== null) throw invalid({ pointer: '#/columns', ...chosen.fault });
      const { caller, requestId, log } = ctx;
      const total = await tryList(list, { resource, caller, query: filter, requestId, log }, deps).catch(ofFilter);
      refuseLongPdf(format, total ?? 0);
      return ctx.write(
        async (tx, act) => {
          const open = await countOpenExports(tx, act.actor);
          if (open >= mostOpenExports)
            throw new DomainError('export.too_many_exports', {
              limit: mostOpenExports,
              retryAfter: 60,
              detail: 'Wait for one of them to be ready, or cancel it.',
            });
          const [id, operationId] = [act.newId('export'), act.newId('operation')];
          await insertJob(tx, act, { id: operationId, kind: exportKind, request: { exportId: id }, total: total ?? 0 });
          await insertExport(tx, act, { id, operationId, resource, query: filter, columns, format, asker, total });
          await recordAudit(tx, act, {
            objectType: 'export',
            objectId: id,
            seq: 1,
            event: 'requested',
            changes: { list: `/v1/${resource}`, format, filters: Object.keys(filter).sort() },
          });
          const input = { workspaceId: act.workspaceId, jobId: operationId };
          const workflowId = workflowIds.bulkOperation(input);
          await enqueue(tx, startMessage({ workflowType: 'bulkOperation', workflowId, input, startAt: null }, 5));
          const made = await findExport(tx, { id });
          if (made === undefined) throw new InvariantError('an export that was stored is there', { exportId: id });
          return answer(presentExport(made), { status: 202, location: `/v1/exports/${id}` });
        },
        { wake: true },
      );
    },
  });

  const getOne = defineRoute({
    method: 'GET',
    path: '/v1/exports/:exportId',
    summary: 'How far a file is',
    permission: 'any',
    params: exportParams,
    reply: exportWire,
    refuses: ['resource.not_found'],
    handle: (ctx) => ctx.read(async (tx) => presentExport(await getOwn(tx, ctx.caller, ctx.params.exportId))),
  });

  const content = defineRoute({
    method: 'GET',
    path: '/v1/exports/:exportId/content',
    summary: 'The file, for 24 hours, for who had it made',
    permission: 'any',
    params: exportParams,
    reply: exportWire,
    refuses: ['resource.not_found', 'operation.transition_not_allowed', 'access.token_used_or_expired'],
    async handle(ctx, deps) {
      const { exportId } = ctx.params;
      const made = await inWorkspace(deps.db, ctx.workspaceId, async (tx, now) => {
        const found = await getOwn(tx, ctx.caller, exportId);
        const list = findList(lists, found.resource);
        if (list === undefined) throw new DomainError('resource.not_found'); // of a version before this one
        judge(ctx.caller, list); // the right may be gone since
        if (found.status !== 'done')
          throw new DomainError('operation.transition_not_allowed', {
            currentStatus: found.status,
            allowedActions: [],
            detail: 'There is no file.',
          });
        if (found.emptiedAt !== null || found.expiresAt === null || found.expiresAt <= now)
          throw new DomainError('access.token_used_or_expired');
        await recordAudit(tx, ctx.act(now), {
          objectType: 'export',
          objectId: found.id,
          seq: await countExportRead(tx, found.id),
          event: 'downloaded',
          changes: { list: `/v1/${found.resource}`, format: found.format, rows: found.rowCount },
        });
        return found;
      });
      return new StreamedFile(piecesOf(deps.db, ctx.workspaceId, made), {
        contentType: fileTypes[made.format],
        fileName: made.fileName ?? `list.${made.format}`,
        length: made.byteCount,
      });
    },
  });

  return [create, getOne, content];
}

/** A piece at a time, each read by itself: a slow reader holds no transaction. */
async function* piecesOf(db: Db, workspaceId: WorkspaceId, made: ListExport): AsyncGenerator<Buffer> {
  for (let position = 1; position <= made.partCount; position += 1) {
    const piece = await readWorkspace(db, workspaceId, (tx) => readExportPart(tx, made.id, position));
    if (piece === undefined) throw new DomainError('access.token_used_or_expired');
    yield piece;
  }
}

/** What is wrong with a parameter of the list is wrong with a field of the filter. */
function ofFilter(error: unknown): never {
  const errors = error instanceof DomainError ? error.params['errors'] : undefined;
  if (!(error instanceof DomainError) || error.code !== 'request.validation_failed' || !Array.isArray(errors))
    throw error;
  const given = errors as readonly { readonly parameter?: string; readonly code: string; readonly detail: string }[];
  throw new DomainError('request.validation_failed', {
    errors: given.map(({ parameter = '', code, detail }) => ({ pointer: `#/filter/${parameter}`, code, detail })),
  });
}
