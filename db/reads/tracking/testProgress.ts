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

/** A call of a page or server that named the test's click, as the log has it. */
export interface TestCall {
  readonly path: string;
  readonly event: string | null;
  /** Why it was refused; null: it was taken. */
  readonly code: string | null;
  /** Of a page view: whether the page was let keep the click. */
  readonly keptCookie: boolean | null;
  readonly created_at: Instant;
}

/** Nobody goes on with a test for longer. */
const mostCalls = 100;

// What was said of this click within a day, newest first, refused calls too?
export async function listTestCalls(tx: ReadTx, clickId: string, clickAt: Instant): Promise<readonly TestCall[]> {
  const { rows } = await tx.raw<{ rows: TestCall[] }>(
    `select path, payload ->> 'event' as event, code, (payload ->> 'cookieKept')::boolean as "keptCookie", created_at
     from api_log
     where mode in ('live', 'test') and created_at between :clickAt and cast(:clickAt as timestamptz) + interval '1 day'
       and (payload ->> 'clickId' = :clickId or payload ->> 'click_id' = :clickId)
     order by created_at desc, id desc limit ${mostCalls}`,
    { clickId, clickAt },
  );
  return rows;
}
