import type { Db } from '../../../db/connection.js';
import { findTrackingDomainEntries, type TrackingDomainEntry } from '../../../db/directory.js';
import { parseDomain } from '../../../domain/tracking/trackingDomain.js';

export interface DomainBook {
  /** The name that a request asked for, where it could be somebody's link domain; undefined: PUBLIC_URL's own host, an address, nonsense. */
  nameOf(host: string | undefined): string | undefined;
  /** Who has the name, those who proved it first; at most `freshMs` old. */
  find(name: string): Promise<readonly TrackingDomainEntry[]>;
}

/** A domain that is taken away answers this long at most; its first click waits for one look-up. Milliseconds. */
const freshMs = 2_000;
/** Names kept: whoever makes them up must not fill the memory. */
const maxKept = 1_000;
/** A name of DNS with a port. */
const longestHost = 260;

/** Looks link domains up through the directory and keeps each for a moment. For PUBLIC_URL's own host it costs one comparison. */
export function createDomainBook(options: {
  readonly db: Db;
  readonly publicUrl: string;
  /** Milliseconds of a steady clock. */
  readonly steadyMs: () => number;
}): DomainBook {
  const { host: ownHost, hostname: ownName } = new URL(options.publicUrl);
  /** What hosts that are not ours name: taking a name apart costs as much as the rest of what is judged of a click. */
  const names = new Map<string, string | undefined>();
  const kept = new Map<string, { readonly found: Promise<readonly TrackingDomainEntry[]>; readonly until: number }>();
  return {
    nameOf(host) {
      if (host === undefined || host === ownHost) return undefined;
      if (names.has(host)) return names.get(host);
      const parsed = parseDomain(host.replace(/:\d{1,5}$/, ''));
      const name = parsed === ownName ? undefined : parsed;
      if (names.size >= maxKept) names.clear();
      if (host.length <= longestHost) names.set(host, name);
      return name;
    },
    find(name) {
      const entry = kept.get(name);
      if (entry !== undefined && options.steadyMs() < entry.until) return entry.found;
      const found = findTrackingDomainEntries(options.db, name);
      if (kept.size >= maxKept) kept.clear();
      kept.set(name, { found, until: options.steadyMs() + freshMs });
      found.catch(() => kept.delete(name)); // a failed look-up is not an answer to keep
      return found;
    },
  };
}
