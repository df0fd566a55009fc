import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type {
  AffiliateId,
  ContactId,
  CustomerAccountId,
  LeadFormId,
  LeadId,
  LeadSourceId,
  LinkId,
  ProgramId,
  ReferralId,
  UserId,
} from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { type LeadEvent, type LeadVerdict, leadTransitions } from '../../domain/tracking/lead.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import { know, later, once, run } from '../pipeline.js';
import { given, updateOf } from '../statements.js';
import type { ReadTx, Tx } from '../transaction.js';

export type LeadKind = 'enquiry' | 'registration';
export type LeadChannel = 'form' | 'api' | 'postback' | 'script' | 'manual' | 'import' | 'payment_hook' | 'sale';

/** One submitted form, API lead or hand entry, with a verdict. */
export interface Lead {
  readonly id: LeadId;
  readonly mode: Mode;
  readonly source: string;
  readonly externalId: string | null;
  /** SHA-256 of what was sent, hex: the same external id with other content is another lead (api.md 1.4). */
  readonly contentHash: string;
  readonly customerExternalId: string | null;
  readonly event: LeadKind;
  readonly channel: LeadChannel;
  readonly verdict: LeadVerdict;
  readonly verdictCode: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly contactId: ContactId | null;
  readonly duplicateOfId: LeadId | null;
  readonly isUnique: boolean;
  readonly programId: ProgramId | null;
  readonly affiliateId: AffiliateId | null;
  readonly linkId: LinkId | null;
  readonly clickId: string | null;
  readonly coupon: string | null;
  readonly sub1: string | null;
  readonly referralId: ReferralId | null;
  readonly attributionStatus: 'attributed' | 'unattributed';
  readonly attributionCode: string | null;
  readonly assigneeId: UserId | null;
  /** Which rule or who chose the assignee (LED-02, LED-03). */
  readonly assignedBy: 'affiliate' | 'form' | 'source' | 'staff' | null;
  /** Of its source when it came in: the queue that it waits in without an assignee. */
  readonly department: string | null;
  readonly sourceId: LeadSourceId | null;
  readonly formId: LeadFormId | null;
  /** The published version of the form that its sender saw. */
  readonly formVersion: number | null;
  readonly customerAccountId: CustomerAccountId | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly customFields: Readonly<Record<string, string>>;
  readonly consent: { readonly text: string; readonly given: boolean } | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly occurredAt: Instant;
  readonly processedAt: Instant | null;
  readonly outcome: string | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export interface LeadRow {
  readonly id: string;
  readonly mode: Mode;
  readonly source: string;
  readonly external_id: string | null;
  readonly content_hash: Buffer;
  readonly customer_external_id: string | null;
  readonly event: LeadKind;
  readonly channel: LeadChannel;
  readonly verdict: LeadVerdict;
  readonly verdict_code: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly contact_id: string | null;
  readonly duplicate_of_id: string | null;
  readonly is_unique: boolean;
  readonly program_id: string | null;
  readonly affiliate_id: string | null;
  readonly link_id: string | null;
  readonly click_id: string | null;
  readonly coupon: string | null;
  readonly sub1: string | null;
  readonly referral_id: string | null;
  readonly attribution_status: Lead['attributionStatus'];
  readonly attribution_code: string | null;
  readonly assignee_id: string | null;
  readonly assigned_by: Lead['assignedBy'];
  readonly department: string | null;
  readonly source_id: string | null;
  readonly form_id: string | null;
  readonly form_version: number | null;
  readonly customer_account_id: string | null;
  readonly tags: readonly string[];
  readonly notes: string | null;
  readonly custom_fields: Lead['customFields'];
  readonly consent: Lead['consent'];
  readonly metadata: Lead['metadata'];
  readonly occurred_at: Instant;
  readonly processed_at: Instant | null;
  readonly outcome: string | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

export function toLead(row: LeadRow): Lead {
  return {
    id: row.id as LeadId,
    mode: row.mode,
    source: row.source,
    externalId: row.external_id,
    contentHash: row.content_hash.toString('hex'),
    customerExternalId: row.customer_external_id,
    event: row.event,
    channel: row.channel,
    verdict: row.verdict,
    verdictCode: row.verdict_code,
    name: row.name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    country: row.country,
    contactId: row.contact_id as ContactId | null,
    duplicateOfId: row.duplicate_of_id as LeadId | null,
    isUnique: row.is_unique,
    programId: row.program_id as ProgramId | null,
    affiliateId: row.affiliate_id as AffiliateId | null,
    linkId: row.link_id as LinkId | null,
    clickId: row.click_id,
    coupon: row.coupon,
    sub1: row.sub1,
    referralId: row.referral_id as ReferralId | null,
    attributionStatus: row.attribution_status,
    attributionCode: row.attribution_code,
    assigneeId: row.assignee_id as UserId | null,
    assignedBy: row.assigned_by,
    department: row.department,
    sourceId: row.source_id as LeadSourceId | null,
    formId: row.form_id as LeadFormId | null,
    formVersion: row.form_version,
    customerAccountId: row.customer_account_id as CustomerAccountId | null,
    tags: row.tags,
    notes: row.notes,
    customFields: row.custom_fields,
    consent: row.consent,
    metadata: row.metadata,
    occurredAt: row.occurred_at,
    processedAt: row.processed_at,
    outcome: row.outcome,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

type Routed =
  | 'assignedBy'
  | 'department'
  | 'sourceId'
  | 'formId'
  | 'formVersion'
  | 'customerAccountId'
  | 'tags'
  | 'notes';

/** What a new lead says of itself; it begins as `received`. */
export type NewLead = Omit<
  Lead,
  | Routed
  | 'mode'
  | 'verdict'
  | 'verdictCode'
  | 'attributionStatus'
  | 'attributionCode'
  | 'processedAt'
  | 'outcome'
  | 'version'
  | 'createdAt'
  | 'updatedAt'
> &
  // Only intake by source or form knows these.
  Partial<Pick<Lead, Exclude<Routed, 'tags' | 'notes' | 'customerAccountId'>>>;

/** What a later act may set. The verdict moves only by an event of the table. */
export type LeadChange = Partial<
  Pick<
    Lead,
    | 'verdictCode'
    | 'contactId'
    | 'programId'
    | 'affiliateId'
    | 'linkId'
    | 'sub1'
    | 'referralId'
    | 'attributionStatus'
    | 'attributionCode'
    | 'duplicateOfId'
    | 'isUnique'
    | 'assigneeId'
    | 'assignedBy'
    | 'customerAccountId'
    | 'tags'
    | 'notes'
    | 'customFields'
    | 'metadata'
    | 'processedAt'
    | 'outcome'
  >
>;
/** What happens to a lead without moving its verdict. */
export type LeadNote = 'readdressed' | 'processed' | 'edited' | 'attributedByHand' | 'accountOpened';
const notes: ReadonlySet<string> = new Set([
  'readdressed',
  'processed',
  'edited',
  'attributedByHand',
  'accountOpened',
] satisfies LeadNote[]);
/** Free text that may name a person: the history says that it changed, not to what (architecture.md 8). */
const quiet: ReadonlySet<string> = new Set(['customFields', 'metadata', 'tags', 'notes']);

const columnNames = {
  verdictCode: 'verdict_code',
  contactId: 'contact_id',
  programId: 'program_id',
  affiliateId: 'affiliate_id',
  linkId: 'link_id',
  sub1: 'sub1',
  referralId: 'referral_id',
  attributionStatus: 'attribution_status',
  attributionCode: 'attribution_code',
  duplicateOfId: 'duplicate_of_id',
  isUnique: 'is_unique',
  assigneeId: 'assignee_id',
  assignedBy: 'assigned_by',
  customerAccountId: 'customer_account_id',
  tags: 'tags',
  notes: 'notes',
  customFields: 'custom_fields',
  metadata: 'metadata',
  processedAt: 'processed_at',
  outcome: 'outcome',
} as const satisfies Record<keyof LeadChange, string>;

/** Writes the lead as `received` and its first audit entry. Undefined: this source's external id has a lead already. */
export async function insertLead(tx: Tx, act: Act, lead: NewLead): Promise<Lead | undefined> {
  const [row] = await tx('leads')
    .insert({
      id: lead.id,
      mode: act.mode,
      source: lead.source,
      external_id: lead.externalId,
      content_hash: Buffer.from(lead.contentHash, 'hex'),
      customer_external_id: lead.customerExternalId,
      event: lead.event,
      channel: lead.channel,
      verdict: 'received',
      name: lead.name,
      email: lead.email,
      phone: lead.phone,
      company: lead.company,
      country: lead.country,
      contact_id: lead.contactId,
      duplicate_of_id: lead.duplicateOfId,
      is_unique: lead.isUnique,
      program_id: lead.programId,
      affiliate_id: lead.affiliateId,
      link_id: lead.linkId,
      click_id: lead.clickId,
      coupon: lead.coupon,
      sub1: lead.sub1,
      referral_id: lead.referralId,
      assignee_id: lead.assigneeId,
      assigned_by: lead.assignedBy ?? null,
      department: lead.department ?? null,
      source_id: lead.sourceId ?? null,
      form_id: lead.formId ?? null,
      form_version: lead.formVersion ?? null,
      custom_fields: JSON.stringify(lead.customFields),
      consent: lead.consent === null ? null : JSON.stringify(lead.consent),
      metadata: JSON.stringify(lead.metadata),
      occurred_at: lead.occurredAt,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(tx.raw('(workspace_id, mode, source, external_id) where external_id is not null'))
    .ignore()
    .returning<LeadRow[]>('*');
  if (row === undefined) return undefined;
  await recordAudit(tx, act, {
    objectType: 'lead',
    objectId: lead.id,
    seq: 1,
    event: 'received',
    to: 'received',
    changes: {
      channel: lead.channel,
      event: lead.event,
      referralId: lead.referralId,
      contactId: lead.contactId,
      ...(lead.sourceId == null ? {} : { sourceId: lead.sourceId }),
      ...(lead.formId == null ? {} : { formId: lead.formId, formVersion: lead.formVersion }),
      ...(lead.assigneeId === null ? {} : { assigneeId: lead.assigneeId, assignedBy: lead.assignedBy ?? null }),
    },
  });
  return toLead(row);
}

/** Its referral's lock comes first where it has one (money.md 9). */
export function lockLead(tx: Tx, id: string): Promise<Lead | undefined> {
  return once(tx, ['leads'], `leads/${id}`, async () => {
    const [row] = await run<LeadRow>(tx, 'select * from leads where id = $1 for no key update', [id]);
    return row === undefined ? undefined : toLead(row);
  });
}

/** The leads of a referral that were not refused, locked, oldest first. The referral's lock comes first. */
export function lockLeadsOfReferral(tx: Tx, referralId: string): Promise<readonly Lead[]> {
  return once(tx, ['leads'], `leads of ${referralId}`, async () => {
    const rows = await run<LeadRow>(
      tx,
      `select * from leads where referral_id = $1 and verdict not in ('invalid', 'duplicate') order by occurred_at, id
       for no key update`,
      [referralId],
    );
    return rows.map(toLead);
  });
}

export async function findLeadByExternalId(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly source: string; readonly externalId: string },
): Promise<Lead | undefined> {
  const row = await tx('leads')
    .where({ mode: of.mode, source: of.source, external_id: of.externalId })
    .first<LeadRow | undefined>();
  return row === undefined ? undefined : toLead(row);
}

/** The first lead of this contact, program and event that was not refused: what a repeat is a duplicate of (LED-16). */
export async function findEarlierLead(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly contactId: string; readonly programId: string | null; readonly event: LeadKind },
): Promise<Lead | undefined> {
  const row = await tx('leads')
    .where({ mode: of.mode, contact_id: of.contactId, program_id: of.programId, event: of.event })
    .whereIn('verdict', ['received', 'accepted', 'converted'])
    .orderBy('created_at')
    .orderBy('id')
    .first<LeadRow | undefined>();
  return row === undefined ? undefined : toLead(row);
}

/** Writes a change of a locked lead with its audit entry and the next version. */
export async function updateLead(
  tx: Tx,
  act: Act,
  lead: Lead,
  event: LeadEvent | LeadNote,
  change: LeadChange = {},
  reasonCode: string | null = null,
): Promise<Lead> {
  const to = notes.has(event) ? lead.verdict : nextStatus(leadTransitions, lead.verdict, event as LeadEvent);
  assertInvariant(to !== undefined, 'a move is in the table', { from: lead.verdict, event });
  const columns = Object.fromEntries(
    Object.entries(given(change)).map(([name, value]) => [
      columnNames[name as keyof LeadChange],
      name === 'customFields' || name === 'metadata' ? JSON.stringify(value) : value,
    ]),
  );
  later(
    tx,
    updateOf('leads', [...Object.keys(columns), 'verdict', 'version', 'updated_at'], ['id', 'version']),
    [...Object.values(columns), to, lead.version + 1, act.now, lead.id, lead.version],
    1,
  );
  const changed: Lead = { ...lead, ...given(change), verdict: to, version: lead.version + 1, updatedAt: act.now };
  know(tx, ['leads'], `leads/${lead.id}`, changed);
  await recordAudit(tx, act, {
    objectType: 'lead',
    objectId: lead.id,
    seq: lead.version + 1,
    event,
    from: lead.verdict,
    to,
    ...(reasonCode === null ? {} : { reasonCode }),
    changes: Object.fromEntries(
      Object.entries(change).map(([name, value]) => [name, quiet.has(name) ? 'changed' : value]),
    ),
  });
  return changed;
}

/** Says on the lead when it was taken into account and with which outcome: nobody takes it up again. */
export async function settleLead(
  tx: Tx,
  act: Act,
  lead: Lead,
  outcome: string,
  change: LeadChange = {},
): Promise<Lead> {
  return updateLead(tx, act, lead, 'processed', { ...change, processedAt: act.now, outcome });
}
