import { lockAffiliate } from '../../db/affiliate/affiliate.js';
import { insertCommissions } from '../../db/earning/commission.js';
import { lockBalances, openAccount, postTransfers } from '../../db/earning/ledger.js';
import { enqueue } from '../../db/messaging/outbox.js';
import {
  type ComparedFact,
  compareStatement,
  findProgramOfPayee,
  findUpload,
  insertItems,
  insertStatement,
  insertStatementLines,
  type ItemWord,
  listWaitingRuns,
  lockItem,
  lockNewestStatement,
  readBooks,
  readFinalInstant,
  type ReconciliationItem,
  resolveItem,
  type StatementLine,
  type StatementScope,
  sumLines,
} from '../../db/payout/reconciliation.js';
import { insertNoticesOnce } from '../../db/messaging/notice.js';
import { listHolders } from '../../db/reads/payout/payoutControls.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { account, affiliateAccounts, debitAffiliate, posting } from '../../domain/earning/ledger.js';
import { assertInvariant, DomainError } from '../../domain/errors.js';
import type { PayoutRunId, UserId } from '../../domain/ids.js';
import { type CurrencyCode, formatMoney } from '../../domain/money.js';
import { mayBePayment } from '../../domain/payout/reconciliation.js';
import type { FileStatement } from '../../domain/payout/statementFile.js';
import type { Instant } from '../../domain/time.js';
import { startMessage, workflowIds } from '../../workflows/contract.js';
import { wakeRun } from './payout.js';

/** Asks for a gateway's statement: its workflow reads it, classes every line and tells the runs that wait (temporal.md 5.3). */
export async function askForStatement(
  tx: Tx,
  act: Pick<Act, 'workspaceId'>,
  gatewayId: string,
  startAt: Instant | null = null,
): Promise<void> {
  const ref = { workspaceId: act.workspaceId, gatewayId };
  await enqueue(
    tx,
    startMessage(
      { workflowType: 'reconciliation', workflowId: workflowIds.reconciliation(ref), input: ref, startAt },
      2,
    ),
  );
}

/**
 * A difference opens a case by itself (BEY-06): it stands open on its statement until a person says what it is, and whoever may say so is told.
 * Its money goes to suspense by that person's word (api.md 10.3), because nothing is repaired by guessing.
 */
export async function openCases(
  tx: Tx,
  act: Act,
  scope: StatementScope,
  statement: { readonly id: string; readonly currency: CurrencyCode },
  facts: readonly ComparedFact[],
): Promise<void> {
  const opened = await insertItems(tx, act, scope, statement, facts);
  if (opened === 0) return;
  const people = await listHolders(tx, 'reconcile.write');
  await insertNoticesOnce(
    tx,
    act,
    people.map((id) => ({
      to: { userId: id as UserId },
      onceKey: `reconciliation/${statement.id}/differences`,
      kind: 'reconciliation_difference',
      subject: `${opened === 1 ? 'A difference' : `${opened} differences`} with ${scope.gateway} in ${statement.currency}`,
      body: 'The statement and the books do not agree. Each difference is to be explained within 3 days; nothing is repaired by itself.',
      link: `/reconciliations/${statement.id}`,
    })),
  );
}

/**
 * A person's word on a difference: right as it is, or its money goes to suspense until a document clears it, or it was paid to an affiliate, who
 * then is owed that much less. A difference never edits history (money.md 10). Codes: resource.not_found, reconciliation.already_decided,
 * request.validation_failed (nobody's payment, or an affiliate who is not there or in no program).
 */
