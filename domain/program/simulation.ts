import { monthsBetween, periodContaining } from '../calendar.js';
import type { AffiliateId, ProgramId, ReferralId } from '../ids.js';
import {
  addFractions,
  type CurrencyCode,
  type Fraction,
  type Money,
  reversedInAll,
  roundToMinor,
  shareOf,
  wholeOf,
} from '../money.js';
import { addMonths, type Instant } from '../time.js';
import { type BandPeriod, bandsKey, countsVolume } from './bands.js';
import { type CapPeriod, type CapScope, chooseVersion, type RuleVersion } from './commissionPlan.js';
import { capSubject } from './earnedPart.js';
import { type EarnedLine, type Earnings, evaluatePlan, type Repricing } from './planEvaluation.js';
import type { ChainMember, PlanEvent, PricedLine } from './planEvent.js';
import type { CapSpent, Volume } from './planInput.js';
import { type PlanStep, planAt } from './programPlan.js';
import { type CompiledRules, compileRules } from './ruleChoice.js';

/** A program as a simulation knows it: every version of every rule that counts in it, the draft among them. */
export interface SimulatedProgram {
  readonly id: ProgramId;
  readonly currency: CurrencyCode;
  readonly levels: number;
  readonly acquisitionModel: 'cpl' | 'cpa' | null;
  /** Of a draft none: what it would have cost is asked of the program as it is. */
  readonly planSteps: readonly PlanStep[];
  /** When each product was in it; null: still. */
  readonly products: ReadonlyMap<string, readonly ListedTime[]>;
  /** Cuts months, quarters and years. */
  readonly zone: string;
  /** The versions of each rule. */
  readonly rules: readonly (readonly RuleVersion[])[];
}

export interface ListedTime {
  readonly from: Instant;
  readonly until: Instant | null;
}

/** A line of a past sale, with why it earned nothing when it was judged; null: it earned, or nobody kept it. */
export interface PastLine extends PricedLine {
  readonly code?: string | null;
}

/** One past sale or lead, in the order in which it was judged. Amounts in minor units. */
export interface PastEvent {
  readonly id: string;
  readonly programId: ProgramId;
  readonly affiliateId: AffiliateId;
  readonly referralId: ReferralId;
  readonly customerId: string;
  readonly occurredAt: Instant;
  readonly brought: Instant | null;
  readonly event: PlanEvent;
  readonly lines: readonly PastLine[];
  readonly paymentNumber: number | null;
  /** Given back until now, of all that was taken: of it nobody earns. */
  readonly refunded: bigint;
  readonly captured: bigint;
}

/** What an affiliate would have earned in a program, net of refunds, and what by which band. */
export interface Simulated {
  readonly byAffiliate: ReadonlyMap<
    string,
    { readonly programId: ProgramId; readonly affiliateId: AffiliateId; readonly amount: bigint }
  >;
  readonly byBand: ReadonlyMap<
    string,
    { readonly ruleId: string; readonly from: string; readonly amount: bigint; readonly count: number }
  >;
  readonly sales: number;
  readonly leads: number;
}

/** What a referral, an affiliate or a cap was before the first event, from the books. */
export interface Beginning {
  readonly payments: ReadonlyMap<string, { readonly payments: number; readonly firstAt: Instant | null }>;
  readonly volumes: readonly {
    readonly programId: ProgramId;
    readonly affiliateId: AffiliateId;
    readonly groupId: string | null;
    readonly customerId: string;
    readonly level: number;
    readonly at: Instant;
    readonly count: number;
    /** Sum of the bases, and what stands of the commissions. */
    readonly amount: bigint;
    readonly earned: bigint;
  }[];
}

export interface Simulation {
  take(event: PastEvent): Earnings;
  result(): Simulated;
}

/**
 * Judges past events one after the other by a plan, keeping what limits, bands and caps ask for; writes nothing and reads no clock. The same
 * `evaluatePlan` as of an accrual decides, so that the present plan comes out as it was booked (BEY-02). An event that was given back in full
 * does not count for the later ones; one that was given back in part counts for the rest.
 */
