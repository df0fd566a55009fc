import type { IncomingMessage } from 'node:http';
import { isbot } from 'isbot';
import type { Context } from 'koa';
import { z } from 'zod';
import { markVisited, takeUpClick } from '../../../activities/tracking/click.js';
import { getSettings } from '../../../db/access/settings.js';
import { findLink, findPublicKey, type LinkEntry, type PublicKeyEntry } from '../../../db/directory.js';
import { findProgram } from '../../../db/program/program.js';
import { listVisits } from '../../../db/reads/tracking/visitList.js';
import { inWorkspace, type Tx } from '../../../db/transaction.js';
import { insertClick } from '../../../db/tracking/click.js';
import { recordVisit } from '../../../db/tracking/visit.js';
import { effectiveTerms } from '../../../domain/access/settings.js';
import type { Act } from '../../../domain/act.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { type ClickId, parseId } from '../../../domain/ids.js';
import {
  type Consent,
  consentAllows,
  type ConsentMode,
  type CookieMode,
  isPreviewer,
} from '../../../domain/tracking/click.js';
import { parseQuery } from '../../../domain/tracking/redirect.js';
import { noteCall } from '../../apiLog.js';
import { parseJsonBody, readBody } from '../../jsonGuard.js';
import { boundsOf } from '../../lists.js';
import { invalid } from '../../problems.js';
import type { ApiDeps } from '../../deps.js';
import { hashAddress } from '../../device.js';
import { defineRoute, type Route } from '../../route.js';
import { presentVisit, visitList, visitQuery, type VisitReport, visitReport } from '../../schemas/tracking/visit.js';
import { parseWith } from '../../validation.js';
import { subsOf } from './click.js';
import { targetOf } from './clickTarget.js';
import { checkPublicKey } from './publicKeyCheck.js';
import { modeOfCall } from './testMode.js';

/** A page view is a few hundred bytes; what is longer is none. */
const longestReport = 32_768;
const longestUrl = 1_000;

const visitAnswer = z.strictObject({
  clickId: z.string().nullable(),
  visitId: z.string().nullable(),
  counted: z.boolean(),
  /** Seconds the script may keep the click id; null: for the session; 0: not at all. */
  cookieMaxAge: z.int().nullable(),
});
type VisitAnswer = z.output<typeof visitAnswer>;
const nothingSeen: VisitAnswer = { clickId: null, visitId: null, counted: false, cookieMaxAge: 0 };

/**
 * `POST /t/visit`: the script reports a page view (api.md 4.1). `sendBeacon` sends it as text/plain, so that no preflight is needed; hence
 * a route of its own making. A direct link (`via`) has no redirect: its visit makes click and visit together.
 */
export const reportVisitRoute: Route = {
  method: 'POST',
  path: '/t/visit',
  summary: 'The tracking script reports a page view',
  permission: 'public',
  params: undefined,
  query: undefined,
  body: visitReport,
  reply: visitAnswer,
  status: 200,
  refuses: [
    'request.validation_failed',
    'access.csrf_failed',
    'access.api_user_revoked',
    'access.api_user_expired',
    'access.ip_not_allowed',
  ],
  idempotency: 'none',
  ifMatch: 'none',
  stepUp: false,
  secretReply: false,
  async run(koa, deps) {
    deps.rateLimiter.take(koa, null, reportVisitRoute);
    checkReportType(koa.req);
    const body = parseJsonBody(await readBody(koa.req, longestReport));
    const report = parseWith(visitReport, body, 'body') as VisitReport;
    const key = await findPublicKey(deps.db, report.key);
    if (key === undefined) throw invalid({ pointer: '#/key', code: 'not_found', detail: 'There is no such key.' });
    const { workspaceId, mode, keyId } = key;
    const { clickId, consent } = report;
    noteCall(koa, { workspaceId, mode, keyId, payload: { clickId, consent } });
    const answer = await takeInVisit(deps, koa, key, report);
    noteCall(koa, { payload: { clickId, consent, cookieKept: answer.cookieMaxAge !== 0 } });
    koa.status = 200;
    koa.set('Content-Type', 'application/json; charset=utf-8');
    koa.set('Cache-Control', 'no-store');
    koa.body = JSON.stringify(answer);
  },
};

