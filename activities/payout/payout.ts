import { lockBalances, postTransfers } from '../../db/earning/ledger.js';
import { enqueue } from '../../db/messaging/outbox.js';
import {
  type Creator,
  findOpenPayoutOf,
  findPayout,
  insertDrafts,
  insertLines,
  insertPlannedLines,
  listLines,
  lockDrafts,
  lockFreeDrafts,
  lockPayout,
  movePayout,
  movePayouts,
  type PlannedPayout,
  releaseLines,
} from '../../db/payout/payout.js';
import { listConnected } from '../../db/payout/gateway.js';
import { findDecidingState } from '../../db/payout/payoutAttempt.js';
import {
  countOpenPayouts,
  findRun,
  findRunByPeriod,
  insertRun,
  lockRun,
  moveRun,
  type NewRun,
} from '../../db/payout/payoutRun.js';
import { listFreezes } from '../../db/reads/payout/payoutControls.js';
import { readDraftDueDates } from '../../db/reads/payout/dueDates.js';
import { listPlanAffiliates, type PlanScope, readPlanInputs } from '../../db/reads/payout/payoutPlan.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import {
  account,
  affiliateAccounts,
  type AffiliateBalance,
  creditAffiliate,
  posting,
  type Transfer,
} from '../../domain/earning/ledger.js';
import { assertInvariant, DomainError } from '../../domain/errors.js';
import type { AffiliateId, CommissionId, PayoutId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { GatewayPolicy } from '../../domain/payout/gateway.js';
import { isAttemptOpen, type Payout } from '../../domain/payout/payout.js';
import { everybody, type PayoutRun, type PlannedRow, planPayouts } from '../../domain/payout/payoutRun.js';
import { epochMs } from '../../domain/time.js';
import { nudge, signalMessage, startMessage, workflowIds } from '../../workflows/contract.js';

// The steps of payouts: each takes the caller's transaction. The activities around them are in payoutRun.ts, payoutAttempt.ts and
// payoutDecision.ts; the API calls those that need no workflow (architecture.md 5).

/**
 * Starts a run: its row and the workflow that plans it. A `period` that exists gives its run. Code: payout_run.payouts_frozen.
 */
export async function startRun(
  tx: Tx,
  act: Act,
  request: Omit<NewRun, 'id' | 'workflowId' | 'scheduleId'>,
): Promise<{ readonly run: PayoutRun; readonly isNew: boolean }> {
  const freezes = await listFreezes(tx, null);
  if (freezes.length > 0) throw new DomainError('payout_run.payouts_frozen', { reasons: freezes });
  const id = act.newId('payoutRun');
  const ref = { workspaceId: act.workspaceId, payoutRunId: id };
  const run = await insertRun(tx, act, { ...request, id, scheduleId: null, workflowId: workflowIds.payoutRun(ref) });
  if (run === undefined) {
    assertInvariant(request.period !== null, 'only a period exists twice', {});
    const existing = await findRunByPeriod(tx, { mode: act.mode, scheduleId: null, period: request.period });
    assertInvariant(existing !== undefined, 'a taken period has its run', { period: request.period });
    return { run: existing, isNew: false };
  }
  await enqueue(
    tx,
    startMessage({ workflowType: 'payoutRun', workflowId: run.workflowId, input: ref, startAt: null }, 1),
  );
  return { run, isNew: true };
}

/**
 * Plans some locked affiliates and reserves their money: drafts, lines, postings. Where the scope takes drafts, one that left its run goes on
 * in this one under its own id, worked out anew (features.md 2.4). Answers every row, paid or not.
 */
export async function planAndReserve(
  tx: Tx,
  act: Act,
  scope: PlanScope,
  of: {
    readonly runId: string | null;
    readonly planVersion: number;
    readonly creator: Creator;
    readonly gateways: GatewayPolicy;
    readonly affiliateIds: readonly AffiliateId[];
  },
): Promise<readonly (PlannedRow & { readonly payoutId: PayoutId | null })[]> {
  const inputs = await readPlanInputs(tx, scope, of.affiliateIds, true);
  const free = scope.takesDrafts === true ? await lockFreeDrafts(tx, scope.mode, of.affiliateIds) : [];
  const draftOf = (row: PlannedRow): Payout | undefined =>
    free.find((draft) => draft.affiliateId === row.affiliateId && draft.currency === row.currency);
  const rows = planPayouts(inputs, await planContext(tx, act, of.gateways)).map((row) => ({
    ...row,
    payoutId: row.outcome === 'paid' ? (draftOf(row)?.id ?? act.newId('payout')) : null,
  }));
  const all = rows.filter((row): row is PlannedPayout => row.payoutId !== null);
  const planned = all.filter((row) => draftOf(row) === undefined);
  const calendarOf = new Map(inputs.map((input) => [`${input.affiliateId}/${input.currency}`, input.calendar]));
  const dueOn = await readDraftDueDates(tx, act.now);
  const noCalendar = { oldestAt: null, frequency: null };
  await insertDrafts(
    tx,
    act,
    of,
    planned.map((row) => ({
      ...row,
      dueOn: dueOn(calendarOf.get(`${row.affiliateId}/${row.currency}`) ?? noCalendar),
    })),
  );
  const taken = all.flatMap((row) => {
    const draft = draftOf(row);
    return draft === undefined ? [] : [{ row, draft }];
  });
  const isTaken = (draft: Payout): boolean =>
    taken.some(({ row }) => row.affiliateId === draft.affiliateId && row.currency === draft.currency);
  // Several of one affiliate and currency become one: the first goes on, the others give their lines to it.
  await releasePayouts(
    tx,
    act,
    free.filter((draft) => isTaken(draft) && !taken.some((one) => one.draft.id === draft.id)),
  );
  await releaseLines(
    tx,
    act,
    taken.map(({ draft }) => draft.id),
  );
  const linesOf = new Map(inputs.map((input) => [`${input.affiliateId}/${input.currency}`, input.lines]));
  const lines = await insertPlannedLines(
    tx,
    all.map((row) => ({
      payoutId: row.payoutId,
      lines: linesOf.get(`${row.affiliateId}/${row.currency}`) ?? { ids: '', minors: '' },
    })),
  );
  assertInvariant(
    lines === all.reduce((total, row) => total + row.commissionCount, 0),
    'the lines written are those added up',
    { lines },
  );
  await postTransfers(
    tx,
    act,
    planned.map((row) => ({
      kind: 'payout.reserved',
      key: `payout/${row.payoutId}/plan/1`,
      cause: { type: 'payout', id: row.payoutId },
      correctsKey: null,
      effectiveAt: null,
      postings: posting(
        affiliateAccounts(row.affiliateId).payable,
        account('payout_open', row.payoutId),
        row.netMinor,
        row.currency,
      ),
    })),
  );
  for (const { row, draft } of taken)
    await changeAmount(tx, act, draft, row.netMinor, row, { runId: of.runId, planVersion: of.planVersion });
  return rows;
}

async function planContext(tx: Tx, act: Act, gateways: GatewayPolicy): Promise<Parameters<typeof planPayouts>[1]> {
  const connected = await listConnected(tx, act.mode);
  return { now: act.now, nowMs: epochMs(act.now), mode: act.mode, gateways, connected, msOf: epochMs };
}

/** Only one affiliate and currency, everything approved by now. */
function scopeOfOne(act: Act, affiliateId: AffiliateId, currency: CurrencyCode): PlanScope {
  return {
    mode: act.mode,
    cutOffAt: act.now,
    currencies: [currency],
    filter: { ...everybody, affiliateIds: [affiliateId] },
    excludedAffiliateIds: [],
    previousCutOffAt: null,
  };
}

/** A draft by hand for one affiliate and currency. Codes: payout.in_open_payout, payout.nothing_to_pay. */
export async function createDraft(
  tx: Tx,
  act: Act,
  of: { readonly affiliateId: AffiliateId; readonly currency: CurrencyCode; readonly gateways: GatewayPolicy },
): Promise<PayoutId> {
  const scope = scopeOfOne(act, of.affiliateId, of.currency);
  const affiliateIds = await listPlanAffiliates(tx, scope, { after: null, limit: 1, lock: true });
  const rows = await planAndReserve(tx, act, scope, {
    runId: null,
    planVersion: 1,
    creator: act.actor,
    gateways: of.gateways,
    affiliateIds,
  });
  const made = rows.flatMap((row) => row.payoutId ?? [])[0];
  if (made !== undefined) return made;
  const reasons = rows.flatMap((row) => row.reasons);
  const open = await findOpenPayoutOf(tx, { mode: act.mode, affiliateId: of.affiliateId, currency: of.currency });
  if (open !== undefined && reasons.some((reason) => reason.code === 'in_other_run'))
    throw new DomainError('payout.in_open_payout', { payoutId: open.id });
  throw new DomainError('payout.nothing_to_pay', { reasons });
}

/**
 * Drafts by hand for some affiliates at once, one per currency in which something is due: the plan of a run without a run. What each got, and
 * why nothing more. All are locked and planned together, so that two batches of the same people wait for each other.
 */
export async function createDrafts(
  tx: Tx,
  act: Act,
  of: { readonly affiliateIds: readonly AffiliateId[]; readonly gateways: GatewayPolicy },
): Promise<readonly (PlannedRow & { readonly payoutId: PayoutId | null })[]> {
  const scope: PlanScope = {
    mode: act.mode,
    cutOffAt: act.now,
    currencies: [],
    filter: { ...everybody, affiliateIds: of.affiliateIds },
    excludedAffiliateIds: [],
    previousCutOffAt: null,
  };
  const affiliateIds = await listPlanAffiliates(tx, scope, {
    after: null,
    limit: of.affiliateIds.length,
    lock: true,
  });
  if (affiliateIds.length === 0) return [];
  return planAndReserve(tx, act, scope, {
    runId: null,
    planVersion: 1,
    creator: act.actor,
    gateways: of.gateways,
    affiliateIds,
  });
}

interface Credit {
  readonly payout: Payout;
  readonly minor: bigint;
  readonly kind: 'payout.replanned' | 'payout.cancelled';
  readonly key: string;
}

/** Money out of `payout_open` back to its affiliates: first a debt, the rest payable. Balances are locked once per currency. */
async function creditBack(tx: Tx, act: Act, credits: readonly Credit[]): Promise<void> {
  const currencies = [...new Set(credits.map((credit) => credit.payout.currency))].sort();
  for (const currency of currencies) {
    const mine = credits.filter((credit) => credit.payout.currency === currency);
    const accounts = mine.map((credit) => affiliateAccounts(credit.payout.affiliateId));
    const balanceOf = await lockBalances(
      tx,
      act,
      currency,
      accounts.flatMap((one) => [one.payable, one.receivable]),
    );
    const balances = new Map<string, AffiliateBalance>();
    const transfers = mine.map((credit): Transfer => {
      const { affiliateId } = credit.payout;
      const { payable, receivable } = affiliateAccounts(affiliateId);
      const before = balances.get(affiliateId) ?? { payable: balanceOf(payable), receivable: balanceOf(receivable) };
      const moved = creditAffiliate(affiliateId, before, account('payout_open', credit.payout.id), {
        minor: credit.minor,
        currency,
      });
      balances.set(affiliateId, moved.balance);
      return {
        kind: credit.kind,
        key: credit.key,
        cause: { type: 'payout', id: credit.payout.id },
        correctsKey: null,
        effectiveAt: null,
        postings: moved.postings,
      };
    });
    await postTransfers(tx, act, transfers);
  }
}

/** Cancels locked payouts of one status: their lines are free again, their money is the affiliates'. The caller judged the move. */
export async function releasePayouts(tx: Tx, act: Act, payouts: readonly Payout[]): Promise<void> {
  if (payouts.length === 0) return;
  await movePayouts(tx, act, payouts, 'cancelled');
  await releaseLines(
    tx,
    act,
    payouts.map((payout) => payout.id),
  );
  await creditBack(
    tx,
    act,
    payouts.map((payout) => ({
      payout,
      minor: payout.amountMinor,
      kind: 'payout.cancelled',
      key: `payout/${payout.id}/cancel`,
    })),
  );
}

/** A statement takes 65,535 values; an audit entry has some twenty. */
const releaseChunk = 500;

/** Drafts of a run: of these affiliates, those that a plan does not list, at most so many. Answers how many were released. */
export async function releaseDrafts(
  tx: Tx,
  act: Act,
  of: {
    readonly runId: string;
    readonly affiliateIds?: readonly string[];
    readonly notPlannedIn?: number;
    readonly limit?: number;
  },
): Promise<number> {
  let released = 0;
  for (;;) {
    const limit = of.limit === undefined ? releaseChunk : Math.min(releaseChunk, of.limit - released);
    const drafts = limit <= 0 ? [] : await lockDrafts(tx, { ...of, limit });
    if (drafts.length === 0) return released;
    await releasePayouts(tx, act, drafts);
    released += drafts.length;
  }
}

/**
 * A draft is worked out anew from what its affiliate is owed now: lines that no longer count leave, new ones (a clawback) come in. Below
 * the minimum or at zero it is cancelled instead (answers null). An approval given before is void (features.md 2.4). Needs the affiliate,
 * then the payout locked.
 */
export async function recalculateDraft(
  tx: Tx,
  act: Act,
  payout: Payout,
  gateways: GatewayPolicy,
): Promise<Payout | null> {
  assertInvariant(payout.status === 'draft', 'only a draft is worked out anew', { payoutId: payout.id });
  const before = await listLines(tx, payout.id);
  await releaseLines(tx, act, [payout.id]);
  const scope = scopeOfOne(act, payout.affiliateId, payout.currency);
  const inputs = await readPlanInputs(tx, scope, [payout.affiliateId], true);
  const [row] = planPayouts(inputs, await planContext(tx, act, gateways));
  if (row === undefined || row.netMinor <= 0n || row.reasons.some((reason) => reason.code === 'below_minimum')) {
    await insertLines(tx, payout.id, before); // back in place, so that cancelling releases what the payout held
    await releasePayouts(tx, act, [payout]);
    return null;
  }
  const [input] = inputs;
  assertInvariant(input !== undefined, 'a row of a plan has its input', { payoutId: payout.id });
  await insertPlannedLines(tx, [{ payoutId: payout.id, lines: input.lines }]);
  return changeAmount(tx, act, payout, row.netMinor, row);
}

/** The new sum of a draft, with its posting: down goes back to the affiliate, up comes from what is payable. */
async function changeAmount(
  tx: Tx,
  act: Act,
  payout: Payout,
  amountMinor: bigint,
  planned: Pick<PlannedRow, 'method' | 'route'> | null,
  into: { readonly runId: string | null; readonly planVersion: number } | null = null,
): Promise<Payout> {
  // In a run it is the run's plan that the row belongs to; alone it counts its own.
  const planVersion = into?.planVersion ?? (payout.runId === null ? payout.planVersion + 1 : payout.planVersion);
  const method =
    planned === null || planned.method === null || planned.route === null
      ? {}
      : { method: { ...planned.method, ...planned.route } };
  const moved = await movePayout(
    tx,
    act,
    payout,
    'replanned',
    {
      amountMinor,
      planVersion,
      approvedBy: null,
      approvedAt: null,
      secondPerson: null,
      ...method,
      ...(into === null ? {} : { runId: into.runId }),
    },
    {
      amountMinor: amountMinor.toString(),
      before: payout.amountMinor.toString(),
      ...(into === null ? {} : { takenIntoRun: into.runId }),
    },
  );
  const key = `payout/${payout.id}/plan/${moved.version}`; // the reservation was plan/1, the row's first version
  if (amountMinor < payout.amountMinor)
    await creditBack(tx, act, [{ payout, minor: payout.amountMinor - amountMinor, kind: 'payout.replanned', key }]);
  else
    await postTransfers(tx, act, [
      {
        kind: 'payout.replanned',
        key,
        cause: { type: 'payout', id: payout.id },
        correctsKey: null,
        effectiveAt: null,
        postings: posting(
          affiliateAccounts(payout.affiliateId).payable,
          account('payout_open', payout.id),
          amountMinor - payout.amountMinor,
          payout.currency,
        ),
      },
    ]);
  return moved;
}

/**
 * `pending → draft`, of a locked payout: it leaves its run, an approval is void, a person or the next run takes it up (features.md 2.4). The
 * caller has judged that nothing of it is on its way, recalculates it, and tells the run that it may be drained.
 */
export async function takeBack(tx: Tx, act: Act, payout: Payout, codes: readonly string[]): Promise<Payout> {
  return movePayout(
    tx,
    act,
    payout,
    'returnedToDraft',
    {
      runId: null,
      approvedBy: null,
      approvedAt: null,
      secondPerson: null,
      backToDraftReasons: codes.map((code) => ({ code, at: act.now })),
    },
    { leftRun: payout.runId, reasons: codes },
  );
}

/**
 * A refund of lines in a payout that is not out (money.md 5, RFD-10): call it BEFORE the commission's own posting, in the same transaction,
 * with what each line is worth afterwards (0 = gone). A pending payout without an open attempt goes back to `draft` first. The draft shrinks
 * or, when nothing payable is left, is cancelled; its run is planned anew and an approval of it is void. Any other payout is left alone
 * (answers false): then the refund is a clawback. Needs the commissions locked; locks the run, then the payout, then balances.
 */
export async function replanAfterRefund(
  tx: Tx,
  act: Act,
  payoutId: string,
  left: ReadonlyMap<CommissionId, bigint>,
): Promise<boolean> {
  const seen = await findPayout(tx, payoutId);
  if (seen === undefined) return false;
  const run = seen.runId === null ? undefined : await lockRun(tx, seen.runId);
  const found = await lockPayout(tx, payoutId);
  // Read under the lock that a claim takes too: what is not out now cannot go out before we are done.
  const isWaiting = found?.status === 'pending' && !isAttemptOpen(await findDecidingState(tx, payoutId));
  const payout =
    found !== undefined && isWaiting ? await takeBack(tx, act, found, [act.reasonCode ?? 'refunded']) : found;
  if (payout === undefined || payout.status !== 'draft') return false;
  if (isWaiting) {
    const ref = { workspaceId: act.workspaceId, payoutId: payout.id };
    await enqueue(tx, nudge('payout', workflowIds.payout(ref), ref));
  }
  const lines = await listLines(tx, payout.id);
  const hit = lines.filter((line) => left.has(line.commissionId));
  if (hit.length > 0) {
    const kept = lines.map((line) => ({ ...line, amountMinor: left.get(line.commissionId) ?? line.amountMinor }));
    const amountMinor = kept.reduce((total, line) => total + line.amountMinor, 0n);
    // In a run the new plan judges the minimum; alone nobody would.
    const isTooLittle = payout.runId === null && amountMinor < (await minimumOf(tx, act, payout));
    if (amountMinor <= 0n || isTooLittle) await releasePayouts(tx, act, [payout]);
    else {
      await releaseLines(
        tx,
        act,
        [payout.id],
        hit.map((line) => line.commissionId),
      );
      await insertLines(
        tx,
        payout.id,
        kept.filter((line) => left.has(line.commissionId) && line.amountMinor > 0n),
      );
      await changeAmount(tx, act, payout, amountMinor, null);
    }
  }
  if (run !== undefined && (run.status === 'planned' || run.status === 'approved')) await replanRun(tx, act, run);
  if (isWaiting) await tellDrained(tx, seen.runId);
  return true;
}

/** What this affiliate has to be owed before a payout is made, in minor units of the payout's currency. */
async function minimumOf(tx: Tx, act: Act, payout: Payout): Promise<bigint> {
  const scope = scopeOfOne(act, payout.affiliateId, payout.currency);
  const [input] = await readPlanInputs(tx, scope, [payout.affiliateId], true);
  return input?.minimum.minor ?? 0n;
}

/** The plan is void: planned anew from its first page, under the next version; an approval falls (features.md 2.10). */
export async function replanRun(
  tx: Tx,
  act: Act,
  run: PayoutRun,
  change: { readonly excludedAffiliateIds?: readonly string[]; readonly editor?: string | null } = {},
): Promise<PayoutRun> {
  const editor = change.editor ?? null;
  const moved = await moveRun(
    tx,
    act,
    run,
    'replanned',
    {
      planVersion: run.planVersion + 1,
      planCursor: null,
      planHash: null,
      proof: null,
      approvedBy: null,
      approvedAt: null,
      secondPerson: null,
      editors: editor === null || run.editors.includes(editor) ? run.editors : [...run.editors, editor],
      ...(change.excludedAffiliateIds === undefined ? {} : { excludedAffiliateIds: change.excludedAffiliateIds }),
    },
    { planVersion: run.planVersion + 1 },
  );
  await wakeRun(tx, run, 'nudged');
  return moved;
}

export async function wakeRun(
  tx: Tx,
  run: Pick<PayoutRun, 'workspaceId' | 'id' | 'workflowId'>,
  signal: 'nudged' | 'drained',
): Promise<void> {
  await enqueue(
    tx,
    signalMessage(
      {
        workflowType: 'payoutRun',
        workflowId: run.workflowId,
        input: { workspaceId: run.workspaceId, payoutRunId: run.id },
        signal,
        argument: null,
      },
      1,
    ),
  );
}

/** Tells the run when no payout of it is open any more. Two at once may both see the other: then the run's own count finds it. */
export async function tellDrained(tx: Tx, runId: string | null): Promise<void> {
  if (runId === null || (await countOpenPayouts(tx, runId)) > 0) return;
  const run = await findRun(tx, runId);
  if (run?.status === 'executing') await wakeRun(tx, run, 'drained');
}
