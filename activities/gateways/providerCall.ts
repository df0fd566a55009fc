import { ApplicationFailure } from '@temporalio/activity';
import type { GatewayAccess, GatewayProbe } from '../../domain/payout/gateway.js';
import { type CurrencyCode, formatMoney, type Money, parseMoney } from '../../domain/money.js';
import { type Instant, parseInstant } from '../../domain/time.js';
import type { OutboundAnswer, OutboundCall } from '../../platform/outbound.js';
import type { GatewayAnswer } from './payoutGateway.js';

// What the adapters of providers share: one request, its answer read with suspicion.

/** One request to a provider, with no redirect, a time limit and a size limit. */
export type Ask = (address: string, call: OutboundCall) => Promise<OutboundAnswer>;

export interface ProviderOptions {
  readonly ask: Ask;
  readonly now: () => Instant;
  /** Where the provider is reached, per environment; its own hosts unless a test says otherwise. */
  readonly origins?: Readonly<Record<GatewayAccess['environment'], string>>;
}

/** An answer that could be read, or none: then nobody knows whether the request was carried out. */
export type Heard =
  | { readonly kind: 'heard'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'nothing'; readonly code: 'connection_lost' | 'server_error' | 'unreadable_answer' };

const longestPauseMs = 60_000;

/** Not carried out, and worth asking again under the same key: Temporal does so after the pause the provider asks for. */
export function tryLater(retryAfter: string | undefined): ApplicationFailure {
  const seconds = retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) ? Number.parseInt(retryAfter, 10) : 2;
  return ApplicationFailure.create({
    type: 'gateway.try_later',
    message: 'gateway.try_later',
    nextRetryDelay: Math.min(longestPauseMs, Math.max(1, seconds) * 1_000),
  });
}

/** Asks once. A 429 says surely that nothing was done: throws `tryLater`. A 5xx may come after the provider did it: nothing was heard. */
export async function hear(ask: Ask, address: string, call: OutboundCall): Promise<Heard> {
  const answer = await ask(address, call);
  if (answer.kind === 'failed') return { kind: 'nothing', code: 'connection_lost' };
  if (answer.status === 429) throw tryLater(answer.headers['retry-after']);
  if (answer.status >= 500) return { kind: 'nothing', code: 'server_error' };
  if (answer.isCut) return { kind: 'nothing', code: 'unreadable_answer' };
  try {
    return { kind: 'heard', status: answer.status, body: answer.body === '' ? null : JSON.parse(answer.body) };
  } catch {
    return { kind: 'nothing', code: 'unreadable_answer' }; // a page of a proxy, half a body: no answer of the provider
  }
}

export const unknown = (code: string): GatewayAnswer => ({ class: 'unknown', code });
export const refused = (code: string, providerId: string | null = null): GatewayAnswer => ({
  class: 'refused',
  code,
  providerId,
});

/** A member of an answer, by path; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let found = value;
  for (const step of path)
    found =
      typeof found === 'object' && found !== null && Object.hasOwn(found, step)
        ? (found as Record<string | number, unknown>)[step]
        : undefined;
  return found;
}

/** The same, as text: ids come as numbers from some. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string | null {
  const found = at(value, ...path);
  if (typeof found === 'number' && Number.isSafeInteger(found)) return String(found);
  return typeof found === 'string' && found !== '' ? found : null;
}

export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** A provider's decimal, text or number, in minor units; undefined when it is none of that currency. */
export function minorOf(value: unknown, currency: string): bigint | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  const parsed = parseMoney({ amount: trimmed(text, currency), currency }, { negative: true });
  return parsed.ok ? parsed.money.minor : undefined;
}

/** Some write `100.00` for yen: zeros after the point say nothing. */
function trimmed(text: string, currency: string): string {
  const plain = parseMoney({ amount: text, currency }, { negative: true });
  return plain.ok ? text : text.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '');
}

export function decimal(amount: Money): string {
  return formatMoney(amount).amount;
}

export function isSameMoney(minor: bigint | undefined, currency: string | null, amount: Money): boolean {
  return minor === amount.minor && currency?.toUpperCase() === (amount.currency as CurrencyCode as string);
}

/** The credentials of a call. Their absence is our own fault: nothing is sent without them. */
export function required(access: GatewayAccess | null): GatewayAccess {
  if (access === null) throw new Error('a gateway is called without its credentials');
  return access;
}

export function field(access: GatewayAccess, name: string): string {
  return access.fields[name] ?? '';
}

/** A text that is one JSON object and nothing else. */
export function objectOf(text: string): object | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
  } catch {
    return undefined; // what came is no JSON: said so to the caller
  }
}

/** A time as providers write it: `+0000` for a zone, six digits of a second. Null when it is none. */
export function instantAt(value: unknown, ...path: readonly (string | number)[]): Instant | null {
  const text = textAt(value, ...path) ?? '';
  return parseInstant(text.replace(/([+-]\d{2})(\d{2})$/, '$1:$2').replace(/(\.\d{3})\d+/, '$1')) ?? null;
}

/** What a try showed; a provider that asks us to wait is an answer as well. */
export async function probed(ask: () => Promise<GatewayProbe>): Promise<GatewayProbe> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || error.type !== 'gateway.try_later') throw error;
    return { ok: false, code: 'try_later', balances: [] };
  }
}
