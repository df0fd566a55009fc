import { createHash, randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { type OneTimeKind, tokenLifeMs } from '../../domain/access/session.js';
import type { AffiliateId, Id, LoginId, NewId, SessionId, UserId, WorkspaceId } from '../../domain/ids.js';
import { addMs, type Instant } from '../../domain/time.js';
import type { Db } from '../connection.js';
import type { Tx } from '../transaction.js';

/** What is stored: the hash. The text leaves the house once, in a mail or on a terminal. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

export interface OneTimeToken {
  readonly id: Id<'oneTimeToken'>;
  readonly kind: OneTimeKind;
  readonly loginId: LoginId;
  readonly workspaceId: WorkspaceId;
  readonly userId: UserId;
  /** Not used, not expired. */
  readonly isUsable: boolean;
}

/** Makes a one-time token of 256 bits and answers its text; it lives as long as its kind does (features.md 20.1). */
export async function insertOneTimeToken(
  db: Db | Tx,
  newId: NewId,
  now: Instant,
  token: {
    readonly kind: OneTimeKind;
    readonly loginId: LoginId;
    readonly workspaceId: WorkspaceId;
    readonly userId: UserId;
  },
): Promise<string> {
  const text = randomBytes(32).toString('base64url');
  await (db as Knex).raw('select directory_create_token(?, ?, ?, ?, ?, ?, ?)', [
    newId('oneTimeToken'),
    hashOf(text),
    token.kind,
    token.loginId,
    token.workspaceId,
    token.userId,
    addMs(now, tokenLifeMs[token.kind]),
  ]);
  return text;
}

export async function findOneTimeToken(db: Db | Tx, text: string): Promise<OneTimeToken | undefined> {
  const { rows } = await (db as Knex).raw<{
    rows: {
      token_id: Id<'oneTimeToken'>;
      kind: OneTimeKind;
      login_id: LoginId;
      workspace_id: WorkspaceId;
      user_id: UserId;
      is_usable: boolean;
    }[];
  }>('select * from directory_find_token(?)', [hashOf(text)]);
  const [row] = rows;
  return row === undefined
    ? undefined
    : {
        id: row.token_id,
        kind: row.kind,
        loginId: row.login_id,
        workspaceId: row.workspace_id,
        userId: row.user_id,
        isUsable: row.is_usable,
      };
}

/** True for the first who takes it; two at once meet at the row. Taken with the transaction it stands in. */
export async function takeOneTimeToken(db: Db | Tx, id: Id<'oneTimeToken'>): Promise<boolean> {
  const { rows } = await (db as Knex).raw<{ rows: { taken: boolean }[] }>('select directory_take_token(?) as taken', [
    id,
  ]);
  return rows[0]?.taken === true;
}

/** Older tokens of the same kind stop working: a new invite or reset replaces them. */
export async function voidOneTimeTokens(db: Db | Tx, loginId: LoginId, kind: OneTimeKind): Promise<void> {
  await (db as Knex).raw('select directory_void_tokens(?, ?)', [loginId, kind]);
}

/**
 * Which address a `verify_email` link confirms, and for whom: for the session that asks to sign in by another one, which then changes, or for an
 * affiliate, whose record says so.
 */
export interface OfferedEmail {
  readonly email: string;
  readonly askedFor: SessionId | AffiliateId;
}

/** Makes of a `verify_email` token one that confirms this address for them. */
export async function offerEmail(tx: Tx, text: string, offer: OfferedEmail): Promise<void> {
  const token = await findOneTimeToken(tx, text);
  if (token !== undefined)
    await (tx as Knex).raw('select directory_offer_email(?, ?)', [token.id, `${offer.askedFor} ${offer.email}`]);
}

export async function findOfferedEmail(db: Db | Tx, id: Id<'oneTimeToken'>): Promise<OfferedEmail | undefined> {
  const { rows } = await (db as Knex).raw<{ rows: { subject_id: string }[] }>(
    'select * from directory_offered_email(?)',
    [id],
  );
  const [askedFor, email] = rows[0]?.subject_id.split(' ') ?? [];
  return askedFor === undefined || email === undefined
    ? undefined
    : { askedFor: askedFor as OfferedEmail['askedFor'], email };
}
