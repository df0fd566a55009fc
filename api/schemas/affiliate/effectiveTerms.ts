import { z } from 'zod';
import type { Group } from '../../../db/affiliate/group.js';
import type { RuleRecord } from '../../../db/program/commissionPlan.js';
import { effectiveTerms, inheritedNames, type Settings, type TermName } from '../../../domain/access/settings.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { type Enrolment, enrolmentTransitions } from '../../../domain/affiliate/enrolment.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import { ruleEvents } from '../../../domain/program/commissionPlan.js';
import type { OwnRate } from '../../../domain/program/ownRates.js';
import type { Program } from '../../../domain/program/program.js';
import { statusesOf } from '../../../domain/transitions.js';
import type { Instant } from '../../../domain/time.js';
import { durationWire, idWire, listOf, moneyWire } from '../wire.js';
import { presentRule, ruleWire } from '../program/commissionRule.js';
import { minimumWithScope } from './portal.js';

const enrolmentStatuses = statusesOf(enrolmentTransitions) as ['pending', 'active', 'paused', 'ended'];
const programOrWorkspace = z.enum(['program', 'workspace']);

/** What counts for one affiliate in one program, each value with the scope that set it (features.md 1). */
export const effectiveTermsWire = z
  .strictObject({
    object: z.literal('effective_terms'),
    programId: idWire('program'),
    programName: z.string(),
    enrolmentStatus: z.enum(enrolmentStatuses),
    rates: z.array(
      z.strictObject({
        product: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
        /** As the acquisition model leaves it: with CPA a rule for every payment pays for the first. */
        event: z.enum(ruleEvents),
        level: z.int(),
        /** The same in words, as the affiliate reads it. */
        text: z.string(),
        /** The rule that says so; its `scope` is whose it is. */
        rule: ruleWire,
      }),
    ),
    acquisitionModel: z.strictObject({
      value: z.enum(['cpl', 'cpa']).nullable(),
      scope: z.enum(['affiliate', 'program']),
    }),
    attributionWindow: z.strictObject({ value: durationWire, scope: programOrWorkspace }),
    commissionHold: z.strictObject({ value: durationWire, scope: programOrWorkspace }),
    minimumPayout: z.strictObject({ value: moneyWire, scope: z.enum(['affiliate', 'group', 'workspace']) }),
    payoutMethodTypes: z.strictObject({
      value: z.array(z.enum(payoutMethodTypes)),
      scope: z.enum(['group', 'workspace']),
    }),
  })
  .openapi('EffectiveTerms');
export const effectiveTermsList = listOf(effectiveTermsWire);

export function presentEffectiveTerms(
  enrolment: Enrolment,
  program: Program,
  more: {
    readonly affiliate: Affiliate;
    readonly group: Group | undefined;
    readonly settings: Settings;
    readonly rates: readonly OwnRate<RuleRecord>[];
    /** The rules as they are stored: those of the rates stand as the acquisition model leaves them. */
    readonly rules: ReadonlyMap<string, RuleRecord>;
    readonly productNames: ReadonlyMap<string, string>;
    readonly now: Instant;
  },
): z.output<typeof effectiveTermsWire> {
  const { affiliate, group, settings } = more;
  const terms = effectiveTerms(settings, program);
  const inherited = inheritedNames(program);
  const scopeOf = (name: TermName) => (inherited.includes(name) ? ('workspace' as const) : ('program' as const));
  const allowed = (types: readonly string[], type: string): boolean => types.length === 0 || types.includes(type);
  const groupTypes = group?.payoutMethodTypes ?? [];
  return {
    object: 'effective_terms',
    programId: program.id,
    programName: program.name,
    enrolmentStatus: enrolment.status,
    rates: more.rates.map((rate) => ({
      product: productOf(rate.productId, more.productNames),
      event: rate.event,
      level: rate.level,
      text: rate.text,
      rule: presentRule(more.rules.get(rate.rule.id) ?? rate.rule, more.now),
    })),
    acquisitionModel:
      affiliate.acquisitionModel === null
        ? { value: program.acquisitionModel, scope: 'program' }
        : { value: affiliate.acquisitionModel, scope: 'affiliate' },
    attributionWindow: { value: terms.attributionWindow, scope: scopeOf('attributionWindow') },
    commissionHold: { value: terms.commissionHold, scope: scopeOf('commissionHold') },
    minimumPayout: minimumWithScope({ affiliate, group, settings }, program.currency),
    payoutMethodTypes: {
      value: payoutMethodTypes.filter(
        (type) => allowed(settings.payouts.methodTypes, type) && allowed(groupTypes, type),
      ),
      scope: groupTypes.length === 0 ? 'workspace' : 'group',
    },
  };
}

function productOf(id: string | null, names: ReadonlyMap<string, string>) {
  return id === null ? null : { id, name: names.get(id) ?? id };
}
