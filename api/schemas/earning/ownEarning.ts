import { z } from 'zod';
import type { CommissionStory } from '../../../db/reads/earning/commissionExplanation.js';
import type { CommissionView } from '../../../db/reads/earning/commissionList.js';
import type { OwnPurchase } from '../../../db/reads/earning/ownPurchases.js';
import type { OwnRefund } from '../../../db/reads/earning/ownRefundList.js';
import type { PublicReason } from '../../../db/reads/earning/publicReasons.js';
import type { ReferralView } from '../../../db/reads/earning/referralList.js';
import { type Blocker, commissionKinds, commissionTransitions } from '../../../domain/earning/commission.js';
import { referralStages, referralTransitions } from '../../../domain/earning/referral.js';
import { type SaleStatus, saleTransitions } from '../../../domain/earning/sale.js';
import type { CurrencyCode } from '../../../domain/money.js';
import { reasonForAffiliate } from '../../../domain/publicReason.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import { idWire, instantWire, listOf, objectFields, signedMoneyWire, text } from '../wire.js';
import { type explanationWire, presentCommission, presentExplanation, presentReversals } from './commission.js';
import { presentReferral, type ReferralReader } from './referral.js';

// What an affiliate sees of its referrals and earnings (api.md 17). Nothing here names staff, other affiliates, or what staff wrote for
// themselves; customers appear as the program allows, those of recruits never.

const referralStatuses = statusesOf(referralTransitions) as [
  'tracking',
  'pending',
  'approved',
  'rejected',
  'expired',
  'merged',
];
const saleStatuses = statusesOf(saleTransitions) as [SaleStatus, ...SaleStatus[]];
const commissionStatuses = statusesOf(commissionTransitions) as ['pending', 'rejected', 'approved', 'reversed', 'paid'];

const customerWire = z
  .strictObject({
    reference: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    masked: z.boolean(),
  })
  .nullable();
const reasonWire = z.strictObject({ code: z.string().nullable(), text: z.string().nullable() }).nullable();

/** `q`: our reference and the id, and of the customer only what the program shows. So for all lists of this file. */
export const ownReferralQuery = listQuery(
  {
    status: anyOf(referralStatuses),
    stage: anyOf(referralStages),
    programId: anyText(),
    linkId: anyText(),
    ...instantRange('createdAt'),
  },
  { q: true, include: ['counts'] },
);

export const ownReferralWire = z
  .strictObject({
    ...objectFields('referral', 'own_referral'),
    programId: idWire('program'),
    linkId: z.string().nullable(),
    status: z.enum(referralStatuses),
    stage: z.enum(referralStages),
    /** Where it stands, in plain words. */
    text: z.string(),
    next: z.strictObject({ at: instantWire, text: z.string() }).nullable(),
    customer: customerWire,
    stageTimes: z.strictObject({
      click: instantWire.nullable(),
      visit: instantWire.nullable(),
      lead: instantWire.nullable(),
      sale: instantWire.nullable(),
    }),
    events: z.array(z.strictObject({ event: z.string(), at: instantWire })),
    commissionIds: z.array(z.string()),
    /** Per currency what its commissions come to as things stand. */
    expected: z.array(signedMoneyWire),
    reason: reasonWire,
    test: z.boolean(),
    createdAt: instantWire,
    updatedAt: instantWire,
  })
  .openapi('OwnReferral');
export const ownReferralList = listOf(ownReferralWire);
export const ownReferralDetailWire = ownReferralWire
  .extend({
    /** What the customer bought, as far as the program shows it; newest first. */
    purchases: z.array(
      z.strictObject({
        at: instantWire,
        status: z.enum(saleStatuses),
        amount: signedMoneyWire,
        commission: signedMoneyWire,
        code: z.string().nullable(),
      }),
    ),
  })
  .openapi('OwnReferralDetail');

export function presentOwnPurchase(purchase: OwnPurchase): z.output<typeof ownReferralDetailWire>['purchases'][number] {
  const { occurredAt, status, currency, amountMinor, earnedMinor, code } = purchase;
  return {
    at: occurredAt,
    status,
    amount: { minor: amountMinor, currency },
    commission: { minor: earnedMinor, currency },
    code: reasonForAffiliate(code),
  };
}

const referralWords: Readonly<Record<(typeof referralStatuses)[number], string>> = {
  tracking: 'Clicked your link and has not come back yet.',
  pending: 'Is being looked at.',
  approved: 'Counts for you.',
  rejected: 'Does not count.',
  expired: 'Never came back in time.',
  merged: 'Was joined with an earlier referral of the same person.',
};
const stepWords = {
  expire: 'The time to come back ends.',
  remind: 'A decision is due.',
  escalate: 'A decision is due.',
  reject: 'Ends without a decision.',
  approve_commission: 'The waiting time ends and the commission is yours.',
} as const;

