import type { AffiliateId, ProgramId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { PromoTool } from '../../../domain/tracking/promoTool.js';
import { type PromoToolRow, toPromoTool } from '../../tracking/promoTool.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface PromoToolFilter {
  readonly programId?: readonly string[] | undefined;
  readonly productGroupId?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly ad?: readonly string[] | undefined;
  readonly q?: string | undefined;
  /** Only what this affiliate can work with at this instant: of programs it is active in, where it has a link that works. */
  readonly offeredTo?: { readonly affiliateId: AffiliateId; readonly now: Instant };
}

/** A tool with its picture and the names around it. */
export interface PromoToolView {
  readonly tool: PromoTool;
  readonly media: {
    readonly sha256: Buffer;
    readonly contentType: string;
    readonly width: number;
    readonly height: number;
    readonly name: string;
  } | null;
  readonly productGroupName: string | null;
  readonly programName: string;
}

interface ViewRow extends PromoToolRow {
  readonly media_sha256: Buffer | null;
  readonly media_type: string;
  readonly media_width: number;
  readonly media_height: number;
  readonly media_name: string;
  readonly product_group_name: string | null;
  readonly program_name: string;
}

function base(tx: ReadTx | Tx) {
  return tx('promo_tools as tool')
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'tool.workspace_id').andOn('program.id', 'tool.program_id'),
    )
    .leftJoin('media', (on) => on.on('media.workspace_id', 'tool.workspace_id').andOn('media.id', 'tool.media_id'))
    .leftJoin('product_groups as product_group', (on) =>
      on.on('product_group.workspace_id', 'tool.workspace_id').andOn('product_group.id', 'tool.product_group_id'),
    )
    .whereNull('tool.deleted_at')
    .select<ViewRow[]>(
      'tool.*',
      'program.name as program_name',
      'product_group.name as product_group_name',
      'media.sha256 as media_sha256',
      'media.content_type as media_type',
      'media.width as media_width',
      'media.height as media_height',
      'media.name as media_name',
    );
}

function toView(row: ViewRow): PromoToolView {
  return {
    tool: toPromoTool(row),
    media:
      row.media_sha256 === null
        ? null
        : {
            sha256: row.media_sha256,
            contentType: row.media_type,
            width: row.media_width,
            height: row.media_height,
            name: row.media_name,
          },
    productGroupName: row.product_group_name,
    programName: row.program_name,
  };
}

// What is there to promote with?
export async function listPromoTools(
  tx: ReadTx,
  filter: PromoToolFilter,
  page: Page,
): Promise<readonly PromoToolView[]> {
  const query = base(tx);
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('tool.program_id', filter.programId);
  among('tool.product_group_id', filter.productGroupId);
  among('tool.kind', filter.kind);
  among('tool.campaign', filter.campaign);
  among('tool.ad', filter.ad);
  if (filter.active !== undefined) query.where('tool.active', filter.active);
  if (filter.q !== undefined)
    query.whereRaw(`(strpos(lower(tool.name), lower(:q)) > 0 or tool.id = :q)`, { q: filter.q });
  if (filter.offeredTo !== undefined)
    query.whereRaw(
      `exists (select from enrolments as enrolment
               join links as link on link.workspace_id = enrolment.workspace_id and link.affiliate_id = enrolment.affiliate_id
                 and link.program_id = enrolment.program_id
               where enrolment.workspace_id = tool.workspace_id and enrolment.program_id = tool.program_id
                 and enrolment.affiliate_id = :affiliateId and enrolment.status = 'active' and link.kind = 'standard'
                 and link.status = 'active' and (link.expires_at is null or link.expires_at > :now))`,
      filter.offeredTo as unknown as Record<string, string>,
    );
  const rows = await keyset(query, page, { createdAt: 'tool.created_at', name: 'tool.name' }, 'tool.id');
  return (rows as readonly ViewRow[]).map(toView);
}

/** One tool as its list shows it; undefined: no such tool. */
export async function findPromoToolView(tx: ReadTx | Tx, id: string): Promise<PromoToolView | undefined> {
  const [row] = await base(tx).where('tool.id', id);
  return row === undefined ? undefined : toView(row as ViewRow);
}

export interface ToolLink {
  readonly slug: string;
  readonly destinationUrl: string;
  readonly affiliateName: string;
  readonly programName: string;
}

// Which link of this affiliate carries the tools of a program, or of any, now: one without an end before one with, the default before the oldest?
export async function findToolLink(
  tx: ReadTx | Tx,
  affiliateId: AffiliateId,
  programId: ProgramId | null,
  now: Instant,
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
      ...(programId === null ? {} : { 'link.program_id': programId }),
      'link.kind': 'standard',
      'link.status': 'active',
    })
    .whereRaw('(link.expires_at is null or link.expires_at > ?)', [now])
    .orderByRaw('(link.expires_at is not null)')
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
