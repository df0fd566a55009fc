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

/** Whose address this is in any spelling; that of a contact which ended as part of another leads to the one that is left. */
export async function findContactByEmail(tx: ReadTx | Tx, email: string): Promise<Contact | undefined> {
  const { rows } = await tx.raw<{ rows: (ContactRow & { readonly merged_into_id: string | null })[] }>(
    // Two conditions and not one, so that each finds its partial index; the living one first.
    `select * from contacts where email_key = :key and merged_into_id is null
     union all
     select * from contacts where email_key = :key and merged_into_id is not null
     limit 1`,
    { key: emailKey(email) },
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return row.merged_into_id === null ? toContact(row) : findContact(tx, row.id);
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

/** What staff may correct of a person. */
export type ContactChange = Partial<Pick<Contact, 'name' | 'email' | 'phone' | 'company' | 'country'>>;

/**
 * Writes what is different; the history names the fields and keeps quiet about what they held. Refuses with `resource.already_exists` for an
 * e-mail that another contact has.
 */
export async function updateContact(tx: Tx, act: Act, contact: Contact, change: ContactChange): Promise<Contact> {
  const changed = Object.entries(change).filter(([name, value]) => contact[name as keyof ContactChange] !== value);
  if (changed.length === 0) return contact;
  const [row] = await tx('contacts')
    .where({ id: contact.id })
    .update({
      ...Object.fromEntries(changed),
      ...(change.email === undefined ? {} : { email_key: change.email === null ? null : emailKey(change.email) }),
      ...(change.phone === undefined
        ? {}
        : { phone_key: change.phone === null ? null : (phoneKey(change.phone) ?? null) }),
      version: contact.version + 1,
      updated_at: act.now,
    })
    .returning<ContactRow[]>('*');
  assertInvariant(row !== undefined, 'a locked contact is there', { contactId: contact.id });
  await recordAudit(tx, act, {
    objectType: 'contact',
    objectId: contact.id,
    seq: contact.version + 1,
    event: 'edited',
    changes: { fields: changed.map(([name]) => name) },
  });
  return toContact(row);
}

/**
 * Ends a contact as part of another: what names it names the other from now on. The caller has locked both and has seen that nothing of the
 * two is in conflict; referrals are its own to move.
 */
export async function mergeContactRows(tx: Tx, act: Act, from: Contact, into: Contact): Promise<void> {
  const moved: Record<string, number> = {};
  for (const table of ['leads', 'sales', 'external_customers', 'affiliates', 'customer_accounts', 'api_keys'] as const)
    moved[table] = await tx(table).where({ contact_id: from.id }).update({ contact_id: into.id });
  await tx('contacts')
    .where({ id: from.id })
    .update({ merged_into_id: into.id, version: from.version + 1, updated_at: act.now });
  await recordAudit(
    tx,
    act,
    {
      objectType: 'contact',
      objectId: from.id,
      seq: from.version + 1,
      event: 'merged',
      changes: { intoContactId: into.id, moved },
    },
    {
      objectType: 'contact',
      objectId: into.id,
      seq: into.version + 1,
      event: 'absorbed',
      changes: { contactId: from.id },
    },
  );
  await tx('contacts')
    .where({ id: into.id })
    .update({ version: into.version + 1, updated_at: act.now });
}
