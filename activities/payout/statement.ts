import { Context } from '@temporalio/activity';
import { openAccount } from '../../db/earning/ledger.js';
import { findGatewayAccess } from '../../db/payout/gateway.js';
import {
  compareStatement,
  extendStatement,
  hasTiming,
  insertStatement,
  insertStatementLines,
  listCashCurrencies,
  listReadModes,
  listWaitingRuns,
  lockNewestStatement,
  readBooks,
  readFinalInstant,
  type StatementScope,
} from '../../db/payout/reconciliation.js';
import { listFenced, readRestoredAt } from '../../db/payout/restoreFence.js';
import { notify, readWorkspace, type Tx } from '../../db/transaction.js';
import { type Act, actFor, type Mode } from '../../domain/act.js';
import { account } from '../../domain/earning/ledger.js';
import { assertInvariant } from '../../domain/errors.js';
import type { PayoutRunId } from '../../domain/ids.js';
import { type CurrencyCode, parseCurrency } from '../../domain/money.js';
import { isConnectable, merchantOf } from '../../domain/payout/gateway.js';
import { addMs, type Instant } from '../../domain/time.js';
import type { GatewayRef, StatementPlan } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { GatewayStatement } from '../gateways/payoutGateway.js';
import { openAccess, type PayoutDeps } from './deps.js';
import { readKept, writeKept } from './keptAnswer.js';
import { wakeRun } from './payout.js';
import { openCases } from './reconciliation.js';
import { recoverAttempts } from './recovery.js';

/** Lines may reach a provider's list late: read again from a day before the last statement (money.md 10). */
const overlapMs = 86_400_000;

export type FetchInput = GatewayRef & {
  readonly adapter: string;
  readonly mode: Mode;
  readonly since: Instant | null;
  readonly until: Instant;
};
export type StatementInput = Omit<FetchInput, 'since'> & { readonly statementHash: string };

/** fetch → class → cases: it opens differences and never fixes one (temporal.md 5.3). */
export function statementActivities(deps: PayoutDeps) {
  return {
    /** What has to be read of this gateway, and until when a comparison is final. */
    async planStatement(ref: GatewayRef): Promise<StatementPlan> {
      const gateway = deps.payoutGateways.get(ref.gatewayId);
      const isReal = isConnectable(ref.gatewayId);
      return readWorkspace(deps.db, ref.workspaceId, async (tx) => {
        const isAsked = !isReal || (await findGatewayAccess(tx, ref.gatewayId)) !== undefined;
        const known = await listReadModes(tx, ref.gatewayId);
        const fenced = (await readRestoredAt(tx)) === null ? [] : await listFenced(tx, ref.gatewayId);
        const more = [...new Set(fenced.map(({ mode }) => mode))].filter(
          (mode) => !known.some((one) => one.mode === mode),
        );
        return {
          adapter: gateway?.statement === undefined || !isAsked ? null : gateway.adapter,
          until: await readFinalInstant(tx),
          modes: [...known, ...more.map((mode) => ({ mode, readUntil: null }))].flatMap(({ mode, readUntil }) =>
            isReal && mode === 'test' // no test figure comes from a real account (BEY-31)
              ? []
              : { mode, since: readUntil === null ? null : addMs(readUntil, -overlapMs) },
          ),
        };
      });
    },

    /** One call for the statement; it stays in the store under its hash, because amounts do not travel. Writes no database. */
    async fetchStatement(input: FetchInput): Promise<{ readonly statementHash: string }> {
      const statement = deps.payoutGateways.get(input.adapter)?.statement;
      assertInvariant(statement !== undefined, 'a queue serves its adapter', { adapter: input.adapter });
      const access = await readWorkspace(deps.db, input.workspaceId, (tx) => openAccess(deps, tx, input.adapter));
      const found = await statement(
        { merchant: merchantOf(input), access, since: input.since, until: input.until },
        Context.current().cancellationSignal,
      );
      return { statementHash: await deps.answers.save(writeKept(found)) };
    },

    /** Keeps the new lines, classes each, lists every difference, and tells the runs that waited for it. Safe to run twice. */
    async recordStatement(input: StatementInput): Promise<void> {
      const text = await deps.answers.load(input.statementHash);
      if (text === undefined) throw new Error(`no stored statement ${input.statementHash}`); // retried until the file is there
      const statement = readKept<GatewayStatement>(text);
      await databaseActivity({ ...deps, db: deps.longDb }, input, async (tx, plain) => {
        const act = actFor(plain, { mode: input.mode });
        const scope = { gateway: input.gatewayId, mode: input.mode };
        const named = [...statement.closings, ...statement.lines].map(({ currency }) => currencyOf(currency));
        const isFenced = (await readRestoredAt(tx)) !== null;
        if (isFenced) await recoverAttempts(tx, act, scope, statement.lines);
        const fenced = isFenced ? await listFenced(tx, scope.gateway) : [];
        const expected = fenced.filter(({ mode }) => mode === scope.mode).map(({ currency }) => currency);
        const currencies = [...new Set([...named, ...expected, ...(await listCashCurrencies(tx, scope))])].sort();
        for (const currency of currencies) await recordCurrency(tx, act, scope, input, statement, currency);
        for (const run of await listWaitingRuns(tx))
          await wakeRun(
            tx,
            { workspaceId: act.workspaceId, id: run.id as PayoutRunId, workflowId: run.workflow_id },
            'nudged',
          );
      });
      await notify(deps.db, 'outbox', '');
    },
  };
}

function currencyOf(text: string): CurrencyCode {
  const currency = parseCurrency(text);
  assertInvariant(currency !== undefined, 'a gateway names a currency of our table', { currency: text });
  return currency;
}

async function recordCurrency(
  tx: Tx,
  act: Act,
  scope: StatementScope,
  input: StatementInput,
  statement: GatewayStatement,
  currency: CurrencyCode,
): Promise<void> {
  const newest = await lockNewestStatement(tx, scope, currency);
  if (newest !== undefined && newest.closedAt >= input.until) return; // read in before: this activity ran twice
  const closingMinor = statement.closings.find((one) => one.currency === currency)?.minor ?? 0n;
  const booksMinor = await readBooks(tx, scope, currency, input.until);
  const lines = statement.lines.filter((line) => line.currency === currency).map((line) => ({ ...line, currency }));
  const isQuiet =
    newest !== undefined &&
    newest.closingMinor === closingMinor &&
    newest.booksMinor === booksMinor &&
    !lines.some((line) => line.at > newest.closedAt) &&
    !(await hasTiming(tx, newest.id));
  if (isQuiet) {
    await extendStatement(tx, newest.id, input.until);
    return;
  }
  const id = act.newId('reconciliation');
  await insertStatement(tx, act, scope, {
    id,
    currency,
    cashAccountId: await openAccount(tx, act, account('cash', scope.gateway), currency),
    closedAt: input.until,
    closingMinor,
    booksMinor,
    sha256: input.statementHash,
  });
  await insertStatementLines(tx, scope, id, lines);
  const facts = await compareStatement(tx, scope, { statementId: id, currency, closedAt: input.until });
  await openCases(tx, act, scope, { id, currency }, facts);
}
