import { z } from 'zod';
import type { OwnRecruit } from '../../../db/reads/affiliate/ownRecruits.js';
import { instantWire, listOf, signedMoneyWire } from '../wire.js';

/** No name and no id of another affiliate: the reference tells two recruits apart, and nothing else. */
export const ownRecruitWire = z
  .strictObject({
    id: z.string(),
    object: z.literal('own_recruit'),
    depth: z.int(),
    active: z.boolean(),
    joinedAt: instantWire,
    sales: z.int(),
    earned: z.array(signedMoneyWire),
  })
  .openapi('OwnRecruit');
export const ownRecruitList = listOf(ownRecruitWire);

export function presentOwnRecruit({ id, ...recruit }: OwnRecruit): z.output<typeof ownRecruitWire> {
  return { ...recruit, id: `R-${id.slice(-6)}`, object: 'own_recruit', earned: [...recruit.earned] };
}
