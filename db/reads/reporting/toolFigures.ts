import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { ReadTx } from '../../transaction.js';
import { saleOrigin } from '../earning/saleList.js';
import { toolIdIn } from '../tracking/toolOfClick.js';
import type { ActivitySpan } from './rollup.js';

export interface ToolFigures {
  readonly clicks: number;
  /** One per visitor, link and day. */
  readonly visits: number;
  readonly leads: number;
  readonly sales: number;
  /** What its sales and leads earned who used it, less what was taken off since; per currency. */
  readonly earned: readonly Money[];
}
const steps = ['clicks', 'visits', 'leads', 'sales'] as const;
type Counts = Readonly<Record<(typeof steps)[number], number>>;

const clickOf = (fact: string): string =>
  `join clicks as click on click.workspace_id = ${fact}.workspace_id and click.id = ${fact}.click_id`;
/** In the days, and where the reader sees some affiliates only, of those; `owner` says whose it is. */
const inSpan = (fact: string, at: string, owner = fact): string =>
  `${fact}.mode = :mode and ${fact}.${at} >= cast(:from as timestamptz) and ${fact}.${at} < cast(:until as timestamptz)
   and (cast(:affiliateIds as text[]) is null or ${owner}.affiliate_id = any(cast(:affiliateIds as text[])))`;
const among = 'tool_id = any(cast(:toolIds as text[]))';

// What did these tools bring in some days (screens.md 3.11)? Days are not kept by tool (docs/decisions/0132, 0220): the rows of the range are
// read, each kind once, and a fact is of the tool that its click names, as in the lists of clicks and sales.
export async function listToolFigures(
  tx: ReadTx,
  span: Pick<ActivitySpan, 'mode' | 'from' | 'until' | 'affiliateIds'>,
  toolIds: readonly string[],
): Promise<ReadonlyMap<string, ToolFigures>> {
  const { mode, from, until, affiliateIds } = span;
  const bindings = { mode, from, until, affiliateIds: affiliateIds?.slice() ?? null, toolIds: [...toolIds] };
  const [ofClick, ofSale] = [toolIdIn('click.query'), toolIdIn('source.query')];
  const counted = await tx.raw<{ rows: (Counts & { tool_id: string })[] }>(
    `select tool_id, ${steps.map((step) => `(count(*) filter (where step = '${step}'))::int as ${step}`).join(', ')}
     from (select 'clicks' as step, ${ofClick} as tool_id from clicks as click where ${inSpan('click', 'created_at')}
           union all
           select 'visits', ${ofClick} from visits as visit ${clickOf('visit')}
           where ${inSpan('visit', 'created_at', 'click')} and not visit.suspect
           union all
           select 'leads', ${ofClick} from leads as lead ${clickOf('lead')} where ${inSpan('lead', 'created_at', 'click')}
           union all
           select 'sales', ${ofSale} from sales as sale ${saleOrigin}
           where ${inSpan('sale', 'occurred_at')} and sale.status <> 'declined') as happened
     where ${among} group by tool_id`,
    bindings,
  );
  // A line is of the tool of its sale or lead; level 2 is other people's traffic.
  const lines = await tx.raw<{ rows: { tool_id: string; currency: CurrencyCode; minor: bigint }[] }>(
    `select tool_id, currency, sum(minor)::bigint as minor
     from (select ${ofSale} as tool_id, commission.currency, commission.amount_minor - commission.reversed_minor as minor
           from commissions as commission
           join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id ${saleOrigin}
           where ${inSpan('commission', 'created_at')} and commission.level = 1 and commission.status <> 'rejected'
           union all
           select ${ofClick}, commission.currency, commission.amount_minor - commission.reversed_minor
           from commissions as commission
           join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id
           ${clickOf('lead')}
           where ${inSpan('commission', 'created_at')} and commission.level = 1 and commission.status <> 'rejected'
             and commission.sale_id is null) as line
     where ${among} group by tool_id, currency order by tool_id, currency`,
    bindings,
  );
  const countsOf = new Map(counted.rows.map(({ tool_id, ...counts }) => [tool_id, counts]));
  return new Map(
    toolIds.map((id) => [
      id,
      {
        ...(countsOf.get(id) ?? { clicks: 0, visits: 0, leads: 0, sales: 0 }),
        earned: lines.rows
          .filter((line) => line.tool_id === id)
          .map(({ minor, currency }): Money => ({ minor, currency })),
      },
    ]),
  );
}
