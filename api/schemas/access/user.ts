import { z } from 'zod';
import type { Assignments, User } from '../../../db/access/user.js';
import { isPresetId } from '../../../domain/access/permission.js';
import { emailWire, fieldIssue, idWire, nameText, versionFields } from '../wire.js';

/** A preset's id or that of a workspace's own role; whether the latter exists the route finds out. */
export const roleIdWire = z.string().check((context) => {
  if (!isPresetId(context.value) && !idWire('role').safeParse(context.value).success)
    context.issues.push({
      ...fieldIssue('not_in_list', 'A preset such as reviewer, or a role of yours.'),
      input: context.value,
    });
});
const roleIdsField = z.array(roleIdWire).max(20);
const assignedIds = z.array(z.string().min(1).max(100)).max(1_000);

export const inviteBody = z.strictObject({
  email: emailWire,
  name: nameText,
  roleIds: roleIdsField.default([]),
  affiliateIds: assignedIds.default([]),
  resellerIds: assignedIds.default([]),
});

export const userPatch = z.strictObject({
  name: nameText.exactOptional(),
  roleIds: roleIdsField.exactOptional(),
  affiliateIds: assignedIds.exactOptional(),
  resellerIds: assignedIds.exactOptional(),
});

export const userWire = z
  .strictObject({
    id: idWire('user'),
    object: z.literal('user'),
    name: z.string(),
    email: z.string(),
    audience: z.enum(['staff', 'affiliate', 'reseller']),
    status: z.enum(['invited', 'active', 'disabled']),
    roleIds: z.array(z.string()),
    rights: z.array(z.string()),
    affiliateId: idWire('affiliate').nullable(),
    affiliateIds: z.array(z.string()),
    resellerIds: z.array(z.string()),
    ...versionFields,
  })
  .openapi('User');

const nobody: Assignments = { affiliateIds: [], resellerIds: [] };

export function presentUser(user: User, assignments: Assignments = nobody): z.output<typeof userWire> {
  return {
    id: user.id,
    object: 'user',
    name: user.name,
    email: user.email,
    audience: user.audience,
    status: user.status,
    roleIds: [...user.roleIds],
    rights: [...user.rights],
    affiliateId: user.affiliateId,
    affiliateIds: [...assignments.affiliateIds],
    resellerIds: [...assignments.resellerIds],
    version: user.version,
    createdAt: user.createdAt,
    updatedAt: user.updatedAt,
  };
}
