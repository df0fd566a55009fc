import { z } from 'zod';
import type { PayoutView } from '../../../db/reads/payout/payoutView.js';
import { isAffiliatesRepair } from '../../../domain/payout/payoutAttempt.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import { anyText, dayRange, listQuery } from '../../lists.js';
import { dateWire, instantWire, listOf, moneyWire, objectFields, signedMoneyWire } from '../wire.js';
import { tokenField } from '../access/session.js';
import { presentPayout } from './payout.js';

// An affiliate's payouts (api.md 17): drafts are not among them, nor who prepared and approved them.

const statuses = ['pending', 'paid'] as const;
/** The statuses an affiliate sees: a draft is not decided, a cancelled one is money that is owed again (PRT-17). */
export const ownPayoutStatuses: readonly string[] = statuses;

export const ownPayoutQuery = listQuery(
  { status: z.enum(statuses).exactOptional(), currency: anyText(), ...dayRange('paidOn') },
  { q: true, include: ['years'] },
);

export const ownPayoutWire = z
  .strictObject({
    ...objectFields('payout', 'own_payout'),
    status: z.enum(statuses),
    problem: z
      .strictObject({
        code: z.enum(['failed', 'unknown', 'returned']),
        /** Why, by features.md 4.8; null: not known. */
        reason: z.string().nullable(),
        text: z.string(),
        /** `you`: other payout details may help. */
        fixBy: z.enum(['you', 'us']),
      })
      .nullable(),
    currency: z.string(),
    amount: moneyWire,
    commissions: z.int(),
    method: z.strictObject({ type: z.string(), masked: z.string().nullable() }),
    reference: z.string().nullable(),
    /** When it is expected; null: not known. */
    dueOn: dateWire.nullable(),
    paidOn: dateWire.nullable(),
    returned: z.strictObject({ at: instantWire, amount: moneyWire }).nullable(),
    test: z.boolean(),
    createdAt: instantWire,
    updatedAt: instantWire,
  })
  .openapi('OwnPayout');
/** `include=years`: what was paid in each calendar year, whatever the list is filtered by. */
export const ownPayoutList = listOf(ownPayoutWire).extend({
  years: z
    .array(
      z.strictObject({
        year: z.int(),
        payouts: z.int(),
        paid: moneyWire,
        /** What of it came back after it was paid. */
        returned: moneyWire,
      }),
    )
    .exactOptional(),
});

export const ownPayoutDetailWire = ownPayoutWire
  .extend({
    lines: z.array(z.strictObject({ commissionId: z.string(), kind: z.string(), amount: signedMoneyWire })),
  })
  .openapi('OwnPayoutDetail');

const problemWords = {
  failed: {
    you: 'The payment was refused. Check your payout details; we try again.',
    us: 'The payment was refused. We look into it; nothing for you to do.',
  },
  unknown: { us: 'The payment was sent and is being looked up. Nothing for you to do.' },
  returned: {
    you: 'The money came back. Confirm your payout details; the next payout pays it again.',
    us: 'The money came back before it was paid. We look into it; nothing for you to do.',
  },
} as const;

/** What went wrong, in words, and whose the repair is: a method that money came back from once it was paid is confirmed anew (PAY-26, PAY-27). */
function problemFor(status: string, problem: keyof typeof problemWords, code: string | null) {
  if (problem === 'unknown')
    return { code: problem, reason: null, text: problemWords.unknown.us, fixBy: 'us' as const };
  const fixBy = status === 'paid' || isAffiliatesRepair(code) ? ('you' as const) : ('us' as const);
  return { code: problem, reason: code, text: problemWords[problem][fixBy], fixBy };
}

export function presentOwnPayout(payout: PayoutView): z.output<typeof ownPayoutWire> {
  const full = presentPayout(payout, 'other_person', []);
  return {
    id: full.id,
    object: 'own_payout',
    status: full.status === 'paid' ? 'paid' : 'pending',
    problem: full.problem === null ? null : problemFor(full.status, full.problem, full.attempt?.code ?? null),
    currency: full.currency,
    amount: full.amount,
    commissions: full.commissions,
    method: { type: full.method.type, masked: full.method.masked },
    reference: full.reference,
    dueOn: full.status === 'paid' ? null : full.dueOn,
    paidOn: full.paidOn,
    returned: full.returned === null ? null : { at: full.returned.at, amount: full.returned.amount },
    test: full.test,
    createdAt: full.createdAt,
    updatedAt: full.updatedAt,
  };
}

export const ownMethodWire = z
  .strictObject({
    ...objectFields('payoutMethod', 'own_payout_method'),
    type: z.enum(payoutMethodTypes),
    currency: z.string(),
    masked: z.string(),
    status: z.enum(['unverified', 'cooling', 'active', 'replaced', 'removed']),
    /** From when it is used. */
    activeAt: instantWire.nullable(),
    version: z.int(),
    createdAt: instantWire,
    updatedAt: instantWire,
  })
  .openapi('OwnPayoutMethod');
export const ownMethodList = listOf(ownMethodWire).extend({
  /** What may be added, with the fields each type takes (a bank account has two sets). */
  types: z.array(z.strictObject({ type: z.enum(payoutMethodTypes), fields: z.array(z.array(z.string())) })),
});
export const confirmBody = z.strictObject({ token: tokenField });
