import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  log,
  ParentClosePolicy,
  setHandler,
  startChild,
  TemporalFailure,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { instantOf } from '../domain/time.js';
import type {
  Claim,
  Decision,
  Fact,
  PayoutRef,
  PayoutRunRef,
  PayoutRunStep,
  PayoutRunVerb,
  ScheduledRunRef,
  Wait,
} from './contract.js';
import { payoutRunVerbs, workflowIds } from './contract.js';
import { createInbox, longestWaitMs } from './inbox.js';
import { database, pages } from './proxies.js';
import { payout } from './payout.js';

/** By hand the run's row exists; a schedule names itself and the row is found by the nominal time. `after`: the last payout handed out. */
export type PayoutRunInput = (PayoutRunRef | ScheduledRunRef) & { readonly after?: string };

type Message =
  | { readonly kind: 'read' }
  | { readonly kind: 'fact'; readonly fact: Fact }
  | { readonly kind: 'claim'; readonly verb: PayoutRunVerb; readonly claim: Claim | null; readonly decisionId: string };

const batch = 100;
/** Limit: 2,000 pending children; a history of 500 starts is still quick to replay (temporal.md 5.1). */
const startsPerRun = 500;
const firstCountMs = 60_000;
const longestCountMs = 3_600_000;

/** A wait whose end stands in no row. */
const pause = (ms: number): Wait => ({ until: instantOf(0), ms });

/** Plans, shows, waits for approval, pays, reconciles (temporal.md 5.1). */
export async function payoutRun(input: PayoutRunInput): Promise<PayoutRunStep | null> {
  const inbox = createInbox<Message>();
  let nudges = 0;
  inbox.tell({ kind: 'read' });
  setHandler(defineSignal('drained'), () => inbox.tell({ kind: 'read' }));
  setHandler(defineSignal('nudged'), () => {
    nudges += 1;
    inbox.tell({ kind: 'read' });
  });
  for (const verb of payoutRunVerbs) {
    setHandler(defineSignal<[Decision | null | undefined]>(verb), (decision) => {
      if (typeof decision === 'object' && decision !== null && 'decisionId' in decision) {
        const id: unknown = decision.decisionId;
        inbox.tell(typeof id === 'string' ? { kind: 'fact', fact: { kind: 'decision', id } } : { kind: 'read' });
      } else
        inbox.tell({
          kind: 'claim',
          verb,
          claim: typeof decision === 'object' ? (decision ?? null) : null,
          decisionId: uuid4(),
        });
    });
  }

  const found = 'payoutRunId' in input ? { payoutRunId: input.payoutRunId } : await openScheduled(input);
  if (found === null) return null; // its schedule was deleted
  const ref: PayoutRunRef = { workspaceId: input.workspaceId, payoutRunId: found.payoutRunId };

  const act = (message: Message): Promise<PayoutRunStep> => {
    switch (message.kind) {
      case 'read':
        return database.resumePayoutRun(ref);
      case 'fact':
        return pages.decidePayoutRun({ ...ref, fact: message.fact }); // cancelling a large run takes longer than a local activity may
      case 'claim':
        return pages.decidePayoutRunByHand({
          ...ref,
          verb: message.verb,
          claim: message.claim,
          decisionId: message.decisionId,
        });
      default:
        return message satisfies never;
    }
  };

  let after = input.after ?? '';
  let starts = 0;
  let isHandedOut = false; // every payout has its workflow
  let open = -1;
  let countMs = firstCountMs;

  const handOut = async (step: PayoutRunStep): Promise<PayoutRunStep> => {
    if (!isHandedOut) {
      const page = await database.releasePayoutPage({ ...ref, after, limit: batch });
      await Promise.all(page.payoutIds.map((payoutId) => startPayout({ workspaceId: ref.workspaceId, payoutId })));
      starts += page.payoutIds.length;
      if (page.next === null) {
        isHandedOut = true;
        return database.resumePayoutRun(ref);
      }
      after = page.next;
      if (starts >= startsPerRun && !inbox.hasLetters()) return continueAsNew<typeof payoutRun>({ ...ref, after });
      return step;
    }
    // Two last payouts that settle at once each see the other open and tell nobody: so we count (temporal.md 5.1).
    countMs = step.openPayouts === open ? Math.min(longestCountMs, countMs * 2) : firstCountMs;
    open = step.openPayouts;
    if (workflowInfo().continueAsNewSuggested && !inbox.hasLetters())
      return continueAsNew<typeof payoutRun>({ ...ref, after });
    return (await inbox.arrives(pause(countMs))) ? step : database.resumePayoutRun(ref);
  };

  const goOn = async (step: PayoutRunStep): Promise<PayoutRunStep> => {
    const [stored] = step.facts;
    if (stored !== undefined) return act({ kind: 'fact', fact: stored });
    if (step.status !== 'executing') {
      after = '';
      isHandedOut = false;
    }
    switch (step.next) {
      case 'plan':
        return pages.planPage(ref);
      case 'start':
        return handOut(step);
      case 'reconcile': {
        const next = await pages.completePayoutRun(ref);
        // Still here: it differs from the books, payouts are frozen and a person looks.
        if (next.next === 'reconcile') await inbox.arrives(pause(longestCountMs));
        return next;
      }
      case 'wait':
        return (await inbox.arrives(step.wait)) ? step : database.resumePayoutRun(ref);
      case 'done':
        return step;
      default:
        return step.next satisfies never;
    }
  };

  return CancellationScope.nonCancellable(async () => {
    let step: PayoutRunStep = { seq: 0, status: 'unread', next: 'wait', openPayouts: 0, wait: null, facts: [] };
    while (step.next !== 'done' || inbox.hasLetters()) {
      const letter = inbox.take();
      try {
        step = letter === undefined ? await goOn(step) : await act(letter);
      } catch (error) {
        if (!(error instanceof TemporalFailure)) throw error;
        log.error('payout run parked');
        if (letter !== undefined) inbox.putBack(letter);
        const before = nudges;
        await condition(() => nudges > before, longestWaitMs);
        if (letter === undefined) inbox.tell({ kind: 'read' });
      }
    }
    return step;
  });
}

/** The period comes from the schedule's own time, never from now (temporal.md 6). */
function openScheduled(input: ScheduledRunRef): Promise<{ readonly payoutRunId: PayoutRunRef['payoutRunId'] } | null> {
  const { searchAttributes, startTime, workflowId } = workflowInfo();
  const nominal = searchAttributes['TemporalScheduledStartTime']?.[0];
  return database.openScheduledRun({
    workspaceId: input.workspaceId,
    scheduleId: input.scheduleId,
    nominalAt: instantOf((typeof nominal === 'object' ? nominal : startTime).getTime()),
    workflowId,
  });
}

/** "Already started" is success: the row ends a run that has nothing to do. */
async function startPayout(ref: PayoutRef): Promise<void> {
  try {
    await startChild(payout, {
      workflowId: workflowIds.payout(ref),
      args: [ref],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    // The class is not exported by the workflow library, so its name tells.
    if (!(error instanceof TemporalFailure) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
  }
}
