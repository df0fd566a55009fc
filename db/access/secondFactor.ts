import type { Knex } from 'knex';
import type { LoginId } from '../../domain/ids.js';
import type { Instant } from '../../domain/time.js';
import type { Db } from '../connection.js';
import type { Tx } from '../transaction.js';

// The second factor of a login, which lies above workspaces: definer functions of 20261126_0501, by the login's id.

type Asked = Db | Tx;

async function rowsOf<Row>(on: Asked, call: string, bindings: readonly unknown[]): Promise<readonly Row[]> {
  const { rows } = await (on as Knex).raw<{ rows: Row[] }>(`select * from ${call}`, bindings as Knex.RawBinding[]);
  return rows;
}

async function isDone(on: Asked, name: string, call: string, bindings: readonly unknown[]): Promise<boolean> {
  const [row] = await rowsOf<Readonly<Record<string, boolean>>>(on, call, bindings);
  return row?.[name] === true;
}

export interface SecondFactor {
  /** Sealed under the purpose `totp`; null until a first code confirmed it. */
  readonly secret: string | null;
  /** Shown, not yet confirmed. Sealed. */
  readonly draft: string | null;
  readonly confirmedAt: Instant | null;
  /** Number of the time step of the last code that was used. */
  readonly lastStep: bigint | null;
  readonly recoveryLeft: number;
}

/** Undefined: there is no such login. */
export async function findSecondFactor(on: Asked, loginId: LoginId): Promise<SecondFactor | undefined> {
  const [row] = await rowsOf<{
    totp_secret: string | null;
    totp_draft: string | null;
    confirmed_at: Instant | null;
    last_step: bigint | null;
    recovery_left: number;
  }>(on, 'directory_totp(?)', [loginId]);
  return row === undefined
    ? undefined
    : {
        secret: row.totp_secret,
        draft: row.totp_draft,
        confirmedAt: row.confirmed_at,
        lastStep: row.last_step,
        recoveryLeft: row.recovery_left,
      };
}

export async function draftSecondFactor(on: Asked, loginId: LoginId, sealed: string): Promise<void> {
  await rowsOf(on, 'directory_draft_totp(?, ?)', [loginId, sealed]);
}

/** False when another draft replaced this one meanwhile. */
export function confirmSecondFactor(
  on: Asked,
  loginId: LoginId,
  confirmed: { readonly draft: string; readonly step: number; readonly recoveryHashes: readonly Buffer[] },
): Promise<boolean> {
  return isDone(on, 'directory_confirm_totp', 'directory_confirm_totp(?, ?, ?, ?)', [
    loginId,
    confirmed.draft,
    confirmed.step,
    [...confirmed.recoveryHashes],
  ]);
}

/** True for the first who uses the code of this time step; a code counts once (RFC 6238 5.2). */
export function takeTotpStep(on: Asked, loginId: LoginId, step: number): Promise<boolean> {
  return isDone(on, 'directory_use_totp', 'directory_use_totp(?, ?)', [loginId, step]);
}

/** True once per recovery code. */
export function takeRecoveryCode(on: Asked, loginId: LoginId, hash: Buffer): Promise<boolean> {
  return isDone(on, 'directory_use_recovery', 'directory_use_recovery(?, ?)', [loginId, hash]);
}

/** True when there was one. */
export function removeSecondFactor(on: Asked, loginId: LoginId): Promise<boolean> {
  return isDone(on, 'directory_disable_totp', 'directory_disable_totp(?)', [loginId]);
}
