import { z } from 'zod';
import { payoutFrequencies } from '../../../db/affiliate/group.js';
import type { GroupView } from '../../../db/reads/affiliate/groupList.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import { listQuery } from '../../lists.js';
import { idWire, listOf, moneyWire, nameText, objectFields, text, versionFields } from '../wire.js';

export const groupParams = z.strictObject({ groupId: idWire('group') });
const fields = {
  isDefault: z.boolean().exactOptional(),
  minimumPayout: z.array(moneyWire).max(50).exactOptional(),
  payoutFrequency: z.enum(payoutFrequencies).nullable().exactOptional(),
  payoutMethodTypes: z.array(z.enum(payoutMethodTypes)).max(20).exactOptional(),
  area: text(200).nullable().exactOptional(),
  trafficKind: text(200).nullable().exactOptional(),
  resultsClass: text(200).nullable().exactOptional(),
};
export const groupCreate = z.strictObject({ name: nameText, ...fields });
export const groupPatch = z.strictObject({ name: nameText.exactOptional(), ...fields });
export const groupQuery = listQuery({}, { sort: ['createdAt', 'name'], q: true });
export const groupDeleteQuery = z.strictObject({ moveTo: idWire('group').exactOptional() });

const plainMoney = z.strictObject({ amount: z.string(), currency: z.string() });
export const groupWire = z
  .strictObject({
    ...objectFields('group', 'group'),
    name: z.string(),
    isDefault: z.boolean(),
    minimumPayout: z.array(plainMoney),
    payoutFrequency: z.enum(payoutFrequencies).nullable(),
    payoutMethodTypes: z.array(z.string()),
    area: z.string().nullable(),
    trafficKind: z.string().nullable(),
    resultsClass: z.string().nullable(),
    memberCount: z.int(),
    ...versionFields,
  })
  .openapi('Group');
export const groupList = listOf(groupWire);

export function presentGroup(group: GroupView): z.output<typeof groupWire> {
  return {
    object: 'group',
    ...group,
    minimumPayout: group.minimumPayout.map((one) => ({ amount: one.amount, currency: one.currency })),
    payoutMethodTypes: [...group.payoutMethodTypes],
  };
}
