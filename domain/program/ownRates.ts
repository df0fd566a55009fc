import { formatMoney, formatPercent, type Money, type Ppm } from '../money.js';
import { type BandMeasure, type BandPeriod, bandRateText, type Bands, countsVolume } from './bands.js';
import {
  type BaseType,
  type Cap,
  type CapPeriod,
  type CapScope,
  type Rule,
  type RuleEvent,
  type RuleLevel,
  ruleScopes,
} from './commissionPlan.js';

/** What one affiliate earns by one rule on one level, in figures and in words. */
export interface OwnRate<R extends Rule = Rule> {
  /** The rule that says so, with what it pays for as the acquisition model leaves it. */
  readonly rule: R;
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
export function ownRates<R extends Rule>(
  rules: readonly R[],
  affiliate: {
    readonly id: string;
    readonly groupId: string | null;
    /** In place of the program's, for its own sales and leads; of its recruits' sales theirs decides (docs/decisions/0741). */
    readonly acquisitionModel?: 'cpl' | 'cpa' | null;
  },
  program: { readonly levels: number; readonly acquisitionModel: 'cpl' | 'cpa' | null },
  language: RateLanguage = 'en',
): readonly OwnRate<R>[] {
  const paying = rules.flatMap((rule) => underModel(rule, program.acquisitionModel));
  const ownModel = affiliate.acquisitionModel ?? program.acquisitionModel;
  const mine = rules
    .flatMap((rule) => underModel(rule, ownModel))
    .filter(
      (rule) =>
        (rule.scope !== 'affiliate' || rule.affiliateId === affiliate.id) &&
        (rule.scope !== 'group' || (rule.groupId !== null && rule.groupId === affiliate.groupId)),
    );
  const ofEverybody = paying.filter((rule) => rule.scope !== 'affiliate' && rule.scope !== 'group');
  const rates: OwnRate<R>[] = [];
  for (const family of new Set([...mine, ...ofEverybody].map(familyOf)))
    for (const level of program.levels > 1 ? [1, 2] : [1]) {
      const stating = (level === 1 ? mine : ofEverybody).filter(
        (rule) => familyOf(rule) === family && rule.terms.levels.some((one) => one.level === level),
      );
      const general = narrowest(stating, null);
      rates.push(...general.flatMap((rule) => ratesOf(rule, null, level, language)));
      for (const productId of new Set(stating.flatMap((rule) => rule.productId ?? []))) {
        const own = narrowest(stating, productId);
        if (own.some((rule) => !general.includes(rule)))
          rates.push(...own.flatMap((rule) => ratesOf(rule, productId, level, language)));
      }
    }
  return rates;
}

/** CPL pays leads only; CPA no lead, and of payments the first (PRG-21). */
function underModel<R extends Rule>(rule: R, model: 'cpl' | 'cpa' | null): readonly R[] {
  const isLead = familyOf(rule) === 'lead';
  if ((model === 'cpl' && !isLead) || (model === 'cpa' && isLead)) return [];
  return [model === 'cpa' && rule.event === 'payment' ? { ...rule, event: 'first_payment' } : rule];
}

function familyOf(rule: Rule): string {
  if (rule.event === 'transaction') return `transaction ${rule.transactionType ?? ''}`;
  return rule.event === 'lead' || rule.event === 'registration' ? 'lead' : 'payment';
}

function narrowest<R extends Rule>(rules: readonly R[], productId: string | null): readonly R[] {
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

function ratesOf<R extends Rule>(
  rule: R,
  productId: string | null,
  of: number,
  language: RateLanguage,
): readonly OwnRate<R>[] {
  const { minimumBase, limits } = rule.terms;
  return rule.terms.levels
    .filter((level) => level.level === of)
    .map((level) => ({
      rule,
      productId,
      event: rule.event,
      transactionType: rule.transactionType,
      level: level.level,
      kind: level.kind,
      rate: level.kind === 'percent' ? level.rate : null,
      amount: level.kind === 'flat' ? level.amount : null,
      minimumBase,
      ...limits,
      text: rateText(rule, level, language),
    }));
}

/** A level of a rule as the affiliate reads it. */
function rateText(rule: Rule, level: RuleLevel, language: RateLanguage): string {
  const { minimumBase, limits, base, bands, cap } = rule.terms;
  const say = words[language];
  const earned = say.event(rule);
  return [
    bands !== null && bands.level === level.level
      ? bandText(bands, say.base[base], say)
      : level.kind === 'percent'
        ? `${formatPercent(level.rate)} % ${level.of === 'base' ? `${say.of} ${say.base[base]}` : say.ofRecruit}`
        : `${amountText(level.amount)}${level.perUnit ? say.perUnit : ''}`,
    level.level === 1 ? earned : say.byRecruit(earned),
    ...(minimumBase === null ? [] : [say.from(amountText(minimumBase))]),
    ...(limits.maxPayments === null ? [] : [say.payments(limits.maxPayments)]),
    ...(limits.maxMonths === null ? [] : [say.months(limits.maxMonths)]),
    ...(cap === null ? [] : [capText(cap, say)]),
  ].join(', ');
}

/** `10 % of …, 15 % from 10 sales in a month; the band you reach counts for all of them`. */
function bandText(bands: Bands, base: string, say: Words): string {
  const rows = bands.rows.map((row, index) => {
    const rate = row.pays.kind === 'percent' ? `${bandRateText(row.pays)} ${say.of} ${base}` : bandRateText(row.pays);
    return index === 0 ? rate : `${rate} ${say.band(row.from, say.measure[bands.by], say.period[bands.period])}`;
  });
  const isForAll = bands.mode === 'whole' && countsVolume(bands.by);
  return `${rows.join('; ')}${isForAll ? say.forAll : ''}`;
}

function capText(cap: Cap, say: Words): string {
  const scope = cap.period === 'commission' ? '' : say.capScope[cap.scope];
  return `${say.atMost} ${amountText(cap.amount)} ${say.capPeriod[cap.period]}${scope}`;
}

/** The languages that affiliates read. */
export const rateLanguages = ['en', 'de'] as const;
export type RateLanguage = (typeof rateLanguages)[number];

interface Words {
  readonly of: string;
  readonly ofRecruit: string;
  readonly perUnit: string;
  readonly base: Readonly<Record<BaseType, string>>;
  readonly event: (rule: Rule) => string;
  readonly byRecruit: (event: string) => string;
  readonly from: (amount: string) => string;
  readonly payments: (count: number) => string;
  readonly months: (count: number) => string;
  readonly band: (from: string, measure: string, period: string) => string;
  readonly measure: Readonly<Record<BandMeasure, string>>;
  readonly period: Readonly<Record<BandPeriod, string>>;
  readonly forAll: string;
  readonly atMost: string;
  readonly capPeriod: Readonly<Record<CapPeriod, string>>;
  readonly capScope: Readonly<Record<CapScope, string>>;
}

const words: Readonly<Record<RateLanguage, Words>> = {
  en: {
    of: 'of',
    ofRecruit: 'of what the affiliate you recruited earns',
    perUnit: ' for each unit',
    base: {
      gross: 'the price with tax',
      net: 'the price without tax',
      net_of_fees: 'the price without tax and fees',
      deposit: 'the deposit',
    },
    event: (rule) =>
      ({
        lead: 'for every accepted lead',
        registration: 'for every registration',
        first_payment: 'for the first payment of a customer',
        payment: 'for every payment',
        transaction: `for every ${rule.transactionType ?? 'transaction'}`,
      })[rule.event],
    byRecruit: (event) => `${event} that an affiliate you recruited brings`,
    from: (amount) => `from ${amount}`,
    payments: (count) => `for the first ${count} payments of a customer`,
    months: (count) => `for ${count} months from the first`,
    band: (from, measure, period) => `from ${from} ${measure}${period}`,
    measure: {
      sales_count: 'sales',
      sales_amount: 'of what you sold',
      sale_size: 'of one sale',
      payment_number: 'payments of the customer',
      months_since_first_commission: 'months from your first commission for the customer',
    },
    period: { lifetime: '', month: ' in a month', quarter: ' in a quarter', year: ' in a year' },
    forAll: '; the band you reach counts for the sales before too',
    atMost: 'at most',
    capPeriod: { commission: 'for one commission', month: 'in a month', lifetime: 'in all' },
    capScope: {
      program: ' for everybody together',
      group: ' for your group together',
      affiliate: '',
      affiliate_customer: ' for one customer',
    },
  },
  de: {
    of: 'von',
    ofRecruit: 'von dem, was der von Ihnen geworbene Affiliate verdient',
    perUnit: ' je Stück',
    base: {
      gross: 'dem Preis mit Steuer',
      net: 'dem Preis ohne Steuer',
      net_of_fees: 'dem Preis ohne Steuer und Gebühren',
      deposit: 'der Einzahlung',
    },
    event: (rule) =>
      ({
        lead: 'für jeden angenommenen Lead',
        registration: 'für jede Registrierung',
        first_payment: 'für die erste Zahlung eines Kunden',
        payment: 'für jede Zahlung',
        transaction: `für jeden Vorgang ${rule.transactionType ?? ''}`.trim(),
      })[rule.event],
    byRecruit: (event) => `${event}, über einen von Ihnen geworbenen Affiliate`,
    from: (amount) => `ab ${amount}`,
    payments: (count) => `für die ersten ${count} Zahlungen eines Kunden`,
    months: (count) => `${count} Monate lang ab der ersten`,
    band: (from, measure, period) => `ab ${from} ${measure}${period}`,
    measure: {
      sales_count: 'Verkäufen',
      sales_amount: 'Ihres Umsatzes',
      sale_size: 'eines Verkaufs',
      payment_number: 'Zahlungen des Kunden',
      months_since_first_commission: 'Monaten seit Ihrer ersten Provision für den Kunden',
    },
    period: { lifetime: '', month: ' in einem Monat', quarter: ' in einem Quartal', year: ' in einem Jahr' },
    forAll: '; die erreichte Stufe gilt auch für die Verkäufe davor',
    atMost: 'höchstens',
    capPeriod: { commission: 'für eine Provision', month: 'im Monat', lifetime: 'insgesamt' },
    capScope: {
      program: ' für alle zusammen',
      group: ' für Ihre Gruppe zusammen',
      affiliate: '',
      affiliate_customer: ' für einen Kunden',
    },
  },
};

function amountText(amount: Money): string {
  const wire = formatMoney(amount);
  return `${wire.amount} ${wire.currency}`;
}
