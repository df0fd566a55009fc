import type { AffiliateId, ProductId, ProgramId, RuleId } from '../ids.js';
import type { Money, Ppm } from '../money.js';
import type { Instant } from '../time.js';
import type { Bands } from './bands.js';

/** Narrowest first: the first step that has a rule for the event decides (ruling 5). */
export const ruleScopes = ['affiliate', 'group', 'program_product', 'program', 'global'] as const;
export type RuleScope = (typeof ruleScopes)[number];
export const ruleEvents = ['lead', 'registration', 'first_payment', 'payment', 'transaction'] as const;
export type RuleEvent = (typeof ruleEvents)[number];
export const baseTypes = ['gross', 'net', 'net_of_fees', 'deposit'] as const;
export type BaseType = (typeof baseTypes)[number];
/** What a flat amount does when part of the sale is refunded (RFD-05). */
export const flatRefundModes = ['proportional', 'full_only', 'at_once'] as const;
export type FlatRefundMode = (typeof flatRefundModes)[number];

export type RuleLevel =
  | { readonly level: number; readonly kind: 'percent'; readonly rate: Ppm; readonly of: 'base' | 'lower_level' }
  | { readonly level: number; readonly kind: 'flat'; readonly amount: Money; readonly perUnit: boolean };

/** Whose commissions count together against a cap (BEY-25); `affiliate_customer` is one affiliate's with one customer. */
export const capScopes = ['program', 'group', 'affiliate', 'affiliate_customer'] as const;
export type CapScope = (typeof capScopes)[number];
/** `commission`: each line by itself. */
export const capPeriods = ['commission', 'month', 'lifetime'] as const;
export type CapPeriod = (typeof capPeriods)[number];

/** The most that is earned, counted within the program (api.md 6.2). */
export interface Cap {
  readonly amount: Money;
  readonly scope: CapScope;
  readonly period: CapPeriod;
}

/** `new_customers`: customers who were brought before the version's start keep the older one (PRG-17). */
export const appliesToWords = ['all', 'new_customers'] as const;
export type AppliesTo = (typeof appliesToWords)[number];

/** What a rule says, in one of its versions. */
export interface RuleTerms {
  readonly base: BaseType;
  /** A part of a sale below it earns nothing (money.md 2.5). */
  readonly minimumBase: Money | null;
  readonly flatOnPartialRefund: FlatRefundMode;
  readonly levels: readonly RuleLevel[];
  /** Replaces the rate of its level. */
  readonly bands: Bands | null;
  /** Per referral; null = none. Months count from the first commission. */
  readonly limits: { readonly maxPayments: number | null; readonly maxMonths: number | null };
  readonly cap: Cap | null;
  readonly appliesTo: AppliesTo;
}

/** Where a rule holds and for what. */
export interface RulePlace {
  readonly scope: RuleScope;
  readonly programId: ProgramId | null;
  readonly productId: ProductId | null;
  readonly groupId: string | null;
  readonly affiliateId: AffiliateId | null;
  readonly event: RuleEvent;
  readonly transactionType: string | null;
}

/** Are two rules for the same, so that only one of them may count at a time? */
export function isSamePlace(one: RulePlace, other: RulePlace): boolean {
  return (
    one.scope === other.scope &&
    one.programId === other.programId &&
    one.productId === other.productId &&
    one.groupId === other.groupId &&
    one.affiliateId === other.affiliateId &&
    one.event === other.event &&
    one.transactionType === other.transactionType
  );
}

/** One version of a rule, as it counts at some instant. */
export interface Rule extends RulePlace {
  readonly id: RuleId;
  readonly name: string;
  readonly version: number;
  readonly terms: RuleTerms;
}

/** One version of a rule with the time in which it is in force, `to` exclusive; a version whose end is its start never was. */
export interface RuleVersion extends Rule {
  readonly from: Instant;
  readonly to: Instant | null;
}

/**
 * The version of one rule that counts for a customer at an instant: the newest in force, but for one that is for new customers only and
 * began after this one was brought, who keeps the one before (PRG-17). `brought` null: somebody new. Undefined: the rule is not for him.
 */
export function chooseVersion<V extends RuleVersion>(
  versions: readonly V[],
  at: Instant,
  brought: Instant | null,
): V | undefined {
  const begun = versions
    .filter((one) => one.from <= at && (one.to === null || one.to > one.from))
    .sort((a, b) => b.version - a.version);
  const [current] = begun;
  if (current === undefined || (current.to !== null && current.to <= at)) return undefined;
  return begun.find((one) => one.terms.appliesTo === 'all' || brought === null || brought >= one.from);
}
