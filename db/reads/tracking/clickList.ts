import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { Instant } from '../../../domain/time.js';
import type { ClickCredit } from '../../../domain/tracking/click.js';
import type { ReadTx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';
import { deviceKindOf } from './deviceKind.js';
import { sourceIn, toolIdIn } from './toolOfClick.js';

export interface ClickView {
  readonly id: string;
  readonly mode: Mode;
  readonly link_id: string;
  readonly affiliate_id: string;
  readonly program_id: string;
  readonly previous_click_id: string | null;
  readonly visitor_id: string | null;
  readonly referral_id: string | null;
  readonly credit: ClickCredit;
  readonly credit_code: string | null;
  readonly suspect: boolean;
  readonly sub1: string | null;
  readonly sub2: string | null;
  readonly sub3: string | null;
  readonly sub4: string | null;
  readonly sub5: string | null;
  readonly query: string | null;
  readonly referrer: string | null;
  readonly taken_up_at: Instant | null;
  readonly created_at: Instant;
  readonly link_slug: string | null;
  readonly tool_id: string | null;
  readonly campaign: string | null;
  readonly ad: string | null;
  readonly user_agent: string | null;
  readonly country: string | null;
}

export interface ClickFilter {
  readonly linkId?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly referralId?: readonly string[] | undefined;
  readonly credit?: readonly string[] | undefined;
  readonly creditCode?: readonly string[] | undefined;
  readonly sub1?: readonly string[] | undefined;
  readonly sub2?: readonly string[] | undefined;
  readonly sub3?: readonly string[] | undefined;
  readonly sub4?: readonly string[] | undefined;
  readonly sub5?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
  readonly campaign?: readonly string[] | undefined;
  readonly ad?: readonly string[] | undefined;
  readonly suspect?: boolean | undefined;
  readonly device?: readonly string[] | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

/** A tool's own names before those of the link it travelled by. */
const campaign = 'coalesce(tool.campaign, link.campaign)';
const ad = 'coalesce(tool.ad, link.ad)';

function base(tx: ReadTx, scope: Scope, mode: Mode) {
  const query = tx('clicks as click')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'click.workspace_id').andOn('affiliate.id', 'click.affiliate_id'),
    )
    .leftJoin('links as link', (on) =>
      on.on('link.workspace_id', 'click.workspace_id').andOn('link.id', 'click.link_id'),
    )
    .leftJoin('click_details as detail', (on) =>
      on.on('detail.click_id', 'click.id').andOn('detail.created_at', 'click.created_at'),
    )
    .joinRaw(
      `left join promo_tools as tool on tool.workspace_id = click.workspace_id and tool.id = ${toolIdIn('click.query')}`,
    )
    .where('click.mode', mode)
    .select<ClickView[]>(
      'click.*',
      'link.slug as link_slug',
      'tool.id as tool_id',
      tx.raw(`${campaign} as campaign`),
      tx.raw(`${ad} as ad`),
      'detail.user_agent',
      'detail.country',
    );
  scopeAffiliates(query, scope, 'affiliate');
  return query;
}

// Who followed which link when, and was it credited? Filtered and uncredited clicks stand there too, with their code.
export async function listClicks(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  filter: ClickFilter,
  page: Page,
): Promise<readonly ClickView[]> {
  const query = base(tx, scope, mode);
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('click.link_id', filter.linkId);
  among('click.affiliate_id', filter.affiliateId);
  among('click.program_id', filter.programId);
  among('click.referral_id', filter.referralId);
  among('click.credit', filter.credit);
  among('click.credit_code', filter.creditCode);
  among('click.sub1', filter.sub1);
  among('click.sub2', filter.sub2);
  among('click.sub3', filter.sub3);
  among('click.sub4', filter.sub4);
  among('click.sub5', filter.sub5);
  if (filter.source !== undefined) query.whereRaw(`${sourceIn('click.query')} = any(?)`, [[...filter.source]]);
  if (filter.campaign !== undefined) query.whereRaw(`${campaign} = any(?)`, [[...filter.campaign]]);
  if (filter.ad !== undefined) query.whereRaw(`${ad} = any(?)`, [[...filter.ad]]);
  if (filter.device !== undefined)
    query.whereRaw(`${deviceKindOf('detail.user_agent')} = any(:device)`, { device: [...filter.device] });
  if (filter.suspect !== undefined) query.where('click.suspect', filter.suspect);
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('click.created_at', comparison[bound as keyof typeof comparison], at);
  return keyset(query, page, { createdAt: 'click.created_at' }, 'click.id');
}

export async function findClickView(tx: ReadTx, scope: Scope, mode: Mode, id: string): Promise<ClickView | undefined> {
  return base(tx, scope, mode).where('click.id', id).first<ClickView | undefined>();
}
