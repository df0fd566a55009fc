import type { AffiliateId, UserId } from '../ids.js';

/** Every right there is, by area (api.md 2). Nothing ticked means nothing allowed (ROL-08). */
export const permissionAreas = {
  setUp: [
    'settings.read',
    'settings.write',
    'program.read',
    'program.write',
    'rule.read',
    'rule.write',
    'group.read',
    'group.write',
    'link.read',
    'link.write',
  ],
  people: [
    'affiliate.read',
    'affiliate.write',
    'affiliate.impersonate',
    'status.change',
    'contact.read',
    'contact.write',
    'referrer.override',
    'pii.read',
    'pii.unmask',
  ],
  work: [
    'lead.read',
    'lead.write',
    'lead.decide',
    'sale.read',
    'sale.write',
    'sale.attribute',
    'referral.read',
    'referral.write',
    'referral.decide',
    'referral.reopen',
    'check.write',
    'check.waive',
    'risk.read',
    'risk.write',
  ],
  money: [
    'commission.read',
    'commission.decide',
    'commission.adjust',
    'payout.read',
    'payout.prepare',
    'payout.approve',
    'payout.execute',
    'payout.settle',
    'reconcile.write',
    'payout_method.read',
    'payout_method.write',
    'payout_method.verify',
    'ledger.read',
    'ledger.write',
    'reseller.read',
    'reseller.write',
    'reseller.money',
  ],
  lookAndTalk: [
    'report.read',
    'export.create',
    'audit.read',
    'audit.verify',
    'history.read',
    'history.decode',
    'log.read',
    'message.read',
    'message.write',
    'message.send',
  ],
  machineAndAccess: [
    'key.read',
    'key.write',
    'webhook.read',
    'webhook.write',
    'system.read',
    'system.write',
    'user.read',
    'user.write',
    'role.write',
    'privacy.write',
    'instance.admin',
  ],
  portal: ['me.read', 'me.write'],
} as const;

export type PermissionArea = keyof typeof permissionAreas;
export type Permission = (typeof permissionAreas)[PermissionArea][number];

export const permissions: readonly Permission[] = Object.values(permissionAreas).flat();
const known: ReadonlySet<string> = new Set(permissions);

export function parsePermission(text: string): Permission | undefined {
  return known.has(text) ? (text as Permission) : undefined;
}

/** Rights of an affiliate's keys and portal people only: no preset of the staff holds them (api.md 17). */
export function isPortalPermission(permission: Permission): boolean {
  return (permissionAreas.portal as readonly string[]).includes(permission);
}

/**
 * What a key bound to an affiliate can do at most, whatever is ticked: these rows are limited to that affiliate's own (api.md 1.2, 8). Runs,
 * payouts, the ledger and every decision belong to staff; the affiliate reads its money under `/v1/me`.
 */
const affiliateKeyPermissions: ReadonlySet<Permission> = new Set([
  'affiliate.read',
  'link.read',
  'link.write',
  'lead.read',
  'lead.write',
  'sale.read',
  'sale.write',
  'referral.read',
  'commission.read',
]);

export function mayAffiliateKeyHold(permission: Permission): boolean {
  return isPortalPermission(permission) || affiliateKeyPermissions.has(permission);
}

/**
 * Rights over rows that are not one affiliate's each: runs and payouts, the books, cases over several people, logs, keys, the team. A role that
 * reaches assigned rows only cannot hold them, since nothing could be left out of what they show (ROL-03).
 */
const undividedPermissions: ReadonlySet<Permission> = new Set([
  'risk.read',
  'risk.write',
  'payout.read',
  'payout.prepare',
  'payout.approve',
  'payout.execute',
  'payout.settle',
  'reconcile.write',
  'ledger.read',
  'ledger.write',
  'audit.read',
  'audit.verify',
  'history.read',
  'history.decode',
  'log.read',
  'key.read',
  'key.write',
  'user.read',
  'user.write',
]);

export function mayAssignedReachHold(permission: Permission): boolean {
  return !undividedPermissions.has(permission);
}

const staffPermissions = permissions.filter((permission) => !isPortalPermission(permission));