export function createSimulation(
  programs: ReadonlyMap<string, SimulatedProgram>,
  chainOf: (program: SimulatedProgram, event: PastEvent) => readonly ChainMember[],
  beginning: Beginning,
): Simulation {
  const running = new Map<string, RunningProgram>();
  const byAffiliate = new Map<string, { programId: ProgramId; affiliateId: AffiliateId; amount: bigint }>();
  const byBand = new Map<string, { ruleId: string; from: string; amount: bigint; count: number }>();
  const payments = new Map<string, { payments: number; firstAt: Instant | null }>(beginning.payments);
  const paidLeads = new Map<string, Set<'lead' | 'registration'>>();
  let sales = 0;
  let leads = 0;

  const earn = (programId: ProgramId, affiliateId: AffiliateId, amount: bigint): void => {
    const key = `${programId} ${affiliateId}`;
    const known = byAffiliate.get(key);
    if (known === undefined) byAffiliate.set(key, { programId, affiliateId, amount });
    else known.amount += amount;
  };
  const runningOf = (programId: ProgramId): RunningProgram | undefined => {
    const known = running.get(programId);
    const program = programs.get(programId);
    if (known !== undefined || program === undefined) return known;
    const made = runProgram(program, beginning);
    running.set(programId, made);
    return made;
  };

  return {
    take(past) {
      const at = runningOf(past.programId);
      if (at === undefined) return noEarnings;
      const { program } = at;
      const before = payments.get(past.referralId) ?? { payments: 0, firstAt: null };
      const rules = at.rulesFor(past.occurredAt, past.brought ?? past.occurredAt);
      const { levels, acquisitionModel } = planAt(program, past.occurredAt);
      const chain = chainOf(program, past).filter(({ level }) => level <= levels);
      const [first] = chain;
      const event: PlanEvent =
        past.event.kind === 'lead' ? { ...past.event, paidBefore: paidLeads.get(past.referralId) ?? none } : past.event;
      const earnings = evaluatePlan({
        programId: program.id,
        currency: program.currency,
        acquisitionModel,
        event,
        lines: past.lines,
        products: listedOf(program, past),
        chain,
        rules,
        earnedBefore: {
          payments: before.payments,
          months: before.firstAt === null ? null : at.monthsSince(before.firstAt, past.occurredAt),
        },
        paymentNumber: past.paymentNumber ?? before.payments + 1,
        customerId: past.customerId,
        volumes: at.volumes(chain, past.occurredAt),
        spent: at.spent(chain, past),
      });
      if (past.event.kind === 'lead') leads += 1;
      else sales += 1;
      if (earnings.lines.length === 0) return earnings;
      if (past.event.kind === 'sale') {
        const firstAt = before.firstAt === null || past.occurredAt < before.firstAt ? past.occurredAt : before.firstAt;
        payments.set(past.referralId, { payments: before.payments + 1, firstAt });
      } else if (first !== undefined) {
        const paid = paidLeads.get(past.referralId) ?? new Set<'lead' | 'registration'>();
        for (const part of earnings.lines[0]?.parts ?? [])
          if (part.rule.event === 'lead' || part.rule.event === 'registration') paid.add(part.rule.event);
        paidLeads.set(past.referralId, paid);
      }
      for (const repricing of earnings.repricings)
        for (const raise of at.raise(repricing, past.occurredAt)) earn(program.id, repricing.affiliateId, raise);
      for (const line of earnings.lines) {
        earn(program.id, line.affiliateId, left(line.amount.minor, past));
        at.count(line, past, chain);
        for (const part of line.parts)
          for (const slice of part.slices) {
            const key = `${part.rule.id} ${slice.from}`;
            const known = byBand.get(key) ?? { ruleId: part.rule.id, from: slice.from, amount: 0n, count: 0 };
            known.amount += roundToMinor(slice.exact);
            known.count += 1;
            byBand.set(key, known);
          }
      }
      return earnings;
    },
    result: () => ({ byAffiliate, byBand, sales, leads }),
  };
}

/**
 * The products of a sale that were in its program when it was judged: all but those that earned nothing and were not in it at the time, so that a
 * product that came or left since changes nothing of what was booked (PRG-14).
 */
function listedOf({ products }: SimulatedProgram, { lines, occurredAt }: PastEvent): ReadonlySet<string> {
  const isIn = ({ from, until }: ListedTime): boolean => from <= occurredAt && (until === null || occurredAt < until);
  const listed = new Set<string>();
  for (const { productId, code } of lines)
    if (productId !== null && (code !== 'not_commissionable' || products.get(productId)?.some(isIn) === true))
      listed.add(productId);
  return listed;
}