export function presentOwnReferral(
  view: ReferralView,
  reader: Omit<ReferralReader, 'isAffiliate' | 'seesPeople'>,
  own: {
    readonly lines: readonly { readonly id: string; readonly currency: string; readonly minor: bigint }[];
    readonly reason: PublicReason | undefined;
  },
): z.output<typeof ownReferralWire> {
  const full = presentReferral(view, { ...reader, isAffiliate: true, seesPeople: false }, []);
  const sums = new Map<string, bigint>();
  for (const line of own.lines) sums.set(line.currency, (sums.get(line.currency) ?? 0n) + line.minor);
  const next = full.nextAutomaticStep;
  return {
    id: full.id,
    object: 'own_referral',
    programId: full.programId,
    linkId: full.linkId,
    status: full.status,
    stage: full.stage,
    text: referralWords[full.status],
    next: next === null ? null : { at: next.at, text: stepWords[next.what] },
    customer:
      full.customer === null || view.referral.contactId === null
        ? null
        : { ...full.customer, reference: publicReference(view.referral.contactId) },
    stageTimes: full.stageTimes,
    events: full.events.map(({ event, at }) => ({ event, at })),
    commissionIds: own.lines.map((line) => line.id),
    expected: [...sums].map(([currency, minor]) => ({ minor, currency: currency as CurrencyCode })),
    reason: full.status === 'rejected' ? toldReason(own.reason) : null,
    test: full.test,
    createdAt: full.createdAt,
    updatedAt: full.updatedAt,
  };
}

/** The code only where it is a public one; what staff wrote for the affiliate as it is. */
function toldReason(reason: PublicReason | undefined): z.output<typeof reasonWire> {
  return reason === undefined ? null : { code: reasonForAffiliate(reason.code), text: reason.text };
}

/** Ours, the same wherever the customer appears: the merchant's own number of it may be an address. */
function publicReference(contactId: string): string {
  return `C-${contactId.slice(-6)}`;
}

export const ownCommissionQuery = listQuery(
  {
    status: anyOf(commissionStatuses),
    list: anyOf(['pending', 'payable', 'history']),
    programId: anyText(),
    level: anyText(),
    kind: anyOf(commissionKinds),
    referralId: anyText(),
    /** The lines of one sub-id, as the report counts them. */
    sub1: text(255).exactOptional(),
    /** The lines without one. */
    unlabelled: flag(),
    ...instantRange('eligibleAt'),
    ...instantRange('createdAt'),
  },
  { q: true, include: ['counts', 'sums'] },
);

export const ownCommissionWire = z
  .strictObject({
    ...objectFields('commission', 'own_commission'),
    kind: z.enum(commissionKinds),
    status: z.enum(commissionStatuses),
    level: z.int(),
    programId: z.string(),
    referralId: z.string().nullable(),
    amount: signedMoneyWire,
    reversed: signedMoneyWire,
    clawedBack: signedMoneyWire,
    net: signedMoneyWire,
    base: signedMoneyWire.nullable(),
    ratePpm: z.int().nullable(),
    onHold: z.boolean(),
    /** What it waits for, in plain words. */
    waitsFor: z.array(z.strictObject({ code: z.string(), text: z.string(), until: instantWire.nullable() })),
    eligibleAt: instantWire,
    approvedAt: instantWire.nullable(),
    paidAt: instantWire.nullable(),
    payoutId: z.string().nullable(),
    customer: customerWire,
    /** Of a bonus or correction: what it is for. */
    note: z.string().nullable(),
    reason: reasonWire,
    sub1: z.string().nullable(),
    test: z.boolean(),
    createdAt: instantWire,
    updatedAt: instantWire,
  })
  .openapi('OwnCommission');
export const ownCommissionList = listOf(ownCommissionWire);

const blockerWords: Readonly<Record<Blocker['code'], string>> = {
  referral_not_approved: 'The referral is being looked at.',
  in_hold_period: 'The waiting time for refunds is running.',
  on_hold: 'It is on hold.',
  check_open: 'A check is open.',
  in_review: 'The sale is being looked at.',
  suspended: 'Your account is suspended.',
};

