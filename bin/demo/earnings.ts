import { monthsBetween } from '../../domain/calendar.js';
import { type Earnings, evaluatePlan } from '../../domain/program/planEvaluation.js';
import type { ChainMember } from '../../domain/program/planEvent.js';
import { compileRules } from '../../domain/program/ruleChoice.js';
import type { SaleLine } from '../../domain/earning/sale.js';
import type { Instant } from '../../domain/time.js';
import type { DemoProgram } from './setUp.js';

/** What a payment of the demo's year earns: the same pure rules as of any other sale. */
export function earningsOf(
  program: DemoProgram,
  payment: {
    readonly occurredAt: Instant;
    readonly lines: readonly SaleLine[];
    readonly chain: readonly ChainMember[];
    readonly customerId: string;
    /** From 1: which payment of this customer it is. */
    readonly number: number;
    readonly earnedBefore: { readonly payments: number; readonly firstAt: Instant | null };
  },
): Earnings {
  return evaluatePlan({
    programId: program.id,
    currency: program.currency,
    acquisitionModel: null,
    event: { kind: 'sale', type: 'payment', transactionType: null, isFirstPayment: payment.number === 1 },
    lines: payment.lines,
    products: new Set(program.products.map((product) => product.id)),
    chain: payment.chain,
    rules: compileRules(program.id, program.rules),
    earnedBefore: {
      payments: payment.earnedBefore.payments,
      months:
        payment.earnedBefore.firstAt === null
          ? null
          : monthsBetween('UTC', payment.earnedBefore.firstAt, payment.occurredAt),
    },
    paymentNumber: payment.number,
    customerId: payment.customerId,
    volumes: [],
    spent: [],
  });
}
