import { z } from 'zod';
import { insertApiKey, listApiKeys, lockApiKey, updateApiKey } from '../../../db/access/apiKey.js';
import { dateIn } from '../../../domain/calendar.js';
import { DomainError } from '../../../domain/errors.js';
import { addDays } from '../../../domain/time.js';
import { hashToken, newApiKey } from '../../../platform/secrets.js';
import type { Caller } from '../../auth.js';
import { answer } from '../../answer.js';
import { listQuery } from '../../lists.js';
import { defineRoute, type Route } from '../../route.js';
import { apiKeyWire, newApiKeyWire, newOwnApiKeyBody, presentApiKey } from '../../schemas/access/apiKey.js';
import { idWire, listOf } from '../../schemas/wire.js';
import { ownId, portalRefusals, portalWriteRefusals, requireOwn } from '../affiliate/ownRecord.js';

const keyParams = z.strictObject({ keyId: idWire('apiKey') });
/** As of a key that staff make for an affiliate (features.md 20.1). */
const lifeDays = 365;
/** Who may write makes links and sends leads, and reads what became of those (api.md 17). */
const rights = { read: ['me.read'], write: ['me.read', 'me.write', 'lead.read', 'lead.write'] } as const;

/** Only a person makes and ends keys: one that could make others would outlive its own end. */
function personOf(caller: Caller): string {
  if (caller.session === null) throw new DomainError('access.permission_missing', { missingPermission: 'key.write' });
  return caller.session.userId;
}

const list = defineRoute({
  method: 'GET',
  path: '/v1/me/api-keys',
  summary: 'Own keys',
  permission: 'me.read',
  query: listQuery({}, { sort: ['createdAt', 'name'], q: true }),
  reply: listOf(apiKeyWire),
  refuses: portalRefusals,
  handle: (ctx) =>
    ctx.read(async (tx, now) => {
      const { settings } = await requireOwn(tx, ctx, now);
      const page = ctx.page(ctx.query);
      const { q } = ctx.query;
      const keys = await listApiKeys(tx, page, { affiliateId: [ownId(ctx)], ...(q === undefined ? {} : { q }) });
      return ctx.list(
        keys,
        page,
        (key) => presentApiKey(key, now, settings.general.timeZone),
        (key) => ({ value: page.sort === 'name' ? key.name : key.createdAt, id: key.id }),
      );
    }),
});

const create = defineRoute({
  method: 'POST',
  path: '/v1/me/api-keys',
  summary: 'Make an own key; its secret is shown once',
  permission: 'me.write',
  stepUp: true,
  secretReply: true,
  body: newOwnApiKeyBody,
  reply: newApiKeyWire,
  status: 201,
  refuses: ['access.permission_missing', ...portalWriteRefusals],
  handle: (ctx, deps) =>
    ctx.write(async (tx, act) => {
      const createdBy = personOf(ctx.caller);
      const { affiliate, settings } = await requireOwn(tx, ctx, act.now, 'write');
      const { timeZone } = settings.general;
      const text = newApiKey('sk', ctx.mode);
      const key = await insertApiKey(tx, act, {
        id: deps.newId('apiKey'),
        name: ctx.body.name,
        kind: 'secret',
        mode: ctx.mode,
        tokenHash: hashToken(text),
        hint: text.slice(-4),
        publicKey: null,
        signingSecret: null,
        permissions: rights[ctx.body.mayWrite ? 'write' : 'read'],
        roleId: null,
        affiliateId: affiliate.id,
        createdBy,
        expiresOn: ctx.body.expiresOn ?? dateIn(timeZone, addDays(act.now, lifeDays)),
        ipRestricted: ctx.body.ipAllowList.length > 0,
        ipAllowList: ctx.body.ipAllowList,
      });
      return answer(
        { ...presentApiKey(key, act.now, timeZone), secret: text, signingSecret: null },
        { location: `/v1/me/api-keys` },
      );
    }),
});

const revoke = defineRoute({
  method: 'POST',
  path: '/v1/me/api-keys/:keyId/revoke',
  summary: 'End an own key for good',
  permission: 'me.write',
  stepUp: true,
  params: keyParams,
  reply: apiKeyWire,
  refuses: ['resource.not_found', 'api_key.transition_not_allowed', 'access.permission_missing', ...portalRefusals],
  handle: (ctx) =>
    ctx.write(async (tx, act) => {
      const { affiliate, settings } = await requireOwn(tx, ctx, act.now);
      const key = await lockApiKey(tx, ctx.params.keyId);
      // A key of others does not exist for it.
      if (key === undefined || key.affiliateId !== affiliate.id) throw new DomainError('resource.not_found');
      personOf(ctx.caller);
      if (key.revokedAt !== null)
        throw new DomainError('api_key.transition_not_allowed', { currentStatus: 'revoked', allowedActions: [] });
      const ended = await updateApiKey(tx, act, key, 'revoked', { revokedAt: act.now });
      return presentApiKey(ended, act.now, settings.general.timeZone);
    }),
});

export const ownApiKeyRoutes: readonly Route[] = [list, create, revoke];
