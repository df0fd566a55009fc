import type { Scope } from '../../../domain/access/permission.js';
import type { AffiliateStatus } from '../../../domain/affiliate/affiliate.js';
import type { EnrolmentStatus } from '../../../domain/affiliate/enrolment.js';
import type { ProgramStatus } from '../../../domain/program/program.js';
import type { Link, LinkStatus } from '../../../domain/tracking/link.js';
import { type LastDecision, listLastDecisions } from '../../audit/directDecision.js';
import { type LinkRow, toLink } from '../../tracking/link.js';
import { type ReadTx, timeOf, type Tx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';

export interface LinkView {
  readonly link: Link;
  readonly affiliateStatus: AffiliateStatus;
  readonly managerId: string | null;
  readonly programStatus: ProgramStatus;
  readonly enrolmentStatus: EnrolmentStatus | null;
  readonly decision: LastDecision | null;
  /** The workspace's own link domain, where one is proved (LNK-08). */
  readonly linkDomain: string | null;
}

export interface LinkFilter {
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly status?: readonly LinkStatus[] | undefined;
  readonly health?: readonly string[] | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly ad?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

interface ViewRow extends LinkRow {
  readonly affiliate_status: AffiliateStatus;
  readonly manager_id: string | null;
  readonly program_status: ProgramStatus;
  readonly enrolment_status: EnrolmentStatus | null;
  readonly link_domain: string | null;
}

function base(tx: ReadTx | Tx) {
  return tx('links as link')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'link.workspace_id').andOn('affiliate.id', 'link.affiliate_id'),
    )
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'link.workspace_id').andOn('program.id', 'link.program_id'),
    )
    .select<ViewRow[]>(
      'link.*',
      'affiliate.status as affiliate_status',
      'affiliate.manager_id as manager_id',
      'program.status as program_status',
      tx.raw(`
        (select enrolment.status from enrolments as enrolment
         where enrolment.workspace_id = link.workspace_id and enrolment.affiliate_id = link.affiliate_id
           and enrolment.program_id = link.program_id
         order by (enrolment.status <> 'ended') desc, enrolment.created_at desc
         limit 1) as enrolment_status`),
      tx.raw(`
        (select own.domain from tracking_domains as own
         where own.workspace_id = link.workspace_id and own.deleted_at is null and own.verified_at is not null
         order by own.verified_at desc, own.id desc
         limit 1) as link_domain`),
    );
}

// Which links may this reader see, by this filter? Archived ones have left the list unless they are asked for (features.md 2.5).
export async function listLinks(
  tx: ReadTx,
  scope: Scope,
  filter: LinkFilter,
  page: Page,
): Promise<readonly LinkView[]> {
  const query = base(tx);
  scopeAffiliates(query, scope, 'affiliate');
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('link.affiliate_id', filter.affiliateId);
  among('link.program_id', filter.programId);
  among('link.health', filter.health);
  among('link.campaign', filter.campaign);
  among('link.ad', filter.ad);
  among('link.kind', filter.kind);
  // A link whose time is over is expired, whatever is stored (domain linkStatusAt).
  const statusNow = `case when link.expires_at <= ? and link.status in ('active', 'disabled') then 'expired' else link.status end`;
  if (filter.status === undefined) query.whereNot('link.status', 'archived');
  else query.whereRaw(`${statusNow} = any(?)`, [await timeOf(tx), [...filter.status]]);
  if (filter.q !== undefined)
    query.whereRaw(
      `(strpos(link.slug, lower(:q)) > 0 or strpos(lower(link.destination_url), lower(:q)) > 0 or link.id = :q)`,
      { q: filter.q },
    );
  const rows = await keyset(query, page, { createdAt: 'link.created_at', slug: 'link.slug' }, 'link.id');
  return viewsOf(tx, rows);
}

/** The link as its resource shows it; undefined for an unknown id. Whether the reader may see it is `requireLinkInScope`'s question. */
export async function findLinkView(tx: ReadTx | Tx, id: string): Promise<LinkView | undefined> {
  const [view] = await viewsOf(tx, await base(tx).where('link.id', id));
  return view;
}

async function viewsOf(tx: ReadTx | Tx, rows: readonly ViewRow[]): Promise<readonly LinkView[]> {
  const decisions = await listLastDecisions(
    tx,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    link: toLink(row),
    affiliateStatus: row.affiliate_status,
    managerId: row.manager_id,
    programStatus: row.program_status,
    enrolmentStatus: row.enrolment_status,
    decision: decisions.get(row.id) ?? null,
    linkDomain: row.link_domain,
  }));
}

export interface Named {
  readonly id: string;
  readonly name: string;
}

// Whose link is it, and of which program?
export async function findLinkNames(
  tx: ReadTx | Tx,
  link: Pick<Link, 'affiliateId' | 'programId'>,
): Promise<{ readonly affiliate: Named | null; readonly program: Named | null }> {
  const affiliate = await tx('affiliates').where({ id: link.affiliateId }).first<Named | undefined>('id', 'name');
  const program = await tx('programs').where({ id: link.programId }).first<Named | undefined>('id', 'name');
  return { affiliate: affiliate ?? null, program: program ?? null };
}
