import { createHash } from 'node:crypto';
import { insertEmail } from '../../db/messaging/email.js';
import {
  type CustomerAccount,
  endCustomerTokens,
  findAccountOfContact,
  findCustomerAccount,
  insertCustomerAccount,
  insertCustomerToken,
  lockCustomerAccount,
  moveCustomerAccount,
  setCustomerPassword,
  takeCustomerToken,
  updateCustomerAccount,
} from '../../db/reseller/customerAccount.js';
import {
  type Contact,
  type ContactChange,
  findContact,
  lockContact,
  updateContact,
} from '../../db/tracking/contact.js';
import type { Tx } from '../../db/transaction.js';
import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ContactId, CustomerAccountId, LeadId } from '../../domain/ids.js';
import type { CustomerAccountEvent } from '../../domain/reseller/customerAccount.js';
import { addMs } from '../../domain/time.js';

// Steps of a customer's account. Whoever calls them holds the transaction and the contact's lock.

/** features.md 20.1: set-password links last 24 hours. */
const setPasswordMs = 24 * 3_600_000;
/** api.md 8.2: from the form to the platform, once. */
const signInMs = 60_000;

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/**
 * The account of the person, or a new one with a mailed one-time link to set its password: nobody of the staff ever knows one, and no
 * default exists (LED-12). Safe to repeat: a person has one account per mode, and is mailed once.
 */
export async function openCustomerAccount(
  tx: Tx,
  act: Act,
  customer: {
    readonly contactId: ContactId;
    readonly email: string;
    readonly language: string;
    readonly token: string;
    readonly linkBase: string;
    readonly metadata?: Readonly<Record<string, string>>;
  },
): Promise<{ readonly account: CustomerAccount; readonly isNew: boolean }> {
  const known = await findAccountOfContact(tx, { mode: act.mode, contactId: customer.contactId });
  if (known !== undefined) return { account: known, isNew: false };
  const account = await registerCustomerAccount(tx, act, customer);
  await mailPasswordLink(tx, act, account.id, { ...customer, isNew: true });
  return { account, isNew: true };
}

/** A new account whose owner is not written to: they ask for a link when they want one. */
export function registerCustomerAccount(
  tx: Tx,
  act: Act,
  customer: { readonly contactId: ContactId; readonly metadata?: Readonly<Record<string, string>> },
): Promise<CustomerAccount> {
  return insertCustomerAccount(tx, act, {
    id: act.newId('customer'),
    contactId: customer.contactId,
    metadata: customer.metadata ?? {},
  });
}

/** The account and the person behind it, locked in the order of every incoming lead: person first. Undefined: there is no such account. */
export async function lockCustomer(
  tx: Tx,
  of: { readonly mode: Mode; readonly id: string; readonly contactId: string },
): Promise<{ readonly account: CustomerAccount; readonly contact: Contact } | undefined> {
  const contact = await lockContact(tx, of.contactId);
  const account = await lockCustomerAccount(tx, { mode: of.mode, id: of.id });
  return account === undefined || contact === undefined ? undefined : { account, contact };
}

/** What staff corrected: the person's facts are the contact's, and the account's history names their fields alone. Writes what is different. */
export async function correctCustomer(
  tx: Tx,
  act: Act,
  { account, contact }: { readonly account: CustomerAccount; readonly contact: Contact },
  change: { readonly person: ContactChange; readonly metadata?: Readonly<Record<string, string>> },
): Promise<void> {
  const fields = (Object.keys(change.person) as (keyof ContactChange)[]).filter(
    (field) => change.person[field] !== undefined && change.person[field] !== contact[field],
  );
  const { metadata } = change;
  const isNewMetadata = metadata !== undefined && JSON.stringify(metadata) !== JSON.stringify(account.metadata);
  await updateContact(tx, act, contact, change.person);
  await updateCustomerAccount(tx, act, account, {
    fields: [...fields, ...(isNewMetadata ? ['metadata'] : [])],
    ...(isNewMetadata ? { metadata } : {}),
  });
}

/** Stops the account or lets it go on; the caller holds its lock and has judged the move. */
export function switchCustomerAccount(
  tx: Tx,
  act: Act,
  account: CustomerAccount,
  event: CustomerAccountEvent,
): Promise<void> {
  return moveCustomerAccount(tx, act, account, event);
}

