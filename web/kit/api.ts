import type { QueryClient } from '@tanstack/react-query';
import { client } from '../client/client.gen.js';
import type { Me, Problem } from '../client/types.gen.js';
import { ProblemError } from './problem.js';

// One place where requests leave: session token, mode and idempotency key go in, problems come out as ProblemError.

let csrfToken: string | null = null;
let mode: 'live' | 'test' = 'live';
let audience: Me['audience'] | null = null;

/** Called with every answer of `GET /v1/me` and of a sign-in. */
export function keepCsrfToken(token: string | null): void {
  csrfToken = token;
}

/** Whose surface this page is: a browser may hold a session of the console and one that looks at a portal, each in its tab. */
export function askFor(wanted: Me['audience']): void {
  audience = wanted;
}

/** Live or test facts (api.md 1.3): kept for the tab, and every list is read anew. */
export function switchMode(next: 'live' | 'test', queries: QueryClient): void {
  mode = next;
  sessionStorage.setItem('mode', next);
  queries.clear();
}

export function currentMode(): 'live' | 'test' {
  return mode;
}

/** Sets the client up once per page. */
export function configureApi(): void {
  mode = sessionStorage.getItem('mode') === 'test' ? 'test' : 'live';
  client.setConfig({ baseUrl: window.location.origin, credentials: 'same-origin', throwOnError: true });
  client.interceptors.request.use((request) => {
    if (audience !== null) request.headers.set('Tributary-Audience', audience);
    if (mode === 'test') request.headers.set('Tributary-Mode', 'test');
    if (request.method !== 'GET') {
      if (csrfToken !== null) request.headers.set('X-CSRF-Token', csrfToken);
      // A repeat by the network layer must not act twice; a person who presses again after an answer means it.
      const takesKey = request.method === 'POST' || request.method === 'PATCH';
      if (takesKey && !request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', newKey());
    }
    return request;
  });
  client.interceptors.error.use((error: unknown, response: Response | undefined) => {
    if (error instanceof ProblemError) return error;
    if (response === undefined) return new ProblemError(0, {}, null);
    const body = typeof error === 'object' && error !== null ? (error as Partial<Problem>) : {};
    return new ProblemError(response.status, body, response.headers.get('X-Request-Id'));
  });
}

/** For an action whose repeat after a lost answer has to be the same one: make it once per dialog and send it with each try. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** Keeps what `GET /v1/me` says about the session. */
export function keepMe(me: Me): Me {
  keepCsrfToken(me.csrfToken);
  return me;
}

/** Reads an address that screens know from the contract (api.md) by its path; the answer's type is the caller's. */
export async function readPath<T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> {
  const { data } = await client.get({ url: path, query, throwOnError: true });
  return data as T;
}

/** Reads the bytes of a file that the API makes. */
export async function readFile(path: string, query: Readonly<Record<string, string>>): Promise<Blob> {
  const { data } = await client.get({ url: path, query, parseAs: 'blob', throwOnError: true });
  return data as Blob;
}

/** Posts to a path of the contract, or one that `allowedActions` named. */
export async function postPath<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T> {
  const { data } = await client.post({
    url: path,
    body,
    headers: {
      'Content-Type': 'application/json',
      ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    },
    throwOnError: true,
  });
  return data as T;
}

/** Puts to a path of the contract; a repeat is the same request (api.md 1.4). */
export async function putPath<T>(path: string, body: unknown): Promise<T> {
  const { data } = await client.put({
    url: path,
    body,
    headers: { 'Content-Type': 'application/json' },
    throwOnError: true,
  });
  return data as T;
}
