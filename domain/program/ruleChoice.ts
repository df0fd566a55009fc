import type { ProgramId, RuleId } from '../ids.js';
import { type Rule, type RuleLevel, type RuleScope, ruleScopes } from './commissionPlan.js';
import type { ChainMember, NoCommissionCode, PlanEvent, PricedLine } from './planEvent.js';

/** One rule that was looked at: the winner, or why not. */
export interface Considered {
  readonly ruleId: RuleId;
  readonly scope: RuleScope;
  readonly won: boolean;
  readonly code: string | null;
}

interface Step {
  readonly scope: RuleScope;
  /** The narrowest of the step, by id. */
  readonly rules: readonly Rule[];
}

/** What wins on a line, but for limits, which depend on the referral. */
type Choice =
  | { readonly rule: Rule; readonly terms: RuleLevel; readonly considered: readonly Considered[] }
  | { readonly rule: null; readonly code: NoCommissionCode; readonly considered: readonly Considered[] };

/** The steps of ruling 5 for one kind of event, place and person; what wins is found once per level and kept. */
export interface Ladder {
  readonly steps: readonly Step[];
  readonly choices: (Choice | undefined)[];
}

/** The rules of a program, ready to be asked many times. Make it once per set of rules: `compileRules`. */
export interface CompiledRules {
  readonly rules: readonly Rule[];
  readonly ofAffiliates: ReadonlySet<string>;
  readonly ofGroups: ReadonlySet<string>;
  readonly ofProducts: ReadonlySet<string>;
  readonly hasCaps: boolean;
  readonly ladders: Map<string, Map<string, Ladder>>;
}

/** Every rule version in force at the instant, of the program and of none. */
export function compileRules(programId: ProgramId, rules: readonly Rule[]): CompiledRules {
  const here = rules.filter((rule) => rule.programId === null || rule.programId === programId);
  const named = (pick: (rule: Rule) => string | null): ReadonlySet<string> =>
    new Set(here.flatMap((rule) => pick(rule) ?? []));
  return {
    rules: here,
    ofAffiliates: named((rule) => (rule.scope === 'affiliate' ? rule.affiliateId : null)),
    ofGroups: named((rule) => (rule.scope === 'group' ? rule.groupId : null)),
    ofProducts: named((rule) => rule.productId),
    hasCaps: here.some((rule) => rule.terms.cap !== null),
    ladders: new Map(),
  };
}

/** The ladder of one line: rules of the first affiliate's person and group count, on every level. */
export function ladderOf(
  { rules, event }: { readonly rules: CompiledRules; readonly event: PlanEvent },
  first: ChainMember | undefined,
  line: PricedLine,
): Ladder {
  const affiliate = first !== undefined && rules.ofAffiliates.has(first.affiliateId) ? first.affiliateId : '';
  const group = first !== undefined && first.groupId !== null && rules.ofGroups.has(first.groupId) ? first.groupId : '';
  const product = line.productId !== null && rules.ofProducts.has(line.productId) ? line.productId : '';
  const family = familyOf(event);
  const who = affiliate === '' && group === '' ? family : `${family}\n${affiliate}\n${group}`;
  let byProduct = rules.ladders.get(who);
  if (byProduct === undefined) rules.ladders.set(who, (byProduct = new Map<string, Ladder>()));
  let ladder = byProduct.get(product);
  if (ladder === undefined) {
    const fitting = rules.rules.filter(
      (rule) =>
        (rule.productId === null || rule.productId === product) &&
        (rule.scope !== 'affiliate' || rule.affiliateId === affiliate) &&
        (rule.scope !== 'group' || (rule.groupId !== null && rule.groupId === group)) &&
        isOfFamily(rule, event),
    );
    byProduct.set(product, (ladder = { steps: stepsOf(fitting), choices: [] }));
  }
  return ladder;
}

function familyOf(event: PlanEvent): string {
  if (event.kind === 'lead') return event.event;
  return event.type === 'payment' ? 'payment' : `transaction ${event.transactionType ?? ''}`;
}

/** Right kind of event; whether a payment is the first one, or a lead was paid before, is judged in the step. */
function isOfFamily(rule: Rule, event: PlanEvent): boolean {
  if (event.kind === 'lead')
    return rule.event === 'lead' || (rule.event === 'registration' && event.event === 'registration');
  if (event.type === 'transaction')
    return rule.event === 'transaction' && rule.transactionType === event.transactionType;
  return rule.event === 'first_payment' || rule.event === 'payment';
}

