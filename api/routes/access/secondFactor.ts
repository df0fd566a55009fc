import { hashToken } from '../../../platform/secrets.js';
import {
  confirmSecondFactor,
  draftSecondFactor,
  findSecondFactor,
  removeSecondFactor,
} from '../../../db/access/secondFactor.js';
import { markFactorShown } from '../../../db/access/login.js';
import { findSignInProvider } from '../../../db/access/signInProvider.js';
import { lockUser, updateUser } from '../../../db/access/user.js';
import { readWorkspace, type Tx } from '../../../db/transaction.js';
import { needsSecondFactor } from '../../../domain/access/session.js';
import type { Act } from '../../../domain/act.js';
import { DomainError } from '../../../domain/errors.js';
import type { UserId, WorkspaceId } from '../../../domain/ids.js';
import { epochMs } from '../../../domain/time.js';
import { clockNow } from '../../../platform/clock.js';
import { newRecoveryCodes, newTotpSecret, qrSvg, totpAddress, totpStepOf } from '../../../platform/totp.js';
import type { Caller } from '../../auth.js';
import { checkCode, readChallenge, totpPurpose } from '../../credentials.js';
import type { ApiDeps } from '../../deps.js';
import { invalid } from '../../problems.js';
import { definePublicRoute, defineRoute, type Route } from '../../route.js';
import {
  challengeBody,
  codeBody,
  recoveryCodesWire,
  sessionWire,
  totpDraftWire,
} from '../../schemas/access/session.js';
import { noContent } from '../../schemas/wire.js';
import { sessionAnswer, startSession } from '../../signIn.js';

function sessionOf(caller: Caller): NonNullable<Caller['session']> {
  if (caller.session === null) throw new DomainError('access.unauthenticated');
  return caller.session;
}

async function record(tx: Tx, act: Act, userId: UserId, event: string): Promise<void> {
  const user = await lockUser(tx, userId);
  if (user !== undefined) await updateUser(tx, act, user, event, {});
}

/** The provider that was the first proof may have been switched off since: then it proves nothing any more. */
async function requireProvider(deps: ApiDeps, workspaceId: WorkspaceId): Promise<void> {
  const provider = await readWorkspace(deps.db, workspaceId, (tx) => findSignInProvider(tx));
  if (provider?.enabled !== true) throw new DomainError('access.invalid_credentials');
}

const signIn = definePublicRoute({
  method: 'POST',
  path: '/v1/auth/totp',
  summary: 'The second factor of a sign-in: a code, or a recovery code',
  body: challengeBody,
  reply: sessionWire,
  refuses: ['access.invalid_credentials', 'access.too_many_attempts'],
  async handle(ctx, deps) {
    const { loginId, membership, byProvider } = await readChallenge(deps, ctx.body.challenge);
    if (byProvider) await requireProvider(deps, membership.workspaceId);
    await checkCode(deps, ctx, loginId, ctx.body.code);
    const of = byProvider ? { factorShown: true } : null;
    return sessionAnswer(deps, membership, await startSession(deps, ctx.koa, loginId, membership, of));
  },
});

const enrol = defineRoute({
  method: 'POST',
  path: '/v1/auth/totp/enrol',
  summary: 'Begin a second factor: its secret, as text and as QR code, shown once',
  permission: 'session',
  stepUp: true,
  secretReply: true,
  reply: totpDraftWire,
  refuses: ['access.step_up_required'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    const secret = newTotpSecret();
    const address = totpAddress(secret, session.userEmail);
    const picture = await qrSvg(address);
    return ctx.write(async (tx) => {
      await draftSecondFactor(tx, session.loginId, deps.secrets.seal(totpPurpose, secret));
      return { object: 'totp_draft' as const, secret, address, qrSvg: picture };
    });
  },
});

const confirm = defineRoute({
  method: 'POST',
  path: '/v1/auth/totp/confirm',
  summary: 'A first code turns the second factor on; answers ten recovery codes once',
  permission: 'session',
  stepUp: true,
  secretReply: true,
  body: codeBody,
  reply: recoveryCodesWire,
  refuses: ['access.step_up_required'],
  async handle(ctx, deps) {
    const session = sessionOf(ctx.caller);
    return ctx.write(async (tx, act) => {
      const factor = await findSecondFactor(tx, session.loginId);
      const draft = factor?.draft ?? null;
      const step =
        draft === null
          ? undefined
          : totpStepOf(
              deps.secrets.unseal(totpPurpose, draft),
              ctx.body.code.replaceAll(/\s/g, ''),
              epochMs(clockNow()),
            );
      const codes = newRecoveryCodes();
      const isConfirmed =
        draft !== null &&
        step !== undefined &&
        (await confirmSecondFactor(tx, session.loginId, { draft, step, recoveryHashes: codes.map(hashToken) }));
      if (!isConfirmed)
        throw invalid({
          pointer: '#/code',
          code: 'not_in_list',
          detail: 'Not the code of this moment. Is the clock right?',
        });
      await markFactorShown(tx, session.sessionId);
      await record(tx, act, session.userId, 'secondFactorEnrolled');
      return { object: 'recovery_codes' as const, codes: [...codes] };
    });
  },
});

const disable = defineRoute({
  method: 'POST',
  path: '/v1/auth/totp/disable',
  summary: 'Turn the second factor off, where no role demands it',
  permission: 'session',
  stepUp: true,
  reply: noContent,
  refuses: ['access.not_enabled', 'access.step_up_required'],
  handle: (ctx) => {
    const session = sessionOf(ctx.caller);
    if (needsSecondFactor(session.audience, session.roleIds, session.totpRequiredFor))
      throw new DomainError('access.not_enabled', { detail: 'A role of yours demands a second factor.' });
    return ctx.write(async (tx, act) => {
      if (await removeSecondFactor(tx, session.loginId)) await record(tx, act, session.userId, 'secondFactorRemoved');
      return undefined;
    });
  },
});

export const secondFactorRoutes: readonly Route[] = [signIn, enrol, confirm, disable];
