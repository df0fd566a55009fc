import { type Decided, refused } from '../decided.js';
import type { AffiliateId, PayoutMethodId } from '../ids.js';
import type { CurrencyCode } from '../money.js';
import type { Instant } from '../time.js';
import { compactAccount, isIban } from './iban.js';
import { type EventOf, nextStatus, type StatusOf, transitionTable } from '../transitions.js';

/**
 * api.md 10.1. Cooling ends by the clock (`methodStatusAt`). A payout method with the same destination again is a new one. `bounced`: money
 * came back from it, so it has to be confirmed anew (features.md 2.4, PAY-27).
 */
export const payoutMethodTransitions = transitionTable({
  unverified: { verified: 'active', cooled: 'cooling', replaced: 'replaced', removed: 'removed' },
  cooling: { activated: 'active', bounced: 'unverified', replaced: 'replaced', removed: 'removed' },
  active: { bounced: 'unverified', replaced: 'replaced', removed: 'removed' },
  replaced: { removed: 'removed' },
  removed: {},
});
export type PayoutMethodStatus = StatusOf<typeof payoutMethodTransitions>;
export type PayoutMethodEvent = EventOf<typeof payoutMethodTransitions>;

export const payoutMethodTypes = ['bank', 'wallet', 'paypal', 'cheque', 'tipalti', 'sandbox'] as const;
export type PayoutMethodType = (typeof payoutMethodTypes)[number];

/** What a mail calls them, as it reads behind "by" and "per" (PAY-12). */
export const payoutMethodNames: Readonly<Record<'en' | 'de', Readonly<Record<PayoutMethodType, string>>>> = {
  en: {
    bank: 'bank transfer',
    wallet: 'wallet',
    paypal: 'PayPal',
    cheque: 'cheque',
    tipalti: 'Tipalti',
    sandbox: 'simulated payment',
  },
  de: {
    bank: 'Überweisung',
    wallet: 'Wallet',
    paypal: 'PayPal',
    cheque: 'Scheck',
    tipalti: 'Tipalti',
    sandbox: 'simulierter Zahlung',
  },
};

