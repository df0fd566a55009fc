import type { Knex } from 'knex';
import type { Mode } from '../../../domain/act.js';
import { effectiveTerms, type EffectiveTerms } from '../../../domain/access/settings.js';
import type { AffiliateId, ContactId, ProgramId, ReferralId } from '../../../domain/ids.js';
import type { ReferralStatus } from '../../../domain/earning/referral.js';
import type { OwnTerms } from '../../../domain/program/program.js';
import type { Instant } from '../../../domain/time.js';
import { readSettings } from '../../access/settings.js';
import type { ReadTx } from '../../transaction.js';
import { keyset, type Page } from '../keyset.js';

/** `suspended`: the account is; `ended`: the newest payment was of a subscription that has been cancelled since; else `active`. */
export const customerStates = ['active', 'ended', 'suspended'] as const;
export type CustomerState = (typeof customerStates)[number];

/** A referral whose contact is a customer: by a payment on it, or by an account (glossary). */
export interface AffiliateCustomer {
  readonly referralId: ReferralId;
  readonly referralStatus: ReferralStatus;
  readonly programId: ProgramId;
  readonly contactId: ContactId;
  readonly reference: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly state: CustomerState;
  /** The first payment or the account, whichever came first. */
  readonly startedAt: Instant;
  readonly lastPaymentAt: Instant | null;
  readonly payments: number;
  readonly customerVisibility: EffectiveTerms['customerVisibility'];
}

export interface CustomerFilter {
  readonly state?: readonly CustomerState[] | undefined;
  readonly programId?: readonly string[] | undefined;
  readonly startedAt?: { readonly [K in 'gte' | 'gt' | 'lte' | 'lt']?: Instant };
  /** Literal, in name, address and the shop's number of the customer. */
  readonly q?: string | undefined;
  /** An affiliate does not search by what it may not see: a hit would tell who an anonymous customer is. */
  readonly mayName: boolean;
}

interface CustomerRow {
  readonly id: ReferralId;
  readonly status: ReferralStatus;
  readonly program_id: ProgramId;
  readonly contact_id: ContactId;
  readonly reference: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly state: CustomerState;
  readonly started_at: Instant;
  readonly last_payment_at: Instant | null;
  readonly payments: number;
  readonly own_terms: OwnTerms;
}

// A declined charge is no payment. The journeys of one affiliate are looked at, never the workspace's, so each may be asked for its payments.
const customers = `(
  select referral.id, referral.status, referral.program_id, referral.contact_id, contact.name, contact.email, program.own_terms,
    number.reference, least(paid.first_at, account.created_at) as started_at, paid.last_at as last_payment_at, paid.payments,
    case when account.status = 'suspended' then 'suspended' when newest.has_ended then 'ended' else 'active' end as state
  from referrals as referral
  join contacts as contact on (contact.workspace_id, contact.id) = (referral.workspace_id, referral.contact_id)
  join programs as program on (program.workspace_id, program.id) = (referral.workspace_id, referral.program_id)
  left join customer_accounts as account
    on (account.workspace_id, account.mode, account.contact_id) = (referral.workspace_id, referral.mode, referral.contact_id)
  cross join lateral (
    select min(sale.occurred_at) as first_at, max(sale.occurred_at) as last_at, count(*)::int as payments
    from sales as sale
    where sale.workspace_id = referral.workspace_id and sale.referral_id = referral.id and sale.status <> 'declined') as paid
  left join lateral (
    select ended.cancelled_at is not null as has_ended
    from sales as sale
    left join subscription_ends as ended
      on (ended.workspace_id, ended.mode, ended.source, ended.subscription_external_id)
       = (sale.workspace_id, sale.mode, sale.source, sale.subscription_external_id)
    where sale.workspace_id = referral.workspace_id and sale.referral_id = referral.id and sale.status <> 'declined'
    order by sale.occurred_at desc, sale.id desc limit 1) as newest on true
  cross join lateral (
    select min(known.external_id) as reference from external_customers as known
    where known.workspace_id = referral.workspace_id and known.mode = referral.mode and known.contact_id = referral.contact_id) as number
  where referral.affiliate_id = ? and referral.mode = ? and referral.status in ('pending', 'approved', 'rejected')
    and (paid.payments > 0 or account.id is not null)
) as customer`;

const comparison = { gte: '>=', gt: '>', lte: '<=', lt: '<' } as const;

function filtered(
  tx: ReadTx,
  of: { readonly affiliateId: AffiliateId; readonly mode: Mode },
  filter: CustomerFilter,
): Knex.QueryBuilder {
  const query = tx.from(tx.raw(customers, [of.affiliateId, of.mode]));
  if (filter.state !== undefined) query.whereIn('customer.state', [...filter.state]);
  if (filter.programId !== undefined) query.whereIn('customer.program_id', [...filter.programId]);
  for (const [bound, operator] of Object.entries(comparison)) {
    const at = filter.startedAt?.[bound as keyof typeof comparison];
    if (at !== undefined) query.where('customer.started_at', operator, at);
  }
  if (filter.q !== undefined)
    query.whereRaw(
      `(customer.id = :q or :mayName and (strpos(lower(coalesce(customer.name, '')), lower(:q)) > 0
        or strpos(lower(coalesce(customer.email, '')), lower(:q)) > 0 or strpos(lower(coalesce(customer.reference, '')), lower(:q)) > 0))`,
      { q: filter.q, mayName: filter.mayName },
    );
  return query;
}

// Which customers did this affiliate bring, since when, and do they still buy (AFF-19)? One line per referral: who buys in two programs is in both.
export async function listAffiliateCustomers(
  tx: ReadTx,
  of: { readonly affiliateId: AffiliateId; readonly mode: Mode },
  filter: CustomerFilter,
  page: Page,
): Promise<readonly AffiliateCustomer[]> {
  const rows = (await keyset(
    filtered(tx, of, filter).select('customer.*'),
    page,
    { startedAt: 'customer.started_at' },
    'customer.id',
  )) as readonly CustomerRow[];
  const settings = await readSettings(tx);
  return rows.map((row) => ({
    referralId: row.id,
    referralStatus: row.status,
    programId: row.program_id,
    contactId: row.contact_id,
    reference: row.reference,
    name: row.name,
    email: row.email,
    state: row.state,
    startedAt: row.started_at,
    lastPaymentAt: row.last_payment_at,
    payments: row.payments,
    customerVisibility: effectiveTerms(settings, { ownTerms: row.own_terms }).customerVisibility,
  }));
}

// How many of them match, by state?
export async function countAffiliateCustomers(
  tx: ReadTx,
  of: { readonly affiliateId: AffiliateId; readonly mode: Mode },
  filter: CustomerFilter,
): Promise<{ total: number; byStatus: Record<string, number> }> {
  const rows = (await filtered(tx, of, filter)
    .groupBy('customer.state')
    .select('customer.state', tx.raw('count(*)::int as number'))) as readonly { state: string; number: number }[];
  return {
    total: rows.reduce((sum, row) => sum + row.number, 0),
    byStatus: Object.fromEntries(rows.map((row) => [row.state, row.number])),
  };
}
