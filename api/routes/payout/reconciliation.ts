import { askForStatement, recordUpload, resolveDifference } from '../../../activities/payout/reconciliation.js';
import { listGatewayViews } from '../../../db/reads/payout/payoutView.js';
import {
  findReconciliation,
  findReconciliationItem,
  listReconciliationItems,
  listReconciliations,
} from '../../../db/reads/payout/reconciliationList.js';
import { DomainError } from '../../../domain/errors.js';
import {
  type FileFault,
  type FileStatement,
  maxStatementRows,
  readStatementRows,
} from '../../../domain/payout/statementFile.js';
import { CsvError, parseCsv } from '../../../platform/csv.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';
import {
  presentReconciliation,
  presentReconciliationItem,
  reconciliationAccepted,
  reconciliationCreate,
  reconciliationItemList,
  reconciliationItemParams,
  reconciliationItemQuery,
  reconciliationItemWire,
  reconciliationList,
  reconciliationParams,
  reconciliationQuery,
  reconciliationResolve,
  reconciliationWire,
} from '../../schemas/payout/reconciliation.js';

const list = defineRoute({
  method: 'GET',
  path: '/v1/reconciliations',
  permission: 'ledger.read',
  query: reconciliationQuery,
  reply: reconciliationList,
  refuses: [],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    return ctx.read(async (tx) =>
      ctx.list(
        await listReconciliations(
          tx,
          { mode: ctx.mode, gatewayIds: ctx.query.gatewayId, unexplained: ctx.query.unexplained, q: ctx.query.q },
          page,
        ),
        page,
        (row) => presentReconciliation(row, ctx.mode === 'test'),
        (row) => ({ value: row.createdAt, id: row.id }),
      ),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/reconciliations/:reconciliationId',
  permission: 'ledger.read',
  params: reconciliationParams,
  reply: reconciliationWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const found = await findReconciliation(tx, { mode: ctx.mode, id: ctx.params.reconciliationId });
      if (found === undefined) throw new DomainError('resource.not_found');
      return presentReconciliation(found, ctx.mode === 'test');
    }),
});

const items = defineRoute({
  method: 'GET',
  path: '/v1/reconciliations/:reconciliationId/items',
  permission: 'ledger.read',
  params: reconciliationParams,
  query: reconciliationItemQuery,
  reply: reconciliationItemList,
  refuses: ['resource.not_found'],
  handle(ctx) {
    const page = ctx.page(ctx.query);
    const { reconciliationId } = ctx.params;
    return ctx.read(async (tx) => {
      if ((await findReconciliation(tx, { mode: ctx.mode, id: reconciliationId })) === undefined)
        throw new DomainError('resource.not_found');
      const rows = await listReconciliationItems(
        tx,
        { reconciliationId, classes: ctx.query.class, q: ctx.query.q },
        page,
      );
      return ctx.list(rows, page, presentReconciliationItem, (row) => ({ value: row.createdAt, id: row.id }));
    });
  },
});

/** The gateway's own statement is fetched and compared now, or the one that is uploaded; its result is a reconciliation of the list. */
const create = defineRoute({
  method: 'POST',
  path: '/v1/reconciliations',
  permission: 'reconcile.write',
  idempotency: 'required',
  body: reconciliationCreate,
  reply: reconciliationAccepted,
  status: 202,
  upload: 'optional',
  refuses: [
    'resource.not_found',
    'resource.already_exists',
    'upload.file_rejected',
    'request.body_too_large',
    'request.unsupported_media_type',
  ],
  handle(ctx) {
    const { gatewayId, file, closedAt } = ctx.body;
    if (file === undefined && closedAt !== undefined)
      throw invalid({ pointer: '#/closedAt', code: 'not_allowed_here', detail: 'Only with a file.' });
    // Before the transaction: reading a large file takes longer than a connection should be held.
    const statements = file === undefined ? null : readStatementFile(file.bytes);
    return ctx.write(
      async (tx, act) => {
        if (!(await listGatewayViews(tx, ctx.mode)).some((gateway) => gateway.id === gatewayId))
          throw new DomainError('resource.not_found');
        if (file !== undefined && statements !== null) {
          const reconciliationIds = await recordUpload(tx, act, {
            gatewayId,
            statements,
            closedAt: closedAt ?? null,
            sha256: file.sha256,
            fileName: file.name,
          });
          return { object: 'reconciliation_request' as const, gatewayId, reconciliationIds: [...reconciliationIds] };
        }
        await askForStatement(tx, act, gatewayId);
        return { object: 'reconciliation_request' as const, gatewayId, reconciliationIds: [] };
      },
      { wake: true },
    );
  },
});

const faultDetails: Readonly<Record<FileFault, string>> = {
  empty: 'The file has no line below its heading.',
  unknown_columns:
    'The first line names the columns: date, id, kind, amount, currency, balance, reference, providerId, or those of Wise’s statement.csv.',
  bad_row: 'This line has another number of cells than the heading, or no id.',
  bad_date: 'The date is not of this form.',
  bad_amount: 'An amount is a decimal with a point and at most the digits of its currency.',
  bad_kind: 'kind is payment, return, fee, deposit or other.',
  bad_balance: 'The balance does not follow from the line before: a line is missing, twice or altered.',
  same_id_twice: 'This id stands there twice.',
  not_in_order: 'Lines run from old to new or from new to old.',
  too_many_rows: `At most ${maxStatementRows} lines.`,
};

/** Codes: upload.file_rejected with `fault` and `line`. */
function readStatementFile(bytes: Buffer): readonly FileStatement[] {
  const reject = (fault: string, line: number | null, detail: string, cause?: unknown): DomainError =>
    new DomainError('upload.file_rejected', { fault, line, detail }, { cause });
  let rows: readonly (readonly string[])[];
  try {
    rows = parseCsv(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof CsvError) throw reject('not_csv', error.line, 'From here on it is no CSV.', error);
    if (error instanceof TypeError) throw reject('not_csv', null, 'The file is not UTF-8.', error);
    throw error;
  }
  const read = readStatementRows(rows);
  if (!read.ok) throw reject(read.fault, read.line, faultDetails[read.fault]);
  return read.statements;
}

const resolve = defineRoute({
  method: 'POST',
  path: '/v1/reconciliation-items/:itemId/resolve',
  permission: 'reconcile.write',
  idempotency: 'required',
  params: reconciliationItemParams,
  body: reconciliationResolve,
  reply: reconciliationItemWire,
  refuses: ['resource.not_found', 'reconciliation.already_decided'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { resolution, reason, documentId, affiliateId } = ctx.body;
      await resolveDifference(tx, act, ctx.params.itemId, { resolution, note: reason, documentId, affiliateId });
      const item = await findReconciliationItem(tx, { mode: ctx.mode, id: ctx.params.itemId });
      if (item === undefined) throw new DomainError('resource.not_found');
      return presentReconciliationItem(item);
    }),
});

export const reconciliationRoutes: readonly Route[] = [list, get, items, create, resolve];
