import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { AffiliateId, CouponId, ProgramId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { Coupon } from '../../domain/tracking/coupon.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface CouponRow {
  readonly id: CouponId;
  readonly code: string;
  readonly affiliate_id: AffiliateId;
  readonly program_id: ProgramId;
  readonly valid_from: Instant | null;
  readonly valid_to: Instant | null;
  readonly active: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toCoupon(row: CouponRow): Coupon {
  return {
    id: row.id,
    code: row.code,
    affiliateId: row.affiliate_id,
    programId: row.program_id,
    validFrom: row.valid_from,
    validTo: row.valid_to,
    active: row.active,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewCoupon = Omit<Coupon, 'version' | 'createdAt' | 'updatedAt'>;
export type CouponChange = Partial<Omit<NewCoupon, 'id'>>;

export async function lockCoupon(tx: Tx, id: string): Promise<Coupon | undefined> {
  const row = await tx('coupons').where({ id }).whereNull('deleted_at').forNoKeyUpdate().first<CouponRow | undefined>();
  return row === undefined ? undefined : toCoupon(row);
}

/** A coupon with what its credit depends on (LNK-21 without the link). */
export interface CouponInUse {
  readonly coupon: Coupon;
  readonly isCrediting: boolean;
}

/** Of `coupon`, `affiliate` and `program`: does its code credit anybody now? Not while the master switch is off, as no click does (PRG-22). */
export const isCrediting = `affiliate.status = 'approved' and program.status = 'active' and exists (
  select from enrolments as enrolment
  where enrolment.workspace_id = coupon.workspace_id and enrolment.affiliate_id = coupon.affiliate_id
    and enrolment.program_id = coupon.program_id and enrolment.status = 'active')
  and coalesce((
  select settings.sections #>> '{general,moduleEnabled}' from settings where settings.workspace_id = coupon.workspace_id), 'true') <> 'false'`;

/** The coupon of a code as a customer typed it, whatever its case. */
export async function findCouponByCode(tx: ReadTx | Tx, code: string): Promise<CouponInUse | undefined> {
  const { rows } = await tx.raw<{ rows: (CouponRow & { readonly is_crediting: boolean })[] }>(
    `select coupon.*, ${isCrediting} as is_crediting
     from coupons as coupon
     join affiliates as affiliate on (affiliate.workspace_id, affiliate.id) = (coupon.workspace_id, coupon.affiliate_id)
     join programs as program on (program.workspace_id, program.id) = (coupon.workspace_id, coupon.program_id)
     where coupon.code_key = lower(:code) and coupon.deleted_at is null`,
    { code: code.trim() },
  );
  const [row] = rows;
  return row === undefined ? undefined : { coupon: toCoupon(row), isCrediting: row.is_crediting };
}

/** Writes the coupon and its audit entry. Refuses with `resource.already_exists` for a code that another coupon has. */
export async function insertCoupon(tx: Tx, act: Act, coupon: NewCoupon): Promise<Coupon> {
  const [row] = await tx('coupons')
    .insert({ ...columnsOf(coupon), id: coupon.id, created_at: act.now, updated_at: act.now })
    .returning<CouponRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'coupon',
    objectId: coupon.id,
    seq: 1,
    event: 'created',
    changes: { after: columnsOf(coupon) },
  });
  return toCoupon(row);
}

export async function updateCoupon(tx: Tx, act: Act, coupon: Coupon, change: CouponChange): Promise<Coupon> {
  const before = columnsOf(coupon);
  const after = columnsOf(change);
  const names = Object.keys(after).filter((name) => after[name] !== before[name]);
  if (names.length === 0) return coupon;
  const [row] = await tx('coupons')
    .where({ id: coupon.id })
    .update({ ...after, version: coupon.version + 1, updated_at: act.now })
    .returning<CouponRow[]>('*');
  assertInvariant(row !== undefined, 'a locked coupon is there', { couponId: coupon.id });
  const pick = (from: Readonly<Record<string, unknown>>) => Object.fromEntries(names.map((name) => [name, from[name]]));
  await recordAudit(tx, act, {
    objectType: 'coupon',
    objectId: coupon.id,
    seq: coupon.version + 1,
    event: 'edited',
    changes: { before: pick(before), after: pick(after) },
  });
  return toCoupon(row);
}

/** Takes the coupon away and frees its code; what it credited stays. */
export async function deleteCoupon(tx: Tx, act: Act, coupon: Coupon): Promise<void> {
  await tx('coupons')
    .where({ id: coupon.id })
    .update({ deleted_at: act.now, active: false, version: coupon.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'coupon',
    objectId: coupon.id,
    seq: coupon.version + 1,
    event: 'deleted',
  });
}

function columnsOf(coupon: CouponChange): Readonly<Record<string, unknown>> {
  const pairs: readonly (readonly [string, unknown])[] = [
    ['code', coupon.code],
    ['affiliate_id', coupon.affiliateId],
    ['program_id', coupon.programId],
    ['valid_from', coupon.validFrom],
    ['valid_to', coupon.validTo],
    ['active', coupon.active],
  ];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
