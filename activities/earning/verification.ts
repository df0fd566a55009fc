import { clearVerdict, findCheck, moveCheck, postponeCheck } from '../../db/earning/check.js';
import { findReferral, lockReferral } from '../../db/earning/referral.js';
import { readWorkspace, type Tx } from '../../db/transaction.js';
import { findContact } from '../../db/tracking/contact.js';
import { type Act, actFor, systemActor } from '../../domain/act.js';
import { askAgainMs, type CheckVerdict, decideCheckMove, parseVerdict } from '../../domain/earning/check.js';
import { assertInvariant } from '../../domain/errors.js';
import type { ReferralId, WorkspaceId } from '../../domain/ids.js';
import { addMs } from '../../domain/time.js';
import type { Fact, ReferralRef, Step } from '../../workflows/contract.js';
import { databaseActivity } from '../databaseActivity.js';
import type { ActivityDeps } from '../deps.js';
import type { CheckProvider } from '../gateways/checkProvider.js';
import { nextStep } from './referral.js';

export interface CheckDeps extends Pick<ActivityDeps, 'db' | 'newId' | 'logger'> {
  /** By adapter name. */
  readonly checkProviders: ReadonlyMap<string, CheckProvider>;
}

/** Verification by somebody outside (temporal.md 3.8): the question is one call without a transaction, the answer one transaction. */
export function checkActivities(deps: CheckDeps) {
  return {
    /** A verdict that was reported and is stored on the check's row. Safe to repeat: a judged one is gone. */
    applyCheck: (input: ReferralRef & { readonly fact: Fact }): Promise<Step> =>
      databaseActivity(deps, input, async (tx, act) => {
        await lockMode(tx, act, input.referralId, async (at) => {
          const check = await findCheck(tx, input.fact.id);
          if (check !== undefined && check.referralId === input.referralId && check.pendingVerdict !== null)
            await applyVerdict(tx, at, check.id, parseVerdict(check.pendingVerdict));
        });
        return nextStep(tx, act, input.referralId);
      }),

    /** What the provider answered to our question. A check that was decided meanwhile stays as it is. */
    recordCheck: (input: ReferralRef & { readonly checkId: string; readonly verdict: string }): Promise<Step> =>
      databaseActivity(deps, input, async (tx, act) => {
        await lockMode(tx, act, input.referralId, async (at) => {
          const check = await findCheck(tx, input.checkId);
          if (check?.referralId === input.referralId && check.status === 'waiting')
            await applyVerdict(tx, at, check.id, parseVerdict(input.verdict));
        });
        return nextStep(tx, act, input.referralId);
      }),

    /** One call to the check's provider, under the check's id as key. An adapter that is not set up answers `unknown`. */
    askCheckProvider: async (input: {
      readonly workspaceId: WorkspaceId;
      readonly checkId: string;
    }): Promise<{ readonly verdict: CheckVerdict }> => {
      const question = await readWorkspace(deps.db, input.workspaceId, async (tx) => {
        const check = await findCheck(tx, input.checkId);
        const referral = check === undefined ? undefined : await findReferral(tx, check.referralId);
        const contact = referral?.contactId == null ? undefined : await findContact(tx, referral.contactId);
        return check === undefined || contact === undefined ? undefined : { check, contact };
      });
      if (question === undefined || question.check.status !== 'waiting') return { verdict: 'unknown' };
      const { check, contact } = question;
      const provider = deps.checkProviders.get(check.provider ?? '');
      if (provider === undefined) {
        deps.logger.warn({ checkId: check.id, provider: check.provider }, 'check provider not set up');
        return { verdict: 'unknown' };
      }
      const { name, email, phone, country } = contact;
      const verdict = await provider.ask(
        { requestKey: check.id, kind: check.kind, subject: { name, email, phone, country } },
        AbortSignal.timeout(provider.callTimeoutMs),
      );
      return { verdict };
    },
  };
}

async function lockMode(tx: Tx, act: Act, referralId: ReferralId, work: (act: Act) => Promise<void>): Promise<void> {
  const referral = await lockReferral(tx, referralId);
  assertInvariant(referral !== undefined, 'the referral of a check is there', { referralId });
  await work(actFor(act, { mode: referral.mode, actor: systemActor }));
}

async function applyVerdict(tx: Tx, act: Act, checkId: string, verdict: CheckVerdict): Promise<void> {
  const check = await findCheck(tx, checkId);
  assertInvariant(check !== undefined, "a check under the referral's lock is there", { checkId });
  if (verdict === 'unknown') {
    const unknown = typeof check.evidence['unknown'] === 'number' ? check.evidence['unknown'] : 0;
    return postponeCheck(tx, act, check, addMs(act.now, askAgainMs(unknown)));
  }
  if (decideCheckMove(check, verdict).kind !== 'accepted') return clearVerdict(tx, act, check);
  await moveCheck(tx, act, check, verdict, {
    reasonCode: verdict === 'failed' ? 'check_failed' : null,
    evidence: { ...check.evidence, provider: check.provider },
  });
}
