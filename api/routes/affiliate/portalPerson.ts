import { z } from 'zod';
import {
  addPortalPerson,
  changePortalPerson,
  listPortalPeople,
  lockPortalUser,
  removePortalPerson,
  toPortalPerson,
} from '../../../db/access/portalPerson.js';
import { getSettings } from '../../../db/access/settings.js';
import type { User } from '../../../db/access/user.js';
import { findAffiliate, lockAffiliate } from '../../../db/affiliate/affiliate.js';
import { requireAffiliateInScope } from '../../../db/reads/affiliate/affiliateScope.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import type { Affiliate } from '../../../domain/affiliate/affiliate.js';
import { DomainError } from '../../../domain/errors.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import type { RouteContext } from '../../routeContext.js';
import { affiliateParams } from '../../schemas/affiliate/affiliate.js';
import {
  contactBody,
  contactPatch,
  ownUserBody,
  ownUserPatch,
  portalPersonList,
  portalPersonWire,
  presentPortalPerson,
} from '../../schemas/affiliate/portalPerson.js';
import { idWire, noContent } from '../../schemas/wire.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from './ownRecord.js';

type Asking = RouteContext<unknown, unknown, unknown, unknown>;

// Who signs in to an affiliate's portal: as the affiliate keeps it (api.md 17, PRT-20) and as staff do (api.md 8). The same people.

const ownParams = z.strictObject({ userId: idWire('user') });
const contactParams = affiliateParams.extend({ userId: idWire('user') });

async function present(tx: ReadTx | Tx, affiliate: Affiliate) {
  return { data: (await listPortalPeople(tx, affiliate)).map(presentPortalPerson), nextCursor: null };
}

/** A person lets others in, and a program that holds a key does not (T3). */
async function openOwn(tx: Tx, ctx: Asking, now: Parameters<typeof requireOwn>[2]): Promise<Affiliate> {
  if (ctx.caller.session === null)
    throw new DomainError('access.permission_missing', { missingPermission: 'user.write' });
  await requireOwn(tx, ctx, now, 'write');
  const affiliate = await lockAffiliate(tx, ownId(ctx));
  if (affiliate === undefined) throw new DomainError('resource.not_found');
  return affiliate;
}

/** The affiliate's own login stays, and the last one in use that may change something: nobody shuts the affiliate out of its record. */
async function requireNotNeeded(tx: Tx, affiliate: Affiliate, user: User): Promise<void> {
  const people = await listPortalPeople(tx, affiliate);
  const managers = people.filter((one) => one.rights === 'manage' && one.status === 'active');
  if (people.find(({ id }) => id === user.id)?.isOwn === true)
    throw new DomainError('resource.in_use', {
      usedBy: ['own_address'],
      detail: 'The login of the own address stays.',
    });
  if (managers.every(({ id }) => id === user.id))
    throw new DomainError('resource.in_use', {
      usedBy: ['last_manager'],
      detail: 'Somebody has to be able to change things.',
    });
}

const ownList = defineRoute({
  method: 'GET',
  path: '/v1/me/users',
  summary: 'Who signs in to this portal',
  permission: 'me.read',
  reply: portalPersonList,
  refuses: portalRefusals,
  handle: (ctx) => ctx.read(async (tx, now) => present(tx, (await requireOwn(tx, ctx, now)).affiliate)),
});

const ownOne = defineRoute({
  method: 'GET',
  path: '/v1/me/users/:userId',
  permission: 'me.read',
  params: ownParams,
  reply: portalPersonWire,
  refuses: ['resource.not_found', ...portalRefusals],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const people = await listPortalPeople(tx, (await requireOwn(tx, ctx, now)).affiliate);
      const found = people.find(({ id }) => id === ctx.params.userId);
      if (found === undefined) throw new DomainError('resource.not_found');
      return presentPortalPerson(found);
    }),
});

const ownInvite = defineRoute({
  method: 'POST',
  path: '/v1/me/users',
  summary: 'Invite somebody to this portal by mail',
  permission: 'me.write',
  stepUp: true,
  body: ownUserBody,
  reply: portalPersonWire,
  status: 201,
  refuses: ['access.permission_missing', 'resource.already_exists', ...portalWriteRefusals],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const affiliate = await openOwn(tx, ctx, act.now);
        const { name, email, rights: right } = ctx.body;
        const person = { name, email, right, access: true };
        const user = await addPortalPerson(tx, act, affiliate, person, config.http.publicUrl);
        return answer(presentPortalPerson(toPortalPerson(user, affiliate)), { location: `/v1/me/users/${user.id}` });
      },
      { wake: true },
    ),
});

