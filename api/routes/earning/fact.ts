import type { Scope } from '../../../domain/access/permission.js';
import { addMs, type Instant } from '../../../domain/time.js';
import { invalid } from '../../problems.js';

/** Clocks differ; a fact further ahead than this is a mistake (api.md 8.3). */
const mayBeAheadMs = 5 * 60_000;

/** When a fact happened: now by default, never more than five minutes ahead. */
export function happenedAt(wanted: Instant | null | undefined, now: Instant): Instant {
  if (wanted === null || wanted === undefined) return now;
  if (wanted > addMs(now, mayBeAheadMs))
    throw invalid({ pointer: '#/occurredAt', code: 'out_of_range', detail: 'More than 5 minutes ahead.' });
  return wanted;
}

/** Whose external ids a fact's is among: the sender's own, for an affiliate's key always that affiliate (api.md 1.4). */
export function sourceOf(scope: Scope, wanted: string | undefined): string {
  return scope.kind === 'affiliate' ? scope.affiliateId : (wanted ?? 'main');
}

/** The same members in any order are the same content: what a natural key's hash is taken of (api.md 1.4). Amounts are bigints here. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === 'bigint') return member.toString();
    return typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member;
  });
}
