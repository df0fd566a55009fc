import type { Scope } from '../../../domain/access/permission.js';
import type { Postback } from '../../../domain/messaging/postback.js';
import { type Delivery, type DeliveryRow, type PostbackRow, toDelivery, toPostback } from '../../messaging/postback.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';

export interface PostbackView {
  readonly postback: Postback;
  readonly managerId: string | null;
}

type ViewRow = PostbackRow & { readonly manager_id: string | null };

function base(tx: ReadTx | Tx) {
  return tx('postbacks as postback')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'postback.workspace_id').andOn('affiliate.id', 'postback.affiliate_id'),
    )
    .whereNull('postback.deleted_at')
    .select<ViewRow[]>('postback.*', 'affiliate.manager_id as manager_id');
}

const toView = (row: ViewRow): PostbackView => ({ postback: toPostback(row), managerId: row.manager_id });

// Which calls out may this reader see, by this filter?
export async function listPostbacks(
  tx: ReadTx | Tx,
  scope: Scope,
  filter: {
    readonly affiliateId?: readonly string[] | undefined;
    readonly programId?: readonly string[] | undefined;
    readonly active?: boolean | undefined;
    /** Literal, in address, affiliate and id. */
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly PostbackView[]> {
  const query = base(tx);
  scopeAffiliates(query, scope, 'affiliate');
  if (filter.affiliateId !== undefined) query.whereIn('postback.affiliate_id', [...filter.affiliateId]);
  if (filter.programId !== undefined) query.whereIn('postback.program_id', [...filter.programId]);
  if (filter.active !== undefined) query.where('postback.active', filter.active);
  if (filter.q !== undefined)
    query.whereRaw(
      `(postback.id = :q or strpos(lower(postback.url), lower(:q)) > 0 or strpos(lower(affiliate.name), lower(:q)) > 0)`,
      { q: filter.q },
    );
  return (await keyset(query, page, { createdAt: 'postback.created_at' }, 'postback.id')).map(toView);
}

export async function findPostbackView(tx: ReadTx | Tx, id: string): Promise<PostbackView | undefined> {
  const [row] = await base(tx).where('postback.id', id);
  return row === undefined ? undefined : toView(row);
}

// What was called, when, and what did the other side say?
export async function listDeliveries(
  tx: ReadTx | Tx,
  postbackId: string,
  filter: { readonly status?: readonly string[] | undefined; readonly q?: string | undefined },
  page: Page,
): Promise<readonly Delivery[]> {
  const query = tx('postback_deliveries').where({ postback_id: postbackId }).select<DeliveryRow[]>('*');
  if (filter.status !== undefined) query.whereIn('status', [...filter.status]);
  // The called address holds what was told: sub-ids, amounts, our ids.
  if (filter.q !== undefined)
    query.whereRaw('(id = :q or object_id = :q or code = :q or strpos(lower(url), lower(:q)) > 0)', { q: filter.q });
  return (await keyset(query, page, { createdAt: 'created_at' })).map(toDelivery);
}
