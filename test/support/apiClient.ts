import { randomUUID } from 'node:crypto';
import { eventually } from './eventually.js';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What stands at `a.0.b` of an answer; undefined where nothing does. */
export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (here, step) =>
        typeof here === 'object' && here !== null ? (here as Readonly<Record<string, unknown>>)[step] : undefined,
      value,
    );
}

/** The same as text: ids, statuses, hashes. A missing one fails here and says where. */
export function textAt(value: unknown, path: string): string {
  const found = at(value, path);
  if (typeof found !== 'string') throw new Error(`no text at ${path} of ${JSON.stringify(value).slice(0, 800)}`);
  return found;
}

/** The `as KEY PATH` of the worked example: JSON, bearer, a fresh Idempotency-Key unless one is given. */
export function apiClient(baseUrl: () => string, token: () => string) {
  async function call(path: string, options: CallOptions = {}): Promise<ApiAnswer> {
    const method = options.method ?? (options.body === undefined ? 'GET' : 'POST');
    const response = await fetch(`${baseUrl()}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        authorization: `Bearer ${token()}`,
        'content-type': 'application/json',
        'idempotency-key': randomUUID(),
        ...options.headers,
      },
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as unknown),
    };
  }
  return {
    call,
    get: (path: string): Promise<ApiAnswer> => call(path),
    post: (path: string, body: unknown = {}, headers: Readonly<Record<string, string>> = {}): Promise<ApiAnswer> =>
      call(path, { method: 'POST', body, headers }),
    /** "then": poll with GET until `holds` says so. Answers the body that held. */
    until: (path: string, holds: (body: unknown) => boolean): Promise<unknown> =>
      eventually(async () => {
        const answer = await call(path);
        if (answer.status !== 200 || !holds(answer.body))
          throw new Error(`${path} answers ${answer.status} ${JSON.stringify(answer.body).slice(0, 1_500)}`);
        return answer.body;
      }),
  };
}
export type ApiClient = ReturnType<typeof apiClient>;
