import type { Mode } from '../../../domain/act.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { NotPaidReason, StaysBehind } from '../../../domain/payout/payoutRun.js';
import { directionOf, type Page } from '../keyset.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Who is paid in this plan, who is not, and why? (BEY-03)

export interface PreviewRow {
  readonly affiliateId: AffiliateId;
  readonly name: string;
  readonly currency: CurrencyCode;
  readonly outcome: 'paid' | 'not_paid';
  readonly payoutId: string | null;
  readonly owedMinor: bigint;
  readonly grossMinor: bigint;
  readonly correctionsMinor: bigint;
  readonly carriedMinor: bigint;
  readonly netMinor: bigint;
  readonly commissionCount: number;
  readonly reasons: readonly NotPaidReason[];
  readonly oddities: readonly string[];
  readonly staysBehind: readonly StaysBehind[];
  readonly method: { readonly id: string | null; readonly type: string; readonly masked: string } | null;
}

interface StoredRow {
  readonly affiliate_id: AffiliateId;
  readonly name: string;
  readonly currency: CurrencyCode;
  readonly outcome: 'paid' | 'not_paid';
  readonly payout_id: string | null;
  readonly owed_minor: bigint;
  readonly gross_minor: bigint;
  readonly corrections_minor: bigint;
  readonly carried_minor: bigint;
  readonly net_minor: bigint;
  readonly commission_count: number;
  readonly reasons: NotPaidReason[];
  readonly oddities: string[];
  readonly stays_behind: StaysBehind[];
  readonly method_id: string | null;
  readonly method_type: string | null;
  readonly method_masked: string | null;
}

const select = `
  select row.affiliate_id, affiliate.name, row.currency, row.outcome, row.payout_id, row.owed_minor, row.gross_minor, row.corrections_minor,
         row.carried_minor, row.net_minor, row.commission_count, row.reasons, row.oddities, row.stays_behind,
         payout.method_id, payout.method_type, payout.method_masked
  from payout_run_rows as row
  join affiliates as affiliate on affiliate.id = row.affiliate_id
  left join payouts as payout on payout.id = row.payout_id`;

function toRow(row: StoredRow): PreviewRow {
  return {
    affiliateId: row.affiliate_id,
    name: row.name,
    currency: row.currency,
    outcome: row.outcome,
    payoutId: row.payout_id,
    owedMinor: row.owed_minor,
    grossMinor: row.gross_minor,
    correctionsMinor: row.corrections_minor,
    carriedMinor: row.carried_minor,
    netMinor: row.net_minor,
    commissionCount: row.commission_count,
    reasons: row.reasons,
    oddities: row.oddities,
    staysBehind: row.stays_behind,
    method:
      row.method_type === null ? null : { id: row.method_id, type: row.method_type, masked: row.method_masked ?? '' },
  };
}

/** The first rows of one section, by affiliate. */
export async function listPreviewRows(
  tx: ReadTx | Tx,
  of: {
    readonly runId: string;
    readonly planVersion: number;
    readonly outcome: 'paid' | 'not_paid';
    readonly limit: number;
  },
): Promise<readonly PreviewRow[]> {
  const { rows } = await tx.raw<{ rows: StoredRow[] }>(
    `${select}
     where row.run_id = :runId and row.plan_version = :planVersion and row.outcome = :outcome
     order by row.affiliate_id, row.currency
     limit :limit`,
    of,
  );
  return rows.map(toRow);
}

