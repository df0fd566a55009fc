import type { Act, Mode } from '../../domain/act.js';
import type { Id } from '../../domain/ids.js';
import type { Instant, LocalDate } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface LedgerPeriod {
  readonly id: Id<'ledgerPeriod'>;
  readonly mode: Mode;
  /** The last instant of it. */
  readonly through: Instant;
  readonly closedAt: Instant;
  readonly closedBy: string | null;
  readonly note: string | null;
}

interface Row {
  readonly id: Id<'ledgerPeriod'>;
  readonly mode: Mode;
  readonly through: Instant;
  readonly closed_at: Instant;
  readonly closed_by: string | null;
  readonly note: string | null;
}

const columns = ['id', 'mode', 'through', 'closed_at', 'closed_by', 'note'] as const;

function toPeriod(row: Row): LedgerPeriod {
  const { closed_at: closedAt, closed_by: closedBy, ...rest } = row;
  return { ...rest, closedAt, closedBy };
}

/**
 * Closes the books up to an instant, for good (docs/decisions/0841). The database waits for every transfer under way and refuses one that is not
 * later than the last. `day`: what whoever closes calls it.
 */
export async function closeLedgerPeriod(
  tx: Tx,
  act: Act,
  wanted: { readonly day: LocalDate; readonly through: Instant; readonly note: string | null },
): Promise<LedgerPeriod> {
  const [row] = await tx('closed_periods')
    .insert({
      id: act.newId('ledgerPeriod'),
      mode: act.mode,
      through: wanted.through,
      closed_by: act.actor.userId,
      note: wanted.note,
    })
    .returning<Row[]>([...columns]);
  const closed = toPeriod(row as Row);
  await recordAudit(tx, act, {
    objectType: 'ledger_period',
    objectId: closed.id,
    seq: 1,
    event: 'closed',
    to: 'closed',
    changes: { day: wanted.day, through: closed.through, note: closed.note },
  });
  return closed;
}

// Up to when are the books closed, and who closed them?
export async function listLedgerPeriods(tx: ReadTx, mode: Mode, page: Page): Promise<readonly LedgerPeriod[]> {
  const query = tx('closed_periods as period')
    .where('period.mode', mode)
    .select<Row[]>(columns.map((column) => `period.${column}`));
  const rows: readonly Row[] = await keyset(query, page, { through: 'period.through' }, 'period.id');
  return rows.map(toPeriod);
}
