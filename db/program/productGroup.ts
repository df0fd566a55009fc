import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ProductGroupId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** What products and promo tools may be sorted under (PRG-13). No states: row and wire are enough. */
export interface ProductGroup {
  readonly id: ProductGroupId;
  readonly name: string;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** A group with how much stands in it. */
export interface CountedProductGroup extends ProductGroup {
  readonly productCount: number;
  readonly promoToolCount: number;
}

export interface ProductGroupRow {
  readonly id: ProductGroupId;
  readonly name: string;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toProductGroup(row: ProductGroupRow): ProductGroup {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export async function findProductGroup(tx: ReadTx | Tx, id: string): Promise<ProductGroup | undefined> {
  const row = await tx('product_groups').where({ id }).whereNull('deleted_at').first<ProductGroupRow | undefined>();
  return row === undefined ? undefined : toProductGroup(row);
}

export async function lockProductGroup(tx: Tx, id: string): Promise<ProductGroup | undefined> {
  const row = await tx('product_groups')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<ProductGroupRow | undefined>();
  return row === undefined ? undefined : toProductGroup(row);
}

/** Writes the group and its audit entry. Refuses with `resource.already_exists` for a name in use. */
export async function insertProductGroup(
  tx: Tx,
  act: Act,
  group: Pick<ProductGroup, 'id' | 'name'>,
): Promise<ProductGroup> {
  const [row] = await tx('product_groups')
    .insert({ id: group.id, name: group.name, created_at: act.now, updated_at: act.now })
    .returning<ProductGroupRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'product_group',
    objectId: group.id,
    seq: 1,
    event: 'created',
    changes: { after: { name: group.name } },
  });
  return toProductGroup(row);
}

/** Refuses with `resource.already_exists` for a name in use. The same name again changes nothing. */
export async function renameProductGroup(tx: Tx, act: Act, group: ProductGroup, name: string): Promise<ProductGroup> {
  if (name === group.name) return group;
  const [row] = await tx('product_groups')
    .where({ id: group.id })
    .update({ name, version: group.version + 1, updated_at: act.now })
    .returning<ProductGroupRow[]>('*');
  assertInvariant(row !== undefined, 'a locked group is there', { groupId: group.id });
  await recordAudit(tx, act, {
    objectType: 'product_group',
    objectId: group.id,
    seq: group.version + 1,
    event: 'edited',
    changes: { before: { name: group.name }, after: { name } },
  });
  return toProductGroup(row);
}

/** Takes the group off the lists. The caller has seen that nothing stands in it. */
export async function deleteProductGroup(tx: Tx, act: Act, group: ProductGroup): Promise<void> {
  await tx('product_groups')
    .where({ id: group.id })
    .update({ deleted_at: act.now, version: group.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'product_group',
    objectId: group.id,
    seq: group.version + 1,
    event: 'deleted',
  });
}

/** Products and promo tools in the group: as long as there are any, it stays. */
export async function productGroupUses(tx: ReadTx | Tx, groupId: string): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `
    select id from products where product_group_id = :groupId and deleted_at is null
    union all
    select id from promo_tools where product_group_id = :groupId and deleted_at is null
    limit 20`,
    { groupId },
  );
  return rows.map((row) => row.id);
}
