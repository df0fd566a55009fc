import type { AffiliateId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { NotPaidCode } from '../../../domain/payout/payoutRun.js';
import type { Instant } from '../../../domain/time.js';
import { directionOf, type Page } from '../keyset.js';
import type { ReadTx, Tx } from '../../transaction.js';

// Which plans did a run have, and what does one say otherwise than the plan before? (screens.md 5)

/** A plan that was whole and could be seen, and who approved it. A plan that was begun anew between two pages never stood. */
export interface SealedPlan {
  readonly planVersion: number;
  readonly planHash: string;
  readonly plannedAt: Instant;
  readonly approvedAt: Instant | null;
  readonly approvedBy: string | null;
}

/** The run's row knows only its present plan; those before stand in its history. The oldest first. */
export async function listSealedPlans(tx: ReadTx | Tx, runId: string): Promise<readonly SealedPlan[]> {
  const { rows } = await tx.raw<{
    rows: {
      plan_version: number;
      plan_hash: string;
      at: Instant;
      approved_at: Instant | null;
      approved_by: string | null;
    }[];
  }>(
    `with history as (
       select seq, event, at, actor_user_id, changes from audit_entries
       where object_type = 'payout_run' and object_id = :runId),
     sealed as (
       select at, (changes ->> 'planVersion')::int as plan_version, changes ->> 'planHash' as plan_hash
       from history where event in ('planned', 'nobodyDue'))
     select sealed.plan_version, sealed.plan_hash, sealed.at, approval.at as approved_at, approval.actor_user_id as approved_by
     from sealed
     left join history as approval on approval.event = 'approved' and approval.changes ->> 'planHash' = sealed.plan_hash
     order by sealed.plan_version`,
    { runId },
  );
  return rows.map((row) => ({
    planVersion: row.plan_version,
    planHash: row.plan_hash,
    plannedAt: row.at,
    approvedAt: row.approved_at,
    approvedBy: row.approved_by,
  }));
}

/** The present plan of a run and the one it is compared with: that of `since`, else the one before. */
export interface ComparedPlans {
  readonly before: SealedPlan;
  readonly after: SealedPlan;
}

/** Undefined: there is nothing to compare, or no such plan. */
export function comparedPlans(
  plans: readonly SealedPlan[],
  presentHash: string | null,
  since?: number,
): ComparedPlans | undefined {
  const after = plans.find((plan) => plan.planHash === presentHash);
  if (after === undefined) return undefined;
  const earlier = plans.filter((plan) => plan.planVersion < after.planVersion);
  const before = since === undefined ? earlier.at(-1) : earlier.find((plan) => plan.planVersion === since);
  return before === undefined ? undefined : { before, after };
}

export interface PlanSide {
  readonly outcome: 'paid' | 'not_paid';
  /** What the plan pays; nothing where it does not pay. */
  readonly netMinor: bigint;
  readonly owedMinor: bigint;
  readonly commissionCount: number;
  readonly codes: readonly NotPaidCode[];
  readonly method: { readonly type: string; readonly masked: string } | null;
}

export interface PlanChange {
  readonly affiliateId: AffiliateId;
  readonly name: string;
  readonly currency: CurrencyCode;
  /** Null: not in that plan at all. */
  readonly before: PlanSide | null;
  readonly after: PlanSide | null;
}

interface ChangeRow {
  readonly affiliate_id: AffiliateId;
  readonly name: string;
  readonly currency: CurrencyCode;
  readonly before: StoredSide | null;
  readonly after: StoredSide | null;
}

/** As JSON, which has no bigint: amounts as text. */
interface StoredSide {
  readonly outcome: 'paid' | 'not_paid';
  readonly net: string;
  readonly owed: string;
  readonly commissions: number;
  readonly codes: NotPaidCode[];
  readonly type: string | null;
  readonly masked: string | null;
}

/**
 * Of a plan what somebody who approves it would look at. Words and times of a reason move with the clock and are no change of the plan; nor is the
 * id of a payout, which each plan gives anew.
 */
const sideOf = (version: ':before' | ':after'): string => `
  select row.affiliate_id, row.currency,
         jsonb_build_object(
           'outcome', row.outcome, 'net', (case row.outcome when 'paid' then row.net_minor else 0 end)::text, 'owed', row.owed_minor::text,
           'gross', row.gross_minor::text, 'corrections', row.corrections_minor::text, 'carried', row.carried_minor::text,
           'commissions', row.commission_count, 'codes', jsonb_path_query_array(row.reasons, '$[*].code'),
           'type', payout.method_type, 'masked', payout.method_masked, 'methodId', payout.method_id,
           'methodVersion', payout.method_version, 'fingerprint', payout.method_fingerprint) as side
  from payout_run_rows as row
  left join payouts as payout on payout.id = row.payout_id
  where row.run_id = :runId and row.plan_version = ${version}`;

const changed = `
  earlier as (${sideOf(':before')}),
  present as (${sideOf(':after')}),
  changed as (
    select affiliate_id, currency, earlier.side as before, present.side as after
    from earlier full join present using (affiliate_id, currency)
    where earlier.side is distinct from present.side)`;

interface OfPlans {
  readonly runId: string;
  readonly before: number;
  readonly after: number;
}

/** A page of those whose line is another one, by affiliate and currency. */
export async function listPlanChanges(tx: ReadTx | Tx, of: OfPlans, page: Page): Promise<readonly PlanChange[]> {
  const { order, after } = directionOf(page);
  const { rows } = await tx.raw<{ rows: ChangeRow[] }>(
    `with ${changed}
     select changed.*, affiliate.name
     from changed join affiliates as affiliate on affiliate.id = changed.affiliate_id
     where :afterId = '' or (changed.affiliate_id, changed.currency) ${after} (:afterId, :afterCurrency)
     order by changed.affiliate_id ${order}, changed.currency ${order}
     limit :limit`,
    {
      ...of,
      afterId: page.after?.id ?? '',
      afterCurrency: String(page.after?.value ?? ''),
      limit: page.limit + 1,
    },
  );
  const toSide = (side: StoredSide | null): PlanSide | null =>
    side === null
      ? null
      : {
          outcome: side.outcome,
          netMinor: BigInt(side.net),
          owedMinor: BigInt(side.owed),
          commissionCount: side.commissions,
          codes: side.codes,
          method: side.type === null ? null : { type: side.type, masked: side.masked ?? '' },
        };
  return rows.map((row) => ({
    affiliateId: row.affiliate_id,
    name: row.name,
    currency: row.currency,
    before: toSide(row.before),
    after: toSide(row.after),
  }));
}

/** Whose line is another one: how many lines. */
export async function countPlanChanges(tx: ReadTx | Tx, of: OfPlans): Promise<number> {
  const { rows } = await tx.raw<{ rows: { changed: number }[] }>(
    `with ${changed} select count(*)::int as changed from changed`,
    { ...of },
  );
  return rows[0]?.changed ?? 0;
}

export interface PlanTotal {
  readonly planVersion: number;
  readonly currency: CurrencyCode;
  readonly affiliates: number;
  readonly minor: bigint;
}

/** What each of these plans pays, per currency. */
export async function sumPlans(
  tx: ReadTx | Tx,
  of: { readonly runId: string; readonly planVersions: readonly number[] },
): Promise<readonly PlanTotal[]> {
  const { rows } = await tx.raw<{
    rows: { plan_version: number; currency: CurrencyCode; affiliates: number; minor: bigint }[];
  }>(
    `select plan_version, currency, count(*)::int as affiliates, sum(net_minor)::bigint as minor
     from payout_run_rows
     where run_id = :runId and plan_version = any(:planVersions) and outcome = 'paid'
     group by plan_version, currency
     order by plan_version, currency`,
    { runId: of.runId, planVersions: [...of.planVersions] },
  );
  return rows.map(({ plan_version: planVersion, ...row }) => ({ ...row, planVersion }));
}
