import type { Problem } from '../client/types.gen.js';

/** A "no" of the API, or no answer at all: what an ErrorView shows and what screens ask by code (api.md 1.5). */
export class ProblemError extends Error {
  readonly status: number;
  /** The API's code; `offline` when no answer came. */
  readonly code: string;
  readonly title: string;
  readonly detail: string | null;
  readonly requestId: string | null;
  /** Members that the code brings along, such as `decidedBy` or `missingPermission`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Partial<Problem>, requestId: string | null) {
    super(body.title ?? `Status ${status}`);
    this.name = 'ProblemError';
    this.status = status;
    this.code = body.code ?? (status === 0 ? 'offline' : 'internal');
    this.title = body.title ?? '';
    this.detail = body.detail ?? null;
    this.requestId = body.requestId ?? requestId;
    this.members = body;
  }

  /** The messages of a form's fields by the last part of their pointer: `#/amount/amount` is `amount.amount`. */
  get fieldErrors(): Readonly<Record<string, string>> {
    const { errors } = this.members as Partial<Problem>;
    const named = (errors ?? []).map((one) => [
      (one.pointer ?? `#/${one.parameter ?? ''}`).slice(2).replaceAll('/', '.'),
      one.detail,
    ]);
    return Object.fromEntries(named) as Record<string, string>;
  }
}

export function isProblem(error: unknown, ...codes: readonly string[]): error is ProblemError {
  return error instanceof ProblemError && (codes.length === 0 || codes.includes(error.code));
}
