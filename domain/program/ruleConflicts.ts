import type { AffiliateId, ProgramId } from '../ids.js';
import {
  addFractions,
  type CurrencyCode,
  formatPercent,
  type Fraction,
  larger,
  partOf,
  type Ppm,
  ppm,
} from '../money.js';
import { addMs, type Instant } from '../time.js';
import { type Bands, countsVolume, highestRate, isAmount, rowStarts } from './bands.js';
import {
  chooseVersion,
  type Rule,
  type RuleLevel,
  type RulePlace,
  type RuleTerms,
  type RuleVersion,
} from './commissionPlan.js';
import { noAmount, type PlanEvent } from './planEvent.js';
import { chooseRule, compileRules, ladderOf } from './ruleChoice.js';

export interface RuleConflict {
  readonly code: string;
  readonly detail: string;
  readonly ruleId?: string;
}

/** What is wrong with a rule by itself: the conflicts of `rule_conflict` (api.md 3, RUL-18). `program` where it names one. */
export function ruleConflicts(
  rule: RulePlace & { readonly terms: RuleTerms },
  program: { readonly levels: number; readonly currency: CurrencyCode } | null,
): readonly RuleConflict[] {
  const { levels } = rule.terms;
  const conflicts: RuleConflict[] = [];
  const numbers = levels.map((level) => level.level);
  if (new Set(numbers).size !== numbers.length)
    conflicts.push({ code: 'level_twice', detail: 'A level stands twice.' });
  if (!numbers.includes(1)) conflicts.push({ code: 'level_missing', detail: 'Level 1 is missing.' });
  const { bands } = rule.terms;
  if (isOverWhole(levels.map((level) => shareOf(level, bands))))
    conflicts.push({ code: 'levels_over_whole', detail: 'The levels together exceed 100 % of the base.' });
  if (levels.some((level) => level.level === 1 && level.kind === 'percent' && level.of === 'lower_level'))
    conflicts.push({ code: 'no_lower_level', detail: 'Level 1 has no level below it.' });
  const isLead = rule.event === 'lead' || rule.event === 'registration';
  if (isLead && levels.some((level) => level.kind === 'percent' && level.of === 'base'))
    conflicts.push({
      code: 'lead_has_no_base',
      detail: 'A lead has no amount: only a flat sum, or a share of the level below.',
    });
  if (bands !== null) conflicts.push(...bandConflicts(bands, { levels, isLead, currency: program?.currency ?? null }));
  if (bands !== null && rule.terms.cap !== null && bands.mode === 'whole' && countsVolume(bands.by))
    conflicts.push({
      code: 'band_cap',
      detail: 'A band that raises earlier sales cannot be capped: its raises would come after the cap.',
    });
  const needsLevelTwo = rule.scope === 'program' || rule.scope === 'program_product';
  if (program !== null && needsLevelTwo && program.levels >= 2 && !numbers.includes(2))
    conflicts.push({
      code: 'level_missing',
      detail: 'A program of two levels needs a rate for level 2; 0 is allowed.',
    });
  return conflicts;
}

const whole: Fraction = { numerator: 1n, denominator: 1n };
const none: Fraction = { numerator: 0n, denominator: 1n };

/** What one level takes at most: a share of the base, or of what the level below takes. Flat sums take none. */
interface Share {
  readonly level: number;
  readonly rate: Ppm;
  readonly ofLower: boolean;
}

function shareOf(level: RuleLevel, bands: Bands | null): Share {
  const rate = bands?.level === level.level ? ppm(highestRate(bands)) : level.kind === 'percent' ? level.rate : ppm(0);
  return { level: level.level, rate, ofLower: level.kind === 'percent' && level.of === 'lower_level' };
}

/** Do all levels together take more than the base? A share of the level below is a share of its share. */
function isOverWhole(shares: readonly Share[]): boolean {
  let total = none;
  let below = none;
  for (const { rate, ofLower } of shares.toSorted((a, b) => a.level - b.level)) {
    below = partOf(ofLower ? below : whole, rate);
    total = addFractions(total, below);
  }
  return total.numerator > total.denominator;
}

/** The highest of each kind that any of these rules takes on a level. */
function highestShares(rules: readonly Rule[]): readonly Share[] {
  const highest = new Map<string, Share>();
  for (const { terms } of rules)
    for (const level of terms.levels) {
      const share = shareOf(level, terms.bands);
      const key = `${share.level}${share.ofLower}`;
      if ((highest.get(key)?.rate ?? -1) < share.rate) highest.set(key, share);
    }
  return [...highest.values()];
}

/**
 * Could any choice among rules with these shares take more than the base? Each level takes its most, and a share of the level below the most of any
 * level before. Nearly every plan is far below: without this, a plan with a thousand rules of affiliates took 35 s to be judged.
 */
