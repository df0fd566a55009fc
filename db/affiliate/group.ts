import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { Id } from '../../domain/ids.js';
import type { MoneyWire } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export const payoutFrequencies = ['weekly', 'biweekly', 'monthly', 'quarterly', 'manual'] as const;

/** A class of affiliates with common terms; an affiliate is in at most one. No states, so no domain type (architecture.md 12). */
export interface Group {
  readonly id: Id<'group'>;
  readonly name: string;
  /** New affiliates join it. */
  readonly isDefault: boolean;
  /** Per currency; one that is not listed: the workspace's (ruling 7). */
  readonly minimumPayout: readonly MoneyWire[];
  readonly payoutFrequency: (typeof payoutFrequencies)[number] | null;
  /** Empty: all of the workspace. */
  readonly payoutMethodTypes: readonly string[];
  readonly area: string | null;
  readonly trafficKind: string | null;
  readonly resultsClass: string | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface GroupRow {
  readonly id: string;
  readonly name: string;
  readonly is_default: boolean;
  readonly minimum_payout: readonly MoneyWire[];
  readonly payout_frequency: Group['payoutFrequency'];
  readonly payout_method_types: readonly string[];
  readonly area: string | null;
  readonly traffic_kind: string | null;
  readonly results_class: string | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toGroup(row: GroupRow): Group {
  return {
    id: row.id as Id<'group'>,
    name: row.name,
    isDefault: row.is_default,
    minimumPayout: row.minimum_payout,
    payoutFrequency: row.payout_frequency,
    payoutMethodTypes: row.payout_method_types,
    area: row.area,
    trafficKind: row.traffic_kind,
    resultsClass: row.results_class,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewGroup = Omit<Group, 'version' | 'createdAt' | 'updatedAt'>;
export type GroupChange = Partial<Omit<NewGroup, 'id'>>;

function columnsOf(change: GroupChange): Readonly<Record<string, unknown>> {
  const columns: readonly (readonly [string, unknown])[] = [
    ['name', change.name],
    ['is_default', change.isDefault],
    ['minimum_payout', change.minimumPayout === undefined ? undefined : JSON.stringify(change.minimumPayout)],
    ['payout_frequency', change.payoutFrequency],
    ['payout_method_types', change.payoutMethodTypes === undefined ? undefined : [...change.payoutMethodTypes]],
    ['area', change.area],
    ['traffic_kind', change.trafficKind],
    ['results_class', change.resultsClass],
  ];
  return Object.fromEntries(columns.filter(([, value]) => value !== undefined));
}

export async function findGroup(tx: ReadTx | Tx, id: string): Promise<Group | undefined> {
  const row = await tx('groups').where({ id }).first<GroupRow | undefined>();
  return row === undefined ? undefined : toGroup(row);
}

export async function findGroupByName(tx: ReadTx | Tx, name: string): Promise<Group | undefined> {
  const row = await tx('groups').whereRaw('lower(name) = lower(?)', [name]).first<GroupRow | undefined>();
  return row === undefined ? undefined : toGroup(row);
}

export async function findDefaultGroup(tx: ReadTx | Tx): Promise<Group | undefined> {
  const row = await tx('groups').where({ is_default: true }).first<GroupRow | undefined>();
  return row === undefined ? undefined : toGroup(row);
}

export async function lockGroup(tx: Tx, id: string): Promise<Group | undefined> {
  const row = await tx('groups').where({ id }).forUpdate().first<GroupRow | undefined>();
  return row === undefined ? undefined : toGroup(row);
}

/** Writes the group; one that is the default takes that over. Refuses with `resource.already_exists` for a name in use. */
export async function insertGroup(tx: Tx, act: Act, group: NewGroup): Promise<Group> {
  if (group.isDefault) await clearDefault(tx, act);
  const columns = columnsOf(group);
  const [row] = await tx('groups')
    .insert({ ...columns, id: group.id, created_at: act.now, updated_at: act.now })
    .returning<GroupRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row', { groupId: group.id });
  await recordAudit(tx, act, {
    objectType: 'group',
    objectId: group.id,
    seq: 1,
    event: 'created',
    changes: { after: columns },
  });
  return toGroup(row);
}

export async function updateGroup(tx: Tx, act: Act, group: Group, change: GroupChange): Promise<Group> {
  if (change.isDefault === true && !group.isDefault) await clearDefault(tx, act);
  const after = columnsOf(change);
  const before = columnsOf(
    Object.fromEntries(Object.keys(change).map((name) => [name, group[name as keyof GroupChange]])),
  );
  if (Object.keys(after).length === 0) return group;
  const [row] = await tx('groups')
    .where({ id: group.id })
    .update({ ...after, version: group.version + 1, updated_at: act.now })
    .returning<GroupRow[]>('*');
  assertInvariant(row !== undefined, 'a locked group is there', { groupId: group.id });
  await recordAudit(tx, act, {
    objectType: 'group',
    objectId: group.id,
    seq: group.version + 1,
    event: 'edited',
    changes: { before, after },
  });
  return toGroup(row);
}

async function clearDefault(tx: Tx, act: Act): Promise<void> {
  const old = await tx('groups').where({ is_default: true }).forUpdate().first<GroupRow | undefined>();
  if (old === undefined) return;
  await tx('groups')
    .where({ id: old.id })
    .update({ is_default: false, version: old.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'group',
    objectId: old.id,
    seq: old.version + 1,
    event: 'edited',
    changes: { before: { is_default: true }, after: { is_default: false } },
  });
}

/** Rules in force that name the group: as long as there are any, it stays. */
export async function groupUses(tx: ReadTx | Tx, groupId: string): Promise<readonly string[]> {
  const rows = await tx('commission_rules')
    .where({ group_id: groupId })
    .whereNull('ended_at')
    .limit(20)
    .select<{ id: string }[]>('id');
  return rows.map((row) => row.id);
}

export async function listMemberIds(tx: ReadTx | Tx, groupId: string): Promise<readonly string[]> {
  const rows = await tx('affiliates').where({ group_id: groupId }).orderBy('id').select<{ id: string }[]>('id');
  return rows.map((row) => row.id);
}

export async function deleteGroup(tx: Tx, act: Act, group: Group): Promise<void> {
  await tx('groups').where({ id: group.id }).delete();
  await recordAudit(tx, act, { objectType: 'group', objectId: group.id, seq: group.version + 1, event: 'deleted' });
}