export interface PayoutMethod {
  readonly id: PayoutMethodId;
  readonly affiliateId: AffiliateId;
  readonly type: PayoutMethodType;
  readonly currency: CurrencyCode;
  /** Enough to recognise it, too little to use it. */
  readonly masked: string;
  /** Equal for equal destinations, whoever's they are (T4); kept on each payout beside the version (money.md 7.1). */
  readonly fingerprint: string;
  /** As stored; see `methodStatusAt`. */
  readonly status: PayoutMethodStatus;
  readonly createdBy: string | null;
  readonly verifiedBy: string | null;
  readonly verifiedAt: Instant | null;
  readonly activeAt: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The status at this instant: a cooling method is active once its time has come, without anybody writing it down. */
export function methodStatusAt(method: Pick<PayoutMethod, 'status' | 'activeAt'>, now: Instant): PayoutMethodStatus {
  return method.status === 'cooling' && method.activeAt !== null && method.activeAt <= now ? 'active' : method.status;
}

/**
 * Judges a verification: it takes effect at once, or after the cooling time when another method is active for that currency. Refuses with
 * `payout_method.already_decided`.
 */
export function decideVerification(
  method: Pick<PayoutMethod, 'status'>,
  replacesActive: boolean,
): Decided<'verified' | 'cooled'> {
  if (method.status !== 'unverified') return refused('payout_method.already_decided', { currentStatus: method.status });
  return { kind: 'accepted', event: replacesActive ? 'cooled' : 'verified' };
}

/** Judges a removal. Refuses with `payout_method.already_decided`. */
export function decideRemoval(method: Pick<PayoutMethod, 'status'>): Decided<'removed'> {
  return nextStatus(payoutMethodTransitions, method.status, 'removed') === undefined
    ? refused('payout_method.already_decided', { currentStatus: method.status })
    : { kind: 'accepted', event: 'removed' };
}

export type FieldProblem = {
  readonly field: string;
  readonly code: 'required' | 'bad_format' | 'not_in_list' | 'unknown_field' | 'not_allowed_here';
};
export type JudgedDetails =
  | {
      readonly ok: true;
      /** Normalised: what is sealed. */
      readonly details: Readonly<Record<string, string>>;
      readonly masked: string;
      /** What makes two destinations the same; hashed into the fingerprint. */
      readonly identity: string;
    }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

interface TypeRule {
  readonly fields: Readonly<Record<string, (value: string) => boolean>>;
  readonly normalise?: (field: string, value: string) => string;
  readonly masked: (details: Readonly<Record<string, string>>) => string;
  /** The fields that name the destination: the holder's spelling does not. */
  readonly identity: readonly string[];
}

const anyText = (value: string): boolean => value !== '';
const lastFour = (value: string): string => `…${value.slice(-4)}`;

const bankByIban: TypeRule = {
  fields: { holder: anyText, iban: isIban },
  normalise: (field, value) => (field === 'iban' ? compactAccount(value) : value),
  masked: ({ iban = '' }) => `${iban.slice(0, 4)} ${lastFour(iban)}`,
  identity: ['iban'],
};
const bankByNumber: TypeRule = {
  fields: {
    holder: anyText,
    country: (value) => /^[A-Z]{2}$/.test(value),
    accountNumber: (value) => /^[A-Z0-9]{4,34}$/.test(compactAccount(value)),
    bankCode: (value) => /^[A-Z0-9]{3,20}$/.test(compactAccount(value)),
  },
  normalise: (field, value) => (field === 'accountNumber' || field === 'bankCode' ? compactAccount(value) : value),
  masked: ({ country = '', accountNumber = '' }) => `${country} ${lastFour(accountNumber)}`,
  identity: ['country', 'bankCode', 'accountNumber'],
};
const rules: Readonly<Record<Exclude<PayoutMethodType, 'bank' | 'tipalti'>, TypeRule>> = {
  wallet: {
    fields: { provider: (value) => /^[A-Za-z0-9 ._-]{2,40}$/.test(value), account: anyText },
    normalise: (field, value) => (field === 'provider' ? value.toLowerCase() : value),
    masked: ({ provider = '', account = '' }) => `${provider} ${lastFour(account)}`,
    identity: ['provider', 'account'],
  },
  paypal: {
    // A first letter that makes a formula of the address would be written otherwise into the file that pays (PAY-07).
    fields: {
      email: (value) => /^[^\s@=+\-＝＋－＠][^\s@]{0,63}@[^\s@]+\.[^\s@]+$/.test(value) && value.length <= 254,
    },
    normalise: (_field, value) => value.toLowerCase(),
    masked: ({ email = '' }) => `${email.slice(0, 1)}…@${email.slice(email.lastIndexOf('@') + 1)}`,
    identity: ['email'],
  },
  cheque: {
    fields: { payee: anyText, address: anyText },
    masked: ({ payee = '' }) => `${payee.slice(0, 1)}…`,
    identity: ['payee', 'address'],
  },
  sandbox: {
    fields: {
      account: (value) => ['ok', 'slow', 'refuse', 'lost_reply', 'lost_request', 'returned'].includes(value),
    },
    masked: ({ account = '' }) => account,
    identity: ['account'],
  },
};

function ruleOf(type: PayoutMethodType, details: Readonly<Record<string, string>>): TypeRule | undefined {
  if (type === 'tipalti') return undefined;
  if (type !== 'bank') return rules[type];
  return Object.hasOwn(details, 'iban') || !Object.hasOwn(details, 'accountNumber') ? bankByIban : bankByNumber;
}

/** Judges the details of a type (api.md 10.1): required fields, nothing else, check digits. All problems at once. */
export function judgeDetails(type: PayoutMethodType, details: Readonly<Record<string, string>>): JudgedDetails {
  const rule = ruleOf(type, details);
  if (rule === undefined) return { ok: false, problems: [{ field: 'type', code: 'not_allowed_here' }] };
  const problems: FieldProblem[] = [];
  const clean: Record<string, string> = {};
  for (const [field, isValid] of Object.entries(rule.fields)) {
    const value = Object.hasOwn(details, field) ? details[field] : undefined;
    if (value === undefined) problems.push({ field, code: 'required' });
    else if (!isValid(value)) problems.push({ field, code: type === 'sandbox' ? 'not_in_list' : 'bad_format' });
    else clean[field] = rule.normalise?.(field, value) ?? value;
  }
  for (const field of Object.keys(details))
    if (!Object.hasOwn(rule.fields, field)) problems.push({ field, code: 'unknown_field' });
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    details: clean,
    masked: rule.masked(clean),
    identity: JSON.stringify([type, ...rule.identity.map((field) => (clean[field] ?? '').toLowerCase())]),
  };
}

/** The names of the fields a type takes, for `GET /v1/payout-method-types`. */
export function detailFieldsOf(type: PayoutMethodType): readonly (readonly string[])[] {
  if (type === 'tipalti') return [];
  if (type === 'bank') return [Object.keys(bankByIban.fields), Object.keys(bankByNumber.fields)];
  return [Object.keys(rules[type].fields)];
}

/** The purpose under which the details are sealed (`platform/secrets.ts`): whoever pays opens them under the same. */
export const detailsPurpose = 'payout_method_details';
/** The purpose of the keyed hash that makes a fingerprint of a destination: without the key nobody can try account numbers. */
export const fingerprintPurpose = 'payout_method_fingerprint';
