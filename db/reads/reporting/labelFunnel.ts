import type { ReadTx } from '../../transaction.js';
import { saleOrigin } from '../earning/saleList.js';
import { sourceIn, toolIdIn } from '../tracking/toolOfClick.js';
import type { FunnelRow, FunnelStep } from './funnel.js';
import type { ActivitySpan } from './rollup.js';

// The funnel by what a click said of itself (LNK-17, RPT-09). Days are not kept by these: a tool's names are read when they are shown
// (docs/decisions/0132), and a label may be anything, so the rows of the range are read, each kind once.

export const funnelLabels = ['campaign', 'ad', 'source', 'sub1', 'sub2', 'sub3', 'sub4', 'sub5'] as const;
export type FunnelLabel = (typeof funnelLabels)[number];

interface Columns {
  /** Of the row's click, visit's click or lead's click. */
  readonly click: string;
  readonly lead: string;
  readonly sale: string;
}

function columnsOf(by: FunnelLabel): Columns {
  switch (by) {
    case 'campaign':
    case 'ad': {
      // A tool's own names before those of the link it travelled by, as in the list of clicks.
      const named = `coalesce(tool.${by}, link.${by})`;
      return { click: named, lead: named, sale: `source.${by}` };
    }
    case 'source':
      return { click: sourceIn('click.query'), lead: sourceIn('click.query'), sale: sourceIn('source.query') };
    case 'sub1':
      return { click: 'click.sub1', lead: 'lead.sub1', sale: 'sale.sub1' };
    case 'sub2':
    case 'sub3':
    case 'sub4':
    case 'sub5':
      return { click: `click.${by}`, lead: `click.${by}`, sale: `source.${by}` };
    default:
      return by satisfies never;
  }
}

const linkOf = (fact: string): string =>
  `links as link on link.workspace_id = ${fact}.workspace_id and link.id = ${fact}.link_id`;
const clickOf = (fact: string): string =>
  `left join clicks as click on click.workspace_id = ${fact}.workspace_id and click.id = ${fact}.click_id`;
const tool = `left join promo_tools as tool on tool.workspace_id = click.workspace_id and tool.id = ${toolIdIn('click.query')}`;

// How far did visitors get, by a label of their click? What has none stands in a row of its own; so rows sum to all.
export async function listLabelFunnel(
  tx: ReadTx,
  span: ActivitySpan,
  of: {
    readonly by: FunnelLabel;
    readonly sort: FunnelStep;
    readonly descending: boolean;
    readonly limit: number;
    readonly after: { readonly value: string | number | null; readonly id: string } | null;
  },
): Promise<readonly FunnelRow[]> {
  const columns = columnsOf(of.by);
  const { programIds = null } = span;
  const narrowed = (owner: string): string =>
    `${span.affiliateIds === null ? '' : ` and ${owner}.affiliate_id = any(cast(:affiliateIds as text[]))`}${
      programIds === null ? '' : ` and ${owner}.program_id = any(cast(:programIds as text[]))`
    }`;
  const facts = (step: FunnelStep, label: string, from: string, at: string, owner: string, more = ''): string =>
    `select coalesce(${label}, '') as key, ${(['clicks', 'visits', 'leads', 'sales'] as const)
      .map((name) => `${name === step ? 1 : 0} as ${name}`)
      .join(', ')}
     from ${from}
     where ${at.split('.')[0] ?? ''}.mode = :mode and ${at} >= cast(:from as timestamptz) and ${at} < cast(:until as timestamptz)${more}${narrowed(owner)}`;
  const direction = of.descending ? 'desc' : 'asc';
  const { rows } = await tx.raw<{ rows: FunnelRow[] }>(
    `with happened as (
       ${[
         facts(
           'clicks',
           columns.click,
           `clicks as click left join ${linkOf('click')} ${tool}`,
           'click.created_at',
           'click',
         ),
         facts(
           'visits',
           columns.click,
           `visits as visit join ${linkOf('visit')} ${clickOf('visit')} ${tool}`,
           'visit.created_at',
           'link',
           ' and not visit.suspect',
         ),
         facts(
           'leads',
           columns.lead,
           `leads as lead left join ${linkOf('lead')} ${clickOf('lead')} ${tool}`,
           'lead.created_at',
           'lead',
         ),
         facts(
           'sales',
           columns.sale,
           `sales as sale ${saleOrigin}`,
           'sale.occurred_at',
           'sale',
           ` and sale.status <> 'declined'`,
         ),
       ].join('\nunion all ')}),
     counted as (
       select key, sum(clicks)::int as clicks, sum(visits)::int as visits, sum(leads)::int as leads, sum(sales)::int as sales
       from happened group by key)
     select nullif(key, '') as key, nullif(key, '') as title, clicks, visits, leads, sales
     from counted
     ${of.after === null ? '' : `where (${of.sort}, key) ${of.descending ? '<' : '>'} (cast(:afterValue as int), :afterKey)`}
     order by ${of.sort} ${direction}, key ${direction}
     limit :limit`,
    {
      mode: span.mode,
      from: span.from,
      until: span.until,
      limit: of.limit + 1,
      ...(span.affiliateIds === null ? {} : { affiliateIds: [...span.affiliateIds] }),
      ...(programIds === null ? {} : { programIds: [...programIds] }),
      ...(of.after === null ? {} : { afterValue: of.after.value, afterKey: of.after.id }),
    },
  );
  return rows;
}
