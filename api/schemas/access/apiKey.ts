import { isIP } from 'node:net';
import { z } from 'zod';
import type { ApiKey } from '../../../db/access/apiKey.js';
import { permissions } from '../../../domain/access/permission.js';
import { dateIn } from '../../../domain/calendar.js';
import type { Instant } from '../../../domain/time.js';
import { dateWire, fieldIssue, idWire, instantWire, nameText, versionFields } from '../wire.js';
import { postbackFieldMap } from '../tracking/postback.js';
import { roleIdWire } from './user.js';

/** An address or a CIDR, as the allow-list of a key takes it. */
export const networkWire = z.string().check((context) => {
  const [address = '', bits, ...rest] = context.value.split('/');
  const family = isIP(address);
  const isBits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
  if (family === 0 || rest.length > 0 || !isBits)
    context.issues.push({
      ...fieldIssue('bad_format', 'An address or a network such as 192.0.2.0/24.'),
      input: context.value,
    });
});
const ipAllowList = z.array(networkWire).max(100);

/** What leads sent with the key belong to and open (LED-05, LED-10, LED-13). */
const leadFields = {
  leadSourceId: idWire('leadSource').nullable().exactOptional(),
  contactId: idWire('contact').nullable().exactOptional(),
  openAccount: z.boolean().nullable().exactOptional(),
  acquisitionModel: z.enum(['cpl', 'cpa']).nullable().exactOptional(),
};

export const newApiKeyBody = z
  .strictObject({
    name: nameText,
    kind: z.enum(['secret', 'public']).default('secret'),
    test: z.boolean().default(false),
    permissions: z
      .array(z.enum(permissions as readonly [string, ...string[]]))
      .max(200)
      .exactOptional(),
    roleId: roleIdWire.exactOptional(),
    affiliateId: idWire('affiliate').exactOptional(),
    ...leadFields,
    fieldMap: postbackFieldMap.exactOptional(),
    expiresOn: dateWire.nullable().exactOptional(),
    ipRestricted: z.boolean().default(false),
    ipAllowList: ipAllowList.default([]),
  })
  .check((context) => {
    const { permissions: ticked, roleId, kind, ipRestricted, ipAllowList: list } = context.value;
    const refuse = (field: string, message: string) =>
      context.issues.push({ ...fieldIssue('not_allowed_here', message, [field]), input: context.value });
    if (ticked !== undefined && roleId !== undefined) refuse('roleId', 'Either permissions or a role.');
    if (kind === 'public' && (ticked !== undefined || roleId !== undefined))
      refuse(ticked === undefined ? 'roleId' : 'permissions', 'A public key only reports visits and sales.');
    if (kind === 'secret' && context.value.fieldMap !== undefined)
      refuse('fieldMap', 'Only a public key takes postbacks.');
    if (context.value.openAccount === true && context.value.acquisitionModel === 'cpl')
      refuse('openAccount', 'A lead that is paid by itself (CPL) never opens an account.');
    if (ipRestricted && list.length === 0)
      context.issues.push({ ...fieldIssue('required', 'Name the addresses.', ['ipAllowList']), input: context.value });
  });

/** An affiliate's own key reads what the portal shows it and, if it may write, makes links and sends leads (BEY-22, api.md 17). */
export const newOwnApiKeyBody = z.strictObject({
  name: nameText,
  mayWrite: z.boolean().default(false),
  expiresOn: dateWire.exactOptional(),
  ipAllowList: ipAllowList.default([]),
});

export const apiKeyPatch = z.strictObject({
  name: nameText.exactOptional(),
  ...leadFields,
  fieldMap: postbackFieldMap.exactOptional(),
  expiresOn: dateWire.nullable().exactOptional(),
  ipRestricted: z.boolean().exactOptional(),
  ipAllowList: ipAllowList.exactOptional(),
});

export const rotateBody = z.strictObject({ graceUntil: instantWire.exactOptional() });

const apiKeyFields = {
  id: idWire('apiKey'),
  object: z.literal('api_key'),
  name: z.string(),
  kind: z.enum(['secret', 'public']),
  test: z.boolean(),
  state: z.enum(['active', 'expired', 'revoked']),
  hint: z.string(),
  publicKey: z.string().nullable(),
  permissions: z.array(z.string()),
  roleId: z.string().nullable(),
  affiliateId: idWire('affiliate').nullable(),
  leadSourceId: z.string().nullable(),
  contactId: z.string().nullable(),
  openAccount: z.boolean().nullable(),
  acquisitionModel: z.enum(['cpl', 'cpa']).nullable(),
  fieldMap: z.record(z.string(), z.string()),
  createdBy: idWire('user'),
  expiresOn: dateWire.nullable(),
  ipRestricted: z.boolean(),
  ipAllowList: z.array(z.string()),
  lastUsedAt: instantWire.nullable(),
  revokedAt: instantWire.nullable(),
  graceUntil: instantWire.nullable(),
  ...versionFields,
};

export const apiKeyWire = z.strictObject(apiKeyFields).openapi('ApiKey');

/** Only the answer that makes a secret shows it. */
export const newApiKeyWire = z
  .strictObject({ ...apiKeyFields, secret: z.string().nullable(), signingSecret: z.string().nullable() })
  .openapi('NewApiKey');

/** Where a key stands on the day `now` is in the workspace's zone. */
export function presentApiKey(key: ApiKey, now: Instant, timeZone: string): z.output<typeof apiKeyWire> {
  const isExpired = key.expiresOn !== null && dateIn(timeZone, now) >= key.expiresOn;
  return {
    id: key.id,
    object: 'api_key',
    name: key.name,
    kind: key.kind,
    test: key.mode === 'test',
    state: key.revokedAt !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    hint: key.hint,
    publicKey: key.publicKey,
    permissions: [...key.permissions],
    roleId: key.roleId,
    affiliateId: key.affiliateId,
    leadSourceId: key.leadSourceId,
    contactId: key.contactId,
    openAccount: key.openAccount,
    acquisitionModel: key.acquisitionModel,
    fieldMap: { ...key.fieldMap },
    createdBy: key.createdBy,
    expiresOn: key.expiresOn,
    ipRestricted: key.ipRestricted,
    ipAllowList: [...key.ipAllowList],
    lastUsedAt: key.lastUsedAt,
    revokedAt: key.revokedAt,
    graceUntil: key.graceUntil,
    version: key.version,
    createdAt: key.createdAt,
    updatedAt: key.updatedAt,
  };
}
