// Row 13 of performance.md, its idle part: one decision from POST to its answer, which is the outcome of the workflow's activity. Behind a bulk
// of 1,000 it may take three times as long; this is what that is three times of.
import { insertApiKey } from '../db/access/apiKey.js';
import { connect } from '../db/connection.js';
import { inWorkspace } from '../db/transaction.js';
import { systemActor } from '../domain/act.js';
import { newId } from '../platform/newId.js';
import { hashToken, newApiKey } from '../platform/secrets.js';
import { apiClient, at } from '../test/support/apiClient.js';
import { LiveStack } from '../test/support/liveStack.js';
import { createJourneys, type Journey, type Journeys } from './journeys.js';
import type { Bench, Measured } from './measure.js';

const rounds = 3;
const perRound = 40;

export const decisionBench: Bench = {
  names: ['decision'],
  what: 'one decision from POST to its answer while nothing else happens: its p95 against its p50',
  takes: '1 minute',
  run,
};

async function run(say: (line: string) => void): Promise<readonly Measured[]> {
  const stack = await LiveStack.start({ env: { LOG_LEVEL: 'warn' } });
  try {
    const journeys = await createJourneys(stack);
    try {
      const key = await makeKey(stack, journeys);
      const api = apiClient(
        () => stack.baseUrl,
        () => key,
      );
      const decide = async ({ referralId }: Journey): Promise<number> => {
        const from = performance.now();
        const answer = await api.post(`/v1/referrals/${referralId}/approve`, { reason: 'ok' });
        if (answer.status !== 200 || at(answer.body, 'status') !== 'approved')
          throw new Error(`a decision was answered ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
        return performance.now() - from;
      };
      const pairs: { readonly ours: number; readonly theirs: number }[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        const all = await journeys.click(perRound);
        await journeys.lead(all);
        await journeys.become(all, 'pending');
        const took: number[] = [];
        for (const journey of all) took.push(await decide(journey));
        took.sort((a, b) => a - b);
        const [p50 = 0, p95 = 0] = [took[Math.floor(took.length * 0.5)], took[Math.floor(took.length * 0.95)]];
        if (round === 0) continue; // warm: the first ones compile
        say(`round ${round}: p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`);
        pairs.push({ ours: p95, theirs: p50 });
      }
      return [
        {
          name: 'decision',
          against: 'its own p50, idle',
          unit: 'ms, p95 against p50',
          goal: '<= 3.0',
          rounds: pairs,
          notes: [
            `${perRound} decisions a round, one after the other, each answered 200 with its outcome; none ended as 202`,
            'the idle part only: behind a bulk of 1,000 is not measured here',
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

async function makeKey(stack: LiveStack, { workspaceId, userId }: Journeys): Promise<string> {
  const db = connect({ url: stack.appUrl, poolSize: 1, applicationName: 'bench' });
  const secret = newApiKey('sk', 'live');
  try {
    await inWorkspace(db, workspaceId, (tx, now) =>
      insertApiKey(
        tx,
        {
          workspaceId,
          mode: 'live',
          now,
          actor: systemActor,
          cause: null,
          reasonCode: null,
          origin: null,
          requestId: null,
          newId,
        },
        {
          id: newId('apiKey'),
          name: 'bench',
          kind: 'secret',
          mode: 'live',
          tokenHash: hashToken(secret),
          hint: secret.slice(-4),
          publicKey: null,
          signingSecret: null,
          permissions: [],
          roleId: 'owner',
          affiliateId: null,
          createdBy: userId,
          expiresOn: null,
          ipRestricted: false,
          ipAllowList: [],
        },
      ),
    );
    return secret;
  } finally {
    await db.destroy();
  }
}
