import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import { type MoneyWire, parseMoney, ppm } from '../../domain/money.js';
import type { BaseType, RuleEvent, RuleLevel, RuleTerms } from '../../domain/program/commissionPlan.js';
import { type RuleConflict, ruleConflicts } from '../../domain/program/ruleConflicts.js';
import type { Tx } from '../transaction.js';
import { addRuleVersion, endRule, insertRule, listRulesOfPlace, lockPlan } from './commissionPlan.js';

/** The setting `commissions.defaultRule` as it is kept: a rule body of scope `global` (api.md 16.1). */
type DefaultRule = Readonly<Record<string, unknown>> | null;

interface DefaultBody {
  readonly name?: string;
  readonly event: RuleEvent;
  readonly base?: BaseType;
  readonly levels: readonly (
    | {
        readonly level: number;
        readonly kind: 'percent';
        readonly ratePpm: number;
        readonly of?: 'base' | 'lower_level';
      }
    | { readonly level: number; readonly kind: 'flat'; readonly amount: MoneyWire; readonly perUnit?: boolean }
  )[];
}

const place = {
  scope: 'global',
  programId: null,
  productId: null,
  groupId: null,
  affiliateId: null,
  transactionType: null,
} as const;

function termsOf(body: DefaultBody): RuleTerms {
  return {
    base: body.base ?? 'net',
    minimumBase: null,
    flatOnPartialRefund: 'proportional',
    levels: body.levels.map((level): RuleLevel => {
      if (level.kind === 'percent')
        return { level: level.level, kind: 'percent', rate: ppm(level.ratePpm), of: level.of ?? 'base' };
      const parsed = parseMoney(level.amount);
      assertInvariant(parsed.ok, 'a stored amount is readable', { amount: level.amount.amount });
      return { level: level.level, kind: 'flat', amount: parsed.money, perUnit: level.perUnit ?? false };
    }),
    bands: null,
    limits: { maxPayments: null, maxMonths: null },
    cap: null,
    appliesTo: 'all',
  };
}

/** What is wrong with a default rule by itself, as for every other rule (RUL-18). */
export function defaultRuleConflicts(rule: DefaultRule): readonly RuleConflict[] {
  if (rule === null) return [];
  const body = rule as unknown as DefaultBody;
  return ruleConflicts({ ...place, event: body.event, terms: termsOf(body) }, null);
}

/**
 * The default of the settings is a rule like any other, so that a commission can name it and its version stays readable (RUL-08): saving the
 * settings makes it, its next version, or ends it. A default that did not change touches nothing.
 */
export async function keepDefaultRule(tx: Tx, act: Act, before: DefaultRule, after: DefaultRule): Promise<void> {
  // The workspace's own rule has no planned end: the next wider one would be none.
  const always = { from: act.now, to: null };
  const [old, now] = [before, after] as unknown as [DefaultBody | null, DefaultBody | null];
  await lockPlan(tx);
  if (old !== null && old.event !== now?.event)
    for (const rule of await listRulesOfPlace(tx, { ...place, event: old.event }, always)) await endRule(tx, act, rule);
  if (now === null) return;
  const terms = termsOf(now);
  const name = now.name ?? 'Global default';
  const [known] = await listRulesOfPlace(tx, { ...place, event: now.event }, always);
  if (known === undefined) {
    await insertRule(tx, act, {
      ...place,
      event: now.event,
      id: act.newId('rule'),
      name,
      terms,
      effectiveFrom: act.now,
    });
    return;
  }
  const isSame = JSON.stringify(old) === JSON.stringify(now);
  if (!isSame) await addRuleVersion(tx, act, known, { name, terms, effectiveFrom: act.now });
}
