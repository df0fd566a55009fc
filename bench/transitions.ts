// What a referral costs the Temporal server, as the server itself counts it: state transitions, which are what a cluster bills and stores
// (performance.md 5, temporal.md 3.13). Counts, not times: the same on every machine.
import { eventually } from '../test/support/eventually.js';
import { LiveStack } from '../test/support/liveStack.js';
import { createJourneys, type Journey, type Journeys } from './journeys.js';
import type { Bench, Measured } from './measure.js';

const patience = { within: 120_000 };
const perPath = 3;
/** Short enough to wait for, long enough that the start is under way before it ends. */
const shortWindowSeconds = 3;

interface Cost {
  readonly transitions: number;
  readonly events: number;
}

export const transitionsBench: Bench = {
  names: ['transitions', 'transitionsUnreturned'],
  what: 'state transitions of a converted referral, click to paid, against 30; of one that never returned, against 4',
  takes: '1 minute',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start();
  try {
    const journeys = await createJourneys(stack);
    try {
      const unreturned = await journeys.click(perPath, shortWindowSeconds);
      const converted = await journeys.click(perPath);
      await journeys.lead(converted);
      await journeys.become(converted, 'pending');
      await idle(journeys, converted);
      await journeys.sale(converted);
      await journeys.earn(converted, 'pending');
      await idle(journeys, converted);
      await journeys.approve(converted);
      await journeys.earn(converted, 'approved');
      await idle(journeys, converted);
      const payable = await costs(journeys, converted);
      await journeys.payOut(converted);
      await journeys.earn(converted, 'paid');
      await closed(journeys, converted);
      const paid = await costs(journeys, converted);
      await journeys.become(unreturned, 'expired');
      await closed(journeys, unreturned);
      const expired = await costs(journeys, unreturned);
      const told = (what: string, all: readonly Cost[]): string =>
        `${what}: ${all.map(({ transitions, events }) => `${transitions} transitions, ${events} events`).join('; ')}`;
      const lines = [
        told('click to payable', payable),
        told('click to paid and closed', paid),
        told('never returned', expired),
      ];
      lines.forEach(say);
      return [
        bound('transitions', 'the bound of a converted referral', 30, paid, lines),
        bound('transitionsUnreturned', 'the bound of one that never returned', 4, expired, lines),
      ];
    } finally {
      await journeys.close();
    }
  } finally {
    await stack.stop();
  }
}

function bound(name: string, against: string, most: number, all: readonly Cost[], notes: readonly string[]): Measured {
  return {
    name,
    against,
    unit: 'state transitions',
    goal: '<= 1.0',
    rounds: all.map(({ transitions }) => ({ ours: transitions, theirs: most })),
    notes: [`${perPath} referrals a path, counted by the server (describe), all runs of the workflow id`, ...notes],
  };
}

/** Over all runs of the workflow id. */
async function costs(journeys: Journeys, of: readonly Journey[]): Promise<readonly Cost[]> {
  const found: Cost[] = [];
  for (const journey of of) {
    let cost: Cost = { transitions: 0, events: 0 };
    const workflowId = journeys.workflowId(journey);
    for await (const { runId } of journeys.client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) {
      const info = (await journeys.client.workflow.getHandle(workflowId, runId).describe()).raw.workflowExecutionInfo;
      cost = {
        transitions: cost.transitions + Number(info?.stateTransitionCount ?? 0),
        events: cost.events + Number(info?.historyLength ?? 0),
      };
    }
    found.push(cost);
  }
  return found;
}

/** Until each waits for its next fact, so that two facts do not share a task and flatter the count. */
async function idle(journeys: Journeys, of: readonly Journey[]): Promise<void> {
  for (const journey of of)
    await eventually(async () => {
      const { raw, status } = await journeys.client.workflow.getHandle(journeys.workflowId(journey)).describe();
      return status.name !== 'RUNNING' || raw.pendingWorkflowTask == null;
    }, patience);
}

async function closed(journeys: Journeys, of: readonly Journey[]): Promise<void> {
  for (const journey of of)
    await eventually(async () => {
      const { status } = await journeys.client.workflow.getHandle(journeys.workflowId(journey)).describe();
      return status.name === 'COMPLETED';
    }, patience);
}
