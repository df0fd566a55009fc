import { formatMoney, formatPercent, type Money, type Ppm } from '../money.js';
import { type BandMeasure, type BandPeriod, bandRateText, type Bands, countsVolume } from './bands.js';
import { type BaseType, type Cap, type Rule, type RuleEvent, ruleScopes } from './commissionPlan.js';

/** What one affiliate earns by one rule on one level, in figures and in words. */
export interface OwnRate {
  /** Null: every product that has no row of its own. */
  readonly productId: string | null;
  readonly event: RuleEvent;
  readonly transactionType: string | null;
  readonly level: number;
  readonly kind: 'percent' | 'flat';
  readonly rate: Ppm | null;
  readonly amount: Money | null;
  readonly minimumBase: Money | null;
  readonly maxPayments: number | null;
  readonly maxMonths: number | null;
  readonly text: string;
}

/**
 * The rates that count for an affiliate in a program: per kind of event, product and level the narrowest scope that has a rule, as the plan
 * decides when it pays (ruling 5). `rules` are those of the program at the instant (`listRulesAt`). Level 2 is what it earns on the sales of
 * those it recruited: rules of a person or a group are about their own sales, so its own say nothing of it.
 */
export function ownRates(
  rules: readonly Rule[],
  affiliate: { readonly id: string; readonly groupId: string | null },
  program: { readonly levels: number; readonly acquisitionModel: 'cpl' | 'cpa' | null },
): readonly OwnRate[] {
  const paying = rules.flatMap((rule) => underModel(rule, program.acquisitionModel));
  const mine = paying.filter(
    (rule) =>
      (rule.scope !== 'affiliate' || rule.affiliateId === affiliate.id) &&
      (rule.scope !== 'group' || (rule.groupId !== null && rule.groupId === affiliate.groupId)),
  );
  const ofEverybody = paying.filter((rule) => rule.scope !== 'affiliate' && rule.scope !== 'group');
  const rates: OwnRate[] = [];
  for (const family of new Set(mine.map(familyOf)))
    for (const level of program.levels > 1 ? [1, 2] : [1]) {
      const stating = (level === 1 ? mine : ofEverybody).filter(
        (rule) => familyOf(rule) === family && rule.terms.levels.some((one) => one.level === level),
      );
      const general = narrowest(stating, null);
      rates.push(...general.flatMap((rule) => ratesOf(rule, null, level)));
      for (const productId of new Set(stating.flatMap((rule) => rule.productId ?? []))) {
        const own = narrowest(stating, productId);
        if (own.some((rule) => !general.includes(rule)))
          rates.push(...own.flatMap((rule) => ratesOf(rule, productId, level)));
      }
    }
  return rates;
}

/** CPL pays leads only; CPA no lead, and of payments the first (PRG-21). */
function underModel(rule: Rule, model: 'cpl' | 'cpa' | null): readonly Rule[] {
  const isLead = familyOf(rule) === 'lead';
  if ((model === 'cpl' && !isLead) || (model === 'cpa' && isLead)) return [];
  return [model === 'cpa' && rule.event === 'payment' ? { ...rule, event: 'first_payment' } : rule];
}

function familyOf(rule: Rule): string {
  if (rule.event === 'transaction') return `transaction ${rule.transactionType ?? ''}`;
  return rule.event === 'lead' || rule.event === 'registration' ? 'lead' : 'payment';
}

function narrowest(rules: readonly Rule[], productId: string | null): readonly Rule[] {
  const fitting = rules.filter((rule) => rule.productId === null || rule.productId === productId);
  for (const scope of ruleScopes) {
    const step = fitting.filter((rule) => rule.scope === scope);
    const best = Math.max(...step.map(width));
    if (step.length > 0) return step.filter((rule) => width(rule) === best);
  }
  return [];
}

function width(rule: Rule): number {
  return (rule.productId === null ? 0 : 2) + (rule.programId === null ? 0 : 1);
}

function ratesOf(rule: Rule, productId: string | null, of: number): readonly OwnRate[] {
  const { minimumBase, limits, base, bands, cap } = rule.terms;
  return rule.terms.levels
    .filter((level) => level.level === of)
    .map((level) => ({
      productId,
      event: rule.event,
      transactionType: rule.transactionType,
      level: level.level,
      kind: level.kind,
      rate: level.kind === 'percent' ? level.rate : null,
      amount: level.kind === 'flat' ? level.amount : null,
      minimumBase,
      ...limits,
      text: [
        bands !== null && bands.level === level.level
          ? bandWords(bands, baseWords[base])
          : level.kind === 'percent'
            ? `${formatPercent(level.rate)} % of ${level.of === 'base' ? baseWords[base] : 'what the affiliate you recruited earns'}`
            : `${amountText(level.amount)}${level.perUnit ? ' for each unit' : ''}`,
        level.level === 1 ? eventWords(rule) : `${eventWords(rule)} that an affiliate you recruited brings`,
        ...(minimumBase === null ? [] : [`from ${amountText(minimumBase)}`]),
        ...(limits.maxPayments === null ? [] : [`for the first ${limits.maxPayments} payments of a customer`]),
        ...(limits.maxMonths === null ? [] : [`for ${limits.maxMonths} months from the first`]),
        ...(cap === null ? [] : [capWords(cap)]),
      ].join(', '),
    }));
}

const measureWords: Readonly<Record<BandMeasure, string>> = {
  sales_count: 'sales',
  sales_amount: 'of what you sold',
  sale_size: 'of one sale',
  payment_number: 'payments of the customer',
  months_since_first_commission: 'months from your first commission for the customer',
};
const periodWords: Readonly<Record<BandPeriod, string>> = {
  lifetime: '',
  month: ' in a month',
  quarter: ' in a quarter',
  year: ' in a year',
};

/** `10 % of …, 15 % from 10 sales in a month; the band you reach counts for all of them`. */
function bandWords(bands: Bands, base: string): string {
  const rows = bands.rows.map((row, index) => {
    const rate = row.pays.kind === 'percent' ? `${bandRateText(row.pays)} of ${base}` : bandRateText(row.pays);
    return index === 0 ? rate : `${rate} from ${row.from} ${measureWords[bands.by]}${periodWords[bands.period]}`;
  });
  const isForAll = bands.mode === 'whole' && countsVolume(bands.by);
  return `${rows.join('; ')}${isForAll ? '; the band you reach counts for the sales before too' : ''}`;
}

function capWords(cap: Cap): string {
  const period = { commission: 'for one commission', month: 'in a month', lifetime: 'in all' }[cap.period];
  const scope = {
    program: ' for everybody together',
    group: ' for your group together',
    affiliate: '',
    affiliate_customer: ' for one customer',
  }[cap.scope];
  return `at most ${amountText(cap.amount)} ${period}${cap.period === 'commission' ? '' : scope}`;
}

const baseWords: Readonly<Record<BaseType, string>> = {
  gross: 'the price with tax',
  net: 'the price without tax',
  net_of_fees: 'the price without tax and fees',
  deposit: 'the deposit',
};

function eventWords(rule: Rule): string {
  switch (rule.event) {
    case 'lead':
      return 'for every accepted lead';
    case 'registration':
      return 'for every registration';
    case 'first_payment':
      return 'for the first payment of a customer';
    case 'payment':
      return 'for every payment';
    case 'transaction':
      return `for every ${rule.transactionType ?? 'transaction'}`;
    default:
      return rule.event satisfies never;
  }
}

function amountText(amount: Money): string {
  const wire = formatMoney(amount);
  return `${wire.amount} ${wire.currency}`;
}
