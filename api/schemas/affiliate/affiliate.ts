import { z } from 'zod';
import type { AffiliateBalance } from '../../../db/reads/affiliate/affiliateBalances.js';
import type { AffiliateView } from '../../../db/reads/affiliate/affiliateList.js';
import type { Recruit } from '../../../db/reads/affiliate/recruits.js';
import { affiliateKinds, affiliateTransitions } from '../../../domain/affiliate/affiliate.js';
import { enrolmentTransitions } from '../../../domain/affiliate/enrolment.js';
import type { Instant } from '../../../domain/time.js';
import { figureSorts } from '../../../db/reads/reporting/affiliateFigures.js';
import { parseMoney } from '../../../domain/money.js';
import { statusesOf } from '../../../domain/transitions.js';
import { asOfParameter } from '../../asOf.js';
import { anyOf, anyText, flag, instantRange, listQuery } from '../../lists.js';
import {
  currencyWire,
  dateWire,
  decisionWire,
  emailWire,
  fieldIssue,
  idWire,
  instantWire,
  listOf,
  metadataWire,
  moneyWire,
  nameText,
  negativeDecisionBody,
  noteText,
  objectFields,
  openRequirementWire,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

export const affiliateParams = z.strictObject({ affiliateId: idWire('affiliate') });
const statuses = statusesOf(affiliateTransitions) as ['pending', 'declined', 'approved', 'suspended', 'terminated'];
const enrolmentStatuses = statusesOf(enrolmentTransitions) as ['pending', 'active', 'paused', 'ended'];

const country = z.string().regex(/^[A-Z]{2}$/, 'Two capital letters (ISO 3166), such as PL.');
const language = z.string().regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, 'A language such as pl or pt-BR.');
const tags = z
  .array(text(40))
  .max(50)
  .transform((values) => [...new Set(values)]);
const minimumPayout = z
  .array(moneyWire)
  .max(50)
  .check((context) => {
    const currencies = context.value.map((amount) => amount.currency);
    if (new Set(currencies).size < currencies.length)
      context.issues.push({ ...fieldIssue('already_used', 'One amount per currency.'), input: context.value });
  });

const details = {
  company: nameText.nullable().exactOptional(),
  phone: text(40).nullable().exactOptional(),
  website: z.string().max(2_000).nullable().exactOptional(),
  country: country.nullable().exactOptional(),
  language: language.nullable().exactOptional(),
  timeZone: text(64).nullable().exactOptional(),
  kind: z.enum(affiliateKinds).exactOptional(),
  groupId: idWire('group').nullable().exactOptional(),
  rank: z.int().min(1).max(1_000).nullable().exactOptional(),
  recruiterId: idWire('affiliate').nullable().exactOptional(),
  managerId: idWire('user').nullable().exactOptional(),
  leadAgentId: idWire('user').nullable().exactOptional(),
  tags: tags.exactOptional(),
  notes: noteText.nullable().exactOptional(),
  minimumPayout: minimumPayout.exactOptional(),
  subIdAccess: z.boolean().exactOptional(),
  metadata: metadataWire.exactOptional(),
};

export const affiliateCreate = z
  .strictObject({
    name: nameText.exactOptional(),
    email: emailWire.exactOptional(),
    contactId: idWire('contact').exactOptional(),
    programIds: z.array(idWire('program')).max(50).exactOptional(),
    apiKeyId: idWire('apiKey').exactOptional(),
    ...details,
  })
  .check((context) => {
    const { name, email, contactId, programIds } = context.value;
    // Of a contact both are known; it may lack one, which the handler finds.
    for (const [field, value] of [
      ['name', name],
      ['email', email],
    ] as const)
      if (value === undefined && contactId === undefined)
        context.issues.push({ ...fieldIssue('required', 'This field is required.', [field]), input: context.value });
    if (programIds !== undefined && new Set(programIds).size < programIds.length)
      context.issues.push({ ...fieldIssue('already_used', 'Each at most once.', ['programIds']), input: programIds });
  });
export type AffiliateCreate = z.output<typeof affiliateCreate>;

export const affiliatePatch = z.strictObject({
  name: nameText.exactOptional(),
  email: emailWire.exactOptional(),
  /** For an applicant, by staff; audited. */
  emailVerified: z.literal(true).exactOptional(),
  /** What it is paid for in place of what its programs say; needs rule.write too, since it changes what is earned. */
  acquisitionModel: z.enum(['cpl', 'cpa']).nullable().exactOptional(),
  ...details,
});
export type AffiliatePatch = z.output<typeof affiliatePatch>;

