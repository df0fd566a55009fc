import { z } from 'zod';
import { operationWire } from '../reporting/bulkOperation.js';
import { dateWire, idWire, ppmWire } from '../wire.js';
import { ruleCreate } from './commissionRule.js';

/** Without a draft: the present plan, which comes out as it was booked. */
export const simulateBody = z.strictObject({
  draft: ruleCreate.nullable().exactOptional(),
  replacesRuleId: idWire('rule').nullable().exactOptional(),
  from: dateWire.exactOptional(),
  to: dateWire.exactOptional(),
  programIds: z.array(idWire('program')).min(1).max(100).exactOptional(),
});

const plainMoney = z.strictObject({ amount: z.string(), currency: z.string() });
const rowFields = {
  programId: z.string(),
  name: z.string().nullable(),
  actual: plainMoney,
  simulated: plainMoney,
  difference: plainMoney,
};

export const simulationWire = z
  .strictObject({
    object: z.literal('plan_simulation'),
    from: z.string(),
    to: z.string(),
    sales: z.int(),
    leads: z.int(),
    actual: z.array(plainMoney).readonly(),
    simulated: z.array(plainMoney).readonly(),
    difference: z.array(plainMoney).readonly(),
    byAffiliate: z.array(z.strictObject({ affiliateId: z.string().exactOptional(), ...rowFields })).readonly(),
    affiliates: z.strictObject({ total: z.int(), winning: z.int(), losing: z.int() }),
    byBand: z
      .array(z.strictObject({ ruleId: z.string(), from: z.string(), count: z.int(), simulated: plainMoney }))
      .readonly(),
    byProgram: z.array(z.strictObject({ affiliateId: z.string().exactOptional(), ...rowFields })).readonly(),
    notComparable: z.array(z.strictObject({ saleId: z.string(), code: z.string() })).readonly(),
  })
  .openapi('PlanSimulation');
export const simulateReply = z.union([simulationWire, operationWire]);

export const applyBody = z.strictObject({
  ratePpm: ppmWire,
  event: z.enum(['payment', 'first_payment']).default('payment'),
  clearOverrides: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});
const counts = z.record(z.string(), z.int());
const appliedWire = z.strictObject({ ratePpm: ppmWire, event: z.string(), kept: counts, cleared: counts });
export type ApplyReply = z.output<typeof appliedWire>;
export const applyReply = z.union([operationWire, appliedWire]);
