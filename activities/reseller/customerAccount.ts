import { createHash } from 'node:crypto';
import { insertEmail } from '../../db/messaging/email.js';
import {
  type CustomerAccount,
  findAccountOfContact,
  insertCustomerAccount,
  insertCustomerToken,
  setCustomerPassword,
  takeCustomerToken,
} from '../../db/reseller/customerAccount.js';
import type { Tx } from '../../db/transaction.js';
import type { Act } from '../../domain/act.js';
import type { ContactId, CustomerAccountId, LeadId } from '../../domain/ids.js';
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
  },
): Promise<CustomerAccount> {
  const known = await findAccountOfContact(tx, { mode: act.mode, contactId: customer.contactId });
  if (known !== undefined) return known;
  const account = await insertCustomerAccount(tx, act, { id: act.newId('customer'), contactId: customer.contactId });
  await insertCustomerToken(tx, act, {
    tokenHash: hashOf(customer.token),
    kind: 'set_password',
    customerAccountId: account.id,
    leadId: null,
    expiresAt: addMs(act.now, setPasswordMs),
  });
  const link = `${customer.linkBase}/set-password/${customer.token}`;
  await insertEmail(tx, act, {
    kind: 'customer_account_opened',
    recipient: customer.email,
    subject: customer.language === 'de' ? 'Ihr Konto ist eröffnet' : 'Your account is open',
    body:
      customer.language === 'de'
        ? `Ihr Konto ist eröffnet. Legen Sie hier Ihr Passwort fest:\n\n${link}\n\nDer Link gilt 24 Stunden und nur einmal.`
        : `Your account is open. Choose your password here:\n\n${link}\n\nThe link works once, for 24 hours.`,
    links: [link],
  });
  return account;
}

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

/** Undefined: used, late or unknown. */
export async function takeSignIn(
  tx: Tx,
  act: Act,
  token: string,
): Promise<{ readonly customerAccountId: CustomerAccountId; readonly leadId: LeadId | null } | undefined> {
  return takeCustomerToken(tx, act, { tokenHash: hashOf(token), kind: 'sign_in' });
}

/** The customer chose a password by the mailed link. False: the link was used, is late or unknown. */
export async function choosePassword(tx: Tx, act: Act, token: string, passwordHash: string): Promise<boolean> {
  const taken = await takeCustomerToken(tx, act, { tokenHash: hashOf(token), kind: 'set_password' });
  if (taken === undefined) return false;
  await setCustomerPassword(tx, act, taken.customerAccountId, passwordHash);
  return true;
}
