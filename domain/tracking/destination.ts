/** What a destination is measured against. */
export interface DestinationRules {
  /** Hosts of the program and the workspace, lower case, with the port where it is not the scheme's own. */
  readonly allowedHosts: readonly string[];
  /** Hosts of our own: a link to them could turn in circles (reliability.md R5). */
  readonly ownHosts: readonly string[];
  /** True outside production: http and addresses inside a network, for demo shops and tests (api.md 7.2). */
  readonly isDevelopment: boolean;
}

export type DestinationProblem = 'scheme' | 'user_info' | 'host' | 'own_host' | 'inner_address';
export type JudgedDestination =
  | { readonly ok: true /** As the parser wrote it: this form is stored and sent. */; readonly url: string }
  | { readonly ok: false; readonly problem: DestinationProblem };

const maxLength = 2_000;

/**
 * Judges the PARSED address and gives back its serialised form. What the parser would repair (tabs, line breaks, back slashes, missing or
 * extra slashes) is refused before, because a browser may repair it differently (reliability.md R1-R3).
 */
export function judgeDestination(text: string, rules: DestinationRules): JudgedDestination {
  const address = judgeAddress(text, rules);
  if (!address.ok) return address;
  return rules.allowedHosts.includes(new URL(address.url).host) ? address : { ok: false, problem: 'host' };
}

/** The same without the list of hosts: landing and fallback pages, which name the hosts in the first place. */
export function judgeAddress(text: string, rules: Omit<DestinationRules, 'allowedHosts'>): JudgedDestination {
  const isPlain = text.length <= maxLength && /^https?:\/\/[^/\\?#\s]/i.test(text) && !hasOddCharacter(text);
  if (!isPlain || !URL.canParse(text)) return { ok: false, problem: 'scheme' };
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(rules.isDevelopment && url.protocol === 'http:'))
    return { ok: false, problem: 'scheme' };
  if (url.username !== '' || url.password !== '' || authorityOf(text).includes('@'))
    return { ok: false, problem: 'user_info' };
  if (rules.ownHosts.includes(url.host)) return { ok: false, problem: 'own_host' };
  if (url.hostname.endsWith('.')) return { ok: false, problem: 'host' };
  if (!rules.isDevelopment && isInner(url.hostname)) return { ok: false, problem: 'inner_address' };
  return { ok: true, url: url.href };
}

/** A host as it is compared: lower case, punycode, no scheme's own port; undefined for what is no host. `*` and paths are none. */
export function parseHost(text: string): string | undefined {
  if (text.length > 253 || !/^[^\s/\\?#@*%]+$/.test(text) || hasOddCharacter(text)) return undefined;
  if (!URL.canParse(`https://${text}`)) return undefined;
  const { host, hostname } = new URL(`https://${text}`);
  return hostname === '' || hostname.endsWith('.') ? undefined : host;
}

function authorityOf(text: string): string {
  return /^https?:\/\/([^/?#]*)/i.exec(text)?.[1] ?? '';
}

/** White space, control characters, back slashes, direction marks: nothing of it belongs into an address. */
function hasOddCharacter(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code <= 0x20 || code === 0x5c || (code >= 0x7f && code <= 0xa0)) return true;
    if ((code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202f)) return true;
    if ((code >= 0x2060 && code <= 0x206f) || code === 0xfeff || (code >= 0xd800 && code <= 0xdfff)) return true;
  }
  return false;
}

/** Address literals and names without a dot: a visitor's browser has no business there. */
function isInner(hostname: string): boolean {
  if (hostname.startsWith('[') || /^\d+(\.\d+){3}$/.test(hostname)) return true;
  return !hostname.includes('.') || /\.(localhost|local|internal|home\.arpa)$/.test(hostname);
}
