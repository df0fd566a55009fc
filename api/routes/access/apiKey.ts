import { z } from 'zod';
import {
  type ApiKey,
  findApiKeyById,
  insertApiKey,
  listApiKeys,
  lockApiKey,
  updateApiKey,
} from '../../../db/access/apiKey.js';
import { lockRolesInUse } from '../../../db/access/role.js';
import { getSettings } from '../../../db/access/settings.js';
import { hasAffiliate } from '../../../db/access/affiliateExists.js';
import type { ReadTx, Tx } from '../../../db/transaction.js';
import { findContact } from '../../../db/tracking/contact.js';
import { findLeadSource } from '../../../db/tracking/leadSource.js';
import {
  can,
  findRole,
  isPortalPermission,
  type Permission,
  parsePermission,
} from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { addDays, type Instant, isBefore, type LocalDate } from '../../../domain/time.js';
import { hashToken, newApiKey, randomToken } from '../../../platform/secrets.js';
import type { Caller } from '../../auth.js';
import { anyOf, anyText, flag, listQuery } from '../../lists.js';
import { invalid } from '../../problems.js';
import { answer } from '../../answer.js';
import { defineRoute, type Route } from '../../route.js';
import {
  apiKeyPatch,
  apiKeyWire,
  newApiKeyBody,
  newApiKeyWire,
  presentApiKey,
  rotateBody,
} from '../../schemas/access/apiKey.js';
import { idWire, listOf } from '../../schemas/wire.js';
import { tieContact } from './keyContact.js';

const keyParams = z.strictObject({ keyId: idWire('apiKey') });
/** The old secret of a rotated key works for a day, unless the call says otherwise; at most 30. */
const graceDays = { default: 1, most: 30 } as const;
const lifeOfAffiliateKeyDays = 365;

/** Nobody grants what they do not hold; the portal's rights go to an affiliate's key only (api.md 2). */
function requireHeld(caller: Caller, ticked: readonly string[], isForAffiliate: boolean): void {
  ticked.forEach((text, index) => {
    const permission = parsePermission(text);
    if (permission === undefined) return;
    if (isPortalPermission(permission)) {
      if (isForAffiliate) return;
      throw invalid({
        pointer: `#/permissions/${index}`,
        code: 'not_allowed_here',
        detail: 'Only for an affiliate’s key.',
      });
    }
    if (!can(caller.grant, permission))
      throw new DomainError('access.permission_missing', { missingPermission: permission });
  });
}

async function zoneOf(tx: ReadTx | Tx): Promise<string> {
  return (await getSettings(tx)).settings.general.timeZone;
}

async function present(tx: ReadTx | Tx, key: ApiKey, now: Instant) {
  return presentApiKey(key, now, await zoneOf(tx));
}

/** What signs postbacks and pixels of a public key is kept sealed: `secrets.unseal('signing', …)` opens it. */
const signingSecretPurpose = 'signing';

const list = defineRoute({
  method: 'GET',
  path: '/v1/api-keys',
  summary: 'Keys of this workspace',
  permission: 'key.read',
  query: listQuery(
    { kind: anyOf(['secret', 'public']), affiliateId: anyText(), test: flag() },
    { sort: ['createdAt', 'name'], q: true },
  ),
  reply: listOf(apiKeyWire),
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const page = ctx.page(ctx.query);
      const { kind, affiliateId, test, q } = ctx.query;
      const keys = await listApiKeys(tx, page, {
        ...(kind === undefined ? {} : { kind }),
        ...(affiliateId === undefined ? {} : { affiliateId }),
        ...(test === undefined ? {} : { mode: modeOf(test) }),
        ...(q === undefined ? {} : { q }),
      });
      const zone = await zoneOf(tx);
      return ctx.list(
        keys,
        page,
        (key) => presentApiKey(key, now, zone),
        (key) => ({ value: page.sort === 'name' ? key.name : key.createdAt, id: key.id }),
      );
    }),
});

function modeOf(test: boolean): Mode {
  return test ? 'test' : 'live';
}

