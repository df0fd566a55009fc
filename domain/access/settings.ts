import { type CurrencyCode, exponent, type Money, type MoneyWire, parseMoney } from '../money.js';
import type { Duration } from '../time.js';

/** Where signing in leads, per surface (PRT-11); the first is the default. */
export const portalHomes = ['home', 'links', 'earnings', 'reports'] as const;
export const consoleHomes = ['home', 'queue'] as const;

/** A setting's value is kept in wire form: what was saved is what is shown, versioned and reverted to (api.md 16.1). */
export interface Settings {
  readonly general: {
    readonly moduleEnabled: boolean;
    readonly timeZone: string;
    readonly defaultCurrency: CurrencyCode;
    /** Per currency; one that is not listed: 1,000 units. */
    readonly reviewLimit: readonly MoneyWire[];
    /** The page of the console that opens after signing in (PRT-11). */
    readonly consoleHome: (typeof consoleHomes)[number];
  };
  readonly tracking: {
    readonly attributionWindow: Duration;
    readonly cookie: 'persistent' | 'session' | 'none';
    readonly referrerChoice: 'first' | 'last';
    readonly referralLifetime: Duration | null;
    readonly consentMode: 'off' | 'required' | 'url_only';
    readonly couponPriority: 'coupon_first' | 'link_first';
  };
  readonly commissions: {
    /** A rule body of scope `global` (api.md 6.2); null: no default, so a program needs rules of its own. */
    readonly defaultRule: Readonly<Record<string, unknown>> | null;
    readonly hold: Duration;
    readonly referralApproval: 'manual' | 'automatic';
    readonly commissionApproval: 'manual' | 'automatic';
    /** Above it a manual entry needs a second person. Per currency; one that is not listed: 100 units. */
    readonly manualEntryLimit: readonly MoneyWire[];
  };
  readonly affiliates: {
    readonly defaultStatus: 'pending' | 'approved';
    readonly customerVisibility: 'full' | 'name_only' | 'anonymous';
    readonly portalEnabled: boolean;
    /** The page of the portal that opens after signing in (PRT-11). */
    readonly portalHome: (typeof portalHomes)[number];
  };
  readonly leads: {
    readonly duplicates: 'refuse' | 'flag';
    readonly accountOpening: boolean;
    /** IP addresses and CIDRs whose form, script and pixel calls are answered as ever and kept as `spam` (screens.md 3.14). */
    readonly blockedAddresses: readonly string[];
  };
  readonly payouts: {
    /** Per currency; one that is not listed: 50 units. */
    readonly minimumPayout: readonly MoneyWire[];
    readonly frequency: 'weekly' | 'biweekly' | 'monthly' | 'quarterly' | 'manual';
    /** Kinds of payout method that may be chosen; empty: all that the installation has. */
    readonly methodTypes: readonly string[];
    readonly methodChoice: 'fixed' | 'affiliate';
    readonly methodCooling: Duration;
    readonly secondPerson: 'when_available' | 'required';
    /** The account that a bank's file debits: whose it is, and where. */
    readonly debtorName: string | null;
    readonly debtorIban: string | null;
    readonly debtorBic: string | null;
  };
  /** A mail per event; what is not listed is sent. */
  readonly notifications: Readonly<Record<string, boolean>>;
  readonly security: {
    readonly totpRequiredFor: readonly string[];
    readonly lockAfterFailures: number;
    readonly idleTimeout: Duration;
  };
  readonly privacy: {
    readonly clickDetails: Duration;
    readonly apiLog: Duration;
    readonly staleLeads: Duration;
  };
  readonly domains: {
    readonly formDomains: readonly string[];
    readonly destinationHosts: readonly string[];
    readonly fallbackUrl: string | null;
  };
}

export type SettingsSection = keyof Settings;
/** What was stored, perhaps before a field existed. */
export type StoredSections = { readonly [S in SettingsSection]?: Partial<Settings[S]> };

const days = (count: number): Duration => `P${count}D` as Duration;

/** features.md 20.1. Offered on the first save; rounding is no setting. */
export const defaultSettings: Settings = {
  general: {
    moduleEnabled: true,
    timeZone: 'UTC',
    defaultCurrency: 'USD' as CurrencyCode,
    reviewLimit: [],
    consoleHome: 'home',
  },
  tracking: {
    attributionWindow: days(30),
    cookie: 'persistent',
    referrerChoice: 'last',
    referralLifetime: null,
    consentMode: 'off',
    couponPriority: 'coupon_first',
  },
  commissions: {
    defaultRule: {
      name: 'Global default',
      scope: 'global',
      event: 'first_payment',
      base: 'net',
      levels: [{ level: 1, kind: 'percent', ratePpm: 100_000 }],
    },
    hold: days(30),
    referralApproval: 'manual',
    commissionApproval: 'automatic',
    manualEntryLimit: [],
  },
  affiliates: { defaultStatus: 'pending', customerVisibility: 'anonymous', portalEnabled: true, portalHome: 'home' },
  leads: { duplicates: 'refuse', accountOpening: true, blockedAddresses: [] },
  payouts: {
    minimumPayout: [],
    frequency: 'monthly',
    methodTypes: [],
    methodChoice: 'affiliate',
    methodCooling: days(3),
    secondPerson: 'when_available',
    debtorName: null,
    debtorIban: null,
    debtorBic: null,
  },
  notifications: {},
  security: { totpRequiredFor: [], lockAfterFailures: 10, idleTimeout: 'PT8H' as Duration },
  privacy: { clickDetails: days(90), apiLog: days(180), staleLeads: days(730) },
  domains: { formDomains: [], destinationHosts: [], fallbackUrl: null },
};

export const settingsSections = Object.keys(defaultSettings) as readonly SettingsSection[];