function allBut(...left: readonly Permission[]): readonly Permission[] {
  return staffPermissions.filter((permission) => !left.includes(permission));
}

/** Which rows a preset reaches: the whole workspace, or only those assigned to the person (api.md 2). */
export type Reach = 'workspace' | 'assigned';

export interface Preset {
  readonly name: string;
  readonly permissions: readonly Permission[];
  readonly reach: Reach;
  /** Decisions over the setting `reviewLimit` are refused with `over_limit`. */
  readonly limited: boolean;
}

function preset(name: string, held: readonly Permission[], reach: Reach = 'workspace', limited = false): Preset {
  return { name, permissions: held, reach, limited };
}

/** The preset roles of api.md 2. The console's menus, `allowedActions` and the docs come from this table. */
export const presets = {
  owner: preset('Owner', allBut('instance.admin')),
  admin: preset(
    'Admin',
    allBut(
      'payout.approve',
      'payout.execute',
      'payout.settle',
      'payout_method.verify',
      'ledger.write',
      'role.write',
      'instance.admin',
    ),
  ),
  affiliate_manager: preset(
    'Affiliate manager',
    [
      'affiliate.read',
      'affiliate.write',
      'contact.read',
      'contact.write',
      'link.read',
      'link.write',
      'lead.read',
      'referral.read',
      'commission.read',
      'group.read',
      'status.change',
      'message.read',
      'message.send',
      'report.read',
    ],
    'assigned',
  ),
  program_manager: preset('Program manager', [
    'program.read',
    'program.write',
    'rule.read',
    'rule.write',
    'link.read',
    'link.write',
    'group.read',
    'group.write',
    'affiliate.read',
    'message.read',
    'message.write',
    'report.read',
  ]),
  reviewer: preset(
    'Reviewer',
    [
      'affiliate.read',
      'contact.read',
      'lead.read',
      'referral.read',
      'commission.read',
      'risk.read',
      'status.change',
      'lead.decide',
      'referral.decide',
      'check.write',
      'commission.decide',
    ],
    'workspace',
    true,
  ),
  compliance: preset('Compliance officer', [
    'affiliate.read',
    'affiliate.write',
    'contact.read',
    'pii.read',
    'program.read',
    'referral.read',
    'status.change',
    'check.write',
    'check.waive',
    'risk.read',
    'risk.write',
    'audit.read',
    'privacy.write',
    'report.read',
  ]),
  agent: preset('Agent', ['lead.read', 'lead.write', 'lead.decide', 'contact.read'], 'assigned'),
  finance_preparer: preset('Finance (prepares)', [
    'payout.read',
    'payout.prepare',
    'payout_method.read',
    'payout_method.write',
    'commission.read',
    'commission.decide',
    'commission.adjust',
    'ledger.read',
    'reconcile.write',
    'reseller.read',
    'reseller.money',
    'affiliate.read',
    'sale.read',
    'report.read',
    'export.create',
  ]),
  finance_approver: preset('Finance (approves)', [
    'payout.read',
    'payout.approve',
    'payout.execute',
    'payout.settle',
    'payout_method.read',
    'payout_method.verify',
    'commission.read',
    'ledger.read',
    'ledger.write',
    'reseller.read',
    'affiliate.read',
    'sale.read',
    'report.read',
    'export.create',
  ]),
  auditor: preset('Auditor', [
    ...staffPermissions.filter((permission) => permission.endsWith('.read')),
    'audit.verify',
    'history.decode',
    'export.create',
  ]),
  developer: preset('Developer', [
    'key.read',
    'key.write',
    'webhook.read',
    'webhook.write',
    'log.read',
    'link.read',
    'lead.read',
    'lead.write',
    'sale.write',
    'settings.read',
  ]),
  support: preset('Support', [
    'affiliate.read',
    'affiliate.impersonate',
    'link.read',
    'lead.read',
    'referral.read',
    'commission.read',
    'message.read',
    'message.send',
  ]),
  reseller_manager: preset(
    'Reseller manager',
    ['reseller.read', 'reseller.write', 'reseller.money', 'report.read'],
    'assigned',
  ),
} as const satisfies Record<string, Preset>;