const create = defineRoute({
  method: 'POST',
  path: '/v1/api-keys',
  summary: 'Make a key; its secret is shown once',
  permission: 'key.write',
  stepUp: true,
  secretReply: true,
  body: newApiKeyBody,
  reply: newApiKeyWire,
  status: 201,
  refuses: ['access.permission_missing', 'access.not_enabled', 'affiliate.affiliate_not_active'],
  handle: (ctx, deps) =>
    ctx.write(
      async (tx, act) => {
        const { body, caller } = ctx;
        const { affiliateId = null, roleId = null } = body;
        // Said nothing, an affiliate's API user may send leads and read its own; an empty list is nothing at all (LED-08).
        const ticked = body.permissions ?? (affiliateId !== null && roleId === null ? apiUserDefaults : []);
        const role = roleId === null ? undefined : findRole(roleId, await lockRolesInUse(tx, [roleId]));
        if (roleId !== null && role === undefined)
          throw invalid({ pointer: '#/roleId', code: 'not_found', detail: 'There is no such role.' });
        const rolePermissions: readonly Permission[] = role?.permissions ?? [];
        requireHeld(caller, [...ticked, ...rolePermissions], affiliateId !== null);
        if (affiliateId !== null && !(await hasAffiliate(tx, affiliateId)))
          throw invalid({ pointer: '#/affiliateId', code: 'not_found', detail: 'There is no such affiliate.' });
        await checkLeadFields(tx, body);
        const { contactId = null } = body;
        if (contactId !== null) {
          requireMayInvite(ctx);
          await tieContact(tx, act, {
            affiliateId,
            contactId,
            previousContactId: null,
            publicUrl: deps.config.http.publicUrl,
          });
        }
        const creator = caller.actor.userId;
        if (creator === null) throw new DomainError('access.unauthenticated');
        const mode = modeOf(body.test);
        const isPublic = body.kind === 'public';
        const text = newApiKey(isPublic ? 'pk' : 'sk', mode);
        const signingSecret = isPublic ? randomToken() : null;
        const key = await insertApiKey(tx, act, {
          id: deps.newId('apiKey'),
          name: body.name,
          kind: body.kind,
          mode,
          tokenHash: hashToken(text),
          hint: text.slice(-4),
          publicKey: isPublic ? text : null,
          signingSecret: signingSecret === null ? null : deps.secrets.seal(signingSecretPurpose, signingSecret),
          permissions: [...new Set(ticked)],
          roleId,
          affiliateId,
          leadSourceId: body.leadSourceId ?? null,
          contactId,
          openAccount: body.openAccount ?? null,
          acquisitionModel: body.acquisitionModel ?? null,
          fieldMap: body.fieldMap ?? {},
          createdBy: creator,
          expiresOn: body.expiresOn === undefined ? await firstExpiry(tx, act.now, affiliateId) : body.expiresOn,
          ipRestricted: body.ipRestricted,
          ipAllowList: body.ipAllowList,
        });
        const shown = { ...(await present(tx, key, act.now)), secret: isPublic ? null : text, signingSecret };
        return answer(shown, { location: `/v1/api-keys/${key.id}` });
      },
      { wake: true },
    ),
});

/** Choosing a contact gives a login of the affiliate's portal away: whoever does so may invite to it (LED-13). */
function requireMayInvite(ctx: { can(permission: Permission): boolean }): void {
  if (!ctx.can('affiliate.write'))
    throw new DomainError('access.permission_missing', { missingPermission: 'affiliate.write' });
}

const apiUserDefaults: readonly Permission[] = ['lead.write', 'lead.read'];

/** Source and contact that a key names are there (LED-05: they are tied by id). */
async function checkLeadFields(
  tx: Tx,
  body: { readonly leadSourceId?: string | null; readonly contactId?: string | null },
): Promise<void> {
  if (typeof body.leadSourceId === 'string' && (await findLeadSource(tx, body.leadSourceId)) === undefined)
    throw invalid({ pointer: '#/leadSourceId', code: 'not_found', detail: 'There is no such lead source.' });
  if (typeof body.contactId === 'string' && (await findContact(tx, body.contactId)) === undefined)
    throw invalid({ pointer: '#/contactId', code: 'not_found', detail: 'There is no such contact.' });
}

/** An API user of an affiliate ends after a year unless said otherwise (features.md 20.1). */
async function firstExpiry(tx: Tx, now: Instant, affiliateId: string | null): Promise<LocalDate | null> {
  return affiliateId === null ? null : dateIn(await zoneOf(tx), addDays(now, lifeOfAffiliateKeyDays));
}

const getOne = defineRoute({
  method: 'GET',
  path: '/v1/api-keys/:keyId',
  summary: 'State and last use of a key',
  permission: 'key.read',
  params: keyParams,
  reply: apiKeyWire,
  refuses: ['resource.not_found'],
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const key = await findApiKeyById(tx, ctx.params.keyId);
      if (key === undefined) throw new DomainError('resource.not_found');
      return present(tx, key, now);
    }),
});

