import type { Mode } from '../../../domain/act.js';
import type { Scope } from '../../../domain/access/permission.js';
import { effectiveTerms, type EffectiveTerms } from '../../../domain/access/settings.js';
import type { Check } from '../../../domain/earning/check.js';
import type { OpenMoney } from '../../../domain/earning/deadline.js';
import type { Referral, ReferralStage, ReferralStatus } from '../../../domain/earning/referral.js';
import { DomainError } from '../../../domain/errors.js';
import type { OwnTerms } from '../../../domain/program/program.js';
import type { Instant } from '../../../domain/time.js';
import { readSettings } from '../../access/settings.js';
import { type LastDecision, listLastDecisions } from '../../audit/directDecision.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { scopeAffiliates } from '../affiliate/affiliateScope.js';
import { keyset, type Page } from '../keyset.js';
import { type CheckRow, toCheck } from './checkRow.js';
import { namesOwnCustomer, type OwnSearch, ownSearchBindings } from './ownCustomer.js';
import { type ReferralRow, toReferral } from './referralRow.js';

export interface ReferralFlag {
  readonly code: string;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly at: Instant;
}

export interface ReferralFact {
  readonly event: string;
  readonly leadId: string | null;
  readonly saleId: string | null;
  readonly at: Instant;
}

/** A referral with everything its resource shows. */
export interface ReferralView {
  readonly referral: Referral;
  readonly customer: {
    readonly reference: string | null;
    readonly name: string | null;
    readonly email: string | null;
  } | null;
  readonly levels: readonly { readonly level: number; readonly affiliateId: string }[];
  readonly events: readonly ReferralFact[];
  readonly checks: readonly Check[];
  readonly flags: readonly ReferralFlag[];
  readonly commissions: readonly { readonly id: string; readonly affiliateId: string }[];
  readonly money: OpenMoney;
  readonly terms: Pick<
    EffectiveTerms,
    'checkReminder' | 'checkDeadline' | 'checkDeadlineAction' | 'customerVisibility'
  >;
  readonly decision: LastDecision | null;
}

type Bounds = { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant };

