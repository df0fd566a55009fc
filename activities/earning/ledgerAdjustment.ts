import { recordDirectDecision } from '../../db/audit/directDecision.js';
import { insertCommissions } from '../../db/earning/commission.js';
import { lockBalances, postTransfers } from '../../db/earning/ledger.js';
import {
  approveLedgerAdjustment,
  findDebtProgram,
  findLedgerAccount,
  type LedgerAdjustment,
  lockLedgerAdjustment,
  rejectLedgerAdjustment,
  statusOfAdjustment,
} from '../../db/earning/ledgerAdjustment.js';
import { lockAffiliate } from '../../db/affiliate/affiliate.js';
import { findAccount } from '../../db/reads/earning/ledgerList.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import { account, accountKinds } from '../../domain/earning/ledger.js';
import {
  adjustmentPostings,
  type LedgerAdjustmentStatus,
  ledgerAdjustmentTransitions,
} from '../../domain/earning/ledgerAdjustment.js';
import { DomainError } from '../../domain/errors.js';
import type { AffiliateId, ProgramId } from '../../domain/ids.js';
import { formatMoney } from '../../domain/money.js';
import { type Approver, judgeFourEyes } from '../../domain/payout/payoutRun.js';
import { nextStatus } from '../../domain/transitions.js';

/**
 * Posts an entry by hand that somebody else asked for (money.md 5, BEY-04). Codes: resource.not_found, ledger_adjustment.already_decided,
 * access.own_work, access.step_up_required, ledger.insufficient_balance.
 */
export async function approveAdjustment(tx: Tx, act: Act, id: string, approver: Approver): Promise<LedgerAdjustment> {
  const adjustment = await lockOpen(tx, act, id, 'approved');
  const eyes = judgeFourEyes({ createdByUser: adjustment.createdBy, editors: [] }, approver);
  if (!eyes.ok) throw new DomainError(eyes.refusal.code, eyes.refusal.params);
  await post(tx, act, adjustment);
  return approveLedgerAdjustment(tx, act, adjustment, eyes.secondPerson);
}

/**
 * Rejects an entry by hand that waits: whoever asked withdraws it, anybody else with the right refuses it. Nothing is posted. Codes:
 * resource.not_found, ledger_adjustment.already_decided.
 */
export async function rejectAdjustment(
  tx: Tx,
  act: Act,
  id: string,
  why: { readonly reasonCode: string; readonly note: string | null; readonly publicReason: string | null },
): Promise<LedgerAdjustment> {
  const adjustment = await lockOpen(tx, act, id, 'rejected');
  const mine = await recordDirectDecision(tx, act, {
    verb: 'reject',
    objectType: 'ledger_adjustment',
    objectId: adjustment.id,
    ...why,
    steppedUp: false,
  });
  return rejectLedgerAdjustment(tx, mine, adjustment, why.note ?? why.reasonCode);
}

/** The entry under its lock, if it may still move so: of two who decide at once one is told what the other did. */
async function lockOpen(
  tx: Tx,
  act: Act,
  id: string,
  event: Exclude<LedgerAdjustmentStatus, 'pending'>,
): Promise<LedgerAdjustment> {
  const adjustment = await lockLedgerAdjustment(tx, act.mode, id);
  if (adjustment === undefined) throw new DomainError('resource.not_found');
  const status = statusOfAdjustment(adjustment);
  if (nextStatus(ledgerAdjustmentTransitions, status, event) === undefined)
    throw new DomainError('ledger_adjustment.already_decided', {
      currentStatus: status,
      decidedById: adjustment.approvedBy ?? adjustment.rejectedBy,
      decidedAt: adjustment.approvedAt ?? adjustment.rejectedAt,
      allowedActions: [],
    });
  return adjustment;
}

async function post(tx: Tx, act: Act, adjustment: LedgerAdjustment): Promise<void> {
  const { account: of, amount, kind } = adjustment;
  const isAffiliates = of.kind === 'affiliate_receivable';
  if (isAffiliates) await lockAffiliate(tx, of.ownerId as AffiliateId); // before its balances (money.md 9)
  const balance = accountKinds[of.kind].floored
    ? (await lockBalances(tx, act, amount.currency, [of]))(of)
    : ((await findAccount(tx, { mode: act.mode, id: adjustment.accountId, asOf: null }))?.balance ?? 0n);
  const counter =
    kind === 'write_off'
      ? account('bad_debt_expense')
      : adjustment.counterAccountId === null
        ? account('cash', of.ownerId)
        : (await findLedgerAccount(tx, act.mode, adjustment.counterAccountId))?.account;
  const postings =
    counter === undefined ? undefined : adjustmentPostings(kind, { account: of, counter, balance, amount });
  if (postings === undefined)
    throw new DomainError('ledger.insufficient_balance', {
      balance: formatMoney({ minor: balance, currency: amount.currency }),
    });
  const cause = { type: 'ledger_adjustment', id: adjustment.id };
  if (isAffiliates) await insertWriteOffLine(tx, act, adjustment, of.ownerId as AffiliateId);
  await postTransfers(tx, act, [
    {
      kind: kind === 'write_off' ? 'debt.written_off' : 'suspense.cleared',
      key: `ledger_adjustment/${adjustment.id}`,
      cause,
      correctsKey: null,
      effectiveAt: null,
      postings,
    },
  ]);
}

/** The line that stands for the debt given up: what is owed is the sum of the lines (I11). */
async function insertWriteOffLine(
  tx: Tx,
  act: Act,
  adjustment: LedgerAdjustment,
  affiliateId: AffiliateId,
): Promise<void> {
  const { amount } = adjustment;
  const text = formatMoney(amount);
  await insertCommissions(
    tx,
    act,
    [
      {
        id: act.newId('commission'),
        kind: 'write_off',
        level: 1,
        affiliateId,
        programId: (await findDebtProgram(tx, {
          mode: act.mode,
          affiliateId,
          currency: amount.currency,
        })) as ProgramId,
        referralId: null,
        saleId: null,
        leadId: null,
        originCommissionId: null,
        level1CommissionId: null,
        causeType: 'ledger_adjustment',
        causeId: adjustment.id,
        currency: amount.currency,
        base: null,
        baseType: null,
        ratePpm: null,
        ruleId: null,
        ruleVersion: null,
        parts: [],
        explanation: { sentence: `A debt of ${text.amount} ${text.currency} was given up.` },
        exact: { numerator: amount.minor, denominator: 1n },
        clipReason: null,
        amount: amount.minor,
        accrues: true,
        status: 'approved',
        onHold: false,
        needsReviewer: false,
        sub1: null,
        reason: adjustment.reason,
        createdBy: adjustment.createdBy,
        eligibleAt: act.now,
        approvedAt: act.now,
      },
    ],
    'writtenOff',
  );
}
