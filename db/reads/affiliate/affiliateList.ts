import type { Knex } from 'knex';
import type { Scope } from '../../../domain/access/permission.js';
import {
  type Affiliate,
  type AffiliateKind,
  type AffiliateStatus,
  type EnrolmentSummary,
  isActive,
} from '../../../domain/affiliate/affiliate.js';
import type { DocumentFact, DocumentKind } from '../../../domain/affiliate/document.js';
import { type EnrolmentStatus, openForEnrolment } from '../../../domain/affiliate/enrolment.js';
import type { OpenRequirement } from '../../../domain/affiliate/requirement.js';
import type { AffiliateId, EnrolmentId, LinkId, ProgramId } from '../../../domain/ids.js';
import type { CurrencyCode } from '../../../domain/money.js';
import type { EnrolmentRequirement } from '../../../domain/program/program.js';
import type { Instant } from '../../../domain/time.js';
import { type AffiliateRow, toAffiliate } from '../../affiliate/affiliate.js';
import { isBelowStandard, listBelowStandard } from '../../program/standard.js';
import { type LastDecision, listLastDecisions } from '../../audit/directDecision.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { type AffiliateChoice, figureToSortBy, isFigureSort } from '../reporting/affiliateFigures.js';
import type { ActivitySpan } from '../reporting/rollup.js';
import { scopeAffiliates } from './affiliateScope.js';

export interface AffiliateView {
  readonly affiliate: Affiliate;
  readonly enrolments: readonly EnrolmentSummary[];
  readonly openRequirements: readonly OpenRequirement[];
  readonly recruitCode: string | null;
  readonly isActive: boolean;
  readonly riskFlags: readonly string[];
  /** Of a program's standard, in the last period that was judged (PRG-18). */
  readonly belowStandard: boolean;
  readonly firstLoginAt: Instant | null;
  /** Since when it declines messages to many (NTF-16). */
  readonly optedOutAt: Instant | null;
  readonly decision: LastDecision | null;
}

