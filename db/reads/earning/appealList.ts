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
  of: { readonly scope: Scope; readonly mode: Mode; readonly status: readonly AppealStatus[] | undefined },
  page: Page,
): Promise<readonly AppealRecord[]> {
  const query = tx('appeals').where({ mode: of.mode }).select<AppealRow[]>('*');
  scopeToAffiliates(query, of.scope, 'appeals');
  if (of.status !== undefined) query.whereIn('status', [...of.status]);
  return (await keyset(query, page, { createdAt: 'created_at' })).map(toAppeal);
}
