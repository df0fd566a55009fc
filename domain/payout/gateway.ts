import type { Mode } from '../act.js';
import { type CurrencyCode, formatMoney, type Money } from '../money.js';
import type { Instant } from '../time.js';
import type { FieldProblem, PayoutMethodType } from './payoutMethod.js';

/** How a method is paid: through which gateway, by itself or by a person (api.md 10.1). */
export interface Route {
  readonly gateway: string;
  readonly execution: 'gateway' | 'manual';
}

/** Providers that pay once a workspace has given them its credentials. The id of a gateway is its adapter's name. */
export const connectableGateways = ['paypal', 'wise', 'stripe'] as const;
export type ConnectableGateway = (typeof connectableGateways)[number];

export function isConnectable(id: string): id is ConnectableGateway {
  return (connectableGateways as readonly string[]).includes(id);
}

/** The provider's real service, or its own place for trying out, where no money moves. */
export const gatewayEnvironments = ['production', 'sandbox'] as const;
export type GatewayEnvironment = (typeof gatewayEnvironments)[number];

/** What a workspace gave us to act for it at a provider, in clear text: for one call, never logged. */
export interface GatewayAccess {
  readonly environment: GatewayEnvironment;
  readonly fields: Readonly<Record<string, string>>;
}

interface Provider {
  readonly fields: Readonly<
    Record<
      string,
      { readonly isOptional?: true; readonly fits: (value: string, environment: GatewayEnvironment) => boolean }
    >
  >;
  /** Which field names our account there: it cannot change while something is on its way from it. */
  readonly account: string;
  readonly methodTypes: readonly PayoutMethodType[];
  /** What it can express: whole currencies, so that planning never meets an amount that it cannot (money.md 2). */
  readonly currencies: ReadonlySet<string>;
}

const codes = (list: string): ReadonlySet<string> => new Set(list.split(' '));
const isPem = (value: string): boolean =>
  /^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/.test(value);

const providers: Readonly<Record<ConnectableGateway, Provider>> = {
  paypal: {
    fields: {
      clientId: { fits: (value) => /^[A-Za-z0-9_-]{20,128}$/.test(value) },
      clientSecret: { fits: (value) => /^[A-Za-z0-9_-]{20,128}$/.test(value) },
      webhookId: { isOptional: true, fits: (value) => /^[A-Za-z0-9]{8,50}$/.test(value) },
    },
    account: 'clientId',
    methodTypes: ['paypal'],
    // Without HUF and TWD, which it takes in whole units only, and without what it does not pay out in.
    currencies: codes('AUD BRL CAD CHF CZK DKK EUR GBP HKD ILS JPY MXN MYR NOK NZD PHP PLN SEK SGD THB USD'),
  },
  wise: {
    fields: {
      apiToken: { fits: (value) => /^[\x21-\x7e]{20,500}$/.test(value) },
      profileId: { fits: (value) => /^[1-9]\d{0,17}$/.test(value) },
      webhookPublicKey: { isOptional: true, fits: isPem },
    },
    account: 'profileId',
    methodTypes: ['bank'],
    // Those whose account details our bank form holds in full.
    currencies: codes('EUR GBP'),
  },
  stripe: {
    fields: {
      secretKey: {
        fits: (value, environment) =>
          new RegExp(`^(sk|rk)_${environment === 'production' ? 'live' : 'test'}_[A-Za-z0-9]{16,300}$`).test(value),
      },
      accountId: { fits: (value) => /^acct_[A-Za-z0-9]{8,64}$/.test(value) },
      webhookSecret: { isOptional: true, fits: (value) => /^whsec_[\x21-\x7e]{16,200}$/.test(value) },
    },
    account: 'accountId',
    methodTypes: ['wallet'],
    // Those that it counts in the same minor units as ISO 4217 (not ISK, UGX), and in any amount (not HUF, TWD, three decimals).
    currencies: codes('AED AUD BRL CAD CHF CZK DKK EUR GBP HKD JPY KRW MXN MYR NOK NZD PLN RON SEK SGD THB USD ZAR'),
  },
};

/** The fields a provider asks for, as `GET /v1/gateways` names them. */
export function credentialFieldsOf(
  gateway: ConnectableGateway,
): readonly { readonly name: string; readonly required: boolean }[] {
  return Object.entries(providers[gateway].fields).map(([name, field]) => ({
    name,
    required: field.isOptional !== true,
  }));
}

export type JudgedCredentials =
  | {
      readonly ok: true;
      readonly fields: Readonly<Record<string, string>>;
      /** Our account there, as the provider names it; no secret. */
      readonly account: string;
    }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

/** Judges what a person pasted: all fields, nothing else, each in the provider's own form. All problems at once. */
export function judgeCredentials(
  gateway: ConnectableGateway,
  environment: GatewayEnvironment,
  given: Readonly<Record<string, string>>,
): JudgedCredentials {
  const provider = providers[gateway];
  const problems: FieldProblem[] = [];
  const fields: Record<string, string> = {};
  for (const [field, rule] of Object.entries(provider.fields)) {
    const value = Object.hasOwn(given, field) ? given[field]?.trim() : undefined;
    if (value === undefined || value === '') {
      if (rule.isOptional !== true) problems.push({ field, code: 'required' });
    } else if (rule.fits(value, environment)) fields[field] = value;
    else problems.push({ field, code: 'bad_format' });
  }
  for (const field of Object.keys(given))
    if (!Object.hasOwn(provider.fields, field)) problems.push({ field, code: 'unknown_field' });
  return problems.length > 0 ? { ok: false, problems } : { ok: true, fields, account: fields[provider.account] ?? '' };
}

