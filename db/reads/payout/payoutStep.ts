import { isTimeZone } from '../../../domain/calendar.js';
import type { ReadTx, Tx } from '../../transaction.js';

export interface OpenFact {
  readonly kind: 'decision' | 'gatewayEvent';
  readonly id: string;
}

/** What is stored for a payout or a run and has no outcome yet? Oldest first. */
export async function listOpenFacts(
  tx: ReadTx | Tx,
  of: { readonly workflowId: string; readonly payoutId: string | null },
): Promise<readonly OpenFact[]> {
  const { rows } = await tx.raw<{ rows: OpenFact[] }>(
    `select kind, id from (
       (select 'decision' as kind, id, created_at as at from decisions where workflow_id = :workflowId and state = 'open')
       union all
       (select 'gatewayEvent', id, created_at from gateway_events where payout_id = :payoutId and processed_at is null)
     ) as fact
     order by at, id limit 50`,
    { workflowId: of.workflowId, payoutId: of.payoutId ?? '' },
  );
  return rows;
}

/** The zone in which a day of this workspace begins (setting `general.timeZone`). */
export async function readWorkspaceZone(tx: ReadTx | Tx): Promise<string> {
  const row = await tx('settings').first<{ sections: Readonly<Record<string, unknown>> } | undefined>('sections');
  const general = row?.sections['general'] as { timeZone?: unknown } | undefined;
  return typeof general?.timeZone === 'string' && isTimeZone(general.timeZone) ? general.timeZone : 'UTC';
}
