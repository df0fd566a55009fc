import type { PreviewRow } from '../../../db/reads/payout/payoutRunPreview.js';
import type { RunView } from '../../../db/reads/payout/payoutRunView.js';
import { type CurrencyCode, formatMoney } from '../../../domain/money.js';
import type { RunProof, SecondPerson } from '../../../domain/payout/payoutRun.js';
import { epochMs, type Instant } from '../../../domain/time.js';
import type { PdfList } from '../../../platform/pdf.js';

// A run as pages (screens.md 5, 6 and 9): who is paid, who is not and why, the control totals and the hash that an approval is for. English, as
// statements are.

const textOf = (minor: bigint, currency: string): string =>
  `${formatMoney({ minor, currency: currency as CurrencyCode }).amount} ${currency}`;
const written = (at: Instant | null): string | null =>
  at === null ? null : `${at.slice(0, 19).replace('T', ' ')} UTC`;

export function runPaper(of: {
  readonly run: RunView;
  readonly workspace: string;
  readonly approvedBy: string | null;
  readonly secondPerson: SecondPerson;
  readonly rows: readonly PreviewRow[];
  readonly proof: readonly RunProof[];
}): PdfList {
  const { run } = of;
  const facts: readonly (readonly [string, string | null])[] = [
    ['Of', of.workspace],
    ['Run', run.id],
    ['Status', run.status],
    ['Approved until', written(run.cutOffAt)],
    ['Plan', `${run.planVersion}, ${run.planHash ?? 'not fixed yet'}`],
    ['Approved at', written(run.approvedAt)],
    ['Approved by', of.approvedBy],
    [
      run.approvedAt === null ? 'Approval would be' : 'Approval',
      of.secondPerson === 'single_person' ? 'a single person (single_person)' : 'by another person (other_person)',
    ],
    ['Executed at', written(run.executedAt)],
    ['Completed at', written(run.completedAt)],
    ['Note', run.note],
  ];
  return {
    title: 'Payout run',
    language: 'en',
    facts: facts.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const])),
    notes: run.mode === 'test' ? ['Test run: no money moves.'] : [],
    paper: 'wide A4',
    columns: [
      { title: 'Affiliate', align: 'left', width: '*' },
      { title: 'Outcome', align: 'left', width: 'auto' },
      { title: 'Commissions', align: 'right', width: 'auto' },
      { title: 'Gross', align: 'right', width: 'auto' },
      { title: 'Corrections', align: 'right', width: 'auto' },
      { title: 'Carried over', align: 'right', width: 'auto' },
      { title: 'Net, or balance', align: 'right', width: 'auto' },
      { title: 'Method, or why not', align: 'left', width: '*' },
    ],
    rows: of.rows.map((row) => [
      `${row.name}\n${row.affiliateId}`,
      row.outcome === 'paid' ? 'paid' : 'not paid',
      String(row.commissionCount),
      textOf(row.grossMinor, row.currency),
      textOf(row.correctionsMinor, row.currency),
      textOf(row.carriedMinor, row.currency),
      textOf(row.outcome === 'paid' ? row.netMinor : row.owedMinor, row.currency),
      row.outcome === 'paid'
        ? `${row.method?.type ?? ''} ${row.method?.masked ?? ''}`.trim()
        : row.reasons.map((reason) => `${reason.code}: ${reason.detail}`).join('\n'),
    ]),
    totals: of.proof.flatMap(({ currency, payableBefore, payableAfter, linesEqualTotals }) => [
      ['Owed before', textOf(BigInt(payableBefore), currency)] as const,
      ['Paid by this plan', textOf(BigInt(payableBefore) - BigInt(payableAfter), currency)] as const,
      ['Owed after', textOf(BigInt(payableAfter), currency)] as const,
      [`Lines equal totals, ${currency}`, linesEqualTotals ? 'yes' : 'no'] as const,
    ]),
    footer: `${of.workspace} · ${run.id} · ${run.planHash ?? ''}`,
    createdMs: epochMs(run.updatedAt),
  };
}