function checkReportType(request: IncomingMessage): void {
  const media = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (media !== 'application/json' && media !== 'text/plain')
    throw new DomainError('request.unsupported_media_type', {
      detail: 'Send JSON, as application/json or text/plain.',
    });
  if (request.headers['content-encoding'] !== undefined)
    throw new DomainError('request.unsupported_media_type', { detail: 'Send the body without Content-Encoding.' });
}

async function takeInVisit(
  deps: ApiDeps,
  koa: Context,
  key: PublicKeyEntry,
  report: VisitReport,
): Promise<VisitAnswer> {
  // Before the transaction: the directory looks over all workspaces, through a connection of its own.
  const slug = report.via ?? null;
  const direct = slug === null || !/^[\w-]{1,200}$/.test(slug) ? undefined : await findLink(deps.db, slug);
  return inWorkspace(deps.db, key.workspaceId, async (tx, now) => {
    const { settings } = await getSettings(tx);
    allowOrigin(koa, settings.domains.formDomains);
    await checkPublicKey(tx, koa, deps, { key, now });
    const act: Act = {
      workspaceId: key.workspaceId,
      mode: await modeOfCall(tx, key, report.clickId ?? null),
      now,
      actor: { type: 'visitor', id: null, userId: null },
      cause: null,
      reasonCode: null,
      origin: null,
      requestId: (koa.state as { requestId?: string }).requestId ?? null,
      newId: deps.newId,
    };
    const link = direct?.workspaceId === key.workspaceId && direct.kind !== 'recruit' ? direct : undefined;
    return takeInView(tx, act, deps, { koa, link, report });
  });
}

/** One view of a page, outside or our own: of the click that it names, or of a direct link, whose click it makes. */
export async function takeInView(
  tx: Tx,
  act: Act,
  deps: ApiDeps,
  of: { readonly koa: Context; readonly link: LinkEntry | undefined; readonly report: Omit<VisitReport, 'key'> },
): Promise<VisitAnswer> {
  const { koa, link, report } = of;
  const userAgent = koa.get('user-agent');
  if (userAgent === '' || isbot(userAgent) || isPreviewer(userAgent)) return nothingSeen;
  const { settings } = await getSettings(tx);
  const clickId =
    link === undefined
      ? (parseId('click', report.clickId ?? '') ?? null)
      : await insertDirectClick(tx, act, deps, { koa, link, report, userAgent });
  const taken = clickId === null ? undefined : await takeUpClick(tx, act, clickId);
  if (taken === undefined) return nothingSeen;
  const { windowSeconds } = taken.click;
  const program = await findProgram(tx, taken.click.programId);
  const { cookie: cookieMode } = effectiveTerms(settings, program ?? { ownTerms: {} });
  const { consentMode } = link === undefined ? settings.tracking : targetOf(link, deps.config.http.publicUrl);
  const cookieMaxAge = keepFor({ cookieMode, consentMode, windowSeconds }, consentOf(koa, report));
  if (taken.visitorId === null) return { ...nothingSeen, clickId: taken.click.id };
  const visit = await recordVisit(tx, act, {
    id: deps.newId('visit'),
    mode: act.mode,
    clickId: taken.click.id,
    linkId: taken.click.linkId,
    visitorId: taken.visitorId,
    referralId: taken.referral?.id ?? null,
    day: dateIn(settings.general.timeZone, act.now),
    url: originAndPath(report.url),
  });
  if (visit.isNew) await markVisited(tx, act, taken, visit.id);
  return { clickId: taken.click.id, visitId: visit.id, counted: visit.isNew, cookieMaxAge };
}