/** Inside a step the narrower product wins, then the narrower program. */
function narrowness(rule: Rule): number {
  return (rule.productId === null ? 0 : 2) + (rule.programId === null ? 0 : 1);
}

function stepsOf(rules: readonly Rule[]): readonly Step[] {
  return ruleScopes.flatMap((scope): readonly Step[] => {
    const ofScope = rules.filter((rule) => rule.scope === scope);
    const narrowest = Math.max(...ofScope.map(narrowness));
    const among = ofScope
      .filter((rule) => narrowness(rule) === narrowest)
      .sort((a, b) => exactness(b) - exactness(a) || (a.id < b.id ? -1 : 1));
    const wider = ofScope.filter((rule) => narrowness(rule) !== narrowest).sort((a, b) => (a.id < b.id ? -1 : 1));
    return among.length === 0
      ? []
      : [{ scope, rules: among }, ...(wider.length === 0 ? [] : [{ scope, rules: wider }])];
  });
}

/** "First payment" is the more exact of two that fit the same payment, "registration" of two that fit the same lead. */
function exactness(rule: Rule): number {
  return rule.event === 'first_payment' || rule.event === 'registration' ? 1 : 0;
}

/** Which of the step's rules the event meets: bits that decide what wins, beside the level. */
function situationOf(event: PlanEvent): number {
  if (event.kind === 'sale') return event.isFirstPayment ? 1 : 0;
  return (event.paidBefore.has('lead') ? 1 : 0) + (event.paidBefore.has('registration') ? 2 : 0);
}

function meets(rule: Rule, event: PlanEvent): boolean {
  if (event.kind === 'sale') return rule.event !== 'first_payment' || event.isFirstPayment;
  return rule.event === 'registration' ? !event.paidBefore.has('registration') : !event.paidBefore.has('lead');
}

/** Walks the steps of ruling 5, once for each level and situation. */
export function chooseRule(ladder: Ladder, event: PlanEvent, level: number): Choice {
  const key = level * 4 + situationOf(event);
  return (ladder.choices[key] ??= walk(ladder.steps, event, level));
}

function walk(steps: readonly Step[], event: PlanEvent, level: number): Choice {
  const considered: Considered[] = [];
  for (const [at, { scope, rules }] of steps.entries()) {
    const rule = rules.find((one) => meets(one, event));
    if (rule === undefined) {
      const code = event.kind === 'lead' ? 'duplicate' : 'not_first_payment';
      considered.push(...rules.map((one) => ({ ruleId: one.id, scope, won: false, code })));
      return { rule: null, code, considered };
    }
    const terms = rule.terms.levels.find((one) => one.level === level);
    if (terms === undefined) {
      considered.push({ ruleId: rule.id, scope, won: false, code: 'level_not_stated' });
      continue;
    }
    const code = 'narrower_rule_won';
    const others = rules
      .filter((one) => one !== rule)
      .map((one) => ({ ruleId: one.id, scope, won: false, code: 'more_exact_rule_won' }));
    const lower = steps
      .slice(at + 1)
      .flatMap((step) => step.rules.map((one) => ({ ruleId: one.id, scope: step.scope, won: false, code })));
    return {
      rule,
      terms,
      considered: [...considered, { ruleId: rule.id, scope, won: true, code: null }, ...others, ...lower],
    };
  }
  return { rule: null, code: 'not_commissionable', considered };
}

/** Has the referral had all that this rule pays for? Months and payments as they were before this event. */
export function limitReached(
  rule: Rule,
  earnedBefore: { readonly payments: number; readonly months: number | null },
): 'limit_months' | 'limit_payments' | null {
  const { maxMonths, maxPayments } = rule.terms.limits;
  if (maxMonths === null && maxPayments === null) return null;
  const { months, payments } = earnedBefore;
  if (maxMonths !== null && months !== null && months >= maxMonths) return 'limit_months';
  return maxPayments !== null && payments >= maxPayments ? 'limit_payments' : null;
}

/** The winner met its limit: nobody else takes its place. */
export function limited(considered: readonly Considered[], ruleId: RuleId, code: string): readonly Considered[] {
  return considered.map((one) => (one.ruleId === ruleId ? { ...one, won: false, code } : one));
}

/** What several lines looked at, a rule once; one that won somewhere has won. */
export function joined(a: readonly Considered[], b: readonly Considered[]): readonly Considered[] {
  const byRule = new Map(a.map((one) => [one.ruleId, one]));
  for (const one of b) {
    const known = byRule.get(one.ruleId);
    if (known === undefined || (one.won && !known.won)) byRule.set(one.ruleId, one);
  }
  return [...byRule.values()];
}