/** What a route is chosen by; `masked` as `judgeDetails` made it. */
export interface RoutedMethod {
  readonly type: PayoutMethodType;
  readonly currency: CurrencyCode;
  readonly masked: string;
}

/**
 * The gateway of a method: the one that takes its type, currency and form and is connected in this workspace; else a person (features.md 3,
 * ruling 10). A payout in test mode never reaches a real one (BEY-31): there nothing counts as connected.
 */
export function routeOf(method: RoutedMethod, connected: ReadonlySet<ConnectableGateway>): Route {
  if (method.type === 'sandbox') return { gateway: 'sandbox', execution: 'gateway' };
  const gateway = connectableGateways.find(
    (id) =>
      connected.has(id) &&
      providers[id].methodTypes.includes(method.type) &&
      providers[id].currencies.has(method.currency) &&
      canAddress(id, method),
  );
  return gateway === undefined ? { gateway: 'manual', execution: 'manual' } : { gateway, execution: 'gateway' };
}

/** Does the provider reach a destination of this form? The masked form tells as much of it as planning may know. */
function canAddress(gateway: ConnectableGateway, { currency, masked }: RoutedMethod): boolean {
  switch (gateway) {
    case 'paypal':
      return true;
    case 'wise': // euros to an IBAN; pounds to a sort code, which a British IBAN holds as well
      return currency === 'EUR' ? /^[A-Z]{2}\d{2} /.test(masked) : /^GB(\d{2})? /.test(masked);
    case 'stripe': // a connected account, entered as the wallet `stripe`
      return masked.startsWith('stripe …');
    default:
      return gateway satisfies never;
  }
}

/** Which types a gateway can pay at all: for the list of gateways. */
export function methodTypesOf(gateway: string): readonly PayoutMethodType[] {
  if (isConnectable(gateway)) return providers[gateway].methodTypes;
  return gateway === 'sandbox' ? ['sandbox'] : gateway === 'manual' ? ['bank', 'wallet', 'paypal', 'cheque'] : [];
}

export function currenciesOf(gateway: ConnectableGateway): ReadonlySet<string> {
  return providers[gateway].currencies;
}

/** What planning has to know about gateways; the adapters live in `activities/gateways` (api.md 1.3: the simulated one never pays live in production). */
export interface GatewayPolicy {
  readonly sandboxPaysLive: boolean;
}

/** May this method type be used in this mode at all? */
export function isUsable(type: PayoutMethodType, mode: Mode, policy: GatewayPolicy): boolean {
  return type !== 'sandbox' || mode === 'test' || policy.sandboxPaysLive;
}

/** The account of one workspace and mode at a provider that holds several, as the simulated one does. */
export function merchantOf(of: { readonly workspaceId: string; readonly mode: Mode }): string {
  return `${of.workspaceId}/${of.mode}`;
}

/** PayPal takes these in whole units only (money.md 2.1). */
const paypalWholeUnits = codes('HUF TWD');

/**
 * Can what is paid by this method be said in this currency at all, whoever pays it? PayPal pays out in some currencies only, also to a person who
 * uploads a file there; what other methods take is known where they are paid.
 */
export function canExpress(type: PayoutMethodType, amount: Money): boolean {
  if (type !== 'paypal') return true;
  if (paypalWholeUnits.has(amount.currency)) return /\.0+$/.test(formatMoney(amount).amount);
  return providers.paypal.currencies.has(amount.currency);
}

/** The purpose under which credentials are sealed (`platform/secrets.ts`). */
export const gatewayAccessPurpose = 'gateway_credentials';

/** What trying the credentials showed. Moves nothing. */
export interface GatewayProbe {
  readonly ok: boolean;
  /** Null when it worked. */
  readonly code: 'wrong_credentials' | 'not_permitted' | 'other_account' | 'no_answer' | 'try_later' | null;
  /** What lies there now, as the provider says. */
  readonly balances: readonly Money[];
}

/** A provider's own report, its signature checked. It is looked up, never believed alone (money.md 7.3). */
export interface ProviderEvent {
  /** The provider's id of this event: told again it is the same. */
  readonly externalId: string;
  readonly reference: string | null;
  readonly providerId: string | null;
  readonly state: string;
  readonly isKnownState: boolean;
  readonly occurredAt: Instant;
}

/** A request that came in under a gateway's address, as it came. */
export interface ProviderHook {
  /** The one header of that name; undefined when there is none, or several. */
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

/** What the API asks of a provider; submitting and looking up are the worker's. */
export interface GatewayDesk {
  probe(access: GatewayAccess): Promise<GatewayProbe>;
  /** Checks the signature as the provider documents it. `ignored`: it is the provider's, and about no payment. */
  readHook(access: GatewayAccess, hook: ProviderHook): Promise<ProviderEvent | 'bad_signature' | 'ignored'>;
}
