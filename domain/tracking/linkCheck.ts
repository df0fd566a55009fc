import type { LinkHealth } from './link.js';

/** What came of asking a destination once. `fault`: why there is no answer. */
export type PageSeen =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string; readonly isCut: boolean }
  | { readonly kind: 'failed'; readonly fault: string };

export interface LinkCheck {
  readonly health: LinkHealth;
  /** HTTP status, where there was an answer. */
  readonly status: number | null;
  readonly fault: string | null;
  /** Is the tracking script on the page? Null: nobody can say, because the page was not seen whole. */
  readonly scriptFound: boolean | null;
  /** Only who has signed in, or is inside a network, sees the page. */
  readonly isPrivate: boolean;
}

/**
 * Health of a destination (LNK-09, LNK-10): it warns and switches nothing off (features.md 2.5). Too many requests say nothing about the
 * page; a redirect is an answer, and what is behind it was not seen.
 */
export function judgePage(
  seen: PageSeen,
  page: { readonly url: string; readonly ownHosts: readonly string[]; readonly scriptHosts: readonly string[] },
): LinkCheck {
  if (seen.kind === 'failed') {
    const isPrivate = seen.fault === 'inner_address';
    return { health: 'unreachable', status: null, fault: seen.fault, scriptFound: null, isPrivate };
  }
  const { status } = seen;
  const known = { status, fault: null };
  if (status === 401 || status === 403) return { ...known, health: 'unreachable', scriptFound: null, isPrivate: true };
  if (status === 429) return { ...known, health: 'unknown', scriptFound: null, isPrivate: false };
  if (status >= 400 || status < 200) return { ...known, health: 'unreachable', scriptFound: null, isPrivate: false };
  if (status >= 300) return { ...known, health: 'ok', scriptFound: null, isPrivate: false };
  const scriptFound = findScript(seen, page);
  return { ...known, health: scriptFound === false ? 'untracked' : 'ok', scriptFound, isPrivate: false };
}

/** Our own pages and forms always count as found (LNK-10). */
function findScript(
  seen: Extract<PageSeen, { kind: 'answered' }>,
  page: Parameters<typeof judgePage>[1],
): boolean | null {
  if (page.ownHosts.includes(new URL(page.url).host)) return true;
  const wanted = page.scriptHosts.flatMap((host) =>
    ['', 'http:', 'https:'].map((scheme) => `${scheme}//${host}/t/v1.js`),
  );
  const isThere = scriptSources(seen.body).some((source) => wanted.some((start) => source.startsWith(start)));
  return isThere || !seen.isCut ? isThere : null;
}

/**
 * Where the scripts of a page come from, in lower case; what stands in a comment is none. One walk forward: a foreign page must not cost more than
 * its length, and an expression over all of it took five seconds for 64 kB of tags that never end, with every redirect waiting.
 */
function scriptSources(body: string): readonly string[] {
  const text = body.toLowerCase();
  const sources: string[] = [];
  const lastComment = text.lastIndexOf('-->');
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at)) {
    const isComment = at + 4 <= lastComment && text.startsWith('<!--', at);
    const end = isComment ? text.indexOf('-->', at + 4) : text.indexOf('>', at);
    if (end === -1) break;
    if (!isComment && /^<script[\s/]/.test(text.slice(at, at + 8))) {
      const [, source] = /\bsrc\s*=\s*["']?([^"'\s]*)/.exec(text.slice(at, end)) ?? [];
      if (source !== undefined) sources.push(source);
    }
    at = end;
  }
  return sources;
}
