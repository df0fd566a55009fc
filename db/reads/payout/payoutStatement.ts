import type { CommissionKind } from '../../../domain/earning/commission.js';
import type { CommissionId, ProgramId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
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

/**
 * Which commissions stand behind a payout, and why each has its amount (PAY-21)? Oldest first; of a cancelled payout those it had. One more
 * than `limit` when there are more.
 */
export async function listStatementLines(
  tx: ReadTx,
  payoutId: string,
  limit: number,
): Promise<readonly StatementLine[]> {
  const { rows } = await tx.raw<{ rows: StatementLine[] }>(
    `select line.commission_id as "commissionId", commission.kind, commission.level, commission.program_id as "programId",
            program.name as program, coalesce(sale.external_id, lead.external_id) as "externalId", referral.contact_id as "contactId",
            coalesce(sale.occurred_at, commission.created_at) as "occurredAt", commission.currency,
            commission.amount_minor as "originalMinor", commission.reversed_minor as "reversedMinor", line.amount_minor as "amountMinor",
            commission.explanation->>'sentence' as sentence
     from payout_lines as line
     join payouts as payout on payout.workspace_id = line.workspace_id and payout.id = line.payout_id
     join commissions as commission on commission.workspace_id = line.workspace_id and commission.id = line.commission_id
     join programs as program on program.workspace_id = commission.workspace_id and program.id = commission.program_id
     left join sales as sale on sale.workspace_id = commission.workspace_id and sale.id = commission.sale_id
     left join leads as lead on lead.workspace_id = commission.workspace_id and lead.id = commission.lead_id
     left join referrals as referral on referral.workspace_id = commission.workspace_id and referral.id = commission.referral_id
     where line.payout_id = :payoutId and (line.released_at is null or payout.status = 'cancelled')
     order by commission.created_at, commission.id
     limit :limit`,
    { payoutId, limit: limit + 1 },
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
