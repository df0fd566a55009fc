import type { Act, Mode } from '../../domain/act.js';
import type { Sale, SaleEvent, SaleLine, SaleStatus } from '../../domain/earning/sale.js';
import { saleTransitions } from '../../domain/earning/sale.js';
import { assertInvariant } from '../../domain/errors.js';
import type {
  AffiliateId,
  ContactId,
  DecisionId,
  LeadId,
  LinkId,
  ProductId,
  ProgramId,
  ReferralId,
  SaleId,
} from '../../domain/ids.js';
import type { CurrencyCode } from '../../domain/money.js';
import type { UnstatedPart } from '../../domain/program/planEvent.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { know, later, once, run } from '../pipeline.js';
import { given, updateOf } from '../statements.js';
import type { ReadTx, Tx } from '../transaction.js';

interface LineJson {
  readonly productId: string | null;
  readonly product: string | null;
  readonly quantity: number;
  readonly amountMinor: string;
  readonly taxMinor: string;
  readonly feesMinor: string;
  readonly shippingMinor: string;
  readonly depositMinor: string;
  /** Absent in sales older than it. */
  readonly unstated?: readonly UnstatedPart[];
  readonly code: string | null;
}

export interface SaleRow {
  readonly id: string;
  readonly mode: Mode;
  readonly source: string;
  readonly external_id: string;
  readonly content_hash: Buffer;
  readonly type: Sale['type'];
  readonly transaction_type: string | null;
  readonly status: SaleStatus;
  readonly channel: string;
  readonly in_review: boolean;
  readonly currency: string;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
  readonly lines: readonly LineJson[];
  readonly subscription_external_id: string | null;
  readonly payment_number: number | null;
  readonly customer_external_id: string | null;
  readonly customer_email: string | null;
  readonly click_id: string | null;
  readonly coupon: string | null;
  readonly program_hint_id: string | null;
  readonly contact_id: string | null;
  readonly lead_id: string | null;
  readonly program_id: string | null;
  readonly affiliate_id: string | null;
  readonly link_id: string | null;
  readonly sub1: string | null;
  readonly referral_id: string | null;
  readonly attribution_status: Sale['attributionStatus'];
  readonly attribution_code: string | null;
  readonly no_commission_code: string | null;
  readonly parked_code: Sale['parkedCode'];
  readonly metadata: Readonly<Record<string, string>>;
  readonly occurred_at: Instant;
  readonly processed_at: Instant | null;
  readonly outcome: string | null;
  readonly correction_id: string | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toSale(row: SaleRow): Sale {
  return {
    id: row.id as SaleId,
    mode: row.mode,
    source: row.source,
    externalId: row.external_id,
    contentHash: row.content_hash.toString('hex'),
    type: row.type,
    transactionType: row.transaction_type,
    status: row.status,
    channel: row.channel,
    inReview: row.in_review,
    currency: row.currency as CurrencyCode,
    captured: row.captured_minor,
    refunded: row.refunded_minor,
    lines: row.lines.map((line) => ({
      productId: line.productId as ProductId | null,
      product: line.product,
      quantity: line.quantity,
      amount: BigInt(line.amountMinor),
      tax: BigInt(line.taxMinor),
      fees: BigInt(line.feesMinor),
      shipping: BigInt(line.shippingMinor),
      deposit: BigInt(line.depositMinor),
      ...(line.unstated === undefined ? {} : { unstated: line.unstated }),
      code: line.code,
    })),
    subscriptionExternalId: row.subscription_external_id,
    paymentNumber: row.payment_number,
    customerExternalId: row.customer_external_id,
    customerEmail: row.customer_email,
    clickId: row.click_id,
    coupon: row.coupon,
    programHintId: row.program_hint_id,
    contactId: row.contact_id as ContactId | null,
    leadId: row.lead_id as LeadId | null,
    programId: row.program_id as ProgramId | null,
    affiliateId: row.affiliate_id as AffiliateId | null,
    linkId: row.link_id,
    sub1: row.sub1,
    referralId: row.referral_id as ReferralId | null,
    attributionStatus: row.attribution_status,
    attributionCode: row.attribution_code,
    noCommissionCode: row.no_commission_code,
    parkedCode: row.parked_code,
    metadata: row.metadata,
    occurredAt: row.occurred_at,
    processedAt: row.processed_at,
    outcome: row.outcome,
    correctionId: row.correction_id as DecisionId | null,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export type NewSale = Omit<
  Sale,
  'mode' | 'refunded' | 'noCommissionCode' | 'correctionId' | 'version' | 'createdAt' | 'updatedAt'
>;
/** What a later act may set. Status moves only by an event of the table. */
export type SaleChange = Partial<
  Pick<
    Sale,
    | 'refunded'
    | 'lines'
    | 'contactId'
    | 'leadId'
    | 'programId'
    | 'affiliateId'
    | 'linkId'
    | 'clickId'
    | 'sub1'
    | 'referralId'
    | 'attributionStatus'
    | 'attributionCode'
    | 'noCommissionCode'
    | 'parkedCode'
    | 'paymentNumber'
    | 'inReview'
    | 'processedAt'
    | 'outcome'
    | 'captured'
    | 'correctionId'
    | 'contentHash'
    | 'occurredAt'
  >
>;

const columnNames = {
  refunded: 'refunded_minor',
  lines: 'lines',
  contactId: 'contact_id',
  leadId: 'lead_id',
  programId: 'program_id',
  affiliateId: 'affiliate_id',
  linkId: 'link_id',
  clickId: 'click_id',
  sub1: 'sub1',
  referralId: 'referral_id',
  attributionStatus: 'attribution_status',
  attributionCode: 'attribution_code',
  noCommissionCode: 'no_commission_code',
  parkedCode: 'parked_code',
  paymentNumber: 'payment_number',
  inReview: 'in_review',
  processedAt: 'processed_at',
  outcome: 'outcome',
  captured: 'captured_minor',
  correctionId: 'correction_id',
  contentHash: 'content_hash',
  occurredAt: 'occurred_at',
} as const satisfies Record<keyof SaleChange, string>;

function linesJson(lines: readonly SaleLine[]): string {
  return JSON.stringify(
    lines.map(
      (line): LineJson => ({
        productId: line.productId,
        product: line.product,
        quantity: line.quantity,
        amountMinor: line.amount.toString(),
        taxMinor: line.tax.toString(),
        feesMinor: line.fees.toString(),
        shippingMinor: line.shipping.toString(),
        depositMinor: line.deposit.toString(),
        ...(line.unstated === undefined ? {} : { unstated: line.unstated }),
        code: line.code,
      }),
    ),
  );
}

function columnsOf(change: SaleChange): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(columnNames).flatMap(([name, column]): readonly (readonly [string, unknown])[] => {
      const value = change[name as keyof SaleChange];
      if (value === undefined) return [];
      if (name === 'lines') return [[column, linesJson(change.lines ?? [])]];
      if (name === 'contentHash') return [[column, Buffer.from(change.contentHash ?? '', 'hex')]];
      return [[column, value]];
    }),
  );
}

/** Stores the sale and its first audit entry; undefined when its natural key is taken (the caller compares the content). */
export async function insertSale(tx: Tx, act: Act, sale: NewSale): Promise<Sale | undefined> {
  const [row] = await tx('sales')
    .insert({
      id: sale.id,
      mode: act.mode,
      source: sale.source,
      external_id: sale.externalId,
      content_hash: Buffer.from(sale.contentHash, 'hex'),
      type: sale.type,
      transaction_type: sale.transactionType,
      status: sale.status,
      channel: sale.channel,
      in_review: sale.inReview,
      currency: sale.currency,
      captured_minor: sale.captured,
      lines: linesJson(sale.lines),
      subscription_external_id: sale.subscriptionExternalId,
      payment_number: sale.paymentNumber,
      customer_external_id: sale.customerExternalId,
      customer_email: sale.customerEmail,
      click_id: sale.clickId,
      coupon: sale.coupon,
      program_hint_id: sale.programHintId,
      contact_id: sale.contactId,
      lead_id: sale.leadId,
      program_id: sale.programId,
      affiliate_id: sale.affiliateId,
      link_id: sale.linkId,
      sub1: sale.sub1,
      referral_id: sale.referralId,
      attribution_status: sale.attributionStatus,
      attribution_code: sale.attributionCode,
      parked_code: sale.parkedCode,
      metadata: JSON.stringify(sale.metadata),
      occurred_at: sale.occurredAt,
      processed_at: sale.processedAt,
      outcome: sale.outcome,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(['workspace_id', 'mode', 'source', 'external_id'])
    .ignore()
    .returning<SaleRow[]>('*');
  if (row === undefined) return undefined;
  await recordAudit(tx, act, {
    objectType: 'sale',
    objectId: sale.id,
    seq: 1,
    event: 'reported',
    to: sale.status,
    changes: { amountMinor: sale.captured.toString(), currency: sale.currency, referralId: sale.referralId },
  });
  return toSale(row);
}

const notes = ['processed', 'tied', 'confirmed', 'attributedByHand', 'judgedAgain', 'discarded'] as const;
/** What happens to a sale without moving its status. */
export type SaleNote = (typeof notes)[number];

function isNote(event: SaleEvent | SaleNote): event is SaleNote {
  return (notes as readonly string[]).includes(event);
}

/** Writes a change of a locked sale with its audit entry and the next version. */
export async function updateSale(
  tx: Tx,
  act: Act,
  sale: Sale,
  event: SaleEvent | SaleNote,
  change: SaleChange,
  reasonCode: string | null = null,
): Promise<Sale> {
  const to = isNote(event) ? sale.status : nextStatus(saleTransitions, sale.status, event);
  assertInvariant(to !== undefined, 'a move is in the table', { from: sale.status, event });
  const columns = columnsOf(change);
  later(
    tx,
    updateOf('sales', [...Object.keys(columns), 'status', 'version', 'updated_at'], ['id']),
    [...Object.values(columns), to, sale.version + 1, act.now, sale.id],
    1,
  );
  const changed: Sale = { ...sale, ...given(change), status: to, version: sale.version + 1, updatedAt: act.now };
  know(tx, ['sales'], `sales/${sale.id}`, changed);
  await recordAudit(tx, act, {
    objectType: 'sale',
    objectId: sale.id,
    seq: sale.version + 1,
    event,
    from: sale.status,
    to,
    ...(reasonCode === null ? {} : { reasonCode }),
    changes: {
      ...(change.captured === undefined ? {} : { amountMinor: [sale.captured.toString(), change.captured.toString()] }),
      ...(change.refunded === undefined
        ? {}
        : { refundedMinor: [sale.refunded.toString(), change.refunded.toString()] }),
      ...(change.noCommissionCode === undefined ? {} : { noCommissionCode: change.noCommissionCode }),
      ...(change.outcome === undefined ? {} : { outcome: change.outcome }),
      ...(change.referralId === undefined ? {} : { referralId: change.referralId }),
    },
  });
  return changed;
}

export async function findSale(tx: ReadTx | Tx, id: string): Promise<Sale | undefined> {
  const row = await tx('sales').where({ id }).first<SaleRow | undefined>();
  return row === undefined ? undefined : toSale(row);
}

/** Its referral's lock comes first where it has one: that is what keeps the order of money.md 9. */
export function lockSale(tx: Tx, id: string): Promise<Sale | undefined> {
  return once(tx, ['sales'], `sales/${id}`, async () => {
    const [row] = await run<SaleRow>(tx, 'select * from sales where id = $1 for no key update', [id]);
    return row === undefined ? undefined : toSale(row);
  });
}

export async function findSaleByExternalId(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly source: string; readonly externalId: string },
): Promise<Sale | undefined> {
  const row = await tx('sales')
    .where({ mode: of.mode, source: of.source, external_id: of.externalId })
    .first<SaleRow | undefined>();
  return row === undefined ? undefined : toSale(row);
}

/**
 * The row of the shop's own customer number, made or locked: a sale of an unknown customer and the lead that makes it known wait for
 * each other here (money.md 9). Answers the contact, if known.
 */
export async function upsertExternalCustomer(
  tx: Tx,
  act: Act,
  externalId: string,
  contactId: ContactId | null = null,
): Promise<ContactId | null> {
  const { rows } = await tx.raw<{ rows: { contact_id: string | null }[] }>(
    `insert into external_customers (mode, external_id, contact_id) values (:mode, :externalId, :contactId)
     on conflict (workspace_id, mode, external_id)
     do update set contact_id = coalesce(external_customers.contact_id, excluded.contact_id)
     returning contact_id`,
    { mode: act.mode, externalId, contactId },
  );
  return (rows[0]?.contact_id ?? null) as ContactId | null;
}

/** Payments of the contact before this one: succeeded, of a product of the program, credited or not (api.md 6.2). */
export async function hasEarlierPayment(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly contactId: string;
    readonly saleId: string;
    readonly occurredAt: Instant;
    readonly programId: string;
    /** The products of the program at the time of the sale. */
    readonly productIds: readonly string[];
  },
): Promise<boolean> {
  const rows = await run(
    tx,
    `select 1 from sales as sale
     where sale.contact_id = $1 and sale.mode = $2 and sale.id <> $3 and sale.type = 'payment'
       and sale.status <> 'declined' and sale.captured_minor > 0
       and (sale.processed_at is not null or (sale.occurred_at, sale.id) < ($4, $3))
       and exists (
         select from jsonb_array_elements(sale.lines) as line
         where line ->> 'productId' = any ($5::text[])
           or exists (select from program_product_removals as removal
                      where removal.workspace_id = sale.workspace_id and removal.program_id = $6
                        and removal.product_id = line ->> 'productId' and removal.removed_at > sale.occurred_at))
     limit 1`,
    [of.contactId, of.mode, of.saleId, of.occurredAt, of.productIds, of.programId],
  );
  return rows.length > 0;
}

/** How many successful payments of a subscription came before, by the order in which they happened. */
export async function countEarlierPayments(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly source: string;
    readonly subscriptionExternalId: string;
    readonly saleId: string;
    readonly occurredAt: Instant;
  },
): Promise<number> {
  const { rows } = await tx.raw<{ rows: { count: number }[] }>(
    `select count(*)::int as count from sales as sale
     where sale.mode = :mode and sale.source = :source and sale.subscription_external_id = :subscriptionExternalId
       and sale.id <> :saleId and sale.status <> 'declined' and (sale.occurred_at, sale.id) < (:occurredAt, :saleId)`,
    of,
  );
  return rows[0]?.count ?? 0;
}

