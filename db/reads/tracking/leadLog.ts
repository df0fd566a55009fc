import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import { publicReasons } from '../../../domain/publicReason.js';
import type { Instant } from '../../../domain/time.js';
import type { ReadTx } from '../../transaction.js';
import { namesOwnCustomer, type OwnSearch, ownSearchBindings } from '../earning/ownCustomer.js';
import type { Page } from '../keyset.js';

/** One inbound attempt: a lead that is kept, with its verdict, or a call that brought none, with its code (LED-27). */
export interface LeadLogEntry {
  readonly id: string;
  readonly at: Instant;
  readonly channel: string;
  /** `refused`, or the lead's verdict. */
  readonly outcome: string;
  readonly code: string | null;
  readonly leadId: string | null;
  readonly contactId: string | null;
  readonly externalId: string | null;
  readonly event: string | null;
  readonly unique: boolean | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly keyId: string | null;
  readonly formId: string | null;
  readonly sourceId: string | null;
  /** From where it was sent, as long as the log of calls is kept. */
  readonly address: string | null;
  readonly affiliateId: string | null;
  readonly programId: string | null;
  readonly clickId: string | null;
  readonly coupon: string | null;
  readonly referralId: string | null;
  readonly assigneeId: string | null;
  readonly attributionStatus: string | null;
  readonly attributionCode: string | null;
  readonly sub1: string | null;
  /** What carries its credit, as it was decided: the kind of the touch that won, or `referral` for an earlier decision there. */
  readonly matchKind: 'click' | 'coupon' | 'lead' | 'manual' | 'referral' | null;
  readonly customFields: Readonly<Record<string, string>>;
  /** Of a refused call: masked when it was logged. */
  readonly payload: unknown;
  readonly requestId: string | null;
}

export interface LeadLogFilter {
  readonly channel?: readonly string[] | undefined;
  readonly outcome?: readonly string[] | undefined;
  readonly code?: readonly string[] | undefined;
  readonly keyId?: readonly string[] | undefined;
  readonly formId?: readonly string[] | undefined;
  readonly sourceId?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly createdAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant } | undefined;
  /** Literal: reference, name, address, affiliate, id of the lead. */
  readonly q?: string | undefined;
  /** The affiliate's own search. */
  readonly own?: OwnSearch | undefined;
}

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

// Both halves are cut to the page by their own index before they are put together: a union sorted as a whole would read both tables.
const ofLeads = `
  select lead.id, lead.created_at, lead.channel, lead.verdict as outcome, coalesce(lead.verdict_code, lead.attribution_code) as code,
         lead.id as lead_id, lead.external_id, lead.event, lead.is_unique, lead.name, lead.email, lead.phone, lead.company,
         null as key_id, lead.form_id, lead.source_id, taken.address, lead.affiliate_id, lead.program_id, lead.click_id, lead.coupon,
         lead.contact_id, lead.referral_id, lead.assignee_id, lead.attribution_status, lead.attribution_code, lead.sub1, lead.custom_fields,
         matched.kind as match_kind, cast(null as jsonb) as payload, null as request_id
  from leads as lead
  left join lateral (
    select coalesce((select one ->> 'kind' from jsonb_array_elements(decided.candidates) as one where cast(one ->> 'won' as boolean) limit 1),
                    'referral') as kind
    from attributions as decided
    where decided.workspace_id = lead.workspace_id and decided.referral_id = lead.referral_id and decided.cause_id = lead.id) as matched on true
  left join lateral (
    select call.address from api_log as call
    where call.workspace_id = lead.workspace_id and call.lead_id = lead.id
    order by call.created_at limit 1) as taken on true`;
const ofCalls = `
  select call.id, call.created_at, call.lead_channel as channel, 'refused' as outcome, call.code,
         null as lead_id, call.payload ->> 'externalId' as external_id, call.payload ->> 'event' as event, cast(null as boolean) as is_unique,
         null as name, null as email, null as phone, null as company,
         call.key_id, call.form_id, null as source_id, call.address, call.affiliate_id, null as program_id,
         call.payload ->> 'clickId' as click_id, call.payload ->> 'coupon' as coupon,
         null as contact_id, null as referral_id, null as assignee_id, null as attribution_status, null as attribution_code, call.payload ->> 'sub1' as sub1,
         cast('{}' as jsonb) as custom_fields, null as match_kind, call.payload, call.request_id
  from api_log as call`;