async function lockLiving(tx: Tx, keyId: string, actions: readonly string[]): Promise<ApiKey> {
  const key = await lockApiKey(tx, keyId);
  if (key === undefined) throw new DomainError('resource.not_found');
  if (key.revokedAt !== null)
    throw new DomainError('api_key.transition_not_allowed', { currentStatus: 'revoked', allowedActions: actions });
  return key;
}

const patch = defineRoute({
  method: 'PATCH',
  path: '/v1/api-keys/:keyId',
  summary: 'Name, expiry and addresses of a key',
  permission: 'key.write',
  params: keyParams,
  body: apiKeyPatch,
  reply: apiKeyWire,
  refuses: [
    'resource.not_found',
    'api_key.transition_not_allowed',
    'request.version_mismatch',
    'access.permission_missing',
    'access.not_enabled',
    'affiliate.affiliate_not_active',
  ],
  handle: (ctx, { config }) =>
    ctx.write(
      async (tx, act) => {
        const key = await lockLiving(tx, ctx.params.keyId, []);
        ctx.requireVersion(key.version);
        const ipRestricted = ctx.body.ipRestricted ?? key.ipRestricted;
        const ipAllowList = ctx.body.ipAllowList ?? key.ipAllowList;
        if (ipRestricted && ipAllowList.length === 0)
          throw invalid({ pointer: '#/ipAllowList', code: 'required', detail: 'Name the addresses.' });
        if (key.kind === 'secret' && ctx.body.fieldMap !== undefined)
          throw invalid({
            pointer: '#/fieldMap',
            code: 'not_allowed_here',
            detail: 'Only a public key takes postbacks.',
          });
        await checkLeadFields(tx, ctx.body);
        const model = ctx.body.acquisitionModel === undefined ? key.acquisitionModel : ctx.body.acquisitionModel;
        const opens = ctx.body.openAccount === undefined ? key.openAccount : ctx.body.openAccount;
        if (model === 'cpl' && opens === true)
          throw invalid({
            pointer: '#/openAccount',
            code: 'not_allowed_here',
            detail: 'A lead that is paid by itself (CPL) never opens an account.',
          });
        const { contactId } = ctx.body;
        if (contactId !== undefined && contactId !== key.contactId) {
          requireMayInvite(ctx);
          await tieContact(tx, act, {
            affiliateId: key.affiliateId,
            contactId,
            previousContactId: key.contactId,
            publicUrl: config.http.publicUrl,
          });
        }
        return present(tx, await updateApiKey(tx, act, key, 'changed', ctx.body), act.now);
      },
      { wake: true },
    ),
});

const rotate = defineRoute({
  method: 'POST',
  path: '/v1/api-keys/:keyId/rotate',
  summary: 'A second secret; the old one works until graceUntil',
  permission: 'key.write',
  stepUp: true,
  secretReply: true,
  params: keyParams,
  body: rotateBody,
  reply: newApiKeyWire,
  refuses: ['resource.not_found', 'api_key.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const key = await lockLiving(tx, ctx.params.keyId, []);
      // A public key's value stands in pages of the merchant: a new one is a new key.
      if (key.kind === 'public')
        throw new DomainError('api_key.transition_not_allowed', {
          currentStatus: 'active',
          allowedActions: ['revoke'],
        });
      const graceUntil = ctx.body.graceUntil ?? addDays(act.now, graceDays.default);
      if (isBefore(addDays(act.now, graceDays.most), graceUntil))
        throw invalid({
          pointer: '#/graceUntil',
          code: 'out_of_range',
          detail: `At most ${graceDays.most} days from now.`,
        });
      const text = newApiKey('sk', key.mode);
      const rotated = await updateApiKey(tx, act, key, 'rotated', {
        secret: { tokenHash: hashToken(text), hint: text.slice(-4), graceUntil },
      });
      return { ...(await present(tx, rotated, act.now)), secret: text, signingSecret: null };
    }),
});

const revoke = defineRoute({
  method: 'POST',
  path: '/v1/api-keys/:keyId/revoke',
  summary: 'End a key for good',
  permission: 'key.write',
  stepUp: true,
  params: keyParams,
  reply: apiKeyWire,
  refuses: ['resource.not_found', 'api_key.transition_not_allowed'],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const key = await lockLiving(tx, ctx.params.keyId, []);
      return present(tx, await updateApiKey(tx, act, key, 'revoked', { revokedAt: act.now }), act.now);
    }),
});

export const apiKeyRoutes: readonly Route[] = [list, create, getOne, patch, rotate, revoke];
