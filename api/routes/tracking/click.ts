import type { IncomingMessage, ServerResponse } from 'node:http';
import { isbot } from 'isbot';
import type { Db, EdgeDb } from '../../../db/connection.js';
import { findProgramBySlug, findTrackingDomainEntries, takeTrackingTest } from '../../../db/directory.js';
import { isUnavailable } from '../../../db/errors.js';
import { findProgram } from '../../../db/program/program.js';
import { readWorkspace } from '../../../db/transaction.js';
import { type NewClick, recordClicks } from '../../../db/tracking/click.js';
import { type NewId, parseId, type ProgramId, type WorkspaceId } from '../../../domain/ids.js';
import {
  type Consent,
  consentAllows,
  type FilterCode,
  filterOf,
  isPreviewer,
  subAliases,
  subIdOf,
} from '../../../domain/tracking/click.js';
import {
  deepDestination,
  type Destination,
  locationOf,
  parseQuery,
  type QueryPart,
} from '../../../domain/tracking/redirect.js';
import { proofPath } from '../../../domain/tracking/trackingDomain.js';
import { createGroupCommit, QueueFullError } from '../../../platform/groupCommit.js';
import type { Logger } from '../../../platform/logger.js';
import type { Secrets } from '../../../platform/secrets.js';
import { hashAddress } from '../../device.js';
import { busyPage, type EdgePage, languageOf, neutralPage, overPage } from './clickPages.js';
import { type ClickTarget, createClickTargets } from './clickTarget.js';
import { createDomainBook } from './domainBook.js';

/** What the redirect is given. It stands before the application and shares nothing with it (performance.md). */
export interface ClickEdgeDeps {
  /** Only for looking links up. */
  readonly db: Db;
  readonly edgeDb: EdgeDb;
  readonly newId: NewId;
  readonly logger: Logger;
  readonly publicUrl: string;
  readonly clientAddress: (request: IncomingMessage) => string;
  /** Two capital letters, where a proxy of ours says from which country the request came. */
  readonly countryOf?: (request: IncomingMessage) => string | null;
  /** For the keyed hash of an address. */
  readonly secrets: Pick<Secrets, 'sign'>;
  /** Counts clicks by credit, where metrics are kept. */
  readonly countClick?: (credit: NewClick['credit']) => void;
}

export type Listener = (
  request: IncomingMessage,
  response: ServerResponse<IncomingMessage> & { req: IncomingMessage },
) => Promise<void>;

export interface ClickEdge {
  /** Answers `/r/…` and `/x/…` itself and leaves the rest to the application: Koa's context alone costs a quarter of a click (performance.md). */
  before(application: Listener): Listener;
  /** Resolves when every click that was taken in has been committed or refused. */
  drain(): Promise<void>;
}

export const clickCookie = 'trb_click';
/** Names the one-time token in a tracking test's address. */
export const testParameter = 'trb_test';
const consentCookie = 'trb_consent';
const longestUrl = 8_192;
const longestReferrer = 1_000;
const longestUserAgent = 500;
const longestQuery = 1_000;
/** Clicks a minute from one address; what is more is kept and credited, but marked `suspect` (api.md 1.10). */
const clicksPerMinute = 60;
const maxKnownAddresses = 20_000;
const maxKnownAgents = 5_000;

