import type { Mode } from '../../../domain/act.js';
import type { AffiliateStatus } from '../../../domain/affiliate/affiliate.js';
import type { AffiliateId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import type { RiskCode } from '../../../domain/tracking/riskFlag.js';
import { type RiskCase, type RiskCaseRow, toRiskCase } from '../../tracking/riskCase.js';
import { type RiskFlagRow, type StoredFlag, toFlag } from '../../tracking/riskFlag.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export interface FlagFilter {
  readonly code?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly referralId?: readonly string[] | undefined;
  readonly open?: boolean | undefined;
}

export interface FlagView extends StoredFlag {
  readonly affiliateName: string | null;
}

// What looks odd in this workspace, newest first?
export async function listRiskFlags(
  tx: ReadTx,
  mode: Mode,
  filter: FlagFilter,
  page: Page,
): Promise<readonly FlagView[]> {
  const query = tx('risk_flags as flag')
    .leftJoin('referrals as referral', (on) =>
      on.on('referral.workspace_id', 'flag.workspace_id').andOn('referral.id', 'flag.referral_id'),
    )
    .leftJoin('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'flag.workspace_id').andOn('affiliate.id', 'flag.affiliate_id'),
    )
    // A flag of an affiliate alone is of live traffic.
    .whereRaw(`coalesce(referral.mode, 'live') = ?`, [mode])
    .select<(RiskFlagRow & { affiliate_name: string | null })[]>('flag.*', 'affiliate.name as affiliate_name');
  if (filter.code !== undefined) query.whereIn('flag.code', [...filter.code]);
  if (filter.affiliateId !== undefined) query.whereIn('flag.affiliate_id', [...filter.affiliateId]);
  if (filter.referralId !== undefined) query.whereIn('flag.referral_id', [...filter.referralId]);
  if (filter.open === true) query.whereNull('flag.dismissed_at');
  if (filter.open === false) query.whereNotNull('flag.dismissed_at');
  const rows = await keyset(query, page, { createdAt: 'flag.created_at' }, 'flag.id');
  return rows.map((row) => ({ ...toFlag(row), affiliateName: row.affiliate_name }));
}

/** An affiliate that something open speaks against, and the money that its cases hold (screens.md 3.16). */
export interface RiskyAffiliate {
  readonly affiliateId: AffiliateId;
  readonly name: string;
  readonly status: AffiliateStatus;
  readonly findings: readonly { readonly code: RiskCode; readonly open: number }[];
  readonly openCases: number;
  readonly lastAt: Instant;
  readonly held: CaseView['held'];
}

interface RiskyRow {
  readonly id: AffiliateId;
  readonly name: string;
  readonly status: AffiliateStatus;
  readonly findings: RiskyAffiliate['findings'];
  readonly open_cases: number;
  readonly last_at: Instant;
}

