// What each section of the settings holds and how a person edits it (api.md 16.1). Names and values are the API's; a test compares them with
// the defaults, so that a new setting without a field here fails.

interface Named {
  readonly name: string;
}

export type Field = Named &
  (
    | { readonly kind: 'switch' }
    | { readonly kind: 'choice'; readonly options: readonly string[] }
    | { readonly kind: 'choices'; readonly options: readonly string[] }
    | { readonly kind: 'duration'; readonly nullable?: true }
    | { readonly kind: 'number'; readonly min: number; readonly max: number }
    | { readonly kind: 'text'; readonly maxLength: number }
    | { readonly kind: 'amounts' | 'zone' | 'currency' | 'hosts' | 'url' | 'rule' | 'roles' }
  );

export const sections: Readonly<Record<string, readonly Field[]>> = {
  general: [
    { name: 'moduleEnabled', kind: 'switch' },
    { name: 'timeZone', kind: 'zone' },
    { name: 'defaultCurrency', kind: 'currency' },
    { name: 'reviewLimit', kind: 'amounts' },
    { name: 'consoleHome', kind: 'choice', options: ['home', 'queue'] },
  ],
  tracking: [
    { name: 'attributionWindow', kind: 'duration' },
    { name: 'cookie', kind: 'choice', options: ['persistent', 'session', 'none'] },
    { name: 'referrerChoice', kind: 'choice', options: ['last', 'first'] },
    { name: 'referralLifetime', kind: 'duration', nullable: true },
    { name: 'consentMode', kind: 'choice', options: ['off', 'required', 'url_only'] },
    { name: 'couponPriority', kind: 'choice', options: ['coupon_first', 'link_first'] },
  ],
  commissions: [
    { name: 'defaultRule', kind: 'rule' },
    { name: 'hold', kind: 'duration' },
    { name: 'referralApproval', kind: 'choice', options: ['manual', 'automatic'] },
    { name: 'commissionApproval', kind: 'choice', options: ['automatic', 'manual'] },
    { name: 'manualEntryLimit', kind: 'amounts' },
  ],
  affiliates: [
    { name: 'defaultStatus', kind: 'choice', options: ['pending', 'approved'] },
    { name: 'customerVisibility', kind: 'choice', options: ['anonymous', 'name_only', 'full'] },
    { name: 'portalEnabled', kind: 'switch' },
    { name: 'portalHome', kind: 'choice', options: ['home', 'links', 'earnings', 'reports'] },
  ],
  leads: [
    { name: 'duplicates', kind: 'choice', options: ['refuse', 'flag'] },
    { name: 'accountOpening', kind: 'switch' },
    { name: 'blockedAddresses', kind: 'hosts' },
  ],
  payouts: [
    { name: 'minimumPayout', kind: 'amounts' },
    { name: 'frequency', kind: 'choice', options: ['monthly', 'weekly', 'biweekly', 'quarterly', 'manual'] },
    { name: 'methodTypes', kind: 'choices', options: ['paypal', 'bank', 'wallet', 'cheque', 'tipalti', 'sandbox'] },
    { name: 'methodChoice', kind: 'choice', options: ['affiliate', 'fixed'] },
    { name: 'methodCooling', kind: 'duration' },
    { name: 'secondPerson', kind: 'choice', options: ['when_available', 'required'] },
    { name: 'debtorName', kind: 'text', maxLength: 70 },
    { name: 'debtorIban', kind: 'text', maxLength: 42 },
    { name: 'debtorBic', kind: 'text', maxLength: 11 },
  ],
  notifications: [
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
  ].map((name) => ({ name, kind: 'switch' })),
  security: [
    { name: 'totpRequiredFor', kind: 'roles' },
    { name: 'lockAfterFailures', kind: 'number', min: 3, max: 10 },
    { name: 'idleTimeout', kind: 'duration' },
  ],
  privacy: [
    { name: 'clickDetails', kind: 'duration' },
    { name: 'apiLog', kind: 'duration' },
    { name: 'staleLeads', kind: 'duration' },
  ],
  domains: [
    { name: 'formDomains', kind: 'hosts' },
    { name: 'destinationHosts', kind: 'hosts' },
    { name: 'fallbackUrl', kind: 'url' },
  ],
};

export const sectionNames = Object.keys(sections);

/** A notification that was never switched is sent. */
export function valueOf(section: string, name: string, values: Readonly<Record<string, unknown>>): unknown {
  return values[name] ?? (section === 'notifications' ? true : null);
}

const units = { D: 'days', H: 'hours', M: 'minutes', S: 'seconds' } as const;
export type Unit = (typeof units)[keyof typeof units];
export const unitNames = Object.values(units);

/** `P30D` is 30 days; undefined for what is no duration of the API's form. */
export function readDuration(text: string): { readonly count: string; readonly unit: Unit } | undefined {
  const found = /^PT?(\d+)([DHMS])$/.exec(text);
  return found === null ? undefined : { count: found[1] ?? '', unit: units[(found[2] ?? 'D') as keyof typeof units] };
}

/** As the API takes it, also where the count is not one yet: it is the API that judges. */
export function writeDuration(count: string, unit: Unit): string {
  const letter = unit.charAt(0).toUpperCase();
  return letter === 'D' ? `P${count.trim()}D` : `PT${count.trim()}${letter}`;
}

/** "12.5" percent in ppm, shifted as text; undefined when it is no percentage of at most four decimals. */
export function ppmOf(percent: string): number | undefined {
  const found = /^(\d{1,3})(?:[.,](\d{1,4}))?$/.exec(percent.trim());
  if (found === null) return undefined;
  const ppm = Number(`${found[1] ?? ''}${(found[2] ?? '').padEnd(4, '0')}`);
  return ppm <= 1_000_000 ? ppm : undefined;
}

export function percentOf(ratePpm: number): string {
  const text = String(ratePpm).padStart(5, '0');
  const decimals = text.slice(-4).replace(/0+$/, '');
  return `${text.slice(0, -4)}${decimals === '' ? '' : `.${decimals}`}`;
}
