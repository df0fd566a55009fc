import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  type CustomFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { ProviderIdentity } from '../domain/access/signInProvider.js';
import { fetchOutside, type OutboundFault } from './outbound.js';

// OpenID Connect with the code flow and PKCE (dependencies.md 3.3). The library checks state, nonce, issuer, audience, times and signature; we
// check that every request goes where it may (reliability.md G18): an issuer is an address that somebody chose.

/** How we are known at a provider. */
export interface ProviderClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly groupsClaim: string;
}

/** What of a sign-in that was begun its end has to match. */
export interface ProviderChecks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** `cancelled`: the person, or the provider for them, said no. Everything else is ours or the provider's to mend. */
export class ProviderFailure extends Error {
  readonly kind: 'cancelled' | 'unreachable' | 'not_valid';
  /** A word for the log: never what the provider answered, which names people. */
  readonly fault: string;
  constructor(kind: ProviderFailure['kind'], fault: string) {
    super(`the sign-in provider: ${fault}`);
    this.kind = kind;
    this.fault = fault;
  }
}

class Unreachable extends Error {
  readonly fault: OutboundFault;
  constructor(fault: OutboundFault) {
    super(fault);
    this.fault = fault;
  }
}

const timeoutMs = 8_000;
const limitBytes = 512 * 1_024;
const cacheMs = 5 * 60_000;
const mostCached = 50;

interface Cached {
  readonly config: Configuration;
  readonly until: number;
}
/** By what a provider is asked with; a sign-in must not wait for the discovery document each time. */
const cached = new Map<string, Cached>();

function fetchFor(allow: readonly string[]): CustomFetch {
  return async (url, { method, headers, body }) => {
    const sent = body === undefined || body === null ? undefined : String(body as string | URLSearchParams);
    const answer = await fetchOutside(
      url,
      { allow, timeoutMs, limitBytes },
      { method: method === 'POST' ? 'POST' : 'GET', headers, ...(sent === undefined ? {} : { body: sent }) },
    );
    if (answer.kind === 'failed') throw new Unreachable(answer.fault);
    if (answer.isCut) throw new Unreachable('too_large');
    const contentType = answer.headers['content-type'];
    return new Response(answer.status === 204 || answer.status === 304 ? null : answer.body, {
      status: answer.status,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
    });
  };
}

/**
 * Reads the discovery document of an issuer, and refuses one that speaks for another issuer: an address that stands for every tenant of a
 * house would let each of them in.
 */
async function discover(client: ProviderClient, allow: readonly string[]): Promise<Configuration> {
  const ask = fetchFor(allow);
  const server = new URL(client.issuer);
  const found = await discovery(server, client.clientId, undefined, None(), {
    execute: [allowInsecureRequests], // the outbound rules judge what plain http may reach: OUTBOUND_ALLOW only
    [customFetch]: ask,
    timeout: timeoutMs / 1_000,
  });
  const metadata = found.serverMetadata();
  if (new URL(metadata.issuer).href !== server.href) throw new ProviderFailure('not_valid', 'issuer_differs');
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  const auth: ClientAuth = methods.includes('client_secret_basic')
    ? ClientSecretBasic(client.clientSecret)
    : ClientSecretPost(client.clientSecret);
  const config = new Configuration(metadata, client.clientId, undefined, auth);
  config[customFetch] = ask;
  config.timeout = timeoutMs / 1_000;
  allowInsecureRequests(config);
  enableNonRepudiationChecks(config); // without it the signature of a token that came straight from the provider is not looked at
  return config;
}

async function configOf(client: ProviderClient, allow: readonly string[]): Promise<Configuration> {
  const key = JSON.stringify([client, allow]);
  const now = Date.now();
  const known = cached.get(key);
  if (known !== undefined && known.until > now) return known.config;
  const config = await discover(client, allow);
  cached.delete(key);
  const [oldest] = cached.keys();
  if (cached.size >= mostCached && oldest !== undefined) cached.delete(oldest);
  cached.set(key, { config, until: now + cacheMs });
  return config;
}

/** Does the issuer answer, and for itself? Asks anew each time. @throws ProviderFailure */
export async function checkIssuer(client: ProviderClient, allow: readonly string[]): Promise<void> {
  await named(() => discover(client, allow));
}

/** Where the browser goes to sign in. `isAnew`: the provider shall ask again, whoever is signed in there. @throws ProviderFailure */
export async function beginAtProvider(
  client: ProviderClient,
  allow: readonly string[],
  { redirectUri, isAnew }: { readonly redirectUri: string; readonly isAnew: boolean },
): Promise<ProviderChecks & { readonly address: string }> {
  const config = await named(() => configOf(client, allow));
  const checks = { state: randomState(), nonce: randomNonce(), verifier: randomPKCECodeVerifier() };
  const scopes = ['openid', 'email', 'profile'];
  if (config.serverMetadata().scopes_supported?.includes('groups') === true) scopes.push('groups');
  const address = buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: scopes.join(' '),
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
    ...(isAnew ? { prompt: 'login', max_age: '0' } : {}),
  });
  return { ...checks, address: address.href };
}

/** Who came back? `address`: the whole one that the browser was sent to. @throws ProviderFailure */
export async function finishAtProvider(
  client: ProviderClient,
  allow: readonly string[],
  { address, checks }: { readonly address: URL; readonly checks: ProviderChecks },
): Promise<ProviderIdentity> {
  return named(async () => {
    const config = await configOf(client, allow);
    const tokens = await authorizationCodeGrant(config, address, {
      pkceCodeVerifier: checks.verifier,
      expectedState: checks.state,
      expectedNonce: checks.nonce,
      idTokenExpected: true,
    });
    const token = tokens.claims();
    if (token === undefined) throw new ProviderFailure('not_valid', 'no_id_token');
    const isShort = token['email'] === undefined || token[client.groupsClaim] === undefined;
    const more =
      isShort && config.serverMetadata().userinfo_endpoint !== undefined
        ? await fetchUserInfo(config, tokens.access_token, token.sub)
        : {};
    const claims: Readonly<Record<string, unknown>> = { ...more, ...token };
    const verified = claims['email_verified'];
    return {
      issuer: token.iss,
      subject: token.sub,
      email: textIn(claims['email']),
      isEmailUnverified: verified === false || verified === 'false',
      name: textIn(claims['name']),
      groups: textsIn(claims[client.groupsClaim]),
      // Only what was signed with the sign-in says how it went.
      usedSecondFactor: textsIn(token['amr']).includes('mfa'),
      authenticatedAt: typeof token.auth_time === 'number' ? token.auth_time : null,
    };
  });
}

function textIn(claim: unknown): string | null {
  return typeof claim === 'string' && claim.trim() !== '' ? claim : null;
}

function textsIn(claim: unknown): readonly string[] {
  if (typeof claim === 'string') return [claim];
  return Array.isArray(claim) ? claim.filter((one): one is string => typeof one === 'string') : [];
}

async function named<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error);
  }
}

function failureOf(error: unknown): ProviderFailure {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth += 1) {
    if (cause instanceof ProviderFailure) return cause;
    if (cause instanceof Unreachable) return new ProviderFailure('unreachable', cause.fault);
    if (cause instanceof AuthorizationResponseError)
      return cause.error === 'access_denied'
        ? new ProviderFailure('cancelled', 'access_denied')
        : new ProviderFailure('not_valid', 'authorization_refused');
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  return new ProviderFailure('not_valid', code);
}
