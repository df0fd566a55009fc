import type { Act, Mode } from '../../domain/act.js';
import type { Id } from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import {
  type FilePayout,
  payeeChange,
  type PayoutFileFormat,
  type SkippedPayout,
} from '../../domain/payout/payoutFile.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

export type PayoutFileId = Id<'payoutFile'>;

export interface PayoutFile {
  readonly id: PayoutFileId;
  readonly runId: string;
  readonly mode: Mode;
  readonly format: PayoutFileFormat;
  readonly currency: CurrencyCode;
  readonly part: number;
  readonly parts: number;
  readonly rowCount: number;
  readonly amountMinor: bigint;
  readonly sha256: string;
  readonly skipped: readonly SkippedPayout[];
  readonly createdBy: string | null;
  readonly createdAt: Instant;
}

interface FileRow {
  readonly id: PayoutFileId;
  readonly run_id: string;
  readonly mode: Mode;
  readonly format: PayoutFileFormat;
  readonly currency: CurrencyCode;
  readonly part: number;
  readonly parts: number;
  readonly row_count: number;
  readonly amount_minor: bigint;
  readonly sha256: Buffer;
  readonly skipped: readonly SkippedPayout[];
  readonly created_by: string | null;
  readonly created_at: Instant;
}

function toFile(row: FileRow): PayoutFile {
  return {
    id: row.id,
    runId: row.run_id,
    mode: row.mode,
    format: row.format,
    currency: row.currency,
    part: row.part,
    parts: row.parts,
    rowCount: row.row_count,
    amountMinor: row.amount_minor,
    sha256: row.sha256.toString('hex'),
    skipped: row.skipped,
    createdBy: row.created_by,
    createdAt: row.created_at,
  };
}

/** All but the content. */
const columns = [
  'id',
  'run_id',
  'mode',
  'format',
  'currency',
  'part',
  'parts',
  'row_count',
  'amount_minor',
  'sha256',
  'skipped',
  'created_by',
  'created_at',
] as const;

export async function listPayoutFiles(tx: ReadTx | Tx, runId: string): Promise<readonly PayoutFile[]> {
  const rows = await tx('payout_files')
    .where({ run_id: runId })
    .orderBy(['created_at', 'id'])
    .select<FileRow[]>([...columns]);
  return rows.map(toFile);
}

/** A file with its sealed content. */
export async function findPayoutFile(
  tx: ReadTx | Tx,
  mode: Mode,
  id: string,
): Promise<{ readonly file: PayoutFile; readonly sealed: string } | undefined> {
  const row = await tx('payout_files')
    .where({ id, mode })
    .first<(FileRow & { readonly content: string }) | undefined>([...columns, 'content']);
  return row === undefined ? undefined : { file: toFile(row), sealed: row.content };
}

/** Two who press at once make one file: the second waits for the first and finds it. */
export async function lockFilesOf(tx: Tx, runId: string): Promise<void> {
  await tx('payout_runs').where({ id: runId }).forNoKeyUpdate().first('id');
}

/** Stores a part; one of the same content is found instead. */
export async function storePayoutFile(
  tx: Tx,
  act: Act,
  of: Omit<PayoutFile, 'id' | 'mode' | 'createdBy' | 'createdAt'> & {
    readonly payoutIds: readonly string[];
    readonly sealed: string;
  },
): Promise<{ readonly file: PayoutFile; readonly isNew: boolean }> {
  const sha256 = Buffer.from(of.sha256, 'hex');
  const [row] = await tx('payout_files')
    .insert({
      id: act.newId('payoutFile'),
      run_id: of.runId,
      mode: act.mode,
      format: of.format,
      currency: of.currency,
      part: of.part,
      parts: of.parts,
      row_count: of.rowCount,
      amount_minor: of.amountMinor,
      sha256,
      content: of.sealed,
      skipped: JSON.stringify(of.skipped),
      payout_ids: [...of.payoutIds],
      created_by: act.actor.userId,
      created_at: act.now,
    })
    .onConflict(['workspace_id', 'run_id', 'format', 'currency', 'part', 'sha256'])
    .ignore()
    .returning<FileRow[]>([...columns]);
  if (row === undefined) {
    const found = await tx('payout_files')
      .where({ run_id: of.runId, format: of.format, currency: of.currency, part: of.part, sha256 })
      .first<FileRow | undefined>([...columns]);
    if (found === undefined) throw new Error('a file in the way is a file found');
    return { file: toFile(found), isNew: false };
  }
  await recordAudit(tx, act, {
    objectType: 'payout_file',
    objectId: row.id,
    seq: 1,
    event: 'created',
    changes: {
      runId: of.runId,
      format: of.format,
      currency: of.currency,
      rows: of.rowCount,
      amountMinor: of.amountMinor.toString(),
      sha256: of.sha256,
    },
  });
  return { file: toFile(row), isNew: true };
}

/** The payouts of a run that stand in a file of one of these formats already. */
export async function listPayoutsInFiles(
  tx: ReadTx | Tx,
  of: { readonly runId: string; readonly formats: readonly PayoutFileFormat[] },
): Promise<ReadonlySet<string>> {
  const rows = await tx('payout_files')
    .where({ run_id: of.runId })
    .whereIn('format', [...of.formats])
    .select<{ payout_ids: string[] }[]>('payout_ids');
  return new Set(rows.flatMap((row) => row.payout_ids));
}

export type PlannedPayout = Omit<FilePayout, 'isInFile' | 'iban'> & { readonly sealedDetails: unknown };

type PlannedRow = Omit<PlannedPayout, 'changed'> & Parameters<typeof payeeChange>[0];

/** The payouts of a run as a file needs them; `sealedDetails`: where each is paid, as it was when it was planned. */
export async function listPayoutsForFile(tx: ReadTx | Tx, runId: string): Promise<readonly PlannedPayout[]> {
  const { rows } = await tx.raw<{
    rows: PlannedRow[];
  }>(
    `with debts as (
       select account.owner_id, account.mode, account.currency, balance.balance_minor
       from ledger_accounts as account
       join account_balances as balance on balance.account_id = account.id
       where account.kind = 'affiliate_receivable' and balance.balance_minor > 0
     )
     select payout.id, payout.affiliate_id as "affiliateId", affiliate.name, payout.currency, payout.amount_minor as "amountMinor",
            payout.status, payout.on_hold as "onHold", payout.method_type as "methodType", payout.method_masked as "methodMasked", payout.execution,
            payout.due_on as "dueOn", payout.paid_on as "paidOn", payout.reference, method.details as "sealedDetails",
            affiliate.status as "affiliateStatus", affiliate.approved_money = 'forfeit' as "isForfeited", method.status as "methodStatus",
            method.fingerprint = payout.method_fingerprint and method.version = payout.method_version as "methodFits",
            coalesce(debts.balance_minor, 0)::bigint as "owesMinor"
     from payouts as payout
     join affiliates as affiliate on affiliate.workspace_id = payout.workspace_id and affiliate.id = payout.affiliate_id
     left join payout_methods as method on method.workspace_id = payout.workspace_id and method.id = payout.method_id
     left join debts on debts.owner_id = payout.affiliate_id and debts.mode = payout.mode and debts.currency = payout.currency
     where payout.run_id = :runId
     order by payout.id`,
    { runId },
  );
  return rows.map(({ affiliateStatus, isForfeited, methodStatus, methodFits, owesMinor, ...payout }) => ({
    ...payout,
    changed: payeeChange({ affiliateStatus, isForfeited, methodStatus, methodFits, owesMinor }),
  }));
}