interface LogRow {
  readonly id: string;
  readonly created_at: Instant;
  readonly channel: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly lead_id: string | null;
  readonly contact_id: string | null;
  readonly external_id: string | null;
  readonly event: string | null;
  readonly is_unique: boolean | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly key_id: string | null;
  readonly form_id: string | null;
  readonly source_id: string | null;
  readonly address: string | null;
  readonly affiliate_id: string | null;
  readonly program_id: string | null;
  readonly click_id: string | null;
  readonly coupon: string | null;
  readonly referral_id: string | null;
  readonly assignee_id: string | null;
  readonly attribution_status: string | null;
  readonly attribution_code: string | null;
  readonly sub1: string | null;
  readonly match_kind: LeadLogEntry['matchKind'];
  readonly custom_fields: Readonly<Record<string, string>>;
  readonly payload: unknown;
  readonly request_id: string | null;
}

const ownCustomer = namesOwnCustomer({
  contactId: 'lead.contact_id',
  name: 'lead.name',
  email: 'lead.email',
  programId: 'lead.program_id',
});

/** What an affiliate may look for: by what it is not shown it finds nothing, because a hit would tell it all the same. */
function shownTo(affiliateId: string, filter: LeadLogFilter): LeadLogFilter {
  const { code, affiliateId: credited, formId, sourceId } = filter;
  return {
    ...filter,
    code: code?.filter((one) => publicReasons.has(one)),
    affiliateId: credited?.filter((one) => one === affiliateId),
    formId: formId === undefined ? undefined : [],
    sourceId: sourceId === undefined ? undefined : [],
  };
}

