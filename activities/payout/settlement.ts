import { lockBalances, postTransfers } from '../../db/earning/ledger.js';
import { enqueue } from '../../db/messaging/outbox.js';
import { insertCorrectionLine, movePayout, payCommissions, unverifyMethod } from '../../db/payout/payout.js';
import { moveAttempt, noteAttempt, type PayoutAttempt } from '../../db/payout/payoutAttempt.js';
import { readWorkspaceZone } from '../../db/reads/payout/payoutStep.js';
import type { Tx } from '../../db/transaction.js';
import { type Act, actFor } from '../../domain/act.js';
import { dateIn } from '../../domain/calendar.js';
import { account, affiliateAccounts, creditAffiliate, debitAffiliate, posting } from '../../domain/earning/ledger.js';
import type { Payout } from '../../domain/payout/payout.js';
import type { Instant } from '../../domain/time.js';
import { signalReferral } from '../../workflows/contract.js';
import { replanForMethods } from './methodChange.js';
import { tellPayees } from './notice.js';
import { tellDrained } from './payout.js';

// What a gateway's word does to the books: paid, came back, cost a fee, was paid after all (money.md 5). Each takes the caller's transaction.

/**
 * Money went out: payout, attempt and lines become `paid`, the posting empties `payout_open`, each referral hears of it (temporal.md 5.2).
 * Needs the commissions of its lines, then the payout locked.
 */
export async function settlePayout(
  tx: Tx,
  act: Act,
  payout: Payout,
  attempt: PayoutAttempt,
  how: {
    readonly event: 'paid' | 'paidLate';
    readonly reference: string | null;
    readonly providerId: string | null;
    readonly gatewayStatus: string | null;
    readonly paidOn: string | null;
    readonly note: string | null;
    /** When to look once more for a bounce; null: bounces are reported. */
    readonly watchAt: Instant | null;
  },
): Promise<void> {
  const caused = actFor(act, { cause: { type: 'attempt', id: attempt.id } });
  await moveAttempt(tx, actFor(act, { cause: null }), attempt, how.event, {
    gatewayStatus: how.gatewayStatus,
    code: null,
    lookUpAt: how.watchAt,
    needsHuman: false,
    ...(how.providerId === null ? {} : { providerId: how.providerId }),
    ...(how.event === 'paidLate' ? { paidLate: true } : {}),
  });
  const paidOn = how.paidOn ?? dateIn(await readWorkspaceZone(tx), act.now);
  await movePayout(tx, caused, payout, 'paid', {
    paidAt: act.now,
    paidOn,
    reference: how.reference,
    ...(how.note === null ? {} : { note: how.note }),
  });
  const referralIds = await payCommissions(tx, caused, payout.id);
  await postTransfers(tx, act, [
    {
      kind: how.event === 'paid' ? 'payout.paid' : 'payout.paid_late',
      key: `attempt/${attempt.id}/paid`,
      cause: { type: 'attempt', id: attempt.id },
      correctsKey: null,
      effectiveAt: null,
      postings: posting(
        account('payout_open', payout.id),
        account('cash', payout.gateway),
        payout.amountMinor,
        payout.currency,
      ),
    },
  ]);
  await enqueue(
    tx,
    ...referralIds.map((referralId) =>
      signalReferral({ workspaceId: act.workspaceId, referralId }, 'payoutSettled', { payoutId: payout.id }),
    ),
  );
  await tellPayees(tx, act, 'payout.paid', [{ payout, onceFor: payout.id, reference: how.reference, date: paidOn }]);
  await tellDrained(tx, payout.runId);
}