export const terminateBody = z
  .strictObject({ ...negativeDecisionBody.shape, approvedMoney: z.enum(['pay', 'forfeit']).exactOptional() })
  .check((context) => {
    if (context.value.reason === undefined && context.value.reasonCode === undefined)
      context.issues.push({
        ...fieldIssue('required', 'Say why: reason or reasonCode.', ['reason']),
        input: context.value,
      });
  });

const ranks = z
  .string()
  .transform((value, context): readonly number[] => {
    const parts = value.split(',');
    if (parts.every((part) => /^[1-9]\d{0,3}$/.test(part))) return parts.map(Number);
    context.issues.push(fieldIssue('bad_format', 'Whole numbers, separated by commas.'));
    return z.NEVER;
  })
  .exactOptional()
  .openapi({ type: 'string' });

export const affiliateQuery = listQuery(
  {
    status: anyOf(statuses),
    active: flag(),
    groupId: anyText(),
    programId: anyText(),
    rank: ranks,
    kind: anyOf(affiliateKinds),
    tag: anyText(),
    managerId: anyText(),
    recruiterId: anyText(),
    country: anyText(),
    belowStandard: flag(),
    /** Those who were never in their portal (PRT-12). */
    neverLoggedIn: flag(),
    segmentId: idWire('segment').exactOptional(),
    ...instantRange('createdAt'),
    /** Days of the figures, both included; the last thirty where none is named. */
    from: dateWire.exactOptional(),
    to: dateWire.exactOptional(),
    /** In which amounts are compared by `sort=earned`; the workspace's own where none is named. */
    currency: currencyWire.exactOptional(),
  },
  { sort: ['createdAt', 'name', ...figureSorts], q: true, include: ['counts', 'figures', 'money'] },
);

/** What chooses affiliates, apart from how a page of them is shown: of a bulk act, a segment, a message. */
export const affiliateFilter = affiliateQuery.omit({
  limit: true,
  cursor: true,
  sort: true,
  include: true,
  expand: true,
  from: true,
  to: true,
  currency: true,
});

/** What it brought in the days asked for; amounts per currency. When it last was active knows no days. */
export const affiliateFiguresWire = z
  .strictObject({
    clicks: z.int(),
    visits: z.int(),
    leads: z.int(),
    sales: z.int(),
    totalSales: z.array(signedMoneyWire),
    /** How many of the sales were refunded, in whole or in part, and what was given back. */
    refunds: z.int(),
    refunded: z.array(signedMoneyWire),
    earned: z.array(signedMoneyWire),
    commissionPaid: z.array(signedMoneyWire),
    lastActivityAt: instantWire.nullable(),
  })
  .openapi('AffiliateFigures');
export type AffiliateFiguresReply = z.output<typeof affiliateFiguresWire>;

/** How its money stands now, whatever days are asked for. */
export const affiliateMoneyWire = z
  .strictObject({
    owed: z.array(signedMoneyWire),
    lastPayout: z.strictObject({ id: z.string(), amount: moneyWire, paidAt: instantWire }).nullable(),
    /** None: it cannot be paid. */
    payoutMethods: z.array(
      z.strictObject({ currency: z.string(), status: z.enum(['unverified', 'active', 'cooling']) }),
    ),
  })
  .openapi('AffiliateMoney');
export type AffiliateMoneyReply = z.output<typeof affiliateMoneyWire>;

export const undoWire = z.strictObject({ path: z.string(), until: instantWire });

export const affiliateWire = z
  .strictObject({
    ...objectFields('affiliate', 'affiliate'),
    name: z.string(),
    company: z.string().nullable(),
    email: z.string(),
    emailVerifiedAt: instantWire.nullable(),
    phone: z.string().nullable(),
    website: z.string().nullable(),
    country: z.string().nullable(),
    language: z.string().nullable(),
    timeZone: z.string().nullable(),
    kind: z.enum(affiliateKinds),
    status: z.enum(statuses),
    statusReason: z.string().nullable(),
    active: z.boolean(),
    belowStandard: z.boolean(),
    groupId: z.string().nullable(),
    rank: z.int().nullable(),
    tags: z.array(z.string()),
    recruiterId: z.string().nullable(),
    recruitCode: z.string().nullable(),
    managerId: z.string().nullable(),
    leadAgentId: z.string().nullable(),
    contactId: z.string(),
    minimumPayout: z.array(signedMoneyWire),
    acquisitionModel: z.enum(['cpl', 'cpa']).nullable(),
    subIdAccess: z.boolean(),
    notes: z.string().nullable(),
    firstLoginAt: instantWire.nullable(),
    /** Since when it declines messages that one may decline (NTF-16). */
    messagesDeclinedAt: instantWire.nullable(),
    onboardingStage: z.enum(['application', 'verification', 'activation']),
    openRequirements: z.array(openRequirementWire),
    riskFlags: z.array(z.string()),
    approvedMoney: z.enum(['pay', 'forfeit']).nullable(),
    enrolments: z.array(
      z.strictObject({
        id: z.string(),
        programId: z.string(),
        status: z.enum(enrolmentStatuses),
        joinedAt: instantWire,
        linkId: z.string().nullable(),
      }),
    ),
    /** Only in the list, with `include=figures`. */
    figures: affiliateFiguresWire.exactOptional(),
    /** Only in the list, with `include=money`. */
    money: affiliateMoneyWire.exactOptional(),
    decision: decisionWire,
    undo: undoWire.exactOptional(),
    allowedActions: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    ...versionFields,
  })
  .openapi('Affiliate');