// Which leads came in, by whatever way, and which attempts brought none, newest first?
export async function listLeadLog(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  asked: LeadLogFilter,
  page: Page,
): Promise<readonly LeadLogEntry[]> {
  if (scope.kind === 'reseller') return [];
  const filter = scope.kind === 'affiliate' ? shownTo(scope.affiliateId, asked) : asked;
  const direction = page.descending ? 'desc' : 'asc';
  const bindings: Record<string, unknown> = { mode, limit: page.limit + 1 };
  const leads = [`lead.mode = :mode`];
  const calls = [
    `call.mode = :mode`,
    `call.lead_channel is not null and call.code is not null and call.lead_id is null`,
  ];
  const both = (column: string, condition: string): void => {
    leads.push(`lead.${column} ${condition}`);
    calls.push(`call.${column} ${condition}`);
  };
  if (scope.kind === 'affiliate') {
    bindings['own'] = scope.affiliateId;
    leads.push(`(lead.affiliate_id = :own or lead.source = :own)`);
    calls.push(`call.affiliate_id = :own`);
  }
  if (scope.kind === 'assigned') {
    bindings['userId'] = scope.userId;
    // A refused attempt belongs to no agent.
    calls.push('false');
    leads.push(`(lead.assignee_id = :userId
      or exists (select from affiliates as affiliate
                 where affiliate.workspace_id = lead.workspace_id and affiliate.id = lead.affiliate_id
                   and (affiliate.manager_id = :userId
                        or affiliate.id in (select object_id from user_assignments
                                            where object_type = 'affiliate' and user_id = :userId))))`);
  }
  const among = (name: Exclude<keyof LeadLogFilter, 'createdAt' | 'q' | 'own'>, lead: string, call: string): void => {
    const values = filter[name];
    if (values === undefined) return;
    bindings[name] = [...values];
    leads.push(`${lead} = any(:${name})`);
    calls.push(`${call} = any(:${name})`);
  };
  among('channel', 'lead.channel', 'call.lead_channel');
  among('outcome', 'lead.verdict', `cast('refused' as text)`);
  among('code', 'coalesce(lead.verdict_code, lead.attribution_code)', 'call.code');
  among('keyId', 'cast(null as text)', 'call.key_id');
  among('formId', 'lead.form_id', 'call.form_id');
  among('sourceId', 'lead.source_id', 'cast(null as text)');
  among('affiliateId', 'lead.affiliate_id', 'call.affiliate_id');
  among('programId', 'lead.program_id', 'cast(null as text)');
  const namesLead = `(lead.id = :q or strpos(lower(coalesce(lead.external_id, '')), lower(:q)) > 0`;
  const namesCall = `(call.id = :q or call.request_id = :q or strpos(lower(coalesce(call.payload ->> 'externalId', '')), lower(:q)) > 0`;
  if (filter.q !== undefined) {
    bindings['q'] = filter.q;
    const isNamed = (column: string): string => `or exists (
      select from affiliates as named where named.id = ${column} and strpos(lower(named.name), lower(:q)) > 0)`;
    const names = `or strpos(lower(coalesce(lead.name, '')), lower(:q)) > 0 or strpos(lower(coalesce(lead.email, '')), lower(:q)) > 0`;
    // An affiliate's key does not search by what its owner may not see: neither the person nor who else is credited.
    const isStaff = scope.kind !== 'affiliate';
    leads.push(`${namesLead} ${isStaff ? `${names} ${isNamed('lead.affiliate_id')}` : ''})`);
    calls.push(`${namesCall} ${isStaff ? isNamed('call.affiliate_id') : ''})`);
  }
  if (filter.own !== undefined) {
    Object.assign(bindings, ownSearchBindings(filter.own));
    leads.push(`${namesLead} or ${ownCustomer})`);
    calls.push(`${namesCall})`);
  }
  for (const [bound, at] of Object.entries(filter.createdAt ?? {})) {
    bindings[`at_${bound}`] = at;
    both('created_at', `${comparison[bound as keyof typeof comparison]} :at_${bound}`);
  }
  if (page.after !== null) {
    bindings['afterValue'] = page.after.value;
    bindings['afterId'] = page.after.id;
    for (const [half, table] of [
      [leads, 'lead'],
      [calls, 'call'],
    ] as const)
      half.push(
        `(${table}.created_at, ${table}.id) ${page.descending ? '<' : '>'} (cast(:afterValue as timestamptz), :afterId)`,
      );
  }
  const half = (select: string, table: string, where: readonly string[]): string =>
    `(${select} where ${where.join(' and ')} order by ${table}.created_at ${direction}, ${table}.id ${direction} limit :limit)`;
  const { rows } = await tx.raw<{ rows: LogRow[] }>(
    `select * from (${half(ofLeads, 'lead', leads)} union all ${half(ofCalls, 'call', calls)}) as entry
     order by created_at ${direction}, id ${direction} limit :limit`,
    bindings as never,
  );
  return rows.map((row) => ({
    id: row.id,
    at: row.created_at,
    channel: row.channel,
    outcome: row.outcome,
    code: row.code,
    leadId: row.lead_id,
    contactId: row.contact_id,
    externalId: row.external_id,
    event: row.event,
    unique: row.is_unique,
    name: row.name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    keyId: row.key_id,
    formId: row.form_id,
    sourceId: row.source_id,
    address: row.address,
    affiliateId: row.affiliate_id,
    programId: row.program_id,
    clickId: row.click_id,
    coupon: row.coupon,
    referralId: row.referral_id,
    assigneeId: row.assignee_id,
    attributionStatus: row.attribution_status,
    attributionCode: row.attribution_code,
    sub1: row.sub1,
    matchKind: row.match_kind,
    customFields: row.custom_fields,
    payload: row.payload,
    requestId: row.request_id,
  }));
}

// Which customers' identity may affiliates see, per program?
export async function listVisibilities(
  tx: ReadTx,
  programIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx('programs')
    .whereIn('id', [...programIds])
    .select<{ id: string; own: string | null }[]>('id', tx.raw(`own_terms ->> 'customerVisibility' as own`));
  return new Map(rows.flatMap(({ id, own }) => (own === null ? [] : [[id, own] as const])));
}
