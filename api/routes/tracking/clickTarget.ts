import type { Db } from '../../../db/connection.js';
import { findLink, type LinkEntry } from '../../../db/directory.js';
import { durationMs, parseDuration } from '../../../domain/time.js';
import {
  type ConsentMode,
  type CookieMode,
  gateOf,
  type NoCreditCode,
  sessionWindowSeconds,
} from '../../../domain/tracking/click.js';
import { type Destination, parseDestination } from '../../../domain/tracking/redirect.js';

/** Where a link leads just now and what it credits: everything about a click that does not depend on the visitor. */
export interface ClickTarget {
  readonly link: LinkEntry;
  /** Undefined: nothing to redirect to, the neutral page answers. */
  readonly destination: Destination | undefined;
  /** Leads to a page of its own, which a deep link may replace; else to the fallback, which it may not. */
  readonly isOpen: boolean;
  readonly allowedHosts: readonly string[];
  readonly noCredit: NoCreditCode | undefined;
  readonly consentMode: ConsentMode;
  readonly cookieMode: CookieMode;
  readonly windowSeconds: number;
  /** What follows the click id in Set-Cookie. */
  readonly cookieTail: string;
}

export interface ClickTargets {
  /** The target of a slug, at most `freshMs` old; undefined for an unknown one. At once when it is there: a promise costs. */
  find(slug: string): ClickTarget | undefined | Promise<ClickTarget | undefined>;
}

/** A suspended affiliate, a removed host, a paused program: in effect this many ms later at most (reliability.md R8 allows 60 s). */
const freshMs = 2_000;
/** Slugs kept: the oldest goes first. An entry is some 2 kB. */
const maxKept = 10_000;
const defaultWindow = 'P30D'; // features.md 20.1

interface Kept {
  target: ClickTarget | undefined | Promise<ClickTarget | undefined>;
  until: number;
}

/** Looks links up through the directory and keeps each for a moment, so that a busy link costs one query every two seconds. */
export function createClickTargets(options: {
  readonly db: Db;
  readonly publicUrl: string;
  /** Milliseconds of a steady clock. */
  readonly steadyMs: () => number;
}): ClickTargets {
  const kept = new Map<string, Kept>();

  function load(slug: string): Promise<ClickTarget | undefined> {
    const target = findLink(options.db, slug).then((link) =>
      link === undefined ? undefined : targetOf(link, options.publicUrl),
    );
    const loadedAt = options.steadyMs();
    const entry: Kept = { target, until: loadedAt + freshMs };
    kept.delete(slug);
    kept.set(slug, entry);
    if (kept.size > maxKept)
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        break;
      }
    target.then(
      (found) => {
        entry.target = found;
        // A link that expires sooner than the entry: the entry goes with it.
        const left = found?.link.expiresInMs ?? freshMs;
        if (left > 0 && left < freshMs) entry.until = loadedAt + left;
      },
      () => {
        if (kept.get(slug) === entry) kept.delete(slug); // a failed look-up is not an answer to keep
      },
    );
    return target;
  }

  return {
    find(slug) {
      const entry = kept.get(slug);
      return entry !== undefined && options.steadyMs() < entry.until ? entry.target : load(slug);
    },
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function hostsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((host): host is string => typeof host === 'string') : [];
}

/** The program's own term, else the workspace's setting, else undefined: the default of features.md 20.1 follows at the reader. */
function termOf(link: LinkEntry, name: string): string | undefined {
  return textOf(link.ownTerms[name]) ?? textOf(link.settings['tracking']?.[name]);
}

/** What a link does, from its row, its program, its affiliate and the settings. Pure. */
export function targetOf(link: LinkEntry, publicUrl: string): ClickTarget {
  const allowedHosts = [...link.destinationHosts, ...hostsOf(link.settings['domains']?.['destinationHosts'])];
  const isOver = link.expiresInMs !== null && link.expiresInMs <= 0;
  const isRetired = link.status === 'disabled' || link.status === 'expired' || isOver;
  const stored = parseDestination(link.destinationUrl, allowedHosts);
  const noCredit =
    gateOf({
      isTracking: link.settings['general']?.['moduleEnabled'] !== false,
      programStatus: link.programStatus,
      affiliateStatus: link.affiliateStatus,
      enrolmentStatus: link.enrolmentStatus,
      linkStatus: link.status,
      isLinkOver: isOver,
    }) ?? (stored === undefined ? 'link_disabled' : undefined); // its host is allowed no more: as good as switched off
  const cookieMode = cookieModeOf(termOf(link, 'cookie'));
  const windowSeconds = cookieMode === 'session' ? sessionWindowSeconds : windowOf(termOf(link, 'attributionWindow'));
  return {
    link,
    destination:
      link.status === 'archived' ? undefined : isRetired ? fallbackOf(link, allowedHosts, publicUrl) : stored,
    isOpen: link.status !== 'archived' && !isRetired,
    allowedHosts,
    noCredit,
    consentMode: consentModeOf(termOf(link, 'consentMode')),
    cookieMode,
    windowSeconds,
    cookieTail: `; Path=/${cookieMode === 'persistent' ? `; Max-Age=${windowSeconds}` : ''}; HttpOnly; SameSite=Lax${
      publicUrl.startsWith('https:') ? '; Secure' : ''
    }`,
  };
}

function fallbackOf(link: LinkEntry, allowedHosts: readonly string[], publicUrl: string): Destination | undefined {
  const named = link.fallbackUrl ?? textOf(link.settings['domains']?.['fallbackUrl']);
  const fallback = named === undefined ? undefined : parseDestination(named, allowedHosts);
  return fallback ?? parseDestination(`${publicUrl}/x/${link.programSlug}`, [new URL(publicUrl).host]);
}

function windowOf(text: string | undefined): number {
  const duration = parseDuration(text ?? defaultWindow) ?? parseDuration(defaultWindow);
  return duration === undefined ? 2_592_000 : Math.round(durationMs(duration) / 1_000);
}

function cookieModeOf(text: string | undefined): CookieMode {
  return text === 'session' || text === 'none' ? text : 'persistent';
}

function consentModeOf(text: string | undefined): ConsentMode {
  return text === 'required' || text === 'url_only' ? text : 'off';
}
