import type { NewCommission } from '../../db/earning/commission.js';
import type { Act, Cause } from '../../domain/act.js';
import { explainLine, storedParts } from '../../domain/earning/explanation.js';
import type { Referral } from '../../domain/earning/referral.js';
import type { CommissionId, LeadId, SaleId } from '../../domain/ids.js';
import { type CurrencyCode, reduce } from '../../domain/money.js';
import type { Earnings } from '../../domain/program/planEvaluation.js';
import type { UnstatedPart } from '../../domain/program/planEvent.js';
import type { Instant } from '../../domain/time.js';

/** When the customer was brought: his first lead or sale. Null: now (PRG-17). */
export function broughtAt(referral: Pick<Referral, 'leadAt' | 'saleAt'>): Instant | null {
  const { leadAt, saleAt } = referral;
  if (leadAt === null || saleAt === null) return leadAt ?? saleAt;
  return leadAt < saleAt ? leadAt : saleAt;
}

/** What a sale or lead earned, as rows to be: one per level, with rule, exact fraction and the explanation that is fixed now. */
export function linesOfEarnings(
  act: Act,
  of: {
    readonly of: { readonly type: 'sale'; readonly id: SaleId } | { readonly type: 'lead'; readonly id: LeadId };
    /** The sale or lead itself; of a sale that was confirmed with another amount, that decision. */
    readonly cause: Cause;
    readonly referral: Pick<Referral, 'id' | 'programId'>;
    readonly currency: CurrencyCode;
    readonly productIds: readonly (string | null)[];
    /** What each line of the sale left unsaid; absent for a lead. */
    readonly unstated?: readonly (readonly UnstatedPart[])[];
    readonly sub1: string | null;
    readonly earnings: Earnings;
    readonly needsReviewer: boolean;
    readonly eligibleAt: Instant;
  },
): readonly NewCommission[] {
  const { cause, of: fact, referral } = of;
  let levelOne: CommissionId | null = null;
  return of.earnings.lines.map((line) => {
    const id = act.newId('commission');
    if (line.level === 1) levelOne = id;
    const [only] = line.parts;
    const single = line.parts.length === 1 ? only : undefined;
    return {
      id,
      kind: 'earned',
      level: line.level,
      affiliateId: line.affiliateId,
      programId: referral.programId,
      referralId: referral.id,
      saleId: fact.type === 'sale' ? fact.id : null,
      leadId: fact.type === 'lead' ? fact.id : null,
      originCommissionId: null,
      level1CommissionId: line.level === 1 ? null : levelOne,
      causeType: cause.type,
      causeId: cause.id,
      currency: of.currency,
      base: fact.type === 'lead' ? null : line.base.minor,
      baseType: single?.baseType ?? null,
      ratePpm: single?.rate ?? null,
      ruleId: single?.rule.id ?? null,
      ruleVersion: single?.rule.version ?? null,
      parts: storedParts(line, fact.type === 'lead'),
      explanation: { ...explainLine(line, of.productIds, of.unstated) },
      exact: reduce(line.exact),
      clipReason: line.clipCode,
      amount: line.amount.minor,
      accrues: true,
      status: 'pending',
      onHold: line.isHeld,
      needsReviewer: of.needsReviewer,
      sub1: line.level === 1 ? of.sub1 : null,
      reason: null,
      createdBy: null,
      eligibleAt: of.eligibleAt,
      approvedAt: null,
    };
  });
}