/** The stored sections over the defaults: a field that is newer than the row has its default. */
export function settingsOf(stored: StoredSections): Settings {
  return mergeSettings(defaultSettings, stored);
}

/** A merge patch, a section at a time: an absent field stays, a field that is there replaces the old value whole. */
export function mergeSettings(settings: Settings, patch: StoredSections): Settings {
  const merged: Record<string, unknown> = {};
  for (const section of settingsSections) {
    const changes = Object.entries(patch[section] ?? {}).filter(([, value]) => value !== undefined);
    merged[section] = { ...settings[section], ...Object.fromEntries(changes) };
  }
  return merged as unknown as Settings;
}

export interface SettingChange {
  readonly section: SettingsSection;
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** What differs between two versions, field by field (SET-12). */
export function settingChanges(before: Settings, after: Settings): readonly SettingChange[] {
  return settingsSections.flatMap((section) => {
    const [old, now] = [before[section], after[section]] as [Record<string, unknown>, Record<string, unknown>];
    return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((field) =>
      JSON.stringify(old[field]) === JSON.stringify(now[field])
        ? []
        : [{ section, field, from: old[field] ?? null, to: now[field] ?? null }],
    );
  });
}

/** Units of a limit's currency when the list does not name it (features.md 20.1). */
const unitsByDefault = { minimumPayout: 50n, reviewLimit: 1_000n, manualEntryLimit: 100n } as const;

function amountFor(list: readonly MoneyWire[], currency: CurrencyCode, units: bigint): Money {
  const listed = list.find((entry) => entry.currency === currency);
  const parsed = listed === undefined ? undefined : parseMoney(listed);
  if (parsed?.ok === true) return parsed.money;
  return { minor: BigInt(`${units}${'0'.repeat(exponent(currency))}`), currency };
}

/** Below this nobody is paid (PAY). */
export function minimumPayout(settings: Settings, currency: CurrencyCode): Money {
  return amountFor(settings.payouts.minimumPayout, currency, unitsByDefault.minimumPayout);
}

/** The most a reviewer decides at once; above it `over_limit`. */
export function reviewLimit(settings: Settings, currency: CurrencyCode): Money {
  return amountFor(settings.general.reviewLimit, currency, unitsByDefault.reviewLimit);
}

/** Manual entries above it need a second person. */
export function manualEntryLimit(settings: Settings, currency: CurrencyCode): Money {
  return amountFor(settings.commissions.manualEntryLimit, currency, unitsByDefault.manualEntryLimit);
}

/** The terms of one program: its own, else the workspace's (api.md 6.1). */
export interface EffectiveTerms {
  readonly attributionWindow: Duration;
  readonly cookie: 'persistent' | 'session' | 'none';
  readonly referrerChoice: 'first' | 'last';
  readonly referralLifetime: Duration | null;
  readonly couponPriority: 'coupon_first' | 'link_first';
  readonly checkReminder: Duration;
  readonly checkDeadline: Duration;
  readonly checkDeadlineAction: 'escalate' | 'reject';
  readonly leadAcceptance: 'automatic' | 'manual';
  readonly referralApproval: 'manual' | 'automatic';
  readonly commissionApproval: 'manual' | 'automatic';
  readonly commissionHold: Duration;
  readonly requireSignature: boolean;
  readonly reviewAbove: MoneyWire | null;
  readonly customerVisibility: 'full' | 'name_only' | 'anonymous';
  readonly showDeclinedCharges: boolean;
  readonly showPurchaseHistory: boolean;
  readonly commissionEmail: { readonly enabled: boolean; readonly templateId: string | null };
  readonly fxPoint: 'sale' | 'approval' | 'payout';
  /** May affiliates buy ads for their links, and on which of our words never (screens.md 3.16)? */
  readonly paidAds: 'allowed' | 'forbidden';
  readonly brandTerms: readonly string[];
}
export type TermName = keyof EffectiveTerms;

/** What a program inherits where it sets nothing of its own. */
export function inheritedTerms(settings: Settings): EffectiveTerms {
  const { tracking, commissions, affiliates } = settings;
  return {
    attributionWindow: tracking.attributionWindow,
    cookie: tracking.cookie,
    referrerChoice: tracking.referrerChoice,
    referralLifetime: tracking.referralLifetime,
    couponPriority: tracking.couponPriority,
    checkReminder: days(7),
    checkDeadline: days(14),
    checkDeadlineAction: 'escalate',
    leadAcceptance: 'automatic',
    referralApproval: commissions.referralApproval,
    commissionApproval: commissions.commissionApproval,
    commissionHold: commissions.hold,
    requireSignature: false,
    reviewAbove: null,
    customerVisibility: affiliates.customerVisibility,
    showDeclinedCharges: false,
    showPurchaseHistory: false,
    commissionEmail: { enabled: false, templateId: null },
    fxPoint: 'sale',
    paidAds: 'allowed',
    brandTerms: [],
  };
}

/** `ownTerms` is the program's column: wire values by term name; an absent or null name is inherited. */
export function effectiveTerms(
  settings: Settings,
  program: { readonly ownTerms: { readonly [Name in TermName]?: unknown } },
): EffectiveTerms {
  const own = Object.entries(program.ownTerms).filter(([, value]) => value !== undefined && value !== null);
  return { ...inheritedTerms(settings), ...(Object.fromEntries(own) as Partial<EffectiveTerms>) };
}

/** Which of them come from the settings. */
export function inheritedNames(program: {
  readonly ownTerms: { readonly [Name in TermName]?: unknown };
}): readonly TermName[] {
  const names = Object.keys(inheritedTerms(defaultSettings)) as TermName[];
  return names.filter((name) => program.ownTerms[name] === undefined || program.ownTerms[name] === null);
}
