import type { Scope } from '../../../domain/access/permission.js';
import type { Mode } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { ContactId, CustomerAccountId } from '../../../domain/ids.js';
import type { CustomerAccountStatus } from '../../../domain/reseller/customerAccount.js';
import type { Instant } from '../../../domain/time.js';
import { emailKey, phoneKey } from '../../../domain/tracking/contactKey.js';
import type { ReadTx, Tx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';
import { assignedContact } from '../tracking/contactList.js';

export interface CustomerAccountView {
  readonly id: CustomerAccountId;
  readonly mode: Mode;
  readonly contactId: ContactId;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly status: CustomerAccountStatus;
  readonly hasPassword: boolean;
  /** Until when the newest set-password link works; null: there is none that still does. */
  readonly linkExpiresAt: Instant | null;
  /** The lead that opened it; null: staff did. */
  readonly leadId: string | null;
  /** Whose referral the customer's first lead belongs to. */
  readonly affiliateId: string | null;
  readonly referralId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface CustomerAccountFilter {
  readonly status?: readonly CustomerAccountStatus[] | undefined;
  readonly contactId?: readonly string[] | undefined;
  readonly affiliateId?: readonly string[] | undefined;
  readonly q?: string | undefined;
}

interface ViewRow {
  readonly id: CustomerAccountId;
  readonly mode: Mode;
  readonly contact_id: ContactId;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly status: CustomerAccountStatus;
  readonly has_password: boolean;
  readonly link_expires_at: Instant | null;
  readonly lead_id: string | null;
  readonly affiliate_id: string | null;
  readonly referral_id: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

function base(tx: ReadTx | Tx, mode: Mode) {
  return tx('customer_accounts as account')
    .join('contacts as contact', (on) =>
      on.on('contact.workspace_id', 'account.workspace_id').andOn('contact.id', 'account.contact_id'),
    )
    .joinRaw(
      `left join lateral (
         select lead.referral_id, referral.affiliate_id
         from leads as lead
         left join referrals as referral on (referral.workspace_id, referral.id) = (lead.workspace_id, lead.referral_id)
         where lead.workspace_id = account.workspace_id and lead.contact_id = account.contact_id and lead.mode = account.mode
         order by (lead.referral_id is null), lead.created_at, lead.id limit 1) as journey on true
       left join lateral (
         select lead.id from leads as lead
         where lead.workspace_id = account.workspace_id and lead.contact_id = account.contact_id
           and lead.customer_account_id = account.id
         order by lead.created_at, lead.id limit 1) as opener on true
       left join lateral (
         select max(token.expires_at) as expires_at from customer_tokens as token
         where token.workspace_id = account.workspace_id and token.customer_account_id = account.id
           and token.kind = 'set_password' and token.used_at is null and token.expires_at > now()) as link on true`,
    )
    .where('account.mode', mode)
    .select<ViewRow[]>(
      'account.id',
      'account.mode',
      'account.contact_id',
      'contact.name',
      'contact.email',
      'contact.phone',
      'contact.company',
      'contact.country',
      'account.status',
      tx.raw('account.password_hash is not null as has_password'),
      'link.expires_at as link_expires_at',
      'opener.id as lead_id',
      'journey.affiliate_id',
      'journey.referral_id',
      'account.metadata',
      'account.version',
      'account.created_at',
      'account.updated_at',
    );
}

// Which customers have an account, by this filter, as far as the reader sees the people behind them?
export async function listCustomerAccounts(
  tx: ReadTx,
  scope: Scope,
  mode: Mode,
  filter: CustomerAccountFilter,
  page: Page,
): Promise<readonly CustomerAccountView[]> {
  const query = base(tx, mode);
  if (scope.kind === 'assigned') query.whereRaw(assignedContact, { userId: scope.userId });
  if (scope.kind === 'affiliate' || scope.kind === 'reseller') query.whereRaw('false');
  if (filter.status !== undefined) query.whereIn('account.status', [...filter.status]);
  if (filter.contactId !== undefined) query.whereIn('account.contact_id', [...filter.contactId]);
  if (filter.affiliateId !== undefined) query.whereIn('journey.affiliate_id', [...filter.affiliateId]);
  if (filter.q !== undefined)
    query.whereRaw(
      `(strpos(lower(coalesce(contact.name, '')), lower(:q)) > 0 or strpos(lower(coalesce(contact.email, '')), lower(:q)) > 0
        or contact.email_key = :email or contact.phone_key = :phone or account.id = :q or contact.id = :q)`,
      { q: filter.q, email: emailKey(filter.q), phone: phoneKey(filter.q) ?? '' },
    );
  return (await keyset(query, page, { createdAt: 'account.created_at' }, 'account.id')).map(toView);
}

/** Codes: `resource.not_found`, `access.not_in_scope`. */
export async function getCustomerAccountView(
  tx: ReadTx | Tx,
  scope: Scope,
  mode: Mode,
  id: string,
): Promise<CustomerAccountView> {
  const row = await base(tx, mode).where('account.id', id).first<ViewRow | undefined>();
  if (row === undefined || scope.kind === 'affiliate' || scope.kind === 'reseller')
    throw new DomainError('resource.not_found');
  if (scope.kind === 'assigned') {
    const { rows } = await tx.raw<{ rows: unknown[] }>(
      `select from contacts as contact where contact.id = :id and ${assignedContact}`,
      { id: row.contact_id, userId: scope.userId },
    );
    if (rows.length === 0) throw new DomainError('access.not_in_scope');
  }
  return toView(row);
}

export interface CustomerSubscription {
  readonly contactId: string;
  readonly externalId: string;
  readonly payments: number;
  readonly firstPaidAt: Instant;
  readonly lastPaidAt: Instant;
}

// Which subscriptions do these people pay for, by the sales that were reported of them?
export async function listCustomerSubscriptions(
  tx: ReadTx | Tx,
  mode: Mode,
  contactIds: readonly string[],
): Promise<readonly CustomerSubscription[]> {
  if (contactIds.length === 0) return [];
  const rows = await tx('sales')
    .whereIn('contact_id', [...contactIds])
    .where({ mode })
    .whereNotNull('subscription_external_id')
    .whereNot('status', 'declined')
    .groupBy('contact_id', 'source', 'subscription_external_id')
    .orderByRaw('min(occurred_at), subscription_external_id')
    .select<
      {
        readonly contact_id: string;
        readonly subscription_external_id: string;
        readonly payments: string;
        readonly first_paid_at: Instant;
        readonly last_paid_at: Instant;
      }[]
    >(
      'contact_id',
      'subscription_external_id',
      tx.raw('count(*)::text as payments'),
      tx.raw('min(occurred_at) as first_paid_at'),
      tx.raw('max(occurred_at) as last_paid_at'),
    );
  return rows.map((row) => ({
    contactId: row.contact_id,
    externalId: row.subscription_external_id,
    payments: Number(row.payments),
    firstPaidAt: row.first_paid_at,
    lastPaidAt: row.last_paid_at,
  }));
}

function toView(row: ViewRow): CustomerAccountView {
  return {
    id: row.id,
    mode: row.mode,
    contactId: row.contact_id,
    name: row.name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    country: row.country,
    status: row.status,
    hasPassword: row.has_password,
    linkExpiresAt: row.link_expires_at,
    leadId: row.lead_id,
    affiliateId: row.affiliate_id,
    referralId: row.referral_id,
    metadata: row.metadata,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
