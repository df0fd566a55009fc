import { z } from 'zod';
import type { CreditAnswer } from '../../../domain/earning/creditCheck.js';
import type { ReferralId } from '../../../domain/ids.js';
import { fieldIssue, idWire, instantWire, text } from '../wire.js';

export const creditCheckBody = z
  .strictObject({ orderReference: text(255).exactOptional(), clickId: idWire('click').exactOptional() })
  .check((context) => {
    const { orderReference, clickId } = context.value;
    if ((orderReference === undefined) === (clickId === undefined))
      context.issues.push({
        ...fieldIssue('required', 'An order number or a click id, one of the two.', ['orderReference']),
        input: context.value,
      });
  });

export const creditCheckWire = z
  .strictObject({
    object: z.literal('credit_check'),
    outcome: z.enum(['credited', 'other', 'nobody', 'no_touch']),
    touch: z
      .strictObject({
        kind: z.string(),
        at: instantWire,
        endsAt: instantWire,
        sub1: z.string().nullable(),
        inWindow: z.boolean().nullable(),
      })
      .nullable(),
    decidedBy: z.enum(['first_referrer', 'last_referrer', 'coupon', 'first_payment']).nullable(),
    code: z.string().nullable(),
    /** An own rejected referral behind it: what `POST /v1/me/appeals` takes. */
    appealObjectId: z.string().nullable(),
    questionsLeft: z.int(),
  })
  .openapi('CreditCheck');

export function presentCreditCheck(
  answer: CreditAnswer,
  of: { readonly appealObjectId: ReferralId | null; readonly questionsLeft: number },
): z.output<typeof creditCheckWire> {
  return {
    object: 'credit_check',
    outcome: answer.outcome,
    touch: answer.touch === null ? null : { ...answer.touch },
    decidedBy: answer.decidedBy,
    code: answer.code,
    appealObjectId: of.appealObjectId,
    questionsLeft: of.questionsLeft,
  };
}
