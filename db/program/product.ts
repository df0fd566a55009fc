import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ProductGroupId, ProductId, ProgramId } from '../../domain/ids.js';
import type { CurrencyCode, Money } from '../../domain/money.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** What earns. No states, so no domain type: row and wire are enough (architecture.md 12). */
export interface Product {
  readonly id: ProductId;
  readonly name: string;
  readonly sku: string | null;
  readonly price: Money | null;
  /** `month`, a duration, or null: what a reseller's activation buys. */
  readonly period: string | null;
  readonly productGroupId: ProductGroupId | null;
  readonly url: string | null;
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface ProductRow {
  readonly id: string;
  readonly name: string;
  readonly sku: string | null;
  readonly price_minor: bigint | null;
  readonly price_currency: string | null;
  readonly period: string | null;
  readonly product_group_id: ProductGroupId | null;
  readonly url: string | null;
  readonly active: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toProduct(row: ProductRow): Product {
  return {
    id: row.id as ProductId,
    name: row.name,
    sku: row.sku,
    price:
      row.price_minor === null || row.price_currency === null
        ? null
        : { minor: row.price_minor, currency: row.price_currency as CurrencyCode },
    period: row.period,
    productGroupId: row.product_group_id,
    url: row.url,
    active: row.active,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewProduct = Omit<Product, 'version' | 'createdAt' | 'updatedAt'>;
export type ProductChange = Partial<Omit<NewProduct, 'id'>>;

export async function findProduct(tx: ReadTx | Tx, id: string): Promise<Product | undefined> {
  const row = await tx('products').where({ id }).whereNull('deleted_at').first<ProductRow | undefined>();
  return row === undefined ? undefined : toProduct(row);
}

export async function lockProduct(tx: Tx, id: string): Promise<Product | undefined> {
  const row = await tx('products')
    .where({ id })
    .whereNull('deleted_at')
    .forNoKeyUpdate()
    .first<ProductRow | undefined>();
  return row === undefined ? undefined : toProduct(row);
}

/** Writes the product and its audit entry. Refuses with `resource.already_exists` for a sku in use. */
export async function insertProduct(tx: Tx, act: Act, product: NewProduct): Promise<Product> {
  const [row] = await tx('products')
    .insert({ ...columnsOf(product), id: product.id, created_at: act.now, updated_at: act.now })
    .returning<ProductRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'product',
    objectId: product.id,
    seq: 1,
    event: 'created',
    changes: { after: auditable(columnsOf(product)) },
  });
  return toProduct(row);
}

export async function updateProduct(tx: Tx, act: Act, product: Product, change: ProductChange): Promise<Product> {
  const before = auditable(columnsOf(product));
  const after = auditable(columnsOf(change));
  const names = Object.keys(after).filter((name) => after[name] !== before[name]);
  if (names.length === 0) return product;
  const [row] = await tx('products')
    .where({ id: product.id })
    .update({ ...columnsOf(change), version: product.version + 1, updated_at: act.now })
    .returning<ProductRow[]>('*');
  assertInvariant(row !== undefined, 'a locked product is there', { productId: product.id });
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'product',
    objectId: product.id,
    seq: product.version + 1,
    event: 'edited',
    changes: { before: pick(before), after: pick(after) },
  });
  return toProduct(row);
}

/** Takes the product off the lists; past sales and rules keep naming it. */
export async function deleteProduct(tx: Tx, act: Act, product: Product): Promise<void> {
  await tx('products')
    .where({ id: product.id })
    .update({ deleted_at: act.now, active: false, version: product.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'product',
    objectId: product.id,
    seq: product.version + 1,
    event: 'deleted',
  });
}

/** Programs and rules in force that name the product: as long as there are any, it stays. */
export async function productUses(tx: ReadTx | Tx, productId: string, now: Instant): Promise<readonly string[]> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `
    select program_id as id from program_products where product_id = :productId
    union all
    select id from commission_rules where product_id = :productId and (ended_at is null or ended_at > :now)
    limit 20`,
    { productId, now },
  );
  return rows.map((row) => row.id);
}

