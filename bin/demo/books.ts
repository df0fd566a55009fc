import type { Actor, Cause } from '../../domain/act.js';
import {
  blockersOf,
  type Commission,
  type CommissionStatus,
  decideReduction,
  leftOf,
  type Whereabouts,
} from '../../domain/earning/commission.js';
import {
  account,
  type AffiliateBalance,
  creditAffiliate,
  debitAffiliate,
  type Posting,
  posting,
} from '../../domain/earning/ledger.js';
import { formatMoney } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import type { DemoAffiliate } from './affiliates.js';
import type { Journey } from './journeys.js';
import { type Told, untold } from './rows.js';
import { system, type Year } from './year.js';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A commission under way: the domain's own shape, which the year changes as it goes on. */
export interface Line {
  readonly commission: Writable<Commission>;
  readonly told: Told<CommissionStatus>;
  readonly affiliate: DemoAffiliate;
  readonly journey: Journey;
  readonly accrualId: string | null;
  readonly accrualKey: string;
  /** In a payout that is planned and not paid yet. */
  isReserved: boolean;
}

/** The books of the year: who is owed what, and every line with its postings (money.md 5). */
export interface Books {
  readonly lines: readonly Line[];
  accrue(at: Instant, of: NewLine): Line;
  /** Approves a line unless something stands in its way. */
  approve(at: Instant, line: Line): void;
  /** Takes something off a line because of a fact: where its money is decides how. */
  takeOff(at: Instant, line: Line, wanted: bigint, because: TakenBecause): void;
  balanceOf(affiliateId: string, currency: string): AffiliateBalance;
  /** Moves what is payable into a payout, or a payout's money away. */
  reserve(affiliateId: string, currency: string, minor: bigint): void;
}

export interface NewLine {
  readonly commission: Commission;
  readonly affiliate: DemoAffiliate;
  readonly journey: Journey;
  readonly key: string;
  readonly cause: Cause;
  readonly actor: Actor;
}

export interface TakenBecause {
  readonly cause: Cause;
  readonly reasonCode: string;
  readonly actor: Actor;
  readonly effectiveAt: Instant | null;
  /** The transfer's key; without it the line's own move (money.md 8). */
  readonly key?: string;
}

