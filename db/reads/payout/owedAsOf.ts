import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import type { AffiliateBalance } from '../affiliate/affiliateBalances.js';
import { isNamed } from './payoutPlan.js';

// What was owed to whom at an instant (BEY-12)? From the postings that were recorded by then, so that the answer of August is the export of
// June: rows of commissions and payouts show only what is true now.

/** The net of some accounts as they stood, credit positive: `where` picks from `ledger_accounts as account`. */
function standing(where: string): string {
  return `
    select account.kind, account.owner_id, account.currency,
           sum(case when posting.credit_account_id = account.id then posting.amount_minor else -posting.amount_minor end)::bigint as minor
    from ledger_accounts as account
    join ledger_postings as posting
      on posting.workspace_id = account.workspace_id and account.id in (posting.debit_account_id, posting.credit_account_id)
    join ledger_transfers as transfer on transfer.workspace_id = posting.workspace_id and transfer.id = posting.transfer_id
    where account.mode = :mode and transfer.recorded_at <= :asOf and ${where}
    group by account.kind, account.owner_id, account.currency`;
}

/** The balances of one affiliate (api.md 7.1) as they stood; currencies in which nothing had happened yet are left out. */
export async function getAffiliateBalancesAsOf(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly affiliateId: AffiliateId; readonly asOf: Instant },
): Promise<readonly AffiliateBalance[]> {
  const { rows } = await tx.raw<{
    rows: {
      currency: CurrencyCode;
      pending: bigint;
      payable: bigint;
      in_payout: bigint;
      paid: bigint;
      clawed_back: bigint;
    }[];
  }>(
    `with own as (${standing(`account.owner_id = :affiliateId and account.kind in ('commission_pending', 'affiliate_payable', 'affiliate_receivable')`)}),
     open as (${standing(
       `account.kind = 'payout_open'
        and account.owner_id in (select payout.id from payouts as payout where payout.affiliate_id = :affiliateId and payout.mode = :mode)`,
     )}),
     -- what left a payout for the world, and what was taken back from lines that had left
     moved as (
       select posting.currency,
              coalesce(sum(posting.amount_minor) filter (where debit.kind = 'payout_open' and credit.kind = 'cash'), 0)::bigint as paid,
              coalesce(sum(posting.amount_minor) filter (where transfer.kind = 'commission.clawed_back'), 0)::bigint as clawed_back
       from ledger_postings as posting
       join ledger_transfers as transfer on transfer.workspace_id = posting.workspace_id and transfer.id = posting.transfer_id
       join ledger_accounts as debit on debit.workspace_id = posting.workspace_id and debit.id = posting.debit_account_id
       join ledger_accounts as credit on credit.workspace_id = posting.workspace_id and credit.id = posting.credit_account_id
       where posting.mode = :mode and transfer.recorded_at <= :asOf
         and posting.debit_account_id in (
           select account.id from ledger_accounts as account
           where account.mode = :mode
             and (account.kind in ('affiliate_payable', 'affiliate_receivable') and account.owner_id = :affiliateId
               or account.kind = 'payout_open'
                 and account.owner_id in (select payout.id from payouts as payout where payout.affiliate_id = :affiliateId)))
       group by posting.currency),
     known as (select currency from own union select currency from open union select currency from moved)
     select known.currency,
       coalesce((select sum(minor) from own where own.currency = known.currency and kind = 'commission_pending'), 0)::bigint as pending,
       coalesce((select sum(minor) from own where own.currency = known.currency and kind <> 'commission_pending'), 0)::bigint as payable,
       coalesce((select sum(minor) from open where open.currency = known.currency), 0)::bigint as in_payout,
       coalesce((select paid from moved where moved.currency = known.currency), 0)::bigint as paid,
       coalesce((select clawed_back from moved where moved.currency = known.currency), 0)::bigint as clawed_back
     from known
     order by known.currency`,
    of,
  );
  return rows.map((row) => {
    const money = (minor: bigint) => ({ minor, currency: row.currency });
    return {
      currency: row.currency,
      pending: money(row.pending),
      owed: money(row.payable + row.in_payout),
      payable: money(row.payable),
      inPayout: money(row.in_payout),
      paid: money(row.paid),
      clawedBack: money(row.clawed_back),
    };
  });
}

export interface OwedRow {
  readonly affiliateId: AffiliateId;
  readonly name: string;
  readonly currency: CurrencyCode;
  /** Payable less what the affiliate owed, in minor units: below zero for a debt. */
  readonly minor: bigint;
  /** Approved lines that were in no payout. */
  readonly commissions: number;
}

/** Everybody with money to pay or to get back at that instant, by affiliate: the due list as it stood, without today's judgement of it. */
export async function listOwedAsOf(
  tx: ReadTx,
  of: { readonly mode: Mode; readonly asOf: Instant; readonly q?: string | undefined },
  page: { readonly after: Pick<OwedRow, 'affiliateId' | 'currency'> | null; readonly limit: number },
): Promise<readonly OwedRow[]> {
  const { mode, asOf, q } = of;
  const { rows } = await tx.raw<{ rows: OwedRow[] }>(
    `with owed as (
       select owner_id, currency, sum(minor)::bigint as minor
       from (${standing(`account.kind in ('affiliate_payable', 'affiliate_receivable') and account.owner_id >= :after`)}) as stood
       group by owner_id, currency
       having sum(minor) <> 0)
     select owed.owner_id as "affiliateId", affiliate.name, owed.currency, owed.minor,
       (select count(*)::int
        from commissions as commission
        join lateral (
          select entry.to_status
          from audit_entries as entry
          where entry.workspace_id = commission.workspace_id and entry.object_type = 'commission' and entry.object_id = commission.id
            and entry.at <= :asOf and entry.to_status is not null
          order by entry.seq desc
          limit 1) as stood on true
        where commission.affiliate_id = owed.owner_id and commission.currency = owed.currency and commission.mode = :mode
          and stood.to_status = 'approved'
          and not exists (
            select from payout_lines as line
            where line.workspace_id = commission.workspace_id and line.commission_id = commission.id
              and line.created_at <= :asOf and (line.released_at is null or line.released_at > :asOf))) as commissions
     from owed
     join affiliates as affiliate on affiliate.id = owed.owner_id
     where (owed.owner_id, owed.currency) > (:after, :afterCurrency) ${q === undefined ? '' : `and ${isNamed}`}
     order by owed.owner_id, owed.currency
     limit :limit`,
    {
      mode,
      asOf,
      ...(q === undefined ? {} : { q }),
      after: page.after?.affiliateId ?? '',
      afterCurrency: page.after?.currency ?? '',
      limit: page.limit,
    },
  );
  return rows;
}
