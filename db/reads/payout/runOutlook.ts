import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import { type CurrencyCode, money, roundToMinor, wholeOf } from '../../../domain/money.js';
import type { ReadTx, Tx } from '../../transaction.js';

// What does this plan need at each provider, what will it probably cost, and why is it more or less than the last one? (screens.md 5)

/** Of those that a plan pays, one of a kind. */
export interface PlannedPayment {
  readonly affiliateId: string;
  readonly currency: CurrencyCode;
  readonly minor: bigint;
  readonly gateway: string;
}

export interface GatewayNeed {
  readonly currency: CurrencyCode;
  readonly gateway: string;
  readonly payouts: number;
  readonly neededMinor: bigint;
  /** What the books say lies at the provider. Null: a person pays, from wherever. */
  readonly balanceMinor: bigint | null;
  /** As many payouts at what one has cost on average. Null: none has been paid there yet. */
  readonly feesMinor: bigint | null;
}

/** An affiliate whose payment makes the difference to the last completed run. */
export interface RunCause {
  readonly currency: CurrencyCode;
  readonly affiliateId: AffiliateId;
  readonly name: string;
  readonly beforeMinor: bigint;
  readonly afterMinor: bigint;
}

type Planned = { readonly runId: string; readonly planVersion: number } | readonly PlannedPayment[];

/** A stored plan, or one that was made for a look and never stored. */
function plannedTable(of: Planned): { readonly sql: string; readonly bindings: Readonly<Record<string, unknown>> } {
  if ('runId' in of)
    return {
      sql: `select row.affiliate_id, row.currency, row.net_minor as minor, payout.gateway
            from payout_run_rows as row
            join payouts as payout on payout.id = row.payout_id
            where row.run_id = :runId and row.plan_version = :planVersion and row.outcome = 'paid'`,
      bindings: { runId: of.runId, planVersion: of.planVersion },
    };
  return {
    sql: `select affiliate_id, currency, minor::bigint as minor, gateway
          from jsonb_to_recordset(cast(:rows as jsonb)) as row (affiliate_id text, currency text, minor text, gateway text)`,
    bindings: {
      rows: JSON.stringify(
        of.map(({ affiliateId, currency, minor, gateway }) => ({
          affiliate_id: affiliateId,
          currency,
          minor: minor.toString(),
          gateway,
        })),
      ),
    },
  };
}

function averageOf(of: { fees: bigint; paid: bigint; payouts: number; currency: CurrencyCode }): bigint | null {
  if (of.paid === 0n) return null;
  const { numerator } = wholeOf(money(of.fees, of.currency), of.payouts);
  return roundToMinor({ numerator, denominator: of.paid });
}

/** What the plan sends through each gateway, per currency. */
export async function readGatewayNeeds(tx: ReadTx | Tx, mode: Mode, of: Planned): Promise<readonly GatewayNeed[]> {
  const planned = plannedTable(of);
  const standing = (kind: 'cash' | 'payout_fee_expense'): string => `
    (select coalesce(sum(case when posting.debit_account_id = account.id then posting.amount_minor else -posting.amount_minor end), 0)::bigint
     from ledger_accounts as account
     join ledger_postings as posting on account.id in (posting.debit_account_id, posting.credit_account_id)
     where account.kind = '${kind}' and account.mode = :mode and account.owner_id = need.gateway and account.currency = need.currency)`;
  const { rows } = await tx.raw<{
    rows: {
      currency: CurrencyCode;
      gateway: string;
      payouts: number;
      needed: bigint;
      balance: bigint;
      fees: bigint;
      paid: bigint;
    }[];
  }>(
    `with planned as (${planned.sql}),
     need as (
       select currency, gateway, count(*)::int as payouts, sum(minor)::bigint as needed from planned group by currency, gateway)
     select need.*, ${standing('cash')} as balance, ${standing('payout_fee_expense')} as fees,
            (select count(*) from payouts as payout
             where payout.mode = :mode and payout.gateway = need.gateway and payout.currency = need.currency
               and payout.status = 'paid')::bigint as paid
     from need
     order by need.currency, need.gateway`,
    { ...planned.bindings, mode },
  );
  return rows.map((row) => ({
    currency: row.currency,
    gateway: row.gateway,
    payouts: row.payouts,
    neededMinor: row.needed,
    balanceMinor: row.gateway === 'manual' ? null : row.balance,
    feesMinor: averageOf(row),
  }));
}

/** The affiliates whose payment differs most from that of the last completed run, per currency that it paid; the largest first. */
export async function listRunCauses(
  tx: ReadTx | Tx,
  at: { readonly mode: Mode; readonly exceptRunId: string | null; readonly limit: number },
  of: Planned,
): Promise<readonly RunCause[]> {
  const planned = plannedTable(of);
  const { rows } = await tx.raw<{
    rows: { currency: CurrencyCode; affiliate_id: AffiliateId; name: string; before: bigint; after: bigint }[];
  }>(
    `with previous as (
       select id from payout_runs
       where mode = :mode and status = 'completed' and executed_at is not null and id <> :except
       order by completed_at desc, id desc
       limit 1),
     earlier as (
       select payout.affiliate_id, payout.currency, sum(payout.amount_minor)::bigint as minor
       from payouts as payout join previous on previous.id = payout.run_id
       where payout.status = 'paid'
       group by payout.affiliate_id, payout.currency),
     planned as (${planned.sql}),
     change as (
       select coalesce(planned.affiliate_id, earlier.affiliate_id) as affiliate_id, coalesce(planned.currency, earlier.currency) as currency,
              coalesce(earlier.minor, 0) as before, coalesce(planned.minor, 0) as after
       from planned
       full join earlier on (earlier.affiliate_id, earlier.currency) = (planned.affiliate_id, planned.currency)),
     ranked as (
       select change.*,
              row_number() over (partition by currency order by abs(after - before) desc, affiliate_id) as place
       from change
       where after <> before and currency in (select currency from earlier))
     select ranked.currency, ranked.affiliate_id, affiliate.name, ranked.before, ranked.after
     from ranked join affiliates as affiliate on affiliate.id = ranked.affiliate_id
     where ranked.place <= :limit
     order by ranked.currency, ranked.place`,
    { ...planned.bindings, mode: at.mode, except: at.exceptRunId ?? '', limit: at.limit },
  );
  return rows.map((row) => ({
    currency: row.currency,
    affiliateId: row.affiliate_id,
    name: row.name,
    beforeMinor: row.before,
    afterMinor: row.after,
  }));
}
