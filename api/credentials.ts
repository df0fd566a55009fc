import type { Context } from 'koa';
import {
  clearFailures,
  countFailure,
  findLogin,
  findLoginById,
  type Login,
  listMemberships,
  type Membership,
} from '../db/access/login.js';
import { findSecondFactor, takeRecoveryCode, takeTotpStep } from '../db/access/secondFactor.js';
import { lockMinutes } from '../domain/access/login.js';
import { challengeMs } from '../domain/access/session.js';
import { defaultSettings } from '../domain/access/settings.js';
import { DomainError } from '../domain/errors.js';
import type { LoginId, UserId } from '../domain/ids.js';
import { addMs, epochMs, type Instant, isBefore } from '../domain/time.js';
import { clockNow } from '../platform/clock.js';
import { TooManyHashesError } from '../platform/passwords.js';
import { hashToken } from '../platform/secrets.js';
import { readRecoveryCode, totpStepOf } from '../platform/totp.js';
import type { ApiDeps } from './deps.js';

// What proves that a person is that person: a password, a code of the second factor, a recovery code. Wrong tries of any kind count together
// and lock together, per login and per address (reliability.md G20).

type Asking = { readonly koa: Context };

/** What a challenge is sealed under: between the first proof and the second one nothing is kept on the server. */
const challengePurpose = 'challenge';
export const totpPurpose = 'totp';

export function tooBusy(error: unknown): unknown {
  return error instanceof TooManyHashesError
    ? new DomainError('access.too_many_attempts', { retryAfter: 1 }, { cause: error })
    : error;
}

function refuseLocked(deps: ApiDeps, ctx: Asking, email: string, login: Login | undefined, now: Instant): void {
  deps.signInGuard.check(deps.clientAddress(ctx.koa.req), email);
  const until = login?.lockedUntil ?? null;
  if (until !== null && isBefore(now, until))
    throw new DomainError('access.too_many_attempts', { retryAfter: lockMinutes * 60 });
}

async function countWrong(deps: ApiDeps, ctx: Asking, email: string, loginId: LoginId | undefined): Promise<void> {
  const { lockAfterFailures: lockAfter } = defaultSettings.security;
  deps.signInGuard.countFailure(deps.clientAddress(ctx.koa.req), email, lockAfter);
  // Also for an address nobody has: the same statement, so that the time tells nothing.
  await countFailure(deps.db, loginId ?? deps.newId('login'), { lockAfter, lockSeconds: lockMinutes * 60 });
}

/** Checks a password with all that guards it; throws `invalid_credentials`, `too_many_attempts`. */
export async function checkPassword(deps: ApiDeps, ctx: Asking, email: string, password: string): Promise<LoginId> {
  deps.signInGuard.check(deps.clientAddress(ctx.koa.req), email);
  const login = await findLogin(deps.db, email);
  refuseLocked(deps, ctx, email, login, clockNow());
  const isRight = await deps.passwords.verify(login?.passwordHash, password).catch((error: unknown) => {
    throw tooBusy(error);
  });
  if (login === undefined || !isRight) {
    await countWrong(deps, ctx, email, login?.id);
    throw new DomainError('access.invalid_credentials');
  }
  // With a second factor the tries are forgotten once that is right too: who knows the password must not guess codes for ever.
  if (((await findSecondFactor(deps.db, login.id))?.secret ?? null) === null) {
    await clearFailures(deps.db, login.id);
    deps.signInGuard.forget(email);
  }
  return login.id;
}

/** Checks a code of the second factor, or a recovery code, and uses it up; throws `invalid_credentials`, `too_many_attempts`. */
export async function checkCode(deps: ApiDeps, ctx: Asking, loginId: LoginId, code: string): Promise<void> {
  const login = await findLoginById(deps.db, loginId);
  if (login === undefined) throw new DomainError('access.invalid_credentials');
  const now = clockNow();
  refuseLocked(deps, ctx, login.email, login, now);
  if (!(await isCodeRight(deps, loginId, code, now))) {
    await countWrong(deps, ctx, login.email, loginId);
    throw new DomainError('access.invalid_credentials');
  }
  await clearFailures(deps.db, loginId);
  deps.signInGuard.forget(login.email);
}

async function isCodeRight(deps: ApiDeps, loginId: LoginId, code: string, now: Instant): Promise<boolean> {
  const factor = await findSecondFactor(deps.db, loginId);
  if (factor === undefined || factor.secret === null) return false;
  const step = totpStepOf(deps.secrets.unseal(totpPurpose, factor.secret), code.replaceAll(/\s/g, ''), epochMs(now));
  if (step !== undefined) return takeTotpStep(deps.db, loginId, step);
  const recovery = readRecoveryCode(code);
  return recovery !== undefined && takeRecoveryCode(deps.db, loginId, hashToken(recovery));
}

/** A challenge for this membership, where the login has a second factor; undefined where the first proof is enough. */
export async function challengeFor(
  deps: ApiDeps,
  loginId: LoginId,
  userId: UserId,
  byProvider = false,
): Promise<string | undefined> {
  const factor = await findSecondFactor(deps.db, loginId);
  if (factor === undefined || factor.secret === null) return undefined;
  const until = addMs(clockNow(), challengeMs);
  return deps.secrets.seal(challengePurpose, JSON.stringify({ loginId, userId, until, byProvider }));
}

/** Who a challenge was made for, and whether the workspace's provider was the first proof; `invalid_credentials` when it is none of ours, too old, or its person is gone. */
export async function readChallenge(
  deps: ApiDeps,
  challenge: string,
): Promise<{ readonly loginId: LoginId; readonly membership: Membership; readonly byProvider: boolean }> {
  const wrong = (): DomainError => new DomainError('access.invalid_credentials');
  let made: {
    readonly loginId: LoginId;
    readonly userId: UserId;
    readonly until: Instant;
    readonly byProvider?: boolean;
  };
  try {
    made = JSON.parse(deps.secrets.unseal(challengePurpose, challenge)) as typeof made;
  } catch {
    throw wrong(); // altered, or sealed with a key that is gone: which one is nobody's business
  }
  if (!isBefore(clockNow(), made.until)) throw wrong();
  const memberships = await listMemberships(deps.db, made.loginId);
  const membership = memberships.find((one) => one.userId === made.userId && one.status === 'active');
  if (membership === undefined) throw wrong();
  return { loginId: made.loginId, membership, byProvider: made.byProvider === true };
}
