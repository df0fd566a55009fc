// Row 12 of performance.md: sales through the full path, from POST /v1/sales to a commission that is accrued and booked, against a bare loop of
// signal-with-start on the same Temporal server.
import { randomUUID } from 'node:crypto';
import { checkBooks } from '../db/reads/earning/bookChecks.js';
import { newId } from '../platform/newId.js';
import { apiClient } from '../test/support/apiClient.js';
import { LiveStack } from '../test/support/liveStack.js';
import { startBareWorker } from './bareProcess.js';
import type { bare, BarePlan } from './bareWorkflow.js';
import { createJourneys, type Journey, type Journeys } from './journeys.js';
import type { Bench, Measured } from './measure.js';
import { makeOwnerKey } from './ownerKey.js';

const rounds = 5;
const perRound = 200;
const atOnce = 16;
const taskQueue = 'bench-bare';

export const salesBench: Bench = {
  names: ['sales'],
  what: 'sales a second, POST to accrued commission, against a bare signal-with-start loop on the same server',
  takes: '3 minutes',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start({ env: { LOG_LEVEL: 'warn' } });
  let worker: Awaited<ReturnType<typeof startBareWorker>> | undefined;
  try {
    const journeys = await createJourneys(stack);
    try {
      const key = await makeOwnerKey(stack, journeys);
      const api = apiClient(
        () => stack.baseUrl,
        () => key,
      );
      await journeys.owner.raw('create table bench_steps (batch text not null)');
      worker = await startBareWorker(stack, taskQueue);
      const report = async ({ contactId }: Journey): Promise<void> => {
        const answer = await api.post('/v1/sales', {
          externalId: newId('sale'),
          customer: { email: `${contactId}@buyer.example` },
          amount: { amount: '49.99', currency: 'USD' },
        });
        if (answer.status !== 202)
          throw new Error(`a sale was answered ${answer.status} ${JSON.stringify(answer.body)}`);
      };
      const ours = async (count: number): Promise<number> => {
        const all = await journeys.click(count);
        await journeys.lead(all);
        await journeys.become(all, 'pending');
        const from = performance.now();
        await each(all, report);
        await journeys.earn(all, 'pending');
        return (count * 1_000) / (performance.now() - from);
      };
      await bareSales(journeys, perRound / 2); // warm: the first ones compile
      await ours(perRound / 2);
      // What autovacuum does within a minute: until then statements prepared over empty tables keep reading them whole.
      await journeys.owner.raw('analyze');
      const pairs: { readonly ours: number; readonly theirs: number }[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const theirs = await bareSales(journeys, perRound);
        const own = await ours(perRound);
        pairs.push({ theirs, ours: own });
        say(`round ${round}: bare ${theirs.toFixed(1)}/s, ours ${own.toFixed(1)}/s`);
      }
      const sold = perRound / 2 + rounds * perRound;
      return [
        {
          name: 'sales',
          against: 'a bare signal-with-start loop',
          unit: 'sales/s',
          goal: '>= 0.70',
          rounds: pairs,
          notes: [
            `${perRound} a round, ${atOnce} at once; ours: POST /v1/sales, outbox, relay, signal, accrual with its postings and explanation; ` +
              'theirs: a signal with start from the client to a run under way, one local activity with one INSERT',
            await difference(journeys, sold),
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

/** 20 % of 49.99 is 10.00: what was told, the lines and the books have to say the same, or the figure is worth nothing. */
async function difference({ owner, workspaceId }: Journeys, sold: number): Promise<string> {
  const [lines] = await owner('commissions')
    .where({ workspace_id: workspaceId })
    .select<{ count: string; minor: string }[]>(owner.raw('count(*) as count, sum(amount_minor) as minor'));
  const wanted = BigInt(sold) * 1_000n;
  if (lines === undefined || BigInt(lines.count) !== BigInt(sold) || BigInt(lines.minor) !== wanted)
    throw new Error(`${sold} sales earn ${wanted}, the lines say ${JSON.stringify(lines)}`);
  // Not I12 and I14: what the bench set up by hand has no history, and the audit chain runs behind.
  const broken = (await checkBooks(owner)).filter(
    ({ id, violations }) => violations > 0 && !['I12', 'I14'].includes(id),
  );
  if (broken.length > 0) throw new Error(`the books are broken: ${JSON.stringify(broken)}`);
  return `${sold} sales, ${lines.count} lines of ${lines.minor} cents, no invariant of the books broken: difference 0`;
}

/** Runs that wait for their second signal, as a referral waits for its sale; only that signal is measured. */
async function bareSales(journeys: Journeys, count: number): Promise<number> {
  const batch = randomUUID();
  const args: [BarePlan] = [{ batch, steps: [1, 1] }];
  const ids = Array.from({ length: count }, (_, index) => `bare/${batch}/${index}`);
  const signal = (workflowId: string): Promise<unknown> =>
    journeys.client.workflow.signalWithStart<typeof bare, []>('bare', { workflowId, taskQueue, args, signal: 'told' });
  const done = (expected: number): Promise<void> =>
    journeys.until('steps', 'select count(*)::int from bench_steps where batch = $1', [batch], expected);
  await each(ids, signal);
  await done(count);
  const from = performance.now();
  await each(ids, signal);
  await done(2 * count);
  return (count * 1_000) / (performance.now() - from);
}

async function each<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const left = [...all];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
    }),
  );
}
