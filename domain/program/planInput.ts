import type { ProgramId } from '../ids.js';
import type { CurrencyCode } from '../money.js';
import type { BandPeriod } from './bands.js';
import type { CapPeriod, CapScope } from './commissionPlan.js';
import type { ChainMember, PlanEvent, PricedLine } from './planEvent.js';
import type { CompiledRules } from './ruleChoice.js';

/** What an affiliate's events of a period were before this one, on one level of one program: how many, and the sum of their bases. */
export interface Volume {
  readonly level: number;
  readonly period: BandPeriod;
  readonly count: number;
  readonly amount: bigint;
}

/** What has been earned against caps of one scope and period, in minor units. `subject`: see `capSubject`. */
export interface CapSpent {
  readonly scope: CapScope;
  readonly period: CapPeriod;
  readonly subject: string;
  readonly amount: bigint;
}

/** All that decides what an event earns. */
export interface PlanInput {
  readonly programId: ProgramId;
  readonly currency: CurrencyCode;
  /** CPL pays leads only, CPA the first payment only; null: each rule's own event decides (PRG-21). */
  readonly acquisitionModel: 'cpl' | 'cpa' | null;
  readonly event: PlanEvent;
  readonly lines: readonly PricedLine[];
  /** Active products of the program: others earn nothing. */
  readonly products: ReadonlySet<string>;
  /** Level 1 first. */
  readonly chain: readonly ChainMember[];
  readonly rules: CompiledRules;
  /** What the referral earned before: payments, and whole months since its first commission (null: none yet). */
  readonly earnedBefore: { readonly payments: number; readonly months: number | null };
  /** Which of the customer's payments this is, from 1. */
  readonly paymentNumber: number;
  /** The contact, for caps per customer. */
  readonly customerId: string;
  readonly volumes: readonly Volume[];
  readonly spent: readonly CapSpent[];
}