function mayBeOverWhole(shares: readonly Share[]): boolean {
  let total = none;
  let before = whole;
  for (const level of [...new Set(shares.map((share) => share.level))].toSorted((a, b) => a - b)) {
    const most = shares
      .filter((share) => share.level === level)
      .map(({ rate, ofLower }) => partOf(ofLower ? before : whole, rate))
      .reduce(larger, none);
    before = level === 1 ? most : larger(before, most);
    total = addFractions(total, most);
  }
  return total.numerator > total.denominator;
}

/** Rules that pay the levels of one sale between them and together take more than the base. */
export interface RuleMeeting {
  /** The same for the same versions on the same levels, wherever they meet. */
  readonly key: string;
  readonly levels: readonly { readonly level: number; readonly rule: Rule; readonly share: Share }[];
}

/**
 * Where rules meet that exceed the base only together (RUL-18): a rule that leaves a level out leaves it to the next step, so that level 1
 * may be one rule's and level 2 another's. Every sale that the rules can tell apart is asked as the plan itself would be, at every moment
 * from `from` on at which a version begins or ends, for new and for older customers (PRG-17). Any affiliate may come into any group. Leads have no
 * base. `of`: only where that rule takes part. One after the other, so that who needs a few does not wait for thousands.
 */
export function* ruleMeetings(
  versions: readonly RuleVersion[],
  programs: readonly { readonly id: ProgramId; readonly levels: number }[],
  from: Instant,
  of: Rule | null,
): Generator<RuleMeeting> {
  const ofSales = versions.filter(isSaleRule);
  const moments = [
    ...new Set([from, ...ofSales.flatMap((one) => [one.from, one.to ?? from]).filter((start) => start > from)]),
  ];
  const ofEachRule = [...groupBy(ofSales, (one) => one.id).values()];
  const newOnly = ofSales.filter((one) => one.terms.appliesTo === 'new_customers').map((one) => addMs(one.from, -1));
  const found = new Set<string>();
  const seen = new Set<string>();
  for (const at of moments)
    for (const brought of [null, ...new Set(newOnly)]) {
      const rules = ofEachRule.flatMap((ofRule) => chooseVersion(ofRule, at, brought) ?? []);
      const state = rules.map(versionKey).join();
      if (seen.has(state)) continue;
      seen.add(state);
      for (const program of programs)
        for (const one of program.levels > 1 ? meetingsAt(rules, program, of) : []) {
          if (found.has(one.key)) continue;
          found.add(one.key);
          yield one;
        }
    }
}

/** As the problem names it: the other rule, and what to do about it. */
export function meetingConflict({ levels }: RuleMeeting, of: Rule | null): RuleConflict {
  const said = levels.map(
    ({ level, rule, share }) =>
      `level ${level} ${formatPercent(share.rate)} %${share.ofLower ? ' of the level below' : ''} by ${rule.name}`,
  );
  const [{ rule: first } = { rule: null }] = levels.filter(({ rule }) => rule.id !== of?.id);
  return {
    code: 'levels_over_whole',
    detail: `Rules that pay one sale together exceed 100 % of the base: ${said.join(', ')}. A level that a rule states is not left to another.`,
    ...(first === null ? {} : { ruleId: first.id }),
  };
}

function isSaleRule(rule: RulePlace): boolean {
  return rule.event !== 'lead' && rule.event !== 'registration';
}

function versionKey(rule: Rule): string {
  return `${rule.id}/${rule.version}`;
}

