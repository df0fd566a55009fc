import type { Scope } from '../../../domain/access/permission.js';
import type { Application } from '../../../domain/affiliate/application.js';
import { type ApplicationRow, toApplication } from '../../affiliate/application.js';
import { type AffiliateRow, toAffiliate } from '../../affiliate/affiliate.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { type AffiliateView, viewAffiliates } from './affiliateList.js';
import { scopeAffiliates } from './affiliateScope.js';

export interface ApplicationFilter {
  readonly programId?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
  readonly recruiterId?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

export interface ApplicationView {
  readonly application: Application;
  readonly affiliate: AffiliateView;
  readonly programName: string;
  readonly recruiterName: string | null;
  readonly agreementNumber: number | null;
  /** Other records that look like the same person or business; at most ten. */
  readonly duplicateIds: readonly string[];
  /** Applications of the same affiliate before this one. */
  readonly earlierAttempts: number;
}

interface ViewRow extends ApplicationRow {
  readonly program_name: string;
  readonly recruiter_name: string | null;
  readonly agreement_number: number | null;
  readonly duplicate_ids: readonly string[];
  readonly earlier_attempts: number;
}

function filtered(tx: ReadTx, scope: Scope, filter: ApplicationFilter) {
  const query = tx('applications as application').join('affiliates as affiliate', (on) =>
    on.on('affiliate.workspace_id', 'application.workspace_id').andOn('affiliate.id', 'application.affiliate_id'),
  );
  scopeAffiliates(query, scope, 'affiliate');
  // Who was decided on has left the list, unless it is asked for.
  query.whereIn('affiliate.status', [...(filter.status ?? ['pending'])]);
  if (filter.programId !== undefined) query.whereIn('application.program_id', [...filter.programId]);
  if (filter.recruiterId !== undefined) query.whereIn('application.recruiter_id', [...filter.recruiterId]);
  if (filter.q !== undefined)
    query.whereRaw(
      `(strpos(lower(affiliate.name), lower(:q)) > 0 or strpos(lower(affiliate.email), lower(:q)) > 0
        or affiliate.id = :q or application.id = :q)`,
      { q: filter.q },
    );
  return query;
}

// Who wants to become an affiliate, with what they answered, and what speaks against them?
export async function listApplications(
  tx: ReadTx,
  scope: Scope,
  filter: ApplicationFilter,
  page: Page,
): Promise<readonly ApplicationView[]> {
  const query = filtered(tx, scope, filter)
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'application.workspace_id').andOn('program.id', 'application.program_id'),
    )
    .leftJoin('affiliates as recruiter', (on) =>
      on.on('recruiter.workspace_id', 'application.workspace_id').andOn('recruiter.id', 'application.recruiter_id'),
    )
    .leftJoin('agreements as agreement', (on) =>
      on.on('agreement.workspace_id', 'application.workspace_id').andOn('agreement.id', 'application.agreement_id'),
    )
    .select<ViewRow[]>(
      'application.*',
      'program.name as program_name',
      'recruiter.name as recruiter_name',
      'agreement.number as agreement_number',
      tx.raw(
        `array(select other.id from affiliates as other
               where other.workspace_id = affiliate.workspace_id and other.id <> affiliate.id
                 and (other.contact_id = affiliate.contact_id or other.website = affiliate.website
                      or lower(other.company) = lower(affiliate.company))
               order by other.created_at, other.id limit 10) as duplicate_ids`,
      ),
      tx.raw(
        `(select count(*)::int from applications as earlier
          where earlier.workspace_id = application.workspace_id and earlier.affiliate_id = application.affiliate_id
            and earlier.created_at < application.created_at) as earlier_attempts`,
      ),
    );
  const rows = (await keyset(
    query,
    page,
    { createdAt: 'application.created_at' },
    'application.id',
  )) as readonly ViewRow[];
  return viewsOf(tx, rows);
}

async function viewsOf(tx: ReadTx, rows: readonly ViewRow[]): Promise<readonly ApplicationView[]> {
  const found = await tx('affiliates')
    .whereIn(
      'id',
      rows.map((row) => row.affiliate_id),
    )
    .select<AffiliateRow[]>('*');
  const views = await viewAffiliates(tx, found.map(toAffiliate));
  const byId = new Map(views.map((view) => [view.affiliate.id, view]));
  return rows.flatMap((row) => {
    const affiliate = byId.get(row.affiliate_id);
    return affiliate === undefined
      ? []
      : [
          {
            application: toApplication(row),
            affiliate,
            programName: row.program_name,
            recruiterName: row.recruiter_name,
            agreementNumber: row.agreement_number,
            duplicateIds: row.duplicate_ids,
            earlierAttempts: row.earlier_attempts,
          },
        ];
  });
}

// How many applications does the filter match, by the affiliate's status?
export async function countApplications(
  tx: ReadTx,
  scope: Scope,
  filter: ApplicationFilter,
): Promise<{ total: number; byStatus: Record<string, number> }> {
  const rows = await filtered(tx, scope, filter)
    .groupBy('affiliate.status')
    .select<{ status: string; number: number }[]>('affiliate.status', tx.raw('count(*)::int as number'));
  return {
    total: rows.reduce((sum, row) => sum + row.number, 0),
    byStatus: Object.fromEntries(rows.map((row) => [row.status, row.number])),
  };
}