export async function resolveDifference(tx: Tx, act: Act, itemId: string, word: ItemWord): Promise<void> {
  const item = await lockItem(tx, itemId, act.mode);
  if (item === undefined) throw new DomainError('resource.not_found');
  // An older statement's difference is told again by the newest one, or it is gone: there it would be resolved twice.
  if (item.itemClass === 'matched' || item.resolution !== null || !item.isNewest)
    throw new DomainError('reconciliation.already_decided', {
      currentStatus: item.resolution ?? (item.itemClass === 'matched' ? 'matched' : 'superseded'),
      ...(item.resolvedAt === null ? {} : { decidedById: item.resolvedBy, decidedAt: item.resolvedAt }),
    });
  if (word.resolution === 'suspense') {
    const cash = account('cash', item.gateway);
    const suspense = account('suspense', item.gateway);
    await postTransfers(tx, act, [
      {
        kind: 'suspense.opened',
        key: `reconciliation/${item.id}/suspense`,
        cause: { type: 'reconciliation_item', id: item.id },
        correctsKey: null,
        effectiveAt: null,
        // The books follow the statement: what they hold too much of leaves cash, what they lack comes in.
        postings:
          item.gap > 0n
            ? posting(suspense, cash, item.gap, item.currency)
            : posting(cash, suspense, -item.gap, item.currency),
      },
    ]);
  }
  if (word.resolution === 'affiliate') await bookToPayee(tx, act, item, word);
  await resolveItem(tx, act, item.id, word);
}

/**
 * A payment that the books had never heard of, or forgot with a restore: its payee is owed that much less, and where that is more than it is owed
 * the rest is its debt, so that the next run does not pay it again (BEY-07). As for a payment that arrives late (money.md 5).
 */
async function bookToPayee(tx: Tx, act: Act, item: ReconciliationItem, word: ItemWord): Promise<void> {
  const { affiliateId } = word;
  assertInvariant(affiliateId !== null, 'what was paid to an affiliate names it', { itemId: item.id });
  if (!mayBePayment(item)) throw refusedField('/resolution', 'not_allowed_here', 'No money left the gateway here.');
  if ((await lockAffiliate(tx, affiliateId)) === undefined)
    throw refusedField('/affiliateId', 'not_found', 'No such affiliate.');
  const { currency } = item;
  const programId = await findProgramOfPayee(tx, { mode: item.mode, affiliateId, currency });
  if (programId === undefined) throw refusedField('/affiliateId', 'not_allowed_here', 'Is in no program.');
  const mine = actFor(act, { cause: { type: 'reconciliation_item', id: item.id }, mode: item.mode });
  const amount = { minor: item.gap, currency };
  const text = formatMoney(amount);
  const id = act.newId('commission');
  await insertCommissions(
    tx,
    mine,
    [
      {
        id,
        kind: 'late_payment',
        level: 1,
        affiliateId,
        programId,
        referralId: null,
        saleId: null,
        leadId: null,
        originCommissionId: null,
        level1CommissionId: null,
        causeType: 'reconciliation_item',
        causeId: item.id,
        currency,
        base: null,
        baseType: null,
        ratePpm: null,
        ruleId: null,
        ruleVersion: null,
        parts: [],
        explanation: {
          sentence: `${text.amount} ${text.currency} that the gateway's statement shows as paid, and the books did not know of, is taken off what is owed.`,
        },
        exact: { numerator: -item.gap, denominator: 1n },
        clipReason: null,
        amount: -item.gap,
        accrues: true,
        status: 'approved',
        onHold: false,
        needsReviewer: false,
        sub1: null,
        reason: word.note,
        createdBy: act.actor.userId,
        eligibleAt: act.now,
        approvedAt: act.now,
      },
    ],
    'latePaid',
  );
  const { payable, receivable } = affiliateAccounts(affiliateId);
  const balanceOf = await lockBalances(tx, mine, currency, [payable, receivable]);
  const moved = debitAffiliate(
    affiliateId,
    { payable: balanceOf(payable), receivable: balanceOf(receivable) },
    account('cash', item.gateway),
    amount,
  );
  await postTransfers(tx, mine, [
    {
      kind: 'payout.paid_late',
      key: `commission/${id}/paidLate`,
      cause: { type: 'reconciliation_item', id: item.id },
      correctsKey: null,
      effectiveAt: null,
      postings: moved.postings,
    },
  ]);
}

