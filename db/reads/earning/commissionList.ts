import { effectiveTerms, type Settings } from '../../../domain/access/settings.js';
import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import type { AffiliateStatus } from '../../../domain/affiliate/affiliate.js';
import { type Blocker, blockersOf, type Commission } from '../../../domain/earning/commission.js';
import type { ReferralStatus } from '../../../domain/earning/referral.js';
import { DomainError } from '../../../domain/errors.js';
import type { CurrencyCode, Money } from '../../../domain/money.js';
import type { OwnTerms } from '../../../domain/program/program.js';
import type { Instant } from '../../../domain/time.js';
import { readSettings } from '../../access/settings.js';
import { type LastDecision, listLastDecisions } from '../../audit/directDecision.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { scopeToAffiliates } from './affiliateRows.js';
import { type CommissionRow, toCommission } from './commissionRow.js';
import { namesOwnCustomer, type OwnSearch, ownSearchBindings } from './ownCustomer.js';

/** A commission with what stands in its way, where it is, and who bought. */
export interface CommissionView {
  readonly commission: Commission;
  readonly blockers: readonly Blocker[];
  /** A line of its sale's true amount stands in its place (TRK-19). */
  readonly isReplaced: boolean;
  /** A chargeback of its sale is open: nobody frees it (BEY-26). */
  readonly isDisputed: boolean;
  readonly payoutId: string | null;
  readonly customer: { readonly id: string; readonly name: string | null; readonly email: string | null } | null;
  readonly customerVisibility: 'full' | 'name_only' | 'anonymous';
  readonly decision: LastDecision | null;
}

export interface CommissionFilter {
  /** Literal, in order number, customer, affiliate and id (ADM-07). */
  readonly q?: string | undefined;
  /** The affiliate's own search: customers of recruits are none of its. */
  readonly own?: OwnSearch | undefined;
  readonly status?: readonly string[] | undefined;
  readonly list?: readonly ('pending' | 'payable' | 'history')[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly groupId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly level?: readonly string[] | undefined;
  readonly kind?: readonly string[] | undefined;
  readonly onHold?: boolean | undefined;
  readonly saleId?: readonly string[] | undefined;
  readonly referralId?: readonly string[] | undefined;
  readonly sub1?: string | undefined;
  readonly unlabelled?: boolean | undefined;
  readonly payoutId?: readonly string[] | undefined;
  readonly eligibleAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
}

type ViewRow = CommissionRow & {
  readonly affiliate_status: AffiliateStatus;
  readonly referral_status: ReferralStatus | null;
  readonly has_open_check: boolean;
  readonly is_sale_in_review: boolean | null;
  readonly is_superseded: boolean | null;
  readonly is_disputed: boolean | null;
  readonly payout_id: string | null;
  readonly contact_id: string | null;
  readonly contact_name: string | null;
  readonly contact_email: string | null;
  readonly own_terms: OwnTerms;
};

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('commissions as line')
    .join('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'line.workspace_id').andOn('affiliate.id', 'line.affiliate_id'),
    )
    .join('programs as program', (on) =>
      on.on('program.workspace_id', 'line.workspace_id').andOn('program.id', 'line.program_id'),
    )
    .leftJoin('referrals as referral', (on) =>
      on.on('referral.workspace_id', 'line.workspace_id').andOn('referral.id', 'line.referral_id'),
    )
    .leftJoin('sales as sale', (on) => on.on('sale.workspace_id', 'line.workspace_id').andOn('sale.id', 'line.sale_id'))
    .leftJoin('contacts as contact', (on) =>
      on.on('contact.workspace_id', 'line.workspace_id').andOn('contact.id', 'referral.contact_id'),
    )
    .leftJoin('payout_lines as placed', (on) =>
      on
        .on('placed.workspace_id', 'line.workspace_id')
        .andOn('placed.commission_id', 'line.id')
        .andOnNull('placed.released_at'),
    )
    .where('line.mode', mode)
    .select<ViewRow[]>(
      'line.*',
      'affiliate.status as affiliate_status',
      'referral.status as referral_status',
      // Of what it is, or of what raised it (RUL-16).
      tx.raw(
        `case when sale.in_review then true
              when line.kind = 'adjustment' and line.cause_type = 'sale' and line.cause_id <> line.sale_id
              then (select cause.in_review from sales as cause where cause.workspace_id = line.workspace_id and cause.id = line.cause_id)
         end as is_sale_in_review`,
      ),
      tx.raw(
        // A raise of another sale's line went with the amount that had caused it: its own history says so, as the decision reads it.
        `case when line.kind = 'earned' and sale.correction_id is not null then line.cause_id <> sale.correction_id
              when line.kind = 'adjustment' and line.status = 'rejected'
              then (select entry.reason_code = 'sale_corrected' from audit_entries as entry
                    where entry.workspace_id = line.workspace_id and entry.object_id = line.id and entry.event = 'rejected'
                    order by entry.seq desc limit 1)
         end as is_superseded`,
      ),
      tx.raw(`sale.status = 'disputed' as is_disputed`),
      'placed.payout_id',
      'contact.id as contact_id',
      'contact.name as contact_name',
      'contact.email as contact_email',
      'program.own_terms',
      tx.raw(
        // not `exists`, which Postgres may answer for all commissions at once (saleList.ts)
        `coalesce((select true from checks as open_check
                 where open_check.workspace_id = line.workspace_id and open_check.referral_id = line.referral_id
                   and open_check.required and open_check.status = 'waiting'
                   limit 1), false) as has_open_check`,
      ),
    );
}

