import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { AppealStatus } from '../../../domain/earning/appeal.js';
import { type AppealRecord, type AppealRow, toAppeal } from '../../earning/appeal.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { scopeToAffiliates } from './affiliateRows.js';

// Which appeals of affiliates that this reader may see are there, newest first?
export async function listAppeals(
  tx: ReadTx,
  of: {
    readonly scope: Scope;
    readonly mode: Mode;
    readonly status: readonly AppealStatus[] | undefined;
    readonly affiliateId?: readonly string[] | undefined;
    readonly q?: string | undefined;
  },
  page: Page,
): Promise<readonly AppealRecord[]> {
  const query = tx('appeals').where({ mode: of.mode }).select<AppealRow[]>('*');
  scopeToAffiliates(query, of.scope, 'appeals');
  if (of.status !== undefined) query.whereIn('status', [...of.status]);
  if (of.affiliateId !== undefined) query.whereIn('affiliate_id', [...of.affiliateId]);
  if (of.q !== undefined)
    query.whereRaw(
      `(id = :q or object_id = :q or referral_id = :q or strpos(lower(body), lower(:q)) > 0
        or exists (select from affiliates as affiliate where affiliate.id = appeals.affiliate_id
                   and (strpos(lower(affiliate.name), lower(:q)) > 0 or strpos(lower(affiliate.email), lower(:q)) > 0)))`,
      { q: of.q },
    );
  return (await keyset(query, page, { createdAt: 'created_at' })).map(toAppeal);
}
