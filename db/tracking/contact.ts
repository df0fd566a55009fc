import type { Act } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ContactId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { emailKey, phoneKey } from '../../domain/tracking/contactKey.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** The person behind affiliate, lead and customer: one per workspace and normalised e-mail. */
export interface Contact {
  readonly id: ContactId;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly version: number;
  readonly createdAt: Instant;
}

interface ContactRow {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
  readonly version: number;
  readonly created_at: Instant;
}

function toContact(row: ContactRow): Contact {
  return {
    id: row.id as ContactId,
    name: row.name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    country: row.country,
    version: row.version,
    createdAt: row.created_at,
  };
}

/** Follows a merge to the contact that is left. */
export async function findContact(tx: ReadTx | Tx, id: string): Promise<Contact | undefined> {
  const { rows } = await tx.raw<{ rows: ContactRow[] }>(
    `
    with recursive chain as (
      select contact.* from contacts as contact where contact.id = :id
      union
      select into_contact.* from contacts as into_contact join chain on into_contact.id = chain.merged_into_id
    )
    select * from chain where merged_into_id is null`,
    { id },
  );
  return rows[0] === undefined ? undefined : toContact(rows[0]);
}

export async function findContactByEmail(tx: ReadTx | Tx, email: string): Promise<Contact | undefined> {
  const row = await tx('contacts')
    .where({ email_key: emailKey(email) })
    .whereNull('merged_into_id')
    .first<ContactRow | undefined>();
  return row === undefined ? undefined : toContact(row);
}

/** The contact known by this phone, where exactly one is: a family's shared number names nobody. */
export async function findContactByPhone(tx: ReadTx | Tx, phone: string): Promise<Contact | undefined> {
  const key = phoneKey(phone);
  if (key === undefined) return undefined;
  const rows = await tx('contacts')
    .where({ phone_key: key })
    .whereNull('merged_into_id')
    .limit(2)
    .select<ContactRow[]>('*');
  return rows.length === 1 && rows[0] !== undefined ? toContact(rows[0]) : undefined;
}

export interface NewContact {
  readonly id: ContactId;
  readonly name: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly company: string | null;
  readonly country: string | null;
}

/** Finds the contact of this e-mail, or makes one; two at the same time make one. Without an e-mail always a new one. */
export async function findOrInsertContact(tx: Tx, act: Act, contact: NewContact): Promise<Contact> {
  const [inserted] = await tx('contacts')
    .insert({
      id: contact.id,
      name: contact.name,
      email: contact.email,
      email_key: contact.email === null ? null : emailKey(contact.email),
      phone: contact.phone,
      phone_key: contact.phone === null ? null : (phoneKey(contact.phone) ?? null),
      company: contact.company,
      country: contact.country,
      created_at: act.now,
      updated_at: act.now,
    })
    .onConflict(tx.raw('(workspace_id, email_key) where email_key is not null and merged_into_id is null'))
    .ignore()
    .returning<ContactRow[]>('*');
  if (inserted !== undefined) {
    await recordAudit(tx, act, { objectType: 'contact', objectId: contact.id, seq: 1, event: 'created' });
    return toContact(inserted);
  }
  const found = contact.email === null ? undefined : await findContactByEmail(tx, contact.email);
  assertInvariant(found !== undefined, 'a contact in the way is a contact found', { contactId: contact.id });
  return found;
}

/** Locks the contact: two first leads of one person wait for each other here, so that they end as one referral (REF-12). */
export async function lockContact(tx: Tx, id: string): Promise<Contact | undefined> {
  const row = await tx('contacts').where({ id }).forNoKeyUpdate().first<ContactRow | undefined>();
  return row === undefined ? undefined : toContact(row);
}
