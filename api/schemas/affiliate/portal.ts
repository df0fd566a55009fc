import { z } from 'zod';
import type { Declined } from '../../../db/messaging/notificationChoice.js';
import type { OwnAgreement } from '../../../db/reads/affiliate/ownAgreements.js';
import type { OwnProgram } from '../../../db/reads/affiliate/ownPrograms.js';
import { effectiveTerms, minimumPayout, type Settings } from '../../../domain/access/settings.js';
import type { Group } from '../../../db/affiliate/group.js';
import { type Affiliate, affiliateTransitions } from '../../../domain/affiliate/affiliate.js';
import { enrolmentTransitions } from '../../../domain/affiliate/enrolment.js';
import { type CurrencyCode, type Money, type MoneyWire, parseMoney } from '../../../domain/money.js';
import type { PlannedRow } from '../../../domain/payout/payoutRun.js';
import { type OwnRate, rateLanguages } from '../../../domain/program/ownRates.js';
import { type Program, programTransitions } from '../../../domain/program/program.js';
import { ruleEvents } from '../../../domain/program/commissionPlan.js';
import { paidAdTerms } from '../../../domain/tracking/trafficTerms.js';
import { statusesOf } from '../../../domain/transitions.js';
import {
  dateWire,
  durationWire,
  idWire,
  instantWire,
  listOf,
  moneyWire,
  objectFields,
  ppmWire,
  signedMoneyWire,
} from '../wire.js';
import {
  notificationChoicePatch,
  notificationChoiceWire,
  presentNotificationChoices,
} from '../messaging/notificationChoice.js';
import { affiliatePatch, balanceWire } from './affiliate.js';

// What an affiliate sees of itself (api.md 17): never staff's notes, names, reasons or the ids of other affiliates.

const statuses = statusesOf(affiliateTransitions) as ['pending', 'declined', 'approved', 'suspended', 'terminated'];
const enrolmentStatuses = statusesOf(enrolmentTransitions) as ['pending', 'active', 'paused', 'ended'];
const programStatuses = statusesOf(programTransitions) as ['draft', 'active', 'paused', 'closed'];

/** The address is not among them: it is the login, and where confirmations go. */
export const profilePatch = affiliatePatch
  .pick({
    name: true,
    company: true,
    phone: true,
    website: true,
    country: true,
    language: true,
    timeZone: true,
  })
  .extend({ notifications: notificationChoicePatch.exactOptional() });

export const profileWire = z
  .strictObject({
    ...objectFields('affiliate', 'profile'),
    name: z.string(),
    company: z.string().nullable(),
    email: z.string(),
    emailVerifiedAt: instantWire.nullable(),
    phone: z.string().nullable(),
    website: z.string().nullable(),
    country: z.string().nullable(),
    language: z.string().nullable(),
    timeZone: z.string().nullable(),
    status: z.enum(statuses),
    /** False: everything can be read, nothing changed. */
    mayWrite: z.boolean(),
    subIdAccess: z.boolean(),
    recruitsOthers: z.boolean(),
    notifications: z.array(notificationChoiceWire),
    version: z.int(),
    createdAt: instantWire,
    updatedAt: instantWire,
  })
  .openapi('OwnProfile');

export function presentProfile(
  affiliate: Affiliate,
  mayWrite: boolean,
  declined: Declined,
): z.output<typeof profileWire> {
  const { id, name, company, email, emailVerifiedAt, phone, website, country, language, timeZone, status } = affiliate;
  return {
    object: 'profile',
    id,
    name,
    company,
    email,
    emailVerifiedAt,
    phone,
    website,
    country,
    language,
    timeZone,
    status,
    mayWrite: mayWrite && status === 'approved',
    subIdAccess: affiliate.subIdAccess,
    recruitsOthers: affiliate.status === 'approved',
    notifications: presentNotificationChoices('affiliate', declined),
    version: affiliate.version,
    createdAt: affiliate.createdAt,
    updatedAt: affiliate.updatedAt,
  };
}

export const ownAgreementWire = z
  .strictObject({
    ...objectFields('agreement', 'own_agreement'),
    programId: idWire('program'),
    programName: z.string(),
    kind: z.enum(['terms', 'guidelines']),
    number: z.int(),
    title: z.string(),
    text: z.string(),
    mustAccept: z.boolean(),
    effectiveFrom: instantWire,
    graceUntil: instantWire.nullable(),
    acceptedAt: instantWire.nullable(),
  })
  .openapi('OwnAgreement');
