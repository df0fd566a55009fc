import type { z } from 'zod';
import { lookAtDestination } from '../../../platform/destination.js';
import { getSettings } from '../../../db/access/settings.js';
import { findLink } from '../../../db/directory.js';
import { findProgram } from '../../../db/program/program.js';
import { findLinkNames, findLinkView, type LinkView } from '../../../db/reads/tracking/linkList.js';
import { listScriptHosts } from '../../../db/reads/tracking/linkOrigin.js';
import { lockLink, recordLinkHealth } from '../../../db/tracking/link.js';
import type { ReadTx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import { viaNames } from '../../../domain/tracking/click.js';
import { creditCodeOf, linkAddress, linkStatusAt } from '../../../domain/tracking/link.js';
import type { LinkCheck } from '../../../domain/tracking/linkCheck.js';
import { deepDestination, parseDestination } from '../../../domain/tracking/redirect.js';
import type { Config } from '../../../platform/config.js';
import { qrPicture } from '../../../platform/qr.js';
import { invalid } from '../../problems.js';
import { fileAnswer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  checkWarnings,
  diagnoseBody,
  diagnosisWire,
  linkParams,
  linkWire,
  originOf,
  pageCheckBody,
  pageCheckWire,
  pictureWire,
  qrQuery,
} from '../../schemas/tracking/link.js';
import { portalRefusals, requireOwn } from '../affiliate/ownRecord.js';
import { presentLinkFor, requireLink } from './link.js';
import { ownHosts } from './linkOrigin.js';

const longestUrl = 2_048;

function lookAt(config: Config, hosts: readonly string[], url: string): Promise<LinkCheck> {
  return lookAtDestination({ hosts, allow: config.outboundAllow }, url);
}

const check = defineRoute({
  method: 'POST',
  path: '/v1/links/:linkId/check',
  summary: 'Looks at the destination now: does it answer, is the script on it',
  permission: 'link.write',
  params: linkParams,
  reply: linkWire,
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, { config }) {
    const { linkId } = ctx.params;
    const { link, scripts } = await ctx.read(async (tx) => ({
      link: (await requireLink(ctx, tx, linkId)).link,
      scripts: await listScriptHosts(tx, config.http.publicUrl),
    }));
    const seen = await lookAt(config, scripts, link.destinationUrl);
    return ctx.write(async (tx, act) => {
      const locked = await lockLink(tx, linkId);
      if (locked === undefined) throw new DomainError('resource.not_found');
      // The destination may have been changed while the old one was looked at.
      const isSame = locked.destinationUrl === link.destinationUrl;
      if (isSame) await recordLinkHealth(tx, act, locked, seen.health);
      const { settings } = await getSettings(tx);
      const view = await requireLink(ctx, tx, linkId);
      const shown = presentLinkFor(ctx, view, { now: act.now, settings, config });
      const { status, fault, scriptFound } = seen;
      return { ...shown, warnings: [...checkWarnings(seen)], check: { status, fault, scriptFound } };
    });
  },
});

/** The codes that an address may name: our own link's, or a page's by `via` or what other networks call it. None: a page like any other. */
function slugsIn(url: URL, hosts: readonly string[]): readonly string[] {
  const isRedirect = hosts.includes(url.host) && url.pathname.startsWith('/r/');
  const named = isRedirect ? [url.pathname.slice(3)] : viaNames.map((name) => url.searchParams.get(name) ?? '');
  return named.filter((slug) => /^[a-z0-9][a-z0-9_-]{0,199}$/i.test(slug));
}

const diagnose = defineRoute({
  method: 'POST',
  path: '/v1/links/diagnose',
  summary: 'What would become of a visitor of this address, and who would be credited',
  permission: 'link.read',
  body: diagnoseBody,
  reply: diagnosisWire,
  refuses: [],
  async handle(ctx, { config, db }) {
    const { url: given } = ctx.body;
    if (given.length > longestUrl || !URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol))
      throw invalid({ pointer: '#/url', code: 'bad_format', detail: 'An http or https address.' });
    const url = new URL(given);
    const { hosts, scripts } = await ctx.read(async (tx) => ({
      hosts: await ownHosts(tx, config),
      scripts: await listScriptHosts(tx, config.http.publicUrl),
    }));
    const slugs = slugsIn(url, hosts);
    const entries = await Promise.all(slugs.map((one) => findLink(db, one)));
    const found = entries.find((entry) => entry?.workspaceId === ctx.workspaceId);
    // `?ref=newsletter` of another system is no link that is missing; `via` and our own address mean one.
    const isMeant = found !== undefined || url.searchParams.has('via') || hosts.includes(url.host);
    const slug = isMeant ? slugs[0] : undefined;
    const about = await ctx.read(async (tx, now) => {
      const view = found === undefined ? undefined : await findLinkView(tx, found.linkId);
      if (view === undefined) return undefined;
      const { settings } = await getSettings(tx);
      await requireLink(ctx, tx, view.link.id);
      const status = linkStatusAt(view.link, now);
      const creditCode = creditCodeOf({
        isTrackingOn: settings.general.moduleEnabled,
        programStatus: view.programStatus,
        affiliateStatus: view.affiliateStatus,
        enrolmentStatus: view.enrolmentStatus,
        linkStatus: status,
      });
      return { link: view.link, status, creditCode, ...(await findLinkNames(tx, view.link)) };
    });
    const destination = about?.link.destinationUrl ?? url.href;
    const isOurs = about === undefined && hosts.includes(url.host);
    const seen = isOurs && slug !== undefined ? undefined : await lookAt(config, scripts, destination);
    const problems = [
      ...(slug !== undefined && about === undefined
        ? [{ code: 'link_unknown', detail: 'No link of this workspace has this code.' }]
        : []),
      ...(about === undefined && slug === undefined
        ? [{ code: 'no_link', detail: 'The address names no link, so nobody is credited.' }]
        : []),
      ...(about?.creditCode == null ? [] : [{ code: about.creditCode, detail: 'The link credits nobody just now.' }]),
      ...(seen === undefined ? [] : checkWarnings(seen)),
    ];
    return {
      object: 'link_diagnosis' as const,
      url: url.href,
      destinationUrl: seen === undefined ? null : destination,
      resolves: seen === undefined ? null : seen.status !== null,
      public: seen === undefined ? null : seen.status !== null && !seen.isPrivate,
      status: seen?.status ?? null,
      fault: seen?.fault ?? null,
      scriptFound: seen?.scriptFound ?? null,
      link:
        about === undefined
          ? null
          : {
              id: about.link.id,
              slug: about.link.slug,
              kind: about.link.kind,
              status: about.status,
              expiresAt: about.link.expiresAt,
            },
      affiliate: about?.affiliate ?? null,
      program: about?.program ?? null,
      credits: about !== undefined && about.creditCode === null,
      creditCode: about?.creditCode ?? null,
      problems,
    };
  },
});

