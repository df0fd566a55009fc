import { z } from 'zod';
import type { MilestoneView } from '../../../db/messaging/milestone.js';
import { type Mark, milestoneMeasures } from '../../../domain/messaging/milestone.js';
import type { Money } from '../../../domain/money.js';
import { anyText, flag, listQuery } from '../../lists.js';
import { fieldIssue, idWire, listOf, moneyWire, objectFields, versionFields } from '../wire.js';

export const milestoneParams = z.strictObject({ milestoneId: idWire('milestone') });

/** A number of sales, or a sum of them. */
const thresholdWire = z
  .union([z.int().min(0).max(1_000_000_000), moneyWire], {
    error: 'A whole number of sales, or an amount with its currency.',
  })
  .check((context) => {
    const { value } = context;
    if ((typeof value === 'number' ? BigInt(value) : value.minor) === 0n)
      context.issues.push({ ...fieldIssue('out_of_range', 'Above zero.'), input: value });
  });
type Threshold = z.output<typeof thresholdWire>;

const by = z.enum(milestoneMeasures);

export const milestoneCreate = z
  .strictObject({
    programId: idWire('program'),
    by,
    threshold: thresholdWire,
    templateId: idWire('template'),
    active: z.boolean().default(false),
  })
  .check((context) => {
    if (!isOf(context.value.by, context.value.threshold))
      context.issues.push({
        ...fieldIssue('bad_format', 'Of sales_amount an amount, of sales_count a number.', ['threshold']),
        input: context.value,
      });
  });
export const milestonePatch = z.strictObject({
  threshold: thresholdWire.exactOptional(),
  templateId: idWire('template').exactOptional(),
  active: z.boolean().exactOptional(),
});
export const milestoneQuery = listQuery({ programId: anyText(), active: flag() }, { sort: ['createdAt'] });

export const milestoneWire = z
  .strictObject({
    ...objectFields('milestone', 'milestone'),
    programId: idWire('program'),
    programName: z.string(),
    by,
    threshold: thresholdWire,
    templateId: idWire('template'),
    active: z.boolean(),
    /** Affiliates who have passed it. */
    passed: z.int(),
    ...versionFields,
  })
  .openapi('Milestone');
export const milestoneList = listOf(milestoneWire);

/** Does the threshold measure what the milestone does? */
export function isOf(measure: Mark['by'], threshold: Threshold): boolean {
  return (typeof threshold === 'number') === (measure === 'sales_count');
}

export function markOf(threshold: Threshold): Pick<Mark, 'threshold' | 'currency'> {
  return typeof threshold === 'number'
    ? { threshold: BigInt(threshold), currency: null }
    : { threshold: threshold.minor, currency: threshold.currency };
}

export function presentMilestone({
  threshold,
  currency,
  templateId,
  ...rest
}: MilestoneView): z.output<typeof milestoneWire> {
  const shown: number | Money = currency === null ? Number(threshold) : { minor: threshold, currency };
  return {
    object: 'milestone',
    ...rest,
    templateId: templateId as z.output<typeof milestoneWire>['templateId'],
    threshold: shown,
  };
}