/** A product in a program. Detached, it earns nothing there from then on; past commissions stay (PRG-14). */
export interface ProgramProduct {
  readonly product: Product;
  readonly active: boolean;
  readonly attachedAt: Instant;
}

export async function findProgramProduct(
  tx: ReadTx | Tx,
  programId: ProgramId,
  productId: string,
): Promise<ProgramProduct | undefined> {
  const row = await tx('program_products as attached')
    .join('products as product', 'product.id', 'attached.product_id')
    .where({ 'attached.program_id': programId, 'attached.product_id': productId })
    .first<(ProductRow & { attached_active: boolean; attached_at: Instant }) | undefined>(
      'product.*',
      'attached.active as attached_active',
      'attached.created_at as attached_at',
    );
  return row === undefined
    ? undefined
    : { product: toProduct(row), active: row.attached_active, attachedAt: row.attached_at };
}

/** The next number in the history of a program's part. The program's own version counts what concerns the program. */
async function bumpProgram(tx: Tx, act: Act, programId: ProgramId): Promise<number> {
  const [row] = await tx('programs')
    .where({ id: programId })
    .increment('version', 1)
    .update({ updated_at: act.now })
    .returning<{ version: number }[]>('version');
  assertInvariant(row !== undefined, 'a locked program is there', { programId });
  return row.version;
}

/** Refuses with `resource.already_exists` when it is attached already. The program is locked by the caller. */
export async function attachProduct(tx: Tx, act: Act, programId: ProgramId, productId: ProductId): Promise<void> {
  await tx('program_products').insert({ program_id: programId, product_id: productId, created_at: act.now });
  const seq = await bumpProgram(tx, act, programId);
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: programId,
    seq,
    event: 'product_attached',
    changes: { productId },
  });
}

export async function setProgramProductActive(
  tx: Tx,
  act: Act,
  programId: ProgramId,
  productId: ProductId,
  active: boolean,
): Promise<void> {
  if (!active) await keepRemoval(tx, act, programId, productId);
  await tx('program_products')
    .where({ program_id: programId, product_id: productId, active: !active })
    .update({ active, ...(active ? { active_since: act.now } : {}) });
  const seq = await bumpProgram(tx, act, programId);
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: programId,
    seq,
    event: active ? 'product_switched_on' : 'product_switched_off',
    changes: { productId },
  });
}

export async function detachProduct(tx: Tx, act: Act, programId: ProgramId, productId: ProductId): Promise<void> {
  await keepRemoval(tx, act, programId, productId);
  await tx('program_products').where({ program_id: programId, product_id: productId }).delete();
  const seq = await bumpProgram(tx, act, programId);
  await recordAudit(tx, act, {
    objectType: 'program',
    objectId: programId,
    seq,
    event: 'product_detached',
    changes: { productId },
  });
}

/** Where it is active, it is so until now: what was sold before is judged as before, whenever that is told. */
async function keepRemoval(tx: Tx, act: Act, programId: ProgramId, productId: ProductId): Promise<void> {
  await tx.raw(
    `insert into program_product_removals (program_id, product_id, since, removed_at)
     select program_id, product_id, least(coalesce(active_since, created_at), :now), :now
     from program_products where program_id = :programId and product_id = :productId and active
     on conflict (workspace_id, program_id, product_id) do update set since = excluded.since, removed_at = excluded.removed_at`,
    { programId, productId, now: act.now },
  );
}

type Columns = Readonly<Record<string, unknown>>;

function columnsOf(product: ProductChange): Columns {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['name', product.name],
    ['sku', product.sku],
    ['price_minor', product.price === undefined ? undefined : (product.price?.minor ?? null)],
    ['price_currency', product.price === undefined ? undefined : (product.price?.currency ?? null)],
    ['period', product.period],
    ['product_group_id', product.productGroupId],
    ['url', product.url],
    ['active', product.active],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

/** A bigint has no JSON form. */
function auditable(columns: Columns): Columns {
  return Object.fromEntries(
    Object.entries(columns).map(([name, value]) => [name, typeof value === 'bigint' ? value.toString() : value]),
  );
}
