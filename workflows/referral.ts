import {
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  log,
  setHandler,
  TemporalFailure,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Claim, Decision, Fact, FactKind, ReferralRef, ReferralVerb, Step } from './contract.js';
import { referralVerbs } from './contract.js';
import { createInbox, longestWaitMs } from './inbox.js';
import { checks, database } from './proxies.js';

type Message =
  | { readonly kind: 'read' }
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'claim'; readonly verb: ReferralVerb; readonly claim: Claim | null; readonly decisionId: string }
  | { readonly kind: 'check'; readonly checkId: string; readonly verdict: string };

/**
 * One prospect's journey in one program. It waits and sequences; what is true is in Postgres (decisions 3). A run ends when nothing is
 * left to wait for; the next fact opens a further run of the same workflow id.
 */
export async function referral(ref: ReferralRef): Promise<Step> {
  const inbox = createInbox<Message>(); // handlers only put letters in; the loop alone acts
  const asking = new Set<string>(); // checks whose provider is being asked
  let nudges = 0;

  inbox.tell({ kind: 'read' }); // whoever started this run: first read the row
  // A hand may send anything: what cannot be read means "read the row". Handlers never destructure, or one such signal blocks for ever.
  const hear = (kind: FactKind, id: unknown): void =>
    inbox.tell(typeof id === 'string' ? { kind: 'fact', fact: { kind, id } } : { kind: 'read' });
  const facts: readonly (readonly [signal: string, kind: FactKind, field: string])[] = [
    ['leadReported', 'lead', 'leadId'],
    ['saleReported', 'sale', 'saleId'],
    ['refundReported', 'refund', 'refundId'],
    ['disputeReported', 'dispute', 'disputeId'],
    ['checkReported', 'check', 'checkId'],
    ['payoutSettled', 'payout', 'payoutId'],
    ['merged', 'merge', 'intoReferralId'],
  ];
  for (const [signal, kind, field] of facts) {
    setHandler(defineSignal<[Readonly<Record<string, unknown>> | null | undefined]>(signal), (fact) =>
      hear(kind, fact?.[field]),
    );
  }
  setHandler(defineSignal('nudged'), () => {
    nudges += 1;
    inbox.tell({ kind: 'read' });
  });
  for (const verb of referralVerbs) {
    setHandler(
      defineSignal<[Decision | null | undefined]>(verb),
      (decision) =>
        typeof decision === 'object' && decision !== null && 'decisionId' in decision
          ? hear('decision', decision.decisionId) // from the relay: a row like any fact
          : inbox.tell({
              kind: 'claim',
              verb,
              claim: typeof decision === 'object' ? (decision ?? null) : null,
              decisionId: uuid4(),
            }), // by hand: its row is still to be written
    );
  }

  const askProvider = (checkId: string): void => {
    // Not awaited on purpose: a slow provider must not block a decision.
    if (asking.has(checkId)) return;
    asking.add(checkId);
    const report = (verdict: string): void => inbox.tell({ kind: 'check', checkId, verdict });
    checks.askCheckProvider({ workspaceId: ref.workspaceId, checkId }).then(
      (answer) => report(answer.verdict),
      () => report('unknown'),
    );
  };

  const act = (message: Message): Promise<Step> => {
    switch (message.kind) {
      case 'read':
        return database.resumeReferral(ref);
      case 'fact':
        return applyFact(ref, message.fact);
      case 'claim':
        return database.decideByHand({
          ...ref,
          verb: message.verb,
          claim: message.claim,
          decisionId: message.decisionId,
        });
      case 'check':
        asking.delete(message.checkId);
        return database.recordCheck({ ...ref, checkId: message.checkId, verdict: message.verdict });
      default:
        return message satisfies never;
    }
  };

  let step: Step = { seq: 0, status: 'unread', wait: null, facts: [], checksToAsk: [] };
  while (step.wait !== null || step.facts.length > 0 || inbox.hasLetters() || asking.size > 0) {
    step.checksToAsk.forEach(askProvider);
    const letter = inbox.take();
    const [stored] = step.facts; // in Postgres, its signal not here yet
    try {
      if (letter !== undefined) step = await act(letter);
      else if (stored !== undefined) step = await act({ kind: 'fact', fact: stored });
      else if (workflowInfo().continueAsNewSuggested && asking.size === 0) await continueAsNew<typeof referral>(ref);
      else if (!(await inbox.arrives(step.wait))) step = await database.passDeadline(ref);
    } catch (error) {
      // An activity gave up for good: our bug. Park until nudged; failing the workflow would lose the journey (temporal.md 3.5).
      if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error; // ContinueAsNew and plain errors pass
      log.error('referral parked');
      if (letter !== undefined) inbox.putBack(letter); // a claim stands nowhere else
      const before = nudges;
      await condition(() => nudges > before, longestWaitMs);
    }
  }
  return step;
}

function applyFact(ref: ReferralRef, fact: Fact): Promise<Step> {
  switch (fact.kind) {
    case 'lead':
      return database.applyLead({ ...ref, fact });
    case 'sale':
      return database.accrueCommissions({ ...ref, fact });
    case 'refund':
      return database.reverseCommissions({ ...ref, fact });
    case 'dispute':
      return database.applyDispute({ ...ref, fact });
    case 'check':
      return database.applyCheck({ ...ref, fact });
    case 'payout':
      return database.applyPayout({ ...ref, fact });
    case 'merge':
      return database.resumeReferral(ref);
    case 'decision':
      return database.decideReferral({ ...ref, fact });
    case 'gatewayEvent':
      return database.resumeReferral(ref); // belongs to a payout; nothing here
    default:
      return fact.kind satisfies never;
  }
}
