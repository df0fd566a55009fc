import { z } from 'zod';
import type { CouponView } from '../../../db/reads/tracking/couponList.js';
import type { Instant } from '../../../domain/time.js';
import { couponProblem } from '../../../domain/tracking/coupon.js';
import { anyText, flag, listQuery } from '../../lists.js';
import { fieldIssue, idWire, instantWire, listOf, objectFields, versionFields } from '../wire.js';

export const couponParams = z.strictObject({ couponId: idWire('coupon') });

/** What customers type: visible characters without spaces, so that nobody wonders which one it was. */
const codeText = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{1,63}$/u)
  .transform((text) => text.normalize('NFC'))
  .openapi({ type: 'string', examples: ['ADA10'] });

const settable = {
  code: codeText,
  affiliateId: idWire('affiliate'),
  programId: idWire('program'),
  validFrom: instantWire.nullable().exactOptional(),
  validTo: instantWire.nullable().exactOptional(),
  active: z.boolean().exactOptional(),
};

export const couponCreate = z.strictObject(settable).check((context) => {
  const { validFrom = null, validTo = null } = context.value;
  if (validFrom !== null && validTo !== null && validFrom >= validTo)
    context.issues.push({ ...fieldIssue('out_of_range', 'After validFrom.', ['validTo']), input: context.value });
});
export const couponPatch = z.strictObject({
  ...settable,
  code: codeText.exactOptional(),
  affiliateId: idWire('affiliate').exactOptional(),
  programId: idWire('program').exactOptional(),
});

export const couponQuery = listQuery(
  { affiliateId: anyText(), programId: anyText(), active: flag() },
  { sort: ['createdAt', 'code'], q: true },
);
export const ownCouponQuery = listQuery({ programId: anyText() }, { sort: ['createdAt', 'code'], q: true });

export const couponWire = z
  .strictObject({
    ...objectFields('coupon', 'coupon'),
    code: z.string(),
    affiliateId: z.string(),
    programId: z.string(),
    validFrom: instantWire.nullable(),
    validTo: instantWire.nullable(),
    active: z.boolean(),
    /** Would a sale that names it now be credited by it? */
    credits: z.boolean(),
    ...versionFields,
  })
  .openapi('Coupon');
export const couponList = listOf(couponWire);

export function presentCoupon(view: CouponView, now: Instant): z.output<typeof couponWire> {
  return { object: 'coupon', ...view.coupon, credits: couponProblem(view, now) === null };
}