/** `GET /r/{slug}`: one click row, then 302; `GET /x/{programSlug}`: the fallback page of a program that names none (api.md 4.1). */
export function clickEdge(deps: ClickEdgeDeps): ClickEdge {
  const targets = createClickTargets({ db: deps.db, publicUrl: deps.publicUrl, steadyMs: () => performance.now() });
  const clicks = createGroupCommit<NewClick>({
    write: (rows) => recordClicks(deps.edgeDb, rows),
    isRowsFault: (error) => !isUnavailable(error),
  });
  const domains = createDomainBook({ db: deps.db, publicUrl: deps.publicUrl, steadyMs: () => performance.now() });
  const addressOf = createAddressBook(deps);
  const judgeAgent = createAgentJudge();
  const complain = sampled(deps.logger);
  const count = deps.countClick ?? (() => undefined);
  const countryOf = deps.countryOf ?? (() => null);

  /**
   * On a link domain its workspace's links are answered and nothing else; on one that nobody has proved, nothing but the proof (LNK-08). A
   * host that is nobody's domain is what a proxy or a local name made of PUBLIC_URL.
   */
  async function onDomain(
    name: string,
    request: IncomingMessage,
    response: ServerResponse<IncomingMessage> & { req: IncomingMessage },
    application: Listener,
  ): Promise<void> {
    const url = request.url ?? '';
    const isProof = url.startsWith(proofPath);
    // The proof is asked for a moment after the claim: what is kept would not know it yet.
    const claims = await (isProof ? findTrackingDomainEntries(deps.db, name) : domains.find(name));
    const workspaceId = claims.find((claim) => claim.isVerified)?.workspaceId;
    if (claims.length > 0 && isProof) {
      const token = url.slice(proofPath.length);
      const isKnown = claims.some((claim) => claim.token === token);
      return isKnown ? plain(response, token) : page(response, 404, neutralPage);
    }
    if (claims.length > 0 && workspaceId === undefined) return page(response, 404, neutralPage);
    if (url.startsWith('/r/')) return follow(request, response, workspaceId);
    if (url.startsWith('/x/')) return fallbackPage(deps.db, request, response, workspaceId);
    if (claims.length > 0 && !/^\/[jt]\//.test(url)) return page(response, 404, neutralPage);
    return application(request, response);
  }

  async function follow(request: IncomingMessage, response: ServerResponse, only?: WorkspaceId): Promise<void> {
    const url = request.url ?? '';
    const isHead = request.method === 'HEAD';
    if (!isHead && request.method !== 'GET') return refuseMethod(response);
    if (url.length > longestUrl) return page(response, 414, neutralPage);
    const cut = url.indexOf('?');
    const slug = cut === -1 ? url.slice(3) : url.slice(3, cut);
    if (!slugPattern.test(slug)) return page(response, 404, neutralPage);
    const found = targets.find(slug);
    const target = found instanceof Promise ? await found : found;
    if (target === undefined || (only !== undefined && target.link.workspaceId !== only))
      return page(response, 404, neutralPage);
    // Brings affiliates, not customers: no click, and so nobody's referral (LNK-23).
    if (target.link.kind === 'recruit') return redirect(response, `${deps.publicUrl}/j/${slug}`, undefined);

    const query = cut === -1 ? '' : url.slice(cut + 1);
    const parts = query === '' ? noParts : parseQuery(query);
    const click = judge(request, isHead, target, query, parts);
    if (query !== '' && query.includes(testParameter)) return followTest(response, target, parts, click);
    await clicks.add(click.row);
    count(click.row.credit);
    const destination = click.isRedirected ? deepLink(target, parts) : undefined;
    if (destination === undefined) return page(response, 404, neutralPage);
    redirect(response, locationOf(destination, parts, click.row.id), click.cookie);
  }

  /** The one-time address of a tracking test makes a test click, once; anything else of that name is an ordinary one (api.md 1.3, 15). */
  async function followTest(
    response: ServerResponse,
    target: ClickTarget,
    parts: readonly QueryPart[],
    click: ReturnType<typeof judge>,
  ): Promise<void> {
    const token = parts.find((part) => part.name === testParameter)?.value ?? '';
    const { row } = click;
    const isTest =
      row.credit !== 'filtered' && token !== '' && (await takeTrackingTest(deps.db, token, target.link.linkId, row.id));
    await clicks.add(isTest ? { ...row, mode: 'test' } : row);
    count(row.credit);
    const rest = parts.filter((part) => part.name !== testParameter);
    const destination = click.isRedirected ? deepLink(target, rest) : undefined;
    if (destination === undefined) return page(response, 404, neutralPage);
    redirect(response, locationOf(destination, rest, row.id), click.cookie);
  }

  function judge(
    request: IncomingMessage,
    isHead: boolean,
    target: ClickTarget,
    query: string,
    parts: readonly QueryPart[],
  ): { readonly row: NewClick; readonly cookie: string | undefined; readonly isRedirected: boolean } {
    const { headers } = request;
    const userAgent = headers['user-agent'] ?? '';
    const agent = judgeAgent(userAgent);
    const cookies = headers.cookie;
    const filter: FilterCode | undefined = filterOf({
      isHead,
      purpose: purposeOf(headers),
      fetchDest: headers['sec-fetch-dest'] as string | undefined,
      ...agent,
    });
    const consent = consentAllows(target.consentMode, consentOf(headers, cookies));
    const noCredit = filter ?? target.noCredit ?? (consent.credit ? undefined : 'consent_refused');
    const id = deps.newId('click');
    const address = addressOf(deps.clientAddress(request));
    const previous = cookies === undefined ? undefined : readCookie(cookies, clickCookie);
    return {
      row: {
        id,
        workspaceId: target.link.workspaceId,
        mode: 'live',
        linkId: target.link.linkId,
        affiliateId: target.link.affiliateId,
        programId: target.link.programId,
        previousClickId: previous === undefined ? null : (parseId('click', previous) ?? null),
        credit: filter !== undefined ? 'filtered' : noCredit !== undefined ? 'not_credited' : 'credited',
        creditCode: noCredit ?? null,
        isSuspect: noCredit === undefined && address.isBusy(),
        subs: parts.length === 0 ? null : subsOf(parts),
        query: query === '' ? null : query.slice(0, longestQuery),
        referrer: headers.referer === undefined ? null : headers.referer.slice(0, longestReferrer),
        windowSeconds: target.windowSeconds,
        addressHash: address.hash,
        userAgent: userAgent === '' ? null : userAgent.slice(0, longestUserAgent),
        country: countryOf(request),
      },
      // Only a click that credits moves the cookie: a preview's would break the chain from click to click.
      cookie:
        noCredit === undefined && consent.cookie && target.cookieMode !== 'none'
          ? `${clickCookie}=${id}${target.cookieTail}`
          : undefined,
      isRedirected: target.destination !== undefined,
    };
  }

  return {
    drain: () => clicks.drain(),
    before: (application) => (request, response) => {
      const url = request.url ?? '';
      const named = domains.nameOf(request.headers.host);
      const answered =
        named !== undefined
          ? onDomain(named, request, response, application)
          : url.startsWith('/r/')
            ? follow(request, response)
            : url.startsWith('/x/')
              ? fallbackPage(deps.db, request, response)
              : undefined;
      return answered === undefined
        ? application(request, response)
        : answered.catch((error: unknown) => {
            complain(error);
            busy(response);
          });
    },
  };
}

const noParts: readonly QueryPart[] = [];
// Every character a slug may have; what is written otherwise (percent, dots alone, upper case) is no link of ours.
const slugPattern = /^[a-z0-9][a-z0-9_-]{0,199}$/i;

/**
 * `to=` leads to a path or URL whose parsed host is listed; anything else is ignored, the stored destination counts (api.md 4.1). Nothing leads
 * away from the fallback of a link that is off.
 */
function deepLink(target: ClickTarget, parts: readonly QueryPart[]): Destination | undefined {
  const { destination } = target;
  if (destination === undefined || parts.length === 0 || !target.isOpen) return destination;
  const to = parts.find((part) => part.name === 'to')?.value;
  if (to === undefined || to === '') return destination;
  return deepDestination(to, destination, target.allowedHosts) ?? destination;
}

/** The labels of a query, by place; null: it has none. */
export function subsOf(parts: readonly QueryPart[]): readonly (string | null)[] | null {
  const subs: (string | null)[] = [null, null, null, null, null];
  let isEmpty = true;
  for (const part of parts) {
    const place = subAliases.get(part.name);
    if (place === undefined) continue;
    // `sub1` itself wins over the names other networks have for it; else the first one given.
    if (subs[place - 1] !== null && part.name !== `sub${place}`) continue;
    subs[place - 1] = subIdOf(part.value);
    isEmpty = false;
  }
  return isEmpty ? null : subs;
}

type Headers = IncomingMessage['headers'];

/** What a browser says it fetches a page for, when nobody looks at it yet. */
export function purposeOf(headers: Headers): string {
  const purpose = headers['sec-purpose'] ?? headers['purpose'] ?? headers['x-purpose'] ?? headers['x-moz'];
  return purpose === undefined ? '' : String(purpose);
}

/** Global Privacy Control is a refusal; else what the consent banner of the page wrote on this domain. */
export function consentOf(headers: Headers, cookies: string | undefined): Consent {
  if (headers['sec-gpc'] === '1') return 'denied';
  const said = cookies === undefined ? undefined : readCookie(cookies, consentCookie);
  return said === 'granted' || said === 'denied' ? said : 'unknown';
}

/** A cookie's value: a scan, because the cookies module alone costs as much as the rest of the click (performance.md). */
export function readCookie(header: string, name: string): string | undefined {
  for (let at = header.indexOf(`${name}=`); at !== -1; at = header.indexOf(`${name}=`, at + 1)) {
    if (at > 0 && header[at - 1] !== ' ' && header[at - 1] !== ';') continue;
    const from = at + name.length + 1;
    const end = header.indexOf(';', from);
    return (end === -1 ? header.slice(from) : header.slice(from, end)).trim();
  }
  return undefined;
}

interface KnownAddress {
  readonly hash: Buffer;
  isBusy(): boolean;
}

/** Hash and pace of each address: hashing costs more than the look-up, and the same visitor clicks again. */
function createAddressBook(deps: Pick<ClickEdgeDeps, 'secrets'>): (address: string) => KnownAddress {
  const known = new Map<string, KnownAddress>();
  return (address) => {
    const found = known.get(address);
    if (found !== undefined) return found;
    let minute = 0;
    let clicks = 0;
    const made: KnownAddress = {
      hash: hashAddress(deps.secrets, address),
      isBusy: () => {
        const now = Math.floor(performance.now() / 60_000);
        if (now !== minute) {
          minute = now;
          clicks = 0;
        }
        clicks += 1;
        return clicks > clicksPerMinute;
      },
    };
    if (known.size >= maxKnownAddresses) known.clear();
    known.set(address, made);
    return made;
  };
}

interface JudgedAgent {
  readonly hasUserAgent: boolean;
  readonly isKnownBot: boolean;
  readonly isPreviewer: boolean;
}

/** Long regular expressions, once per agent that was not seen before. A bare `Mozilla/5.0` says nothing for or against a person. */
function createAgentJudge(): (userAgent: string) => JudgedAgent {
  const known = new Map<string, JudgedAgent>();
  return (userAgent) => {
    const found = known.get(userAgent);
    if (found !== undefined) return found;
    const isBare = /^Mozilla\/5\.0$/i.test(userAgent);
    const judged = {
      hasUserAgent: userAgent !== '',
      isKnownBot: !isBare && (isbot(userAgent) || /^(curl|wget|libwww|lwp)\b/i.test(userAgent)),
      isPreviewer: isPreviewer(userAgent),
    };
    if (known.size >= maxKnownAgents) known.clear();
    if (userAgent.length <= longestUserAgent) known.set(userAgent, judged);
    return judged;
  };
}

function redirect(response: ServerResponse, location: string, cookie: string | undefined): void {
  response.writeHead(
    302,
    cookie === undefined
      ? ['Location', location, ...redirectHeaders]
      : ['Location', location, 'Set-Cookie', cookie, ...redirectHeaders],
  );
  response.end();
}

const redirectHeaders = [
  'Cache-Control',
  'no-store',
  'Referrer-Policy',
  'strict-origin-when-cross-origin',
  'X-Robots-Tag',
  'noindex',
  'Content-Length',
  '0',
];

function page(
  response: ServerResponse,
  status: number,
  pages: EdgePage,
  extra: Readonly<Record<string, string>> = {},
): void {
  const language = languageOf(response.req.headers['accept-language']);
  const body = pages[language];
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Language': language,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Robots-Tag': 'noindex',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'Referrer-Policy': 'strict-origin-when-cross-origin',
    ...extra,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function plain(response: ServerResponse, text: string): void {
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(text);
}

function refuseMethod(response: ServerResponse): void {
  page(response, 405, neutralPage, { Allow: 'GET, HEAD' });
}

/** Nothing was stored, so nothing is redirected: the visitor may try again (api.md 4.1). */
function busy(response: ServerResponse): void {
  if (response.headersSent) response.end();
  else page(response, 503, busyPage, { 'Retry-After': '2' });
}

async function fallbackPage(
  db: Db,
  request: IncomingMessage,
  response: ServerResponse,
  only?: WorkspaceId,
): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod(response);
  const path = (request.url ?? '').slice(3).replace(/\?.*$/s, '');
  const program = slugPattern.test(path) ? await findProgramBySlug(db, path) : undefined;
  if (program === undefined || (only !== undefined && program.workspaceId !== only))
    return page(response, 404, neutralPage);
  page(response, 200, overPage({ name: program.name, wayOn: await wayOn(db, program) }));
}

/** Where the shop is: its landing page, else the first host that its links lead to. No click is named, so nothing is credited. */
async function wayOn(
  db: Db,
  of: { readonly workspaceId: WorkspaceId; readonly programId: ProgramId },
): Promise<string | undefined> {
  const program = await readWorkspace(db, of.workspaceId, (tx) => findProgram(tx, of.programId));
  const [host] = program?.destinationHosts ?? [];
  const page = program?.landingUrl ?? (host === undefined ? undefined : `https://${host}/`);
  return page !== undefined && /^https?:\/\//.test(page) ? page : undefined;
}

/** One line in ten seconds, with how many it stands for: printing each error took a failing server from 19,000 to 323 answers a second. */
function sampled(logger: Logger): (error: unknown) => void {
  let quietUntil = 0;
  let unsaid = 0;
  return (error) => {
    unsaid += 1;
    const now = performance.now();
    if (now < quietUntil) return;
    quietUntil = now + 10_000;
    const isBusy = error instanceof QueueFullError || isUnavailable(error);
    logger[isBusy ? 'warn' : 'error']({ err: error, clicks: unsaid }, 'clicks not taken');
    unsaid = 0;
  };
}
