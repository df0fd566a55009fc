import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { Instant, LocalDate } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';

export interface VisitView {
  readonly id: string;
  readonly mode: Mode;
  readonly click_id: string | null;
  readonly link_id: string;
  readonly visitor_id: string;
  readonly referral_id: string | null;
  readonly day: LocalDate;
  readonly url: string;
  readonly suspect: boolean;
  readonly created_at: Instant;
  readonly affiliate_id: string;
  readonly program_id: string;
}

export interface VisitFilter {
  readonly linkId?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly referralId?: readonly string[] | undefined;
  readonly suspect?: boolean | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

// Which unique landings were there, one per visitor, link and day?
export async function listVisits(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  filter: VisitFilter,
  page: Page,
): Promise<readonly VisitView[]> {
  const query = tx('visits as visit')
    .join('links as link', (on) => on.on('link.workspace_id', 'visit.workspace_id').andOn('link.id', 'visit.link_id'))
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'link.workspace_id').andOn('affiliate.id', 'link.affiliate_id'),
    )
    .where('visit.mode', mode)
    .select<VisitView[]>('visit.*', 'link.affiliate_id', 'link.program_id');
  scopeAffiliates(query, scope, 'affiliate');
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('visit.link_id', filter.linkId);
  among('link.affiliate_id', filter.affiliateId);
  among('link.program_id', filter.programId);
  among('visit.referral_id', filter.referralId);
  if (filter.suspect !== undefined) query.where('visit.suspect', filter.suspect);
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('visit.created_at', comparison[bound as keyof typeof comparison], at);
  return keyset(query, page, { createdAt: 'visit.created_at' }, 'visit.id');
}