export function presentOwnCommission(
  view: CommissionView,
  own: {
    readonly reason: PublicReason | undefined;
    readonly isInDraft: boolean;
    readonly seesSubIds: boolean;
  },
): z.output<typeof ownCommissionWire> {
  const full = presentCommission(view, { isAffiliate: true, seesPeople: false }, []);
  const isDirect = full.level === 1;
  return {
    id: full.id,
    object: 'own_commission',
    kind: full.kind,
    status: full.status,
    level: full.level,
    programId: full.programId,
    referralId: isDirect ? full.referralId : null,
    amount: full.amount,
    reversed: full.reversed,
    clawedBack: full.clawedBack,
    net: full.net,
    base: full.base,
    ratePpm: full.ratePpm,
    onHold: full.onHold,
    waitsFor:
      full.status === 'pending'
        ? view.blockers.map(({ code, until }) => ({
            code,
            until,
            text: blockerWords[code],
          }))
        : [],
    eligibleAt: full.eligibleAt,
    approvedAt: full.approvedAt,
    paidAt: full.paidAt,
    payoutId: own.isInDraft ? null : full.payoutId,
    customer: isDirect ? full.customer : null,
    note: full.kind === 'earned' ? null : full.reason,
    reason: full.status === 'rejected' || full.status === 'reversed' ? toldReason(own.reason) : null,
    sub1: own.seesSubIds && isDirect ? full.sub1 : null,
    test: full.test,
    createdAt: full.createdAt,
    updatedAt: full.updatedAt,
  };
}

/** Why this amount, without who else was a candidate and, of a recruit's sale, without whose it was. */
export function presentOwnExplanation(view: CommissionView, story: CommissionStory): z.output<typeof explanationWire> {
  const whole = presentExplanation(view, story);
  const full = { ...whole, reversals: toldReversals(view, story) };
  if (view.commission.level !== 1) return { ...full, cause: { type: story.cause.type }, attribution: null };
  if (story.attribution === null) return full;
  const { candidates, referrerChoice, decidedAt, affiliateId } = story.attribution;
  const own = view.commission.affiliateId;
  return {
    ...full,
    attribution: {
      affiliateId: affiliateId === own ? own : null,
      referrerChoice,
      decidedAt,
      candidates: candidates.map((one) => {
        const isOwn = one['affiliateId'] === own;
        return {
          clickId: isOwn && one['kind'] === 'click' ? one['sourceId'] : null,
          affiliateId: isOwn ? own : null,
          at: isOwn ? one['occurredAt'] : null,
          won: one['won'],
          code: one['code'],
        };
      }),
    },
  };
}

/** What the line lost, by public codes; which decision or case it was is the staff's. */
function toldReversals(view: CommissionView, story: CommissionStory): readonly Readonly<Record<string, unknown>>[] {
  const told = story.changes.map((one) => ({
    ...one,
    reasonCode: reasonForAffiliate(one.reasonCode),
    cause: one.cause?.type === 'refund' || one.cause?.type === 'sale' ? one.cause : null,
  }));
  return presentReversals(view, { ...story, changes: told });
}

export const ownRefundQuery = listQuery(
  { programId: anyText(), effect: anyOf(['voided', 'clawed_back']), ...instantRange('createdAt') },
  { q: true, include: ['counts', 'sums'] },
);

export const ownRefundWire = z
  .strictObject({
    ...objectFields('auditEntry', 'own_refund'),
    /** `dispute`: the customer's bank took the payment back. */
    cause: z.enum(['refund', 'dispute']),
    /** `voided`: before it was paid out. `clawed_back`: after, so that later earnings pay for it. */
    effect: z.enum(['voided', 'clawed_back']),
    commissionId: idWire('commission'),
    programId: idWire('program'),
    referralId: z.string().nullable(),
    level: z.int(),
    /** What your line lost by it. */
    taken: signedMoneyWire,
    /** What the customer got back; null for a chargeback and for customers of recruits. */
    refunded: signedMoneyWire.nullable(),
    customer: customerWire,
    test: z.boolean(),
    occurredAt: instantWire,
    createdAt: instantWire,
  })
  .openapi('OwnRefund');
export const ownRefundList = listOf(ownRefundWire);

/** A loss of one line, with the customer as that line shows it. */
export function presentOwnRefund(refund: OwnRefund, line: CommissionView): z.output<typeof ownRefundWire> {
  const isDirect = refund.level === 1;
  return {
    id: refund.id as z.output<typeof ownRefundWire>['id'],
    object: 'own_refund',
    cause: refund.cause,
    effect: refund.effect,
    commissionId: refund.commissionId as z.output<typeof ownRefundWire>['commissionId'],
    programId: refund.programId as z.output<typeof ownRefundWire>['programId'],
    referralId: isDirect ? refund.referralId : null,
    level: refund.level,
    taken: refund.taken,
    refunded: isDirect ? refund.refunded : null,
    customer: isDirect ? presentCommission(line, { isAffiliate: true, seesPeople: false }, []).customer : null,
    test: refund.mode === 'test',
    occurredAt: refund.occurredAt,
    createdAt: refund.at,
  };
}