/** The answer is readable for the pages that the workspace lists; a foreign page is refused (api.md 4.1). Exact hosts, nothing that only ends alike. */
export function allowOrigin(koa: Context, formDomains: readonly string[]): void {
  const origin = koa.get('origin');
  if (origin === '') return; // no browser's page: the public key is all that is asked for
  const host = URL.canParse(origin) ? new URL(origin).host : '';
  if (host === '' || !formDomains.includes(host))
    throw new DomainError('access.csrf_failed', { detail: 'This page is not listed in settings.domains.formDomains.' });
  koa.set('Access-Control-Allow-Origin', origin);
  koa.vary('Origin');
}

export async function insertDirectClick(
  tx: Tx,
  act: Act,
  deps: ApiDeps,
  of: {
    readonly koa: Context;
    readonly link: LinkEntry;
    readonly report: Omit<VisitReport, 'key'>;
    readonly userAgent: string;
  },
): Promise<ClickId> {
  const { link, report } = of;
  const target = targetOf(link, deps.config.http.publicUrl);
  const { credit } = consentAllows(target.consentMode, consentOf(of.koa, report));
  const noCredit = target.noCredit ?? (credit ? undefined : 'consent_refused');
  const cut = report.url.indexOf('?');
  const query = cut === -1 ? '' : report.url.slice(cut + 1).replace(/#.*$/s, '');
  const id = deps.newId('click');
  await insertClick(tx, act.now, {
    id,
    workspaceId: act.workspaceId,
    mode: act.mode,
    linkId: link.linkId,
    affiliateId: link.affiliateId,
    programId: link.programId,
    previousClickId: parseId('click', report.clickId ?? '') ?? null,
    credit: noCredit === undefined ? 'credited' : 'not_credited',
    creditCode: noCredit ?? null,
    isSuspect: false,
    subs: subsOf(parseQuery(query)),
    query: query === '' ? null : printable(query),
    referrer: report.referrer == null || report.referrer === '' ? null : printable(report.referrer),
    windowSeconds: target.windowSeconds,
    addressHash: hashAddress(deps.secrets, deps.clientAddress(of.koa.req)),
    userAgent: of.userAgent.slice(0, 500),
    country: deps.countryOf?.(of.koa.req) ?? null,
  });
  return id;
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '').slice(0, longestUrl);
}

/** Where the page was, without what its query may say about a person. */
function originAndPath(text: string): string {
  if (!URL.canParse(text)) return '';
  const url = new URL(text);
  return `${url.origin}${url.pathname}`.slice(0, longestUrl);
}

function consentOf(koa: Context, report: Pick<VisitReport, 'consent'>): Consent {
  return koa.get('sec-gpc') === '1' ? 'denied' : (report.consent ?? 'unknown');
}

/** Seconds the script may keep the click id on its own page; null: for the session; 0: not at all. */
function keepFor(
  terms: { readonly cookieMode: CookieMode; readonly consentMode: ConsentMode; readonly windowSeconds: number },
  consent: Consent,
): number | null {
  if (terms.cookieMode === 'none' || !consentAllows(terms.consentMode, consent).cookie) return 0;
  return terms.cookieMode === 'session' ? null : terms.windowSeconds;
}

export const listVisitsRoute = defineRoute({
  method: 'GET',
  path: '/v1/visits',
  permission: 'link.read',
  query: visitQuery,
  reply: visitList,
  refuses: [],
  async handle(ctx) {
    const page = ctx.page(ctx.query);
    const filter = { ...ctx.query, createdAt: boundsOf(ctx.query, 'createdAt') };
    const rows = await ctx.read((tx) => listVisits(tx, ctx.scope, ctx.mode, filter, page));
    const reader = { seesPeople: ctx.can('pii.read') };
    return ctx.list(
      rows,
      page,
      (row) => presentVisit(row, reader),
      (row) => ({ value: row.created_at, id: row.id }),
    );
  },
});

export const visitRoutes: readonly Route[] = [reportVisitRoute, listVisitsRoute];