export const ownAgreementList = listOf(ownAgreementWire);

export function presentOwnAgreement(agreement: OwnAgreement): z.output<typeof ownAgreementWire> {
  return { object: 'own_agreement', ...agreement };
}

const rateWire = z.strictObject({
  product: z.strictObject({ id: z.string(), name: z.string() }).nullable(),
  event: z.enum(ruleEvents),
  transactionType: z.string().nullable(),
  level: z.int(),
  kind: z.enum(['percent', 'flat']),
  ratePpm: ppmWire.nullable(),
  amount: moneyWire.nullable(),
  minimumBase: moneyWire.nullable(),
  maxPayments: z.int().nullable(),
  maxMonths: z.int().nullable(),
  /** The same in words. */
  text: z.string(),
});

export const ownProgramWire = z
  .strictObject({
    ...objectFields('program', 'own_program'),
    name: z.string(),
    status: z.enum(programStatuses),
    currency: z.string(),
    enrolment: z.strictObject({ status: z.enum(enrolmentStatuses), joinedAt: instantWire }),
    linkId: z.string().nullable(),
    rates: z.array(rateWire),
    attributionWindow: durationWire,
    commissionHold: durationWire,
    referralApproval: z.enum(['automatic', 'manual']),
    customerVisibility: z.enum(['full', 'name_only', 'anonymous']),
    minimumPayout: moneyWire,
    destinationHosts: z.array(z.string()),
    /** Whether ads may be bought for its links, and which words are never to be advertised on. */
    paidAds: z.enum(paidAdTerms),
    brandTerms: z.array(z.string()),
    landingUrl: z.string().nullable(),
    terms: ownAgreementWire.nullable(),
    guidelines: ownAgreementWire.nullable(),
  })
  .openapi('OwnProgram');
/** Programs that the affiliate may join by itself. */
const joinableWire = z.strictObject({
  id: idWire('program'),
  name: z.string(),
  currency: z.string(),
  landingUrl: z.string().nullable(),
});
export const ownProgramList = listOf(ownProgramWire).extend({ joinable: z.array(joinableWire) });
/** In which language the rates are worded; figures are the same in all. */
export const ownProgramQuery = z.strictObject({ language: z.enum(rateLanguages).default('en') });

export function presentOwnProgram(
  own: OwnProgram,
  program: Program,
  more: {
    readonly affiliate: Affiliate;
    readonly group: Group | undefined;
    readonly settings: Settings;
    readonly rates: readonly OwnRate[];
    readonly productNames: ReadonlyMap<string, string>;
    readonly agreements: readonly OwnAgreement[];
  },
): z.output<typeof ownProgramWire> {
  const terms = effectiveTerms(more.settings, program);
  const agreement = (kind: OwnAgreement['kind']) => {
    const found = more.agreements.find((one) => one.programId === program.id && one.kind === kind);
    return found === undefined ? null : presentOwnAgreement(found);
  };
  return {
    id: program.id,
    object: 'own_program',
    name: program.name,
    status: program.status,
    currency: program.currency,
    enrolment: { status: own.status, joinedAt: own.joinedAt },
    linkId: own.linkId,
    // Field by field: which of the staff's rules says so is not the affiliate's to know.
    rates: more.rates.map((one) => ({
      product: one.productId === null ? null : { id: one.productId, name: more.productNames.get(one.productId) ?? '' },
      event: one.event,
      transactionType: one.transactionType,
      level: one.level,
      kind: one.kind,
      ratePpm: one.rate,
      amount: one.amount,
      minimumBase: one.minimumBase,
      maxPayments: one.maxPayments,
      maxMonths: one.maxMonths,
      text: one.text,
    })),
    attributionWindow: terms.attributionWindow,
    commissionHold: terms.commissionHold,
    referralApproval: terms.referralApproval,
    customerVisibility: terms.customerVisibility,
    minimumPayout: ownMinimum(more, program.currency),
    destinationHosts: [...program.destinationHosts, ...more.settings.domains.destinationHosts],
    paidAds: terms.paidAds,
    brandTerms: [...terms.brandTerms],
    landingUrl: program.landingUrl,
    terms: agreement('terms'),
    guidelines: agreement('guidelines'),
  };
}