export function openBooks(year: Year): Books {
  const { rows, chance } = year;
  const lines: Line[] = [];
  const balances = new Map<string, AffiliateBalance>();
  const keyOf = (affiliateId: string, currency: string): string => `${affiliateId}/${currency}`;
  const balanceOf = (affiliateId: string, currency: string): AffiliateBalance =>
    balances.get(keyOf(affiliateId, currency)) ?? { payable: 0n, receivable: 0n };

  const expense = (line: Commission) => account('commission_expense', line.programId);
  const pending = (line: Commission) => account('commission_pending', line.affiliateId);

  function moved(
    line: Commission,
    move: { readonly postings: readonly Posting[]; readonly balance: AffiliateBalance },
  ): readonly Posting[] {
    balances.set(keyOf(line.affiliateId, line.currency), move.balance);
    return move.postings;
  }

  function add(of: NewLine, at: Instant, event: string, accrualId: string | null): Line {
    const told = untold<CommissionStatus>('commission', of.commission.id);
    const { commission } = of;
    rows.tell(told, {
      at,
      event,
      to: commission.status,
      actor: of.actor,
      cause: of.cause,
      changes: {
        kind: commission.kind,
        level: commission.level,
        affiliateId: commission.affiliateId,
        amountMinor: commission.amount.toString(),
        currency: commission.currency,
        ruleId: commission.ruleId,
        ruleVersion: commission.ruleVersion,
        onHold: commission.onHold,
      },
    });
    const line: Line = {
      commission: { ...commission },
      told,
      affiliate: of.affiliate,
      journey: of.journey,
      accrualId,
      accrualKey: of.key,
      isReserved: false,
    };
    lines.push(line);
    year.atTheEnd.push(() => store(year, line, at));
    return line;
  }

  function clawBack(at: Instant, line: Line, step: bigint, because: TakenBecause): void {
    const { commission } = line;
    commission.clawedBack += step;
    rows.tell(line.told, {
      at,
      event: 'clawedBack',
      actor: because.actor,
      cause: because.cause,
      reasonCode: because.reasonCode,
      changes: { clawedBackMinor: [(commission.clawedBack - step).toString(), commission.clawedBack.toString()] },
    });
    const taken = formatMoney({ minor: step, currency: commission.currency });
    const back: Commission = {
      ...commission,
      id: chance.newId('commission', at),
      kind: 'clawback',
      originCommissionId: commission.id,
      level1CommissionId: null,
      causeType: because.cause.type,
      causeId: because.cause.id,
      base: null,
      baseType: null,
      ratePpm: null,
      ruleId: null,
      ruleVersion: null,
      parts: [],
      explanation: {
        sentence: `${taken.amount} ${taken.currency} of a commission that was already sent is taken back.`,
      },
      exact: { numerator: -step, denominator: 1n },
      clipReason: null,
      amount: -step,
      reversed: 0n,
      clawedBack: 0n,
      status: 'approved',
      onHold: false,
      needsReviewer: false,
      reason: because.reasonCode,
      createdBy: null,
      eligibleAt: at,
      approvedAt: at,
      paidAt: null,
    };
    const { actor, cause } = because;
    add(
      { commission: back, affiliate: line.affiliate, journey: line.journey, key: '', cause, actor },
      at,
      'clawedBack',
      null,
    );
    rows.post(
      at,
      {
        kind: 'commission.clawed_back',
        key: because.key ?? `commission/${commission.id}/clawedBack/${line.told.version}`,
        cause,
        correctsKey: line.accrualKey,
        effectiveAt: because.effectiveAt,
        postings: moved(
          commission,
          debitAffiliate(
            commission.affiliateId,
            balanceOf(commission.affiliateId, commission.currency),
            expense(commission),
            { minor: step, currency: commission.currency },
          ),
        ),
      },
      line.accrualId,
    );
  }

  return {
    lines,
    balanceOf,
    reserve(affiliateId, currency, minor) {
      const before = balanceOf(affiliateId, currency);
      balances.set(keyOf(affiliateId, currency), { ...before, payable: before.payable - minor });
    },
    accrue(at, of) {
      const { commission } = of;
      const accrualId = rows.post(at, {
        kind: 'commission.accrued',
        key: of.key,
        cause: of.cause,
        correctsKey: null,
        effectiveAt: at,
        postings: posting(expense(commission), pending(commission), commission.amount, commission.currency),
      });
      return add(of, at, 'accrued', accrualId);
    },
    approve(at, line) {
      const { commission, affiliate, journey } = line;
      const blockers = blockersOf(commission, {
        now: at,
        referralStatus: journey.told.status,
        hasOpenCheck: false,
        isSaleInReview: false,
        affiliateStatus: affiliate.told.status ?? 'pending',
      });
      if (commission.status !== 'pending' || commission.needsReviewer || blockers.length > 0) return;
      commission.status = 'approved';
      commission.approvedAt = at;
      journey.changedAt = at;
      rows.tell(line.told, { at, event: 'approved', to: 'approved', actor: system });
      const amount = { minor: leftOf(commission), currency: commission.currency };
      rows.post(at, {
        kind: 'commission.approved',
        key: `commission/${commission.id}/approved/${line.told.version}`,
        cause: { type: 'commission', id: commission.id },
        correctsKey: null,
        effectiveAt: null,
        postings: moved(
          commission,
          creditAffiliate(
            commission.affiliateId,
            balanceOf(commission.affiliateId, commission.currency),
            pending(commission),
            amount,
          ),
        ),
      });
    },
    takeOff(at, line, wanted, because) {
      const { commission } = line;
      const where: Whereabouts =
        commission.status === 'paid' || line.isReserved
          ? 'sent'
          : commission.status === 'pending'
            ? 'pending'
            : 'payable';
      const reduction = decideReduction(commission, where, wanted);
      if (reduction.kind === 'none') return;
      if (reduction.kind === 'clawBack') return clawBack(at, line, reduction.step, because);
      const before = commission.reversed;
      const wasPending = commission.status === 'pending';
      commission.reversed += reduction.step;
      commission.status = reduction.to;
      rows.tell(line.told, {
        at,
        event: reduction.event,
        to: reduction.to,
        actor: because.actor,
        cause: because.cause,
        reasonCode: because.reasonCode,
        changes: { reversedMinor: [before.toString(), commission.reversed.toString()] },
      });
      const amount = { minor: reduction.step, currency: commission.currency };
      rows.post(
        at,
        {
          kind: `commission.${reduction.event}`,
          key: because.key ?? `commission/${commission.id}/${reduction.event}/${line.told.version}`,
          cause: because.cause,
          correctsKey: line.accrualKey,
          effectiveAt: because.effectiveAt,
          postings: wasPending
            ? posting(pending(commission), expense(commission), amount.minor, amount.currency)
            : moved(
                commission,
                debitAffiliate(
                  commission.affiliateId,
                  balanceOf(commission.affiliateId, commission.currency),
                  expense(commission),
                  amount,
                ),
              ),
        },
        line.accrualId,
      );
      return undefined;
    },
  };
}

function store(year: Year, line: Line, bornAt: Instant): void {
  const { commission, told } = line;
  year.rows.add('commissions', {
    id: commission.id,
    mode: 'live',
    kind: commission.kind,
    level: commission.level,
    affiliate_id: commission.affiliateId,
    program_id: commission.programId,
    referral_id: commission.referralId,
    sale_id: commission.saleId,
    origin_commission_id: commission.originCommissionId,
    level1_commission_id: commission.level1CommissionId,
    cause_type: commission.causeType,
    cause_id: commission.causeId,
    currency: commission.currency,
    base_minor: commission.base?.toString() ?? null,
    base_type: commission.baseType,
    rate_ppm: commission.ratePpm,
    rule_id: commission.ruleId,
    rule_version: commission.ruleVersion,
    parts: commission.parts,
    explanation: commission.explanation,
    exact_numerator: commission.exact.numerator.toString(),
    exact_denominator: commission.exact.denominator.toString(),
    clip_reason: commission.clipReason,
    amount_minor: commission.amount.toString(),
    reversed_minor: commission.reversed.toString(),
    clawed_back_minor: commission.clawedBack.toString(),
    accrues: commission.accrues,
    status: told.status,
    on_hold: commission.onHold,
    needs_reviewer: commission.needsReviewer,
    sub1: commission.sub1,
    reason: commission.reason,
    eligible_at: commission.eligibleAt,
    approved_at: commission.approvedAt,
    paid_at: commission.paidAt,
    version: told.version,
    created_at: bornAt,
    updated_at: commission.paidAt ?? commission.approvedAt ?? bornAt,
  });
}
