import { lookAtDestination } from '../../../platform/destination.js';
import { getSettings } from '../../../db/access/settings.js';
import { findLink } from '../../../db/directory.js';
import { findLinkNames, findLinkView, type LinkView } from '../../../db/reads/tracking/linkList.js';
import { lockLink, recordLinkHealth } from '../../../db/tracking/link.js';
import { DomainError } from '../../../domain/errors.js';
import { creditCodeOf, linkStatusAt } from '../../../domain/tracking/link.js';
import type { LinkCheck } from '../../../domain/tracking/linkCheck.js';
import type { Config } from '../../../platform/config.js';
import { qrPicture } from '../../../platform/qr.js';
import { invalid } from '../../problems.js';
import { fileAnswer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  addressOf,
  checkWarnings,
  diagnoseBody,
  diagnosisWire,
  linkParams,
  linkWire,
  originOf,
  pictureWire,
  qrQuery,
} from '../../schemas/tracking/link.js';
import { portalRefusals, requireOwn } from '../affiliate/ownRecord.js';
import { presentLinkFor, requireLink } from './link.js';
import { ownHosts } from './linkOrigin.js';

const longestUrl = 2_048;

function lookAt(config: Config, url: string): Promise<LinkCheck> {
  return lookAtDestination({ publicUrl: config.http.publicUrl, allow: config.outboundAllow }, url);
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
    const { link } = await ctx.read((tx) => requireLink(ctx, tx, linkId));
    const seen = await lookAt(config, link.destinationUrl);
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

/** Our own link, or a page with `?via=`; undefined: a page like any other. */
function slugIn(url: URL, hosts: readonly string[]): string | undefined {
  const slug =
    hosts.includes(url.host) && url.pathname.startsWith('/r/') ? url.pathname.slice(3) : url.searchParams.get('via');
  return slug !== null && /^[a-z0-9][a-z0-9_-]{0,199}$/i.test(slug) ? slug : undefined;
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
    const hosts = await ctx.read((tx) => ownHosts(tx, config));
    const slug = slugIn(url, hosts);
    const entry = slug === undefined ? undefined : await findLink(db, slug);
    const found = entry?.workspaceId === ctx.workspaceId ? entry : undefined;
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
    const seen = isOurs && slug !== undefined ? undefined : await lookAt(config, destination);
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

/** Clicks that came by the code are told apart by `src=qr` (BEY-19). */
async function qrOf(view: LinkView, format: 'svg' | 'png', config: Config): Promise<ReturnType<typeof fileAnswer>> {
  const url = new URL(addressOf(view.link, originOf(view, config.http.publicUrl)));
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
  refuses: ['resource.not_found', 'access.not_in_scope'],
  async handle(ctx, { config }) {
    return qrOf(await ctx.read((tx) => requireLink(ctx, tx, ctx.params.linkId)), ctx.query.format, config);
  },
});

const ownQr = defineRoute({
  method: 'GET',
  path: '/v1/me/links/:linkId/qr',
  summary: 'The own link as a QR code',
  permission: 'me.read',
  params: linkParams,
  query: qrQuery,
  reply: pictureWire,
  refuses: ['resource.not_found', ...portalRefusals],
  async handle(ctx, { config }) {
    const view = await ctx.read(async (tx, now) => {
      await requireOwn(tx, ctx, now);
      return requireLink(ctx, tx, ctx.params.linkId);
    });
    return qrOf(view, ctx.query.format, config);
  },
});

export const linkCheckRoutes: readonly Route[] = [check, diagnose, qr, ownQr];