/** The page that a link leads to, or another one of it: below the hosts that the redirect follows, else refused (BEY-19). */
async function pageOf(tx: ReadTx, { link }: LinkView, to: string | undefined): Promise<string> {
  if (to === undefined) return link.destinationUrl;
  // A direct link is one page, and a recruit link opens the application.
  if (link.kind !== 'standard')
    throw new DomainError('link.url_not_allowed', { field: 'to', problem: 'not_allowed_here' });
  const [program, { settings }] = await Promise.all([findProgram(tx, link.programId), getSettings(tx)]);
  const hosts = [...(program?.destinationHosts ?? []), ...settings.domains.destinationHosts];
  const stored = parseDestination(link.destinationUrl, hosts);
  const deep = stored === undefined ? undefined : deepDestination(to, stored, hosts);
  if (deep === undefined) throw new DomainError('link.url_not_allowed', { field: 'to', problem: 'host' });
  return deep.href;
}

/** The code's address is the one to share; clicks that came by it are told apart by `src=qr` (BEY-19). */
async function qrOf(
  tx: ReadTx,
  view: LinkView,
  { format, to, ...labels }: z.output<typeof qrQuery>,
  config: Config,
): Promise<ReturnType<typeof fileAnswer>> {
  const page = await pageOf(tx, view, to);
  const url = new URL(linkAddress(view.link, originOf(view, config.http.publicUrl)));
  for (const [name, value] of Object.entries(labels)) url.searchParams.set(name, value);
  if (to !== undefined) url.searchParams.set('to', page);
  url.searchParams.set('src', 'qr');
  return fileAnswer(await qrPicture(url.href, format), {
    contentType: format === 'svg' ? 'image/svg+xml' : 'image/png',
    fileName: `${view.link.slug}.${format}`,
  });
}

const qr = defineRoute({
  method: 'GET',
  path: '/v1/links/:linkId/qr',
  summary: 'The link as a QR code',
  permission: 'link.read',
  params: linkParams,
  query: qrQuery,
  reply: pictureWire,
  refuses: ['resource.not_found', 'access.not_in_scope', 'link.url_not_allowed'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) => qrOf(tx, await requireLink(ctx, tx, ctx.params.linkId), ctx.query, config)),
});

const ownQr = defineRoute({
  method: 'GET',
  path: '/v1/me/links/:linkId/qr',
  summary: 'The own link as a QR code',
  permission: 'me.read',
  params: linkParams,
  query: qrQuery,
  reply: pictureWire,
  refuses: ['resource.not_found', 'link.url_not_allowed', ...portalRefusals],
  handle: (ctx, { config }) =>
    ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      return qrOf(tx, await requireLink(ctx, tx, ctx.params.linkId), ctx.query, config);
    }),
});

const ownCheck = defineRoute({
  method: 'POST',
  path: '/v1/me/links/:linkId/check',
  summary: 'Looks at the page that the own link, or a deep link of it, leads to',
  permission: 'me.read',
  params: linkParams,
  body: pageCheckBody,
  reply: pageCheckWire,
  refuses: ['resource.not_found', 'link.url_not_allowed', ...portalRefusals],
  async handle(ctx, { config }) {
    const { url, scripts } = await ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      return {
        url: await pageOf(tx, await requireLink(ctx, tx, ctx.params.linkId), ctx.body.to),
        scripts: await listScriptHosts(tx, config.http.publicUrl),
      };
    });
    const seen = await lookAt(config, scripts, url);
    // What the page lacks for the tracking is the merchant's business.
    const warnings = checkWarnings(seen).filter(({ code }) => code !== 'script_missing');
    return { object: 'page_check' as const, url, status: seen.status, fault: seen.fault, warnings };
  },
});

export const linkCheckRoutes: readonly Route[] = [check, diagnose, qr, ownQr, ownCheck];
