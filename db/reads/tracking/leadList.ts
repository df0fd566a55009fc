import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import { effectiveTerms, type Settings } from '../../../domain/access/settings.js';
import { DomainError } from '../../../domain/errors.js';
import type { OwnTerms } from '../../../domain/program/program.js';
import type { Instant } from '../../../domain/time.js';
import type { LeadVerdict } from '../../../domain/tracking/lead.js';
import { readSettings } from '../../access/settings.js';
import { type LastDecision, listLastDecisions } from '../../audit/directDecision.js';
import { type Lead, type LeadRow, toLead } from '../../tracking/lead.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

/** A lead with what its program lets affiliates see of the person, and the last decision on it. */
export interface LeadView {
  readonly lead: Lead;
  readonly customerVisibility: 'full' | 'name_only' | 'anonymous';
  readonly decision: LastDecision | null;
}

export interface LeadFilter {
  readonly verdict?: readonly LeadVerdict[] | undefined;
  readonly channel?: readonly string[] | undefined;
  readonly sourceId?: readonly string[] | undefined;
  readonly formId?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly assigneeId?: readonly string[] | undefined;
  /** With an agent or in the queue. */
  readonly assigned?: boolean | undefined;
  readonly department?: readonly string[] | undefined;
  readonly country?: readonly string[] | undefined;
  readonly externalId?: readonly string[] | undefined;
  readonly unique?: boolean | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
  readonly q?: string | undefined;
}

interface ViewRow extends LeadRow {
  readonly own_terms: OwnTerms | null;
}

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('leads as lead')
    .leftJoin('programs as program', (on) =>
      on.on('program.workspace_id', 'lead.workspace_id').andOn('program.id', 'lead.program_id'),
    )
    .where('lead.mode', mode)
    .select<ViewRow[]>('lead.*', 'program.own_terms');
}

// Assigned: the agent's own leads, or those of affiliates somebody looks after (api.md 2).
const assigned = `(lead.assignee_id = :userId
  or exists (select from affiliates as affiliate
             where affiliate.workspace_id = lead.workspace_id and affiliate.id = lead.affiliate_id
               and (affiliate.manager_id = :userId
                    or affiliate.id in (select object_id from user_assignments
                                        where object_type = 'affiliate' and user_id = :userId))))`;

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

// Which leads may this reader see, by this filter, newest first?
export async function listLeads(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  filter: LeadFilter,
  page: Page,
): Promise<readonly LeadView[]> {
  const query = base(tx, mode);
  if (scope.kind === 'assigned') query.whereRaw(assigned, { userId: scope.userId });
  if (scope.kind === 'affiliate') {
    query.whereRaw(ofAffiliate, { affiliateId: scope.affiliateId });
    // By what it is not shown it finds nothing: a hit would tell it all the same.
    const { sourceId, formId, assigneeId, assigned: isAssigned, department } = filter;
    if ([sourceId, formId, assigneeId, isAssigned, department].some((one) => one !== undefined))
      query.whereRaw('false');
    if (filter.affiliateId !== undefined) query.where('lead.affiliate_id', scope.affiliateId);
  }
  if (scope.kind === 'reseller') query.whereRaw('false');
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) query.whereIn(column, [...values]);
  };
  among('lead.verdict', filter.verdict);
  among('lead.channel', filter.channel);
  among('lead.source_id', filter.sourceId);
  among('lead.form_id', filter.formId);
  among('lead.affiliate_id', filter.affiliateId);
  among('lead.program_id', filter.programId);
  among('lead.assignee_id', filter.assigneeId);
  among('lead.department', filter.department);
  // As for a name: an affiliate finds by it only what it sent itself.
  if (filter.country !== undefined)
    query.whereRaw('(:sender::text is null or lead.source = :sender) and lead.country = any(:countries)', {
      sender: scope.kind === 'affiliate' ? scope.affiliateId : null,
      countries: [...filter.country],
    });
  if (filter.assigned === true) query.whereNotNull('lead.assignee_id');
  if (filter.assigned === false) query.whereNull('lead.assignee_id');
  among('lead.external_id', filter.externalId);
  if (filter.unique !== undefined) query.where('lead.is_unique', filter.unique);
  for (const [bound, at] of Object.entries(filter.createdAt ?? {}))
    query.where('lead.created_at', comparison[bound as keyof typeof comparison], at);
  // An affiliate finds by name or mail only what it sent itself: a hit elsewhere would tell who an anonymous customer is.
  if (filter.q !== undefined)
    query.whereRaw(
      `((:sender::text is null or lead.source = :sender) and (strpos(lower(coalesce(lead.name, '')), lower(:q)) > 0
          or strpos(lower(coalesce(lead.email, '')), lower(:q)) > 0)
        or lead.external_id = :q or lead.id = :q)`,
      { q: filter.q, sender: scope.kind === 'affiliate' ? scope.affiliateId : null },
    );
  const [settings, rows] = await Promise.all([
    readSettings(tx),
    keyset(query, page, { createdAt: 'lead.created_at' }, 'lead.id') as PromiseLike<ViewRow[]>,
  ]);
  return viewsOf(tx, settings, rows);
}

// An affiliate's key sees the leads it sent and those it is credited with.
const ofAffiliate = `(lead.affiliate_id = :affiliateId or lead.source = :affiliateId)`;

/** The lead as its resource shows it; refuses with `resource.not_found` and `access.not_in_scope` (api.md 1.2). */
export async function getLeadView(tx: ReadTx | Tx, scope: Scope, mode: Mode, id: string): Promise<LeadView> {
  const [settings, [row]] = await Promise.all([readSettings(tx), base(tx, mode).where('lead.id', id)]);
  const [view] = row === undefined ? [] : await viewsOf(tx, settings, [row]);
  if (view === undefined || scope.kind === 'reseller') throw new DomainError('resource.not_found');
  if (scope.kind === 'affiliate') {
    const isTheirs = view.lead.affiliateId === scope.affiliateId || view.lead.source === scope.affiliateId;
    if (!isTheirs) throw new DomainError('resource.not_found');
  }
  if (scope.kind === 'assigned') {
    const { rows } = await tx.raw<{ rows: unknown[] }>(
      `select from leads as lead where lead.id = :id and ${assigned}`,
      {
        id,
        userId: scope.userId,
      },
    );
    if (rows.length === 0) throw new DomainError('access.not_in_scope');
  }
  return view;
}

async function viewsOf(tx: ReadTx | Tx, settings: Settings, rows: readonly ViewRow[]): Promise<readonly LeadView[]> {
  const decisions = await listLastDecisions(
    tx,
    rows.map((row) => row.id),
  );
  return rows.map((row) => ({
    lead: toLead(row),
    customerVisibility: effectiveTerms(settings, { ownTerms: row.own_terms ?? {} }).customerVisibility,
    decision: decisions.get(row.id) ?? null,
  }));
}