/** Whom the first payment of a subscription credited, and by which link; undefined: it is the first, or credited nobody. */
export async function findSubscriptionCredit(
  tx: ReadTx | Tx,
  of: {
    readonly mode: Mode;
    readonly referralId: string;
    readonly source: string;
    readonly subscriptionExternalId: string;
    readonly saleId: string;
  },
): Promise<{ readonly affiliateId: AffiliateId; readonly linkId: LinkId | null } | undefined> {
  const row = await tx('sales')
    .where({
      mode: of.mode,
      referral_id: of.referralId,
      source: of.source,
      subscription_external_id: of.subscriptionExternalId,
    })
    .whereNot('id', of.saleId)
    .whereNot('status', 'declined')
    .whereNotNull('affiliate_id')
    .orderBy('occurred_at')
    .orderBy('id')
    .first<{ affiliate_id: AffiliateId; link_id: LinkId | null } | undefined>('affiliate_id', 'link_id');
  return row === undefined ? undefined : { affiliateId: row.affiliate_id, linkId: row.link_id };
}

/** When the referral was last credited before this sale, by a form or a purchase; a renewal is neither. */
export async function findLastCreditBefore(
  tx: Tx,
  of: { readonly referralId: string; readonly saleId: string; readonly at: Instant },
): Promise<Instant | null> {
  const [row] = await run<{ since: Instant | null }>(
    tx,
    `select max(occurred_at) as since from (
       select occurred_at from sales
       where referral_id = $1 and id <> $2 and affiliate_id is not null and processed_at is not null and coalesce(payment_number, 1) = 1
       union all
       select occurred_at from leads
       where referral_id = $1 and channel <> 'sale' and attribution_status = 'attributed') as fact
     where occurred_at <= $3`,
    [of.referralId, of.saleId, of.at],
  );
  return row?.since ?? null;
}

/** Sales that wait for their customer to become known. */
export async function listParkedSales(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly customerExternalId: string },
): Promise<readonly Sale[]> {
  const rows = await tx('sales')
    .where({ mode: of.mode, customer_external_id: of.customerExternalId, parked_code: 'unknown_customer' })
    .orderBy('occurred_at')
    .orderBy('id')
    .select<SaleRow[]>('*');
  return rows.map(toSale);
}

/** Which of these sales are under review, or just confirmed and not judged anew: nothing of them approves by itself (TRK-19). */
export async function listSalesInReview(tx: ReadTx | Tx, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const [one, ...others] = new Set(ids); // a line names its sale twice where the sale raised it
  // One sale, as every approval asks: by equality. With `= any` Postgres makes a plan for each call, which costs ten times the look.
  const [which, value] = others.length === 0 ? ['= $1', one] : ['= any ($1::text[])', [one, ...others]];
  const rows = await run<{ id: string }>(
    tx,
    `select id from sales where id ${which} and (in_review or (correction_id is not null and processed_at is null))`,
    [value],
  );
  return new Set(rows.map((row) => row.id));
}
