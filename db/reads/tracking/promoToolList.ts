import type { PromoTool } from '../../../domain/tracking/promoTool.js';
import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import { type PromoToolRow, toPromoTool } from '../../tracking/promoTool.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface PromoToolFilter {
  readonly programId?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly q?: string | undefined;
  /** Only of programs in which this affiliate is active. */
  readonly ofAffiliate?: AffiliateId;
}

// What is there to promote with?
export async function listPromoTools(tx: ReadTx, filter: PromoToolFilter, page: Page): Promise<readonly PromoTool[]> {
  const query = tx('promo_tools').whereNull('deleted_at').select<PromoToolRow[]>('*');
  if (filter.programId !== undefined) query.whereIn('program_id', [...filter.programId]);
  if (filter.kind !== undefined) query.whereIn('kind', [...filter.kind]);
  if (filter.active !== undefined) query.where({ active: filter.active });
  if (filter.campaign !== undefined) query.whereIn('campaign', [...filter.campaign]);
  if (filter.q !== undefined) query.whereRaw(`(strpos(lower(name), lower(:q)) > 0 or id = :q)`, { q: filter.q });
  if (filter.ofAffiliate !== undefined)
    query.whereRaw(
      `exists (select from enrolments as enrolment where enrolment.workspace_id = promo_tools.workspace_id
                 and enrolment.program_id = promo_tools.program_id and enrolment.affiliate_id = ? and enrolment.status = 'active')`,
      [filter.ofAffiliate],
    );
  const rows = await keyset(query, page, { createdAt: 'created_at', name: 'name' });
  return rows.map(toPromoTool);
}

export interface ToolLink {
  readonly slug: string;
  readonly destinationUrl: string;
  readonly affiliateName: string;
  readonly programName: string;
}

// Which link of this affiliate carries the tools of a program: the default one, else the oldest that works?
export async function findToolLink(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  programId: ProgramId,
): Promise<ToolLink | undefined> {
  const row = await tx('links as link')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'link.workspace_id').andOn('affiliate.id', 'link.affiliate_id'),
    )
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'link.workspace_id').andOn('program.id', 'link.program_id'),
    )
    .where({
      'link.affiliate_id': affiliateId,
      'link.program_id': programId,
      'link.kind': 'standard',
      'link.status': 'active',
    })
    .whereNull('link.expires_at')
    .orderBy('link.is_default', 'desc')
    .orderBy('link.created_at')
    .orderBy('link.id')
    .first<
      | {
          readonly slug: string;
          readonly destination_url: string;
          readonly affiliate_name: string;
          readonly program_name: string;
        }
      | undefined
    >('link.slug', 'link.destination_url', 'affiliate.name as affiliate_name', 'program.name as program_name');
  return row === undefined
    ? undefined
    : {
        slug: row.slug,
        destinationUrl: row.destination_url,
        affiliateName: row.affiliate_name,
        programName: row.program_name,
      };
}
