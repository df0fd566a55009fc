import { z } from 'zod';
import type { SettingsRecord, SettingsVersion } from '../../../db/access/settings.js';
import {
  consoleHomes,
  portalHomes,
  type Settings,
  settingChanges,
  settingsSections,
  type StoredSections,
} from '../../../domain/access/settings.js';
import { isTimeZone } from '../../../domain/calendar.js';
import { formatMoney, type Money } from '../../../domain/money.js';
import { compactAccount, isBic, isIban } from '../../../domain/payout/iban.js';
import { payoutMethodTypes } from '../../../domain/payout/payoutMethod.js';
import { durationMs } from '../../../domain/time.js';
import { currencyWire, durationWire, fieldIssue, instantWire, moneyWire, ppmWire, text } from '../wire.js';
import { networkWire } from './apiKey.js';
import { roleIdWire } from './user.js';

const timeZoneWire = z.string().check((context) => {
  if (!isTimeZone(context.value))
    context.issues.push({ ...fieldIssue('not_in_list', 'An IANA zone such as Europe/Vienna.'), input: context.value });
});

/** One amount per currency. */
const amountsWire = z
  .array(moneyWire)
  .max(200)
  .check((context) => {
    const currencies = context.value.map((amount: Money) => amount.currency);
    if (new Set(currencies).size < currencies.length)
      context.issues.push({ ...fieldIssue('already_used', 'Each currency once.'), input: context.value });
  });

const hostPattern = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const hostsWire = z.array(
  z
    .string()
    .overwrite((value) => value.trim().toLowerCase())
    .check((context) => {
      if (!hostPattern.test(context.value))
        context.issues.push({ ...fieldIssue('bad_format', 'A host name such as shop.example.'), input: context.value });
    }),
);

const httpsUrl = z
  .string()
  .max(2_000)
  .check((context) => {
    const url = URL.canParse(context.value) ? new URL(context.value) : undefined;
    if (
      url === undefined ||
      !/^https?:$/.test(url.protocol) ||
      url.username !== '' ||
      /[\s\p{Cc}\\]/u.test(context.value)
    )
      context.issues.push({ ...fieldIssue('bad_format', 'An http or https address.'), input: context.value });
  });

/** As people write it; kept without spaces. */
const ibanWire = z
  .string()
  .overwrite(compactAccount)
  .check((context) => {
    if (!isIban(context.value))
      context.issues.push({
        ...fieldIssue('bad_format', 'An IBAN whose check digits are right.'),
        input: context.value,
      });
  });
const bicWire = z
  .string()
  .overwrite(compactAccount)
  .check((context) => {
    if (!isBic(context.value))
      context.issues.push({ ...fieldIssue('bad_format', 'A BIC of 8 or 11 characters.'), input: context.value });
  });

const windowWire = durationWire.check((context) => {
  if (durationMs(context.value) < 1_000)
    context.issues.push({ ...fieldIssue('out_of_range', 'At least P1D.'), input: context.value });
});

const flatAmount = { amount: moneyWire, perUnit: z.boolean().exactOptional() };
const levelWire = z.discriminatedUnion('kind', [
  z.strictObject({
    level: z.int().min(1).max(10),
    kind: z.literal('percent'),
    ratePpm: ppmWire,
    of: z.enum(['base', 'lower_level']).exactOptional(),
  }),
  z.strictObject({ level: z.int().min(1).max(10), kind: z.literal('flat'), ...flatAmount }),
]);

/** A rule body of scope `global` (api.md 6.2), without what only a program's own rules need. */
const defaultRuleWire = z.strictObject({
  name: text(200).exactOptional(),
  scope: z.literal('global').exactOptional(),
  event: z.enum(['lead', 'registration', 'first_payment', 'payment']),
  base: z.enum(['gross', 'net', 'net_of_fees', 'deposit']).exactOptional(),
  levels: z.array(levelWire).min(1).max(10),
});

export const notificationEvents = [
  'affiliate.applied',
  'affiliate.approved',
  'affiliate.declined',
  'affiliate.suspended',
  'affiliate.reactivated',
  'affiliate.terminated',
  'document.accepted',
  'document.refused',
  'lead.received',
  'lead.converted',
  'sale.recorded',
  'referral.approved',
  'referral.rejected',
  'commission.created',
  'commission.approved',
  'commission.rejected',
  'commission.reversed',
  'commission.paid',
  'milestone.reached',
  'payout.drafted',
  'payout.paid',
  'payout.failed',
  'payout.returned',
] as const;