/** A page of all rows, or of those with one outcome (`odd`: paid, but worth a look), by affiliate and currency. */
export async function listRunLines(
  tx: ReadTx | Tx,
  of: {
    readonly runId: string;
    readonly planVersion: number;
    readonly outcome: 'paid' | 'not_paid' | 'odd' | null;
    /** Literal, in the affiliate's name and address, and its id. */
    readonly q?: string | null;
  },
  page: Page,
): Promise<readonly PreviewRow[]> {
  const { order, after } = directionOf(page);
  const { rows } = await tx.raw<{ rows: StoredRow[] }>(
    `${select}
     where row.run_id = :runId and row.plan_version = :planVersion
       and (:outcome::text is null or row.outcome = :outcome or (:outcome = 'odd' and row.oddities <> '{}'))
       and (:q::text is null or row.affiliate_id in (
         select named.id from affiliates as named where named.id = :q
           or strpos(lower(named.name), lower(:q)) > 0 or strpos(lower(named.email), lower(:q)) > 0))
       and (:afterId = '' or (row.affiliate_id, row.currency) ${after} (:afterId, :afterCurrency))
     order by row.affiliate_id ${order}, row.currency ${order}
     limit :limit`,
    {
      runId: of.runId,
      planVersion: of.planVersion,
      outcome: of.outcome,
      q: of.q ?? null,
      afterId: page.after?.id ?? '',
      afterCurrency: String(page.after?.value ?? ''),
      limit: page.limit + 1,
    },
  );
  return rows.map(toRow);
}

export interface AskablePerson {
  readonly affiliateId: AffiliateId;
  readonly name: string;
  /** Null: erased. */
  readonly email: string | null;
  readonly language: string | null;
  readonly rows: readonly Pick<PreviewRow, 'currency' | 'owedMinor' | 'reasons'>[];
}

/** A page of affiliates that this plan owes something and does not pay for one of these reasons, each with all currencies that it concerns. */
export async function listAskable(
  tx: Tx,
  of: {
    readonly runId: string;
    readonly planVersion: number;
    readonly reasons: readonly string[];
    readonly after: string;
    readonly limit: number;
  },
): Promise<readonly AskablePerson[]> {
  type Row = Pick<StoredRow, 'affiliate_id' | 'name' | 'currency' | 'owed_minor' | 'reasons'> &
    Pick<AskablePerson, 'email' | 'language'>;
  const { rows } = await tx.raw<{ rows: Row[] }>(
    `with asked as materialized (
       select row.affiliate_id, row.currency, row.owed_minor, row.reasons, dense_rank() over (order by row.affiliate_id) as person
       from payout_run_rows as row
       where row.run_id = :runId and row.plan_version = :planVersion and row.outcome = 'not_paid' and row.owed_minor > 0
         and row.affiliate_id > :after
         and exists (select from jsonb_array_elements(row.reasons) as reason where reason ->> 'code' = any(cast(:reasons as text[]))))
     select asked.affiliate_id, affiliate.name, affiliate.email, affiliate.language, asked.currency, asked.owed_minor, asked.reasons
     from asked join affiliates as affiliate on affiliate.id = asked.affiliate_id
     where asked.person <= :limit
     order by asked.affiliate_id, asked.currency`,
    { ...of, reasons: [...of.reasons] },
  );
  const people = new Map<
    string,
    AskablePerson & { readonly rows: Pick<PreviewRow, 'currency' | 'owedMinor' | 'reasons'>[] }
  >();
  for (const row of rows) {
    const { affiliate_id: affiliateId, name, email, language, currency, owed_minor: owedMinor, reasons } = row;
    const person = people.get(affiliateId) ?? { affiliateId, name, email, language, rows: [] };
    person.rows.push({ currency, owedMinor, reasons });
    people.set(affiliateId, person);
  }
  return [...people.values()];
}

/** How many affiliates this plan does not pay in some currency. */
export async function countUnpaid(
  tx: Tx,
  of: { readonly runId: string; readonly planVersion: number },
): Promise<number> {
  const { rows } = await tx.raw<{ rows: { affiliates: number }[] }>(
    `select count(distinct affiliate_id)::int as affiliates from payout_run_rows
     where run_id = :runId and plan_version = :planVersion and outcome = 'not_paid'`,
    of,
  );
  return rows[0]?.affiliates ?? 0;
}

export interface PreviewTotal {
  readonly currency: CurrencyCode;
  readonly payable: { readonly affiliates: number; readonly minor: bigint };
  readonly notPayable: { readonly affiliates: number; readonly minor: bigint };
  readonly byMethod: readonly { readonly type: string; readonly affiliates: number; readonly minor: bigint }[];
}

