import { z } from 'zod';
import type { SaleView } from '../../../db/reads/earning/saleList.js';
import { type DisputeStep, disputeSteps, saleTransitions } from '../../../domain/earning/sale.js';
import { reasonForAffiliate } from '../../../domain/publicReason.js';
import type { Dispute } from '../../../domain/earning/dispute.js';
import type { ClickId } from '../../../domain/ids.js';
import { statusesOf } from '../../../domain/transitions.js';
import { anyName, anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import { saleMoney } from '../program/commissionRule.js';
import {
  aboveZero,
  decisionBody,
  emailWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  moneyWire,
  objectFields,
  reasonText,
  text,
  versionFields,
} from '../wire.js';

export const saleParams = z.strictObject({ saleId: idWire('sale') });
const statuses = statusesOf(saleTransitions) as [
  'declined',
  'succeeded',
  'part_refunded',
  'refunded',
  'disputed',
  'charged_back',
];

export const externalIdText = text(255);
export const sourceText = text(64);

export const saleFields = z.strictObject({
  externalId: externalIdText,
  source: sourceText.exactOptional(),
  occurredAt: instantWire.nullable().exactOptional(),
  customer: z
    .strictObject({
      externalId: externalIdText.nullable().exactOptional(),
      email: emailWire.nullable().exactOptional(),
    })
    .nullable()
    .exactOptional(),
  clickId: idWire('click').nullable().exactOptional(),
  coupon: text(64).nullable().exactOptional(),
  programId: idWire('program').nullable().exactOptional(),
  type: z.enum(['payment', 'transaction']).default('payment'),
  status: z.enum(['succeeded', 'declined']).default('succeeded'),
  ...saleMoney,
  subscription: z
    .strictObject({
      externalId: externalIdText,
      paymentNumber: z.int().min(1).max(1_000_000).nullable().exactOptional(),
    })
    .nullable()
    .exactOptional(),
  metadata: metadataWire.exactOptional(),
});
export const saleCreate = saleFields.check((context) => {
  const sale = context.value;
  const issue = (code: 'required' | 'not_allowed_here', message: string, field: string): void => {
    context.issues.push({ ...fieldIssue(code, message, [field]), input: sale });
  };
  const hasCustomer = sale.customer?.externalId != null || sale.customer?.email != null;
  if (!hasCustomer && sale.clickId == null && sale.coupon == null)
    issue('required', 'Name a customer, a click or a coupon.', 'customer');
  const hasType = sale.transactionType !== undefined && sale.transactionType !== null;
  if (sale.type === 'transaction' && !hasType) issue('required', 'Which type of transaction?', 'transactionType');
  if (sale.type === 'payment' && hasType) issue('not_allowed_here', 'Only for transactions.', 'transactionType');
  if (sale.lines != null && (sale.product != null || sale.quantity != null))
    issue(
      'not_allowed_here',
      'Product and quantity stand on the lines.',
      sale.product != null ? 'product' : 'quantity',
    );
});
export type SaleCreate = z.output<typeof saleCreate>;

/** Of a sale in review: `amount` where it was another than reported (TRK-19). */
export const saleConfirmBody = decisionBody.extend({ amount: moneyWire.exactOptional() });

export const saleAttributeBody = z.strictObject({
  affiliateId: idWire('affiliate'),
  programId: idWire('program').exactOptional(),
  reason: reasonText.exactOptional(),
});
export type SaleAttributeBody = z.output<typeof saleAttributeBody>;

export const saleQuery = listQuery(
  {
    externalId: anyText(),
    status: anyOf(statuses),
    inReview: flag(),
    affiliateId: anyText(),
    programId: anyText(),
    productId: anyText(),
    contactId: anyText(),
    country: anyText(),
    noCommissionCode: anyText(),
    earned: flag(),
    campaign: anyName(),
    ad: anyName(),
    ...instantRange('occurredAt'),
  },
  { q: true },
);

export const saleWire = z.strictObject({
  ...objectFields('sale', 'sale'),
  externalId: z.string(),
  source: z.string(),
  type: z.enum(['payment', 'transaction']),
  transactionType: z.string().nullable(),
  status: z.enum(statuses),
  inReview: z.boolean(),
  channel: z.string(),
  paymentNumber: z.int().nullable(),
  amount: moneyWire,
  refunded: moneyWire,
  contactId: z.string().nullable(),
  leadId: z.string().nullable(),
  referralId: z.string().nullable(),
  attribution: z.strictObject({
    status: z.enum(['attributed', 'unattributed']),
    code: z.string().nullable(),
    affiliateId: z.string().nullable(),
    programId: z.string().nullable(),
    linkId: z.string().nullable(),
    clickId: z.string().nullable(),
    sub1: z.string().nullable(),
    /** Of the promo tool that brought it, else of the link (LNK-17). */
    campaign: z.string().nullable(),
    ad: z.string().nullable(),
  }),
  commissionIds: z.array(z.string()),
  noCommissionCode: z.string().nullable(),
  parkedCode: z.string().nullable(),
  lines: z.array(
    z.strictObject({
      productId: z.string().nullable(),
      quantity: z.int(),
      amount: moneyWire,
      code: z.string().nullable(),
    }),
  ),
  test: z.boolean(),
  occurredAt: instantWire,
  receivedAt: instantWire,
  processedAt: instantWire.nullable(),
  allowedActions: z.array(z.string()),
  metadata: z.record(z.string(), z.string()),
  ...versionFields,
});
export type SaleReply = z.output<typeof saleWire>;
export const saleList = listOf(saleWire);

/** `own`: the affiliate whose key reads, which sees no contact, public codes, and its own remarks only (BEY-22); null: staff. */
export function presentSale(
  { sale, commissionIds, campaign, ad }: SaleView,
  allowedActions: readonly string[],
  own: string | null = null,
): SaleReply {
  const told = (code: string | null): string | null => (own === null ? code : reasonForAffiliate(code));
  const money = (minor: bigint) => ({ minor, currency: sale.currency });
  return {
    id: sale.id,
    object: 'sale',
    externalId: sale.externalId,
    source: sale.source,
    type: sale.type,
    transactionType: sale.transactionType,
    status: sale.status,
    inReview: sale.inReview,
    channel: sale.channel,
    paymentNumber: sale.paymentNumber,
    amount: money(sale.captured),
    refunded: money(sale.refunded),
    contactId: own === null ? sale.contactId : null,
    leadId: sale.leadId,
    referralId: sale.referralId,
    attribution: {
      status: sale.attributionStatus,
      code: told(sale.attributionCode),
      affiliateId: sale.affiliateId,
      programId: sale.programId,
      linkId: sale.linkId,
      clickId: sale.clickId as ClickId | null,
      sub1: sale.sub1,
      campaign,
      ad,
    },
    commissionIds: [...commissionIds],
    noCommissionCode: told(sale.noCommissionCode),
    parkedCode: told(sale.parkedCode),
    lines: sale.lines.map((line) => ({
      productId: line.productId,
      quantity: line.quantity,
      amount: money(line.amount),
      code: told(line.code),
    })),
    test: sale.mode === 'test',
    occurredAt: sale.occurredAt,
    receivedAt: sale.createdAt,
    processedAt: sale.processedAt,
    allowedActions: [...allowedActions],
    metadata: own !== null && sale.source !== own ? {} : { ...sale.metadata },
    version: sale.version,
    createdAt: sale.createdAt,
    updatedAt: sale.updatedAt,
  };
}

export const disputeCreate = z.strictObject({
  externalId: externalIdText,
  status: z.enum(disputeSteps),
  amount: aboveZero(moneyWire).nullable().exactOptional(),
  occurredAt: instantWire.nullable().exactOptional(),
});
export type DisputeCreate = z.output<typeof disputeCreate>;

export const disputeWire = z.strictObject({
  ...objectFields('dispute', 'dispute'),
  saleId: z.string().nullable(),
  externalId: z.string(),
  status: z.enum(disputeSteps),
  amount: moneyWire.nullable(),
  test: z.boolean(),
  occurredAt: instantWire,
  processedAt: instantWire.nullable(),
  version: z.int(),
  createdAt: instantWire,
});
export const disputeList = listOf(disputeWire);

export function presentDispute(dispute: Dispute): z.output<typeof disputeWire> {
  return {
    id: dispute.id,
    object: 'dispute',
    saleId: dispute.saleId,
    externalId: dispute.externalId,
    status: dispute.step satisfies DisputeStep,
    amount:
      dispute.amount === null || dispute.currency === null
        ? null
        : { minor: dispute.amount, currency: dispute.currency },
    test: dispute.mode === 'test',
    occurredAt: dispute.occurredAt,
    processedAt: dispute.processedAt,
    version: dispute.version,
    createdAt: dispute.createdAt,
  };
}