const none: ReadonlySet<'lead' | 'registration'> = new Set();
const nothing: Fraction = { numerator: 0n, denominator: 1n };
const noEarnings: Earnings = { lines: [], code: 'program_not_active', lineCodes: [], repricings: [] };

/** What is left of an amount after what was given back (money.md 2.4). */
function left(amount: bigint, past: Pick<PastEvent, 'refunded' | 'captured'>): bigint {
  if (past.refunded === 0n || past.captured === 0n) return amount;
  return amount < 0n ? -left(-amount, past) : amount - reversedInAll(amount, past.refunded, past.captured);
}

/** An earlier line of a whole band: what it is now with its raises, and of what it is made. */
interface CountedLine {
  /** What other rules won of the sale. */
  readonly others: Fraction;
  readonly bases: readonly Money[];
  readonly past: Pick<PastEvent, 'refunded' | 'captured'>;
  total: bigint;
}

interface RunningProgram {
  readonly program: SimulatedProgram;
  rulesFor(at: Instant, brought: Instant): CompiledRules;
  monthsSince(from: Instant, at: Instant): number;
  volumes(chain: readonly ChainMember[], at: Instant): readonly Volume[];
  spent(chain: readonly ChainMember[], past: PastEvent): readonly CapSpent[];
  count(line: EarnedLine, past: PastEvent, chain: readonly ChainMember[]): void;
  /** What each earlier line of a whole band is due beyond what it was, net of refunds. */
  raise(repricing: Repricing, at: Instant): readonly bigint[];
}