export interface ReferralFilter {
  readonly status?: readonly ReferralStatus[] | undefined;
  readonly stage?: readonly ReferralStage[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly groupId?: readonly string[] | undefined;
  readonly linkId?: readonly string[] | undefined;
  readonly contactId?: readonly string[] | undefined;
  readonly assigneeId?: readonly string[] | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly flag?: readonly string[] | undefined;
  readonly event?: readonly string[] | undefined;
  readonly manual?: boolean | undefined;
  readonly dueAt?: Bounds | undefined;
  readonly createdAt?: Bounds | undefined;
  readonly q?: string | undefined;
  /** The affiliate's own search. */
  readonly own?: OwnSearch | undefined;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;
/** Without a status in the filter: a visitor is no prospect yet, and what ended without one is none any more (REF-01). */
const shownByDefault: readonly ReferralStatus[] = ['pending', 'approved', 'rejected'];

const ownCustomer = namesOwnCustomer({
  contactId: 'contact.id',
  name: 'contact.name',
  email: 'contact.email',
  programId: 'referral.program_id',
});

function filtered(tx: ReadTx | Tx, scope: Scope, mode: Mode, filter: ReferralFilter) {
  const query = tx('referrals as referral')
    .leftJoin('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'referral.workspace_id').andOn('affiliate.id', 'referral.affiliate_id'),
    )
    .where('referral.mode', mode)
    .whereIn('referral.status', [...(filter.status ?? shownByDefault)]);
  scopeAffiliates(query, scope, 'affiliate');
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('referral.stage', filter.stage);
  among('referral.affiliate_id', filter.affiliateId);
  among('referral.program_id', filter.programId);
  among('affiliate.group_id', filter.groupId);
  among('referral.link_id', filter.linkId);
  among('referral.contact_id', filter.contactId);
  among('referral.assignee_id', filter.assigneeId);
  if (filter.tag !== undefined) query.whereRaw('referral.tags && ?::text[]', [[...filter.tag]]);
  if (filter.manual !== undefined) query.where('referral.manual', filter.manual);
  if (filter.flag !== undefined)
    query.whereRaw(
      `exists (select from risk_flags as flag where flag.referral_id = referral.id and flag.dismissed_at is null and flag.code = any(?))`,
      [[...filter.flag]],
    );
  if (filter.event !== undefined)
    query.whereRaw(
      `(exists (select from leads as lead where lead.referral_id = referral.id and lead.event = any(:events))
        or exists (select from sales as sale where sale.referral_id = referral.id
                   and coalesce(sale.transaction_type, sale.type) = any(:events)))`,
      { events: [...filter.event] },
    );
  for (const [bound, operator] of Object.entries(comparison)) {
    const created = filter.createdAt?.[bound as keyof typeof comparison];
    if (created !== undefined) query.where('referral.created_at', operator, created);
    const due = filter.dueAt?.[bound as keyof typeof comparison];
    if (due !== undefined) query.where('referral.decide_by', operator, due);
  }
  // Literal search: no pattern characters, so that "%" finds a percent sign (api.md 1.6). An affiliate does not search by what it may not
  // see: a hit would tell who an anonymous customer is.
  if (filter.q !== undefined)
    query.whereRaw(
      `(referral.id = :q or :mayName and exists (
         select from contacts as contact where contact.id = referral.contact_id
           and (strpos(lower(coalesce(contact.name, '')), lower(:q)) > 0 or strpos(lower(coalesce(contact.email, '')), lower(:q)) > 0))
        or :mayName and exists (select from external_customers as customer where customer.contact_id = referral.contact_id
                   and customer.mode = referral.mode and strpos(lower(customer.external_id), lower(:q)) > 0))`,
      { q: filter.q, mayName: scope.kind !== 'affiliate' },
    );
  if (filter.own !== undefined)
    query.whereRaw(
      `(referral.id = :q or exists (
         select from contacts as contact where contact.id = referral.contact_id and ${ownCustomer}))`,
      ownSearchBindings(filter.own),
    );
  return query;
}

// Which referrals may this reader see, by this filter?
export async function listReferrals(
  tx: ReadTx,
  reader: { readonly scope: Scope; readonly mode: Mode },
  filter: ReferralFilter,
  page: Page,
): Promise<readonly ReferralView[]> {
  const rows = await keyset(
    filtered(tx, reader.scope, reader.mode, filter).select<ReferralRow[]>('referral.*'),
    page,
    { createdAt: 'referral.created_at' },
    'referral.id',
  );
  return viewsOf(tx, rows.map(toReferral));
}

// How many referrals does the filter match, by status?
export async function countReferrals(
  tx: ReadTx,
  reader: { readonly scope: Scope; readonly mode: Mode },
  filter: ReferralFilter,
): Promise<{ total: number; byStatus: Record<string, number> }> {
  const rows = await filtered(tx, reader.scope, reader.mode, filter)
    .groupBy('referral.status')
    .select<{ status: string; number: number }[]>('referral.status', tx.raw('count(*)::int as number'));
  return {
    total: rows.reduce((sum, row) => sum + row.number, 0),
    byStatus: Object.fromEntries(rows.map((row) => [row.status, row.number])),
  };
}

/**
 * The referral, when this reader may see it in this mode. Otherwise `resource.not_found`, as for one that never was; staff who are limited
 * to assigned affiliates are told that it is somebody else's (`access.not_in_scope`, api.md 1.2).
 */
export async function requireReferral(
  tx: ReadTx | Tx,
  reader: { readonly scope: Scope; readonly mode: Mode },
  id: string,
): Promise<Referral> {
  const row = await tx('referrals').where({ id, mode: reader.mode }).first<ReferralRow | undefined>();
  if (row === undefined) throw new DomainError('resource.not_found');
  const query = tx('referrals as referral')
    .leftJoin('affiliates as affiliate', (on) =>
      on.on('affiliate.workspace_id', 'referral.workspace_id').andOn('affiliate.id', 'referral.affiliate_id'),
    )
    .where('referral.id', id);
  scopeAffiliates(query, reader.scope, 'affiliate');
  if ((await query.first('referral.id')) === undefined)
    throw new DomainError(reader.scope.kind === 'assigned' ? 'access.not_in_scope' : 'resource.not_found');
  return toReferral(row);
}

/** The referral as its resource shows it, from a row the caller has. */
export async function viewReferral(tx: ReadTx | Tx, referral: Referral): Promise<ReferralView> {
  const [view] = await viewsOf(tx, [referral]);
  if (view === undefined) throw new Error('one referral has one view');
  return view;
}

/** Row of the referral by id, without a reader's limits: after a write of the caller's own. */
export async function getReferralView(tx: ReadTx | Tx, id: string): Promise<ReferralView> {
  const row = await tx('referrals').where({ id }).first<ReferralRow | undefined>();
  if (row === undefined) throw new DomainError('resource.not_found');
  return viewReferral(tx, toReferral(row));
}

async function viewsOf(tx: ReadTx | Tx, referrals: readonly Referral[]): Promise<readonly ReferralView[]> {
  const ids = referrals.map((referral) => referral.id);
  if (ids.length === 0) return [];
  const [customers, levels, events, checks, flags, commissions, money, terms, decisions, settings] = await Promise.all([
    listCustomers(tx, ids),
    listLevels(tx, ids),
    listFacts(tx, ids),
    tx('checks').whereIn('referral_id', ids).orderBy('created_at').orderBy('id').select<CheckRow[]>('*'),
    tx('risk_flags')
      .whereIn('referral_id', ids)
      .whereNull('dismissed_at')
      .orderBy('created_at')
      .select<{ referral_id: string; code: string; evidence: Record<string, unknown>; created_at: Instant }[]>(
        'referral_id',
        'code',
        'evidence',
        'created_at',
      ),
    tx('commissions')
      .whereIn('referral_id', ids)
      .orderBy('created_at')
      .orderBy('id')
      .select<{ referral_id: string; id: string; affiliate_id: string }[]>('referral_id', 'id', 'affiliate_id'),
    listMoney(tx, ids),
    listTerms(tx, ids),
    listLastDecisions(tx, ids),
    readSettings(tx),
  ]);
  return referrals.map((referral) => {
    const of = <T extends { readonly referral_id: string }>(rows: readonly T[]): readonly T[] =>
      rows.filter((row) => row.referral_id === referral.id);
    const [customer] = of(customers);
    const [sums] = of(money);
    const [own] = of(terms);
    return {
      referral,
      customer:
        customer === undefined ? null : { reference: customer.reference, name: customer.name, email: customer.email },
      levels: of(levels).map((row) => ({ level: row.level, affiliateId: row.affiliate_id })),
      events: of(events).map((row) => ({ event: row.event, leadId: row.lead_id, saleId: row.sale_id, at: row.at })),
      checks: of(checks).map(toCheck),
      flags: of(flags).map((row) => ({ code: row.code, evidence: row.evidence, at: row.created_at })),
      commissions: of(commissions).map((row) => ({ id: row.id, affiliateId: row.affiliate_id })),
      money: {
        nextHoldEnd: sums?.next_hold_end ?? null,
        hasPending: sums?.has_pending === true,
        hasHeld: sums?.has_held === true,
        hasUnpaid: sums?.has_unpaid === true,
        lastChangedAt: sums?.last_changed_at ?? null,
      },
      terms: effectiveTerms(settings, { ownTerms: own?.own_terms ?? {} }),
      decision: decisions.get(referral.id) ?? null,
    };
  });
}

interface CustomerRow {
  readonly referral_id: string;
  readonly reference: string | null;
  readonly name: string | null;
  readonly email: string | null;
}

async function listCustomers(tx: ReadTx | Tx, ids: readonly string[]): Promise<readonly CustomerRow[]> {
  const { rows } = await tx.raw<{ rows: CustomerRow[] }>(
    `select referral.id as referral_id, contact.name, contact.email,
       (select min(customer.external_id) from external_customers as customer
        where customer.contact_id = referral.contact_id and customer.mode = referral.mode) as reference
     from referrals as referral
     join contacts as contact on (contact.workspace_id, contact.id) = (referral.workspace_id, referral.contact_id)
     where referral.id = any(:ids)`,
    { ids: [...ids] },
  );
  return rows;
}

interface LevelRow {
  readonly referral_id: string;
  readonly level: number;
  readonly affiliate_id: string;
}

/** The credited affiliate and, as far as the program goes, who recruited whom. */
async function listLevels(tx: ReadTx | Tx, ids: readonly string[]): Promise<readonly LevelRow[]> {
  const { rows } = await tx.raw<{ rows: LevelRow[] }>(
    `with recursive chain as (
       select referral.id as referral_id, 1 as level, referral.affiliate_id, program.levels
       from referrals as referral
       join programs as program on (program.workspace_id, program.id) = (referral.workspace_id, referral.program_id)
       where referral.id = any(:ids) and referral.affiliate_id is not null
       union all
       select chain.referral_id, chain.level + 1, affiliate.recruiter_id, chain.levels
       from chain join affiliates as affiliate on affiliate.id = chain.affiliate_id
       where affiliate.recruiter_id is not null and chain.level < chain.levels
     )
     select referral_id, level, affiliate_id from chain order by referral_id, level`,
    { ids: [...ids] },
  );
  return rows;
}

interface FactRow {
  readonly referral_id: string;
  readonly event: string;
  readonly lead_id: string | null;
  readonly sale_id: string | null;
  readonly at: Instant;
}

/** What counts as an event of the journey: leads that were kept, and sales that were paid (REF-02). */
async function listFacts(tx: ReadTx | Tx, ids: readonly string[]): Promise<readonly FactRow[]> {
  const { rows } = await tx.raw<{ rows: FactRow[] }>(
    `select lead.referral_id, lead.event, lead.id as lead_id, null as sale_id, lead.occurred_at as at
     from leads as lead
     where lead.referral_id = any(:ids) and lead.verdict in ('received', 'accepted', 'converted') and lead.channel <> 'sale'
     union all
     select sale.referral_id,
       case when sale.type = 'transaction' then coalesce(sale.transaction_type, 'transaction')
            when row_number() over (partition by sale.referral_id, sale.type order by sale.occurred_at, sale.id) = 1 then 'first_payment'
            else 'payment' end,
       null, sale.id, sale.occurred_at
     from sales as sale
     where sale.referral_id = any(:ids) and sale.status <> 'declined'
     order by at`,
    { ids: [...ids] },
  );
  return rows;
}

interface MoneyRow {
  readonly referral_id: string;
  readonly next_hold_end: Instant | null;
  readonly has_pending: boolean | null;
  readonly has_held: boolean | null;
  readonly has_unpaid: boolean | null;
  readonly last_changed_at: Instant | null;
}

async function listMoney(tx: ReadTx | Tx, ids: readonly string[]): Promise<readonly MoneyRow[]> {
  const { rows } = await tx.raw<{ rows: MoneyRow[] }>(
    `select line.referral_id,
       min(line.eligible_at) filter (where line.status = 'pending' and not line.on_hold and not line.needs_reviewer) as next_hold_end,
       bool_or(line.status = 'pending') as has_pending,
       bool_or(line.on_hold and line.status in ('pending', 'approved')) as has_held,
       bool_or(line.status = 'approved') as has_unpaid,
       max(line.updated_at) as last_changed_at
     from commissions as line where line.referral_id = any(:ids) group by line.referral_id`,
    { ids: [...ids] },
  );
  return rows;
}

async function listTerms(
  tx: ReadTx | Tx,
  ids: readonly string[],
): Promise<readonly { readonly referral_id: string; readonly own_terms: OwnTerms }[]> {
  const { rows } = await tx.raw<{
    rows: { referral_id: string; own_terms: OwnTerms }[];
  }>(
    `select referral.id as referral_id, program.own_terms
     from referrals as referral
     join programs as program on (program.workspace_id, program.id) = (referral.workspace_id, referral.program_id)
     where referral.id = any(:ids)`,
    { ids: [...ids] },
  );
  return rows;
}