interface Told {
  readonly now: Instant;
  readonly settings: Settings;
  readonly decisions: ReadonlyMap<string, LastDecision>;
}

function toView(row: ViewRow, { now, settings, decisions }: Told): CommissionView {
  const commission = toCommission(row);
  const terms = effectiveTerms(settings, { ownTerms: row.own_terms });
  return {
    commission,
    blockers: blockersOf(commission, {
      now,
      referralStatus: row.referral_status,
      hasOpenCheck: row.has_open_check && row.referral_status !== 'approved',
      isSaleInReview: row.is_sale_in_review === true,
      affiliateStatus: row.affiliate_status,
    }),
    isReplaced: row.is_superseded === true,
    isDisputed: row.is_disputed === true,
    payoutId: row.payout_id,
    customer: row.contact_id === null ? null : { id: row.contact_id, name: row.contact_name, email: row.contact_email },
    customerVisibility: terms.customerVisibility,
    decision: decisions.get(commission.id) ?? null,
  };
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
/** A row is in exactly one of the working lists (COM-14): what waits, what is to be paid, what is over. */
const lists = {
  pending: `line.status = 'pending'`,
  payable: `line.status = 'approved'`,
  history: `line.status in ('rejected', 'reversed', 'paid')`,
} as const;

const ownCustomer = namesOwnCustomer({
  contactId: 'contact.id',
  name: 'contact.name',
  email: 'contact.email',
  programId: 'line.program_id',
});

function filtered(tx: ReadTx | Tx, scope: Scope, mode: Mode, filter: CommissionFilter) {
  const query = base(tx, mode);
  scopeToAffiliates(query, scope, 'line');
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('line.status', filter.status);
  among('line.affiliate_id', filter.affiliateId);
  among('affiliate.group_id', filter.groupId);
  among('line.program_id', filter.programId);
  among('line.kind', filter.kind);
  // What staff raised a line by names only that line and is of its sale all the same, with what was clawed back of it (COM-08, decision 0981).
  if (filter.saleId !== undefined)
    query.whereRaw(
      `line.id in (
         with recursive of_sale as (
           select id from commissions where sale_id = any (?::text[])
           union
           select raise.id from of_sale join commissions as raise on raise.origin_commission_id = of_sale.id
           where raise.sale_id is null and raise.lead_id is null)
         select id from of_sale)`,
      [[...filter.saleId]],
    );
  among('line.referral_id', filter.referralId);
  among('placed.payout_id', filter.payoutId);
  if (filter.level !== undefined) query.whereRaw('line.level::text = any (?::text[])', [[...filter.level]]);
  if (filter.sub1 !== undefined) query.where('line.sub1', filter.sub1);
  if (filter.unlabelled === true) query.whereNull('line.sub1');
  if (filter.onHold !== undefined) query.where('line.on_hold', filter.onHold);
  // An affiliate does not search by what it may not see: a hit would tell who an anonymous customer is.
  if (filter.q !== undefined)
    query.whereRaw(
      `(line.id = :q or strpos(lower(coalesce(sale.external_id, '')), lower(:q)) > 0
        or strpos(lower(affiliate.name), lower(:q)) > 0 or strpos(lower(affiliate.email), lower(:q)) > 0
        or :mayName and (strpos(lower(coalesce(contact.name, '')), lower(:q)) > 0 or strpos(lower(coalesce(contact.email, '')), lower(:q)) > 0))`,
      { q: filter.q, mayName: scope.kind !== 'affiliate' },
    );
  if (filter.own !== undefined)
    query.whereRaw(
      `(line.id = :q or line.level = 1 and contact.id is not null and ${ownCustomer})`,
      ownSearchBindings(filter.own),
    );
  if (filter.list !== undefined) query.whereRaw(`(${filter.list.map((one) => lists[one]).join(' or ')})`);
  for (const [bound, operator] of Object.entries(comparison)) {
    const eligible = filter.eligibleAt?.[bound as keyof typeof comparison];
    if (eligible !== undefined) query.where('line.eligible_at', operator, eligible);
    const created = filter.createdAt?.[bound as keyof typeof comparison];
    if (created !== undefined) query.where('line.created_at', operator, created);
  }
  return query;
}

/** Which commissions may this reader see, by this filter, newest first? */
export async function listCommissions(
  tx: ReadTx,
  of: { readonly scope: Scope; readonly mode: Mode; readonly filter: CommissionFilter; readonly now: Instant },
  page: Page,
): Promise<readonly CommissionView[]> {
  const query = filtered(tx, of.scope, of.mode, of.filter);
  const [settings, rows] = await Promise.all([
    readSettings(tx),
    keyset(query, page, { createdAt: 'line.created_at' }, 'line.id') as PromiseLike<ViewRow[]>,
  ]);
  const decisions = await listLastDecisions(
    tx,
    rows.map((row) => row.id),
  );
  return rows.map((row) => toView(row, { now: of.now, settings, decisions }));
}

/** How many by status, and what is left of them per currency, in all and by status, over the whole filter (COM-10, screens.md 3.10). */
export async function sumCommissions(
  tx: ReadTx,
  of: { readonly scope: Scope; readonly mode: Mode; readonly filter: CommissionFilter },
): Promise<{
  readonly counts: { readonly total: number; readonly byStatus: Readonly<Record<string, number>> };
  readonly sums: readonly Money[];
  readonly sumsByStatus: Record<string, Money[]>;
}> {
  const lines = filtered(tx, of.scope, of.mode, of.filter);
  const rows: readonly { status: string; currency: CurrencyCode; count: number; minor: bigint }[] = await tx
    .from(lines.as('lines'))
    .groupBy('status', 'currency')
    .orderByRaw(`array_position(array['pending', 'approved', 'paid']::text[], status::text), status, currency`)
    .select(
      'status',
      'currency',
      tx.raw('count(*)::int as count'),
      tx.raw(`sum(case when status = 'rejected' then 0 else amount_minor - reversed_minor end)::bigint as minor`),
    );
  const byStatus: Record<string, number> = {};
  const sums = new Map<CurrencyCode, bigint>();
  const sumsByStatus: Record<string, Money[]> = {};
  for (const row of rows) {
    byStatus[row.status] = (byStatus[row.status] ?? 0) + row.count;
    (sumsByStatus[row.status] ??= []).push({ minor: row.minor, currency: row.currency });
    sums.set(row.currency, (sums.get(row.currency) ?? 0n) + row.minor);
  }
  return {
    counts: { total: rows.reduce((total, row) => total + row.count, 0), byStatus },
    sums: [...sums]
      .map(([currency, minor]) => ({ minor, currency }))
      .sort((a, b) => (a.currency < b.currency ? -1 : 1)),
    sumsByStatus,
  };
}

/** Some commissions by id, those that this reader may see. */
export async function listCommissionViews(
  tx: ReadTx,
  of: { readonly scope: Scope; readonly mode: Mode; readonly now: Instant },
  ids: readonly string[],
): Promise<ReadonlyMap<string, CommissionView>> {
  const query = base(tx, of.mode).whereIn('line.id', [...ids]);
  scopeToAffiliates(query, of.scope, 'line');
  const [settings, rows] = await Promise.all([readSettings(tx), query as PromiseLike<ViewRow[]>]);
  return new Map(rows.map((row) => [row.id, toView(row, { now: of.now, settings, decisions: new Map() })]));
}

/** One commission, when this reader may see it. Codes: resource.not_found. */
export async function getCommissionView(
  tx: ReadTx | Tx,
  of: { readonly scope: Scope; readonly mode: Mode; readonly now: Instant },
  id: string,
): Promise<CommissionView> {
  const query = base(tx, of.mode).where('line.id', id);
  scopeToAffiliates(query, of.scope, 'line');
  const [settings, [row], decisions] = await Promise.all([
    readSettings(tx),
    query as PromiseLike<ViewRow[]>,
    listLastDecisions(tx, [id]),
  ]);
  if (row === undefined) throw new DomainError('resource.not_found');
  return toView(row, { now: of.now, settings, decisions });
}