/** Money that came back after it was paid: owed again as a `payout_return` line; the method must be confirmed anew (PAY-27). */
export async function bookReturn(
  tx: Tx,
  act: Act,
  payout: Payout,
  attempt: PayoutAttempt,
  back: { readonly returnedMinor: bigint | null; readonly code: string | null; readonly occurredAt: Instant | null },
): Promise<void> {
  const caused = actFor(act, { cause: { type: 'attempt', id: attempt.id } });
  const gross = attempt.amountMinor;
  const net = back.returnedMinor === null || back.returnedMinor > gross ? gross : back.returnedMinor;
  await moveAttempt(tx, actFor(act, { cause: null }), attempt, 'returned', { code: back.code, lookUpAt: null });
  await movePayout(tx, caused, payout, 'returned', {
    returned: { at: back.occurredAt ?? act.now, amountMinor: net.toString(), code: back.code },
  });
  await insertCorrectionLine(tx, caused, {
    id: act.newId('commission'),
    kind: 'payout_return',
    event: 'returnCredited',
    payout,
    attemptId: attempt.id,
    amountMinor: gross,
  });
  const { payable, receivable } = affiliateAccounts(payout.affiliateId);
  const balanceOf = await lockBalances(tx, act, payout.currency, [payable, receivable]);
  const before = { payable: balanceOf(payable), receivable: balanceOf(receivable) };
  const { currency } = payout;
  const cash = creditAffiliate(payout.affiliateId, before, account('cash', payout.gateway), { minor: net, currency });
  const kept = creditAffiliate(payout.affiliateId, cash.balance, account('payout_fee_expense', payout.gateway), {
    minor: gross - net,
    currency,
  });
  await postTransfers(tx, act, [
    {
      kind: 'payout.returned',
      key: `attempt/${attempt.id}/return/${attempt.providerId ?? attempt.id}`,
      cause: { type: 'attempt', id: attempt.id },
      correctsKey: null,
      effectiveAt: back.occurredAt,
      postings: [...cash.postings, ...kept.postings],
    },
  ]);
  if (payout.methodId !== null) {
    await unverifyMethod(tx, caused, payout.methodId);
    await replanForMethods(tx, caused, [payout.methodId]);
  }
  const date = dateIn(await readWorkspaceZone(tx), back.occurredAt ?? act.now);
  await tellPayees(tx, act, 'payout.returned', [{ payout, onceFor: attempt.id, date, returnedMinor: net }]);
}

/** What the provider charged us, one transfer per line of its own (money.md 8). A line booked before is left out. */
export async function bookFees(
  tx: Tx,
  act: Act,
  payout: Payout,
  attempt: PayoutAttempt,
  fees: readonly { readonly line: string; readonly minor: bigint }[],
): Promise<void> {
  const keyOf = (line: string): string => `attempt/${attempt.id}/fee/${line}`;
  const booked = await tx('ledger_transfers')
    .where({ mode: act.mode })
    .whereIn(
      'idempotency_key',
      fees.map((fee) => keyOf(fee.line)),
    )
    .select<{ idempotency_key: string }[]>('idempotency_key');
  const known = new Set(booked.map((row) => row.idempotency_key));
  await postTransfers(
    tx,
    act,
    fees
      .filter((fee) => !known.has(keyOf(fee.line)))
      .map((fee) => ({
        kind: 'payout.fee_charged',
        key: keyOf(fee.line),
        cause: { type: 'attempt', id: attempt.id },
        correctsKey: null,
        effectiveAt: null,
        postings: posting(
          account('payout_fee_expense', payout.gateway),
          account('cash', payout.gateway),
          fee.minor,
          payout.currency,
        ),
      })),
  );
}

/** Paid after we booked a refusal, and the payout has moved on: the affiliate has the money, so it owes it (money.md 5). */
export async function bookPaidLate(tx: Tx, act: Act, payout: Payout, attempt: PayoutAttempt): Promise<void> {
  const caused = actFor(act, { cause: { type: 'attempt', id: attempt.id } });
  await noteAttempt(tx, attempt, { paidLate: true, lookUpAt: null });
  await movePayout(tx, caused, payout, 'paidLate', {}, { attemptId: attempt.id });
  await insertCorrectionLine(tx, caused, {
    id: act.newId('commission'),
    kind: 'late_payment',
    event: 'latePaid',
    payout,
    attemptId: attempt.id,
    amountMinor: -attempt.amountMinor,
  });
  const { payable, receivable } = affiliateAccounts(payout.affiliateId);
  const balanceOf = await lockBalances(tx, act, payout.currency, [payable, receivable]);
  const moved = debitAffiliate(
    payout.affiliateId,
    { payable: balanceOf(payable), receivable: balanceOf(receivable) },
    account('cash', attempt.gateway),
    { minor: attempt.amountMinor, currency: payout.currency },
  );
  await postTransfers(tx, act, [
    {
      kind: 'payout.paid_late',
      key: `attempt/${attempt.id}/paid`,
      cause: { type: 'attempt', id: attempt.id },
      correctsKey: null,
      effectiveAt: null,
      postings: moved.postings,
    },
  ]);
}
