import type { Act, Mode } from '../../domain/act.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ContactId, CustomerAccountId, LeadId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import type { ReadTx, Tx } from '../transaction.js';

/** A customer's account with the merchant: one per person and mode. */
export interface CustomerAccount {
  readonly id: CustomerAccountId;
  readonly mode: Mode;
  readonly contactId: ContactId;
  readonly status: 'active' | 'suspended';
  readonly hasPassword: boolean;
  readonly version: number;
}

interface CustomerAccountRow {
  readonly id: CustomerAccountId;
  readonly mode: Mode;
  readonly contact_id: ContactId;
  readonly status: CustomerAccount['status'];
  readonly password_hash: string | null;
  readonly version: number;
}

function toAccount(row: CustomerAccountRow): CustomerAccount {
  return {
    id: row.id,
    mode: row.mode,
    contactId: row.contact_id,
    status: row.status,
    hasPassword: row.password_hash !== null,
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

/** Opens the account without a password. The caller has locked the contact and seen that it has none. */
export async function insertCustomerAccount(
  tx: Tx,
  act: Act,
  account: { readonly id: CustomerAccountId; readonly contactId: ContactId },
): Promise<CustomerAccount> {
  const [row] = await tx('customer_accounts')
    .insert({ id: account.id, mode: act.mode, contact_id: account.contactId, created_at: act.now, updated_at: act.now })
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