// Of which affiliates is something odd open, or money held, and what was found of each? The newest finding first.
export async function listRiskyAffiliates(
  tx: ReadTx,
  mode: Mode,
  filter: { readonly code?: readonly string[] | undefined; readonly affiliateId?: readonly string[] | undefined },
  page: Page,
): Promise<readonly RiskyAffiliate[]> {
  const query = tx
    .from(
      tx.raw(
        `(with found as (
            select flag.affiliate_id, flag.code, count(*)::int as open, max(flag.created_at) as last_at
            from risk_flags as flag
            left join referrals as referral
              on (referral.workspace_id, referral.id) = (flag.workspace_id, flag.referral_id)
            where flag.dismissed_at is null and flag.affiliate_id is not null and coalesce(referral.mode, 'live') = :mode
            group by flag.affiliate_id, flag.code
          ), held as (
            select affiliate_id, count(*)::int as open, max(created_at) as last_at
            from risk_cases where status = 'open' and mode = :mode group by affiliate_id
          )
          select affiliate.id, affiliate.name, affiliate.status, coalesce(max(held.open), 0) as open_cases,
            greatest(max(found.last_at), max(held.last_at)) as last_at,
            coalesce(jsonb_agg(jsonb_build_object('code', found.code, 'open', found.open)
                               order by found.open desc, found.code) filter (where found.code is not null), '[]') as findings
          from affiliates as affiliate
          left join found on found.affiliate_id = affiliate.id
          left join held on held.affiliate_id = affiliate.id
          where found.code is not null or held.open is not null
          group by affiliate.id, affiliate.name, affiliate.status) as risky`,
        { mode },
      ),
    )
    .select<RiskyRow[]>('risky.*');
  if (filter.affiliateId !== undefined) query.whereIn('risky.id', [...filter.affiliateId]);
  if (filter.code !== undefined)
    query.whereRaw(`exists (select from jsonb_array_elements(risky.findings) as one where one ->> 'code' = any (?))`, [
      [...filter.code],
    ]);
  const rows = await keyset(query, page, { lastAt: 'risky.last_at' }, 'risky.id');
  const cases = await viewsOf(
    tx,
    await base(tx, mode)
      .where('held.status', 'open')
      .whereIn(
        'held.affiliate_id',
        rows.map((row) => row.id),
      ),
  );
  return rows.map((row) => ({
    affiliateId: row.id,
    name: row.name,
    status: row.status,
    findings: row.findings,
    openCases: row.open_cases,
    lastAt: row.last_at,
    held: sumByCurrency(cases.filter((view) => view.affiliateId === row.id).flatMap((view) => view.held)),
  }));
}

function sumByCurrency(amounts: CaseView['held']): CaseView['held'] {
  const sums = new Map<string, bigint>();
  for (const { currency, minor } of amounts) sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  return [...sums].map(([currency, minor]) => ({ currency, minor }));
}

export interface CaseView extends RiskCase {
  readonly affiliateName: string;
  /** What the case holds now, per currency. */
  readonly held: readonly { readonly currency: string; readonly minor: bigint }[];
}

export interface CaseFilter {
  readonly status?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

type ViewRow = RiskCaseRow & { readonly affiliate_name: string };

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('risk_cases as held')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'held.workspace_id').andOn('affiliate.id', 'held.affiliate_id'),
    )
    .where('held.mode', mode)
    .select<ViewRow[]>('held.*', 'affiliate.name as affiliate_name');
}

// Which money is held by a case, and why?
export async function listRiskCases(
  tx: ReadTx,
  mode: Mode,
  filter: CaseFilter,
  page: Page,
): Promise<readonly CaseView[]> {
  const query = base(tx, mode);
  if (filter.status !== undefined) query.whereIn('held.status', [...filter.status]);
  if (filter.kind !== undefined) query.whereIn('held.kind', [...filter.kind]);
  if (filter.affiliateId !== undefined) query.whereIn('held.affiliate_id', [...filter.affiliateId]);
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('held.created_at', comparison[bound as keyof typeof comparison], at);
  return viewsOf(tx, await keyset(query, page, { createdAt: 'held.created_at' }, 'held.id'));
}

export async function findCaseView(tx: ReadTx | Tx, mode: Mode, id: string): Promise<CaseView | undefined> {
  const [view] = await viewsOf(tx, await base(tx, mode).where('held.id', id));
  return view;
}

async function viewsOf(tx: ReadTx | Tx, rows: readonly ViewRow[]): Promise<readonly CaseView[]> {
  const ids = rows.flatMap((row) => row.commission_ids);
  const lines =
    ids.length === 0
      ? []
      : await tx('commissions')
          .whereIn('id', ids)
          .where({ on_hold: true })
          .whereIn('status', ['pending', 'approved'])
          .orderBy('currency')
          .select<{ id: string; currency: string; minor: bigint }[]>(
            'id',
            'currency',
            tx.raw('amount_minor - reversed_minor as minor'),
          );
  return rows.map((row) => {
    const own = new Set<string>(row.commission_ids);
    return {
      ...toRiskCase(row),
      affiliateName: row.affiliate_name,
      held: sumByCurrency(lines.filter((line) => own.has(line.id))),
    };
  });
}
