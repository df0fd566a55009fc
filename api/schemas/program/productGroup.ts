import { z } from 'zod';
import type { CountedProductGroup } from '../../../db/program/productGroup.js';
import { listQuery } from '../../lists.js';
import { idWire, listOf, nameText, objectFields, versionFields } from '../wire.js';

export const productGroupParams = z.strictObject({ productGroupId: idWire('productGroup') });
export const productGroupBody = z.strictObject({ name: nameText });
export const productGroupPatch = z.strictObject({ name: nameText.exactOptional() });
export const productGroupQuery = listQuery({}, { sort: ['createdAt', 'name'], q: true });

export const productGroupWire = z
  .strictObject({
    ...objectFields('productGroup', 'product_group'),
    name: z.string(),
    productCount: z.int(),
    promoToolCount: z.int(),
    ...versionFields,
  })
  .openapi('ProductGroup');
export const productGroupList = listOf(productGroupWire);

export function presentProductGroup(group: CountedProductGroup): z.output<typeof productGroupWire> {
  return { object: 'product_group', ...group };
}