function refusedField(pointer: string, code: 'not_found' | 'not_allowed_here', detail: string): DomainError {
  return new DomainError('request.validation_failed', { errors: [{ pointer: `#${pointer}`, code, detail }] });
}

/** A file's statement as it is compared: as of an instant of which the books are final, and joined to what was read before. */
export interface Upload {
  readonly gatewayId: string;
  readonly statements: readonly FileStatement[];
  /** As of when the file is complete; null: its last line. */
  readonly closedAt: Instant | null;
  /** Hex, of the file. */
  readonly sha256: string;
  readonly fileName: string;
}

/**
 * Reads in a statement that a person uploads (BEY-06): the same comparison as for one that is fetched, and the runs that wait are told. It
 * has to join what was read before, to the cent; the first one's opening balance is a line of its own. Codes: resource.already_exists (this
 * content was read in), upload.file_rejected (`gap`, `older`, `in_future`, `after_close`). Answers the reconciliations made, one a currency.
 */
export async function recordUpload(tx: Tx, act: Act, upload: Upload): Promise<readonly string[]> {
  const scope = { gateway: upload.gatewayId, mode: act.mode };
  const final = await readFinalInstant(tx);
  const made: string[] = [];
  for (const statement of upload.statements) {
    const { currency } = statement;
    const newest = await lockNewestStatement(tx, scope, currency);
    const known = await findUpload(tx, scope, { currency, sha256: upload.sha256 });
    if (known !== undefined) throw new DomainError('resource.already_exists', { existingId: known });
    const reject = (fault: string, detail: string): DomainError =>
      new DomainError('upload.file_rejected', { fault, line: null, currency, detail });
    const closedAt = upload.closedAt ?? statement.lastAt;
    if (closedAt > final) throw reject('in_future', 'It ends after now.');
    if (closedAt < statement.lastAt) throw reject('after_close', 'A line is later than the end that was given.');
    if (newest !== undefined && newest.closedAt >= closedAt)
      throw reject('older', `A statement until ${newest.closedAt} has been read in.`);
    const [first] = statement.lines;
    const opening: readonly StatementLine[] =
      newest !== undefined || statement.openingMinor === 0n || first === undefined
        ? []
        : [
            {
              id: `opening/${currency}`,
              kind: 'deposit',
              at: first.at,
              currency,
              minor: statement.openingMinor,
              reference: 'opening',
              providerId: null,
            },
          ];
    const id = act.newId('reconciliation');
    await insertStatement(tx, act, scope, {
      id,
      currency,
      cashAccountId: await openAccount(tx, act, account('cash', scope.gateway), currency),
      closedAt,
      closingMinor: statement.closingMinor,
      booksMinor: await readBooks(tx, scope, currency, closedAt),
      sha256: upload.sha256,
      fileName: upload.fileName,
    });
    await insertStatementLines(tx, scope, id, [...opening, ...statement.lines.map((line) => ({ ...line, currency }))]);
    const linesMinor = await sumLines(tx, scope, currency, closedAt);
    if (linesMinor !== statement.closingMinor)
      throw reject(
        'gap',
        `All lines read in so far add up to ${formatMoney({ minor: linesMinor, currency }).amount}, the file ends at ${formatMoney({ minor: statement.closingMinor, currency }).amount}.`,
      );
    await openCases(
      tx,
      act,
      scope,
      { id, currency },
      await compareStatement(tx, scope, { statementId: id, currency, closedAt }),
    );
    made.push(id);
  }
  for (const run of await listWaitingRuns(tx))
    await wakeRun(
      tx,
      { workspaceId: act.workspaceId, id: run.id as PayoutRunId, workflowId: run.workflow_id },
      'nudged',
    );
  return made;
}