/** Each section's fields; a PATCH names some of them. */
const shapes = {
  general: {
    moduleEnabled: z.boolean(),
    timeZone: timeZoneWire,
    defaultCurrency: currencyWire,
    reviewLimit: amountsWire,
    consoleHome: z.enum(consoleHomes),
  },
  tracking: {
    attributionWindow: windowWire,
    cookie: z.enum(['persistent', 'session', 'none']),
    referrerChoice: z.enum(['first', 'last']),
    referralLifetime: durationWire.nullable(),
    consentMode: z.enum(['off', 'required', 'url_only']),
    couponPriority: z.enum(['coupon_first', 'link_first']),
  },
  commissions: {
    defaultRule: defaultRuleWire.nullable(),
    hold: durationWire,
    referralApproval: z.enum(['manual', 'automatic']),
    commissionApproval: z.enum(['manual', 'automatic']),
    manualEntryLimit: amountsWire,
  },
  affiliates: {
    defaultStatus: z.enum(['pending', 'approved']),
    customerVisibility: z.enum(['full', 'name_only', 'anonymous']),
    portalEnabled: z.boolean(),
    portalHome: z.enum(portalHomes),
  },
  leads: {
    duplicates: z.enum(['refuse', 'flag']),
    accountOpening: z.boolean(),
    blockedAddresses: z.array(networkWire).max(500),
  },
  payouts: {
    minimumPayout: amountsWire,
    frequency: z.enum(['weekly', 'biweekly', 'monthly', 'quarterly', 'manual']),
    methodTypes: z.array(z.enum(payoutMethodTypes)),
    methodChoice: z.enum(['fixed', 'affiliate']),
    methodCooling: durationWire,
    secondPerson: z.enum(['when_available', 'required']),
    debtorName: text(70).nullable(),
    debtorIban: ibanWire.nullable(),
    debtorBic: bicWire.nullable(),
  },
  security: {
    totpRequiredFor: z.array(roleIdWire).max(50),
    lockAfterFailures: z.int().min(3).max(10),
    idleTimeout: durationWire,
  },
  privacy: { clickDetails: durationWire, apiLog: durationWire, staleLeads: durationWire },
  domains: { formDomains: hostsWire, destinationHosts: hostsWire, fallbackUrl: httpsUrl.nullable() },
};
const some = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape).partial().exactOptional();

/** The body of PATCH /v1/settings: some fields of some sections. `{}` saves the offered defaults. */
export const settingsPatch = z.strictObject({
  general: some(shapes.general),
  tracking: some(shapes.tracking),
  commissions: some(shapes.commissions),
  affiliates: some(shapes.affiliates),
  leads: some(shapes.leads),
  payouts: some(shapes.payouts),
  notifications: z
    .strictObject(Object.fromEntries(notificationEvents.map((event) => [event, z.boolean()])))
    .partial()
    .exactOptional(),
  security: some(shapes.security),
  privacy: some(shapes.privacy),
  domains: some(shapes.domains),
});

/** Parsed values back to the wire form that is stored: money becomes its decimal text again. */
export function toStored(patch: unknown): StoredSections {
  return storable(patch) as StoredSections;
}

function storable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  if ('minor' in value && typeof value.minor === 'bigint') return formatMoney(value as Money);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => [name, storable(member)]),
  );
}

const sectionWire = z.record(z.string(), z.unknown());

export const settingsWire = z
  .strictObject({
    object: z.literal('settings'),
    version: z.int(),
    savedAt: instantWire.nullable(),
    updatedAt: instantWire,
    general: sectionWire,
    tracking: sectionWire,
    commissions: sectionWire,
    affiliates: sectionWire,
    leads: sectionWire,
    payouts: sectionWire,
    notifications: sectionWire,
    security: sectionWire,
    privacy: sectionWire,
    domains: sectionWire,
  })
  .openapi('Settings');

export const settingsSectionWire = z.strictObject({
  object: z.literal('settings_section'),
  section: z.enum(settingsSections as readonly [string, ...string[]]),
  version: z.int(),
  savedAt: instantWire.nullable(),
  updatedAt: instantWire,
  values: sectionWire,
});

export const settingsVersionWire = z.strictObject({
  object: z.literal('settings_version'),
  version: z.int(),
  changes: z.array(z.strictObject({ section: z.string(), field: z.string(), from: z.unknown(), to: z.unknown() })),
  by: z.strictObject({ id: z.string(), name: z.string().nullable() }).nullable(),
  at: instantWire,
});

export const revertBody = z.strictObject({ toVersion: z.int().min(1) });

export function presentSettings(record: SettingsRecord): z.output<typeof settingsWire> {
  const { settings } = record;
  const section = (name: keyof Settings) => ({ ...(settings[name] as Record<string, unknown>) });
  return {
    object: 'settings',
    version: record.version,
    savedAt: record.savedAt,
    updatedAt: record.updatedAt,
    general: section('general'),
    tracking: section('tracking'),
    commissions: section('commissions'),
    affiliates: section('affiliates'),
    leads: section('leads'),
    payouts: section('payouts'),
    notifications: section('notifications'),
    security: section('security'),
    privacy: section('privacy'),
    domains: section('domains'),
  };
}

export function presentSettingsVersion(
  version: SettingsVersion,
  names: ReadonlyMap<string, string>,
): z.output<typeof settingsVersionWire> {
  return {
    object: 'settings_version',
    version: version.version,
    changes: (version.previous === null ? [] : settingChanges(version.previous, version.settings)).map((change) => ({
      ...change,
    })),
    by: version.changedBy === null ? null : { id: version.changedBy, name: names.get(version.changedBy) ?? null },
    at: version.at,
  };
}