function* meetingsAt(
  rules: readonly Rule[],
  program: { readonly id: ProgramId; readonly levels: number },
  of: Rule | null,
): Generator<RuleMeeting> {
  const here = rules.filter((rule) => rule.programId === null || rule.programId === program.id);
  const allLevels = Array.from({ length: program.levels }, (_, index) => index + 1);
  const isOpen = ({ terms }: Rule): boolean =>
    allLevels.some((level) => terms.levels.every((one) => one.level !== level));
  const ofAffiliates = groupBy(
    here.filter((rule) => rule.scope === 'affiliate'),
    (rule) => rule.affiliateId,
  );
  const shared = here.filter((rule) => rule.scope !== 'affiliate');
  const named = <T>(pick: (rule: Rule) => T | null): readonly (T | null)[] => [...new Set([null, ...here.map(pick)])];
  // An affiliate whose own rules state every level meets nobody.
  const affiliates =
    of?.scope === 'affiliate'
      ? [of.affiliateId]
      : [null, ...[...ofAffiliates].filter(([, own]) => own.some(isOpen)).map(([id]) => id)];
  const groups = of?.scope === 'group' ? [of.groupId] : named((rule) => (rule.scope === 'group' ? rule.groupId : null));
  const products = of !== null && of.productId !== null ? [of.productId] : named((rule) => rule.productId);
  const sharedMost = highestShares(shared);
  const sharedOf = new Map(
    products.map((id) => [id, highestShares(shared.filter((rule) => isOfProduct(rule, id)))] as const),
  );
  const events = saleEvents(of === null ? here : [of]);
  for (const affiliateId of affiliates) {
    const own = affiliateId === null ? [] : (ofAffiliates.get(affiliateId) ?? []);
    if (!mayBeOverWhole([...sharedMost, ...highestShares(own)])) continue;
    const compiled = compileRules(program.id, [...shared, ...own]);
    const suspects = products.filter((id) =>
      mayBeOverWhole([...(sharedOf.get(id) ?? []), ...highestShares(own.filter((rule) => isOfProduct(rule, id)))]),
    );
    for (const groupId of groups)
      for (const productId of suspects)
        for (const event of events) {
          const member = { level: 1, affiliateId: affiliateId ?? nobody, groupId, standing: 'earns' } as const;
          const ladder = ladderOf({ rules: compiled, event }, member, { ...noAmount, productId });
          const levels = allLevels.flatMap((level) => {
            const choice = chooseRule(ladder, event, level);
            return choice.rule === null
              ? []
              : [{ level, rule: choice.rule, share: shareOf(choice.terms, choice.rule.terms.bands) }];
          });
          const taking = new Set(levels.map(({ rule }) => rule.id));
          if (taking.size < 2 || (of !== null && !taking.has(of.id))) continue;
          if (isOverWhole(levels.map(({ share }) => share)))
            yield { key: levels.map(({ level, rule }) => `${level}:${versionKey(rule)}`).join(), levels };
        }
  }
}

function isOfProduct({ productId }: Rule, id: string | null): boolean {
  return productId === null || productId === id;
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

const nobody = '' as AffiliateId;

/** The kinds of sales that these rules can tell apart. */
function saleEvents(rules: readonly Rule[]): readonly PlanEvent[] {
  const types = new Set(rules.flatMap((rule) => (rule.event === 'transaction' ? [rule.transactionType] : [])));
  const payments = rules.some((rule) => rule.event !== 'transaction') ? [true, false] : [];
  const base = { kind: 'sale', transactionType: null, isFirstPayment: false } as const;
  return [
    ...payments.map((isFirstPayment): PlanEvent => ({ ...base, type: 'payment', isFirstPayment })),
    ...[...types].map((transactionType): PlanEvent => ({ ...base, type: 'transaction', transactionType })),
  ];
}

/** What is wrong with bands by themselves: rows that overlap or leave a gap, and measures that the level cannot have (RUL-18). */
function bandConflicts(
  bands: Bands,
  rule: { readonly levels: readonly RuleLevel[]; readonly isLead: boolean; readonly currency: CurrencyCode | null },
): readonly RuleConflict[] {
  const conflicts: RuleConflict[] = [];
  const refuse = (code: string, detail: string): void => {
    conflicts.push({ code, detail });
  };
  const level = rule.levels.find((one) => one.level === bands.level);
  if (level === undefined)
    refuse('band_level', `The bands are for level ${bands.level}, which the rule does not have.`);
  // Without a program any currency may come; two digits are what most have, and a rule that a currency cannot express is passed over.
  const starts = rowStarts(bands, rule.currency ?? ('USD' as CurrencyCode));
  if (starts === undefined) {
    refuse(
      'band_from',
      isAmount(bands.by) ? 'A row starts at an amount of the currency.' : 'A row starts at a whole number.',
    );
  } else {
    if (starts[0] !== 0n) refuse('band_gap', 'The first row starts at 0, or what lies below it earns nothing.');
    if (starts.some((start, index) => index > 0 && start <= (starts[index - 1] ?? start)))
      refuse('band_overlap', 'Each row starts above the one before it.');
  }
  const hasFlat = bands.rows.some((row) => row.pays.kind === 'flat');
  const hasPercent = bands.rows.some((row) => row.pays.kind === 'percent');
  if (bands.mode === 'whole' && !countsVolume(bands.by) && bands.by !== 'sale_size')
    refuse('band_mode', 'Only bands by sales or by the size of a sale can count for the whole.');
  if (bands.mode === 'marginal' && isAmount(bands.by) && hasFlat)
    refuse('band_flat_slice', 'A slice of an amount has no flat sum: take a percentage, or the whole mode.');
  if (rule.isLead && (hasPercent || isAmount(bands.by)))
    refuse('lead_has_no_base', 'A lead has no amount: bands of a lead are flat and counted.');
  if (level?.kind === 'percent' && level.of === 'lower_level' && isAmount(bands.by))
    refuse('band_of_lower_level', 'A share of the level below is not measured by amounts.');
  if (
    rule.currency !== null &&
    bands.rows.some((row) => row.pays.kind === 'flat' && row.pays.amount.currency !== rule.currency)
  )
    refuse('band_currency', 'A flat sum is in the currency of the program.');
  return conflicts;
}