/**
 * A further link for the owner of an account who asks by its address: the first ran out, or the password is forgotten. It goes to the address
 * that is known, however the asker spelt it. Links that were mailed before end with it, so that an old mail opens nothing.
 */
export async function renewPasswordLink(
  tx: Tx,
  act: Act,
  of: {
    readonly customerAccountId: CustomerAccountId;
    readonly language: string;
    readonly token: string;
    readonly linkBase: string;
  },
): Promise<void> {
  const account = await findCustomerAccount(tx, of.customerAccountId);
  const contact = account === undefined ? undefined : await findContact(tx, account.contactId);
  // Meanwhile the address may have gone, or the account been stopped.
  if (account?.status !== 'active' || contact === undefined || contact.email === null) return;
  await endCustomerTokens(tx, act, account.id, 'set_password');
  await mailPasswordLink(tx, act, account.id, { ...of, email: contact.email, isNew: false });
}

async function mailPasswordLink(
  tx: Tx,
  act: Act,
  customerAccountId: CustomerAccountId,
  mail: {
    readonly email: string;
    readonly language: string;
    readonly token: string;
    readonly linkBase: string;
    readonly isNew: boolean;
  },
): Promise<void> {
  await insertCustomerToken(tx, act, {
    tokenHash: hashOf(mail.token),
    kind: 'set_password',
    customerAccountId,
    leadId: null,
    expiresAt: addMs(act.now, setPasswordMs),
  });
  const link = `${mail.linkBase}/set-password/${mail.token}`;
  const { subject, opening, ending } = passwordMail[mail.language === 'de' ? 'de' : 'en'];
  const kind = mail.isNew ? 'opened' : 'renewed';
  await insertEmail(tx, act, {
    kind: mail.isNew ? 'customer_account_opened' : 'customer_password_link',
    recipient: mail.email,
    subject: subject[kind],
    body: `${opening[kind]}\n\n${link}\n\n${ending}`,
    links: [link],
  });
}

const passwordMail = {
  en: {
    subject: { opened: 'Your account is open', renewed: 'Choose your password' },
    opening: { opened: 'Your account is open. Choose your password here:', renewed: 'Choose your password here:' },
    ending: 'The link works once, for 24 hours.',
  },
  de: {
    subject: { opened: 'Ihr Konto ist eröffnet', renewed: 'Legen Sie Ihr Passwort fest' },
    opening: {
      opened: 'Ihr Konto ist eröffnet. Legen Sie hier Ihr Passwort fest:',
      renewed: 'Legen Sie hier Ihr Passwort fest:',
    },
    ending: 'Der Link gilt 24 Stunden und nur einmal.',
  },
} as const;

/** A token that carries a customer from a form to the merchant's platform, once, within 60 s (LED-21). */
export async function issueSignIn(
  tx: Tx,
  act: Act,
  of: { readonly token: string; readonly customerAccountId: CustomerAccountId; readonly leadId: LeadId },
): Promise<void> {
  await insertCustomerToken(tx, act, {
    tokenHash: hashOf(of.token),
    kind: 'sign_in',
    customerAccountId: of.customerAccountId,
    leadId: of.leadId,
    expiresAt: addMs(act.now, signInMs),
  });
}

/** Undefined: used, late or unknown, or the account was stopped meanwhile. */
export async function takeSignIn(
  tx: Tx,
  act: Act,
  token: string,
): Promise<{ readonly customerAccountId: CustomerAccountId; readonly leadId: LeadId | null } | undefined> {
  const taken = await takeCustomerToken(tx, act, { tokenHash: hashOf(token), kind: 'sign_in' });
  const account = taken === undefined ? undefined : await findCustomerAccount(tx, taken.customerAccountId);
  return account?.status === 'active' && account.mode === act.mode ? taken : undefined;
}

/** The customer chose a password by the mailed link. False: the link was used, is late or unknown. */
export async function choosePassword(tx: Tx, act: Act, token: string, passwordHash: string): Promise<boolean> {
  const taken = await takeCustomerToken(tx, act, { tokenHash: hashOf(token), kind: 'set_password' });
  if (taken === undefined) return false;
  const account = await findCustomerAccount(tx, taken.customerAccountId);
  assertInvariant(account !== undefined, 'a link belongs to an account', taken);
  // Whoever opens the link is not signed in: the mode is the account's.
  await setCustomerPassword(tx, { ...act, mode: account.mode }, account.id, passwordHash);
  return true;
}
