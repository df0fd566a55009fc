import type { DomainErrorCode, ErrorParams } from './errors.js';

/** What a pure rule decided: do it, it is done already by the same cause, or no, with a code and data (features.md 4). */
export type Decided<Event extends string = string> =
  | { readonly kind: 'accepted'; readonly event: Event }
  | { readonly kind: 'unchanged' }
  | Refused;

export interface Refused {
  readonly kind: 'refused';
  readonly code: DomainErrorCode;
  readonly params: ErrorParams;
}

export function refused(code: DomainErrorCode, params: ErrorParams = {}): Refused {
  return { kind: 'refused', code, params };
}
