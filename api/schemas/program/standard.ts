import { z } from 'zod';
import { standardMetrics, standardPeriods, type Threshold } from '../../../domain/program/standard.js';
import { fieldIssue, instantWire } from '../wire.js';

const bound = z.int().min(0).max(1_000_000_000);

/** Shares (`acceptRate`, `refundShare`) in millionths: 80 % is 800000. */
const thresholdWire = z.strictObject({
  metric: z.enum(standardMetrics),
  period: z.enum(standardPeriods),
  minimum: bound.nullable().default(null),
  maximum: bound.nullable().default(null),
});

export const thresholdsBody = z
  .array(thresholdWire)
  .max(20)
  .check((context) => {
    const seen = new Set<string>();
    context.value.forEach(({ metric, period, minimum, maximum }, index) => {
      const refuse = (code: 'required' | 'not_allowed_here' | 'already_used', detail: string): void => {
        context.issues.push({ ...fieldIssue(code, detail, [index]), input: context.value });
      };
      if (minimum === null && maximum === null) refuse('required', 'A minimum or a maximum.');
      if (minimum !== null && maximum !== null) refuse('not_allowed_here', 'A minimum or a maximum, not both.');
      if (seen.has(`${metric}/${period}`)) refuse('already_used', 'Each metric once per period.');
      seen.add(`${metric}/${period}`);
    });
  });
export const thresholdsQuery = z.strictObject({ effectiveFrom: instantWire.exactOptional() });
export const thresholdsWire = z.array(thresholdWire).openapi('Thresholds');

export function presentThresholds(thresholds: readonly Threshold[]): z.output<typeof thresholdsWire> {
  return thresholds.map(({ metric, period, minimum, maximum }) => ({ metric, period, minimum, maximum }));
}
