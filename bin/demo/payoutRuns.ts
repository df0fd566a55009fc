import { minimumPayout } from '../../domain/access/settings.js';
import { periodContaining } from '../../domain/calendar.js';
import { account, affiliateAccounts, posting } from '../../domain/earning/ledger.js';
import { leftOf } from '../../domain/earning/commission.js';
import type { PayoutAttemptId, PayoutId, PayoutRunId } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { AttemptState } from '../../domain/payout/payoutAttempt.js';
import type { PayoutStatus } from '../../domain/payout/payout.js';
import {
  everybody,
  type PayoutRunStatus,
  type PlanInput,
  planPayouts,
  type PlannedRow,
  type RunProof,
} from '../../domain/payout/payoutRun.js';
import { addMs, epochMs, type Instant } from '../../domain/time.js';
import { workflowIds } from '../../workflows/contract.js';
import type { DemoAffiliate } from './affiliates.js';
import type { Books, Line } from './books.js';
import { type Told, untold } from './rows.js';
import { hourMs, minuteMs, payoutDays, system, type Year } from './year.js';

/** Runs that were planned, by id: their plans are sealed by Postgres once the rows are in. */
export interface PastRun {
  readonly id: PayoutRunId;
}

interface Planned {
  readonly row: PlannedRow;
  readonly payoutId: PayoutId;
  readonly affiliate: DemoAffiliate;
  readonly lines: readonly Line[];
  readonly told: Told<PayoutStatus>;
}

