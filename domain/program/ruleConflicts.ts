import { addFractions, type CurrencyCode, type Fraction, partOf, ppm } from '../money.js';
import { type Bands, countsVolume, highestRate, isAmount, rowStarts } from './bands.js';
import type { RuleLevel, RulePlace, RuleTerms } from './commissionPlan.js';

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
  const most = highestShare(levels, bands);
  if (most.numerator > most.denominator)
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

/** The most that all levels take of the base together: a share of the level below is a share of its share. Flat sums have none. */
function highestShare(levels: readonly RuleLevel[], bands: Bands | null): Fraction {
  let total = none;
  let below = none;
  for (const level of levels.toSorted((a, b) => a.level - b.level)) {
    const rate =
      bands?.level === level.level ? ppm(highestRate(bands)) : level.kind === 'percent' ? level.rate : ppm(0);
    below = partOf(level.kind === 'percent' && level.of === 'lower_level' ? below : whole, rate);
    total = addFractions(total, below);
  }
  return total;
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
