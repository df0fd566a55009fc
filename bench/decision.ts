// Row 13 of performance.md: one decision from POST to its answer, which is the outcome of the workflow's activity, while a bulk of 1,000 of them
// is under way, beside the same idle. None may end as 202.
import { apiClient, at, textAt } from '../test/support/apiClient.js';
import { eventually } from '../test/support/eventually.js';
import { LiveStack } from '../test/support/liveStack.js';
import { createJourneys, type Journey } from './journeys.js';
import type { Bench, Measured } from './measure.js';
import { makeOwnerKey } from './ownerKey.js';

const rounds = 3;
const perRound = 30;
const bulkSize = 1_000;

export const decisionBench: Bench = {
  names: ['decision'],
  what: 'one decision from POST to its answer behind a bulk of 1,000, against the same idle: p95 of both',
  takes: '3 minutes on a quiet machine, most of it to make the 1,000 referrals of each round',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start({ env: { LOG_LEVEL: 'warn' } });
  try {
    const journeys = await createJourneys(stack);
    try {
      const key = await makeOwnerKey(stack, journeys);
      const api = apiClient(
        () => stack.baseUrl,
        () => key,
      );
      let late = 0;
      const decide = async ({ referralId }: Journey): Promise<number> => {
        const from = performance.now();
        const answer = await api.post(`/v1/referrals/${referralId}/approve`, { reason: 'ok' });
        if (answer.status === 202) late += 1;
        else if (answer.status !== 200 || at(answer.body, 'status') !== 'approved')
          throw new Error(`a decision was answered ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
        return performance.now() - from;
      };
      const pending = async (count: number): Promise<readonly Journey[]> => {
        const all = await journeys.click(count);
        await journeys.lead(all);
        await journeys.become(all, 'pending');
        return all;
      };
      const decideEach = async (all: readonly Journey[]): Promise<Times> => {
        const took: number[] = [];
        for (const journey of all) took.push(await decide(journey));
        took.sort((a, b) => a - b);
        return { p50: took[Math.floor(took.length * 0.5)] ?? 0, p95: took[Math.floor(took.length * 0.95)] ?? 0 };
      };
      /** How many of a bulk are decided; null: it is over. */
      const progressOf = async (path: string): Promise<number | null> => {
        const { body } = await api.get(path);
        return at(body, 'status') === 'done' ? null : Number(at(body, 'progress.done') ?? 0);
      };
      await decideEach(await pending(perRound)); // warm: the first ones compile
      const pairs: { readonly ours: number; readonly theirs: number }[] = [];
      const leftOver: number[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const bulk = await pending(bulkSize);
        const idle = await decideEach(await pending(perRound));
        const single = await pending(perRound);
        const made = await api.post('/v1/operations', {
          kind: 'referrals.approve',
          ids: bulk.map(({ referralId }) => referralId),
          reason: 'ok',
        });
        if (made.status !== 202) throw new Error(`the bulk was answered ${made.status} ${JSON.stringify(made.body)}`);
        const path = `/v1/operations/${textAt(made.body, 'id')}`;
        await eventually(async () => (await progressOf(path)) !== 0, { within: 60_000 });
        const behind = await decideEach(single);
        const progress = await progressOf(path);
        leftOver.push(progress === null ? 0 : bulkSize - progress);
        await eventually(async () => (await progressOf(path)) === null, { within: 300_000, every: 250 });
        say(
          `round ${round}: idle p50 ${idle.p50.toFixed(0)} p95 ${idle.p95.toFixed(0)} ms; behind the bulk p50 ${behind.p50.toFixed(0)} p95 ${behind.p95.toFixed(0)} ms, ${leftOver.at(-1)} of it left, ${late} ended as 202`,
        );
        pairs.push({ ours: behind.p95, theirs: idle.p95 });
      }
      return [
        {
          name: 'decision',
          against: 'the same idle',
          unit: 'ms, p95',
          goal: '<= 3.0',
          rounds: pairs,
          notes: [
            `${perRound} decisions a round, one after the other, idle and while ${bulkSize} are decided in bulk; ${late} ended as 202`,
            `of the bulk were still undecided when the last single one was answered: ${leftOver.join(', ')}`,
          ],
        },
      ];
    } finally {
      await journeys.close();
    }
  } finally {
    await stack.stop();
  }
}

interface Times {
  readonly p50: number;
  readonly p95: number;
}
