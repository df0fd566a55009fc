import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  log,
  proxyActivities,
  setHandler,
  TemporalFailure,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { Claim, Decision, Fact, GatewayReply, PayoutCall, PayoutRef, PayoutStep, PayoutVerb } from './contract.js';
import { gatewayQueue, payoutVerbs, queueName } from './contract.js';
import { createInbox, longestWaitMs } from './inbox.js';
import { database } from './proxies.js';

type Message =
  | { readonly kind: 'read' }
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'claim'; readonly verb: PayoutVerb; readonly claim: Claim | null; readonly decisionId: string };

type GatewayCalls = Pick<Activities, 'submitAttempt' | 'lookUpAttempt'>;

/** After this an outcome nobody told is `unknown`: the call is not made again blindly, it is looked up (temporal.md 2.3). */
const longestCallMs = 10 * 60_000;

/**
 * One payout: claim, call, record, confirm, settle; or look up the unknown (temporal.md 5.2). Money goes forward only, so all of it runs
 * where a cancellation does not reach. The request key is the attempt row's: whatever happens to this run, no second one is made.
 */
export async function payout(ref: PayoutRef): Promise<PayoutStep> {
  const inbox = createInbox<Message>();
  let nudges = 0;
  const hear = (kind: Fact['kind'], id: unknown): void =>
    inbox.tell(typeof id === 'string' ? { kind: 'fact', fact: { kind, id } } : { kind: 'read' });
  setHandler(defineSignal<[Readonly<Record<string, unknown>> | null | undefined]>('payoutReported'), (fact) =>
    hear('gatewayEvent', fact?.['gatewayEventId']),
  );
  setHandler(defineSignal('nudged'), () => {
    nudges += 1;
    inbox.tell({ kind: 'read' });
  });
  for (const verb of payoutVerbs) {
    setHandler(defineSignal<[Decision | null | undefined]>(verb), (decision) =>
      typeof decision === 'object' && decision !== null && 'decisionId' in decision
        ? hear('decision', decision.decisionId)
        : inbox.tell({
            kind: 'claim',
            verb,
            claim: typeof decision === 'object' ? (decision ?? null) : null,
            decisionId: uuid4(),
          }),
    );
  }

  const act = (message: Message): Promise<PayoutStep> => {
    switch (message.kind) {
      case 'read':
        return database.resumePayout(ref);
      case 'fact':
        return applyFact(ref, message.fact);
      case 'claim':
        return database.decidePayoutByHand({
          ...ref,
          verb: message.verb,
          claim: message.claim,
          decisionId: message.decisionId,
        });
      default:
        return message satisfies never;
    }
  };

  const goOn = async (step: PayoutStep): Promise<PayoutStep> => {
    const [stored] = step.facts; // in Postgres, its signal not here yet
    switch (step.next) {
      case 'claim':
        return database.claimAttempt(ref);
      case 'submit':
        return call(ref, step.call, 'submitAttempt');
      case 'lookUp':
        return call(ref, step.call, 'lookUpAttempt');
      case 'wait':
        if (stored !== undefined) return act({ kind: 'fact', fact: stored });
        if (workflowInfo().continueAsNewSuggested) return continueAsNew<typeof payout>(ref);
        return (await inbox.arrives(step.wait)) ? step : database.resumePayout(ref);
      case 'done':
        return step;
      default:
        return step.next satisfies never;
    }
  };

  return CancellationScope.nonCancellable(async () => {
    // Whoever started this run: without a letter it begins by claiming, which reads the row and claims only what may be sent.
    let step: PayoutStep = { seq: 0, status: 'unread', next: 'claim', call: null, wait: null, facts: [] };
    while (step.next !== 'done' || inbox.hasLetters()) {
      const letter = inbox.take();
      try {
        step = letter === undefined ? await goOn(step) : await act(letter);
      } catch (error) {
        // An activity gave up for good: our bug. Park until nudged; failing the workflow would lose the payout (temporal.md 3.5).
        if (!(error instanceof TemporalFailure)) throw error; // ContinueAsNew and plain errors pass
        log.error('payout parked');
        if (letter !== undefined) inbox.putBack(letter);
        const before = nudges;
        await condition(() => nudges > before, longestWaitMs);
        if (letter === undefined) inbox.tell({ kind: 'read' });
      }
    }
    return step;
  });
}

function applyFact(ref: PayoutRef, fact: Fact): Promise<PayoutStep> {
  if (fact.kind === 'decision') return database.decidePayout({ ...ref, fact });
  if (fact.kind === 'gatewayEvent') return database.applyGatewayEvent({ ...ref, gatewayEventId: fact.id });
  return database.resumePayout(ref); // belongs to something else
}

/** One call on the adapter's own queue, then its record. A call that never answered is recorded as unknown, never as refused. */
async function call(
  ref: PayoutRef,
  planned: PayoutCall | null,
  name: 'submitAttempt' | 'lookUpAttempt',
): Promise<PayoutStep> {
  if (planned === null) return database.resumePayout(ref);
  const { attemptId, fence, adapter } = planned;
  const own = workflowInfo().taskQueue;
  const prefix = own.endsWith('-payouts') ? own.slice(0, -'-payouts'.length) : '';
  const mayRepeat = planned.repeatable || name === 'lookUpAttempt';
  const gateway = proxyActivities<GatewayCalls>({
    taskQueue: queueName(prefix, gatewayQueue(adapter)),
    startToCloseTimeout: planned.timeoutMs * 2,
    scheduleToCloseTimeout: longestCallMs,
    retry: mayRepeat ? { initialInterval: '1s', maximumInterval: '1m' } : { maximumAttempts: 1 },
  });
  const reply = await answered(gateway[name]({ ...ref, attemptId, fence, adapter }));
  return database.recordAttempt({
    ...ref,
    attemptId,
    fence,
    source: name === 'submitAttempt' ? 'call' : 'lookUp',
    reply,
  });
}

async function answered(asked: Promise<GatewayReply>): Promise<GatewayReply> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    return { class: 'unknown', code: 'no_answer', providerId: null, gatewayStatus: null, answerHash: null };
  }
}