export type AffiliateReply = z.output<typeof affiliateWire>;
export const affiliateList = listOf(affiliateWire);

/** Affiliate → wire. `undo` only in the answer to a decision that has a way back (api.md 1.8). */
export function presentAffiliate(
  view: AffiliateView,
  allowedActions: readonly string[],
  undo?: { readonly path: string; readonly until: Instant },
): AffiliateReply {
  const { affiliate } = view;
  return {
    id: affiliate.id,
    object: 'affiliate',
    name: affiliate.name,
    company: affiliate.company,
    email: affiliate.email,
    emailVerifiedAt: affiliate.emailVerifiedAt,
    phone: affiliate.phone,
    website: affiliate.website,
    country: affiliate.country,
    language: affiliate.language,
    timeZone: affiliate.timeZone,
    kind: affiliate.kind,
    status: affiliate.status,
    statusReason: affiliate.statusReason,
    active: view.isActive,
    belowStandard: view.belowStandard,
    groupId: affiliate.groupId,
    rank: affiliate.rank,
    tags: [...affiliate.tags],
    recruiterId: affiliate.recruiterId,
    recruitCode: view.recruitCode,
    managerId: affiliate.managerId,
    leadAgentId: affiliate.leadAgentId,
    contactId: affiliate.contactId,
    minimumPayout: affiliate.minimumPayout.flatMap((wire) => {
      const parsed = parseMoney(wire);
      return parsed.ok ? [parsed.money] : [];
    }),
    acquisitionModel: affiliate.acquisitionModel,
    subIdAccess: affiliate.subIdAccess,
    notes: affiliate.notes,
    firstLoginAt: view.firstLoginAt,
    messagesDeclinedAt: view.optedOutAt,
    onboardingStage: stageOf(view),
    openRequirements: [...view.openRequirements],
    riskFlags: [...view.riskFlags],
    approvedMoney: affiliate.approvedMoney,
    enrolments: view.enrolments.map((enrolment) => ({ ...enrolment })),
    decision: view.decision,
    ...(undo === undefined ? {} : { undo }),
    allowedActions: [...allowedActions],
    metadata: { ...affiliate.metadata },
    version: affiliate.version,
    createdAt: affiliate.createdAt,
    updatedAt: affiliate.updatedAt,
  };
}

function stageOf(view: AffiliateView): AffiliateReply['onboardingStage'] {
  if (view.affiliate.status !== 'pending') return 'activation';
  return view.openRequirements.length > 0 ? 'verification' : 'application';
}

export const balanceWire = z
  .strictObject({
    object: z.literal('affiliate_balance'),
    currency: z.string(),
    pending: signedMoneyWire,
    owed: signedMoneyWire,
    payable: signedMoneyWire,
    inPayout: signedMoneyWire,
    paid: signedMoneyWire,
    clawedBack: signedMoneyWire,
  })
  .openapi('AffiliateBalance');
/** Unpaged: a row per currency (api.md 7.1). */
export const balanceList = z.array(balanceWire);
export const balanceQuery = z.strictObject(asOfParameter);

export function presentBalance(balance: AffiliateBalance): z.output<typeof balanceWire> {
  return { object: 'affiliate_balance', ...balance };
}

export const recruitsQuery = z.strictObject({
  depth: z
    .string()
    .default('10')
    .transform((value, context) => {
      if (/^([1-9]|10)$/.test(value)) return Number(value);
      context.issues.push(fieldIssue('out_of_range', 'depth is 1 to 10.'));
      return z.NEVER;
    })
    .openapi({ type: 'integer', minimum: 1, maximum: 10, default: 10 }),
});
export const recruitWire = z
  .strictObject({
    object: z.literal('recruit'),
    affiliateId: z.string(),
    name: z.string(),
    status: z.enum(statuses),
    recruiterId: z.string(),
    depth: z.int(),
    joinedAt: instantWire,
  })
  .openapi('Recruit');
export const recruitList = listOf(recruitWire);

export function presentRecruit(recruit: Recruit): z.output<typeof recruitWire> {
  return { object: 'recruit', ...recruit };
}
