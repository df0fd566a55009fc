import { affiliateTransitions } from '../../../domain/affiliate/affiliate.js';
import { enrolmentTransitions } from '../../../domain/affiliate/enrolment.js';
import { appealTransitions } from '../../../domain/earning/appeal.js';
import { commissionTransitions } from '../../../domain/earning/commission.js';
import { checkTransitions, referralTransitions } from '../../../domain/earning/referral.js';
import { saleTransitions } from '../../../domain/earning/sale.js';
import { payoutTransitions } from '../../../domain/payout/payout.js';
import { attemptTransitions } from '../../../domain/payout/payoutAttempt.js';
import { payoutMethodTransitions } from '../../../domain/payout/payoutMethod.js';
import { payoutRunTransitions } from '../../../domain/payout/payoutRun.js';
import { programTransitions } from '../../../domain/program/program.js';
import { leadTransitions } from '../../../domain/tracking/lead.js';
import { linkTransitions } from '../../../domain/tracking/link.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Which object's history leaves its state table, has a gap, or ends elsewhere than its row? (I12, money.md 11)

/** `gap`: a number is missing. `wrong_edge`: no such move in the table. `torn`: it begins where the move before did not end. */
export interface BrokenMove {
  readonly objectType: string;
  readonly objectId: string;
  readonly sequence: number;
  readonly code: 'gap' | 'wrong_edge' | 'torn' | 'unknown_status' | 'row_differs' | 'no_history';
  readonly detail: string;
}

type Moves = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface Machine {
  readonly objectType: string;
  readonly table: string;
  readonly column: string;
  readonly moves: Moves;
}

/** Every aggregate with states, as its audit entries name it (features.md 2). */
const machines: readonly Machine[] = [
  { objectType: 'affiliate', table: 'affiliates', column: 'status', moves: affiliateTransitions },
  { objectType: 'enrolment', table: 'enrolments', column: 'status', moves: enrolmentTransitions },
  { objectType: 'program', table: 'programs', column: 'status', moves: programTransitions },
  { objectType: 'link', table: 'links', column: 'status', moves: linkTransitions },
  { objectType: 'referral', table: 'referrals', column: 'status', moves: referralTransitions },
  { objectType: 'check', table: 'checks', column: 'status', moves: checkTransitions },
  { objectType: 'lead', table: 'leads', column: 'verdict', moves: leadTransitions },
  { objectType: 'sale', table: 'sales', column: 'status', moves: saleTransitions },
  { objectType: 'appeal', table: 'appeals', column: 'status', moves: appealTransitions },
  { objectType: 'commission', table: 'commissions', column: 'status', moves: commissionTransitions },
  { objectType: 'payout_method', table: 'payout_methods', column: 'status', moves: payoutMethodTransitions },
  { objectType: 'payout_run', table: 'payout_runs', column: 'status', moves: payoutRunTransitions },
  { objectType: 'payout', table: 'payouts', column: 'status', moves: payoutTransitions },
  { objectType: 'attempt', table: 'payout_attempts', column: 'state', moves: attemptTransitions },
];

interface EntryRow {
  readonly object_id: string;
  readonly seq: number;
  readonly event: string;
  readonly from_status: string | null;
  readonly to_status: string | null;
}

const pageSize = 2_000;

/** At most `limit` findings; none is right. Reads the whole history of the workspace, a page at a time. */
export async function listBrokenMoves(tx: ReadTx | Tx, limit = 100): Promise<readonly BrokenMove[]> {
  const findings: BrokenMove[] = [];
  for (const machine of machines) {
    if (findings.length >= limit) break;
    findings.push(...(await walkEntries(tx, machine, limit - findings.length)));
    findings.push(...(await compareRows(tx, machine, limit)));
  }
  return findings.slice(0, limit);
}

async function walkEntries(tx: ReadTx | Tx, machine: Machine, limit: number): Promise<readonly BrokenMove[]> {
  const findings: BrokenMove[] = [];
  let before: EntryRow | undefined;
  let status: string | null = null;
  for (;;) {
    const query = tx('audit_entries')
      .where({ object_type: machine.objectType })
      .orderBy('object_id')
      .orderBy('seq')
      .limit(pageSize)
      .select<EntryRow[]>('object_id', 'seq', 'event', 'from_status', 'to_status');
    const rows = await (before === undefined
      ? query
      : query.whereRaw('(object_id, seq) > (?, ?)', [before.object_id, before.seq]));
    for (const row of rows) {
      const isFirst: boolean = before?.object_id !== row.object_id;
      if (isFirst) status = null;
      const wrong = judgeEntry(machine, row, isFirst ? undefined : before, status);
      if (wrong !== undefined)
        findings.push({ objectType: machine.objectType, objectId: row.object_id, sequence: row.seq, ...wrong });
      if (findings.length >= limit) return findings;
      status = row.to_status ?? status;
      before = row;
    }
    if (rows.length < pageSize) return findings;
  }
}

function judgeEntry(
  machine: Machine,
  row: EntryRow,
  before: EntryRow | undefined,
  status: string | null,
): Pick<BrokenMove, 'code' | 'detail'> | undefined {
  const expected = (before?.seq ?? 0) + 1;
  if (row.seq !== expected) return { code: 'gap', detail: `${row.seq} follows ${expected - 1}` };
  const { from_status: from, to_status: to, event } = row;
  if (to === null) return undefined; // an act that concerns no status
  if (!Object.hasOwn(machine.moves, to)) return { code: 'unknown_status', detail: to };
  if (before === undefined && from === null) return undefined; // its birth
  if (from !== status) return { code: 'torn', detail: `${event} from ${from ?? '-'}, where it was ${status ?? '-'}` };
  if (from === to) return undefined; // a note, or a change of fields
  const moves = from === null ? undefined : machine.moves[from];
  if (moves !== undefined && Object.hasOwn(moves, event) && moves[event] === to) return undefined;
  return { code: 'wrong_edge', detail: `${event} from ${from ?? '-'} to ${to}` };
}

/** The row shows the status of its last entry and carries its number. */
async function compareRows(tx: ReadTx | Tx, machine: Machine, limit: number): Promise<readonly BrokenMove[]> {
  const { rows } = await tx.raw<{
    rows: { id: string; status: string; version: number; last_status: string | null; last_seq: number | null }[];
  }>(
    `select object.id, object.${machine.column} as status, object.version, last_move.to_status as last_status,
            last_entry.seq as last_seq
     from ${machine.table} as object
     left join lateral (
       select entry.seq from audit_entries as entry
       where (entry.workspace_id, entry.object_id) = (object.workspace_id, object.id)
       order by entry.seq desc limit 1) as last_entry on true
     left join lateral (
       select entry.to_status from audit_entries as entry
       where (entry.workspace_id, entry.object_id) = (object.workspace_id, object.id) and entry.to_status is not null
       order by entry.seq desc limit 1) as last_move on true
     where object.${machine.column} is distinct from last_move.to_status or object.version is distinct from last_entry.seq
     order by object.id
     limit :limit`,
    { limit },
  );
  return rows.map((row) => ({
    objectType: machine.objectType,
    objectId: row.id,
    sequence: row.last_seq ?? 0,
    ...(row.last_seq === null
      ? { code: 'no_history' as const, detail: `${row.status}, version ${row.version}, without an entry` }
      : {
          code: 'row_differs' as const,
          detail: `row ${row.status} at ${row.version}, history ${row.last_status ?? '-'} at ${row.last_seq}`,
        }),
  }));
}