export type PresetId = keyof typeof presets;
export const presetIds = Object.keys(presets) as readonly PresetId[];

export function findPreset(id: string): Preset | undefined {
  return Object.hasOwn(presets, id) ? presets[id as PresetId] : undefined;
}

export function isPresetId(id: string): id is PresetId {
  return Object.hasOwn(presets, id);
}

/** A workspace's own role: a copy with other ticks (ROL-09). Its id begins with `rol_`. */
export interface CustomRole extends Preset {
  readonly id: string;
}

/** Who may do anything at once: presets by their id, a workspace's own roles from those that were read with the person. */
export function findRole(id: string, custom: readonly CustomRole[] = []): Preset | undefined {
  return findPreset(id) ?? custom.find((role) => role.id === id);
}

/** Ids of the presets that hold a right; a workspace's own roles are in its database. */
export function presetsHolding(permission: Permission): readonly PresetId[] {
  return presetIds.filter((id) => (presets[id].permissions as readonly Permission[]).includes(permission));
}

/** What a person or key may do, and in which rows. Made on the server from stored roles, never from a request (ROL-07). */
export interface Grant {
  readonly permissions: ReadonlySet<Permission>;
  /** `assigned` only where every role that grants the right is so limited. */
  readonly assignedOnly: ReadonlySet<Permission>;
  /** Rights held only up to the review limit. */
  readonly limited: ReadonlySet<Permission>;
}

export const noGrant: Grant = { permissions: new Set(), assignedOnly: new Set(), limited: new Set() };

/** The rights of some roles together; unknown role ids grant nothing. An installation's first user also administers it. */
export function grantOf(
  roleIds: readonly string[],
  options: { readonly instanceAdmin?: boolean; readonly custom?: readonly CustomRole[] } = {},
): Grant {
  const held = new Set<Permission>();
  const everywhere = new Set<Permission>();
  const unlimited = new Set<Permission>();
  for (const role of roleIds.map((id) => findRole(id, options.custom))) {
    for (const permission of role?.permissions ?? []) {
      if (role?.reach === 'assigned' && !mayAssignedReachHold(permission)) continue;
      held.add(permission);
      if (role?.reach === 'workspace') everywhere.add(permission);
      if (role?.limited === false) unlimited.add(permission);
    }
  }
  if (options.instanceAdmin === true) for (const set of [held, everywhere, unlimited]) set.add('instance.admin');
  return {
    permissions: held,
    assignedOnly: new Set([...held].filter((permission) => !everywhere.has(permission))),
    limited: new Set([...held].filter((permission) => !unlimited.has(permission))),
  };
}

/** The part of a grant that is ticked: a key never has more than its creator has now (api.md 1.2). */
export function narrow(grant: Grant, ticked: readonly string[]): Grant {
  const wanted = new Set(ticked);
  const keep = (set: ReadonlySet<Permission>) => new Set([...set].filter((permission) => wanted.has(permission)));
  return {
    permissions: keep(grant.permissions),
    assignedOnly: keep(grant.assignedOnly),
    limited: keep(grant.limited),
  };
}

export function can(grant: Grant, permission: Permission): boolean {
  return grant.permissions.has(permission);
}

/**
 * The first right of a role that this grant may not hand on: one it lacks, or holds for less rows or up to a limit only (api.md 2: nobody
 * grants what they do not hold). A reach or limit of the role that is as narrow is fine.
 */
export function notGrantable(
  grant: Grant,
  role: Pick<Preset, 'permissions' | 'reach' | 'limited'>,
): Permission | undefined {
  return role.permissions.find(
    (permission) =>
      !can(grant, permission) ||
      (grant.assignedOnly.has(permission) && role.reach !== 'assigned') ||
      (grant.limited.has(permission) && !role.limited),
  );
}

/** Which rows a reader may see. Every read of `db/reads` takes one (architecture.md 5). */
export type Scope =
  | { readonly kind: 'workspace' }
  | { readonly kind: 'assigned'; readonly userId: UserId }
  | { readonly kind: 'affiliate'; readonly affiliateId: AffiliateId }
  | { readonly kind: 'reseller'; readonly resellerId: string };

export const wholeWorkspace: Scope = { kind: 'workspace' };