/** Totals per currency, and per method within it. */
export async function readPreviewTotals(
  tx: ReadTx | Tx,
  of: { readonly runId: string; readonly planVersion: number },
): Promise<readonly PreviewTotal[]> {
  const { rows } = await tx.raw<{
    rows: { currency: CurrencyCode; outcome: string; type: string | null; affiliates: number; minor: bigint }[];
  }>(
    `select row.currency, row.outcome, payout.method_type as type, count(*)::int as affiliates,
            sum(case row.outcome when 'paid' then row.net_minor else row.owed_minor end)::bigint as minor
     from payout_run_rows as row
     left join payouts as payout on payout.id = row.payout_id
     where row.run_id = :runId and row.plan_version = :planVersion
     group by row.currency, row.outcome, payout.method_type
     order by row.currency, payout.method_type`,
    of,
  );
  return addTotals(rows.map((row) => ({ ...row, isPaid: row.outcome === 'paid' })));
}

/** The same sums of rows that were never stored: a dry run. */
export function totalPreview(rows: readonly PreviewRow[]): readonly PreviewTotal[] {
  return addTotals(
    rows.map((row) => ({
      currency: row.currency,
      isPaid: row.outcome === 'paid',
      type: row.method?.type ?? null,
      affiliates: 1,
      minor: row.outcome === 'paid' ? row.netMinor : row.owedMinor,
    })),
  );
}

function addTotals(
  parts: readonly {
    readonly currency: CurrencyCode;
    readonly isPaid: boolean;
    readonly type: string | null;
    readonly affiliates: number;
    readonly minor: bigint;
  }[],
): readonly PreviewTotal[] {
  const sum = (of: typeof parts) => ({
    affiliates: of.reduce((total, part) => total + part.affiliates, 0),
    minor: of.reduce((total, part) => total + part.minor, 0n),
  });
  return [...new Set(parts.map((part) => part.currency))].sort().map((currency) => {
    const mine = parts.filter((part) => part.currency === currency);
    const paid = mine.filter((part) => part.isPaid);
    const types = [...new Set(paid.flatMap((part) => part.type ?? []))].sort();
    return {
      currency,
      payable: sum(paid),
      notPayable: sum(mine.filter((part) => !part.isPaid)),
      byMethod: types.map((type) => ({ type, ...sum(paid.filter((part) => part.type === type)) })),
    };
  });
}

/** What the last completed run before this one paid, per currency: for comparison beside the totals. */
export async function readPreviousTotals(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly exceptRunId: string | null },
): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await tx.raw<{ rows: { currency: string; minor: bigint }[] }>(
    `with previous as (
       select id from payout_runs
       where mode = :mode and status = 'completed' and executed_at is not null and id <> :except
       order by completed_at desc, id desc
       limit 1
     )
     select payout.currency, sum(payout.amount_minor)::bigint as minor
     from payouts as payout
     join previous on previous.id = payout.run_id
     where payout.status = 'paid'
     group by payout.currency`,
    { mode: of.mode, except: of.exceptRunId ?? '' },
  );
  return new Map(rows.map((row) => [row.currency, row.minor]));
}

/** What is payable now and per currency: the proof of a dry run. */
export async function readPayable(tx: ReadTx | Tx, mode: Mode): Promise<ReadonlyMap<string, bigint>> {
  const { rows } = await tx.raw<{ rows: { currency: string; payable: bigint }[] }>(
    `select account.currency,
            sum(case account.kind when 'affiliate_payable' then balance.balance_minor else -balance.balance_minor end)::bigint as payable
     from ledger_accounts as account
     join account_balances as balance on balance.account_id = account.id
     where account.kind in ('affiliate_payable', 'affiliate_receivable') and account.mode = :mode
     group by account.currency`,
    { mode },
  );
  return new Map(rows.map((row) => [row.currency, row.payable]));
}

export async function findAffiliateNames(
  tx: ReadTx | Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx('affiliates')
    .whereRaw('id = any(?::text[])', [[...ids]])
    .select<{ id: string; name: string }[]>('id', 'name');
  return new Map(rows.map((row) => [row.id, row.name]));
}
