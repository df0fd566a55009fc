import {
  type CustomRole,
  isPresetId,
  type Permission,
  presetsHolding,
  type Reach,
} from '../../domain/access/permission.js';
import type { Act } from '../../domain/act.js';
import type { Id } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A role of this workspace's own (ROL-09); the presets are code. */
export interface Role extends CustomRole {
  readonly id: Id<'role'>;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface RoleRow {
  readonly id: Id<'role'>;
  readonly name: string;
  readonly permissions: Permission[];
  readonly reach: Reach;
  readonly limited: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function toRole(row: RoleRow): Role {
  const { created_at: createdAt, updated_at: updatedAt, ...rest } = row;
  return { ...rest, createdAt, updatedAt };
}

const columns = ['id', 'name', 'permissions', 'reach', 'limited', 'version', 'created_at', 'updated_at'] as const;

/** All of them, by name: a workspace has a handful. */
export async function listRoles(tx: ReadTx | Tx): Promise<readonly Role[]> {
  const rows = await tx('roles')
    .orderBy('name')
    .select<RoleRow[]>(...columns);
  return rows.map(toRole);
}

/** The workspace's own roles among these ids; presets and unknown ids are left out. No statement where only presets are named. */
export async function findRoles(tx: ReadTx | Tx, roleIds: readonly string[]): Promise<readonly Role[]> {
  const own = roleIds.filter((id) => !isPresetId(id));
  if (own.length === 0) return [];
  const rows = await tx('roles')
    .whereIn('id', own)
    .select<RoleRow[]>(...columns);
  return rows.map(toRole);
}

/** The same, held until the transaction ends: nobody deletes a role while it is being given. */
export async function lockRolesInUse(tx: Tx, roleIds: readonly string[]): Promise<readonly Role[]> {
  const own = roleIds.filter((id) => !isPresetId(id));
  if (own.length === 0) return [];
  const rows = await tx('roles')
    .whereIn('id', own)
    .orderBy('id')
    .forShare()
    .select<RoleRow[]>(...columns);
  return rows.map(toRole);
}

export async function lockRole(tx: Tx, id: string): Promise<Role | undefined> {
  const row = await tx('roles')
    .where({ id })
    .forUpdate()
    .first<RoleRow | undefined>(...columns);
  return row === undefined ? undefined : toRole(row);
}

export interface RoleBody {
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly reach: Reach;
  readonly limited: boolean;
}

/** `resource.already_exists` (name) when there is a role of that name. */
export async function insertRole(tx: Tx, act: Act, id: Id<'role'>, role: RoleBody): Promise<Role> {
  const [row] = await tx('roles')
    .insert({
      id,
      name: role.name,
      permissions: [...role.permissions],
      reach: role.reach,
      limited: role.limited,
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<RoleRow[]>([...columns]);
  await recordAudit(tx, act, { objectType: 'role', objectId: id, seq: 1, event: 'created', changes: { ...role } });
  return toRole(row as RoleRow);
}

/** Changes a role under its lock. It counts at once for everybody who holds it. */
export async function updateRole(tx: Tx, act: Act, role: Role, next: RoleBody): Promise<Role> {
  const [row] = await tx('roles')
    .where({ id: role.id })
    .update({
      name: next.name,
      permissions: [...next.permissions],
      reach: next.reach,
      limited: next.limited,
      version: role.version + 1,
      updated_at: act.now,
    })
    .returning<RoleRow[]>([...columns]);
  const { name, permissions, reach, limited } = role;
  await recordAudit(tx, act, {
    objectType: 'role',
    objectId: role.id,
    seq: role.version + 1,
    event: 'changed',
    changes: { from: { name, permissions, reach, limited }, to: { ...next } },
  });
  return toRole(row as RoleRow);
}

export async function deleteRole(tx: Tx, act: Act, role: Role): Promise<void> {
  await tx('roles').where({ id: role.id }).delete();
  await recordAudit(tx, act, { objectType: 'role', objectId: role.id, seq: role.version + 1, event: 'deleted' });
}

/** Who holds a role: ids of people who are not removed, and of keys that are not revoked. */
export async function listRoleHolders(tx: ReadTx | Tx, roleId: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select person.id from users as person where :roleId = any(person.role_ids) and person.status <> 'disabled'
     union all select key.id from api_keys as key where key.role_id = :roleId and key.revoked_at is null
     union all select 'sign_in_provider' from sign_in_providers as provider, jsonb_array_elements(provider.role_groups) as mapped
       where mapped ->> 'roleId' = :roleId
     order by id`,
    { roleId },
  );
  return rows.map((row) => row.id);
}

/** Ids of every role that holds a right, presets and the workspace's own: four eyes counts people "by whatever role" (api.md 2). */
export async function rolesHolding(tx: ReadTx | Tx, permission: Permission): Promise<readonly string[]> {
  const rows = await tx('roles').whereRaw('? = any(permissions)', [permission]).select<{ id: string }[]>('id');
  return [...presetsHolding(permission), ...rows.map((row) => row.id)];
}