export interface AffiliateFilter {
  readonly id?: readonly string[] | undefined;
  readonly status?: readonly AffiliateStatus[] | undefined;
  readonly active?: boolean | undefined;
  readonly groupId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly rank?: readonly number[] | undefined;
  readonly kind?: readonly AffiliateKind[] | undefined;
  readonly tag?: readonly string[] | undefined;
  readonly managerId?: readonly string[] | undefined;
  readonly recruiterId?: readonly string[] | undefined;
  readonly country?: readonly string[] | undefined;
  readonly neverLoggedIn?: boolean | undefined;
  readonly belowStandard?: boolean | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
  readonly q?: string | undefined;
  /** What a segment keeps: its filter has to match too. */
  readonly segment?: AffiliateFilter | undefined;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

function filtered(tx: ReadTx | Tx, scope: Scope, filter: AffiliateFilter) {
  const query = tx('affiliates');
  scopeAffiliates(query, scope);
  narrow(query, filter);
  return query;
}

function narrow(query: Knex.QueryBuilder, filter: AffiliateFilter): void {
  const among = (column: string, values: readonly (string | number)[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('affiliates.id', filter.id);
  among('affiliates.status', filter.status);
  among('affiliates.group_id', filter.groupId);
  among('affiliates.rank', filter.rank);
  among('affiliates.kind', filter.kind);
  among('affiliates.manager_id', filter.managerId);
  among('affiliates.recruiter_id', filter.recruiterId);
  among('affiliates.country', filter.country);
  if (filter.belowStandard !== undefined) query.whereRaw(`${isBelowStandard} = ?`, [filter.belowStandard]);
  if (filter.neverLoggedIn !== undefined)
    query.whereRaw('(affiliates.first_login_at is null) = ?', [filter.neverLoggedIn]);
  if (filter.tag !== undefined) query.whereRaw('affiliates.tags && ?::text[]', [[...filter.tag]]);
  if (filter.programId !== undefined)
    query.whereRaw(
      `exists (select from enrolments as enrolment
               where enrolment.affiliate_id = affiliates.id and enrolment.status <> 'ended' and enrolment.program_id = any(?))`,
      [[...filter.programId]],
    );
  if (filter.active !== undefined)
    query.whereRaw(
      `(affiliates.status = 'approved' and exists (select from enrolments as enrolment
               where enrolment.affiliate_id = affiliates.id and enrolment.status = 'active')) = ?`,
      [filter.active],
    );
  for (const [bound, operator] of Object.entries(comparison)) {
    const value = filter.createdAt?.[bound as keyof typeof comparison];
    if (value !== undefined) query.where('affiliates.created_at', operator, value);
  }
  // Literal search: no pattern characters, so that "%" finds a percent sign (api.md 1.6).
  if (filter.q !== undefined)
    query.whereRaw(
      `(strpos(lower(affiliates.name), lower(:q)) > 0 or strpos(lower(affiliates.email), lower(:q)) > 0
        or strpos(lower(coalesce(affiliates.company, '')), lower(:q)) > 0 or affiliates.id = :q)`,
      { q: filter.q },
    );
  if (filter.segment !== undefined) narrow(query, filter.segment);
}

/** By what affiliates are ordered beside their own fields: figures of some days (ADM-05), amounts in one currency. */
export interface FigureOrder {
  readonly span: ActivitySpan;
  readonly currency: CurrencyCode;
}

/** A row of the list, with the figure it was ordered by; null: by a field of its own. */
export interface ListedAffiliate extends AffiliateView {
  readonly figure: string | null;
}

// Which affiliates may this reader see, by this filter?
export async function listAffiliates(
  tx: ReadTx,
  scope: Scope,
  filter: AffiliateFilter,
  page: Page,
  order?: FigureOrder,
): Promise<readonly ListedAffiliate[]> {
  const rows = await pageOfAffiliates(tx, filtered(tx, scope, filter), page, order);
  const views = await viewAffiliates(tx, rows.map(toAffiliate));
  return views.map((view, index) => ({ ...view, figure: rows[index]?.figure?.toString() ?? null }));
}

type ListedRow = AffiliateRow & { readonly figure?: bigint | Instant };

async function pageOfAffiliates(
  tx: ReadTx,
  chosen: Knex.QueryBuilder,
  page: Page,
  order: FigureOrder | undefined,
): Promise<readonly ListedRow[]> {
  const columns = { createdAt: 'affiliates.created_at', name: 'affiliates.name' };
  if (!isFigureSort(page.sort))
    return keyset(chosen.select<ListedRow[]>('affiliates.*'), page, columns, 'affiliates.id');
  if (order === undefined) throw new Error(`no days for the figure ${page.sort}`);
  const figures = await figureToSortBy(tx, order.span, { sort: page.sort, currency: order.currency });
  // Named apart before they are ordered: a cursor compares columns.
  const counted = chosen
    .joinRaw(`left join (${figures.sql}) as figures on figures.affiliate_id = affiliates.id`, figures.bindings as never)
    .select('affiliates.*', tx.raw(`coalesce(figures.figure, ${figures.ifNone}) as figure`))
    .as('affiliates');
  const query = (tx(counted as never) as unknown as Knex.QueryBuilder).select<ListedRow[]>('affiliates.*');
  return keyset(query, page, { [page.sort]: 'affiliates.figure' }, 'affiliates.id');
}

/** The ids of a filter as a part of a larger statement; its bindings are named `chosen0`, `chosen1`, … */
export function chooseAffiliates(tx: ReadTx, scope: Scope, filter: AffiliateFilter): AffiliateChoice {
  const { sql, bindings } = filtered(tx, scope, filter).select('affiliates.id').toSQL();
  const parts = sql.split('?');
  const named = parts.map((part, index) => (index === parts.length - 1 ? part : `${part}:chosen${index}`)).join('');
  return { sql: named, bindings: Object.fromEntries(bindings.map((value, index) => [`chosen${index}`, value])) };
}

// How many affiliates does the filter match, by status?
export async function countAffiliates(
  tx: ReadTx,
  scope: Scope,
  filter: AffiliateFilter,
): Promise<{ total: number; byStatus: Record<string, number> }> {
  const rows = await filtered(tx, scope, filter)
    .groupBy('affiliates.status')
    .select<{ status: string; number: number }[]>('affiliates.status', tx.raw('count(*)::int as number'));
  return {
    total: rows.reduce((sum, row) => sum + row.number, 0),
    byStatus: Object.fromEntries(rows.map((row) => [row.status, row.number])),
  };
}

/** The affiliate as its resource shows it, from a row the caller has. */
export async function viewAffiliate(tx: ReadTx | Tx, affiliate: Affiliate): Promise<AffiliateView> {
  const [view] = await viewAffiliates(tx, [affiliate]);
  if (view === undefined) throw new Error('one affiliate has one view');
  return view;
}

interface EnrolmentFactRow {
  readonly id: EnrolmentId;
  readonly affiliate_id: AffiliateId;
  readonly program_id: ProgramId;
  readonly status: EnrolmentStatus;
  readonly joined_at: Instant;
  readonly link_id: LinkId | null;
  readonly program_name: string;
  readonly requirements: readonly EnrolmentRequirement[];
  readonly must_accept: boolean;
  readonly accepted: boolean;
  readonly applied: boolean;
  /** Null where the program asks for no documents. */
  readonly document_kinds: readonly DocumentKind[] | null;
  readonly documents: readonly DocumentFact[] | null;
}

/** The enrolments of these affiliates, each with its default link and what the program asks. */
export async function listEnrolmentFacts(
  tx: ReadTx | Tx,
  affiliateIds: readonly string[],
): Promise<readonly EnrolmentFactRow[]> {
  const { rows } = await tx.raw<{ rows: EnrolmentFactRow[] }>(
    `
    select enrolment.id, enrolment.affiliate_id, enrolment.program_id, enrolment.status, enrolment.joined_at,
           link.id as link_id, program.name as program_name, program.requirements,
           coalesce(terms.must_accept, false) as must_accept,
           acceptance.agreement_id is not null as accepted,
           first_act.event = 'applied' as applied, form.documents as document_kinds, papers.documents
    from enrolments as enrolment
    join programs as program
      on program.workspace_id = enrolment.workspace_id and program.id = enrolment.program_id
    join audit_entries as first_act
      on first_act.workspace_id = enrolment.workspace_id and first_act.object_id = enrolment.affiliate_id and first_act.seq = 1
    left join lateral (
      select agreement.id, agreement.must_accept
      from agreements as agreement
      where agreement.workspace_id = enrolment.workspace_id and agreement.program_id = enrolment.program_id
        and agreement.kind = 'terms' and agreement.effective_from <= now()
      order by agreement.number desc
      limit 1) as terms on true
    left join agreement_acceptances as acceptance
      on acceptance.workspace_id = enrolment.workspace_id and acceptance.agreement_id = terms.id
      and acceptance.affiliate_id = enrolment.affiliate_id
    left join application_forms as form
      on form.workspace_id = enrolment.workspace_id and form.program_id = enrolment.program_id
      and 'documents' = any(program.requirements)
    left join lateral (
      select jsonb_agg(jsonb_build_object('type', paper.type, 'status', paper.status)
                       order by paper.created_at desc, paper.id desc) as documents
      from affiliate_documents as paper
      where paper.workspace_id = enrolment.workspace_id and paper.affiliate_id = enrolment.affiliate_id
        and paper.status <> 'replaced' and 'documents' = any(program.requirements)) as papers on true
    left join lateral (
      select link.id
      from links as link
      where link.workspace_id = enrolment.workspace_id and link.affiliate_id = enrolment.affiliate_id
        and link.program_id = enrolment.program_id and link.is_default and link.status <> 'archived'
      order by link.created_at desc, link.id desc
      limit 1) as link on true
    where enrolment.affiliate_id = any(:affiliateIds)
    order by enrolment.created_at, enrolment.id`,
    { affiliateIds: [...affiliateIds] },
  );
  return rows;
}

/** What is open for one enrolment of an affiliate. */
export function openOf(
  row: Pick<
    EnrolmentFactRow,
    'program_name' | 'requirements' | 'must_accept' | 'accepted' | 'applied' | 'document_kinds' | 'documents'
  >,
  affiliate: Pick<Affiliate, 'emailVerifiedAt'>,
): readonly OpenRequirement[] {
  return openForEnrolment({
    programName: row.program_name,
    requirements: row.requirements,
    madeByStaff: !row.applied,
    emailVerified: affiliate.emailVerifiedAt !== null,
    mustAcceptTerms: row.must_accept,
    termsAccepted: row.accepted,
    documentKinds: row.document_kinds ?? [],
    documents: row.documents ?? [],
  });
}

/** Affiliates as their resource shows them, in their order. */
export async function viewAffiliates(
  tx: ReadTx | Tx,
  affiliates: readonly Affiliate[],
): Promise<readonly AffiliateView[]> {
  const ids = affiliates.map((affiliate) => affiliate.id);
  if (ids.length === 0) return [];
  const [facts, decisions, below, { rows: extras }] = await Promise.all([
    listEnrolmentFacts(tx, ids),
    listLastDecisions(tx, ids),
    listBelowStandard(tx, ids),
    tx.raw<{
      rows: {
        id: string;
        recruit_code: string | null;
        flags: string[];
        first_login_at: Instant | null;
        opted_out_at: Instant | null;
      }[];
    }>(
      `
    select affiliate.id,
      (select link.slug from links as link
       where link.workspace_id = affiliate.workspace_id and link.affiliate_id = affiliate.id
         and link.kind = 'recruit' and link.status = 'active'
       order by link.created_at limit 1) as recruit_code,
      array(select distinct flag.code from risk_flags as flag
            where flag.workspace_id = affiliate.workspace_id and flag.affiliate_id = affiliate.id
              and flag.dismissed_at is null
            order by flag.code) as flags,
      affiliate.first_login_at, choice.opted_out_at
    from affiliates as affiliate
    left join message_choices as choice on (choice.workspace_id, choice.affiliate_id) = (affiliate.workspace_id, affiliate.id)
    where affiliate.id = any(:ids)`,
      { ids },
    ),
  ]);
  return affiliates.map((affiliate) => {
    const own = facts.filter((row) => row.affiliate_id === affiliate.id);
    const enrolments = own.map((row) => ({
      id: row.id,
      programId: row.program_id,
      status: row.status,
      joinedAt: row.joined_at,
      linkId: row.link_id,
    }));
    const open = own.filter((row) => row.status === 'pending').flatMap((row) => openOf(row, affiliate));
    const extra = extras.find((row) => row.id === affiliate.id);
    return {
      affiliate,
      enrolments,
      openRequirements: uniqueByCode(open),
      recruitCode: extra?.recruit_code ?? null,
      isActive: isActive(affiliate, enrolments),
      riskFlags: extra?.flags ?? [],
      belowStandard: below.has(affiliate.id),
      firstLoginAt: extra?.first_login_at ?? null,
      optedOutAt: extra?.opted_out_at ?? null,
      decision: decisions.get(affiliate.id) ?? null,
    };
  });
}

function uniqueByCode(open: readonly OpenRequirement[]): readonly OpenRequirement[] {
  return [...new Map(open.map((one) => [`${one.code} ${one.detail}`, one])).values()];
}
