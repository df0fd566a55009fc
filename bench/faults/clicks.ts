import { parseArgs } from 'node:util';
import { eventually } from '../../test/support/eventually.js';
import { seededRandom } from '../../test/faults/workload.js';
import { World } from '../../test/faults/world.js';

// Clicks under kill -9 (TRK-02): `npm run campaign:clicks -- --clicks 100000 --kills 20 --seed 7`. Clients follow one link as fast as it answers;
// meanwhile the API or Postgres is killed without a word and started again, as a supervisor would. Every click that was answered with a redirect
// has to stand in Postgres, once, and to be taken up by its referral. Ends with 1 when one is lost.

const { values } = parseArgs({
  options: {
    clicks: { type: 'string', default: '100000' },
    kills: { type: 'string', default: '20' },
    clients: { type: 'string', default: '32' },
    seed: { type: 'string', default: '7' },
  },
});
const [wanted, kills, clients, seed] = [values.clicks, values.kills, values.clients, values.seed].map(Number);
if (![wanted, kills, clients, seed].every((value) => Number.isInteger(value) && Number(value) > 0))
  throw new Error('npm run campaign:clicks -- --clicks N --kills K --clients C --seed S');
const total = wanted ?? 0;
const killCount = kills ?? 0;
const random = seededRandom(seed ?? 0);

/** Rows looked for with one statement. */
const batch = 5_000;

const world = await World.start();
try {
  const { slug } = await world.affiliate();
  const address = `${world.stack.baseUrl}/r/${slug}`;
  const answered: string[] = [];
  let unanswered = 0;
  let isKilling = false;

  /** One visitor: his click counts here only when he got his redirect. */
  const follow = async (): Promise<void> => {
    try {
      const answer = await fetch(address, {
        redirect: 'manual',
        headers: { 'user-agent': 'Mozilla/5.0', 'sec-fetch-dest': 'document' },
      });
      const id = new URL(answer.headers.get('location') ?? '', address).searchParams.get('click_id');
      if (answer.status === 302 && id !== null) {
        answered.push(id);
        return;
      }
    } catch {
      // the connection broke: nobody was told anything
    }
    unanswered += 1;
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  const client = async (): Promise<void> => {
    while (answered.length < total) await follow();
  };

  const killed = { 'api-0': 0, postgres: 0 };
  const killer = async (): Promise<void> => {
    for (let kill = 1; kill <= killCount; kill += 1) {
      // Spread over the whole, each at a moment that only the seed knows.
      const at = Math.floor((total * (kill - random())) / killCount);
      while (answered.length < at) await new Promise((resolve) => setTimeout(resolve, 5));
      const victim = random() < 0.5 ? 'api-0' : 'postgres';
      isKilling = true;
      await world.stack.kill(victim);
      await world.stack.startAgain(victim);
      isKilling = false;
      killed[victim] += 1;
    }
  };

  const begun = performance.now();
  await Promise.all([killer(), ...Array.from({ length: clients ?? 1 }, client)]);
  const seconds = (performance.now() - begun) / 1_000;
  if (isKilling) throw new Error('a part was killed and not started again');

  const twice = answered.length - new Set(answered).size;
  let stored = 0;
  for (let from = 0; from < answered.length; from += batch)
    stored += (
      await world
        .owner('clicks')
        .whereIn('id', answered.slice(from, from + batch))
        .select('id')
    ).length;
  const lost = answered.length - stored;
  const waiting = await eventually(
    async () => {
      const row = await world
        .owner('clicks')
        .where({ credit: 'credited' })
        .whereNull('taken_up_at')
        .first<{ rows: string }>(world.owner.raw('count(*)::text as rows'));
      return row.rows === '0' ? row.rows : undefined;
    },
    { within: 600_000, every: 500 },
  );
  const result = {
    seed,
    answered: answered.length,
    unanswered,
    stored,
    lost,
    twice,
    waiting: Number(waiting),
    killed,
    seconds: Math.round(seconds),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (lost > 0 || twice > 0) process.exitCode = 1;
} finally {
  await world.stop();
}
