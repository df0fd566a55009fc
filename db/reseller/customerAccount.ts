import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ContactId, CustomerAccountId, LeadId } from '../../domain/ids.js';
import {
  type CustomerAccountEvent,
  type CustomerAccountStatus,
  customerAccountTransitions,
} from '../../domain/reseller/customerAccount.js';
import type { Instant } from '../../domain/time.js';
import { nextStatus } from '../../domain/transitions.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A customer's account with the merchant: one per person and mode. */
export interface CustomerAccount {
  readonly id: CustomerAccountId;
  readonly mode: Mode;
  readonly contactId: ContactId;
  readonly status: CustomerAccountStatus;
  readonly hasPassword: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
}

interface CustomerAccountRow {
  readonly id: CustomerAccountId;
  readonly mode: Mode;
  readonly contact_id: ContactId;
  readonly status: CustomerAccount['status'];
  readonly password_hash: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: number;
}

function toAccount(row: CustomerAccountRow): CustomerAccount {
  return {
    id: row.id,
    mode: row.mode,
    contactId: row.contact_id,
    status: row.status,
    hasPassword: row.password_hash !== null,
    metadata: row.metadata,
    version: row.version,
  };
}

export async function findAccountOfContact(
  tx: ReadTx | Tx,
  of: { readonly mode: Mode; readonly contactId: ContactId },
): Promise<CustomerAccount | undefined> {
  const row = await tx('customer_accounts')
    .where({ mode: of.mode, contact_id: of.contactId })
    .first<CustomerAccountRow | undefined>();
  return row === undefined ? undefined : toAccount(row);
}

export async function findCustomerAccount(tx: ReadTx | Tx, id: string): Promise<CustomerAccount | undefined> {
  const row = await tx('customer_accounts').where({ id }).first<CustomerAccountRow | undefined>();
  return row === undefined ? undefined : toAccount(row);
}

export async function lockCustomerAccount(
  tx: Tx,
  of: { readonly mode: Mode; readonly id: string },
): Promise<CustomerAccount | undefined> {
  const row = await tx('customer_accounts').where(of).forNoKeyUpdate().first<CustomerAccountRow | undefined>();
  return row === undefined ? undefined : toAccount(row);
}

/** Opens the account without a password. The caller has locked the contact and seen that it has none. */
export async function insertCustomerAccount(
  tx: Tx,
  act: Act,
  account: {
    readonly id: CustomerAccountId;
    readonly contactId: ContactId;
    readonly metadata?: Readonly<Record<string, string>>;
  },
): Promise<CustomerAccount> {
  const [row] = await tx('customer_accounts')
    .insert({
      id: account.id,
      mode: act.mode,
      contact_id: account.contactId,
      metadata: JSON.stringify(account.metadata ?? {}),
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<CustomerAccountRow[]>('*');
  assertInvariant(row !== undefined, 'an insert answers its row');
  await recordAudit(tx, act, {
    objectType: 'customer_account',
    objectId: account.id,
    seq: 1,
    event: 'opened',
    to: 'active',
    changes: { contactId: account.contactId },
  });
  return toAccount(row);
}

export type CustomerTokenKind = 'sign_in' | 'set_password';

/** Keeps the hash of a one-time link; its text leaves the house once. */
export async function insertCustomerToken(
  tx: Tx,
  act: Act,
  token: {
    readonly tokenHash: Buffer;
    readonly kind: CustomerTokenKind;
    readonly customerAccountId: CustomerAccountId;
    readonly leadId: LeadId | null;
    readonly expiresAt: Instant;
  },
): Promise<void> {
  await tx('customer_tokens').insert({
    token_hash: token.tokenHash,
    kind: token.kind,
    customer_account_id: token.customerAccountId,
    lead_id: token.leadId,
    expires_at: token.expiresAt,
    created_at: act.now,
  });
}

/** Takes a token that is neither used nor late; two at once meet at the row. Undefined: it is used, late or unknown. */
export async function takeCustomerToken(
  tx: Tx,
  act: Act,
  token: { readonly tokenHash: Buffer; readonly kind: CustomerTokenKind },
): Promise<{ readonly customerAccountId: CustomerAccountId; readonly leadId: LeadId | null } | undefined> {
  const [row] = await tx('customer_tokens')
    .where({ token_hash: token.tokenHash, kind: token.kind })
    .whereNull('used_at')
    .where('expires_at', '>', act.now)
    .update({ used_at: act.now })
    .returning<{ customer_account_id: CustomerAccountId; lead_id: LeadId | null }[]>([
      'customer_account_id',
      'lead_id',
    ]);
  return row === undefined ? undefined : { customerAccountId: row.customer_account_id, leadId: row.lead_id };
}

/** Ends the links of an account that are still open: a newer one is on its way. */
export async function endCustomerTokens(
  tx: Tx,
  act: Act,
  customerAccountId: CustomerAccountId,
  kind: CustomerTokenKind,
): Promise<void> {
  await tx('customer_tokens')
    .where({ customer_account_id: customerAccountId, kind })
    .whereNull('used_at')
    .update({ used_at: act.now });
}

/** The customer's own password, as its hash; what was set before is gone. */
export async function setCustomerPassword(
  tx: Tx,
  act: Act,
  accountId: CustomerAccountId,
  passwordHash: string,
): Promise<void> {
  const [row] = await tx('customer_accounts')
    .where({ id: accountId })
    .update({ password_hash: passwordHash, version: tx.raw('version + 1'), updated_at: act.now })
    .returning<CustomerAccountRow[]>('*');
  assertInvariant(row !== undefined, 'an account is never deleted', { customerAccountId: accountId });
  await recordAudit(tx, act, {
    objectType: 'customer_account',
    objectId: accountId,
    seq: row.version,
    event: 'passwordSet',
    from: row.status,
    to: row.status,
  });
}

/** Stops the account or lets it go on. The caller holds its lock and has judged the move. */
export async function moveCustomerAccount(
  tx: Tx,
  act: Act,
  account: CustomerAccount,
  event: CustomerAccountEvent,
): Promise<void> {
  const to = nextStatus(customerAccountTransitions, account.status, event);
  assertInvariant(to !== undefined, 'a judged move is in the table', { customerAccountId: account.id, event });
  await tx('customer_accounts')
    .where({ id: account.id })
    .update({ status: to, version: account.version + 1, updated_at: act.now });
  await recordAudit(tx, act, {
    objectType: 'customer_account',
    objectId: account.id,
    seq: account.version + 1,
    event,
    from: account.status,
    to,
  });
}

/** What staff changed of the account or of the person behind it: the names of the fields stay, what they held does not. */
export async function updateCustomerAccount(
  tx: Tx,
  act: Act,
  account: CustomerAccount,
  change: { readonly fields: readonly string[]; readonly metadata?: Readonly<Record<string, string>> },
): Promise<void> {
  if (change.fields.length === 0) return;
  await tx('customer_accounts')
    .where({ id: account.id })
    .update({
      ...(change.metadata === undefined ? {} : { metadata: JSON.stringify(change.metadata) }),
      version: account.version + 1,
      updated_at: act.now,
    });
  await recordAudit(tx, act, {
    objectType: 'customer_account',
    objectId: account.id,
    seq: account.version + 1,
    event: 'edited',
    from: account.status,
    to: account.status,
    changes: Object.fromEntries(change.fields.map((field) => [field, 'changed'])),
  });
}
