import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

export interface TestProgress {
  readonly click_at: Instant;
  readonly credit: string;
  readonly credit_code: string | null;
  readonly visit_at: Instant | null;
  readonly lead_at: Instant | null;
  readonly sale_at: Instant | null;
}

// What has arrived of the test click and of what followed it? All of it is of test mode.
export async function readTestProgress(tx: ReadTx, clickId: string): Promise<TestProgress | undefined> {
  const { rows } = await tx.raw<{ rows: TestProgress[] }>(
    `select click.created_at as click_at, click.credit, click.credit_code,
       (select min(visit.created_at) from visits as visit
        where visit.mode = 'test' and visit.workspace_id = click.workspace_id
          and (visit.click_id = click.id or visit.visitor_id = click.visitor_id)) as visit_at,
       (select min(lead.created_at) from leads as lead
        where lead.mode = 'test' and lead.workspace_id = click.workspace_id and lead.channel <> 'sale'
          and (lead.click_id = click.id or lead.referral_id = click.referral_id)) as lead_at,
       (select min(sale.created_at) from sales as sale
        where sale.mode = 'test' and sale.workspace_id = click.workspace_id
          and (sale.click_id = click.id or sale.referral_id = click.referral_id)) as sale_at
     from clicks as click where click.id = :clickId and click.mode = 'test'`,
    { clickId },
  );
  return rows[0];
}
