import { z } from 'zod';
import { findPreference, savePreference } from '../../../db/access/preference.js';
import { DomainError } from '../../../domain/errors.js';
import type { UserId } from '../../../domain/ids.js';
import type { Caller } from '../../auth.js';
import { invalid } from '../../problems.js';
import { defineRoute, type Route } from '../../route.js';

const maxBytes = 16_384;
const preferenceParams = z.strictObject({ key: z.string().regex(/^[a-zA-Z0-9._-]{1,100}$/) });
const preferenceWire = z.strictObject({ object: z.literal('preference'), key: z.string(), value: z.unknown() });

function personOf(caller: Caller): UserId {
  if (caller.session === null) throw new DomainError('access.unauthenticated');
  return caller.session.userId;
}

const get = defineRoute({
  method: 'GET',
  path: '/v1/preferences/:key',
  summary: 'A choice of mine for a screen; null when there is none',
  permission: 'session',
  params: preferenceParams,
  reply: preferenceWire,
  refuses: [],
  handle: (ctx) =>
    ctx.read(async (tx) => {
      const value = await findPreference(tx, personOf(ctx.caller), ctx.params.key);
      return { object: 'preference' as const, key: ctx.params.key, value: value ?? null };
    }),
});

const put = defineRoute({
  method: 'PUT',
  path: '/v1/preferences/:key',
  summary: 'Keep a choice of mine',
  permission: 'session',
  params: preferenceParams,
  body: z.strictObject({ value: z.unknown() }),
  reply: preferenceWire,
  refuses: [],
  handle: (ctx) =>
    ctx.write(async (tx) => {
      const { value = null } = ctx.body;
      if (Buffer.byteLength(JSON.stringify(value)) > maxBytes)
        throw invalid({ pointer: '#/value', code: 'too_long', detail: 'At most 16 KiB.' });
      await savePreference(tx, personOf(ctx.caller), ctx.params.key, value);
      return { object: 'preference' as const, key: ctx.params.key, value };
    }),
});

export const preferenceRoutes: readonly Route[] = [get, put];