const ownChange = defineRoute({
  method: 'PATCH',
  path: '/v1/me/users/:userId',
  summary: 'Change the name or rights of another login',
  permission: 'me.write',
  stepUp: true,
  params: ownParams,
  body: ownUserPatch,
  reply: portalPersonWire,
  refuses: ['resource.not_found', 'resource.in_use', 'access.permission_missing', ...portalWriteRefusals],
  handle: (ctx, { config }) =>
    ctx.write(async (tx, act) => {
      const affiliate = await openOwn(tx, ctx, act.now);
      const user = await lockPortalUser(tx, affiliate.id, ctx.params.userId);
      ctx.requireVersion(user.version);
      const { rights: right, ...rest } = ctx.body;
      if (right === 'view') await requireNotNeeded(tx, affiliate, user);
      const change = { ...rest, ...(right === undefined ? {} : { right }) };
      const after = await changePortalPerson(tx, act, affiliate, user, change, config.http.publicUrl);
      return presentPortalPerson(toPortalPerson(after, affiliate));
    }),
});

const ownRemove = defineRoute({
  method: 'DELETE',
  path: '/v1/me/users/:userId',
  summary: 'Take another login away; its sessions end now',
  permission: 'me.write',
  stepUp: true,
  params: ownParams,
  reply: noContent,
  refuses: ['resource.not_found', 'resource.in_use', 'access.permission_missing', ...portalWriteRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const affiliate = await openOwn(tx, ctx, act.now);
      const user = await lockPortalUser(tx, affiliate.id, ctx.params.userId);
      await requireNotNeeded(tx, affiliate, user);
      await removePortalPerson(tx, act, user);
      return undefined;
    }),
});

/** As an invitation asks for it: the portal is on and the affiliate is approved. */
async function requireOpenPortal(tx: Tx, affiliate: Affiliate): Promise<void> {
  const { settings } = await getSettings(tx);
  if (!settings.affiliates.portalEnabled) throw new DomainError('access.not_enabled', { capability: 'portal' });
  if (affiliate.status !== 'approved')
    throw new DomainError('affiliate.affiliate_not_active', { affiliateStatus: affiliate.status });
}

const staffRefusals = ['resource.not_found', 'access.not_in_scope'] as const;

const contacts = defineRoute({
  method: 'GET',
  path: '/v1/affiliates/:affiliateId/contacts',
  summary: 'People of an affiliate, and who of them signs in to its portal',
  permission: 'affiliate.read',
  params: affiliateParams,
  reply: portalPersonList,
  refuses: staffRefusals,
  handle: (ctx) =>
    ctx.read(async (tx) =>
      present(tx, await requireAffiliateInScope(tx, await findAffiliate(tx, ctx.params.affiliateId), ctx.scope)),
    ),
});

const addContact = defineRoute({
  method: 'POST',
  path: '/v1/affiliates/:affiliateId/contacts',
  summary: 'Add a person; with portal access they are invited by mail',
  permission: 'affiliate.write',
  params: affiliateParams,
  body: contactBody,
  reply: portalPersonWire,
  status: 201,
  refuses: [...staffRefusals, 'resource.already_exists', 'access.not_enabled', 'affiliate.affiliate_not_active'],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        const { name, email, portalAccess: access, rights: right } = ctx.body;
        if (access) await requireOpenPortal(tx, affiliate);
        const user = await addPortalPerson(tx, act, affiliate, { name, email, right, access }, config.http.publicUrl);
        return answer(presentPortalPerson(toPortalPerson(user, affiliate)), {
          location: `/v1/affiliates/${affiliate.id}/contacts`,
        });
      },
      { wake: true },
    ),
});

const changeContact = defineRoute({
  method: 'PATCH',
  path: '/v1/affiliates/:affiliateId/contacts/:userId',
  summary: 'Change a person; access off ends their sessions, on again invites anew',
  permission: 'affiliate.write',
  params: contactParams,
  body: contactPatch,
  reply: portalPersonWire,
  refuses: [...staffRefusals, 'access.not_enabled', 'affiliate.affiliate_not_active'],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const found = await lockAffiliate(tx, ctx.params.affiliateId);
        const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
        const user = await lockPortalUser(tx, affiliate.id, ctx.params.userId);
        ctx.requireVersion(user.version);
        const { portalAccess: access, rights: right, ...rest } = ctx.body;
        if (access === true && user.status === 'disabled') await requireOpenPortal(tx, affiliate);
        const change = {
          ...rest,
          ...(access === undefined ? {} : { access }),
          ...(right === undefined ? {} : { right }),
        };
        const after = await changePortalPerson(tx, act, affiliate, user, change, config.http.publicUrl);
        return presentPortalPerson(toPortalPerson(after, affiliate));
      },
      { wake: true },
    ),
});

const removeContact = defineRoute({
  method: 'DELETE',
  path: '/v1/affiliates/:affiliateId/contacts/:userId',
  summary: 'Take a person off; their sessions end now',
  permission: 'affiliate.write',
  params: contactParams,
  reply: noContent,
  refuses: staffRefusals,
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const found = await lockAffiliate(tx, ctx.params.affiliateId);
      const affiliate = await requireAffiliateInScope(tx, found, ctx.scope);
      await removePortalPerson(tx, act, await lockPortalUser(tx, affiliate.id, ctx.params.userId));
      return undefined;
    }),
});

export const portalPersonRoutes: readonly Route[] = [
  ownList,
  ownOne,
  ownInvite,
  ownChange,
  ownRemove,
  contacts,
  addContact,
  changeContact,
  removeContact,
];
