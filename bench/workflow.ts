// Row 5 of performance.md: our referral, from its click to a payable commission, against a bare workflow that gives the same server the same
// commands: the same start, signals, timers and local activities, each of these one trivial transaction.
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { eventually } from '../test/support/eventually.js';
import { LiveStack } from '../test/support/liveStack.js';
import { startBareWorker } from './bareProcess.js';
import type { bare, BarePlan } from './bareWorkflow.js';
import { createJourneys, type Journeys } from './journeys.js';
import type { Bench, Measured } from './measure.js';

const rounds = 5;
/** Enough to keep both busy: at 60 the end of each stage, where a few are left, was a quarter of the time. */
const perRound = 150;
const atOnce = 16;
const taskQueue = 'bench-bare';
const patience = { within: 300_000, every: 10 };

export const workflowBench: Bench = {
  names: ['workflow'],
  what: 'referral lifecycles a second, click to payable, against a bare workflow with the same commands on the same server',
  takes: '3 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start();
  let worker: ChildProcess | undefined;
  try {
    const journeys = await createJourneys(stack);
    const { owner, client } = journeys;
    try {
      await owner.raw('create table bench_steps (batch text not null)');
      worker = await startBareWorker(stack, taskQueue);
      const example = await lifecycles(journeys, 1);
      const ours = await countEvents(client, example.lastWorkflowId);
      const plan = ours.steps;
      const sample = await bareLifecycles(journeys, plan, 1);
      const theirs = await countEvents(client, sample.lastWorkflowId);
      if (ours.markers !== theirs.markers || ours.timers !== theirs.timers || ours.signals !== theirs.signals)
        throw new Error(`not the same commands: ${JSON.stringify(ours)} against ${JSON.stringify(theirs)}`);
      await lifecycles(journeys, perRound / 2); // warm: the first ones compile
      await bareLifecycles(journeys, plan, perRound / 2);
      // What autovacuum does within a minute: until then statements prepared over empty tables keep reading them whole (0.25 instead of 0.5).
      await owner.raw('analyze');

      const pairs: { readonly ours: number; readonly theirs: number }[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const bare = await bareLifecycles(journeys, plan, perRound);
        const own = await lifecycles(journeys, perRound);
        pairs.push({ theirs: bare.perSecond, ours: own.perSecond });
        say(`round ${round}: bare ${bare.perSecond.toFixed(1)}/s, ours ${own.perSecond.toFixed(1)}/s`);
      }
      return [
        {
          name: 'workflow',
          against: 'a bare workflow with the same commands',
          unit: 'lifecycles/s',
          goal: '>= 0.80',
          rounds: pairs,
          notes: [
            `${perRound} a round, all at the same stage; each of both: 1 start with a delay, ${ours.signals} signals, ` +
              `${ours.markers} local activities, ${ours.timers} timers; events ${ours.events} against ${theirs.events}`,
            'ours: click row, relay, outbox, real activities; theirs: signals straight from the client, one INSERT an activity',
          ],
        },
      ];
    } finally {
      worker?.disconnect();
      await journeys.close();
    }
  } finally {
    await stack.stop();
  }
}

interface Lifecycles {
  readonly perSecond: number;
  readonly lastWorkflowId: string;
}

async function lifecycles(journeys: Journeys, count: number): Promise<Lifecycles> {
  const from = performance.now();
  const all = await journeys.click(count);
  await journeys.lead(all);
  await journeys.become(all, 'pending');
  await journeys.sale(all);
  await journeys.earn(all, 'pending');
  await journeys.approve(all);
  await journeys.earn(all, 'approved');
  const perSecond = (count * 1_000) / (performance.now() - from);
  const [last] = all;
  return { perSecond, lastWorkflowId: last === undefined ? '' : journeys.workflowId(last) };
}

/** Starts and signals come from here without anything between; a stage is over when all its transactions are committed. */
async function bareLifecycles(journeys: Journeys, plan: readonly number[], count: number): Promise<Lifecycles> {
  const { client } = journeys;
  const from = performance.now();
  const batch = randomUUID();
  const ids = Array.from({ length: count }, (_, index) => `bare/${batch}/${index}`);
  const args: [BarePlan] = [{ batch, steps: plan }];
  await each(ids, (workflowId) =>
    client.workflow.start<typeof bare>('bare', { workflowId, taskQueue, args, startDelay: '30 days' }),
  );
  let expected = 0;
  for (const steps of plan) {
    await each(ids, (workflowId) =>
      client.workflow.signalWithStart<typeof bare, []>('bare', { workflowId, taskQueue, args, signal: 'told' }),
    );
    expected += steps * count;
    await journeys.until('steps', 'select count(*)::int from bench_steps where batch = $1', [batch], expected);
  }
  return { perSecond: (count * 1_000) / (performance.now() - from), lastWorkflowId: ids[0] ?? '' };
}

async function each(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < ids.length; from += atOnce) await Promise.all(ids.slice(from, from + atOnce).map(work));
}

interface Counted {
  readonly events: number;
  readonly signals: number;
  readonly markers: number;
  readonly timers: number;
  /** Local activities after each signal: what the bare workflow has to do to give the same commands. */
  readonly steps: readonly number[];
}

/** What a run's history says of its commands, once it waits again. */
async function countEvents(client: Client, workflowId: string): Promise<Counted> {
  const handle = client.workflow.getHandle(workflowId);
  await eventually(async () => (await handle.describe()).raw.pendingWorkflowTask == null, patience);
  const { events } = await handle.fetchHistory();
  const steps: number[] = [];
  let markers = 0;
  let timers = 0;
  for (const event of events ?? []) {
    if (event.workflowExecutionSignaledEventAttributes != null) steps.push(0);
    if (event.timerStartedEventAttributes != null) timers += 1;
    if (event.markerRecordedEventAttributes != null) {
      markers += 1;
      steps.push((steps.pop() ?? 0) + 1);
    }
  }
  return { events: events?.length ?? 0, signals: steps.length, markers, timers, steps };
}