/** Whose minimum is whose: the affiliate's own, then the group's, then the workspace's. */
export interface OwnMinimums {
  readonly affiliate: Pick<Affiliate, 'minimumPayout'>;
  readonly group: Pick<Group, 'minimumPayout'> | undefined;
  readonly settings: Settings;
}

/** The affiliate's own minimum beats the group's, which beats the workspace's (PAY-01), as in the plan of a run. */
export function ownMinimum(minimums: OwnMinimums, currency: CurrencyCode): Money {
  return minimumWithScope(minimums, currency).value;
}

/** The same with whose it is. */
export function minimumWithScope(
  { affiliate, group, settings }: OwnMinimums,
  currency: CurrencyCode,
): { readonly value: Money; readonly scope: 'affiliate' | 'group' | 'workspace' } {
  const narrow = [
    { scope: 'affiliate', amounts: affiliate.minimumPayout },
    { scope: 'group', amounts: group?.minimumPayout ?? [] },
  ] as const;
  for (const { scope, amounts } of narrow) {
    const named = amounts.find((wire: MoneyWire) => wire.currency === currency);
    const parsed = named === undefined ? undefined : parseMoney(named);
    if (parsed?.ok === true) return { value: parsed.money, scope };
  }
  return { value: minimumPayout(settings, currency), scope: 'workspace' };
}

const nextPayoutWire = z.strictObject({
  currency: z.string(),
  /** What would be paid if a run were planned now. */
  amount: signedMoneyWire,
  payable: z.boolean(),
  /** Day of the next scheduled run, in the workspace's zone; null: none is planned. */
  on: dateWire.nullable(),
  minimum: moneyWire,
  /** Parts per million of the minimum that are there, at most 1,000,000. */
  progressPpm: z.int(),
  missing: z.array(
    z.strictObject({
      code: z.string(),
      detail: z.string(),
      fix: z.string(),
      /** `you`: the affiliate itself can do it. */
      fixBy: z.enum(['you', 'us', 'nobody']),
    }),
  ),
});

export const activityDayWire = z.strictObject({
  day: dateWire,
  clicks: z.int(),
  visits: z.int(),
  leads: z.int(),
  sales: z.int(),
});

export const ownHomeWire = z
  .strictObject({
    object: z.literal('own_home'),
    affiliate: z.strictObject({ id: idWire('affiliate'), name: z.string(), status: z.enum(statuses) }),
    balances: z.array(balanceWire),
    /** When the parts of a balance move on; the day of what is approved is that of the next payout. Null: not known, or nothing there. */
    balanceDays: z.array(
      z.strictObject({
        currency: z.string(),
        /** The first end of a hold among what is pending. */
        nextEligibleAt: instantWire.nullable(),
        /** When the first of what is on its way is expected. */
        expectedOn: dateWire.nullable(),
        lastPaidOn: dateWire.nullable(),
      }),
    ),
    nextPayouts: z.array(nextPayoutWire),
    chart: z.array(activityDayWire),
    totals: z.strictObject({ clicks: z.int(), visits: z.int(), leads: z.int(), sales: z.int() }),
    bestLinks: z.array(z.strictObject({ id: z.string(), slug: z.string(), clicks: z.int(), sales: z.int() })),
    openAgreements: z.array(z.strictObject({ id: z.string(), title: z.string(), programName: z.string() })),
  })
  .openapi('OwnHome');

const fixers = { affiliate: 'you', staff: 'us', nobody: 'nobody' } as const;

export function presentNextPayout(
  row: PlannedRow,
  minimum: { readonly minor: bigint; readonly currency: CurrencyCode },
  more: { readonly on: z.output<typeof nextPayoutWire>['on']; readonly progressPpm: number },
): z.output<typeof nextPayoutWire> {
  return {
    currency: row.currency,
    amount: { minor: row.netMinor, currency: row.currency },
    payable: row.outcome === 'paid',
    on: more.on,
    minimum,
    progressPpm: more.progressPpm,
    missing: row.reasons.map(({ code, detail, fix, fixBy }) => ({
      code,
      detail: code === 'suspended' ? 'Your account is suspended: money is held until that ends.' : detail,
      // What staff would do is theirs to know.
      fix: fixBy === 'staff' ? 'Nothing for you to do; we take care of it.' : fix,
      fixBy: fixers[fixBy],
    })),
  };
}
