import { getSettings } from '../../../db/access/settings.js';
import { listTrackingDomains } from '../../../db/reads/tracking/trackingDomainList.js';
import {
  deleteTrackingDomain,
  findTrackingDomain,
  insertTrackingDomain,
  lockTrackingDomain,
  recordDomainCheck,
} from '../../../db/tracking/trackingDomain.js';
import type { Tx } from '../../../db/transaction.js';
import { DomainError } from '../../../domain/errors.js';
import type { TrackingDomain } from '../../../domain/tracking/trackingDomain.js';
import type { Config } from '../../../platform/config.js';
import { randomToken } from '../../../platform/secrets.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  presentTrackingDomain,
  trackingDomainCreate,
  trackingDomainList,
  trackingDomainParams,
  trackingDomainQuery,
  trackingDomainWire,
} from '../../schemas/tracking/trackingDomain.js';
import { noContent } from '../../schemas/wire.js';
import { fieldRefusal } from '../program/directDecision.js';

async function required(found: Promise<TrackingDomain | undefined>): Promise<TrackingDomain> {
  const domain = await found;
  if (domain === undefined) throw new DomainError('resource.not_found');
  return domain;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/tracking-domains',
  permission: 'settings.read',
  query: trackingDomainQuery,
  reply: trackingDomainList,
  refuses: [],
  async handle(ctx, { config }) {
    const page = ctx.page(ctx.query);
    const domains = await ctx.read((tx) => listTrackingDomains(tx, ctx.query, page));
    return ctx.list(
      domains,
      page,
      (domain) => presentTrackingDomain(domain, config.http.publicUrl),
      (domain) => ({ value: page.sort === 'domain' ? domain.domain : domain.createdAt, id: domain.id }),
    );
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/tracking-domains/:domainId',
  permission: 'settings.read',
  params: trackingDomainParams,
  reply: trackingDomainWire,
  refuses: ['resource.not_found'],
  handle: (ctx, { config }) =>
    ctx.read(async (tx) =>
      presentTrackingDomain(await required(findTrackingDomain(tx, ctx.params.domainId)), config.http.publicUrl),
    ),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/tracking-domains',
  permission: 'settings.write',
  body: trackingDomainCreate,
  reply: trackingDomainWire,
  status: 201,
  refuses: ['resource.already_exists'],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      await requireOtherHost(tx, config, ctx.body.domain);
      const domain = await insertTrackingDomain(tx, act, {
        id: act.newId('trackingDomain'),
        domain: ctx.body.domain,
        token: randomToken(24),
      });
      return answer(presentTrackingDomain(domain, config.http.publicUrl), {
        location: `/v1/tracking-domains/${domain.id}`,
      });
    }),
});

/** Our own host is everybody's, and a host that links lead to would turn in a circle (reliability.md R5). */
async function requireOtherHost(tx: Tx, config: Config, domain: string): Promise<void> {
  const { settings } = await getSettings(tx);
  const programs = await tx('programs').select<{ destination_hosts: string[] }[]>('destination_hosts');
  const taken = [
    new URL(config.http.publicUrl).host,
    ...settings.domains.destinationHosts,
    ...programs.flatMap((program) => program.destination_hosts),
  ].map((host) => host.replace(/:\d+$/, ''));
  if (taken.includes(domain))
    throw fieldRefusal('domain', 'not_allowed_here', 'Links lead to this host, or it is the one of this installation.');
}

const verify = defineRoute({
  method: 'POST',
  path: '/v1/tracking-domains/:domainId/verify',
  summary: 'Looks at the name’s record and calls it; only then links are printed with it',
  permission: 'settings.write',
  params: trackingDomainParams,
  reply: trackingDomainWire,
  refuses: ['resource.not_found', 'resource.already_exists'],
  async handle(ctx, { config, checkDomain }) {
    const { domain, token } = await ctx.read((tx) => required(findTrackingDomain(tx, ctx.params.domainId)));
    const seen = await checkDomain(domain, token);
    return ctx.write(async (tx, act) => {
      const locked = await required(lockTrackingDomain(tx, ctx.params.domainId));
      return presentTrackingDomain(await recordDomainCheck(tx, act, locked, seen), config.http.publicUrl);
    });
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/tracking-domains/:domainId',
  permission: 'settings.write',
  params: trackingDomainParams,
  reply: noContent,
  status: 204,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const domain = await required(lockTrackingDomain(tx, ctx.params.domainId));
      ctx.requireVersion(domain.version);
      await deleteTrackingDomain(tx, act, domain);
      return undefined;
    }),
});

export const trackingDomainRoutes: readonly Route[] = [list, get, create, verify, remove];
