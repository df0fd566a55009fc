import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { ContactId } from '../../../domain/ids.js';
import type { Instant } from '../../../domain/time.js';
import { emailKey, phoneKey } from '../../../domain/tracking/contactKey.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

export const contactRoles = ['lead', 'customer', 'affiliate'] as const;
export type ContactRole = (typeof contactRoles)[number];

export interface ContactView {
  readonly id: ContactId;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly mergedIntoId: string | null;
  readonly affiliateId: string | null;
  readonly customerAccountId: string | null;
  readonly hasLead: boolean;
  readonly hasSale: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface ContactFilter {
  readonly role?: readonly ContactRole[] | undefined;
  readonly q?: string | undefined;
}

interface ContactRow {
  readonly id: ContactId;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly merged_into_id: string | null;
  readonly affiliate_id: string | null;
  readonly customer_account_id: string | null;
  readonly has_lead: boolean;
  readonly has_sale: boolean;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

const exists = {
  lead: `exists (select from leads where leads.contact_id = contact.id and leads.mode = :mode and leads.verdict not in ('duplicate', 'invalid'))`,
  customer: `exists (select from sales where sales.contact_id = contact.id and sales.mode = :mode and sales.status <> 'declined')`,
  affiliate: `exists (select from affiliates where affiliates.contact_id = contact.id)`,
} as const satisfies Record<ContactRole, string>;

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('contacts as contact').select<ContactRow[]>(
    'contact.id',
    'contact.name',
    'contact.email',
    'contact.phone',
    'contact.company',
    'contact.country',
    'contact.merged_into_id',
    'contact.version',
    'contact.created_at',
    'contact.updated_at',
    tx.raw(
      `(select affiliates.id from affiliates where affiliates.contact_id = contact.id order by affiliates.created_at desc limit 1) as affiliate_id,
       (select account.id from customer_accounts as account where account.contact_id = contact.id and account.mode = :mode) as customer_account_id,
       ${exists.lead} as has_lead, ${exists.customer} as has_sale`,
      { mode },
    ),
  );
}

// Agents and managers see whoever stands behind the leads that are theirs (api.md 2).
export const assignedContact = `exists (select from leads as lead where lead.contact_id = contact.id
  and (lead.assignee_id = :userId
       or exists (select from affiliates as affiliate where affiliate.id = lead.affiliate_id
                  and (affiliate.manager_id = :userId
                       or affiliate.id in (select object_id from user_assignments
                                           where object_type = 'affiliate' and user_id = :userId)))))`;

// Which people does the workspace know?
export async function listContacts(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  filter: ContactFilter,
  page: Page,
): Promise<readonly ContactView[]> {
  const query = base(tx, mode).whereNull('contact.merged_into_id');
  if (scope.kind === 'assigned') query.whereRaw(assignedContact, { userId: scope.userId });
  if (scope.kind === 'affiliate' || scope.kind === 'reseller') query.whereRaw('false');
  if (filter.role !== undefined) query.whereRaw(`(${filter.role.map((role) => exists[role]).join(' or ')})`, { mode });
  if (filter.q !== undefined)
    query.whereRaw(
      `(strpos(lower(coalesce(contact.name, '')), lower(:q)) > 0 or strpos(lower(coalesce(contact.email, '')), lower(:q)) > 0
        or contact.email_key = :email or contact.phone_key = :phone or contact.id = :q)`,
      { q: filter.q, email: emailKey(filter.q), phone: phoneKey(filter.q) ?? '' },
    );
  return (await keyset(query, page, { createdAt: 'contact.created_at' }, 'contact.id')).map(toView);
}

/** Codes: `resource.not_found`, `access.not_in_scope`. */
export async function getContactView(tx: ReadTx | Tx, scope: Scope, mode: Mode, id: string): Promise<ContactView> {
  const [row] = await base(tx, mode).where('contact.id', id);
  if (row === undefined || scope.kind === 'affiliate' || scope.kind === 'reseller')
    throw new DomainError('resource.not_found');
  if (scope.kind === 'assigned') {
    const { rows } = await tx.raw<{ rows: unknown[] }>(
      `select from contacts as contact where contact.id = :id and ${assignedContact}`,
      { id, userId: scope.userId },
    );
    if (rows.length === 0) throw new DomainError('access.not_in_scope');
  }
  return toView(row);
}

function toView(row: ContactRow): ContactView {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    country: row.country,
    mergedIntoId: row.merged_into_id,
    affiliateId: row.affiliate_id,
    customerAccountId: row.customer_account_id,
    hasLead: row.has_lead,
    hasSale: row.has_sale,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export interface ContactReferrer {
  readonly affiliateId: string;
  readonly name: string;
  readonly email: string;
  readonly linkId: string | null;
  readonly at: Instant | null;
}

export interface ContactReferral {
  readonly contactId: string;
  readonly referralId: string;
  readonly programId: string;
  readonly programName: string;
  readonly status: string;
  readonly stage: string;
  readonly affiliateId: string | null;
  readonly first: ContactReferrer | null;
  readonly last: ContactReferrer | null;
}

// Who brought each of these people, per program: first and last referrer with the touch that names them?
export async function listContactReferrals(
  tx: ReadTx | Tx,
  mode: Mode,
  contactIds: readonly string[],
): Promise<readonly ContactReferral[]> {
  if (contactIds.length === 0) return [];
  const side = (name: 'first' | 'last', order: 'asc' | 'desc') => `
    left join affiliates as ${name} on (${name}.workspace_id, ${name}.id) = (referral.workspace_id, referral.${name}_affiliate_id)
    left join lateral (
      select touch.link_id, touch.occurred_at from touches as touch
      where touch.workspace_id = referral.workspace_id and touch.referral_id = referral.id and touch.affiliate_id = referral.${name}_affiliate_id
      order by touch.occurred_at ${order}, touch.source_id ${order} limit 1) as ${name}_touch on true`;
  const columns = (name: 'first' | 'last') =>
    `${name}.id as ${name}_id, ${name}.name as ${name}_name, ${name}.email as ${name}_email, ${name}_touch.link_id as ${name}_link, ${name}_touch.occurred_at as ${name}_at`;
  const { rows } = await tx.raw<{ rows: Record<string, string | null>[] }>(
    `select referral.contact_id, referral.id, referral.program_id, program.name as program_name, referral.status, referral.stage,
            referral.affiliate_id, ${columns('first')}, ${columns('last')}
     from referrals as referral
     join programs as program on (program.workspace_id, program.id) = (referral.workspace_id, referral.program_id)
     ${side('first', 'asc')} ${side('last', 'desc')}
     where referral.contact_id = any(:contactIds) and referral.mode = :mode and referral.status in ('pending', 'approved', 'rejected')
     order by referral.created_at, referral.id`,
    { contactIds: [...contactIds], mode },
  );
  return rows.map((row) => ({
    contactId: row['contact_id'] ?? '',
    referralId: row['id'] ?? '',
    programId: row['program_id'] ?? '',
    programName: row['program_name'] ?? '',
    status: row['status'] ?? '',
    stage: row['stage'] ?? '',
    affiliateId: row['affiliate_id'] ?? null,
    first: referrerOf(row, 'first'),
    last: referrerOf(row, 'last'),
  }));
}

function referrerOf(row: Readonly<Record<string, string | null>>, side: 'first' | 'last'): ContactReferrer | null {
  const affiliateId = row[`${side}_id`] ?? null;
  if (affiliateId === null) return null;
  return {
    affiliateId,
    name: row[`${side}_name`] ?? '',
    email: row[`${side}_email`] ?? '',
    linkId: row[`${side}_link`] ?? null,
    at: (row[`${side}_at`] ?? null) as Instant | null,
  };
}

export interface ContactTouch {
  readonly id: string;
  readonly kind: string;
  readonly referralId: string;
  readonly affiliateId: string | null;
  readonly linkId: string | null;
  readonly sub1: string | null;
  readonly at: Instant;
  readonly endsAt: Instant | null;
}

// Every click, coupon, lead and form of this person, of all affiliates, newest first.
export async function listContactTouches(
  tx: ReadTx,
  mode: Mode,
  contactId: string,
  page: Page,
): Promise<readonly ContactTouch[]> {
  const { rows } = await tx.raw<{ rows: Record<string, string | null>[] }>(
    `select * from (
       select touch.source_id as id, touch.kind, touch.referral_id, touch.affiliate_id, touch.link_id, touch.sub1, touch.occurred_at as at,
              touch.ends_at
       from touches as touch join referrals as referral on (referral.workspace_id, referral.id) = (touch.workspace_id, touch.referral_id)
       where referral.contact_id = :contactId and referral.mode = :mode and touch.kind <> 'lead'
       union all
       select lead.id, case lead.channel when 'form' then 'form' else 'lead' end, coalesce(lead.referral_id, ''), lead.affiliate_id,
              lead.link_id, lead.sub1, lead.occurred_at, null
       from leads as lead where lead.contact_id = :contactId and lead.mode = :mode) as step
     where cast(:after as timestamptz) is null or (at, id) < (cast(:after as timestamptz), :afterId)
     order by at desc, id desc limit :limit`,
    {
      contactId,
      mode,
      after: page.after === null ? null : String(page.after.value),
      afterId: page.after?.id ?? '',
      limit: page.limit + 1,
    },
  );
  return rows.map((row) => ({
    id: row['id'] ?? '',
    kind: row['kind'] ?? '',
    referralId: row['referral_id'] ?? '',
    affiliateId: row['affiliate_id'] ?? null,
    linkId: row['link_id'] ?? null,
    sub1: row['sub1'] ?? null,
    at: row['at'] as Instant,
    endsAt: (row['ends_at'] ?? null) as Instant | null,
  }));
}
