import { z } from 'zod';
import type { PortalPerson } from '../../../db/access/portalPerson.js';
import { emailWire, idWire, listOf, nameText, versionFields } from '../wire.js';

const rightsWire = z.enum(['view', 'manage']);

export const ownUserBody = z.strictObject({ name: nameText, email: emailWire, rights: rightsWire });
export const ownUserPatch = z.strictObject({ name: nameText.exactOptional(), rights: rightsWire.exactOptional() });
export const contactBody = z.strictObject({
  name: nameText,
  email: emailWire,
  portalAccess: z.boolean().default(false),
  rights: rightsWire.default('view'),
});
export const contactPatch = ownUserPatch.extend({ portalAccess: z.boolean().exactOptional() });

export const portalPersonWire = z
  .strictObject({
    id: idWire('user'),
    object: z.literal('portal_person'),
    name: z.string(),
    email: z.string(),
    /** May sign in to the affiliate's portal. */
    portalAccess: z.boolean(),
    /** Has accepted the invitation. */
    hasSignedIn: z.boolean(),
    /** A viewer reads everything and changes nothing. */
    rights: rightsWire,
    /** The login of the affiliate's own address. */
    isOwn: z.boolean(),
    ...versionFields,
  })
  .openapi('PortalPerson');
export const portalPersonList = listOf(portalPersonWire);

export function presentPortalPerson(person: PortalPerson): z.output<typeof portalPersonWire> {
  const { id, name, email, status, rights, isOwn, version, createdAt, updatedAt } = person;
  return {
    id,
    object: 'portal_person',
    name,
    email,
    portalAccess: status !== 'disabled',
    hasSignedIn: status === 'active',
    rights,
    isOwn,
    version,
    createdAt,
    updatedAt,
  };
}
