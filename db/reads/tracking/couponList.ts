import type { Scope } from '../../../domain/access/permission.js';
import type { Coupon } from '../../../domain/tracking/coupon.js';
import { type CouponRow, isCrediting, toCoupon } from '../../tracking/coupon.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';

export interface CouponFilter {
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
  readonly q?: string | undefined;
}

export interface CouponView {
  readonly coupon: Coupon;
  readonly managerId: string | null;
  /** Affiliate, enrolment and program are active. */
  readonly isCrediting: boolean;
}

type ViewRow = CouponRow & { readonly manager_id: string | null; readonly is_crediting: boolean };

function base(tx: ReadTx | Tx) {
  return tx('coupons as coupon')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'coupon.workspace_id').andOn('affiliate.id', 'coupon.affiliate_id'),
    )
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'coupon.workspace_id').andOn('program.id', 'coupon.program_id'),
    )
    .whereNull('coupon.deleted_at')
    .select<ViewRow[]>('coupon.*', 'affiliate.manager_id as manager_id', tx.raw(`${isCrediting} as is_crediting`));
}

function toView(row: ViewRow): CouponView {
  return { coupon: toCoupon(row), managerId: row.manager_id, isCrediting: row.is_crediting };
}

// Which codes may this reader see, by this filter?
export async function listCoupons(
  tx: ReadTx,
  scope: Scope,
  filter: CouponFilter,
  page: Page,
): Promise<readonly CouponView[]> {
  const query = base(tx);
  scopeAffiliates(query, scope, 'affiliate');
  if (filter.affiliateId !== undefined) query.whereIn('coupon.affiliate_id', [...filter.affiliateId]);
  if (filter.programId !== undefined) query.whereIn('coupon.program_id', [...filter.programId]);
  if (filter.active !== undefined) query.where('coupon.active', filter.active);
  if (filter.q !== undefined)
    query.whereRaw(`(strpos(lower(coupon.code), lower(:q)) > 0 or coupon.id = :q)`, { q: filter.q });
  const rows = await keyset(query, page, { createdAt: 'coupon.created_at', code: 'coupon.code' }, 'coupon.id');
  return rows.map(toView);
}

export async function findCouponView(tx: ReadTx | Tx, id: string): Promise<CouponView | undefined> {
  const row = await base(tx).where('coupon.id', id).first<ViewRow | undefined>();
  return row === undefined ? undefined : toView(row);
}