/** The runs of the 3rd of each month: what was approved before its 1st, planned by the rules of any run, approved and paid a day later. */
export function followPayoutRuns(year: Year, books: Books, affiliates: readonly DemoAffiliate[]): readonly PastRun[] {
  const runs: PastRun[] = [];
  const paidBefore = new Map<string, bigint[]>();
  let previousCutOff: Instant | null = null;

  for (const nominalAt of payoutDays(year))
    year.agenda.enter(nominalAt, () => plan(nominalAt, periodContaining('UTC', 'month', nominalAt).from));

  function plan(nominalAt: Instant, cutOffAt: Instant): void {
    const { rows, chance, ground } = year;
    const at = addMs(nominalAt, 4_000);
    const id = chance.newId('payoutRun', at);
    const told = untold<PayoutRunStatus>('payout_run', id);
    rows.tell(told, { at, event: 'started', to: 'planning', actor: system });
    const inputs = affiliates.flatMap((affiliate) => inputsOf(affiliate, at, cutOffAt));
    const planned = planPayouts(
      inputs.map(({ input }) => input),
      { now: at, nowMs: epochMs(at), mode: 'live', gateways: { sandboxPaysLive: true }, msOf: epochMs },
    );
    const before = payableByCurrency();
    const payouts: Planned[] = [];
    for (const [index, row] of planned.entries()) {
      const of = inputs[index];
      if (of === undefined) continue;
      const payoutId = row.outcome === 'paid' ? chance.newId('payout', at) : null;
      rows.add('payout_run_rows', {
        run_id: id,
        plan_version: 1,
        affiliate_id: row.affiliateId,
        currency: row.currency,
        outcome: row.outcome,
        payout_id: payoutId,
        owed_minor: row.owedMinor.toString(),
        gross_minor: row.grossMinor.toString(),
        corrections_minor: row.correctionsMinor.toString(),
        carried_minor: row.carriedMinor.toString(),
        net_minor: row.netMinor.toString(),
        commission_count: row.commissionCount,
        reasons: row.reasons,
        oddities: row.oddities,
        stays_behind: row.staysBehind,
        created_at: at,
      });
      if (payoutId !== null) payouts.push(reserve(at, id, payoutId, row, of.affiliate, of.payable));
    }
    const proof = proofOf(planned, before, payableByCurrency());
    rows.tell(told, {
      at: addMs(at, 700),
      event: payouts.length === 0 ? 'nobodyDue' : 'planned',
      to: payouts.length === 0 ? 'completed' : 'planned',
      actor: system,
      changes: { planVersion: 1, paid: payouts.length },
    });
    const approver = ground.staff.approver;
    const approvedAt = addMs(nominalAt, chance.whole(3 * hourMs, 10 * hourMs));
    const executedAt = addMs(nominalAt, 24 * hourMs);
    const completedAt = addMs(executedAt, 90 * minuteMs);
    if (payouts.length > 0) {
      year.agenda.enter(approvedAt, () =>
        rows.tell(told, { at: approvedAt, event: 'approved', to: 'approved', actor: approver }),
      );
      year.agenda.enter(executedAt, () => {
        rows.tell(told, { at: executedAt, event: 'executed', to: 'executing', actor: system });
        for (const payout of payouts) send(executedAt, id, approvedAt, payout);
      });
      year.agenda.enter(completedAt, () =>
        rows.tell(told, { at: completedAt, event: 'completed', to: 'completed', actor: system }),
      );
    }
    runs.push({ id });
    previousCutOff = cutOffAt;
    const { scheduleId } = ground;
    year.atTheEnd.push(() =>
      rows.add('payout_runs', {
        id,
        mode: 'live',
        status: told.status,
        workflow_id: workflowIds.payoutRun({ workspaceId: year.workspaceId, payoutRunId: id }),
        schedule_id: scheduleId,
        period: nominalAt,
        currencies: [],
        filter: everybody,
        excluded_affiliate_ids: [],
        cut_off_at: cutOffAt,
        pay_at: executedAt,
        plan_version: 1,
        plan_cursor:
          affiliates
            .map((one) => one.id as string)
            .sort()
            .at(-1) ?? null,
        proof,
        created_by_type: 'system',
        editors: [],
        approved_by: payouts.length === 0 ? null : approver.userId,
        approved_at: payouts.length === 0 ? null : approvedAt,
        second_person: payouts.length === 0 ? null : 'other_person',
        executed_at: payouts.length === 0 ? null : executedAt,
        completed_at: payouts.length === 0 ? addMs(at, 700) : completedAt,
        version: told.version,
        created_at: at,
        updated_at: payouts.length === 0 ? addMs(at, 700) : completedAt,
      }),
    );
  }

  function inputsOf(affiliate: DemoAffiliate, at: Instant, cutOffAt: Instant) {
    const mine = books.lines.filter(
      (line) => line.affiliate === affiliate && (line.told.status === 'approved' || line.told.status === 'pending'),
    );
    const currencies = [...new Set(mine.map((line) => line.commission.currency))].sort();
    return currencies.map((currency) => {
      const here = mine.filter((line) => line.commission.currency === currency);
      const pending = here.filter((line) => line.told.status === 'pending');
      const approved = here.filter((line) => line.told.status === 'approved');
      const isLater = (line: Line): boolean =>
        leftOf(line.commission) > 0n && (line.commission.approvedAt ?? at) > cutOffAt;
      const payable = approved.filter((line) => !isLater(line));
      const isCarried = (line: Line): boolean =>
        previousCutOff !== null && (line.commission.approvedAt ?? at) <= previousCutOff;
      const fresh = payable.filter((line) => !isCarried(line));
      const paid = paidBefore.get(`${affiliate.id}/${currency}`) ?? [];
      const isFree = (line: Line): boolean => !line.commission.onHold;
      const open = pending.filter((line) => isFree(line) && line.commission.eligibleAt > at);
      const overdue = pending.filter((line) => isFree(line) && line.commission.eligibleAt <= at);
      const input: PlanInput = {
        affiliateId: affiliate.id,
        currency,
        affiliateStatus: affiliate.told.status ?? 'pending',
        isForfeited: false,
        isExcluded: false,
        grossMinor: sumOf(fresh.filter((line) => line.commission.kind === 'earned')),
        correctionsMinor: sumOf(fresh.filter((line) => line.commission.kind !== 'earned')),
        carriedMinor: sumOf(payable.filter(isCarried)),
        count: payable.length,
        heldMinor: sumOf(pending.filter((line) => line.commission.onHold)),
        pendingMinor: sumOf(open),
        pendingUntil:
          open
            .map((line) => line.commission.eligibleAt)
            .sort()
            .at(0) ?? null,
        // What the demo leaves undecided are referrals: their commissions follow them.
        overdueReferralMinor: sumOf(overdue),
        overdueMinor: 0n,
        afterCutOffMinor: sumOf(approved.filter(isLater)),
        unapprovedReferralMinor: 0n,
        inOtherRunMinor: 0n,
        hasRoundManualLine: false,
        hasRateAboveProgram: false,
        method: methodOf(affiliate, currency, at),
        minimum: { minor: minimumPayout(year.ground.settings, currency).minor, scope: 'workspace' },
        paidBefore: paid.length,
        medianMinor: paid.toSorted((a, b) => (a < b ? -1 : 1))[Math.floor((paid.length - 1) / 2)] ?? null,
      };
      return { affiliate, input, payable };
    });
  }

  function methodOf(affiliate: DemoAffiliate, currency: CurrencyCode, at: Instant): PlanInput['method'] {
    const method = affiliate.methods.findLast((one) => one.currency === currency && one.createdAt <= at);
    if (method === undefined) return null;
    const isShared = affiliates.some(
      (other) => other !== affiliate && other.methods.some((one) => one.fingerprint === method.fingerprint),
    );
    return {
      id: method.id,
      type: method.type,
      status: method.told.status ?? 'unverified',
      activeAt: method.verifiedAt,
      version: method.told.version,
      fingerprint: method.fingerprint,
      masked: method.masked,
      changedAt: method.verifiedAt ?? method.createdAt,
      isShared: isShared && method.type !== 'sandbox',
    };
  }

  function reserve(
    at: Instant,
    runId: PayoutRunId,
    payoutId: PayoutId,
    row: PlannedRow,
    affiliate: DemoAffiliate,
    lines: readonly Line[],
  ): Planned {
    const { rows } = year;
    const told = untold<PayoutStatus>('payout', payoutId);
    rows.tell(told, { at, event: 'planned', to: 'draft', actor: system });
    rows.post(at, {
      kind: 'payout.reserved',
      key: `payout/${payoutId}/plan/1`,
      cause: { type: 'payout', id: payoutId },
      correctsKey: null,
      effectiveAt: null,
      postings: posting(
        affiliateAccounts(affiliate.id).payable,
        account('payout_open', payoutId),
        row.netMinor,
        row.currency,
      ),
    });
    books.reserve(affiliate.id, row.currency, row.netMinor);
    for (const line of lines) {
      line.isReserved = true;
      rows.add('payout_lines', {
        payout_id: payoutId,
        commission_id: line.commission.id,
        amount_minor: leftOf(line.commission).toString(),
        created_at: at,
      });
    }
    return { row, payoutId, affiliate, lines, told };
  }

  /** Paid by a person at the bank: the attempt is written with the reference (money.md 7.2). */
  function send(at: Instant, runId: PayoutRunId, approvedAt: Instant, planned: Planned): void {
    const { rows, chance, ground } = year;
    const { payoutId, row, told, affiliate } = planned;
    const method = row.method;
    if (method === null || row.route === null) return;
    const approver = ground.staff.approver;
    const paidAt = addMs(at, chance.whole(10 * minuteMs, 80 * minuteMs));
    const attemptId: PayoutAttemptId = chance.newId('payoutAttempt', paidAt);
    const attempt = untold<AttemptState>('attempt', attemptId);
    const cause = { type: 'attempt', id: attemptId };
    const route = row.route;
    rows.tell(told, { at, event: 'approved', to: 'pending', actor: system, changes: { payoutRunId: runId } });
    year.agenda.enter(paidAt, () => {
      const changes = { payoutId };
      rows.tell(attempt, {
        at: paidAt,
        event: 'claimed',
        to: 'submitting',
        actor: approver,
        changes: { payoutId, number: 1 },
      });
      rows.tell(attempt, { at: paidAt, event: 'paid', to: 'paid', actor: approver, changes });
      rows.tell(told, { at: paidAt, event: 'paid', to: 'paid', actor: approver, cause });
      for (const line of planned.lines) {
        line.isReserved = false;
        line.commission.status = 'paid';
        line.commission.paidAt = paidAt;
        rows.tell(line.told, { at: paidAt, event: 'paid', to: 'paid', actor: approver, cause });
      }
      rows.post(paidAt, {
        kind: 'payout.paid',
        key: `attempt/${attemptId}/paid`,
        cause,
        correctsKey: null,
        effectiveAt: null,
        postings: posting(account('payout_open', payoutId), account('cash', route.gateway), row.netMinor, row.currency),
      });
      const key = `${affiliate.id}/${row.currency}`;
      paidBefore.set(key, [...(paidBefore.get(key) ?? []), row.netMinor]);
    });
    year.atTheEnd.push(() => {
      const isPaid = told.status === 'paid';
      rows.add('payouts', {
        id: payoutId,
        mode: 'live',
        run_id: runId,
        affiliate_id: affiliate.id,
        currency: row.currency,
        amount_minor: row.netMinor.toString(),
        status: told.status,
        method_id: method.id,
        method_type: method.type,
        method_version: method.version,
        method_fingerprint: method.fingerprint,
        method_masked: method.masked,
        execution: route.execution,
        gateway: route.gateway,
        plan_version: 1,
        created_by_type: 'system',
        editors: [],
        approved_by: approver.userId,
        approved_at: approvedAt,
        second_person: 'other_person',
        reference: isPaid ? `TRX-${payoutId.slice(-8).toUpperCase()}` : null,
        paid_on: isPaid ? paidAt.slice(0, 10) : null,
        paid_at: isPaid ? paidAt : null,
        due_on: at.slice(0, 10),
        back_to_draft_reasons: [],
        metadata: {},
        version: told.version,
        created_at: addMs(at, -24 * hourMs),
        updated_at: isPaid ? paidAt : at,
      });
      rows.add('payout_attempts', {
        id: attemptId,
        payout_id: payoutId,
        number: 1,
        gateway: route.gateway,
        fence: 1,
        state: attempt.status,
        currency: row.currency,
        amount_minor: row.netMinor.toString(),
        method_version: method.version,
        method_fingerprint: method.fingerprint,
        epoch: 1,
        version: attempt.version,
        created_at: paidAt,
        updated_at: paidAt,
      });
    });
  }

  function payableByCurrency(): ReadonlyMap<string, bigint> {
    const totals = new Map<string, bigint>();
    for (const { currency } of year.ground.programs) {
      let total = 0n;
      for (const affiliate of affiliates) {
        const { payable, receivable } = books.balanceOf(affiliate.id, currency);
        total += payable - receivable;
      }
      totals.set(currency, total);
    }
    return totals;
  }

  return runs;
}

function proofOf(
  rows: readonly PlannedRow[],
  before: ReadonlyMap<string, bigint>,
  after: ReadonlyMap<string, bigint>,
): readonly RunProof[] {
  const currencies = [...new Set(rows.map((row) => row.currency as string))].sort();
  return currencies.map((currency) => ({
    currency,
    payableBefore: (before.get(currency) ?? 0n).toString(),
    payableAfter: (after.get(currency) ?? 0n).toString(),
    linesEqualTotals: true,
  }));
}

function sumOf(lines: readonly Line[]): bigint {
  return lines.reduce((total, line) => total + leftOf(line.commission), 0n);
}