function runProgram(program: SimulatedProgram, beginning: Beginning): RunningProgram {
  const versions = program.rules.flat();
  const borders = [...new Set(versions.flatMap((one) => (one.to === null ? [one.from] : [one.from, one.to])))].sort(
    (a, b) => (a < b ? -1 : 1),
  );
  const compiled = new Map<string, CompiledRules>();
  const asked = askedBy(versions);
  const byOld = versions.some((one) => one.terms.appliesTo === 'new_customers');
  const counted = new Map<string, { count: number; amount: bigint }>();
  const spending = new Map<string, bigint>();
  const wholes = new Map<string, CountedLine[]>();
  const ranges = new Map<string, { from: Instant; until: Instant }>();

  const segment = (at: Instant): number => {
    let low = 0;
    let high = borders.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((borders[middle] ?? at) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  /** The start of the period that contains an instant: what tells two months apart. Past events come nearly in order, so one range is kept. */
  const periodOf = (period: BandPeriod | CapPeriod, at: Instant): string => {
    if (period === 'lifetime' || period === 'commission') return period;
    const known = ranges.get(period);
    if (known !== undefined && known.from <= at && at < known.until) return `${period} ${known.from}`;
    const range = periodContaining(program.zone, period, at);
    ranges.set(period, range);
    return `${period} ${range.from}`;
  };
  const volumeKey = (affiliateId: string, level: number, period: BandPeriod, at: Instant): string =>
    `${affiliateId} ${level} ${periodOf(period, at)}`;
  const add = (key: string, count: number, amount: bigint): void => {
    const known = counted.get(key);
    if (known === undefined) counted.set(key, { count, amount });
    else {
      known.count += count;
      known.amount += amount;
    }
  };
  for (const one of beginning.volumes) {
    if (one.programId !== program.id) continue;
    for (const { level, period } of asked.volumes)
      if (level === one.level) add(volumeKey(one.affiliateId, level, period, one.at), one.count, one.amount);
    for (const { scope, period } of asked.caps) {
      const key = `${scope} ${capSubject(scope, one, one.customerId)} ${periodOf(period, one.at)}`;
      spending.set(key, (spending.get(key) ?? 0n) + one.earned);
    }
  }

  return {
    program,
    rulesFor(at, brought) {
      const key = byOld ? `${segment(at)} ${segment(brought)}` : String(segment(at));
      let found = compiled.get(key);
      if (found === undefined) {
        found = compileRules(
          program.id,
          program.rules.flatMap((ofRule) => chooseVersion(ofRule, at, brought) ?? []),
        );
        compiled.set(key, found);
      }
      return found;
    },
    monthsSince(from, at) {
      if (!asked.months) return 0;
      if (program.zone !== 'UTC') return monthsBetween(program.zone, from, at);
      let months = Math.max(
        0,
        (Number(at.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(at.slice(5, 7)) - Number(from.slice(5, 7)),
      );
      if (addMonths(from, months).slice(0, 10) > at.slice(0, 10)) months -= 1; // days count, as in `monthsBetween`
      return Math.max(0, months);
    },
    volumes(chain, at) {
      if (asked.volumes.length === 0) return noVolumes;
      return asked.volumes.flatMap(({ level, period }): readonly Volume[] => {
        const member = chain.find((one) => one.level === level);
        const known = member === undefined ? undefined : counted.get(volumeKey(member.affiliateId, level, period, at));
        return known === undefined ? [] : [{ level, period, ...known }];
      });
    },
    spent(chain, past) {
      if (asked.caps.length === 0) return noSpent;
      return asked.caps.flatMap(({ scope, period }) =>
        chain.map((member): CapSpent => {
          const subject = capSubject(scope, member, past.customerId);
          return {
            scope,
            period,
            subject,
            amount: spending.get(`${scope} ${subject} ${periodOf(period, past.occurredAt)}`) ?? 0n,
          };
        }),
      );
    },
    count(line, past, chain) {
      const stands = left(line.amount.minor, past);
      const member = chain.find((one) => one.level === line.level);
      if (member !== undefined)
        for (const { scope, period } of asked.caps) {
          const key = `${scope} ${capSubject(scope, member, past.customerId)} ${periodOf(period, past.occurredAt)}`;
          spending.set(key, (spending.get(key) ?? 0n) + stands);
        }
      if (stands <= 0n) return;
      for (const { level, period } of asked.volumes)
        if (level === line.level)
          add(volumeKey(line.affiliateId, level, period, past.occurredAt), 1, left(line.base.minor, past));
      for (const { rule } of line.parts) {
        const { bands } = rule.terms;
        if (bands?.mode !== 'whole' || !countsVolume(bands.by) || bands.level !== line.level || line.clipCode !== null)
          continue;
        const key = `${rule.id} ${bandsKey(bands)} ${volumeKey(line.affiliateId, line.level, bands.period, past.occurredAt)}`;
        const kept: CountedLine = {
          others: line.parts.reduce(
            (total, part) => (part.rule === rule ? total : addFractions(total, part.exact)),
            nothing,
          ),
          bases: line.parts.flatMap((part) => (part.rule === rule ? [part.base] : [])),
          past: { refunded: past.refunded, captured: past.captured },
          total: line.amount.minor,
        };
        const known = wholes.get(key);
        if (known === undefined) wholes.set(key, [kept]);
        else known.push(kept);
      }
    },
    raise({ rule, level, affiliateId, row }, at) {
      const { bands } = rule.terms;
      const pays = bands?.rows[row]?.pays;
      if (bands === null || pays === undefined) return [];
      const earlier =
        wholes.get(`${rule.id} ${bandsKey(bands)} ${volumeKey(affiliateId, level, bands.period, at)}`) ?? [];
      return earlier.map((line) => {
        const exact = line.bases.reduce(
          (total, base) => addFractions(total, pays.kind === 'flat' ? wholeOf(pays.amount) : shareOf(base, pays.rate)),
          line.others,
        );
        const due = roundToMinor(exact);
        const more = due - line.total;
        line.total = due;
        return left(more, line.past);
      });
    },
  };
}

const noVolumes: readonly Volume[] = [];
const noSpent: readonly CapSpent[] = [];

/** What any version of the rules asks for. */
function askedBy(versions: readonly RuleVersion[]): {
  readonly volumes: readonly { readonly level: number; readonly period: BandPeriod }[];
  readonly caps: readonly { readonly scope: CapScope; readonly period: CapPeriod }[];
  readonly months: boolean;
} {
  const volumes = new Map<string, { level: number; period: BandPeriod }>();
  const caps = new Map<string, { scope: CapScope; period: CapPeriod }>();
  let months = false;
  for (const { terms } of versions) {
    const { bands, cap, limits } = terms;
    months ||= limits.maxMonths !== null || bands?.by === 'months_since_first_commission';
    if (bands !== null && countsVolume(bands.by))
      volumes.set(`${bands.level} ${bands.period}`, { level: bands.level, period: bands.period });
    if (cap !== null && cap.period !== 'commission')
      caps.set(`${cap.scope} ${cap.period}`, { scope: cap.scope, period: cap.period });
  }
  return { volumes: [...volumes.values()], caps: [...caps.values()], months };
}
