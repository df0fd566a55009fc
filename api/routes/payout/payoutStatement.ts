import type { z } from 'zod';
import { findPayoutState, findStatementParties, listStatementLines } from '../../../db/reads/payout/payoutStatement.js';
import { readWorkspaceZone } from '../../../db/reads/payout/payoutStep.js';
import { findPayoutView, type PayoutView } from '../../../db/reads/payout/payoutView.js';
import type { ReadTx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import type { PayoutId } from '../../../domain/ids.js';
import { maxPdfLines } from '../../../domain/payout/payoutStatement.js';
import { printList } from '../../../platform/pdf.js';
import { fileAnswer } from '../../answer.js';
import { asOfOrNow } from '../../asOf.js';
import type { ApiDeps } from '../../deps.js';
import { noteExport } from '../../requestAudit.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { ownPayoutStatuses } from '../../schemas/payout/ownPayout.js';
import { payoutParams } from '../../schemas/payout/payout.js';
import {
  presentStatement,
  type Statement,
  statementCsv,
  statementPdf,
  statementQuery,
  statementWire,
  stoodAs,
} from '../../schemas/payout/payoutStatement.js';
import { checkExportRight } from '../../routePermission.js';
import { ownId, portalRefusals, requireOwn } from '../affiliate/ownRecord.js';

/** A statement lists every line: a payout of a million commissions is an export, not an answer. */
const maxLines = 100_000;

type Asking = RouteContext<{ readonly payoutId: PayoutId }, z.output<typeof statementQuery>, unknown, Statement>;

/** Code: resource.not_found where `asOf` is before the payout, or before the affiliate could see it. */
async function readStatement(tx: ReadTx, ctx: Asking, found: PayoutView, isAffiliate: boolean): Promise<Statement> {
  const asOf = await asOfOrNow(tx, ctx.query.asOf);
  const state = asOf === null ? found : await findPayoutState(tx, { payoutId: found.id, asOf });
  if (state === undefined || (isAffiliate && !ownPayoutStatuses.includes(state.status)))
    throw new DomainError('resource.not_found');
  const payout = asOf === null ? found : stoodAs(found, state, asOf);
  const lines = await listStatementLines(tx, { payoutId: found.id, status: payout.status, asOf, limit: maxLines });
  if (lines.length > maxLines) throw new DomainError('export.export_too_large', { limit: maxLines });
  return presentStatement(payout, {
    parties: await findStatementParties(tx, payout.affiliateId),
    lines,
    timeZone: await readWorkspaceZone(tx),
    isAffiliate,
  });
}

/** JSON as it is; a file is made outside the transaction, and that it was made is an entry of the history before it is sent. */
async function answerAs(ctx: Asking, deps: ApiDeps, statement: Statement, permission: 'payout.read' | 'me.read') {
  const { format = 'json' } = ctx.query;
  if (format === 'json') return statement;
  checkExportRight(ctx.caller, permission);
  if (format === 'pdf' && statement.lines.length > maxPdfLines)
    throw new DomainError('export.export_too_large', {
      limit: maxPdfLines,
      detail: `A PDF holds ${maxPdfLines} lines. Take format=csv.`,
    });
  const body =
    format === 'pdf' ? await printList(statementPdf(statement)) : Buffer.from(statementCsv(statement), 'utf8');
  await noteExport(ctx, deps, { statement: statement.payoutId, format, rows: statement.lines.length });
  return fileAnswer(body, {
    contentType: format === 'pdf' ? 'application/pdf' : 'text/csv; charset=utf-8',
    fileName: `statement-${statement.payoutId}.${format}`,
  });
}

const statement = defineRoute({
  method: 'GET',
  path: '/v1/payouts/:payoutId/statement',
  summary: 'The commissions behind the amount, each with its explanation; as JSON, CSV or PDF',
  permission: 'payout.read',
  params: payoutParams,
  query: statementQuery,
  reply: statementWire,
  refuses: ['resource.not_found', 'export.export_too_large'],
  async handle(ctx, deps) {
    const found = await ctx.read(async (tx) => {
      const payout = await findPayoutView(tx, ctx.mode, ctx.params.payoutId);
      if (payout === undefined) throw new DomainError('resource.not_found');
      return readStatement(tx, ctx, payout, false);
    });
    return answerAs(ctx, deps, found, 'payout.read');
  },
});

const own = defineRoute({
  method: 'GET',
  path: '/v1/me/payouts/:payoutId/statement',
  summary: 'The commissions behind an own payout, each with its explanation; as JSON, CSV or PDF',
  permission: 'me.read',
  params: payoutParams,
  query: statementQuery,
  reply: statementWire,
  refuses: ['resource.not_found', 'export.export_too_large', ...portalRefusals],
  async handle(ctx, deps) {
    const found = await ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      const payout = await findPayoutView(tx, ctx.mode, ctx.params.payoutId);
      if (payout === undefined || payout.affiliateId !== ownId(ctx) || !ownPayoutStatuses.includes(payout.status))
        throw new DomainError('resource.not_found');
      return readStatement(tx, ctx, payout, true);
    });
    return answerAs(ctx, deps, found, 'me.read');
  },
});

/** Remittance statements (PAY-21, api.md 10.3 and 17). */
export const payoutStatementRoutes: readonly Route[] = [statement, own];
