import type { CommissionKind } from '../../../domain/earning/commission.js';
import type { CommissionId, ProgramId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { PayoutStatus } from '../../../domain/payout/payout.js';
import type { SecondPerson } from '../../../domain/payout/payoutRun.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';

/** One commission behind a payout, with why it is what it is. */
export interface StatementLine {
  readonly commissionId: CommissionId;
  readonly kind: CommissionKind;
  readonly level: number;
  readonly programId: ProgramId;
  readonly program: string;
  /** Of the sale or lead, as its source calls it; of a recruit's it is not the recruiter's to know. */
  readonly externalId: string | null;
  readonly contactId: string | null;
  /** When it was earned. */
  readonly occurredAt: Instant;
  readonly currency: CurrencyCode;
  /** What it was made with, what refunds took off it since, and what this payout pays of it, in minor units. */
  readonly originalMinor: bigint;
  readonly reversedMinor: bigint;
  readonly amountMinor: bigint;
  readonly sentence: string | null;
}

export interface StatementParties {
  readonly workspace: string;
  readonly affiliate: string;
  readonly company: string | null;
}

/** What of a payout is another at another time, as it stood at an instant; the rest it is made with. */
export interface StatementState {
  readonly status: PayoutStatus;
  readonly secondPerson: SecondPerson | null;
}

/** How a payout stood at an instant, from its history; undefined: it was not there (BEY-12). */
export async function findPayoutState(
  tx: ReadTx,
  of: { readonly payoutId: string; readonly asOf: Instant },
): Promise<StatementState | undefined> {
  const { rows } = await tx.raw<{ rows: StatementState[] }>(
    `select entry.to_status as status,
            case when entry.to_status <> 'draft' then (
              select approval.changes->>'secondPerson' from audit_entries as approval
              where approval.object_type = 'payout' and approval.object_id = :payoutId and approval.at <= :asOf and approval.event = 'approved'
              order by approval.seq desc limit 1) end as "secondPerson"
     from audit_entries as entry
     where entry.object_type = 'payout' and entry.object_id = :payoutId and entry.at <= :asOf and entry.to_status is not null
     order by entry.seq desc
     limit 1`,
    of,
  );
  return rows[0];
}

/**
 * Which commissions stand behind a payout, and why each has its amount (PAY-21)? Oldest first; of a cancelled payout those it had when it was.
 * At an instant: the lines of then, each less what refunds had taken off it by then. One more than `limit` when there are more.
 */
export async function listStatementLines(
  tx: ReadTx,
  of: {
    readonly payoutId: string;
    readonly status: PayoutStatus;
    readonly asOf: Instant | null;
    readonly limit: number;
  },
): Promise<readonly StatementLine[]> {
  const { rows } = await tx.raw<{ rows: StatementLine[] }>(
    `select line.commission_id as "commissionId", commission.kind, commission.level, commission.program_id as "programId",
            program.name as program, coalesce(sale.external_id, lead.external_id) as "externalId", referral.contact_id as "contactId",
            coalesce(sale.occurred_at, commission.created_at) as "occurredAt", commission.currency,
            commission.amount_minor as "originalMinor", commission.amount_minor - line.amount_minor as "reversedMinor", line.amount_minor as "amountMinor",
            commission.explanation->>'sentence' as sentence
     from payout_lines as line
     join commissions as commission on commission.workspace_id = line.workspace_id and commission.id = line.commission_id
     join programs as program on program.workspace_id = commission.workspace_id and program.id = commission.program_id
     left join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
     left join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id
     left join referrals as referral on referral.workspace_id = commission.workspace_id and referral.id = commission.referral_id
     where line.payout_id = :payoutId and line.created_at <= :asOf::timestamptz
       and case when :isCancelled then line.released_at = (
                  select max(last.released_at) from payout_lines as last where last.payout_id = :payoutId and last.released_at <= :asOf::timestamptz)
                else line.released_at is null or line.released_at > :asOf::timestamptz end
     order by commission.created_at, commission.id
     limit :limit`,
    {
      payoutId: of.payoutId,
      isCancelled: of.status === 'cancelled',
      asOf: of.asOf ?? 'infinity',
      limit: of.limit + 1,
    },
  );
  return rows;
}

/** Who pays and who is paid, as they are called today. */
export async function findStatementParties(tx: ReadTx, affiliateId: string): Promise<StatementParties> {
  const { rows } = await tx.raw<{ rows: StatementParties[] }>(
    `select workspace.name as workspace, affiliate.name as affiliate, affiliate.company
     from affiliates as affiliate
     join workspaces as workspace on workspace.id = affiliate.workspace_id
     where affiliate.id = :affiliateId`,
    { affiliateId },
  );
  const [row] = rows;
  if (row === undefined) throw new Error('a payout has its affiliate');
  return row;
}
