import { z } from 'zod';
import type { Product, ProgramProduct } from '../../../db/program/product.js';
import { parseDuration } from '../../../domain/time.js';
import { anyText, flag, listQuery } from '../../lists.js';
import {
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  moneyWire,
  nameText,
  objectFields,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

export const productParams = z.strictObject({ productId: idWire('product') });
export const programProductParams = z.strictObject({ programId: idWire('program'), productId: idWire('product') });

/** `month`, or a duration such as P30D: what a reseller's activation buys. */
const period = z.string().check((context) => {
  if (context.value !== 'month' && parseDuration(context.value) === undefined)
    context.issues.push({ ...fieldIssue('bad_format', 'month, or a duration such as P30D.'), input: context.value });
});

export const productCreate = z.strictObject({
  name: nameText,
  sku: text(100).nullable().exactOptional(),
  price: moneyWire.nullable().exactOptional(),
  period: period.nullable().exactOptional(),
  productGroupId: idWire('productGroup').nullable().exactOptional(),
  url: z.string().nullable().exactOptional(),
  active: z.boolean().exactOptional(),
});
export const productPatch = z.strictObject({ ...productCreate.shape, name: nameText.exactOptional() });

export const productQuery = listQuery(
  { active: flag(), productGroupId: anyText() },
  { sort: ['createdAt', 'name'], q: true },
);

const productFields = {
  name: z.string(),
  sku: z.string().nullable(),
  price: signedMoneyWire.nullable(),
  period: z.string().nullable(),
  productGroupId: z.string().nullable(),
  url: z.string().nullable(),
  active: z.boolean(),
};

export const productWire = z
  .strictObject({ ...objectFields('product', 'product'), ...productFields, ...versionFields })
  .openapi('Product');
export const productList = listOf(productWire);

export function presentProduct(product: Product): z.output<typeof productWire> {
  return { object: 'product', ...product };
}

export const attachBody = z.strictObject({ productId: idWire('product') });
export const attachedPatch = z.strictObject({ active: z.boolean() });
export const programProductWire = z
  .strictObject({
    object: z.literal('program_product'),
    programId: idWire('program'),
    productId: idWire('product'),
    name: z.string(),
    sku: z.string().nullable(),
    price: signedMoneyWire.nullable(),
    /** Earns here: attached and switched on, and the product itself is active. */
    active: z.boolean(),
    attachedAt: instantWire,
  })
  .openapi('ProgramProduct');
export const programProductList = listOf(programProductWire);
export const programProductQuery = listQuery({}, {});

export function presentProgramProduct(
  programId: z.output<typeof programProductWire>['programId'],
  attached: ProgramProduct,
): z.output<typeof programProductWire> {
  const { product } = attached;
  return {
    object: 'program_product',
    programId,
    productId: product.id,
    name: product.name,
    sku: product.sku,
    price: product.price,
    active: attached.active && product.active,
    attachedAt: attached.attachedAt,
  };
}
